/* A request from its first line to its complete body. */
#include "http/core/request.h"
#include "http/core/decode.h"
#include "http/core/params.h"
#include "http/core/request_checks.h"
#include "http/core/route.h"
#include "json/read.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

enum {
  JSON_DEPTH_MAX = 32,      /* objects and lists in each other */
  JSON_VALUES_MAX = 100000, /* what no route reads is passed over, but not in any number */
  FORM_BUFFER = 64 << 10,   /* the form is taken apart in pieces of this size */
  BODIES_AT_ONCE = 8,       /* largest bodies that are held at the same time, over all requests */
  UPLOAD_MS_MAX = 120000,   /* a body must have come after so long, however it trickles */
};

/* ---- Life */

bool sb_http_request_query(sb_http_request *request) {
  sb_error error = {0};
  for (char *rest = request->query; rest && *rest;) {
    char *pair = strsep(&rest, "&");
    if (!*pair) continue;
    char *value = strchr(pair, '=');
    if (value) *value++ = '\0';
    if (request->parameter_count == SB_HTTP_PARAMETERS_MAX) {
      sb_fail(&error, SB_INVALID, "the address has more than %d parameters", SB_HTTP_PARAMETERS_MAX);
    } else if (sb_http_percent_decode(pair, true, &error) == SB_OK &&
               (!value || sb_http_percent_decode(value, true, &error) == SB_OK)) {
      request->parameters[request->parameter_count++] = (sb_http_parameter){pair, value ? value : ""};
    }
    if (error.code != SB_OK) {
      sb_http_reply_error(request, &error);
      return false;
    }
  }
  return true;
}

sb_http_request *sb_http_request_new(sb_http_server *server, const char *target) {
  sb_http_request *request = sb_alloc(1, sizeof *request, NULL);
  if (!request) return NULL;
  request->server = server;
  request->context = &server->context;
  request->started_ms = sb_monotonic_ms();
  uint8_t random[SB_HTTP_REQUEST_ID / 2] = {0};
  if (getrandom(random, sizeof random, 0) != sizeof random) sb_log(SB_LOG_WARNING, "the system gave no random bytes");
  sb_hex(random, sizeof random, request->id);
  if (!(request->path = sb_strdup(target, NULL))) {
    free(request);
    return NULL;
  }
  request->query = strchr(request->path, '?');
  if (request->query) *request->query++ = '\0';
  return request;
}

static bool brings_files(const sb_http_request *request) {
  return request->route && request->route->flags & SB_HTTP_ROUTE_FILES;
}

void sb_http_request_free(sb_http_request *request) {
  if (!request) return;
  if (!brings_files(request)) atomic_fetch_sub(&request->context->load.body_bytes, request->received);
  if (request->form) MHD_destroy_post_processor(request->form);
  for (size_t i = 0; i < request->field_count; i++) sb_buffer_free(&request->fields[i].value);
  free(request->fields);
  free(request->photos);
  sb_import_free(request->bundle);
  sb_http_reply_clear(&request->reply);
  for (size_t i = 0; i < SB_HTTP_PATH_PARAMETERS_MAX; i++) free(request->path_parameters[i]);
  free(request->path);
  free(request);
}

/* ---- The body */

/* Adds `bytes` to the last part, or to a new one of that name. */
static sb_status part_add(sb_http_request *request, const char *name, bool more, const void *bytes, size_t size,
                          bool base64, sb_error *error) {
  if (!more || !request->field_count) {
    if (!name || strlen(name) >= sizeof request->fields->name) {
      return base64 ? SB_OK : sb_fail(error, SB_INVALID, "a field of the body has no name, or one that is too long");
    }
    if (request->field_count == SB_HTTP_FIELDS_MAX) {
      return sb_fail(error, SB_INVALID, "the body has more than %d fields", SB_HTTP_FIELDS_MAX);
    }
    void *parts = request->fields;
    sb_status status = sb_grow(&parts, request->field_count + 1, sizeof *request->fields, error);
    if (status != SB_OK) return status;
    request->fields = parts;
    sb_http_field *part = &request->fields[request->field_count++];
    *part = (sb_http_field){.base64 = base64};
    /* "images" of a JSON body and "image" of a form are the same field. */
    strcpy(part->name, strcmp(name, "images") ? name : "image");
  }
  return sb_buffer_add(&request->fields[request->field_count - 1].value, bytes, size, error);
}

