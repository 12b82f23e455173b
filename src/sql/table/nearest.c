/* A search takes one of three ways, all of which compute the metric from the vectors in the table:
 *   - few allowed rows: read each of them;
 *   - the index (index_cache.h): ask it for somewhat more than k rows, read those, and the rows that it must not be
 *     asked for;
 *   - otherwise scan all vectors. */
#include "sql/table/nearest.h"

#include "sql/table/index_cache.h"

#include <math.h>
#include <stdlib.h>

/* Rows beyond k that the index is asked for: it stores float16, so the order of close rows may differ from the exact
 * one. */
enum { SLACK = 16 };

/* ---- The best rows so far */

typedef struct collector {
  sb_sql_neighbor *items;
  size_t count, capacity, k;
  bool ascending; /* the smallest value is the nearest */
} collector;

static int by_ascending_value(const void *a, const void *b) {
  const sb_sql_neighbor *x = a, *y = b;
  if (x->value != y->value) return x->value < y->value ? -1 : 1;
  return (x->id > y->id) - (x->id < y->id);
}

static int by_descending_value(const void *a, const void *b) {
  const sb_sql_neighbor *x = a, *y = b;
  if (x->value != y->value) return x->value > y->value ? -1 : 1;
  return (x->id > y->id) - (x->id < y->id);
}

static void keep_best(collector *c) {
  if (c->count) qsort(c->items, c->count, sizeof *c->items, c->ascending ? by_ascending_value : by_descending_value);
  if (c->count > c->k) c->count = c->k;
}

static sb_status collect(collector *c, int64_t id, double value, sb_error *error) {
  if (c->count == c->capacity) {
    keep_best(c); /* makes room when there are more than k */
    if (c->count * 2 > c->capacity || !c->capacity) {
      size_t capacity = c->capacity ? c->capacity * 2 : 64;
      void *items = c->items;
      sb_status status = sb_grow(&items, capacity, sizeof *c->items, error);
      if (status != SB_OK) return status;
      c->items = items;
      c->capacity = capacity;
    }
  }
  if (isnan(value)) value = c->ascending ? INFINITY : -INFINITY; /* a zero vector has no cosine: it comes last */
  c->items[c->count++] = (sb_sql_neighbor){id, value};
  return SB_OK;
}

/* Collects a row from the vector in column `column` of a statement. */
static sb_status collect_vector(sb_sql_vector_set *set, const sb_sql_nearest_query *query, int64_t id,
                                sqlite3_stmt *statement, int column, collector *c, sb_error *error) {
  sb_sql_value stored = {0};
  double value = NAN;
  bool none = false;
  sb_status status = sb_sql_vector_read(set, statement, column, &stored, error);
  if (status != SB_OK) return status;
  if (!stored.dim) return query->nulls ? collect(c, id, NAN, error) : SB_OK;
  if (stored.element == SB_SQL_ELEMENT_FLOAT)
    value = sb_sql_metric_of_floats(query->metric, stored.bytes, query->vector, stored.dim);
  else
    status = sb_sql_metric_of_values(query->metric, &stored, query->probe, &value, &none, error);
  return status == SB_OK ? collect(c, id, none ? NAN : value, error) : status;
}

/* Reads and collects one row. A row that the connection does not see is skipped. */
static sb_status collect_row(sb_sql_vector_set *set, const sb_sql_nearest_query *query, int64_t id, collector *c,
                             sb_error *error) {
  sqlite3_stmt *statement = NULL;
  bool row = false;
  int code = sb_sql_vector_statement(set, SB_SQL_VECTOR_READ, &statement);
  if (code != SQLITE_OK) return sb_sql_table_status(set->table, code, error);
  sqlite3_bind_int64(statement, 1, id);
  sb_status status = sb_sql_table_step(set->table, statement, &row, error);
  if (status == SB_OK && row) status = collect_vector(set, query, id, statement, 0, c, error);
  sqlite3_reset(statement);
  return status;
}

/* ---- The three ways */

