/* Conditions on `distance` and `similarity` that a search with k checks itself, so that `distance > 1 AND k = 10` gives
 * the ten nearest rows beyond 1 instead of those of the ten nearest that are beyond 1. */
#ifndef SB_SQL_VECTORS_BOUNDS_H
#define SB_SQL_VECTORS_BOUNDS_H

#include "sql/sqlite.h"
#include "sql/vectors/metric.h"

enum { SB_SQL_BOUNDS_MAX = 8 /* conditions; SQLite checks any further one after the k rows are found */ };

/* Zero-initialise: no conditions. */
typedef struct sb_sql_bounds {
  int count;
  struct {
    bool similarity; /* of similarity, else of distance */
    int op;          /* SQLITE_INDEX_CONSTRAINT_... */
    double value;
  } items[SB_SQL_BOUNDS_MAX];
} sb_sql_bounds;

/* The hidden columns' values for a value of the metric. */
double sb_sql_distance(sb_sql_metric metric, double value);
double sb_sql_similarity(sb_sql_metric metric, double value);

/* Whether an operator can be a condition here: = <> < <= > >=. */
bool sb_sql_bounds_has_operator(int op);
/* Adds a condition. A value that is not a number is left to SQLite, which compares by type. */
void sb_sql_bounds_add(sb_sql_bounds *bounds, bool similarity, int op, sqlite3_value *value);
/* Whether a near row can fail a condition that a farther one meets. If not, the k nearest rows are also the k nearest
 * that meet the conditions, and only fewer. */
bool sb_sql_bounds_skip_near(const sb_sql_bounds *bounds);

typedef enum sb_sql_place {
  SB_SQL_PLACE_WITHIN, /* the row meets all conditions */
  SB_SQL_PLACE_OUT,
  SB_SQL_PLACE_PAST /* neither this row nor any farther one meets them */
} sb_sql_place;
sb_sql_place sb_sql_bounds_place(const sb_sql_bounds *bounds, sb_sql_metric metric, double value);

#endif