/* A file of an import goes to the disk, encrypted, as it comes. */
static sb_status file_add(sb_http_request *request, const char *name, bool more, const void *bytes, size_t size,
                          sb_error *error) {
  sb_status status = request->bundle ? SB_OK : sb_import_new(&request->bundle, error);
  if (status == SB_OK && !more) status = sb_import_begin(request->bundle, name, error);
  return status == SB_OK ? sb_import_write(request->bundle, bytes, size, error) : status;
}

static enum MHD_Result form_field(void *context, enum MHD_ValueKind kind, const char *key, const char *filename,
                                  const char *type, const char *encoding, const char *bytes, uint64_t offset,
                                  size_t size) {
  (void)kind, (void)type, (void)encoding;
  sb_http_request *request = context;
  sb_error error = {0};
  if (filename && request->route->flags & SB_HTTP_ROUTE_FILES) {
    if (file_add(request, filename, offset > 0, bytes, size, &error) == SB_OK) return MHD_YES;
  } else if (part_add(request, key, offset > 0, bytes, size, false, &error) == SB_OK)
    return MHD_YES;
  sb_http_reply_error(request, &error);
  return MHD_NO;
}

static bool type_is(const char *type, const char *wanted) {
  size_t length = strlen(wanted);
  return !strncasecmp(type, wanted, length) && (!type[length] || strchr("; \t", type[length]));
}

void sb_http_request_body_begin(sb_http_request *request) {
  const char *type = MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, "Content-Type");
  if (!type) return;
  if (type_is(type, "multipart/form-data")) {
    request->body = SB_HTTP_BODY_FORM;
    request->form = MHD_create_post_processor(request->connection, FORM_BUFFER, form_field, request);
    if (!request->form) request->body = SB_HTTP_BODY_OTHER; /* it names no boundary */
  } else if (type_is(type, "application/json")) {
    request->body = SB_HTTP_BODY_JSON;
  } else if (!strncasecmp(type, "image/", 6) || type_is(type, "application/octet-stream")) {
    request->body = SB_HTTP_BODY_PHOTO;
  } else {
    request->body = SB_HTTP_BODY_OTHER;
  }
}

static size_t limit_of(const sb_http_request *request) {
  return brings_files(request) ? request->context->limits.import : request->context->limits.body;
}

static void refuse_size(sb_http_request *request) {
  sb_error error;
  sb_fail(&error, SB_TOO_LARGE, "the request is larger than %zu bytes: send a smaller photo, or fewer at once",
          limit_of(request));
  sb_http_reply_error(request, &error);
  request->reply.close = true;
}

void sb_http_request_begin(sb_http_request *request, struct MHD_Connection *connection, const char *method) {
  request->connection = connection;
  request->phase = SB_HTTP_PHASE_BODY;
  atomic_fetch_add(&request->context->load.open, 1);
  strncpy(request->method, method, sizeof request->method - 1);
  if (atomic_load(&request->context->load.stopping)) {
    sb_http_reply_error(request, &(sb_error){SB_STOPPING, "the server is shutting down"});
    return;
  }
  const char *encodings = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Accept-Encoding");
  request->gzip = encodings && strstr(encodings, "gzip") && !strstr(encodings, "gzip;q=0");
  if (!sb_http_checks_pass(request)) return;
  sb_http_route_find(request);
  if (request->route && !request->reply.status && !sb_http_auth_pass(request)) return;
  const char *length = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Content-Length");
  request->announced = length ? strtoull(length, NULL, 10) : 0;
  if (request->announced > limit_of(request)) refuse_size(request);
  if (request->reply.status || !sb_http_request_query(request)) return;
  if (request->route->flags & SB_HTTP_ROUTE_BODY) sb_http_request_body_begin(request);
}

