/* A server that nobody asks would fall behind, and the next search would have to catch up. This thread looks when the database
 * calls, and every second in any case. That searches find who is there does not depend on it: each looks first (gallery.c). How sure
 * a match must be, where an admin chose it on another server, comes here alone. */
#include "engine/engine.h"

#include <stdlib.h>
#include <time.h>

enum {
  LOOK_MS = 1000,
  GATHER_MS = 50 /* calls come in swarms; a look for all of them is enough */
};

struct sb_index_refresher {
  sb_engine *engine;
  sb_store_watch *watch;
  pthread_t thread;
};

static void note(bool *well, sb_status status, const sb_error *error) {
  if (*well && status != SB_OK)
    sb_log(SB_LOG_WARNING, "the server cannot follow the database, now: %s", error->message);
  else if (!*well && status == SB_OK)
    sb_log(SB_LOG_INFO, "the server follows the database again");
  *well = status == SB_OK;
}

static void *run(void *context) {
  sb_index_refresher *follower = context;
  bool well = true;
  for (;;) {
    sb_error error = {0};
    sb_status status = sb_store_watch_wait(follower->watch, LOOK_MS, &error);
    if (status == SB_STOPPING) return NULL;
    nanosleep(&(struct timespec){0, GATHER_MS * 1000000L}, NULL);
    if (status == SB_OK) status = sb_engine_target_refresh(follower->engine, &error);
    /* The gallery is filled by who warms the server up; where the database searches there is nothing to keep in step. */
    if (status == SB_OK && sb_gallery_age_ms(follower->engine->gallery) >= 0)
      status = sb_gallery_sync(follower->engine->gallery, &error);
    note(&well, status, &error);
  }
}

sb_status sb_index_refresher_start(sb_engine *engine, sb_index_refresher **out, sb_error *error) {
  sb_store_watch *watch = NULL;
  sb_status status = sb_store_watch_new(engine->store, &watch, error);
  if (status != SB_OK || !watch) return *out = NULL, status;
  sb_index_refresher *follower = sb_alloc(1, sizeof *follower, error);
  if (!follower) {
    sb_store_watch_free(watch);
    return SB_NO_MEMORY;
  }
  follower->engine = engine;
  follower->watch = watch;
  int failure = pthread_create(&follower->thread, NULL, run, follower);
  if (!failure) return *out = follower, SB_OK;
  sb_store_watch_free(watch);
  free(follower);
  return sb_fail_errno(error, failure, "start the thread that follows the database", NULL);
}

void sb_index_refresher_stop(sb_index_refresher *follower) {
  if (!follower) return;
  sb_store_cancel_waits(follower->engine->store);
  pthread_join(follower->thread, NULL);
  sb_store_watch_free(follower->watch);
  free(follower);
}
