/* Reading: a scan of rows, or the nearest rows in their order. */
#include "sql/index_cache.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH_FIRST = 32, BATCH_GROWTH = 8, BATCH_LAST = 2048 };

typedef struct cursor {
  sqlite3_vtab_cursor base;
  int plan;
  bool eof;
  int64_t id;
  /* A scan: the statement's row is the cursor's; where its columns stand in it. */
  sqlite3_stmt *scan;
  /* A search. Without k the rows come in batches that grow, as long as the statement takes them. */
  float *probe;
  sb_measure measure;
  size_t k, batch;
  bool filtered, exhausted;
  sb_ids allowed, given; /* given: what earlier batches brought */
  sb_near *found;
  size_t count, at, rank;
  sqlite3_stmt *row, *vector; /* of the row `id`, when they stand on one */
  bool row_read, vector_read;
} cursor;

static sb_table *table_of(const cursor *c) {
  return (sb_table *)c->base.pVtab;
}

int sb_table_open(sqlite3_vtab *base, sqlite3_vtab_cursor **out) {
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
  free(c->probe);
  free(c->found);
  sb_ids_free(&c->allowed);
  sb_ids_free(&c->given);
  *c = (cursor){.base = c->base};
}

int sb_table_close(sqlite3_vtab_cursor *base) {
  cursor *c = (cursor *)base;
  clear(c);
  free(c);
  return SQLITE_OK;
}

/* ---- A scan */

/* "SELECT id, <vector or NULL>, c0, c1, ... WHERE ...": only the tables that the statement needs. */
static sb_status scan_sql(const cursor *c, const char *conditions, sb_buffer *out, sb_error *error) {
  const sb_table *table = table_of(c);
  bool rows = c->plan & SB_PLAN_ROWS || *conditions, vector = c->plan & SB_PLAN_VECTOR;
  sb_condition condition;
  sb_status status = sb_buffer_addf(out, error, "SELECT %s.id, %s", rows ? "r" : "v", vector ? "v.vector" : "NULL");
  for (int i = 0; status == SB_OK && c->plan & SB_PLAN_ROWS && i < table->declaration.columns; i++)
    if (i != table->declaration.vector) status = sb_buffer_addf(out, error, ", r.c%d", i);
  /* CROSS keeps the order of the two: rows first, where the conditions are. */
  char *from =
      sqlite3_mprintf(rows && vector ? " FROM \"%w\".\"%w_rows\" r CROSS JOIN \"%w\".\"%w_vectors\" v ON v.id = r.id"
                      : rows         ? " FROM \"%w\".\"%w_rows\" r"
                                     : " FROM \"%w\".\"%w_vectors\" v",
                      table->schema, table->name, table->schema, table->name);
  if (status == SB_OK)
    status = from ? sb_buffer_addf(out, error, "%s", from) : sb_fail(error, SB_NO_MEMORY, "out of memory");
  sqlite3_free(from);
  for (bool first = true; status == SB_OK && sb_plan_next(&conditions, &condition); first = false) {
    status = sb_buffer_addf(out, error, first ? " WHERE " : " AND ");
    if (status == SB_OK) status = sb_condition_sql(&condition, 1, out, error);
  }
  if (status == SB_OK)
    status =
        sb_buffer_addf(out, error, " ORDER BY %s.id%s", rows ? "r" : "v", c->plan & SB_PLAN_BACKWARDS ? " DESC" : "");
  return status;
}

static int step_scan(cursor *c) {
  int code = sqlite3_step(c->scan);
  c->eof = code != SQLITE_ROW;
  if (!c->eof) c->id = sqlite3_column_int64(c->scan, 0);
  return code == SQLITE_ROW || code == SQLITE_DONE ? SQLITE_OK : sb_table_failed(table_of(c), code);
}

static int start_scan(cursor *c, const char *plan, sqlite3_value **values) {
  sb_table *table = table_of(c);
  sb_buffer sql = {0};
  sb_error error = {0};
  sb_condition condition;
  const char *colon = strchr(plan, ':');
  const char *conditions = colon ? colon + 1 : "";
  sb_status status = scan_sql(c, conditions, &sql, &error);
  int code = status == SB_OK ? sqlite3_prepare_v2(table->db, sql.bytes, -1, &c->scan, NULL) : SQLITE_OK;
  sb_buffer_free(&sql);
  if (status != SB_OK) return sb_table_refused(table, status, &error);
  if (code != SQLITE_OK) return sb_table_failed(table, code);
  for (int number = 0, bound = 0; sb_plan_next(&conditions, &condition); number++)
    if (!strstr(condition.operator, "null")) sqlite3_bind_value(c->scan, ++bound, values[number]);
  return step_scan(c);
}

