/* Statistics of comparison scores against known answers: from tables, counted by hand, or by definition. */
#include "unit.h"

#include "stats/calibrate.h"

#include <math.h>

#define assert_near(value, wanted, tolerance) assert_true(fabs((value) - (wanted)) <= (tolerance))

/* Shaped like a real calibration. */
static const sb_calibration model = {.count = 3,
                                     .fmr = {1e-2, 1e-3, 1e-4},
                                     .threshold = {.291, .376, .432},
                                     .tail_mean = .025,
                                     .tail_deviation = .115,
                                     .independent_pairs = 3486,
                                     .default_threshold = .432,
                                     .unsure_threshold = .376,
                                     .non_mated_mean = .0236,
                                     .fmr_floor = 1e-9};

static void normal_quantiles_agree_with_the_tables(void **state) {
  (void)state;
  assert_near(sb_normal_quantile(.5), 0, 1e-12);
  assert_near(sb_normal_quantile(.025), 1.959963984540054, 1e-10);
  assert_near(sb_normal_quantile(.975), -1.959963984540054, 1e-10);
  assert_near(sb_normal_quantile(1e-3), 3.090232306167814, 1e-10);
  assert_near(sb_normal_quantile(1e-9), 5.997807015007687, 1e-9);
  assert_near(sb_normal_tail(1), .15865525393145705, 1e-14);
  for (double p = 1e-15; p < .5; p *= 7) assert_near(sb_normal_tail(sb_normal_quantile(p)) / p, 1, 1e-9);
}

static void wilson_intervals_are_the_published_ones(void **state) {
  (void)state;
  sb_interval i = sb_interval_wilson(15.0 / 148, 148); /* Newcombe, Statistics in Medicine 17 (1998), table I */
  assert_near(i.low, .0624, 5e-5);
  assert_near(i.high, .1605, 5e-5);
  i = sb_interval_wilson(0, 20);
  assert_true(i.low == 0);
  assert_near(i.high, .1611, 5e-5);
  i = sb_interval_wilson(1, 29);
  assert_near(i.low, .8830, 5e-5);
  assert_true(i.high == 1);
  i = sb_interval_wilson(.3, 0);
  assert_true(i.low == 0 && i.high == 1);
}

/* Ten units with one pair each are ten trials; one pair counted ten times is not. */
static void pairs_that_share_a_unit_are_worth_less(void **state) {
  (void)state;
  double hits[40], pairs[40];
  for (int i = 0; i < 40; i++) hits[i] = i < 10, pairs[i] = 1;
  double single = sb_interval_effective_trials(hits, pairs, 40, 10, 40, 1);
  assert_near(single, 39, 1.5); /* the variance of a mean: p (1 - p) / (n - 1) */
  for (int i = 0; i < 40; i++) hits[i] *= 25, pairs[i] *= 25;
  assert_near(sb_interval_effective_trials(hits, pairs, 40, 250, 1000, 1), single, 1e-6);
  assert_true(sb_interval_effective_trials(hits, pairs, 40, 0, 1000, 40) ==
              40); /* no error observed: the variance says nothing */
}

static void a_calibration_gives_back_its_points(void **state) {
  (void)state;
  assert_int_equal(sb_calibration_check(&model, NULL), SB_OK);
  for (size_t i = 0; i < model.count; i++) {
    assert_near(sb_calibration_fmr(&model, model.threshold[i]).rate / model.fmr[i], 1, 1e-12);
    assert_near(sb_calibration_threshold(&model, model.fmr[i]), model.threshold[i], 1e-12);
  }
}

static void beyond_the_points_the_fitted_tail_is_used(void **state) {
  (void)state;
  assert_near(sb_calibration_threshold(&model, 1e-5), .025 + .115 * 4.264890793922825, 1e-9);
  assert_near(sb_calibration_threshold(&model, 1e-6), .025 + .115 * 4.753424308822899, 1e-9);
  assert_near(sb_calibration_fmr(&model, .569).rate, sb_normal_tail((.569 - .025) / .115), 1e-15);
}

static void thresholds_and_rates_are_inverse_to_each_other(void **state) {
  (void)state;
  for (double fmr = 2e-9; fmr < .4; fmr *= 3)
    assert_near(sb_calibration_fmr(&model, sb_calibration_threshold(&model, fmr)).rate / fmr, 1, 1e-6);
}

