/* What several dialects answer in the same way. */
#include "http/dialects/dialects.h"

#include <math.h>

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
