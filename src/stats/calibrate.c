/* Learning of calibrations; the constants of normalised scores are explained in cohort.h. */
#include "stats/calibrate.h"

#include <math.h>
#include <stdlib.h>

enum { BEYOND = 20 }; /* errors that a rate is measured from, at least */
static const double usual_fmr = 1e-4, highest_fmr = 1e-2, usual_fpir = 0.01, highest_fpir = 0.1;
static const double of_a_group = 1.5; /* times the promise: less than SB_STATS_PROMISE_MOST */

sb_status sb_stats_calibrate(const sb_stats_evaluation *cosines, double fmr, sb_calibration *out, sb_error *error) {
  static const double ladder[] = {3e-2, 1e-2, 3e-3, 1e-3, 3e-4, 1e-4, 3e-5, 1e-5, 3e-6, 1e-6};
  enum { LADDER = sizeof ladder / sizeof *ladder };
  const sb_scores *scores = &cosines->non_mated;
  sb_calibration c = {.non_mated_mean = scores->count ? scores->sum / (double)scores->count : 0};
  for (size_t i = 0; i < LADDER && ladder[i] * (double)scores->count >= BEYOND; i++) {
    double threshold = sb_scores_threshold(scores, ladder[i]);
    if (threshold > 1 || (c.count ? threshold <= c.threshold[c.count - 1] : threshold <= c.non_mated_mean)) continue;
    c.fmr[c.count] = ladder[i];
    c.threshold[c.count++] = threshold;
  }
  if (c.count < 2 || !sb_normal_fit_tail(c.fmr, c.threshold, c.count, &c.tail_mean, &c.tail_deviation))
    return sb_fail(
        error, SB_INVALID,
        "%llu comparisons of different people are too few for a calibration: at least 2,000 are needed, and 200,000 "
        "for rates down to 1e-4; add photos of more people",
        (unsigned long long)scores->count);
  c.fmr_floor = c.fmr[c.count - 1] / 2; /* data carry no lower rate */
  c.independent_pairs = fmax(1, cosines->targets[0].effective_non_mated);
  c.default_threshold = sb_calibration_threshold(&c, fmr);
  c.unsure_threshold = fmin(sb_calibration_threshold(&c, fmin(10 * fmr, 0.4)), c.default_threshold);
  sb_status status = sb_calibration_check(&c, error);
  if (status == SB_OK) *out = c;
  return status;
}

/* ---- The constants of normalised scores */

typedef struct learner {
  const sb_stats_set *set;
  sb_calibration *calibration;
  size_t groups;                       /* and everybody, as the last */
  sb_scores *cosines, *scores;         /* of non-mated comparisons of each group; normalised without offset */
  sb_scores *best;                     /* of searches of people who are not enrolled: the best candidate's score */
  double verify_weight, search_weight; /* of the cohorts */
  size_t gallery;                      /* people in the galleries of the searches; 0: the rates are of comparisons */
} learner;

static sb_scores *histograms(size_t count, sb_error *error) {
  sb_scores *all = sb_alloc(count, sizeof *all, error);
  for (size_t i = 0; all && i < count; i++)
    if (sb_scores_new(&all[i], error) != SB_OK) {
      while (i--) sb_scores_free(&all[i]);
      free(all);
      all = NULL;
    }
  return all;
}

static void histograms_free(sb_scores *all, size_t count) {
  for (size_t i = 0; all && i < count; i++) sb_scores_free(&all[i]);
  free(all);
}

static void add(const learner *l, sb_scores *all, uint32_t group, double score) {
  sb_scores_add(&all[l->groups - 1], score);
  if (group != SB_NO_GROUP) sb_scores_add(&all[group], score);
}

/* A gallery of so many people, drawn at random. */
static sb_status enrol(const learner *l, size_t people, uint64_t draw, bool *enrolled, sb_identify_gallery *out,
                       sb_error *error) {
  const sb_stats_set *set = l->set;
  size_t count = 0;
  uint32_t *numbers = sb_alloc(set->people, sizeof *numbers, error);
  if (!numbers) return SB_NO_MEMORY;
  sb_status status = sb_stats_promise_draw(set, NULL, people, draw, numbers, &count, error);
  for (size_t i = 0; status == SB_OK && i < set->count; i++) enrolled[set->samples[i].person] = false;
  for (size_t i = 0; status == SB_OK && i < count; i++) enrolled[set->samples[numbers[i]].person] = true;
  if (status == SB_OK)
    status = sb_identify_gallery_new(l->calibration, set->dim, set->samples, numbers, count, out, error);
  free(numbers);
  return status;
}

