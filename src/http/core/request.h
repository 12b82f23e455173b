/* One request: its line, its parameters, its body, and the reply that it will get. */
#ifndef SB_HTTP_CORE_REQUEST_H
#define SB_HTTP_CORE_REQUEST_H

#include "http/core/auth.h"
#include "http/core/reply.h"
#include "http/core/server.h"

struct sb_route;

/* A field of the body: of a form, or a member of a JSON object. */
typedef struct sb_part {
  char name[32];
  bool base64;  /* a photo here is text yet to be decoded (JSON) */
  bool literal; /* a number, true or false of JSON: no text */
  sb_buffer value;
} sb_part;

/* A query parameter, decoded. */
typedef struct sb_parameter {
  const char *name, *value;
} sb_parameter;

#define SB_PART_ITEM "[]" /* the name of the parts that a JSON list as a whole body gives */

typedef enum sb_body_kind { SB_BODY_NONE, SB_BODY_FORM, SB_BODY_JSON, SB_BODY_PHOTO, SB_BODY_OTHER } sb_body_kind;
typedef enum sb_phase { SB_PHASE_LINE, SB_PHASE_BODY, SB_PHASE_WORK, SB_PHASE_REPLY, SB_PHASE_REPLIED } sb_phase;

enum { SB_PARAMETERS_MAX = 32, SB_PARTS_MAX = 256, SB_REQUEST_ID = 16, SB_NAMES_MAX = 2 };

/* One thread at a time: a socket's thread, then a worker, then the socket's thread again. */
typedef struct sb_request {
  sb_server *server;
  struct MHD_Connection *connection;
  char id[SB_REQUEST_ID + 1]; /* X-Request-Id, random hex */
  char method[16];
  char *path;  /* as it was sent, still percent-encoded, without the query */
  char *query; /* owns the parameters' texts */
  sb_parameter parameters[SB_PARAMETERS_MAX];
  size_t parameter_count;
  const struct sb_route *route;      /* NULL: a file of the page, or a refusal */
  char *names[SB_NAMES_MAX];         /* what stands for the braces of the route's pattern, decoded */
  const char *cors;                  /* the origin of another site that may ask, as the settings have it; NULL: none */
  bool gzip;                         /* the client reads it */
  struct sb_idempotency_entry *once; /* an Idempotency-Key's, in work; NULL: none */
  sb_principal who;                  /* who asks */
  sb_phase phase;
  bool begun;                                  /* counted in server->begun */
  double started_ms, complete_ms, answered_ms; /* its first line; its body; when the answer was made, 0: not yet */
  sb_stage_times laps;
  sb_body_kind body;
  size_t received, announced; /* bytes; announced 0: the client did not say */
  struct MHD_PostProcessor *form;
  bool list; /* the JSON body is a list */
  sb_part *parts;
  size_t part_count;
  sb_upload_bundle *bundle; /* the files of an import; NULL: none */
  sb_reply reply;
} sb_request;

/* From the request's target ("/v1/people?limit=5"); NULL when out of memory. */
sb_request *sb_request_new(sb_server *server, const char *target);
void sb_request_free(sb_request *request);

/* The headers have come. What is wrong with the request is answered through request->reply. */
void sb_request_begin(sb_request *request, struct MHD_Connection *connection, const char *method);
/* The second half of it: by its Content-Type, how the body is to be read. */
void sb_request_body_begin(sb_request *request);
/* Takes the address's parameters apart; false: they are refused, and the request has its reply. */
bool sb_request_query(sb_request *request);
/* Some bytes of the body. False: the client goes on against the limits, and the connection should be cut. */
bool sb_request_receive(sb_request *request, const char *bytes, size_t size);
/* Nothing of it is missing: from now on a server that stops finishes it. More than once is as good as once. */
void sb_request_whole(sb_request *request);
/* The body is complete: its fields are in request->parts. */
sb_status sb_request_finish(sb_request *request, sb_error *error);

/* A query parameter, else a field of the body of that name; `*out` is NULL where there is none. SB_INVALID for a field
 * that is given twice or is not text (a number of a JSON body is none). */
sb_status sb_request_text(sb_request *request, const char *name, const char **out, sb_error *error);
/* One of `words` ("largest", "all", NULL at the end): its index, or -1 where the parameter is absent. */
sb_status sb_request_choice(sb_request *request, const char *name, const char *const *words, int *out, sb_error *error);
/* A whole number of `least`..`most`; `*out` keeps its value where the parameter is absent. */
sb_status sb_request_count(sb_request *request, const char *name, size_t least, size_t most, size_t *out,
                           sb_error *error);
/* A number of `least`..`most`, as above. */
sb_status sb_request_real(sb_request *request, const char *name, double least, double most, double *out,
                          sb_error *error);
/* How sure a match must be (threshold, fmr, fpir); `*out` keeps its value where the request says nothing. */
sb_status sb_request_target(sb_request *request, sb_target *out, sb_error *error);
/* The collection that is asked for; never NULL on success. */
sb_status sb_request_collection(sb_request *request, const char **out, sb_error *error);
/* All photos of a field; at least one. `*out` is released by free(), its bytes belong to the request. */
sb_status sb_request_photos(sb_request *request, const char *name, sb_photo **out, size_t *count, sb_error *error);
/* Exactly one photo. */
sb_status sb_request_photo(sb_request *request, const char *name, sb_photo *out, sb_error *error);

#endif
