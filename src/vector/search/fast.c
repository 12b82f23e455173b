/* Fast search of the coded rows for a batch of queries: product quantization fast scan with asymmetric distance
 * computation (Andre, Kermarrec, Le Scouarnec 2015 and 2017; vector.h), refined in two steps.
 *
 *   1. Scan. The query's lookup tables, 64 int8 values for each subspace, are summed over all product quantization
 *      codes in registers, unit by unit (8,192 rows). A row whose sum exceeds the query's threshold survives. The
 *      threshold is chosen from a sample of the rows so that about sb_quantizer_survivors of all rows survive. Memory:
 *      12 to 24 bytes per row, read in sequence; the codes of a million rows fit the L3 cache.
 *   2. Refine. A survivor's refinement code (64 bytes) gives a better estimate of its score. Each worker keeps the best
 *      rows on a shortlist. The codes are prefetched while the survivors of the next scan are collected.
 *   3. Rerank. The rows of the merged shortlist (at most sb_quantizer_reranked) are scored exactly, by falling
 *      estimate, until the next one could reach the minimum score only by more error than chance allows.
 *
 * How a threshold relates to scores: training has measured, for the estimates of the scan (s = 0) and of the refinement
 * code (s = 1),
 *     estimate = offset[s] + slope[s] * score + deviation[s] * noise        (noise: standard normal)
 * so a row that is to score at least m has an estimate of at least offset + slope * m - sigmas * deviation, but for a
 * known probability. The caller's floor lowers the work of all three steps in this way.
 *
 * Invariants
 *   1. A unit's coded bits are read before its codes, and survivors without the bit are dropped. Codes of rows that a
 *      writer is changing meanwhile may be read, but never count (generation.h, invariant 1).
 *   2. Threads divide queries (prepare), units (scan, refine) and queries (rerank) by shared counters. A phase begins
 *      when the previous one has been counted to its end, no matter by which thread: helpers may come late or not at
 *      all.
 *   3. A unit counts as done when the survivors of its last query have been refined, which is one step later. */
#include "vector/search/query_batch.h"
#include "vector/search/shortlist.h"
#include "vector/search/thread_team.h"

#include <math.h>
#include <string.h>

enum {
  SAMPLE_RUNS = 32,
  SAMPLE_RUN_BLOCKS = 8, /* 32 runs of 8 blocks of 64 rows: a sample of 16,384 rows for the threshold */
  FILTER_RUNS = 8,       /* fewer when each row must be tested by a filter */
  COUNTED_FROM = 20,     /* only higher sums enter the histogram: about a quarter of all */
  AHEAD = 4,             /* stored rows prefetched before they are scored */
  UNCERTAIN_ROWS = 4,    /* at least so many rows for each hit that need not be certain */
  EXACT_SHARE = 4        /* exact mode needs only a good first minimum score: a quarter of the candidates */
};
/* Step 3 ends where a row would need a higher error than this, in standard deviations: one in three million has. */
static const double rerank_sigmas = 5;
/* The same for hits that need not be certain. */
static const double uncertain_sigmas = 1;
/* The same for step 1 when the caller sets a floor. */
static const double floor_sigmas = 4.5;

/* Survivors of one unit and query whose refinement codes are being prefetched. */
typedef struct survivors {
  uint32_t *rows; /* within the unit; room for SB_UNIT_ROWS */
  size_t count, query;
  bool ends_unit;            /* the query is the unit's last */
  const uint8_t *refinement; /* of the unit */
  uint32_t slot;             /* of the unit's first row */
} survivors;

typedef struct fast_job {
  sb_query_batch *batch;
  size_t reranked; /* length of a shortlist */
  bool backwards;
  int workers;
  sb_shortlist *lists; /* [worker][query] */
  uint32_t *rows;      /* [worker][2][SB_UNIT_ROWS] */
  int32_t *estimates;  /* [worker][SB_UNIT_ROWS] */
  atomic_size_t next_prepare, prepared, next_unit, units_done, next_rerank;
} fast_job;

/* ---- Preparing a query: lookup tables, weights, and the threshold that the wanted number of rows pass */

