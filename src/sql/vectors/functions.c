/* The vector functions of SQL. A NULL argument gives NULL; an argument that is not a vector is an error that says
 * where. */
#include "sql/vectors/functions.h"

#include "sql/error.h"
#include "sql/vectors/argument.h"
#include "sql/vectors/bounds.h"
#include "sql/vectors/metric.h"

#include <math.h>
#include <stdlib.h>

static bool any_null(int count, sqlite3_value **arguments) {
  for (int i = 0; i < count; i++)
    if (sqlite3_value_type(arguments[i]) == SQLITE_NULL) return true;
  return false;
}

static void result_value(sqlite3_context *context, const sb_sql_value *value) {
  sb_error error = {0};
  uint8_t *bytes = NULL;
  size_t size = 0;
  sb_status status = sb_sql_value_write_blob(value, &bytes, &size, &error);
  if (status == SB_OK)
    sqlite3_result_blob64(context, bytes, size, free);
  else
    sb_sql_function_error(context, status, &error);
}

/* ---- TO_VECTOR */

/* Reads the optional second argument, the type. *element stays NONE without it. */
static sb_status read_type(int count, sqlite3_value **arguments, sb_sql_element *element, sb_error *error) {
  if (count < 2) return SB_OK;
  const char *name = (const char *)sqlite3_value_text(arguments[1]);
  if (!name) return sb_fail(error, SB_NO_MEMORY, "out of memory");
  return sb_sql_element_parse(name, (size_t)sqlite3_value_bytes(arguments[1]), element, error);
}

/* Reads the optional third argument, the length. */
static sb_status read_length(int count, sqlite3_value **arguments, size_t *dim, sb_error *error) {
  int64_t length = 0;
  if (count < 3) return SB_OK;
  if (!sb_sql_whole_number(arguments[2], &length) || length < 1 || length > SB_SQL_DIM_MAX)
    return sb_fail(error, SB_INVALID, "vector length: TO_VECTOR's length is a whole number from 1 to %d",
                   SB_SQL_DIM_MAX);
  *dim = (size_t)length;
  return SB_OK;
}

static sb_status make_vector(int count, sqlite3_value **arguments, sb_sql_value *value, sb_error *error) {
  sb_sql_element element = SB_SQL_ELEMENT_NONE;
  sb_status status = read_type(count, arguments, &element, error);
  if (status == SB_OK) status = sb_sql_value_of_argument(arguments[0], value, error);
  if (status != SB_OK) return status;
  size_t dim = value->dim;
  status = read_length(count, arguments, &dim, error);
  if (status != SB_OK) return status;
  if (!element) element = value->element ? value->element : SB_SQL_ELEMENT_FLOAT;
  status = sb_sql_value_check(value, error);
  return status == SB_OK ? sb_sql_value_coerce(value, element, dim, error) : status;
}

static void to_vector(sqlite3_context *context, int count, sqlite3_value **arguments) {
  sb_error error = {0};
  sb_sql_value value = {0};
  if (count < 1 || count > 3) {
    sqlite3_result_error(context, "TO_VECTOR takes one to three arguments: TO_VECTOR(data [, type [, length]])", -1);
    return;
  }
  if (any_null(count, arguments)) return;
  sb_status status = make_vector(count, arguments, &value, &error);
  if (status == SB_OK)
    result_value(context, &value);
  else
    sb_sql_function_error(context, status, &error);
  sb_sql_value_free(&value);
}

/* ---- VECTOR_DOT_PRODUCT, VECTOR_COSINE, VECTOR_L2, VECTOR_L1 */

static void free_parsed(void *parsed) {
  sb_sql_value_free(parsed);
  free(parsed);
}

/* Parses a text argument once a statement: SQLite keeps `*parsed` with an argument that is the same for every row
 * (auxdata). `*value` borrows from it. Other arguments are read each time. */
static sb_status read_cached(sqlite3_context *context, int number, sqlite3_value *argument, sb_sql_value **parsed,
                             sb_sql_value *value, sb_error *error) {
  if (sqlite3_value_type(argument) != SQLITE_TEXT) return sb_sql_value_of_argument(argument, value, error);
  sb_sql_value *text = sqlite3_get_auxdata(context, number);
  if (!text) {
    text = sb_alloc(1, sizeof *text, error);
    sb_status status = text ? sb_sql_value_of_argument(argument, text, error) : SB_NO_MEMORY;
    if (status != SB_OK) {
      free(text);
      return status;
    }
    *parsed = text;
  }
  *value = *text;
  value->owned = NULL;
  return SB_OK;
}

