/* One thread hands the next event of each receiver to the sender process and takes the answers.
 *
 * A receiver has one request on its way at most, so its events stay in order: the next one is sent when this one was
 * acknowledged (2xx) or given up. What is acknowledged is written before the next event is sent; a crash in between
 * sends it again, with the same webhook-id.
 *
 *   2xx                      acknowledged; of MQTT: by PUBACK
 *   410                      the receiver has ended
 *   other 4xx, MQTT's 128..  given up after TRIES_MAX tries, and listed
 *   408, 429, 5xx, 3xx, none sent again, for GIVE_UP_MS; then given up, and listed */
#include "http/outbox/outbox.h"

#include "http/outbox/announce.h"
#include "http/outbox/message.h"
#include "webhook/broker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
  WAIT_MS = 200,
  IDLE_MS = 500, /* between two looks for a first receiver */
  RELOAD_MS = 1000,
  ANSWER_MS = 30000, /* the sender answers within 15 s; without an answer it has crashed */
  LEASE_MS = 30000,
  RENEW_MS = 15000, /* the lease is renewed when it ends so soon */
  ASK_MS = 2000,    /* between two attempts to get a lease that another server has */
  SKIP_MAX = 256,   /* events that a receiver does not want, before its position is written */
  PAUSE_MS_MAX = 3600000,
  TRIES_MAX = 10
};
static const int64_t GIVE_UP_MS = 3LL * 86400000;

typedef struct delivery {
  sb_store_receiver receiver;
  uint64_t request; /* on its way; 0: none */
  uint64_t event;   /* of the request; 0: it is an announcement */
  double sent_ms;
  bool held;
  sb_http_announcer *announcer; /* of an MQTT receiver; else NULL */
  double lease_ms; /* until when the lease is held or, if it is not, from when on to ask for it (monotonic) */
} delivery;

typedef enum test_state { TEST_NONE, TEST_WANTED, TEST_SENT, TEST_DONE } test_state;

struct sb_http_outbox {
  sb_engine *engine;
  sb_webhook_sender *sender;
  int64_t retry_ms, holder;
  pthread_t thread;
  pthread_mutex_t lock; /* guards `stopping` and the test */
  pthread_cond_t changed;
  bool stopping;
  test_state test;
  int64_t test_receiver;
  uint64_t test_request;
  double test_ms;
  sb_http_outbox_result test_result;
  /* Of the thread. */
  size_t count;
  delivery deliveries[SB_ENGINE_RECEIVERS_MAX];
  double loaded_ms;
  uint64_t requests; /* the number of the last one */
  bool well;
};

/* ---- Receivers */

static delivery *delivery_of(sb_http_outbox *outbox, int64_t row) {
  for (size_t i = 0; i < outbox->count; i++)
    if (outbox->deliveries[i].receiver.row == row) return &outbox->deliveries[i];
  return NULL;
}

/* Removes what is retained of a receiver that is not among the `count` of `next`, and ends the connection to its
 * broker; tried once. A receiver of the same URL, which may have taken its place, needs what is retained. */
static void say_goodbye(sb_http_outbox *outbox, const sb_store_receiver *gone, const delivery *next, size_t count) {
  sb_error error = {0};
  sb_buffer body = {0};
  bool shared = false;
  for (size_t i = 0; i < count; i++) shared |= !strcmp(next[i].receiver.url, gone->url);
  sb_status status = shared ? sb_buffer_add(&body, gone->ca, strlen(gone->ca) + 1, &error)
                            : sb_http_mqtt_forget_all(outbox->engine, gone, &body, &error);
  if (status == SB_OK) {
    sb_http_webhook_message message = sb_http_mqtt_message(gone, &body, SB_WEBHOOK_LAST);
    status = sb_http_webhook_message_send(outbox->sender, gone, &message, ++outbox->requests, &error);
    free(message.body);
  }
  sb_buffer_free(&body);
  if (status != SB_OK)
    sb_log(SB_LOG_WARNING, "what is retained at the broker of receiver %lld was not removed: %s", (long long)gone->row,
           error.message);
}

