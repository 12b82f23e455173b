/* Replies: JSON, errors, files. A handler sets exactly one, and may then set headers in request->reply. */
#ifndef SB_HTTP_CORE_REPLY_H
#define SB_HTTP_CORE_REPLY_H

#include "base/base.h"

#include <jansson.h>
#include <microhttpd.h>

struct sb_http_exchange;
struct sb_http_request;

/* What takes over the connection of an answer with status 101 (upgrade.h). */
typedef struct sb_http_upgrade {
  void *state;
  /* The answer was sent: `extra` are bytes that came behind the request. Closes `handle` at the end. */
  void (*begin)(void *state, MHD_socket socket, struct MHD_UpgradeResponseHandle *handle, const char *extra,
                size_t extra_size);
  void (*abandon)(void *state); /* the answer was not sent, and never will be; NULL: there is no upgrade */
} sb_http_upgrade;

typedef struct sb_http_reply {
  unsigned status;   /* HTTP status; 0: no reply yet */
  const char *type;  /* Content-Type; NULL: no body */
  const void *bytes; /* in static storage (a file of the page), or the same as `owned` */
  char *owned;       /* released by free() */
  size_t size;
  const char *etag;            /* NULL: no cache may store the answer */
  char tag[24];                /* storage for an etag that was computed from the body */
  bool gzip;                   /* the bytes are compressed */
  bool varies;                 /* depends on Accept-Encoding */
  bool replayed;               /* the answer to an earlier request with the same Idempotency-Key */
  struct MHD_Response *stream; /* an answer that lasts: server-sent events, a WebSocket; NULL: none */
  sb_http_upgrade upgrade;     /* of a stream of status 101 */
  const char *file;            /* Content-Disposition; NULL: none */
  char allow[64];              /* "": no Allow header */
  unsigned retry;              /* Retry-After in seconds; 0: none */
  bool challenge;              /* WWW-Authenticate */
  char cookie[192];            /* "": no Set-Cookie */
  bool close;                  /* close the connection afterwards */
} sb_http_reply;

unsigned sb_http_status(sb_status status);

/* Each replaces a reply that was set before. Replies with JSON; takes `body`, where NULL means out of memory. */
void sb_http_reply_json(struct sb_http_request *request, unsigned status, json_t *body);
/* The same with status 200 and an ETag of the body; 304 where the client has that version (If-None-Match). */
void sb_http_reply_json_tagged(struct sb_http_request *request, json_t *body);
/* Replies with text of Content-Type `type` (static); takes `text`, where NULL means out of memory. */
void sb_http_reply_owned(struct sb_http_request *request, unsigned status, const char *type, char *text, size_t size);
/* Whether the client has the version `etag` (If-None-Match). */
bool sb_http_reply_is_known(const struct sb_http_request *request, const char *etag);
void sb_http_reply_error(struct sb_http_request *request, const sb_error *error);
/* Replies with the error unless `status` is SB_OK; says whether it did. A handler ends early with it:
 *   if (sb_http_failed(request, sb_engine_get(engine, collection, id, &people, &error), &error)) return; */
bool sb_http_failed(struct sb_http_request *request, sb_status status, const sb_error *error);
/* Replies with `body`, or with the error when `status` is not SB_OK; then `body` may be NULL. Takes `body`. */
void sb_http_reply_result(struct sb_http_request *request, sb_status status, const sb_error *error,
                          unsigned http_status, json_t *body);
/* Replies with an error of HTTP itself, for which there is no sb_status. */
void sb_http_reply_refusal(struct sb_http_request *request, unsigned status, const char *code, const char *message);
void sb_http_reply_empty(struct sb_http_request *request, unsigned status);
/* The body of an error: {"error":{"code","message","request_id"}}, or as the route's dialect writes it. */
json_t *sb_http_error_json(const struct sb_http_request *request, const char *code, const char *message);

/* Releases what the reply holds, and resets it. */
void sb_http_reply_clear(sb_http_reply *reply);
/* Queues the reply on the connection. For the core. */
enum MHD_Result sb_http_reply_send(struct sb_http_exchange *exchange);

#endif
