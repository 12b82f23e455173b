/* Memory mapped directly from the system: zeroed, aligned to at least 64 bytes, and backed by physical pages only where
 * it is touched. */
#ifndef SB_VECTOR_INDEX_PAGES_H
#define SB_VECTOR_INDEX_PAGES_H

#include "base/base.h"

/* `huge`: use 2 MiB pages if the system allows it. A scan over 4 KiB pages spends its time in page table walks. */
void *sb_pages_new(size_t bytes, bool huge, sb_error *error);
void sb_pages_free(void *pages, size_t bytes, bool huge); /* the same `bytes` and `huge` as at creation; NULL is fine */

#endif
