/* Reading from a standby of the database (--store-replica). */
#ifndef SB_STORE_GALLERY_REPLICA_H
#define SB_STORE_GALLERY_REPLICA_H

#include "store/core/store_core.h"

typedef struct sb_store_replica sb_store_replica;
void sb_store_replica_free(sb_store *store);

/* Is there a replica that has every change up to number `least`? Then *link, a reader that is opened where it is NULL,
 * leads to it; the caller owns it (sb_store_core_free). false: read from the primary. Waits some milliseconds. Any
 * thread. */
bool sb_store_replica_ready(const sb_store *store, int64_t least, sb_store **link);
/* After a read there: counts it. When it failed because the connection is lost, *link is closed and set to NULL. */
void sb_store_replica_read_done(const sb_store *store, sb_store **link, sb_status status, const sb_error *error);

#endif
