/* Video (L1): pictures of a film or of a camera, decoded by FFmpeg's libraries in a process of its own, without keys
 * and under a sandbox of its own (protocol.h). This library does not link FFmpeg; the decoder program does, and may be
 * absent.
 *
 * Times are milliseconds from the film's start; of a camera, from the start of its decoder until the picture arrived.
 * */
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
  bool udp;       /* of a camera with RTSP: pictures by UDP instead of TCP */
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
/* From now on sb_video_next and sb_video_info_get fail at once. Any thread. */
void sb_video_cancel(sb_video *video);
/* ---- Cameras (address.c, launcher.c) */

enum { SB_VIDEO_ADDRESS_MAX = 2048, SB_VIDEO_SHOWN_SIZE = 320 };
typedef enum sb_video_scheme { SB_VIDEO_RTSP, SB_VIDEO_RTSPS, SB_VIDEO_HTTP, SB_VIDEO_HTTPS } sb_video_scheme;
typedef struct sb_video_address {
  sb_video_scheme scheme;
  char host[256]; /* a name or a number, without brackets */
  uint16_t port;
  bool has_password;
  char shown[SB_VIDEO_SHOWN_SIZE]; /* scheme, host and port: what may be printed and logged */
} sb_video_address;
/* Takes a camera's address apart. SB_INVALID, with a message that repeats nothing of it: it is too long, has another
 * scheme, or is malformed. */
sb_status sb_video_address_parse(const char *text, sb_video_address *out, sb_error *error);

/* A process that starts decoders for a process that cannot, because it is in a sandbox. Any thread. */
typedef struct sb_video_launcher sb_video_launcher;
/* Call it before sb_sandbox_enter. SB_NOT_FOUND: there is no decoder; SB_IO, SB_NO_MEMORY. */
sb_status sb_video_launcher_start(sb_video_launcher **out, sb_error *error);
void sb_video_launcher_stop(sb_video_launcher *launcher); /* after all its cameras were closed; NULL allowed */
/* Starts a decoder that connects to a camera. sb_video_info_get waits until it has. Errors there and of sb_video_next
 * name no part of the address: SB_IO: it cannot be reached, was lost, or is silent; SB_FORBIDDEN: it refused the
 * password; SB_BAD_IMAGE: what it sends cannot be decoded, or made the decoder crash. SB_INVALID: the address;
 * SB_BUSY: too many decoders. */
sb_status sb_video_camera_open(sb_video_launcher *launcher, const char *address, const sb_video_options *options,
                               sb_video **out, sb_error *error);

/* The cause that a message of such an error states, in one word: "unreachable", "login", "no_stream", "silent",
 * "ended", "inward", "too_large", "codec", "no_pictures", "memory", "not_video"; NULL: another message. */
const char *sb_video_camera_cause(const char *message);

/* Has the film ended long before the duration that its container states? Then it was cut off. Call it at the end. */
bool sb_video_is_truncated(const sb_video *video);

#endif
