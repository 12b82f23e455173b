/* Replies: JSON, one error shape, the security headers. */
#ifndef SB_HTTP_CORE_REPLY_H
#define SB_HTTP_CORE_REPLY_H

#include "base/base.h"

#include <jansson.h>
#include <microhttpd.h>

struct sb_http_exchange;
struct sb_http_request;

typedef struct sb_http_reply {
  unsigned status;   /* HTTP's; 0: no reply yet */
  const char *type;  /* Content-Type; NULL: no body */
  const void *bytes; /* of the program itself (a file of the page), or ... */
  char *owned;       /* ... text to be released */
  size_t size;
  const char *etag;            /* NULL: an answer that no cache may keep */
  char tag[24];                /* holds it where it was made for this answer */
  bool gzip;                   /* the bytes are compressed */
  bool varies;                 /* with Accept-Encoding */
  bool replayed;               /* the answer to an earlier request with the same Idempotency-Key */
  struct MHD_Response *stream; /* an answer that is no single text: events, a channel; NULL: none */
  const char *file;            /* NULL, or the name under which a browser keeps the answer */
  char allow[64];              /* "": no Allow header */
  unsigned retry;              /* Retry-After in seconds; 0: none */
  bool challenge;              /* WWW-Authenticate */
  char cookie[192];            /* "": no Set-Cookie */
  bool close;                  /* the connection too */
} sb_http_reply;

unsigned sb_http_status(sb_status status);

/* Each sets request->reply, in place of one that was set before. `body` is stolen; NULL means that out of memory. */
void sb_http_reply_json(struct sb_http_request *request, unsigned status, json_t *body);
/* The same with an ETag of the body; 304 where the client has it (If-None-Match). */
void sb_http_reply_json_tagged(struct sb_http_request *request, json_t *body);
/* Text that is handed over, of static type `type`. NULL: out of memory. */
void sb_http_reply_owned(struct sb_http_request *request, unsigned status, const char *type, char *text, size_t size);
/* Is one of the ETags that the client has `etag`? */
bool sb_http_reply_is_known(const struct sb_http_request *request, const char *etag);
void sb_http_reply_error(struct sb_http_request *request, const sb_error *error);
/* Replies with the error unless `status` is SB_OK; says whether it did. A handler ends early with it:
 *   if (sb_http_failed(request, sb_engine_get(engine, collection, id, &people, &error), &error)) return; */
bool sb_http_failed(struct sb_http_request *request, sb_status status, const sb_error *error);
/* Replies with `body` (stolen), or with the error when `status` is not SB_OK: then `body` may be NULL. */
void sb_http_reply_result(struct sb_http_request *request, sb_status status, const sb_error *error,
                          unsigned http_status, json_t *body);
/* For refusals that are HTTP's own and no sb_status. */
void sb_http_reply_refusal(struct sb_http_request *request, unsigned status, const char *code, const char *message);
void sb_http_reply_empty(struct sb_http_request *request, unsigned status);
/* The error's shape for this request: {"error":{"code","message","request_id"}}, or as the route's dialect has it. */
json_t *sb_http_error_json(const struct sb_http_request *request, const char *code, const char *message);

/* Releases what the reply holds and makes it unset. */
void sb_http_reply_clear(sb_http_reply *reply);
/* Queues the reply on the connection. For the core. */
enum MHD_Result sb_http_reply_send(struct sb_http_exchange *exchange);

#endif