void sb_http_request_whole(sb_http_request *request) {
  if (request->begun) return;
  request->begun = true;
  atomic_fetch_add(&request->context->load.begun, 1);
}

bool sb_http_request_receive(sb_http_request *request, const char *bytes, size_t size) {
  sb_http_context *context = request->context;
  if (request->received + size == request->announced)
    sb_http_request_whole(request);   /* before its bytes are seen in a gauge */
  bool files = brings_files(request); /* what goes to the disk is not held in memory, and may take its time */
  size_t held = files ? 0 : atomic_fetch_add(&context->load.body_bytes, size) + size, limit = limit_of(request);
  request->received += size;
  if (!files && sb_monotonic_ms() - request->started_ms > UPLOAD_MS_MAX) return false;
  if (request->received > limit) {
    if (!request->reply.close) refuse_size(request);
    return request->received - limit <= context->limits.body; /* time for a client to hear of it, not for ever */
  }
  if (request->reply.status) return true; /* refused already: the rest is read and forgotten */
  sb_error error = {0};
  if (held > BODIES_AT_ONCE * context->limits.body) {
    sb_fail(&error, SB_BUSY, "the server is receiving more than it can hold: try again in a second");
  } else if (request->body == SB_HTTP_BODY_FORM) {
    if (MHD_post_process(request->form, bytes, size) != MHD_YES && !request->reply.status) {
      sb_fail(&error, SB_INVALID, "the body is no well-formed multipart/form-data");
    }
  } else if (request->body == SB_HTTP_BODY_JSON || request->body == SB_HTTP_BODY_PHOTO) {
    part_add(request, "image", true, bytes, size, false, &error);
  }
  if (error.code != SB_OK) sb_http_reply_error(request, &error);
  return true;
}

static sb_status literal_add(sb_http_request *request, const char *name, const char *word, sb_error *error) {
  size_t before = request->field_count;
  sb_status status = part_add(request, name, false, word, strlen(word), true, error);
  if (request->field_count > before) request->fields[before].literal = true;
  return status;
}

/* An object is no field that any route reads: where one asks for its name it is refused, else passed over. */
static sb_status json_field(sb_http_request *request, const char *name, const json_t *value, sb_error *error) {
  if (json_is_string(value))
    return part_add(request, name, false, json_string_value(value), json_string_length(value), true, error);
  if (json_is_boolean(value)) return literal_add(request, name, json_is_true(value) ? "true" : "false", error);
  if (json_is_object(value) || json_is_array(value)) return literal_add(request, name, "", error);
  if (!json_is_number(value)) return SB_OK; /* null: as if it were not there */
  char *digits = json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(9));
  if (!digits) return sb_fail(error, SB_NO_MEMORY, "out of memory");
  sb_status status = literal_add(request, name, digits, error);
  free(digits);
  return status;
}

/* A member, or each item of one that is a list. */
static sb_status json_member(sb_http_request *request, const char *name, const json_t *value, sb_error *error) {
  if (!json_is_array(value)) return json_field(request, name, value, error);
  json_t *item;
  size_t index;
  sb_status status = SB_OK;
  if (!json_array_size(value)) return literal_add(request, name, "", error);
  json_array_foreach(value, index, item) {
    if (status != SB_OK) break;
    status = json_is_null(item) ? literal_add(request, name, "", error) : json_field(request, name, item, error);
  }
  return status;
}

