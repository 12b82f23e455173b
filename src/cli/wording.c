/* Numbers and results in words, and text in HTML and CSV. */
#include "cli/wording.h"

#include "engine/quality_text.h"

#include <stdio.h>
#include <string.h>

const char *sb_cli_verdict(sb_verdict verdict) {
  switch (verdict) {
  case SB_VERDICT_MATCH: return "match";
  case SB_VERDICT_UNSURE: return "not sure";
  case SB_VERDICT_NONE: return "no match";
  }
  return "";
}

const char *sb_cli_quality_problem(const sb_quality *quality) {
  return sb_engine_quality_problem(sb_quality_weakest(quality));
}

const char *sb_cli_child_text(void) {
  return "a face looks like a child's, and children look alike to the models; a person must decide (--children match "
         "treats children like adults)";
}

const char *sb_cli_unsure_reason(const sb_search_face *face) {
  switch (face->reason) {
  case SB_REASON_QUALITY: return sb_cli_quality_problem(&face->face.quality);
  case SB_REASON_LIVENESS: return "it looks like a picture or a screen, not a person";
  case SB_REASON_CHILD: return sb_cli_child_text();
  case SB_REASON_SCORE:
  case SB_REASON_NONE: break;
  }
  return "the most similar person is not similar enough";
}

const char *sb_cli_key_origin(sb_root_origin origin) {
  switch (origin) {
  case SB_ROOT_ENVIRONMENT: return "SEMBLANCE_KEY";
  case SB_ROOT_NAMED_FILE: return "the file that SEMBLANCE_KEY_FILE names";
  case SB_ROOT_CREDENTIAL: return "a systemd credential";
  case SB_ROOT_FILE: return "semblance.key in the gallery's folder";
  }
  return "";
}

void sb_cli_bytes(double bytes, char text[32]) {
  static const char *const units[] = {"bytes", "kB", "MB", "GB", "TB"};
  size_t unit = 0;
  while (bytes >= 1000 && unit + 1 < sizeof units / sizeof *units) bytes /= 1000, unit++;
  snprintf(text, 32, unit ? "%.1f %s" : "%.0f %s", bytes, units[unit]);
}

sb_status sb_cli_html_text(sb_buffer *page, const char *text, sb_error *error) {
  bool valid = sb_utf8_valid(text, strlen(text));
  for (; *text; text++) {
    const char *piece = *text == '&'               ? "&amp;"
                        : *text == '<'             ? "&lt;"
                        : *text == '>'             ? "&gt;"
                        : *text == '"'             ? "&quot;"
                        : *text == '\''            ? "&#39;"
                        : !valid && (*text & 0x80) ? "?"
                                                   : NULL;
    sb_status status = piece ? sb_buffer_add(page, piece, strlen(piece), error) : sb_buffer_add(page, text, 1, error);
    if (status != SB_OK) return status;
  }
  return SB_OK;
}

void sb_cli_csv_cell(const char *text, size_t size, bool last) {
  bool quoted = false;
  for (size_t i = 0; !quoted && i < size; i++) quoted = strchr(",\"\r\n", text[i]) != NULL;
  if (quoted) putchar('"');
  for (size_t i = 0; i < size; i++) {
    if (text[i] == '"') putchar('"');
    putchar(text[i]);
  }
  if (quoted) putchar('"');
  fputs(last ? "\r\n" : ",", stdout);
}
