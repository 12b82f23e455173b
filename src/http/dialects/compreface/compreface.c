/* CompreFace's REST API over the engine. A subject is a person whose id and name are the same. Photos are not
 * stored, so none can be downloaded. */
#include "http/dialects/compreface/compreface.h"
#include "http/dialects/dialects.h"

#include <string.h>

/* CompreFace's number for one of our error codes. */
static int number_of(const char *code) {
  static const struct {
    const char *ours;
    int theirs;
  } numbers[] = {{"no_face", 28}, {"several_faces", 31}, {"not_found", 42}, {"exists", 43}};
  enum { UNDEFINED = 41 };
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
    if (!strcmp(numbers[i].ours, code)) return numbers[i].theirs;
  return UNDEFINED;
}

static json_t *write_error(const sb_http_request *request, const char *code, const char *message) {
  (void)request;
  return json_pack("{s:s,s:i}", "message", message, "code", number_of(code));
}

const sb_http_dialect sb_http_compreface = {"compreface", write_error, sb_http_dialect_status};
