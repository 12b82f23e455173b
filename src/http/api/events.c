/* /v1/events: a list of events or, for clients that accept text/event-stream, a stream of them. */
#include "http/api/handlers.h"
#include "http/api/options.h"
#include "http/core/event_follower.h"
#include "http/core/sse.h"
#include "json/results.h"
#include "json/write.h"

#include <semblance/events.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LIMIT = 100, STREAM_BATCH = 32 };

/* ---- Filters */

static unsigned read_kinds(sb_http_params *p) {
  const char *text = sb_http_params_text(p, "kind");
  unsigned kinds = text ? sb_event_kinds(text) : 0;
  if (text && !kinds)
    sb_http_params_reject(p, SB_INVALID,
                          "kind is a list of seen, watchlist, unknown_again, camera_lost and camera_back");
  return kinds;
}

static int64_t read_time(sb_http_params *p, const char *name) {
  int64_t ms = 0;
  sb_error error = {0};
  const char *text = sb_http_params_text(p, name);
  if (text) sb_http_params_check(p, sb_time_parse(text, name, &ms, &error), &error);
  return ms;
}

static sb_event_query read_query(sb_http_params *p) {
  static const char *const orders[] = {"newest", "oldest", NULL};
  sb_event_query q = {.struct_size = sizeof q, .collection = sb_http_params_text(p, "collection")};
  q.order = sb_http_params_choice(p, "sort", orders) > 0 ? SB_ORDER_OLDEST : SB_ORDER_NEWEST;
  q.camera = sb_http_params_text(p, "camera");
  q.person = sb_http_params_id(p, "person");
  q.kinds = read_kinds(p);
  q.since_ms = read_time(p, "since");
  q.until_ms = read_time(p, "until");
  q.after = sb_http_params_count(p, "cursor", 0, SB_HTTP_OFFSET_MAX, 0);
  q.limit = sb_http_params_count(p, "limit", 1, SB_EVENTS_MAX, LIMIT);
  q.pictures = sb_http_options_flag(p, "pictures");
  return q;
}

/* ---- The list */

static void reply_list(sb_http_request *request, const sb_event_query *q) {
  sb_error error = {0};
  sb_events *events = NULL;
  if (sb_http_failed(request, sb_engine_events(request->context->engine, q, &events, &error), &error)) return;
  json_t *list = json_array();
  for (size_t i = 0; i < events->count; i++) sb_json_append(&list, sb_json_event(&events->items[i]));
  json_t *next = events->next ? json_integer((json_int_t)events->next) : json_null();
  json_t *body = json_pack("{s:o,s:o,s:I}", "events", list, "next_cursor", next, "newest", (json_int_t)events->newest);
  sb_events_free(events);
  sb_http_reply_json(request, 200, body);
}

/* ---- The stream */

typedef struct event_stream {
  sb_engine *engine;
  sb_http_event_follower *follower;
  char *collection, *camera, *person; /* of the query */
  sb_event_query query;               /* its `after` moves on */
  bool begun;
} event_stream;

static void release_stream(void *state) {
  event_stream *stream = state;
  sb_http_event_follower_leave(stream->follower);
  free(stream->collection);
  free(stream->camera);
  free(stream->person);
  free(stream);
}

static sb_status write_event(const sb_event *event, sb_buffer *out) {
  json_t *json = sb_json_event(event);
  char *text = json ? sb_json_write(json) : NULL;
  json_decref(json);
  sb_status status = text ? sb_buffer_addf(out, NULL, "id: %llu\nevent: %s\ndata: %s\n\n",
                                           (unsigned long long)event->number, sb_event_kind_name(event->kind), text)
                          : SB_NO_MEMORY;
  free(text);
  return status;
}

/* What a client that has just connected gets: its headers, and how soon to come back. */
static sb_http_sse_news greet(event_stream *stream, char **text) {
  stream->begun = true;
  *text = sb_strdup("retry: 2000\n\n", NULL);
  return *text ? SB_HTTP_SSE_TEXT : SB_HTTP_SSE_END;
}

/* What the filters leave out is passed over for good. The newest number was read before the list, so the list may go
 * beyond it. */
static uint64_t position_after(const sb_events *events) {
  uint64_t last = events->count ? events->items[events->count - 1].number : 0;
  return events->next || last > events->newest ? last : events->newest;
}

