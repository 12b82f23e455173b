/* Functions marked SB_CLONES are compiled twice, for AVX2 and for any x86-64, and chosen when the program is loaded: four
 * times faster resizing than generic code (measured: 7.6 against 2.0 ms for 1080p). The sanitizers start too late for that
 * kind of choice, so they get the generic code. By the feature, not by `arch=...`, which asks for the
 * maker's model, too; never inlined, or the generic code is what the caller gets. */
#ifndef SB_IMAGE_CLONES_H
#define SB_IMAGE_CLONES_H

#include <stdint.h>
#include <stdlib.h> /* any header of the C library: then __GLIBC__ tells whether it is one that can choose */

#if defined(__x86_64__) && defined(__GLIBC__) && defined(__GNUC__) && !defined(__clang__) && \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define SB_CLONES __attribute__((target_clones("avx2", "default"), optimize("O3"), noinline))
#else
#define SB_CLONES
#endif

#endif
