/* Scores of all rows that may matter: of plain rows every one, of coded rows those whose bound reaches what is wanted.
 *
 * The bounds of model.h come out of the codes by passes of integer sums: first all lines, then the fine codes of the rows that
 * are left; of rows that are kept in halves (kept.h) the upper ones give a bound, too. A row is passed over only when a bound is below
 * the bar, so that its score is below the k-th best score found already (or the floor). Equal to the bar is not below: ties are
 * looked at. So the hits are those of a scan of all rows, whatever the codes are worth; bad codes only cost time.
 *
 * Blocks go through the steps one block apart, and rows to be scored wait in a queue, so that each step finds in the cache what the
 * step before has asked for. */
#include "vector/search/search.h"
#include "vector/search/thread_team.h"

#include <math.h>
#include <string.h>

enum { ROWS_AHEAD = 64 };

typedef struct rows_job {
  sb_search *search;
  bool bounds;
  sb_topk *tops; /* [worker][ask] */
  atomic_size_t next_unit;
} rows_job;

/* A block on its way. */
typedef struct block_steps {
  uint32_t slot;
  uint64_t plain, coded; /* rows that are still to be looked at */
  const uint8_t *lines, *fine;
  int32_t sums[SB_BLOCK_ROWS];  /* of the lines */
  uint32_t rows[SB_BLOCK_ROWS]; /* whose fine codes are on their way */
  size_t count;
} block_steps;

typedef struct queued_row {
  uint32_t slot;
  bool coded;
} queued_row;

/* One worker's way through a unit for one query. */
typedef struct unit_scan {
  const sb_search *search;
  const sb_ask *ask;
  sb_topk *top;
  size_t fine_bytes;            /* a row; 0: there are no fine codes */
  size_t upper_bytes;           /* of a row; 0: it has no halves */
  queued_row queue[ROWS_AHEAD]; /* rows on their way from memory */
  size_t queued, scored;
} unit_scan;

static float bar_of(const unit_scan *scan) {
  return fmaxf(sb_search_bar(scan->search, scan->top), sb_search_bar(scan->search, &scan->ask->top));
}

/* Sums below this have bounds below the bar; one less than exact, for the rounding of this very line. */
static int32_t least_sum(const sb_probe *probe, float bar) {
  double sum = floor(((double)bar - probe->line_zero) / probe->line_unit) - 1;
  if (!(sum > INT32_MIN)) return INT32_MIN;
  return sum < INT32_MAX ? (int32_t)sum : INT32_MAX;
}

/* Step 1: of 64 coded rows those whose line's bound reaches the bar; their fine codes are asked for. */
static void bound_by_lines(const unit_scan *scan, block_steps *block) {
  int32_t least = least_sum(scan->ask->probe, bar_of(scan));
  block->coded &=
      scan->search->index->kept.kernels->lines_from(block->lines, &scan->ask->probe->line, least, block->sums);
  block->count = 0;
  for (uint64_t bits = scan->fine_bytes ? block->coded : 0; bits; bits &= bits - 1) {
    uint32_t row = (uint32_t)__builtin_ctzll(bits);
    __builtin_prefetch(block->fine + row * scan->fine_bytes, 0, SB_SECOND_LEVEL);
    block->rows[block->count++] = row;
  }
}

/* Step 2: of these, those whose fine codes' bound reaches the bar, too. */
static void bound_by_fine_codes(const unit_scan *scan, block_steps *block) {
  const sb_probe *probe = scan->ask->probe;
  const uint32_t *rows = block->rows;
  int32_t sums[SB_BLOCK_ROWS];
  double least = (double)bar_of(scan) - probe->fine_zero; /* there is room in it for the rounding of these very sums */
  scan->search->index->kept.kernels->fine_at(block->fine, scan->fine_bytes, rows, block->count, &probe->fine, sums);
  block->coded = 0;
  for (size_t i = 0; i < block->count; i++) {
    int32_t line = block->sums[rows[i]] - sb_probe_lengths(probe, block->lines, rows[i]);
    double sum = line * probe->line_unit + sums[i] * probe->fine_unit;
    block->coded |= (uint64_t) !(sum < least) << rows[i];
  }
}

/* Step 3: of these, those whose upper half's bound reaches the bar, too. How far halves are off is read after the row's bit, before
 * which it was noted. */
static bool upper_half_reaches(const unit_scan *scan, uint32_t slot) {
  const sb_index *index = scan->search->index;
  const sb_probe *probe = scan->ask->probe;
  double error = (double)atomic_load_explicit(&index->upper_error, memory_order_relaxed);
  double score = (double)sb_kept_upper_dot(&index->kept, scan->ask->vector, sb_row_kept(&index->rows, slot));
  return !(score + error * probe->length + probe->row_slack < (double)bar_of(scan));
}

/* Step 4 */
static void score_next(unit_scan *scan) {
  queued_row row = scan->queue[scan->scored++ % ROWS_AHEAD];
  if (row.coded && scan->upper_bytes && !upper_half_reaches(scan, row.slot)) return;
  sb_search_score(scan->search, scan->ask, scan->top, row.slot);
}

