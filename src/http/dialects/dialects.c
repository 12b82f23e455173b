/* What several dialects answer in the same way. */
#include "http/dialects/dialects.h"

json_t *sb_http_dialect_error(const sb_http_request *request, const char *code, const char *message) {
  (void)request, (void)code;
  return json_pack("{s:s}", "error", message);
}

unsigned sb_http_dialect_status(unsigned status) {
  return status == 409 || status == 415 || status == 422 ? 400 : status;
}
