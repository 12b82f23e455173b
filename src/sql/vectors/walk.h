/* The way of a search through its rows, nearest first, that the cursors of both kinds of tables share. Rows come in
 * batches; k and conditions on distance and similarity decide which of them are the search's. */
#ifndef SB_SQL_VECTORS_WALK_H
#define SB_SQL_VECTORS_WALK_H

#include "sql/vectors/bounds.h"

/* Zero-initialise. */
typedef struct sb_sql_walk {
  bool k_given;
  size_t k;             /* 0 and not given: every row */
  size_t count, at;     /* the batch has `count` rows; the current one is `at` */
  size_t rank;          /* of the current row, from 1 */
  sb_sql_bounds bounds; /* of a search with k */
} sb_sql_walk;

/* What a cursor gives: the next batch, by setting count and at (count 0: there are no more rows), and the metric's
 * value of a row of the batch. */
typedef struct sb_sql_walk_source {
  void *cursor;
  sb_sql_metric metric;
  sb_status (*next_batch)(void *cursor, sb_error *error);
  double (*value)(const void *cursor, size_t at);
} sb_sql_walk_source;

/* Reads k: a whole number from 0 to `max`. */
sb_status sb_sql_walk_read_k(sb_sql_walk *walk, sqlite3_value *argument, int max, sb_error *error);
/* Moves `at` to the next row, from where it stands on, that is within the bounds, and counts it. *eof: there is
 * none. */
sb_status sb_sql_walk_find(sb_sql_walk *walk, const sb_sql_walk_source *source, bool *eof, sb_error *error);

#endif
