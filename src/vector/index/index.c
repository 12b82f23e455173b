/* Making, filling and emptying the index; see index.h for the invariants. */
#include "vector/index/index.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { RECLAIM_AT_ONCE = 64 };

sb_status sb_index_new(const sb_index_options *options, sb_index **out, sb_error *error) {
  if (options->struct_size != sizeof *options) return sb_fail(error, SB_MISUSE, "struct_size is not set");
  if (options->dim < 1 || options->dim > SB_DIM_MAX)
    return sb_fail(error, SB_MISUSE, "an index has 1 to %d dimensions", SB_DIM_MAX);
  sb_index *index = aligned_alloc(64, (sizeof *index + 63) / 64 * 64);
  if (!index) return sb_fail(error, SB_NO_MEMORY, "out of memory");
  memset(index, 0, sizeof *index);
  index->kept = (sb_kept){sb_kernels_chosen(), options->dim, options->keep};
  index->metric = options->metric;
  index->team = options->team;
  index->learn_from = options->learn_from ? options->learn_from : SB_LEARN_FROM;
  if (options->dim < SB_LEARN_DIM) index->learn_from = SIZE_MAX;
  index->rows.row_bytes = sb_kept_bytes(&index->kept);
  index->keys.rows = &index->rows;
  index->keys.bytes = sizeof *index;
  index->free_slots = SB_NO_SLOT;
  atomic_store(&index->epoch.now, 2);
  pthread_mutex_init(&index->lock, NULL);
  sb_trainer_new(index);
  *out = index;
  return SB_OK;
}

void sb_index_free(sb_index *index) {
  if (!index) return;
  sb_trainer_free(index);
  sb_generation_free(atomic_load(&index->current));
  while (index->older) {
    sb_generation *older = index->older;
    index->older = older->older;
    sb_generation_free(older);
  }
  sb_key_index_free(&index->keys);
  sb_rows_free(&index->rows);
  for (int i = 0; i < SB_SPARES; i++) free(atomic_load(&index->spares[i]));
  pthread_mutex_destroy(&index->lock);
  free(index);
}

size_t sb_index_count(const sb_index *index) {
  return atomic_load(&index->count);
}

size_t sb_index_dim(const sb_index *index) {
  return index->kept.dim;
}

sb_status sb_index_admit(const sb_index *index, const float *vector, const char *what, float *out, sb_error *error) {
  bool finite = index->kept.kernels->largest_bits(vector, index->kept.dim) < 0x7f800000;
  for (size_t i = 0; !finite && i < index->kept.dim; i++)
    if (!isfinite(vector[i])) return sb_fail(error, SB_INVALID, "%s's value number %zu is not finite", what, i);
  memcpy(out, vector, index->kept.dim * sizeof *out);
  if (index->metric == SB_METRIC_COSINE && sb_normalize(out, index->kept.dim) == 0)
    return sb_fail(error, SB_INVALID, "%s is all zeros: it has no direction", what);
  return SB_OK;
}

/* ---- Slots */

/* One that was used before, else the next new one, its segment ready in rows and generations. */
static sb_status take_slot(sb_index *index, uint32_t *slot, sb_error *error) {
  if (index->free_slots != SB_NO_SLOT) {
    sb_row_place row = sb_row_at(&index->rows, *slot = index->free_slots);
    index->free_slots = (uint32_t)row.segment->labels[row.at];
    return SB_OK;
  }
  size_t end = atomic_load(&index->rows.end);
  if (end >= SB_SLOTS_MAX) return sb_fail(error, SB_NO_MEMORY, "an index holds %zu rows at most", SB_SLOTS_MAX);
  unsigned segment = sb_segment_of((uint32_t)end);
  sb_generation *current = atomic_load(&index->current);
  sb_status status = sb_rows_prepare(&index->rows, segment, error);
  if (status == SB_OK && current) status = sb_generation_prepare(current, segment, error);
  if (status == SB_OK && index->next) status = sb_generation_prepare(index->next, segment, error);
  if (status != SB_OK) return status;
  atomic_store(&index->rows.end, end + 1);
  *slot = (uint32_t)end;
  return SB_OK;
}

static void link_free(sb_index *index, uint32_t slot) {
  sb_row_place row = sb_row_at(&index->rows, slot);
  row.segment->labels[row.at] = index->free_slots;
  index->free_slots = slot;
}

