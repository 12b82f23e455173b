/* Rates in words: two significant digits, never "1 in 1", and a bound is said as one. */
#include "unit.h"

#include "stats/wording.h"

static void expect_number(double value, const char *wanted) {
  char text[SB_STATS_TEXT];
  sb_stats_number_text(value, text);
  assert_string_equal(text, wanted);
}

static void expect_rate(double rate, bool bound, const char *wanted) {
  char text[SB_STATS_TEXT];
  sb_stats_rate_text(rate, bound, text);
  assert_string_equal(text, wanted);
}

static void numbers_have_two_significant_digits(void **state) {
  (void)state;
  expect_number(0, "0");
  expect_number(-3, "0");
  expect_number(1e-9, "less than 0.01");
  expect_number(.2349, "0.23");
  expect_number(1, "1");
  expect_number(2.349, "2.3");
  expect_number(9.96, "10");
  expect_number(119.7, "120");
  expect_number(999.9, "1,000");
  expect_number(12345, "12,000");
  expect_number(994999, "990,000");
  expect_number(999999, "1 million");
  expect_number(1249999, "1.2 million");
  expect_number(64809964, "65 million");
  expect_number(3.21e9, "3.2 billion");
  expect_number(1e300, "1,000,000 billion");
}

static void rates_are_said_as_one_in_some_or_of_a_hundred(void **state) {
  (void)state;
  expect_rate(1e-4, false, "1 in 10,000");
  expect_rate(8.1e-5, false, "1 in 12,000");
  expect_rate(1e-7, true, "less than 1 in 10 million");
  expect_rate(.0313, false, "1 in 32");
  expect_rate(.1, false, "1 in 10");
  expect_rate(.104, false, "1 in 10");
  expect_rate(.106, false, "11 in 100");
  expect_rate(.23, false, "23 in 100");
  expect_rate(.63, false, "63 in 100");
  expect_rate(1, false, "more than 99 in 100");
  expect_rate(0, false, "none");
}

static void no_rate_is_said_as_one_in_one(void **state) {
  (void)state;
  char text[SB_STATS_TEXT];
  for (double rate = 1; rate > 1e-12; rate *= .97)
    for (int bound = 0; bound < 2; bound++) {
      sb_stats_rate_text(rate, bound, text);
      assert_string_not_equal(text, "1 in 1");
      assert_string_not_equal(text, "less than 1 in 1");
      assert_string_not_equal(text, "100 in 100");
      assert_true(strlen(text) < SB_STATS_TEXT - 1);
    }
}

static void expect_pair(double rate, bool bound, const char *wanted) {
  char text[SB_STATS_TEXT];
  sb_stats_pair_text(&(sb_stats_rate){.rate = rate, .upper = rate, .bound = bound}, text);
  assert_string_equal(text, wanted);
}

static void a_score_that_most_strangers_reach_reads_as_no_rate_of_a_match(void **state) {
  (void)state;
  expect_pair(.98, false, "any two people look as much alike as this");
  expect_pair(.5, false, "any two people look as much alike as this");
  expect_pair(.4, false, "40 in 100 pairs of different people look this much alike");
  expect_pair(1e-7, true, "less than 1 in 10 million pairs of different people look this much alike");
  expect_pair(1, true, "how often different people look this much alike was not measured here for this model");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(numbers_have_two_significant_digits),
      cmocka_unit_test(rates_are_said_as_one_in_some_or_of_a_hundred),
      cmocka_unit_test(no_rate_is_said_as_one_in_one),
      cmocka_unit_test(a_score_that_most_strangers_reach_reads_as_no_rate_of_a_match),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
