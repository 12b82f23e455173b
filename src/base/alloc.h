/* Memory allocation with overflow checks. Everything is released by free(). A NULL result means out of memory; `error`
 * is then filled with SB_NO_MEMORY. */
#ifndef SB_BASE_ALLOC_H
#define SB_BASE_ALLOC_H

#include <semblance/semblance.h>

void *sb_alloc(size_t count, size_t size, sb_error *error); /* zeroed */
/* Grows `*block` to hold `count` items; `*block` stays valid on failure. New bytes are not zeroed. */
sb_status sb_grow(void **block, size_t count, size_t size, sb_error *error);
char *sb_strdup(const char *text, sb_error *error); /* NULL is copied as "" */
/* Overwrites memory that held a secret; the compiler cannot remove the write. */
void sb_wipe(void *bytes, size_t size);

#endif
