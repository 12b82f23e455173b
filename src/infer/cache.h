/* The cache folder of compiled models. OpenVINO writes one file there for each combination of model, path, settings and
 * its own version. */
#ifndef SB_INFER_CACHE_H
#define SB_INFER_CACHE_H

#include <time.h>

enum { SB_INFER_CACHE_UNUSED_DAYS = 30 };

/* Deletes compiled models (NUMBER.blob in `folder`, and in its subfolders that are named by a digest) that were last
 * read or written before `before`, and subfolders of digests that are empty and unchanged since then. Nothing else is
 * deleted and no link is followed. Several processes may clean and compile at the same time: a process that finds a
 * file missing compiles it again. On file systems that do not record access times, the time of writing counts. What
 * cannot be deleted is silently kept. */
void sb_infer_cache_clean(const char *folder, time_t before);

#endif
