/* The sizes that the streams within a HEIC or AVIF file announce, before anything makes room for them: looked at (heif_look.c), or
 * left to libheif where it keeps to limits itself (heif_limit.c). */
#ifndef SB_IMAGE_HEIF_LOOK_H
#define SB_IMAGE_HEIF_LOOK_H

#include "image/image.h"

#include <libheif/heif.h>

/* Before anything else of libheif. Any thread. */
void sb_image_heif_prepare(void);
/* Of the image of `handle`, with all its tiles and its alpha: SB_IMAGE_TOO_LARGE or SB_BAD_IMAGE (empty) where one is seen to be beyond
 * `limits`; what is not seen here will be when it is decoded. SB_OK with a `code` that is not heif_error_Ok: it could not be looked at to the end, and is not to be decoded.
 * One thread a context. */
sb_status sb_image_heif_check_sizes(struct heif_context *context, const struct heif_image_handle *handle,
                                    const sb_image_limits *limits, struct heif_error *code, sb_error *error);

#endif
