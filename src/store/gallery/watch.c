/* Waiting for changes made by others: the database's notifications (PostgreSQL's NOTIFY), on a connection that does
 * nothing else. They only say that something changed; sb_store_changes says what. */
#include "store/core/store_core.h"

#include <stdlib.h>

struct sb_store_watch {
  sb_store *reader;
};

sb_status sb_store_watch_new(sb_store *store, sb_store_watch **out, sb_error *error) {
  *out = NULL;
  if (!store->driver->wait) return SB_OK;
  sb_store_watch *watch = sb_alloc(1, sizeof *watch, error);
  if (!watch) return SB_NO_MEMORY;
  sb_status status = sb_store_reader_open(store, &watch->reader, error);
  if (status == SB_OK)
    *out = watch;
  else
    free(watch);
  return status;
}

void sb_store_watch_free(sb_store_watch *watch) {
  if (!watch) return;
  sb_store_core_free(watch->reader);
  free(watch);
}

sb_status sb_store_watch_wait(sb_store_watch *watch, int ms, sb_error *error) {
  return watch->reader->driver->wait(watch->reader, ms, error);
}
