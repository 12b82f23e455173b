/* A JPEG of a face, 96x96 pixels. */
#ifndef SB_ENGINE_THUMBNAIL_H
#define SB_ENGINE_THUMBNAIL_H

#include "engine/engine.h"
#include "image/image.h"

typedef struct sb_thumbnail {
  uint8_t *bytes; /* owned; NULL: none */
  size_t size;
} sb_thumbnail;
/* Cuts `face` out of `image`. */
sb_status sb_thumbnail_make(const sb_image *image, const sb_face *face, sb_thumbnail *out, sb_error *error);
void sb_thumbnail_clear(sb_thumbnail *thumbnail);                    /* overwrites it */
void sb_thumbnail_list_free(sb_thumbnail *thumbnails, size_t count); /* NULL allowed; overwrites them */

#endif
