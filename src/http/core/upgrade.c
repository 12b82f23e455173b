/* libmicrohttpd calls the upgrade handler only when the 101 has been sent. A connection that ends before, by an error,
 * a reset or a refusal of the library, ends with its reply still holding the upgrade, which sb_http_reply_clear then
 * abandons. Both happen in the socket's thread of this connection. */
#include "http/core/upgrade.h"
#include "http/core/exchange.h"

static void on_upgrade(void *context, struct MHD_Connection *connection, void *state, const char *extra,
                       size_t extra_size, MHD_socket socket, struct MHD_UpgradeResponseHandle *handle) {
  (void)context, (void)connection;
  sb_http_exchange *exchange = state;
  sb_http_upgrade upgrade = exchange->request.reply.upgrade;
  exchange->request.reply.upgrade = (sb_http_upgrade){0};
  upgrade.begin(upgrade.state, socket, handle, extra, extra_size);
}

sb_status sb_http_upgrade_reply(sb_http_request *request, const sb_http_upgrade *upgrade, const char *protocol,
                                const char *const header[2], sb_error *error) {
  sb_http_reply_empty(request, 101);
  request->reply.upgrade = *upgrade;
  struct MHD_Response *response = MHD_create_response_for_upgrade(on_upgrade, NULL);
  if (response && MHD_add_response_header(response, "Upgrade", protocol) == MHD_YES &&
      MHD_add_response_header(response, header[0], header[1]) == MHD_YES) {
    request->reply.stream = response;
    return SB_OK;
  }
  if (response) MHD_destroy_response(response);
  sb_http_reply_clear(&request->reply);
  return sb_fail(error, SB_NO_MEMORY, "out of memory");
}
