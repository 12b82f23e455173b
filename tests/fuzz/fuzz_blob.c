/* Target: arbitrary bytes as a vector blob, and its halves as two vectors that are compared. */
#include "sql/vectors/metric.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void check(bool right) {
  if (!right) abort();
}

static void write_and_read(sb_sql_value *value) {
  sb_error error = {0};
  sb_sql_value again;
  uint8_t *blob = NULL;
  size_t size = 0;
  if (sb_sql_value_check(value, &error) != SB_OK ||
      sb_sql_value_convert(value, value->element ? value->element : SB_SQL_ELEMENT_FLOAT, &error) != SB_OK)
    return;
  check(sb_sql_value_write_blob(value, &blob, &size, &error) == SB_OK);
  check(sb_sql_value_read_blob(blob, size, &again, &error) == SB_OK);
  check(again.dim == value->dim && again.element == value->element);
  for (size_t i = 0; i < again.dim; i++) check(sb_sql_value_get(&again, i) == sb_sql_value_get(value, i));
  if (size > 1)
    check(sb_sql_value_read_blob(blob, size - 1, &again, &error) != SB_OK); /* truncated, it is never accepted */
  free(blob);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
  sb_error error = {0};
  sb_sql_value whole, a, b;
  double result = 0;
  bool null = false;
  if (sb_sql_value_read_blob(bytes, size, &whole, &error) == SB_OK) {
    write_and_read(&whole);
    sb_sql_value_free(&whole);
  } else {
    check(!strncmp(error.message, "vector ", 7));
  }
  size_t half = size / 2;
  if (sb_sql_value_read_blob(bytes, half, &a, &error) != SB_OK) return 0;
  if (sb_sql_value_read_blob(bytes + half, size - half, &b, &error) == SB_OK) {
    for (int metric = SB_SQL_METRIC_DOT; metric < SB_SQL_METRICS; metric++)
      if (sb_sql_metric_of_values((sb_sql_metric)metric, &a, &b, &result, &null, &error) == SB_OK)
        check(null || isfinite(result));
    sb_sql_value_free(&b);
  }
  sb_sql_value_free(&a);
  return 0;
}
