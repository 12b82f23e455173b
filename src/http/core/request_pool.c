/* The queue is a ring buffer under one lock, with one condition variable for idle workers.
 *
 * Admission: a light job waits as long as the ring has room. Heavy jobs (photos) are bounded by time instead: no more
 * may wait than all workers together finish in WAIT_MS_MAX,
 *
 *   limit = WAIT_MS_MAX * threads / heavy_ms,    at least HEAVY_A_THREAD * threads, at most the ring's capacity
 *
 * where heavy_ms is an exponential moving average of the time that a heavy job spends in a worker, over the last
 * sixteen or so. The lower bound keeps workers busy when single photos take longer than the limit. It is also the limit
 * until the first job was measured.
 *
 * Invariant under the lock: heavy <= count <= capacity. A job belongs to exactly one of the caller (refused), the ring,
 * a worker, or the `refuse` of sb_http_request_pool_close, which first joins the workers and then empties the ring. */
#include "http/core/request_pool.h"

#include <stdlib.h>
#include <time.h>

enum { WAIT_MS_MAX = 250, HEAVY_A_THREAD = 2 };
enum { IDLE_MS = 1000 };                    /* after which what heavy jobs have freed is given back to the system */
static const double last_weight = 1.0 / 16; /* weight of the last job in the average */

typedef struct pool_item {
  void *job;
  bool heavy;
} pool_item;

struct sb_http_request_pool {
  pthread_mutex_t lock;
  pthread_cond_t arrived;
  sb_http_pool_call perform;
  bool closed;
  pool_item *items;                     /* a ring of `capacity`; `count` jobs from `first` on */
  size_t capacity, first, count, heavy; /* heavy: how many of the waiting jobs are */
  double heavy_ms;                      /* average time in a worker; 0: not known yet */
  size_t busy;                          /* workers with a job */
  bool used;                            /* a heavy job has ended since memory was given back */
  pthread_t *threads;
  size_t thread_count; /* started so far */
};

/* Waits for a job, with the lock. Gives memory back when no worker has had one for a while. */
static void wait_for_job(sb_http_request_pool *pool) {
  struct timespec until;
  if (!pool->used || pool->busy) {
    pthread_cond_wait(&pool->arrived, &pool->lock);
    return;
  }
  clock_gettime(CLOCK_MONOTONIC, &until);
  until.tv_sec += IDLE_MS / 1000;
  if (!pthread_cond_timedwait(&pool->arrived, &pool->lock, &until) || !pool->used || pool->busy || pool->count) return;
  pool->used = false;
  pthread_mutex_unlock(&pool->lock);
  sb_alloc_give_back();
  pthread_mutex_lock(&pool->lock);
}

/* The next job; its `job` is NULL when the queue is closed. */
static pool_item take_item(sb_http_request_pool *pool) {
  pool_item item = {0};
  pthread_mutex_lock(&pool->lock);
  while (!pool->count && !pool->closed) wait_for_job(pool);
  if (pool->count && !pool->closed) {
    item = pool->items[pool->first];
    pool->first = (pool->first + 1) % pool->capacity;
    pool->count--;
    pool->heavy -= item.heavy;
    pool->busy++;
  }
  pthread_mutex_unlock(&pool->lock);
  return item;
}

/* A job that took `ms` has ended. */
static void note_end(sb_http_request_pool *pool, bool heavy, double ms) {
  pthread_mutex_lock(&pool->lock);
  if (heavy) pool->heavy_ms = pool->heavy_ms > 0 ? pool->heavy_ms + last_weight * (ms - pool->heavy_ms) : ms;
  pool->used |= heavy;
  pool->busy--;
  pthread_mutex_unlock(&pool->lock);
}

static void *pool_thread(void *context) {
  sb_http_request_pool *pool = context;
  for (pool_item item; (item = take_item(pool)).job;) {
    double start = sb_monotonic_ms();
    pool->perform(item.job);
    note_end(pool, item.heavy, sb_monotonic_ms() - start);
  }
  return NULL;
}

