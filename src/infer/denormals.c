/* Reads and sets the control register of floating-point instructions: MXCSR on x86-64 (Intel 64 and IA-32
 * Architectures Software Developer's Manual, volume 1, 10.2.3), FPCR on 64-bit ARM. */
#include "infer/denormals.h"

#if defined(__x86_64__)
#include <xmmintrin.h>

enum { FLUSH_TO_ZERO = 0x8000, DENORMALS_ARE_ZERO = 0x40 };

uint64_t sb_infer_denormals_flush(void) {
  uint32_t mode = _mm_getcsr();
  _mm_setcsr(mode | FLUSH_TO_ZERO | DENORMALS_ARE_ZERO);
  return mode;
}

void sb_infer_denormals_restore(uint64_t mode) {
  _mm_setcsr((uint32_t)mode);
}

#elif defined(__aarch64__)

enum { FLUSH_TO_ZERO = 1 << 24 }; /* FPCR.FZ: inputs and results */

uint64_t sb_infer_denormals_flush(void) {
  uint64_t mode;
  __asm__ volatile("mrs %0, fpcr" : "=r"(mode));
  __asm__ volatile("msr fpcr, %0" : : "r"(mode | FLUSH_TO_ZERO));
  return mode;
}

void sb_infer_denormals_restore(uint64_t mode) {
  __asm__ volatile("msr fpcr, %0" : : "r"(mode));
}

#else

uint64_t sb_infer_denormals_flush(void) {
  return 0;
}

void sb_infer_denormals_restore(uint64_t mode) {
  (void)mode;
}

#endif
