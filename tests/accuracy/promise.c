/* What the product promises beside what is observed: error rates of comparisons and searches of embedded photos, by
 * cosine and by normalised score, computed by what `semblance eval` uses, too (stats/promise.h). test_promise.py calls
 * it and judges what it prints.
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
#include "stats/evaluate.h"
#include "vector/kernels/kernels.h"
#include "vector/vector.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
  POOLS = 8,
  GROUPS = 64,
  PHOTOS_MAX = 1 << 20,
  /* Flags of a photo: the pools of its person, and which photos may show somebody twice. */
  REFERENCE = 1 << 8, /* others too close to one of these are dropped */
  SINGLE = 1 << 9     /* supposed to be the only photo of its person: dropped if close to another one of these */
};
static const double reference_most = 0.56, single_most = 0.58;
static const double promised_fpir = 0.01, promised_fmr[] = {1e-3, 1e-4, 1e-5};

typedef struct photo {
  int32_t person, group, flags;
  bool dropped;
  float *vector;
} photo;

/* The photos that are used, as samples; people are numbered in order. */
typedef struct input {
  sb_calibration calibration;
  size_t count;
  photo *photos; /* those of one person are adjacent */
  sb_stats_sample *samples;
  photo **photo_of; /* each sample */
  sb_stats_set set;
} input;

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

static void read_photos(input *in) {
  uint32_t head[2];
  read_exactly(head, sizeof *head, 2);
  in->count = head[0];
  in->set.dim = head[1];
  if (in->count > PHOTOS_MAX || in->set.dim < 1 || in->set.dim > SB_DIM_MAX) stop("the photos have a wrong head", NULL);
  in->photos = room(in->count, sizeof *in->photos);
  uint16_t *halves = room(in->set.dim, sizeof *halves);
  for (size_t i = 0; i < in->count; i++) {
    int32_t numbers[3];
    read_exactly(numbers, sizeof *numbers, 3);
    in->photos[i] = (photo){.person = numbers[0], .group = numbers[1], .flags = numbers[2]};
    if (numbers[1] < 0 || numbers[1] >= GROUPS) stop("a group is out of range", NULL);
  }
  for (size_t i = 0; i < in->count; i++) {
    in->photos[i].vector = room(in->set.dim, sizeof(float));
    read_exactly(halves, sizeof *halves, in->set.dim);
    sb_kernels_chosen()->from_f16(halves, in->photos[i].vector, in->set.dim);
    sb_normalize(in->photos[i].vector, in->set.dim);
  }
  free(halves);
}

static double cosine(const input *in, size_t i, size_t j) {
  return (double)sb_dot(in->photos[i].vector, in->photos[j].vector, in->set.dim);
}

/* Sets of celebrities overlap, and sets with one photo a person hold some people twice: their rates would count the
 * second photo of a person as a stranger. */
static void drop_repeats(input *in) {
  size_t dropped = 0;
  for (size_t i = 0; i < in->count; i++) {
    photo *p = &in->photos[i];
    for (size_t j = 0; j < in->count && !p->dropped && !(p->flags & REFERENCE); j++) {
      const photo *q = &in->photos[j];
      bool single = p->flags & SINGLE && q->flags & SINGLE && i != j && !q->dropped;
      if (q->flags & REFERENCE || single) p->dropped = cosine(in, i, j) >= (single ? single_most : reference_most);
    }
    dropped += p->dropped;
  }
  printf("dropped %zu\n", dropped);
}

static void take_samples(input *in) {
  sb_stats_set *set = &in->set;
  in->samples = room(in->count, sizeof *in->samples);
  in->photo_of = room(in->count, sizeof *in->photo_of);
  for (size_t i = 0; i < in->count; i++) {
    photo *p = &in->photos[i];
    if (p->dropped) continue;
    set->people += !set->count || in->photo_of[set->count - 1]->person != p->person;
    in->photo_of[set->count] = p;
    in->samples[set->count++] = (sb_stats_sample){p->vector, (uint32_t)set->people - 1, (uint32_t)p->group};
  }
  set->calibration = &in->calibration;
  set->samples = in->samples;
  set->groups = GROUPS;
}

/* ---- Galleries */

/* Enrols the first photo of `people` people of the pool, drawn at random. */
static void gallery_new(const input *in, int pool, size_t people, uint64_t draw, sb_identify_gallery *out) {
  sb_error error;
  size_t count = 0;
  uint32_t *enrolled = room(in->set.people, sizeof *enrolled);
  bool *eligible = room(in->set.count, sizeof *eligible);
  for (size_t i = 0; i < in->set.count; i++) eligible[i] = in->photo_of[i]->flags >> pool & 1;
  check(sb_stats_promise_draw(&in->set, eligible, people, draw, enrolled, &count, &error), &error);
  check(sb_identify_gallery_new(&in->calibration, in->set.dim, in->samples, enrolled, count, out, &error), &error);
  free(enrolled);
  free(eligible);
}

