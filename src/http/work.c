/* The bounded queue: a ring of jobs under one lock, one condition for the threads that wait. */
#include "http/work.h"

#include <stdlib.h>

struct sb_work {
  pthread_mutex_t lock;
  pthread_cond_t arrived;
  sb_job_call perform;
  bool closed;
  void **jobs; /* ring of `capacity`; `count` of them from `first` on */
  size_t capacity, first, count;
  pthread_t *threads;
  size_t thread_count; /* that were started */
};

/* The next job, or NULL when the queue is closed. */
static void *work_take(sb_work *work) {
  void *job = NULL;
  pthread_mutex_lock(&work->lock);
  while (!work->count && !work->closed) pthread_cond_wait(&work->arrived, &work->lock);
  if (work->count && !work->closed) {
    job = work->jobs[work->first];
    work->first = (work->first + 1) % work->capacity;
    work->count--;
  }
  pthread_mutex_unlock(&work->lock);
  return job;
}

static void *work_thread(void *context) {
  sb_work *work = context;
  for (void *job; (job = work_take(work));) work->perform(job);
  return NULL;
}

sb_status sb_work_new(size_t threads, size_t capacity, sb_job_call perform, sb_work **out, sb_error *error) {
  sb_work *work = sb_alloc(1, sizeof *work, error);
  if (!work) return SB_NO_MEMORY;
  pthread_mutex_init(&work->lock, NULL);
  pthread_cond_init(&work->arrived, NULL);
  work->perform = perform;
  work->capacity = capacity;
  sb_status status = SB_NO_MEMORY;
  if (!(work->jobs = sb_alloc(capacity, sizeof *work->jobs, error))) goto done;
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
  sb_work_free(work, NULL);
  return status;
}

sb_status sb_work_add(sb_work *work, void *job, sb_job_call accepted, sb_error *error) {
  sb_status status = SB_OK;
  pthread_mutex_lock(&work->lock);
  if (work->closed) {
    status = SB_STOPPING;
  } else if (work->count == work->capacity) {
    status = SB_BUSY;
  } else {
    accepted(job);
    work->jobs[(work->first + work->count++) % work->capacity] = job;
    pthread_cond_signal(&work->arrived);
  }
  pthread_mutex_unlock(&work->lock);
  if (status == SB_BUSY) return sb_fail(error, status, "the server has more requests than it can queue: try again in a second");
  if (status == SB_STOPPING) return sb_fail(error, status, "the server is shutting down");
  return SB_OK;
}

size_t sb_work_waiting(sb_work *work) {
  pthread_mutex_lock(&work->lock);
  size_t count = work->count;
  pthread_mutex_unlock(&work->lock);
  return count;
}

void sb_work_free(sb_work *work, sb_job_call refuse) {
  if (!work) return;
  pthread_mutex_lock(&work->lock);
  work->closed = true;
  pthread_cond_broadcast(&work->arrived);
  pthread_mutex_unlock(&work->lock);
  for (size_t i = 0; i < work->thread_count; i++) pthread_join(work->threads[i], NULL);
  for (; work->count; work->count--) {
    refuse(work->jobs[work->first]);
    work->first = (work->first + 1) % work->capacity;
  }
  pthread_cond_destroy(&work->arrived);
  pthread_mutex_destroy(&work->lock);
  free(work->threads);
  free(work->jobs);
  free(work);
}
