/* Fields that several routes of the native API read. */
#ifndef SB_HTTP_API_OPTIONS_H
#define SB_HTTP_API_OPTIONS_H

#include "http/core/params.h"

/* An offset into a list is at most what a JSON number holds exactly. */
#define SB_HTTP_OFFSET_MAX ((size_t)9000000000000000)

/* How strict an enrolment is with its photos, as SB_ENROLL_* flags: `faces` (all, largest), `strict_single` (false,
 * true), `quality` (good, any), `on_duplicate` (warn, refuse, different). */
unsigned sb_http_options_enroll(sb_http_params *p);
/* What `attributes` asks to be estimated and stored, as SB_ENROLL_* flags: true (all), false (none), or a list of age,
 * gender and ethnicity. */
unsigned sb_http_options_estimates(sb_http_params *p);
/* `name` (false, true). */
bool sb_http_options_flag(sb_http_params *p, const char *name);

#endif
