/* The parent of a decoder process: starts it, takes its messages, ends it. */
#include "video/video.h"

#include "video/conversation.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static const char DECODER[] = "semblance-video";
enum { SILENCE_MS = 60 * 1000 }; /* the longest that a decoder may say nothing: it reports every second */

struct sb_video {
  pid_t process; /* 0: none */
  int socket, memory;
  uint8_t *slots;
  int held; /* the slot that the caller has; -1: none */
  sb_video_conversation conversation;
};

bool sb_video_available(void) {
  char *path = sb_install_helper_path(DECODER, NULL);
  free(path);
  return path != NULL;
}

/* ---- Start and end */

/* The size of the memory is sealed: a decoder that shrank it would make the parent crash. */
static sb_status make_memory(sb_video *video, sb_error *error) {
  video->memory = memfd_create("pictures", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (video->memory < 0 || ftruncate(video->memory, SB_VIDEO_MEMORY_BYTES) ||
      fcntl(video->memory, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL))
    return sb_fail_errno(error, errno, "make the shared memory for", "a film");
  void *mapped = mmap(NULL, SB_VIDEO_MEMORY_BYTES, PROT_READ, MAP_SHARED, video->memory, 0);
  if (mapped == MAP_FAILED) return sb_fail_errno(error, errno, "map the shared memory for", "a film");
  video->slots = mapped;
  return SB_OK;
}

/* The files are moved out of the way of the numbers that the decoder has them at. It can write neither to the user's
 * terminal nor between the lines of the results. */
static int place_files(posix_spawn_file_actions_t *actions, const int files[3]) {
  int failed = 0;
  for (int i = 0; i < SB_VIDEO_SOCKET && !failed; i++)
    failed = posix_spawn_file_actions_addopen(actions, i, "/dev/null", i ? O_WRONLY : O_RDONLY, 0);
  for (int i = 0; i < 3 && !failed; i++)
    failed = posix_spawn_file_actions_adddup2(actions, files[i], SB_VIDEO_FILES + 10 + i);
  for (int i = 0; i < 3 && !failed; i++)
    failed = posix_spawn_file_actions_adddup2(actions, SB_VIDEO_FILES + 10 + i, SB_VIDEO_SOCKET + i);
  return failed ? failed : posix_spawn_file_actions_addclosefrom_np(actions, SB_VIDEO_FILES);
}

/* The decoder gets no variable of this process's environment: settings may hold passwords. */
static int spawn(const char *path, const int files[3], const sb_video_options *options, pid_t *process) {
  char rate[16], name[] = "semblance-video", keyframes[] = "keyframes", sandbox[] = "sandbox", none[] = "-";
  char *arguments[] = {name, rate, options->keyframes ? keyframes : none, options->sandbox ? sandbox : none, NULL};
  char *environment[] = {NULL};
  posix_spawn_file_actions_t actions;
  snprintf(rate, sizeof rate, "%d", options->rate);
  int failed = posix_spawn_file_actions_init(&actions);
  if (failed) return failed;
  failed = place_files(&actions, files);
  if (!failed) failed = posix_spawn(process, path, &actions, NULL, arguments, environment);
  posix_spawn_file_actions_destroy(&actions);
  return failed;
}

static sb_status start(sb_video *video, const char *path, int film, const sb_video_options *options, sb_error *error) {
  int ends[2];
  sb_status status = make_memory(video, error);
  if (status != SB_OK) return status;
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends))
    return sb_fail_errno(error, errno, "make a socket for", "the decoder");
  video->socket = ends[0];
  int failed = spawn(path, (const int[3]){ends[1], video->memory, film}, options, &video->process);
  close(ends[1]);
  return failed ? sb_fail_errno(error, failed, "start", path) : SB_OK;
}

sb_status sb_video_open(int film, const sb_video_options *options, sb_video **out, sb_error *error) {
  sb_error cause = {0};
  char *path = sb_install_helper_path(DECODER, &cause);
  if (!path) return sb_fail(error, cause.code, "%s", cause.message);
  sb_video *video = sb_alloc(1, sizeof *video, error);
  if (!video) return free(path), SB_NO_MEMORY;
  video->socket = video->memory = video->held = -1;
  sb_video_conversation_begin(&video->conversation);
  sb_status status = start(video, path, film, options, error);
  free(path);
  if (status == SB_OK)
    *out = video;
  else
    sb_video_close(video);
  return status;
}

/* A process in a sandbox may not send a signal to a decoder that was started before (Landlock); then it does not wait
 * for it either. The decoder ends when its socket is closed, and if that fails, with this process: the kernel sees to
 * it (decoder_main.c). */
static void end_decoder(pid_t process) {
  int options = kill(process, SIGKILL) ? WNOHANG : 0;
  while (waitpid(process, NULL, options) < 0 && errno == EINTR) continue;
}

void sb_video_close(sb_video *video) {
  if (!video) return;
  if (video->socket >= 0) close(video->socket);
  if (video->process) end_decoder(video->process);
  if (video->slots) munmap(video->slots, SB_VIDEO_MEMORY_BYTES);
  if (video->memory >= 0) close(video->memory);
  free(video);
}

/* ---- Messages */

/* The decoder closed its socket, or ended, without a last word. */
static sb_status vanished(sb_error *error) {
  return sb_fail(error, SB_BAD_IMAGE,
                 "the film made its decoder stop: it is damaged, or needs more memory than a decoder may use");
}

/* Waits for one packet. */
static sb_status receive(sb_video *video, sb_video_message *m, size_t *size, sb_error *error) {
  struct pollfd poller = {.fd = video->socket, .events = POLLIN};
  int ready;
  while ((ready = poll(&poller, 1, SILENCE_MS)) < 0 && errno == EINTR) continue;
  if (!ready)
    return sb_fail(error, SB_BAD_IMAGE, "the film's decoder did nothing for %d seconds; the film is damaged",
                   SILENCE_MS / 1000);
  ssize_t got = recv(video->socket, m, sizeof *m, MSG_TRUNC); /* the length of the whole packet, if that is longer */
  if (got <= 0) return vanished(error);
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
  if (video->conversation.state == SB_VIDEO_STARTING) {
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
