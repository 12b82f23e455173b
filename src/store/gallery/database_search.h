/* Search by the database: what hnsw_measure.c uses of it beside store.h. */
#ifndef SB_STORE_GALLERY_DATABASE_SEARCH_H
#define SB_STORE_GALLERY_DATABASE_SEARCH_H

#include "store/core/store_core.h"

/* sb_database_search_run for a query that the collection's transform has been applied to; `dim` numbers. */
sb_status sb_database_search_protected(sb_database_search *search, const sb_database_search_query *query, size_t dim,
                                       sb_hit *hits, size_t *found, sb_error *error);

#endif
