/* Promised and observed error rates. */
#include "stats/promise.h"

#include <math.h>
#include <stdlib.h>

sb_stats_promise sb_stats_promise_judge(double promised, sb_interval observed) {
  double most = SB_STATS_PROMISE_MOST * promised;
  if (observed.low > most) return SB_STATS_PROMISE_BROKEN;
  return observed.high <= most ? SB_STATS_PROMISE_KEPT : SB_STATS_PROMISE_TOO_FEW;
}

double sb_stats_promise_trials(double promised, double observed) {
  double rate = fmax(promised, observed), most = SB_STATS_PROMISE_MOST * promised, low = 1, high = 1e15;
  if (!(rate < most)) return INFINITY;
  while (high - low > 0.5 && high / low > 1.0001) {
    double middle = sqrt(low * high);
    *(sb_interval_wilson(rate, middle).high > most ? &low : &high) = middle;
  }
  return ceil(high);
}

/* ---- Draws */

static uint64_t scramble(uint64_t x) { /* splitmix64 */
  x += 0x9e3779b97f4a7c15u;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

typedef struct ticket {
  uint64_t key;
  uint32_t sample;
} ticket;

static int by_key(const void *a, const void *b) {
  const ticket *x = a, *y = b;
  return x->key < y->key ? -1 : x->key > y->key;
}

static int rising(const void *a, const void *b) {
  uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
  return x < y ? -1 : x > y;
}

sb_status sb_stats_promise_draw(const sb_stats_set *set, const bool *eligible, size_t people, uint64_t draw,
                                uint32_t *enrolled, size_t *count, sb_error *error) {
  ticket *tickets = sb_alloc(set->people, sizeof *tickets, error);
  if (!tickets) return SB_NO_MEMORY;
  size_t made = 0;
  for (size_t i = 0; i < set->count; i++) {
    bool first = !i || set->samples[i].person != set->samples[i - 1].person;
    if (first && (!eligible || eligible[i]))
      tickets[made++] = (ticket){scramble(scramble(set->samples[i].person) + draw), (uint32_t)i};
  }
  qsort(tickets, made, sizeof *tickets, by_key);
  *count = people < made ? people : made;
  for (size_t i = 0; i < *count; i++) enrolled[i] = tickets[i].sample;
  qsort(enrolled, *count, sizeof *enrolled, rising);
  free(tickets);
  return SB_OK;
}

/* ---- Counts */

/* Searches of each person over all draws of a gallery size; index 0: not enrolled, 1: enrolled. */
typedef struct tally {
  double *searches[2], *errors[2];
  uint32_t *group; /* of each person */
} tally;

static sb_status tally_new(const sb_stats_set *set, tally *t, sb_error *error) {
  *t = (tally){.group = sb_alloc(set->people, sizeof *t->group, error)};
  bool whole = t->group;
  for (int mated = 0; whole && mated < 2; mated++) {
    t->searches[mated] = sb_alloc(set->people, sizeof(double), error);
    t->errors[mated] = sb_alloc(set->people, sizeof(double), error);
    whole = t->searches[mated] && t->errors[mated];
  }
  for (size_t i = 0; whole && i < set->count; i++) t->group[set->samples[i].person] = set->samples[i].group;
  return whole ? SB_OK : SB_NO_MEMORY;
}

static void tally_free(tally *t) {
  free(t->group);
  for (int mated = 0; mated < 2; mated++) free(t->searches[mated]), free(t->errors[mated]);
}

static void tally_add(tally *t, uint32_t person, const sb_stats_search *of, double threshold) {
  t->searches[of->mated][person]++;
  t->errors[of->mated][person] += of->mated ? of->rank > 1 || of->own < threshold : of->other >= threshold;
}

/* One rate of a group; SB_NO_GROUP: of everybody. `scratch`: two numbers a person. */
static sb_stats_search_rate rate_of(const tally *t, size_t people, uint32_t group, int mated, double *scratch) {
  double total = 0, errors = 0, *hits = scratch, *pairs = scratch + people;
  sb_stats_search_rate out = {0};
  for (size_t p = 0; p < people; p++) {
    if (!(t->searches[mated][p] > 0) || (group != SB_NO_GROUP && t->group[p] != group)) continue;
    hits[out.people] = t->errors[mated][p];
    pairs[out.people++] = t->searches[mated][p];
    total += t->searches[mated][p];
    errors += t->errors[mated][p];
  }
  out.searches = (uint64_t)total;
  out.errors = (uint64_t)errors;
  out.rate = total > 0 ? errors / total : 0;
  out.trials = sb_interval_effective_trials(hits, pairs, out.people, errors, total, (double)out.people);
  out.limits = sb_interval_wilson(out.rate, out.trials);
  return out;
}

static void conclude(const tally *t, size_t people, uint32_t group, double promised, double *scratch,
                     sb_stats_search_rates *out) {
  out->fpir = rate_of(t, people, group, 0, scratch);
  out->fnir = rate_of(t, people, group, 1, scratch);
  out->promise = sb_stats_promise_judge(promised, out->fpir.limits);
}

/* ---- Galleries */

static void count_enrolled(const sb_stats_set *set, const uint32_t *enrolled, size_t count,
                           sb_stats_gallery_rates *out) {
  out->all.enrolled += count;
  for (size_t i = 0; i < count; i++) {
    uint32_t group = set->samples[enrolled[i]].group;
    if (group != SB_NO_GROUP) out->groups[group].enrolled++;
  }
}

static sb_status observe_draw(const sb_stats_set *set, uint64_t draw, uint32_t *enrolled, tally *t,
                              sb_stats_gallery_rates *out, sb_error *error) {
  sb_identify_gallery gallery;
  size_t count = 0;
  sb_status status = sb_stats_promise_draw(set, NULL, out->people, draw, enrolled, &count, error);
  if (status != SB_OK) return status;
  status = sb_identify_gallery_new(set->calibration, set->dim, set->samples, enrolled, count, &gallery, error);
  if (status != SB_OK) return status;
  count_enrolled(set, enrolled, count, out);
  for (size_t i = 0, next = 0; i < set->count; i++) {
    sb_identify_answer answer;
    if (next < count && enrolled[next] == i) {
      next++;
      continue;
    }
    sb_identify_gallery_search(&gallery, (uint32_t)i, &answer);
    tally_add(t, set->samples[i].person, &answer.score, out->threshold);
  }
  sb_identify_gallery_free(&gallery);
  return SB_OK;
}

static sb_status observe_size(const sb_stats_set *set, double fpir, uint32_t *enrolled, double *scratch,
                              sb_stats_gallery_rates *out, sb_error *error) {
  tally t;
  out->groups = sb_alloc(set->groups + 1, sizeof *out->groups, error);
  sb_status status = tally_new(set, &t, error);
  if (!out->groups) status = SB_NO_MEMORY;
  for (uint64_t draw = 0; status == SB_OK && draw < out->draws; draw++)
    status = observe_draw(set, draw, enrolled, &t, out, error);
  if (status == SB_OK) conclude(&t, set->people, SB_NO_GROUP, fpir, scratch, &out->all);
  for (uint32_t g = 0; status == SB_OK && g < set->groups; g++)
    conclude(&t, set->people, g, fpir, scratch, &out->groups[g]);
  tally_free(&t);
  return status;
}

static size_t draws_of(size_t people) {
  enum { MOST = 10, SEARCHED = 3000 };
  size_t draws = SEARCHED / people;
  return draws < 1 ? 1 : draws > MOST ? MOST : draws;
}

static sb_status observe(const sb_stats_set *set, sb_stats_promises *out, uint32_t *enrolled, double *scratch,
                         sb_error *error) {
  static const size_t sizes[SB_STATS_GALLERIES_MAX] = {30, 100, 300, 1000, 3000, 10000, 30000, 100000};
  while (out->count < SB_STATS_GALLERIES_MAX && sizes[out->count] * 4 <= set->people * 3) {
    sb_stats_gallery_rates *rates = &out->galleries[out->count];
    rates->people = sizes[out->count++];
    rates->draws = draws_of(rates->people);
    rates->threshold =
        sb_calibration_threshold(set->calibration, sb_stats_fmr_of_fpir(out->fpir, (double)rates->people));
    sb_status status = observe_size(set, out->fpir, enrolled, scratch, rates, error);
    if (status != SB_OK) return status;
  }
  return SB_OK;
}

sb_status sb_stats_promises_observe(const sb_stats_set *set, double fpir, sb_stats_promises *out, sb_error *error) {
  *out = (sb_stats_promises){.fpir = fpir};
  uint32_t *enrolled = sb_alloc(set->people, sizeof *enrolled, error);
  double *scratch = sb_alloc(2 * set->people, sizeof *scratch, error);
  sb_status status = enrolled && scratch ? observe(set, out, enrolled, scratch, error) : SB_NO_MEMORY;
  free(enrolled);
  free(scratch);
  if (status != SB_OK) sb_stats_promises_free(out);
  return status;
}

void sb_stats_promises_free(sb_stats_promises *promises) {
  for (size_t i = 0; i < promises->count; i++) free(promises->galleries[i].groups);
  *promises = (sb_stats_promises){0};
}
