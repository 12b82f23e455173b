/* Pixels of a film: shrunk to what the parent wants, with square pixels, upright, as RGB. */
#include "video/decoder_picture.h"

#include "video/protocol.h"

#include <libavutil/pixdesc.h>
#include <libswscale/swscale.h>

#include <math.h>
#include <stdlib.h>

/* ---- Sizes */

static int at_least_one(double value) {
  return value < 1 ? 1 : (int)value;
}

bool sb_video_sizes_of(int width, int height, AVRational pixel_aspect, int turns, sb_video_sizes *out) {
  if (width <= 0 || height <= 0 || (int64_t)width * height > SB_VIDEO_FILM_PIXELS_MAX) return false;
  double wide = width, high = height, aspect = pixel_aspect.num > 0 && pixel_aspect.den > 0 ? av_q2d(pixel_aspect) : 1;
  if (aspect > 0.25 && aspect < 4) wide = round(wide * aspect); /* beyond that it is a mistake */
  if (turns % 2) {
    double other = wide;
    wide = high;
    high = other;
  }
  double shrink = fmin(1, sqrt(SB_VIDEO_PIXELS_MAX / (wide * high)));
  shrink = fmin(shrink, fmin(SB_VIDEO_SIDE_MAX / wide, SB_VIDEO_SIDE_MAX / high));
  *out = (sb_video_sizes){at_least_one(wide), at_least_one(high), at_least_one(wide * shrink),
                          at_least_one(high * shrink)};
  return true;
}

/* ---- Conversion */

/* The matrix of the colours, where the film does not state it: that of its time's television. */
static const int *colours_of(const AVFrame *picture) {
  int space = (int)picture->colorspace;
  if (space == AVCOL_SPC_UNSPECIFIED) space = picture->height >= 720 ? AVCOL_SPC_BT709 : AVCOL_SPC_SMPTE170M;
  return sws_getCoefficients(space);
}

/* Scales to `width` x `height`, which are those before the picture is turned. */
static bool scale(sb_video_converter *c, const AVFrame *picture, int width, int height, uint8_t *target) {
  bool shrinks = width < picture->width || height < picture->height;
  uint8_t *rows[4] = {target};
  int strides[4] = {3 * width};
  c->scaler =
      sws_getCachedContext(c->scaler, picture->width, picture->height, (enum AVPixelFormat)picture->format, width,
                           height, AV_PIX_FMT_RGB24, shrinks ? SWS_AREA : SWS_BILINEAR, NULL, NULL, NULL);
  if (!c->scaler) return false;
  bool full = picture->color_range == AVCOL_RANGE_JPEG;
  sws_setColorspaceDetails(c->scaler, colours_of(picture), full, sws_getCoefficients(SWS_CS_DEFAULT), 1, 0, 1 << 16,
                           1 << 16); /* -1 for formats that have no such details */
  return sws_scale(c->scaler, (const uint8_t *const *)picture->data, picture->linesize, 0, picture->height, rows,
                   strides) > 0;
}

static void turn_pixel(const uint8_t *from, uint8_t *to) {
  to[0] = from[0];
  to[1] = from[1];
  to[2] = from[2];
}

/* `width` x `height`: of the result. */
static void turn(const uint8_t *source, uint8_t *target, int width, int height, int turns) {
  int source_width = turns % 2 ? height : width;
  for (int y = 0; y < height; y++)
    for (int x = 0; x < width; x++) {
      int from_x = turns == 1 ? y : turns == 2 ? width - 1 - x : height - 1 - y;
      int from_y = turns == 1 ? width - 1 - x : turns == 2 ? height - 1 - y : x;
      turn_pixel(source + 3 * ((size_t)from_y * (size_t)source_width + (size_t)from_x),
                 target + 3 * ((size_t)y * (size_t)width + (size_t)x));
    }
}

bool sb_video_convert(sb_video_converter *c, const AVFrame *picture, const sb_video_sizes *sizes, int turns,
                      uint8_t *slot) {
  if (!turns) return scale(c, picture, sizes->width, sizes->height, slot);
  if (!c->turned) c->turned = malloc(SB_VIDEO_SLOT_BYTES);
  bool lying = turns % 2;
  if (!c->turned ||
      !scale(c, picture, lying ? sizes->height : sizes->width, lying ? sizes->width : sizes->height, c->turned))
    return false;
  turn(c->turned, slot, sizes->width, sizes->height, turns);
  return true;
}

void sb_video_converter_clear(sb_video_converter *c) {
  sws_freeContext(c->scaler);
  free(c->turned);
  *c = (sb_video_converter){0};
}