static bool is_among(const delivery *all, size_t count, int64_t row) {
  for (size_t i = 0; i < count; i++)
    if (all[i].receiver.row == row) return true;
  return false;
}

/* Reads the receivers again. What is on its way stays so. */
static sb_status load(sb_http_outbox *outbox, sb_error *error) {
  static sb_store_receiver found[SB_ENGINE_RECEIVERS_MAX];
  static delivery next[SB_ENGINE_RECEIVERS_MAX];
  size_t count = 0;
  sb_status status = sb_engine_receivers(outbox->engine, found, &count, error);
  if (status != SB_OK) return status;
  for (size_t i = 0; i < count; i++) {
    const delivery *before = delivery_of(outbox, found[i].row);
    next[i] = before ? *before : (delivery){.request = 0};
    next[i].receiver = found[i];
  }
  for (size_t i = 0; i < outbox->count; i++) {
    const delivery *old = &outbox->deliveries[i];
    if (is_among(next, count, old->receiver.row)) continue;
    if (sb_webhook_is_mqtt(old->receiver.url)) say_goodbye(outbox, &old->receiver, next, count);
    free(old->announcer);
  }
  memcpy(outbox->deliveries, next, count * sizeof *next);
  outbox->count = count;
  outbox->loaded_ms = sb_monotonic_ms();
  sb_wipe(found, sizeof found);
  sb_wipe(next, sizeof next);
  return SB_OK;
}

/* ---- Results of a try */

/* Doubles with each try, up to an hour; between half and all of that, so that receivers that failed together are not
 * asked together. */
static int64_t pause_ms(const sb_http_outbox *outbox, int64_t tries) {
  uint32_t random = 0;
  int64_t pause = outbox->retry_ms;
  for (int64_t i = 1; i < tries && pause < PAUSE_MS_MAX; i++) pause *= 2;
  if (pause > PAUSE_MS_MAX) pause = PAUSE_MS_MAX;
  sb_crypto_random(&random, sizeof random);
  return pause / 2 + (int64_t)(random % (uint64_t)(pause / 2 + 1));
}

static bool is_refusal(int status) {
  enum { MQTT_REASON = 128, MQTT_QUOTA = 0x97, MQTT_REASON_END = 200 }; /* a quota may be free again later */
  if (status >= MQTT_REASON && status < MQTT_REASON_END) return status != MQTT_QUOTA;
  return status >= 400 && status < 500 && status != 408 && status != 429;
}

static void note_done(sb_store_receiver *r, uint64_t event) {
  r->position = (int64_t)event;
  r->tries = r->failing_since_ms = r->next_try_ms = 0;
  r->error[0] = 0;
}

/* `*dead` is filled in where the event is given up; else its event stays 0. */
static void note_failure(const sb_http_outbox *outbox, delivery *d, int status, const char *error,
                         sb_store_dead_letter *dead) {
  sb_store_receiver *r = &d->receiver;
  int64_t now = sb_now_ms();
  r->tries++;
  if (!r->failing_since_ms) r->failing_since_ms = now;
  if (status && !*error)
    snprintf(r->error, sizeof r->error, "it answered %d", status);
  else
    snprintf(r->error, sizeof r->error, "%s", error);
  r->ended = status == 410;
  r->next_try_ms = r->ended ? 0 : now + pause_ms(outbox, r->tries);
  if (r->ended || !((is_refusal(status) && r->tries >= TRIES_MAX) || now - r->failing_since_ms > GIVE_UP_MS)) return;
  *dead = (sb_store_dead_letter){.receiver = r->row, .event = (int64_t)d->event, .at_ms = now, .tries = r->tries};
  memcpy(dead->error, r->error, sizeof dead->error);
  note_done(r, d->event);
}

