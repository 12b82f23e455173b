/* The body of a request, as its bytes arrive: decompressed where it is gzip; a form goes through multipart.c, JSON and
 * a photo are collected and read at the end, the files of an import go to the disk, encrypted.
 *
 * Limits: one body (--max-body, --max-import), the bodies of all requests together, and the time that a body may
 * take. */
#include "http/core/receive.h"
#include "json/read.h"
#include "json/write.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
  PLAIN_BODY_MAX = 64 << 10,    /* bytes of a body whose route reads no photo: settings, names, a list of ids */
  JSON_DEPTH_MAX = 32,          /* objects and lists within each other */
  JSON_VALUES_MAX = 10000,      /* of a route that reads photos; fields that no route reads are ignored */
  JSON_VALUES_PLAIN_MAX = 1000, /* of the other routes */
  PLAIN_PIECE = 16 << 10,       /* a compressed body is decompressed in pieces of this size */
  BODIES_AT_ONCE = 8,           /* bodies of the largest size that all requests together may hold in memory */
  UPLOAD_MS_MAX = 120000,       /* a body must have arrived after so long, however slowly it trickles */
};

/* ---- Fields */

/* Adds `bytes` to the last field, or to a new one of that name. */
static sb_status field_add(sb_http_request *request, const char *name, bool more, const void *bytes, size_t size,
                           sb_error *error) {
  if (!more || !request->field_count) {
    if (!name || strlen(name) >= sizeof request->fields->name)
      return sb_fail(error, SB_INVALID, "a field of the body has no name, or one that is too long");
    if (request->field_count == SB_HTTP_FIELDS_MAX)
      return sb_fail(error, SB_INVALID, "the body has more than %d fields", SB_HTTP_FIELDS_MAX);
    void *fields = request->fields;
    sb_status status = sb_grow(&fields, request->field_count + 1, sizeof *request->fields, error);
    if (status != SB_OK) return status;
    request->fields = fields;
    sb_http_field *field = &request->fields[request->field_count++];
    *field = (sb_http_field){0};
    /* "images" of a JSON body and "image" of a form are the same field. */
    strcpy(field->name, strcmp(name, "images") ? name : "image");
  }
  return sb_buffer_add(&request->fields[request->field_count - 1].value, bytes, size, error);
}

/* ---- Forms */

static sb_status file_add(sb_http_request *request, const char *name, bool more, const void *bytes, size_t size,
                          sb_error *error) {
  sb_status status = request->bundle ? SB_OK : sb_import_new(&request->bundle, error);
  if (status == SB_OK && !more) status = sb_import_begin(request->bundle, name, error);
  return status == SB_OK ? sb_import_write(request->bundle, bytes, size, error) : status;
}

static sb_status form_take(void *context, const char *name, const char *filename, bool more, const void *bytes,
                           size_t size, sb_error *error) {
  sb_http_request *request = context;
  return filename && sb_http_route_has(request->route, SB_HTTP_ROUTE_FILES)
             ? file_add(request, filename, more, bytes, size, error)
             : field_add(request, name, more, bytes, size, error);
}

static bool type_is(const char *type, const char *wanted) {
  size_t length = strlen(wanted);
  return !strncasecmp(type, wanted, length) && (!type[length] || strchr("; \t", type[length]));
}

/* Content-Encoding: gzip is read, anything else is refused in words. */
static sb_status begin_encoding(sb_http_exchange *exchange, sb_error *error) {
  const char *encoding = sb_http_header(&exchange->request, "Content-Encoding");
  if (!encoding || !*encoding || !strcasecmp(encoding, "identity")) return SB_OK;
  if (!strcasecmp(encoding, "gzip") || !strcasecmp(encoding, "x-gzip"))
    return sb_http_gunzip_new(&exchange->gunzip, error);
  return sb_fail(error, SB_INVALID,
                 "the body's Content-Encoding \"%.32s\" is not supported: send it as it is, or as gzip", encoding);
}

