/* Searching a film: its pictures come from the decoder process, faces and tracks from the engine. */
#include "cli/commands/search/search.h"
#include "engine/engine.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { RATE_DEFAULT = 3, HEAD_BYTES = 64, PERCENT_MS = 200 };

static size_t rate_of(const sb_cli_search_options *options) {
  return options->rate ? options->rate : RATE_DEFAULT;
}

/* ---- Is it a film? */

/* A regular file, or -1: what can only be read once is read as a photo. Missing files are left to the photo, too. */
static int open_regular(const char *path) {
  struct stat about;
  int file = strcmp(path, "-") ? open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY) : -1;
  if (file < 0) return -1;
  if (fstat(file, &about) == 0 && S_ISREG(about.st_mode) && about.st_size > 0) return file;
  close(file);
  return -1;
}

static bool is_photo(int file) {
  uint8_t head[HEAD_BYTES];
  ssize_t got = pread(file, head, sizeof head, 0);
  return got <= 0 || sb_photo_is_known(&(sb_photo){head, (size_t)got});
}

sb_status sb_cli_film_prepare(sb_cli *cli, const sb_cli_search_options *options, sb_error *error) {
  const sb_video_options how = {
      .rate = (int)rate_of(options), .keyframes = options->keyframes, .sandbox = cli->config->contain};
  int file = cli->count == 1 && sb_video_available() ? open_regular(cli->words[0]) : -1;
  if (file < 0) return SB_OK;
  sb_status status = is_photo(file) ? SB_OK : sb_video_open(file, &how, &cli->film, error);
  close(file);
  return status;
}

sb_status sb_cli_film_check(sb_cli *cli, bool *is_film, sb_error *error) {
  sb_video_info info;
  sb_error cause = {0};
  *is_film = false;
  if (!cli->film) return SB_OK;
  sb_status status = sb_video_info_get(cli->film, &info, &cause);
  *is_film = status != SB_UNSUPPORTED_IMAGE;
  if (status == SB_OK) return SB_OK;
  sb_video_close(cli->film);
  cli->film = NULL;
  return *is_film ? sb_fail(error, status, "%s", cause.message) : SB_OK;
}

/* ---- Search */

static void print_percent(const sb_cli *cli, const sb_video_info *info, int64_t time_ms, double *printed_ms) {
  double now = sb_monotonic_ms();
  if (cli->quiet || info->duration_ms <= 0 || !isatty(STDERR_FILENO) || now - *printed_ms < PERCENT_MS) return;
  *printed_ms = now;
  fprintf(stderr, "\r%3.0f %% of the film \033[K", 100.0 * (double)time_ms / (double)info->duration_ms);
}

static void clear_percent(double printed_ms) {
  if (printed_ms > 0) fputs("\r\033[K", stderr);
}

static sb_status search_pictures(sb_cli *cli, sb_film *film, const sb_video_info *info, sb_error *error) {
  sb_video_frame frame;
  double printed_ms = 0;
  sb_status status;
  while ((status = sb_video_next(cli->film, &frame, error)) == SB_OK && frame.pixels) {
    const sb_film_picture picture = {frame.pixels,       frame.width,         frame.height,
                                     frame.source_width, frame.source_height, frame.time_ms};
    status = sb_film_add(film, &picture, error);
    if (status != SB_OK) break;
    print_percent(cli, info, frame.time_ms, &printed_ms);
  }
  clear_percent(printed_ms);
  return status;
}

static sb_status print(const sb_cli *cli, const sb_cli_search_options *options, const sb_cli_film *film,
                       sb_error *error) {
  if (cli->json) return sb_cli_film_print_json(film, error);
  if (options->html) return sb_cli_film_print_html(film, error);
  if (options->csv)
    sb_cli_film_print_csv(film);
  else
    sb_cli_film_print_text(film);
  return SB_OK;
}

static bool has_match(const sb_film_result *result) {
  for (size_t i = 0; i < result->count; i++)
    if (result->tracks[i].best.verdict == SB_VERDICT_MATCH) return true;
  return false;
}

static sb_status finish(sb_cli *cli, const sb_cli_search_options *options, sb_film *film, sb_cli_film *report,
                        sb_error *error) {
  sb_film_result *result = NULL;
  sb_status status = sb_film_finish(film, &result, error);
  if (status != SB_OK) return status;
  report->counts = sb_video_counts_get(cli->film);
  report->truncated = sb_video_is_truncated(cli->film);
  report->result = result;
  report->elapsed_ms = sb_monotonic_ms() - report->elapsed_ms;
  status = print(cli, options, report, error);
  if (status == SB_OK && !has_match(result)) cli->exit = SB_EXIT_NEGATIVE;
  sb_film_result_free(result);
  return status;
}

sb_status sb_cli_film_search(sb_cli *cli, const sb_cli_search_options *options, sb_error *error) {
  sb_cli_film report = {.path = cli->words[0],
                        .rate = rate_of(options),
                        .keyframes = options->keyframes,
                        .elapsed_ms = sb_monotonic_ms()};
  sb_film *film = NULL;
  sb_status status = sb_video_info_get(cli->film, &report.info, error);
  if (status != SB_OK) return status;
  status = sb_cli_open_engine(cli, SB_CLI_ONE_PHOTO, error);
  if (status != SB_OK) return status;
  const sb_film_request request = {.struct_size = sizeof request,
                                   .collection = cli->config->collection,
                                   .k = options->k,
                                   .target = sb_cli_operating_point(cli, cli->engine),
                                   .pictures = options->html};
  status = sb_film_new(cli->engine, &request, &film, error);
  if (status == SB_OK) status = search_pictures(cli, film, &report.info, error);
  if (status == SB_OK) status = finish(cli, options, film, &report, error);
  sb_film_free(film);
  return status;
}
