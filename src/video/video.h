/* Video (L1): pictures of a film, decoded by FFmpeg's libraries in a process of its own, without keys and under a
 * sandbox of its own (protocol.h). This library does not link FFmpeg; the decoder program does, and may be absent.
 *
 * Times are milliseconds from the film's start. */
#ifndef SB_VIDEO_H
#define SB_VIDEO_H

#include "base/base.h"

/* Is the decoder program installed? */
bool sb_video_available(void);

enum { SB_VIDEO_RATE_MAX = 30 };
typedef struct sb_video_options {
  int rate;       /* pictures to hand over for each second of film, 1..SB_VIDEO_RATE_MAX */
  bool keyframes; /* of them only those that are encoded on their own, which is much less work */
  bool sandbox;   /* put the decoder into its sandbox */
} sb_video_options;

typedef struct sb_video_info {
  int width, height;   /* as a person sees the film */
  int64_t duration_ms; /* as its container says; -1: it does not */
  double rate;         /* pictures a second; 0: not known */
  char codec[32];      /* printable ASCII: "h264" */
} sb_video_info;

typedef struct sb_video_counts {
  uint64_t handed_over, decoded, damaged; /* pictures */
  int64_t time_ms;                        /* up to which the film was decoded */
} sb_video_counts;

typedef struct sb_video_frame {
  const uint8_t *pixels; /* RGB, interleaved, without row padding; the decoder may change them meanwhile */
  int width, height;     /* a large film is shrunk to 1920 x 1088 pixels in all */
  int source_width, source_height;
  int64_t time_ms;
} sb_video_frame;

/* A film that is being decoded. One thread. */
typedef struct sb_video sb_video;
/* Starts a decoder on an open film, which must be a regular file; `film` stays the caller's. Call it before
 * sb_sandbox_enter, which forbids to start programs. SB_NOT_FOUND: there is no decoder; SB_IO, SB_NO_MEMORY. */
sb_status sb_video_open(int film, const sb_video_options *options, sb_video **out, sb_error *error);
void sb_video_close(sb_video *video); /* ends the decoder; NULL allowed */
/* Waits until the decoder has read the film's head. SB_UNSUPPORTED_IMAGE: this is not a film; SB_BAD_IMAGE: it is
 * damaged, has no pictures, has a codec that is not known here, or made its decoder crash or hang;
 * SB_IMAGE_TOO_LARGE. */
sb_status sb_video_info_get(sb_video *video, sb_video_info *out, sb_error *error);
/* The next picture, valid until the next call; `out->pixels` NULL: the film has ended. Errors as above,
 * SB_TOO_LARGE: it is too long. */
sb_status sb_video_next(sb_video *video, sb_video_frame *out, sb_error *error);
sb_video_counts sb_video_counts_get(const sb_video *video);
/* Has the film ended long before the duration that its container states? Then it was cut off. Call it at the end. */
bool sb_video_is_truncated(const sb_video *video);

#endif
