/* A list of all connections under one lock, and a hash table with chaining of the customers that have some. */
#include "http/core/connections.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { LOOK_MS_MAX = 1000, BUCKETS = 4096 };

typedef struct customer {
  sb_http_address address;
  size_t count;
  struct customer *next;
} customer;

struct sb_http_connection {
  int socket;
  customer *customer; /* NULL: not counted */
  double waits_ms;    /* since when headers are waited for; 0: they are not */
  sb_http_connection *before, *next;
};

struct sb_http_connections {
  size_t most;
  double header_ms;
  const sb_http_proxies *proxies;
  pthread_mutex_t lock;
  pthread_cond_t stopped;
  pthread_t thread;
  bool started, stopping;
  sb_http_connection *first;
  customer *buckets[BUCKETS];
};

/* ---- Customers. The caller holds the lock. */

static customer **place_of(sb_http_connections *connections, const sb_http_address *address) {
  uint64_t hash = sb_hash_add(SB_HASH_INIT, address->bytes, sizeof address->bytes);
  customer **at = &connections->buckets[hash % BUCKETS];
  while (*at && memcmp((*at)->address.bytes, address->bytes, sizeof address->bytes) != 0) at = &(*at)->next;
  return at;
}

static bool is_limited(const sb_http_connections *connections, const sb_http_address *address) {
  return connections->most && !sb_http_address_is_trusted(connections->proxies, address);
}

static customer *customer_enter(sb_http_connections *connections, const sb_http_address *address) {
  customer **at = place_of(connections, address);
  if (!*at && !(*at = sb_alloc(1, sizeof **at, NULL))) return NULL;
  (*at)->address = *address;
  (*at)->count++;
  return *at;
}

static void customer_leave(sb_http_connections *connections, customer *c) {
  if (!c || --c->count) return;
  customer **at = place_of(connections, &c->address);
  *at = c->next;
  free(c);
}

/* ---- The time limit of headers */

static void shut_down_late(sb_http_connections *connections) {
  double now = sb_monotonic_ms();
  for (sb_http_connection *c = connections->first; c; c = c->next) {
    if (c->waits_ms <= 0 || now - c->waits_ms < connections->header_ms) continue;
    c->waits_ms = 0;
    shutdown(c->socket, SHUT_RDWR); /* libmicrohttpd sees the end and closes it */
  }
}

static void *watch(void *context) {
  sb_http_connections *connections = context;
  pthread_mutex_lock(&connections->lock);
  while (!connections->stopping) {
    struct timespec next;
    clock_gettime(CLOCK_MONOTONIC, &next);
    long ms = connections->header_ms / 4 < LOOK_MS_MAX ? (long)(connections->header_ms / 4) : LOOK_MS_MAX;
    next.tv_nsec += ms * 1000000;
    next.tv_sec += next.tv_nsec / 1000000000;
    next.tv_nsec %= 1000000000;
    if (pthread_cond_timedwait(&connections->stopped, &connections->lock, &next) == ETIMEDOUT)
      shut_down_late(connections);
  }
  pthread_mutex_unlock(&connections->lock);
  return NULL;
}

/* ---- Connections */

sb_status sb_http_connections_new(size_t most, double header_ms, const sb_http_proxies *proxies,
                                  sb_http_connections **out, sb_error *error) {
  sb_http_connections *connections = sb_alloc(1, sizeof *connections, error);
  if (!connections) return SB_NO_MEMORY;
  pthread_condattr_t monotonic;
  connections->most = most;
  connections->header_ms = header_ms;
  connections->proxies = proxies;
  pthread_mutex_init(&connections->lock, NULL);
  pthread_condattr_init(&monotonic);
  pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
  pthread_cond_init(&connections->stopped, &monotonic);
  pthread_condattr_destroy(&monotonic);
  int failure = pthread_create(&connections->thread, NULL, watch, connections);
  connections->started = !failure;
  if (failure) {
    sb_http_connections_free(connections);
    return sb_fail_errno(error, failure, "start a thread for connections", NULL);
  }
  *out = connections;
  return SB_OK;
}

void sb_http_connections_free(sb_http_connections *connections) {
  if (!connections) return;
  pthread_mutex_lock(&connections->lock);
  connections->stopping = true;
  pthread_cond_signal(&connections->stopped);
  pthread_mutex_unlock(&connections->lock);
  if (connections->started) pthread_join(connections->thread, NULL);
  pthread_cond_destroy(&connections->stopped);
  pthread_mutex_destroy(&connections->lock);
  free(connections);
}

bool sb_http_connections_may_begin(sb_http_connections *connections, const struct sockaddr *peer) {
  const sb_http_address address = sb_http_address_of(peer), own = sb_http_address_customer(address);
  if (!is_limited(connections, &address)) return true;
  pthread_mutex_lock(&connections->lock);
  const customer *c = *place_of(connections, &own);
  bool room = !c || c->count < connections->most;
  pthread_mutex_unlock(&connections->lock);
  return room;
}

sb_http_connection *sb_http_connections_begin(sb_http_connections *connections, const struct sockaddr *peer,
                                              int socket) {
  sb_http_connection *c = sb_alloc(1, sizeof *c, NULL);
  if (!c) return NULL;
  const sb_http_address address = sb_http_address_of(peer), own = sb_http_address_customer(address);
  *c = (sb_http_connection){.socket = socket, .waits_ms = sb_monotonic_ms()};
  pthread_mutex_lock(&connections->lock);
  if (is_limited(connections, &address)) c->customer = customer_enter(connections, &own);
  c->next = connections->first;
  if (c->next) c->next->before = c;
  connections->first = c;
  pthread_mutex_unlock(&connections->lock);
  return c;
}

void sb_http_connections_end(sb_http_connections *connections, sb_http_connection *c) {
  if (!c) return;
  pthread_mutex_lock(&connections->lock);
  customer_leave(connections, c->customer);
  if (c->next) c->next->before = c->before;
  if (c->before)
    c->before->next = c->next;
  else
    connections->first = c->next;
  pthread_mutex_unlock(&connections->lock);
  free(c);
}

void sb_http_connections_wait(sb_http_connections *connections, sb_http_connection *c, bool waits) {
  if (!c) return;
  pthread_mutex_lock(&connections->lock);
  c->waits_ms = waits ? sb_monotonic_ms() : 0;
  pthread_mutex_unlock(&connections->lock);
}
