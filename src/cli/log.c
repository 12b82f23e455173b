/* The log on standard error: a line of text, or a JSON object a line. */
#include "cli/cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const levels[] = {"debug", "info", "warning", "error"};

static void log_text(void *context, const sb_log_line *line) {
  (void)context;
  char now[32];
  sb_time_iso(sb_now_ms(), now);
  if (*line->request)
    fprintf(stderr, "%s %s [%s] %s\n", now, levels[line->level], line->request, line->message);
  else
    fprintf(stderr, "%s %s %s\n", now, levels[line->level], line->message);
}

/* One write a line, so that lines of several threads do not mix. */
static void log_json(void *context, const sb_log_line *line) {
  (void)context;
  char now[32];
  json_t *text = json_string(line->message);
  char *message = text ? json_dumps(text, JSON_ENCODE_ANY) : NULL;
  json_decref(text);
  sb_time_iso(sb_now_ms(), now);
  fprintf(stderr, "{\"time\":\"%s\",\"level\":\"%s\"%s%s%s,\"message\":%s%s%s}\n", now, levels[line->level],
          *line->request ? ",\"request\":\"" : "", line->request, *line->request ? "\"" : "",
          message ? message : "\"(not valid text)\"", *line->fields ? "," : "", line->fields);
  free(message);
}

sb_status sb_cli_log(const sb_config *config, bool server, sb_error *error) {
  bool json = !strcmp(config->log_format, "json");
  size_t level = 0;
  while (level < sizeof levels / sizeof *levels && strcmp(config->log_level, levels[level]) != 0) level++;
  if (level == sizeof levels / sizeof *levels)
    return sb_fail(error, SB_INVALID, "--log-level is debug, info, warning or error");
  if (!json && strcmp(config->log_format, "text") != 0)
    return sb_fail(error, SB_INVALID, "--log-format is text or json");
  sb_log_set(json ? log_json : log_text, NULL, server || level == SB_LOG_DEBUG ? (sb_log_level)level : SB_LOG_ERROR);
  return SB_OK;
}
