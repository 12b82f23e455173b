/* Target: WebSocket frames of the live channel, in pieces as a socket delivers them; the first byte sets the size of
 * the pieces. */
#include "http/core/websocket.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
  sb_http_websocket socket = {.limit = 4096};
  size_t piece = size ? 1 + bytes[0] : 1;
  sb_status status = SB_OK;
  for (size_t at = size > 0; at < size && status == SB_OK;) {
    size_t part = size - at < piece ? size - at : piece;
    for (size_t used = 0, done = 0; done < part && status == SB_OK; done += used) {
      sb_http_message_kind kind;
      status = sb_http_websocket_feed(&socket, bytes + at + done, part - done, &used, &kind, NULL);
      if (socket.message.size > socket.limit) abort();
    }
    at += part;
  }
  sb_http_websocket_free(&socket);
  return 0;
}