/* ---- A search */

static sb_status next_batch(cursor *c, sb_error *error) {
  sb_table *table = table_of(c);
  for (size_t i = 0; i < c->count; i++) {
    sb_status status = sb_ids_add(&c->given, c->found[i].id, error);
    if (status != SB_OK) return status;
  }
  sb_ids_sort(&c->given);
  free(c->found);
  c->found = NULL;
  c->count = c->at = 0;
  if (c->exhausted) return SB_OK;
  c->batch = c->batch ? c->batch * BATCH_GROWTH : BATCH_FIRST;
  sb_near_query query = {
      .probe = c->probe, .measure = c->measure, .k = c->k, .allowed = c->filtered ? &c->allowed : NULL};
  if (!c->k) query.k = c->batch > BATCH_LAST || (c->filtered && c->allowed.count <= SB_NEAR_FEW) ? SIZE_MAX : c->batch;
  sb_status status = sb_index_cache_search(table, &query, &c->found, &c->count, error);
  if (status != SB_OK) return status;
  c->exhausted = c->k || c->count < query.k;
  size_t kept = 0;
  for (size_t i = 0; i < c->count; i++)
    if (!sb_ids_hold(&c->given, c->found[i].id)) c->found[kept++] = c->found[i];
  c->count = kept;
  return SB_OK;
}

static int step_search(cursor *c) {
  sb_error error = {0};
  sb_status status = SB_OK;
  if (c->at == c->count) status = next_batch(c, &error);
  if (status != SB_OK) return sb_table_refused(table_of(c), status, &error);
  c->eof = c->at == c->count;
  c->row_read = c->vector_read = false;
  if (!c->eof) {
    c->id = c->found[c->at].id;
    c->rank++;
  }
  return SQLITE_OK;
}

static sb_status read_probe(cursor *c, sqlite3_value *argument, bool *nothing, sb_error *error) {
  const sb_table *table = table_of(c);
  const sb_declaration *d = &table->declaration;
  sb_value value = {0};
  *nothing = sqlite3_value_type(argument) == SQLITE_NULL;
  if (*nothing) return SB_OK;
  sb_status status = sb_value_of(argument, &value, error);
  if (status == SB_OK && value.dim != d->dim)
    status = sb_fail(error, SB_INVALID, "vector length: %s.%s holds vectors of %zu elements, the probe has %zu",
                     table->name, d->names[d->vector], d->dim, value.dim);
  if (status == SB_OK) status = sb_value_convert(&value, SB_ELEMENT_FLOAT, error);
  if (status == SB_OK) status = sb_value_check(&value, error);
  if (status == SB_OK && !(c->probe = sb_alloc(d->dim, sizeof *c->probe, error))) status = SB_NO_MEMORY;
  if (status == SB_OK) {
    memcpy(c->probe, value.bytes, d->dim * sizeof *c->probe);
    bool zero = true;
    for (size_t i = 0; zero && i < d->dim; i++) zero = c->probe[i] == 0;
    *nothing = zero && c->measure == SB_MEASURE_COSINE && !(c->plan & SB_PLAN_MATCH);
    if (zero && c->measure == SB_MEASURE_COSINE && c->plan & SB_PLAN_MATCH)
      status = sb_fail(error, SB_INVALID, "vector element: the probe is zero and has no direction to compare");
  }
  sb_value_free(&value);
  return status;
}

static sb_status read_k(cursor *c, sqlite3_value *argument, sb_error *error) {
  sqlite3_int64 k = sqlite3_value_int64(argument);
  if (sqlite3_value_numeric_type(argument) != SQLITE_INTEGER || k < 1 || k > SB_TABLE_K_MAX)
    return sb_fail(error, SB_INVALID, "k is a whole number from 1 to %d; for more rows leave it out and use LIMIT",
                   SB_TABLE_K_MAX);
  c->k = (size_t)k;
  return SB_OK;
}

static int start_search(cursor *c, const char *plan, int count, sqlite3_value **values) {
  sb_table *table = table_of(c);
  sb_error error = {0};
  bool nothing = false;
  int taken = 1;
  c->measure = (sb_measure)(c->plan >> SB_PLAN_MEASURE & 3);
  sb_status status = read_probe(c, values[0], &nothing, &error);
  if (status == SB_OK && c->plan & SB_PLAN_K) status = read_k(c, values[taken++], &error);
  if (status == SB_OK && nothing) {
    c->eof = true;
    if (c->plan & SB_PLAN_MATCH) return SQLITE_OK;
    c->plan &= ~SB_PLAN_NEAREST; /* all are as near: any order is right. The conditions are SQLite's to check. */
    c->plan |= SB_PLAN_ROWS | SB_PLAN_VECTOR;
    return start_scan(c, "", NULL);
  }
  c->filtered = count > taken;
  if (status == SB_OK && c->filtered)
    status = sb_filter_ids(table, plan, count - taken, values + taken, &c->allowed, &error);
  return status == SB_OK ? step_search(c) : sb_table_refused(table, status, &error);
}

