/* Write transactions. */
#ifndef SB_STORE_CORE_TRANSACTION_H
#define SB_STORE_CORE_TRANSACTION_H

#include "store/core/store_core.h"

/* Takes the lock and begins to write. There is one writer at a time, among all processes, until sb_store_finish. */
sb_status sb_store_begin(sb_store *store, sb_error *error);
/* Commits when `status` is SB_OK, else rolls back; gives the lock back. Returns the outcome. */
sb_status sb_store_finish(sb_store *store, sb_status status, sb_error *error);
/* Removes what was deleted from the database's log, so that it cannot be recovered. Waits for readers, up to the busy
 * timeout. Not under the lock. */
sb_status sb_store_purge_log(sb_store *store, sb_error *error);
/* The same after a deletion that is committed, which a failure does not undo: it is logged, and noted until a later
 * purge succeeds (sb_store_log_pending, sb_store_purge_pending in store.h). */
void sb_store_purge_deleted(sb_store *store);

#endif
