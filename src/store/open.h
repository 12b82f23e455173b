/* Opening a store: what gallery/migrate.c uses beside store.h. */
#ifndef SB_STORE_OPEN_H
#define SB_STORE_OPEN_H

#include "store/core/store_core.h"

/* sb_store_open_at, also when the gallery has the mark of an interrupted migration. */
sb_status sb_store_open_migration_target(const char *dir, const char *url, sb_store **out, sb_error *error);

/* Is 1 when it has that mark. */
#define SB_STORE_COUNT_MIGRATION_MARKS "SELECT count(*) FROM meta WHERE key = 'migration'"

#endif