/* The mean deviation of the scores of one face, by its nearest people. */
static void learn_deviation(learner *l, sb_identify_gallery *gallery) {
  double sum = 0;
  for (size_t i = 0; i < l->set->count; i++) sum += sb_identify_gallery_crowd(gallery, (uint32_t)i).deviation;
  l->calibration->cohort_deviation = fmin(fmax(sum / (double)l->set->count, 1e-3), l->calibration->tail_deviation);
}

static void compare_all(learner *l, const sb_cohort *cohorts) {
  const sb_stats_set *set = l->set;
  for (size_t i = 0; i < set->count; i++)
    for (size_t j = i + 1; j < set->count; j++) {
      const sb_stats_sample *a = &set->samples[i], *b = &set->samples[j];
      if (a->person == b->person) continue;
      uint32_t group = a->group == b->group ? a->group : SB_NO_GROUP;
      double cosine = sb_stats_cosine(a->template, b->template, set->dim);
      add(l, l->cosines, group, cosine);
      add(l, l->scores, group, sb_cohort_verify_score(l->calibration, &cohorts[i], &cohorts[j], cosine));
    }
}

static sb_status learn_comparisons(learner *l, bool *enrolled, sb_error *error) {
  sb_identify_gallery gallery;
  sb_cohort *cohorts = sb_alloc(l->set->count, sizeof *cohorts, error);
  if (!cohorts) return SB_NO_MEMORY;
  sb_status status = enrol(l, l->set->people, 0, enrolled, &gallery, error);
  if (status == SB_OK) {
    learn_deviation(l, &gallery);
    for (size_t i = 0; i < l->set->count; i++) cohorts[i] = sb_identify_gallery_cohort(&gallery, (uint32_t)i);
    l->verify_weight = cohorts[0].weight;
    compare_all(l, cohorts);
    sb_identify_gallery_free(&gallery);
  }
  free(cohorts);
  return status;
}

static sb_status learn_searches(learner *l, bool *enrolled, sb_error *error) {
  enum { DRAWS = 2 };
  l->gallery = l->set->people / 2;
  for (uint64_t draw = 0; draw < DRAWS; draw++) {
    sb_identify_gallery gallery;
    sb_status status = enrol(l, l->gallery, draw, enrolled, &gallery, error);
    if (status != SB_OK) return status;
    l->search_weight = gallery.cohorts[0].weight;
    for (size_t i = 0; i < l->set->count; i++) {
      sb_identify_answer answer;
      if (enrolled[l->set->samples[i].person]) continue;
      sb_identify_gallery_search(&gallery, (uint32_t)i, &answer);
      add(l, l->best, l->set->samples[i].group, answer.score.other);
    }
    sb_identify_gallery_free(&gallery);
  }
  return SB_OK;
}

/* How much higher the scores of a group are than the threshold for `times` the rate: the lowest rate that they measure,
 * but not below `usual`. -INFINITY: there are too few. */
static double excess(const learner *l, const sb_scores *scores, double usual, double highest, double times) {
  double rate = fmax(times * usual, BEYOND / fmax((double)scores->count, 1)), promised = rate / times;
  if (promised > highest) return -INFINITY;
  if (l->gallery) promised = sb_stats_fmr_of_fpir(promised, (double)l->gallery);
  return sb_scores_threshold(scores, rate) - sb_calibration_threshold(l->calibration, promised);
}

static double most_excess(const learner *l, const sb_scores *all, double usual, double highest, double times) {
  double most = excess(l, &all[l->groups - 1], usual, highest, 1);
  for (size_t g = 0; g + 1 < l->groups; g++) most = fmax(most, excess(l, &all[g], usual, highest, times));
  return most;
}

/* The offset, in deviations, that takes the excess from the scores. */
static double offset_of(const learner *l, double most, double weight) {
  return fmin(fmax(most / (l->calibration->tail_deviation * weight), -2), 2);
}

static void conclude(learner *l, const sb_calibration *model) {
  sb_calibration *c = l->calibration;
  double searches = most_excess(l, l->best, usual_fpir, highest_fpir, of_a_group), known = 0;
  l->gallery = 0;
  double comparisons = most_excess(l, l->scores, usual_fmr, highest_fmr, of_a_group);
  double shift = fmax(most_excess(l, l->cosines, usual_fmr, highest_fmr, 1), 0);
  if (sb_cohort_available(model))
    known = sb_calibration_threshold(model, usual_fmr) + model->group_shift - sb_calibration_threshold(c, usual_fmr);
  if (!isfinite(searches) || !isfinite(comparisons)) {
    c->cohort_deviation = 0;
    return;
  }
  c->search_offset = offset_of(l, searches, l->search_weight);
  c->verify_offset = offset_of(l, comparisons, l->verify_weight);
  c->group_shift = fmin(fmax(shift, known), 1);
}