/* No names, addresses or URLs: the log says which receiver. */
static void log_result(const sb_store_receiver *r, const sb_store_dead_letter *dead) {
  if (dead->event)
    sb_log(SB_LOG_ERROR, "event %lld was given up for receiver %lld after %lld tries", (long long)dead->event,
           (long long)r->row, (long long)dead->tries);
  else if (r->ended)
    sb_log(SB_LOG_WARNING, "receiver %lld has ended: it answered 410", (long long)r->row);
  else if (r->tries == 1)
    sb_log(SB_LOG_WARNING, "receiver %lld failed; it is tried again", (long long)r->row);
}

/* What cannot be written now is tried again: the event is sent once more. */
static void finish_try(sb_http_outbox *outbox, delivery *d, int status, const char *error) {
  sb_error cause = {0};
  sb_store_dead_letter dead = {.event = 0};
  bool held = false;
  d->request = 0;
  if (!d->event) {
    sb_http_announcer_end(d->announcer, status >= 200 && status < 300,
                          pause_ms(outbox, sb_http_announcer_failures(d->announcer) + 1));
    return;
  }
  if (status >= 200 && status < 300)
    note_done(&d->receiver, d->event);
  else
    note_failure(outbox, d, status, error, &dead);
  sb_status written =
      sb_engine_outbox_update(outbox->engine, &d->receiver, outbox->holder, dead.event ? &dead : NULL, &held, &cause);
  if (written == SB_OK && held) {
    log_result(&d->receiver, &dead);
    return;
  }
  d->held = false;
  d->lease_ms = sb_monotonic_ms() + ASK_MS;
  outbox->loaded_ms = 0;
  if (written != SB_OK) sb_log(SB_LOG_WARNING, "the outbox could not be written: %s", cause.message);
}

/* ---- Sending */

/* `*held`: the lease is ours, and the position is no older than that. */
static sb_status have_lease(sb_http_outbox *outbox, delivery *d, bool *held, sb_error *error) {
  double now = sb_monotonic_ms();
  bool before = d->held;
  *held = before && now < d->lease_ms - RENEW_MS;
  if (*held || (!before && now < d->lease_ms)) return SB_OK;
  sb_status status = sb_engine_outbox_lease(outbox->engine, d->receiver.row, outbox->holder, LEASE_MS, &d->held, error);
  if (status != SB_OK) return status;
  d->lease_ms = now + (d->held ? LEASE_MS : ASK_MS);
  *held = before && d->held;
  if (!before && d->held) outbox->loaded_ms = 0; /* another server may have delivered until now */
  return SB_OK;
}

/* Releases the message. `event` 0: an announcement. */
static sb_status send_message(sb_http_outbox *outbox, delivery *d, sb_http_webhook_message message, uint64_t event,
                              sb_error *error) {
  sb_status status = sb_http_webhook_message_send(outbox->sender, &d->receiver, &message, outbox->requests + 1, error);
  free(message.body);
  if (status == SB_BUSY) return SB_OK; /* in the next round */
  if (status != SB_OK) return status;
  d->request = ++outbox->requests;
  d->event = event;
  d->sent_ms = sb_monotonic_ms();
  return SB_OK;
}

static sb_status send_event(sb_http_outbox *outbox, delivery *d, const sb_event *event, sb_error *error) {
  sb_http_webhook_message message;
  sb_status status = sb_http_webhook_message_make(&d->receiver, event, &message, error);
  return status == SB_OK ? send_message(outbox, d, message, event->number, error) : status;
}

/* A time that is further away than any pause is of a clock that was set back. */
static bool is_due(const delivery *d, uint64_t newest) {
  const sb_store_receiver *r = &d->receiver;
  int64_t left = r->next_try_ms - sb_now_ms();
  return !r->ended && !d->request && (uint64_t)r->position < newest && (left <= 0 || left > PAUSE_MS_MAX);
}

