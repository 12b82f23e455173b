/* Promised beside observed error rates, and learning of the constants that keep them, on made-up people of two groups:
 * one is spread over all directions, the other is crowded around one. */
#include "unit.h"

#include "stats/calibrate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { DIM = 128, SPREAD = 700, CROWDED = 250, SECOND = 200, MOST = SPREAD + CROWDED + SECOND };
enum { OF_SPREAD, OF_CROWDED };
static const double share = 0.4; /* of the crowd's direction in its people */

static float vectors[MOST][DIM];
static sb_stats_sample samples[MOST];
static sb_stats_set set;
static uint64_t seed = 18;

static double gaussian(void) {
  double sum = 0;
  for (int i = 0; i < 12; i++) {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    sum += (double)(seed >> 40) / (double)(1 << 24);
  }
  return sum - 6;
}

/* A direction; `around` with the weight `of`. */
static void direction(const float *around, double of, float *out) {
  double length = 0, one = 0;
  double random[DIM];
  for (size_t d = 0; d < DIM; d++) random[d] = gaussian(), one += random[d] * random[d];
  for (size_t d = 0; d < DIM; d++) {
    double value = sqrt(1 - of * of) * random[d] / sqrt(one) + (around ? of * (double)around[d] : 0);
    out[d] = (float)value;
    length += value * value;
  }
  for (size_t d = 0; d < DIM; d++) out[d] /= (float)sqrt(length);
}

static void add(uint32_t person, uint32_t group, const float *around, double of) {
  direction(around, of, vectors[set.count]);
  samples[set.count] = (sb_stats_sample){vectors[set.count], person, group};
  set.count++;
}

/* Some of the spread people have a second photo. */
static int make_people(void **state) {
  (void)state;
  float centre[DIM];
  direction(NULL, 0, centre);
  set = (sb_stats_set){.dim = DIM, .samples = samples, .groups = 2};
  for (uint32_t i = 0; i < SPREAD; i++) {
    add(set.people, OF_SPREAD, NULL, 0);
    if (i < SECOND) add(set.people, OF_SPREAD, vectors[set.count - 1], .8);
    set.people++;
  }
  for (uint32_t i = 0; i < CROWDED; i++) add(set.people++, OF_CROWDED, centre, share);
  return 0;
}

static sb_stats_evaluation evaluate(const sb_calibration *calibration, size_t people, const double *threshold) {
  sb_stats_evaluation e;
  const sb_stats_experiment experiment = {.calibration = calibration,
                                          .dim = DIM,
                                          .samples = samples,
                                          .sample_count = people == SPREAD ? SPREAD + SECOND : set.count,
                                          .people = people,
                                          .groups = set.groups,
                                          .thresholds = threshold,
                                          .threshold_count = threshold ? 1 : 0,
                                          .comparisons_only = true};
  assert_int_equal(sb_stats_evaluate(&experiment, &e, NULL), SB_OK);
  return e;
}

/* A calibration without the constants of normalised scores, from the first people. */
static sb_calibration calibrate(size_t people) {
  sb_calibration c;
  sb_stats_evaluation cosines = evaluate(NULL, people, NULL);
  assert_int_equal(sb_stats_calibrate(&cosines, 1e-4, &c, NULL), SB_OK);
  sb_stats_evaluation_free(&cosines);
  return c;
}

static sb_stats_promise of_comparisons(const sb_calibration *c, uint32_t group) {
  static const double fmr = 1e-3;
  double threshold = sb_calibration_threshold(c, fmr);
  sb_stats_evaluation e = evaluate(c, set.people, &threshold);
  sb_stats_promise promise = sb_stats_promise_judge(fmr, e.groups[group].at.fmr_limits);
  sb_stats_evaluation_free(&e);
  return promise;
}

static void a_crowded_group_is_reported_as_off_and_a_calibration_learnt_there_mends_it(void **state) {
  (void)state;
  sb_calibration model = calibrate(SPREAD), c;
  sb_stats_promises p;
  assert_int_equal(of_comparisons(&model, OF_SPREAD), SB_STATS_PROMISE_KEPT);
  assert_int_equal(of_comparisons(&model, OF_CROWDED), SB_STATS_PROMISE_BROKEN);
  set.calibration = &model;
  assert_int_equal(sb_stats_promises_observe(&set, .01, &p, NULL), SB_OK);
  assert_int_equal(p.count, 3); /* 30, 100, 300 people */
  assert_int_equal(p.galleries[2].groups[OF_CROWDED].promise, SB_STATS_PROMISE_BROKEN);
  assert_int_not_equal(p.galleries[2].groups[OF_SPREAD].promise, SB_STATS_PROMISE_BROKEN);
  sb_stats_promises_free(&p);

  assert_int_equal(sb_stats_calibrate_set(&set, 1e-4, &c, NULL), SB_OK);
  set.calibration = &c;
  assert_true(sb_cohort_available(&c) && c.group_shift > .05);
  assert_int_equal(of_comparisons(&c, OF_SPREAD), SB_STATS_PROMISE_KEPT);
  assert_int_equal(of_comparisons(&c, OF_CROWDED), SB_STATS_PROMISE_KEPT);
  assert_int_equal(sb_stats_promises_observe(&set, .01, &p, NULL), SB_OK);
  /* Of 30 people 8 are of the crowd, which is too few for a cohort. */
  assert_int_equal(p.galleries[1].groups[OF_CROWDED].promise, SB_STATS_PROMISE_KEPT);
  assert_int_equal(p.galleries[2].groups[OF_CROWDED].promise, SB_STATS_PROMISE_KEPT);
  assert_true(p.galleries[2].groups[OF_SPREAD].fnir.rate < .1);
  sb_stats_promises_free(&p);
}

