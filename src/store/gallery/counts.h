/* How many people and faces a collection holds, cached. Under the lock. */
#ifndef SB_STORE_GALLERY_COUNTS_H
#define SB_STORE_GALLERY_COUNTS_H

#include "store/core/store_core.h"

typedef struct sb_store_counts sb_store_counts;
sb_status sb_store_counts_new(sb_store *store, sb_error *error);
void sb_store_counts_free(sb_store *store);

/* Of a collection, or with 0 of all of them. Counts the rows only when others wrote, or a transaction did not call
 * sb_store_adjust_counts. */
sb_status sb_store_count(sb_store *store, int64_t collection, size_t *people, size_t *faces, sb_error *error);
/* Within a write transaction: by how much it changes a collection's numbers, so that they need not be counted again. A
 * transaction that does not call this may change anything. */
void sb_store_adjust_counts(sb_store *store, int64_t collection, int64_t people, int64_t faces);
/* The transaction has ended. */
void sb_store_counts_finish(sb_store *store, bool committed);

#endif
