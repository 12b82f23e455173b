/* The server's side of the launcher. */
#include "video/launcher.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct sb_video_launcher {
  pthread_mutex_t lock; /* held over a request and its reply */
  pid_t process;
  int socket;
};

sb_status sb_video_launcher_start(sb_video_launcher **out, sb_error *error) {
  int ends[2];
  char *path = sb_install_helper_path(SB_VIDEO_PROGRAM, error);
  if (!path) return SB_NOT_FOUND;
  sb_video_launcher *launcher = sb_alloc(1, sizeof *launcher, error);
  if (!launcher) return free(path), SB_NO_MEMORY;
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends)) {
    sb_status status = sb_fail_errno(error, errno, "make a socket for", "the launcher of decoders");
    return free(path), free(launcher), status;
  }
  int failed = sb_video_spawn_launcher(path, ends[1], &launcher->process);
  launcher->socket = ends[0];
  close(ends[1]);
  sb_status status = failed ? sb_fail_errno(error, failed, "start", path) : SB_OK;
  free(path);
  if (failed) return close(ends[0]), free(launcher), status;
  pthread_mutex_init(&launcher->lock, NULL);
  *out = launcher;
  return SB_OK;
}

void sb_video_launcher_stop(sb_video_launcher *launcher) {
  if (!launcher) return;
  close(launcher->socket);
  sb_video_end(launcher->process);
  pthread_mutex_destroy(&launcher->lock);
  free(launcher);
}

static bool send_request(const sb_video_launcher *launcher, sb_video_launch_request *request, const int *files) {
  union {
    struct cmsghdr head;
    char bytes[CMSG_SPACE(SB_VIDEO_LAUNCH_FILES * sizeof(int))];
  } control = {.bytes = {0}};
  struct iovec part = {request, sizeof *request};
  struct msghdr m = {.msg_iov = &part, .msg_iovlen = 1};
  if (files) {
    m.msg_control = control.bytes;
    m.msg_controllen = sizeof control.bytes;
    control.head = (struct cmsghdr){
        .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(SB_VIDEO_LAUNCH_FILES * sizeof(int))};
    memcpy(CMSG_DATA(&control.head), files, SB_VIDEO_LAUNCH_FILES * sizeof(int));
  }
  ssize_t sent;
  while ((sent = sendmsg(launcher->socket, &m, MSG_NOSIGNAL)) < 0 && errno == EINTR) continue;
  return sent == (ssize_t)sizeof *request;
}

static bool ask(sb_video_launcher *launcher, sb_video_launch_request *request, const int *files,
                sb_video_launch_reply *reply) {
  ssize_t got = -1;
  pthread_mutex_lock(&launcher->lock);
  if (send_request(launcher, request, files))
    while ((got = recv(launcher->socket, reply, sizeof *reply, 0)) < 0 && errno == EINTR) continue;
  pthread_mutex_unlock(&launcher->lock);
  return got == (ssize_t)sizeof *reply;
}

sb_status sb_video_launch(sb_video_launcher *launcher, const sb_video_start *start, const int files[2],
                          uint32_t *number, sb_error *error) {
  sb_video_launch_request request = {.start = *start};
  sb_video_launch_reply reply = {0};
  if (!ask(launcher, &request, files, &reply))
    return sb_fail(error, SB_IO, "the launcher of decoders has ended; restart the server");
  if (reply.failed == EAGAIN)
    return sb_fail(error, SB_BUSY, "at most %d cameras can be decoded at a time", SB_VIDEO_DECODERS_MAX);
  if (!reply.number) return sb_fail_errno(error, reply.failed, "start", "a decoder");
  *number = reply.number;
  return SB_OK;
}

void sb_video_launch_end(sb_video_launcher *launcher, uint32_t number) {
  sb_video_launch_request request = {.end = number};
  sb_video_launch_reply reply;
  (void)ask(launcher, &request, NULL, &reply); /* a launcher that has ended took its decoders along */
}
