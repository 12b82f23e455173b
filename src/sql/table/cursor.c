/* Reading a table: a scan of its rows, or the nearest rows in their order.
 *
 * A scan runs one SQL statement over T_rows and T_vectors. A search without k gives rows in batches that grow, for
 * as long as the statement takes them, so that LIMIT and any condition of SQLite's get all rows that they ask for. */
#include "sql/table/filter.h"
#include "sql/table/join.h"
#include "sql/table/methods.h"
#include "sql/table/nearest.h"
#include "sql/table/plan.h"
#include "sql/vectors/argument.h"
#include "sql/vectors/bounds.h"

#include <stdlib.h>
#include <string.h>

enum { BATCH_FIRST = 32, BATCH_GROWTH = 8, BATCH_LAST = 2048 /* after it all rows come at once */ };

typedef struct cursor {
  sqlite3_vtab_cursor base;
  int plan; /* SB_SQL_PLAN_... */
  bool eof;
  int64_t id; /* of the current row */
  /* A scan: the statement stands on the current row. */
  sqlite3_stmt *scan;
  /* A search. */
  float *query;
  sb_sql_value probe; /* the query vector as doubles */
  sb_sql_metric metric;
  size_t k, batch;                 /* k 0: not given; `batch`: how many rows the next batch asks for */
  sb_sql_bounds bounds;            /* of a search with k */
  bool filtered, exhausted;        /* `allowed` applies; there are no more batches */
  sb_sql_id_set allowed, returned; /* `returned`: the rows of earlier batches */
  sb_sql_neighbor *found;          /* the current batch; the current row is found[at] */
  size_t count, at, rank;
  sqlite3_stmt *row, *vector; /* read the current row's columns, once somebody asks for them */
  bool row_read, vector_read;
} cursor;

static sb_sql_table *table_of(const cursor *c) {
  return (sb_sql_table *)c->base.pVtab;
}

static int fail(const cursor *c, sb_status status, const sb_error *error) {
  return sb_sql_table_fail(table_of(c), status, error);
}

int sb_sql_table_open(sqlite3_vtab *base, sqlite3_vtab_cursor **out) {
  (void)base;
  cursor *c = sb_alloc(1, sizeof *c, NULL);
  if (!c) return SQLITE_NOMEM;
  *out = &c->base;
  return SQLITE_OK;
}

static void clear(cursor *c) {
  sqlite3_finalize(c->scan);
  sqlite3_finalize(c->row);
  sqlite3_finalize(c->vector);
  free(c->query);
  sb_sql_value_free(&c->probe);
  free(c->found);
  sb_sql_id_set_free(&c->allowed);
  sb_sql_id_set_free(&c->returned);
  *c = (cursor){.base = c->base};
}

int sb_sql_table_close(sqlite3_vtab_cursor *base) {
  cursor *c = (cursor *)base;
  clear(c);
  free(c);
  return SQLITE_OK;
}

/* ---- A scan */

/* What the scan selects beside the id: the vector, or NULL when the statement does not read it, then the ordinary
 * columns. */
static sb_status write_columns(const cursor *c, sb_buffer *out) {
  const sb_sql_table_declaration *d = &table_of(c)->declaration;
  sb_status status = sb_buffer_addf(out, NULL, c->plan & SB_SQL_PLAN_VECTOR ? "v.vector" : "NULL");
  for (int i = 0; status == SB_OK && c->plan & SB_SQL_PLAN_ROWS && i < d->columns; i++)
    if (sb_sql_table_declaration_in_rows(d, i)) status = sb_buffer_addf(out, NULL, ", r.c%d", i);
  return status;
}

static sb_status write_where(const char *conditions, sb_buffer *out) {
  sb_sql_condition condition;
  sb_status status = sb_buffer_addf(out, NULL, "%s", "");
  while (status == SB_OK && sb_sql_plan_next_condition(&conditions, &condition)) {
    status = sb_buffer_addf(out, NULL, out->size ? " AND " : " WHERE ");
    if (status == SB_OK) status = sb_sql_condition_write(&condition, 1, out, NULL);
  }
  return status;
}

