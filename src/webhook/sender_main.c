/* semblance-send: sends webhooks and MQTT messages for the process that started it (protocol.h). Users do not run it.
 *
 * usage: semblance-send sandbox|-
 *
 * A receiver, or whoever is between, may take this process over. So it has no keys, and in the sandbox it can read no
 * file but libraries, certificates and what finding addresses needs. It works in a child that the first process starts
 * again when it crashes, because a server in its own sandbox can start no program. */
#include "base/base.h"
#include "sandbox/sandbox.h"
#include "webhook/address.h"
#include "webhook/broker.h"
#include "webhook/sender.h"

#include <curl/curl.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { CONNECT_MS = 5000, TOTAL_MS = 15000, ANSWER_BYTES_MAX = 65536, AT_ONCE = 64, RESTART_MS = 1000 };

/* A request on its way. */
typedef struct transfer {
  sb_webhook_packet packet;
  struct curl_slist *headers;
  CURL *easy;
  size_t answer_bytes;
  bool refused; /* because of the target's address */
} transfer;

static void transfer_free(transfer *t) {
  if (t->easy) curl_easy_cleanup(t->easy);
  curl_slist_free_all(t->headers);
  free(t);
}

#ifndef SB_WEBHOOK_MQTT
void sb_webhook_mqtt_take(const sb_webhook_packet *packet) {
  sb_webhook_answer_request(packet->number, 0,
                            "this installation cannot send by MQTT: it was built without libmosquitto");
}
#endif

/* ---- Requests */

/* Called with the very address that is connected to, so a name that changes its address gains nothing. */
static curl_socket_t open_socket(void *context, curlsocktype purpose, struct curl_sockaddr *address) {
  transfer *t = context;
  if (purpose != CURLSOCKTYPE_IPCXN) return CURL_SOCKET_BAD;
  if (!t->packet.allow_private && !sb_webhook_address_is_public(&address->addr)) {
    t->refused = true;
    return CURL_SOCKET_BAD;
  }
  return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

/* What the receiver answers is not wanted, but read, up to a limit, so that it can end in order. */
static size_t read_answer(char *bytes, size_t size, size_t count, void *context) {
  (void)bytes;
  transfer *t = context;
  t->answer_bytes += size * count;
  return t->answer_bytes <= ANSWER_BYTES_MAX ? size * count : 0;
}

/* An empty value leaves out a header that libcurl would add. */
static bool add_header(transfer *t, const char *name, const char *value) {
  char line[256];
  snprintf(line, sizeof line, "%s:%s%s", name, *value ? " " : "", value);
  struct curl_slist *longer = curl_slist_append(t->headers, line);
  if (longer) t->headers = longer;
  return longer != NULL;
}

static bool add_headers(transfer *t) {
  char timestamp[24];
  snprintf(timestamp, sizeof timestamp, "%lld", (long long)t->packet.timestamp);
  return add_header(t, "Content-Type", "application/json") && add_header(t, "Expect", "") &&
         add_header(t, "User-Agent", "Semblance/" SB_VERSION) && add_header(t, "webhook-id", t->packet.id) &&
         add_header(t, "webhook-timestamp", timestamp) && add_header(t, "webhook-signature", t->packet.signature);
}

static bool set_up(transfer *t) {
  CURL *e = t->easy;
  return e && add_headers(t) && !curl_easy_setopt(e, CURLOPT_URL, t->packet.url) &&
         !curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, t->packet.allow_private ? "https,http" : "https") &&
         !curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L) && !curl_easy_setopt(e, CURLOPT_PROXY, "") &&
         !curl_easy_setopt(e, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED) &&
         !curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE, (long)t->packet.body_size) &&
         !curl_easy_setopt(e, CURLOPT_POSTFIELDS, t->packet.body) &&
         !curl_easy_setopt(e, CURLOPT_HTTPHEADER, t->headers) && !curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L) &&
         !curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS) &&
         !curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, (long)TOTAL_MS) && !curl_easy_setopt(e, CURLOPT_PRIVATE, t) &&
         !curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, read_answer) && !curl_easy_setopt(e, CURLOPT_WRITEDATA, t) &&
         !curl_easy_setopt(e, CURLOPT_OPENSOCKETFUNCTION, open_socket) &&
         !curl_easy_setopt(e, CURLOPT_OPENSOCKETDATA, t);
}

