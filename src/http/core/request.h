/* A request as handlers see it: who asks, what for, its fields, and the reply that it will get.
 *
 * How it arrived (phases, times, limits, the form's parser) is the core's business: exchange.h. Read fields with
 * params.h, reply with reply.h. One thread at a time uses a request: a socket's thread, then a worker, then a
 * socket's thread again. */
#ifndef SB_HTTP_CORE_REQUEST_H
#define SB_HTTP_CORE_REQUEST_H

#include "http/core/auth.h"
#include "http/core/reply.h"
#include "import/import.h"

struct sb_http_route;

/* A field of the body: of a form, or a member of a JSON object. */
typedef struct sb_http_field {
  char name[32];
  bool base64;  /* a photo in this field is base64 that was not decoded yet (JSON) */
  bool literal; /* a number, true or false of JSON: not text */
  bool vector;  /* a list of numbers of JSON: floats */
  sb_buffer value;
} sb_http_field;

/* A query parameter, decoded. */
typedef struct sb_http_parameter {
  const char *name, *value;
} sb_http_parameter;

#define SB_HTTP_FIELD_ITEM "[]" /* the name of the fields that the items of a JSON list as a body become */

enum {
  SB_HTTP_PARAMETERS_MAX = 32,
  SB_HTTP_FIELDS_MAX = 256,
  SB_HTTP_REQUEST_ID = 16,
  SB_HTTP_PATH_PARAMETERS_MAX = 2
};

typedef struct sb_http_request {
  sb_http_context *context;
  struct MHD_Connection *connection; /* for answers that go on (server-sent events); headers: sb_http_header */
  char id[SB_HTTP_REQUEST_ID + 1];   /* X-Request-Id, random hex */
  char method[16];
  bool old;                                           /* HTTP/1.0 */
  char *path;                                         /* as it was sent, still percent-encoded, without the query */
  const struct sb_http_route *route;                  /* NULL: a file of the page, or a refusal */
  char *path_parameters[SB_HTTP_PATH_PARAMETERS_MAX]; /* the segments in braces of the route's pattern, decoded */
  sb_http_principal principal;
  bool accepts_gzip;
  sb_http_parameter parameters[SB_HTTP_PARAMETERS_MAX];
  size_t parameter_count;
  sb_http_field *fields;
  size_t field_count;
  bool body_is_list; /* the JSON body is a list */
  sb_photo *photos;  /* the list of sb_http_params_photos */
  sb_import *bundle; /* the files of an import; NULL: none; a handler may take it and set NULL */
  sb_http_reply reply;
} sb_http_request;

/* A header's or a cookie's value; NULL where the request has none. It lives as long as the request. */
const char *sb_http_header(const sb_http_request *request, const char *name);
const char *sb_http_cookie(const sb_http_request *request, const char *name);
/* Whether a header that is a list, in one line or several, has `token` in it; in any case of letters. */
bool sb_http_header_lists(const sb_http_request *request, const char *name, const char *token);
/* The customer that the request comes from, for limits (client_address.h). */
sb_http_address sb_http_request_customer(const sb_http_request *request);

#endif
