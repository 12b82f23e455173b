/* The fast search of coded rows, for a group of queries at once.
 *
 *     1  all codes of a unit of 8,192 rows against a threshold     in the L3 cache for a million faces
 *     2  the survivors' lines, fetched one step ahead              64 bytes each
 *     3  the kept rows of the best by estimate, best first, until the next cannot win any more
 *
 * Threads share out queries, then units, then queries again, each by a counter; a step begins when the one before is
 * counted to its end, whoever did it, so that a helper may come late or never. */
#include "vector/search/search.h"
#include "vector/search/thread_team.h"

#include <math.h>
#include <string.h>

enum {
  SAMPLE_RUNS = 32,
  SAMPLE_RUN_BLOCKS = 8, /* rows for the threshold: 16,384 */
  FILTER_RUNS = 8,       /* fewer where each has to be tested */
  LOW_SCORE = 20,        /* scores above are counted one by one: a quarter of all */
  AHEAD = 4,             /* kept rows fetched before they are needed */
  ROUGH_SHARE = 4
};
/* Deviations of the second estimate that a row may still rise by: one in three million does by more. */
static const double reach = 5;
/* The same for what cannot reach the floor. */
static const double floor_reach = 4.5;

/* Survivors of one unit and query, their lines on the way from memory. */
typedef struct pending {
  uint32_t *rows; /* within the unit; room for SB_UNIT_ROWS */
  size_t count, ask;
  bool ends_unit;
  const uint8_t *lines;
  uint32_t slot;
} pending;

typedef struct coded_job {
  sb_search *search;
  size_t reranked; /* at most */
  bool backwards;
  int workers;
  sb_best *best;      /* [worker][ask] */
  uint32_t *rows;     /* [worker][2][SB_UNIT_ROWS] */
  int32_t *estimates; /* [worker][SB_UNIT_ROWS] */
  atomic_size_t next_probe, probes_done, next_unit, units_done, next_rerank;
} coded_job;

/* ---- Preparing: tables, line weights, the threshold that lets through as many as are wanted */

typedef struct histogram {
  size_t counts[256], live, seen; /* seen: live and allowed */
} histogram;

static uint64_t coded_bits(const sb_coded *coded, size_t block) {
  return atomic_load_explicit(&coded->coded[block], memory_order_acquire);
}

static void count_block(const sb_search *search, const sb_probe *probe, const sb_unit *unit, size_t block, int least,
                        histogram *h) {
  const sb_generation *generation = search->generation;
  const sb_coded *coded = sb_coded_segment(generation, unit->segment_number);
  int8_t scores[SB_BLOCK_ROWS];
  if (!coded) return;
  size_t at = unit->at / SB_BLOCK_ROWS + block;
  uint64_t live = coded_bits(coded, at);
  uint64_t more = generation->model->kernels->scores(coded->codes + at * generation->block_bytes,
                                                     generation->model->groups, probe->tables, least, scores);
  h->live += (size_t)__builtin_popcountll(live);
  if (search->filter.filter) {
    for (uint64_t bits = live; bits; bits &= bits - 1) {
      uint32_t slot = unit->slot + (uint32_t)(block * SB_BLOCK_ROWS) + (uint32_t)__builtin_ctzll(bits);
      if (!sb_filter_allows(&search->filter, &search->index->rows, slot)) live &= ~(bits & -bits);
    }
  }
  h->seen += (size_t)__builtin_popcountll(live);
  for (more &= live; more; more &= more - 1) h->counts[scores[__builtin_ctzll(more)] + 128]++;
}

static void count_sample(const sb_search *search, const sb_probe *probe, int least, histogram *h) {
  size_t blocks = search->units * SB_UNIT_BLOCKS, runs = search->filter.filter ? FILTER_RUNS : SAMPLE_RUNS;
  *h = (histogram){0};
  if (blocks < runs * SAMPLE_RUN_BLOCKS) runs = (blocks + SAMPLE_RUN_BLOCKS - 1) / SAMPLE_RUN_BLOCKS;
  for (size_t run = 0; run < runs; run++) {
    size_t first = blocks * run / runs / SAMPLE_RUN_BLOCKS * SAMPLE_RUN_BLOCKS; /* a run lies within one unit */
    sb_unit unit = sb_rows_unit(&search->index->rows, first / SB_UNIT_BLOCKS);
    size_t begin = first % SB_UNIT_BLOCKS;
    for (size_t b = begin; b < begin + SAMPLE_RUN_BLOCKS && b < unit.blocks; b++)
      count_block(search, probe, &unit, b, least, h);
  }
}

/* How many rows the first stage passes on. An exact search only wants a good first bar and looks at all others after. */
static size_t survivors_of(const sb_search *search, size_t rows) {
  size_t wanted = sb_model_survivors(search->generation->model, rows, search->query->k);
  return search->query->mode == SB_SEARCH_EXACT ? wanted / ROUGH_SHARE : wanted;
}

static size_t reranked_of(const sb_search *search, size_t rows) {
  size_t wanted = sb_model_reranked(search->generation->model, rows, search->query->k);
  return search->query->mode == SB_SEARCH_EXACT ? wanted / ROUGH_SHARE : wanted;
}

