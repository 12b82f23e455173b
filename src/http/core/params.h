/* Reading a request's fields with a sticky error.
 *
 * A handler begins a reader, reads all that it wants, and checks once:
 *
 *   sb_http_params p = sb_http_params_begin(request);
 *   const char *id = sb_http_params_required(&p, "id", "the person's id");
 *   size_t k = sb_http_params_count(&p, "k", 1, 100, 10);
 *   if (sb_http_params_failed(&p)) return;
 *
 * A field is a query parameter or a field of the body (of a form, or a member of a JSON object). The first field that
 * is wrong sets the reader's error, which names the field; from then on each function gives its fallback and does
 * nothing. A field that is given twice is an error, except to sb_http_params_photos and sb_http_params_next. Text and
 * photos belong to the request. One thread. */
#ifndef SB_HTTP_CORE_PARAMS_H
#define SB_HTTP_CORE_PARAMS_H

#include "http/core/request.h"

typedef struct sb_http_params {
  sb_http_request *request;
  sb_error error; /* code SB_OK: nothing is wrong so far */
} sb_http_params;

sb_http_params sb_http_params_begin(sb_http_request *request);
/* True when a field was wrong: then the request has its reply, the error as the route's dialect writes it. */
bool sb_http_params_failed(sb_http_params *p);
/* Sets the error unless there is one, for a rule of the handler's own; begin the message with the field's name. */
void sb_http_params_reject(sb_http_params *p, sb_status code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Sets the error of a call that belongs to reading, unless `status` is SB_OK or there is an error already. Give the
 * call an sb_error of its own: one that succeeds may leave something in it. */
void sb_http_params_check(sb_http_params *p, sb_status status, const sb_error *error);

/* UTF-8 text without NUL; NULL where the field is absent. Numbers, true and false of a JSON body are not text. */
const char *sb_http_params_text(sb_http_params *p, const char *name);
/* The same, also of a literal of JSON such as true. */
const char *sb_http_params_word(sb_http_params *p, const char *name);
/* The same of an id, which many clients have as a number: a whole number of a JSON body is its digits. */
const char *sb_http_params_id(sb_http_params *p, const char *name);
/* sb_http_params_id of a field that must be there; `meaning` as below. */
const char *sb_http_params_required_id(sb_http_params *p, const char *name, const char *meaning);
/* sb_http_params_text of a field that must be there; `meaning` follows its name in the error:
 * "id is missing: <meaning>". */
const char *sb_http_params_required(sb_http_params *p, const char *name, const char *meaning);
/* The values of a field that may be given several times, or as a JSON list: begin with *at = 0; NULL at the end.
 * SB_HTTP_FIELD_ITEM names the items of a body that is a JSON list. */
const char *sb_http_params_next(sb_http_params *p, const char *name, size_t *at);
/* Is the field `second`? `words` are the two that it may be; the first one is the default. */
bool sb_http_params_is(sb_http_params *p, const char *name, const char *first, const char *second);
/* One of `words` (NULL at the end): its index, or -1 where the field is absent. */
int sb_http_params_choice(sb_http_params *p, const char *name, const char *const *words);
/* A whole number of `least`..`most`. */
size_t sb_http_params_count(sb_http_params *p, const char *name, size_t least, size_t most, size_t fallback);
/* A number of `least`..`most`. */
double sb_http_params_real(sb_http_params *p, const char *name, double least, double most, double fallback);
/* "expires": days from now, or a date; 0 where it is absent. */
int64_t sb_http_params_expiry(sb_http_params *p, const char *name);
/* The operating point that the request asks for (`threshold`, `fmr` or `fpir`); `fallback` where it names none. */
sb_target sb_http_params_operating_point(sb_http_params *p, sb_target fallback);
/* Does the request name an operating point? */
bool sb_http_params_names_point(sb_http_params *p);
/* `collection`, else the one that the caller's key is for, else the server's. NULL only after an error. */
const char *sb_http_params_collection(sb_http_params *p);
/* The photo of a field that is given once. */
sb_photo sb_http_params_photo(sb_http_params *p, const char *name);
/* A template that a client has: a list of numbers. */
typedef struct sb_http_vector {
  const float *values; /* they belong to the request; any length */
  size_t count;
} sb_http_vector;
/* The lists of numbers of a field, of a route with SB_HTTP_ROUTE_VECTORS: one list, or a list of lists. Gives how many
 * there are, `most` at most. What is not numbers is an error. */
size_t sb_http_params_vectors(sb_http_params *p, const char *name, sb_http_vector *out, size_t most);
/* All photos of a field, one at least: `*count`, and a list that lives as long as the request. */
const sb_photo *sb_http_params_photos(sb_http_params *p, const char *name, size_t *count);

#endif
