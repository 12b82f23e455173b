/* A NULL argument gives NULL. What would be Infinity in pgvector's float8 is an error here, as in all functions. */
#include "sql/vectors/pgvector_functions.h"

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

/* Returns `dim` of the floats as a vector, and frees them. */
static void result_vector(sqlite3_context *context, float *all, const float *floats, size_t dim) {
  size_t size = 0;
  uint8_t *blob = sb_sql_value_blob_of_floats(floats, dim, &size, NULL);
  free(all);
  if (blob)
    sqlite3_result_blob64(context, blob, size, free);
  else
    sqlite3_result_error_nomem(context);
}

/* Reads the first argument. NULL: the result is set. */
static float *read_floats(sqlite3_context *context, int count, sqlite3_value **arguments, size_t *dim) {
  sb_error error = {0};
  float *floats = NULL;
  if (any_null(count, arguments)) return NULL;
  sb_status status = sb_sql_floats_of_argument(arguments[0], &floats, dim, &error);
  if (status != SB_OK) sb_sql_function_error(context, status, &error);
  return floats;
}

static double length_of(const float *floats, size_t dim) {
  double sum = 0;
  for (size_t i = 0; i < dim; i++) sum += (double)floats[i] * (double)floats[i];
  return sqrt(sum);
}

static void vector_norm(sqlite3_context *context, int count, sqlite3_value **arguments) {
  size_t dim = 0;
  float *floats = read_floats(context, count, arguments, &dim);
  if (floats) sqlite3_result_double(context, length_of(floats, dim));
  free(floats);
}

/* A zero vector stays zero. */
static void l2_normalize(sqlite3_context *context, int count, sqlite3_value **arguments) {
  size_t dim = 0;
  float *floats = read_floats(context, count, arguments, &dim);
  if (!floats) return;
  double length = length_of(floats, dim);
  for (size_t i = 0; length > 0 && i < dim; i++) floats[i] = (float)((double)floats[i] / length);
  result_vector(context, floats, floats, dim);
}

/* subvector(vector, start, count), with the elements numbered from 1. A part outside the vector is left out. */
static void subvector(sqlite3_context *context, int count, sqlite3_value **arguments) {
  size_t dim = 0;
  int64_t start = 0, length = 0;
  float *floats = read_floats(context, count, arguments, &dim);
  if (!floats) return;
  bool whole = sb_sql_whole_number(arguments[1], &start) && sb_sql_whole_number(arguments[2], &length);
  bool sane = whole && llabs(start) <= INT32_MAX && llabs(length) <= INT32_MAX;
  int64_t from = start > 1 ? start : 1, to = start + length - 1 < (int64_t)dim ? start + length - 1 : (int64_t)dim;
  if (sane && from <= to) {
    result_vector(context, floats, floats + from - 1, (size_t)(to - from + 1));
    return;
  }
  free(floats);
  sqlite3_result_error(context, "vector length: subvector(vector, start, count) has no element", -1);
}

int sb_sql_register_pgvector_functions(sqlite3 *db) {
  static sb_sql_metric metrics[] = {SB_SQL_METRIC_DOT, SB_SQL_METRIC_COSINE, SB_SQL_METRIC_L2, SB_SQL_METRIC_L1};
  static const struct {
    const char *name;
    int arguments;
    void *data;
    void (*function)(sqlite3_context *, int, sqlite3_value **);
  } functions[] = {
      {"l2_distance", 2, &metrics[2], sb_sql_vector_distance},
      {"l1_distance", 2, &metrics[3], sb_sql_vector_distance},
      {"cosine_distance", 2, &metrics[1], sb_sql_vector_distance},
      {"vector_negative_inner_product", 2, &metrics[0], sb_sql_vector_distance},
      {"inner_product", 2, &metrics[0], sb_sql_vector_compare},
      {"vector_dims", 1, NULL, sb_sql_vector_length},
      {"vector_norm", 1, NULL, vector_norm},
      {"l2_norm", 1, NULL, vector_norm},
      {"l2_normalize", 1, NULL, l2_normalize},
      {"subvector", 3, NULL, subvector},
  };
  int code = SQLITE_OK;
  for (size_t i = 0; code == SQLITE_OK && i < sizeof functions / sizeof *functions; i++)
    code = sqlite3_create_function_v2(db, functions[i].name, functions[i].arguments,
                                      SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS, functions[i].data,
                                      functions[i].function, NULL, NULL, NULL);
  return code;
}
