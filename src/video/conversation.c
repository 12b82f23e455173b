/* The messages of a decoder process, checked one by one. */
#include "video/conversation.h"

#include <string.h>

enum {
  DURATION_MAX_MS = 24 * 3600 * 1000, /* of film */
  PROGRESS_MAX = 24 * 3600,           /* one a second */
};

void sb_video_conversation_begin(sb_video_conversation *c, bool camera) {
  *c = (sb_video_conversation){.camera = camera, .last_ms = -1};
}

static sb_status broken(const sb_video_conversation *c, const char *what, sb_error *error) {
  if (c->camera)
    return sb_fail(error, SB_BAD_IMAGE,
                   "the camera made its decoder send %s: its stream is damaged, or made to attack programs", what);
  return sb_fail(error, SB_BAD_IMAGE,
                 "the film made its decoder send %s: it is damaged, or made to attack programs; do not use it", what);
}

/* Why a camera gives no pictures: the word that programs get, and the sentence for people, which is also what is stored
 * of it (sb_video_camera_cause). */
static const struct camera_failure {
  sb_video_failure failure;
  sb_status status;
  const char *cause, *message;
} camera_failures[] = {
    {SB_VIDEO_UNREACHABLE, SB_IO, "unreachable",
     "the camera cannot be reached; check its address, its power and the network"},
    {SB_VIDEO_LOGIN, SB_FORBIDDEN, "login", "the camera refused the user name or the password of its address"},
    {SB_VIDEO_ABSENT, SB_IO, "no_stream", "the camera answers, but has no such stream; check the path of its address"},
    {SB_VIDEO_SILENT, SB_IO, "silent", "the camera sent nothing for too long"},
    {SB_VIDEO_LOST, SB_IO, "ended", "the camera ended the stream, or the connection broke"},
    {SB_VIDEO_INWARD, SB_FORBIDDEN, "inward",
     "the camera led to an address of this machine or of the local network that is not its own, which is refused"},
    {SB_VIDEO_TOO_LARGE, SB_IMAGE_TOO_LARGE, "too_large", "the camera's pictures have too many pixels: "},
    {SB_VIDEO_UNKNOWN_CODEC, SB_BAD_IMAGE, "codec",
     "the camera's pictures are encoded in a way that is not known here; use H.264"},
    {SB_VIDEO_NO_PICTURES, SB_BAD_IMAGE, "no_pictures", "the stream has sound, but no pictures"},
    {SB_VIDEO_NO_MEMORY, SB_BAD_IMAGE, "memory", "the stream needs more memory than a decoder may use"},
    {SB_VIDEO_BAD_PICTURES, SB_BAD_IMAGE, "not_video", "what the camera sends cannot be decoded as video"},
    {SB_VIDEO_NOT_A_FILM, SB_BAD_IMAGE, "not_video", "what the camera sends cannot be decoded as video"},
    {SB_VIDEO_DAMAGED, SB_BAD_IMAGE, "not_video", "what the camera sends cannot be decoded as video"},
    {SB_VIDEO_PLAYLIST, SB_BAD_IMAGE, "not_video", "what the camera sends cannot be decoded as video"},
};
enum { CAMERA_FAILURES = sizeof camera_failures / sizeof *camera_failures };

const char *sb_video_camera_cause(const char *message) {
  for (size_t i = 0; i < CAMERA_FAILURES; i++) {
    const struct camera_failure *known = &camera_failures[i];
    if (!strncmp(message, known->message, strlen(known->message))) return known->cause;
  }
  return NULL;
}

static sb_status camera_failed(const sb_video_conversation *c, const sb_video_message *m, sb_error *error) {
  for (size_t i = 0; i < CAMERA_FAILURES; i++) {
    const struct camera_failure *known = &camera_failures[i];
    if (known->failure != m->detail) continue;
    if (known->failure != SB_VIDEO_TOO_LARGE) return sb_fail(error, known->status, "%s", known->message);
    return sb_fail(error, known->status, "%s%ux%u, and at most %d (4096x2304) are decoded; use a smaller stream of it",
                   known->message, m->width, m->height, SB_VIDEO_FILM_PIXELS_MAX);
  }
  return broken(c, "an unknown failure", error);
}

static sb_status film_failed(const sb_video_conversation *c, const sb_video_message *m, sb_error *error) {
  switch ((sb_video_failure)m->detail) {
  case SB_VIDEO_NOT_A_FILM: return sb_fail(error, SB_UNSUPPORTED_IMAGE, "the file is not a film");
  case SB_VIDEO_NO_PICTURES: return sb_fail(error, SB_BAD_IMAGE, "the file has sound, but no pictures");
  case SB_VIDEO_UNKNOWN_CODEC:
    return sb_fail(error, SB_BAD_IMAGE,
                   "the film's pictures are encoded in a way that is not known here; convert it to H.264 first");
  case SB_VIDEO_TOO_LARGE:
    return sb_fail(error, SB_IMAGE_TOO_LARGE,
                   "the film has %ux%u pixels, and at most %d (4096x2304) are decoded; convert it to a smaller size",
                   m->width, m->height, SB_VIDEO_FILM_PIXELS_MAX);
  case SB_VIDEO_DAMAGED:
    return sb_fail(error, SB_BAD_IMAGE,
                   "the film is damaged or incomplete: its index or its pictures cannot be read; copy it again");
  case SB_VIDEO_PLAYLIST:
    return sb_fail(error, SB_BAD_IMAGE,
                   "the file is a playlist, which names other files or addresses; give the film itself");
  case SB_VIDEO_NO_MEMORY: return sb_fail(error, SB_TOO_LARGE, "the film needs more memory than a decoder may use");
  case SB_VIDEO_UNREACHABLE:
  case SB_VIDEO_LOGIN:
  case SB_VIDEO_ABSENT:
  case SB_VIDEO_SILENT:
  case SB_VIDEO_LOST:
  case SB_VIDEO_INWARD:
  case SB_VIDEO_BAD_PICTURES: break; /* of cameras */
  }
  return broken(c, "an unknown failure", error);
}

