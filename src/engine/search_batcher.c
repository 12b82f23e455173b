/* Whoever comes while nobody searches, searches for all who wait; the others sleep until somebody has searched for them.
 *
 * Invariants (under the lock)
 *   1. A request is in `first`..`last`, or in the batch of the one who searches (`searching`), or `done`.
 *   2. A batch holds requests that differ in their vectors only. */
#include "engine/search_batcher.h"

#include <stdlib.h>
#include <string.h>

enum { BATCH_MAX = 32 };

typedef struct waiting {
  struct waiting *next;
  const sb_index_query *request;
  sb_hit *hits;
  size_t *found;
  bool done;
  sb_status status;
  sb_error error;
} waiting;

struct sb_gather {
  sb_index *index;
  pthread_mutex_t lock;
  pthread_cond_t ended;
  waiting *first, **last;
  bool searching;
};

sb_gather *sb_gather_new(sb_index *index, sb_error *error) {
  sb_gather *gather = sb_alloc(1, sizeof *gather, error);
  if (!gather) return NULL;
  gather->index = index;
  gather->last = &gather->first;
  pthread_mutex_init(&gather->lock, NULL);
  pthread_cond_init(&gather->ended, NULL);
  return gather;
}

void sb_gather_free(sb_gather *gather) {
  if (!gather) return;
  pthread_cond_destroy(&gather->ended);
  pthread_mutex_destroy(&gather->lock);
  free(gather);
}

static bool alike(const sb_index_query *a, const sb_index_query *b) {
  return a->k == b->k && a->mode == b->mode && a->by_label == b->by_label && a->filter == b->filter &&
         a->has_floor == b->has_floor && (!a->has_floor || !(a->floor < b->floor || a->floor > b->floor));
}

/* Takes the first request and those like it. Under the lock. */
static size_t take_batch(sb_gather *gather, waiting *batch[BATCH_MAX]) {
  size_t count = 0;
  for (waiting **link = &gather->first; *link;) {
    waiting *w = *link;
    if (count == BATCH_MAX || (count && !alike(batch[0]->request, w->request))) {
      link = &w->next;
      continue;
    }
    *link = w->next;
    if (!*link) gather->last = link;
    batch[count++] = w;
  }
  return count;
}

/* Copies the vectors together, searches, and gives each its part. */
static sb_status search_together(sb_index *index, waiting *batch[], size_t count, sb_error *error) {
  size_t dim = sb_index_dim(index), k = batch[0]->request->k, found[BATCH_MAX];
  float *vectors = sb_alloc(count * dim, sizeof *vectors, error);
  sb_hit *hits = sb_alloc(count * k, sizeof *hits, error);
  sb_index_query query = *batch[0]->request;
  query.vectors = vectors;
  query.count = count;
  for (size_t i = 0; vectors && i < count; i++)
    memcpy(vectors + i * dim, batch[i]->request->vectors, dim * sizeof *vectors);
  sb_status status = vectors && hits ? sb_index_search(index, &query, hits, found, error) : SB_NO_MEMORY;
  for (size_t i = 0; status == SB_OK && i < count; i++) {
    memcpy(batch[i]->hits, hits + i * k, found[i] * sizeof *hits);
    *batch[i]->found = found[i];
  }
  free(vectors);
  free(hits);
  return status;
}

static void search_each(sb_index *index, waiting *batch[], size_t count) {
  for (size_t i = 0; i < count; i++)
    batch[i]->status = sb_index_search(index, batch[i]->request, batch[i]->hits, batch[i]->found, &batch[i]->error);
}

/* One bad query must not fail the others: where a batch fails, each is tried alone. */
static void search_for(sb_index *index, waiting *batch[], size_t count) {
  if (count == 1 || search_together(index, batch, count, NULL) != SB_OK) search_each(index, batch, count);
}

sb_status sb_gather_search(sb_gather *gather, const sb_index_query *request, sb_hit *hits, size_t *found,
                           sb_error *error) {
  waiting own = {.request = request, .hits = hits, .found = found}, *batch[BATCH_MAX];
  pthread_mutex_lock(&gather->lock);
  *gather->last = &own;
  gather->last = &own.next;
  while (!own.done) {
    if (gather->searching) {
      pthread_cond_wait(&gather->ended, &gather->lock);
      continue;
    }
    gather->searching = true;
    size_t count = take_batch(gather, batch);
    pthread_mutex_unlock(&gather->lock);
    search_for(gather->index, batch, count);
    pthread_mutex_lock(&gather->lock);
    for (size_t i = 0; i < count; i++) batch[i]->done = true;
    gather->searching = false;
    pthread_cond_broadcast(&gather->ended);
  }
  pthread_mutex_unlock(&gather->lock);
  return own.status == SB_OK ? SB_OK : sb_fail(error, own.status, "%s", own.error.message);
}
