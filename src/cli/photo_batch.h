/* The faces of many photos, found side by side. */
#ifndef SB_CLI_PHOTO_BATCH_H
#define SB_CLI_PHOTO_BATCH_H

#include "cli/cli.h"

/* What became of one photo: `faces`, or `error` says why not. */
typedef struct sb_gathered {
  const char *path; /* set by the caller */
  sb_faces *faces;
  sb_error error;
} sb_gathered;
/* Looks for `want` (SB_WANT_*) in every photo, with progress unless --quiet. A photo that is missing, unreadable or without
 * a face is no failure; trouble of the system is. SB_INVALID when it was interrupted. */
sb_status sb_gather(const sb_cli *cli, sb_engine *engine, unsigned want, sb_gathered *photos, size_t count,
                    sb_error *error);
void sb_gathered_free(sb_gathered *photos, size_t count); /* and the array */

#endif
