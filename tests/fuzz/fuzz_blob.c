/* Any bytes as one vector, and its halves as two that are compared. */
#include "sql/values.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void check(bool right) {
  if (!right) abort();
}

static void write_and_read(sb_value *value) {
  sb_error error = {0};
  sb_value again;
  uint8_t *blob = NULL;
  size_t size = 0;
  if (sb_value_check(value, &error) != SB_OK ||
      sb_value_convert(value, value->element ? value->element : SB_ELEMENT_FLOAT, &error) != SB_OK)
    return;
  check(sb_value_write(value, &blob, &size, &error) == SB_OK);
  check(sb_value_read_blob(blob, size, &again, &error) == SB_OK);
  check(again.dim == value->dim && again.element == value->element);
  for (size_t i = 0; i < again.dim; i++) check(sb_value_get(&again, i) == sb_value_get(value, i));
  if (size > 1)
    check(sb_value_read_blob(blob, size - 1, &again, &error) != SB_OK); /* cut short, it is never taken for another */
  free(blob);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
  sb_error error = {0};
  sb_value whole, a, b;
  double result = 0;
  bool null = false;
  if (sb_value_read_blob(bytes, size, &whole, &error) == SB_OK) {
    write_and_read(&whole);
    sb_value_free(&whole);
  } else {
    check(!strncmp(error.message, "vector ", 7));
  }
  size_t half = size / 2;
  if (sb_value_read_blob(bytes, half, &a, &error) != SB_OK) return 0;
  if (sb_value_read_blob(bytes + half, size - half, &b, &error) == SB_OK) {
    for (int measure = SB_MEASURE_DOT; measure <= SB_MEASURE_L2; measure++)
      if (sb_measure_values((sb_measure)measure, &a, &b, &result, &null, &error) == SB_OK)
        check(null || isfinite(result));
    sb_value_free(&b);
  }
  sb_value_free(&a);
  return 0;
}