typedef struct histogram {
  size_t counts[256]; /* by sum + 128 */
  size_t live, seen;  /* coded rows; those of them that the filter allows */
} histogram;

static uint64_t coded_bits(const sb_generation_segment *segment, size_t block) {
  return atomic_load_explicit(&segment->coded[block], memory_order_acquire);
}

/* Of the block's coded rows those that the filter allows. */
static uint64_t allowed_bits(const sb_query_batch *batch, uint32_t slot, uint64_t coded) {
  if (!batch->filter.filter) return coded;
  uint64_t allowed = coded;
  for (uint64_t bits = coded; bits; bits &= bits - 1) {
    uint32_t row = slot + (uint32_t)__builtin_ctzll(bits);
    if (!sb_query_filter_allows(&batch->filter, &batch->index->rows, row)) allowed &= ~(bits & -bits);
  }
  return allowed;
}

static void count_block(const sb_query_batch *batch, const sb_quantizer_query *prepared, const sb_rows_unit *unit,
                        size_t block, int least, histogram *h) {
  const sb_generation *generation = batch->generation;
  const sb_generation_segment *segment = sb_generation_segment_at(generation, unit->segment_number);
  int8_t scores[SB_BLOCK_ROWS];
  if (!segment) return;
  size_t at = unit->at / SB_BLOCK_ROWS + block;
  uint64_t coded = coded_bits(segment, at);
  uint64_t more = generation->quantizer->kernels->score_block(
      segment->codes + at * generation->block_bytes, generation->quantizer->subspaces, prepared->tables, least, scores);
  uint64_t allowed = allowed_bits(batch, unit->slot + (uint32_t)(block * SB_BLOCK_ROWS), coded);
  h->live += (size_t)__builtin_popcountll(coded);
  h->seen += (size_t)__builtin_popcountll(allowed);
  for (more &= allowed; more; more &= more - 1) h->counts[scores[__builtin_ctzll(more)] + 128]++;
}

static void count_sample(const sb_query_batch *batch, const sb_quantizer_query *prepared, int least, histogram *h) {
  size_t blocks = batch->units * SB_UNIT_BLOCKS, runs = batch->filter.filter ? FILTER_RUNS : SAMPLE_RUNS;
  *h = (histogram){0};
  if (blocks < runs * SAMPLE_RUN_BLOCKS) runs = (blocks + SAMPLE_RUN_BLOCKS - 1) / SAMPLE_RUN_BLOCKS;
  for (size_t run = 0; run < runs; run++) {
    size_t first = blocks * run / runs / SAMPLE_RUN_BLOCKS * SAMPLE_RUN_BLOCKS; /* a run lies within one unit */
    sb_rows_unit unit = sb_rows_unit_at(&batch->index->rows, first / SB_UNIT_BLOCKS);
    size_t begin = first % SB_UNIT_BLOCKS;
    for (size_t b = begin; b < begin + SAMPLE_RUN_BLOCKS && b < unit.blocks; b++)
      count_block(batch, prepared, &unit, b, least, h);
  }
}

/* How many of `rows` rows a step passes on, `certain` being what it needs for the certain hits. Exact mode needs fewer,
 * and hits that need not be certain no more than some rows each. */
static size_t wanted_rows(const sb_query_batch *batch, size_t certain, size_t rows) {
  size_t wanted = batch->query->mode == SB_SEARCH_EXACT ? certain / EXACT_SHARE : certain;
  size_t least = UNCERTAIN_ROWS * batch->query->k;
  if (sb_query_batch_certain(batch) < batch->query->k && wanted < least) wanted = least;
  return wanted < rows ? wanted : rows;
}
/* How many of `rows` rows step 1 passes on, and how many step 3 scores at most. */
static size_t wanted_survivors(const sb_query_batch *batch, size_t rows) {
  size_t certain = sb_query_batch_certain(batch);
  return wanted_rows(batch, sb_quantizer_survivors(batch->generation->quantizer, rows, certain), rows);
}
static size_t wanted_reranked(const sb_query_batch *batch, size_t rows) {
  size_t certain = sb_query_batch_certain(batch);
  return wanted_rows(batch, sb_quantizer_reranked(batch->generation->quantizer, rows, certain), rows);
}

