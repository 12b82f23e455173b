/* The parent of a decoder process: starts it, takes its messages, ends it. */
#include "video/video.h"

#include "video/child.h"
#include "video/conversation.h"
#include "video/launcher.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

/* The longest that a decoder may say nothing. It reports every second; but that of a camera first looks its name up,
 * which may take a minute where no name server answers. */
enum { SILENCE_MS = 60 * 1000 };

struct sb_video {
  pid_t process;               /* 0: none, or the launcher's */
  sb_video_launcher *launcher; /* of a camera; NULL: none */
  uint32_t number;             /* the launcher's, of its decoder */
  int socket, memory;
  size_t size; /* of the memory */
  uint8_t *slots;
  int held; /* the slot that the caller has; -1: none */
  sb_video_conversation conversation;
};

bool sb_video_available(void) {
  char *path = sb_install_helper_path(SB_VIDEO_PROGRAM, NULL);
  free(path);
  return path != NULL;
}

/* ---- Start */

/* The size of the memory is sealed: a decoder that shrank it would make the parent crash. */
static sb_status make_memory(sb_video *video, sb_error *error) {
  video->size = video->conversation.camera ? SB_VIDEO_CAMERA_MEMORY_BYTES : SB_VIDEO_MEMORY_BYTES;
  video->memory = memfd_create("pictures", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (video->memory < 0 || ftruncate(video->memory, video->size) ||
      fcntl(video->memory, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL))
    return sb_fail_errno(error, errno, "make the shared memory for", "a decoder");
  void *mapped = mmap(NULL, video->size, PROT_READ, MAP_SHARED, video->memory, 0);
  if (mapped == MAP_FAILED) return sb_fail_errno(error, errno, "map the shared memory for", "a decoder");
  video->slots = mapped;
  return SB_OK;
}

/* Makes the memory and the socket; `*theirs` is the decoder's end of it. */
static sb_status prepare(sb_video *video, int *theirs, sb_error *error) {
  int ends[2];
  sb_status status = make_memory(video, error);
  if (status != SB_OK) return status;
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends))
    return sb_fail_errno(error, errno, "make a socket for", "the decoder");
  video->socket = ends[0];
  *theirs = ends[1];
  return SB_OK;
}

static sb_video_start start_of(const sb_video_options *options, bool camera) {
  return (sb_video_start){.rate = (uint16_t)options->rate,
                          .keyframes = options->keyframes,
                          .sandbox = options->sandbox,
                          .udp = options->udp,
                          .camera = camera};
}

static sb_video *video_new(bool camera, sb_error *error) {
  sb_video *video = sb_alloc(1, sizeof *video, error);
  if (!video) return NULL;
  video->socket = video->memory = video->held = -1;
  sb_video_conversation_begin(&video->conversation, camera);
  return video;
}

static sb_status start_film(sb_video *video, int film, const sb_video_options *options, sb_error *error) {
  sb_error cause = {0};
  int theirs = -1;
  const sb_video_start how = start_of(options, false);
  char *path = sb_install_helper_path(SB_VIDEO_PROGRAM, &cause);
  if (!path) return sb_fail(error, cause.code, "%s", cause.message);
  sb_status status = prepare(video, &theirs, error);
  if (status == SB_OK) {
    int failed = sb_video_spawn(path, (const int[3]){theirs, video->memory, film}, &how, &video->process);
    if (failed) status = sb_fail_errno(error, failed, "start", path);
    close(theirs);
  }
  free(path);
  return status;
}

sb_status sb_video_open(int film, const sb_video_options *options, sb_video **out, sb_error *error) {
  sb_video *video = video_new(false, error);
  if (!video) return SB_NO_MEMORY;
  sb_status status = start_film(video, film, options, error);
  if (status == SB_OK)
    *out = video;
  else
    sb_video_close(video);
  return status;
}

/* ---- Cameras */

static sb_status start_camera(sb_video *video, const char *address, const sb_video_options *options, sb_error *error) {
  int theirs = -1;
  const sb_video_start how = start_of(options, true);
  sb_status status = prepare(video, &theirs, error);
  if (status != SB_OK) return status;
  if (send(video->socket, address, strlen(address), MSG_NOSIGNAL) < 0)
    status = sb_fail_errno(error, errno, "send an address to", "the decoder");
  else
    status = sb_video_launch(video->launcher, &how, (const int[2]){theirs, video->memory}, &video->number, error);
  close(theirs);
  return status;
}

