/* The thread that learns: waits until the gallery is worth it and at rest, samples, learns a model, codes all rows for it,
 * tries it out, and swaps it in.
 *
 * While a generation is being filled writers write to it, too (index->next). The learner goes through the blocks: it pins
 * the epoch, reads which rows live, codes them without the lock, and under the lock enters those that still live and that no
 * writer has coded meanwhile. The pin keeps every slot that it read from being used again. */
#include "vector/index/index.h"
#include "vector/quantizer/train.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
  SAMPLE_ROWS = 10240,
  GROWTH = 4,        /* learns again when there are so many times the rows */
  PLAIN_SHARE = 16,  /* or when one row in so many is plain */
  REST_MS = 50,      /* of rest before learning: no sense in learning from half a bulk load ... */
  REST_ROUNDS = 200, /* ... but after ten seconds without rest either */
  TRIAL_PROBES = 256,
  TRIAL_ROUNDS = 6,
  CODE_BYTES = 24, /* of the first stage at most */
};

/* Of 2,560 neighbours two may be missing. */
#define RECALL_WANTED 0.9992

/* A face may take 88 bytes, two a dimension (four where float32 is kept), and 5 % more: what that leaves for codes of the first stage
 * and fine codes. The model's share counts, unless the gallery is so small that there is no bound to keep: a few megabytes then
 * matter to nobody. */
static size_t code_bytes(const sb_kept *kept, size_t rows, size_t *fine_bytes) {
  const size_t others = 23 + SB_LINE_BYTES; /* key, label, bits, key map */
  size_t row = kept->dim * (kept->precision == SB_KEEP_F32 ? 4 : 2);
  size_t room = (88 * 105 + 5 * row) / 100 - others, share = sb_model_bytes_most(kept->dim) / rows + 1;
  if (share <= room / 2) room -= share;
  *fine_bytes = SB_LINE_BYTES;
  while (*fine_bytes && room < *fine_bytes + CODE_BYTES * 3 / 4)
    *fine_bytes = *fine_bytes > SB_FINE_BYTES ? SB_FINE_BYTES : 0;
  room -= *fine_bytes;
  return room < CODE_BYTES ? room : CODE_BYTES;
}

/* ---- Sampling */

static uint64_t xorshift(uint64_t *state) {
  *state ^= *state << 13;
  *state ^= *state >> 7;
  return *state ^= *state << 17;
}

/* Copies live rows, chosen at random where there are more than `wanted`, in random order. Gives how many. */
static size_t draw_sample(sb_index *index, size_t wanted, float *out) {
  uint64_t state = 0x243f6a8885a308d3u;
  size_t drawn = 0;
  unsigned pin = sb_epoch_pin(&index->epoch);
  size_t end = atomic_load(&index->rows.end);
  for (size_t tries = 0; end && drawn < wanted && tries < 20 * wanted; tries++) {
    uint32_t slot = (uint32_t)(xorshift(&state) % end);
    if (!sb_row_live(&index->rows, slot)) continue;
    sb_kept_read(&index->kept, sb_row_kept(&index->rows, slot), out + drawn++ * index->kept.dim);
  }
  sb_epoch_unpin(&index->epoch, pin);
  return drawn;
}

/* ---- Filling */

/* Rows of one block, coded. */
typedef struct block_codes {
  uint64_t fits;
  sb_row_code codes[SB_BLOCK_ROWS];
} block_codes;

static void code_block(const sb_index *index, const sb_model *model, uint32_t slot, uint64_t live, float *vectors,
                       float *y, block_codes *out) {
  size_t dim = index->kept.dim, count = 0;
  for (uint64_t bits = live; bits; bits &= bits - 1)
    sb_kept_read(&index->kept, sb_row_kept(&index->rows, slot + (uint32_t)__builtin_ctzll(bits)),
                 vectors + count++ * dim);
  sb_model_project(model, vectors, count, y);
  count = 0;
  out->fits = 0;
  for (uint64_t bits = live; bits; bits &= bits - 1, count++) {
    int row = __builtin_ctzll(bits);
    double length2 = (double)index->kept.kernels->dot_f32(vectors + count * dim, vectors + count * dim, dim);
    if (sb_model_encode(model, y + count * model->axes, length2, &out->codes[row])) out->fits |= (uint64_t)1 << row;
  }
}

