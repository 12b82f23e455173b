/* Resealing: sealed fields are opened and sealed again, row by row, within a transaction. */
#ifndef SB_STORE_SEALING_RESEAL_H
#define SB_STORE_SEALING_RESEAL_H

#include "store/core/store_core.h"

/* Seals the row of `table` (those of key_rotation.c) with the smallest id above `*row` under the newest data key, and
 * moves `*row` there; `*done` when there is none. */
sb_status sb_store_reseal_next(sb_store *store, const char *table, int64_t *row, bool *done, sb_error *error);
/* Everything of schema 1, whose fields were sealed under the root key itself: fields, hashes, and templates into
 * transforms. */
sb_status sb_store_reseal_legacy(sb_store *store, sb_error *error);
/* All templates of a collection, from one transform into another. `*count`: how many. */
sb_status sb_store_reseal_templates(sb_store *store, int64_t collection, const sb_transform *from,
                                    const sb_transform *to, size_t *count, sb_error *error);

#endif
