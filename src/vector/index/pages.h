/* Memory straight from the system: zeroed, aligned to 64 bytes and more, taken up only where it is touched. */
#ifndef SB_VECTOR_INDEX_PAGES_H
#define SB_VECTOR_INDEX_PAGES_H

#include "base/base.h"

/* `huge`: in pages of 2 MiB where the system allows: a scan through small pages spends its time on their tables. */
void *sb_pages_new(size_t bytes, bool huge, sb_error *error);
void sb_pages_free(void *pages, size_t bytes, bool huge); /* with the numbers that it was made with; NULL is fine */

#endif