/* Turns the JSON body, which came as one part, into its members. */
static sb_status json_fields(sb_http_request *request, sb_error *error) {
  if (!request->field_count) return SB_OK;
  sb_error fault = {0};
  const sb_json_limits limits = {.size = SIZE_MAX, .depth = JSON_DEPTH_MAX, .values = JSON_VALUES_MAX};
  sb_buffer *text = &request->fields[0].value;
  json_t *body = sb_json_read(text->bytes ? text->bytes : "", text->size, &limits, "the body", &fault);
  sb_buffer_free(text);
  *text = (sb_buffer){0};
  request->field_count = 0;
  if (!body) return sb_fail(error, fault.code, "%s", fault.message);
  sb_status status = SB_OK;
  const char *name;
  json_t *value;
  request->list = json_is_array(body);
  if (request->list) {
    if (json_array_size(body)) status = json_member(request, SB_HTTP_FIELD_ITEM, body, error);
  } else if (json_is_object(body)) {
    json_object_foreach(body, name, value) {
      if (status == SB_OK) status = json_member(request, name, value, error);
    }
  } else {
    status = sb_fail(error, SB_INVALID, "the body is not a JSON object");
  }
  json_decref(body);
  return status;
}

sb_status sb_http_request_finish(sb_http_request *request, sb_error *error) {
  if (request->form) {
    enum MHD_Result whole = MHD_destroy_post_processor(request->form);
    request->form = NULL;
    if (whole != MHD_YES) return sb_fail(error, SB_INVALID, "the body ends in the middle of its form: send it again");
  }
  if (request->body == SB_HTTP_BODY_JSON) return json_fields(request, error);
  if (request->body == SB_HTTP_BODY_OTHER) {
    return sb_fail(error, SB_INVALID,
                   "the body's Content-Type is not one that is read: send multipart/form-data or application/json");
  }
  return SB_OK;
}

/* ---- Parameters: as params.h has them, one at a time; going away */

static sb_status copy_error(const sb_http_params *p, sb_error *error) {
  if (error && p->error.code != SB_OK) *error = p->error;
  return p->error.code;
}

sb_status sb_http_request_text(sb_http_request *request, const char *name, const char **out, sb_error *error) {
  sb_http_params p = sb_http_params_begin(request);
  const char *text = sb_http_params_text(&p, name);
  if (p.error.code == SB_OK) *out = text;
  return copy_error(&p, error);
}

sb_status sb_http_request_choice(sb_http_request *request, const char *name, const char *const *words, int *out,
                                 sb_error *error) {
  sb_http_params p = sb_http_params_begin(request);
  int index = sb_http_params_choice(&p, name, words);
  if (p.error.code == SB_OK) *out = index;
  return copy_error(&p, error);
}

sb_status sb_http_request_count(sb_http_request *request, const char *name, size_t least, size_t most, size_t *out,
                                sb_error *error) {
  sb_http_params p = sb_http_params_begin(request);
  *out = sb_http_params_count(&p, name, least, most, *out);
  return copy_error(&p, error);
}

sb_status sb_http_request_real(sb_http_request *request, const char *name, double least, double most, double *out,
                               sb_error *error) {
  sb_http_params p = sb_http_params_begin(request);
  *out = sb_http_params_real(&p, name, least, most, *out);
  return copy_error(&p, error);
}

sb_status sb_http_request_operating_point(sb_http_request *request, sb_target *out, sb_error *error) {
  sb_http_params p = sb_http_params_begin(request);
  *out = sb_http_params_operating_point(&p, *out);
  return copy_error(&p, error);
}

sb_status sb_http_request_collection(sb_http_request *request, const char **out, sb_error *error) {
  sb_http_params p = sb_http_params_begin(request);
  *out = sb_http_params_collection(&p);
  return copy_error(&p, error);
}

sb_status sb_http_request_photos(sb_http_request *request, const char *name, sb_photo **out, size_t *count,
                                 sb_error *error) {
  sb_http_params p = sb_http_params_begin(request);
  sb_http_params_photos(&p, name, count);
  *out = request->photos;
  request->photos = NULL;
  return copy_error(&p, error);
}

sb_status sb_http_request_photo(sb_http_request *request, const char *name, sb_photo *out, sb_error *error) {
  sb_http_params p = sb_http_params_begin(request);
  *out = sb_http_params_photo(&p, name);
  return copy_error(&p, error);
}
