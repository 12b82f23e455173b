/* Target: arbitrary text as a vector: what is read, written and read again is the same. */
#include "sql/vectors/value.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void check(bool right) {
  if (!right) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
  sb_error error = {0};
  sb_sql_value value, again;
  sb_buffer text = {0};
  if (sb_sql_value_read_text((const char *)bytes, size, &value, &error) != SB_OK) {
    check(!strncmp(error.message, "vector ", 7));
    return 0;
  }
  check(value.dim > 0 && value.dim <= SB_SQL_DIM_MAX);
  for (size_t i = 0; i < value.dim; i++) check(isfinite(sb_sql_value_get(&value, i)));
  check(sb_sql_value_write_text(&value, &text, &error) == SB_OK);
  check(sb_sql_value_read_text(text.bytes, text.size, &again, &error) == SB_OK && again.dim == value.dim);
  for (size_t i = 0; i < value.dim; i++) check(sb_sql_value_get(&again, i) == sb_sql_value_get(&value, i));
  for (int element = SB_SQL_ELEMENT_FLOAT; element <= SB_SQL_ELEMENT_INTEGER; element++) {
    if (sb_sql_value_convert(&again, (sb_sql_element)element, &error) != SB_OK) continue;
    check(sb_sql_value_check(&again, &error) == SB_OK);
  }
  sb_buffer_free(&text);
  sb_sql_value_free(&again);
  sb_sql_value_free(&value);
  return 0;
}
