/* These functions take every form of a vector and, as sqlite-vec's do, return untyped blobs whose subtype is the
 * element type: float32, int8 or bit. A NULL argument gives NULL. */
#include "sql/vectors/vec_functions.h"

#include "sql/error.h"
#include "sql/vectors/argument.h"
#include "sql/vectors/functions.h"
#include "sql/vectors/metric.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#ifndef SQLITE_RESULT_SUBTYPE
/* A header before 3.45 lacks it. Older libraries ignore the flag; newer ones may refuse subtypes without it. */
#define SQLITE_RESULT_SUBTYPE 0x001000000
#endif

static bool any_null(int count, sqlite3_value **arguments) {
  for (int i = 0; i < count; i++)
    if (sqlite3_value_type(arguments[i]) == SQLITE_NULL) return true;
  return false;
}

/* Whether sqlite-vec has the element type; it computes with all others as float32. */
static bool is_small(const sb_sql_value *value) {
  return value->element == SB_SQL_ELEMENT_INT8 || value->element == SB_SQL_ELEMENT_BIT;
}

static const struct {
  sb_sql_element element;
  unsigned subtype;
  const char *name;
} types[] = {{SB_SQL_ELEMENT_FLOAT, SB_SQL_SUBTYPE_FLOAT, "float32"},
             {SB_SQL_ELEMENT_INT8, SB_SQL_SUBTYPE_INT8, "int8"},
             {SB_SQL_ELEMENT_BIT, SB_SQL_SUBTYPE_BIT, "bit"}};
enum { FLOAT_TYPE, INT8_TYPE, BIT_TYPE };

/* The number in `types` of a value's type. */
static int type_of(const sb_sql_value *value) {
  if (!is_small(value)) return FLOAT_TYPE;
  return value->element == SB_SQL_ELEMENT_INT8 ? INT8_TYPE : BIT_TYPE;
}

/* Ends a function: makes the value, as one of the three types, or the error its result, and frees the value. */
static void finish(sqlite3_context *context, sb_status status, sb_sql_value *value, sb_error *error) {
  int type = type_of(value);
  if (status == SB_OK) status = sb_sql_value_convert(value, types[type].element, error);
  if (status == SB_OK) status = sb_sql_value_check(value, error);
  if (status == SB_OK) {
    sqlite3_result_blob64(context, value->bytes, sb_sql_elements_size(value->element, value->dim), SQLITE_TRANSIENT);
    sqlite3_result_subtype(context, types[type].subtype);
  } else {
    sb_sql_function_error(context, status, error);
  }
  sb_sql_value_free(value);
}

/* ---- vec_f32, vec_int8, vec_bit, vec_type */

/* An untyped blob is taken for the elements themselves. */
static sb_status read_as(sqlite3_value *argument, sb_sql_element element, sb_sql_value *out, sb_error *error) {
  bool untyped = sqlite3_value_type(argument) == SQLITE_BLOB && !sqlite3_value_subtype(argument);
  const void *bytes = untyped ? sqlite3_value_blob(argument) : NULL;
  size_t size = bytes ? (size_t)sqlite3_value_bytes(argument) : 0;
  bool tagged = size && sb_sql_value_read_blob(bytes, size, out, NULL) == SB_OK && out->element;
  if (untyped && !tagged && element != SB_SQL_ELEMENT_FLOAT)
    return sb_sql_value_read_untyped(bytes, size, element, out, error);
  if (element == SB_SQL_ELEMENT_BIT) return sb_sql_bits_of_argument(argument, out, error);
  sb_status status = sb_sql_value_of_argument(argument, out, error);
  return status == SB_OK ? sb_sql_value_convert(out, element, error) : status;
}

/* The function's data is the number of its type. */
static void vec_typed(sqlite3_context *context, int count, sqlite3_value **arguments) {
  const int *type = sqlite3_user_data(context);
  sb_error error = {0};
  sb_sql_value value = {0};
  if (any_null(count, arguments)) return;
  sb_status status = read_as(arguments[0], types[*type].element, &value, &error);
  finish(context, status, &value, &error);
}

static void vec_type(sqlite3_context *context, int count, sqlite3_value **arguments) {
  sb_error error = {0};
  sb_sql_value value = {0};
  if (any_null(count, arguments)) return;
  sb_status status = sb_sql_value_of_argument(arguments[0], &value, &error);
  if (status == SB_OK)
    sqlite3_result_text(context, types[type_of(&value)].name, -1, SQLITE_STATIC);
  else
    sb_sql_function_error(context, status, &error);
  sb_sql_value_free(&value);
}

/* ---- vec_normalize, vec_quantize_int8, vec_quantize_binary */