static sb_status begin_type(sb_http_exchange *exchange, const char *type, sb_error *error) {
  sb_http_request *request = &exchange->request;
  const sb_http_multipart_sink sink = {.take = form_take, .context = request};
  exchange->body = SB_HTTP_BODY_OTHER;
  if (type_is(type, "multipart/form-data")) {
    exchange->body = SB_HTTP_BODY_FORM;
    return sb_http_multipart_new(type, sink, &exchange->form, error);
  }
  if (type_is(type, "application/json") || type_is(type, "application/x-amz-json-1.1"))
    exchange->body = SB_HTTP_BODY_JSON;
  else if (!strncasecmp(type, "image/", 6) || type_is(type, "application/octet-stream"))
    exchange->body = SB_HTTP_BODY_PHOTO;
  return SB_OK;
}

void sb_http_receive_begin(sb_http_exchange *exchange) {
  sb_error error = {0};
  const char *type = sb_http_header(&exchange->request, "Content-Type");
  sb_status status = begin_encoding(exchange, &error);
  if (status == SB_OK && type) status = begin_type(exchange, type, &error);
  sb_http_failed(&exchange->request, status, &error);
}

/* ---- Limits */

/* Bytes that a body may have. Each route has the smallest budget that suits it; one that does not exist has that of
 * photos, so that a client which sends one to a wrong address reads the 404. */
static size_t limit_of(const sb_http_exchange *exchange) {
  const sb_http_limits *limits = &exchange->request.context->limits;
  const sb_http_route *route = exchange->request.route;
  if (sb_http_route_has(route, SB_HTTP_ROUTE_FILES)) return limits->import;
  return !route || sb_http_route_has(route, SB_HTTP_ROUTE_LARGE) ? limits->body : PLAIN_BODY_MAX;
}

static void refuse_size(sb_http_exchange *exchange) {
  sb_error error;
  bool photos = sb_http_route_has(exchange->request.route, SB_HTTP_ROUTE_LARGE);
  sb_fail(&error, SB_TOO_LARGE, "the request is larger than %zu bytes, which is the most that this address reads%s",
          limit_of(exchange), photos ? ": send a smaller photo, or fewer at once" : "");
  sb_http_reply_error(&exchange->request, &error);
  exchange->request.reply.close = true;
}

void sb_http_receive_announced(sb_http_exchange *exchange) {
  const char *length = sb_http_header(&exchange->request, "Content-Length");
  exchange->announced = length ? strtoull(length, NULL, 10) : 0;
  if (exchange->announced > limit_of(exchange)) refuse_size(exchange);
}

/* Plain bytes within the limits go where the body's kind wants them. */
static void take(sb_http_exchange *exchange, const char *bytes, size_t size) {
  sb_http_request *request = &exchange->request;
  sb_http_load *load = &request->context->load;
  sb_error error = {0};
  /* Files go to the disk, so they are not held in memory. */
  size_t mine = sb_http_route_has(request->route, SB_HTTP_ROUTE_FILES) ? 0 : size;
  exchange->held += mine;
  if (atomic_fetch_add(&load->body_bytes, mine) + mine > BODIES_AT_ONCE * request->context->limits.body) {
    sb_fail(&error, SB_BUSY, "the server is receiving more than it can hold: try again in a second");
  } else if (exchange->body == SB_HTTP_BODY_FORM) {
    sb_http_multipart_feed(exchange->form, bytes, size, &error);
  } else if (exchange->body == SB_HTTP_BODY_JSON || exchange->body == SB_HTTP_BODY_PHOTO) {
    field_add(request, "image", true, bytes, size, &error);
  }
  sb_http_failed(request, error.code, &error);
}

