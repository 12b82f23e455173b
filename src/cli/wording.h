/* Numbers and results in the words that the program prints. */
#ifndef SB_CLI_WORDING_H
#define SB_CLI_WORDING_H

#include "base/base.h"
#include "crypto/crypto.h"

const char *sb_cli_verdict(sb_verdict verdict); /* "match", "not sure" or "no match" */
/* What is wrong with a face of poor quality. */
const char *sb_cli_quality_problem(const sb_quality *quality);
/* Why nobody is named where a face looks like a child's, and what to do. */
const char *sb_cli_child_text(void);
/* Why the verdict of a face is "not sure". */
const char *sb_cli_unsure_reason(const sb_search_face *face);
/* Where the root key comes from: "semblance.key in the gallery's folder". */
const char *sb_cli_key_origin(sb_root_origin origin);
/* A size as "1.4 GB". */
void sb_cli_bytes(double bytes, char text[32]);
/* The singular for a count of one, else the plural. */
static inline const char *sb_cli_plural(size_t count, const char *one, const char *many) {
  return count == 1 ? one : many;
}

/* Appends text to a page of HTML with &, <, > and quotes escaped; if the text is not UTF-8, its bytes beyond ASCII
 * become question marks. */
sb_status sb_cli_html_text(sb_buffer *page, const char *text, sb_error *error);

/* Prints a cell of CSV (RFC 4180), quoted where it has to be, and the comma or the end of the line behind it. */
void sb_cli_csv_cell(const char *text, size_t size, bool last);

#endif
