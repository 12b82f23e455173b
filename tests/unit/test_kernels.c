/* Every kernel that this machine can run, compared with the scalar one. */
#include "unit.h"

#include "vector/kernels/half.h"
#include "vector/kernels/kernels.h"
#include "vector/vector.h"

#include <math.h>

enum { LENGTH_MAX = 140, SHIFTS = 4 };

static const sb_cpu levels[] = {SB_CPU_SCALAR, SB_CPU_NEON, SB_CPU_AVX2, SB_CPU_AVX512};

/* Ordinary values, and sometimes a subnormal, a zero or a very large one. */
static float any_float(uint64_t *seed) {
  float value = random_float(seed);
  switch (next_random(seed) % 16) {
  case 0: return value * 1e-41f;
  case 1: return 0;
  case 2: return value * 60000;
  case 3: return value * 1e-6f;
  default: return value;
  }
}

static void every_inner_product_equals_the_scalar_one_for_any_length_and_alignment(void **state) {
  (void)state;
  uint64_t seed = 1;
  float query[LENGTH_MAX + SHIFTS + 1], single[LENGTH_MAX + SHIFTS + 1];
  uint16_t half[LENGTH_MAX + SHIFTS + 1];
  int8_t byte[LENGTH_MAX + SHIFTS + 1];
  const sb_kernels *reference = sb_kernels_of(SB_CPU_SCALAR);
  for (size_t round = 0; round < (LENGTH_MAX + 1) * SHIFTS; round++) {
    size_t n = round / SHIFTS, shift = round % SHIFTS;
    for (size_t i = 0; i < n; i++) {
      query[shift + i] = any_float(&seed);
      single[shift + i] = any_float(&seed);
      half[shift + i] = sb_half_from_float(any_float(&seed));
      byte[shift + i] = (int8_t)next_random(&seed);
    }
    query[shift + n] = single[shift + n] = NAN; /* must not be read into the sum */
    half[shift + n] = 0x7e00;
    for (size_t l = 0; l < count_of(levels); l++) {
      const sb_kernels *k = sb_kernels_of(levels[l]);
      if (!k) continue;
      float wanted = reference->dot_f32(query + shift, single + shift, n);
      assert_true(k->dot_f32(query + shift, single + shift, n) == wanted);
      assert_true(k->dot_f16(query + shift, half + shift, n) == reference->dot_f16(query + shift, half + shift, n));
      assert_true(k->dot_i8(query + shift, byte + shift, n) == reference->dot_i8(query + shift, byte + shift, n));
    }
  }
}

static void the_scalar_dot_is_the_sum_of_products(void **state) {
  (void)state;
  uint64_t seed = 2;
  float a[1000], b[1000];
  for (size_t n = 0; n <= 1000; n += 37) {
    double exact = 0;
    for (size_t i = 0; i < n; i++) {
      a[i] = random_float(&seed), b[i] = random_float(&seed);
      exact += (double)a[i] * (double)b[i];
    }
    assert_float_equal(sb_kernels_of(SB_CPU_SCALAR)->dot_f32(a, b, n), exact, 1e-4);
    assert_true(sb_dot(a, b, n) == sb_kernels_of(SB_CPU_SCALAR)->dot_f32(a, b, n));
  }
}

static void every_float16_survives_a_round_trip_and_rounding_is_to_nearest_even(void **state) {
  (void)state;
  for (uint32_t bits = 0; bits < 0x7c00; bits++) { /* all finite values from zero up */
    float value = sb_half_to_float((uint16_t)bits), next = sb_half_to_float((uint16_t)(bits + 1));
    assert_int_equal(sb_half_from_float(value), bits);
    assert_int_equal(sb_half_from_float(-value), bits | 0x8000);
    if (bits == 0x7bff) continue; /* the next one is infinity */
    float middle = (value + next) / 2;
    assert_int_equal(sb_half_from_float(middle), bits & 1 ? bits + 1 : bits);
    assert_int_equal(sb_half_from_float(nextafterf(middle, value)), bits);
    assert_int_equal(sb_half_from_float(nextafterf(middle, next)), bits + 1);
  }
  assert_int_equal(sb_half_from_float(65520), 0x7c00);
  assert_int_equal(sb_half_from_float(65519), 0x7bff);
}

