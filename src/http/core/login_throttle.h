/* Throttling of logins: an address has to wait after wrong passwords. Kept in memory only. */
#ifndef SB_HTTP_CORE_LOGIN_THROTTLE_H
#define SB_HTTP_CORE_LOGIN_THROTTLE_H

#include "base/base.h"

/* Locked. */
typedef struct sb_http_login_throttle sb_http_login_throttle;
sb_status sb_http_login_throttle_new(sb_http_login_throttle **out, sb_error *error);
void sb_http_login_throttle_free(sb_http_login_throttle *throttle);
/* Seconds until this address may try a password again; 0: now. Each failure beyond the third doubles the wait, up to a
 * quarter of an hour; a success, or an hour without a failure, resets it. `address` as sb_http_client_address gives
 * it. */
unsigned sb_http_login_throttle_wait(sb_http_login_throttle *throttle, const uint8_t address[16]);
/* Notes a try: `right` tells whether the password was right. */
void sb_http_login_throttle_note(sb_http_login_throttle *throttle, const uint8_t address[16], bool right);

#endif
