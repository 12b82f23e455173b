/* One event for each change of a job, a comment while nothing changes. */
#include "http/jobs/events.h"
#include "http/core/request.h"
#include "http/jobs/jobs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { WAKE_MS = 200, COMMENT_MS = 10000, BLOCK = 8192 };

typedef struct events {
  sb_server *server;
  struct MHD_Connection *connection;
  sb_actor caller;
  sb_principal who;
  char job[SB_JOB_ID + 1];
  bool begun, ended;
  uint64_t version;
  double said_ms;
  char *text; /* to be sent, from `at` on */
  size_t size, at;
  bool asleep;
  struct events *next; /* among the sleepers */
} events;

struct sb_sse_subscribers {
  pthread_mutex_t lock;
  bool stopping;
  events *first;
  pthread_t thread;
  bool started;
};

/* ---- Sleeping */

static void wake_all(sb_sse_subscribers *sleepers) {
  pthread_mutex_lock(&sleepers->lock);
  for (events *e = sleepers->first; e; e = e->next) {
    e->asleep = false;
    MHD_resume_connection(e->connection);
  }
  sleepers->first = NULL;
  pthread_mutex_unlock(&sleepers->lock);
}

static void *wake(void *context) {
  sb_sse_subscribers *sleepers = context;
  for (bool stop = false; !stop;) {
    nanosleep(&(struct timespec){.tv_nsec = WAKE_MS * 1000000L}, NULL);
    wake_all(sleepers);
    pthread_mutex_lock(&sleepers->lock);
    stop = sleepers->stopping;
    pthread_mutex_unlock(&sleepers->lock);
  }
  return NULL;
}

sb_status sb_sse_subscribers_new(sb_sse_subscribers **out, sb_error *error) {
  sb_sse_subscribers *sleepers = sb_alloc(1, sizeof *sleepers, error);
  if (!sleepers) return SB_NO_MEMORY;
  pthread_mutex_init(&sleepers->lock, NULL);
  int failure = pthread_create(&sleepers->thread, NULL, wake, sleepers);
  sleepers->started = !failure;
  if (failure) {
    sb_sse_subscribers_free(sleepers);
    return sb_fail_errno(error, failure, "start a thread for events", NULL);
  }
  *out = sleepers;
  return SB_OK;
}

void sb_sse_subscribers_free(sb_sse_subscribers *sleepers) {
  if (!sleepers) return;
  pthread_mutex_lock(&sleepers->lock);
  sleepers->stopping = true;
  pthread_mutex_unlock(&sleepers->lock);
  if (sleepers->started) pthread_join(sleepers->thread, NULL);
  wake_all(sleepers);
  pthread_mutex_destroy(&sleepers->lock);
  free(sleepers);
}

static void sleep_on(events *e) {
  sb_sse_subscribers *sleepers = e->server->sleepers;
  pthread_mutex_lock(&sleepers->lock);
  MHD_suspend_connection(e->connection);
  e->asleep = true;
  e->next = sleepers->first;
  sleepers->first = e;
  pthread_mutex_unlock(&sleepers->lock);
}

/* ---- Telling */

/* Makes the next text; false: nothing is new. */
static bool next_text(events *e) {
  json_t *json = NULL;
  uint64_t version = 0;
  bool ended = false;
  sb_actor_set(e->caller.actor, e->caller.collection);
  sb_status status = sb_auth_still(e->server, &e->who)
                         ? sb_jobs_get(e->server->jobs, e->job, &json, &version, &ended, NULL)
                         : SB_FORBIDDEN;
  sb_actor_set(NULL, NULL);
  double now = sb_monotonic_ms();
  free(e->text);
  e->text = NULL;
  e->at = e->size = 0;
  if (status != SB_OK) e->ended = true;
  bool news = status == SB_OK && (!e->begun || version != e->version);
  int length = 0;
  if (news) {
    char *body = json_dumps(json, JSON_COMPACT);
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
    /* Who asked is told once how the job stands, even by a server that stops. */
    if (e->ended || (e->begun && atomic_load(&e->server->stopping))) return MHD_CONTENT_READER_END_OF_STREAM;
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
  sb_sse_subscribers *sleepers = e->server->sleepers;
  pthread_mutex_lock(&sleepers->lock);
  for (events **at = &sleepers->first; e->asleep && *at; at = &(*at)->next) {
    if (*at != e) continue;
    *at = e->next;
    break;
  }
  pthread_mutex_unlock(&sleepers->lock);
  free(e->text);
  sb_wipe(&e->who, sizeof e->who);
  free(e);
}

struct MHD_Response *sb_events_response(const sb_request *request, const char *job) {
  events *e = sb_alloc(1, sizeof *e, NULL);
  if (!e) return NULL;
  *e = (events){
      .server = request->server, .connection = request->connection, .caller = *sb_actor_get(), .who = request->who};
  snprintf(e->job, sizeof e->job, "%s", job);
  e->said_ms = sb_monotonic_ms();
  struct MHD_Response *response =
      MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK, read_events, e, events_free);
  if (!response) free(e);
  return response;
}