static bool begin(CURLM *multi, const sb_webhook_packet *packet) {
  transfer *t = calloc(1, sizeof *t);
  if (!t) _exit(1);
  t->packet = *packet;
  t->easy = curl_easy_init();
  if (set_up(t) && !curl_multi_add_handle(multi, t->easy)) return true;
  sb_webhook_answer_request(packet->number, 0, "the request could not be prepared; check the receiver's URL");
  transfer_free(t);
  return false;
}

/* The parent's texts end within their fields, or it is not the parent that talks. */
static bool is_whole(const sb_webhook_packet *p, size_t size) {
  return size >= offsetof(sb_webhook_packet, body) && p->body_size <= sizeof p->body &&
         size == SB_WEBHOOK_PACKET_SIZE(p->body_size) && memchr(p->url, 0, sizeof p->url) &&
         memchr(p->id, 0, sizeof p->id) && memchr(p->signature, 0, sizeof p->signature) &&
         memchr(p->password, 0, sizeof p->password);
}

/* Takes what has come. */
static void take_requests(CURLM *multi, size_t *open) {
  static sb_webhook_packet packet;
  while (*open < AT_ONCE) {
    ssize_t size = recv(SB_WEBHOOK_SOCKET, &packet, sizeof packet, MSG_DONTWAIT);
    if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (size <= 0) _exit(0); /* the parent is gone */
    if (!is_whole(&packet, (size_t)size)) _exit(1);
    if (sb_webhook_is_mqtt(packet.url))
      sb_webhook_mqtt_take(&packet);
    else
      *open += begin(multi, &packet);
  }
}

static void finish(CURLM *multi, const CURLMsg *message) {
  long status = 0;
  transfer *t = NULL;
  const CURLcode code = message->data.result;
  curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &t);
  curl_easy_getinfo(message->easy_handle, CURLINFO_RESPONSE_CODE, &status);
  curl_multi_remove_handle(multi, t->easy);
  if (t->refused)
    sb_webhook_answer_request(t->packet.number, 0, SB_WEBHOOK_FORBIDDEN_ADDRESS);
  else if (code == CURLE_OK || (code == CURLE_WRITE_ERROR && status))
    sb_webhook_answer_request(t->packet.number, (int)status, "");
  else
    sb_webhook_answer_request(t->packet.number, 0,
                              curl_easy_strerror(code)); /* without the URL, which may hold a token */
  transfer_free(t);
}

static void work(void) {
  enum { POLL_MS = 1000 };
  struct curl_waitfd socket = {.fd = SB_WEBHOOK_SOCKET, .events = CURL_WAIT_POLLIN};
  CURLM *multi = curl_multi_init();
  size_t open = 0;
  if (!multi) _exit(1);
  for (;;) {
    int running = 0, left = 0;
    if (curl_multi_poll(multi, &socket, open < AT_ONCE ? 1 : 0, POLL_MS, NULL)) _exit(1);
    take_requests(multi, &open);
    if (curl_multi_perform(multi, &running)) _exit(1);
    for (CURLMsg *message; (message = curl_multi_info_read(multi, &left)); open--)
      if (message->msg == CURLMSG_DONE) finish(multi, message);
  }
}

/* ---- The process */

static void limit_memory(void) {
  const struct rlimit memory = {(rlim_t)1 << 29, (rlim_t)1 << 29}, none = {0, 0};
#if !defined(__SANITIZE_ADDRESS__)
  setrlimit(RLIMIT_AS, &memory);
#endif
  (void)memory;
  setrlimit(RLIMIT_CORE, &none);
}

static void run_child(bool sandbox, pid_t parent) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(0);
  limit_memory();
  if (curl_global_init(CURL_GLOBAL_DEFAULT)) _exit(1);
#ifdef SB_WEBHOOK_MQTT
  sb_webhook_mqtt_init();
#endif
  if (sandbox) sb_sandbox_enter_sender();
  work();
}

int main(int count, char **arguments) {
  bool sandbox = count == 2 && !strcmp(arguments[1], "sandbox");
  if (count != 2) return 2;
  for (pid_t self = getpid();;) {
    int ended = 0;
    pid_t child = fork();
    if (child < 0) return 1;
    if (!child) run_child(sandbox, self);
    while (waitpid(child, &ended, 0) < 0 && errno == EINTR) continue;
    if (WIFEXITED(ended) && WEXITSTATUS(ended) == 0) return 0;
    nanosleep(&(struct timespec){.tv_sec = RESTART_MS / 1000}, NULL);
  }
}
