/* Limits on the size of pictures inside HEIC and AVIF files, checked before a decoder allocates memory for them. Two
 * implementations, chosen in meson.build by the version of libheif:
 *   heif_native_limits.c  libheif >= 1.21 passes its limits on to its decoders
 *   heif_dry_run.c        older versions: a dry run reads the sizes from the bitstreams first */
#ifndef SB_IMAGE_HEIF_LIMITS_H
#define SB_IMAGE_HEIF_LIMITS_H

#include "image/image.h"

#include <libheif/heif.h>

/* Call before any other function of libheif. Any thread. */
void sb_image_heif_prepare(void);
/* Checks the image of `handle` with all its tiles and its alpha plane. SB_IMAGE_TOO_LARGE: beyond `limits`.
 * SB_BAD_IMAGE: without pixels. SB_OK with a `code` other than heif_error_Ok: the check could not finish, and the image
 * must not be decoded. Sizes that only the real decoder sees are limited again when it decodes. One thread a
 * context. */
sb_status sb_image_heif_check_sizes(struct heif_context *context, const struct heif_image_handle *handle,
                                    const sb_image_limits *limits, struct heif_error *code, sb_error *error);

#endif
