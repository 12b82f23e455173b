/* One request: its line, its parameters, its body, and the reply that it will get. */
#ifndef SB_HTTP_CORE_REQUEST_H
#define SB_HTTP_CORE_REQUEST_H

#include "http/core/auth.h"
#include "http/core/reply.h"
#include "http/core/server.h"

struct sb_http_route;

/* A field of the body: of a form, or a member of a JSON object. */
typedef struct sb_http_field {
  char name[32];
  bool base64;  /* a photo here is text yet to be decoded (JSON) */
  bool literal; /* a number, true or false of JSON: no text */
  sb_buffer value;
} sb_http_field;

/* A query parameter, decoded. */
typedef struct sb_http_parameter {
  const char *name, *value;
} sb_http_parameter;

#define SB_HTTP_FIELD_ITEM "[]" /* the name of the parts that a JSON list as a whole body gives */

typedef enum sb_http_body_kind {
  SB_HTTP_BODY_NONE,
  SB_HTTP_BODY_FORM,
  SB_HTTP_BODY_JSON,
  SB_HTTP_BODY_PHOTO,
  SB_HTTP_BODY_OTHER
} sb_http_body_kind;
typedef enum sb_http_phase {
  SB_HTTP_PHASE_LINE,
  SB_HTTP_PHASE_BODY,
  SB_HTTP_PHASE_WORK,
  SB_HTTP_PHASE_REPLY,
  SB_HTTP_PHASE_REPLIED
} sb_http_phase;

enum {
  SB_HTTP_PARAMETERS_MAX = 32,
  SB_HTTP_FIELDS_MAX = 256,
  SB_HTTP_REQUEST_ID = 16,
  SB_HTTP_PATH_PARAMETERS_MAX = 2
};

/* One thread at a time: a socket's thread, then a worker, then the socket's thread again. */
typedef struct sb_http_request {
  sb_http_context *context;
  struct sb_http_server *server; /* for the core */
  struct MHD_Connection *connection;
  char id[SB_HTTP_REQUEST_ID + 1]; /* X-Request-Id, random hex */
  char method[16];
  char *path;  /* as it was sent, still percent-encoded, without the query */
  char *query; /* owns the parameters' texts */
  sb_http_parameter parameters[SB_HTTP_PARAMETERS_MAX];
  size_t parameter_count;
  const struct sb_http_route *route;                  /* NULL: a file of the page, or a refusal */
  char *path_parameters[SB_HTTP_PATH_PARAMETERS_MAX]; /* what stands for the braces of the route's pattern, decoded */
  const char *cors; /* the origin of another site that may ask, as the settings have it; NULL: none */
  bool gzip;        /* the client reads it */
  sb_photo *photos; /* the list of sb_http_params_photos */
  struct sb_http_idempotency_entry *idempotency; /* an Idempotency-Key's, in work; NULL: none */
  sb_http_principal principal;                   /* who asks */
  sb_http_phase phase;
  bool begun;                                  /* counted in server->begun */
  double started_ms, complete_ms, answered_ms; /* its first line; its body; when the answer was made, 0: not yet */
  sb_stage_times stages;
  sb_http_body_kind body;
  size_t received, announced; /* bytes; announced 0: the client did not say */
  struct MHD_PostProcessor *form;
  bool list; /* the JSON body is a list */
  sb_http_field *fields;
  size_t field_count;
  sb_import *bundle; /* the files of an import; NULL: none */
  sb_http_reply reply;
} sb_http_request;

/* From the request's target ("/v1/people?limit=5"); NULL when out of memory. */
sb_http_request *sb_http_request_new(sb_http_server *server, const char *target);
void sb_http_request_free(sb_http_request *request);

/* The headers have come. What is wrong with the request is answered through request->reply. */
void sb_http_request_begin(sb_http_request *request, struct MHD_Connection *connection, const char *method);
/* The second half of it: by its Content-Type, how the body is to be read. */
void sb_http_request_body_begin(sb_http_request *request);
/* Takes the address's parameters apart; false: they are refused, and the request has its reply. */
bool sb_http_request_query(sb_http_request *request);
/* Some bytes of the body. False: the client goes on against the limits, and the connection should be cut. */
bool sb_http_request_receive(sb_http_request *request, const char *bytes, size_t size);
/* Nothing of it is missing: from now on a server that stops finishes it. More than once is as good as once. */
void sb_http_request_whole(sb_http_request *request);
/* The body is complete: its fields are in request->fields. */
sb_status sb_http_request_finish(sb_http_request *request, sb_error *error);

/* A query parameter, else a field of the body of that name; `*out` is NULL where there is none. SB_INVALID for a field
 * that is given twice or is not text (a number of a JSON body is none). */
sb_status sb_http_request_text(sb_http_request *request, const char *name, const char **out, sb_error *error);
/* One of `words` ("largest", "all", NULL at the end): its index, or -1 where the parameter is absent. */
sb_status sb_http_request_choice(sb_http_request *request, const char *name, const char *const *words, int *out,
                                 sb_error *error);
/* A whole number of `least`..`most`; `*out` keeps its value where the parameter is absent. */
sb_status sb_http_request_count(sb_http_request *request, const char *name, size_t least, size_t most, size_t *out,
                                sb_error *error);
/* A number of `least`..`most`, as above. */
sb_status sb_http_request_real(sb_http_request *request, const char *name, double least, double most, double *out,
                               sb_error *error);
/* How sure a match must be (threshold, fmr, fpir); `*out` keeps its value where the request says nothing. */
sb_status sb_http_request_operating_point(sb_http_request *request, sb_target *out, sb_error *error);
/* The collection that is asked for; never NULL on success. */
sb_status sb_http_request_collection(sb_http_request *request, const char **out, sb_error *error);
/* All photos of a field; at least one. `*out` is released by free(), its bytes belong to the request. */
sb_status sb_http_request_photos(sb_http_request *request, const char *name, sb_photo **out, size_t *count,
                                 sb_error *error);
/* Exactly one photo. */
sb_status sb_http_request_photo(sb_http_request *request, const char *name, sb_photo *out, sb_error *error);

#endif
