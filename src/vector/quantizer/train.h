/* From a sample of rows to a model. */
#ifndef SB_VECTOR_QUANTIZER_TRAIN_H
#define SB_VECTOR_QUANTIZER_TRAIN_H

#include "vector/quantizer/quantizer.h"

/* `sample`: count x dim, in no order; the last fifth is not learnt from but measured on. `rows`: of the whole gallery, for
 * which the lengths of the codes are chosen; `groups_max`: of the first stage, a multiple of 4; `fine_bytes`: for fine codes, 64, 32 or 0;
 * none are learnt where there are fewer axes than they would code. Takes about a second at 512 dimensions. Deterministic. SB_NO_MEMORY; SB_INVALID: there is nothing to learn (the rows are all alike, or zero). */
sb_status sb_model_learn(const sb_kernels *kernels, const float *sample, size_t count, size_t dim, size_t rows,
                         size_t groups_max, size_t fine_bytes, sb_model **out, sb_error *error);

#endif