/* The score above which as many of all (allowed) coded rows lie as the second stage is to see. */
static int find_threshold(const sb_search *search, const sb_probe *probe) {
  size_t rows = atomic_load(&search->generation->coded_count);
  double share = rows ? (double)survivors_of(search, rows) / (double)rows : 1;
  int least = share > 0.15 || search->filter.filter ? -128 : LOW_SCORE;
  histogram h;
  count_sample(search, probe, least, &h);
  if (search->filter.filter && h.live) {
    rows = (size_t)((double)rows * (double)h.seen / (double)h.live) + 1;
    share = (double)survivors_of(search, rows) / (double)rows;
  }
  size_t wanted = share < 1 ? (size_t)(share * (double)h.seen + 0.5) : h.seen, above = 0;
  for (int score = 127; score > least; score--) {
    above += h.counts[score + 128];
    if (above > wanted) return score < 126 ? score : 126;
  }
  return least;
}

static void prepare(coded_job *job, sb_ask *ask) {
  sb_search *search = job->search;
  const sb_model *model = search->generation->model;
  float y[SB_AXES_MAX];
  sb_model_project(model, ask->vector, 1, y);
  sb_probe_tables(model, y, ask->probe);
  sb_probe_line(model, ask->vector, y, ask->probe);
  ask->threshold = find_threshold(search, ask->probe);
  if (search->query->has_floor) { /* what reaches the floor has a first estimate of at least: */
    double least =
        model->offset[0] + model->slope[0] * (double)search->query->floor - floor_reach * model->deviation[0];
    double score = floor((least - ask->probe->centre) * SB_SIGMA / ask->probe->sigma) - 1;
    if (score > ask->threshold) ask->threshold = score > 126 ? 126 : (int)score;
  }
  int32_t bar = INT32_MIN;
  if (search->query->has_floor) {
    double least = model->offset[1] + model->slope[1] * (double)search->query->floor - reach * model->deviation[1];
    double sum = floor((least - ask->probe->line_zero) / ask->probe->line_unit) - 1;
    if (sum > INT32_MIN / 2) bar = sum < INT32_MAX / 2 ? (int32_t)sum : INT32_MAX / 2;
  }
  for (int w = 0; w < job->workers; w++) job->best[(size_t)w * search->count + (size_t)(ask - search->asks)].bar = bar;
}

/* ---- Stages 1 and 2 */

static void score_pending(coded_job *job, int worker, pending *p) {
  sb_search *search = job->search;
  const sb_kernels *kernels = search->index->kept.kernels;
  int32_t *estimates = job->estimates + (size_t)worker * SB_UNIT_ROWS;
  sb_best *best = &job->best[(size_t)worker * search->count + p->ask];
  if (p->count) kernels->lines_at(p->lines, p->rows, p->count, &search->asks[p->ask].probe->line, estimates);
  for (size_t i = 0; i < p->count; i++) sb_best_add(best, estimates[i], p->slot + p->rows[i]);
  if (p->ends_unit) atomic_fetch_add(&job->units_done, 1);
  p->count = 0;
  p->ends_unit = false;
}

/* The rows whose bits are set, their lines asked for. */
static size_t collect(const sb_search *search, const uint64_t *masks, const sb_unit *unit, const uint8_t *lines,
                      uint32_t *rows) {
  size_t count = 0;
  for (size_t b = 0; b < unit->blocks; b++) {
    for (uint64_t bits = masks[b]; bits; bits &= bits - 1) {
      uint32_t row = (uint32_t)(b * SB_BLOCK_ROWS) + (uint32_t)__builtin_ctzll(bits);
      if (!sb_filter_allows(&search->filter, &search->index->rows, unit->slot + row)) continue;
      sb_line_fetch(lines, row);
      rows[count++] = row;
    }
  }
  return count;
}

static void scan_unit(coded_job *job, int worker, size_t number, pending turns[2], int *turn) {
  sb_search *search = job->search;
  const sb_generation *generation = search->generation;
  sb_unit unit = sb_rows_unit(&search->index->rows, job->backwards ? search->units - 1 - number : number);
  const sb_coded *coded = sb_coded_segment(generation, unit.segment_number);
  uint64_t live[SB_UNIT_BLOCKS], masks[SB_UNIT_BLOCKS];
  if (!coded) { /* this segment came after the generation was replaced: its rows are plain here */
    atomic_fetch_add(&job->units_done, 1);
    return;
  }
  size_t first = unit.at / SB_BLOCK_ROWS;
  for (size_t b = 0; b < unit.blocks; b++) live[b] = coded_bits(coded, first + b); /* before the codes are read */
  for (size_t q = 0; q < search->count; q++) {
    const sb_ask *ask = &search->asks[q];
    generation->model->kernels->scan(coded->codes + first * generation->block_bytes, unit.blocks,
                                     generation->model->groups, ask->probe->tables, ask->threshold, masks);
    for (size_t b = 0; b < unit.blocks; b++) masks[b] &= live[b];
    pending *now = &turns[*turn], *before = &turns[*turn ^ 1];
    now->lines = coded->lines + unit.at * SB_LINE_BYTES;
    now->slot = unit.slot;
    now->ask = q;
    now->ends_unit = q + 1 == search->count;
    now->count = collect(search, masks, &unit, now->lines, now->rows);
    score_pending(job, worker, before);
    *turn ^= 1;
  }
}

