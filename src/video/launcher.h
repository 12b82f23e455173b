/* The launcher: a process that starts and ends decoders of cameras on request. It is the decoder program itself
 * (`semblance-video launcher`), started before the server enters its sandbox, and starts nothing but that program. It
 * gets no key and no variable of the environment; it never sees an address, which the server hands to the decoder.
 *
 * Its file SB_VIDEO_SOCKET is a SOCK_SEQPACKET socket: one sb_video_launch_request a packet, each answered by one
 * sb_video_launch_reply, in order. It ends, and its decoders with it, when the socket is closed. */
#ifndef SB_VIDEO_LAUNCHER_H
#define SB_VIDEO_LAUNCHER_H

#include "base/base.h"
#include "video/child.h"
#include "video/video.h"

#define SB_VIDEO_PROGRAM "semblance-video"
enum { SB_VIDEO_DECODERS_MAX = 256, SB_VIDEO_LAUNCH_FILES = 2 };

typedef struct sb_video_launch_request {
  uint32_t end;         /* the number of the decoder to end; 0: start one, whose socket and memory come along */
  sb_video_start start; /* of the one to start */
} sb_video_launch_request;

typedef struct sb_video_launch_reply {
  uint32_t number; /* of the decoder that was started; 0: none */
  int32_t failed;  /* an errno */
} sb_video_launch_reply;

/* Starts a decoder with its end of the socket and the memory. SB_BUSY: there are too many; SB_IO. */
sb_status sb_video_launch(sb_video_launcher *launcher, const sb_video_start *start, const int files[2],
                          uint32_t *number, sb_error *error);
void sb_video_launch_end(sb_video_launcher *launcher, uint32_t number);

#endif
