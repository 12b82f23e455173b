/* Active liveness: the state of a session as JSON, and the token of one in requests. */
#ifndef SB_HTTP_API_LIVENESS_FIELDS_H
#define SB_HTTP_API_LIVENESS_FIELDS_H

#include "http/core/liveness_sessions.h"
#include "http/core/params.h"

#include <jansson.h>

json_t *sb_http_liveness_json(const sb_http_liveness_view *view);
/* The field `liveness`: takes the token's proof. False: the field is absent, or the reader has an error. */
bool sb_http_liveness_read(sb_http_params *p, sb_http_live_proof *out);

#endif