static void every_float16_conversion_equals_the_scalar_one(void **state) {
  (void)state;
  uint64_t seed = 3;
  float in[LENGTH_MAX + SHIFTS], out[LENGTH_MAX + SHIFTS + 1];
  uint16_t half[LENGTH_MAX + SHIFTS + 1];
  for (size_t round = 0; round < (LENGTH_MAX + 1) * SHIFTS; round++) {
    size_t n = round / SHIFTS, shift = round % SHIFTS;
    for (size_t i = 0; i < n; i++) in[shift + i] = any_float(&seed);
    for (size_t l = 0; l < count_of(levels); l++) {
      const sb_kernels *k = sb_kernels_of(levels[l]);
      if (!k) continue;
      half[shift + n] = 0x1234, out[shift + n] = 42; /* must not be written */
      k->to_f16(in + shift, half + shift, n);
      k->from_f16(half + shift, out + shift, n);
      for (size_t i = 0; i < n; i++) {
        assert_int_equal(half[shift + i], sb_half_from_float(in[shift + i]));
        assert_true(out[shift + i] == sb_half_to_float(half[shift + i]));
      }
      assert_int_equal(half[shift + n], 0x1234);
      assert_true(out[shift + n] == 42);
    }
  }
}

static void halves_join_to_the_vector_and_upper_halves_score_as_in_the_scalar_kernel(void **state) {
  (void)state;
  uint64_t seed = 9;
  float in[LENGTH_MAX + SHIFTS], out[LENGTH_MAX + 1], query[LENGTH_MAX + SHIFTS];
  uint16_t halves[2 * LENGTH_MAX + 1];
  for (size_t round = 0; round < (LENGTH_MAX + 1) * SHIFTS; round++) {
    size_t n = round / SHIFTS, shift = round % SHIFTS;
    for (size_t i = 0; i < n; i++) in[shift + i] = any_float(&seed), query[shift + i] = random_float(&seed);
    for (size_t l = 0; l < count_of(levels); l++) {
      const sb_kernels *k = sb_kernels_of(levels[l]);
      if (!k) continue;
      halves[2 * n] = 0x1234, out[n] = 42; /* must not be written */
      k->split_halves(in + shift, halves, n);
      k->join_halves(halves, out, n);
      assert_memory_equal(out, in + shift, n * sizeof *out);
      for (size_t i = 0; i < n; i++) {
        uint32_t bits;
        memcpy(&bits, in + shift + i, sizeof bits);
        assert_int_equal(halves[i], bits >> 16);
      }
      assert_int_equal(halves[2 * n], 0x1234);
      assert_true(out[n] == 42);
      float got = k->dot_upper(query + shift, halves, n);
      float wanted = sb_kernels_of(SB_CPU_SCALAR)->dot_upper(query + shift, halves, n);
      assert_memory_equal(&got, &wanted, sizeof got);
    }
  }
}

