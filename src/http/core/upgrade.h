/* Answers of status 101: the connection leaves HTTP and becomes its handler's, as a WebSocket does. */
#ifndef SB_HTTP_CORE_UPGRADE_H
#define SB_HTTP_CORE_UPGRADE_H

#include "http/core/reply.h"

/* Replies 101 with the headers Upgrade: `protocol` and `name`: `value`, and takes `upgrade->state`, also when it fails:
 * exactly one of upgrade->begin and upgrade->abandon is called, whatever the client does. */
sb_status sb_http_upgrade_reply(struct sb_http_request *request, const sb_http_upgrade *upgrade, const char *protocol,
                                const char *const header[2], sb_error *error);

#endif