static void a_higher_score_never_has_a_higher_rate_or_limit(void **state) {
  (void)state;
  sb_stats_rate last = {1, 1, false};
  for (int i = -1000; i <= 1000; i++) {
    sb_stats_rate rate = sb_calibration_fmr(&model, i / 1000.0);
    assert_true(rate.rate > 0 && rate.rate <= last.rate * (1 + 1e-12) && rate.upper >= rate.rate);
    assert_true(rate.upper <= last.upper * (1 + 1e-12));
    last = rate;
  }
  assert_true(last.bound && last.rate == model.fmr_floor);
}

static void the_limit_grows_away_from_the_data(void **state) {
  (void)state;
  double before = 0;
  for (double score = .432; score < .7; score += .02) {
    sb_stats_rate rate = sb_calibration_fmr(&model, score);
    if (score > .46) assert_true(rate.upper / rate.rate > before);
    before = rate.upper / rate.rate;
  }
}

static void a_tail_that_lies_below_the_last_point_does_not_jump(void **state) {
  (void)state;
  sb_calibration heavy = model;
  heavy.tail_deviation = .09;
  assert_near(sb_calibration_fmr(&heavy, .432 + 1e-9).rate, 1e-4, 1e-9);
  assert_near(sb_calibration_fmr(&heavy, sb_calibration_threshold(&heavy, 1e-6)).rate, 1e-6, 1e-12);
}

static void inconsistent_calibrations_are_refused(void **state) {
  (void)state;
  sb_error error;
  sb_calibration bad[] = {model, model, model, model, model, model};
  bad[0].threshold[1] = .2;
  bad[1].fmr[2] = 2e-3;
  bad[2].tail_deviation = 0;
  bad[3].unsure_threshold = .5;
  bad[4].fmr_floor = NAN;
  bad[5].count = 0;
  for (size_t i = 0; i < count_of(bad); i++) assert_int_equal(sb_calibration_check(&bad[i], &error), SB_INVALID);
}

static void the_rate_in_a_gallery_follows_from_that_of_a_pair(void **state) {
  (void)state;
  assert_near(sb_stats_fpir_of_fmr(1e-4, 100), 1 - pow(1 - 1e-4, 100), 1e-12);
  assert_near(sb_stats_fpir_of_fmr(1e-9, 1e6), 1e-3, 1e-6);
  assert_near(sb_stats_fmr_of_fpir(.01, 1e6) * 1e6, -log(.99), 1e-9);
  assert_near(sb_stats_fpir_of_fmr(sb_stats_fmr_of_fpir(.01, 12345), 12345), .01, 1e-12);
  assert_true(sb_stats_fpir_of_fmr(1, 3) <= 1 && sb_stats_fmr_of_fpir(.01, 0) == sb_stats_fmr_of_fpir(.01, 1));
}

static void a_normal_tail_is_found_from_its_points(void **state) {
  (void)state;
  double fmr[] = {2e-2, 1e-2, 3e-3, 1e-3}, threshold[4], mean, deviation;
  for (int i = 0; i < 4; i++) threshold[i] = .025 + .115 * sb_normal_quantile(fmr[i]);
  assert_true(sb_normal_fit_tail(fmr, threshold, 4, &mean, &deviation));
  assert_near(mean, .025, 1e-9);
  assert_near(deviation, .115, 1e-9);
  threshold[3] = -1;
  assert_false(sb_normal_fit_tail(fmr + 2, threshold + 2, 2, &mean, &deviation));
}

typedef struct fixture {
  sb_scores mated, non_mated;
} fixture;

/* Ten mated scores .1 .2 ... 1.0 and ten non-mated ones -.5 -.4 ... .4. */
static int count_scores(void **state) {
  static fixture f;
  sb_scores_new(&f.mated, NULL);
  sb_scores_new(&f.non_mated, NULL);
  for (int i = 0; i < 10; i++) {
    sb_scores_add(&f.mated, (i + 1) / 10.0);
    sb_scores_add(&f.non_mated, (i - 5) / 10.0);
  }
  *state = &f;
  return 0;
}

