/* Flush-to-zero: arithmetic on denormal numbers (below 1.2e-38 in float32) is up to a hundred times slower than on
 * normal ones, and neural networks produce many of them on the way to results that they do not change. */
#ifndef SB_INFER_DENORMALS_H
#define SB_INFER_DENORMALS_H

#include <stdint.h>

/* Makes the calling thread treat denormal inputs and results of floating-point instructions as zero. Threads that it
 * starts inherit this. Returns the previous mode for sb_infer_denormals_restore. */
uint64_t sb_infer_denormals_flush(void);
void sb_infer_denormals_restore(uint64_t mode);

#endif
