/* Reading JSON that is not trusted: its size, depth and number of values are bounded before the parser takes memory
 * for them. */
#ifndef SB_JSON_READ_H
#define SB_JSON_READ_H

#include <jansson.h>
#include <semblance/semblance.h>

typedef struct sb_json_limits {
  size_t size;   /* bytes of text */
  size_t depth;  /* objects and lists in each other */
  size_t values; /* members and items, all together */
} sb_json_limits;

/* Parses a JSON value; NULL with `error` filled (NULL allowed): SB_TOO_LARGE beyond a limit, SB_INVALID with line
 * and column for what is not JSON or has a member twice. `what` names the text in messages ("the body"). Texts may
 * hold NUL. */
json_t *sb_json_read(const char *text, size_t size, const sb_json_limits *limits, const char *what, sb_error *error);
/* Bytes from hex digits of exactly twice `size` lower-case characters; false for all else. */
bool sb_json_read_hex(const json_t *object, const char *key, uint8_t *bytes, size_t size);
/* Text that fits `out` with its NUL; false for all else. */
bool sb_json_read_text(const json_t *object, const char *key, char *out, size_t size);

#endif
