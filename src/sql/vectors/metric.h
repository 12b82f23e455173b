/* The ways to compare two vectors: inner product, cosine similarity, Euclidean and taxicab distance; of bits, the
 * distances of Hamming (how many differ) and Jaccard (1 - common ones / all ones). */
#ifndef SB_SQL_VECTORS_METRIC_H
#define SB_SQL_VECTORS_METRIC_H

#include "sql/vectors/value.h"

/* The numbers index sb_sql_nearest_functions, and stand in the plan of a search (table/plan.h). */
typedef enum sb_sql_metric {
  SB_SQL_METRIC_DOT,
  SB_SQL_METRIC_COSINE,
  SB_SQL_METRIC_L2,
  SB_SQL_METRIC_L1,
  SB_SQL_METRIC_HAMMING,
  SB_SQL_METRIC_JACCARD
} sb_sql_metric;
enum { SB_SQL_METRICS = 6 };
const char *sb_sql_metric_name(sb_sql_metric metric);
bool sb_sql_metric_is_distance(sb_sql_metric metric); /* all but DOT and COSINE: the smallest value is the nearest */
bool sb_sql_metric_is_of_bits(sb_sql_metric metric);  /* HAMMING, JACCARD */
/* Whether an index answers it: DOT, COSINE, L2. For the others a search compares every row. */
bool sb_sql_metric_has_index(sb_sql_metric metric);

/* Two vectors of `dim` floats at any alignment, by any metric but those of bits. The cosine of a zero vector is NaN. */
double sb_sql_metric_of_floats(sb_sql_metric metric, const void *a, const void *b, size_t dim);
/* Any two values, converted to a common type first. *null: the cosine of a zero vector, which SQL gives as NULL.
 * SB_INVALID: lengths differ, an element is not finite or too large, or only one of vectors and metric is of bits. */
sb_status sb_sql_metric_of_values(sb_sql_metric metric, const sb_sql_value *a, const sb_sql_value *b, double *out,
                                  bool *null, sb_error *error);

/* The functions, by metric, by which a statement asks for the nearest rows: WHERE semblance_nearest_cosine(column,
 * vector). They return 1 for every row; a virtual table overloads them to learn the query vector (query_rewrite.h). */
extern const char *const sb_sql_nearest_functions[SB_SQL_METRICS];
/* The metric of the function of that name, in lower case as SQLite passes it; -1: it is another function. */
int sb_sql_nearest_metric(const char *name);
/* A table that answers these functions has this hidden column: 1 for the nearest row, 2 for the next, and so on. */
#define SB_SQL_RANK_COLUMN "semblance rank"

#endif
