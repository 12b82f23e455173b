/* The quantizer: how vectors become codes, how a query is prepared for them, and how many candidates the search stages
 * need. Trained on a sample of the index's own rows (train.h). Immutable once trained, except for `oversampling`, which
 * rises until the measured recall suffices (search/recall.h).
 *
 * Terms
 *   axis              principal axis of the rows (PCA, uncentred, largest eigenvalue first). A vector x is projected to
 *                     y = P x; of the part outside the projected axes, x0, only the length is known ("rest").
 *   subspace          group of consecutive axes that one product quantization (PQ) code of 6 bits covers
 *   PQ code           for every subspace the number of the nearest of its 64 centroids; used by the first stage
 *   refinement code   64 bytes: 4 bits for each of the leading axes, 2 bits for the next ones; used by the second stage
 *                     and by bounds
 *   residual code     32 or 64 bytes, used only by bounds, and only in quantizers that have them: 2 bits for each of
 *   120
 *                     or 248 axes, coding what the refinement code leaves over of an axis, or an axis beyond it
 *   estimate          approximation of a score, computed from codes
 *   bound             value that the score cannot exceed, computed from codes
 *
 * PQ (Jegou, Douze, Schmid 2011). The axes are cut into subspaces of equal information, 6 bits each, by reverse
 * water-filling (Cover, Thomas, "Elements of information theory", 10.3.3): b_i = max(0, log2(q_i v_i / theta) / 2) bits
 * for axis i, where v_i is the variance of the rows and q_i the mean square of queries there. Centroids come from
 * k-means with axes weighted by q_i. Codes are stored in blocks of 64 rows (kernels.h).
 *
 * Refinement code: uniform scalar quantization around the mean of each axis. Two rows' codes are interleaved in memory,
 * half by half (kernels.h). A is `nibbles`:
 *
 *     byte   0 ............ A-1 | A .......................... 61 |      62       |     63
 *            axes 2b, 2b + 1    | 2A + 4 (b - A) + 0, 1, 2, 3     | coding error  | rest
 *            (low, high nibble) | (bits 0-1, 2-3, 4-5, 6-7)       | (7 bits, rounded up: for the bounds)
 *
 * Residual code, here of 64 bytes:
 *
 *     byte   0 ................................... 61 |      62       |     63
 *            residual_axis[4b + 0, 1, 2, 3]           | coding error  | rest
 *
 * Bounds. Let y^ be the vector decoded from the refinement code, q~ the query's weights after rounding to int8, and W a
 * positive diagonal matrix. By Cauchy-Schwarz
 *     q.x <= q~.y^ + |W q~| |(y - y^) / W| + |q1 - q~| |y| + |q0| |x0| + slack,
 * where q1 and y are the parts within the refinement code's axes, q0 and x0 the rest. Bytes 62 and 63 hold |(y - y^) /
 * W| and |x0|, so that one weighted sum over the code gives the whole bound. `slack` covers the rounding of all sums,
 * and that P is orthonormal only to within `defect`. With the residual code, r^ being the vector decoded from it and y
 * now covering all projected axes:
 *     q.x <= q~.y^ + q~'.r^ + |W q1| |(y - y^ - r^) / W| + |q1 - q~| |y^| + |q1 - q~'| |r^| + |q0| |x0| + slack.
 * A row whose lengths do not fit into these bytes is left uncoded (sb_quantizer_encode returns false). */
#ifndef SB_VECTOR_QUANTIZER_H
#define SB_VECTOR_QUANTIZER_H

#include "vector/kernels/kernels.h"

enum {
  SB_AXES_MAX = 256,
  SB_REFINEMENT_CODE_BYTES = 62, /* of SB_REFINEMENT_BYTES; the other two are lengths: */
  SB_REFINEMENT_ERROR = 62,
  SB_REFINEMENT_REST = 63,
  SB_RESIDUAL_CODES_MAX = 4 * SB_REFINEMENT_CODE_BYTES,
  SB_BOUND_MAX = 127 /* lengths have 7 bits */
};

/* How a length is stored in 7 bits: base + unit * code. */
typedef struct sb_quantizer_scale {
  float base, unit;
} sb_quantizer_scale;

typedef struct sb_quantizer {
  const sb_kernels *kernels;
  size_t dim, axes; /* axes: projected ones, a multiple of SB_PANEL */
  float *panels;    /* P: axes x dim, in the panels that sb_kernels.project takes */
  float *mean;      /* of the rows, by axis */
  double defect;    /* largest row sum of |P P^T - I| */
  double participation;
  /* PQ */
  size_t subspaces, code_axes;                   /* a multiple of 4; axes that they cover */
  uint16_t subspace_start[SB_SUBSPACES_MAX + 1]; /* subspace g: axes subspace_start[g] .. subspace_start[g + 1] - 1 */
  float *centroids;                              /* [axis][64] */
  float *weighted;                               /* the same times q_i: distances by inner products */
  float *half_norms;                             /* [subspace][64]: half of the weighted square length */
  float *centroid_share;                         /* [subspace][64]: share of the rows */
  /* Refinement code */
  size_t nibbles, refine_axes; /* bytes with 4-bit codes (A above); axes covered */
  float *step;                 /* of the quantization, by axis */
  float *refine_weight;        /* W^2 by axis */
  sb_quantizer_scale refine_error, refine_rest;
  float length_max; /* of a coded row, and of its decoded refinement code */
  /* Residual code */
  size_t residual_bytes; /* SB_RESIDUAL_LONG, SB_RESIDUAL_SHORT, or 0: none */
  size_t residual_codes; /* four in each byte except the last two */
  uint16_t residual_axis[SB_RESIDUAL_CODES_MAX];
  float *residual_step;   /* by axis */
  float *residual_weight; /* W^2 by axis */
  sb_quantizer_scale residual_error, residual_rest;
  float residual_max; /* length of a decoded residual code */
  /* Measured on held-out rows, for PQ [0] and refinement code [1]:
   * estimate = offset + slope * score + deviation * noise; rho: correlation of estimate and score */
  double rho[2], offset[2], slope[2], deviation[2];
  _Atomic double oversampling; /* factor on the number of candidates of both stages */
} sb_quantizer;

