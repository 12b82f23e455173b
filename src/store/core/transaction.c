/* Write transactions.
 *
 *   begin:   lock; reset the transaction's row-set MAC; BEGIN; load newer data keys, so that nothing is sealed under a
 *            retired one
 *   finish:  add the transaction's row-set MAC to the stored one; COMMIT or ROLLBACK; move the cached counts; unlock */
#include "store/core/transaction.h"

#include "store/gallery/counts.h"
#include "store/sealing/keys.h"
#include "store/sealing/row_mac.h"

sb_status sb_store_begin(sb_store *store, sb_error *error) {
  sb_store_lock(store);
  sb_store_row_mac_reset(store);
  sb_status status = store->driver->begin(store, true, error);
  if (status == SB_OK && store->keys->newest) {
    status = sb_store_keys_refresh(store, error);
    if (status != SB_OK) store->driver->rollback(store);
  }
  if (status != SB_OK) sb_store_unlock(store);
  return status;
}

static sb_status commit(sb_store *store, sb_error *error) {
  sb_status status = sb_store_row_mac_commit(store, error);
  return status == SB_OK ? store->driver->commit(store, error) : status;
}

sb_status sb_store_finish(sb_store *store, sb_status status, sb_error *error) {
  if (status == SB_OK) status = commit(store, error);
  sb_store_counts_finish(store, status == SB_OK);
  if (status == SB_OK)
    store->commits++;
  else
    store->driver->rollback(store);
  sb_store_unlock(store);
  return status;
}

sb_status sb_store_purge_log(sb_store *store, sb_error *error) {
  sb_store_lock(store);
  sb_status status = store->driver->purge_log(store, error);
  atomic_store(&store->log_pending, status != SB_OK);
  sb_store_unlock(store);
  return status;
}

void sb_store_purge_deleted(sb_store *store) {
  sb_error error = {0};
  if (sb_store_purge_log(store, &error) != SB_OK)
    sb_log(SB_LOG_WARNING, "what was deleted is still in the database's log, sealed: %s", error.message);
}

bool sb_store_log_pending(const sb_store *store) {
  return atomic_load(&store->log_pending);
}

sb_status sb_store_purge_pending(sb_store *store, sb_error *error) {
  return sb_store_log_pending(store) ? sb_store_purge_log(store, error) : SB_OK;
}
