#include "cli/photo_batch.h"

#include "cli/progress.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>

/* Shared by the threads; `lock` guards what stands below it. */
typedef struct gathering {
  const sb_cli *cli;
  sb_engine *engine;
  unsigned want;
  sb_gathered *photos;
  size_t count;
  atomic_size_t next;
  pthread_mutex_t lock;
  size_t done, refused;
  sb_error fatal; /* code SB_OK: none */
  sb_progress progress;
} gathering;

static volatile sig_atomic_t interrupted;

static void on_interrupt(int number) {
  (void)number;
  interrupted = 1;
}

static void note(gathering *work, sb_gathered *photo, sb_status status) {
  pthread_mutex_lock(&work->lock);
  work->done++;
  work->refused += status != SB_OK;
  if (status != SB_OK && sb_exit_of(status) == SB_EXIT_SYSTEM && status != SB_IO) work->fatal = photo->error;
  if (!work->cli->quiet) sb_progress_tell(&work->progress, work->done, work->count, work->refused, false);
  pthread_mutex_unlock(&work->lock);
}

static bool should_stop(gathering *work) {
  pthread_mutex_lock(&work->lock);
  bool stop = interrupted || work->fatal.code != SB_OK;
  pthread_mutex_unlock(&work->lock);
  return stop;
}

static void *gather_some(void *context) {
  gathering *work = context;
  size_t i;
  while (!should_stop(work) && (i = atomic_fetch_add(&work->next, 1)) < work->count) {
    sb_gathered *photo = &work->photos[i];
    sb_find_request request = {.struct_size = sizeof request, .want = work->want};
    sb_status status = sb_cli_photo_read(photo->path, &request.photo, &photo->error);
    if (status == SB_OK) status = sb_engine_find_faces(work->engine, &request, &photo->faces, &photo->error);
    if (status == SB_OK && !photo->faces->count) status = sb_fail(&photo->error, SB_NO_FACE, "no face was found");
    note(work, photo, status);
    sb_cli_photo_free(&request.photo);
  }
  return NULL;
}

sb_status sb_gather(const sb_cli *cli, sb_engine *engine, unsigned want, sb_gathered *photos, size_t count,
                    sb_error *error) {
  enum { THREADS_MAX = 256 };
  gathering work = {
      .cli = cli, .engine = engine, .want = want, .photos = photos, .count = count, .lock = PTHREAD_MUTEX_INITIALIZER};
  struct sigaction action = {.sa_handler = on_interrupt, .sa_flags = SA_RESTART | (int)SA_RESETHAND};
  sigaction(SIGINT, &action, NULL);
  int wanted = cli->config->workers > 0 ? (int)cli->config->workers : sb_cpu_workers(), started = 0;
  pthread_t threads[THREADS_MAX];
  sb_progress_start(&work.progress);
  while (started < wanted - 1 && started < THREADS_MAX && !pthread_create(&threads[started], NULL, gather_some, &work))
    started++;
  gather_some(&work);
  for (int i = 0; i < started; i++) pthread_join(threads[i], NULL);
  if (!cli->quiet) sb_progress_tell(&work.progress, work.done, count, work.refused, true);
  pthread_mutex_destroy(&work.lock);
  if (work.fatal.code != SB_OK) return sb_fail(error, work.fatal.code, "%s", work.fatal.message);
  return interrupted ? sb_fail(error, SB_INVALID, "interrupted") : SB_OK;
}

void sb_gathered_free(sb_gathered *photos, size_t count) {
  for (size_t i = 0; photos && i < count; i++) sb_faces_free(photos[i].faces);
  free(photos);
}
