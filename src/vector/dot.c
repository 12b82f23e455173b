/* The choice of kernel, made once. */
#include "vector/kernels.h"
#include "vector/vector.h"

#include <math.h>

typedef float (*dot_kernel)(const float *a, const float *b, size_t n);
static dot_kernel dot_chosen;

static void choose(void) {
  dot_chosen = sb_dot_scalar;
#if defined(__x86_64__)
  if (sb_cpu_level() == SB_CPU_AVX512) dot_chosen = sb_dot_avx512;
  if (sb_cpu_level() == SB_CPU_AVX2) dot_chosen = sb_dot_avx2;
#elif defined(__aarch64__)
  if (sb_cpu_level() == SB_CPU_NEON) dot_chosen = sb_dot_neon;
#endif
}

float sb_dot(const float *a, const float *b, size_t n) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, choose);
  return dot_chosen(a, b, n);
}

float sb_normalize(float *v, size_t n) {
  double sum = 0;
  for (size_t i = 0; i < n; i++) sum += (double)v[i] * (double)v[i];
  double length = sqrt(sum);
  if (!(length > 0) || !isfinite(length)) return 0;
  for (size_t i = 0; i < n; i++) v[i] = (float)(v[i] / length);
  return (float)length;
}
