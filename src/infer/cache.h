/* The folder of compiled models, in which the runtime makes a file for each model, place, setting and version of its own. */
#ifndef SB_INFER_CACHE_H
#define SB_INFER_CACHE_H

#include <time.h>

enum { SB_INFER_CACHE_UNUSED_DAYS = 30 };

/* Deletes compiled models (NUMBER.blob in `folder`, and in its folders that are named by a digest) that were last read or written
 * before `before`, and folders of digests that are empty since then. Nothing else is touched and no link is followed. Any number
 * of processes may clean and compile at the same time: who finds a file gone compiles anew. Where the file system notes no
 * reading, a file goes so long after it was made. What cannot be deleted stays, without a word. */
void sb_infer_cache_clean(const char *folder, time_t before);

#endif
