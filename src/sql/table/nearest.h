/* Finds the k nearest rows by a column of vectors, exactly as the SQL function of the metric would order them. */
#ifndef SB_SQL_TABLE_NEAREST_H
#define SB_SQL_TABLE_NEAREST_H

#include "sql/table/id_set.h"
#include "sql/table/table.h"

/* Up to this many allowed rows, reading each of them is faster than asking the index. */
enum { SB_SQL_NEAREST_FEW = 1000 };

typedef struct sb_sql_neighbor {
  int64_t id;
  double value; /* of the metric, computed from the stored vector */
} sb_sql_neighbor;

typedef struct sb_sql_nearest_query {
  const float *vector;       /* `dim` floats; not all zero with SB_SQL_METRIC_COSINE; NULL where the probe has bits */
  const sb_sql_value *probe; /* the same, unrounded: what vectors of other types than FLOAT are compared with */
  sb_sql_metric metric;
  size_t k;                     /* SIZE_MAX: all rows */
  const sb_sql_id_set *allowed; /* NULL: all rows */
  bool nulls;                   /* rows whose vector is NULL come last; otherwise they are left out */
} sb_sql_nearest_query;

/* The k nearest rows that the table's connection sees, nearest first and equal ones by id. The caller frees `*out`
 * with free(). SB_STORE: a vector is damaged. */
sb_status sb_sql_nearest_find(sb_sql_vector_set *set, const sb_sql_nearest_query *query, sb_sql_neighbor **out,
                              size_t *count, sb_error *error);

#endif
