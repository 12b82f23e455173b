/* Rows of the index: adding, replacing, removing, and reclaiming their memory. index.h has the invariants. */
#include "vector/index/index.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

sb_status sb_index_create(const sb_index_options *options, sb_index **out, sb_error *error) {
  sb_index *index = aligned_alloc(64, (sizeof *index + 63) / 64 * 64);
  if (!index) return sb_fail(error, SB_NO_MEMORY, "out of memory");
  memset(index, 0, sizeof *index);
  index->stored = (sb_stored_format){sb_kernels_chosen(), options->dim, options->precision};
  index->metric = options->metric;
  index->thread_team = options->thread_team;
  index->train_from = options->train_from ? options->train_from : SB_TRAIN_FROM;
  if (options->dim < SB_TRAIN_DIM_MIN) index->train_from = SIZE_MAX;
  index->query_tail_count = options->query_tail_count;
  for (size_t i = 0; i < options->query_tail_count; i++) index->query_tail[i] = options->query_tail[i];
  index->rows.row_bytes = sb_stored_bytes(&index->stored);
  index->keys.rows = &index->rows;
  index->keys.bytes = sizeof *index;
  index->free_slots = SB_NO_SLOT;
  atomic_store(&index->epoch.now, 2);
  pthread_mutex_init(&index->lock, NULL);
  *out = index;
  return SB_OK;
}

void sb_index_destroy(sb_index *index) {
  sb_generation_free(atomic_load(&index->current));
  while (index->older) {
    sb_generation *older = index->older;
    index->older = older->older;
    sb_generation_free(older);
  }
  sb_key_index_free(&index->keys);
  sb_rows_free(&index->rows);
  sb_scratch_free_all(&index->scratch);
  pthread_mutex_destroy(&index->lock);
  free(index);
}

size_t sb_index_count(const sb_index *index) {
  return atomic_load(&index->count);
}

size_t sb_index_dim(const sb_index *index) {
  return index->stored.dim;
}

bool sb_index_stopping(sb_index *index) {
  pthread_mutex_lock(&index->lock);
  bool stop = index->trainer.stop;
  pthread_mutex_unlock(&index->lock);
  return stop;
}

sb_status sb_index_check_vector(const sb_index *index, const float *vector, const char *what, float *out,
                                sb_error *error) {
  bool finite = index->stored.kernels->max_abs_bits(vector, index->stored.dim) < 0x7f800000;
  for (size_t i = 0; !finite && i < index->stored.dim; i++)
    if (!isfinite(vector[i])) return sb_fail(error, SB_INVALID, "value %zu of %s is not finite", i, what);
  memcpy(out, vector, index->stored.dim * sizeof *out);
  if (index->metric == SB_METRIC_COSINE && sb_normalize(out, index->stored.dim) == 0)
    return sb_fail(error, SB_INVALID, "all values of %s are zero, so it has no direction", what);
  return SB_OK;
}

void sb_index_as_query(const sb_index *index, float *vector) {
  float *tail = vector + index->stored.dim - index->query_tail_count;
  memcpy(tail, index->query_tail, index->query_tail_count * sizeof *tail);
}

/* ---- Slots */

/* Maps a segment in the rows and in both generations. */
static sb_status prepare_segment(sb_index *index, unsigned segment, sb_error *error) {
  sb_generation *generations[] = {atomic_load(&index->current), index->next};
  sb_status status = sb_rows_prepare(&index->rows, segment, error);
  for (size_t i = 0; status == SB_OK && i < 2; i++)
    if (generations[i]) status = sb_generation_prepare(generations[i], segment, error);
  return status;
}

/* Takes a free slot, or the next unused one. */
static sb_status take_slot(sb_index *index, uint32_t *slot, sb_error *error) {
  if (index->free_slots != SB_NO_SLOT) {
    sb_rows_place row = sb_rows_at(&index->rows, *slot = index->free_slots);
    index->free_slots = (uint32_t)row.segment->labels[row.at];
    return SB_OK;
  }
  size_t end = atomic_load(&index->rows.end);
  if (end >= SB_SLOTS_MAX) return sb_fail(error, SB_NO_MEMORY, "an index holds at most %zu rows", SB_SLOTS_MAX);
  sb_status status = prepare_segment(index, sb_rows_segment_of((uint32_t)end), error);
  if (status != SB_OK) return status;
  atomic_store(&index->rows.end, end + 1);
  *slot = (uint32_t)end;
  return SB_OK;
}

static void link_free(sb_index *index, uint32_t slot) {
  sb_rows_place row = sb_rows_at(&index->rows, slot);
  row.segment->labels[row.at] = index->free_slots;
  index->free_slots = slot;
}

/* Clears a row's bits and puts its slot in limbo: searches that begin from now on do not see it. */
static void hide(sb_index *index, uint32_t slot) {
  sb_rows_place row = sb_rows_at(&index->rows, slot);
  sb_generation *current = atomic_load(&index->current);
  if (current && !sb_generation_hide(current, slot)) atomic_fetch_sub(&current->uncoded_count, 1);
  if (index->next) sb_generation_hide(index->next, slot);
  atomic_fetch_and(&row.segment->live[row.at / 64], ~((uint64_t)1 << row.at % 64));
  uint64_t epoch = sb_epoch_now(&index->epoch);
  int limbo = (int)(epoch % SB_LIMBOS);
  while (index->limbo[limbo].count && index->limbo[limbo].epoch != epoch)
    sb_index_reclaim(index, SIZE_MAX); /* left over from three epochs ago, so certainly free */
  if (!index->limbo[limbo].count++ || slot < index->limbo[limbo].first) index->limbo[limbo].first = slot;
  index->limbo[limbo].epoch = epoch;
  sb_rows_set_limbo(&index->rows, limbo, slot, true);
  atomic_store(&index->limbo_waits, true);
}