/* Decompressed bytes, counted against the same limit. */
static void take_compressed(sb_http_exchange *exchange, const char *bytes, size_t size) {
  sb_http_request *request = &exchange->request;
  char plain[PLAIN_PIECE];
  size_t got = 1;
  sb_error error = {0};
  while (got && !request->reply.status) {
    if (sb_http_failed(request, sb_http_gunzip_feed(exchange->gunzip, bytes, size, plain, sizeof plain, &got, &error),
                       &error))
      return;
    size = 0;
    exchange->plain += got;
    if (exchange->plain > limit_of(exchange))
      refuse_size(exchange);
    else if (got)
      take(exchange, plain, got);
  }
}

bool sb_http_receive(sb_http_exchange *exchange, const char *bytes, size_t size) {
  sb_http_request *request = &exchange->request;
  /* With the last byte, and before a gauge shows its bytes: a server that stops in that moment finishes the request. */
  if (exchange->received + size == exchange->announced) sb_http_exchange_begun(exchange);
  bool files = sb_http_route_has(request->route, SB_HTTP_ROUTE_FILES);
  size_t limit = limit_of(exchange);
  exchange->received += size;
  if (!files && sb_monotonic_ms() - exchange->started_ms > UPLOAD_MS_MAX) return false;
  if (exchange->received > limit) {
    if (!request->reply.close) refuse_size(exchange);
    /* The client gets time to read the refusal, but not forever. */
    return exchange->received - limit <= request->context->limits.body;
  }
  if (request->reply.status) return true; /* it is refused: the rest is read and dropped */
  if (exchange->gunzip)
    take_compressed(exchange, bytes, size);
  else
    take(exchange, bytes, size);
  return true;
}

/* ---- JSON */

/* What a JSON value says as text. A photo in it is base64. */
static sb_status value_add(sb_http_request *request, const char *name, const char *text, size_t size, bool literal,
                           sb_error *error) {
  if (strlen(name) >= sizeof request->fields->name) return SB_OK; /* no route reads a field of such a name */
  sb_status status = field_add(request, name, false, text, size, error);
  if (status != SB_OK) return status;
  request->fields[request->field_count - 1].base64 = true;
  request->fields[request->field_count - 1].literal = literal;
  return SB_OK;
}

static sb_status json_member(sb_http_request *request, const char *name, json_t *value, sb_error *error);

/* The members of an object as fields of a route that asks for them: "Image.Bytes". */
static sb_status json_nested(sb_http_request *request, const char *name, json_t *object, sb_error *error) {
  const char *member;
  json_t *value;
  char full[sizeof request->fields->name];
  json_object_foreach(object, member, value) {
    int length = snprintf(full, sizeof full, "%s.%s", name, member);
    if (length < 0 || (size_t)length >= sizeof full) continue; /* no route reads a field of such a name */
    sb_status status = json_member(request, full, value, error);
    if (status != SB_OK) return status;
  }
  return SB_OK;
}

/* An object or list becomes a literal without text, so that a route which asks for its name refuses it. */
static sb_status literal_add(sb_http_request *request, const char *name, const char *word, sb_error *error) {
  return value_add(request, name, word, strlen(word), true, error);
}

/* Does the route take the list as one field? */
static bool is_vector(const sb_http_request *request, const json_t *value) {
  size_t index;
  json_t *item;
  if (!sb_http_route_has(request->route, SB_HTTP_ROUTE_VECTORS) || !json_array_size(value)) return false;
  json_array_foreach(value, index, item) if (!json_is_number(item)) return false;
  return true;
}

static sb_status vector_add(sb_http_request *request, const char *name, const json_t *value, sb_error *error) {
  size_t index;
  json_t *item;
  sb_status status = literal_add(request, name, "", error);
  if (status != SB_OK || strlen(name) >= sizeof request->fields->name) return status;
  sb_http_field *field = &request->fields[request->field_count - 1];
  field->vector = true;
  json_array_foreach(value, index, item) {
    const float number = (float)json_number_value(item);
    status = sb_buffer_add(&field->value, &number, sizeof number, error);
    if (status != SB_OK) return status;
  }
  return SB_OK;
}

