/* What every unit test includes before the header that it tests. */
#ifndef SB_TESTS_UNIT_H
#define SB_TESTS_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define count_of(array) (sizeof(array) / sizeof *(array))

/* The same numbers on every machine and run: xorshift64*. */
static inline uint64_t next_random(uint64_t *state) {
  *state ^= *state >> 12;
  *state ^= *state << 25;
  *state ^= *state >> 27;
  return *state * 0x2545f4914f6cdd1du;
}
static inline float random_float(uint64_t *state) { /* -1..1 */
  return (float)((double)(next_random(state) >> 11) / (double)(1ull << 52)) - 1.0f;
}

#endif