static void erase(sb_index *index, uint32_t slot) {
  sb_rows_place row = sb_rows_at(&index->rows, slot);
  sb_generation *current = atomic_load(&index->current);
  memset(row.segment->vectors + row.at * index->rows.row_bytes, 0, index->rows.row_bytes);
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

void sb_index_unpin(sb_index *index, unsigned pin) {
  sb_epoch_unpin(&index->epoch, pin);
  if (!atomic_load(&index->limbo_waits) || pthread_mutex_trylock(&index->lock)) return;
  sb_index_reclaim(index, SB_RECLAIM_BATCH);
  pthread_mutex_unlock(&index->lock);
}

/* ---- Rows */

/* Encodes a row for a generation and writes its codes there; false: its codes cannot represent it, it stays uncoded. */
static bool encode(const sb_index *index, sb_generation *generation, uint32_t slot, const float *vector) {
  float y[SB_AXES_MAX];
  sb_quantizer_codes codes;
  double length2 = (double)index->stored.kernels->dot_f32(vector, vector, index->stored.dim);
  sb_quantizer_project(generation->quantizer, vector, 1, y);
  if (!sb_quantizer_encode(generation->quantizer, y, length2, &codes)) return false;
  sb_generation_write(generation, slot, &codes);
  return true;
}

/* Writes a row into a slot and makes it visible. */
static void fill(sb_index *index, uint32_t slot, uint64_t key, uint64_t label, const void *stored_row) {
  float vector[SB_DIM_MAX];
  sb_rows_place row = sb_rows_at(&index->rows, slot);
  uint8_t *stored = row.segment->vectors + row.at * index->rows.row_bytes;
  sb_generation *current = atomic_load(&index->current);
  memcpy(stored, stored_row, index->rows.row_bytes);
  atomic_store(&row.segment->keys[row.at], key);
  row.segment->labels[row.at] = label;
  if (current || index->next) sb_stored_read(&index->stored, stored, vector);
  if (current && !encode(index, current, slot, vector)) atomic_fetch_add(&current->uncoded_count, 1);
  if (index->next) encode(index, index->next, slot, vector);
  atomic_fetch_or(&row.segment->live[row.at / 64], (uint64_t)1 << row.at % 64);
}

static void log_replacement(sb_index *index, uint32_t slot) {
  uint64_t number = atomic_load(&index->replacements);
  atomic_store(&index->replacement_log[number % SB_REPLACEMENT_LOG], slot);
  atomic_store(&index->replacements, number + 1);
}

static void raise_upper_error(sb_index *index, const void *stored_row) {
  if (!sb_stored_upper_bytes(&index->stored)) return;
  float error = sb_stored_upper_error(&index->stored, stored_row);
  if (error > atomic_load(&index->upper_error)) atomic_store(&index->upper_error, error);
}

sb_status sb_index_put_row(sb_index *index, uint64_t key, uint64_t label, const void *stored_row, sb_error *error) {
  uint32_t slot = SB_NO_SLOT;
  sb_status status = sb_key_index_reserve(&index->keys, key, sb_epoch_now(&index->epoch), error);
  if (status != SB_OK) return status;
  status = take_slot(index, &slot, error);
  if (status != SB_OK) return status;
  uint32_t old = sb_key_index_find(&index->keys, key);
  raise_upper_error(index, stored_row);
  fill(index, slot, key, label, stored_row);
  sb_key_index_set(&index->keys, key, slot);
  if (old == SB_NO_SLOT) {
    atomic_fetch_add(&index->count, 1);
  } else {
    log_replacement(index, slot);
    hide(index, old);
  }
  return SB_OK;
}

bool sb_index_remove_row(sb_index *index, uint64_t key) {
  uint32_t slot = sb_key_index_find(&index->keys, key);
  if (slot == SB_NO_SLOT) return false;
  sb_key_index_remove(&index->keys, key);
  hide(index, slot);
  atomic_fetch_sub(&index->count, 1);
  sb_index_reclaim(index, SB_RECLAIM_BATCH);
  return true;
}

static sb_epoch *epoch_of(const sb_index *index) {
  union {
    const sb_epoch *constant;
    sb_epoch *epoch;
  } view = {&index->epoch}; /* pinning does not change what a const index promises not to change */
  return view.epoch;
}

bool sb_index_contains(const sb_index *index, uint64_t key) {
  unsigned pin = sb_epoch_pin(epoch_of(index));
  bool found = sb_key_index_find(&index->keys, key) != SB_NO_SLOT;
  sb_epoch_unpin(epoch_of(index), pin);
  return found;
}

bool sb_index_get(sb_index *index, uint64_t key, uint64_t *label, float *vector) {
  unsigned pin = sb_epoch_pin(&index->epoch);
  uint32_t slot = sb_key_index_find(&index->keys, key);
  bool found = slot != SB_NO_SLOT; /* then the pin keeps the row as it is, even if it is removed meanwhile */
  if (found && label) *label = sb_rows_label(&index->rows, slot);
  if (found && vector) sb_stored_read(&index->stored, sb_rows_vector(&index->rows, slot), vector);
  sb_index_unpin(index, pin);
  return found;
}
