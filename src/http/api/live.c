/* The live channel: a WebSocket on which each binary message is a photo from a camera and each answer is the
 * search's JSON.
 *
 * A channel has two threads. The reader takes messages off the socket and stores the newest photo in `newest`; the
 * searcher takes it from there, searches and sends the answer. A photo that arrives while another one is being
 * searched replaces the one that waits, so a slow server drops frames instead of falling behind, and memory is three
 * frames at most (in arrival, waiting, in work).
 *
 * Ends: the client closes; this side closes with a code of RFC 6455 (protocol error, server stops, key revoked,
 * message too large); or nothing arrives for a minute. After a close from this side the reader drains the socket,
 * see drain. */
#include "http/api/live.h"
#include "http/api/liveness_fields.h"
#include "http/core/disclosure.h"
#include "http/core/live_sessions.h"
#include "http/core/params.h"
#include "http/core/upgrade.h"
#include "http/core/websocket.h"
#include "http/ops/metrics.h"
#include "json/results.h"
#include "json/write.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum {
  CHANNELS_MAX = 16,               /* open at the same time */
  CANDIDATES_MAX = 20,             /* `k` */
  FRAME_MAX = 8 << 20,             /* bytes of a message */
  POLL_MS = 200,                   /* how often a waiting thread looks whether the server stops */
  RECHECK_MS = 1000,               /* how often the caller's key is checked again */
  SEND_MS_MAX = 10000,             /* a client that reads nothing for so long is disconnected */
  IDLE_MS_MAX = 60000,             /* and one that sends nothing */
  DRAIN_QUIET_MS = 2000,           /* see drain */
  DRAIN_MS_MAX = 10000,            /* the same */
  DRAIN_BYTES_MAX = 2 * FRAME_MAX, /* the same */
  CHUNK = 65536                    /* bytes read at once */
};

typedef struct live {
  sb_http_live_sessions *live_sessions;
  sb_http_context *context;
  sb_actor caller;
  sb_http_principal principal; /* checked again every RECHECK_MS */
  double checked_ms;
  struct MHD_UpgradeResponseHandle *handle;
  int socket;
  char liveness[SB_HTTP_LIVENESS_ID + 1]; /* the session that the frames are for; "": the frames are searched */
  char *collection;
  size_t k;
  sb_search_watch watch;
  bool largest;
  bool hung_up; /* this side closed the channel: the client may still be sending */
  char *extra;  /* bytes that the client sent right behind the handshake */
  size_t extra_size;
  pthread_mutex_t lock; /* guards the members down to `waiting` */
  pthread_cond_t arrived;
  bool closing;
  sb_buffer newest;
  double newest_ms;        /* when it arrived */
  size_t frame, dropped;   /* number of the newest frame; frames dropped since the last answer */
  bool waiting;            /* `newest` has not been taken by the searcher */
  pthread_mutex_t sending; /* guards `close_sent` and writing to the socket */
  bool close_sent;
} live;

enum { OPCODE_TEXT = 1, OPCODE_CLOSE = 8, OPCODE_PONG = 10 };

static bool is_stopping(const live *l) {
  return sb_http_live_sessions_stopping(l->live_sessions);
}

static void live_free(live *l) {
  sb_http_live_sessions *live_sessions = l->live_sessions;
  sb_buffer_free(&l->newest);
  free(l->collection);
  free(l->extra);
  sb_wipe(&l->principal, sizeof l->principal);
  pthread_cond_destroy(&l->arrived);
  pthread_mutex_destroy(&l->lock);
  pthread_mutex_destroy(&l->sending);
  free(l);
  sb_http_live_sessions_leave(live_sessions);
}

/* ---- Sending */

static bool send_bytes(live *l, const void *bytes, size_t size, int flags) {
  double start = sb_monotonic_ms();
  for (size_t sent = 0; sent < size;) {
    ssize_t count = send(l->socket, (const char *)bytes + sent, size - sent, flags | MSG_NOSIGNAL | MSG_DONTWAIT);
    if (count > 0) {
      sent += (size_t)count;
    } else if (count < 0 && (errno == EAGAIN || errno == EINTR)) {
      /* The client does not read: it is disconnected after a while. */
      if (sb_monotonic_ms() - start > SEND_MS_MAX || is_stopping(l)) return false;
      poll(&(struct pollfd){.fd = l->socket, .events = POLLOUT}, 1, POLL_MS);
    } else {
      return false;
    }
  }
  return true;
}

