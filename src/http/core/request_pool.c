/* The bounded queue: a ring of jobs under one lock, one condition for the threads that wait. */
#include "http/core/request_pool.h"

#include <stdlib.h>

enum { WAIT_MS_MAX = 250, HEAVY_A_THREAD = 2 };
static const double newest = 1.0 / 16; /* what the last job counts in the mean time */

typedef struct work_item {
  void *job;
  bool heavy;
} work_item;

struct sb_request_pool {
  pthread_mutex_t lock;
  pthread_cond_t arrived;
  sb_job_call perform;
  bool closed;
  work_item *items;                     /* ring of `capacity`; `count` of them from `first` on */
  size_t capacity, first, count, heavy; /* heavy: of those that wait */
  double heavy_ms;                      /* mean time in a thread; 0: not known yet */
  pthread_t *threads;
  size_t thread_count; /* that were started */
};

/* The next job; its `job` is NULL when the queue is closed. */
static work_item work_take(sb_request_pool *work) {
  work_item item = {0};
  pthread_mutex_lock(&work->lock);
  while (!work->count && !work->closed) pthread_cond_wait(&work->arrived, &work->lock);
  if (work->count && !work->closed) {
    item = work->items[work->first];
    work->first = (work->first + 1) % work->capacity;
    work->count--;
    work->heavy -= item.heavy;
  }
  pthread_mutex_unlock(&work->lock);
  return item;
}

static void note_time(sb_request_pool *work, double ms) {
  pthread_mutex_lock(&work->lock);
  work->heavy_ms = work->heavy_ms > 0 ? work->heavy_ms + newest * (ms - work->heavy_ms) : ms;
  pthread_mutex_unlock(&work->lock);
}

static void *work_thread(void *context) {
  sb_request_pool *work = context;
  for (work_item item; (item = work_take(work)).job;) {
    double start = sb_monotonic_ms();
    work->perform(item.job);
    if (item.heavy) note_time(work, sb_monotonic_ms() - start);
  }
  return NULL;
}

/* How many heavy jobs may wait. Under the lock. */
static size_t heavy_limit(const sb_request_pool *work) {
  size_t least = HEAVY_A_THREAD * work->thread_count;
  if (work->heavy_ms <= 0) return least;
  double soon = WAIT_MS_MAX * (double)work->thread_count / work->heavy_ms;
  return soon > (double)least ? (size_t)(soon < (double)work->capacity ? soon : (double)work->capacity) : least;
}

sb_status sb_request_pool_new(size_t threads, size_t capacity, sb_job_call perform, sb_request_pool **out,
                              sb_error *error) {
  sb_request_pool *work = sb_alloc(1, sizeof *work, error);
  if (!work) return SB_NO_MEMORY;
  pthread_mutex_init(&work->lock, NULL);
  pthread_cond_init(&work->arrived, NULL);
  work->perform = perform;
  work->capacity = capacity;
  sb_status status = SB_NO_MEMORY;
  if (!(work->items = sb_alloc(capacity, sizeof *work->items, error))) goto done;
  if (!(work->threads = sb_alloc(threads, sizeof *work->threads, error))) goto done;
  for (; work->thread_count < threads; work->thread_count++) {
    int failure = pthread_create(&work->threads[work->thread_count], NULL, work_thread, work);
    if (failure) {
      status = sb_fail_errno(error, failure, "start a thread for requests", NULL);
      goto done;
    }
  }
  *out = work;
  return SB_OK;
done:
  sb_request_pool_free(work);
  return status;
}

sb_status sb_request_pool_add(sb_request_pool *work, void *job, bool heavy, sb_job_call accepted, sb_error *error) {
  sb_status status = SB_OK;
  pthread_mutex_lock(&work->lock);
  if (work->closed) {
    status = SB_STOPPING;
  } else if (work->count == work->capacity || (heavy && work->heavy >= heavy_limit(work))) {
    status = SB_BUSY;
  } else {
    accepted(job);
    work->items[(work->first + work->count++) % work->capacity] = (work_item){job, heavy};
    work->heavy += heavy;
    pthread_cond_signal(&work->arrived);
  }
  pthread_mutex_unlock(&work->lock);
  if (status == SB_BUSY)
    return sb_fail(error, status, "the server has more to do than it can answer soon: try again in a second");
  if (status == SB_STOPPING) return sb_fail(error, status, "the server is shutting down");
  return SB_OK;
}

size_t sb_request_pool_waiting(sb_request_pool *work) {
  pthread_mutex_lock(&work->lock);
  size_t count = work->count;
  pthread_mutex_unlock(&work->lock);
  return count;
}

void sb_request_pool_close(sb_request_pool *work, sb_job_call refuse) {
  pthread_mutex_lock(&work->lock);
  work->closed = true;
  pthread_cond_broadcast(&work->arrived);
  pthread_mutex_unlock(&work->lock);
  for (size_t i = 0; i < work->thread_count; i++) pthread_join(work->threads[i], NULL);
  pthread_mutex_lock(&work->lock);
  work->thread_count = 0;
  for (; work->count; work->count--) {
    refuse(work->items[work->first].job);
    work->first = (work->first + 1) % work->capacity;
  }
  pthread_mutex_unlock(&work->lock);
}

void sb_request_pool_free(sb_request_pool *work) {
  if (!work) return;
  sb_request_pool_close(work, NULL);
  pthread_cond_destroy(&work->arrived);
  pthread_mutex_destroy(&work->lock);
  free(work->threads);
  free(work->items);
  free(work);
}
