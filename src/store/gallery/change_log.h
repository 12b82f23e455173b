/* The change log (table `change`): a row for every change of faces, written in the same transaction, that indexes
 * follow. */
#ifndef SB_STORE_GALLERY_CHANGE_LOG_H
#define SB_STORE_GALLERY_CHANGE_LOG_H

#include "store/core/store_core.h"

/* Appends an entry, within a transaction. */
sb_status sb_store_change_append(sb_store *store, sb_store_change_kind kind, int64_t collection, int64_t face,
                                 int64_t person, sb_error *error);
/* Appends a put of each face of the collection whose row is in `rows`, a text as driver->id_list_sql reads it, at most
 * SB_CHANGE_ROWS_MAX. */
enum { SB_CHANGE_ROWS_MAX = 256 };
sb_status sb_store_change_append_puts(sb_store *store, int64_t collection, const char *rows, sb_error *error);
/* The newest entry's number, 0: there is none. Under the lock. */
sb_status sb_store_change_newest(sb_store *store, int64_t *sequence, sb_error *error);

#endif
