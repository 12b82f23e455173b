/* Receivers of events: who they are, and what the outbox of each has to send next. Delivering itself is the server's
 * business (http/outbox/). */
#include "engine/receivers.h"

#include "engine/internal.h"
#include "store/gallery/events.h"
#include "store/gallery/receivers.h"

#include "webhook/broker.h"
#include "webhook/protocol.h"

#include <semblance/events.h>

#include <string.h>

_Static_assert((int)SB_ENGINE_RECEIVERS_MAX == (int)SB_RECEIVERS_MAX, "lists have room for all");

/* ---- Administration */

static sb_status check_broker(const sb_store_receiver *r, sb_error *error) {
  sb_webhook_broker broker;
  sb_status status = sb_webhook_broker_read(r->url, &broker, error);
  if (status != SB_OK) return status;
  if (!broker.tls && !r->allow_private)
    return sb_fail(error, SB_INVALID,
                   "url begins with mqtts://: events name people, so mqtt:// is for addresses of this machine or of a "
                   "private network, which have to be allowed");
  if (r->secret_size > SB_RECEIVER_PASSWORD_MAX || memchr(r->secret, 0, r->secret_size))
    return sb_fail(error, SB_INVALID, "password has at most %d bytes", SB_RECEIVER_PASSWORD_MAX);
  if (r->secret_size && !*broker.user)
    return sb_fail(error, SB_INVALID, "a password needs a user name in the url: mqtts://USER@HOST");
  if (*r->ca && !broker.tls) return sb_fail(error, SB_INVALID, "ca is for mqtts://, which checks a certificate");
  if (*r->ca && !strstr(r->ca, "-----BEGIN CERTIFICATE-----"))
    return sb_fail(error, SB_INVALID, "ca is one or more certificates as PEM text (-----BEGIN CERTIFICATE-----)");
  return SB_OK;
}

/* The rest of a URL is libcurl's to judge, when it is used. */
static sb_status check_url(const sb_store_receiver *r, sb_error *error) {
  size_t scheme = !strncmp(r->url, "https://", 8) ? 8 : !strncmp(r->url, "http://", 7) ? 7 : 0;
  if (!scheme || !r->url[scheme] || strchr("/?#:", r->url[scheme]))
    return sb_fail(error, SB_INVALID,
                   "url is the address of a receiver: https://HOST/PATH or mqtts://USER@HOST/PREFIX");
  if (scheme == 7 && !r->allow_private)
    return sb_fail(error, SB_INVALID,
                   "url begins with https://: events name people, so http:// is for addresses of this machine or of a "
                   "private network, which have to be allowed");
  for (const char *at = r->url; *at; at++)
    if (*at <= ' ' || *at > '~') return sb_fail(error, SB_INVALID, "url has spaces or letters beyond ASCII");
  if (memchr(r->url + scheme, '@', strcspn(r->url + scheme, "/?#")))
    return sb_fail(error, SB_INVALID,
                   "url must not hold a name or password: the receiver knows Semblance by its "
                   "signature");
  return SB_OK;
}

static sb_status check(const sb_store_receiver *r, sb_error *error) {
  if (r->kinds & ~(unsigned)SB_EVENT_KINDS) return sb_fail(error, SB_INVALID, "there is no such kind of event");
  if (sb_webhook_is_mqtt(r->url)) return check_broker(r, error);
  if (*r->ca) return sb_fail(error, SB_INVALID, "ca is for receivers whose url begins with mqtts://");
  if (r->secret_size < SB_RECEIVER_SECRET_MIN || r->secret_size > SB_RECEIVER_SECRET_MAX)
    return sb_fail(error, SB_INVALID, "secret has %d to %d bytes", SB_RECEIVER_SECRET_MIN, SB_RECEIVER_SECRET_MAX);
  return check_url(r, error);
}

