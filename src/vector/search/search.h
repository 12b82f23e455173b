/* Running a search: divides the queries of a call into batches and chooses how each batch is searched. */
#ifndef SB_VECTOR_SEARCH_SEARCH_H
#define SB_VECTOR_SEARCH_SEARCH_H

#include "vector/index/index.h"

/* As sb_index_search, with struct_size, count and k valid. SB_INVALID, SB_MISUSE (filter), SB_NO_MEMORY. */
sb_status sb_query_batch_run(sb_index *index, const sb_index_query *query, sb_hit *hits, size_t *found,
                             sb_error *error);

#endif