/* Compiles the scan, over only those of the two tables that it needs. Returns SQLite's code. */
static int prepare_scan(cursor *c, const char *conditions) {
  /* CROSS JOIN keeps this order of the two tables: T_rows first, where the conditions apply. */
  static const char both[] = "SELECT r.id, %s FROM \"%w\".\"%w_rows\" r CROSS JOIN \"%w\".\"%w_vectors\" v"
                             " ON v.id = r.id%s ORDER BY r.id%s";
  sb_sql_table *t = table_of(c);
  bool rows = c->plan & SB_SQL_PLAN_ROWS || *conditions, vectors = c->plan & SB_SQL_PLAN_VECTOR;
  const char *order = c->plan & SB_SQL_PLAN_BACKWARDS ? " DESC" : "";
  sb_buffer columns = {0}, where = {0};
  int code = SQLITE_NOMEM;
  if (write_columns(c, &columns) != SB_OK || write_where(conditions, &where) != SB_OK) goto done;
  if (rows && vectors)
    code = sb_sql_table_prepare(t, &c->scan, both, columns.bytes, t->schema, t->name, t->schema, t->name, where.bytes,
                                order);
  else if (rows)
    code = sb_sql_table_prepare(t, &c->scan, "SELECT r.id, %s FROM \"%w\".\"%w_rows\" r%s ORDER BY r.id%s",
                                columns.bytes, t->schema, t->name, where.bytes, order);
  else
    code = sb_sql_table_prepare(t, &c->scan, "SELECT v.id, %s FROM \"%w\".\"%w_vectors\" v ORDER BY v.id%s",
                                columns.bytes, t->schema, t->name, order);
done:
  sb_buffer_free(&columns);
  sb_buffer_free(&where);
  return code;
}

static int step_scan(cursor *c) {
  int code = sqlite3_step(c->scan);
  c->eof = code != SQLITE_ROW;
  if (!c->eof) c->id = sqlite3_column_int64(c->scan, 0);
  return code == SQLITE_ROW || code == SQLITE_DONE ? SQLITE_OK : sb_sql_table_sqlite_error(table_of(c), code);
}

static int start_scan(cursor *c, const char *plan, sqlite3_value **values) {
  const char *conditions = sb_sql_plan_conditions(plan);
  sb_sql_condition condition;
  int code = prepare_scan(c, conditions);
  if (code != SQLITE_OK) return sb_sql_table_sqlite_error(table_of(c), code);
  for (int number = 0, bound = 0; sb_sql_plan_next_condition(&conditions, &condition); number++) {
    if (!sb_sql_condition_has_value(&condition)) continue;
    code = sqlite3_bind_value(c->scan, ++bound, values[number]);
    if (code != SQLITE_OK) return sb_sql_table_sqlite_error(table_of(c), code);
  }
  return step_scan(c);
}

/* ---- A search */

/* Adds the rows of the current batch to `returned`, and empties the batch. */
static sb_status finish_batch(cursor *c, sb_error *error) {
  for (size_t i = 0; i < c->count; i++) {
    sb_status status = sb_sql_id_set_add(&c->returned, c->found[i].id, error);
    if (status != SB_OK) return status;
  }
  sb_sql_id_set_sort(&c->returned);
  free(c->found);
  c->found = NULL;
  c->count = c->at = 0;
  return SB_OK;
}

