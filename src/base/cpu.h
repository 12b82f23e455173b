/* CPU features and how many threads are worth running. */
#ifndef SB_BASE_CPU_H
#define SB_BASE_CPU_H

#include <semblance/semblance.h>

/* The instruction set of the kernels. Decided once; SEMBLANCE_CPU=scalar|avx2|avx512|neon lowers it, never raises it
 * above what the machine has. */
typedef enum sb_cpu { SB_CPU_SCALAR, SB_CPU_NEON, SB_CPU_AVX2, SB_CPU_AVX512 } sb_cpu;
sb_cpu sb_cpu_level(void);
const char *sb_cpu_name(sb_cpu level);

int sb_cpu_cores(void); /* that this process may use, at least 1 */
/* The number of photos to process at the same time: cores + 1. The extra one uses the time in which another waits for
 * the disk, where searches and enrolments are recorded. On a server with two cores, one worker per core reached 90 % of
 * what the CPU time of its stages allows and one more reached 96 % (docs/benchmarks.md); beyond that only memory use
 * grows. */
int sb_cpu_workers(void);

#endif
