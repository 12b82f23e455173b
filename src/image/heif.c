/* HEIC and AVIF, decoded by libheif. libheif applies the rotation of the file itself, so the orientation stays 1. */
#include "image/codecs.h"
#include "image/heif_limits.h"
#include "image/heif_references.h"

#include <stdlib.h>

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

/* What libheif and its decoders allocate for each pixel, measured with versions 1.15 and 1.23: frames of the decoder
 * (4:2:0), the planes assembled from tiles, and the RGB picture made of them. */
static uint64_t memory_of(const struct heif_image_handle *handle, uint64_t pixels) {
  enum { EIGHT_BITS = 7, MORE_BITS = 10, ALPHA = 3, HEADROOM = 8 << 20 };
  bool eight = heif_image_handle_get_luma_bits_per_pixel(handle) <= 8;
  uint64_t per_pixel = eight ? EIGHT_BITS : MORE_BITS;
  if (heif_image_handle_has_alpha_channel(handle)) per_pixel += ALPHA;
  return per_pixel * pixels + HEADROOM;
}

static sb_status copy_rows(const struct heif_image *picture, bool alpha, const sb_image_limits *limits, sb_image *out,
                           sb_error *error) {
  int width = heif_image_get_width(picture, heif_channel_interleaved),
      height = heif_image_get_height(picture, heif_channel_interleaved), stride = 0;
  sb_status status =
      sb_image_size_check(width > 0 ? (uint64_t)width : 0, height > 0 ? (uint64_t)height : 0, limits, error);
  if (status != SB_OK) return status;
  const uint8_t *plane = heif_image_get_plane_readonly(picture, heif_channel_interleaved, &stride);
  sb_image_rows rows;
  int scale = sb_image_scale((uint64_t)width, (uint64_t)height, limits);
  status = sb_image_rows_begin(&rows, width, height, scale, out, error);
  for (int y = 0; status == SB_OK && y < height; y++) {
    const uint8_t *row = plane + (size_t)y * (size_t)stride;
    if (alpha)
      sb_image_rows_rgba(&rows, row);
    else
      sb_image_rows_rgb(&rows, row);
  }
  return sb_image_rows_end(&rows, status, error);
}

static sb_status read_picture(struct heif_context *context, struct heif_image_handle *handle,
                              const sb_image_limits *limits, sb_image_decoded *out, sb_error *error) {
  int w = heif_image_handle_get_width(handle), h = heif_image_handle_get_height(handle);
  uint64_t width = w > 0 ? (uint64_t)w : 0, height = h > 0 ? (uint64_t)h : 0;
  sb_status status = sb_image_size_check(width, height, limits, error);
  if (status != SB_OK) return status;
  uint64_t scale = (uint64_t)sb_image_scale(width, height, limits), codec = memory_of(handle, width * height);
  status = sb_image_reserve(out, width / scale + 1, height / scale + 1, codec, limits, error);
  if (status != SB_OK) return status;
  struct heif_error code;
  if ((status = sb_image_heif_check_sizes(context, handle, limits, &code, error)) != SB_OK) return status;
  if (code.code != heif_error_Ok) return refused(code, error);
  bool alpha = heif_image_handle_has_alpha_channel(handle);
  struct heif_image *picture = NULL;
  code = heif_decode_image(handle, &picture, heif_colorspace_RGB,
                           alpha ? heif_chroma_interleaved_RGBA : heif_chroma_interleaved_RGB, NULL);
  if (code.code != heif_error_Ok) return refused(code, error);
  status = copy_rows(picture, alpha, limits, &out->image, error);
  heif_image_release(picture);
  return status;
}

static struct heif_error open_context(const sb_image_heif_file *file, const sb_image_limits *limits,
                                      struct heif_context **context) {
  *context = heif_context_alloc();
  if (!*context) return (struct heif_error){heif_error_Memory_allocation_error, heif_suberror_Unspecified, ""};
  heif_context_set_maximum_image_size_limit(*context, limits->max_side);
  if (file->patch) return heif_context_read_from_reader(*context, &sb_image_heif_reader, (void *)(uintptr_t)file, NULL);
  return heif_context_read_from_memory_without_copy(*context, file->bytes, file->size, NULL);
}

/* Opens the file as it is; where libheif does not accept its references, without those that can be spared. */
static struct heif_error open_file(sb_image_heif_file *file, const sb_image_limits *limits,
                                   struct heif_context **context) {
  struct heif_error first = open_context(file, limits, context);
  for (int keep = SB_IMAGE_HEIF_KEEP_ALPHA; keep <= SB_IMAGE_HEIF_KEEP_NONE; keep++) {
    if (first.code != heif_error_Invalid_input || !sb_image_heif_drop_references(file, (sb_image_heif_keep)keep))
      continue;
    struct heif_context *other = NULL;
    struct heif_error code = open_context(file, limits, &other);
    if (code.code != heif_error_Ok) {
      heif_context_free(other);
      continue;
    }
    heif_context_free(*context);
    *context = other;
    return code;
  }
  return first;
}

sb_status sb_image_decode_heif(const uint8_t *bytes, size_t size, const sb_image_limits *limits, sb_image_decoded *out,
                               sb_error *error) {
  sb_image_heif_prepare();
  sb_image_heif_file file = {.bytes = bytes, .size = size};
  struct heif_context *context = NULL;
  struct heif_image_handle *handle = NULL;
  struct heif_error code = open_file(&file, limits, &context);
  if (code.code == heif_error_Ok) code = heif_context_get_primary_image_handle(context, &handle);
  sb_status status =
      code.code == heif_error_Ok ? read_picture(context, handle, limits, out, error) : refused(code, error);
  if (handle) heif_image_handle_release(handle);
  heif_context_free(context);
  free(file.patch);
  return status;
}

void sb_image_heif_codecs(bool *heic, bool *avif) {
  sb_image_heif_prepare();
  *heic = heif_have_decoder_for_format(heif_compression_HEVC);
  *avif = heif_have_decoder_for_format(heif_compression_AV1);
}
