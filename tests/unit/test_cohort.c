/* Normalised scores (stats/cohort.h): by definition, and on galleries drawn from the model that they assume. */
#include "unit.h"

#include "stats/cohort.h"

#include <math.h>

#define assert_near(value, wanted, tolerance) assert_true(fabs((value) - (wanted)) <= (tolerance))

static const sb_calibration model = {.count = 2,
                                     .fmr = {1e-2, 1e-4},
                                     .threshold = {.2484, .4128},
                                     .tail_mean = -.026,
                                     .tail_deviation = .118,
                                     .independent_pairs = 1e6,
                                     .default_threshold = .4128,
                                     .unsure_threshold = .35,
                                     .non_mated_mean = -.026,
                                     .fmr_floor = 1e-7,
                                     .cohort_deviation = .105,
                                     .search_offset = .15,
                                     .verify_offset = .35,
                                     .group_shift = .167};

/* The scores that are expected at ranks `first`.. of `population`. */
static void expected_scores(double location, double deviation, size_t first, size_t population, size_t count,
                            float *out) {
  for (size_t i = 0; i < count; i++) {
    double rank = (double)(first + i);
    out[i] = (float)(location + deviation * sb_normal_quantile((rank - .375) / ((double)population + .25)));
  }
}

static sb_cohort cohort_of(double location, double deviation, size_t first, size_t population) {
  float scores[SB_COHORT_SEARCH];
  expected_scores(location, deviation, first, population, SB_COHORT_SEARCH, scores);
  return sb_cohort_fit(&model, scores, SB_COHORT_SEARCH, first, population, SB_COHORT_PRIOR_SEARCH);
}

static void without_neighbours_the_score_is_the_cosine(void **state) {
  (void)state;
  sb_cohort none = sb_cohort_unknown(&model), fit = sb_cohort_fit(&model, NULL, 0, 1, 5000, SB_COHORT_PRIOR_SEARCH);
  assert_true(fit.weight == 0 && fit.location == none.location && fit.deviation == none.deviation);
  for (double cosine = -.5; cosine <= 1; cosine += .05) {
    assert_near(sb_cohort_search_score(&model, &none, &none, cosine), cosine, 1e-12);
    assert_near(sb_cohort_verify_score(&model, &none, &none, cosine), cosine, 1e-12);
  }
}

static void a_model_without_constants_keeps_its_cosines(void **state) {
  (void)state;
  sb_calibration plain = model;
  plain.cohort_deviation = 0;
  sb_cohort crowded = cohort_of(.3, .1, 1, 5000);
  assert_false(sb_cohort_available(&plain));
  assert_true(sb_cohort_search_score(&plain, &crowded, &crowded, .5) == .5);
}

static void a_cohort_is_estimated_without_regard_to_the_size_of_the_gallery(void **state) {
  (void)state;
  static const size_t populations[] = {100, 1000, 5000, 1000000, 100000000};
  for (size_t i = 0; i < count_of(populations); i++) {
    sb_cohort cohort = cohort_of(.15, .105, 2, populations[i]);
    double v = cohort.weight;
    assert_near(v, 28. / 30, 1e-12);
    assert_near(cohort.deviation, .105, 1e-6);
    assert_near(cohort.location, v * .15 + (1 - v) * model.tail_mean, 1e-6);
  }
}

static void few_neighbours_change_little(void **state) {
  (void)state;
  float scores[4] = {.9f, .9f, .9f, .2f};
  sb_cohort cohort = sb_cohort_fit(&model, scores, 4, 1, 4, SB_COHORT_PRIOR_SEARCH);
  assert_near(cohort.weight, .5, 1e-12); /* two are left */
  assert_true(cohort.deviation < .2 && cohort.deviation > .1);
}

/* Somebody who is enrolled under three ids is still found. */
static void two_neighbours_who_are_the_same_person_change_nothing(void **state) {
  (void)state;
  float scores[SB_COHORT_SEARCH];
  expected_scores(.05, .105, 2, 1000, SB_COHORT_SEARCH, scores);
  sb_cohort before = sb_cohort_fit(&model, scores, SB_COHORT_SEARCH, 2, 1000, SB_COHORT_PRIOR_SEARCH);
  scores[0] = scores[1] = .9f;
  sb_cohort after = sb_cohort_fit(&model, scores, SB_COHORT_SEARCH, 2, 1000, SB_COHORT_PRIOR_SEARCH);
  assert_true(before.location == after.location && before.deviation == after.deviation);
  scores[2] = .9f;
  after = sb_cohort_fit(&model, scores, SB_COHORT_SEARCH, 2, 1000, SB_COHORT_PRIOR_SEARCH);
  assert_true(after.deviation > before.deviation);
}