static void vec_normalize(sqlite3_context *context, int count, sqlite3_value **arguments) {
  sb_error error = {0};
  float *floats = NULL;
  size_t dim = 0;
  double sum = 0;
  if (any_null(count, arguments)) return;
  sb_status status = sb_sql_floats_of_argument(arguments[0], &floats, &dim, &error);
  for (size_t i = 0; i < dim; i++) sum += (double)floats[i] * floats[i];
  for (size_t i = 0; sum > 0 && i < dim; i++) floats[i] = (float)(floats[i] / sqrt(sum));
  sb_sql_value value = {.stored = SB_SQL_ELEMENT_FLOAT, .dim = dim, .bytes = (const uint8_t *)floats, .owned = floats};
  if (status != SB_OK || sum > 0)
    finish(context, status, &value, &error);
  else
    free(floats); /* a zero vector has no direction: NULL */
}

/* Makes a value of zeros that owns its elements. */
static sb_status make_value(sb_sql_element element, size_t dim, sb_sql_value *out, uint8_t **bytes, sb_error *error) {
  *bytes = sb_alloc(sb_sql_elements_size(element, dim), 1, error);
  if (!*bytes) return SB_NO_MEMORY;
  *out = (sb_sql_value){.element = element, .stored = element, .dim = dim, .bytes = *bytes, .owned = *bytes};
  return SB_OK;
}

/* Elements from -1 to 1 become -128 to 127, in 255 steps; others are cut to that range. */
static sb_status quantize_int8(const float *floats, size_t dim, sb_sql_value *out, sb_error *error) {
  uint8_t *bytes;
  const double step = 2.0f / 255;
  sb_status status = make_value(SB_SQL_ELEMENT_INT8, dim, out, &bytes, error);
  for (size_t i = 0; status == SB_OK && i < dim; i++)
    bytes[i] = (uint8_t)(int8_t)fmax(-128, fmin(127, ((double)floats[i] + 1) / (float)step - 128));
  return status;
}

static void vec_quantize_int8(sqlite3_context *context, int count, sqlite3_value **arguments) {
  sb_error error = {0};
  sb_sql_value value = {0};
  float *floats = NULL;
  size_t dim = 0;
  if (any_null(count, arguments)) return;
  const char *range = (const char *)sqlite3_value_text(arguments[1]);
  sb_status status = range && !sqlite3_stricmp(range, "unit")
                         ? sb_sql_floats_of_argument(arguments[0], &floats, &dim, &error)
                         : sb_fail(&error, SB_INVALID, "vec_quantize_int8: the second argument is 'unit'");
  if (status == SB_OK) status = quantize_int8(floats, dim, &value, &error);
  free(floats);
  finish(context, status, &value, &error);
}

/* A bit is 1 where the element is greater than 0. */
static sb_status quantize_binary(const sb_sql_value *value, sb_sql_value *out, sb_error *error) {
  uint8_t *bytes;
  if (value->dim % 8)
    return sb_fail(error, SB_INVALID,
                   "vector length: the elements of vec_quantize_binary are a multiple of 8; here %zu", value->dim);
  sb_status status = make_value(SB_SQL_ELEMENT_BIT, value->dim, out, &bytes, error);
  for (size_t i = 0; status == SB_OK && i < value->dim; i++)
    bytes[i / 8] |= (uint8_t)((sb_sql_value_get(value, i) > 0) << i % 8);
  return status;
}

static void vec_quantize_binary(sqlite3_context *context, int count, sqlite3_value **arguments) {
  sb_error error = {0};
  sb_sql_value value = {0}, result = {0};
  if (any_null(count, arguments)) return;
  sb_status status = sb_sql_value_of_argument(arguments[0], &value, &error);
  if (status == SB_OK) status = sb_sql_value_check(&value, &error);
  if (status == SB_OK) status = quantize_binary(&value, &result, &error);
  sb_sql_value_free(&value);
  finish(context, status, &result, &error);
}

/* ---- vec_add, vec_sub */

/* Two vectors of int8 give one; all others are added as float32. */
static sb_status combine(const sb_sql_value *a, const sb_sql_value *b, double sign, sb_sql_value *out,
                         sb_error *error) {
  uint8_t *bytes;
  bool small = a->element == SB_SQL_ELEMENT_INT8 && b->element == SB_SQL_ELEMENT_INT8;
  if (a->element == SB_SQL_ELEMENT_BIT || b->element == SB_SQL_ELEMENT_BIT)
    return sb_fail(error, SB_INVALID, "vector type: vectors of bits cannot be added");
  if (a->dim != b->dim)
    return sb_fail(error, SB_INVALID, "vector length: vectors of %zu and %zu elements cannot be combined", a->dim,
                   b->dim);
  sb_status status = make_value(SB_SQL_ELEMENT_DOUBLE, a->dim, out, &bytes, error);
  for (size_t i = 0; status == SB_OK && i < a->dim; i++) {
    double sum = sb_sql_value_get(a, i) + sign * sb_sql_value_get(b, i);
    memcpy(bytes + i * sizeof sum, &sum, sizeof sum);
    if (!small && isfinite(sum) && !isfinite((float)sum))
      status = sb_fail(error, SB_INVALID, "vector element %zu: the result is too large", i + 1);
  }
  return status == SB_OK && small ? sb_sql_value_convert(out, SB_SQL_ELEMENT_INT8, error) : status;
}

