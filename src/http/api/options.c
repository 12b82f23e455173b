/* Options of enrolments. A job has them for all of its photos, a request for its own. */
#include "http/api/options.h"

#include <string.h>

static unsigned read_on_duplicate(sb_http_params *p) {
  static const char *const words[] = {"warn", "refuse", "different", NULL};
  static const unsigned flags[] = {0, SB_ENROLL_REFUSE_DUPLICATE, SB_ENROLL_DIFFERENT};
  int choice = sb_http_params_choice(p, "on_duplicate", words);
  return choice < 0 ? 0 : flags[choice];
}

unsigned sb_http_options_enroll(sb_http_params *p) {
  unsigned flags = 0;
  if (sb_http_params_is(p, "faces", "all", "largest")) flags |= SB_ENROLL_LARGEST;
  if (sb_http_options_flag(p, "strict_single")) flags |= SB_ENROLL_STRICT_SINGLE;
  if (sb_http_params_is(p, "quality", "good", "any")) flags |= SB_ENROLL_ANY_QUALITY;
  flags |= read_on_duplicate(p);
  return flags;
}

unsigned sb_http_options_estimates(sb_http_params *p) {
  const char *text = sb_http_params_word(p, "attributes");
  unsigned flags = 0;
  if (!text || !strcmp(text, "false")) return 0;
  if (!strcmp(text, "true")) return SB_ENROLL_ATTRIBUTES;
  if (!sb_engine_estimates_read(text, &flags))
    sb_http_params_reject(p, SB_INVALID, "attributes is true, false, or a list of age, gender and ethnicity");
  return flags;
}

bool sb_http_options_flag(sb_http_params *p, const char *name) {
  return sb_http_params_is(p, name, "false", "true");
}