/* ---- Stage 3 */

static void fetch_row(const sb_search *search, uint32_t slot) {
  const uint8_t *row = sb_row_kept(&search->index->rows, slot);
  for (size_t i = 0; i < search->index->rows.row_bytes && i < 2048; i += 64) __builtin_prefetch(row + i);
}

/* Candidates by falling estimate, until the next could only win by more than chance allows. */
static void rerank(const sb_search *search, sb_ask *ask, sb_candidate_row *items, size_t count) {
  const sb_model *model = search->generation->model;
  const sb_probe *probe = ask->probe;
  sb_candidate_row ahead[AHEAD];
  size_t first = 0, fetched = 0;
  sb_heap_make(items, count);
  for (;;) {
    while (fetched - first < AHEAD && count) {
      ahead[fetched % AHEAD] = sb_heap_take(items, &count);
      fetch_row(search, ahead[fetched++ % AHEAD].slot);
    }
    if (first == fetched) return;
    sb_candidate_row candidate = ahead[first++ % AHEAD];
    double estimate = probe->line_zero + candidate.estimate * probe->line_unit;
    double most = (estimate - model->offset[1] + reach * model->deviation[1]) / model->slope[1];
    if (most < (double)sb_search_bar(search, &ask->top)) return;
    sb_search_score(search, ask, &ask->top, candidate.slot);
  }
}

static void finish(coded_job *job, size_t number) {
  sb_search *search = job->search;
  sb_best *all = &job->best[number];
  for (int w = 1; w < job->workers; w++) { /* the first list has room for what all have */
    sb_best *more = &job->best[(size_t)w * search->count + number];
    sb_best_cut(all);
    sb_best_cut(more);
    for (size_t i = 0; i < more->count; i++) sb_best_add(all, more->items[i].estimate, more->items[i].slot);
  }
  sb_best_cut(all);
  rerank(search, &search->asks[number], all->items, all->count);
}

/* ---- All together */

static void work(void *context, int worker) {
  coded_job *job = context;
  sb_search *search = job->search;
  size_t i;
  int turn = 0, spins = 0;
  while ((i = atomic_fetch_add(&job->next_probe, 1)) < search->count) {
    prepare(job, &search->asks[i]);
    atomic_fetch_add(&job->probes_done, 1);
  }
  while (atomic_load(&job->probes_done) < search->count) sb_spin(&spins);
  uint32_t *rows = job->rows + (size_t)worker * 2 * SB_UNIT_ROWS;
  pending turns[2] = {{.rows = rows}, {.rows = rows + SB_UNIT_ROWS}};
  while ((i = atomic_fetch_add(&job->next_unit, 1)) < search->units) scan_unit(job, worker, i, turns, &turn);
  score_pending(job, worker, &turns[turn ^ 1]);
  spins = 0;
  while (atomic_load(&job->units_done) < search->units) sb_spin(&spins);
  while ((i = atomic_fetch_add(&job->next_rerank, 1)) < search->count) finish(job, i);
}

sb_status sb_search_coded(sb_search *search, sb_error *error) {
  size_t rows = atomic_load(&search->generation->coded_count);
  coded_job job = {.search = search,
                   .reranked = reranked_of(search, rows),
                   .backwards = atomic_fetch_add(&search->index->turns, 1) & 1,
                   .workers = sb_thread_team_threads(search->index->team)};
  size_t lists = (size_t)job.workers * search->count, room = sb_best_room(job.reranked);
  size_t probe_bytes = (sizeof(sb_probe) + 63) / 64 * 64;
  uint8_t *memory =
      sb_search_room(search,
                     search->count * probe_bytes + lists * (sizeof(sb_best) + room * sizeof(sb_candidate_row)) +
                         (size_t)job.workers * 3 * SB_UNIT_ROWS * sizeof(uint32_t) + 64,
                     error);
  if (!memory) return SB_NO_MEMORY;
  for (size_t i = 0; i < search->count; i++, memory += probe_bytes) search->asks[i].probe = (sb_probe *)(void *)memory;
  job.rows = (uint32_t *)(void *)memory;
  job.estimates = (int32_t *)(job.rows + (size_t)job.workers * 2 * SB_UNIT_ROWS);
  job.best = (sb_best *)(void *)(job.estimates + (size_t)job.workers * SB_UNIT_ROWS);
  sb_candidate_row *items = (sb_candidate_row *)(void *)(job.best + lists);
  for (size_t i = 0; i < lists; i++)
    job.best[i] = (sb_best){.items = items + i * room, .keep = job.reranked, .bar = INT32_MIN};
  sb_thread_team_run(search->index->team, work, &job);
  return SB_OK;
}