static void queue_row(unit_scan *scan, queued_row row) {
  const uint8_t *kept = sb_row_kept(&scan->search->index->rows, row.slot);
  size_t wanted = row.coded && scan->upper_bytes ? scan->upper_bytes : scan->search->index->rows.row_bytes;
  sb_row_fetch(kept, wanted);
  if (scan->queued - scan->scored == ROWS_AHEAD) score_next(scan);
  scan->queue[scan->queued++ % ROWS_AHEAD] = row;
}

static void queue_rows(unit_scan *scan, block_steps *block) {
  if (scan->fine_bytes && block->coded) bound_by_fine_codes(scan, block);
  for (uint64_t mask = block->plain | block->coded; mask; mask &= mask - 1) {
    unsigned row = (unsigned)__builtin_ctzll(mask);
    queue_row(scan, (queued_row){block->slot + row, block->coded >> row & 1});
  }
  block->plain = block->coded = 0;
}

static void scan_unit(unit_scan *scan, bool bounds, size_t number) {
  const sb_search *search = scan->search;
  sb_unit unit = sb_rows_unit(&search->index->rows, number);
  const sb_coded *segment = search->generation ? sb_coded_segment(search->generation, unit.segment_number) : NULL;
  size_t first = unit.at / SB_BLOCK_ROWS;
  block_steps blocks[2] = {0};
  for (size_t b = 0; b < unit.blocks; b++) {
    /* Live bits first: a row that is being added shows up as coded only after. */
    uint64_t live = atomic_load_explicit(&unit.segment->live[first + b], memory_order_acquire);
    uint64_t coded = segment ? atomic_load_explicit(&segment->coded[first + b], memory_order_acquire) & live : 0;
    block_steps *block = &blocks[b % 2];
    if (!bounds && !(live & ~coded) && !blocks[(b + 1) % 2].plain) continue; /* a fast search meets few plain rows */
    block->slot = unit.slot + (uint32_t)(b * SB_BLOCK_ROWS);
    block->plain = live & ~coded;
    block->coded = bounds ? coded : 0;
    if (block->coded) {
      block->lines = segment->lines + (unit.at + b * SB_BLOCK_ROWS) * SB_LINE_BYTES;
      block->fine = segment->fine + (unit.at + b * SB_BLOCK_ROWS) * scan->fine_bytes;
      bound_by_lines(scan, block);
    }
    queue_rows(scan, &blocks[(b + 1) % 2]); /* of the block before */
  }
  queue_rows(scan, &blocks[(unit.blocks + 1) % 2]);
  while (scan->scored < scan->queued) score_next(scan);
}

static void work(void *context, int worker) {
  rows_job *job = context;
  sb_search *search = job->search;
  size_t unit;
  while ((unit = atomic_fetch_add(&job->next_unit, 1)) < search->units) {
    for (size_t q = 0; q < search->count; q++) {
      unit_scan scan = {.search = search,
                        .ask = &search->asks[q],
                        .top = &job->tops[(size_t)worker * search->count + q],
                        .fine_bytes = search->generation ? search->generation->model->fine_bytes : 0,
                        .upper_bytes = sb_kept_upper_bytes(&search->index->kept)};
      scan_unit(&scan, job->bounds, unit);
    }
  }
}

sb_status sb_search_rows(sb_search *search, bool bounds, sb_error *error) {
  size_t workers = (size_t)sb_thread_team_threads(search->index->team), k = search->query->k,
         lists = workers * search->count;
  size_t probe_bytes = bounds ? (sizeof(sb_probe) + 63) / 64 * 64 : 0;
  uint8_t *memory =
      sb_search_room(search, search->count * probe_bytes + lists * (sizeof(sb_topk) + k * sizeof(sb_hit)), error);
  if (!memory) return SB_NO_MEMORY;
  for (size_t i = 0; bounds && i < search->count; i++, memory += probe_bytes) {
    sb_ask *ask = &search->asks[i];
    float y[SB_AXES_MAX];
    ask->probe = (sb_probe *)(void *)memory;
    sb_model_project(search->generation->model, ask->vector, 1, y);
    sb_probe_bounds(search->generation->model, ask->vector, y, ask->probe);
  }
  rows_job job = {.search = search, .bounds = bounds, .tops = (sb_topk *)(void *)memory};
  sb_hit *hits = (sb_hit *)(void *)(job.tops + lists);
  for (size_t i = 0; i < lists; i++) job.tops[i] = (sb_topk){hits + i * k, k, 0};
  sb_thread_team_run(search->index->team, work, &job);
  for (size_t i = 0; i < lists; i++)
    for (size_t h = 0; h < job.tops[i].count; h++)
      sb_topk_add(&search->asks[i % search->count].top, job.tops[i].hits[h], search->query->by_label);
  return SB_OK;
}
