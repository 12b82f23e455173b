/* A table of the addresses that failed to log in, under one lock. When it is full, the address whose last failure is
 * the oldest makes room. A client with many addresses has the tries of the account only, and cannot keep out an admin
 * who has signed in before from the same address. */
#include "http/core/login_throttle.h"

#include <stdlib.h>
#include <string.h>

enum {
  ADDRESSES_MAX = 256,
  FREE_TRIES = 3,
  WAIT_MAX = 900, /* seconds */
  KNOWN_MAX = 16, /* addresses that have signed in */
  AT_ONCE = 2,
  ACCOUNT_TRIES = 30,
  ACCOUNT_SECONDS = 10 /* until one more try */
};
#define FORGIVE_MS 3600e3

typedef struct address_tries {
  sb_http_address address;
  unsigned failures; /* 0: free */
  double last_ms;
} address_tries;

struct sb_http_login_throttle {
  pthread_mutex_t lock;
  address_tries addresses[ADDRESSES_MAX];
  sb_http_address known[KNOWN_MAX]; /* a ring */
  size_t known_count, at_work;
  double tries, tries_ms; /* left for addresses that are not known, and when that was */
};

sb_status sb_http_login_throttle_new(sb_http_login_throttle **out, sb_error *error) {
  sb_http_login_throttle *throttle = sb_alloc(1, sizeof *throttle, error);
  if (!throttle) return SB_NO_MEMORY;
  throttle->tries = ACCOUNT_TRIES;
  throttle->tries_ms = sb_monotonic_ms();
  pthread_mutex_init(&throttle->lock, NULL);
  *out = throttle;
  return SB_OK;
}

void sb_http_login_throttle_free(sb_http_login_throttle *throttle) {
  if (!throttle) return;
  pthread_mutex_destroy(&throttle->lock);
  free(throttle);
}

static bool same(const sb_http_address *a, const sb_http_address *b) {
  return !memcmp(a->bytes, b->bytes, sizeof a->bytes);
}

/* NULL: the address has not failed within the hour. */
static address_tries *tries_of(sb_http_login_throttle *throttle, const sb_http_address *address) {
  for (size_t i = 0; i < ADDRESSES_MAX; i++) {
    address_tries *a = &throttle->addresses[i];
    if (!a->failures || !same(&a->address, address)) continue;
    if (sb_monotonic_ms() - a->last_ms <= FORGIVE_MS) return a;
    a->failures = 0;
  }
  return NULL;
}

/* A free row, else that of the address whose last failure is the oldest. */
static address_tries *row_for(sb_http_login_throttle *throttle, const sb_http_address *address) {
  address_tries *place = &throttle->addresses[0];
  for (size_t i = 1; i < ADDRESSES_MAX && place->failures; i++)
    if (!throttle->addresses[i].failures || throttle->addresses[i].last_ms < place->last_ms)
      place = &throttle->addresses[i];
  *place = (address_tries){.address = *address};
  return place;
}

static unsigned address_wait(const address_tries *a) {
  if (!a || a->failures < FREE_TRIES) return 0;
  unsigned doublings = a->failures - FREE_TRIES + 1;
  double wait = doublings > 10 || 1u << doublings > WAIT_MAX ? WAIT_MAX : 1u << doublings;
  double left = wait - (sb_monotonic_ms() - a->last_ms) / 1e3;
  return left > 0 ? (unsigned)left + 1 : 0;
}

static bool is_known(const sb_http_login_throttle *throttle, const sb_http_address *address) {
  for (size_t i = 0; i < throttle->known_count && i < KNOWN_MAX; i++)
    if (same(&throttle->known[i], address)) return true;
  return false;
}

/* A token bucket: the tries that are left grow by one in ACCOUNT_SECONDS. */
static unsigned account_wait(sb_http_login_throttle *throttle) {
  double now = sb_monotonic_ms();
  throttle->tries += (now - throttle->tries_ms) / 1e3 / ACCOUNT_SECONDS;
  if (throttle->tries > ACCOUNT_TRIES) throttle->tries = ACCOUNT_TRIES;
  throttle->tries_ms = now;
  return throttle->tries >= 1 ? 0 : (unsigned)((1 - throttle->tries) * ACCOUNT_SECONDS) + 1;
}

unsigned sb_http_login_throttle_begin(sb_http_login_throttle *throttle, const sb_http_address *address) {
  pthread_mutex_lock(&throttle->lock);
  address_tries *a = tries_of(throttle, address);
  bool known = is_known(throttle, address);
  unsigned wait = address_wait(a);
  if (!wait && !known) wait = account_wait(throttle);
  if (!wait && throttle->at_work == AT_ONCE) wait = 1;
  if (!wait) {
    if (!a) a = row_for(throttle, address);
    a->failures++;
    a->last_ms = sb_monotonic_ms();
    throttle->tries -= !known;
    throttle->at_work++;
  }
  pthread_mutex_unlock(&throttle->lock);
  return wait;
}

void sb_http_login_throttle_end(sb_http_login_throttle *throttle, const sb_http_address *address, bool right) {
  pthread_mutex_lock(&throttle->lock);
  address_tries *a = tries_of(throttle, address);
  throttle->at_work--;
  if (a && !right) a->last_ms = sb_monotonic_ms();
  if (a && right) a->failures = 0;
  if (right && !is_known(throttle, address)) {
    throttle->known[throttle->known_count++ % KNOWN_MAX] = *address;
    throttle->tries++;
  }
  pthread_mutex_unlock(&throttle->lock);
}
