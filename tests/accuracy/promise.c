/* What the product promises beside what is observed: error rates of comparisons and searches of embedded photos, by
 * cosine and by normalised score, computed with the product's own index and statistics. test_promise.py calls it and
 * judges what it prints.
 *
 * usage: promise CALIBRATION [POOL:PEOPLE:DRAWS...] < PHOTOS
 *
 * CALIBRATION   a file as `semblance eval --calibrate` writes it
 * POOL:...      galleries: so many people of pool 0..7, drawn so many times; the rest of all people are the strangers.
 *               The last draw of the first gallery is also the cohort of the comparisons.
 * PHOTOS        uint32 count, dimension; per photo: int32 person, group, flags (below); float16 values of unit length
 *
 * It prints, separated by spaces:
 *   dropped COUNT                                                      photos of people who occur twice (flags)
 *   search POOL PEOPLE THRESHOLD                                       a draw: the threshold for an FPIR of 1 %
 *   enrolled GROUP PEOPLE                                              in it
 *   stranger GROUP COSINE SCORE                                        the best candidate of a photo
 *   mate GROUP PERSON COSINE RANK SCORE RANK                           a photo of an enrolled person: the person's
 *                                                                      values, and how many others have higher ones
 *   pairs GROUP FMR COUNT COSINES SCORES                               non-mated comparisons within a group, and how
 *                                                                      many reach the threshold for that FMR
 *   mated GROUP FMR COSINE_FNMR SCORE_FNMR                             at the thresholds with that observed FMR */
#include "face/face.h"
#include "stats/cohort.h"
#include "vector/kernels/kernels.h"
#include "vector/vector.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
  TAIL = 2, /* coordinates that hold a row's density, as in the indexes of the engine */
  POOLS = 8,
  GROUPS = 64,
  NEIGHBOURS = SB_COHORT_SEARCH + 1, /* a template may find its own person */
  HITS_MAX = SB_COHORT_VERIFY + 1,
  PEOPLE_MAX = 1 << 20,
  /* Flags of a photo: the pools of its person, and which photos may show somebody twice. */
  REFERENCE = 1 << 8, /* others too close to one of these are dropped */
  SINGLE = 1 << 9     /* supposed to be the only photo of its person: dropped if close to another one of these */
};
static const float beta = 4, reference_most = 0.56f, single_most = 0.58f;
static const double promised_fpir = 0.01, promised_fmr[] = {1e-3, 1e-4, 1e-5};

typedef struct photo {
  int32_t person, group, flags;
  bool dropped;
  float *vector;
} photo;

typedef struct set {
  sb_calibration calibration;
  size_t count, dim;
  photo *photos; /* those of one person are adjacent */
} set;

/* One draw of a gallery: enrolled people have the number of their first photo as label. */
typedef struct gallery {
  const set *set;
  sb_index *index;
  size_t people;
  bool *enrolled;     /* by photo */
  sb_cohort *cohorts; /* of enrolled photos */
} gallery;

static void stop(const char *what, const sb_error *error) {
  fprintf(stderr, "promise: %s%s%s\n", what, error ? ": " : "", error ? error->message : "");
  exit(1);
}

static void *room(size_t count, size_t size) {
  void *memory = calloc(count ? count : 1, size);
  if (!memory) stop("out of memory", NULL);
  return memory;
}

static void check(sb_status status, const sb_error *error) {
  if (status != SB_OK) stop("failed", error);
}

/* ---- Input */

static void read_exactly(void *to, size_t size, size_t count) {
  if (fread(to, size, count, stdin) != count) stop("the photos end early", NULL);
}

static void read_set(set *s) {
  uint32_t head[2];
  read_exactly(head, sizeof *head, 2);
  s->count = head[0];
  s->dim = head[1];
  if (s->count > PEOPLE_MAX || s->dim < 1 || s->dim + TAIL > SB_DIM_MAX) stop("the photos have a wrong head", NULL);
  s->photos = room(s->count, sizeof *s->photos);
  uint16_t *halves = room(s->dim, sizeof *halves);
  for (size_t i = 0; i < s->count; i++) {
    int32_t numbers[3];
    read_exactly(numbers, sizeof *numbers, 3);
    s->photos[i] = (photo){.person = numbers[0], .group = numbers[1], .flags = numbers[2]};
    if (numbers[1] < 0 || numbers[1] >= GROUPS) stop("a group is out of range", NULL);
  }
  for (size_t i = 0; i < s->count; i++) {
    s->photos[i].vector = room(s->dim + TAIL, sizeof(float));
    read_exactly(halves, sizeof *halves, s->dim);
    sb_kernels_chosen()->from_f16(halves, s->photos[i].vector, s->dim);
    sb_normalize(s->photos[i].vector, s->dim);
  }
  free(halves);
}

