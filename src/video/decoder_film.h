/* A film as FFmpeg's libraries see it. Only the decoder program includes this. */
#ifndef SB_VIDEO_DECODER_FILM_H
#define SB_VIDEO_DECODER_FILM_H

#include "video/protocol.h"

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>

#include <stdbool.h>

typedef struct sb_video_film {
  AVIOContext *io;
  AVFormatContext *container;
  AVStream *stream; /* of the pictures */
  AVCodecContext *codec;
  int turns;     /* quarter turns clockwise that show the film upright */
  int64_t start; /* of the stream, in its time base */
  bool live;     /* of a camera: no pictures are held back for the sake of more threads */
} sb_video_film;

/* Opens the film at SB_VIDEO_FILM. Returns 0, or why it cannot be read; `width` and `height` then say how large a film
 * is that is too large. */
sb_video_failure sb_video_film_open(sb_video_film *film, uint32_t *width, uint32_t *height);
/* The part of it after the container was opened: chooses the pictures, and opens their decoder. */
sb_video_failure sb_video_film_choose(sb_video_film *film, uint32_t *width, uint32_t *height);
/* What the container says of the film. */
sb_video_message sb_video_film_describe(const sb_video_film *film);
void sb_video_film_close(sb_video_film *film);

#endif