/* How many heavy jobs may wait. The caller holds the lock. */
static size_t heavy_limit(const sb_http_request_pool *pool) {
  size_t least = HEAVY_A_THREAD * pool->thread_count;
  if (pool->heavy_ms <= 0) return least;
  double soon = WAIT_MS_MAX * (double)pool->thread_count / pool->heavy_ms;
  return soon > (double)least ? (size_t)(soon < (double)pool->capacity ? soon : (double)pool->capacity) : least;
}

sb_status sb_http_request_pool_new(size_t threads, size_t capacity, sb_http_pool_call perform,
                                   sb_http_request_pool **out, sb_error *error) {
  sb_http_request_pool *pool = sb_alloc(1, sizeof *pool, error);
  if (!pool) return SB_NO_MEMORY;
  pthread_condattr_t monotonic;
  pthread_mutex_init(&pool->lock, NULL);
  pthread_condattr_init(&monotonic);
  pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
  pthread_cond_init(&pool->arrived, &monotonic);
  pthread_condattr_destroy(&monotonic);
  pool->perform = perform;
  pool->capacity = capacity;
  sb_status status = SB_NO_MEMORY;
  if (!(pool->items = sb_alloc(capacity, sizeof *pool->items, error))) goto done;
  if (!(pool->threads = sb_alloc(threads, sizeof *pool->threads, error))) goto done;
  for (; pool->thread_count < threads; pool->thread_count++) {
    int failure = pthread_create(&pool->threads[pool->thread_count], NULL, pool_thread, pool);
    if (failure) {
      status = sb_fail_errno(error, failure, "start a thread for requests", NULL);
      goto done;
    }
  }
  *out = pool;
  return SB_OK;
done:
  sb_http_request_pool_free(pool);
  return status;
}

sb_status sb_http_request_pool_add(sb_http_request_pool *pool, void *job, bool heavy, sb_http_pool_call accepted,
                                   sb_error *error) {
  sb_status status = SB_OK;
  pthread_mutex_lock(&pool->lock);
  if (pool->closed) {
    status = SB_STOPPING;
  } else if (pool->count == pool->capacity || (heavy && pool->heavy >= heavy_limit(pool))) {
    status = SB_BUSY;
  } else {
    accepted(job);
    pool->items[(pool->first + pool->count++) % pool->capacity] = (pool_item){job, heavy};
    pool->heavy += heavy;
    pthread_cond_signal(&pool->arrived);
  }
  pthread_mutex_unlock(&pool->lock);
  if (status == SB_BUSY) return sb_fail(error, status, "the server is busy: try again in a second");
  if (status == SB_STOPPING) return sb_fail(error, status, "the server is shutting down");
  return SB_OK;
}

size_t sb_http_request_pool_waiting(sb_http_request_pool *pool) {
  pthread_mutex_lock(&pool->lock);
  size_t count = pool->count;
  pthread_mutex_unlock(&pool->lock);
  return count;
}

void sb_http_request_pool_close(sb_http_request_pool *pool, sb_http_pool_call refuse) {
  pthread_mutex_lock(&pool->lock);
  pool->closed = true;
  pthread_cond_broadcast(&pool->arrived);
  pthread_mutex_unlock(&pool->lock);
  for (size_t i = 0; i < pool->thread_count; i++) pthread_join(pool->threads[i], NULL);
  pthread_mutex_lock(&pool->lock);
  pool->thread_count = 0;
  for (; pool->count; pool->count--) {
    refuse(pool->items[pool->first].job);
    pool->first = (pool->first + 1) % pool->capacity;
  }
  pthread_mutex_unlock(&pool->lock);
}

void sb_http_request_pool_free(sb_http_request_pool *pool) {
  if (!pool) return;
  sb_http_request_pool_close(pool, NULL);
  pthread_cond_destroy(&pool->arrived);
  pthread_mutex_destroy(&pool->lock);
  free(pool->threads);
  free(pool->items);
  free(pool);
}