static void every_scan_equals_the_scalar_one_for_any_number_of_subspaces(void **state) {
  (void)state;
  enum { BLOCKS = 3 };
  uint64_t seed = 4;
  _Alignas(64) static uint8_t blocks[BLOCKS * SB_SUBSPACES_MAX / 4 * 3 * SB_BLOCK_ROWS];
  _Alignas(64) static int8_t tables[SB_SUBSPACES_MAX * SB_CENTROIDS];
  const sb_kernels *reference = sb_kernels_of(SB_CPU_SCALAR);
  for (size_t subspaces = 4; subspaces <= SB_SUBSPACES_MAX; subspaces += 4) {
    for (size_t i = 0; i < sizeof blocks; i++) blocks[i] = (uint8_t)next_random(&seed);
    for (size_t i = 0; i < sizeof tables; i++)
      tables[i] = (int8_t)(next_random(&seed) % 256 - 128); /* large enough to saturate */
    for (size_t l = 0; l < count_of(levels); l++) {
      const sb_kernels *k = sb_kernels_of(levels[l]);
      if (!k) continue;
      int8_t scores[SB_BLOCK_ROWS], wanted[SB_BLOCK_ROWS];
      assert_true(k->score_block(blocks, subspaces, tables, 7, scores) ==
                  reference->score_block(blocks, subspaces, tables, 7, wanted));
      assert_memory_equal(scores, wanted, sizeof scores);
      for (int threshold = -128; threshold <= 127; threshold += 17) {
        uint64_t masks[BLOCKS], wanted_masks[BLOCKS];
        k->scan(blocks, BLOCKS, subspaces, tables, threshold, masks);
        reference->scan(blocks, BLOCKS, subspaces, tables, threshold, wanted_masks);
        assert_memory_equal(masks, wanted_masks, sizeof masks);
      }
    }
  }
}

/* Weights for codes of `bytes` bytes, the last two of which are lengths. `extreme`: the largest that the layout allows,
 * with which nothing may overflow. */
static void random_weights(sb_kernels_weights *w, size_t nibbles, size_t bytes, bool extreme, uint64_t *seed) {
  *w = (sb_kernels_weights){.nibbles = nibbles};
  for (size_t b = 0; b < bytes; b++) {
    int numbers = b >= bytes - 2 ? 1 : b < nibbles ? 2 : 4;
    for (int f = 0; f < numbers; f++)
      w->weight[f][b] = (int8_t)(extreme ? (f % 2 ? -127 : 127) : (int)(next_random(seed) % 255) - 127);
  }
  for (size_t lane = 0; lane < bytes / SB_LANE_BYTES; lane++)
    w->shift[lane] = extreme ? SB_SHIFT_MAX : (int32_t)(next_random(seed) % (SB_SHIFT_MAX + 1));
}

static void every_residual_sum_equals_the_scalar_one(void **state) {
  (void)state;
  enum { ROWS = 67 };
  uint64_t seed = 7;
  _Alignas(64) static uint8_t codes[ROWS * SB_RESIDUAL_LONG];
  static sb_kernels_weights w;
  uint32_t rows[ROWS];
  int32_t got[ROWS], wanted[ROWS];
  for (int round = 0; round < 40; round++) {
    const size_t bytes = round % 2 ? SB_RESIDUAL_SHORT : SB_RESIDUAL_LONG;
    for (size_t i = 0; i < sizeof codes; i++) codes[i] = round < 2 ? 255 : (uint8_t)next_random(&seed);
    random_weights(&w, 0, bytes, round < 2, &seed);
    for (uint32_t i = 0; i < ROWS; i++) rows[i] = (uint32_t)(next_random(&seed) % ROWS);
    for (size_t l = 0; l < count_of(levels); l++) {
      const sb_kernels *k = sb_kernels_of(levels[l]);
      if (!k) continue;
      for (size_t count = 0; count <= ROWS; count += count < 18 ? 1 : 7) {
        k->residual_at(codes, bytes, rows, count, &w, got);
        sb_kernels_of(SB_CPU_SCALAR)->residual_at(codes, bytes, rows, count, &w, wanted);
        assert_memory_equal(got, wanted, count * sizeof *got);
      }
    }
  }
}

