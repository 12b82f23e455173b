/* malloc, realloc and strdup with overflow checks and the project's errors. */
#include "base/alloc.h"

#include "base/errors.h"

#include <stdlib.h>
#include <string.h>

void *sb_alloc(size_t count, size_t size, sb_error *error) {
  void *block = calloc(count ? count : 1, size ? size : 1); /* calloc checks the product */
  if (!block) sb_fail(error, SB_NO_MEMORY, "out of memory");
  return block;
}

sb_status sb_grow(void **block, size_t count, size_t size, sb_error *error) {
  size_t bytes;
  void *grown = __builtin_mul_overflow(count, size, &bytes) ? NULL : realloc(*block, bytes ? bytes : 1);
  if (!grown) return sb_fail(error, SB_NO_MEMORY, "out of memory");
  *block = grown;
  return SB_OK;
}

char *sb_strdup(const char *text, sb_error *error) {
  char *copy = strdup(text ? text : "");
  if (!copy) sb_fail(error, SB_NO_MEMORY, "out of memory");
  return copy;
}

void sb_wipe(void *bytes, size_t size) {
  if (size) explicit_bzero(bytes, size);
}
