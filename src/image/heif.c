/* HEIC and AVIF, decoded by libheif. libheif applies the rotation of the file itself, so the orientation stays 1. */
#include "image/codecs.h"
#include "image/heif_limits.h"

#include <string.h>

static sb_status refused(struct heif_error code, sb_error *error) {
  if (code.code == heif_error_Memory_allocation_error && code.subcode == heif_suberror_Security_limit_exceeded)
    return sb_fail(error, SB_IMAGE_TOO_LARGE,
                   "the HEIC or AVIF photo has more pixels than the limit; send a smaller copy");
  if (code.code == heif_error_Unsupported_filetype || code.code == heif_error_Unsupported_feature ||
      code.code == heif_error_Plugin_loading_error)
    return sb_fail(error, SB_UNSUPPORTED_IMAGE, "this kind of HEIC or AVIF photo is not supported here: %s",
                   code.message);
  return sb_fail(error, SB_BAD_IMAGE, "the HEIC or AVIF photo is damaged or truncated: %s", code.message);
}

static void copy_rows(const struct heif_image *picture, int channels, sb_image *image) {
  int stride = 0;
  const uint8_t *plane = heif_image_get_plane_readonly(picture, heif_channel_interleaved, &stride);
  for (int y = 0; y < image->height; y++) {
    const uint8_t *row = plane + (size_t)y * (size_t)stride;
    uint8_t *target = image->pixels + (size_t)y * (size_t)image->width * 3;
    if (channels == 4)
      sb_image_flatten_rgba(row, (size_t)image->width, target);
    else
      memcpy(target, row, (size_t)image->width * 3);
  }
}

static sb_status read_picture(struct heif_context *context, struct heif_image_handle *handle,
                              const sb_image_limits *limits, sb_image *out, sb_error *error) {
  int width = heif_image_handle_get_width(handle), height = heif_image_handle_get_height(handle);
  sb_status status =
      sb_image_size_check(width > 0 ? (uint64_t)width : 0, height > 0 ? (uint64_t)height : 0, limits, error);
  struct heif_error code;
  if (status != SB_OK) return status;
  if ((status = sb_image_heif_check_sizes(context, handle, limits, &code, error)) != SB_OK) return status;
  if (code.code != heif_error_Ok) return refused(code, error);
  bool alpha = heif_image_handle_has_alpha_channel(handle);
  struct heif_image *picture = NULL;
  code = heif_decode_image(handle, &picture, heif_colorspace_RGB,
                           alpha ? heif_chroma_interleaved_RGBA : heif_chroma_interleaved_RGB, NULL);
  if (code.code != heif_error_Ok) return refused(code, error);
  width = heif_image_get_width(picture, heif_channel_interleaved);
  height = heif_image_get_height(picture, heif_channel_interleaved);
  status = sb_image_size_check(width > 0 ? (uint64_t)width : 0, height > 0 ? (uint64_t)height : 0, limits, error);
  if (status != SB_OK) goto done;
  if ((status = sb_image_new(width, height, out, error)) == SB_OK) copy_rows(picture, alpha ? 4 : 3, out);
done:
  heif_image_release(picture);
  return status;
}

sb_status sb_image_decode_heif(const uint8_t *bytes, size_t size, const sb_image_limits *limits, sb_image_decoded *out,
                               sb_error *error) {
  sb_image_heif_prepare();
  struct heif_context *context = heif_context_alloc();
  if (!context) return sb_fail(error, SB_NO_MEMORY, "out of memory");
  heif_context_set_maximum_image_size_limit(context, limits->max_side);
  struct heif_image_handle *handle = NULL;
  struct heif_error code = heif_context_read_from_memory_without_copy(context, bytes, size, NULL);
  if (code.code == heif_error_Ok) code = heif_context_get_primary_image_handle(context, &handle);
  sb_status status =
      code.code == heif_error_Ok ? read_picture(context, handle, limits, &out->image, error) : refused(code, error);
  if (handle) heif_image_handle_release(handle);
  heif_context_free(context);
  return status;
}

void sb_image_heif_codecs(bool *heic, bool *avif) {
  sb_image_heif_prepare();
  *heic = heif_have_decoder_for_format(heif_compression_HEVC);
  *avif = heif_have_decoder_for_format(heif_compression_AV1);
}
