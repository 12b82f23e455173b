/* Any text as a vector: what is read is written and read again to the same. */
#include "sql/values.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void check(bool right) {
  if (!right) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
  sb_error error = {0};
  sb_value value, again;
  sb_buffer text = {0};
  if (sb_value_read_text((const char *)bytes, size, &value, &error) != SB_OK) {
    check(!strncmp(error.message, "vector ", 7));
    return 0;
  }
  check(value.dim > 0 && value.dim <= SB_VALUE_DIM_MAX);
  for (size_t i = 0; i < value.dim; i++) check(isfinite(sb_value_get(&value, i)));
  check(sb_value_text(&value, &text, &error) == SB_OK);
  check(sb_value_read_text(text.bytes, text.size, &again, &error) == SB_OK && again.dim == value.dim);
  for (size_t i = 0; i < value.dim; i++) check(sb_value_get(&again, i) == sb_value_get(&value, i));
  for (int element = SB_ELEMENT_FLOAT; element <= SB_ELEMENT_INTEGER; element++) {
    if (sb_value_convert(&again, (sb_element)element, &error) != SB_OK) continue;
    check(sb_value_check(&again, &error) == SB_OK);
  }
  sb_buffer_free(&text);
  sb_value_free(&again);
  sb_value_free(&value);
  return 0;
}
