/* The bytes of an import: an unnamed temporary file, encrypted under a key that is in memory only, or a file that is
 * already there. */
#ifndef SB_IMPORT_SPOOL_H
#define SB_IMPORT_SPOOL_H

#include "base/base.h"

/* One thread writes; then any thread may read. A temporary file ends with the spool or the process. */
typedef struct sb_spool sb_spool;
/* A temporary file in $TMPDIR, or /var/tmp. */
sb_status sb_spool_new(sb_spool **out, sb_error *error);
/* An existing regular file, read only and as it is. SB_NOT_FOUND, SB_INVALID. */
sb_status sb_spool_open(const char *path, sb_spool **out, sb_error *error);
void sb_spool_free(sb_spool *spool);
uint64_t sb_spool_size(const sb_spool *spool);
/* Appends bytes to a temporary file. SB_DISK_FULL. */
sb_status sb_spool_add(sb_spool *spool, const void *bytes, size_t size, sb_error *error);
/* SB_INVALID for a range that is not wholly in the file. */
sb_status sb_spool_read(const sb_spool *spool, uint64_t offset, void *bytes, size_t size, sb_error *error);

#endif
