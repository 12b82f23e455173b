/* From a decoded picture to upright RGB in a slot. Only the decoder program includes this. */
#ifndef SB_VIDEO_DECODER_PICTURE_H
#define SB_VIDEO_DECODER_PICTURE_H

#include <libavutil/frame.h>

#include <stdbool.h>
#include <stdint.h>

struct SwsContext;

/* Reused from picture to picture; zero at first. */
typedef struct sb_video_converter {
  struct SwsContext *scaler;
  uint8_t *turned; /* room for a picture before it is turned */
} sb_video_converter;

/* Sizes of a picture: as a person sees the film, and as it is handed over. */
typedef struct sb_video_sizes {
  int source_width, source_height, width, height;
} sb_video_sizes;
/* `turns`: quarter turns clockwise. False: a picture without a size. */
bool sb_video_sizes_of(int width, int height, AVRational pixel_aspect, int turns, sb_video_sizes *out);
/* Writes the picture upright into a slot. False: it cannot be converted, or there is no memory. */
bool sb_video_convert(sb_video_converter *converter, const AVFrame *picture, const sb_video_sizes *sizes, int turns,
                      uint8_t *slot);
void sb_video_converter_clear(sb_video_converter *converter);

#endif
