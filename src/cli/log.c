/* The log on standard error, one line of text or one JSON object per message. A server never blocks on its log: while
 * nothing reads standard error, messages are dropped and counted, and the count is logged as soon as reading resumes.
 */
#include "cli/log.h"
#include "json/write.h"

#include <jansson.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PATIENCE_MS = 50, LINE_MAX_BYTES = 16384 };

static const char *const levels[] = {"debug", "info", "warning", "error"};

typedef size_t (*line_writer)(char *out, size_t size, const sb_log_line *line);

static struct {
  pthread_mutex_t lock;
  line_writer write;
  bool waits;  /* for a slow reader; a server does not */
  size_t lost; /* messages dropped since the last one that was written */
} stream = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* The length that snprintf wrote, which may be less than it wanted to. */
static size_t within(int length, size_t size) {
  return length < 0 ? 0 : (size_t)length < size ? (size_t)length : size - 1;
}

static size_t write_text(char *out, size_t size, const sb_log_line *line) {
  char now[32];
  bool of_request = *line->request;
  sb_time_iso(sb_now_ms(), now);
  return within(snprintf(out, size, "%s %s %s%s%s%s\n", now, levels[line->level], of_request ? "[" : "", line->request,
                         of_request ? "] " : "", line->message),
                size);
}

/* jansson is used for the message only: the other members need no escaping. */
static size_t write_json(char *out, size_t size, const sb_log_line *line) {
  char now[32];
  json_t *text = json_string(line->message);
  char *message = text ? sb_json_write(text) : NULL;
  json_decref(text);
  sb_time_iso(sb_now_ms(), now);
  int length =
      snprintf(out, size, "{\"time\":\"%s\",\"level\":\"%s\"%s%s%s,\"message\":%s%s%s}\n", now, levels[line->level],
               *line->request ? ",\"request\":\"" : "", line->request, *line->request ? "\"" : "",
               message ? message : "\"(not valid text)\"", *line->fields ? "," : "", line->fields);
  free(message);
  return within(length, size);
}

/* Writes a line in one call, so that the lines of several processes do not mix. There is nowhere to report a failure.
 */
static void put(const sb_log_line *line) {
  char text[LINE_MAX_BYTES];
  size_t size = stream.write(text, sizeof text, line);
  for (size_t at = 0; at < size;) {
    ssize_t done = write(STDERR_FILENO, text + at, size - at);
    if (done <= 0) return;
    at += (size_t)done;
  }
}

/* Can a line be written without blocking? After the reader stopped, the first line waits PATIENCE_MS: it may only be
 * slow. */
static bool has_room(void) {
  struct pollfd errors = {.fd = STDERR_FILENO, .events = POLLOUT};
  return stream.waits || poll(&errors, 1, stream.lost ? 0 : PATIENCE_MS) != 0;
}

static void log_line(void *context, const sb_log_line *line) {
  (void)context;
  pthread_mutex_lock(&stream.lock);
  bool room = has_room();
  if (room && stream.lost) {
    char message[96];
    snprintf(message, sizeof message, "%zu log lines were dropped: nothing read them", stream.lost);
    stream.lost = 0;
    put(&(sb_log_line){SB_LOG_WARNING, "", message, ""});
    room = has_room();
  }
  if (room)
    put(line);
  else
    stream.lost++;
  pthread_mutex_unlock(&stream.lock);
}

sb_status sb_cli_log_start(const sb_config *config, bool server, sb_error *error) {
  bool json = !strcmp(config->log_format, "json");
  size_t level = 0;
  while (level < sizeof levels / sizeof *levels && strcmp(config->log_level, levels[level]) != 0) level++;
  if (level == sizeof levels / sizeof *levels)
    return sb_fail(error, SB_INVALID, "--log-level is debug, info, warning or error");
  if (!json && strcmp(config->log_format, "text") != 0)
    return sb_fail(error, SB_INVALID, "--log-format is text or json");
  stream.write = json ? write_json : write_text;
  stream.waits = !server;
  sb_log_set(log_line, NULL, server || level == SB_LOG_DEBUG ? (sb_log_level)level : SB_LOG_ERROR);
  return SB_OK;
}
