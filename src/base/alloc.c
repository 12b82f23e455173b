/* malloc, realloc and strdup with overflow checks and the project's errors. */
#include "base/alloc.h"

#include "base/cpu.h"
#include "base/errors.h"

#include <stdlib.h>
#include <string.h>
#if defined(__GLIBC__)
#include <malloc.h>
#include <pthread.h>
#endif

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

#if defined(__GLIBC__)
enum { HEAPS_MAX = 8, MAPPED_FROM = 256 << 10, TRIMMED_FROM = 1 << 20, STACK = 640 << 10 };

void sb_alloc_for_server(void) {
  int heaps = (sb_cpu_cores() + 1) / 2;
  mallopt(M_ARENA_MAX, heaps < HEAPS_MAX ? heaps : HEAPS_MAX);
  mallopt(M_MMAP_THRESHOLD, MAPPED_FROM);
  mallopt(M_TRIM_THRESHOLD, TRIMMED_FROM);
  pthread_attr_t attributes;
  if (pthread_attr_init(&attributes)) return;
  if (!pthread_attr_setstacksize(&attributes, STACK)) pthread_setattr_default_np(&attributes);
  pthread_attr_destroy(&attributes);
}

void sb_alloc_give_back(void) {
  malloc_trim(0);
}
#else
void sb_alloc_for_server(void) {}
void sb_alloc_give_back(void) {}
#endif

void sb_wipe(void *bytes, size_t size) {
  if (size) explicit_bzero(bytes, size);
}