static void every_refinement_sum_equals_the_scalar_one(void **state) {
  (void)state;
  enum { ROWS = 68 };
  uint64_t seed = 5;
  _Alignas(64) static uint8_t codes[ROWS * SB_REFINEMENT_BYTES];
  static sb_kernels_weights w;
  uint32_t rows[ROWS];
  int32_t got[ROWS], wanted[ROWS], all[SB_BLOCK_ROWS], block[SB_BLOCK_ROWS];
  for (int round = 0; round < 20; round++) {
    for (size_t i = 0; i < sizeof codes; i++) codes[i] = round == 0 ? 255 : (uint8_t)next_random(&seed);
    random_weights(&w, (size_t)(round * 13) % (SB_REFINEMENT_BYTES - 1), SB_REFINEMENT_BYTES, round == 0, &seed);
    for (uint32_t i = 0; i < ROWS; i++) rows[i] = (uint32_t)(next_random(&seed) % ROWS);
    for (uint32_t i = 0; i < SB_BLOCK_ROWS; i++) sb_kernels_of(SB_CPU_SCALAR)->refine_at(codes, &i, 1, &w, &all[i]);
    for (size_t l = 0; l < count_of(levels); l++) {
      const sb_kernels *k = sb_kernels_of(levels[l]);
      if (!k) continue;
      for (size_t count = 0; count <= ROWS; count += count < 18 ? 1 : 7) {
        k->refine_at(codes, rows, count, &w, got);
        sb_kernels_of(SB_CPU_SCALAR)->refine_at(codes, rows, count, &w, wanted);
        assert_memory_equal(got, wanted, count * sizeof *got);
      }
      uint64_t mask = k->refine_block(codes, &w, all[31], block);
      assert_memory_equal(block, all, sizeof all);
      for (int i = 0; i < SB_BLOCK_ROWS; i++) assert_int_equal(mask >> i & 1, all[i] >= all[31]);
    }
  }
}

/* Compares with the definition, number by number. */
static void numbers_of_a_refinement_code_are_where_the_header_says(void **state) {
  (void)state;
  const size_t row = 7; /* the second of the fourth pair */
  for (size_t byte = 0; byte < SB_REFINEMENT_BYTES; byte++) {
    size_t at = 3 * 128 + byte / 32 * 64 + 32 + byte % 32;
    assert_int_equal(sb_kernels_refinement_at(row, byte), at);
    _Alignas(64) uint8_t codes[8 * SB_REFINEMENT_BYTES] = {0};
    codes[at] = 0x6d; /* nibbles 13, 6; pairs 1, 3, 2, 1; length 109 */
    sb_kernels_weights w = {.nibbles = 32};
    int32_t wanted = 109, got;
    const int weights[4] = {1, 0, 0, 0}, of_four[4] = {1, 10, 100, 127};
    for (int f = 0; f < 4; f++) w.weight[f][byte] = (int8_t)(byte < 62 ? of_four[f] : weights[f]);
    if (byte < 32)
      w.weight[2][byte] = w.weight[3][byte] = 0, wanted = 13 + 10 * 6;
    else if (byte < 62)
      wanted = 1 + 10 * 3 + 100 * 2 + 127 * 1;
    w.shift[byte / 4] = 2;
    for (size_t l = 0; l < count_of(levels); l++) {
      if (!sb_kernels_of(levels[l])) continue;
      sb_kernels_of(levels[l])->refine_at(codes, &(uint32_t){(uint32_t)row}, 1, &w, &got);
      assert_int_equal(got, wanted << 2);
    }
  }
}

