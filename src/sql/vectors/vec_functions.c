/* These functions take every form of a vector and, as sqlite-vec's do, return untyped blobs of float32. A NULL argument
 * gives NULL. */
#include "sql/vectors/vec_functions.h"

#include "sql/error.h"
#include "sql/vectors/argument.h"
#include "sql/vectors/functions.h"
#include "sql/vectors/metric.h"

#include <math.h>
#include <stdlib.h>

static bool any_null(int count, sqlite3_value **arguments) {
  for (int i = 0; i < count; i++)
    if (sqlite3_value_type(arguments[i]) == SQLITE_NULL) return true;
  return false;
}

/* Returns floats of the heap. */
static void result_floats(sqlite3_context *context, float *floats, size_t dim) {
  sqlite3_result_blob64(context, floats, dim * sizeof *floats, free);
}

/* ---- vec_f32, vec_type, vec_normalize */

static void vec_f32(sqlite3_context *context, int count, sqlite3_value **arguments) {
  sb_error error = {0};
  float *floats = NULL;
  size_t dim = 0;
  if (any_null(count, arguments)) return;
  sb_status status = sb_sql_floats_of_argument(arguments[0], &floats, &dim, &error);
  if (status == SB_OK)
    result_floats(context, floats, dim);
  else
    sb_sql_function_error(context, status, &error);
}

static void vec_type(sqlite3_context *context, int count, sqlite3_value **arguments) {
  sb_error error = {0};
  sb_sql_value value = {0};
  if (any_null(count, arguments)) return;
  sb_status status = sb_sql_value_of_argument(arguments[0], &value, &error);
  if (status == SB_OK)
    sqlite3_result_text(context, "float32", -1, SQLITE_STATIC);
  else
    sb_sql_function_error(context, status, &error);
  sb_sql_value_free(&value);
}

static void vec_normalize(sqlite3_context *context, int count, sqlite3_value **arguments) {
  sb_error error = {0};
  float *floats = NULL;
  size_t dim = 0;
  double sum = 0;
  if (any_null(count, arguments)) return;
  sb_status status = sb_sql_floats_of_argument(arguments[0], &floats, &dim, &error);
  if (status != SB_OK) {
    sb_sql_function_error(context, status, &error);
    return;
  }
  for (size_t i = 0; i < dim; i++) sum += (double)floats[i] * floats[i];
  if (!(sum > 0)) { /* a zero vector has no direction: NULL */
    free(floats);
    return;
  }
  for (size_t i = 0; i < dim; i++) floats[i] = (float)(floats[i] / sqrt(sum));
  result_floats(context, floats, dim);
}

/* ---- vec_add, vec_sub */

static sb_status combine(sqlite3_value **arguments, double sign, float **out, size_t *dim, sb_error *error) {
  float *other = NULL;
  size_t length = 0;
  sb_status status = sb_sql_floats_of_argument(arguments[0], out, dim, error);
  if (status == SB_OK) status = sb_sql_floats_of_argument(arguments[1], &other, &length, error);
  if (status == SB_OK && length != *dim)
    status =
        sb_fail(error, SB_INVALID, "vector length: vectors of %zu and %zu elements cannot be combined", *dim, length);
  for (size_t i = 0; status == SB_OK && i < length; i++) {
    (*out)[i] = (float)((double)(*out)[i] + sign * (double)other[i]);
    if (!isfinite((*out)[i])) status = sb_fail(error, SB_INVALID, "vector element %zu: the result is too large", i + 1);
  }
  free(other);
  return status;
}

/* The function's data is the sign of the second vector. */
static void vec_combine(sqlite3_context *context, int count, sqlite3_value **arguments) {
  const double *sign = sqlite3_user_data(context);
  sb_error error = {0};
  float *floats = NULL;
  size_t dim = 0;
  if (any_null(count, arguments)) return;
  sb_status status = combine(arguments, *sign, &floats, &dim, &error);
  if (status == SB_OK) {
    result_floats(context, floats, dim);
    return;
  }
  free(floats);
  sb_sql_function_error(context, status, &error);
}

/* ---- vec_slice */

static sb_status slice(sqlite3_value **arguments, float *floats, size_t *dim, sb_error *error) {
  int64_t from = 0, to = 0;
  bool whole = sb_sql_whole_number(arguments[1], &from) && sb_sql_whole_number(arguments[2], &to);
  if (!whole || from < 0 || to <= from || to > (int64_t)*dim)
    return sb_fail(error, SB_INVALID,
                   "vector length: a slice begins at 0 or later, and ends after its beginning and at %zu or before",
                   *dim);
  for (int64_t i = from; i < to; i++) floats[i - from] = floats[i];
  *dim = (size_t)(to - from);
  return SB_OK;
}

/* The elements from..to-1, counted from 0. */
static void vec_slice(sqlite3_context *context, int count, sqlite3_value **arguments) {
  sb_error error = {0};
  float *floats = NULL;
  size_t dim = 0;
  if (any_null(count, arguments)) return;
  sb_status status = sb_sql_floats_of_argument(arguments[0], &floats, &dim, &error);
  if (status == SB_OK) status = slice(arguments, floats, &dim, &error);
  if (status == SB_OK) {
    result_floats(context, floats, dim);
    return;
  }
  free(floats);
  sb_sql_function_error(context, status, &error);
}

/* ---- Registration */

/* Whether the connection has sqlite-vec's own functions. */
static bool has_vec(sqlite3 *db) {
  sqlite3_stmt *statement = NULL;
  bool has = sqlite3_prepare_v2(db, "SELECT vec_length('[1]')", -1, &statement, NULL) == SQLITE_OK;
  sqlite3_finalize(statement);
  return has;
}

int sb_sql_register_vec_functions(sqlite3 *db) {
  static sb_sql_metric metrics[] = {SB_SQL_METRIC_COSINE, SB_SQL_METRIC_L2, SB_SQL_METRIC_L1};
  static double signs[] = {1, -1};
  static const struct {
    const char *name;
    int arguments;
    void *data;
    void (*function)(sqlite3_context *, int, sqlite3_value **);
  } functions[] = {
      {"vec_f32", 1, NULL, vec_f32},
      {"vec_type", 1, NULL, vec_type},
      {"vec_normalize", 1, NULL, vec_normalize},
      {"vec_add", 2, &signs[0], vec_combine},
      {"vec_sub", 2, &signs[1], vec_combine},
      {"vec_slice", 3, NULL, vec_slice},
      {"vec_distance_cosine", 2, &metrics[0], sb_sql_vector_distance},
      {"vec_distance_l2", 2, &metrics[1], sb_sql_vector_distance},
      {"vec_distance_l1", 2, &metrics[2], sb_sql_vector_distance},
      {"vec_length", 1, NULL, sb_sql_vector_length},
      {"vec_to_json", 1, NULL, sb_sql_from_vector},
  };
  int code = SQLITE_OK;
  if (has_vec(db)) return code;
  for (size_t i = 0; code == SQLITE_OK && i < sizeof functions / sizeof *functions; i++)
    code = sqlite3_create_function_v2(db, functions[i].name, functions[i].arguments,
                                      SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS, functions[i].data,
                                      functions[i].function, NULL, NULL, NULL);
  return code == SQLITE_OK ? sb_sql_register_vec_each(db) : code;
}
