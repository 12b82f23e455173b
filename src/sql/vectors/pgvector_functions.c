/* A NULL argument gives NULL. What would be Infinity in pgvector's float8 is an error here, as in all functions. */
#include "sql/vectors/pgvector_functions.h"

#include "sql/error.h"
#include "sql/vectors/argument.h"
#include "sql/vectors/functions.h"
#include "sql/vectors/metric.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool any_null(int count, sqlite3_value **arguments) {
  for (int i = 0; i < count; i++)
    if (sqlite3_value_type(arguments[i]) == SQLITE_NULL) return true;
  return false;
}

/* Ends a function: makes the value, converted to a type, or the error its result, and frees the value. */
static void finish(sqlite3_context *context, sb_status status, sb_sql_value *value, sb_sql_element element,
                   sb_error *error) {
  uint8_t *blob = NULL;
  size_t size = 0;
  if (status == SB_OK) status = sb_sql_value_convert(value, element, error);
  if (status == SB_OK) status = sb_sql_value_check(value, error);
  if (status == SB_OK) status = sb_sql_value_write_blob(value, &blob, &size, error);
  if (status == SB_OK)
    sqlite3_result_blob64(context, blob, size, free);
  else
    sb_sql_function_error(context, status, error);
  sb_sql_value_free(value);
}

/* The element type of a function's result: half of halves, else float. */
static sb_sql_element result_element(const sb_sql_value *value) {
  return value->element == SB_SQL_ELEMENT_HALF ? SB_SQL_ELEMENT_HALF : SB_SQL_ELEMENT_FLOAT;
}

/* Makes a value of `dim` doubles, which owns them. */
static sb_status make_doubles(size_t dim, sb_sql_value *out, double **numbers, sb_error *error) {
  *numbers = sb_alloc(dim, sizeof **numbers, error);
  if (!*numbers) return SB_NO_MEMORY;
  *out = (sb_sql_value){
      .stored = SB_SQL_ELEMENT_DOUBLE, .dim = dim, .bytes = (const uint8_t *)*numbers, .owned = *numbers};
  return SB_OK;
}

/* ---- vector_norm, l2_normalize, subvector, binary_quantize */

static double length_of(const sb_sql_value *value) {
  double sum = 0;
  for (size_t i = 0; i < value->dim; i++) sum += sb_sql_value_get(value, i) * sb_sql_value_get(value, i);
  return sqrt(sum);
}

static void vector_norm(sqlite3_context *context, int count, sqlite3_value **arguments) {
  sb_error error = {0};
  sb_sql_value value = {0};
  if (any_null(count, arguments)) return;
  sb_status status = sb_sql_value_of_argument(arguments[0], &value, &error);
  if (status == SB_OK) status = sb_sql_value_check(&value, &error);
  if (status == SB_OK)
    sqlite3_result_double(context, length_of(&value));
  else
    sb_sql_function_error(context, status, &error);
  sb_sql_value_free(&value);
}

/* A zero vector stays zero. */
static void l2_normalize(sqlite3_context *context, int count, sqlite3_value **arguments) {
  sb_error error = {0};
  sb_sql_value value = {0}, unit = {0};
  double *numbers = NULL;
  if (any_null(count, arguments)) return;
  sb_status status = sb_sql_value_of_argument(arguments[0], &value, &error);
  if (status == SB_OK) status = sb_sql_value_check(&value, &error);
  if (status == SB_OK) status = make_doubles(value.dim, &unit, &numbers, &error);
  double length = length_of(&value);
  for (size_t i = 0; status == SB_OK && length > 0 && i < value.dim; i++)
    numbers[i] = sb_sql_value_get(&value, i) / length;
  finish(context, status, &unit, result_element(&value), &error);
  sb_sql_value_free(&value);
}

static sb_status part_of(sqlite3_value **arguments, const sb_sql_value *value, sb_sql_value *out, sb_error *error) {
  double *numbers;
  int64_t start = 0, length = 0, dim = (int64_t)value->dim;
  bool whole = sb_sql_whole_number(arguments[1], &start) && sb_sql_whole_number(arguments[2], &length);
  bool sane = whole && llabs(start) <= INT32_MAX && llabs(length) <= INT32_MAX;
  int64_t from = start > 1 ? start : 1, to = sane && start + length - 1 < dim ? start + length - 1 : dim;
  if (!sane || from > to)
    return sb_fail(error, SB_INVALID, "vector length: subvector(vector, start, count) has no element");
  sb_status status = make_doubles((size_t)(to - from + 1), out, &numbers, error);
  for (int64_t i = from; status == SB_OK && i <= to; i++) numbers[i - from] = sb_sql_value_get(value, (size_t)i - 1);
  return status;
}