/* The function's data is the sign of the second vector. */
static void vec_combine(sqlite3_context *context, int count, sqlite3_value **arguments) {
  const double *sign = sqlite3_user_data(context);
  sb_error error = {0};
  sb_sql_value a = {0}, b = {0}, result = {0};
  if (any_null(count, arguments)) return;
  sb_status status = sb_sql_value_of_argument(arguments[0], &a, &error);
  if (status == SB_OK) status = sb_sql_value_of_argument(arguments[1], &b, &error);
  if (status == SB_OK) status = combine(&a, &b, *sign, &result, &error);
  sb_sql_value_free(&a);
  sb_sql_value_free(&b);
  finish(context, status, &result, &error);
}

/* ---- vec_slice */

static sb_status slice(sqlite3_value **arguments, const sb_sql_value *value, sb_sql_value *out, sb_error *error) {
  int64_t from = 0, to = 0, step = value->element == SB_SQL_ELEMENT_BIT ? 8 : 1;
  uint8_t *bytes;
  bool whole = sb_sql_whole_number(arguments[1], &from) && sb_sql_whole_number(arguments[2], &to);
  if (!whole || from < 0 || to <= from || to > (int64_t)value->dim)
    return sb_fail(error, SB_INVALID,
                   "vector length: a slice begins at 0 or later, and ends after its beginning and at %zu or before",
                   value->dim);
  if (from % step || to % step)
    return sb_fail(error, SB_INVALID, "vector length: a slice of bits begins and ends at a multiple of 8");
  sb_sql_element element = value->element ? value->element : value->stored;
  sb_status status = make_value(element, (size_t)(to - from), out, &bytes, error);
  if (status != SB_OK) return status;
  memcpy(bytes, value->bytes + sb_sql_elements_size(element, (size_t)from), sb_sql_elements_size(element, out->dim));
  return SB_OK;
}

/* The elements from..to-1, counted from 0. */
static void vec_slice(sqlite3_context *context, int count, sqlite3_value **arguments) {
  sb_error error = {0};
  sb_sql_value value = {0}, result = {0};
  if (any_null(count, arguments)) return;
  sb_status status = sb_sql_value_of_argument(arguments[0], &value, &error);
  if (status == SB_OK) status = slice(arguments, &value, &result, &error);
  sb_sql_value_free(&value);
  finish(context, status, &result, &error);
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
  static sb_sql_metric metrics[] = {SB_SQL_METRIC_COSINE, SB_SQL_METRIC_L2, SB_SQL_METRIC_L1, SB_SQL_METRIC_HAMMING};
  static double signs[] = {1, -1};
  static int numbers[] = {FLOAT_TYPE, INT8_TYPE, BIT_TYPE};
  static const struct {
    const char *name;
    int arguments;
    void *data;
    void (*function)(sqlite3_context *, int, sqlite3_value **);
  } functions[] = {
      {"vec_f32", 1, &numbers[FLOAT_TYPE], vec_typed},
      {"vec_int8", 1, &numbers[INT8_TYPE], vec_typed},
      {"vec_bit", 1, &numbers[BIT_TYPE], vec_typed},
      {"vec_type", 1, NULL, vec_type},
      {"vec_normalize", 1, NULL, vec_normalize},
      {"vec_quantize_int8", 2, NULL, vec_quantize_int8},
      {"vec_quantize_binary", 1, NULL, vec_quantize_binary},
      {"vec_add", 2, &signs[0], vec_combine},
      {"vec_sub", 2, &signs[1], vec_combine},
      {"vec_slice", 3, NULL, vec_slice},
      {"vec_distance_cosine", 2, &metrics[0], sb_sql_vector_distance},
      {"vec_distance_l2", 2, &metrics[1], sb_sql_vector_distance},
      {"vec_distance_l1", 2, &metrics[2], sb_sql_vector_distance},
      {"vec_distance_hamming", 2, &metrics[3], sb_sql_vector_distance},
      {"vec_length", 1, NULL, sb_sql_vector_length},
      {"vec_to_json", 1, NULL, sb_sql_from_vector},
  };
  int code = SQLITE_OK;
  if (has_vec(db)) return code;
  for (size_t i = 0; code == SQLITE_OK && i < sizeof functions / sizeof *functions; i++)
    code = sqlite3_create_function_v2(db, functions[i].name, functions[i].arguments,
                                      SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS | SQLITE_SUBTYPE |
                                          SQLITE_RESULT_SUBTYPE,
                                      functions[i].data, functions[i].function, NULL, NULL, NULL);
  return code == SQLITE_OK ? sb_sql_register_vec_each(db) : code;
}
