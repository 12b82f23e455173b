/* A filter made ready for a scan: a short list of slots where few rows are allowed, else a test of each row that matters. */
#ifndef SB_VECTOR_SEARCH_FILTER_H
#define SB_VECTOR_SEARCH_FILTER_H

#include "vector/index/index.h"

typedef struct sb_filter_set {
  const sb_filter *filter; /* NULL or kind NONE: every row */
  uint32_t *slots;         /* the allowed rows, if `listed`; malloc'd */
  size_t count;
  bool listed;
} sb_filter_set;

/* While the epoch is pinned. SB_MISUSE for an unknown kind, SB_NO_MEMORY. */
sb_status sb_filter_prepare(const sb_index *index, const sb_filter *filter, sb_filter_set *out, sb_error *error);
void sb_filter_free(sb_filter_set *set);

bool sb_filter_allows_row(const sb_filter *filter, uint64_t key, uint64_t label);
static inline bool sb_filter_allows(const sb_filter_set *set, const sb_rows *rows, uint32_t slot) {
  if (!set->filter) return true;
  return sb_filter_allows_row(set->filter, sb_row_key(rows, slot), sb_row_label(rows, slot));
}

#endif