static void every_projection_equals_the_matrix_product(void **state) {
  (void)state;
  enum { PANELS = 2, DIM = 45, VECTORS = 19, OUT = PANELS * SB_PANEL };
  uint64_t seed = 6;
  static float panels[PANELS * DIM * SB_PANEL], x[VECTORS * DIM], y[VECTORS * OUT], table[7 * SB_CENTROIDS],
      out[SB_CENTROIDS];
  float half_norms[SB_CENTROIDS];
  for (size_t i = 0; i < count_of(panels); i++) panels[i] = random_float(&seed);
  for (size_t i = 0; i < count_of(x); i++) x[i] = random_float(&seed);
  for (size_t i = 0; i < count_of(table); i++) table[i] = random_float(&seed);
  for (size_t c = 0; c < SB_CENTROIDS; c++) half_norms[c] = random_float(&seed);
  for (size_t l = 0; l < count_of(levels); l++) {
    const sb_kernels *k = sb_kernels_of(levels[l]);
    if (!k) continue;
    for (size_t count = 1; count <= VECTORS; count++) {
      k->project(panels, PANELS, DIM, x, count, y, OUT);
      for (size_t v = 0; v < count; v++) {
        for (size_t i = 0; i < OUT; i++) {
          double sum = 0;
          for (size_t j = 0; j < DIM; j++)
            sum += (double)panels[i / SB_PANEL * DIM * SB_PANEL + j * SB_PANEL + i % SB_PANEL] * (double)x[v * DIM + j];
          assert_float_equal(y[v * OUT + i], sum, 1e-4);
        }
      }
    }
    for (size_t dims = 0; dims <= 7; dims++) {
      k->dot64(table, dims, x, out);
      for (size_t c = 0; c < SB_CENTROIDS; c++) {
        double sum = 0;
        for (size_t d = 0; d < dims; d++) sum += (double)table[d * SB_CENTROIDS + c] * (double)x[d];
        assert_float_equal(out[c], sum, 1e-5);
      }
      size_t nearest = k->nearest64(table, half_norms, dims, x);
      assert_true(nearest < SB_CENTROIDS);
      for (size_t c = 0; c < SB_CENTROIDS; c++)
        assert_true(out[nearest] - half_norms[nearest] >= out[c] - half_norms[c]);
    }
  }
}

static void every_largest_magnitude_equals_the_scalar_one_and_shows_non_finite_values(void **state) {
  (void)state;
  uint64_t seed = 8;
  float x[LENGTH_MAX];
  for (size_t l = 0; l < count_of(levels); l++) {
    const sb_kernels *k = sb_kernels_of(levels[l]);
    if (!k) continue;
    for (size_t n = 0; n < LENGTH_MAX; n++) {
      float most = 0, got;
      for (size_t i = 0; i < n; i++) x[i] = any_float(&seed), most = fmaxf(most, fabsf(x[i]));
      uint32_t bits = k->max_abs_bits(x, n);
      memcpy(&got, &bits, sizeof got);
      assert_true(got == most);
      if (!n) continue;
      x[next_random(&seed) % n] = n % 3 ? NAN : n % 2 ? INFINITY : -INFINITY;
      assert_true(k->max_abs_bits(x, n) >= 0x7f800000);
    }
  }
}

static void normalizing_gives_unit_length_and_leaves_zero_alone(void **state) {
  (void)state;
  float v[3] = {3, 0, 4}, zero[3] = {0}, broken[3] = {1, NAN, 0};
  assert_float_equal(sb_normalize(v, 3), 5, 1e-6);
  assert_float_equal(v[0], 0.6, 1e-6);
  assert_float_equal(sb_dot(v, v, 3), 1, 1e-6);
  assert_float_equal(sb_normalize(zero, 3), 0, 0);
  assert_float_equal(zero[0], 0, 0);
  assert_float_equal(sb_normalize(broken, 3), 0, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_inner_product_equals_the_scalar_one_for_any_length_and_alignment),
      cmocka_unit_test(the_scalar_dot_is_the_sum_of_products),
      cmocka_unit_test(every_float16_survives_a_round_trip_and_rounding_is_to_nearest_even),
      cmocka_unit_test(every_float16_conversion_equals_the_scalar_one),
      cmocka_unit_test(halves_join_to_the_vector_and_upper_halves_score_as_in_the_scalar_kernel),
      cmocka_unit_test(every_scan_equals_the_scalar_one_for_any_number_of_subspaces),
      cmocka_unit_test(every_refinement_sum_equals_the_scalar_one),
      cmocka_unit_test(every_residual_sum_equals_the_scalar_one),
      cmocka_unit_test(numbers_of_a_refinement_code_are_where_the_header_says),
      cmocka_unit_test(every_projection_equals_the_matrix_product),
      cmocka_unit_test(every_largest_magnitude_equals_the_scalar_one_and_shows_non_finite_values),
      cmocka_unit_test(normalizing_gives_unit_length_and_leaves_zero_alone),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