void sb_sql_vector_compare(sqlite3_context *context, int count, sqlite3_value **arguments) {
  (void)count;
  const sb_sql_metric *metric = sqlite3_user_data(context);
  sb_error error = {0};
  sb_sql_value a = {0}, b = {0}, *parsed[2] = {NULL, NULL};
  double result = 0;
  bool null = false;
  if (any_null(2, arguments)) return;
  sb_status status = read_cached(context, 0, arguments[0], &parsed[0], &a, &error);
  if (status == SB_OK) status = read_cached(context, 1, arguments[1], &parsed[1], &b, &error);
  if (status == SB_OK) status = sb_sql_metric_of_values(*metric, &a, &b, &result, &null, &error);
  if (status != SB_OK)
    sb_sql_function_error(context, status, &error);
  else if (!null)
    sqlite3_result_double(context, result);
  sb_sql_value_free(&a);
  sb_sql_value_free(&b);
  for (int i = 0; i < 2; i++) /* only now: for an argument that is not constant SQLite frees it at once */
    if (parsed[i]) sqlite3_set_auxdata(context, i, parsed[i], free_parsed);
}

void sb_sql_vector_distance(sqlite3_context *context, int count, sqlite3_value **arguments) {
  const sb_sql_metric *metric = sqlite3_user_data(context);
  sb_error error = {0};
  sb_sql_value a = {0}, b = {0};
  double result = 0;
  bool null = false;
  if (any_null(count, arguments)) return;
  bool bits = sb_sql_metric_is_of_bits(*metric);
  sb_status status =
      bits ? sb_sql_bits_of_argument(arguments[0], &a, &error) : sb_sql_value_of_argument(arguments[0], &a, &error);
  if (status == SB_OK)
    status =
        bits ? sb_sql_bits_of_argument(arguments[1], &b, &error) : sb_sql_value_of_argument(arguments[1], &b, &error);
  if (status == SB_OK) status = sb_sql_metric_of_values(*metric, &a, &b, &result, &null, &error);
  if (status != SB_OK)
    sb_sql_function_error(context, status, &error);
  else if (!null)
    sqlite3_result_double(context, sb_sql_distance(*metric, result));
  sb_sql_value_free(&a);
  sb_sql_value_free(&b);
}

/* ---- FROM_VECTOR, VECTOR_LENGTH, VECTOR_NORMALIZE */

void sb_sql_from_vector(sqlite3_context *context, int count, sqlite3_value **arguments) {
  sb_error error = {0};
  sb_sql_value value = {0};
  sb_buffer text = {0};
  if (any_null(count, arguments)) return;
  sb_status status = sb_sql_value_of_argument(arguments[0], &value, &error);
  if (status == SB_OK) status = sb_sql_value_check(&value, &error);
  if (status == SB_OK) status = sb_sql_value_write_text(&value, &text, &error);
  if (status == SB_OK)
    sqlite3_result_text64(context, text.bytes, text.size, SQLITE_TRANSIENT, SQLITE_UTF8);
  else
    sb_sql_function_error(context, status, &error);
  sb_buffer_free(&text);
  sb_sql_value_free(&value);
}

void sb_sql_vector_length(sqlite3_context *context, int count, sqlite3_value **arguments) {
  sb_error error = {0};
  sb_sql_value value = {0};
  if (any_null(count, arguments)) return;
  sb_status status = sb_sql_value_of_argument(arguments[0], &value, &error);
  if (status == SB_OK)
    sqlite3_result_int64(context, (sqlite3_int64)value.dim);
  else
    sb_sql_function_error(context, status, &error);
  sb_sql_value_free(&value);
}

/* Writes the vector with length 1 to `unit`; false: it is zero and has no direction, or it is not finite. */
static bool unit_length(const sb_sql_value *value, double *unit) {
  double largest = 0, sum = 0;
  for (size_t i = 0; i < value->dim; i++) largest = fmax(largest, fabs(sb_sql_value_get(value, i)));
  if (!(largest > 0) || !isfinite(largest)) return false;
  for (size_t i = 0; i < value->dim; i++) {
    unit[i] = sb_sql_value_get(value, i) / largest; /* so that squares neither underflow nor overflow */
    sum += unit[i] * unit[i];
  }
  for (size_t i = 0; i < value->dim; i++) unit[i] /= sqrt(sum);
  return true;
}

/* The element type of a normalized vector: the declared one, but never one of whole numbers. */
static sb_sql_element normalized_element(sb_sql_element declared) {
  bool whole = declared == SB_SQL_ELEMENT_INTEGER || declared == SB_SQL_ELEMENT_INT8 || declared == SB_SQL_ELEMENT_BIT;
  if (declared == SB_SQL_ELEMENT_NONE) return SB_SQL_ELEMENT_FLOAT;
  return whole ? SB_SQL_ELEMENT_DOUBLE : declared;
}

