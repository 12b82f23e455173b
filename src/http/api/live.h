/* The live channel: a camera's frames in, names out, over a WebSocket. */
#ifndef SB_HTTP_API_LIVE_H
#define SB_HTTP_API_LIVE_H

#include "base/base.h"

#include <microhttpd.h>

struct sb_http_request;

/* The answer 101 that makes the request a channel. Each binary message is a photo; the newest one is worked on, and those
 * that came while another was in work are dropped, so that memory is three frames at most. Each answer is text: the search's
 * JSON with `frame` (counted from 1 as they came) and `dropped` (since the answer before). SB_BUSY: too many channels. */
sb_status sb_http_live_open(struct sb_http_request *request, struct MHD_Response **out, sb_error *error);

#endif