/* The receiver does not want the events up to this one. */
static sb_status skip_to(sb_http_outbox *outbox, delivery *d, uint64_t number, sb_error *error) {
  int64_t before = d->receiver.position;
  d->receiver.position = (int64_t)number;
  if ((int64_t)number - before < SKIP_MAX) return SB_OK;
  return sb_engine_outbox_update(outbox->engine, &d->receiver, outbox->holder, NULL, &d->held, error);
}

static sb_status deliver_next(sb_http_outbox *outbox, delivery *d, sb_error *error) {
  sb_events *events = NULL;
  bool held = false;
  sb_status status = have_lease(outbox, d, &held, error);
  if (status != SB_OK || !held) return status;
  status = sb_engine_outbox_next(outbox->engine, &d->receiver, &events, error);
  if (status == SB_NOT_FOUND) { /* it was removed */
    outbox->loaded_ms = 0;
    return SB_OK;
  }
  if (status != SB_OK) return status;
  status = events->count ? send_event(outbox, d, &events->items[0], error) : skip_to(outbox, d, events->newest, error);
  sb_events_free(events);
  return status;
}

/* Between events, what an MQTT receiver has to know of the cameras is sent to it. */
static sb_status announce(sb_http_outbox *outbox, delivery *d, sb_error *error) {
  sb_buffer body = {0};
  bool held = false;
  if (d->request || d->receiver.ended || !sb_webhook_is_mqtt(d->receiver.url)) return SB_OK;
  if (!d->announcer && !(d->announcer = sb_http_announcer_new(error))) return SB_NO_MEMORY;
  sb_status status = have_lease(outbox, d, &held, error);
  if (status != SB_OK || !held) return status;
  status = sb_http_announcer_next(d->announcer, outbox->engine, &d->receiver, &body, error);
  if (status != SB_OK || !body.size) return status;
  status = send_message(outbox, d, sb_http_mqtt_message(&d->receiver, &body, SB_WEBHOOK_KEEP), 0, error);
  if (!d->request) sb_http_announcer_end(d->announcer, false, RELOAD_MS);
  return status;
}

static sb_status deliver_all(sb_http_outbox *outbox, sb_error *error) {
  uint64_t newest = 0;
  sb_status status = sb_engine_events_wait(outbox->engine, 0, 0, &newest, error);
  for (size_t i = 0; status == SB_OK && i < outbox->count; i++) {
    delivery *d = &outbox->deliveries[i];
    if (d->request && sb_monotonic_ms() - d->sent_ms > ANSWER_MS)
      finish_try(outbox, d, 0, "the sender of webhooks gave no answer");
    if (is_due(d, newest)) status = deliver_next(outbox, d, error);
    if (status == SB_OK) status = announce(outbox, d, error);
  }
  return status;
}

/* ---- Tests */

static void end_test(sb_http_outbox *outbox, int status, const char *error) {
  outbox->test_result.status = status;
  snprintf(outbox->test_result.error, sizeof outbox->test_result.error, "%s", error);
  outbox->test = TEST_DONE;
  pthread_cond_broadcast(&outbox->changed);
}

static void begin_test(sb_http_outbox *outbox) {
  sb_error error = {0};
  sb_http_webhook_message message;
  const delivery *d = delivery_of(outbox, outbox->test_receiver);
  if (!d) {
    end_test(outbox, 0, "there is no such receiver");
    return;
  }
  sb_status status = sb_http_webhook_message_make(&d->receiver, NULL, &message, &error);
  if (status == SB_OK) {
    status = sb_http_webhook_message_send(outbox->sender, &d->receiver, &message, outbox->requests + 1, &error);
    free(message.body);
  }
  if (status != SB_OK) {
    end_test(outbox, 0, error.message);
    return;
  }
  outbox->test_request = ++outbox->requests;
  outbox->test_ms = sb_monotonic_ms();
  outbox->test = TEST_SENT;
}