static void enter_block(sb_index *index, sb_generation *next, const sb_unit *unit, size_t block,
                        const block_codes *codes) {
  size_t at = unit->at / SB_BLOCK_ROWS + block;
  pthread_mutex_lock(&index->lock);
  uint64_t live = atomic_load(&unit->segment->live[at]);
  uint64_t coded = atomic_load(&sb_coded_segment(next, unit->segment_number)->coded[at]);
  for (uint64_t bits = codes->fits & live & ~coded; bits; bits &= bits - 1) {
    int row = __builtin_ctzll(bits);
    sb_generation_write(next, unit->slot + (uint32_t)(block * SB_BLOCK_ROWS) + (uint32_t)row, &codes->codes[row]);
  }
  pthread_mutex_unlock(&index->lock);
}

static bool told_to_stop(sb_index *index) {
  pthread_mutex_lock(&index->lock);
  bool stop = index->learner.stop;
  pthread_mutex_unlock(&index->lock);
  return stop;
}

static sb_status fill_generation(sb_index *index, sb_generation *next, sb_error *error) {
  float *vectors = sb_alloc(SB_BLOCK_ROWS * index->kept.dim, sizeof *vectors, error);
  float *y = sb_alloc((size_t)SB_BLOCK_ROWS * SB_AXES_MAX, sizeof *y, error);
  block_codes *codes = aligned_alloc(64, (sizeof *codes + 63) / 64 * 64);
  sb_status status = vectors && y && codes ? SB_OK : sb_fail(error, SB_NO_MEMORY, "out of memory for learning");
  size_t units = sb_rows_units(&index->rows); /* rows beyond are written by those who add them */
  for (size_t u = 0; status == SB_OK && u < units; u++) {
    if (told_to_stop(index)) status = sb_fail(error, SB_STOPPING, "the index is being freed");
    sb_unit unit = sb_rows_unit(&index->rows, u);
    for (size_t b = 0; status == SB_OK && b < unit.blocks; b++) {
      unsigned pin = sb_epoch_pin(&index->epoch);
      uint64_t live = atomic_load(&unit.segment->live[unit.at / SB_BLOCK_ROWS + b]);
      code_block(index, next->model, unit.slot + (uint32_t)(b * SB_BLOCK_ROWS), live, vectors, y, codes);
      enter_block(index, next, &unit, b, codes);
      sb_epoch_unpin(&index->epoch, pin);
    }
  }
  free(vectors);
  free(y);
  free(codes);
  return status;
}

/* Makes the generation known to writers, its segments ready. */
static sb_status announce(sb_index *index, sb_generation *next, sb_error *error) {
  sb_status status = SB_OK;
  pthread_mutex_lock(&index->lock);
  for (unsigned i = 0; status == SB_OK && i < SB_SEGMENTS_MAX; i++)
    if (atomic_load(&index->rows.segments[i])) status = sb_generation_prepare(next, i, error);
  if (status == SB_OK) index->next = next;
  pthread_mutex_unlock(&index->lock);
  return status;
}

static void withdraw(sb_index *index) {
  pthread_mutex_lock(&index->lock);
  index->next = NULL;
  pthread_mutex_unlock(&index->lock);
}

static void swap_in(sb_index *index, sb_generation *next) {
  pthread_mutex_lock(&index->lock);
  sb_generation *old = atomic_load(&index->current);
  atomic_store(&next->plain, atomic_load(&index->count) - atomic_load(&next->coded_count));
  atomic_store(&index->current, next);
  index->next = NULL;
  index->learner.times++;
  if (old) {
    old->older = index->older;
    old->epoch = sb_epoch_now(&index->epoch);
    index->older = old;
  }
  sb_index_reclaim(index, 0);
  pthread_mutex_unlock(&index->lock);
}

/* ---- Trying out: mates of rows of the gallery ask for their neighbours, in both modes */

enum { NEIGHBOURS = 10 };

typedef struct neighbours {
  sb_hit hits[NEIGHBOURS];
  size_t count;
} neighbours;

/* Another photo of a face is like it by 0.6 or so; of the rest two thirds are like other faces and one third is noise in all
 * directions. Noise is what codes see worst, so rows themselves would give too good a picture. Makes the first `count` rows
 * of the sample such mates, with the help of the last. */
