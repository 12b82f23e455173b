/* What was learnt from a gallery: how rows become codes, how a query is prepared for them, and how many survivors the stages
 * need. Immutable once learnt, but for `generosity`, which rises until a trial finds enough.
 *
 * A vector is projected on the leading principal axes of the gallery (uncentred, largest first): y = P x. What P leaves out
 * is known by its length only.
 *
 * First stage: the axes are cut into groups of equal information (6 bits each by reverse water-filling: b_i = max(0,
 * log2(q_i v_i / theta) / 2), where v_i is the variance of rows on axis i and q_i the mean square of queries there); each
 * group has 64 centroids (k-means, axes weighted by q_i) and a row keeps the nearest one's number.
 *
 * Second stage, the line of 64 bytes: nibbles for the leading axes, two bits for the next, uniform steps about the mean:
 *
 *     byte   0 ............ A-1 | A .......................... 61 |      62       |     63
 *            axes 2b, 2b + 1    | 2A + 4 (b - A) + 0, 1, 2, 3     | coding error  | rest
 *            (low, high nibble) | (bits 0-1, 2-3, 4-5, 6-7)       | (7 bits, rounded up: for the bounds)
 *
 * In memory two rows' lines lie together (kernels.h).
 *
 * Fine codes, 32 or 64 bytes that only bounds look at (models learnt with them): two bits for each of 120 or 248 axes, where they
 * lower the bound most; what the line left over of its axes, or axes beyond the line. Of 64 bytes:
 *
 *     byte   0 ................................... 61 |      62       |     63
 *            fine_axis[4b + 0, 1, 2, 3]               | coding error  | rest
 *
 * Bounds of the line. With y^ the decoded line, q~ the query's weights as they were rounded, and W a positive diagonal,
 *     q.x <= q~.y^ + |W q~| |(y - y^) / W| + |q1 - q~| |y| + |q0| |x0| + slack,
 * q1 and y being parts in the line's axes, q0 and x0 the rest. Bytes 62 and 63 keep |(y - y^) / W| and |x0|, so that one
 * pass over the lines gives the whole bound. `slack` covers the rounding of all sums and that P is orthonormal only to
 * `defect`. Bounds of both, r^ being the decoded fine codes and all projected axes counted:
 *     q.x <= q~.y^ + q~'.r^ + |W q1| |(y - y^ - r^) / W| + |q1 - q~| |y^| + |q1 - q~'| |r^| + |q0| |x0| + slack.
 * A row whose bytes would not hold its lengths is not coded but scanned exactly (sb_model_encode: false). */
#ifndef SB_VECTOR_QUANTIZER_H
#define SB_VECTOR_QUANTIZER_H

#include "vector/kernels/kernels.h"

enum {
  SB_AXES_MAX = 256,
  SB_LINE_CODES = 62,
  SB_LINE_ERROR = 62,
  SB_LINE_REST = 63,
  SB_FINE_CODES_MAX = 4 * SB_LINE_CODES,
  SB_BOUND_MAX = 127
};

/* Lengths in 7 bits: base + unit * code. */
typedef struct sb_scale {
  float base, unit;
} sb_scale;

typedef struct sb_model {
  const sb_kernels *kernels;
  size_t dim, axes; /* axes: a multiple of SB_PANEL */
  float *panels;    /* axes x dim, in panels as sb_kernels.project wants them */
  float *mean;      /* of rows, by axis */
  double defect;    /* largest |P P^T - I| row sum */
  double participation;
  /* First stage */
  size_t groups, code_axes;
  uint16_t border[SB_GROUPS_MAX + 1]; /* group g: axes border[g]..border[g + 1] - 1 */
  float *centroids;                   /* [axis][64] */
  float *weighted;                    /* the same times q_i: distances by inner products */
  float *half_norms;                  /* [group][64]: half the weighted square length */
  float *share;                       /* [group][64]: of the rows */
  /* Second stage */
  size_t nibbles, line_axes; /* nibbles: A */
  float *step;               /* by axis */
  float *line_weight;        /* W^2 by axis */
  sb_scale line_error, line_rest;
  float length_max; /* of a coded row, and of its decoded line */
  /* Fine codes */
  size_t fine_bytes; /* a row: SB_LINE_BYTES, SB_FINE_BYTES, or 0: there are none */
  size_t fine_codes; /* four in each byte but the last two */
  uint16_t fine_axis[SB_FINE_CODES_MAX];
  float *fine_step;   /* by axis */
  float *fine_weight; /* W^2 by axis */
  sb_scale fine_error, fine_rest;
  float fine_max; /* the longest that is decoded from fine codes */
  /* Measured on rows that were not learnt from, for both stages: estimate = offset + slope * score + deviation * noise; rho: their
   * correlation */
  double rho[2], offset[2], slope[2], deviation[2];
  _Atomic double generosity; /* times the survivors of both stages */
} sb_model;