sb_status sb_video_camera_open(sb_video_launcher *launcher, const char *address, const sb_video_options *options,
                               sb_video **out, sb_error *error) {
  sb_video_address parsed;
  sb_status status = sb_video_address_parse(address, &parsed, error);
  if (status != SB_OK) return status;
  sb_video *video = video_new(true, error);
  if (!video) return SB_NO_MEMORY;
  video->launcher = launcher;
  status = start_camera(video, address, options, error);
  if (status == SB_OK)
    *out = video;
  else
    sb_video_close(video);
  return status;
}

void sb_video_cancel(sb_video *video) {
  shutdown(video->socket, SHUT_RDWR);
}

/* ---- End */

void sb_video_close(sb_video *video) {
  if (!video) return;
  if (video->socket >= 0) close(video->socket);
  if (video->process) sb_video_end(video->process);
  if (video->number) sb_video_launch_end(video->launcher, video->number);
  if (video->slots) munmap(video->slots, video->size);
  if (video->memory >= 0) close(video->memory);
  free(video);
}

/* ---- Messages */

/* The decoder closed its socket, or ended, without a last word. */
static sb_status vanished(const sb_video *video, sb_error *error) {
  if (video->conversation.camera)
    return sb_fail(error, SB_BAD_IMAGE,
                   "the camera's decoder stopped: its stream is damaged, or needs more memory than a decoder may use");
  return sb_fail(error, SB_BAD_IMAGE,
                 "the film made its decoder stop: it is damaged, or needs more memory than a decoder may use");
}

/* Waits for one packet. */
static sb_status receive(sb_video *video, sb_video_message *m, size_t *size, sb_error *error) {
  struct pollfd poller = {.fd = video->socket, .events = POLLIN};
  int ready;
  while ((ready = poll(&poller, 1, SILENCE_MS)) < 0 && errno == EINTR) continue;
  if (!ready)
    return sb_fail(error, SB_BAD_IMAGE, "the decoder did nothing for %d seconds; the %s is damaged", SILENCE_MS / 1000,
                   video->conversation.camera ? "stream" : "film");
  ssize_t got = recv(video->socket, m, sizeof *m, MSG_TRUNC); /* the length of the whole packet, if that is longer */
  if (got <= 0) return vanished(video, error);
  *size = (size_t)got;
  return SB_OK;
}

/* Takes the next message. `*slot`: as in sb_video_conversation_take. */
static sb_status take(sb_video *video, sb_video_frame *frame, int *slot, sb_error *error) {
  sb_video_message m;
  size_t size = 0;
  sb_status status = receive(video, &m, &size, error);
  if (status != SB_OK) return status;
  return sb_video_conversation_take(&video->conversation, &m, size, frame, slot, error);
}

sb_status sb_video_info_get(sb_video *video, sb_video_info *out, sb_error *error) {
  sb_video_frame frame;
  int slot = -1;
  while (video->conversation.state == SB_VIDEO_STARTING) {
    sb_status status = take(video, &frame, &slot, error);
    if (status != SB_OK) return status;
  }
  *out = video->conversation.info;
  return SB_OK;
}

/* Gives the slot of the last picture back. If the decoder is gone, the next message will tell. */
static void release(sb_video *video) {
  if (video->held < 0) return;
  const sb_video_message m = {.kind = SB_VIDEO_RELEASE, .detail = (uint32_t)video->held};
  (void)!send(video->socket, &m, sizeof m, MSG_NOSIGNAL);
  sb_video_conversation_release(&video->conversation, video->held);
  video->held = -1;
}

sb_status sb_video_next(sb_video *video, sb_video_frame *out, sb_error *error) {
  sb_video_frame frame = {0};
  int slot = -1;
  release(video);
  while (slot < 0 && video->conversation.state != SB_VIDEO_ENDED) {
    sb_status status = take(video, &frame, &slot, error);
    if (status != SB_OK) return status;
  }
  *out = frame;
  if (slot < 0) return SB_OK;
  out->pixels = video->slots + (size_t)slot * SB_VIDEO_SLOT_BYTES;
  video->held = slot;
  return SB_OK;
}

sb_video_counts sb_video_counts_get(const sb_video *video) {
  return video->conversation.counts;
}

bool sb_video_is_truncated(const sb_video *video) {
  enum { USUAL_MS = 3000, PARTS = 20 }; /* the sound may be longer than the pictures, and keyframes far apart */
  int64_t stated = video->conversation.info.duration_ms, reached = video->conversation.counts.time_ms;
  return stated > 0 && reached < stated - USUAL_MS && reached < stated - stated / PARTS;
}