/* Finds more rows than before, and leaves those that earlier batches did not return. */
static sb_status next_batch(cursor *c, sb_error *error) {
  sb_status status = finish_batch(c, error);
  if (status != SB_OK || c->exhausted) return status;
  bool few = c->filtered && c->allowed.count <= SB_SQL_NEAREST_FEW;
  bool once = c->k && !c->bounds.count; /* k is known, so one batch is enough */
  c->batch = c->batch ? c->batch * BATCH_GROWTH : c->k > BATCH_FIRST ? c->k : BATCH_FIRST;
  sb_sql_nearest_query query = {.vector = c->query,
                                .probe = &c->probe,
                                .metric = c->metric,
                                .k = c->k,
                                .allowed = c->filtered ? &c->allowed : NULL};
  if (!once) query.k = c->batch > BATCH_LAST || few ? SIZE_MAX : c->batch;
  status = sb_sql_nearest_find(table_of(c), &query, &c->found, &c->count, error);
  if (status != SB_OK) return status;
  c->exhausted = once || c->count < query.k;
  size_t new = 0;
  for (size_t i = 0; i < c->count; i++)
    if (!sb_sql_id_set_contains(&c->returned, c->found[i].id)) c->found[new ++] = c->found[i];
  c->count = new;
  return SB_OK;
}

/* Moves found[at] to the next row, from where it stands on, that is within the bounds; or c->eof. */
static sb_status find_row(cursor *c, sb_error *error) {
  for (c->eof = c->k && c->rank == c->k; !c->eof; c->at++) {
    sb_status status = c->at == c->count ? next_batch(c, error) : SB_OK;
    if (status != SB_OK) return status;
    c->eof = c->at == c->count;
    if (c->eof) return SB_OK;
    sb_sql_place place = sb_sql_bounds_place(&c->bounds, c->metric, c->found[c->at].value);
    if (place == SB_SQL_PLACE_WITHIN) return SB_OK;
    c->eof = place == SB_SQL_PLACE_PAST;
  }
  return SB_OK;
}

static int step_search(cursor *c) {
  sb_error error = {0};
  sb_status status = find_row(c, &error);
  if (status != SB_OK) return fail(c, status, &error);
  c->row_read = c->vector_read = false;
  if (!c->eof) {
    c->id = c->found[c->at].id;
    c->rank++;
  }
  return SQLITE_OK;
}

/* Reads the query vector. *none: it is NULL, or zero where the metric needs a direction, so no row is nearer than
 * another. */
static sb_status read_query(cursor *c, sqlite3_value *argument, bool *none, sb_error *error) {
  const sb_sql_table *table = table_of(c);
  const sb_sql_table_declaration *d = &table->declaration;
  size_t dim = 0;
  *none = sqlite3_value_type(argument) == SQLITE_NULL;
  if (*none) return SB_OK;
  sb_status status = sb_sql_floats_of_argument(argument, &c->query, &dim, error);
  if (status == SB_OK) status = sb_sql_value_of_argument(argument, &c->probe, error);
  if (status == SB_OK) status = sb_sql_value_coerce(&c->probe, SB_SQL_ELEMENT_DOUBLE, dim, error);
  if (status == SB_OK) status = sb_sql_check_length(table->name, d->names[d->vector], d->dim, dim, error);
  if (status != SB_OK || c->metric != SB_SQL_METRIC_COSINE) return status;
  *none = sb_sql_floats_are_zero(c->query, dim);
  if (!*none || !(c->plan & SB_SQL_PLAN_MATCH)) return SB_OK;
  return sb_fail(error, SB_INVALID,
                 "vector element: all elements of the query vector are zero; cosine needs a direction");
}

static sb_status read_k(cursor *c, sqlite3_value *argument, sb_error *error) {
  int64_t k = 0;
  if (!sb_sql_whole_number(argument, &k) || k < 1 || k > SB_SQL_TABLE_K_MAX)
    return sb_fail(error, SB_INVALID, "k is a whole number from 1 to %d; for more rows leave k out and use LIMIT",
                   SB_SQL_TABLE_K_MAX);
  c->k = (size_t)k;
  return SB_OK;
}

/* Sorts the conditions: those on distance and similarity become bounds; the others stay in `values`, where those that
 * SQLite checks alone become NULL. */
