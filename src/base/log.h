/* Logging. Lines go to one sink, which the program sets; a library that nobody gave a sink is silent. A log line never
 * contains a name, an id, an image, a face template or a key. */
#ifndef SB_BASE_LOG_H
#define SB_BASE_LOG_H

#include <semblance/semblance.h>

typedef enum sb_log_level { SB_LOG_DEBUG, SB_LOG_INFO, SB_LOG_WARNING, SB_LOG_ERROR } sb_log_level;

typedef struct sb_log_line {
  sb_log_level level;
  const char *request; /* the id set by sb_log_request, or "" */
  const char *message;
  const char *fields; /* the message's data for programs: members of a JSON object without its braces, or "" */
} sb_log_line;
typedef void (*sb_log_sink)(void *context, const sb_log_line *line);

/* Sets the sink; NULL: silent. Lines below `least` are dropped. Call it at start, before threads exist. */
void sb_log_set(sb_log_sink sink, void *context, sb_log_level least);
SB_PRINTF(2, 3) void sb_log(sb_log_level level, const char *format, ...);
SB_PRINTF(3, 4) void sb_log_with(sb_log_level level, const char *fields, const char *format, ...);
/* The id of the request that this thread works for, added to each of its log lines until "" ends it. Copied (31 bytes
 * at most). */
void sb_log_request(const char *request_id);

#endif
