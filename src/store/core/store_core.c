/* Connection, lock and snapshots of a store, and readers: further connections that only read.
 *
 * Readers exist so that a request does not wait for the store's lock: authentication (gallery/access.c), searches by
 * the database, waiting for notifications, and long statements such as building an index each have their own
 * connection. */
#include "store/core/store_core.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

sb_store *sb_store_core_new(const char *dir, const char *url, sb_error *error) {
  sb_store *store = sb_alloc(1, sizeof *store, error);
  if (!store) return NULL;
  store->driver = url ? &sb_driver_postgres : &sb_driver_sqlite;
  store->cancel_event = store->serve_lock = -1;
  pthread_mutex_init(&store->lock, NULL);
  store->dir = sb_strdup(dir, error);
  store->url = url ? sb_strdup(url, error) : NULL;
  if (store->dir && !store->url == !url) return store;
  sb_store_core_free(store);
  return NULL;
}

void sb_store_core_disconnect(sb_store *store) {
  if (store->connection) store->driver->disconnect(store);
  store->connection = NULL;
}

void sb_store_core_free(sb_store *store) {
  if (!store) return;
  sb_store_core_disconnect(store);
  if (store->cancel_event >= 0) close(store->cancel_event);
  free(store->dir);
  if (store->url) sb_wipe(store->url, strlen(store->url)); /* it may hold a password */
  free(store->url);
  pthread_mutex_destroy(&store->lock);
  free(store);
}

/* ---- Readers */

static sb_status connect_reader(sb_store *reader, const sb_store *beside, sb_error *error) {
  if (beside && beside->cancel_event >= 0) {
    reader->cancel_event = fcntl(beside->cancel_event, F_DUPFD_CLOEXEC, 0);
    if (reader->cancel_event < 0) return sb_fail_errno(error, errno, "make an event", NULL);
  }
  return reader->driver->connect(reader, true, error);
}

static sb_status open_reader(sb_store *reader, const sb_store *beside, sb_store **out, sb_error *error) {
  if (!reader) return SB_NO_MEMORY;
  sb_status status = connect_reader(reader, beside, error);
  if (status == SB_OK)
    *out = reader;
  else
    sb_store_core_free(reader);
  return status;
}

sb_status sb_store_reader_open(const sb_store *store, sb_store **out, sb_error *error) {
  return open_reader(sb_store_core_new(store->dir, store->url, error), store, out, error);
}

sb_status sb_store_reader_open_at(const char *dir, const char *url, bool single_attempt, sb_store **out,
                                  sb_error *error) {
  sb_store *reader = sb_store_core_new(dir, url, error);
  if (reader) reader->single_attempt = single_attempt;
  return open_reader(reader, NULL, out, error);
}

bool sb_store_url_is_server(const char *url) {
  static const char *const schemes[] = {"postgresql://", "postgres://"};
  for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++)
    if (!strncmp(url, schemes[i], strlen(schemes[i]))) return true;
  return false;
}

void sb_store_cancel_waits(sb_store *store) {
  if (store->cancel_event >= 0) eventfd_write(store->cancel_event, 1);
}

/* ---- Lock and snapshots */

void sb_store_lock(sb_store *store) {
  sb_timed_stage before = sb_stage_timer_enter(SB_TIMED_STORE);
  pthread_mutex_lock(&store->lock);
  store->stage_before = before;
}

void sb_store_unlock(sb_store *store) {
  sb_timed_stage before = store->stage_before;
  pthread_mutex_unlock(&store->lock);
  sb_stage_timer_enter(before);
}

sb_status sb_store_begin_read(sb_store *store, sb_error *error) {
  return store->driver->begin(store, false, error);
}

void sb_store_end_read(sb_store *store) {
  store->driver->rollback(store);
}
