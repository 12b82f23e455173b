/* What is refused before anything is done for it: requests that another site's page made a browser send, or with two ends. */
#ifndef SB_HTTP_CORE_REQUEST_CHECKS_H
#define SB_HTTP_CORE_REQUEST_CHECKS_H

#include "http/core/request.h"

/* Replies 403 and gives false for a request that another site made (Origin) or that came by a name which is not this
 * machine's (Host; DNS rebinding); 400 for one whose headers say more than once how long its body is. */
bool sb_http_checks_pass(sb_http_request *request);

#endif
