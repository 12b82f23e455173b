/* A table of the addresses that failed to log in, under one lock. When it is full, the address whose last failure is
 * the oldest makes room. A client with many addresses gains no more than the free tries of each. */
#include "http/core/login_throttle.h"

#include <stdlib.h>
#include <string.h>

enum { ADDRESSES_MAX = 256, FREE_TRIES = 3, WAIT_MAX = 900 };
#define FORGIVE_MS 3600e3

typedef struct address {
  uint8_t bytes[16];
  unsigned failures; /* 0: free */
  double last_ms;
} address;

struct sb_http_login_throttle {
  pthread_mutex_t lock;
  address addresses[ADDRESSES_MAX];
};

sb_status sb_http_login_throttle_new(sb_http_login_throttle **out, sb_error *error) {
  sb_http_login_throttle *throttle = sb_alloc(1, sizeof *throttle, error);
  if (!throttle) return SB_NO_MEMORY;
  pthread_mutex_init(&throttle->lock, NULL);
  *out = throttle;
  return SB_OK;
}

void sb_http_login_throttle_free(sb_http_login_throttle *throttle) {
  if (!throttle) return;
  pthread_mutex_destroy(&throttle->lock);
  free(throttle);
}

static address *address_of(sb_http_login_throttle *throttle, const uint8_t bytes[16]) {
  for (size_t i = 0; i < ADDRESSES_MAX; i++) {
    address *a = &throttle->addresses[i];
    if (a->failures && !memcmp(a->bytes, bytes, 16)) {
      if (sb_monotonic_ms() - a->last_ms <= FORGIVE_MS) return a;
      *a = (address){.failures = 0};
    }
  }
  return NULL;
}

unsigned sb_http_login_throttle_wait(sb_http_login_throttle *throttle, const uint8_t bytes[16]) {
  unsigned seconds = 0;
  pthread_mutex_lock(&throttle->lock);
  const address *a = address_of(throttle, bytes);
  if (a && a->failures > FREE_TRIES) {
    unsigned doublings = a->failures - FREE_TRIES;
    double wait = doublings > 10 || 1u << doublings > WAIT_MAX ? WAIT_MAX : 1u << doublings;
    double left = wait - (sb_monotonic_ms() - a->last_ms) / 1e3;
    if (left > 0) seconds = (unsigned)left + 1;
  }
  pthread_mutex_unlock(&throttle->lock);
  return seconds;
}

/* A free row, else that of the address whose last failure is the oldest. */
static address *row_for(sb_http_login_throttle *throttle, const uint8_t bytes[16]) {
  address *place = &throttle->addresses[0];
  for (size_t i = 1; i < ADDRESSES_MAX && place->failures; i++)
    if (!throttle->addresses[i].failures || throttle->addresses[i].last_ms < place->last_ms)
      place = &throttle->addresses[i];
  *place = (address){.failures = 0};
  memcpy(place->bytes, bytes, 16);
  return place;
}

void sb_http_login_throttle_note(sb_http_login_throttle *throttle, const uint8_t bytes[16], bool right) {
  pthread_mutex_lock(&throttle->lock);
  address *a = address_of(throttle, bytes);
  if (right && a) *a = (address){.failures = 0};
  if (!right) {
    if (!a) a = row_for(throttle, bytes);
    a->failures++;
    a->last_ms = sb_monotonic_ms();
  }
  pthread_mutex_unlock(&throttle->lock);
}
