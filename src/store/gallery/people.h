/* Looking people up, for the store's own files. Under the lock. */
#ifndef SB_STORE_GALLERY_PEOPLE_H
#define SB_STORE_GALLERY_PEOPLE_H

#include "store/core/store_core.h"

/* The row of the person with that id. SB_NOT_FOUND. */
sb_status sb_store_person_row(sb_store *store, int64_t collection, const char *id, int64_t *row, sb_error *error);

#endif
