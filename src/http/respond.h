/* Replies: JSON, one error shape, the security headers. */
#ifndef SB_HTTP_RESPOND_H
#define SB_HTTP_RESPOND_H

#include "base/base.h"

#include <jansson.h>
#include <microhttpd.h>

struct sb_request;

typedef struct sb_reply {
  unsigned status;   /* HTTP's; 0: no reply yet */
  const char *type;  /* Content-Type; NULL: no body */
  const void *bytes; /* of the program itself (a file of the page), or ... */
  char *owned;       /* ... text to be released */
  size_t size;
  const char *etag; /* NULL: an answer that no cache may keep */
  char allow[64];   /* "": no Allow header */
  bool retry;       /* Retry-After: 1 */
  bool close;       /* the connection too */
} sb_reply;

unsigned sb_http_status(sb_status status);

/* Each sets request->reply, in place of one that was set before. `body` is stolen; NULL means that memory is out. */
void sb_reply_json(struct sb_request *request, unsigned status, json_t *body);
void sb_reply_error(struct sb_request *request, const sb_error *error);
/* For refusals that are HTTP's own and no sb_status. */
void sb_reply_refusal(struct sb_request *request, unsigned status, const char *code, const char *message);
void sb_reply_empty(struct sb_request *request, unsigned status);
/* The error's shape for this request: {"error":{"code","message","request_id"}}, or the article's {"error":"..."}. */
json_t *sb_error_json(const struct sb_request *request, const char *code, const char *message);

/* Releases what the reply holds and makes it unset. */
void sb_reply_clear(sb_reply *reply);
/* Gives the reply to the connection. */
enum MHD_Result sb_reply_send(struct sb_request *request);

#endif