static void search_photo(const input *in, sb_identify_gallery *g, size_t i) {
  sb_identify_answer answer;
  const photo *p = in->photo_of[i];
  sb_identify_gallery_search(g, (uint32_t)i, &answer);
  const sb_stats_search *plain = &answer.cosine, *scored = &answer.score;
  if (plain->mated)
    printf("mate %d %d %.5f %zu %.5f %zu\n", p->group, p->person, plain->own, plain->rank - 1, scored->own,
           scored->rank - 1);
  else
    printf("stranger %d %.5f %.5f\n", p->group, plain->other, scored->other);
}

static void search_all(const input *in, sb_identify_gallery *g, int pool) {
  size_t people[GROUPS] = {0}, next = 0;
  printf("search %d %zu %.6f\n", pool, g->people,
         sb_calibration_threshold(&in->calibration, sb_stats_fmr_of_fpir(promised_fpir, (double)g->people)));
  for (size_t i = 0; i < g->count; i++) people[in->samples[g->enrolled[i]].group]++;
  for (int group = 0; group < GROUPS; group++)
    if (people[group]) printf("enrolled %d %zu\n", group, people[group]);
  for (size_t i = 0; i < in->set.count; i++) {
    if (next < g->count && g->enrolled[next] == i)
      next++;
    else
      search_photo(in, g, i);
  }
}

/* ---- Comparisons */

/* Histograms of one group. */
typedef struct group_scores {
  sb_scores cosines, scores, mated_cosines, mated_scores;
} group_scores;

static void compare_group(const input *in, const sb_cohort *cohorts, uint32_t group, group_scores *out) {
  const sb_stats_sample *samples = in->samples;
  for (size_t i = 0; i < in->set.count; i++) {
    if (samples[i].group != group) continue;
    for (size_t j = i + 1; j < in->set.count; j++) {
      if (samples[j].group != group) continue;
      bool mated = samples[i].person == samples[j].person;
      double v = sb_stats_cosine(samples[i].template, samples[j].template, in->set.dim);
      sb_scores_add(mated ? &out->mated_cosines : &out->cosines, v);
      sb_scores_add(mated ? &out->mated_scores : &out->scores,
                    sb_cohort_verify_score(&in->calibration, &cohorts[i], &cohorts[j], v));
    }
  }
}

static void report_group(const input *in, uint32_t group, const group_scores *g) {
  for (size_t f = 0; f < sizeof promised_fmr / sizeof *promised_fmr; f++) {
    double fmr = promised_fmr[f], threshold = sb_calibration_threshold(&in->calibration, fmr);
    printf("pairs %u %g %llu %llu %llu\n", group, fmr, (unsigned long long)g->cosines.count,
           (unsigned long long)sb_scores_count_from(&g->cosines, threshold),
           (unsigned long long)sb_scores_count_from(&g->scores, threshold));
    if (g->mated_cosines.count)
      printf("mated %u %g %.6f %.6f\n", group, fmr,
             1 - sb_scores_share_from(&g->mated_cosines, sb_scores_threshold(&g->cosines, fmr)),
             1 - sb_scores_share_from(&g->mated_scores, sb_scores_threshold(&g->scores, fmr)));
  }
}

static void compare_all(const input *in, sb_identify_gallery *g) {
  sb_cohort *cohorts = room(in->set.count, sizeof *cohorts);
  for (size_t i = 0; i < in->set.count; i++) cohorts[i] = sb_identify_gallery_cohort(g, (uint32_t)i);
  for (uint32_t group = 0; group < GROUPS; group++) {
    group_scores scores;
    sb_scores *all[] = {&scores.cosines, &scores.scores, &scores.mated_cosines, &scores.mated_scores};
    for (size_t i = 0; i < 4; i++) check(sb_scores_new(all[i], NULL), NULL);
    compare_group(in, cohorts, group, &scores);
    if (scores.cosines.count) report_group(in, group, &scores);
    for (size_t i = 0; i < 4; i++) sb_scores_free(all[i]);
  }
  free(cohorts);
}

static void observe(const input *in, const char *galleries, bool compare) {
  int pool;
  size_t people, draws;
  if (sscanf(galleries, "%d:%zu:%zu", &pool, &people, &draws) != 3 || pool < 0 || pool >= POOLS || people < 1)
    stop("a gallery is POOL:PEOPLE:DRAWS", NULL);
  for (size_t draw = 0; draw < draws; draw++) {
    sb_identify_gallery g;
    gallery_new(in, pool, people, draw, &g);
    search_all(in, &g, pool);
    if (compare && draw + 1 == draws) compare_all(in, &g);
    sb_identify_gallery_free(&g);
  }
}

int main(int argc, char **argv) {
  static input in;
  char model[64];
  sb_error error = {0};
  if (argc < 2) stop("usage: promise CALIBRATION [POOL:PEOPLE:DRAWS...] < PHOTOS", NULL);
  check(sb_embedder_calibration_read(argv[1], model, &in.calibration, &error), &error);
  read_photos(&in);
  drop_repeats(&in);
  take_samples(&in);
  for (int a = 2; a < argc; a++) observe(&in, argv[a], a == 2);
  for (size_t i = 0; i < in.count; i++) free(in.photos[i].vector);
  free(in.photos);
  free(in.samples);
  free(in.photo_of);
  return 0;
}
