/* Renewable biometric references (ISO/IEC 24745): a secret orthogonal transform of face templates that keeps inner
 * products.
 *
 * Three rounds of: a random permutation, random signs, a Walsh-Hadamard transform scaled to be orthogonal. Each round
 * is orthogonal, so the score of two vectors under the same key does not change (up to float32 rounding, under 1e-6),
 * while vectors under two keys score like unrelated ones. A round costs 4608 additions at 512 dimensions, a few
 * microseconds; a dense random orthogonal matrix would cost 262,144 multiplications and one megabyte a key. The
 * construction is that of the fast Johnson-Lindenstrauss transform (Ailon and Chazelle 2006) and of "HD3" (Yu et al.
 * 2016). It is not encryption: somebody who has about as many pairs of plain and transformed vectors as there are
 * dimensions can solve for it (docs/threat-model.md). */
#ifndef SB_CRYPTO_TRANSFORM_H
#define SB_CRYPTO_TRANSFORM_H

#include "base/base.h"

enum { SB_SEED_SIZE = 32, SB_TRANSFORM_DIM_MAX = 4096 };

/* Immutable and shared between threads. A pure function of seed and dimension, the same on every machine. */
typedef struct sb_transform sb_transform;
sb_status sb_transform_new(const uint8_t seed[SB_SEED_SIZE], size_t dim, sb_transform **out, sb_error *error);
void sb_transform_free(sb_transform *transform);
size_t sb_transform_dim(const sb_transform *transform);
/* `in` and `out` are dim float32 each and may be the same array. */
void sb_transform_apply(const sb_transform *transform, const float *in, float *out);
void sb_transform_undo(const sb_transform *transform, const float *in, float *out);

#endif
