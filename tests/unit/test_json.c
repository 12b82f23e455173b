/* JSON: numbers as short as they read back, hostile text within limits, building that stays failed. */
#include "unit.h"

#include "json/read.h"
#include "json/write.h"

#include <math.h>

static void assert_text(json_t *json, const char *wanted) {
  char *text = sb_json_write(json);
  json_decref(json);
  assert_non_null(text);
  assert_string_equal(text, wanted);
  free(text);
}

static void numbers_are_short(void **state) {
  (void)state;
  assert_text(sb_json_float(0.1f), "0.1");
  assert_text(json_real(0.1), "0.1");
  assert_text(json_real(0.30000000000000004), "0.30000000000000004");
  assert_text(json_real(1), "1.0");
  assert_text(json_real(1e300), "1e+300");
  assert_text(sb_json_rounded(0.43215, 3), "0.432");
  assert_text(sb_json_significant(0.00012345, 3), "0.000123");
  assert_text(sb_json_significant(INFINITY, 3), "0.0");
  assert_text(json_integer(-9007199254740993), "-9007199254740993");
}

static void numbers_read_back(void **state) {
  (void)state;
  const sb_json_limits limits = {1 << 20, 8, 100};
  uint64_t seed = 5;
  for (int i = 0; i < 20000; i++) {
    uint64_t bits = next_random(&seed);
    double value;
    float single = random_float(&seed);
    memcpy(&value, &bits, sizeof value);
    if (!isfinite(value)) continue;
    json_t *list = json_pack("[f,o]", value, sb_json_float(single));
    char *text = sb_json_write(list);
    json_t *again = sb_json_read(text, strlen(text), &limits, "it", NULL);
    assert_true(json_number_value(json_array_get(again, 0)) == value);
    assert_true((float)json_number_value(json_array_get(again, 1)) == single);
    json_decref(list);
    json_decref(again);
    free(text);
  }
}

static void texts_are_escaped(void **state) {
  (void)state;
  assert_text(json_pack("{s:s}", "a\"\\", "\b\f\n\r\t\x01 \xc3\xa9"),
              "{\"a\\\"\\\\\":\"\\b\\f\\n\\r\\t\\u0001 \xc3\xa9\"}");
  assert_text(json_pack("[n,b,b,{},[]]", 1, 0), "[null,true,false,{},[]]");
  assert_text(sb_json_path("a\xff", 2), "\"\"");
}

static void indented_text_has_a_line_for_each_item(void **state) {
  (void)state;
  json_t *json = json_pack("{s:[i,f],s:{},s:[]}", "a", 1, 0.1, "b", "c");
  char *text = sb_json_write_indented(json);
  json_decref(json);
  assert_string_equal(text, "{\n  \"a\": [\n    1,\n    0.1\n  ],\n  \"b\": {},\n  \"c\": []\n}");
  free(text);
}

static void building_stays_failed(void **state) {
  (void)state;
  json_t *object = json_object(), *list = json_array();
  sb_json_set(&object, "a", json_integer(1));
  assert_non_null(object);
  sb_json_set(&object, "b", NULL);
  assert_null(object);
  sb_json_set(&object, "c", json_integer(1));
  assert_null(object);
  sb_json_append(&list, json_string("x"));
  sb_json_append(&list, json_string("\xff"));
  sb_json_append(&list, json_string("y"));
  assert_null(list);
  assert_null(sb_json_write(list));
}

static sb_status read_status(const char *text) {
  const sb_json_limits limits = {.size = 100, .depth = 3, .values = 10};
  sb_error error = {0};
  json_t *json = sb_json_read(text, strlen(text), &limits, "the body", &error);
  assert_true(!json == (error.code != SB_OK));
  json_decref(json);
  return error.code;
}

static void hostile_text_is_bounded(void **state) {
  (void)state;
  assert_int_equal(read_status("[[[1,2,3]]]"), SB_OK);
  assert_int_equal(read_status("[[[[1]]]]"), SB_TOO_LARGE);
  assert_int_equal(read_status("[1,2,3,4,5,6,7,8,9]"), SB_OK);
  assert_int_equal(read_status("[1,2,3,4,5,6,7,8,9,10,11]"), SB_TOO_LARGE);
  assert_int_equal(read_status("[\"[[[[[\\\",,,,,,,,,,,,,,\\\\\"]"),
                   SB_OK);                                             /* brackets and commas of a text do not count */
  assert_int_equal(read_status("[\"\\\\\",[[[[1]]]]]"), SB_TOO_LARGE); /* a text that ends in a backslash ends */
  assert_int_equal(read_status("{\"a\":1,\"a\":2}"), SB_INVALID);
  assert_int_equal(read_status("{\"a\":"), SB_INVALID);
  assert_int_equal(read_status("\"open"), SB_INVALID);
  assert_int_equal(read_status(""), SB_INVALID);
  char wide[200];
  memset(wide, ' ', sizeof wide);
  wide[199] = 0;
  assert_int_equal(read_status(wide), SB_TOO_LARGE);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(numbers_are_short),     cmocka_unit_test(numbers_read_back),
      cmocka_unit_test(texts_are_escaped),     cmocka_unit_test(indented_text_has_a_line_for_each_item),
      cmocka_unit_test(building_stays_failed), cmocka_unit_test(hostile_text_is_bounded),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