static void make_mates(float *sample, size_t drawn, size_t count, size_t dim) {
  uint64_t state = 0x13198a2e03707344u;
  for (size_t p = 0; p < count; p++) {
    float *row = sample + p * dim;
    const float *other = sample + (drawn - 1 - p) * dim;
    double length2 = 0;
    for (size_t j = 0; j < dim; j++) length2 += (double)row[j] * (double)row[j];
    double noise = 0.44 * sqrt(12 * length2 / (double)dim); /* of uniform numbers: variance 1 / 12 */
    for (size_t j = 0; j < dim; j++) {
      double uniform = (double)(xorshift(&state) >> 11) * 0x1p-53 - 0.5;
      row[j] = (float)(0.6 * (double)row[j] + 0.67 * (double)other[j] + noise * uniform);
    }
  }
}

/* False: it could not be searched. */
static bool find_neighbours(sb_index *index, const float *probe, sb_search_mode mode, neighbours *out) {
  const sb_index_query query = {
      .struct_size = sizeof query, .vectors = probe, .count = 1, .k = NEIGHBOURS, .mode = mode};
  return sb_index_search(index, &query, out->hits, &out->count, NULL) == SB_OK;
}

static bool has(const neighbours *list, uint64_t key) {
  for (size_t i = 0; i < list->count; i++)
    if (list->hits[i].key == key) return true;
  return false;
}

/* Of the exact ten best the share that the fast search finds; < 0: it could not be tried. The gallery may change meanwhile:
 * what is gone, or was pushed out by better ones, is not missing. */
static double try_out(sb_index *index, const float *probes, size_t count, const neighbours *exact) {
  size_t right = 0, wrong = 0;
  for (size_t p = 0; p < count; p++) {
    neighbours fast;
    if (!find_neighbours(index, probes + p * index->kept.dim, SB_SEARCH_FAST, &fast)) return -1;
    for (size_t i = 0; i < exact[p].count; i++) {
      const sb_hit *wanted = &exact[p].hits[i];
      if (has(&fast, wanted->key))
        right++;
      else if (fast.count < NEIGHBOURS || fast.hits[NEIGHBOURS - 1].score < wanted->score)
        wrong += sb_index_contains(index, wanted->key);
    }
  }
  return right ? (double)right / (double)(right + wrong) : 1;
}

/* Tries the generation that was swapped in, and lets more rows through until it finds what is wanted. */
static void settle_recall(sb_index *index, sb_generation *generation, const float *probes, size_t count) {
  neighbours *exact = sb_alloc(count, sizeof *exact, NULL);
  bool ready = exact != NULL;
  for (size_t p = 0; ready && p < count; p++)
    ready = !told_to_stop(index) && find_neighbours(index, probes + p * index->kept.dim, SB_SEARCH_EXACT, &exact[p]);
  for (int round = 0; ready && round < TRIAL_ROUNDS && !told_to_stop(index); round++) {
    double recall = try_out(index, probes, count, exact);
    if (recall >= 0) atomic_store(&generation->recall, recall);
    if (recall < 0 || recall >= RECALL_WANTED) break;
    atomic_store(&generation->model->generosity, 1.5 * atomic_load(&generation->model->generosity));
  }
  free(exact);
}

/* ---- The thread */

static sb_status learn(sb_index *index, sb_error *error) {
  size_t dim = index->kept.dim, rows = atomic_load(&index->count);
  double start = sb_monotonic_ms();
  sb_model *model = NULL;
  sb_generation *next = NULL;
  size_t fine_bytes, code = code_bytes(&index->kept, rows, &fine_bytes);
  float *sample = sb_alloc(SAMPLE_ROWS * dim, sizeof *sample, error);
  if (!sample) return SB_NO_MEMORY;
  size_t drawn = draw_sample(index, rows < SAMPLE_ROWS ? rows : SAMPLE_ROWS, sample);
  sb_status status =
      sb_model_learn(index->kept.kernels, sample, drawn, dim, rows, code / 3 * 4, fine_bytes, &model, error);
  if (status == SB_OK && !(next = sb_generation_new(model, error))) status = SB_NO_MEMORY;
  if (next) model = NULL; /* it owns the model */
  if (status == SB_OK) status = announce(index, next, error);
  if (status == SB_OK) {
    status = fill_generation(index, next, error);
    if (status != SB_OK) withdraw(index);
  }
  if (status == SB_OK) {
    next->learnt_rows = rows;
    next->learn_seconds = (sb_monotonic_ms() - start) / 1000;
    swap_in(index, next);
    size_t probes = drawn / 2 < TRIAL_PROBES ? drawn / 2 : TRIAL_PROBES;
    make_mates(sample, drawn, probes, dim);
    settle_recall(index, next, sample, probes);
  } else {
    sb_generation_free(next);
    sb_model_free(model);
  }
  free(sample);
  return status;
}