static int free_scores(void **state) {
  fixture *f = *state;
  sb_scores_free(&f->mated);
  sb_scores_free(&f->non_mated);
  return 0;
}

static void scores_at_the_threshold_count_as_reaching_it(void **state) {
  fixture *f = *state;
  assert_near(sb_scores_share_from(&f->mated, .3), .8, 1e-12);
  assert_near(sb_scores_share_from(&f->mated, .3001), .7, 1e-12);
  assert_int_equal(sb_scores_count_from(&f->non_mated, .4), 1);
  assert_int_equal(sb_scores_count_from(&f->non_mated, -1), 10);
  assert_int_equal(sb_scores_count_from(&f->non_mated, 1.1), 0);
}

static void a_threshold_allows_no_more_than_the_requested_share(void **state) {
  fixture *f = *state;
  assert_near(sb_scores_threshold(&f->non_mated, .1), .3001, 1e-9);
  assert_near(sb_scores_threshold(&f->non_mated, .19), .3001, 1e-9);
  assert_near(sb_scores_threshold(&f->non_mated, 0), .4001, 1e-9);
  assert_true(sb_scores_share_from(&f->non_mated, sb_scores_threshold(&f->non_mated, .3)) <= .3);
}

/* At .25, for example, FMR is .2 (.3 and .4) and FNMR is .2 (.1 and .2). */
static void the_equal_error_rate_is_where_they_meet(void **state) {
  fixture *f = *state;
  sb_stats_eer eer = sb_scores_eer(&f->mated, &f->non_mated);
  assert_near(eer.rate, .2, 1e-12);
  assert_true(eer.threshold > .2 && eer.threshold <= .3);
}

static void the_curve_goes_from_all_matching_to_none(void **state) {
  fixture *f = *state;
  sb_stats_curve_point points[64]; /* 20 scores, all different */
  size_t count = sb_scores_curve(&f->mated, &f->non_mated, points, 64);
  assert_true(count >= 15 && points[0].fmr == 1 && points[0].fnmr == 0);
  assert_true(points[count - 1].fmr == 0 && points[count - 1].fnmr == 1);
  for (size_t i = 1; i < count; i++)
    assert_true(points[i].fmr <= points[i - 1].fmr && points[i].fnmr >= points[i - 1].fnmr);
  count = sb_scores_curve(&f->mated, &f->non_mated, points, 6);
  assert_true(count <= 6 && points[count - 1].fnmr == 1);
}

static const sb_stats_search probes[] = {
    {true, .9, .3, 1}, {true, .5, .6, 2}, {true, .4, .1, 1}, {true, .2, .5, 7}, {false, 0, .2, 0}};

static void identification_rates_are_those_counted_by_hand(void **state) {
  (void)state;
  assert_near(sb_identify_rank(probes, 5, 1), .5, 0);
  assert_near(sb_identify_rank(probes, 5, 2), .75, 0);
  assert_near(sb_identify_rank(probes, 5, 10), 1, 0);
  assert_near(sb_identify_fnir(probes, 5, .45), .75, 0); /* only the first is at rank 1 and above the threshold */
  assert_near(sb_identify_fpir(probes, 5, .5), .4, 1e-12);
}

static void a_search_threshold_keeps_its_fpir(void **state) {
  (void)state;
  double threshold;
  assert_int_equal(sb_identify_threshold(probes, 5, .2, &threshold, NULL), SB_OK);
  assert_near(sb_identify_fpir(probes, 5, threshold), .2, 1e-12);
  assert_true(threshold > .5 && threshold < .6);
  assert_int_equal(sb_identify_threshold(probes, 5, 0, &threshold, NULL), SB_OK);
  assert_true(sb_identify_fpir(probes, 5, threshold) == 0 && threshold < .6001);
}

/* ---- Evaluation: three people in a plane, at 0, 90 and 180 degrees; two samples each, 10 degrees apart, the third
 * person one. */

static const double angles[] = {0, 10, 90, 100, 180};
static float plane[5][2];
static const sb_stats_sample plane_samples[] = {
    {plane[0], 0, 0}, {plane[1], 0, 0}, {plane[2], 1, 0}, {plane[3], 1, 0}, {plane[4], 2, 1}};