static void sort_conditions(cursor *c, const char *plan, int count, bool late, sqlite3_value **values) {
  const char *conditions = sb_sql_plan_conditions(plan);
  sb_sql_condition condition;
  for (int i = 0; i < count && sb_sql_plan_next_condition(&conditions, &condition); i++) {
    bool bound = sb_sql_condition_is_bound(&condition),
         skip = late && !sb_sql_condition_is_fixed(&condition, values[i]);
    if (bound && !skip)
      sb_sql_bounds_add(&c->bounds, condition.column == SB_SQL_COLUMN_SIMILARITY, sb_sql_condition_operator(&condition),
                        values[i]);
    if (bound || skip) values[i] = NULL;
    c->filtered |= values[i] != NULL;
  }
  if (!sb_sql_bounds_skip_near(&c->bounds)) c->bounds.count = 0; /* SQLite drops the rows that are too far */
}

static sb_status find_late(cursor *c, const char *plan, int count, sqlite3_value **values, bool *late,
                           sb_error *error) {
  sb_sql_table *table = table_of(c);
  return sb_sql_table_status(table, sb_sql_find_late(table->db, c->plan, plan, count, values, late), error);
}

/* Reads the values of the conditions. */
static sb_status read_conditions(cursor *c, const char *plan, int count, sqlite3_value **values, sb_error *error) {
  bool late = false;
  if (!count) return SB_OK;
  sqlite3_value **own = sb_alloc((size_t)count, sizeof *own, error);
  if (!own) return SB_NO_MEMORY;
  memcpy(own, values, (size_t)count * sizeof *own);
  sb_status status = c->k ? find_late(c, plan, count, own, &late, error) : SB_OK;
  if (status == SB_OK) sort_conditions(c, plan, count, late, own);
  if (status == SB_OK && c->filtered) status = sb_sql_filter_ids(table_of(c), plan, count, own, &c->allowed, error);
  free(own);
  return status;
}

static int start_search(cursor *c, const char *plan, int count, sqlite3_value **values) {
  sb_error error = {0};
  bool none = false, match = c->plan & SB_SQL_PLAN_MATCH;
  int taken = 1; /* values read so far; the rest are those of the conditions */
  c->metric = (sb_sql_metric)(c->plan >> SB_SQL_PLAN_METRIC & 3);
  sb_status status = read_query(c, values[0], &none, &error);
  if (status == SB_OK && c->plan & SB_SQL_PLAN_K) status = read_k(c, values[taken++], &error);
  if (status != SB_OK) return fail(c, status, &error);
  if (none && match) return c->eof = true, SQLITE_OK;
  if (none) { /* any order is right; SQLite checks the conditions itself */
    c->plan &= ~SB_SQL_PLAN_NEAREST;
    c->plan |= SB_SQL_PLAN_ROWS | SB_SQL_PLAN_VECTOR;
    return start_scan(c, "", NULL);
  }
  status = read_conditions(c, plan, count - taken, values + taken, &error);
  return status == SB_OK ? step_search(c) : fail(c, status, &error);
}

/* ---- The cursor's methods */

int sb_sql_table_filter(sqlite3_vtab_cursor *base, int number, const char *text, int count, sqlite3_value **values) {
  cursor *c = (cursor *)base;
  clear(c);
  c->plan = number;
  return number & SB_SQL_PLAN_NEAREST ? start_search(c, text, count, values) : start_scan(c, text, values);
}

int sb_sql_table_next(sqlite3_vtab_cursor *base) {
  cursor *c = (cursor *)base;
  if (!(c->plan & SB_SQL_PLAN_NEAREST)) return step_scan(c);
  c->at++;
  return step_search(c);
}

int sb_sql_table_eof(sqlite3_vtab_cursor *base) {
  return ((cursor *)base)->eof;
}

int sb_sql_table_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *out) {
  *out = ((cursor *)base)->id;
  return SQLITE_OK;
}

/* ---- Columns */