/* subvector(vector, start, count), with the elements numbered from 1. A part outside the vector is left out. */
static void subvector(sqlite3_context *context, int count, sqlite3_value **arguments) {
  sb_error error = {0};
  sb_sql_value value = {0}, part = {0};
  if (any_null(count, arguments)) return;
  sb_status status = sb_sql_value_of_argument(arguments[0], &value, &error);
  if (status == SB_OK) status = part_of(arguments, &value, &part, &error);
  finish(context, status, &part, result_element(&value), &error);
  sb_sql_value_free(&value);
}

/* A bit is 1 where the element is greater than 0. */
static void binary_quantize(sqlite3_context *context, int count, sqlite3_value **arguments) {
  sb_error error = {0};
  sb_sql_value value = {0}, bits = {0};
  double *numbers = NULL;
  if (any_null(count, arguments)) return;
  sb_status status = sb_sql_value_of_argument(arguments[0], &value, &error);
  if (status == SB_OK) status = sb_sql_value_check(&value, &error);
  if (status == SB_OK) status = make_doubles(value.dim, &bits, &numbers, &error);
  for (size_t i = 0; status == SB_OK && i < value.dim; i++) numbers[i] = sb_sql_value_get(&value, i) > 0;
  finish(context, status, &bits, SB_SQL_ELEMENT_BIT, &error);
  sb_sql_value_free(&value);
}

/* ---- vector_add, vector_sub, vector_mul, vector_concat */

static double add(double a, double b) {
  return a + b;
}
static double subtract(double a, double b) {
  return a - b;
}
static double multiply(double a, double b) {
  return a * b;
}
static const struct operation {
  double (*apply)(double, double); /* NULL: the second vector is appended to the first */
} operations[] = {{add}, {subtract}, {multiply}, {NULL}};

static sb_status combine(const struct operation *operation, const sb_sql_value *a, const sb_sql_value *b,
                         sb_sql_value *out, sb_error *error) {
  double *numbers;
  if (operation->apply && a->dim != b->dim)
    return sb_fail(error, SB_INVALID, "vector length: vectors of %zu and %zu elements cannot be combined", a->dim,
                   b->dim);
  size_t dim = operation->apply ? a->dim : a->dim + b->dim;
  if (dim > SB_SQL_DIM_MAX)
    return sb_fail(error, SB_INVALID, "vector length: the result has %zu elements; a vector has up to %d", dim,
                   SB_SQL_DIM_MAX);
  sb_status status = make_doubles(dim, out, &numbers, error);
  for (size_t i = 0; status == SB_OK && i < dim; i++) {
    double x = i < a->dim ? sb_sql_value_get(a, i) : sb_sql_value_get(b, i - a->dim);
    numbers[i] = operation->apply ? operation->apply(x, sb_sql_value_get(b, i)) : x;
    bool lost = operation->apply == multiply && x != 0 && sb_sql_value_get(b, i) != 0 && (float)numbers[i] == 0;
    if (lost) status = sb_fail(error, SB_INVALID, "vector element %zu: the product is too small for a float", i + 1);
  }
  return status;
}

/* The function's data is the operation. */
static void vector_combine(sqlite3_context *context, int count, sqlite3_value **arguments) {
  const struct operation *operation = sqlite3_user_data(context);
  sb_error error = {0};
  sb_sql_value a = {0}, b = {0}, result = {0};
  if (any_null(count, arguments)) return;
  sb_status status = sb_sql_value_of_argument(arguments[0], &a, &error);
  if (status == SB_OK) status = sb_sql_value_of_argument(arguments[1], &b, &error);
  if (status == SB_OK) status = combine(operation, &a, &b, &result, &error);
  bool half = a.element == SB_SQL_ELEMENT_HALF || b.element == SB_SQL_ELEMENT_HALF;
  finish(context, status, &result, half ? SB_SQL_ELEMENT_HALF : SB_SQL_ELEMENT_FLOAT, &error);
  sb_sql_value_free(&a);
  sb_sql_value_free(&b);
}

/* ---- vector_cmp, vector_eq, vector_lt ... */

static int compare(const sb_sql_value *a, const sb_sql_value *b) {
  for (size_t i = 0; i < a->dim && i < b->dim; i++) {
    double x = sb_sql_value_get(a, i), y = sb_sql_value_get(b, i);
    if (x != y) return x < y ? -1 : 1;
  }
  return (a->dim > b->dim) - (a->dim < b->dim);
}

