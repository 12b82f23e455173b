/* WebP decoding by libwebp; of an animation, the first frame on its canvas. */
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

static sb_status read_still(const uint8_t *bytes, size_t size, sb_image *image, sb_error *error) {
  uint8_t *rgba = sb_alloc((size_t)image->width * (size_t)image->height, 4, error);
  if (!rgba) return SB_NO_MEMORY;
  size_t room = (size_t)image->width * (size_t)image->height * 4;
  bool whole = WebPDecodeRGBAInto(bytes, size, rgba, room, image->width * 4) != NULL;
  if (whole) sb_image_flatten_rgba(rgba, room / 4, image->pixels);
  free(rgba);
  return whole ? SB_OK : damaged(error);
}

static sb_status read_animation(const WebPData *data, sb_image *image, sb_error *error) {
  WebPAnimDecoderOptions options;
  if (!WebPAnimDecoderOptionsInit(&options))
    return sb_fail(error, SB_INTERNAL, "libwebp has another version than its headers; reinstall it");
  options.color_mode = MODE_RGBA;
  WebPAnimDecoder *decoder = WebPAnimDecoderNew(data, &options);
  if (!decoder) return damaged(error);
  uint8_t *frame = NULL;
  int time = 0;
  bool whole = WebPAnimDecoderGetNext(decoder, &frame, &time);
  if (whole) sb_image_flatten_rgba(frame, (size_t)image->width * (size_t)image->height, image->pixels);
  WebPAnimDecoderDelete(decoder);
  return whole ? SB_OK : damaged(error);
}

sb_status sb_image_decode_webp(const uint8_t *bytes, size_t size, const sb_image_limits *limits, sb_image_decoded *out,
                               sb_error *error) {
  WebPData data = {bytes, size};
  WebPDemuxer *demuxer = WebPDemux(&data); /* NULL where the file is truncated */
  if (!demuxer) return damaged(error);
  uint32_t width = WebPDemuxGetI(demuxer, WEBP_FF_CANVAS_WIDTH), height = WebPDemuxGetI(demuxer, WEBP_FF_CANVAS_HEIGHT);
  bool animated = WebPDemuxGetI(demuxer, WEBP_FF_FORMAT_FLAGS) & ANIMATION_FLAG;
  out->orientation = orientation_of(demuxer);
  WebPDemuxDelete(demuxer);
  sb_status status = sb_image_size_check(width, height, limits, error);
  if (status != SB_OK) return status;
  if (sb_image_new((int)width, (int)height, &out->image, error) != SB_OK) return SB_NO_MEMORY;
  return animated ? read_animation(&data, &out->image, error) : read_still(bytes, size, &out->image, error);
}
