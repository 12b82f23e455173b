/* Options of enrolments. A job has them for all of its photos, a request for its own. */
#include "http/api/options.h"

unsigned sb_http_options_enroll(sb_http_params *p) {
  unsigned flags = 0;
  if (sb_http_params_is(p, "faces", "all", "largest")) flags |= SB_ENROLL_LARGEST;
  if (sb_http_params_is(p, "quality", "good", "any")) flags |= SB_ENROLL_ANY_QUALITY;
  if (sb_http_params_is(p, "on_duplicate", "warn", "refuse")) flags |= SB_ENROLL_REFUSE_DUPLICATE;
  return flags;
}

bool sb_http_options_flag(sb_http_params *p, const char *name) {
  return sb_http_params_is(p, name, "false", "true");
}
