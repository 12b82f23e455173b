/* Recording acts that change nothing else, such as searches.
 *
 * Group commit: a commit takes a millisecond or more, and there is one at a time. Events that arrive during a commit
 * wait in a queue; then the first thread that wakes up appends those of all waiting threads in one transaction. */
#include "store/audit/audit_queue.h"

#include "store/audit/audit_log.h"
#include "store/core/transaction.h"
#include "store/gallery/counts.h"

#include <stdlib.h>

enum { BATCH_MAX = 64 };

/* A thread that waits in sb_audit_record, on whose stack this is allocated. */
typedef struct waiter {
  struct waiter *next;
  sb_audit_batch_item item;
  bool done;
  sb_status status;
  sb_error error;
} waiter;

struct sb_audit_queue {
  pthread_mutex_t lock;
  pthread_cond_t done;
  waiter *first, **end;
  bool committing;
};

sb_status sb_audit_queue_new(sb_store *store, sb_error *error) {
  sb_audit_queue *queue = sb_alloc(1, sizeof *queue, error);
  if (!queue) return SB_NO_MEMORY;
  pthread_mutex_init(&queue->lock, NULL);
  pthread_cond_init(&queue->done, NULL);
  queue->end = &queue->first;
  store->audit_queue = queue;
  return SB_OK;
}

void sb_audit_queue_free(sb_store *store) {
  sb_audit_queue *queue = store->audit_queue;
  if (!queue) return;
  pthread_cond_destroy(&queue->done);
  pthread_mutex_destroy(&queue->lock);
  free(queue);
}

static sb_status append(sb_store *store, const sb_audit_batch_item *items, size_t count, sb_error *error) {
  sb_status status = sb_store_begin(store, error);
  if (status != SB_OK) return status;
  sb_store_adjust_counts(store, 0, 0, 0);
  return sb_store_finish(store, sb_audit_append_batch(store, items, count, error), error);
}

static size_t take_batch(sb_audit_queue *queue, waiter *batch[BATCH_MAX]) {
  size_t count = 0;
  while (queue->first && count < BATCH_MAX) {
    batch[count++] = queue->first;
    queue->first = queue->first->next;
  }
  if (!queue->first) queue->end = &queue->first;
  return count;
}

/* Called and left with the queue's lock, which is free in between. */
static void commit_batch(sb_store *store) {
  sb_audit_queue *queue = store->audit_queue;
  waiter *batch[BATCH_MAX];
  sb_audit_batch_item items[BATCH_MAX];
  sb_error error = {0};
  size_t count = take_batch(queue, batch);
  for (size_t i = 0; i < count; i++) items[i] = batch[i]->item;
  queue->committing = true;
  pthread_mutex_unlock(&queue->lock);
  sb_status status = append(store, items, count, &error);
  pthread_mutex_lock(&queue->lock);
  queue->committing = false;
  for (size_t i = 0; i < count; i++) {
    batch[i]->status = status;
    batch[i]->error = error;
    batch[i]->done = true;
  }
  pthread_cond_broadcast(&queue->done);
}

sb_status sb_audit_record(sb_store *store, const sb_audit_event *events, size_t count, sb_error *error) {
  sb_audit_queue *queue = store->audit_queue;
  waiter own = {.item = {sb_actor_get()->name, events, count}};
  if (!count) return SB_OK;
  pthread_mutex_lock(&queue->lock);
  *queue->end = &own;
  queue->end = &own.next;
  while (!own.done) {
    if (queue->committing)
      pthread_cond_wait(&queue->done, &queue->lock);
    else
      commit_batch(store);
  }
  pthread_mutex_unlock(&queue->lock);
  return own.status == SB_OK ? SB_OK : sb_fail(error, own.status, "%s", own.error.message);
}