static float cosine(const set *s, size_t i, size_t j) {
  return sb_dot(s->photos[i].vector, s->photos[j].vector, s->dim);
}

/* Sets of celebrities overlap, and sets with one photo a person hold some people twice: their rates would count the
 * second photo of a person as a stranger. */
static void drop_repeats(set *s) {
  size_t dropped = 0;
  for (size_t i = 0; i < s->count; i++) {
    photo *p = &s->photos[i];
    for (size_t j = 0; j < s->count && !p->dropped && !(p->flags & REFERENCE); j++) {
      const photo *q = &s->photos[j];
      bool single = p->flags & SINGLE && q->flags & SINGLE && i != j && !q->dropped;
      if (q->flags & REFERENCE || single) p->dropped = cosine(s, i, j) >= (single ? single_most : reference_most);
    }
    dropped += p->dropped;
  }
  printf("dropped %zu\n", dropped);
}

/* ---- Galleries */

static uint64_t scramble(uint64_t x) { /* splitmix64 */
  x += 0x9e3779b97f4a7c15u;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

static bool is_first(const set *s, size_t i) {
  return i == 0 || s->photos[i - 1].person != s->photos[i].person;
}

typedef struct place {
  uint64_t key;
  size_t photo;
} place;

static int by_key(const void *a, const void *b) {
  const place *x = a, *y = b;
  return x->key < y->key ? -1 : x->key > y->key;
}

/* Enrols the first photo of `people` people of the pool, drawn at random. */
static void draw_people(gallery *g, int pool, size_t people, size_t draw) {
  const set *s = g->set;
  place *order = room(s->count, sizeof *order);
  size_t count = 0;
  for (size_t i = 0; i < s->count; i++)
    if (is_first(s, i) && !s->photos[i].dropped && s->photos[i].flags >> pool & 1)
      order[count++] = (place){scramble(scramble((uint64_t)s->photos[i].person) + draw), i};
  qsort(order, count, sizeof *order, by_key);
  g->people = people < count ? people : count;
  for (size_t i = 0; i < g->people; i++) g->enrolled[order[i].photo] = true;
  free(order);
}

/* The nearest people by cosine; or, `biased`, by cosine less their bias. Scores are cosines, highest first. */
static size_t nearest(const gallery *g, size_t i, size_t k, bool biased, sb_hit *hits) {
  const set *s = g->set;
  float query[SB_DIM_MAX];
  size_t found;
  sb_error error;
  memcpy(query, s->photos[i].vector, s->dim * sizeof *query);
  query[s->dim] = biased ? 1 / beta : 0;
  query[s->dim + 1] = 0;
  const sb_index_query request = {
      .struct_size = sizeof request, .vectors = query, .count = 1, .k = k, .by_label = true};
  check(sb_index_search(g->index, &request, hits, &found, &error), &error);
  for (size_t h = 0; biased && h < found; h++) hits[h].score += (float)sb_cohort_bias(&g->cohorts[hits[h].label]);
  return found;
}

static void put(const gallery *g, size_t i, const float tail[TAIL]) {
  sb_error error;
  float *vector = g->set->photos[i].vector;
  memcpy(vector + g->set->dim, tail, TAIL * sizeof *tail);
  check(sb_index_put(g->index, i, i, vector, &error), &error);
}

static void measure_density(const gallery *g, size_t i) {
  sb_hit hits[NEIGHBOURS];
  float scores[NEIGHBOURS];
  size_t found = nearest(g, i, NEIGHBOURS, false, hits), count = 0;
  for (size_t h = 0; h < found && count < SB_COHORT_SEARCH; h++)
    if (hits[h].label != i) scores[count++] = hits[h].score;
  g->cohorts[i] = sb_cohort_fit(&g->set->calibration, scores, count, 1, g->people - 1, SB_COHORT_PRIOR_SEARCH);
}

static void fill_gallery(gallery *g) {
  static const float none[TAIL] = {0};
  for (size_t i = 0; i < g->set->count; i++)
    if (g->enrolled[i]) put(g, i, none);
  for (size_t i = 0; i < g->set->count; i++)
    if (g->enrolled[i]) measure_density(g, i);
  for (size_t i = 0; i < g->set->count; i++)
    if (g->enrolled[i])
      put(g, i, (float[]){-beta * (float)sb_cohort_bias(&g->cohorts[i]), (float)g->cohorts[i].deviation});
}

static void gallery_new(gallery *g, const set *s, int pool, size_t people, size_t draw) {
  static const float query_tail[TAIL] = {1 / 4.0f, 0};
  sb_error error;
  const sb_index_options options = {.struct_size = sizeof options,
                                    .dim = s->dim + TAIL,
                                    .metric = SB_METRIC_INNER,
                                    .query_tail = query_tail,
                                    .query_tail_count = TAIL,
                                    .train_from = SIZE_MAX};
  *g = (gallery){.set = s, .enrolled = room(s->count, sizeof(bool)), .cohorts = room(s->count, sizeof(sb_cohort))};
  check(sb_index_new(&options, &g->index, &error), &error);
  draw_people(g, pool, people, draw);
  fill_gallery(g);
}

static void gallery_free(gallery *g) {
  sb_index_free(g->index);
  free(g->enrolled);
  free(g->cohorts);
}

/* ---- Searches */

static int highest_first(const void *a, const void *b) {
  const sb_hit *x = a, *y = b;
  return x->score > y->score ? -1 : x->score < y->score;
}

/* Puts normalised scores in place of the cosines of a search's hits: the cohort of the probe are ranks 2 to 31. */
static void normalise(const gallery *g, sb_hit *hits, size_t found) {
  const sb_calibration *c = &g->set->calibration;
  float scores[HITS_MAX];
  qsort(hits, found, sizeof *hits, highest_first);
  for (size_t h = 0; h < found; h++) scores[h] = hits[h].score;
  size_t count = found > 1 ? found - 1 : 0;
  sb_cohort probe = sb_cohort_fit(c, scores + 1, count < SB_COHORT_SEARCH ? count : SB_COHORT_SEARCH, 2, g->people,
                                  SB_COHORT_PRIOR_SEARCH);
  for (size_t h = 0; h < found; h++)
    hits[h].score = (float)sb_cohort_search_score(c, &probe, &g->cohorts[hits[h].label], (double)hits[h].score);
  qsort(hits, found, sizeof *hits, highest_first);
}

/* The hit of the label: its number; `found`: there is none. */
static size_t rank_of(const sb_hit *hits, size_t found, size_t label) {
  size_t h = 0;
  while (h < found && hits[h].label != label) h++;
  return h;
}

static void search_photo(const gallery *g, size_t i, size_t person) {
  const photo *p = &g->set->photos[i];
  sb_hit plain[NEIGHBOURS + 1], scored[NEIGHBOURS + 1];
  size_t plain_found = nearest(g, i, NEIGHBOURS + 1, false, plain), found = nearest(g, i, NEIGHBOURS + 1, true, scored);
  normalise(g, scored, found);
  if (!g->enrolled[person]) {
    printf("stranger %d %.5f %.5f\n", p->group, plain_found ? (double)plain[0].score : -1,
           found ? (double)scored[0].score : -1);
    return;
  }
  size_t a = rank_of(plain, plain_found, person), b = rank_of(scored, found, person);
  printf("mate %d %d %.5f %zu %.5f %zu\n", p->group, p->person, a < plain_found ? (double)plain[a].score : -1, a,
         b < found ? (double)scored[b].score : -1, b);
}

static void search_all(const gallery *g, int pool) {
  const set *s = g->set;
  size_t people[GROUPS] = {0};
  printf("search %d %zu %.6f\n", pool, g->people,
         sb_calibration_threshold(&s->calibration, sb_stats_fmr_of_fpir(promised_fpir, (double)g->people)));
  for (size_t i = 0; i < s->count; i++) people[s->photos[i].group] += g->enrolled[i];
  for (int group = 0; group < GROUPS; group++)
    if (people[group]) printf("enrolled %d %zu\n", group, people[group]);
  for (size_t i = 0, first = 0; i < s->count; i++) {
    if (is_first(s, i)) first = i;
    if (!g->enrolled[i] && !s->photos[i].dropped) search_photo(g, i, first);
  }
}

/* ---- Comparisons */

static sb_cohort cohort_of(const gallery *g, size_t i) {
  sb_hit hits[HITS_MAX];
  float scores[HITS_MAX];
  size_t k = sb_cohort_verify_size(g->people), found = nearest(g, i, k + 1, false, hits);
  for (size_t h = 0; h < found; h++) scores[h] = hits[h].score;
  return sb_cohort_fit(&g->set->calibration, scores + 1, found > 1 ? found - 1 : 0, 2, g->people,
                       SB_COHORT_PRIOR_VERIFY);
}

/* Histograms of one group. */
typedef struct group_scores {
  sb_scores cosines, scores, mated_cosines, mated_scores;
} group_scores;

static void compare_group(const set *s, const sb_cohort *cohorts, int group, group_scores *out) {
  for (size_t i = 0; i < s->count; i++) {
    if (s->photos[i].group != group || s->photos[i].dropped) continue;
    for (size_t j = i + 1; j < s->count; j++) {
      if (s->photos[j].group != group || s->photos[j].dropped) continue;
      bool mated = s->photos[i].person == s->photos[j].person;
      double v = (double)cosine(s, i, j);
      sb_scores_add(mated ? &out->mated_cosines : &out->cosines, v);
      sb_scores_add(mated ? &out->mated_scores : &out->scores,
                    sb_cohort_verify_score(&s->calibration, &cohorts[i], &cohorts[j], v));
    }
  }
}

static void report_group(const set *s, int group, const group_scores *g) {
  for (size_t f = 0; f < sizeof promised_fmr / sizeof *promised_fmr; f++) {
    double fmr = promised_fmr[f], threshold = sb_calibration_threshold(&s->calibration, fmr);
    printf("pairs %d %g %llu %llu %llu\n", group, fmr, (unsigned long long)g->cosines.count,
           (unsigned long long)sb_scores_count_from(&g->cosines, threshold),
           (unsigned long long)sb_scores_count_from(&g->scores, threshold));
    if (g->mated_cosines.count)
      printf("mated %d %g %.6f %.6f\n", group, fmr,
             1 - sb_scores_share_from(&g->mated_cosines, sb_scores_threshold(&g->cosines, fmr)),
             1 - sb_scores_share_from(&g->mated_scores, sb_scores_threshold(&g->scores, fmr)));
  }
}

static void compare_all(const gallery *g) {
  const set *s = g->set;
  sb_cohort *cohorts = room(s->count, sizeof *cohorts);
  for (size_t i = 0; i < s->count; i++)
    if (!s->photos[i].dropped) cohorts[i] = cohort_of(g, i);
  for (int group = 0; group < GROUPS; group++) {
    group_scores scores;
    sb_scores *all[] = {&scores.cosines, &scores.scores, &scores.mated_cosines, &scores.mated_scores};
    for (size_t i = 0; i < 4; i++) check(sb_scores_new(all[i], NULL), NULL);
    compare_group(s, cohorts, group, &scores);
    if (scores.cosines.count) report_group(s, group, &scores);
    for (size_t i = 0; i < 4; i++) sb_scores_free(all[i]);
  }
  free(cohorts);
}

int main(int argc, char **argv) {
  static set s;
  char model[64];
  sb_error error = {0};
  if (argc < 2) stop("usage: promise CALIBRATION [POOL:PEOPLE:DRAWS...] < PHOTOS", NULL);
  check(sb_embedder_calibration_read(argv[1], model, &s.calibration, &error), &error);
  read_set(&s);
  drop_repeats(&s);
  for (int a = 2; a < argc; a++) {
    int pool;
    size_t people, draws;
    if (sscanf(argv[a], "%d:%zu:%zu", &pool, &people, &draws) != 3 || pool < 0 || pool >= POOLS || people < 1)
      stop("a gallery is POOL:PEOPLE:DRAWS", NULL);
    for (size_t draw = 0; draw < draws; draw++) {
      gallery g;
      gallery_new(&g, &s, pool, people, draw);
      search_all(&g, pool);
      if (a == 2 && draw + 1 == draws) compare_all(&g);
      gallery_free(&g);
    }
  }
  for (size_t i = 0; i < s.count; i++) free(s.photos[i].vector);
  free(s.photos);
  return 0;
}
