/* JPEG XL decoding by libjxl, where the build has it; of an animation, the first frame. libjxl turns the picture
 * itself. */
#include "image/codecs.h"

#include <jxl/decode.h>
#include <stdlib.h>

enum {
  PART = 64 << 10,   /* the file is given in parts, to check the time between them */
  PER_PIXEL = 32,    /* bytes that libjxl allocates; 15 for usual photos (measured with 0.7), more with hidden frames */
  EXTRA_CHANNEL = 8, /* the same for alpha, depth and the like */
  HEADROOM = 16 << 20,
  PASSES = 8 /* what a pixel costs, in passes over a pixel of the other formats */
};

typedef struct reader {
  JxlDecoder *decoder;
  const sb_image_limits *limits;
  sb_image_decoded *out;
  JxlPixelFormat format;
  uint32_t width, height;
  uint8_t *pixels;
} reader;

static sb_status damaged(sb_error *error) {
  return sb_fail(error, SB_BAD_IMAGE, "the JPEG XL photo is damaged or truncated");
}

static sb_status read_info(reader *r, sb_error *error) {
  JxlBasicInfo info;
  if (JxlDecoderGetBasicInfo(r->decoder, &info) != JXL_DEC_SUCCESS) return damaged(error);
  r->width = info.xsize;
  r->height = info.ysize;
  uint64_t pixels = (uint64_t)info.xsize * info.ysize;
  sb_status status = sb_image_size_check(info.xsize, info.ysize, r->limits, error);
  if (status != SB_OK) return status;
  if ((status = sb_image_check_work(pixels, PASSES, r->limits, error)) != SB_OK) return status;
  r->format = (JxlPixelFormat){info.alpha_bits ? 4 : 3, JXL_TYPE_UINT8, JXL_NATIVE_ENDIAN, 0};
  uint32_t scale = (uint32_t)sb_image_scale(info.xsize, info.ysize, r->limits);
  uint64_t per_pixel = PER_PIXEL + EXTRA_CHANNEL * (uint64_t)info.num_extra_channels;
  return sb_image_reserve(r->out, info.xsize / scale + 1, info.ysize / scale + 1, per_pixel * pixels + HEADROOM,
                          r->limits, error);
}

static sb_status give_buffer(reader *r, sb_error *error) {
  size_t size = 0, wanted = (size_t)r->width * r->height * r->format.num_channels;
  if (!wanted || JxlDecoderImageOutBufferSize(r->decoder, &r->format, &size) != JXL_DEC_SUCCESS || size != wanted)
    return damaged(error);
  free(r->pixels); /* libjxl asks once a frame */
  if (!(r->pixels = sb_alloc(size, 1, error))) return SB_NO_MEMORY;
  return JxlDecoderSetImageOutBuffer(r->decoder, &r->format, r->pixels, size) == JXL_DEC_SUCCESS ? SB_OK
                                                                                                 : damaged(error);
}

/* Gives the file to libjxl, up to the end of the first frame. */
static sb_status read_frame(reader *r, const uint8_t *bytes, size_t size, sb_error *error) {
  size_t at = 0;
  JxlDecoderStatus code = JXL_DEC_NEED_MORE_INPUT;
  for (;;) {
    sb_status status = SB_OK;
    if (code == JXL_DEC_NEED_MORE_INPUT) {
      if (at >= size) return damaged(error);
      size_t rest = JxlDecoderReleaseInput(r->decoder), part = size - (at - rest) < PART + rest ? size - at : PART;
      if (JxlDecoderSetInput(r->decoder, bytes + at - rest, rest + part) != JXL_DEC_SUCCESS) return damaged(error);
      at += part;
      if (at == size) JxlDecoderCloseInput(r->decoder);
      status = sb_image_check_time(r->out, r->limits, error);
    } else if (code == JXL_DEC_BASIC_INFO) {
      status = read_info(r, error);
    } else if (code == JXL_DEC_NEED_IMAGE_OUT_BUFFER) {
      status = give_buffer(r, error);
    } else if (code == JXL_DEC_FULL_IMAGE) {
      return r->pixels ? SB_OK : damaged(error);
    } else {
      return damaged(error);
    }
    if (status != SB_OK) return status;
    code = JxlDecoderProcessInput(r->decoder);
  }
}

static sb_status give_rows(const reader *r, sb_error *error) {
  sb_image_rows rows;
  int scale = sb_image_scale(r->width, r->height, r->limits);
  size_t stride = (size_t)r->width * r->format.num_channels;
  sb_status status = sb_image_rows_begin(&rows, (int)r->width, (int)r->height, scale, &r->out->image, error);
  for (uint32_t y = 0; status == SB_OK && y < r->height; y++) {
    if (r->format.num_channels == 4)
      sb_image_rows_rgba(&rows, r->pixels + y * stride);
    else
      sb_image_rows_rgb(&rows, r->pixels + y * stride);
  }
  return sb_image_rows_end(&rows, status, error);
}

sb_status sb_image_decode_jxl(const uint8_t *bytes, size_t size, const sb_image_limits *limits, sb_image_decoded *out,
                              sb_error *error) {
  reader r = {.decoder = JxlDecoderCreate(NULL), .limits = limits, .out = out};
  if (!r.decoder) return sb_fail(error, SB_NO_MEMORY, "out of memory");
  bool ready = JxlDecoderSubscribeEvents(r.decoder, JXL_DEC_BASIC_INFO | JXL_DEC_FULL_IMAGE) == JXL_DEC_SUCCESS &&
               JxlDecoderSetUnpremultiplyAlpha(r.decoder, JXL_TRUE) == JXL_DEC_SUCCESS;
  sb_status status = ready ? read_frame(&r, bytes, size, error) : damaged(error);
  if (status == SB_OK) status = give_rows(&r, error);
  JxlDecoderDestroy(r.decoder);
  free(r.pixels);
  return status;
}
