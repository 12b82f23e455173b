/* Throttling of logins: by address, for the account, and of those that are checked at the same time. In memory only. */
#ifndef SB_HTTP_CORE_LOGIN_THROTTLE_H
#define SB_HTTP_CORE_LOGIN_THROTTLE_H

#include "http/core/client_address.h"

/* Locked. */
typedef struct sb_http_login_throttle sb_http_login_throttle;
sb_status sb_http_login_throttle_new(sb_http_login_throttle **out, sb_error *error);
void sb_http_login_throttle_free(sb_http_login_throttle *throttle);

/* Begins a try. 0: check the password, then call sb_http_login_throttle_end. Else the seconds after which this address
 * may try again:
 *
 *   - from the third failure of an address on each one doubles its wait, up to a quarter of an hour; a try counts as
 *     failed until it has ended, so many at once are no more tries than one after the other; a success, or an hour
 *     without a failure, resets it;
 *   - all addresses together, except those that have signed in before, may fail 30 times, and then once in 10 seconds;
 *   - two passwords are checked at the same time, as hashing one takes memory and a thread. */
unsigned sb_http_login_throttle_begin(sb_http_login_throttle *throttle, const sb_http_address *address);
void sb_http_login_throttle_end(sb_http_login_throttle *throttle, const sb_http_address *address, bool right);

#endif