static void every_photo_is_counted_once_in_each_draw(void **state) {
  (void)state;
  sb_calibration c = calibrate(SPREAD);
  sb_stats_promises p;
  set.calibration = &c;
  assert_int_equal(sb_stats_promises_observe(&set, .01, &p, NULL), SB_OK);
  for (size_t i = 0; i < p.count; i++) {
    const sb_stats_gallery_rates *g = &p.galleries[i];
    assert_int_equal(g->all.enrolled, g->people * g->draws);
    assert_int_equal(g->all.enrolled + g->all.fnir.searches + g->all.fpir.searches, set.count * g->draws);
    assert_int_equal(g->all.fpir.searches, g->groups[0].fpir.searches + g->groups[1].fpir.searches);
    assert_true(g->all.fpir.rate >= g->all.fpir.limits.low && g->all.fpir.rate <= g->all.fpir.limits.high);
    assert_int_equal(g->groups[OF_CROWDED].fnir.searches, 0); /* they have one photo each */
  }
  sb_stats_promises_free(&p);
}

static void a_draw_is_the_same_every_time_and_part_of_larger_ones(void **state) {
  (void)state;
  uint32_t small[MOST], large[MOST], again[MOST];
  size_t small_count, large_count, again_count, found = 0;
  assert_int_equal(sb_stats_promise_draw(&set, NULL, 50, 3, small, &small_count, NULL), SB_OK);
  assert_int_equal(sb_stats_promise_draw(&set, NULL, 50, 3, again, &again_count, NULL), SB_OK);
  assert_int_equal(sb_stats_promise_draw(&set, NULL, 200, 3, large, &large_count, NULL), SB_OK);
  assert_true(small_count == 50 && large_count == 200 && !memcmp(small, again, sizeof *small * 50));
  for (size_t i = 0; i < 50; i++)
    for (size_t j = 0; j < 200; j++) found += small[i] == large[j];
  assert_int_equal(found, 50);
  assert_int_equal(sb_stats_promise_draw(&set, NULL, 5 * MOST, 3, large, &large_count, NULL), SB_OK);
  assert_int_equal(large_count, set.people);
}

static void too_few_trials_are_no_proof(void **state) {
  (void)state;
  double trials = sb_stats_promise_trials(1e-2, 0);
  assert_int_equal(sb_stats_promise_judge(1e-2, sb_interval_wilson(1e-2, trials)), SB_STATS_PROMISE_KEPT);
  assert_int_equal(sb_stats_promise_judge(1e-2, sb_interval_wilson(1e-2, .9 * trials)), SB_STATS_PROMISE_TOO_FEW);
  assert_int_equal(sb_stats_promise_judge(1e-2, sb_interval_wilson(0, 50)), SB_STATS_PROMISE_TOO_FEW);
  assert_int_equal(sb_stats_promise_judge(1e-2, sb_interval_wilson(.1, 200)), SB_STATS_PROMISE_BROKEN);
  assert_int_equal(sb_stats_promise_judge(1e-2, sb_interval_wilson(0, 0)), SB_STATS_PROMISE_TOO_FEW);
  assert_true(trials > 250 && trials < 350 && sb_stats_promise_trials(1e-2, 2e-2) > 2 * trials);
  assert_true(isinf(sb_stats_promise_trials(1e-2, 3e-2)));
}

static void few_people_leave_the_constants_to_the_model(void **state) {
  (void)state;
  sb_calibration c, model = calibrate(SPREAD);
  sb_stats_set few = set;
  few.people = few.count = SB_CALIBRATION_PEOPLE - 1; /* of the people with one photo */
  few.samples = samples + 2 * SECOND;
  sb_stats_sample renumbered[SB_CALIBRATION_PEOPLE];
  for (uint32_t i = 0; i < few.count; i++) renumbered[i] = (sb_stats_sample){few.samples[i].template, i, OF_SPREAD};
  few.samples = renumbered;
  few.calibration = &model;
  assert_int_equal(sb_stats_calibrate_set(&few, 1e-4, &c, NULL), SB_OK);
  assert_true(!sb_cohort_available(&c) && c.count >= 2);
  few.people = few.count = 10;
  assert_int_equal(sb_stats_calibrate_set(&few, 1e-4, &c, NULL), SB_INVALID);
}

static void tiny_and_uniform_sets_end_without_rates(void **state) {
  (void)state;
  sb_calibration c = calibrate(SPREAD);
  sb_stats_sample same[40];
  sb_stats_promises p;
  for (uint32_t i = 0; i < 40; i++) same[i] = (sb_stats_sample){vectors[0], i, SB_NO_GROUP};
  for (size_t people = 1; people <= 40; people += 39) {
    const sb_stats_set one = {.calibration = &c, .dim = DIM, .samples = same, .count = people, .people = people};
    assert_int_equal(sb_stats_promises_observe(&one, .01, &p, NULL), SB_OK);
    assert_int_equal(p.count, people == 40);
    if (p.count) assert_true(p.galleries[0].all.fpir.searches == 100 && p.galleries[0].all.fnir.searches == 0);
    sb_stats_promises_free(&p);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_crowded_group_is_reported_as_off_and_a_calibration_learnt_there_mends_it),
      cmocka_unit_test(every_photo_is_counted_once_in_each_draw),
      cmocka_unit_test(a_draw_is_the_same_every_time_and_part_of_larger_ones),
      cmocka_unit_test(too_few_trials_are_no_proof),
      cmocka_unit_test(few_people_leave_the_constants_to_the_model),
      cmocka_unit_test(tiny_and_uniform_sets_end_without_rates),
  };
  return cmocka_run_group_tests(tests, make_people, NULL);
}
