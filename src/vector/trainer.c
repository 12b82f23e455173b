/* The training thread: waits until the index has enough rows and has stopped growing for a moment, draws a sample,
 * trains a quantizer (quantizer/train.h), encodes all rows (index/build_generation.c), and measures the
 * recall (search/recall.h). */
#include "vector/trainer.h"

#include "vector/quantizer/train.h"
#include "vector/quantizer/xorshift.h"
#include "vector/search/recall.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
  SAMPLE_ROWS = 10240,
  GROWTH = 4,         /* train again when there are this many times the rows */
  UNCODED_SHARE = 16, /* or when one row in this many is uncoded */
  QUIET_MS = 50,      /* without growth before training starts: half of a bulk load is a poor sample */
  QUIET_ROUNDS = 200, /* but start after ten seconds in any case */
  PQ_BYTES = 24,      /* of the product quantization code, at most */
};

/* ---- Training */

/* Bytes per row for product quantization codes, and in *residual_bytes for residual codes, so that a row takes no more
 * than vector.h promises: 88 bytes, 2 per dimension (4 with float32), and 5 %. The quantizer's own memory counts,
 * except in collections so small that its share would take more than half: a few megabytes in
 * total do not matter then. */
static size_t code_budget(const sb_stored_format *stored, size_t rows, size_t *residual_bytes) {
  const size_t others = 23 + SB_REFINEMENT_BYTES; /* key, label, bits, key table */
  size_t row = stored->dim * (stored->precision == SB_PRECISION_F32 ? 4 : 2);
  size_t room = ((size_t)88 * 105 + 5 * row) / 100 - others, share = sb_quantizer_bytes_max(stored->dim) / rows + 1;
  if (share <= room / 2) room -= share;
  *residual_bytes = SB_RESIDUAL_LONG;
  while (*residual_bytes && room < *residual_bytes + PQ_BYTES * 3 / 4)
    *residual_bytes = *residual_bytes > SB_RESIDUAL_SHORT ? SB_RESIDUAL_SHORT : 0;
  room -= *residual_bytes;
  return room < PQ_BYTES ? room : PQ_BYTES;
}

/* Copies up to `wanted` live rows, drawn at random with replacement, to `out`. Returns how many. */
static size_t draw_sample(sb_index *index, size_t wanted, float *out) {
  uint64_t state = 0x243f6a8885a308d3u;
  size_t drawn = 0;
  unsigned pin = sb_epoch_pin(&index->epoch);
  size_t end = atomic_load(&index->rows.end);
  for (size_t tries = 0; end && drawn < wanted && tries < 20 * wanted; tries++) {
    uint32_t slot = (uint32_t)(sb_xorshift(&state) % end);
    if (!sb_rows_live(&index->rows, slot)) continue;
    sb_stored_read(&index->stored, sb_rows_vector(&index->rows, slot), out + drawn++ * index->stored.dim);
  }
  sb_epoch_unpin(&index->epoch, pin);
  return drawn;
}

/* Trains a quantizer on the sample and makes the generation that it encodes current. `start`: of the training. */
static sb_status train_generation(sb_index *index, const float *sample, size_t drawn, double start, sb_generation **out,
                                  sb_error *error) {
  size_t residual_bytes, rows = atomic_load(&index->count);
  size_t pq_bytes = code_budget(&index->stored, rows, &residual_bytes);
  const sb_quantizer_training training = {.kernels = index->stored.kernels,
                                          .sample = sample,
                                          .count = drawn,
                                          .dim = index->stored.dim,
                                          .rows = rows,
                                          .query_tail = index->query_tail,
                                          .query_tail_count = index->query_tail_count,
                                          .subspaces_max = pq_bytes / 3 * 4,
                                          .residual_bytes = residual_bytes};
  sb_quantizer *quantizer = NULL;
  sb_status status = sb_quantizer_train(&training, &quantizer, error);
  if (status != SB_OK) return status;
  sb_generation *next = sb_generation_new(quantizer, error);
  if (!next) {
    sb_quantizer_free(quantizer);
    return SB_NO_MEMORY;
  }
  next->trained_rows = rows;
  next->train_seconds = (sb_monotonic_ms() - start) / 1000;
  status = sb_index_build_generation(index, next, error);
  if (status != SB_OK) {
    sb_generation_free(next);
    return status;
  }
  *out = next;
  return SB_OK;
}

