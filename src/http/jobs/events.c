/* One event for each change of a job, and a comment every ten seconds without one, so that proxies keep the connection.
 *
 * libmicrohttpd asks for bytes in a socket's thread (read_events). Where there is nothing new the stream suspends its
 * connection and puts itself on the subscribers' list; the thread resumes every listed connection each 200 ms, and
 * libmicrohttpd asks again. */
#include "http/jobs/events.h"
#include "http/core/request.h"
#include "http/jobs/jobs.h"
#include "json/write.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { WAKE_MS = 200, COMMENT_MS = 10000, BLOCK = 8192 };

typedef struct events {
  sb_http_context *context;
  struct MHD_Connection *connection;
  sb_http_principal principal;
  char job[SB_HTTP_JOB_ID + 1];
  bool begun, ended;
  uint64_t version;
  double said_ms;
  char *text; /* still to be sent from `at` on */
  size_t size, at;
  bool asleep;
  struct events *next; /* in the list of subscribers */
} events;

struct sb_http_sse_subscribers {
  pthread_mutex_t lock;
  bool stopping;
  events *first;
  pthread_t thread;
  bool started;
};

/* ---- Waiting for a change */

static void wake_all(sb_http_sse_subscribers *subscribers) {
  pthread_mutex_lock(&subscribers->lock);
  for (events *e = subscribers->first; e; e = e->next) {
    e->asleep = false;
    MHD_resume_connection(e->connection);
  }
  subscribers->first = NULL;
  pthread_mutex_unlock(&subscribers->lock);
}

static void *wake(void *context) {
  sb_http_sse_subscribers *subscribers = context;
  for (bool stop = false; !stop;) {
    nanosleep(&(struct timespec){.tv_nsec = WAKE_MS * 1000000L}, NULL);
    wake_all(subscribers);
    pthread_mutex_lock(&subscribers->lock);
    stop = subscribers->stopping;
    pthread_mutex_unlock(&subscribers->lock);
  }
  return NULL;
}

sb_status sb_http_sse_subscribers_new(sb_http_sse_subscribers **out, sb_error *error) {
  sb_http_sse_subscribers *subscribers = sb_alloc(1, sizeof *subscribers, error);
  if (!subscribers) return SB_NO_MEMORY;
  pthread_mutex_init(&subscribers->lock, NULL);
  int failure = pthread_create(&subscribers->thread, NULL, wake, subscribers);
  subscribers->started = !failure;
  if (failure) {
    sb_http_sse_subscribers_free(subscribers);
    return sb_fail_errno(error, failure, "start a thread for events", NULL);
  }
  *out = subscribers;
  return SB_OK;
}

void sb_http_sse_subscribers_free(sb_http_sse_subscribers *subscribers) {
  if (!subscribers) return;
  pthread_mutex_lock(&subscribers->lock);
  subscribers->stopping = true;
  pthread_mutex_unlock(&subscribers->lock);
  if (subscribers->started) pthread_join(subscribers->thread, NULL);
  wake_all(subscribers);
  pthread_mutex_destroy(&subscribers->lock);
  free(subscribers);
}

static void sleep_on(events *e) {
  sb_http_sse_subscribers *subscribers = e->context->subscribers;
  pthread_mutex_lock(&subscribers->lock);
  MHD_suspend_connection(e->connection);
  e->asleep = true;
  e->next = subscribers->first;
  subscribers->first = e;
  pthread_mutex_unlock(&subscribers->lock);
}

/* ---- The text of events */

/* Makes the next text; false: nothing has changed. */
static bool next_text(events *e) {
  json_t *json = NULL;
  uint64_t version = 0;
  bool ended = false;
  sb_status status = sb_http_auth_still(e->context, &e->principal)
                         ? sb_http_jobs_get(e->context->jobs, &e->principal, e->job, &json, &version, &ended, NULL)
                         : SB_FORBIDDEN;
  double now = sb_monotonic_ms();
  free(e->text);
  e->text = NULL;
  e->at = e->size = 0;
  if (status != SB_OK) e->ended = true;
  bool news = status == SB_OK && (!e->begun || version != e->version);
  int length = 0;
  if (news) {
    char *body = sb_json_write(json);
    length = body ? asprintf(&e->text, "event: %s\ndata: %s\n\n", ended ? "end" : "progress", body) : -1;
    free(body);
    e->begun = true;
    e->version = version;
    e->ended = ended;
  } else if (status == SB_OK && now - e->said_ms > COMMENT_MS) {
    length = asprintf(&e->text, ": still there\n\n");
  }
  json_decref(json);
  if (length <= 0) return false;
  e->size = (size_t)length;
  e->said_ms = now;
  return true;
}

static ssize_t read_events(void *context, uint64_t position, char *buffer, size_t room) {
  (void)position;
  events *e = context;
  if (e->at == e->size) {
    /* A client gets the job's state once, even from a server that is stopping. */
    if (e->ended || (e->begun && atomic_load(&e->context->load.stopping))) return MHD_CONTENT_READER_END_OF_STREAM;
    if (!next_text(e)) {
      if (e->ended) return MHD_CONTENT_READER_END_OF_STREAM;
      sleep_on(e);
      return 0;
    }
  }
  size_t part = e->size - e->at < room ? e->size - e->at : room;
  memcpy(buffer, e->text + e->at, part);
  e->at += part;
  return (ssize_t)part;
}

static void events_free(void *context) {
  events *e = context;
  sb_http_sse_subscribers *subscribers = e->context->subscribers;
  pthread_mutex_lock(&subscribers->lock);
  for (events **at = &subscribers->first; e->asleep && *at; at = &(*at)->next) {
    if (*at != e) continue;
    *at = e->next;
    break;
  }
  pthread_mutex_unlock(&subscribers->lock);
  free(e->text);
  sb_wipe(&e->principal, sizeof e->principal);
  free(e);
}

struct MHD_Response *sb_http_sse_response(const sb_http_request *request, const char *job) {
  events *e = sb_alloc(1, sizeof *e, NULL);
  if (!e) return NULL;
  *e = (events){.context = request->context, .connection = request->connection, .principal = request->principal};
  snprintf(e->job, sizeof e->job, "%s", job);
  e->said_ms = sb_monotonic_ms();
  struct MHD_Response *response =
      MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK, read_events, e, events_free);
  if (!response) free(e);
  return response;
}
