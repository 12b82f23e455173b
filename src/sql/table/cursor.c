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
#include "sql/vectors/walk.h"

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
  int number;         /* of the searched column among those of vectors */
  float *query;       /* NULL where the column has bits */
  sb_sql_value probe; /* the query vector as doubles, or bits; it owns its elements */
  sb_sql_metric metric;
  sb_sql_walk walk;                /* the current row is found[walk.at] */
  size_t batch;                    /* how many rows the next batch asks for */
  bool filtered, exhausted;        /* `allowed` applies; there are no more batches */
  sb_sql_id_set allowed, returned; /* `returned`: the rows of earlier batches */
  sb_sql_neighbor *found;          /* the current batch */
  /* Read the current row's columns, once somebody asks for them. */
  sqlite3_stmt *row, *vectors[SB_SQL_TABLE_VECTORS_MAX];
  bool row_read, vectors_read[SB_SQL_TABLE_VECTORS_MAX];
} cursor;

static sb_sql_table *table_of(const cursor *c) {
  return (sb_sql_table *)c->base.pVtab;
}

static sb_sql_vector_set *set_of(const cursor *c) {
  return &table_of(c)->sets[c->number];
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
  for (int i = 0; i < SB_SQL_TABLE_VECTORS_MAX; i++) sqlite3_finalize(c->vectors[i]);
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

/* Whether the statement reads a column of vectors. */
static bool reads(const cursor *c, int number) {
  return c->plan >> SB_SQL_PLAN_VECTORS >> number & 1;
}

/* What the scan selects beside the id: the vectors that the statement reads, then the ordinary columns. */
static sb_status write_columns(const cursor *c, sb_buffer *out) {
  const sb_sql_table_declaration *d = &table_of(c)->declaration;
  sb_status status = sb_buffer_addf(out, NULL, "r.id");
  for (int i = 0; status == SB_OK && i < d->vector_count; i++)
    if (reads(c, i)) status = sb_buffer_addf(out, NULL, ", v%d.vector", i);
  for (int i = 0; status == SB_OK && c->plan & SB_SQL_PLAN_ROWS && i < d->columns; i++)
    if (sb_sql_table_declaration_in_rows(d, i)) status = sb_buffer_addf(out, NULL, ", r.c%d", i);
  return status;
}

/* The tables that the scan needs. CROSS JOIN keeps their order: T_rows first, where the conditions apply. */
static char *write_tables(const cursor *c) {
  const sb_sql_table *t = table_of(c);
  char *out = sqlite3_mprintf("\"%w\".\"%w_rows\" r", t->schema, t->name);
  for (int i = 0; out && i < t->declaration.vector_count; i++)
    if (reads(c, i))
      out = sqlite3_mprintf("%z CROSS JOIN \"%w\".\"%w_%s\" v%d ON v%d.id = r.id", out, t->schema, t->name,
                            t->sets[i].suffix, i, i);
  return out;
}

static sb_status write_where(const cursor *c, const char *conditions, sb_buffer *out) {
  sb_sql_condition condition;
  sb_status status = sb_buffer_addf(out, NULL, "%s", "");
  while (status == SB_OK && sb_sql_plan_next_condition(&conditions, &condition)) {
    int number = sb_sql_table_declaration_vector(&table_of(c)->declaration, condition.column);
    status = sb_buffer_addf(out, NULL, out->size ? " AND " : " WHERE ");
    if (status == SB_OK && number >= 0) status = sb_buffer_addf(out, NULL, "v%d.vector = ?", number);
    if (status == SB_OK && number < 0) status = sb_sql_condition_write(&condition, 1, out, NULL);
  }
  return status;
}

/* Compiles the scan. Returns SQLite's code. */
static int prepare_scan(cursor *c, const char *conditions) {
  sb_buffer columns = {0}, where = {0};
  char *tables = write_tables(c);
  int code = SQLITE_NOMEM;
  if (tables && write_columns(c, &columns) == SB_OK && write_where(c, conditions, &where) == SB_OK)
    code = sb_sql_table_prepare(table_of(c), &c->scan, "SELECT %s FROM %s%s ORDER BY r.id%s", columns.bytes, tables,
                                where.bytes, c->plan & SB_SQL_PLAN_BACKWARDS ? " DESC" : "");
  sqlite3_free(tables);
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

/* Binds the blob that is stored for a vector. */
static int bind_vector(cursor *c, sb_sql_vector_set *set, int parameter, sqlite3_value *argument) {
  const sb_sql_vector_column *column = set->column;
  const char *table = set->table->name, *name = set->table->declaration.names[column->column];
  sb_sql_value value = {0};
  uint8_t *bytes = NULL;
  size_t size = 0;
  sb_error error = {0};
  if (sqlite3_value_type(argument) == SQLITE_NULL) return SQLITE_OK; /* equal to nothing */
  sb_status status = sb_sql_value_for_column(argument, column->element, column->dim, &value, &error);
  if (status == SB_OK) status = sb_sql_check_length(table, name, column->dim, value.dim, &error);
  if (status == SB_OK) status = sb_sql_value_convert(&value, column->element, &error);
  if (status == SB_OK) status = sb_sql_value_write_blob(&value, &bytes, &size, &error);
  sb_sql_value_free(&value);
  if (status != SB_OK) return fail(c, status, &error);
  return sqlite3_bind_blob64(c->scan, parameter, bytes, size, free);
}

static int start_scan(cursor *c, const char *plan, sqlite3_value **values) {
  const char *conditions = sb_sql_plan_conditions(plan);
  sb_sql_condition condition;
  int code = prepare_scan(c, conditions);
  if (code != SQLITE_OK) return sb_sql_table_sqlite_error(table_of(c), code);
  for (int number = 0, bound = 0; sb_sql_plan_next_condition(&conditions, &condition); number++) {
    if (!sb_sql_condition_has_value(&condition)) continue;
    int vector = sb_sql_table_declaration_vector(&table_of(c)->declaration, condition.column);
    if (vector >= 0)
      code = bind_vector(c, &table_of(c)->sets[vector], ++bound, values[number]);
    else
      code = sb_sql_table_sqlite_error(table_of(c), sqlite3_bind_value(c->scan, ++bound, values[number]));
    if (code != SQLITE_OK) return code;
  }
  return step_scan(c);
}

/* ---- A search */

/* Adds the rows of the current batch to `returned`, and empties the batch. */
static sb_status finish_batch(cursor *c, sb_error *error) {
  for (size_t i = 0; i < c->walk.count; i++) {
    sb_status status = sb_sql_id_set_add(&c->returned, c->found[i].id, error);
    if (status != SB_OK) return status;
  }
  sb_sql_id_set_sort(&c->returned);
  free(c->found);
  c->found = NULL;
  c->walk.count = c->walk.at = 0;
  return SB_OK;
}

/* Finds more rows than before, and leaves those that earlier batches did not return. */
static sb_status next_batch(cursor *c, sb_error *error) {
  sb_status status = finish_batch(c, error);
  if (status != SB_OK || c->exhausted) return status;
  bool few = c->filtered && c->allowed.count <= SB_SQL_NEAREST_FEW;
  bool once = c->walk.k_given && !c->walk.bounds.count; /* one batch is enough */
  c->batch = c->batch ? c->batch * BATCH_GROWTH : c->walk.k > BATCH_FIRST ? c->walk.k : BATCH_FIRST;
  sb_sql_nearest_query query = {.vector = c->query,
                                .probe = &c->probe,
                                .metric = c->metric,
                                .k = c->walk.k,
                                .allowed = c->filtered ? &c->allowed : NULL,
                                .nulls = !(c->plan & SB_SQL_PLAN_MATCH)};
  if (!once) query.k = c->batch > BATCH_LAST || few ? SIZE_MAX : c->batch;
  status = sb_sql_nearest_find(set_of(c), &query, &c->found, &c->walk.count, error);
  if (status != SB_OK) return status;
  c->exhausted = once || c->walk.count < query.k;
  size_t new = 0;
  for (size_t i = 0; i < c->walk.count; i++)
    if (!sb_sql_id_set_contains(&c->returned, c->found[i].id)) c->found[new ++] = c->found[i];
  c->walk.count = new;
  return SB_OK;
}

static sb_status more_rows(void *cursor_, sb_error *error) {
  return next_batch(cursor_, error);
}

static double value_of(const void *cursor_, size_t at) {
  return ((const cursor *)cursor_)->found[at].value;
}

static int step_search(cursor *c) {
  const sb_sql_walk_source source = {c, c->metric, more_rows, value_of};
  sb_error error = {0};
  sb_status status = sb_sql_walk_find(&c->walk, &source, &c->eof, &error);
  if (status != SB_OK) return fail(c, status, &error);
  c->row_read = false;
  memset(c->vectors_read, 0, sizeof c->vectors_read);
  if (!c->eof) c->id = c->found[c->walk.at].id;
  return SQLITE_OK;
}

/* Makes `query` the probe as floats, and the probe doubles; a probe of bits stays as it is. Both own their elements. */
static sb_status convert_probe(cursor *c, sb_error *error) {
  sb_sql_value floats = c->probe;
  size_t dim = c->probe.dim;
  floats.owned = NULL;
  if (c->probe.element == SB_SQL_ELEMENT_BIT) return sb_sql_value_coerce(&c->probe, SB_SQL_ELEMENT_BIT, dim, error);
  sb_status status = sb_sql_value_coerce(&floats, SB_SQL_ELEMENT_FLOAT, dim, error);
  if (status != SB_OK) return status;
  c->query = floats.owned;
  return sb_sql_value_coerce(&c->probe, SB_SQL_ELEMENT_DOUBLE, dim, error);
}

/* Reads the query vector. *none: it is NULL, or zero where the metric needs a direction, so no row is nearer than
 * another. */
static sb_status read_query(cursor *c, sqlite3_value *argument, bool *none, sb_error *error) {
  const sb_sql_table *table = table_of(c);
  const sb_sql_vector_column *column = set_of(c)->column;
  *none = sqlite3_value_type(argument) == SQLITE_NULL;
  if (*none) return SB_OK;
  sb_status status = sb_sql_value_for_column(argument, column->element, column->dim, &c->probe, error);
  if (status == SB_OK)
    status =
        sb_sql_check_length(table->name, table->declaration.names[column->column], column->dim, c->probe.dim, error);
  if (status == SB_OK) status = convert_probe(c, error);
  if (status != SB_OK || c->metric != SB_SQL_METRIC_COSINE || !c->query) return status;
  *none = sb_sql_floats_are_zero(c->query, column->dim);
  if (!*none || !(c->plan & SB_SQL_PLAN_MATCH)) return SB_OK;
  return sb_fail(error, SB_INVALID,
                 "vector element: all elements of the query vector are zero; cosine needs a direction");
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
      sb_sql_bounds_add(&c->walk.bounds, condition.column == SB_SQL_COLUMN_SIMILARITY,
                        sb_sql_condition_operator(&condition), values[i]);
    if (bound || skip) values[i] = NULL;
    c->filtered |= values[i] != NULL;
  }
  if (!sb_sql_bounds_skip_near(&c->walk.bounds)) c->walk.bounds.count = 0; /* SQLite drops the rows that are too far */
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
  sb_status status = c->walk.k_given ? find_late(c, plan, count, own, &late, error) : SB_OK;
  if (status == SB_OK) sort_conditions(c, plan, count, late, own);
  if (status == SB_OK && c->filtered) status = sb_sql_filter_ids(table_of(c), plan, count, own, &c->allowed, error);
  free(own);
  return status;
}

static int start_search(cursor *c, const char *plan, int count, sqlite3_value **values) {
  sb_error error = {0};
  bool none = false, match = c->plan & SB_SQL_PLAN_MATCH;
  int taken = 1; /* values read so far; the rest are those of the conditions */
  c->metric = (sb_sql_metric)(c->plan >> SB_SQL_PLAN_METRIC & 7);
  c->number = c->plan >> SB_SQL_PLAN_NUMBER & 15;
  sb_status status = read_query(c, values[0], &none, &error);
  if (status == SB_OK && c->plan & SB_SQL_PLAN_K)
    status = sb_sql_walk_read_k(&c->walk, values[taken++], SB_SQL_TABLE_K_MAX, &error);
  if (status != SB_OK) return fail(c, status, &error);
  if ((none && match) || (c->walk.k_given && !c->walk.k)) return c->eof = true, SQLITE_OK;
  if (none) { /* any order is right; SQLite checks the conditions itself */
    c->plan &= ~SB_SQL_PLAN_NEAREST;
    c->plan |= SB_SQL_PLAN_ROWS;
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
  c->walk.at++;
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

/* Moves a statement to the current row of a search. `code` is that of compiling it. */
static int read_row(cursor *c, sqlite3_stmt *statement, int code) {
  sb_sql_table *table = table_of(c);
  if (code != SQLITE_OK) return sb_sql_table_sqlite_error(table, code);
  sqlite3_reset(statement);
  sqlite3_bind_int64(statement, 1, c->id);
  code = sqlite3_step(statement);
  if (code == SQLITE_ROW) return SQLITE_OK;
  if (code != SQLITE_DONE) return sb_sql_table_sqlite_error(table, code);
  sb_error error = {0};
  sb_fail(&error, SB_STORE, "the tables of %s are damaged: row %lld is not in all of them; restore a backup",
          table->name, (long long)c->id);
  return fail(c, SB_STORE, &error);
}

/* The number of a column of T_rows among its columns but the id. */
static int ordinary_number(const sb_sql_table *table, int column) {
  int number = 0;
  for (int i = 0; i < column; i++) number += sb_sql_table_declaration_in_rows(&table->declaration, i);
  return number;
}

/* A vector as it is stored, where an empty blob stands for NULL. */
static void result_vector(sqlite3_context *context, sqlite3_value *stored) {
  if (sqlite3_value_bytes(stored)) sqlite3_result_value(context, stored);
}

static int search_vector(cursor *c, sqlite3_context *context, int number) {
  static const char text[] = "SELECT vector FROM \"%w\".\"%w_%s\" WHERE id = ?";
  sqlite3_stmt **statement = &c->vectors[number];
  int code = *statement ? SQLITE_OK : sb_sql_vector_prepare(&table_of(c)->sets[number], statement, text);
  if (!c->vectors_read[number]) code = read_row(c, *statement, code);
  if (code != SQLITE_OK) return code;
  c->vectors_read[number] = true;
  return result_vector(context, sqlite3_column_value(*statement, 0)), SQLITE_OK;
}

static int search_ordinary(cursor *c, sqlite3_context *context, int column) {
  static const char text[] = "SELECT * FROM \"%w\".\"%w_rows\" WHERE id = ?";
  sb_sql_table *table = table_of(c);
  int code = c->row ? SQLITE_OK : sb_sql_table_prepare(table, &c->row, text, table->schema, table->name);
  if (!c->row_read) code = read_row(c, c->row, code);
  if (code != SQLITE_OK) return code;
  c->row_read = true;
  sqlite3_result_value(context, sqlite3_column_value(c->row, ordinary_number(table, column) + 1));
  return SQLITE_OK;
}

/* The columns of a scan are in the order of write_columns. */
static void scan_column(const cursor *c, sqlite3_context *context, int column, int number) {
  const sb_sql_table *table = table_of(c);
  int at = 1;
  for (int i = 0; i < (number < 0 ? table->declaration.vector_count : number); i++) at += reads(c, i);
  if (number < 0) at += ordinary_number(table, column);
  if (at >= sqlite3_column_count(c->scan) || (number >= 0 && !reads(c, number))) return;
  sqlite3_value *value = sqlite3_column_value(c->scan, at);
  if (number >= 0)
    result_vector(context, value);
  else
    sqlite3_result_value(context, value);
}

/* distance, similarity, k and rank. All are NULL in a scan; the first two also in a search by another metric than
 * the column's, and for a vector that is NULL. */
static void hidden_column(const cursor *c, sqlite3_context *context, int which) {
  if (!(c->plan & SB_SQL_PLAN_NEAREST)) return;
  if (which == SB_SQL_HIDDEN_RANK) sqlite3_result_int64(context, (sqlite3_int64)c->walk.rank);
  if (which == SB_SQL_HIDDEN_K && c->walk.k_given) sqlite3_result_int64(context, (sqlite3_int64)c->walk.k);
  if (c->metric != set_of(c)->column->metric) return;
  double value = c->found[c->walk.at].value;
  if (which == SB_SQL_HIDDEN_DISTANCE) sqlite3_result_double(context, sb_sql_distance(c->metric, value));
  if (which == SB_SQL_HIDDEN_SIMILARITY) sqlite3_result_double(context, sb_sql_similarity(c->metric, value));
}

int sb_sql_table_column(sqlite3_vtab_cursor *base, sqlite3_context *context, int column) {
  cursor *c = (cursor *)base;
  const sb_sql_table_declaration *d = &table_of(c)->declaration;
  int number = sb_sql_table_declaration_vector(d, column);
  if (column >= d->columns) return hidden_column(c, context, column - d->columns), SQLITE_OK;
  if (column == d->key) return sqlite3_result_int64(context, c->id), SQLITE_OK;
  if (number >= 0 && sqlite3_vtab_nochange(context)) return SQLITE_OK; /* an UPDATE that does not set it */
  if (!(c->plan & SB_SQL_PLAN_NEAREST)) return scan_column(c, context, column, number), SQLITE_OK;
  return number >= 0 ? search_vector(c, context, number) : search_ordinary(c, context, column);
}