/* The sum that the wanted number of allowed coded rows exceed, estimated from the sample. */
static int find_threshold(const sb_query_batch *batch, const sb_quantizer_query *prepared) {
  size_t rows = atomic_load(&batch->generation->coded_count);
  double share = rows ? (double)wanted_survivors(batch, rows) / (double)rows : 1;
  int least = share > 0.15 || batch->filter.filter ? -128 : COUNTED_FROM;
  histogram h;
  count_sample(batch, prepared, least, &h);
  if (batch->filter.filter && h.live) {
    rows = (size_t)((double)rows * (double)h.seen / (double)h.live) + 1;
    share = (double)wanted_survivors(batch, rows) / (double)rows;
  }
  size_t wanted = share < 1 ? (size_t)(share * (double)h.seen + 0.5) : h.seen, above = 0;
  for (int score = 127; score > least; score--) {
    above += h.counts[score + 128];
    if (above > wanted) return score < 126 ? score : 126;
  }
  return least;
}

/* The lowest estimate of stage s that a row which reaches the floor has, apart from `sigmas` deviations of noise. */
static double floor_estimate(const sb_query_batch *batch, int s, double sigmas) {
  const sb_quantizer *quantizer = batch->generation->quantizer;
  return quantizer->offset[s] + quantizer->slope[s] * (double)batch->query->floor - sigmas * quantizer->deviation[s];
}

static void apply_floor(const sb_query_batch *batch, sb_query_state *state, int32_t *min_estimate) {
  const sb_quantizer_query *prepared = state->prepared;
  double least = floor_estimate(batch, 0, floor_sigmas);
  double score = floor((least - prepared->centre) * SB_TABLE_SIGMA / prepared->sigma) - 1;
  if (score > state->threshold) state->threshold = score > 126 ? 126 : (int)score;
  least = floor_estimate(batch, 1, rerank_sigmas);
  double sum = floor((least - prepared->refine_zero) / prepared->refine_unit) - 1;
  if (sum > INT32_MIN / 2) *min_estimate = sum < INT32_MAX / 2 ? (int32_t)sum : INT32_MAX / 2;
}

static void prepare(fast_job *job, size_t query) {
  sb_query_batch *batch = job->batch;
  sb_query_state *state = &batch->states[query];
  const sb_quantizer *quantizer = batch->generation->quantizer;
  float y[SB_AXES_MAX];
  int32_t min_estimate = INT32_MIN;
  sb_quantizer_project(quantizer, state->vector, 1, y);
  sb_quantizer_query_tables(quantizer, y, state->prepared);
  sb_quantizer_query_estimate(quantizer, state->vector, y, state->prepared);
  state->threshold = find_threshold(batch, state->prepared);
  if (batch->query->has_floor) apply_floor(batch, state, &min_estimate);
  for (int w = 0; w < job->workers; w++) job->lists[(size_t)w * batch->count + query].min_estimate = min_estimate;
}

/* ---- Steps 1 and 2: scan and refine */

/* Refines collected survivors, whose codes have arrived in the cache by now. */
static void refine(fast_job *job, int worker, survivors *s) {
  sb_query_batch *batch = job->batch;
  const sb_kernels *kernels = batch->index->stored.kernels;
  int32_t *estimates = job->estimates + (size_t)worker * SB_UNIT_ROWS;
  sb_shortlist *list = &job->lists[(size_t)worker * batch->count + s->query];
  if (s->count)
    kernels->refine_at(s->refinement, s->rows, s->count, &batch->states[s->query].prepared->refine, estimates);
  for (size_t i = 0; i < s->count; i++) sb_shortlist_add(list, estimates[i], s->slot + s->rows[i]);
  if (s->ends_unit) atomic_fetch_add(&job->units_done, 1);
  s->count = 0;
  s->ends_unit = false;
}

