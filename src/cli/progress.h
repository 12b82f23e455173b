/* Progress of work on many photos, on standard error: a bar with rate and time left on a terminal, plain lines otherwise. */
#ifndef SB_CLI_PROGRESS_H
#define SB_CLI_PROGRESS_H

#include "base/base.h"

/* One thread at a time. */
typedef struct sb_progress {
  double started_ms, told_ms;
} sb_progress;
void sb_progress_start(sb_progress *progress);
/* Tells only when some time has gone by since the last, or with `last`. */
void sb_progress_tell(sb_progress *progress, size_t done, size_t total, size_t refused, bool last);

#endif
