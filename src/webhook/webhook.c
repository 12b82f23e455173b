/* The parent of the sender process: starts it, hands requests over, takes answers. */
#include "webhook/webhook.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static const char SENDER[] = "semblance-send";

struct sb_webhook_sender {
  pid_t process;
  int socket;
};

bool sb_webhook_available(void) {
  char *path = sb_install_helper_path(SENDER, NULL);
  free(path);
  return path != NULL;
}

/* It keeps this process's standard error, for its warnings about the sandbox. */
static int place_files(posix_spawn_file_actions_t *actions, int socket) {
  int failed = posix_spawn_file_actions_addopen(actions, 0, "/dev/null", O_RDONLY, 0);
  if (!failed) failed = posix_spawn_file_actions_addopen(actions, 1, "/dev/null", O_WRONLY, 0);
  if (!failed) failed = posix_spawn_file_actions_adddup2(actions, socket, SB_WEBHOOK_FILES + 10);
  if (!failed) failed = posix_spawn_file_actions_adddup2(actions, SB_WEBHOOK_FILES + 10, SB_WEBHOOK_SOCKET);
  return failed ? failed : posix_spawn_file_actions_addclosefrom_np(actions, SB_WEBHOOK_FILES);
}

/* The sender gets no variable of this process's environment: settings may hold passwords, and a proxy of the
 * environment would get around the check of addresses. */
static int spawn(const char *path, int socket, bool sandbox, pid_t *process) {
  char name[] = "semblance-send", confined[] = "sandbox", none[] = "-";
  char *arguments[] = {name, sandbox ? confined : none, NULL}, *environment[] = {NULL};
  posix_spawn_file_actions_t actions;
  int failed = posix_spawn_file_actions_init(&actions);
  if (failed) return failed;
  failed = place_files(&actions, socket);
  if (!failed) failed = posix_spawn(process, path, &actions, NULL, arguments, environment);
  posix_spawn_file_actions_destroy(&actions);
  return failed;
}

sb_status sb_webhook_start(bool sandbox, sb_webhook_sender **out, sb_error *error) {
  int ends[2];
  sb_error cause = {0};
  char *path = sb_install_helper_path(SENDER, &cause);
  if (!path) return sb_fail(error, cause.code, "%s", cause.message);
  sb_webhook_sender *sender = sb_alloc(1, sizeof *sender, error);
  if (!sender) return free(path), SB_NO_MEMORY;
  int failed = socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) ? errno : 0;
  if (!failed) {
    failed = spawn(path, ends[1], sandbox, &sender->process);
    close(ends[1]);
    sender->socket = ends[0];
    if (failed) close(ends[0]);
  }
  free(path);
  if (!failed) return *out = sender, SB_OK;
  free(sender);
  return sb_fail_errno(error, failed, "start", SENDER);
}

/* The sender ends when its socket is closed. A process in a sandbox may not send it a signal, and does not wait. */
void sb_webhook_stop(sb_webhook_sender *sender) {
  if (!sender) return;
  close(sender->socket);
  int options = kill(sender->process, SIGTERM) ? WNOHANG : 0;
  while (waitpid(sender->process, NULL, options) < 0 && errno == EINTR) continue;
  free(sender);
}

static bool put(char *out, size_t size, const char *text) {
  return (size_t)snprintf(out, size, "%s", text ? text : "") < size;
}

sb_status sb_webhook_send(sb_webhook_sender *sender, const sb_webhook_request *request, sb_error *error) {
  sb_webhook_packet packet = {.number = request->number,
                              .timestamp = request->timestamp,
                              .allow_private = request->allow_private,
                              .connection = request->connection,
                              .body_size = (uint32_t)request->body_size};
  if (request->body_size > sizeof packet.body || !put(packet.url, sizeof packet.url, request->url) ||
      !put(packet.id, sizeof packet.id, request->id) ||
      !put(packet.signature, sizeof packet.signature, request->signature) ||
      !put(packet.password, sizeof packet.password, request->password))
    return sb_fail(error, SB_INVALID, "the event is too large for a webhook");
  memcpy(packet.body, request->body, request->body_size);
  ssize_t sent;
  const size_t size = SB_WEBHOOK_PACKET_SIZE(request->body_size);
  while ((sent = send(sender->socket, &packet, size, MSG_NOSIGNAL | MSG_DONTWAIT)) < 0 && errno == EINTR) continue;
  sb_wipe(packet.password, sizeof packet.password);
  if (sent == (ssize_t)size) return SB_OK;
  if (errno == EAGAIN || errno == EWOULDBLOCK) return sb_fail(error, SB_BUSY, "the sender of webhooks is busy");
  return sb_fail(error, SB_IO, "the sender of webhooks has ended; start the server again");
}

/* Nothing that the sender says is trusted: what it talks to may have taken it over. */
static bool check_answer(sb_webhook_answer *answer, size_t size) {
  if (size != sizeof *answer || answer->status < 0 || answer->status > 999) return false;
  answer->error[sizeof answer->error - 1] = 0;
  for (char *at = answer->error; *at; at++)
    if (*at < ' ' || *at > '~') *at = '?';
  return true;
}

sb_status sb_webhook_take(sb_webhook_sender *sender, int ms, sb_webhook_answer *out, bool *got, sb_error *error) {
  struct pollfd poller = {.fd = sender->socket, .events = POLLIN};
  *got = false;
  int ready = poll(&poller, 1, ms);
  if (!ready || (ready < 0 && errno == EINTR)) return SB_OK;
  ssize_t size = recv(sender->socket, out, sizeof *out, MSG_TRUNC | MSG_DONTWAIT);
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) return SB_OK;
  if (size <= 0) return sb_fail(error, SB_IO, "the sender of webhooks has ended; start the server again");
  *got = check_answer(out, (size_t)size);
  return SB_OK;
}
