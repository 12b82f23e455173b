/* L4: the HTTP server: libmicrohttpd, one table of routes, the native API under /v1, the APIs of other programs, the
 * page.
 *
 * Inside, calls go down this list only:
 *
 *   server.c, routes.c   start and stop; the table of routes, which names the handlers
 *   dialects/            the APIs of other programs: article, DeepFace, CompreFace
 *   api/                 the native API's handlers, the live channel
 *   outbox/              events to their receivers, by webhooks
 *   jobs/                long work: imports, clustering, re-embedding; its progress as server-sent events
 *   ops/                 metrics, log lines, health, retention, the embedded page
 *   core/                a request from the socket to its handler and back (daemon.h), TLS, sessions, WebSocket frames
 *
 * The core knows nothing above it: the table of routes, the page and the hook for metrics are handed to it at the
 * start. */
#ifndef SB_HTTP_H
#define SB_HTTP_H

#include "config/config.h"
#include "http/core/listener.h"
#include "http/core/tls.h"
#include "webhook/webhook.h"

struct sb_video_launcher; /* video/video.h */

/* Locked. */
typedef struct sb_http_server sb_http_server;
/* Serves on the listener's sockets, which it takes over, at once, and loads the models in the background, so that
 * routes about the state of the server answer meanwhile. Engine, listener and launcher are borrowed and outlive it;
 * `launcher` starts the decoders of cameras, NULL: no camera is watched.
 * `sender` sends webhooks, NULL: none is sent.
 * SB_INVALID for an address that other machines reach, unless there are keys and TLS, or --insecure. */
sb_status sb_http_server_start(sb_engine *engine, const sb_config *config, sb_http_listener *listener,
                               struct sb_video_launcher *launcher, sb_webhook_sender *sender, sb_http_server **out,
                               sb_error *error);
bool sb_http_server_tls(const sb_http_server *server);
int sb_http_server_port(const sb_http_server *server); /* the port in use, also when 0 was asked for */
/* Refuses new connections and requests, finishes the requests that have arrived (30 seconds at most), then frees.
 * False: a live channel did not end in 30 seconds; nothing is freed, threads still run, and the caller ends the process
 * (_exit). */
bool sb_http_server_stop(sb_http_server *server);

#endif
