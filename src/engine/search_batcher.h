/* Leader/follower batching of searches of one index: searches that would wait for each other share one scan. */
#ifndef SB_ENGINE_SEARCH_BATCHER_H
#define SB_ENGINE_SEARCH_BATCHER_H

#include "vector/vector.h"

/* Any thread. */
typedef struct sb_search_batcher sb_search_batcher;
sb_search_batcher *sb_search_batcher_new(sb_index *index, sb_error *error); /* the index is borrowed */
void sb_search_batcher_free(sb_search_batcher *batcher);                    /* when no call is in progress */
/* One query (request->count is 1): at once when no search is in progress, else together with the other waiting ones as
 * soon as it ends. Results as sb_index_search. */
sb_status sb_search_batcher_search(sb_search_batcher *batcher, const sb_index_query *request, sb_hit *hits,
                                   size_t *found, sb_error *error);

#endif