static void the_same_score_is_worth_less_in_a_crowd(void **state) {
  (void)state;
  sb_cohort sparse = cohort_of(0, .105, 1, 5000), crowded = cohort_of(.2, .105, 1, 5000);
  double alone = sb_cohort_search_score(&model, &sparse, &sparse, .5);
  double among = sb_cohort_search_score(&model, &crowded, &crowded, .5);
  double half = sb_cohort_search_score(&model, &sparse, &crowded, .5);
  assert_true(among < half && half < alone);
  assert_near(half, (among + alone) / 2, 1e-4);
  assert_true(half == sb_cohort_search_score(&model, &crowded, &sparse, .5));
  assert_true(sb_calibration_fmr(&model, among).rate > 20 * sb_calibration_fmr(&model, alone).rate);
}

static void rankings_by_bias_are_rankings_by_score(void **state) {
  (void)state;
  sb_cohort probe = cohort_of(.05, .105, 2, 5000);
  sb_cohort one = cohort_of(0, .105, 1, 5000), other = cohort_of(.2, .105, 1, 5000);
  for (double gap = 0; gap < .2; gap += .0101) {
    bool by_score =
        sb_cohort_search_score(&model, &probe, &one, .4) > sb_cohort_search_score(&model, &probe, &other, .4 + gap);
    bool by_bias = .4 - sb_cohort_bias(&one) > .4 + gap - sb_cohort_bias(&other);
    assert_true(by_score == by_bias);
  }
}

static void scores_rise_with_similarity_and_never_pass_one(void **state) {
  (void)state;
  sb_cohort lonely = cohort_of(-.3, .02, 1, 5000);
  double last = -10;
  for (double cosine = -1; cosine <= 1; cosine += .01) {
    double score = sb_cohort_verify_score(&model, &lonely, &lonely, cosine);
    assert_true(score >= last && score <= 1);
    last = score;
  }
}

static void hostile_cohorts_count_as_unknown(void **state) {
  (void)state;
  float bad[3] = {.5f, NAN, .3f}, endless[2] = {INFINITY, .3f}, rising[3] = {.1f, .2f, .3f}, same[3] = {.4f, .4f, .4f};
  assert_true(sb_cohort_fit(&model, bad, 3, 1, 10, SB_COHORT_PRIOR_SEARCH).weight == 0);
  assert_true(sb_cohort_fit(&model, endless, 2, 1, 10, SB_COHORT_PRIOR_SEARCH).weight == 0);
  assert_true(sb_cohort_fit(&model, same, 3, 2, 1, SB_COHORT_PRIOR_SEARCH).weight == 0);
  assert_true(sb_cohort_fit(&model, same, 3, 1, 0, SB_COHORT_PRIOR_SEARCH).weight == 0);
  sb_cohort cut = sb_cohort_fit(&model, same, 3, 2, 2, SB_COHORT_PRIOR_SEARCH); /* one rank is left */
  assert_near(cut.weight, 1. / 3, 1e-12);
  assert_true(isfinite(cut.location) && cut.deviation > 0);
  sb_cohort up = sb_cohort_fit(&model, rising, 3, 1, 100, SB_COHORT_PRIOR_SEARCH);
  assert_true(isfinite(up.location) && up.deviation > 0 && up.deviation <= model.cohort_deviation);
}

static void small_galleries_have_cohorts_of_all_others(void **state) {
  (void)state;
  assert_int_equal(sb_cohort_verify_size(0), 0);
  assert_int_equal(sb_cohort_verify_size(1), 0);
  assert_int_equal(sb_cohort_verify_size(2), 1);
  assert_int_equal(sb_cohort_verify_size(29), 28);
  assert_int_equal(sb_cohort_verify_size(200), 30);
  assert_int_equal(sb_cohort_verify_size(700), 70);
  assert_int_equal(sb_cohort_verify_size(5000000), 100);
}

static void many_templates_of_one_person_lower_its_score(void **state) {
  (void)state;
  double score = .5, rate = sb_calibration_fmr(&model, score).rate;
  assert_true(sb_cohort_templates_score(&model, score, 1, 1, 1, SB_COHORT_GROWTH_MEAN) == score);
  assert_true(sb_cohort_templates_score(&model, score, 1, 5, 5, SB_COHORT_GROWTH_MEAN) == score);
  assert_true(sb_cohort_templates_score(&model, score, 1, 2, 5, SB_COHORT_GROWTH_MEAN) == score);
  double lower = sb_cohort_templates_score(&model, score, 1, 5, 1, SB_COHORT_GROWTH_MEAN);
  assert_near(sb_calibration_fmr(&model, lower).rate / rate, pow(5, .4), .2);
  assert_true(sb_cohort_templates_score(&model, score, 0, 5, 5, SB_COHORT_GROWTH_MEAN) <
              score); /* no cohort reflects them */
  double much = sb_cohort_templates_score(&model, .8, 1, 10000, 1, SB_COHORT_GROWTH_MEAN);
  assert_true(isfinite(much) && much < .8 && much > .6);
}

