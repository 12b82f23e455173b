/* A form: one byte that says whose (people with photos, or an import), then the body of a multipart/form-data with the boundary "b".
 * It goes through libmicrohttpd as from a client, over a pair of sockets and without a thread, in the pieces that come out there. */
#include "http/core/request.h"
#include "http/core/route.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BODY_MAX = 64 << 10, TURNS_MAX = 10000 };

static char collection[] = "default";
static sb_http_server server = {.context = {.collection = collection, .limits = {.body = 1 << 20, .import = 1 << 20}},
                                .dialects = ~0u};
static bool answered;

static void read_fields(sb_http_request *request) {
  static const char *const names[] = {"id", "name", "image", "consent", "x"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    const char *text = NULL;
    sb_photo *photos = NULL;
    size_t count = 0;
    sb_http_request_text(request, names[i], &text, NULL);
    if (sb_http_request_photos(request, names[i], &photos, &count, NULL) == SB_OK) free(photos);
  }
}

static enum MHD_Result on_access(void *context, struct MHD_Connection *connection, const char *url, const char *method,
                                 const char *version, const char *bytes, size_t *size, void **state) {
  (void)context, (void)version;
  sb_http_request *request = *state;
  if (!request) {
    if (!(request = *state = sb_http_request_new(&server, url))) return MHD_NO;
    request->connection = connection;
    snprintf(request->method, sizeof request->method, "%s", method);
    sb_http_route_find(request);
    sb_http_request_body_begin(request);
    return MHD_YES;
  }
  if (*size) {
    bool go_on = sb_http_request_receive(request, bytes, *size);
    *size = 0;
    return go_on ? MHD_YES : MHD_NO;
  }
  if (!request->reply.status && sb_http_request_finish(request, NULL) == SB_OK) read_fields(request);
  sb_http_reply_empty(request, 204);
  return sb_http_reply_send(request);
}

static void on_completed(void *context, struct MHD_Connection *connection, void **state,
                         enum MHD_RequestTerminationCode code) {
  (void)context, (void)connection, (void)code;
  sb_http_request_free(*state);
  *state = NULL;
  answered = true;
}

static struct MHD_Daemon *start(void) {
  struct MHD_Daemon *daemon = MHD_start_daemon(MHD_USE_NO_LISTEN_SOCKET, 0, NULL, NULL, on_access, NULL,
                                               MHD_OPTION_NOTIFY_COMPLETED, on_completed, NULL, MHD_OPTION_END);
  if (!daemon) abort();
  return daemon;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
  static struct MHD_Daemon *daemon;
  const struct sockaddr_in address = {.sin_family = AF_INET};
  char head[256];
  int ends[2];
  if (!size || size > BODY_MAX) return 0;
  if (!daemon) daemon = start();
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends)) abort();
  int length =
      snprintf(head, sizeof head,
               "POST %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: multipart/form-data; "
               "boundary=b\r\nContent-Length: %zu\r\n\r\n",
               bytes[0] & 1 ? "/v1/jobs/import" : "/v1/people", size - 1);
  bool sent =
      write(ends[0], head, (size_t)length) == length && write(ends[0], bytes + 1, size - 1) == (ssize_t)size - 1;
  shutdown(ends[0], SHUT_WR);
  answered = false;
  if (!sent || MHD_add_connection(daemon, ends[1], (const struct sockaddr *)&address, sizeof address) != MHD_YES)
    abort();
  for (int turn = 0; turn < TURNS_MAX && !answered; turn++) MHD_run(daemon);
  close(ends[0]);
  MHD_run(daemon); /* it sees the other end gone, and closes its own */
  return 0;
}
