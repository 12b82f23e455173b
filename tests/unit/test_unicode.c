/* Names and ids: one form for what looks the same, search without case and accents in every script, the CLDR's order.
 */
#include "unit.h"

#include "unicode/unicode.h"

static void assert_form(const char *text, const char *wanted) {
  char *out = NULL;
  assert_int_equal(sb_unicode_normalize(text, 64, "id", &out, NULL), SB_OK);
  assert_string_equal(out, wanted);
  free(out);
}

static void texts_that_look_the_same_have_one_form(void **state) {
  (void)state;
  assert_form("Zoe\xcc\x88", "Zo\xc3\xab");
  assert_form("\xe1\x84\x92\xe1\x85\xa1\xe1\x86\xab", "\xed\x95\x9c"); /* Hangul jamo */
  assert_form(" 44\xc2\xa0 \xe3\x80\x80", "44");
  assert_form("Barack  \xe2\x80\x83Obama", "Barack Obama");
  assert_form("4\xe2\x80\x8b"
              "4\xef\xbb\xbf\xc2\xad",
              "44");
  assert_form("\xf0\x9f\x91\xa8\xe2\x80\x8d\xf0\x9f\x91\xa9",
              "\xf0\x9f\x91\xa8\xe2\x80\x8d\xf0\x9f\x91\xa9"); /* joined */
  assert_form("ID-44/b", "ID-44/b");
}

static void what_is_empty_or_too_long_is_refused(void **state) {
  (void)state;
  static const char *const texts[] = {"  ", "\xc2\xa0", "\xe2\x80\x8b"};
  char *out = NULL;
  sb_error error = {0};
  for (size_t i = 0; i < count_of(texts); i++)
    assert_int_equal(sb_unicode_normalize(texts[i], 64, "id", &out, &error), SB_INVALID);
  assert_non_null(strstr(error.message, "the id is empty"));
  assert_int_equal(sb_unicode_normalize("12345", 4, "id", &out, &error), SB_INVALID);
}

static void assert_same(const char *one, const char *other) {
  char *a = NULL, *b = NULL;
  assert_int_equal(sb_unicode_fold(one, &a, NULL), SB_OK);
  assert_int_equal(sb_unicode_fold(other, &b, NULL), SB_OK);
  assert_string_equal(a, b);
  free(a);
  free(b);
}

static void case_accents_and_width_do_not_matter_for_search(void **state) {
  (void)state;
  assert_same("ZO\xc3\x8b", "zoe");
  assert_same("\xc3\x81ngel", "A\xcc\x81NGEL");
  assert_same("STRASSE", "stra\xc3\x9f"
                         "e");
  assert_same("\xce\x9f\xce\x94\xce\xa5\xce\xa3\xce\xa3\xce\x95\xce\xa5\xce\xa3",
              "\xce\xbf\xce\xb4\xcf\x85\xcf\x83\xcf\x83\xce\xb5\xcf\x85\xcf\x82"); /* Greek, with its final sigma */
  assert_same("\xd0\x98\xd0\x92\xd0\x90\xd0\x9d", "\xd0\xb8\xd0\xb2\xd0\xb0\xd0\xbd");
  assert_same("\xef\xbc\xa1\xef\xbc\x94", "a4");
}

static void assert_order(const char *first, const char *second) {
  char *a = NULL, *b = NULL;
  assert_int_equal(sb_unicode_sort_key(first, &a, NULL), SB_OK);
  assert_int_equal(sb_unicode_sort_key(second, &b, NULL), SB_OK);
  if (strcmp(a, b) >= 0) fail_msg("%s is not before %s", first, second);
  free(a);
  free(b);
}

static void names_are_in_the_order_of_a_dictionary(void **state) {
  (void)state;
  static const char *const names[] = {"\xc3\x84hre",   "Anders",          "\xc3\x81ngel",     "\xc3\x89",
                                      "\xc5\x81ukasz", "M\xc3\xbcller 2", "Muller 9",         "M\xc3\xbcller 10",
                                      "r\xc3\xa9sum",  "Zorro",           "\xce\x91\xce\xbd", "\xd0\x98",
                                      "\xd7\x90",      "\xe6\x9d\x8e"};
  for (size_t i = 1; i < count_of(names); i++) assert_order(names[i - 1], names[i]);
  assert_order("9", "10");
  assert_order("a", "A");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(texts_that_look_the_same_have_one_form),
      cmocka_unit_test(what_is_empty_or_too_long_is_refused),
      cmocka_unit_test(case_accents_and_width_do_not_matter_for_search),
      cmocka_unit_test(names_are_in_the_order_of_a_dictionary),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
