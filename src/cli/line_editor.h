/* Lines from a terminal, with a history that lasts as long as the prompt: statements hold names, which are kept nowhere. */
#ifndef SB_CLI_LINE_EDITOR_H
#define SB_CLI_LINE_EDITOR_H

#include "base/base.h"

/* One thread. */
typedef struct sb_line_history {
  size_t count;
  char **lines;
} sb_line_history;
void sb_line_history_add(sb_line_history *history, const char *line); /* nothing when out of memory */
void sb_line_history_free(sb_line_history *history);

typedef enum sb_line_end {
  SB_LINE_OK,
  SB_LINE_CANCELLED /* ctrl-C */,
  SB_LINE_CLOSED /* ctrl-D, end of input */
} sb_line_end;
/* Reads a line from the terminal into `line` (emptied first; without its line break), editing it with the arrow keys. */
sb_line_end sb_line_read(const char *prompt, const sb_line_history *history, sb_buffer *line);

#endif
