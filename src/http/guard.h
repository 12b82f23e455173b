/* Who may ask: defence against other web sites that a browser has open. There are no keys yet. */
#ifndef SB_HTTP_GUARD_H
#define SB_HTTP_GUARD_H

#include "http/request.h"

/* Replies 403 and gives false for a request that another site made (Origin) or that came by a name which is not this
 * machine's (Host; DNS rebinding). */
bool sb_guard_pass(sb_request *request);

#endif
