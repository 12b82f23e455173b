/* Searches of a gallery in memory. */
#include "stats/identify_gallery.h"

#include <math.h>
#include <stdlib.h>

/* The templates of a person compared with a probe. */
typedef struct sb_identify_match {
  double cosine;  /* the highest */
  double biased;  /* the highest after the bias of the template (sb_cohort_bias), by which the product ranks */
  double counted; /* the cosine of the template that has it */
  size_t row;     /* and its index in `enrolled` */
  double sum;     /* of all cosines */
  size_t templates;
  bool left_out; /* the probe is one of the person's templates */
} match;

/* The highest values with a cosine each, falling. */
typedef struct highest {
  size_t count, most;
  double values[SB_COHORT_VERIFY + 1];
  float cosines[SB_COHORT_VERIFY + 1];
} highest;

double sb_stats_cosine(const float *a, const float *b, size_t dim) {
  float sum[8] = {0};
  size_t i = 0;
  for (; i + 8 <= dim; i += 8)
    for (size_t k = 0; k < 8; k++) sum[k] += a[i + k] * b[i + k];
  double all = 0;
  for (size_t k = 0; k < 8; k++) all += (double)sum[k];
  for (; i < dim; i++) all += (double)a[i] * (double)b[i];
  return fmin(fmax(all, -1), 1);
}

static void keep(highest *h, double value, double cosine) {
  if (h->count == h->most && (!h->most || value <= h->values[h->count - 1])) return;
  size_t at = h->count < h->most ? h->count++ : h->count - 1;
  for (; at && h->values[at - 1] < value; at--) h->values[at] = h->values[at - 1], h->cosines[at] = h->cosines[at - 1];
  h->values[at] = value;
  h->cosines[at] = (float)cosine;
}

static double bias(const sb_identify_gallery *g, size_t row) {
  return sb_cohort_available(g->calibration) ? sb_cohort_bias(&g->cohorts[row]) : 0;
}

static void compare(const sb_identify_gallery *g, uint32_t sample, size_t person, match *m) {
  *m = (match){.cosine = -2, .biased = -INFINITY};
  for (size_t i = g->first[person]; i < g->first[person + 1]; i++) {
    if (g->enrolled[i] == sample) {
      m->left_out = true;
      continue;
    }
    double cosine = sb_stats_cosine(g->samples[sample].template, g->samples[g->enrolled[i]].template, g->dim);
    double biased = cosine - bias(g, i);
    m->templates++;
    m->sum += cosine;
    m->cosine = fmax(m->cosine, cosine);
    if (biased > m->biased) m->biased = biased, m->counted = cosine, m->row = i;
  }
}

/* ---- Cohorts */

static int falling(const void *a, const void *b) {
  float x = *(const float *)a, y = *(const float *)b;
  return (x < y) - (x > y);
}

/* From the people nearest to a probe without the first, who may be the person. */
static sb_cohort probe_cohort(const sb_calibration *c, highest *h, size_t people, double prior) {
  qsort(h->cosines, h->count, sizeof *h->cosines, falling);
  if (h->count < 2) return sb_cohort_unknown(c);
  return sb_cohort_fit(c, h->cosines + 1, h->count - 1, 2, people, prior);
}

/* The nearest people by cosine; `but`: without that person. */
static highest nearest(const sb_identify_gallery *g, uint32_t sample, uint32_t but, size_t most) {
  highest h = {.most = most};
  for (size_t p = 0; p < g->people; p++) {
    match m;
    if (g->samples[g->enrolled[g->first[p]]].person == but) continue;
    compare(g, sample, p, &m);
    if (m.templates) keep(&h, m.cosine, m.cosine);
  }
  return h;
}

static void measure_density(sb_identify_gallery *g, size_t row) {
  uint32_t sample = g->enrolled[row];
  highest h = nearest(g, sample, g->samples[sample].person, SB_COHORT_SEARCH);
  g->cohorts[row] = sb_cohort_fit(g->calibration, h.cosines, h.count, 1, g->people - 1, SB_COHORT_PRIOR_SEARCH);
}

sb_cohort sb_identify_gallery_cohort(sb_identify_gallery *g, uint32_t sample) {
  highest h = nearest(g, sample, UINT32_MAX, sb_cohort_verify_size(g->people) + 1);
  return probe_cohort(g->calibration, &h, g->people, SB_COHORT_PRIOR_VERIFY);
}

sb_cohort sb_identify_gallery_crowd(sb_identify_gallery *g, uint32_t sample) {
  highest h = nearest(g, sample, UINT32_MAX, SB_COHORT_SEARCH + 1);
  return probe_cohort(g->calibration, &h, g->people, 0);
}

/* ---- Searches */

typedef struct search {
  const sb_identify_gallery *gallery;
  sb_cohort probe;
  double mean_templates;
} search;

/* Of a person with several templates the higher of two scores counts: that of the best, and that of the mean of it and
 * the mean template (engine/candidates.c). */
