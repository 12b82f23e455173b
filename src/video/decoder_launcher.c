/* `semblance-video launcher`: starts and ends decoders of cameras for a server in a sandbox (launcher.h). */
#include "video/decoder_launcher.h"

#include "video/launcher.h"
#include "video/protocol.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { REAP_MS = 1000 };
static const char OWN_FILE[] = "/proc/self/exe";

typedef struct child {
  uint32_t number; /* 0: none */
  pid_t process;
} child;

typedef struct launcher {
  child children[SB_VIDEO_DECODERS_MAX];
  uint32_t numbers; /* given so far */
} launcher;

/* A child's process number stays its own until it was waited for. */
static void reap(launcher *l) {
  for (int i = 0; i < SB_VIDEO_DECODERS_MAX; i++)
    if (l->children[i].number && waitpid(l->children[i].process, NULL, WNOHANG) != 0) l->children[i].number = 0;
}

static child *find(launcher *l, uint32_t number) {
  for (int i = 0; i < SB_VIDEO_DECODERS_MAX; i++)
    if (l->children[i].number == number) return &l->children[i];
  return NULL;
}

static sb_video_launch_reply start(launcher *l, const sb_video_start *how, const int files[SB_VIDEO_LAUNCH_FILES]) {
  child *free_one = find(l, 0);
  if (!free_one) return (sb_video_launch_reply){.failed = EAGAIN};
  int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (nothing < 0) return (sb_video_launch_reply){.failed = errno};
  int failed = sb_video_spawn(OWN_FILE, (const int[3]){files[0], files[1], nothing}, how, &free_one->process);
  close(nothing);
  if (failed) return (sb_video_launch_reply){.failed = failed};
  if (!++l->numbers) l->numbers = 1;
  free_one->number = l->numbers;
  return (sb_video_launch_reply){.number = free_one->number};
}

static void end(launcher *l, uint32_t number) {
  child *one = find(l, number);
  if (!one) return;
  kill(one->process, SIGKILL);
  while (waitpid(one->process, NULL, 0) < 0 && errno == EINTR) continue;
  one->number = 0;
}

/* Takes a request and the files that came with it. False: the server is gone, or talks nonsense. */
static bool receive(sb_video_launch_request *request, int files[SB_VIDEO_LAUNCH_FILES], bool *has_files) {
  union {
    struct cmsghdr head;
    char bytes[CMSG_SPACE(SB_VIDEO_LAUNCH_FILES * sizeof(int))];
  } control;
  struct iovec part = {request, sizeof *request};
  struct msghdr m = {
      .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
  ssize_t got;
  while ((got = recvmsg(SB_VIDEO_SOCKET, &m, MSG_CMSG_CLOEXEC)) < 0 && errno == EINTR) continue;
  if (got != (ssize_t)sizeof *request) return false;
  const struct cmsghdr *head = CMSG_FIRSTHDR(&m);
  *has_files = head && head->cmsg_type == SCM_RIGHTS && head->cmsg_len == CMSG_LEN(SB_VIDEO_LAUNCH_FILES * sizeof(int));
  if (*has_files) memcpy(files, CMSG_DATA(head), SB_VIDEO_LAUNCH_FILES * sizeof(int));
  return *has_files == !request->end;
}

static bool serve(launcher *l) {
  sb_video_launch_request request;
  sb_video_launch_reply reply = {0};
  int files[SB_VIDEO_LAUNCH_FILES];
  bool has_files = false;
  if (!receive(&request, files, &has_files)) return false;
  reap(l);
  if (request.end) end(l, request.end);
  if (has_files) {
    reply = start(l, &request.start, files);
    for (int i = 0; i < SB_VIDEO_LAUNCH_FILES; i++) close(files[i]);
  }
  return send(SB_VIDEO_SOCKET, &reply, sizeof reply, MSG_NOSIGNAL) == (ssize_t)sizeof reply;
}

/* A service manager and a terminal send the server's signals to the launcher and the decoders, too: they go on until
 * the server, which stops in order, has closed the socket. */
static void limit_process(void) {
  signal(SIGINT, SIG_IGN);
  signal(SIGTERM, SIG_IGN);
  signal(SIGHUP, SIG_IGN);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  prctl(PR_SET_DUMPABLE, 0);
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
  fcntl(SB_VIDEO_SOCKET, F_SETFD, FD_CLOEXEC);
}

int sb_video_launcher_run(void) {
  static launcher l;
  limit_process();
  for (;;) {
    struct pollfd poller = {.fd = SB_VIDEO_SOCKET, .events = POLLIN};
    int ready = poll(&poller, 1, REAP_MS);
    reap(&l);
    if (ready > 0 && !serve(&l)) return 0;
    if (ready < 0 && errno != EINTR) return 1;
  }
}