/* Moves `*statement` to the current row of a search, compiling it on first use. */
static int read_row(cursor *c, sqlite3_stmt **statement, const char *format) {
  sb_sql_table *table = table_of(c);
  int code = *statement ? SQLITE_OK : sb_sql_table_prepare(table, statement, format, table->schema, table->name);
  if (code != SQLITE_OK) return sb_sql_table_sqlite_error(table, code);
  sqlite3_reset(*statement);
  sqlite3_bind_int64(*statement, 1, c->id);
  code = sqlite3_step(*statement);
  if (code == SQLITE_ROW) return SQLITE_OK;
  if (code != SQLITE_DONE) return sb_sql_table_sqlite_error(table, code);
  sb_error error = {0};
  sb_fail(&error, SB_STORE, "the tables of %s are damaged: row %lld is not in all of them; restore a backup",
          table->name, (long long)c->id);
  return fail(c, SB_STORE, &error);
}

/* The number of a column of T_rows among its columns but the id. */
static int ordinary_number(const sb_sql_table *table, int column) {
  const sb_sql_table_declaration *d = &table->declaration;
  return column - (column > d->vector) - (d->key >= 0 && column > d->key);
}

static int search_column(cursor *c, sqlite3_context *context, int column) {
  const sb_sql_table *table = table_of(c);
  bool vector = column == table->declaration.vector;
  bool *read = vector ? &c->vector_read : &c->row_read;
  int code = SQLITE_OK;
  if (!*read)
    code = vector ? read_row(c, &c->vector, "SELECT vector FROM \"%w\".\"%w_vectors\" WHERE id = ?")
                  : read_row(c, &c->row, "SELECT * FROM \"%w\".\"%w_rows\" WHERE id = ?");
  if (code != SQLITE_OK) return code;
  *read = true;
  sqlite3_result_value(context, vector ? sqlite3_column_value(c->vector, 0)
                                       : sqlite3_column_value(c->row, ordinary_number(table, column) + 1));
  return SQLITE_OK;
}

/* distance, similarity, k and rank. All are NULL in a scan; the first two also in a search by another metric than
 * the table's. */
static void hidden_column(const cursor *c, sqlite3_context *context, int which) {
  const sb_sql_table *table = table_of(c);
  if (!(c->plan & SB_SQL_PLAN_NEAREST)) return;
  if (which == SB_SQL_HIDDEN_RANK) sqlite3_result_int64(context, (sqlite3_int64)c->rank);
  if (which == SB_SQL_HIDDEN_K && c->k) sqlite3_result_int64(context, (sqlite3_int64)c->k);
  if (c->metric != table->declaration.metric) return;
  double value = c->found[c->at].value;
  if (which == SB_SQL_HIDDEN_DISTANCE) sqlite3_result_double(context, sb_sql_distance(c->metric, value));
  if (which == SB_SQL_HIDDEN_SIMILARITY) sqlite3_result_double(context, sb_sql_similarity(c->metric, value));
}

int sb_sql_table_column(sqlite3_vtab_cursor *base, sqlite3_context *context, int column) {
  cursor *c = (cursor *)base;
  const sb_sql_table *table = table_of(c);
  const sb_sql_table_declaration *d = &table->declaration;
  if (column >= d->columns) return hidden_column(c, context, column - d->columns), SQLITE_OK;
  if (column == d->key) return sqlite3_result_int64(context, c->id), SQLITE_OK;
  if (column == d->vector && sqlite3_vtab_nochange(context)) return SQLITE_OK; /* an UPDATE that does not set it */
  if (c->plan & SB_SQL_PLAN_NEAREST) return search_column(c, context, column);
  int number = column == d->vector ? 1 : ordinary_number(table, column) + 2; /* see write_columns */
  if (number < sqlite3_column_count(c->scan)) sqlite3_result_value(context, sqlite3_column_value(c->scan, number));
  return SQLITE_OK;
}
