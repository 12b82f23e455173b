/* Work on many photos: each thread takes the next one that is left. */
#include "cli/batch.h"
#include "cli/progress.h"
#include "engine/engine.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { THREADS_MAX = 256 };

/* Shared by the threads; `lock` guards what follows it, and batch->refused. */
typedef struct shared {
  sb_cli_batch *batch;
  atomic_size_t next;
  pthread_mutex_t lock;
  size_t done;
  sb_error failure; /* of the system; code SB_OK: none */
  sb_cli_progress progress;
} shared;

/* Set by SIGINT. A second SIGINT ends the process. */
static volatile sig_atomic_t interrupted;

static void on_interrupt(int number) {
  (void)number;
  interrupted = 1;
}

static void note_result(shared *s, sb_status status, const sb_error *error) {
  pthread_mutex_lock(&s->lock);
  s->done++;
  s->batch->refused += status != SB_OK;
  /* An unreadable file is one photo's trouble, although SB_IO counts as the system's. */
  if (status != SB_OK && sb_cli_exit_of(status) == SB_EXIT_SYSTEM && status != SB_IO) s->failure = *error;
  if (!s->batch->cli->quiet) sb_cli_progress_print(&s->progress, s->done, s->batch->count, s->batch->refused, false);
  pthread_mutex_unlock(&s->lock);
}

/* After Ctrl-C or a failure of the system no thread takes another photo. */
static bool should_stop(shared *s) {
  pthread_mutex_lock(&s->lock);
  bool stop = interrupted || s->failure.code != SB_OK;
  pthread_mutex_unlock(&s->lock);
  return stop;
}

static void *visit_photos(void *context) {
  shared *s = context;
  size_t index;
  while (!should_stop(s) && (index = atomic_fetch_add(&s->next, 1)) < s->batch->count) {
    sb_error error = {0};
    sb_status status = s->batch->visit(s->batch->context, index, &error);
    note_result(s, status, &error);
  }
  return NULL;
}

sb_status sb_cli_batch_run(sb_cli_batch *batch, sb_error *error) {
  shared s = {.batch = batch, .lock = PTHREAD_MUTEX_INITIALIZER};
  struct sigaction action = {.sa_handler = on_interrupt, .sa_flags = SA_RESTART | (int)SA_RESETHAND};
  sigaction(SIGINT, &action, NULL);
  int workers = (int)batch->cli->config->workers, wanted = workers > 0 ? workers : sb_cpu_workers(), started = 0;
  pthread_t threads[THREADS_MAX];
  sb_cli_progress_start(&s.progress);
  while (started < wanted - 1 && started < THREADS_MAX && !pthread_create(&threads[started], NULL, visit_photos, &s))
    started++;
  visit_photos(&s); /* this thread works, too */
  for (int i = 0; i < started; i++) pthread_join(threads[i], NULL);
  if (!batch->cli->quiet) sb_cli_progress_print(&s.progress, s.done, batch->count, batch->refused, true);
  pthread_mutex_destroy(&s.lock);
  batch->interrupted = interrupted;
  return s.failure.code == SB_OK ? SB_OK : sb_fail(error, s.failure.code, "%s", s.failure.message);
}

/* ---- Finding faces in many photos */

typedef struct finder {
  sb_engine *engine;
  unsigned want;
  sb_cli_photo_faces *photos;
} finder;

static sb_status find_faces(void *context, size_t index, sb_error *error) {
  const finder *f = context;
  sb_cli_photo_faces *photo = &f->photos[index];
  sb_find_request request = {.struct_size = sizeof request, .want = f->want};
  sb_status status = sb_cli_photo_read(photo->path, &request.photo, &photo->error);
  if (status != SB_OK) goto done;
  status = sb_engine_find_faces(f->engine, &request, &photo->faces, &photo->error);
  if (status == SB_OK && !photo->faces->count) status = sb_engine_fail_no_face(NULL, &photo->error);
done:
  sb_cli_photo_free(&request.photo);
  if (status != SB_OK) *error = photo->error;
  return status;
}

sb_status sb_cli_batch_find_faces(sb_cli *cli, unsigned want, sb_cli_photo_faces *photos, size_t count,
                                  sb_error *error) {
  finder f = {.engine = cli->engine, .want = want, .photos = photos};
  sb_cli_batch batch = {.cli = cli, .count = count, .visit = find_faces, .context = &f};
  sb_status status = sb_cli_batch_run(&batch, error);
  return status == SB_OK && batch.interrupted ? sb_fail(error, SB_INVALID, "interrupted") : status;
}

void sb_cli_photo_faces_free(sb_cli_photo_faces *photos, size_t count) {
  for (size_t i = 0; photos && i < count; i++) sb_faces_free(photos[i].faces);
  free(photos);
}
