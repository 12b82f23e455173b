/* A substitute for cmocka with the functions that these tests use, for machines without cmocka. A failed test ends the
 * program. */
#ifndef SB_TESTS_ARM_CMOCKA_H
#define SB_TESTS_ARM_CMOCKA_H

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct CMUnitTest {
  const char *name;
  void (*run)(void **state);
};
#define cmocka_unit_test(function) \
  { #function, function }

static inline void sb_check(int holds, const char *what, const char *file, int line) {
  if (holds) return;
  printf("not ok: %s:%d: %s\n", file, line, what);
  exit(1);
}
#define assert_true(what) sb_check(!!(what), #what, __FILE__, __LINE__)
#define assert_false(what) assert_true(!(what))
#define assert_null(what) assert_true((what) == NULL)
#define assert_non_null(what) assert_true((what) != NULL)
#define assert_int_equal(a, b) sb_check((long long)(a) == (long long)(b), #a " == " #b, __FILE__, __LINE__)
#define assert_int_not_equal(a, b) sb_check((long long)(a) != (long long)(b), #a " != " #b, __FILE__, __LINE__)
#define assert_float_equal(a, b, off) assert_true(fabs((double)(a) - (double)(b)) <= (double)(off))
#define assert_memory_equal(a, b, size) assert_true(!memcmp(a, b, size))
#define assert_string_equal(a, b) assert_true(!strcmp(a, b))
#define assert_string_not_equal(a, b) assert_true(strcmp(a, b))
#define assert_ptr_equal(a, b) assert_true((const void *)(a) == (const void *)(b))

typedef int (*sb_group_step)(void **state);

static inline int sb_run_tests(const struct CMUnitTest *tests, size_t count, sb_group_step setup,
                               sb_group_step teardown) {
  void *state = NULL;
  if (setup && setup(&state)) return 1;
  for (size_t i = 0; i < count; i++) {
    tests[i].run(&state);
    printf("ok %zu - %s\n", i + 1, tests[i].name);
    fflush(stdout); /* under emulation the next one takes its time */
  }
  printf("1..%zu\n", count);
  return teardown ? teardown(&state) : 0;
}
#define cmocka_run_group_tests(tests, setup, teardown) \
  sb_run_tests(tests, sizeof(tests) / sizeof *(tests), setup, teardown)

#endif
