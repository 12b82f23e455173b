/* Detection of CPU features (once a process), and the number of usable cores (CPU affinity). */
#include "base/cpu.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

static const char *const level_names[] = {"scalar", "neon", "avx2", "avx512"};

const char *sb_cpu_name(sb_cpu level) {
  return level_names[level];
}

static sb_cpu detect(void) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl"))
    return SB_CPU_AVX512;
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return SB_CPU_AVX2;
  return SB_CPU_SCALAR;
#elif defined(__aarch64__)
  return SB_CPU_NEON; /* part of the base architecture */
#else
  return SB_CPU_SCALAR;
#endif
}

/* The best level of this machine, or the lower one that SEMBLANCE_CPU names. A level that the machine lacks is
 * ignored. */
static sb_cpu choose(void) {
  sb_cpu found = detect();
  const char *forced = getenv("SEMBLANCE_CPU");
  if (!forced) return found;
  for (int level = 0; level <= SB_CPU_AVX512; level++) {
    bool fits = level == SB_CPU_SCALAR || level == (int)found || (level == SB_CPU_AVX2 && found == SB_CPU_AVX512);
    if (!strcmp(forced, level_names[level]) && fits) return (sb_cpu)level;
  }
  return found;
}

static sb_cpu chosen;
static void choose_once(void) {
  chosen = choose();
}

sb_cpu sb_cpu_level(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, choose_once);
  return chosen;
}

int sb_cpu_cores(void) {
  cpu_set_t set;
  int count = sched_getaffinity(0, sizeof set, &set) ? 0 : CPU_COUNT(&set);
  return count > 0 ? count : 1;
}

int sb_cpu_workers(void) {
  return sb_cpu_cores() + 1;
}
