/* Files of an import on their way: one unnamed temporary file, encrypted under a key that is in memory only. */
#ifndef SB_IMPORT_SPOOL_H
#define SB_IMPORT_SPOOL_H

#include "base/base.h"

/* One thread writes; then any thread may read. Gone, with the file, when it is freed or the process ends. */
typedef struct sb_spool sb_spool;
sb_status sb_spool_new(sb_spool **out, sb_error *error);
void sb_spool_free(sb_spool *spool);
uint64_t sb_spool_size(const sb_spool *spool);
sb_status sb_spool_add(sb_spool *spool, const void *bytes, size_t size, sb_error *error);
/* SB_INVALID beyond the end. */
sb_status sb_spool_read(const sb_spool *spool, uint64_t offset, void *bytes, size_t size, sb_error *error);

#endif
