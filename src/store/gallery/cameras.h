/* Cameras in the store: the table `camera` (docs/formats.md). A record is the engine's (engine/cameras.c). */
#ifndef SB_STORE_GALLERY_CAMERAS_H
#define SB_STORE_GALLERY_CAMERAS_H

#include "store/store.h"

#include <semblance/events.h>

typedef struct sb_store_camera {
  int64_t row, created_ms;
  char name[SB_CAMERA_MAX + 1];
  char *record; /* NUL-terminated; `size` does not count it */
  size_t size;
} sb_store_camera;
/* In one transaction with its audit entry, for the collection of that row. `most`: how many there may be afterwards.
 * SB_EXISTS: there is one of that name; SB_TOO_LARGE: there are too many. */
sb_status sb_store_camera_add(sb_store *store, const sb_store_camera *camera, int64_t collection, size_t most,
                              sb_error *error);
/* Replaces the record of the camera of that row, in one transaction with its audit entry; what it replaces is erased.
 * SB_NOT_FOUND: it was removed meanwhile. */
sb_status sb_store_camera_change(sb_store *store, const sb_store_camera *camera, int64_t collection, sb_error *error);
/* In one transaction with its audit entry; erases as sb_store_person_delete does. SB_NOT_FOUND. */
sb_status sb_store_camera_delete(sb_store *store, const char *name, int64_t collection, sb_error *error);
/* All, oldest first; released by sb_store_cameras_free. */
sb_status sb_store_cameras(sb_store *store, sb_store_camera **out, size_t *count, sb_error *error);
void sb_store_cameras_free(sb_store_camera *cameras, size_t count); /* NULL allowed */

#endif
