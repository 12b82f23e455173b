/* Training a quantizer from a sample of rows. */
#ifndef SB_VECTOR_QUANTIZER_TRAIN_H
#define SB_VECTOR_QUANTIZER_TRAIN_H

#include "vector/quantizer/quantizer.h"

typedef struct sb_quantizer_training {
  const sb_kernels *kernels;
  const float *sample; /* count x dim, in random order; the last fifth is held out for measuring */
  size_t count, dim;
  size_t rows;             /* of the whole index, for which the lengths of the codes are chosen */
  const float *query_tail; /* sb_index_options.query_tail */
  size_t query_tail_count;
  size_t subspaces_max;  /* a multiple of 4 */
  size_t residual_bytes; /* SB_RESIDUAL_LONG, SB_RESIDUAL_SHORT or 0; ignored if there are fewer axes than they code */
} sb_quantizer_training;

/* Takes about a second at 512 dimensions. Deterministic. SB_NO_MEMORY; SB_MISUSE: too few rows or dimensions;
 * SB_INVALID: all rows are zero. */
sb_status sb_quantizer_train(const sb_quantizer_training *training, sb_quantizer **out, sb_error *error);

#endif
