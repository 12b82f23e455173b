/* Page mappings; see pages.h. */
#include "vector/index/pages.h"

#include <sys/mman.h>

enum { SMALL = 4096, HUGE = 2 << 20 };

static size_t rounded(size_t bytes, size_t page) {
  return (bytes + page - 1) / page * page;
}

void *sb_pages_new(size_t bytes, bool huge, sb_error *error) {
  size_t page = huge ? HUGE : SMALL;
  /* Map one huge page more than needed, so that an aligned start lies within; unmap the excess on both sides. */
  size_t wanted = rounded(bytes, page), taken = wanted + (huge ? HUGE : 0);
  char *begin = wanted < bytes || taken < wanted
                    ? MAP_FAILED
                    : mmap(NULL, taken, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (begin == MAP_FAILED) {
    sb_fail(error, SB_NO_MEMORY, "out of memory for more faces");
    return NULL;
  }
  if (!huge) return begin;
  size_t before = (HUGE - (uintptr_t)begin % HUGE) % HUGE;
  if (before) munmap(begin, before);
  if (taken - before - wanted) munmap(begin + before + wanted, taken - before - wanted);
  madvise(begin + before, wanted, MADV_HUGEPAGE); /* may be refused: then small pages are used, which is slower */
  return begin + before;
}

void sb_pages_free(void *pages, size_t bytes, bool huge) {
  if (pages) munmap(pages, rounded(bytes, huge ? HUGE : SMALL));
}
