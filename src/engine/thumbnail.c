/* Thumbnails: a small picture of each enrolled face, so that people at a desk can see who a record is about. Stored
 * only when the operator asked for it (--thumbnails), sealed like everything else. */
#include "engine/thumbnail.h"

#include "engine/internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SIDE = 96, QUALITY = 80 };
static const double margin = 1.5; /* of the face's box: with hair and chin */

sb_status sb_thumbnail_make(const sb_image *image, const sb_face *face, sb_thumbnail *out, sb_error *error) {
  uint8_t *rgb = sb_alloc((size_t)SIDE * SIDE, 3, error);
  if (!rgb) return SB_NO_MEMORY;
  double scale = (double)image->width / image->source_width;
  /* Pixels of the image for one of the thumbnail. */
  double step = margin * scale * fmax((double)face->box.w, (double)face->box.h) / SIDE;
  double x = scale * ((double)face->box.x + (double)face->box.w / 2),
         y = scale * ((double)face->box.y + (double)face->box.h / 2);
  const double half = (SIDE - 1) / 2.0, map[6] = {step, 0, x - step * half, 0, step, y - step * half};
  sb_status status = sb_image_warp(image, map, SB_IMAGE_BORDER_EDGE, rgb, SIDE, SIDE, error);
  if (status == SB_OK) status = sb_image_write_jpeg(rgb, SIDE, SIDE, QUALITY, &out->bytes, &out->size, error);
  sb_wipe(rgb, (size_t)SIDE * SIDE * 3);
  free(rgb);
  return status;
}

void sb_thumbnail_clear(sb_thumbnail *thumbnail) {
  if (thumbnail->bytes) sb_wipe(thumbnail->bytes, thumbnail->size);
  free(thumbnail->bytes);
  *thumbnail = (sb_thumbnail){0};
}

void sb_thumbnail_list_free(sb_thumbnail *thumbnails, size_t count) {
  for (size_t i = 0; thumbnails && i < count; i++) sb_thumbnail_clear(&thumbnails[i]);
  free(thumbnails);
}

/* ---- Previews */

enum { PREVIEW_SIDE = 1600 };

static sb_status write_preview(const sb_image *image, uint8_t **bytes, size_t *size, sb_error *error) {
  int longest = image->width > image->height ? image->width : image->height;
  double scale = longest > PREVIEW_SIDE ? (double)PREVIEW_SIDE / longest : 1;
  int width = (int)fmax(1, image->width * scale), height = (int)fmax(1, image->height * scale);
  uint8_t *rgb = sb_alloc((size_t)width * (size_t)height, 3, error);
  if (!rgb) return SB_NO_MEMORY;
  sb_status status = sb_image_resize(image, rgb, width, height, (size_t)width * 3, error);
  if (status == SB_OK) status = sb_image_write_jpeg(rgb, width, height, QUALITY, bytes, size, error);
  free(rgb);
  return status;
}

sb_status sb_engine_preview(sb_engine *engine, sb_photo photo, uint8_t **bytes, size_t *size, sb_error *error) {
  sb_image image = {0};
  sb_status status = sb_engine_enter(engine, error);
  if (status != SB_OK) return status;
  status = sb_image_decode(photo.bytes, photo.size, NULL, &image, error);
  if (status == SB_OK) status = write_preview(&image, bytes, size, error);
  sb_image_free(&image);
  sb_engine_leave(engine);
  return status;
}

/* ---- Public */

sb_status sb_engine_thumbnail(sb_engine *engine, const char *collection, const char *id, int64_t face, bool owed,
                              uint8_t **bytes, size_t *size, sb_error *error) {
  int64_t row = 0;
  if (!engine->thumbnails && !owed) return sb_fail(error, SB_NOT_FOUND, "no thumbnails are shown (--thumbnails)");
  sb_status status = sb_engine_enter_person(engine, collection, id, &row, error);
  if (status != SB_OK) return status;
  status = sb_store_thumbnail(engine->store, row, face, bytes, size, error);
  sb_engine_leave(engine);
  return status;
}

static sb_status erase_thumbnails(sb_engine *engine, const char *name, size_t *erased, sb_error *error) {
  sb_store_collection collection;
  sb_status status = sb_engine_collection(engine, name, false, &collection, error);
  return status == SB_OK ? sb_store_thumbnails_erase(engine->store, collection.row, erased, error) : status;
}

sb_status sb_engine_thumbnails_erase(sb_engine *engine, const char *collection, size_t *erased, sb_error *error) {
  sb_status status = sb_engine_enter(engine, error);
  if (status != SB_OK) return status;
  status = erase_thumbnails(engine, collection, erased, error);
  sb_engine_leave(engine);
  return status;
}
