/* What a child process of this library inherits: its files, and nothing else. */
#include "video/child.h"

#include "video/protocol.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/wait.h>

/* The files are moved out of the way of the numbers that the child has them at. It can write neither to the user's
 * terminal nor between the lines of the results. */
static int place_files(posix_spawn_file_actions_t *actions, const int *files, int count) {
  int failed = 0;
  for (int i = 0; i < SB_VIDEO_SOCKET && !failed; i++)
    failed = posix_spawn_file_actions_addopen(actions, i, "/dev/null", i ? O_WRONLY : O_RDONLY, 0);
  for (int i = 0; i < count && !failed; i++)
    failed = posix_spawn_file_actions_adddup2(actions, files[i], SB_VIDEO_FILES + 10 + i);
  for (int i = 0; i < count && !failed; i++)
    failed = posix_spawn_file_actions_adddup2(actions, SB_VIDEO_FILES + 10 + i, SB_VIDEO_SOCKET + i);
  return failed ? failed : posix_spawn_file_actions_addclosefrom_np(actions, SB_VIDEO_SOCKET + count);
}

/* The child gets no variable of this process's environment: settings may hold passwords. */
static int spawn(const char *path, const int *files, int count, char **arguments, pid_t *process) {
  char *environment[] = {NULL};
  posix_spawn_file_actions_t actions;
  int failed = posix_spawn_file_actions_init(&actions);
  if (failed) return failed;
  failed = place_files(&actions, files, count);
  if (!failed) failed = posix_spawn(process, path, &actions, NULL, arguments, environment);
  posix_spawn_file_actions_destroy(&actions);
  return failed;
}

int sb_video_spawn(const char *path, const int files[3], const sb_video_start *start, pid_t *process) {
  char rate[16], name[] = "semblance-video", keyframes[] = "keyframes", sandbox[] = "sandbox", none[] = "-";
  char film[] = "film", camera[] = "camera", udp[] = "camera-udp";
  char *arguments[] = {name,
                       rate,
                       start->keyframes ? keyframes : none,
                       start->sandbox ? sandbox : none,
                       !start->camera ? film
                       : start->udp   ? udp
                                      : camera,
                       NULL};
  snprintf(rate, sizeof rate, "%u", start->rate);
  return spawn(path, files, 3, arguments, process);
}

int sb_video_spawn_launcher(const char *path, int socket, pid_t *process) {
  char name[] = "semblance-video", launcher[] = "launcher";
  char *arguments[] = {name, launcher, NULL};
  return spawn(path, &socket, 1, arguments, process);
}

void sb_video_end(pid_t process) {
  int options = kill(process, SIGKILL) ? WNOHANG : 0;
  while (waitpid(process, NULL, options) < 0 && errno == EINTR) continue;
}
