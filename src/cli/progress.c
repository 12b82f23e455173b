/* Progress on standard error. */
#include "cli/progress.h"
#include "cli/cli.h"

#include <stdio.h>
#include <unistd.h>

enum { BAR_WIDTH = 30, TERMINAL_MS = 100, LINES_MS = 5000 }; /* time between two prints */

void sb_cli_progress_start(sb_cli_progress *progress) {
  progress->started_ms = progress->printed_ms = sb_monotonic_ms();
}

void sb_cli_progress_print(sb_cli_progress *progress, size_t done, size_t total, size_t refused, bool last) {
  bool terminal = isatty(STDERR_FILENO);
  double now = sb_monotonic_ms();
  if (!last && now - progress->printed_ms < (terminal ? TERMINAL_MS : LINES_MS)) return;
  progress->printed_ms = now;
  double seconds = (now - progress->started_ms) / 1000, rate = seconds > 0 ? (double)done / seconds : 0;
  double left = rate > 0 ? (double)(total - done) / rate : 0;
  if (terminal) {
    int filled = total ? (int)(done * BAR_WIDTH / total) : BAR_WIDTH;
    fprintf(stderr, "\r[%.*s%*s] %zu/%zu, %zu refused, %.1f/s, %d:%02d left \033[K%s", filled,
            "##############################", BAR_WIDTH - filled, "", done, total, refused, rate, (int)left / 60,
            (int)left % 60, last ? "\n" : "");
  } else {
    fprintf(stderr, "%zu of %zu photos, %zu refused, %.1f/s, %.0f s left\n", done, total, refused, rate, left);
  }
}

bool sb_cli_progress_rows(void *context, const char *table, size_t done) {
  const sb_cli *cli = context;
  if (!cli->quiet && !cli->json && isatty(STDERR_FILENO)) fprintf(stderr, "\r%s: %zu rows ", table, done);
  return true;
}
