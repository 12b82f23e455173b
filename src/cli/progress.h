/* Progress on standard error: for photos a bar with rate and time left on a terminal, plain lines otherwise; for rows
 * of a database a counter on a terminal. */
#ifndef SB_CLI_PROGRESS_H
#define SB_CLI_PROGRESS_H

#include "base/base.h"

/* One thread at a time. */
typedef struct sb_cli_progress {
  double started_ms, printed_ms;
} sb_cli_progress;
void sb_cli_progress_start(sb_cli_progress *progress);
/* Prints only if some time has passed since the last call that printed, or with `last`. */
void sb_cli_progress_print(sb_cli_progress *progress, size_t done, size_t total, size_t refused, bool last);

/* Prints how many rows of a table are done; a callback of the engine. `context` is the sb_cli, whose --quiet and
 * --json silence it. Returns true: continue. */
bool sb_cli_progress_rows(void *context, const char *table, size_t done);

#endif