/* Until the gallery has not grown for a moment (or somebody is in a hurry). Under the lock. */
static void wait_for_rest(sb_index *index) {
  sb_trainer *learner = &index->learner;
  for (int round = 0; round < REST_ROUNDS && !learner->hurry && !learner->stop; round++) {
    size_t before = atomic_load(&index->count);
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += REST_MS * 1000000L;
    if (until.tv_nsec >= 1000000000L) until.tv_sec++, until.tv_nsec -= 1000000000L;
    pthread_cond_timedwait(&learner->wake, &index->lock, &until);
    if (atomic_load(&index->count) <= before + before / 50) return;
  }
}

static void *run(void *context) {
  sb_index *index = context;
  sb_trainer *learner = &index->learner;
  pthread_mutex_lock(&index->lock);
  while (!learner->stop) {
    if (!learner->due || (learner->held && !learner->hurry)) {
      pthread_cond_wait(&learner->wake, &index->lock);
      continue;
    }
    wait_for_rest(index);
    learner->due = false;
    learner->busy = true;
    pthread_mutex_unlock(&index->lock);
    sb_error error = {0};
    sb_status status = learn(index, &error);
    if (status != SB_OK && status != SB_STOPPING)
      sb_log(SB_LOG_WARNING, "search codes could not be learnt, searches stay as they were: %s", error.message);
    pthread_mutex_lock(&index->lock);
    learner->busy = false;
    learner->failed_rows = status == SB_OK ? 0 : atomic_load(&index->count);
    sb_trainer_consider(index);
    pthread_cond_broadcast(&learner->ended);
  }
  pthread_mutex_unlock(&index->lock);
  return NULL;
}

static bool is_due(const sb_index *index) {
  size_t rows = atomic_load(&index->count);
  const sb_generation *current = atomic_load(&index->current);
  if (rows < index->learn_from || rows < index->learner.failed_rows * 2) return false;
  if (!current) return true;
  /* Rows that fit no code are learnt again only once there are more of them than learning could have left. */
  size_t plain = atomic_load(&current->plain);
  return rows >= GROWTH * current->learnt_rows ||
         (plain > rows / PLAIN_SHARE && rows >= current->learnt_rows + current->learnt_rows / 4);
}

void sb_trainer_consider(sb_index *index) {
  sb_trainer *learner = &index->learner;
  if (learner->busy || learner->due || !is_due(index)) return;
  /* The thread comes with the first need; without it searches stay exact, and the next put tries again. */
  if (!learner->started && pthread_create(&learner->thread, NULL, run, index)) return;
  learner->started = true;
  learner->due = true;
  pthread_cond_signal(&learner->wake);
}

void sb_trainer_new(sb_index *index) {
  pthread_cond_init(&index->learner.wake, NULL);
  pthread_cond_init(&index->learner.ended, NULL);
}

void sb_trainer_free(sb_index *index) {
  sb_trainer *learner = &index->learner;
  pthread_mutex_lock(&index->lock);
  learner->stop = true;
  pthread_cond_signal(&learner->wake);
  pthread_mutex_unlock(&index->lock);
  if (learner->started) pthread_join(learner->thread, NULL);
  pthread_cond_destroy(&learner->wake);
  pthread_cond_destroy(&learner->ended);
}

void sb_index_hold(sb_index *index, bool hold) {
  pthread_mutex_lock(&index->lock);
  index->learner.held = hold;
  if (!hold) sb_trainer_consider(index);
  pthread_cond_signal(&index->learner.wake);
  pthread_mutex_unlock(&index->lock);
}

void sb_index_settle(sb_index *index) {
  sb_trainer *learner = &index->learner;
  pthread_mutex_lock(&index->lock);
  sb_trainer_consider(index);
  learner->hurry = true;
  pthread_cond_signal(&learner->wake);
  while (learner->busy || learner->due) pthread_cond_wait(&learner->ended, &index->lock);
  learner->hurry = false;
  sb_index_reclaim(index, SIZE_MAX);
  while (atomic_load(&index->limbo_waits)) { /* searches that began before are still running: milliseconds at most */
    pthread_mutex_unlock(&index->lock);
    nanosleep(&(struct timespec){0, 100000}, NULL);
    pthread_mutex_lock(&index->lock);
    sb_index_reclaim(index, SIZE_MAX);
  }
  pthread_mutex_unlock(&index->lock);
}
