/* The aggregates work as window functions, too, so every row that was added can be taken out again. Numbers are added
 * as SQLite does: integers exactly, reals with the error term of Neumaier (1974). */
#include "sql/vectors/aggregates.h"

#include "sql/error.h"
#include "sql/vectors/argument.h"

#include <math.h>
#include <stdlib.h>

typedef enum kind { NOTHING, NUMBERS, VECTORS } kind;

typedef struct state {
  kind kind;
  int64_t count; /* rows that are not NULL */
  /* Numbers. */
  bool real, overflow; /* a row was not an integer; the integers' sum is too large */
  int64_t whole;
  double sum, rest; /* of all rows as reals, and the error term */
  /* Vectors. */
  sb_sql_element element; /* of the first one */
  size_t dim;
  double *sums;
} state;

/* What a function's data is. */
typedef struct aggregate {
  const char *name;
  bool mean, numbers; /* it takes numbers as well */
} aggregate;

static const aggregate *aggregate_of(sqlite3_context *context) {
  return sqlite3_user_data(context);
}

/* ---- Numbers */

static void add_real(state *s, double x) {
  double sum = s->sum + x;
  s->rest += fabs(s->sum) >= fabs(x) ? s->sum - sum + x : x - sum + s->sum;
  s->sum = sum;
}

static void add_number(state *s, sqlite3_value *value, int sign) {
  int64_t x = sqlite3_value_int64(value);
  if (sqlite3_value_numeric_type(value) == SQLITE_INTEGER) {
    if (!s->real && !s->overflow)
      s->overflow =
          sign > 0 ? __builtin_add_overflow(s->whole, x, &s->whole) : __builtin_sub_overflow(s->whole, x, &s->whole);
    add_real(s, sign * (double)x);
  } else {
    s->real = true;
    add_real(s, sign * sqlite3_value_double(value));
  }
}

static void result_number(sqlite3_context *context, const state *s) {
  double sum = isfinite(s->rest) ? s->sum + s->rest : s->sum;
  if (aggregate_of(context)->mean)
    sqlite3_result_double(context, sum / (double)s->count);
  else if (s->overflow)
    sqlite3_result_error(context, "integer overflow", -1);
  else if (s->real)
    sqlite3_result_double(context, sum);
  else
    sqlite3_result_int64(context, s->whole);
}

/* ---- Vectors */

static sb_status begin_vectors(state *s, const sb_sql_value *value, sb_error *error) {
  if (value->element == SB_SQL_ELEMENT_BIT)
    return sb_fail(error, SB_INVALID, "vector type: vectors of bits cannot be added");
  s->sums = sb_alloc(value->dim, sizeof *s->sums, error);
  if (!s->sums) return SB_NO_MEMORY;
  s->dim = value->dim;
  s->element = value->element ? value->element : SB_SQL_ELEMENT_FLOAT;
  bool whole = s->element == SB_SQL_ELEMENT_INT8 || s->element == SB_SQL_ELEMENT_INTEGER;
  if (whole) s->element = SB_SQL_ELEMENT_DOUBLE;
  return SB_OK;
}

static sb_status add_vector(state *s, sqlite3_value *argument, int sign, sb_error *error) {
  sb_sql_value value = {0};
  sb_status status = sb_sql_value_of_argument(argument, &value, error);
  if (status == SB_OK) status = sb_sql_value_check(&value, error);
  if (status == SB_OK && !s->sums) status = begin_vectors(s, &value, error);
  if (status == SB_OK && value.dim != s->dim)
    status =
        sb_fail(error, SB_INVALID, "vector length: vectors of %zu and %zu elements cannot be added", s->dim, value.dim);
  for (size_t i = 0; status == SB_OK && i < s->dim; i++) s->sums[i] += sign * sb_sql_value_get(&value, i);
  sb_sql_value_free(&value);
  return status;
}