static sb_stats_experiment plane_experiment(const double *thresholds, size_t count) {
  for (int i = 0; i < 5; i++) {
    plane[i][0] = (float)cos(angles[i] * 3.14159265358979 / 180);
    plane[i][1] = (float)sin(angles[i] * 3.14159265358979 / 180);
  }
  return (sb_stats_experiment){.dim = 2,
                               .samples = plane_samples,
                               .sample_count = 5,
                               .people = 3,
                               .groups = 2,
                               .thresholds = thresholds,
                               .threshold_count = count};
}

static void everybody_is_compared_with_everybody_once(void **state) {
  (void)state;
  const double thresholds[] = {.1, -.5};
  sb_stats_experiment experiment = plane_experiment(thresholds, 2);
  sb_stats_evaluation e;
  assert_int_equal(sb_stats_evaluate(&experiment, &e, NULL), SB_OK);
  assert_int_equal(e.mated.count, 2);
  assert_int_equal(e.non_mated.count, 8);
  /* only the two of 80 degrees, cosine .17, are above .1 */
  assert_int_equal(e.at[0].false_matches, 2);
  assert_near(e.at[0].fmr, 2 / 8.0, 1e-12);
  assert_near(e.at[0].tar, 1, 0);
  /* 80, 90, 90, 100, 80, 90 are all above -.5, 180 and 170 are not */
  assert_int_equal(e.at[1].false_matches, 6);
  assert_true(e.at[0].fmr_limits.low < .25 && e.at[0].fmr_limits.high > .25 && e.at[0].tar_limits.high == 1);
  assert_near(e.highest[0].score, cos(80 * 3.14159265358979 / 180), 1e-6);
  assert_near(e.lowest[0].score, cos(10 * 3.14159265358979 / 180), 1e-6);
  assert_int_equal(e.highest_count, 8);
  assert_near(e.eer.rate, 0, 1e-12);
  sb_stats_evaluation_free(&e);
}

static void each_sample_searches_all_others(void **state) {
  (void)state;
  sb_stats_experiment experiment = plane_experiment(NULL, 0);
  sb_stats_evaluation e;
  assert_int_equal(sb_stats_evaluate(&experiment, &e, NULL), SB_OK);
  assert_true(e.identified);
  assert_int_equal(e.searches, 5);
  assert_int_equal(e.mated_searches, 4);
  assert_near(e.ranks[0], 1, 0);
  assert_false(e.probes[4].mated);
  assert_near(e.probes[1].other, cos(80 * 3.14159265358979 / 180), 1e-6);
  assert_near(e.fnir[0], 0, 0);
  sb_stats_evaluation_free(&e);
}

static void a_group_of_one_person_has_mated_pairs_only(void **state) {
  (void)state;
  const double threshold = .5;
  sb_stats_experiment experiment = plane_experiment(&threshold, 1);
  sb_stats_evaluation e;
  assert_int_equal(sb_stats_evaluate(&experiment, &e, NULL), SB_OK);
  assert_int_equal(e.groups[0].mated, 2);
  assert_int_equal(e.groups[0].non_mated, 4);
  assert_int_equal(e.groups[1].mated + e.groups[1].non_mated, 0); /* one sample: nothing to compare it with */
  sb_stats_evaluation_free(&e);
}

static void only_the_listed_pairs_are_compared(void **state) {
  (void)state;
  const double threshold = .5;
  const sb_stats_trial trials[] = {{0, 1, true, SB_NO_GROUP}, {0, 2, false, SB_NO_GROUP}, {1, 4, true, SB_NO_GROUP}};
  sb_stats_experiment experiment = plane_experiment(&threshold, 1);
  experiment.trials = trials;
  experiment.trial_count = 3;
  sb_stats_evaluation e;
  assert_int_equal(sb_stats_evaluate(&experiment, &e, NULL), SB_OK);
  assert_int_equal(e.mated.count, 2);
  assert_int_equal(e.non_mated.count, 1);
  assert_int_equal(e.at[0].false_non_matches, 1);
  assert_false(e.identified);
  sb_stats_evaluation_free(&e);
}