static sb_status failed(const sb_video_conversation *c, const sb_video_message *m, sb_error *error) {
  return c->camera ? camera_failed(c, m, error) : film_failed(c, m, error);
}

static bool is_codec(const char codec[32]) {
  size_t length = strnlen(codec, 32);
  for (size_t i = 0; i < length; i++)
    if (codec[i] < ' ' || codec[i] > '~') return false;
  return length && length < 32;
}

static sb_status take_info(sb_video_conversation *c, const sb_video_message *m, sb_error *error) {
  if (c->state != SB_VIDEO_STARTING) return broken(c, "its greeting twice", error);
  bool sized = m->width && m->height && (uint64_t)m->width * m->height <= SB_VIDEO_FILM_PIXELS_MAX * UINT64_C(16);
  if (!sized || m->width > INT32_MAX || m->height > INT32_MAX || !is_codec(m->codec) || m->decoded > 1000 * 1000 ||
      m->time_ms < -1)
    return broken(c, "an impossible description", error);
  c->info = (sb_video_info){
      .width = (int)m->width, .height = (int)m->height, .duration_ms = m->time_ms, .rate = (double)m->decoded / 1000};
  memcpy(c->info.codec, m->codec, sizeof c->info.codec);
  c->state = SB_VIDEO_RUNNING;
  return SB_OK;
}

/* The counts and the time only grow. */
static sb_status take_counts(sb_video_conversation *c, const sb_video_message *m, sb_error *error) {
  if (m->time_ms < c->counts.time_ms || m->decoded < c->counts.decoded || m->damaged < c->counts.damaged)
    return broken(c, "times out of order", error);
  if (m->time_ms > DURATION_MAX_MS && !c->camera)
    return sb_fail(error, SB_TOO_LARGE, "the film is longer than 24 hours; cut it into parts");
  c->counts.time_ms = m->time_ms;
  c->counts.decoded = m->decoded;
  c->counts.damaged = m->damaged;
  return SB_OK;
}

static sb_status take_frame(sb_video_conversation *c, const sb_video_message *m, sb_video_frame *frame, int *slot,
                            sb_error *error) {
  if (m->detail >= (c->camera ? 1u : (unsigned)SB_VIDEO_SLOTS) || c->taken[m->detail])
    return broken(c, "a picture at a wrong place", error);
  if (!m->width || !m->height || m->width > SB_VIDEO_SIDE_MAX || m->height > SB_VIDEO_SIDE_MAX ||
      (uint64_t)m->width * m->height > SB_VIDEO_PIXELS_MAX)
    return broken(c, "a picture of a wrong size", error);
  if (!m->source_width || !m->source_height || m->source_width < m->width / 2 || m->source_height < m->height / 2 ||
      m->source_width > SB_VIDEO_FILM_PIXELS_MAX || m->source_height > SB_VIDEO_FILM_PIXELS_MAX)
    return broken(c, "a wrong scale", error);
  if (m->time_ms <= c->last_ms) return broken(c, "times out of order", error);
  sb_status status = take_counts(c, m, error);
  if (status != SB_OK) return status;
  c->last_ms = m->time_ms;
  c->counts.handed_over++;
  c->taken[m->detail] = true;
  *slot = (int)m->detail;
  *frame = (sb_video_frame){.width = (int)m->width,
                            .height = (int)m->height,
                            .source_width = (int)m->source_width,
                            .source_height = (int)m->source_height,
                            .time_ms = m->time_ms};
  return SB_OK;
}

static sb_status take_end(sb_video_conversation *c, const sb_video_message *m, sb_error *error) {
  sb_status status = take_counts(c, m, error);
  if (status != SB_OK) return status;
  c->state = SB_VIDEO_ENDED;
  if (c->camera) return broken(c, "an end", error);
  if (c->counts.handed_over) return SB_OK;
  return sb_fail(error, SB_BAD_IMAGE, "the film has no picture that can be decoded");
}

sb_status sb_video_conversation_take(sb_video_conversation *c, const void *packet, size_t size, sb_video_frame *frame,
                                     int *slot, sb_error *error) {
  sb_video_message m;
  *slot = -1;
  if (size != sizeof m) return broken(c, "a message of a wrong length", error);
  memcpy(&m, packet, sizeof m);
  if (c->state == SB_VIDEO_ENDED) return broken(c, "a message after the end", error);
  if (m.kind == SB_VIDEO_FAILED) return c->state = SB_VIDEO_ENDED, failed(c, &m, error);
  if (m.kind == SB_VIDEO_INFO) return take_info(c, &m, error);
  if (c->state == SB_VIDEO_STARTING && c->camera && m.kind == SB_VIDEO_PROGRESS) return SB_OK; /* it still connects */
  if (c->state != SB_VIDEO_RUNNING) return broken(c, "no greeting", error);
  switch (m.kind) {
  case SB_VIDEO_FRAME: return take_frame(c, &m, frame, slot, error);
  case SB_VIDEO_END: return take_end(c, &m, error);
  case SB_VIDEO_PROGRESS:
    if (++c->progress > PROGRESS_MAX && !c->camera)
      return sb_fail(error, SB_TOO_LARGE, "decoding the film took longer than a day");
    return take_counts(c, &m, error);
  default: return broken(c, "an unknown message", error);
  }
}

void sb_video_conversation_release(sb_video_conversation *c, int slot) {
  c->taken[slot] = false;
}
