/* The vector functions of SQL. NULL gives NULL; what is no vector is an error that says where. */
#include "sql/parts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *const sb_database_search_functions[3] = {"semblance_nearest_dot", "semblance_nearest_cosine",
                                                     "semblance_nearest_l2"};

int sb_sql_code(sb_status status) {
  switch (status) {
  case SB_OK: return SQLITE_OK;
  case SB_NO_MEMORY: return SQLITE_NOMEM;
  case SB_EXISTS:
  case SB_DUPLICATE: return SQLITE_CONSTRAINT;
  case SB_BUSY:
  case SB_STOPPING: return SQLITE_BUSY;
  case SB_DISK_FULL: return SQLITE_FULL;
  case SB_READ_ONLY: return SQLITE_READONLY;
  case SB_TOO_LARGE: return SQLITE_TOOBIG;
  case SB_IO: return SQLITE_IOERR;
  case SB_STORE: return SQLITE_CORRUPT_VTAB;
  default: return SQLITE_ERROR;
  }
}

sb_status sb_value_of(sqlite3_value *argument, sb_value *out, sb_error *error) {
  switch (sqlite3_value_type(argument)) {
  case SQLITE_BLOB: {
    const void *bytes = sqlite3_value_blob(argument);
    return sb_value_read_blob(bytes, (size_t)sqlite3_value_bytes(argument), out, error);
  }
  case SQLITE_TEXT: {
    const char *text = (const char *)sqlite3_value_text(argument);
    if (!text) return sb_fail(error, SB_NO_MEMORY, "out of memory");
    return sb_value_read_text(text, (size_t)sqlite3_value_bytes(argument), out, error);
  }
  case SQLITE_NULL: return sb_fail(error, SB_INVALID, "vector type: NULL is no vector");
  default: return sb_fail(error, SB_INVALID, "vector type: a number is no vector; write '[1,2,3]'");
  }
}

static void fail(sqlite3_context *context, sb_status status, const sb_error *error) {
  if (status == SB_NO_MEMORY)
    sqlite3_result_error_nomem(context);
  else
    sqlite3_result_error(context, error->message, -1);
}

static bool any_null(int count, sqlite3_value **arguments) {
  for (int i = 0; i < count; i++)
    if (sqlite3_value_type(arguments[i]) == SQLITE_NULL) return true;
  return false;
}

static void result_value(sqlite3_context *context, const sb_value *value) {
  sb_error error = {0};
  uint8_t *bytes = NULL;
  size_t size = 0;
  sb_status status = sb_value_write(value, &bytes, &size, &error);
  if (status == SB_OK)
    sqlite3_result_blob64(context, bytes, size, free);
  else
    fail(context, status, &error);
}

/* TO_VECTOR's second and third argument. */
static sb_status read_wish(int count, sqlite3_value **arguments, const sb_value *value, sb_element *element,
                           sb_error *error) {
  *element = value->element ? value->element : SB_ELEMENT_FLOAT;
  if (count > 1) {
    const char *name = (const char *)sqlite3_value_text(arguments[1]);
    if (!name) return sb_fail(error, SB_NO_MEMORY, "out of memory");
    sb_status status = sb_element_parse(name, (size_t)sqlite3_value_bytes(arguments[1]), element, error);
    if (status != SB_OK) return status;
  }
  if (count < 3) return SB_OK;
  sqlite3_int64 length = sqlite3_value_int64(arguments[2]);
  if (length < 1 || length > SB_VALUE_DIM_MAX)
    return sb_fail(error, SB_INVALID, "vector length: it is between 1 and %d", SB_VALUE_DIM_MAX);
  if ((size_t)length == value->dim) return SB_OK;
  return sb_fail(error, SB_INVALID, "vector length: %zu elements, not the %lld that were asked for", value->dim,
                 length);
}

static void to_vector(sqlite3_context *context, int count, sqlite3_value **arguments) {
  sb_error error = {0};
  sb_value value = {0};
  sb_element element = SB_ELEMENT_NONE;
  if (count < 1 || count > 3) {
    sqlite3_result_error(context, "TO_VECTOR(data [, type [, length]])", -1);
    return;
  }
  if (any_null(count, arguments)) return;
  sb_status status = sb_value_of(arguments[0], &value, &error);
  if (status == SB_OK) status = read_wish(count, arguments, &value, &element, &error);
  if (status == SB_OK) status = sb_value_convert(&value, element, &error);
  if (status == SB_OK) status = sb_value_check(&value, &error);
  if (status == SB_OK)
    result_value(context, &value);
  else
    fail(context, status, &error);
  sb_value_free(&value);
}

static void free_cached(void *cached) {
  sb_value_free(cached);
  free(cached);
}

/* A text that is the same for every row is read once: SQLite keeps what was read with the argument. */
static sb_status read_cached(sqlite3_context *context, int number, sqlite3_value *argument, sb_value **cached,
                             sb_value *value, sb_error *error) {
  if (sqlite3_value_type(argument) != SQLITE_TEXT) return sb_value_of(argument, value, error);
  sb_value *kept = sqlite3_get_auxdata(context, number);
  if (!kept) {
    kept = sb_alloc(1, sizeof *kept, error);
    sb_status status = kept ? sb_value_of(argument, kept, error) : SB_NO_MEMORY;
    if (status != SB_OK) {
      free(kept);
      return status;
    }
    *cached = kept;
  }
  *value = *kept;
  value->owned = NULL;
  return SB_OK;
}