/* Nothing may follow a close frame (RFC 6455, 5.5.1), not even an answer that was in work when it was sent. */
static bool send_message(live *l, int opcode, const void *bytes, size_t size) {
  uint8_t header[10];
  size_t length = sb_http_websocket_header(opcode, size, header);
  pthread_mutex_lock(&l->sending);
  /* MSG_MORE: header and body leave in one packet. In two, the second would wait for an acknowledgement of the
   * first. */
  bool sent = !l->close_sent && send_bytes(l, header, length, size ? MSG_MORE : 0) && send_bytes(l, bytes, size, 0);
  l->close_sent = l->close_sent || opcode == OPCODE_CLOSE;
  pthread_mutex_unlock(&l->sending);
  return sent;
}

/* Closes the channel with a status code of RFC 6455, 7.4.1. */
static void hang_up(live *l, unsigned code) {
  send_message(l, OPCODE_CLOSE, (uint8_t[]){(uint8_t)(code >> 8), (uint8_t)code}, 2);
  l->hung_up = true;
}

static void close_live(live *l) {
  pthread_mutex_lock(&l->lock);
  l->closing = true;
  pthread_cond_broadcast(&l->arrived);
  pthread_mutex_unlock(&l->lock);
}

/* ---- Searching */

typedef struct taken {
  size_t number, dropped;
  double at_ms;
} taken;

/* Waits for a frame and takes it; false: the channel closes. */
static bool take_frame(live *l, sb_buffer *frame, taken *out) {
  pthread_mutex_lock(&l->lock);
  while (!l->waiting && !l->closing) pthread_cond_wait(&l->arrived, &l->lock);
  bool closing = l->closing;
  if (!closing) {
    sb_buffer empty = *frame;
    *frame = l->newest;
    l->newest = empty;
    *out = (taken){l->frame, l->dropped, l->newest_ms};
    l->dropped = 0;
    l->waiting = false;
  }
  pthread_mutex_unlock(&l->lock);
  return !closing;
}

static json_t *error_json(sb_status status, const sb_error *error) {
  return json_pack("{s:{s:s,s:s}}", "error", "code", sb_status_code(status), "message", error->message);
}

static json_t *liveness_answer(live *l, const sb_buffer *frame, double at_ms) {
  sb_error error = {0};
  sb_http_liveness_view view;
  const sb_photo photo = {frame->bytes ? frame->bytes : "", frame->size};
  sb_status status =
      sb_http_liveness_feed(l->context->liveness, &l->principal, l->liveness, photo, at_ms, &view, &error);
  return status == SB_OK ? sb_http_liveness_json(&view) : error_json(status, &error);
}

static json_t *search_answer(live *l, const sb_buffer *frame) {
  sb_error error = {0};
  sb_search_result *result = NULL;
  sb_search_request search = {.struct_size = sizeof search,
                              .collection = l->collection,
                              .photo = {frame->bytes ? frame->bytes : "", frame->size},
                              .k = l->k,
                              .largest_only = l->largest,
                              .watch = &l->watch,
                              .target = sb_http_operating_point(l->context)};
  sb_status status = sb_http_disclose_wait(l->context, &l->principal)
                         ? sb_fail(&error, SB_BUSY, "the key has searched as many photos as it may in a day")
                         : sb_engine_search(l->context->engine, &search, &result, &error);
  if (status == SB_OK) sb_http_disclose_search(l->context, &l->principal, false, result);
  if (status == SB_OK) sb_http_metrics_count_frame(l->context->metrics, result->elapsed_ms);
  json_t *json = status == SB_OK ? sb_json_search(result) : error_json(status, &error);
  sb_search_result_free(result);
  return json;
}

static void *search_frames(void *context) {
  live *l = context;
  sb_buffer frame = {0};
  taken t = {0};
  sb_actor_set(l->caller.name, l->caller.collection);
  while (take_frame(l, &frame, &t)) {
    json_t *json = *l->liveness ? liveness_answer(l, &frame, t.at_ms) : search_answer(l, &frame);
    if (json) {
      json_object_set_new(json, "frame", json_integer((json_int_t)t.number));
      json_object_set_new(json, "dropped", json_integer((json_int_t)t.dropped));
    }
    char *text = sb_json_write(json);
    json_decref(json);
    if (!text || !send_message(l, OPCODE_TEXT, text, strlen(text))) close_live(l);
    free(text);
  }
  sb_actor_set(NULL, NULL);
  sb_buffer_free(&frame);
  return NULL;
}

/* ---- Reading */

