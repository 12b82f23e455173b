/* A HEIC or AVIF file without the item references that its primary picture does not need.
 *
 * Phones of today write files with several pictures: the photo, a gain map or `tmap` for HDR screens, depth, portrait
 * mattes, a thumbnail, and metadata that refers to more than one of them. libheif before 1.18 or so refuses the whole
 * file when such a reference (`auxl`, `cdsc`, `thmb`, `prem` in the `iref` box, ISO/IEC 23008-12) has more targets than
 * it knows of. */
#ifndef SB_IMAGE_HEIF_REFERENCES_H
#define SB_IMAGE_HEIF_REFERENCES_H

#include "base/base.h"

#include <libheif/heif.h>

/* The file as libheif reads it: `bytes`, of which the part at `patch_at` is replaced by `patch`. */
typedef struct sb_image_heif_file {
  const uint8_t *bytes;
  size_t size, position;
  uint8_t *patch; /* owned; NULL: none */
  size_t patch_at, patch_size;
} sb_image_heif_file;

typedef enum sb_image_heif_keep {
  SB_IMAGE_HEIF_KEEP_ALPHA, /* an auxiliary picture of the primary one keeps that reference: it may be its alpha */
  SB_IMAGE_HEIF_KEEP_NONE
} sb_image_heif_keep;

/* Reads an sb_image_heif_file, its user data. */
extern const struct heif_reader sb_image_heif_reader;
/* Replaces the `iref` box by one of the same length. False: there is none that can be read, or nothing in it to drop,
 * or no memory. `file` stays valid as long as `bytes`; release `patch` by free(). */
bool sb_image_heif_drop_references(sb_image_heif_file *file, sb_image_heif_keep keep);

#endif
