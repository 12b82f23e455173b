/* The inner product by instruction set; vector.h's sb_dot chooses among them once. */
#ifndef SB_VECTOR_KERNELS_H
#define SB_VECTOR_KERNELS_H

#include <stddef.h>

float sb_dot_scalar(const float *a, const float *b, size_t n);
#if defined(__x86_64__)
float sb_dot_avx2(const float *a, const float *b, size_t n);   /* AVX2 and FMA */
float sb_dot_avx512(const float *a, const float *b, size_t n); /* AVX-512F */
#elif defined(__aarch64__)
float sb_dot_neon(const float *a, const float *b, size_t n);
#endif

#endif
