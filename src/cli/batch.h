/* Work on many photos with several threads, with progress, until the end, Ctrl-C or a failure of the system. */
#ifndef SB_CLI_BATCH_H
#define SB_CLI_BATCH_H

#include "cli/cli.h"

typedef struct sb_cli_batch {
  const sb_cli *cli; /* --workers, --quiet */
  size_t count;      /* of photos */
  /* Works on photo number `index`; called by several threads at once. A failure refuses this photo and the batch
   * continues, unless the system failed (disk, database, memory): that ends it. */
  sb_status (*visit)(void *context, size_t index, sb_error *error);
  void *context;
  /* Results. */
  size_t refused;
  bool interrupted; /* by Ctrl-C; photos in progress were finished */
} sb_cli_batch;

/* The failure of the system that ended the batch, or SB_OK. */
sb_status sb_cli_batch_run(sb_cli_batch *batch, sb_error *error);

/* ---- Finding faces in many photos */

typedef struct sb_cli_photo_faces {
  const char *path; /* set by the caller */
  sb_faces *faces;  /* NULL after a failure */
  sb_error error;   /* why there are none */
} sb_cli_photo_faces;
/* Looks for `want` (SB_WANT_*) in every photo. A photo that is missing, unreadable or without a face has an `error`,
 * and is not a failure of the call. SB_INVALID after Ctrl-C. */
sb_status sb_cli_batch_find_faces(sb_cli *cli, unsigned want, sb_cli_photo_faces *photos, size_t count,
                                  sb_error *error);
void sb_cli_photo_faces_free(sb_cli_photo_faces *photos, size_t count); /* and the array */

#endif