static sb_status train(sb_index *index, sb_error *error) {
  size_t rows = atomic_load(&index->count);
  double start = sb_monotonic_ms();
  sb_generation *generation = NULL;
  float *sample = sb_alloc(SAMPLE_ROWS * index->stored.dim, sizeof *sample, error);
  if (!sample) return SB_NO_MEMORY;
  size_t drawn = draw_sample(index, rows < SAMPLE_ROWS ? rows : SAMPLE_ROWS, sample);
  sb_status status = train_generation(index, sample, drawn, start, &generation, error);
  if (status == SB_OK) sb_recall_tune(index, generation, sample, drawn);
  free(sample);
  return status;
}

/* ---- The thread */

/* Waits until the index has not grown by more than 2 % for a moment, or until training must
 * not wait. Under the lock. */
static void wait_until_quiet(sb_index *index) {
  sb_trainer *trainer = &index->trainer;
  for (int round = 0; round < QUIET_ROUNDS && !trainer->immediate && !trainer->stop; round++) {
    size_t before = atomic_load(&index->count);
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += QUIET_MS * 1000000L;
    if (until.tv_nsec >= 1000000000L) until.tv_sec++, until.tv_nsec -= 1000000000L;
    pthread_cond_timedwait(&trainer->wake, &index->lock, &until);
    if (atomic_load(&index->count) <= before + before / 50) return;
  }
}

static void *run(void *context) {
  sb_index *index = context;
  sb_trainer *trainer = &index->trainer;
  pthread_mutex_lock(&index->lock);
  while (!trainer->stop) {
    if (!trainer->due || (trainer->paused && !trainer->immediate)) {
      pthread_cond_wait(&trainer->wake, &index->lock);
      continue;
    }
    wait_until_quiet(index);
    trainer->due = false;
    trainer->busy = true;
    pthread_mutex_unlock(&index->lock);
    sb_error error = {0};
    sb_status status = train(index, &error);
    if (status != SB_OK && status != SB_STOPPING)
      sb_log(SB_LOG_WARNING, "cannot train search codes, searches continue as before: %s", error.message);
    pthread_mutex_lock(&index->lock);
    trainer->busy = false;
    trainer->failed_rows = status == SB_OK ? 0 : atomic_load(&index->count);
    sb_trainer_notify(index);
    pthread_cond_broadcast(&trainer->ended);
  }
  pthread_mutex_unlock(&index->lock);
  return NULL;
}

static bool is_due(const sb_index *index) {
  size_t rows = atomic_load(&index->count);
  const sb_generation *current = atomic_load(&index->current);
  if (rows < index->train_from || rows < index->trainer.failed_rows * 2) return false;
  if (!current) return true;
  /* Uncoded rows are a reason only once there are more of them than the last training could have left. */
  size_t uncoded = atomic_load(&current->uncoded_count);
  return rows >= GROWTH * current->trained_rows ||
         (uncoded > rows / UNCODED_SHARE && rows >= current->trained_rows + current->trained_rows / 4);
}

void sb_trainer_notify(sb_index *index) {
  sb_trainer *trainer = &index->trainer;
  if (trainer->busy || trainer->due || !is_due(index)) return;
  if (!trainer->started && pthread_create(&trainer->thread, NULL, run, index)) return;
  trainer->started = true;
  trainer->due = true;
  pthread_cond_signal(&trainer->wake);
}

/* ---- Control */

void sb_trainer_init(sb_index *index) {
  pthread_cond_init(&index->trainer.wake, NULL);
  pthread_cond_init(&index->trainer.ended, NULL);
}

void sb_trainer_stop(sb_index *index) {
  sb_trainer *trainer = &index->trainer;
  pthread_mutex_lock(&index->lock);
  trainer->stop = true;
  pthread_cond_signal(&trainer->wake);
  pthread_mutex_unlock(&index->lock);
  if (trainer->started) pthread_join(trainer->thread, NULL);
  pthread_cond_destroy(&trainer->wake);
  pthread_cond_destroy(&trainer->ended);
}

void sb_trainer_pause(sb_index *index, bool pause) {
  pthread_mutex_lock(&index->lock);
  index->trainer.paused = pause;
  if (!pause) sb_trainer_notify(index);
  pthread_cond_signal(&index->trainer.wake);
  pthread_mutex_unlock(&index->lock);
}

void sb_trainer_wait(sb_index *index) {
  sb_trainer *trainer = &index->trainer;
  pthread_mutex_lock(&index->lock);
  sb_trainer_notify(index);
  trainer->immediate = true;
  pthread_cond_signal(&trainer->wake);
  while (trainer->busy || trainer->due) pthread_cond_wait(&trainer->ended, &index->lock);
  trainer->immediate = false;
  pthread_mutex_unlock(&index->lock);
}