static double score_of(const search *s, size_t person, const match *m) {
  const sb_identify_gallery *g = s->gallery;
  const sb_calibration *c = g->calibration;
  const sb_cohort *candidate = &g->cohorts[m->row];
  double weight = (s->probe.weight + candidate->weight) / 2, templates = (double)m->templates;
  double best = sb_cohort_search_score(c, &s->probe, candidate, m->counted);
  best = sb_cohort_templates_score(c, best, weight, templates, s->mean_templates, SB_COHORT_GROWTH_BEST);
  double square = g->squares[person] - (m->left_out ? 2 * m->sum + 1 : 0); /* of the sum without the probe */
  if (m->templates < 2 || !(square > 0)) return best;
  double mean = fmin(m->sum / sqrt(square), 1);
  double both = sb_cohort_search_score(c, &s->probe, candidate, (m->counted + mean) / 2);
  return fmax(best, sb_cohort_templates_score(c, both, weight, templates, s->mean_templates, SB_COHORT_GROWTH_MEAN));
}

static void begin(sb_identify_gallery *g, uint32_t sample, search *out) {
  highest h = {.most = SB_COHORT_SEARCH + 1};
  size_t templates = 0, people = 0;
  for (size_t p = 0; p < g->people; p++) {
    match *m = &g->matches[p];
    compare(g, sample, p, m);
    if (!m->templates) continue;
    templates += m->templates;
    people++;
    keep(&h, m->biased, m->counted);
  }
  *out = (search){g, probe_cohort(g->calibration, &h, people, SB_COHORT_PRIOR_SEARCH),
                  people ? (double)templates / (double)people : 1};
}

static void count(sb_stats_search *of, double score) {
  of->other = fmax(of->other, score);
  of->rank += of->mated && score >= of->own;
}

void sb_identify_gallery_search(sb_identify_gallery *g, uint32_t sample, sb_identify_answer *out) {
  search s;
  uint32_t person = g->samples[sample].person;
  *out = (sb_identify_answer){{.other = -1}, {.other = -1}};
  begin(g, sample, &s);
  for (size_t p = 0; p < g->people; p++) {
    const match *m = &g->matches[p];
    if (!m->templates || g->samples[g->enrolled[m->row]].person != person) continue;
    out->cosine = (sb_stats_search){.mated = true, .own = m->cosine, .other = -1, .rank = 1};
    out->score = (sb_stats_search){.mated = true, .own = score_of(&s, p, m), .other = -1, .rank = 1};
  }
  for (size_t p = 0; p < g->people; p++) {
    const match *m = &g->matches[p];
    if (!m->templates || g->samples[g->enrolled[m->row]].person == person) continue;
    count(&out->cosine, m->cosine);
    count(&out->score, score_of(&s, p, m));
  }
}

/* ---- The gallery */

static double square_of(const sb_identify_gallery *g, size_t person) {
  double sum = 0;
  for (size_t d = 0; d < g->dim; d++) {
    double value = 0;
    for (size_t i = g->first[person]; i < g->first[person + 1]; i++)
      value += (double)g->samples[g->enrolled[i]].template[d];
    sum += value * value;
  }
  return sum;
}

static void enrol(sb_identify_gallery *g, const uint32_t *enrolled) {
  for (size_t i = 0; i < g->count; i++) {
    g->enrolled[i] = enrolled[i];
    bool new = !i || g->samples[enrolled[i]].person != g->samples[enrolled[i - 1]].person;
    if (new) g->first[g->people++] = i;
  }
  g->first[g->people] = g->count;
  for (size_t p = 0; p < g->people; p++) g->squares[p] = square_of(g, p);
  for (size_t i = 0; i < g->count; i++) measure_density(g, i);
}

sb_status sb_identify_gallery_new(const sb_calibration *calibration, size_t dim, const sb_stats_sample *samples,
                                  const uint32_t *enrolled, size_t count, sb_identify_gallery *out, sb_error *error) {
  sb_identify_gallery g = {.calibration = calibration, .samples = samples, .dim = dim, .count = count};
  g.enrolled = sb_alloc(count, sizeof *g.enrolled, error);
  g.cohorts = sb_alloc(count, sizeof *g.cohorts, error);
  g.first = sb_alloc(count + 1, sizeof *g.first, error);
  g.squares = sb_alloc(count, sizeof *g.squares, error);
  g.matches = sb_alloc(count, sizeof *g.matches, error);
  if (!g.enrolled || !g.cohorts || !g.first || !g.squares || !g.matches)
    return sb_identify_gallery_free(&g), SB_NO_MEMORY;
  enrol(&g, enrolled);
  *out = g;
  return SB_OK;
}

void sb_identify_gallery_free(sb_identify_gallery *g) {
  free(g->enrolled);
  free(g->cohorts);
  free(g->first);
  free(g->squares);
  free(g->matches);
  *g = (sb_identify_gallery){0};
}
