/* State of sb_store_changes (store.h). */
#ifndef SB_STORE_GALLERY_CHANGES_H
#define SB_STORE_GALLERY_CHANGES_H

#include "store/core/store_core.h"

typedef struct sb_store_feed sb_store_feed;
sb_status sb_store_feed_new(sb_store *store, sb_error *error);
void sb_store_feed_free(sb_store *store);

#endif
