/* The search index: an exact scan.
 *
 * Invariants (under the lock)
 *   1. Slots 0..count-1 are in use, without gaps; a removal moves the last row into the gap.
 *   2. slots maps each key to its slot, and nothing else.
 *   3. A row that is not in use holds zeros: what was removed is not left in memory.
 * Rows live in blocks that never move, so growing copies nothing. */
#include "vector/vector.h"

#include "vector/slots.h"
#include "vector/topk.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_ROWS = 1024, ROW_ALIGN = 16 /* floats: 64 bytes, a cache line */ };

typedef struct block {
  uint64_t keys[BLOCK_ROWS], labels[BLOCK_ROWS];
  float *rows; /* BLOCK_ROWS * stride */
} block;

struct sb_index {
  pthread_rwlock_t lock;
  size_t dim, stride, count;
  sb_metric metric;
  size_t block_count;
  block **blocks;
  sb_slots slots;
};

static float *row_of(const sb_index *index, size_t slot) {
  return index->blocks[slot / BLOCK_ROWS]->rows + slot % BLOCK_ROWS * index->stride;
}

sb_status sb_index_new(const sb_index_options *options, sb_index **out, sb_error *error) {
  size_t dim = options->dim;
  if (options->struct_size != sizeof *options) return sb_fail(error, SB_MISUSE, "struct_size is not set");
  if (dim < 1 || dim > SB_DIM_MAX) return sb_fail(error, SB_MISUSE, "an index has 1 to %d dimensions", SB_DIM_MAX);
  sb_index *index = sb_alloc(1, sizeof *index, error);
  if (!index) return SB_NO_MEMORY;
  pthread_rwlock_init(&index->lock, NULL);
  index->dim = dim;
  index->metric = options->metric;
  index->stride = (dim + ROW_ALIGN - 1) / ROW_ALIGN * ROW_ALIGN;
  *out = index;
  return SB_OK;
}

void sb_index_free(sb_index *index) {
  if (!index) return;
  for (size_t i = 0; i < index->block_count; i++) {
    free(index->blocks[i]->rows);
    free(index->blocks[i]);
  }
  free(index->blocks);
  sb_slots_free(&index->slots);
  pthread_rwlock_destroy(&index->lock);
  free(index);
}

static pthread_rwlock_t *lock_of(const sb_index *index) {
  union {
    const pthread_rwlock_t *constant;
    pthread_rwlock_t *lock;
  } view = {&index->lock}; /* taking a lock does not change what a const index holds */
  return view.lock;
}

size_t sb_index_count(const sb_index *index) {
  pthread_rwlock_rdlock(lock_of(index));
  size_t count = index->count;
  pthread_rwlock_unlock(lock_of(index));
  return count;
}

size_t sb_index_dim(const sb_index *index) {
  return index->dim;
}

static sb_status add_block(sb_index *index, sb_error *error) {
  void *blocks = index->blocks;
  sb_status status = sb_grow(&blocks, index->block_count + 1, sizeof *index->blocks, error);
  if (status != SB_OK) return status;
  index->blocks = blocks;
  block *added = sb_alloc(1, sizeof *added, error);
  size_t bytes = BLOCK_ROWS * index->stride * sizeof(float);
  if (!added || !(added->rows = aligned_alloc(ROW_ALIGN * sizeof(float), bytes))) {
    free(added);
    return sb_fail(error, SB_NO_MEMORY, "memory is out for %zu more faces", (size_t)BLOCK_ROWS);
  }
  memset(added->rows, 0, bytes);
  index->blocks[index->block_count++] = added;
  return SB_OK;
}

static sb_status reserve(sb_index *index, size_t count, sb_error *error) {
  sb_status status = sb_slots_reserve(&index->slots, count, error);
  while (status == SB_OK && index->block_count * BLOCK_ROWS < count) status = add_block(index, error);
  return status;
}

/* The vector as it is kept or asked with: finite, and of unit length for cosines. */
static sb_status admit(const sb_index *index, const float *vector, const char *what, float *out, sb_error *error) {
  for (size_t i = 0; i < index->dim; i++)
    if (!isfinite(vector[i])) return sb_fail(error, SB_INVALID, "%s's value number %zu is not finite", what, i);
  memcpy(out, vector, index->dim * sizeof *out);
  if (index->metric == SB_METRIC_COSINE && sb_normalize(out, index->dim) == 0)
    return sb_fail(error, SB_INVALID, "%s is all zeros, or too large: it has no direction", what);
  return SB_OK;
}

sb_status sb_index_put(sb_index *index, uint64_t key, uint64_t label, const float *vector, sb_error *error) {
  float row[SB_DIM_MAX];
  sb_status status = admit(index, vector, "a vector", row, error);
  if (status != SB_OK) return status;
  pthread_rwlock_wrlock(&index->lock);
  int64_t slot = sb_slots_find(&index->slots, key);
  if (slot == SB_NO_SLOT) {
    status = reserve(index, index->count + 1, error);
    if (status == SB_OK) {
      slot = (int64_t)index->count++;
      sb_slots_set(&index->slots, key, slot);
    }
  }
  if (status == SB_OK) {
    block *home = index->blocks[(size_t)slot / BLOCK_ROWS];
    home->keys[(size_t)slot % BLOCK_ROWS] = key;
    home->labels[(size_t)slot % BLOCK_ROWS] = label;
    memcpy(row_of(index, (size_t)slot), row, index->dim * sizeof *row);
  }
  pthread_rwlock_unlock(&index->lock);
  return status;
}

