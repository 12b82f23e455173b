/* The tables of kernels, and the choice of one by the processor's features, made once per process. Also the public
 * helpers sb_dot and sb_normalize. */
#include "vector/kernels/kernels.h"
#include "vector/vector.h"

#include <float.h>
#include <math.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

#define SB_KERNELS_TABLE(level)                                                                                  \
  {                                                                                                              \
    sb_kernel_dot_f32_##level, sb_kernel_dot_f16_##level, sb_kernel_dot_i8_##level, sb_kernel_dot_upper_##level, \
        sb_kernel_split_halves_##level, sb_kernel_join_halves_##level, sb_kernel_to_f16_##level,                 \
        sb_kernel_from_f16_##level, sb_kernel_scan_##level, sb_kernel_score_block_##level,                       \
        sb_kernel_refine_at_##level, sb_kernel_refine_block_##level, sb_kernel_residual_at_##level,              \
        sb_kernel_project_##level, sb_kernel_dot64_##level, sb_kernel_nearest64_##level,                         \
        sb_kernel_max_abs_bits_##level                                                                           \
  }

static const sb_kernels scalar = SB_KERNELS_TABLE(scalar);

#if defined(__x86_64__)
static const sb_kernels avx2 = SB_KERNELS_TABLE(avx2);
static const sb_kernels avx512 = SB_KERNELS_TABLE(avx512);
/* For processors with AVX-512 but without VBMI and VNNI (before Ice Lake): code scans use AVX2. */
static const sb_kernels avx512_base = {
    sb_kernel_dot_f32_avx512,      sb_kernel_dot_f16_avx512,     sb_kernel_dot_i8_avx512,  sb_kernel_dot_upper_avx512,
    sb_kernel_split_halves_avx512, sb_kernel_join_halves_avx512, sb_kernel_to_f16_avx512,  sb_kernel_from_f16_avx512,
    sb_kernel_scan_avx2,           sb_kernel_score_block_avx2,   sb_kernel_refine_at_avx2, sb_kernel_refine_block_avx2,
    sb_kernel_residual_at_avx2,    sb_kernel_project_avx512,     sb_kernel_dot64_avx512,   sb_kernel_nearest64_avx512,
    sb_kernel_max_abs_bits_avx512,
};

/* Clang before 16 does not know this feature by name. AVX, which it requires, is implied by AVX2. */
static bool has_f16c(void) {
  unsigned a = 0, b = 0, c = 0, d = 0;
  return __get_cpuid(1, &a, &b, &c, &d) && c & bit_F16C;
}

const sb_kernels *sb_kernels_of(sb_cpu level) {
  __builtin_cpu_init();
  bool has_avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && has_f16c();
  bool has_avx512 =
      __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
  bool has_vbmi_vnni = __builtin_cpu_supports("avx512vbmi") && __builtin_cpu_supports("avx512vnni");
  switch (level) {
  case SB_CPU_AVX512:
    if (has_avx512 && has_avx2) return has_vbmi_vnni ? &avx512 : &avx512_base;
    return NULL;
  case SB_CPU_AVX2: return has_avx2 ? &avx2 : NULL;
  case SB_CPU_SCALAR: return &scalar;
  case SB_CPU_NEON: return NULL;
  }
  return NULL;
}
#elif defined(__aarch64__)
static const sb_kernels neon = SB_KERNELS_TABLE(neon);
const sb_kernels *sb_kernels_of(sb_cpu level) {
  return level == SB_CPU_NEON ? &neon : level == SB_CPU_SCALAR ? &scalar : NULL;
}
#else
const sb_kernels *sb_kernels_of(sb_cpu level) {
  return level == SB_CPU_SCALAR ? &scalar : NULL;
}
#endif

static const sb_kernels *chosen;
static void choose(void) {
  chosen = sb_kernels_of(sb_cpu_level());
  if (!chosen) chosen = &scalar;
}

const sb_kernels *sb_kernels_chosen(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, choose);
  return chosen;
}

const char *sb_kernels_description(void) {
  const sb_kernels *used = sb_kernels_chosen();
#if defined(__x86_64__)
  if (used == &avx512) return "AVX-512 with VBMI and VNNI";
  if (used == &avx512_base) return "AVX-512 without VBMI and VNNI (codes are scanned with AVX2)";
  if (used == &avx2) return "AVX2";
#elif defined(__aarch64__)
  if (used == &neon) return "NEON";
#endif
  return used == &scalar ? "plain C" : "";
}

/* How far the squared length of a unit vector may be from 1 after scaling, storing and rotating it in float32. */
static const float unit_tolerance = 4 * FLT_EPSILON;

float sb_dot(const float *a, const float *b, size_t n) {
  return sb_kernels_chosen()->dot_f32(a, b, n);
}

float sb_normalize(float *v, size_t n) {
  const float squared = sb_dot(v, v, n);
  if (fabsf(squared - 1) <= unit_tolerance) return 1;
  double sums[4] = {0}; /* four independent sums, for instruction-level parallelism */
  for (size_t i = 0; i < n; i++) sums[i % 4] += (double)v[i] * (double)v[i];
  double length = sqrt(sums[0] + sums[1] + (sums[2] + sums[3]));
  if (!(length > 0) || !isfinite(length)) return 0;
  double scale = 1 / length;
  for (size_t i = 0; i < n; i++) v[i] = (float)((double)v[i] * scale);
  return (float)length;
}