sb_status sb_model_new(const sb_kernels *kernels, size_t dim, size_t axes, sb_model **out, sb_error *error);
void sb_model_free(sb_model *model);
size_t sb_model_bytes(const sb_model *model);
size_t sb_model_bytes_most(size_t dim); /* of one that keeps every axis */

/* The projections of `count` vectors; y: count * axes. */
void sb_model_project(const sb_model *model, const float *x, size_t count, float *y);

/* A row's codes before they go to their places. */
typedef struct sb_row_code {
  uint8_t group[SB_GROUPS_MAX];
  _Alignas(16) uint8_t line[SB_LINE_BYTES];
  _Alignas(16) uint8_t fine[SB_LINE_BYTES];
} sb_row_code;
/* What is left over by a row's line and fine codes, and how long that is: from learning to encoding. */
typedef struct sb_row_lengths {
  double line_error, line_rest, line; /* line: of what is decoded from it */
  double fine_error, fine_rest, fine;
} sb_row_lengths;
/* Line and fine codes but for the bytes of lengths, which are given apart. */
void sb_line_encode(const sb_model *model, const float *y, double length2, sb_row_code *out, sb_row_lengths *lengths);
/* `length2`: |x|^2. False: the row does not fit. */
bool sb_model_encode(const sb_model *model, const float *y, double length2, sb_row_code *out);
/* Writes a row's codes into its block; byte lanes of other rows are left alone. */
void sb_block_write(uint8_t *block, size_t groups, size_t row, const sb_row_code *code);
void sb_block_erase(uint8_t *block, size_t groups, size_t row);
/* The same for its line among other rows'; NULL: zeros. */
void sb_line_write(uint8_t *lines, size_t row, const uint8_t *line);

/* A query, prepared. */
typedef struct sb_probe {
  _Alignas(64) int8_t tables[SB_GROUPS_MAX * SB_CODES]; /* SB_SIGMA units are one deviation of the estimate */
  sb_line_weights line;
  sb_line_weights fine;        /* bounds only */
  double sigma, centre;        /* first estimate = centre + score * sigma / SB_SIGMA */
  double line_unit, line_zero; /* second estimate = line_zero + sum * line_unit */
  double fine_unit, fine_zero; /* bounds only */
  double length;               /* of the query */
  double row_slack;            /* bounds only: what rounding may add to a coded row's score and upper score */
} sb_probe;
enum { SB_SIGMA = 34 };
/* `y` its projection. Tables and lines for estimates. */
void sb_probe_tables(const sb_model *model, const float *y, sb_probe *out);
void sb_probe_line(const sb_model *model, const float *query, const float *y, sb_probe *out);
/* Weights for bounds instead: line_zero + sum * line_unit >= score, and with fine codes
 * fine_zero + (sum - sb_probe_lengths) * line_unit + fine sum * fine_unit >= score. */
void sb_probe_bounds(const sb_model *model, const float *query, const float *y, sb_probe *out);
/* The part of a row's line's sum that comes from its two lengths. */
static inline int32_t sb_probe_lengths(const sb_probe *probe, const uint8_t *lines, size_t row) {
  int32_t sum = probe->line.weight[0][SB_LINE_ERROR] * lines[sb_line_at(row, SB_LINE_ERROR)];
  sum += probe->line.weight[0][SB_LINE_REST] * lines[sb_line_at(row, SB_LINE_REST)];
  return sum * (1 << probe->line.shift[SB_LINE_ERROR / SB_LANE_BYTES]);
}

/* How many rows of n the stages pass on, that the k best be among them. */
size_t sb_model_survivors(const sb_model *model, size_t n, size_t k);
size_t sb_model_reranked(const sb_model *model, size_t n, size_t k);

#endif