/* null is as if the member were not there. */
static sb_status json_field(sb_http_request *request, const char *name, json_t *value, sb_error *error) {
  if (json_is_string(value))
    return value_add(request, name, json_string_value(value), json_string_length(value), false, error);
  if (json_is_boolean(value)) return literal_add(request, name, json_is_true(value) ? "true" : "false", error);
  if (json_is_object(value) && sb_http_route_has(request->route, SB_HTTP_ROUTE_NESTED))
    return json_nested(request, name, value, error);
  if (is_vector(request, value)) return vector_add(request, name, value, error);
  if (json_is_object(value) || json_is_array(value)) return literal_add(request, name, "", error);
  if (!json_is_number(value)) return SB_OK;
  char *digits = sb_json_write(value);
  if (!digits) return sb_fail(error, SB_NO_MEMORY, "out of memory");
  sb_status status = literal_add(request, name, digits, error);
  free(digits);
  return status;
}

/* A member, or each item of one that is a list: a field that is given several times. */
static sb_status json_member(sb_http_request *request, const char *name, json_t *value, sb_error *error) {
  if (!json_is_array(value) || is_vector(request, value)) return json_field(request, name, value, error);
  json_t *item;
  size_t index;
  if (!json_array_size(value)) return literal_add(request, name, "", error);
  json_array_foreach(value, index, item) {
    sb_status status =
        json_is_null(item) ? literal_add(request, name, "", error) : json_field(request, name, item, error);
    if (status != SB_OK) return status;
  }
  return SB_OK;
}

static sb_status json_members(sb_http_request *request, json_t *body, sb_error *error) {
  const char *name;
  json_t *value;
  request->body_is_list = json_is_array(body);
  if (request->body_is_list)
    return json_array_size(body) ? json_member(request, SB_HTTP_FIELD_ITEM, body, error) : SB_OK;
  if (!json_is_object(body)) return sb_fail(error, SB_INVALID, "the body is not a JSON object");
  json_object_foreach(body, name, value) {
    sb_status status = json_member(request, name, value, error);
    if (status != SB_OK) return status;
  }
  return SB_OK;
}

/* Replaces the JSON text, which was collected as one field, by its members. */
static sb_status json_fields(sb_http_request *request, sb_error *error) {
  if (!request->field_count) return SB_OK;
  sb_error fault = {0};
  bool photos = sb_http_route_has(request->route, SB_HTTP_ROUTE_LARGE);
  const sb_json_limits limits = {
      .size = SIZE_MAX, .depth = JSON_DEPTH_MAX, .values = photos ? JSON_VALUES_MAX : JSON_VALUES_PLAIN_MAX};
  sb_buffer *text = &request->fields[0].value;
  json_t *body = sb_json_read(text->bytes ? text->bytes : "", text->size, &limits, "the body", &fault);
  sb_buffer_free(text);
  *text = (sb_buffer){0};
  request->field_count = 0;
  /* A body that is too deep is malformed to its client, 400; 413 is of its size in bytes. */
  if (!body) return sb_fail(error, fault.code == SB_TOO_LARGE ? SB_INVALID : fault.code, "%s", fault.message);
  sb_status status = json_members(request, body, error);
  json_decref(body);
  return status;
}

sb_status sb_http_receive_end(sb_http_exchange *exchange, sb_error *error) {
  if (exchange->gunzip && !sb_http_gunzip_whole(exchange->gunzip))
    return sb_fail(error, SB_INVALID, "the body ends in the middle of its gzip data: send it again");
  switch (exchange->body) {
  case SB_HTTP_BODY_FORM: return sb_http_multipart_end(exchange->form, error);
  case SB_HTTP_BODY_JSON: return json_fields(&exchange->request, error);
  case SB_HTTP_BODY_OTHER:
    return sb_fail(error, SB_INVALID,
                   "the body's Content-Type is not supported: send multipart/form-data or application/json");
  case SB_HTTP_BODY_NONE:
  case SB_HTTP_BODY_PHOTO: return SB_OK;
  }
  return SB_OK;
}
