/* The index in memory of a table, one for all connections of this process to the same table of the same file.
 *
 * Invariants
 *   1. The index holds the vectors of one committed state of the table: that of the change (sequence, tag).
 *   2. A connection may see another state: an older one (an open read transaction), or one of its own that is not committed.
 *      It takes from the index only rows that no change between the two states touches, and the rest from its tables. To
 *      know more rows as touched than are so is harmless: so a rollback needs no care.
 *   3. Where the two states have no history in common (a file that was restored, say) the index is made anew.
 * A wrong answer needs a wrong table, never only a wrong index. */
#ifndef SB_SQL_INDEX_CACHE_H
#define SB_SQL_INDEX_CACHE_H

#include "sql/table.h"

/* Counted: one that is there already, or a new one. */
sb_status sb_index_cache_take(sb_table *table, sb_index_cache **out, sb_error *error);
void sb_index_cache_release(sb_index_cache *mirror);

typedef struct sb_near {
  int64_t id;
  double value; /* of the measure: exact, as the function of SQL gives it */
} sb_near;

typedef struct sb_near_query {
  const float *probe; /* dim floats; not all zero with SB_MEASURE_COSINE */
  sb_measure measure;
  size_t k;              /* SIZE_MAX: all */
  const sb_ids *allowed; /* NULL: every row */
} sb_near_query;
/* The k nearest rows as the table's connection sees them, nearest first, equal ones by id. To be released by free(). */
sb_status sb_index_cache_search(sb_table *table, const sb_near_query *query, sb_near **out, size_t *count,
                                sb_error *error);
/* Allowed rows up to which looking at each is faster than the index. */
enum { SB_NEAR_FEW = 1000 };

/* Is every row that the connection sees in the index, when it is in step? SB_STORE. */
sb_status sb_index_cache_check(sb_table *table, sb_error *error);

#endif
