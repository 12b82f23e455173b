/* The import subcommand: many photos side by side, with progress, going on after bad ones; a second run skips the known. */
#include "import/import.h"
#include "cli/cli.h"
#include "cli/progress.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct refusal {
  size_t row;
  sb_error error;
} refusal;

/* Shared by the threads of one import; `lock` guards what stands below it. */
typedef struct import_job {
  sb_cli *cli;
  sb_engine *engine;
  sb_import *source;
  unsigned flags;
  atomic_size_t next;
  pthread_mutex_t lock;
  size_t enrolled, skipped, warnings;
  size_t refused_count;
  refusal *refused;
  sb_status fatal; /* a trouble of the system, not of a photo: ends the import */
  sb_error fatal_error;
  sb_progress progress;
} import_job;

/* Set by SIGINT: the photos in progress are finished, and what was enrolled stays. */
static volatile sig_atomic_t interrupted;

static void on_interrupt(int number) {
  (void)number;
  interrupted = 1;
}

static void tell_progress(import_job *work, bool last) {
  size_t done = work->enrolled + work->skipped + work->refused_count;
  if (!work->cli->quiet) sb_progress_tell(&work->progress, done, work->source->count, work->refused_count, last);
}

static void note_refusal(import_job *work, size_t row, const sb_error *error) {
  void *grown = work->refused;
  sb_error memory;
  if (sb_grow(&grown, work->refused_count + 1, sizeof *work->refused, &memory) != SB_OK) {
    work->fatal = SB_NO_MEMORY;
    work->fatal_error = memory;
    return;
  }
  work->refused = grown;
  work->refused[work->refused_count++] = (refusal){row, *error};
}

static void note(import_job *work, size_t row, sb_status status, const sb_enrolled *enrolled, const sb_error *error) {
  pthread_mutex_lock(&work->lock);
  if (status == SB_OK) {
    work->enrolled += enrolled->faces_added;
    work->skipped += enrolled->faces_skipped;
    work->warnings += enrolled->duplicate_count > 0;
  } else if (sb_exit_of(status) == SB_EXIT_SYSTEM && status != SB_IO) {
    work->fatal = status;
    work->fatal_error = *error;
  } else {
    note_refusal(work, row, error);
  }
  tell_progress(work, false);
  pthread_mutex_unlock(&work->lock);
}

static bool should_stop(import_job *work) {
  pthread_mutex_lock(&work->lock);
  bool stop = interrupted || work->fatal != SB_OK;
  pthread_mutex_unlock(&work->lock);
  return stop;
}

static void *import_rows(void *context) {
  import_job *work = context;
  size_t row;
  while (!should_stop(work) && (row = atomic_fetch_add(&work->next, 1)) < work->source->count) {
    const sb_import_item *item = &work->source->items[row];
    sb_error error = {0};
    uint8_t *bytes = NULL;
    size_t size = 0;
    sb_enrolled *enrolled = NULL;
    sb_status status = sb_import_read(work->source, item, &bytes, &size, &error);
    if (status == SB_OK) {
      const sb_photo photo = {bytes, size};
      sb_enroll_request request = {.struct_size = sizeof request,
                                   .collection = work->cli->config->collection,
                                   .id = item->id,
                                   .name = item->name,
                                   .photos = &photo,
                                   .photo_count = 1,
                                   .flags = work->flags | SB_ENROLL_ADD | SB_ENROLL_SKIP_KNOWN};
      status = sb_engine_enroll(work->engine, &request, &enrolled, &error);
    }
    note(work, row, status, enrolled, &error);
    sb_enrolled_free(enrolled);
    free(bytes);
  }
  return NULL;
}

static sb_exit report_json(import_job *work, sb_exit code) {
  json_t *refused = json_array();
  for (size_t i = 0; refused && i < work->refused_count; i++) {
    const refusal *r = &work->refused[i];
    /* A path is bytes; JSON is UTF-8: what is not is left out rather than the whole report lost. */
    const char *path = work->source->items[r->row].path;
    bool text = sb_utf8_valid(path, strlen(path));
    json_array_append_new(refused, json_pack("{s:s,s:s,s:s}", "path", text ? path : "", "code",
                                             sb_status_code(r->error.code), "message", r->error.message));
  }
  return sb_cli_print_json(work->cli,
                           json_pack("{s:I,s:I,s:I,s:I,s:o}", "photos", (json_int_t)work->source->count, "enrolled",
                                     (json_int_t)work->enrolled, "skipped", (json_int_t)work->skipped,
                                     "possible_duplicates", (json_int_t)work->warnings, "refused", refused),
                           code);
}

static sb_exit report(import_job *work) {
  if (work->fatal != SB_OK) {
    fprintf(stderr, "%zu photos were enrolled before this; run the same command again to go on\n", work->enrolled);
    return sb_cli_fail(work->cli, work->fatal, &work->fatal_error);
  }
  sb_exit code = work->refused_count || interrupted ? SB_EXIT_REFUSED : SB_EXIT_OK;
  if (work->cli->json) return report_json(work, code);
  printf("%zu enrolled, %zu known already, %zu refused\n", work->enrolled, work->skipped, work->refused_count);
  for (size_t i = 0; i < work->refused_count; i++)
    printf("refused %s: %s\n", work->source->items[work->refused[i].row].path, work->refused[i].error.message);
  if (work->warnings) printf("%zu look like people enrolled under another id\n", work->warnings);
  if (interrupted) puts("interrupted; run the same command again to go on");
  return code;
}

static void run_threads(import_job *work) {
  int wanted = work->cli->config->workers > 0 ? (int)work->cli->config->workers : sb_cpu_workers();
  pthread_t threads[256];
  int started = 0;
  while (started < wanted - 1 && started < 255 && !pthread_create(&threads[started], NULL, import_rows, work))
    started++;
  import_rows(work);
  for (int i = 0; i < started; i++) pthread_join(threads[i], NULL);
}

sb_exit sb_command_import(sb_cli *cli) {
  bool largest = false, any = false, attributes = false;
  const sb_flag flags[] = {{"--largest", SB_FLAG_SWITCH, &largest},
                           {"--any-quality", SB_FLAG_SWITCH, &any},
                           {"--attributes", SB_FLAG_SWITCH, &attributes}};
  if (!SB_FLAGS_TAKE(cli, flags, 1, 1)) return SB_EXIT_USAGE;
  import_job work = {.cli = cli,
                     .lock = PTHREAD_MUTEX_INITIALIZER,
                     .flags = (largest ? SB_ENROLL_LARGEST : 0) | (any ? SB_ENROLL_ANY_QUALITY : 0) |
                              (attributes ? SB_ENROLL_ATTRIBUTES : 0)};
  sb_progress_start(&work.progress);
  sb_error error = {0};
  sb_exit code;
  sb_status status = sb_import_open(cli->words[0], &work.source, &error);
  if (status == SB_OK) status = sb_cli_engine(cli, false, &work.engine, &error);
  if (status == SB_OK) {
    struct sigaction action = {.sa_handler = on_interrupt, .sa_flags = SA_RESTART | (int)SA_RESETHAND};
    sigaction(SIGINT, &action, NULL);
    run_threads(&work);
    tell_progress(&work, true);
    code = report(&work);
  } else {
    code = sb_cli_fail(cli, status, &error);
  }
  sb_engine_free(work.engine);
  free(work.refused);
  sb_import_free(work.source);
  pthread_mutex_destroy(&work.lock);
  return code;
}