/* Lists the allowed rows whose bits are set and prefetches their refinement codes. Returns how many there are. */
static size_t collect(const sb_query_batch *batch, const uint64_t *masks, const sb_rows_unit *unit,
                      const uint8_t *refinement, uint32_t *rows) {
  size_t count = 0;
  for (size_t b = 0; b < unit->blocks; b++) {
    for (uint64_t bits = masks[b]; bits; bits &= bits - 1) {
      uint32_t row = (uint32_t)(b * SB_BLOCK_ROWS) + (uint32_t)__builtin_ctzll(bits);
      if (!sb_query_filter_allows(&batch->filter, &batch->index->rows, unit->slot + row)) continue;
      sb_prefetch_refinement(refinement, row);
      rows[count++] = row;
    }
  }
  return count;
}

/* Scans a unit for every query; `turns` alternates between the survivors being collected and those being refined. */
static void scan_unit(fast_job *job, int worker, size_t number, survivors turns[2], int *turn) {
  sb_query_batch *batch = job->batch;
  const sb_generation *generation = batch->generation;
  sb_rows_unit unit = sb_rows_unit_at(&batch->index->rows, job->backwards ? batch->units - 1 - number : number);
  const sb_generation_segment *segment = sb_generation_segment_at(generation, unit.segment_number);
  uint64_t coded[SB_UNIT_BLOCKS], masks[SB_UNIT_BLOCKS];
  if (!segment) { /* the segment was added after this generation had been replaced: its rows are uncoded here */
    atomic_fetch_add(&job->units_done, 1);
    return;
  }
  size_t first = unit.at / SB_BLOCK_ROWS;
  for (size_t b = 0; b < unit.blocks; b++) coded[b] = coded_bits(segment, first + b); /* before the codes are read */
  for (size_t q = 0; q < batch->count; q++) {
    const sb_query_state *state = &batch->states[q];
    generation->quantizer->kernels->scan(segment->codes + first * generation->block_bytes, unit.blocks,
                                         generation->quantizer->subspaces, state->prepared->tables, state->threshold,
                                         masks);
    for (size_t b = 0; b < unit.blocks; b++) masks[b] &= coded[b];
    survivors *now = &turns[*turn], *before = &turns[*turn ^ 1];
    now->refinement = segment->refinement + unit.at * SB_REFINEMENT_BYTES;
    now->slot = unit.slot;
    now->query = q;
    now->ends_unit = q + 1 == batch->count;
    now->count = collect(batch, masks, &unit, now->refinement, now->rows);
    refine(job, worker, before);
    *turn ^= 1;
  }
}

/* ---- Step 3: rerank */

static void prefetch_row(const sb_query_batch *batch, uint32_t slot) {
  const uint8_t *row = sb_rows_vector(&batch->index->rows, slot);
  for (size_t i = 0; i < batch->index->rows.row_bytes && i < 2048; i += 64) __builtin_prefetch(row + i);
}

/* The highest score that a row with this estimate has, apart from `sigmas` deviations of noise. */
static double most_score(const sb_quantizer *quantizer, double estimate, double sigmas) {
  return (estimate - quantizer->offset[1] + sigmas * quantizer->deviation[1]) / quantizer->slope[1];
}

/* Scores candidates by falling estimate until the next could become a certain hit only with an error of more than
 * rerank_sigmas, and another hit only with one of more than uncertain_sigmas. */
static void rerank(const sb_query_batch *batch, sb_query_state *state, sb_shortlist_row *rows, size_t count) {
  const sb_quantizer *quantizer = batch->generation->quantizer;
  const sb_quantizer_query *prepared = state->prepared;
  sb_shortlist_row ahead[AHEAD];
  size_t first = 0, fetched = 0;
  sb_shortlist_heapify(rows, count);
  for (;;) {
    while (fetched - first < AHEAD && count) {
      ahead[fetched % AHEAD] = sb_shortlist_pop(rows, &count);
      prefetch_row(batch, ahead[fetched++ % AHEAD].slot);
    }
    if (first == fetched) return;
    sb_shortlist_row candidate = ahead[first++ % AHEAD];
    double estimate = prepared->refine_zero + candidate.estimate * prepared->refine_unit;
    if (most_score(quantizer, estimate, rerank_sigmas) < (double)sb_query_batch_certain_score(batch, &state->top) &&
        most_score(quantizer, estimate, uncertain_sigmas) < (double)sb_query_batch_min_score(batch, &state->top))
      return;
    sb_query_batch_score(batch, state, &state->top, candidate.slot);
  }
}

