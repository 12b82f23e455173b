/* Memory allocation with overflow checks. Everything is released by free(). A NULL result means out of memory; `error`
 * is then filled with SB_NO_MEMORY. */
#ifndef SB_BASE_ALLOC_H
#define SB_BASE_ALLOC_H

#include <semblance/semblance.h>

void *sb_alloc(size_t count, size_t size, sb_error *error); /* zeroed */
/* Grows `*block` to hold `count` items; `*block` stays valid on failure. New bytes are not zeroed. */
sb_status sb_grow(void **block, size_t count, size_t size, sb_error *error);
char *sb_strdup(const char *text, sb_error *error); /* NULL is copied as "" */
/* For a process that runs for long and decodes large photos in many threads: makes the C library give freed memory back
 * to the system early (one heap for two cores instead of eight a core, blocks of at least 256 KiB mapped on their own),
 * and limits the stack of a new thread to 1 MiB. Call it before the first thread starts. Has no effect where the C
 * library is not glibc. */
void sb_alloc_for_server(void);
/* Gives free memory back to the system, also what lies between blocks in use. Takes some milliseconds. */
void sb_alloc_give_back(void);
/* Overwrites memory that held a secret; the compiler cannot remove the write. */
void sb_wipe(void *bytes, size_t size);

#endif
