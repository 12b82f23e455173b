/* A hash table of token buckets: a caller has its place among a few neighbours, of which the one that was used least
 * recently makes room. */
#include "http/core/rate_limit.h"

#include <stdlib.h>

enum { CALLERS = 4096, NEIGHBOURS = 8, WAIT_MAX = 3600 /* seconds that a client is told to wait at most */ };

typedef struct caller {
  uint64_t hash; /* 0: free */
  double tokens, seen_ms;
} caller;

struct sb_http_rate_limit {
  pthread_mutex_t lock;
  double most, period_s;
  caller callers[CALLERS];
};

sb_status sb_http_rate_limit_new(size_t most, double period_s, sb_http_rate_limit **out, sb_error *error) {
  sb_http_rate_limit *limit = sb_alloc(1, sizeof *limit, error);
  if (!limit) return SB_NO_MEMORY;
  pthread_mutex_init(&limit->lock, NULL);
  limit->most = (double)most;
  limit->period_s = period_s;
  *out = limit;
  return SB_OK;
}

void sb_http_rate_limit_free(sb_http_rate_limit *limit) {
  if (!limit) return;
  pthread_mutex_destroy(&limit->lock);
  free(limit);
}

static caller *find(sb_http_rate_limit *limit, uint64_t hash, double now) {
  caller *oldest = NULL;
  for (size_t i = 0; i < NEIGHBOURS; i++) {
    caller *c = &limit->callers[(hash + i) % CALLERS];
    if (c->hash == hash) return c;
    if (!oldest || c->seen_ms < oldest->seen_ms) oldest = c;
  }
  *oldest = (caller){hash, limit->most, now};
  return oldest;
}

unsigned sb_http_rate_limit_take(sb_http_rate_limit *limit, const void *name, size_t size) {
  if (limit->most <= 0) return 0;
  uint64_t hash = sb_hash_add(SB_HASH_INIT, name, size) | 1;
  double now = sb_monotonic_ms(), wait = 0;
  pthread_mutex_lock(&limit->lock);
  caller *c = find(limit, hash, now);
  c->tokens += (now - c->seen_ms) / 1e3 * limit->most / limit->period_s;
  if (c->tokens > limit->most) c->tokens = limit->most;
  c->seen_ms = now;
  if (c->tokens >= 1)
    c->tokens--;
  else
    wait = (1 - c->tokens) * limit->period_s / limit->most;
  pthread_mutex_unlock(&limit->lock);
  if (wait <= 0) return 0;
  return wait < WAIT_MAX ? (unsigned)wait + 1 : WAIT_MAX;
}
