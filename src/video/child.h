/* Starting a decoder process, by its parent or by the launcher. */
#ifndef SB_VIDEO_CHILD_H
#define SB_VIDEO_CHILD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* What a decoder is started with; between processes of one build. */
typedef struct sb_video_start {
  uint16_t rate;
  bool keyframes, sandbox, udp, camera;
} sb_video_start;

/* Starts the program at `path`: its files SB_VIDEO_SOCKET to SB_VIDEO_FILM are `files`; it inherits nothing else, and
 * no variable of the environment. Returns 0, or an errno. */
int sb_video_spawn(const char *path, const int files[3], const sb_video_start *start, pid_t *process);
/* Starts the launcher, whose socket is `socket`. */
int sb_video_spawn_launcher(const char *path, int socket, pid_t *process);
/* Ends a child that was started here. A process in a sandbox may not send a signal to one that was started before
 * (Landlock); then it does not wait for it either. The child ends when its socket is closed, and if that fails, with
 * this process: the kernel sees to it. */
void sb_video_end(pid_t process);

#endif