bool sb_index_remove(sb_index *index, uint64_t key) {
  pthread_rwlock_wrlock(&index->lock);
  int64_t slot = sb_slots_find(&index->slots, key);
  if (slot != SB_NO_SLOT) {
    size_t gap = (size_t)slot, last = --index->count;
    sb_slots_remove(&index->slots, key);
    if (gap != last) {
      block *from = index->blocks[last / BLOCK_ROWS], *to = index->blocks[gap / BLOCK_ROWS];
      to->keys[gap % BLOCK_ROWS] = from->keys[last % BLOCK_ROWS];
      to->labels[gap % BLOCK_ROWS] = from->labels[last % BLOCK_ROWS];
      memcpy(row_of(index, gap), row_of(index, last), index->stride * sizeof(float));
      sb_slots_set(&index->slots, to->keys[gap % BLOCK_ROWS], slot);
    }
    memset(row_of(index, last), 0, index->stride * sizeof(float));
  }
  pthread_rwlock_unlock(&index->lock);
  return slot != SB_NO_SLOT;
}

sb_status sb_index_put_many(sb_index *index, size_t count, const uint64_t *keys, const uint64_t *labels,
                            const float *vectors, size_t *done, sb_error *error) {
  sb_status status = SB_OK;
  size_t i = 0;
  while (i < count && (status = sb_index_put(index, keys[i], labels[i], vectors + i * index->dim, error)) == SB_OK) i++;
  if (done) *done = i;
  return status;
}

bool sb_index_contains(const sb_index *index, uint64_t key) {
  pthread_rwlock_rdlock(lock_of(index));
  bool found = sb_slots_find(&index->slots, key) != SB_NO_SLOT;
  pthread_rwlock_unlock(lock_of(index));
  return found;
}

sb_status sb_index_settle(sb_index *index, sb_error *error) {
  (void)index, (void)error;
  return SB_OK; /* nothing is left to do when a call has returned */
}

static bool allowed(const sb_filter *filter, uint64_t key, uint64_t label) {
  size_t low = 0, high = filter ? filter->count : 0;
  switch (filter ? filter->kind : SB_FILTER_NONE) {
  case SB_FILTER_NONE: return true;
  case SB_FILTER_BITMAP: return key < filter->count && filter->bits[key / 64] >> key % 64 & 1;
  case SB_FILTER_TEST: return filter->test(filter->context, key, label);
  case SB_FILTER_KEYS: break;
  }
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (filter->keys[middle] < key)
      low = middle + 1;
    else
      high = middle;
  }
  return low < filter->count && filter->keys[low] == key;
}

static void scan(const sb_index *index, const sb_index_query *query, const float *vector, sb_topk *best) {
  for (size_t slot = 0; query->k && slot < index->count; slot++) {
    float score = sb_dot(vector, row_of(index, slot), index->dim);
    if (!sb_topk_wants(best, score) || (query->has_floor && score < query->floor)) continue;
    const block *home = index->blocks[slot / BLOCK_ROWS];
    sb_hit hit = {home->keys[slot % BLOCK_ROWS], home->labels[slot % BLOCK_ROWS], score};
    if (allowed(query->filter, hit.key, hit.label)) sb_topk_add(best, hit, query->by_label);
  }
}

sb_status sb_index_search(sb_index *index, const sb_index_query *query, sb_hit *hits, size_t *found, sb_error *error) {
  float vector[SB_DIM_MAX];
  if (query->struct_size != sizeof *query || query->k > SB_INDEX_K_MAX || query->count > SB_BATCH_MAX)
    return sb_fail(error, SB_MISUSE, "a query's struct_size, k or count is out of range");
  for (size_t i = 0; i < query->count; i++) {
    sb_status status = admit(index, query->vectors + i * index->dim, "a query", vector, error);
    if (status != SB_OK) return status;
  }
  for (size_t i = 0; i < query->count; i++) {
    sb_topk best = {hits + i * query->k, query->k, 0};
    admit(index, query->vectors + i * index->dim, "a query", vector, NULL);
    pthread_rwlock_rdlock(&index->lock);
    scan(index, query, vector, &best);
    pthread_rwlock_unlock(&index->lock);
    found[i] = best.count;
  }
  return SB_OK;
}

void sb_index_stats_get(sb_index *index, sb_index_stats *out) {
  pthread_rwlock_rdlock(&index->lock);
  size_t row = index->stride * sizeof(float) + 2 * sizeof(uint64_t);
  *out = (sb_index_stats){.rows = index->count,
                          .dim = index->dim,
                          .bytes = index->block_count * BLOCK_ROWS * row +
                                   index->slots.capacity * sizeof *index->slots.entries,
                          .plain_rows = index->count,
                          .recall = 1};
  pthread_rwlock_unlock(&index->lock);
}