static void an_empty_experiment_does_not_crash(void **state) {
  (void)state;
  sb_stats_experiment experiment = plane_experiment(NULL, 0);
  experiment.sample_count = 1;
  sb_stats_evaluation e;
  sb_calibration calibration;
  assert_int_equal(sb_stats_evaluate(&experiment, &e, NULL), SB_OK);
  assert_int_equal(e.mated.count + e.non_mated.count, 0);
  assert_false(e.identified);
  assert_int_equal(sb_stats_calibrate(&e, 1e-4, &calibration, NULL), SB_INVALID);
  sb_stats_evaluation_free(&e);
}

/* 300 random directions in 64 dimensions: scores are near normal with a deviation of 1/8. */
static void a_calibration_recovers_the_distribution_of_the_scores(void **state) {
  (void)state;
  enum { PEOPLE = 300, DIM = 64 };
  uint64_t seed = 7;
  float(*vectors)[DIM] = calloc(PEOPLE, sizeof *vectors);
  sb_stats_sample *samples = calloc(PEOPLE, sizeof *samples);
  for (size_t i = 0; i < PEOPLE; i++) {
    double length = 0;
    for (size_t d = 0; d < DIM; d++) {
      for (int n = 0; n < 12; n++) vectors[i][d] += random_float(&seed);
      length += vectors[i][d] * vectors[i][d];
    }
    for (size_t d = 0; d < DIM; d++) vectors[i][d] /= (float)sqrt(length);
    samples[i] = (sb_stats_sample){vectors[i], (uint32_t)i, SB_NO_GROUP};
  }
  sb_stats_experiment experiment = {.dim = DIM, .samples = samples, .sample_count = PEOPLE, .people = PEOPLE};
  sb_stats_evaluation e;
  sb_calibration c;
  assert_int_equal(sb_stats_evaluate(&experiment, &e, NULL), SB_OK);
  assert_int_equal(sb_stats_calibrate(&e, 1e-4, &c, NULL), SB_OK);
  assert_near(c.tail_mean, 0, .03);
  assert_near(c.tail_deviation, .125, .012);
  assert_near(c.default_threshold, .125 * 3.719, .03);
  assert_true(c.independent_pairs > 1000 && c.unsure_threshold < c.default_threshold);
  sb_stats_evaluation_free(&e);
  free(samples);
  free(vectors);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(normal_quantiles_agree_with_the_tables),
      cmocka_unit_test(wilson_intervals_are_the_published_ones),
      cmocka_unit_test(pairs_that_share_a_unit_are_worth_less),
      cmocka_unit_test(a_calibration_gives_back_its_points),
      cmocka_unit_test(beyond_the_points_the_fitted_tail_is_used),
      cmocka_unit_test(thresholds_and_rates_are_inverse_to_each_other),
      cmocka_unit_test(a_higher_score_never_has_a_higher_rate_or_limit),
      cmocka_unit_test(the_limit_grows_away_from_the_data),
      cmocka_unit_test(a_tail_that_lies_below_the_last_point_does_not_jump),
      cmocka_unit_test(inconsistent_calibrations_are_refused),
      cmocka_unit_test(the_rate_in_a_gallery_follows_from_that_of_a_pair),
      cmocka_unit_test(a_normal_tail_is_found_from_its_points),
      cmocka_unit_test(scores_at_the_threshold_count_as_reaching_it),
      cmocka_unit_test(a_threshold_allows_no_more_than_the_requested_share),
      cmocka_unit_test(the_equal_error_rate_is_where_they_meet),
      cmocka_unit_test(the_curve_goes_from_all_matching_to_none),
      cmocka_unit_test(identification_rates_are_those_counted_by_hand),
      cmocka_unit_test(a_search_threshold_keeps_its_fpir),
      cmocka_unit_test(everybody_is_compared_with_everybody_once),
      cmocka_unit_test(each_sample_searches_all_others),
      cmocka_unit_test(a_group_of_one_person_has_mated_pairs_only),
      cmocka_unit_test(only_the_listed_pairs_are_compared),
      cmocka_unit_test(an_empty_experiment_does_not_crash),
      cmocka_unit_test(a_calibration_recovers_the_distribution_of_the_scores),
  };
  return cmocka_run_group_tests(tests, count_scores, free_scores);
}