/* Merges the workers' shortlists of a query into the first one, which has room for it, and reranks that. */
static void finish(fast_job *job, size_t query) {
  sb_query_batch *batch = job->batch;
  sb_shortlist *all = &job->lists[query];
  for (int w = 1; w < job->workers; w++) {
    sb_shortlist *more = &job->lists[(size_t)w * batch->count + query];
    sb_shortlist_cut(all);
    sb_shortlist_cut(more);
    for (size_t i = 0; i < more->count; i++) sb_shortlist_add(all, more->rows[i].estimate, more->rows[i].slot);
  }
  sb_shortlist_cut(all);
  rerank(batch, &batch->states[query], all->rows, all->count);
}

/* ---- The job, as each thread runs it */

static void work(void *context, int worker) {
  fast_job *job = context;
  sb_query_batch *batch = job->batch;
  size_t i;
  int turn = 0, spins = 0;
  while ((i = atomic_fetch_add(&job->next_prepare, 1)) < batch->count) {
    prepare(job, i);
    atomic_fetch_add(&job->prepared, 1);
  }
  while (atomic_load(&job->prepared) < batch->count) sb_thread_team_spin(&spins);
  uint32_t *rows = job->rows + (size_t)worker * 2 * SB_UNIT_ROWS;
  survivors turns[2] = {{.rows = rows}, {.rows = rows + SB_UNIT_ROWS}};
  while ((i = atomic_fetch_add(&job->next_unit, 1)) < batch->units) scan_unit(job, worker, i, turns, &turn);
  refine(job, worker, &turns[turn ^ 1]);
  spins = 0;
  while (atomic_load(&job->units_done) < batch->units) sb_thread_team_spin(&spins);
  while ((i = atomic_fetch_add(&job->next_rerank, 1)) < batch->count) finish(job, i);
}

/* Divides scratch memory: prepared queries | rows | estimates | shortlists | their rows. */
sb_status sb_query_batch_fast(sb_query_batch *batch, sb_error *error) {
  fast_job job = {.batch = batch,
                  .reranked = wanted_reranked(batch, atomic_load(&batch->generation->coded_count)),
                  .backwards = atomic_fetch_add(&batch->index->scans, 1) & 1,
                  .workers = sb_thread_team_threads(batch->index->thread_team)};
  size_t workers = (size_t)job.workers, lists = workers * batch->count, room = sb_shortlist_capacity(job.reranked);
  size_t query_bytes = sb_query_batch_prepared_bytes(),
         bytes = batch->count * query_bytes + lists * (sizeof(sb_shortlist) + room * sizeof(sb_shortlist_row)) +
                 workers * 3 * SB_UNIT_ROWS * sizeof(uint32_t) + 64;
  uint8_t *memory = sb_query_batch_scratch(batch, bytes, error);
  if (!memory) return SB_NO_MEMORY;
  for (size_t i = 0; i < batch->count; i++, memory += query_bytes)
    batch->states[i].prepared = (sb_quantizer_query *)(void *)memory;
  job.rows = (uint32_t *)(void *)memory;
  job.estimates = (int32_t *)(job.rows + workers * 2 * SB_UNIT_ROWS);
  job.lists = (sb_shortlist *)(void *)(job.estimates + workers * SB_UNIT_ROWS);
  sb_shortlist_row *rows = (sb_shortlist_row *)(void *)(job.lists + lists);
  for (size_t i = 0; i < lists; i++)
    job.lists[i] = (sb_shortlist){.rows = rows + i * room, .keep = job.reranked, .min_estimate = INT32_MIN};
  sb_thread_team_run(batch->index->thread_team, work, &job);
  return SB_OK;
}
