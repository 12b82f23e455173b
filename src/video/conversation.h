/* The parent's side of protocol.h: checks every message of a decoder, which may be in the hands of whoever made the
 * film. It does no input or output, so a fuzzer can drive it. */
#ifndef SB_VIDEO_CONVERSATION_H
#define SB_VIDEO_CONVERSATION_H

#include "base/base.h"
#include "video/protocol.h"
#include "video/video.h"

typedef enum sb_video_state { SB_VIDEO_STARTING, SB_VIDEO_RUNNING, SB_VIDEO_ENDED } sb_video_state;

typedef struct sb_video_conversation {
  sb_video_state state;
  bool camera; /* has no end, and one slot */
  sb_video_info info;
  sb_video_counts counts;
  bool taken[SB_VIDEO_SLOTS]; /* slots that hold a picture for the parent */
  int64_t last_ms;            /* time of the last picture; -1: none yet */
  uint64_t progress;          /* PROGRESS messages so far */
} sb_video_conversation;

void sb_video_conversation_begin(sb_video_conversation *c, bool camera);
/* Takes one packet. After a FRAME `frame` describes the slot (`*slot`), without the address of its pixels; after any
 * other message `*slot` is -1. Of a camera: SB_IO, SB_FORBIDDEN, SB_BAD_IMAGE; of a film: SB_UNSUPPORTED_IMAGE: not a
 * film; SB_IMAGE_TOO_LARGE, SB_TOO_LARGE; SB_BAD_IMAGE: a film that cannot be read, or a decoder that broke the
 * protocol. */
sb_status sb_video_conversation_take(sb_video_conversation *c, const void *packet, size_t size, sb_video_frame *frame,
                                     int *slot, sb_error *error);
/* The parent is done with a slot. */
void sb_video_conversation_release(sb_video_conversation *c, int slot);

#endif
