/* Leader/follower batching: the first caller that finds no search in progress becomes the leader and runs one batched
 * search for every compatible caller that is waiting; the followers sleep until their result is there. One scan of the
 * index then answers up to BATCH_MAX queries, which costs little more than one.
 *
 * Invariants (under the lock)
 *   1. A request is in the queue `first`..`last`, or in the leader's batch (`searching` is set), or `done`.
 *   2. The requests of a batch differ in their vectors only. */
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

struct sb_search_batcher {
  sb_index *index;
  pthread_mutex_t lock;
  pthread_cond_t ended;
  waiting *first, **last;
  bool searching;
};

sb_search_batcher *sb_search_batcher_new(sb_index *index, sb_error *error) {
  sb_search_batcher *batcher = sb_alloc(1, sizeof *batcher, error);
  if (!batcher) return NULL;
  batcher->index = index;
  batcher->last = &batcher->first;
  pthread_mutex_init(&batcher->lock, NULL);
  pthread_cond_init(&batcher->ended, NULL);
  return batcher;
}

void sb_search_batcher_free(sb_search_batcher *batcher) {
  if (!batcher) return;
  pthread_cond_destroy(&batcher->ended);
  pthread_mutex_destroy(&batcher->lock);
  free(batcher);
}

static bool compatible(const sb_index_query *a, const sb_index_query *b) {
  return a->k == b->k && a->certain == b->certain && a->mode == b->mode && a->by_label == b->by_label &&
         a->filter == b->filter && a->has_floor == b->has_floor &&
         (!a->has_floor || !(a->floor < b->floor || a->floor > b->floor));
}

/* Takes the first request and those compatible with it out of the queue. Under the lock. */
static size_t take_batch(sb_search_batcher *batcher, waiting *batch[BATCH_MAX]) {
  size_t count = 0;
  for (waiting **link = &batcher->first; *link;) {
    waiting *w = *link;
    if (count == BATCH_MAX || (count && !compatible(batch[0]->request, w->request))) {
      link = &w->next;
      continue;
    }
    *link = w->next;
    if (!*link) batcher->last = link;
    batch[count++] = w;
  }
  return count;
}

/* Searches for all vectors of the batch at once and hands each request its hits. */
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

/* One bad query must not fail the others: when a batch fails, each request is searched separately. */
static void search_for(sb_index *index, waiting *batch[], size_t count) {
  if (count == 1 || search_together(index, batch, count, NULL) != SB_OK) search_each(index, batch, count);
}

sb_status sb_search_batcher_search(sb_search_batcher *batcher, const sb_index_query *request, sb_hit *hits,
                                   size_t *found, sb_error *error) {
  waiting own = {.request = request, .hits = hits, .found = found}, *batch[BATCH_MAX];
  pthread_mutex_lock(&batcher->lock);
  *batcher->last = &own;
  batcher->last = &own.next;
  while (!own.done) {
    if (batcher->searching) {
      pthread_cond_wait(&batcher->ended, &batcher->lock);
      continue;
    }
    batcher->searching = true;
    size_t count = take_batch(batcher, batch);
    pthread_mutex_unlock(&batcher->lock);
    search_for(batcher->index, batch, count);
    pthread_mutex_lock(&batcher->lock);
    for (size_t i = 0; i < count; i++) batch[i]->done = true;
    batcher->searching = false;
    pthread_cond_broadcast(&batcher->ended);
  }
  pthread_mutex_unlock(&batcher->lock);
  return own.status == SB_OK ? SB_OK : sb_fail(error, own.status, "%s", own.error.message);
}
