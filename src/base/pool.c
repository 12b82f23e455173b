/* A bounded pool: a stack of items under one mutex, and a condition variable for those who wait. */
#include "base/pool.h"

#include "base/alloc.h"
#include "base/errors.h"

#include <pthread.h>
#include <stdlib.h>

/* The items form a stack: the one used last, whose memory is still in the caches, is handed out next. */
struct sb_pool {
  pthread_mutex_t lock;
  pthread_cond_t changed;
  size_t capacity, waiting_limit;
  size_t count, waiting;
  bool closed;
  void *items[];
};

sb_status sb_pool_new(size_t capacity, size_t waiting, sb_pool **out, sb_error *error) {
  sb_pool *pool = sb_alloc(1, sizeof *pool + capacity * sizeof pool->items[0], error);
  if (!pool) return SB_NO_MEMORY;
  pthread_mutex_init(&pool->lock, NULL);
  pthread_cond_init(&pool->changed, NULL);
  pool->capacity = capacity;
  pool->waiting_limit = waiting;
  *out = pool;
  return SB_OK;
}

void sb_pool_free(sb_pool *pool) {
  if (!pool) return;
  pthread_cond_destroy(&pool->changed);
  pthread_mutex_destroy(&pool->lock);
  free(pool);
}

sb_status sb_pool_take(sb_pool *pool, void **item, sb_error *error) {
  pthread_mutex_lock(&pool->lock);
  sb_status status = SB_OK;
  if (!pool->closed && !pool->count) {
    if (pool->waiting >= pool->waiting_limit) {
      status =
          sb_fail(error, SB_BUSY, "all workers are busy and %zu requests are already waiting; try again in a moment",
                  pool->waiting);
    } else {
      pool->waiting++;
      while (!pool->count && !pool->closed) pthread_cond_wait(&pool->changed, &pool->lock);
      pool->waiting--;
    }
  }
  if (status == SB_OK && pool->closed) status = sb_fail(error, SB_STOPPING, "the server is shutting down");
  if (status == SB_OK) *item = pool->items[--pool->count];
  pthread_mutex_unlock(&pool->lock);
  return status;
}

void sb_pool_put(sb_pool *pool, void *item) {
  pthread_mutex_lock(&pool->lock);
  if (pool->count < pool->capacity) pool->items[pool->count++] = item;
  pthread_cond_signal(&pool->changed);
  pthread_mutex_unlock(&pool->lock);
}

void sb_pool_close(sb_pool *pool) {
  pthread_mutex_lock(&pool->lock);
  pool->closed = true;
  pthread_cond_broadcast(&pool->changed);
  pthread_mutex_unlock(&pool->lock);
}
