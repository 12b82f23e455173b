/* Scores of all rows that may matter: of plain rows every one, of coded rows those whose bound reaches what is wanted.
 *
 * The bound of model.h comes out of the lines by one pass of integer sums: a row is passed over only when
 * line_zero + slack + sum * line_unit < bar, so that its score is below the k-th best score found already (or the floor).
 * Equal to the bar is not below: ties are looked at. So the hits are those of a scan of all rows, whatever the codes are
 * worth; bad codes only cost time. */
#include "vector/search.h"
#include "vector/team.h"

#include <math.h>
#include <string.h>

typedef struct rows_job {
  sb_search *search;
  bool bounds;
  sb_topk *tops; /* [worker][ask] */
  atomic_size_t next_unit;
} rows_job;

/* Sums below this have bounds below the bar; one less than exact, for the rounding of this very line. */
static int32_t least_sum(const sb_probe *probe, float bar) {
  double sum = floor(((double)bar - probe->slack - probe->line_zero) / probe->line_unit) - 1;
  if (!(sum > INT32_MIN)) return INT32_MIN;
  return sum < INT32_MAX ? (int32_t)sum : INT32_MAX;
}

/* Of 64 coded rows those whose bound reaches the bar. */
static uint64_t worth_a_look(const sb_search *search, const sb_ask *ask, const uint8_t *lines, float bar) {
  int32_t sums[SB_BLOCK_ROWS], least = least_sum(ask->probe, bar);
  uint64_t mask = 0;
  search->index->kept.kernels->lines_all(lines, SB_BLOCK_ROWS, &ask->probe->line, sums);
  for (int i = 0; i < SB_BLOCK_ROWS; i++) mask |= (uint64_t)(sums[i] >= least) << i;
  return mask;
}

/* Some scattered rows; many in a row are fetched by the processor itself. */
static void fetch_rows(const sb_search *search, uint32_t slot, uint64_t mask) {
  if (__builtin_popcountll(mask) > 32) return;
  for (; mask; mask &= mask - 1) {
    const uint8_t *row = sb_row_kept(&search->index->rows, slot + (uint32_t)__builtin_ctzll(mask));
    for (size_t i = 0; i < search->index->rows.row_bytes && i < 2048; i += 64) __builtin_prefetch(row + i);
  }
}

static void score_rows(const sb_search *search, const sb_ask *ask, sb_topk *top, uint32_t slot, uint64_t mask) {
  for (; mask; mask &= mask - 1) sb_search_score(search, ask, top, slot + (uint32_t)__builtin_ctzll(mask));
}

/* What of the block before is still to be scored, its rows on the way from memory. */
typedef struct waiting {
  uint32_t slot;
  uint64_t mask;
} waiting;

static void scan_unit(rows_job *job, int worker, size_t number, size_t ask_number, waiting *before) {
  sb_search *search = job->search;
  sb_ask *ask = &search->asks[ask_number];
  sb_topk *top = &job->tops[(size_t)worker * search->count + ask_number];
  sb_unit unit = sb_rows_unit(&search->index->rows, number);
  const sb_coded *coded = search->generation ? sb_coded_segment(search->generation, unit.segment_number) : NULL;
  size_t first = unit.at / SB_BLOCK_ROWS;
  for (size_t b = 0; b < unit.blocks; b++) {
    /* Live bits first: a row that is being added shows up as coded only after. */
    uint64_t live = atomic_load_explicit(&unit.segment->live[first + b], memory_order_acquire);
    uint64_t with_code = coded ? atomic_load_explicit(&coded->coded[first + b], memory_order_acquire) & live : 0;
    uint64_t mask = live & ~with_code;
    if (job->bounds && with_code) {
      float bar = fmaxf(sb_search_bar(search, top), sb_search_bar(search, &ask->top));
      mask |= with_code & worth_a_look(search, ask, coded->lines + (unit.at + b * SB_BLOCK_ROWS) * SB_LINE_BYTES, bar);
    }
    if (!mask) continue;
    uint32_t slot = unit.slot + (uint32_t)(b * SB_BLOCK_ROWS);
    fetch_rows(search, slot, mask);
    score_rows(search, ask, top, before->slot, before->mask);
    *before = (waiting){slot, mask};
  }
}

static void work(void *context, int worker) {
  rows_job *job = context;
  sb_search *search = job->search;
  size_t unit;
  while ((unit = atomic_fetch_add(&job->next_unit, 1)) < search->units) {
    for (size_t q = 0; q < search->count; q++) {
      waiting before = {0, 0};
      scan_unit(job, worker, unit, q, &before);
      score_rows(search, &search->asks[q], &job->tops[(size_t)worker * search->count + q], before.slot, before.mask);
    }
  }
}

sb_status sb_search_rows(sb_search *search, bool bounds, sb_error *error) {
  size_t workers = (size_t)sb_team_threads(search->index->team), k = search->query->k, lists = workers * search->count;
  size_t probe_bytes = bounds ? (sizeof(sb_probe) + 63) / 64 * 64 : 0;
  uint8_t *memory =
      sb_search_room(search, search->count * probe_bytes + lists * (sizeof(sb_topk) + k * sizeof(sb_hit)), error);
  if (!memory) return SB_NO_MEMORY;
  for (size_t i = 0; bounds && i < search->count; i++, memory += probe_bytes) {
    sb_ask *ask = &search->asks[i];
    float y[SB_AXES_MAX];
    ask->probe = (sb_probe *)(void *)memory;
    sb_model_project(search->generation->model, ask->vector, 1, y);
    sb_probe_line(search->generation->model, ask->vector, y, true, ask->probe);
  }
  rows_job job = {.search = search, .bounds = bounds, .tops = (sb_topk *)(void *)memory};
  sb_hit *hits = (sb_hit *)(void *)(job.tops + lists);
  for (size_t i = 0; i < lists; i++) job.tops[i] = (sb_topk){hits + i * k, k, 0};
  sb_team_run(search->index->team, work, &job);
  for (size_t i = 0; i < lists; i++)
    for (size_t h = 0; h < job.tops[i].count; h++)
      sb_topk_add(&search->asks[i % search->count].top, job.tops[i].hits[h], search->query->by_label);
  return SB_OK;
}
