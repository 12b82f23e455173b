/* Functions marked SB_CLONES are compiled twice, for AVX2 and for any x86-64, and chosen when the program is loaded: four
 * times faster resizing than generic code (measured: 7.6 against 2.0 ms for 1080p). The sanitizers start too late for that
 * kind of choice, so they get the generic code. */
#ifndef SB_IMAGE_CLONES_H
#define SB_IMAGE_CLONES_H

#if defined(__x86_64__) && defined(__GLIBC__) && defined(__GNUC__) && !defined(__clang__) && \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define SB_CLONES __attribute__((target_clones("arch=haswell", "default"), optimize("O3")))
#else
#define SB_CLONES
#endif

#endif
