/* WebP decoding by libwebp, which makes large pictures smaller while it decodes them; of an animation, the first frame
 * on its canvas. libwebp passes over the pixels once and cannot be interrupted: max_pixels limits its time. */
#include "image/codecs.h"

#include <stdlib.h>
#include <webp/decode.h>
#include <webp/demux.h>

static sb_status damaged(sb_error *error) {
  return sb_fail(error, SB_BAD_IMAGE, "the WebP photo is damaged or truncated");
}

static int orientation_of(const WebPDemuxer *demuxer) {
  WebPChunkIterator chunk;
  int orientation = 1;
  if (WebPDemuxGetChunk(demuxer, "EXIF", 1, &chunk))
    orientation = sb_image_exif_orientation(chunk.chunk.bytes, chunk.chunk.size);
  WebPDemuxReleaseChunkIterator(&chunk);
  return orientation;
}

typedef struct photo {
  WebPData data;
  uint32_t width, height;
  bool animated, lossless, alpha;
  int scale;
} photo;

static sb_status fail_version(sb_error *error) {
  return sb_fail(error, SB_INTERNAL, "libwebp has another version than its headers; reinstall it");
}

/* What libwebp allocates: for lossless pictures all pixels, for lossy ones the alpha only; an animation has two
 * canvases besides its frame. */
static uint64_t memory_of(const photo *p) {
  uint64_t pixels = (uint64_t)p->width * p->height, per_pixel = p->lossless ? 4 : p->alpha ? 2 : 0;
  uint64_t scale = (uint64_t)p->scale, scaled = pixels / (scale * scale);
  return (8 << 20) + (p->animated ? 12 * pixels : per_pixel * pixels + 4 * scaled);
}

static sb_status read_still(const photo *p, sb_image *image, sb_error *error) {
  int scale = p->scale, width = ((int)p->width + scale - 1) / scale, height = ((int)p->height + scale - 1) / scale;
  size_t pixels = (size_t)width * (size_t)height;
  WebPDecoderConfig config;
  if (!WebPInitDecoderConfig(&config)) return fail_version(error);
  if (sb_image_new(width, height, image, error) != SB_OK) return SB_NO_MEMORY;
  image->source_width = (int)p->width;
  image->source_height = (int)p->height;
  uint8_t *rgba = sb_alloc(pixels, 4, error);
  if (!rgba) return SB_NO_MEMORY;
  config.options.use_scaling = scale > 1;
  config.options.scaled_width = width;
  config.options.scaled_height = height;
  config.output.colorspace = MODE_RGBA;
  config.output.is_external_memory = 1;
  config.output.u.RGBA = (WebPRGBABuffer){.rgba = rgba, .stride = width * 4, .size = pixels * 4};
  bool whole = WebPDecode(p->data.bytes, p->data.size, &config) == VP8_STATUS_OK;
  bool visible = whole && sb_image_flatten_rgba(rgba, pixels, image->pixels);
  WebPFreeDecBuffer(&config.output);
  free(rgba);
  if (!whole) return damaged(error);
  return visible ? SB_OK : sb_image_fail_transparent(error);
}

static sb_status read_animation(const photo *p, sb_image *image, sb_error *error) {
  WebPAnimDecoderOptions options;
  if (!WebPAnimDecoderOptionsInit(&options)) return fail_version(error);
  options.color_mode = MODE_RGBA;
  WebPAnimDecoder *decoder = WebPAnimDecoderNew(&p->data, &options);
  if (!decoder) return damaged(error);
  uint8_t *frame = NULL;
  int time = 0;
  sb_image_rows rows;
  sb_status status = sb_image_rows_begin(&rows, (int)p->width, (int)p->height, p->scale, image, error);
  if (status == SB_OK && !WebPAnimDecoderGetNext(decoder, &frame, &time)) status = damaged(error);
  for (uint32_t y = 0; status == SB_OK && y < p->height; y++)
    sb_image_rows_rgba(&rows, frame + (size_t)y * p->width * 4);
  status = sb_image_rows_end(&rows, status, error);
  WebPAnimDecoderDelete(decoder);
  return status;
}

static sb_status look_at(const uint8_t *bytes, size_t size, photo *p, int *orientation, sb_error *error) {
  WebPBitstreamFeatures features;
  *p = (photo){.data = {bytes, size}};
  WebPDemuxer *demuxer = WebPDemux(&p->data); /* NULL where the file is truncated */
  if (!demuxer || WebPGetFeatures(bytes, size, &features) != VP8_STATUS_OK) {
    WebPDemuxDelete(demuxer);
    return damaged(error);
  }
  p->width = WebPDemuxGetI(demuxer, WEBP_FF_CANVAS_WIDTH);
  p->height = WebPDemuxGetI(demuxer, WEBP_FF_CANVAS_HEIGHT);
  p->animated = WebPDemuxGetI(demuxer, WEBP_FF_FORMAT_FLAGS) & ANIMATION_FLAG;
  p->lossless = features.format == 2;
  p->alpha = features.has_alpha;
  *orientation = orientation_of(demuxer);
  WebPDemuxDelete(demuxer);
  return SB_OK;
}

sb_status sb_image_decode_webp(const uint8_t *bytes, size_t size, const sb_image_limits *limits, sb_image_decoded *out,
                               sb_error *error) {
  photo p;
  sb_status status = look_at(bytes, size, &p, &out->orientation, error);
  if (status != SB_OK) return status;
  if ((status = sb_image_size_check(p.width, p.height, limits, error)) != SB_OK) return status;
  p.scale = sb_image_scale(p.width, p.height, limits);
  uint32_t scale = (uint32_t)p.scale;
  status = sb_image_reserve(out, p.width / scale + 1, p.height / scale + 1, memory_of(&p), limits, error);
  if (status != SB_OK) return status;
  return p.animated ? read_animation(&p, &out->image, error) : read_still(&p, &out->image, error);
}
