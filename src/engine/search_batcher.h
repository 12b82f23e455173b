/* Searches of one index that wait for each other's end anyway are done together: a batch shares the scan. */
#ifndef SB_ENGINE_SEARCH_BATCHER_H
#define SB_ENGINE_SEARCH_BATCHER_H

#include "vector/vector.h"

/* Locked. */
typedef struct sb_gather sb_gather;
sb_gather *sb_gather_new(sb_index *index, sb_error *error); /* the index is borrowed */
void sb_gather_free(sb_gather *gather);                     /* when no call is in progress */
/* One query (request->count is 1), alone when nobody else searches; else with those that wait, as soon as the search in
 * progress ends. Results as of sb_index_search. */
sb_status sb_gather_search(sb_gather *gather, const sb_index_query *request, sb_hit *hits, size_t *found,
                           sb_error *error);

#endif
