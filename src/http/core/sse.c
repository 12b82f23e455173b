/* A stream sends what its source has, and a comment every ten seconds without news, so that proxies keep the
 * connection.
 *
 * libmicrohttpd asks for bytes in a socket's thread (read_stream). Where there is nothing new the stream suspends its
 * connection and puts itself on the subscribers' list; the thread resumes every listed connection each 200 ms, and
 * libmicrohttpd asks again. */
#include "http/core/sse.h"
#include "http/core/request.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { WAKE_MS = 200, COMMENT_MS = 10000, BLOCK = 8192 };

typedef struct stream {
  sb_http_context *context;
  struct MHD_Connection *connection;
  sb_http_principal principal;
  sb_http_sse_source source;
  bool begun, ended;
  double said_ms;
  char *text; /* still to be sent from `at` on */
  size_t size, at;
  bool asleep;
  struct stream *next; /* in the list of subscribers */
} stream;

struct sb_http_sse_subscribers {
  pthread_mutex_t lock;
  bool stopping;
  stream *first;
  pthread_t thread;
  bool started;
};

/* ---- Waiting for a change */

static void wake_all(sb_http_sse_subscribers *subscribers) {
  pthread_mutex_lock(&subscribers->lock);
  for (stream *s = subscribers->first; s; s = s->next) {
    s->asleep = false;
    MHD_resume_connection(s->connection);
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

static void sleep_on(stream *s) {
  sb_http_sse_subscribers *subscribers = s->context->subscribers;
  pthread_mutex_lock(&subscribers->lock);
  MHD_suspend_connection(s->connection);
  s->asleep = true;
  s->next = subscribers->first;
  subscribers->first = s;
  pthread_mutex_unlock(&subscribers->lock);
}

/* ---- What is sent */

/* Makes the next text; false: nothing has changed. */
static bool next_text(stream *s) {
  sb_http_sse_news news = SB_HTTP_SSE_END;
  free(s->text);
  s->text = NULL;
  s->at = s->size = 0;
  if (sb_http_auth_still(s->context, &s->principal)) {
    sb_actor_set(s->principal.actor, s->principal.collection);
    news = s->source.next(s->source.state, &s->text);
    sb_actor_set(NULL, NULL);
  }
  double now = sb_monotonic_ms();
  s->ended = news == SB_HTTP_SSE_LAST || news == SB_HTTP_SSE_END;
  if (news == SB_HTTP_SSE_NOTHING && now - s->said_ms > COMMENT_MS) s->text = sb_strdup(": still there\n\n", NULL);
  if (!s->text) return false;
  if (news != SB_HTTP_SSE_NOTHING) s->begun = true;
  s->size = strlen(s->text);
  s->said_ms = now;
  return true;
}

static ssize_t read_stream(void *context, uint64_t position, char *buffer, size_t room) {
  (void)position;
  stream *s = context;
  if (s->at == s->size) {
    /* A client gets the first news once, even from a server that is stopping. */
    bool stopping = atomic_load(&s->context->load.stopping);
    if (s->ended || (s->begun && stopping)) return MHD_CONTENT_READER_END_OF_STREAM;
    if (!next_text(s)) {
      if (s->ended || stopping) return MHD_CONTENT_READER_END_OF_STREAM;
      sleep_on(s);
      return 0;
    }
  }
  size_t part = s->size - s->at < room ? s->size - s->at : room;
  memcpy(buffer, s->text + s->at, part);
  s->at += part;
  return (ssize_t)part;
}

static void stream_free(void *context) {
  stream *s = context;
  sb_http_sse_subscribers *subscribers = s->context->subscribers;
  pthread_mutex_lock(&subscribers->lock);
  for (stream **at = &subscribers->first; s->asleep && *at; at = &(*at)->next) {
    if (*at != s) continue;
    *at = s->next;
    break;
  }
  pthread_mutex_unlock(&subscribers->lock);
  s->source.release(s->source.state);
  free(s->text);
  sb_wipe(&s->principal, sizeof s->principal);
  free(s);
}

static struct MHD_Response *response_of(const sb_http_request *request, sb_http_sse_source source) {
  stream *s = sb_alloc(1, sizeof *s, NULL);
  if (!s) return NULL;
  *s = (stream){.context = request->context,
                .connection = request->connection,
                .principal = request->principal,
                .source = source,
                .said_ms = sb_monotonic_ms()};
  struct MHD_Response *response =
      MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK, read_stream, s, stream_free);
  if (!response) free(s);
  return response;
}

void sb_http_sse_reply(sb_http_request *request, sb_http_sse_source source) {
  sb_http_reply_empty(request, 200);
  request->reply.type = "text/event-stream";
  request->reply.stream = response_of(request, source);
  if (request->reply.stream) return;
  source.release(source.state);
  sb_http_reply_error(request, &(sb_error){SB_NO_MEMORY, "out of memory"});
}