static void look_for_test(sb_http_outbox *outbox) {
  pthread_mutex_lock(&outbox->lock);
  bool wanted = outbox->test == TEST_WANTED;
  if (outbox->test == TEST_SENT && sb_monotonic_ms() - outbox->test_ms > ANSWER_MS)
    end_test(outbox, 0, "the sender of webhooks gave no answer");
  pthread_mutex_unlock(&outbox->lock);
  if (!wanted) return;
  sb_error error = {0};
  sb_status status = load(outbox, &error);
  pthread_mutex_lock(&outbox->lock);
  if (status == SB_OK)
    begin_test(outbox);
  else
    end_test(outbox, 0, error.message);
  pthread_mutex_unlock(&outbox->lock);
}

sb_status sb_http_outbox_test(sb_http_outbox *outbox, int64_t receiver, sb_http_outbox_result *out, sb_error *error) {
  if (!outbox->sender)
    return sb_fail(error, SB_INVALID, "this installation cannot send webhooks: semblance-send is not installed");
  pthread_mutex_lock(&outbox->lock);
  if (outbox->test != TEST_NONE || outbox->stopping) {
    pthread_mutex_unlock(&outbox->lock);
    return sb_fail(error, SB_BUSY, "another test is running; try again");
  }
  outbox->test = TEST_WANTED;
  outbox->test_receiver = receiver;
  pthread_cond_broadcast(&outbox->changed);
  while (outbox->test != TEST_DONE && !outbox->stopping) pthread_cond_wait(&outbox->changed, &outbox->lock);
  bool done = outbox->test == TEST_DONE;
  if (done) *out = outbox->test_result;
  outbox->test = TEST_NONE;
  pthread_mutex_unlock(&outbox->lock);
  return done ? SB_OK : sb_fail(error, SB_STOPPING, "the server is shutting down");
}

/* ---- Answers */

static void take_answer(sb_http_outbox *outbox, const sb_webhook_answer *answer) {
  for (size_t i = 0; i < outbox->count; i++) {
    delivery *d = &outbox->deliveries[i];
    if (d->request != answer->number) continue;
    finish_try(outbox, d, answer->status, answer->error);
    return;
  }
  pthread_mutex_lock(&outbox->lock);
  if (outbox->test == TEST_SENT && outbox->test_request == answer->number)
    end_test(outbox, answer->status, answer->error);
  pthread_mutex_unlock(&outbox->lock);
}

/* ---- The thread */

/* Sleeps, unless a test is wanted; false: the server stops. */
static bool sleep_idle(sb_http_outbox *outbox, int ms) {
  struct timespec until;
  clock_gettime(CLOCK_MONOTONIC, &until);
  until.tv_nsec += ms * 1000000L;
  until.tv_sec += until.tv_nsec / 1000000000L;
  until.tv_nsec %= 1000000000L;
  pthread_mutex_lock(&outbox->lock);
  if (ms && !outbox->stopping && outbox->test != TEST_WANTED)
    pthread_cond_timedwait(&outbox->changed, &outbox->lock, &until);
  bool goes_on = !outbox->stopping;
  pthread_mutex_unlock(&outbox->lock);
  return goes_on;
}

static bool test_is_on(sb_http_outbox *outbox) {
  pthread_mutex_lock(&outbox->lock);
  bool on = outbox->test == TEST_WANTED || outbox->test == TEST_SENT;
  pthread_mutex_unlock(&outbox->lock);
  return on;
}

