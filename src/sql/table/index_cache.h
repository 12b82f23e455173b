/* The index in memory of a column of vectors. All connections of this process to the same table of the same file share
 * one.
 *
 * Invariants
 *   1. The index holds the vectors of one committed state of the table, without NULL: the state after the change
 *      (sequence, tag) of T_changes.
 *   2. A connection may see another state: an older one, in an open read transaction, or its own uncommitted one. It
 *      then uses the index only for rows that no change between the two states touches, and reads the others from the
 *      table. To take more rows for touched than there are does no harm; so a rollback needs no special case.
 *   3. Where the two states have no history in common (the file was restored from a backup, say) the index is built
 *      again.
 * So an answer is wrong only when the table is wrong, never because the index is behind. */
#ifndef SB_SQL_TABLE_INDEX_CACHE_H
#define SB_SQL_TABLE_INDEX_CACHE_H

#include "sql/table/id_set.h"
#include "sql/table/table.h"
#include "vector/vector.h"

typedef struct sb_sql_index_cache sb_sql_index_cache;

/* Gives the column's index, counted; the index itself is built at the first search. Any thread. */
sb_status sb_sql_index_cache_acquire(const sb_sql_vector_set *set, sb_sql_index_cache **out, sb_error *error);
/* The last user frees it. NULL allowed. Any thread. */
void sb_sql_index_cache_release(sb_sql_index_cache *cache);

/* Brings the index up to the state that the table's connection sees, as far as the invariants allow, and locks it
 * for reading. `touched` gets the rows that must be read from the table. With *usable the caller ends with
 * sb_sql_index_cache_end_read, also after an error; without, nothing is locked and the index cannot serve this
 * connection now. */
sb_status sb_sql_index_cache_begin_read(sb_sql_vector_set *set, sb_sql_id_set *touched, bool *usable, sb_error *error);
void sb_sql_index_cache_end_read(sb_sql_index_cache *cache);

/* ---- Between begin_read and end_read */

/* Whether the index orders rows as `metric` does: its own metric, or inner product and cosine where all vectors have
 * length 1. */
bool sb_sql_index_cache_serves(const sb_sql_vector_set *set, sb_sql_metric metric);
/* The `k` nearest rows, k <= SB_INDEX_K_MAX, out of `allowed` (NULL: all). `hits` has room for k. Their scores are
 * approximate. */
sb_status sb_sql_index_cache_find(const sb_sql_vector_set *set, const float *query, size_t k,
                                  const sb_sql_id_set *allowed, sb_hit *hits, size_t *found, sb_error *error);
bool sb_sql_index_cache_contains(const sb_sql_index_cache *cache, int64_t id);
size_t sb_sql_index_cache_count(const sb_sql_index_cache *cache);

#endif
