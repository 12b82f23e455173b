/* A cast fails where SQLite's CAST would make a 0 of what is no number. */
#include "sql/session_casts.h"

#include "base/base.h"
#include "sql/error.h"
#include "sql/vectors/argument.h"

#include <math.h>
#include <stdlib.h>

typedef enum kind { VECTOR, HALFVEC, BIT, VARBIT, WHOLE, SINGLE, NUMBER, TEXT } kind;

static const struct {
  const char *name;
  kind kind;
} types[] = {{"vector", VECTOR}, {"halfvec", HALFVEC}, {"bit", BIT},        {"varbit", VARBIT}, {"int", WHOLE},
             {"integer", WHOLE}, {"bigint", WHOLE},    {"smallint", WHOLE}, {"int2", WHOLE},    {"int4", WHOLE},
             {"int8", WHOLE},    {"real", SINGLE},     {"float4", SINGLE},  {"float", NUMBER},  {"float8", NUMBER},
             {"double", NUMBER}, {"numeric", NUMBER},  {"decimal", NUMBER}, {"text", TEXT},     {"varchar", TEXT}};

static sb_status read_type(sqlite3_value *argument, kind *out, sb_error *error) {
  const char *name = (const char *)sqlite3_value_text(argument);
  for (size_t i = 0; name && i < sizeof types / sizeof *types; i++)
    if (!sqlite3_stricmp(name, types[i].name)) return *out = types[i].kind, SB_OK;
  return sb_fail(error, SB_INVALID, "there is no cast to this type");
}

/* ---- Vectors */

/* The length in the parentheses of the type. 0: there is none. */
static sb_status read_length(int count, sqlite3_value **arguments, size_t *out, sb_error *error) {
  int64_t length = 0;
  *out = 0;
  if (count < 3) return SB_OK;
  if (!sb_sql_whole_number(arguments[2], &length) || length < 1 || length > SB_SQL_DIM_MAX)
    return sb_fail(error, SB_INVALID, "vector length: it is a whole number from 1 to %d", SB_SQL_DIM_MAX);
  *out = (size_t)length;
  return SB_OK;
}

static sb_status read_bits(sqlite3_value *argument, kind to, size_t length, sb_sql_value *out, sb_error *error) {
  sb_status status = sb_sql_bits_of_argument(argument, out, error);
  if (status != SB_OK || !length || (to == VARBIT && length >= out->dim)) return status;
  return sb_sql_value_coerce(out, SB_SQL_ELEMENT_BIT, length, error); /* cut, or zeros added */
}

static sb_status read_vector(sqlite3_value *argument, kind to, size_t length, sb_sql_value *out, sb_error *error) {
  sb_status status = sb_sql_value_of_argument(argument, out, error);
  if (status != SB_OK) return status;
  if (length && out->dim != length)
    return sb_fail(error, SB_INVALID, "vector length: it has %zu elements, and the type %zu", out->dim, length);
  return sb_sql_value_convert(out, to == HALFVEC ? SB_SQL_ELEMENT_HALF : SB_SQL_ELEMENT_FLOAT, error);
}

static void cast_vector(sqlite3_context *context, int count, sqlite3_value **arguments, kind to) {
  sb_error error = {0};
  sb_sql_value value = {0};
  uint8_t *blob = NULL;
  size_t size = 0, length = 0;
  bool bits = to == BIT || to == VARBIT;
  sb_status status = read_length(count, arguments, &length, &error);
  if (status == SB_OK)
    status = bits ? read_bits(arguments[0], to, length, &value, &error)
                  : read_vector(arguments[0], to, length, &value, &error);
  if (status == SB_OK) status = sb_sql_value_check(&value, &error);
  if (status == SB_OK) status = sb_sql_value_write_blob(&value, &blob, &size, &error);
  if (status == SB_OK)
    sqlite3_result_blob64(context, blob, size, free);
  else
    sb_sql_function_error(context, status, &error);
  sb_sql_value_free(&value);
}

/* ---- Numbers and texts */

static void cast_number(sqlite3_context *context, sqlite3_value *value, kind to) {
  int type = sqlite3_value_numeric_type(value);
  double number = sqlite3_value_double(value);
  if (type != SQLITE_INTEGER && type != SQLITE_FLOAT) {
    sqlite3_result_error(context, "a cast to a number: the value is not a number", -1);
  } else if (to == SINGLE) {
    sqlite3_result_double(context, (double)(float)number);
  } else if (to == WHOLE && type == SQLITE_FLOAT) {
    if (fabs(number) < 0x1p63)
      sqlite3_result_int64(context, (sqlite3_int64)nearbyint(number));
    else
      sqlite3_result_error(context, "a cast to an integer: the number is too large", -1);
  } else {
    sqlite3_result_value(context, value);
  }
}

/* Bits as PostgreSQL writes them: 0110. */
static sb_status write_bits(const sb_sql_value *bits, sb_buffer *out) {
  sb_status status = SB_OK;
  for (size_t i = 0; status == SB_OK && i < bits->dim; i++)
    status = sb_buffer_add(out, sb_sql_value_get(bits, i) != 0 ? "1" : "0", 1, NULL);
  return status;
}

static sb_status write_vector(const sb_sql_value *vector, sb_buffer *out) {
  return vector->element == SB_SQL_ELEMENT_BIT ? write_bits(vector, out) : sb_sql_value_write_text(vector, out, NULL);
}

/* A vector becomes its list, or its bits, anything else what SQLite writes. */
static void cast_text(sqlite3_context *context, sqlite3_value *value) {
  sb_sql_value vector = {0};
  sb_buffer text = {0};
  bool blob = sqlite3_value_type(value) == SQLITE_BLOB;
  const void *bytes = blob ? sqlite3_value_blob(value) : NULL;
  bool read = bytes && sb_sql_value_read_blob(bytes, (size_t)sqlite3_value_bytes(value), &vector, NULL) == SB_OK;
  if (read && vector.element && write_vector(&vector, &text) == SB_OK)
    sqlite3_result_text64(context, text.bytes, text.size, SQLITE_TRANSIENT, SQLITE_UTF8);
  else
    sqlite3_result_text(context, (const char *)sqlite3_value_text(value), -1, SQLITE_TRANSIENT);
  sb_buffer_free(&text);
}

static void cast(sqlite3_context *context, int count, sqlite3_value **arguments) {
  sb_error error = {0};
  kind to = TEXT;
  if (count < 2 || count > 3) {
    sqlite3_result_error(context, "a type takes one number in its parentheses at most", -1);
    return;
  }
  if (sqlite3_value_type(arguments[0]) == SQLITE_NULL) return;
  sb_status status = read_type(arguments[1], &to, &error);
  if (status != SB_OK)
    sb_sql_function_error(context, status, &error);
  else if (to <= VARBIT)
    cast_vector(context, count, arguments, to);
  else if (to == TEXT)
    cast_text(context, arguments[0]);
  else
    cast_number(context, arguments[0], to);
}

int sb_sql_register_casts(sqlite3 *db) {
  return sqlite3_create_function_v2(db, "semblance_cast", -1, SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS,
                                    NULL, cast, NULL, NULL, NULL);
}
