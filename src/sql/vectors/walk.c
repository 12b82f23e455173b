/* Distances only grow along the way, so it ends at the first row that is beyond the bounds. */
#include "sql/vectors/walk.h"

#include "sql/vectors/argument.h"

sb_status sb_sql_walk_read_k(sb_sql_walk *walk, sqlite3_value *argument, int max, sb_error *error) {
  int64_t k = 0;
  if (!sb_sql_whole_number(argument, &k) || k < 0 || k > max)
    return sb_fail(error, SB_INVALID, "k is a whole number from 0 to %d; for more rows leave k out and use LIMIT", max);
  walk->k = (size_t)k;
  walk->k_given = true;
  return SB_OK;
}

sb_status sb_sql_walk_find(sb_sql_walk *walk, const sb_sql_walk_source *source, bool *eof, sb_error *error) {
  for (*eof = walk->k_given && walk->rank == walk->k; !*eof; walk->at++) {
    sb_status status = walk->at == walk->count ? source->next_batch(source->cursor, error) : SB_OK;
    if (status != SB_OK) return status;
    *eof = walk->at == walk->count;
    if (*eof) return SB_OK;
    double value = source->value(source->cursor, walk->at);
    sb_sql_place place = sb_sql_bounds_place(&walk->bounds, source->metric, value);
    if (place == SB_SQL_PLACE_WITHIN) return walk->rank++, SB_OK;
    *eof = place == SB_SQL_PLACE_PAST;
  }
  return SB_OK;
}
