/* The open connections: how many each address has, and how long each takes to send the headers of a request. */
#ifndef SB_HTTP_CORE_CONNECTIONS_H
#define SB_HTTP_CORE_CONNECTIONS_H

#include "http/core/client_address.h"

/* Locked. A thread looks regularly for connections that have sent no whole headers for `header_ms` since they began or
 * since their last answer, and shuts them down; libmicrohttpd's own time limit starts again with each byte. */
typedef struct sb_http_connections sb_http_connections;
typedef struct sb_http_connection sb_http_connection;
/* `most`: connections of one customer (sb_http_address_customer); 0: any number, as where only this machine connects.
 * Trusted proxies have any number, too. `proxies` is borrowed. */
sb_status sb_http_connections_new(size_t most, double header_ms, const sb_http_proxies *proxies,
                                  sb_http_connections **out, sb_error *error);
void sb_http_connections_free(sb_http_connections *connections); /* NULL is accepted; all have ended */
/* May this peer connect once more? */
bool sb_http_connections_may_begin(sb_http_connections *connections, const struct sockaddr *peer);
/* NULL when out of memory: then the connection is not limited. */
sb_http_connection *sb_http_connections_begin(sb_http_connections *connections, const struct sockaddr *peer,
                                              int socket);
/* Before the socket is closed. NULL is accepted. */
void sb_http_connections_end(sb_http_connections *connections, sb_http_connection *connection);
/* The headers of a request have arrived, or (`waits`) its answer was sent and those of the next one are waited for. */
void sb_http_connections_wait(sb_http_connections *connections, sb_http_connection *connection, bool waits);

#endif