static void measure(sqlite3_context *context, int count, sqlite3_value **arguments) {
  (void)count;
  const sb_measure *which = sqlite3_user_data(context);
  sb_error error = {0};
  sb_value a = {0}, b = {0}, *cached[2] = {NULL, NULL};
  double result = 0;
  bool null = false;
  if (any_null(2, arguments)) return;
  sb_status status = read_cached(context, 0, arguments[0], &cached[0], &a, &error);
  if (status == SB_OK) status = read_cached(context, 1, arguments[1], &cached[1], &b, &error);
  if (status == SB_OK) status = sb_measure_values(*which, &a, &b, &result, &null, &error);
  if (status != SB_OK)
    fail(context, status, &error);
  else if (!null)
    sqlite3_result_double(context, result);
  sb_value_free(&a);
  sb_value_free(&b);
  for (int i = 0; i < 2; i++)
    if (cached[i])
      sqlite3_set_auxdata(context, i, cached[i], free_cached); /* frees it at once when it is not constant */
}

static void from_vector(sqlite3_context *context, int count, sqlite3_value **arguments) {
  sb_error error = {0};
  sb_value value = {0};
  sb_buffer text = {0};
  if (any_null(count, arguments)) return;
  sb_status status = sb_value_of(arguments[0], &value, &error);
  if (status == SB_OK) status = sb_value_check(&value, &error);
  if (status == SB_OK) status = sb_value_text(&value, &text, &error);
  if (status == SB_OK)
    sqlite3_result_text64(context, text.bytes, text.size, SQLITE_TRANSIENT, SQLITE_UTF8);
  else
    fail(context, status, &error);
  sb_buffer_free(&text);
  sb_value_free(&value);
}

static void vector_length(sqlite3_context *context, int count, sqlite3_value **arguments) {
  sb_error error = {0};
  sb_value value = {0};
  if (any_null(count, arguments)) return;
  sb_status status = sb_value_of(arguments[0], &value, &error);
  if (status == SB_OK)
    sqlite3_result_int64(context, (sqlite3_int64)value.dim);
  else
    fail(context, status, &error);
  sb_value_free(&value);
}

/* Into doubles of unit length; false: it is zero, or its length is no number. */
static bool unit_length(sb_value *value, double *unit) {
  double largest = 0, sum = 0;
  for (size_t i = 0; i < value->dim; i++) largest = fmax(largest, fabs(sb_value_get(value, i)));
  if (!(largest > 0) || !isfinite(largest)) return false;
  for (size_t i = 0; i < value->dim; i++) {
    unit[i] = sb_value_get(value, i) / largest; /* so that squares neither vanish nor overflow */
    sum += unit[i] * unit[i];
  }
  for (size_t i = 0; i < value->dim; i++) unit[i] /= sqrt(sum);
  return true;
}

static void vector_normalize(sqlite3_context *context, int count, sqlite3_value **arguments) {
  sb_error error = {0};
  sb_value value = {0};
  if (any_null(count, arguments)) return;
  sb_status status = sb_value_of(arguments[0], &value, &error);
  if (status == SB_OK) status = sb_value_check(&value, &error);
  if (status == SB_OK) {
    double *unit = sb_alloc(value.dim, sizeof *unit, &error);
    status = unit ? SB_OK : SB_NO_MEMORY;
    if (unit && unit_length(&value, unit)) {
      sb_value result = {.kept = SB_ELEMENT_DOUBLE, .dim = value.dim, .bytes = (uint8_t *)unit, .owned = unit};
      sb_element element = value.element == SB_ELEMENT_NONE      ? SB_ELEMENT_FLOAT
                           : value.element == SB_ELEMENT_INTEGER ? SB_ELEMENT_DOUBLE
                                                                 : value.element;
      status = sb_value_convert(&result, element, &error);
      if (status == SB_OK) result_value(context, &result);
      sb_value_free(&result);
    } else {
      free(unit); /* a zero vector has no direction: NULL */
    }
  }
  if (status != SB_OK) fail(context, status, &error);
  sb_value_free(&value);
}

static void always(sqlite3_context *context, int count, sqlite3_value **arguments) {
  (void)count, (void)arguments;
  sqlite3_result_int(context, 1);
}

int sb_sql_register_functions(sqlite3 *db) {
  static const sb_measure measures[] = {SB_MEASURE_DOT, SB_MEASURE_COSINE, SB_MEASURE_L2};
  static const struct {
    const char *name;
    int arguments;
    const sb_measure *measure;
    void (*function)(sqlite3_context *, int, sqlite3_value **);
  } functions[] = {
      {"to_vector", -1, NULL, to_vector},          {"vector_dot_product", 2, &measures[0], measure},
      {"vector_cosine", 2, &measures[1], measure}, {"vector_l2", 2, &measures[2], measure},
      {"from_vector", 1, NULL, from_vector},       {"vector_to_json", 1, NULL, from_vector},
      {"vector_length", 1, NULL, vector_length},   {"vector_normalize", 1, NULL, vector_normalize},
      {"semblance_nearest_dot", 2, NULL, always},  {"semblance_nearest_cosine", 2, NULL, always},
      {"semblance_nearest_l2", 2, NULL, always},
  };
  int code = SQLITE_OK;
  for (size_t i = 0; code == SQLITE_OK && i < sizeof functions / sizeof *functions; i++) {
    union {
      const sb_measure *constant;
      void *data;
    } user = {functions[i].measure};
    code = sqlite3_create_function_v2(db, functions[i].name, functions[i].arguments,
                                      SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS, user.data,
                                      functions[i].function, NULL, NULL, NULL);
  }
  return code;
}