static void keep_frame(live *l, sb_buffer *message) {
  pthread_mutex_lock(&l->lock);
  sb_buffer old = l->newest;
  l->newest = *message;
  l->newest_ms = sb_monotonic_ms();
  *message = old; /* its memory is used for the next message */
  l->frame++;
  l->dropped += l->waiting;
  l->waiting = true;
  pthread_cond_signal(&l->arrived);
  pthread_mutex_unlock(&l->lock);
}

static bool refuse_text(live *l) {
  static const char refusal[] =
      "{\"error\":{\"code\":\"invalid\",\"message\":\"a text message is no photo: send each photo as a binary "
      "message\"}}";
  return send_message(l, OPCODE_TEXT, refusal, sizeof refusal - 1);
}

/* Handles some bytes from the client; false: the channel ends. */
static bool feed(live *l, sb_http_websocket *socket, const uint8_t *bytes, size_t size) {
  for (size_t at = 0; at < size;) {
    sb_http_message_kind kind = SB_HTTP_MESSAGE_NONE;
    size_t used = 0;
    sb_status status = sb_http_websocket_feed(socket, bytes + at, size - at, &used, &kind, NULL);
    at += used;
    if (status != SB_OK) {
      hang_up(l, status == SB_TOO_LARGE ? 1009 : 1002);
      return false;
    }
    if (kind == SB_HTTP_MESSAGE_BINARY) keep_frame(l, &socket->message);
    if (kind == SB_HTTP_MESSAGE_TEXT && !refuse_text(l)) return false;
    if (kind == SB_HTTP_MESSAGE_PING &&
        !send_message(l, OPCODE_PONG, socket->control.bytes ? socket->control.bytes : "", socket->control.size))
      return false;
    if (kind == SB_HTTP_MESSAGE_CLOSE) {
      send_message(l, OPCODE_CLOSE, socket->control.bytes ? socket->control.bytes : "",
                   socket->control.size < 2 ? 0 : 2);
      return false;
    }
  }
  return true;
}

/* The caller's key may be revoked, or expire, while the channel is open. */
static bool may_go_on(live *l) {
  double now = sb_monotonic_ms();
  if (now - l->checked_ms < RECHECK_MS) return true;
  l->checked_ms = now;
  if (sb_http_auth_still(l->context, &l->principal)) return true;
  hang_up(l, 1008); /* policy violation */
  return false;
}

static bool read_some(live *l, sb_http_websocket *socket, uint8_t *chunk, double *heard_ms) {
  struct pollfd wait = {.fd = l->socket, .events = POLLIN};
  int ready = poll(&wait, 1, POLL_MS);
  if (is_stopping(l)) {
    hang_up(l, 1001); /* going away */
    return false;
  }
  if (!may_go_on(l)) return false;
  if (ready <= 0) return sb_monotonic_ms() - *heard_ms < IDLE_MS_MAX;
  ssize_t count = recv(l->socket, chunk, CHUNK, MSG_DONTWAIT);
  if (count < 0) return errno == EAGAIN || errno == EINTR;
  *heard_ms = sb_monotonic_ms();
  return count > 0 && feed(l, socket, chunk, (size_t)count);
}

/* Closing a socket that has unread bytes resets the connection, and the client may never read the close frame that
 * says why. So the client is told that no more is sent, and its bytes are read and thrown away, until it closes,
 * too, or is quiet for DRAIN_QUIET_MS. */
static void drain(live *l, uint8_t *chunk) {
  double start = sb_monotonic_ms(), heard = start;
  size_t drained = 0;
  if (!l->context->tls.on)
    shutdown(l->socket, SHUT_WR); /* with TLS the socket is the daemon's, and this would close both directions */
  while (drained < DRAIN_BYTES_MAX && sb_monotonic_ms() - start < DRAIN_MS_MAX) {
    double now = sb_monotonic_ms();
    struct pollfd wait = {.fd = l->socket, .events = POLLIN};
    if (poll(&wait, 1, POLL_MS) <= 0) {
      if (now - heard > DRAIN_QUIET_MS || is_stopping(l)) return;
      continue;
    }
    ssize_t count = recv(l->socket, chunk, CHUNK, MSG_DONTWAIT);
    if (count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR)) return;
    drained += count > 0 ? (size_t)count : 0;
    heard = now;
  }
}