/* Takes a row out of sight: no search that begins from now on sees it. */
static void hide(sb_index *index, uint32_t slot) {
  sb_row_place row = sb_row_at(&index->rows, slot);
  sb_generation *current = atomic_load(&index->current);
  if (current && !sb_generation_hide(current, slot)) atomic_fetch_sub(&current->plain, 1);
  if (index->next) sb_generation_hide(index->next, slot);
  atomic_fetch_and(&row.segment->live[row.at / 64], ~((uint64_t)1 << row.at % 64));
  uint64_t epoch = sb_epoch_now(&index->epoch);
  int limbo = (int)(epoch % SB_LIMBOS);
  while (index->limbo[limbo].count && index->limbo[limbo].epoch != epoch)
    sb_index_reclaim(index, SIZE_MAX); /* of three epochs ago: free for sure */
  if (!index->limbo[limbo].count++ || slot < index->limbo[limbo].first) index->limbo[limbo].first = slot;
  index->limbo[limbo].epoch = epoch;
  sb_rows_set_limbo(&index->rows, limbo, slot, true);
  atomic_store(&index->limbo_waits, true);
}

static void erase(sb_index *index, uint32_t slot) {
  sb_row_place row = sb_row_at(&index->rows, slot);
  sb_generation *current = atomic_load(&index->current);
  memset(row.segment->kept + row.at * index->rows.row_bytes, 0, index->rows.row_bytes);
  atomic_store(&row.segment->keys[row.at], 0);
  row.segment->labels[row.at] = 0;
  if (current) sb_generation_erase(current, slot);
  if (index->next) sb_generation_erase(index->next, slot);
}

static void free_older(sb_index *index, uint64_t epoch) {
  for (sb_generation **link = &index->older; *link;) {
    sb_generation *older = *link;
    if (older->epoch + 2 > epoch) {
      link = &older->older;
      continue;
    }
    *link = older->older;
    sb_generation_free(older);
  }
}

void sb_index_reclaim(sb_index *index, size_t budget) {
  sb_epoch_advance(&index->epoch);
  sb_epoch_advance(&index->epoch);
  uint64_t epoch = sb_epoch_now(&index->epoch);
  size_t waiting = 0;
  for (int i = 0; i < SB_LIMBOS; i++) {
    while (index->limbo[i].count && index->limbo[i].epoch + 2 <= epoch && budget) {
      uint32_t slot = sb_rows_next_in_limbo(&index->rows, i, index->limbo[i].first);
      sb_rows_set_limbo(&index->rows, i, slot, false);
      index->limbo[i].first = slot + 1;
      index->limbo[i].count--;
      erase(index, slot);
      link_free(index, slot);
      budget--;
    }
    waiting += index->limbo[i].count;
  }
  sb_key_index_reclaim(&index->keys, epoch);
  free_older(index, epoch);
  atomic_store(&index->limbo_waits, waiting || index->keys.retired || index->older);
}

void sb_index_leave(sb_index *index, unsigned pin) {
  sb_epoch_unpin(&index->epoch, pin);
  if (!atomic_load(&index->limbo_waits) || pthread_mutex_trylock(&index->lock)) return;
  sb_index_reclaim(index, RECLAIM_AT_ONCE);
  pthread_mutex_unlock(&index->lock);
}

/* ---- Rows */

bool sb_index_code(const sb_index *index, sb_generation *generation, uint32_t slot, const float *vector) {
  float y[SB_AXES_MAX];
  sb_row_code code;
  double length2 = (double)index->kept.kernels->dot_f32(vector, vector, index->kept.dim);
  sb_model_project(generation->model, vector, 1, y);
  if (!sb_model_encode(generation->model, y, length2, &code)) return false;
  sb_generation_write(generation, slot, &code);
  return true;
}

/* Fills a slot and makes it visible. */
static void fill(sb_index *index, uint32_t slot, uint64_t key, uint64_t label, const void *kept_row) {
  float vector[SB_DIM_MAX];
  sb_row_place row = sb_row_at(&index->rows, slot);
  uint8_t *place = row.segment->kept + row.at * index->rows.row_bytes;
  sb_generation *current = atomic_load(&index->current);
  memcpy(place, kept_row, index->rows.row_bytes);
  atomic_store(&row.segment->keys[row.at], key);
  row.segment->labels[row.at] = label;
  if (current || index->next) sb_kept_read(&index->kept, place, vector);
  if (current && !sb_index_code(index, current, slot, vector)) atomic_fetch_add(&current->plain, 1);
  if (index->next) sb_index_code(index, index->next, slot, vector);
  atomic_fetch_or(&row.segment->live[row.at / 64], (uint64_t)1 << row.at % 64);
}

static void note_replacement(sb_index *index, uint32_t slot) {
  uint64_t number = atomic_load(&index->replaced);
  atomic_store(&index->replaced_slots[number % SB_REPLACED_KEPT], slot);
  atomic_store(&index->replaced, number + 1);
}

static void raise_upper_error(sb_index *index, const void *kept_row) {
  if (!sb_kept_upper_bytes(&index->kept)) return;
  float error = sb_kept_upper_error(&index->kept, kept_row);
  if (error > atomic_load(&index->upper_error)) atomic_store(&index->upper_error, error);
}

