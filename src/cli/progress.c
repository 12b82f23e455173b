#include "cli/progress.h"

#include <stdio.h>
#include <unistd.h>

void sb_progress_start(sb_progress *progress) {
  progress->started_ms = progress->told_ms = sb_monotonic_ms();
}

void sb_progress_tell(sb_progress *progress, size_t done, size_t total, size_t refused, bool last) {
  enum { WIDTH = 30 };
  bool terminal = isatty(STDERR_FILENO);
  double now = sb_monotonic_ms();
  if (!last && now - progress->told_ms < (terminal ? 100 : 5000)) return;
  progress->told_ms = now;
  double seconds = (now - progress->started_ms) / 1000, rate = seconds > 0 ? (double)done / seconds : 0;
  double left = rate > 0 ? (double)(total - done) / rate : 0;
  if (terminal) {
    int filled = total ? (int)(done * WIDTH / total) : WIDTH;
    fprintf(stderr, "\r[%.*s%*s] %zu/%zu, %zu refused, %.1f/s, %d:%02d left \033[K%s", filled,
            "##############################", WIDTH - filled, "", done, total, refused, rate, (int)left / 60,
            (int)left % 60, last ? "\n" : "");
  } else {
    fprintf(stderr, "%zu of %zu photos, %zu refused, %.1f/s, %.0f s left\n", done, total, refused, rate, left);
  }
}