static void without_a_cohort_the_limit_is_that_of_the_worst_group(void **state) {
  (void)state;
  sb_stats_rate alone = sb_cohort_fmr(&model, .45, 0), among = sb_cohort_fmr(&model, .45, 1);
  assert_true(alone.rate == among.rate);
  assert_true(alone.upper > 50 * among.upper);
  assert_near(alone.upper / sb_calibration_fmr(&model, .45 - .167).upper, 1, 1e-12);
}

static uint64_t random_state = 88172645463325252u;
static double random_uniform(void) { /* above 0, below 1 */
  random_state ^= random_state << 13, random_state ^= random_state >> 7, random_state ^= random_state << 17;
  return ((double)(random_state >> 11) + .5) / 9007199254740992.;
}
static double random_normal(void) { /* Box, Muller 1958 */
  double radius = sqrt(-2 * log(random_uniform()));
  return radius * cos(6.283185307179586 * random_uniform());
}

static int falling(const void *a, const void *b) {
  float x = *(const float *)a, y = *(const float *)b;
  return (x < y) - (x > y);
}

/* Strangers of two groups, one of which scores higher by 1.5 deviations, among galleries of their own kind. */
static double observed_fpir(double shift, size_t population, double promised) {
  enum { SEARCHES = 2000 };
  float scores[1000];
  size_t passed = 0;
  double threshold = sb_calibration_threshold(&model, sb_stats_fmr_of_fpir(promised, (double)population));
  for (int i = 0; i < SEARCHES; i++) {
    for (size_t p = 0; p < population; p++) scores[p] = (float)(shift + .105 * random_normal());
    qsort(scores, population, sizeof *scores, falling);
    sb_cohort probe = sb_cohort_fit(&model, scores + 1, SB_COHORT_SEARCH, 2, population, SB_COHORT_PRIOR_SEARCH);
    sb_cohort candidate = cohort_of(shift, .105, 1, population);
    passed += sb_cohort_search_score(&model, &probe, &candidate, (double)scores[0]) >= threshold;
  }
  return (double)passed / SEARCHES;
}

static void the_promise_holds_for_a_group_whose_strangers_score_higher(void **state) {
  (void)state;
  for (double shift = -.026; shift < .2; shift += .16) {
    double few = observed_fpir(shift, 100, .05), many = observed_fpir(shift, 300, .05);
    assert_true(few > .01 && few < .08);
    assert_true(many > .01 && many < .08);
  }
}

static void the_rate_of_a_search_has_a_floor_of_its_own(void **state) {
  (void)state;
  assert_near(sb_calibration_fpir(&model, .4128, 100), sb_stats_fpir_of_fmr(1e-4, 100), 1e-5);
  assert_near(sb_calibration_fpir(&model, .9, 100), sb_stats_fpir_of_fmr(1e-7, 100), 1e-9);
  assert_true(sb_calibration_fpir(&model, .9, 1e6) == SB_FPIR_FLOOR);
  sb_calibration none = model;
  none.count = 0;
  assert_true(sb_calibration_fpir(&none, .9, 10) == 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(without_neighbours_the_score_is_the_cosine),
      cmocka_unit_test(a_model_without_constants_keeps_its_cosines),
      cmocka_unit_test(a_cohort_is_estimated_without_regard_to_the_size_of_the_gallery),
      cmocka_unit_test(few_neighbours_change_little),
      cmocka_unit_test(two_neighbours_who_are_the_same_person_change_nothing),
      cmocka_unit_test(the_same_score_is_worth_less_in_a_crowd),
      cmocka_unit_test(rankings_by_bias_are_rankings_by_score),
      cmocka_unit_test(scores_rise_with_similarity_and_never_pass_one),
      cmocka_unit_test(hostile_cohorts_count_as_unknown),
      cmocka_unit_test(small_galleries_have_cohorts_of_all_others),
      cmocka_unit_test(many_templates_of_one_person_lower_its_score),
      cmocka_unit_test(without_a_cohort_the_limit_is_that_of_the_worst_group),
      cmocka_unit_test(the_promise_holds_for_a_group_whose_strangers_score_higher),
      cmocka_unit_test(the_rate_of_a_search_has_a_floor_of_its_own),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