static sb_status learn(learner *l, const sb_calibration *model, sb_error *error) {
  bool *enrolled = sb_alloc(l->set->people, sizeof *enrolled, error);
  l->cosines = histograms(l->groups, error);
  l->scores = histograms(l->groups, error);
  l->best = histograms(l->groups, error);
  sb_status status = enrolled && l->cosines && l->scores && l->best ? SB_OK : SB_NO_MEMORY;
  if (status == SB_OK) status = learn_comparisons(l, enrolled, error);
  if (status == SB_OK) status = learn_searches(l, enrolled, error);
  if (status == SB_OK) conclude(l, model);
  histograms_free(l->cosines, l->groups);
  histograms_free(l->scores, l->groups);
  histograms_free(l->best, l->groups);
  free(enrolled);
  return status;
}

/* The constants for a curve. */
static sb_status learn_cohort(const sb_stats_set *set, sb_calibration *calibration, sb_error *error) {
  sb_calibration learnt = *calibration;
  learner l = {.set = set, .calibration = &learnt, .groups = set->groups + 1};
  sb_status status = learn(&l, set->calibration, error);
  if (status == SB_OK) status = sb_calibration_check(&learnt, error);
  if (status == SB_OK) *calibration = learnt;
  return status;
}

/* ---- The curve */

/* The curve of one group; SB_NO_GROUP: of everybody. `room`: for all samples. */
static sb_status calibrate_group(const sb_stats_set *set, uint32_t group, double fmr, sb_stats_sample *room,
                                 sb_calibration *out, sb_error *error) {
  sb_stats_evaluation cosines;
  sb_stats_experiment x = {.dim = set->dim, .samples = room, .comparisons_only = true};
  for (size_t i = 0; i < set->count; i++) {
    const sb_stats_sample *sample = &set->samples[i];
    if (group != SB_NO_GROUP && sample->group != group) continue;
    bool same = i && x.sample_count && sample->person == sample[-1].person;
    x.people += !same;
    room[x.sample_count++] = (sb_stats_sample){sample->template, (uint32_t)x.people - 1, SB_NO_GROUP};
  }
  if (group != SB_NO_GROUP && x.people < SB_CALIBRATION_PEOPLE)
    return sb_fail(error, SB_INVALID, "the group has too few people for a calibration");
  sb_status status = sb_stats_evaluate(&x, &cosines, error);
  if (status != SB_OK) return status;
  status = sb_stats_calibrate(&cosines, fmr, out, error);
  sb_stats_evaluation_free(&cosines);
  return status;
}

/* Takes the curve of a group that is less crowded. */
static sb_status least_crowded(const sb_stats_set *set, double fmr, sb_stats_sample *room, sb_calibration *curve,
                               sb_error *error) {
  static const double rate = 1e-3;
  for (uint32_t group = 0; group < set->groups; group++) {
    sb_calibration of_group;
    sb_error too_few;
    sb_status status = calibrate_group(set, group, fmr, room, &of_group, &too_few);
    if (status == SB_NO_MEMORY) return *error = too_few, status;
    if (status == SB_OK && sb_calibration_threshold(&of_group, rate) < sb_calibration_threshold(curve, rate))
      *curve = of_group;
  }
  return SB_OK;
}

static sb_status calibrate_set(const sb_stats_set *set, double fmr, sb_stats_sample *room, sb_calibration *out,
                               sb_error *error) {
  sb_calibration curve;
  sb_status status = calibrate_group(set, SB_NO_GROUP, fmr, room, out, error);
  if (status != SB_OK || set->people < SB_CALIBRATION_PEOPLE) return status;
  curve = *out;
  status = least_crowded(set, fmr, room, &curve, error);
  if (status == SB_OK) status = learn_cohort(set, &curve, error);
  if (status == SB_OK && sb_cohort_available(&curve)) *out = curve;
  return status;
}

sb_status sb_stats_calibrate_set(const sb_stats_set *set, double fmr, sb_calibration *out, sb_error *error) {
  sb_stats_sample *room = sb_alloc(set->count, sizeof *room, error);
  if (!room) return SB_NO_MEMORY;
  sb_status status = calibrate_set(set, fmr, room, out, error);
  free(room);
  return status;
}
