/* The comparisons are those that SQLite makes again on the rows that it gets: of the same doubles. */
#include "sql/vectors/bounds.h"

double sb_sql_distance(sb_sql_metric metric, double value) {
  return sb_sql_metric_is_distance(metric) ? value : metric == SB_SQL_METRIC_COSINE ? 1 - value : -value;
}

double sb_sql_similarity(sb_sql_metric metric, double value) {
  return sb_sql_metric_is_distance(metric) ? -value : value;
}

bool sb_sql_bounds_has_operator(int op) {
  switch (op) {
  case SQLITE_INDEX_CONSTRAINT_EQ:
  case SQLITE_INDEX_CONSTRAINT_NE:
  case SQLITE_INDEX_CONSTRAINT_LT:
  case SQLITE_INDEX_CONSTRAINT_LE:
  case SQLITE_INDEX_CONSTRAINT_GT:
  case SQLITE_INDEX_CONSTRAINT_GE: return true;
  default: return false;
  }
}

void sb_sql_bounds_add(sb_sql_bounds *bounds, bool similarity, int op, sqlite3_value *value) {
  int type = sqlite3_value_numeric_type(value); /* the columns are REAL, so SQLite reads a text as a number, too */
  if (bounds->count == SB_SQL_BOUNDS_MAX || (type != SQLITE_INTEGER && type != SQLITE_FLOAT)) return;
  bounds->items[bounds->count].similarity = similarity;
  bounds->items[bounds->count].op = op;
  bounds->items[bounds->count++].value = sqlite3_value_double(value);
}

static bool compare(double a, int op, double b) {
  switch (op) {
  case SQLITE_INDEX_CONSTRAINT_EQ: return a == b;
  case SQLITE_INDEX_CONSTRAINT_NE: return a != b;
  case SQLITE_INDEX_CONSTRAINT_LT: return a < b;
  case SQLITE_INDEX_CONSTRAINT_LE: return a <= b;
  case SQLITE_INDEX_CONSTRAINT_GT: return a > b;
  default: return a >= b;
  }
}

/* Whether the operator sets a limit to how far a row may be. Distances grow from row to row, similarities fall. */
static bool limits_far(bool similarity, int op) {
  if (similarity) return op == SQLITE_INDEX_CONSTRAINT_GT || op == SQLITE_INDEX_CONSTRAINT_GE;
  return op == SQLITE_INDEX_CONSTRAINT_LT || op == SQLITE_INDEX_CONSTRAINT_LE;
}

bool sb_sql_bounds_skip_near(const sb_sql_bounds *bounds) {
  for (int i = 0; i < bounds->count; i++)
    if (!limits_far(bounds->items[i].similarity, bounds->items[i].op)) return true;
  return false;
}

sb_sql_place sb_sql_bounds_place(const sb_sql_bounds *bounds, sb_sql_metric metric, double value) {
  sb_sql_place place = SB_SQL_PLACE_WITHIN;
  for (int i = 0; i < bounds->count; i++) {
    bool similarity = bounds->items[i].similarity;
    int op = bounds->items[i].op;
    double own = similarity ? sb_sql_similarity(metric, value) : sb_sql_distance(metric, value);
    double limit = bounds->items[i].value;
    if (compare(own, op, limit)) continue;
    bool beyond = op == SQLITE_INDEX_CONSTRAINT_EQ && (similarity ? own < limit : own > limit);
    if (beyond || limits_far(similarity, op)) return SB_SQL_PLACE_PAST;
    place = SB_SQL_PLACE_OUT;
  }
  return place;
}