static void *run(void *context) {
  live *l = context;
  sb_http_websocket socket = {.limit = FRAME_MAX < l->context->limits.body ? FRAME_MAX : l->context->limits.body};
  uint8_t *chunk = malloc(CHUNK);
  pthread_t searcher;
  bool started = chunk && !pthread_create(&searcher, NULL, search_frames, l);
  double heard_ms = sb_monotonic_ms();
  bool open = started && feed(l, &socket, (uint8_t *)l->extra, l->extra_size);
  while (open) {
    open = read_some(l, &socket, chunk, &heard_ms);
    pthread_mutex_lock(&l->lock);
    open = open && !l->closing;
    pthread_mutex_unlock(&l->lock);
  }
  close_live(l);
  if (started) pthread_join(searcher, NULL);
  if (l->hung_up) drain(l, chunk);
  MHD_upgrade_action(l->handle, MHD_UPGRADE_ACTION_CLOSE);
  sb_http_websocket_free(&socket);
  free(chunk);
  live_free(l);
  return NULL;
}

/* ---- Opening */

static void begin(void *state, MHD_socket socket, struct MHD_UpgradeResponseHandle *handle, const char *extra,
                  size_t extra_size) {
  live *l = state;
  pthread_t thread;
  l->socket = socket;
  l->handle = handle;
  l->extra = malloc(extra_size + 1);
  if (l->extra && extra_size) memcpy(l->extra, extra, extra_size);
  l->extra_size = l->extra ? extra_size : 0;
  if (!pthread_create(&thread, NULL, run, l)) {
    pthread_detach(thread);
    return;
  }
  MHD_upgrade_action(handle, MHD_UPGRADE_ACTION_CLOSE);
  live_free(l);
}

/* The connection ended before the answer was sent. */
static void abandon(void *state) {
  live_free(state);
}

/* What the handshake needs (RFC 6455, 4.2.1), without its key. */
static bool asks_for_websocket(const sb_http_request *request) {
  const char *version = sb_http_header(request, "Sec-WebSocket-Version");
  return !request->old && version && !strcmp(version, "13") && sb_http_header_lists(request, "Upgrade", "websocket") &&
         sb_http_header_lists(request, "Connection", "upgrade");
}

/* The session must be the caller's. */
static sb_status read_liveness(sb_http_request *request, live *l, const char *id, sb_error *error) {
  sb_http_liveness_view view;
  if (!id) return SB_OK;
  sb_status status = sb_http_liveness_get(request->context->liveness, &request->principal, id, &view, error);
  if (status == SB_OK) memcpy(l->liveness, view.id, sizeof l->liveness);
  return status;
}

static sb_status read_options(sb_http_request *request, live *l, sb_error *error) {
  sb_http_params p = sb_http_params_begin(request);
  const char *collection = sb_http_params_collection(&p);
  l->k = sb_http_params_count(&p, "k", 1, CANDIDATES_MAX, 1);
  l->largest = sb_http_params_is(&p, "faces", "all", "largest");
  if (p.error.code == SB_OK) l->collection = sb_strdup(collection, &p.error);
  *error = p.error;
  return p.error.code;
}

sb_status sb_http_live_open(sb_http_request *request, const char *liveness, sb_error *error) {
  const char *key = sb_http_header(request, "Sec-WebSocket-Key");
  char accept[SB_HTTP_WEBSOCKET_ACCEPT];
  if (!asks_for_websocket(request) || !key || !sb_http_websocket_accept(key, accept))
    return sb_fail(error, SB_INVALID,
                   "this address speaks WebSocket (RFC 6455, version 13) over HTTP/1.1: send Connection: Upgrade and "
                   "Upgrade: websocket, then each photo as a binary message");
  live *l = sb_alloc(1, sizeof *l, error);
  if (!l) return SB_NO_MEMORY;
  *l = (live){.live_sessions = request->context->live_sessions,
              .context = request->context,
              .caller = *sb_actor_get(),
              .principal = request->principal};
  sb_status status = read_options(request, l, error);
  if (status == SB_OK) status = read_liveness(request, l, liveness, error);
  if (status == SB_OK && !sb_http_live_sessions_enter(l->live_sessions, CHANNELS_MAX))
    status = sb_fail(error, SB_BUSY, "%d cameras are connected already: close one first", CHANNELS_MAX);
  if (status != SB_OK) {
    free(l->collection);
    free(l);
    return status;
  }
  pthread_mutex_init(&l->lock, NULL);
  pthread_mutex_init(&l->sending, NULL);
  pthread_cond_init(&l->arrived, NULL);
  const sb_http_upgrade upgrade = {.state = l, .begin = begin, .abandon = abandon};
  const char *const header[2] = {"Sec-WebSocket-Accept", accept};
  return sb_http_upgrade_reply(request, &upgrade, "websocket", header, error);
}