sb_status sb_quantizer_new(const sb_kernels *kernels, size_t dim, size_t axes, sb_quantizer **out, sb_error *error);
void sb_quantizer_free(sb_quantizer *quantizer);
size_t sb_quantizer_bytes(const sb_quantizer *quantizer);
size_t sb_quantizer_bytes_max(size_t dim); /* with as many axes as dimensions */

/* Projects `count` vectors; y: count * axes. */
void sb_quantizer_project(const sb_quantizer *quantizer, const float *x, size_t count, float *y);

/* ---- Rows */

typedef struct sb_quantizer_codes {
  uint8_t pq[SB_SUBSPACES_MAX]; /* one code a byte; stored packed */
  _Alignas(16) uint8_t refinement[SB_REFINEMENT_BYTES];
  _Alignas(16) uint8_t residual[SB_RESIDUAL_LONG];
} sb_quantizer_codes;

/* What a row's refinement code and residual code leave over, and the lengths of what they
 * decode to; not rounded yet. */
typedef struct sb_quantizer_lengths {
  double refine_error, refine_rest, refine;       /* |(y - y^) / W|, |x0|, |y^| */
  double residual_error, residual_rest, residual; /* |(y - y^ - r^) / W|, |x0|, |r^| */
} sb_quantizer_lengths;

/* Codes a projected row, `length2` being |x|^2. False: its lengths do not fit, so it must stay uncoded. */
bool sb_quantizer_encode(const sb_quantizer *quantizer, const float *y, double length2, sb_quantizer_codes *out);
/* Only the refinement and residual code, without their bytes of lengths, which are returned instead: for training. */
void sb_quantizer_encode_scalar(const sb_quantizer *quantizer, const float *y, double length2, sb_quantizer_codes *out,
                                sb_quantizer_lengths *lengths);

/* Packs a row's PQ code into its block, without touching the bytes of other rows; writes zeros there. */
void sb_quantizer_block_write(uint8_t *block, size_t subspaces, size_t row, const sb_quantizer_codes *codes);
void sb_quantizer_block_erase(uint8_t *block, size_t subspaces, size_t row);
/* Writes a row's refinement code to its interleaved place; `code` NULL: zeros. */
void sb_quantizer_refinement_write(uint8_t *refinement, size_t row, const uint8_t *code);

/* ---- Queries */

/* A query prepared for the codes. */
typedef struct sb_quantizer_query {
  _Alignas(64) int8_t tables[SB_SUBSPACES_MAX * SB_CENTROIDS]; /* SB_TABLE_SIGMA units are one deviation of the sum */
  sb_kernels_weights refine;
  sb_kernels_weights residual;         /* bounds only */
  double sigma, centre;                /* first estimate = centre + sum * sigma / SB_TABLE_SIGMA */
  double refine_unit, refine_zero;     /* second estimate, or bound = refine_zero + sum * refine_unit */
  double residual_unit, residual_zero; /* bounds only */
  double length;                       /* of the query */
  double row_slack; /* bounds only: what rounding may add to a coded row's score and to that of its upper half */
} sb_quantizer_query;
enum { SB_TABLE_SIGMA = 34 };

/* Lookup tables of the first stage; `y`: the query's projection. */
void sb_quantizer_query_tables(const sb_quantizer *quantizer, const float *y, sb_quantizer_query *out);
/* Weights for estimates from refinement codes. */
void sb_quantizer_query_estimate(const sb_quantizer *quantizer, const float *query, const float *y,
                                 sb_quantizer_query *out);
/* Weights for bounds instead:
 *     score <= refine_zero + refine sum * refine_unit, and with residual codes
 *     score <= residual_zero + (refine sum - length terms) * refine_unit + residual sum * residual_unit */
void sb_quantizer_query_bounds(const sb_quantizer *quantizer, const float *query, const float *y,
                               sb_quantizer_query *out);
/* The part of a row's refinement sum that comes from its two length bytes. */
static inline int32_t sb_quantizer_query_length_terms(const sb_quantizer_query *prepared, const uint8_t *refinement,
                                                      size_t row) {
  const sb_kernels_weights *w = &prepared->refine;
  int32_t sum = w->weight[0][SB_REFINEMENT_ERROR] * refinement[sb_kernels_refinement_at(row, SB_REFINEMENT_ERROR)];
  sum += w->weight[0][SB_REFINEMENT_REST] * refinement[sb_kernels_refinement_at(row, SB_REFINEMENT_REST)];
  return sum * (1 << w->shift[SB_REFINEMENT_ERROR / SB_LANE_BYTES]);
}

/* How many of n rows the first and the second stage must pass on, so that the k best are among them. */
size_t sb_quantizer_survivors(const sb_quantizer *quantizer, size_t n, size_t k);
size_t sb_quantizer_reranked(const sb_quantizer *quantizer, size_t n, size_t k);

#endif