static sb_status run_round(sb_http_outbox *outbox, bool *idle, sb_error *error) {
  size_t active = 0;
  sb_webhook_answer answer;
  bool got = true;
  look_for_test(outbox);
  sb_status status = sb_engine_outbox_active(outbox->engine, &active, error);
  if (status != SB_OK) return status;
  *idle = !active && !outbox->count && !test_is_on(outbox);
  if (*idle) return SB_OK;
  if (!outbox->loaded_ms || sb_monotonic_ms() - outbox->loaded_ms > RELOAD_MS) status = load(outbox, error);
  if (status == SB_OK) status = deliver_all(outbox, error);
  for (int wait = outbox->loaded_ms > 0 ? WAIT_MS : 0; status == SB_OK && got; wait = 0) {
    status = sb_webhook_take(outbox->sender, wait, &answer, &got, error);
    if (status == SB_OK && got) take_answer(outbox, &answer);
  }
  return status;
}

/* Another server may deliver at once. What was sent and not answered is sent again. */
static void release_leases(sb_http_outbox *outbox) {
  bool held = false;
  for (size_t i = 0; i < outbox->count; i++)
    if (outbox->deliveries[i].held)
      sb_engine_outbox_lease(outbox->engine, outbox->deliveries[i].receiver.row, outbox->holder, 0, &held, NULL);
}

static void *run(void *context) {
  sb_http_outbox *outbox = context;
  bool idle = false;
  sb_actor_set("timer", NULL);
  while (sleep_idle(outbox, idle || !outbox->well ? IDLE_MS : 0)) {
    sb_error error = {0};
    sb_status status = run_round(outbox, &idle, &error);
    if (status == SB_STOPPING) break;
    if (outbox->well && status != SB_OK)
      sb_log(SB_LOG_WARNING, "events cannot be sent to their receivers at present: %s", error.message);
    outbox->well = status == SB_OK;
  }
  release_leases(outbox);
  return NULL;
}

/* ---- Begin and end */

static void outbox_free(sb_http_outbox *outbox) {
  for (size_t i = 0; i < outbox->count; i++) free(outbox->deliveries[i].announcer);
  pthread_cond_destroy(&outbox->changed);
  pthread_mutex_destroy(&outbox->lock);
  sb_wipe(outbox->deliveries, sizeof outbox->deliveries);
  free(outbox);
}

static sb_status begin(sb_http_outbox *outbox, sb_error *error) {
  size_t active = 0;
  if (!outbox->sender) {
    if (sb_engine_outbox_active(outbox->engine, &active, NULL) == SB_OK && active)
      sb_log(SB_LOG_ERROR, "there are receivers of events, but semblance-send is not installed: nothing is sent");
    return SB_OK;
  }
  int failure = pthread_create(&outbox->thread, NULL, run, outbox);
  return failure ? sb_fail_errno(error, failure, "start the thread that sends events", NULL) : SB_OK;
}

sb_status sb_http_outbox_start(sb_engine *engine, sb_webhook_sender *sender, int64_t retry_ms, sb_http_outbox **out,
                               sb_error *error) {
  pthread_condattr_t monotonic;
  sb_http_outbox *outbox = sb_alloc(1, sizeof *outbox, error);
  if (!outbox) return SB_NO_MEMORY;
  outbox->engine = engine;
  outbox->sender = sender;
  outbox->retry_ms = retry_ms;
  outbox->well = true;
  sb_crypto_random(&outbox->holder, sizeof outbox->holder);
  pthread_mutex_init(&outbox->lock, NULL);
  pthread_condattr_init(&monotonic);
  pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
  pthread_cond_init(&outbox->changed, &monotonic);
  pthread_condattr_destroy(&monotonic);
  sb_status status = begin(outbox, error);
  if (status == SB_OK)
    *out = outbox;
  else
    outbox_free(outbox);
  return status;
}

void sb_http_outbox_stop(sb_http_outbox *outbox) {
  if (!outbox) return;
  pthread_mutex_lock(&outbox->lock);
  outbox->stopping = true;
  pthread_cond_broadcast(&outbox->changed);
  pthread_mutex_unlock(&outbox->lock);
  if (outbox->sender) pthread_join(outbox->thread, NULL);
  outbox_free(outbox);
}
