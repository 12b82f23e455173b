/* Reading all faces at once, for a new index. */
#ifndef SB_STORE_GALLERY_LOAD_FACES_H
#define SB_STORE_GALLERY_LOAD_FACES_H

#include "store/core/store_core.h"

/* Visits all faces, from several threads at once. Rows are read by `reader` (the store itself, or a replica), keys and
 * transforms are the store's. Under the locks of both. */
sb_status sb_store_load_faces(sb_store *store, sb_store *reader, sb_store_change_visit visit, void *context,
                              sb_error *error);

#endif
