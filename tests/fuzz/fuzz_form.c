/* A form: the first byte chooses the route (people with photos, or an import), the rest is the body of a
 * multipart/form-data with the boundary "b". The request goes through libmicrohttpd over a pair of sockets, as from a
 * client, and without a thread. */
#include "http/core/params.h"
#include "http/core/receive.h"
#include "http/routes.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BODY_MAX = 64 << 10, TURNS_MAX = 10000 };

static bool no_page(sb_http_request *request, const char *path) {
  (void)request, (void)path;
  return false;
}

static char collection[] = "default";
static sb_http_context context = {.collection = collection, .limits = {.body = 1 << 20, .import = 1 << 20}};
static sb_http_daemon server = {.context = &context, .router = {.page = no_page}};
static bool answered;

static void read_fields(sb_http_request *request) {
  static const char *const names[] = {"id", "name", "image", "consent", "x"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    size_t count = 0;
    sb_http_params text = sb_http_params_begin(request), photos = text;
    sb_http_params_text(&text, names[i]);
    sb_http_params_photos(&photos, names[i], &count);
  }
}

static enum MHD_Result on_access(void *unused, struct MHD_Connection *connection, const char *url, const char *method,
                                 const char *version, const char *bytes, size_t *size, void **state) {
  (void)unused, (void)version;
  sb_http_exchange *exchange = *state;
  if (!exchange) {
    if (!(exchange = *state = sb_http_exchange_new(&server, url))) return MHD_NO;
    exchange->request.connection = connection;
    snprintf(exchange->request.method, sizeof exchange->request.method, "%s", method);
    sb_http_route_find(&server.router, &exchange->request);
    sb_http_receive_begin(exchange);
    return MHD_YES;
  }
  if (*size) {
    bool go_on = sb_http_receive(exchange, bytes, *size);
    *size = 0;
    return go_on ? MHD_YES : MHD_NO;
  }
  if (!exchange->request.reply.status && sb_http_receive_end(exchange, NULL) == SB_OK) read_fields(&exchange->request);
  sb_http_reply_empty(&exchange->request, 204);
  return sb_http_reply_send(exchange);
}

static void on_completed(void *unused, struct MHD_Connection *connection, void **state,
                         enum MHD_RequestTerminationCode code) {
  (void)unused, (void)connection, (void)code;
  sb_http_exchange_free(*state);
  *state = NULL;
  answered = true;
}

static struct MHD_Daemon *start(void) {
  server.router.routes = sb_http_routes;
  server.router.route_count = sb_http_route_count;
  server.router.dialects = sb_http_dialects;
  server.router.dialect_count = sb_http_dialect_count;
  server.router.dialects_on = ~0u;
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