/* What makes of the order of two vectors a function's result: bit 0 for less, 1 for equal, 2 for greater. */
enum { CMP = 0, LT = 1, EQ = 2, LE = 3, GT = 4, NE = 5, GE = 6 };

/* By the first element that differs, then by length. Both are compared as floats, as pgvector stores them. */
static void vector_order(sqlite3_context *context, int count, sqlite3_value **arguments) {
  const int *orders = sqlite3_user_data(context);
  sb_error error = {0};
  sb_sql_value a = {0}, b = {0};
  if (any_null(count, arguments)) return;
  sb_status status = sb_sql_value_of_argument(arguments[0], &a, &error);
  if (status == SB_OK) status = sb_sql_value_of_argument(arguments[1], &b, &error);
  bool half = a.element == SB_SQL_ELEMENT_HALF || b.element == SB_SQL_ELEMENT_HALF;
  sb_sql_element element = half ? SB_SQL_ELEMENT_HALF : SB_SQL_ELEMENT_FLOAT;
  if (status == SB_OK) status = sb_sql_value_convert(&a, element, &error);
  if (status == SB_OK) status = sb_sql_value_convert(&b, element, &error);
  int order = status == SB_OK ? compare(&a, &b) : 0;
  if (status != SB_OK)
    sb_sql_function_error(context, status, &error);
  else
    sqlite3_result_int(context, *orders == CMP ? order : *orders >> (order + 1) & 1);
  sb_sql_value_free(&a);
  sb_sql_value_free(&b);
}

/* ---- Registration */

typedef struct function {
  const char *name;
  int arguments;
  const void *data;
  void (*function)(sqlite3_context *, int, sqlite3_value **);
} function;

static int add_function(sqlite3 *db, const function *f) {
  union { /* SQLite takes the constant data as void * */
    const void *constant;
    void *data;
  } user = {f->data};
  return sqlite3_create_function_v2(db, f->name, f->arguments,
                                    SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS | SQLITE_SUBTYPE, user.data,
                                    f->function, NULL, NULL, NULL);
}

int sb_sql_register_pgvector_functions(sqlite3 *db) {
  static const sb_sql_metric metrics[SB_SQL_METRICS] = {SB_SQL_METRIC_DOT,     SB_SQL_METRIC_COSINE,
                                                        SB_SQL_METRIC_L2,      SB_SQL_METRIC_L1,
                                                        SB_SQL_METRIC_HAMMING, SB_SQL_METRIC_JACCARD};
  static const int orders[] = {CMP, LT, EQ, LE, GT, NE, GE};
  static const function functions[] = {
      {"l2_distance", 2, &metrics[2], sb_sql_vector_distance},
      {"l1_distance", 2, &metrics[3], sb_sql_vector_distance},
      {"cosine_distance", 2, &metrics[1], sb_sql_vector_distance},
      {"vector_negative_inner_product", 2, &metrics[0], sb_sql_vector_distance},
      {"inner_product", 2, &metrics[0], sb_sql_vector_compare},
      {"hamming_distance", 2, &metrics[4], sb_sql_vector_distance},
      {"jaccard_distance", 2, &metrics[5], sb_sql_vector_distance},
      {"vector_dims", 1, NULL, sb_sql_vector_length},
      {"vector_norm", 1, NULL, vector_norm},
      {"l2_norm", 1, NULL, vector_norm},
      {"l2_normalize", 1, NULL, l2_normalize},
      {"subvector", 3, NULL, subvector},
      {"binary_quantize", 1, NULL, binary_quantize},
      {"vector_add", 2, &operations[0], vector_combine},
      {"vector_sub", 2, &operations[1], vector_combine},
      {"vector_mul", 2, &operations[2], vector_combine},
      {"vector_concat", 2, &operations[3], vector_combine},
      {"vector_cmp", 2, &orders[CMP], vector_order},
      {"vector_lt", 2, &orders[LT], vector_order},
      {"vector_eq", 2, &orders[EQ], vector_order},
      {"vector_le", 2, &orders[LE], vector_order},
      {"vector_gt", 2, &orders[GT], vector_order},
      {"vector_ne", 2, &orders[NE], vector_order},
      {"vector_ge", 2, &orders[GE], vector_order},
  };
  int code = SQLITE_OK;
  for (size_t i = 0; code == SQLITE_OK && i < sizeof functions / sizeof *functions; i++)
    code = add_function(db, &functions[i]);
  return code;
}