static sb_status add(sb_engine *engine, const sb_store_receiver *receiver, int64_t *row, sb_error *error) {
  sb_store_collection collection;
  sb_status status = check(receiver, error);
  if (status != SB_OK) return status;
  if (*receiver->collection) {
    status = sb_engine_collection(engine, receiver->collection, false, &collection, error);
    if (status != SB_OK) return status;
  }
  return sb_store_receiver_add(engine->store, receiver, row, error);
}

sb_status sb_engine_receiver_add(sb_engine *engine, const sb_store_receiver *receiver, int64_t *row, sb_error *error) {
  sb_status status = sb_engine_enter(engine, error);
  if (status != SB_OK) return status;
  status = add(engine, receiver, row, error);
  sb_engine_leave(engine);
  return status;
}

sb_status sb_engine_receiver_remove(sb_engine *engine, int64_t row, sb_error *error) {
  sb_status status = sb_engine_enter(engine, error);
  if (status != SB_OK) return status;
  status = sb_store_receiver_remove(engine->store, row, error);
  sb_engine_leave(engine);
  return status;
}

sb_status sb_engine_receivers(sb_engine *engine, sb_store_receiver *out, size_t *count, sb_error *error) {
  sb_status status = sb_engine_enter(engine, error);
  if (status != SB_OK) return status;
  status = sb_store_receivers(engine->store, out, count, error);
  sb_engine_leave(engine);
  return status;
}

sb_status sb_engine_dead_letters(sb_engine *engine, int64_t receiver, sb_store_dead_letter *out, size_t limit,
                                 size_t *count, sb_error *error) {
  sb_status status = sb_engine_enter(engine, error);
  if (status != SB_OK) return status;
  status = sb_store_dead_letters(engine->store, receiver, out, limit, count, error);
  sb_engine_leave(engine);
  return status;
}

/* ---- The outbox */

sb_status sb_engine_outbox_active(sb_engine *engine, size_t *receivers, sb_error *error) {
  sb_status status = sb_engine_enter(engine, error);
  if (status != SB_OK) return status;
  status = sb_store_receivers_active(engine->store, receivers, error);
  sb_engine_leave(engine);
  return status;
}

/* A collection that was deleted has no events. */
static sb_status next(sb_engine *engine, const sb_store_receiver *r, sb_events **out, sb_error *error) {
  sb_store_collection collection = {0};
  sb_status status = sb_store_receiver_check(engine->store, r->row, error);
  if (status != SB_OK) return status;
  if (*r->collection) {
    status = sb_engine_collection(engine, r->collection, false, &collection, error);
    if (status == SB_NOT_FOUND) status = SB_OK;
    if (status != SB_OK) return status;
    if (!collection.row) collection.row = -1;
  }
  const sb_event_query query = {.kinds = r->kinds, .after = (uint64_t)r->position, .limit = 1};
  return sb_store_events(engine->store, &(sb_store_event_query){.collection = collection.row, .query = &query}, out,
                         error);
}

sb_status sb_engine_outbox_next(sb_engine *engine, const sb_store_receiver *receiver, sb_events **out,
                                sb_error *error) {
  sb_status status = sb_engine_enter(engine, error);
  if (status != SB_OK) return status;
  status = next(engine, receiver, out, error);
  sb_engine_leave(engine);
  return status;
}

sb_status sb_engine_outbox_lease(sb_engine *engine, int64_t receiver, int64_t holder, int64_t ms, bool *held,
                                 sb_error *error) {
  sb_status status = sb_engine_enter(engine, error);
  if (status != SB_OK) return status;
  status = sb_store_receiver_lease(engine->store, receiver, holder, ms, held, error);
  sb_engine_leave(engine);
  return status;
}

sb_status sb_engine_outbox_update(sb_engine *engine, const sb_store_receiver *receiver, int64_t holder,
                                  const sb_store_dead_letter *dead, bool *held, sb_error *error) {
  sb_status status = sb_engine_enter(engine, error);
  if (status != SB_OK) return status;
  status = sb_store_receiver_update(engine->store, receiver, holder, dead, held, error);
  sb_engine_leave(engine);
  return status;
}
