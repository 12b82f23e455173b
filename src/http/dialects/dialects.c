/* What several dialects answer in the same way. */
#include "http/dialects/dialects.h"
#include "json/write.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

json_t *sb_http_dialect_error(const sb_http_request *request, const char *code, const char *message) {
  (void)request, (void)code;
  return json_pack("{s:s}", "error", message);
}

unsigned sb_http_dialect_status(unsigned status) {
  return status == 409 || status == 415 || status == 422 ? 400 : status;
}

double sb_http_dialect_similarity(double score, double unsure, double threshold, sb_verdict verdict) {
  static const double match = 0.8, below = 0.79999;
  double value = score < unsure      ? 0.5 * score / unsure
                 : score < threshold ? 0.5 + 0.3 * (score - unsure) / (threshold - unsure)
                                     : 0.8 + 0.2 * (score - threshold) / (1 - threshold);
  double least = verdict == SB_VERDICT_MATCH ? match : 0, most = verdict == SB_VERDICT_MATCH ? 1 : below;
  return fmax(least, fmin(most, value));
}

#define FACE_ID "00000000-0000-4000-8000-%012"

void sb_http_dialect_face_id(int64_t face, char out[SB_HTTP_FACE_ID]) {
  snprintf(out, SB_HTTP_FACE_ID, FACE_ID PRIx64, (uint64_t)face & 0xffffffffffff);
}

sb_status sb_http_dialect_face_number(const char *text, int64_t *face, sb_error *error) {
  uint64_t number = 0;
  char again[SB_HTTP_FACE_ID] = "";
  if (strlen(text) == SB_HTTP_FACE_ID - 1 && sscanf(text, FACE_ID SCNx64, &number) == 1)
    sb_http_dialect_face_id((int64_t)number, again);
  if (!number || strcasecmp(text, again) != 0) return sb_fail(error, SB_NOT_FOUND, "there is no image of this id");
  *face = (int64_t)number;
  return SB_OK;
}

sb_status sb_http_dialect_ids(sb_engine *engine, const char *collection, json_t **out, sb_error *error) {
  enum { PAGE = 1000 };
  sb_status status;
  sb_list_request list = {.struct_size = sizeof list, .collection = collection, .limit = PAGE};
  *out = json_array();
  do {
    sb_people *people = NULL;
    status = sb_engine_list(engine, &list, &people, error);
    for (size_t i = 0; status == SB_OK && i < people->count; i++) sb_json_append(out, json_string(people->items[i].id));
    list.after = status == SB_OK ? people->next : 0;
    sb_people_free(people);
  } while (list.after);
  return status;
}
