/* Building and writing JSON, the same for `--json` of the program and for the HTTP API. */
#ifndef SB_JSON_WRITE_H
#define SB_JSON_WRITE_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

/* The text of a value without white space; NULL when out of memory, or for NULL. Released by free(). Numbers have
 * the fewest digits that read back as the same double (jansson's own writer has a fixed number of digits). Takes one
 * thread's stack for each level. */
char *sb_json_write(const json_t *json);
/* The same for people to read: each member and item on a line of its own. */
char *sb_json_write_indented(const json_t *json);
/* A double as it is written there: "0.1", "1.0", "1e+22". Also "inf" and "nan", which JSON does not have. */
enum { SB_JSON_REAL_TEXT = 40 };
void sb_json_real_text(double value, char out[SB_JSON_REAL_TEXT]);

/* ---- Sticky building. A failure (out of memory, text that is not UTF-8) releases the object or list and leaves
 * NULL, and NULL stays NULL, so that a run of calls needs one check at its end; the functions that reply or print
 * take NULL as "out of memory". `value` is taken over, whatever happens. jansson's json_pack is sticky in the same
 * way. */

void sb_json_set(json_t **object, const char *key, json_t *value);
void sb_json_append(json_t **list, json_t *value);

/* ---- Values; each gives a new reference, or NULL when out of memory. */

/* The shortest number that reads back as the same float: 0.1f is 0.1, not 0.10000000149011612. */
json_t *sb_json_float(float value);
json_t *sb_json_floats(const float *values, size_t count);
json_t *sb_json_rounded(double value, int decimals);    /* to decimal places */
json_t *sb_json_significant(double value, int digits);  /* to significant digits; not finite: 0 */
json_t *sb_json_time(int64_t unix_ms);                  /* "2026-11-24T08:41:27.000Z"; null for 0 */
json_t *sb_json_hex(const uint8_t *bytes, size_t size); /* at most 64 bytes */
json_t *sb_json_base64(const uint8_t *bytes, size_t size);
/* The first `size` bytes of a path, which may be any bytes; "" where they are not UTF-8, so that one odd name does
 * not cost the whole report. */
json_t *sb_json_path(const char *path, size_t size);

#endif
