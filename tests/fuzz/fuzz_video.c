/* Fuzz target: the messages of a film's decoder, which may be in the hands of whoever made the film. The input is read
 * as packets of the protocol's length, the last one as long as it is. What is accepted keeps the promises that the
 * parent relies on. */
#include "video/conversation.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const sb_video_conversation *c, const sb_video_frame *frame, int slot, int64_t *last_ms) {
  if (slot < 0) return;
  bool fits = frame->width > 0 && frame->height > 0 && frame->source_width > 0 && frame->source_height > 0 &&
              (size_t)frame->width * (size_t)frame->height * 3 <= SB_VIDEO_SLOT_BYTES;
  if (slot >= SB_VIDEO_SLOTS || !c->taken[slot] || !fits || frame->time_ms <= *last_ms) abort();
  *last_ms = frame->time_ms;
}

static void talk(const uint8_t *data, size_t size, bool camera) {
  sb_video_conversation c;
  sb_video_frame frame;
  int64_t last_ms = -1;
  sb_video_conversation_begin(&c, camera);
  for (size_t at = 0; at < size; at += sizeof(sb_video_message)) {
    size_t left = size - at, length = left < sizeof(sb_video_message) ? left : sizeof(sb_video_message);
    sb_error error = {0};
    int slot = -1;
    if (sb_video_conversation_take(&c, data + at, length, &frame, &slot, &error) != SB_OK) return;
    check(&c, &frame, slot, &last_ms);
    if (slot >= 0 && frame.time_ms % 2) sb_video_conversation_release(&c, slot);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  talk(data, size, false);
  talk(data, size, true);
  return 0;
}