static sb_status read_allowed(sb_sql_vector_set *set, const sb_sql_nearest_query *query, collector *c,
                              sb_error *error) {
  for (size_t i = 0; i < query->allowed->count; i++) {
    sb_status status = collect_row(set, query, query->allowed->items[i], c, error);
    if (status != SB_OK) return status;
  }
  return SB_OK;
}

static sb_status scan(sb_sql_vector_set *set, const sb_sql_nearest_query *query, collector *c, sb_error *error) {
  sqlite3_stmt *statement = NULL;
  bool row = false;
  int code = sb_sql_vector_prepare(set, &statement, "SELECT id, vector FROM \"%w\".\"%w_%s\"");
  sb_status status = sb_sql_table_status(set->table, code, error);
  while (status == SB_OK && (status = sb_sql_table_step(set->table, statement, &row, error)) == SB_OK && row) {
    int64_t id = sqlite3_column_int64(statement, 0);
    if (!query->allowed || sb_sql_id_set_contains(query->allowed, id))
      status = collect_vector(set, query, id, statement, 1, c, error);
  }
  sqlite3_finalize(statement);
  return status;
}

/* The index is locked for reading. Its hits get their exact values and places from the vectors in the table. */
static sb_status read_hits(sb_sql_vector_set *set, const sb_sql_nearest_query *query, size_t k,
                           const sb_sql_id_set *touched, collector *c, sb_error *error) {
  size_t found = 0;
  sb_hit *hits = sb_alloc(k, sizeof *hits, error);
  if (!hits) return SB_NO_MEMORY;
  sb_status status = sb_sql_index_cache_find(set, query->vector, k, query->allowed, hits, &found, error);
  for (size_t i = 0; status == SB_OK && i < found; i++)
    if (!sb_sql_id_set_contains(touched, (int64_t)hits[i].key))
      status = collect_row(set, query, (int64_t)hits[i].key, c, error);
  for (size_t i = 0; status == SB_OK && i < touched->count; i++)
    if (!query->allowed || sb_sql_id_set_contains(query->allowed, touched->items[i]))
      status = collect_row(set, query, touched->items[i], c, error);
  free(hits);
  return status;
}

/* *done false: the index cannot serve this search. */
static sb_status ask_index(sb_sql_vector_set *set, const sb_sql_nearest_query *query, collector *c, bool *done,
                           sb_error *error) {
  sb_sql_id_set touched = {0};
  bool usable = false;
  sb_status status = sb_sql_index_cache_begin_read(set, &touched, &usable, error);
  size_t k = query->k + SLACK + touched.count;
  *done = status == SB_OK && usable && k <= SB_INDEX_K_MAX && sb_sql_index_cache_serves(set, query->metric);
  if (*done) status = read_hits(set, query, k, &touched, c, error);
  if (usable) sb_sql_index_cache_end_read(set->cache);
  sb_sql_id_set_free(&touched);
  return status;
}

sb_status sb_sql_nearest_find(sb_sql_vector_set *set, const sb_sql_nearest_query *query, sb_sql_neighbor **out,
                              size_t *count, sb_error *error) {
  collector c = {.k = query->k, .ascending = sb_sql_metric_is_distance(query->metric)};
  bool few = query->allowed && query->allowed->count <= SB_SQL_NEAREST_FEW, done = few;
  sb_status status = few ? read_allowed(set, query, &c, error) : SB_OK;
  bool indexed = sb_sql_metric_has_index(query->metric) && sb_sql_metric_has_index(set->column->metric);
  if (!few && indexed && query->k <= SB_INDEX_K_MAX) status = ask_index(set, query, &c, &done, error);
  if (done && !few && query->nulls && c.count < query->k) { /* the index has no rows with NULL */
    c.count = 0;
    done = false;
  }
  if (status == SB_OK && !done) status = scan(set, query, &c, error);
  if (status != SB_OK) {
    free(c.items);
    return status;
  }
  keep_best(&c);
  *out = c.items;
  *count = c.count;
  return SB_OK;
}