int sb_table_filter(sqlite3_vtab_cursor *base, int number, const char *text, int count, sqlite3_value **values) {
  cursor *c = (cursor *)base;
  clear(c);
  c->plan = number;
  return number & SB_PLAN_NEAREST ? start_search(c, text, count, values) : start_scan(c, text, values);
}

int sb_table_next(sqlite3_vtab_cursor *base) {
  cursor *c = (cursor *)base;
  if (!(c->plan & SB_PLAN_NEAREST)) return step_scan(c);
  c->at++;
  return step_search(c);
}

int sb_table_eof(sqlite3_vtab_cursor *base) {
  return ((cursor *)base)->eof;
}

int sb_table_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *out) {
  *out = ((cursor *)base)->id;
  return SQLITE_OK;
}

/* ---- Columns */

/* Makes `*statement` stand on the row of the search. */
static int stand_on_row(cursor *c, sqlite3_stmt **statement, const char *format) {
  sb_table *table = table_of(c);
  int code = SQLITE_OK;
  if (!*statement) code = sb_table_prepare(table, statement, format, table->schema, table->name);
  if (code != SQLITE_OK) return sb_table_failed(table, code);
  sqlite3_reset(*statement);
  sqlite3_bind_int64(*statement, 1, c->id);
  code = sqlite3_step(*statement);
  if (code == SQLITE_ROW) return SQLITE_OK;
  if (code != SQLITE_DONE) return sb_table_failed(table, code);
  sb_error error = {0};
  sb_fail(&error, SB_STORE, "the tables of %s are damaged: row %lld is not in all of them", table->name,
          (long long)c->id);
  return sb_table_refused(table, SB_STORE, &error);
}

/* Where an ordinary column stands among them. */
static int place_of(const sb_table *table, int column) {
  return column - (column > table->declaration.vector);
}

static int search_column(cursor *c, sqlite3_context *context, int column) {
  const sb_table *table = table_of(c);
  bool vector = column == table->declaration.vector;
  bool *read = vector ? &c->vector_read : &c->row_read;
  int code = SQLITE_OK;
  if (!*read)
    code = vector ? stand_on_row(c, &c->vector, "SELECT vector FROM \"%w\".\"%w_vectors\" WHERE id = ?")
                  : stand_on_row(c, &c->row, "SELECT * FROM \"%w\".\"%w_rows\" WHERE id = ?");
  if (code != SQLITE_OK) return code;
  *read = true;
  sqlite3_result_value(context, vector ? sqlite3_column_value(c->vector, 0)
                                       : sqlite3_column_value(c->row, place_of(table, column) + 1));
  return SQLITE_OK;
}

/* What the search knows of the row; nothing in a scan. */
static void hidden_column(const cursor *c, sqlite3_context *context, int which) {
  const sb_table *table = table_of(c);
  if (!(c->plan & SB_PLAN_NEAREST)) return;
  double value = c->found[c->at].value;
  bool metric = c->measure == table->declaration.metric;
  if (which == SB_HIDDEN_RANK) sqlite3_result_int64(context, (sqlite3_int64)c->rank);
  if (which == SB_HIDDEN_K && c->k) sqlite3_result_int64(context, (sqlite3_int64)c->k);
  if (!metric) return;
  double distance = c->measure == SB_MEASURE_L2 ? value : c->measure == SB_MEASURE_COSINE ? 1 - value : -value;
  if (which == SB_HIDDEN_DISTANCE) sqlite3_result_double(context, distance);
  if (which == SB_HIDDEN_SIMILARITY) sqlite3_result_double(context, c->measure == SB_MEASURE_L2 ? -value : value);
}

int sb_table_column(sqlite3_vtab_cursor *base, sqlite3_context *context, int column) {
  cursor *c = (cursor *)base;
  const sb_table *table = table_of(c);
  const sb_declaration *d = &table->declaration;
  if (column >= d->columns) return hidden_column(c, context, column - d->columns), SQLITE_OK;
  if (column == d->vector && sqlite3_vtab_nochange(context)) return SQLITE_OK; /* an UPDATE that leaves it as it is */
  if (c->plan & SB_PLAN_NEAREST) return search_column(c, context, column);
  int place = column == d->vector ? 1 : place_of(table, column) + 2;
  if (place < sqlite3_column_count(c->scan)) sqlite3_result_value(context, sqlite3_column_value(c->scan, place));
  return SQLITE_OK;
}
