/* pgvector's HNSW index of a collection: what the store's own files use. */
#ifndef SB_STORE_GALLERY_HNSW_INDEX_H
#define SB_STORE_GALLERY_HNSW_INDEX_H

#include "store/core/store_core.h"

enum { SB_HNSW_NAME = 48 };
/* The name of a collection's index, with its schema. */
void sb_hnsw_name(int64_t collection, char name[SB_HNSW_NAME]);
/* SB_INVALID: the store is a file. */
sb_status sb_hnsw_supported(const sb_store *store, sb_error *error);
sb_status sb_hnsw_state_get(sb_store *store, const sb_store_collection *collection, sb_hnsw_state *out,
                            sb_error *error);
/* Deletes what was measured in a collection, within a transaction. */
sb_status sb_hnsw_invalidate(sb_store *store, int64_t collection, sb_error *error);
/* Drops the indexes of deleted collections, and of the one that was emptied (0: none). An index that cannot be dropped
 * now is logged. Not under the lock. */
void sb_hnsw_sweep(sb_store *store, int64_t emptied);

#endif
