/* Pairs of different people who look alike: what the store's own files use of it. The engine's functions are declared
 * in store.h. */
#ifndef SB_STORE_GALLERY_DIFFERENT_H
#define SB_STORE_GALLERY_DIFFERENT_H

#include "store/core/store_core.h"

/* Within a transaction that erases the person `from`: its pairs become those of `into`; 0: they are erased, too. */
sb_status sb_store_different_move(sb_store *store, int64_t from, int64_t into, sb_error *error);
/* Within a transaction: erases all pairs of a collection. */
sb_status sb_store_different_forget(sb_store *store, int64_t collection, sb_error *error);

#endif
