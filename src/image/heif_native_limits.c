/* libheif >= 1.21 passes the security limits of a context on to its decoders, which obey them (1.22): no dry run is
 * needed. */
#include "image/heif_limits.h"

void sb_image_heif_prepare(void) {}

sb_status sb_image_heif_check_sizes(struct heif_context *context, const struct heif_image_handle *handle,
                                    const sb_image_limits *limits, struct heif_error *code, sb_error *error) {
  (void)handle;
  (void)error;
  struct heif_security_limits ours = *heif_get_global_security_limits();
  ours.max_image_size_pixels = limits->max_pixels;
  *code = heif_context_set_security_limits(context, &ours);
  return SB_OK;
}