static sb_status write_batch(event_stream *stream, sb_buffer *out) {
  sb_events *events = NULL;
  sb_status status = sb_engine_events(stream->engine, &stream->query, &events, NULL);
  if (status != SB_OK) return status;
  for (size_t i = 0; status == SB_OK && i < events->count; i++) status = write_event(&events->items[i], out);
  if (status == SB_OK) stream->query.after = position_after(events);
  stream->query.continued = true;
  sb_events_free(events);
  return status;
}

static sb_http_sse_news next_events(void *state, char **text) {
  event_stream *stream = state;
  sb_buffer out = {0};
  if (!stream->begun) return greet(stream, text);
  if (sb_http_event_follower_newest(stream->follower) <= stream->query.after) return SB_HTTP_SSE_NOTHING;
  sb_status status = write_batch(stream, &out);
  if (status == SB_OK && out.size) {
    *text = out.bytes;
    return SB_HTTP_SSE_TEXT;
  }
  sb_buffer_free(&out);
  /* A person or collection that is gone ends the stream; a database that cannot be reached now does not. */
  return status == SB_OK || status == SB_STORE || status == SB_BUSY || status == SB_IO ? SB_HTTP_SSE_NOTHING
                                                                                       : SB_HTTP_SSE_END;
}

static sb_status copy_text(const char *text, char **out, const char **place, sb_error *error) {
  if (!text) return SB_OK;
  *place = *out = sb_strdup(text, error);
  return *out ? SB_OK : SB_NO_MEMORY;
}

static sb_status copy_query(event_stream *stream, const sb_event_query *q, sb_error *error) {
  stream->query = *q;
  stream->query.limit = STREAM_BATCH;
  stream->query.order = SB_ORDER_OLDEST;
  sb_status status = copy_text(q->collection, &stream->collection, &stream->query.collection, error);
  if (status == SB_OK) status = copy_text(q->camera, &stream->camera, &stream->query.camera, error);
  return status == SB_OK ? copy_text(q->person, &stream->person, &stream->query.person, error) : status;
}

/* Where the stream begins: behind the event that the client had last, or behind the newest one. This list is the one
 * that checks the filters, and that the audit has. */
static sb_status begin_at(sb_http_request *request, event_stream *stream, sb_error *error) {
  sb_events *events = NULL;
  const char *last = sb_http_header(request, "Last-Event-ID");
  sb_event_query first = stream->query;
  first.limit = 1;
  first.order = SB_ORDER_NEWEST;
  first.after = 0;
  sb_status status = sb_engine_events(stream->engine, &first, &events, error);
  if (status != SB_OK) return status;
  stream->query.continued = true;
  if (!stream->query.after) stream->query.after = events->newest;
  sb_events_free(events);
  if (!last || !*last) return SB_OK;
  char *end = NULL;
  errno = 0;
  unsigned long long number = strtoull(last, &end, 10);
  if (errno || *end || number > SB_HTTP_OFFSET_MAX || strspn(last, "0123456789") != strlen(last))
    return sb_fail(error, SB_INVALID, "Last-Event-ID is the id of an event of this stream");
  stream->query.after = number;
  return SB_OK;
}

static void reply_stream(sb_http_request *request, const sb_event_query *q) {
  sb_error error = {0};
  sb_http_event_follower *follower = request->context->event_follower;
  if (sb_http_failed(request, sb_http_event_follower_enter(follower, &error), &error)) return;
  event_stream *stream = sb_alloc(1, sizeof *stream, &error);
  if (!stream) {
    sb_http_event_follower_leave(follower);
    sb_http_reply_error(request, &error);
    return;
  }
  stream->engine = request->context->engine;
  stream->follower = follower;
  sb_status status = copy_query(stream, q, &error);
  if (status == SB_OK) status = begin_at(request, stream, &error);
  if (sb_http_failed(request, status, &error))
    release_stream(stream);
  else
    sb_http_sse_reply(request, (sb_http_sse_source){stream, next_events, release_stream});
}

void sb_http_handle_events(sb_http_request *request) {
  sb_http_params p = sb_http_params_begin(request);
  const sb_event_query query = read_query(&p);
  if (sb_http_params_failed(&p)) return;
  if (sb_http_header_lists(request, "Accept", "text/event-stream"))
    reply_stream(request, &query);
  else
    reply_list(request, &query);
}