static sb_status normalize(sqlite3_context *context, const sb_sql_value *value, sb_error *error) {
  sb_status status = sb_sql_value_check(value, error);
  if (status != SB_OK) return status;
  double *unit = sb_alloc(value->dim, sizeof *unit, error);
  if (!unit) return SB_NO_MEMORY;
  sb_sql_value result = {.stored = SB_SQL_ELEMENT_DOUBLE, .dim = value->dim, .bytes = (uint8_t *)unit, .owned = unit};
  if (unit_length(value, unit)) { /* otherwise the result stays NULL */
    status = sb_sql_value_convert(&result, normalized_element(value->element), error);
    if (status == SB_OK) result_value(context, &result);
  }
  sb_sql_value_free(&result);
  return status;
}

static void vector_normalize(sqlite3_context *context, int count, sqlite3_value **arguments) {
  sb_error error = {0};
  sb_sql_value value = {0};
  if (any_null(count, arguments)) return;
  sb_status status = sb_sql_value_of_argument(arguments[0], &value, &error);
  if (status == SB_OK) status = normalize(context, &value, &error);
  if (status != SB_OK) sb_sql_function_error(context, status, &error);
  sb_sql_value_free(&value);
}

static void refuse_match(sqlite3_context *context, int count, sqlite3_value **arguments) {
  (void)count, (void)arguments;
  sqlite3_result_error(context,
                       "MATCH must be a condition of its own, joined to others by AND; with LEFT JOIN it belongs into "
                       "the ON clause, with k",
                       -1);
}

int sb_sql_find_function(sqlite3_vtab *table, int count, const char *name,
                         void (**function)(sqlite3_context *, int, sqlite3_value **), void **data) {
  (void)table, (void)data;
  if (count == 2 && !sqlite3_stricmp(name, "match")) return *function = refuse_match, 1;
  int metric = count == 2 ? sb_sql_nearest_metric(name) : -1;
  return metric < 0 ? 0 : SQLITE_INDEX_CONSTRAINT_FUNCTION + metric;
}

/* ---- Registration */

/* sb_sql_nearest_functions on a table without an index: every row qualifies. */
static void always_true(sqlite3_context *context, int count, sqlite3_value **arguments) {
  (void)count, (void)arguments;
  sqlite3_result_int(context, 1);
}

int sb_sql_register_functions(sqlite3 *db) {
  static const sb_sql_metric metrics[] = {SB_SQL_METRIC_DOT, SB_SQL_METRIC_COSINE, SB_SQL_METRIC_L2, SB_SQL_METRIC_L1};
  const struct {
    const char *name;
    int arguments;
    const sb_sql_metric *metric;
    void (*function)(sqlite3_context *, int, sqlite3_value **);
  } functions[] = {
      {"to_vector", -1, NULL, to_vector},
      {"vector_dot_product", 2, &metrics[0], sb_sql_vector_compare},
      {"vector_cosine", 2, &metrics[1], sb_sql_vector_compare},
      {"vector_l2", 2, &metrics[2], sb_sql_vector_compare},
      {"vector_l1", 2, &metrics[3], sb_sql_vector_compare},
      {"from_vector", 1, NULL, sb_sql_from_vector},
      {"vector_to_json", 1, NULL, sb_sql_from_vector},
      {"vector_length", 1, NULL, sb_sql_vector_length},
      {"vector_normalize", 1, NULL, vector_normalize},
      {sb_sql_nearest_functions[0], 2, NULL, always_true},
      {sb_sql_nearest_functions[1], 2, NULL, always_true},
      {sb_sql_nearest_functions[2], 2, NULL, always_true},
      {sb_sql_nearest_functions[3], 2, NULL, always_true},
      {sb_sql_nearest_functions[4], 2, NULL, always_true},
      {sb_sql_nearest_functions[5], 2, NULL, always_true},
  };
  int code = SQLITE_OK;
  for (size_t i = 0; code == SQLITE_OK && i < sizeof functions / sizeof *functions; i++) {
    union { /* SQLite takes the constant metric as void * */
      const sb_sql_metric *constant;
      void *data;
    } user = {functions[i].metric};
    code = sqlite3_create_function_v2(db, functions[i].name, functions[i].arguments,
                                      SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS, user.data,
                                      functions[i].function, NULL, NULL, NULL);
  }
  return code;
}
