/* Filtered search: decides whether to look up the allowed rows and search only those (id list), or to scan all rows and
 * test the filter on each row that matters. */
#ifndef SB_VECTOR_SEARCH_FILTER_H
#define SB_VECTOR_SEARCH_FILTER_H

#include "vector/index/index.h"

typedef struct sb_query_filter {
  const sb_filter *filter; /* NULL: every row is allowed */
  uint32_t *slots;         /* if is_list: the allowed rows; malloc'd */
  size_t count;
  bool is_list;
} sb_query_filter;

/* With the epoch pinned. SB_MISUSE: unknown kind; SB_NO_MEMORY. */
sb_status sb_query_filter_prepare(const sb_index *index, const sb_filter *filter, sb_query_filter *out,
                                  sb_error *error);
void sb_query_filter_free(sb_query_filter *set);

bool sb_query_filter_test(const sb_filter *filter, uint64_t key, uint64_t label);
static inline bool sb_query_filter_allows(const sb_query_filter *set, const sb_rows *rows, uint32_t slot) {
  if (!set->filter) return true;
  return sb_query_filter_test(set->filter, sb_rows_key(rows, slot), sb_rows_label(rows, slot));
}

#endif