/* A row that was admitted and is in the form in which it is kept. */
static sb_status put_kept(sb_index *index, uint64_t key, uint64_t label, const void *kept_row, sb_error *error) {
  uint32_t slot = SB_NO_SLOT;
  sb_status status = sb_key_index_reserve(&index->keys, key, sb_epoch_now(&index->epoch), error);
  if (status == SB_OK) status = take_slot(index, &slot, error);
  if (status != SB_OK) return status;
  uint32_t old = sb_key_index_find(&index->keys, key);
  raise_upper_error(index, kept_row);
  fill(index, slot, key, label, kept_row);
  sb_key_index_set(&index->keys, key, slot);
  if (old == SB_NO_SLOT) {
    atomic_fetch_add(&index->count, 1);
  } else {
    note_replacement(index, slot);
    hide(index, old);
  }
  return SB_OK;
}

sb_status sb_index_put_many(sb_index *index, size_t count, const uint64_t *keys, const uint64_t *labels,
                            const float *vectors, size_t *done, sb_error *error) {
  float vector[SB_DIM_MAX], row[SB_DIM_MAX + 1];
  sb_status status = SB_OK;
  size_t i = 0;
  for (; status == SB_OK && i < count; i += status == SB_OK) {
    status = sb_index_admit(index, vectors + i * index->kept.dim, "a vector", vector, error);
    memset(row, 0, index->rows.row_bytes); /* the bytes that pad it */
    if (status == SB_OK) status = sb_kept_write(&index->kept, vector, row, error);
    if (status != SB_OK) break;
    pthread_mutex_lock(&index->lock);
    status = put_kept(index, keys[i], labels[i], row, error);
    if (atomic_load(&index->limbo_waits)) sb_index_reclaim(index, RECLAIM_AT_ONCE);
    if (i + 1 == count) sb_trainer_consider(index);
    pthread_mutex_unlock(&index->lock);
  }
  if (done) *done = i;
  return status;
}

sb_status sb_index_put(sb_index *index, uint64_t key, uint64_t label, const float *vector, sb_error *error) {
  return sb_index_put_many(index, 1, &key, &label, vector, NULL, error);
}

bool sb_index_remove(sb_index *index, uint64_t key) {
  pthread_mutex_lock(&index->lock);
  uint32_t slot = sb_key_index_find(&index->keys, key);
  if (slot != SB_NO_SLOT) {
    sb_key_index_remove(&index->keys, key);
    hide(index, slot);
    atomic_fetch_sub(&index->count, 1);
    sb_index_reclaim(index, RECLAIM_AT_ONCE);
  }
  pthread_mutex_unlock(&index->lock);
  return slot != SB_NO_SLOT;
}

static sb_epoch *epoch_of(const sb_index *index) {
  union {
    const sb_epoch *constant;
    sb_epoch *epoch;
  } view = {&index->epoch}; /* looking does not change what a const index holds */
  return view.epoch;
}

bool sb_index_contains(const sb_index *index, uint64_t key) {
  unsigned pin = sb_epoch_pin(epoch_of(index));
  bool found = sb_key_index_find(&index->keys, key) != SB_NO_SLOT;
  sb_epoch_unpin(epoch_of(index), pin);
  return found;
}

void sb_index_stats_get(sb_index *index, sb_index_stats *out) {
  pthread_mutex_lock(&index->lock);
  sb_generation *g = atomic_load(&index->current);
  const sb_model *model = g ? g->model : NULL;
  size_t rows = atomic_load(&index->count), end = atomic_load(&index->rows.end);
  *out = (sb_index_stats){.rows = rows,
                          .dim = index->kept.dim,
                          .bytes = sb_rows_bytes(&index->rows) + index->keys.bytes,
                          .learnt_times = index->learner.times,
                          .plain_rows = rows,
                          .recall = 1};
  if (index->next) out->bytes += sb_generation_bytes(index->next, end);
  if (g) {
    out->bytes += sb_generation_bytes(g, end);
    out->learnt_rows = g->learnt_rows;
    out->learn_seconds = g->learn_seconds;
    out->plain_rows = atomic_load(&g->plain);
    out->participation = model->participation;
    out->code_bytes = model->groups * 3 / 4;
    out->code_dims = model->code_axes;
    out->line_dims = model->line_axes;
    out->survivors = sb_model_survivors(model, rows, 10);
    out->reranked = sb_model_reranked(model, rows, 10);
    out->recall = g->recall;
  }
  out->learning = index->learner.busy || index->learner.due ? SB_LEARNING_NOW : g ? SB_LEARNING_DONE : SB_LEARNING_NONE;
  pthread_mutex_unlock(&index->lock);
}