static sb_status make_result(const state *s, bool mean, uint8_t **blob, size_t *size, sb_error *error) {
  double *numbers = sb_alloc(s->dim, sizeof *numbers, error);
  if (!numbers) return SB_NO_MEMORY;
  for (size_t i = 0; i < s->dim; i++) numbers[i] = mean ? s->sums[i] / (double)s->count : s->sums[i];
  sb_sql_value value = {
      .stored = SB_SQL_ELEMENT_DOUBLE, .dim = s->dim, .bytes = (const uint8_t *)numbers, .owned = numbers};
  sb_status status = sb_sql_value_check(&value, error);
  if (status == SB_OK) status = sb_sql_value_convert(&value, s->element, error);
  if (status == SB_OK) status = sb_sql_value_write_blob(&value, blob, size, error);
  sb_sql_value_free(&value);
  return status;
}

static void result_vector(sqlite3_context *context, const state *s) {
  uint8_t *blob = NULL;
  size_t size = 0;
  sb_error error = {0};
  sb_status status = make_result(s, aggregate_of(context)->mean, &blob, &size, &error);
  if (status == SB_OK)
    sqlite3_result_blob64(context, blob, size, free);
  else
    sb_sql_function_error(context, status, &error);
}

/* ---- The aggregates' methods */

static bool is_tagged(sqlite3_value *value) {
  sb_sql_value vector = {0};
  const void *bytes = sqlite3_value_type(value) == SQLITE_BLOB ? sqlite3_value_blob(value) : NULL;
  return bytes && sb_sql_value_read_blob(bytes, (size_t)sqlite3_value_bytes(value), &vector, NULL) == SB_OK &&
         vector.element;
}

static void change(sqlite3_context *context, sqlite3_value *value, int sign) {
  const aggregate *a = aggregate_of(context);
  sb_error error = {0};
  if (sqlite3_value_type(value) == SQLITE_NULL) return;
  state *s = sqlite3_aggregate_context(context, sizeof *s);
  if (!s) {
    sqlite3_result_error_nomem(context);
    return;
  }
  kind now = a->numbers && !is_tagged(value) ? NUMBERS : VECTORS;
  if (s->kind && s->kind != now) {
    sqlite3_result_error(context, "vector type: numbers and vectors cannot be added", -1);
    return;
  }
  s->kind = now;
  s->count += sign;
  sb_status status = SB_OK;
  if (now == NUMBERS)
    add_number(s, value, sign);
  else
    status = add_vector(s, value, sign, &error);
  if (status != SB_OK) sb_sql_function_error(context, status, &error);
}

static void step(sqlite3_context *context, int count, sqlite3_value **arguments) {
  (void)count;
  change(context, arguments[0], 1);
}

static void inverse(sqlite3_context *context, int count, sqlite3_value **arguments) {
  (void)count;
  change(context, arguments[0], -1);
}

/* NULL where no row is left. */
static void value(sqlite3_context *context) {
  const state *s = sqlite3_aggregate_context(context, 0);
  if (!s || s->count < 1) return;
  if (s->kind == NUMBERS)
    result_number(context, s);
  else if (s->sums)
    result_vector(context, s);
}

static void final(sqlite3_context *context) {
  state *s = sqlite3_aggregate_context(context, 0);
  value(context);
  if (!s) return;
  free(s->sums);
  s->sums = NULL;
}

/* ---- Registration */

static int add(sqlite3 *db, aggregate *a) {
  return sqlite3_create_window_function(db, a->name, 1, SQLITE_UTF8 | SQLITE_INNOCUOUS | SQLITE_SUBTYPE, a, step, final,
                                        value, inverse, NULL);
}

int sb_sql_register_aggregates(sqlite3 *db) {
  static aggregate sum = {"vector_sum", false, false}, mean = {"vector_avg", true, false};
  int code = add(db, &sum);
  return code == SQLITE_OK ? add(db, &mean) : code;
}

int sb_sql_replace_sum(sqlite3 *db) {
  static aggregate sum = {"sum", false, true}, mean = {"avg", true, true};
  int code = add(db, &sum);
  return code == SQLITE_OK ? add(db, &mean) : code;
}
