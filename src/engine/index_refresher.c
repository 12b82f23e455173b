/* Index refresher: a server that nobody asks would fall behind its database, and the next search would have to catch
 * up. This thread syncs the indexes when the database notifies of changes, and once a second in any case. Correctness
 * does not depend on it: every search syncs first (collection_indexes.c). The operating point that an admin chose on
 * another server arrives only through it. */
#include "engine/index_refresher.h"

#include "engine/collection_indexes.h"
#include "engine/internal.h"

#include <stdlib.h>
#include <time.h>

enum {
  PERIOD_MS = 1000,
  SETTLE_MS = 50 /* notifications come in bursts: one sync after this pause serves all of them */
};

struct sb_engine_refresher {
  sb_engine *engine;
  sb_store_watch *watch;
  pthread_t thread;
};

/* Logs when following stops working and when it works again, not each failure in between. */
static void log_change(bool *well, sb_status status, const sb_error *error) {
  if (*well && status != SB_OK)
    sb_log(SB_LOG_WARNING, "cannot follow the database at present: %s", error->message);
  else if (!*well && status == SB_OK)
    sb_log(SB_LOG_INFO, "the server follows the database again");
  *well = status == SB_OK;
}

static sb_status refresh(sb_engine *engine, sb_error *error) {
  sb_status status = sb_engine_operating_point_refresh(engine, error);
  if (status != SB_OK) return status;
  /* -1: warming up fills the indexes, or the database searches and there is nothing to keep in step. */
  return sb_collection_indexes_age_ms(engine->indexes) >= 0 ? sb_collection_indexes_sync(engine->indexes, error)
                                                            : SB_OK;
}

static void *run(void *context) {
  sb_engine_refresher *refresher = context;
  bool well = true;
  for (;;) {
    sb_error error = {0};
    sb_status status = sb_store_watch_wait(refresher->watch, PERIOD_MS, &error);
    if (status == SB_STOPPING) return NULL;
    nanosleep(&(struct timespec){0, SETTLE_MS * 1000000L}, NULL);
    if (status == SB_OK) status = refresh(refresher->engine, &error);
    log_change(&well, status, &error);
  }
}

sb_status sb_engine_refresher_start(sb_engine *engine, sb_engine_refresher **out, sb_error *error) {
  sb_store_watch *watch = NULL;
  sb_status status = sb_store_watch_new(engine->store, &watch, error);
  if (status != SB_OK || !watch) return *out = NULL, status;
  sb_engine_refresher *refresher = sb_alloc(1, sizeof *refresher, error);
  if (!refresher) {
    sb_store_watch_free(watch);
    return SB_NO_MEMORY;
  }
  refresher->engine = engine;
  refresher->watch = watch;
  int failure = pthread_create(&refresher->thread, NULL, run, refresher);
  if (!failure) return *out = refresher, SB_OK;
  sb_store_watch_free(watch);
  free(refresher);
  return sb_fail_errno(error, failure, "start the thread that follows the database", NULL);
}

void sb_engine_refresher_stop(sb_engine_refresher *refresher) {
  if (!refresher) return;
  sb_store_cancel_waits(refresher->engine->store);
  pthread_join(refresher->thread, NULL);
  sb_store_watch_free(refresher->watch);
  free(refresher);
}
