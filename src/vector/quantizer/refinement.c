/* Refinement and residual codes: encoding of rows, and the weights with which queries sum them up to estimates and
 * bounds. quantizer.h describes the codes and derives the bounds; names here follow its formulas.
 *
 * Weights are int8 in the kernels, so that a sum over a code is exact in int32. Rounding the query's weights to int8
 * changes the estimate a little; for bounds the difference |q1 - q~| is computed and covered. */
#include "vector/quantizer/quantizer.h"

#include <math.h>
#include <string.h>

/* ---- Rows */

/* The cell of a uniform quantizer with `levels` cells of width 1 around 0. */
static int quantise(float value, int levels) {
  int code = (int)floorf(value + (float)levels / 2);
  return code < 0 ? 0 : code >= levels ? levels - 1 : code;
}

/* Where an axis is in a refinement code. */
typedef struct axis_place {
  size_t byte;
  unsigned shift;
  int field, levels; /* field: number within the byte, lowest bits first */
} axis_place;
static axis_place place_of(const sb_quantizer *quantizer, size_t axis) {
  size_t a = quantizer->nibbles, j = axis - 2 * a;
  if (axis < 2 * a) return (axis_place){axis / 2, (unsigned)(axis % 2 * 4), (int)(axis % 2), 16};
  return (axis_place){a + j / 4, (unsigned)(j % 4 * 2), (int)(j % 4), 4};
}

/* Bound of the rounding error of a projection in float32, relative to the vector's length: sums of dim terms, on each
 * axis. */
static double projection_error(const sb_quantizer *quantizer) {
  return (double)quantizer->dim * 0x1p-24 * sqrt((double)quantizer->axes);
}

/* Bound of the squared length outside the axes that contain `inside` of length2. P is orthonormal only to `defect`. */
static double rest_of(const sb_quantizer *quantizer, double length2, double inside) {
  double rest = length2 - inside + (quantizer->defect + 2 * projection_error(quantizer)) * length2;
  return rest > 0 ? rest : 0;
}

void sb_quantizer_encode_scalar(const sb_quantizer *quantizer, const float *y, double length2, sb_quantizer_codes *out,
                                sb_quantizer_lengths *lengths) {
  double off[SB_AXES_MAX], inside = 0, refine_error = 0, refine = 0, residual_error = 0, residual = 0;
  memset(out->refinement, 0, sizeof out->refinement);
  memset(out->residual, 0, sizeof out->residual);
  for (size_t i = 0; i < quantizer->refine_axes; i++) {
    axis_place place = place_of(quantizer, i);
    float value = (y[i] - quantizer->mean[i]) / quantizer->step[i];
    int code = quantise(value, place.levels);
    off[i] = (double)(value - ((float)code - (float)(place.levels - 1) / 2)) * (double)quantizer->step[i];
    out->refinement[place.byte] |= (uint8_t)(code << place.shift);
    inside += (double)y[i] * (double)y[i];
    refine_error += off[i] * off[i] / (double)quantizer->refine_weight[i];
    refine += ((double)y[i] - off[i]) * ((double)y[i] - off[i]);
  }
  lengths->refine_rest = sqrt(rest_of(quantizer, length2, inside));
  for (size_t i = quantizer->refine_axes; i < quantizer->axes; i++) {
    off[i] = (double)(y[i] - quantizer->mean[i]);
    inside += (double)y[i] * (double)y[i];
  }
  for (size_t f = 0; f < quantizer->residual_codes; f++) {
    size_t i = quantizer->residual_axis[f];
    int code = quantise((float)off[i] / quantizer->residual_step[i], 4);
    double decoded = (code - 1.5) * (double)quantizer->residual_step[i];
    out->residual[f / 4] |= (uint8_t)(code << f % 4 * 2);
    off[i] -= decoded;
    residual += decoded * decoded;
  }
  for (size_t i = 0; quantizer->residual_codes && i < quantizer->axes; i++)
    residual_error += off[i] * off[i] / (double)quantizer->residual_weight[i];
  lengths->refine_error = sqrt(refine_error);
  lengths->refine = sqrt(refine);
  lengths->residual_error = sqrt(residual_error);
  lengths->residual_rest = sqrt(rest_of(quantizer, length2, inside));
  lengths->residual = sqrt(residual);
}

/* Codes a length, rounded up by more than the sums may have lost to rounding. False: it is too large for the scale. */
static bool round_up(double length, sb_quantizer_scale scale, uint8_t *out) {
  double units = (length * (1 + 1e-5) - (double)scale.base) / (double)scale.unit + 1e-3;
  if (!(units <= SB_BOUND_MAX - 1)) return false;
  *out = (uint8_t)(units < 0 ? 0 : (int)units + 1);
  return true;
}

bool sb_quantizer_encode(const sb_quantizer *quantizer, const float *y, double length2, sb_quantizer_codes *out) {
  sb_quantizer_lengths lengths;
  double length_max = (double)quantizer->length_max;
  memset(out->pq, 0, sizeof out->pq);
  for (size_t g = 0; g < quantizer->subspaces; g++) {
    size_t first = quantizer->subspace_start[g], dims = quantizer->subspace_start[g + 1] - first;
    out->pq[g] = (uint8_t)quantizer->kernels->nearest64(quantizer->weighted + first * SB_CENTROIDS,
                                                        quantizer->half_norms + g * SB_CENTROIDS, dims, y + first);
  }
  sb_quantizer_encode_scalar(quantizer, y, length2, out, &lengths);
  if (length2 > length_max * length_max || lengths.refine > length_max) return false;
  bool fits = round_up(lengths.refine_error, quantizer->refine_error, &out->refinement[SB_REFINEMENT_ERROR]) &&
              round_up(lengths.refine_rest, quantizer->refine_rest, &out->refinement[SB_REFINEMENT_REST]);
  if (!fits || !quantizer->residual_codes) return fits;
  return lengths.residual <= (double)quantizer->residual_max &&
         round_up(lengths.residual_error, quantizer->residual_error, &out->residual[quantizer->residual_bytes - 2]) &&
         round_up(lengths.residual_rest, quantizer->residual_rest, &out->residual[quantizer->residual_bytes - 1]);
}

/* ---- Weights of queries */

/* Weights by field and byte before rounding, and the unit of the rounded ones by lane of four bytes. */
typedef struct real_weights {
  double of[4][SB_REFINEMENT_BYTES], unit[SB_REFINEMENT_BYTES / SB_LANE_BYTES];
} real_weights;

/* Chooses each lane's unit, a power of two times the least one, which is returned: a single unit would be too coarse
 * for axes with small weights. */
static double choose_units(real_weights *w, size_t lanes, int32_t *shift) {
  double most[SB_REFINEMENT_BYTES / SB_LANE_BYTES] = {0}, largest = 1e-30;
  for (size_t lane = 0; lane < lanes; lane++) {
    for (int f = 0; f < 4; f++)
      for (size_t b = lane * SB_LANE_BYTES; b < (lane + 1) * SB_LANE_BYTES; b++)
        most[lane] = fmax(most[lane], fabs(w->of[f][b]));
    largest = fmax(largest, most[lane]);
  }
  double unit = largest / 126 / (1 << SB_SHIFT_MAX);
  for (size_t lane = 0; lane < lanes; lane++) {
    shift[lane] = 0;
    while (shift[lane] < SB_SHIFT_MAX && most[lane] > 126 * unit * (1 << shift[lane])) shift[lane]++;
    w->unit[lane] = unit * (1 << shift[lane]);
  }
  return unit;
}

static int8_t rounded(const real_weights *w, int field, size_t byte) {
  return (int8_t)lrint(w->of[field][byte] / w->unit[byte / SB_LANE_BYTES]);
}

/* Weight of a length byte, which must not be rounded down. If it would exceed 127, adds to `zero` what the longest
 * length would lack. */
static int8_t rounded_up(const real_weights *w, size_t byte, double weight, double *zero) {
  double unit = w->unit[byte / SB_LANE_BYTES], steps = ceil(weight / unit + 1e-6);
  if (steps <= 127) return (int8_t)steps;
  *zero += (steps - 127) * unit * SB_BOUND_MAX;
  return 127;
}

/* What rounding the weights of a refinement code costs. */
typedef struct rounding {
  double off, weighted; /* |q1 - q~|^2, |W q~|^2 */
  double over;          /* the part of the lengths' contribution that their weights cannot express */
} rounding;

/* Sets the weights of the refinement code. `lengths`: upper limits of the weights of the two
 * lengths, 0 for estimates. */
static rounding refine_weights(const sb_quantizer *quantizer, const float *y, const double lengths[2],
                               sb_quantizer_query *out) {
  real_weights w = {0};
  rounding sums = {0};
  memset(&out->refine, 0, sizeof out->refine);
  out->refine.nibbles = quantizer->nibbles;
  for (size_t i = 0; i < quantizer->refine_axes; i++) {
    axis_place place = place_of(quantizer, i);
    w.of[place.field][place.byte] = (double)y[i] * (double)quantizer->step[i];
  }
  w.of[0][SB_REFINEMENT_ERROR] = lengths[0];
  w.of[0][SB_REFINEMENT_REST] = lengths[1];
  out->refine_unit = choose_units(&w, SB_REFINEMENT_BYTES / SB_LANE_BYTES, out->refine.shift);
  out->refine_zero = 0;
  for (size_t i = 0; i < quantizer->refine_axes; i++) {
    axis_place place = place_of(quantizer, i);
    int8_t weight = rounded(&w, place.field, place.byte);
    double real = weight * w.unit[place.byte / SB_LANE_BYTES], back = real / (double)quantizer->step[i]; /* q~ */
    out->refine.weight[place.field][place.byte] = weight;
    out->refine_zero += back * (double)quantizer->mean[i] - real * (place.levels - 1) / 2;
    sums.off += ((double)y[i] - back) * ((double)y[i] - back);
    sums.weighted += back * back * (double)quantizer->refine_weight[i];
  }
  if (lengths[0] > 0 || lengths[1] > 0) {
    out->refine.weight[0][SB_REFINEMENT_ERROR] =
        rounded_up(&w, SB_REFINEMENT_ERROR, sqrt(sums.weighted) * (double)quantizer->refine_error.unit, &sums.over);
    out->refine.weight[0][SB_REFINEMENT_REST] = rounded_up(&w, SB_REFINEMENT_REST, lengths[1], &sums.over);
  }
  return sums;
}

void sb_quantizer_query_estimate(const sb_quantizer *quantizer, const float *query, const float *y,
                                 sb_quantizer_query *out) {
  const double none[2] = {0, 0};
  out->length = sqrt((double)quantizer->kernels->dot_f32(query, query, quantizer->dim));
  refine_weights(quantizer, y, none, out);
}

/* Weights of the residual code's 2-bit fields. Adds their constant part to residual_zero; returns |q1 - q~'|^2. */
static double residual_fields(const sb_quantizer *quantizer, const float *y, const real_weights *w,
                              sb_quantizer_query *out) {
  double off = 0;
  for (size_t f = 0; f < quantizer->residual_codes; f++) {
    size_t i = quantizer->residual_axis[f], byte = f / 4;
    int field = (int)(f % 4);
    int8_t weight = rounded(w, field, byte);
    double real = weight * w->unit[byte / SB_LANE_BYTES], back = real / (double)quantizer->residual_step[i];
    out->residual.weight[field][byte] = weight;
    out->residual_zero -= 1.5 * real;
    off += ((double)y[i] - back) * ((double)y[i] - back);
  }
  return off;
}

/* Sets the weights of the residual code, and residual_zero except for what the refinement code adds. */
static void residual_weights(const sb_quantizer *quantizer, const float *y, sb_quantizer_query *out) {
  real_weights w = {0};
  double inside = 0, weighted = 0;
  size_t error_byte = quantizer->residual_bytes - 2, rest_byte = quantizer->residual_bytes - 1;
  memset(&out->residual, 0, sizeof out->residual);
  out->residual_zero = 0;
  for (size_t i = 0; i < quantizer->axes; i++) {
    inside += (double)y[i] * (double)y[i];
    weighted += (double)y[i] * (double)y[i] * (double)quantizer->residual_weight[i];
    if (i >= quantizer->refine_axes) out->residual_zero += (double)y[i] * (double)quantizer->mean[i];
  }
  double error = sqrt(weighted), rest = sqrt(rest_of(quantizer, out->length * out->length, inside));
  for (size_t f = 0; f < quantizer->residual_codes; f++) {
    size_t i = quantizer->residual_axis[f];
    w.of[f % 4][f / 4] = (double)y[i] * (double)quantizer->residual_step[i];
  }
  w.of[0][error_byte] = error * (double)quantizer->residual_error.unit;
  w.of[0][rest_byte] = rest * (double)quantizer->residual_rest.unit;
  out->residual_unit = choose_units(&w, quantizer->residual_bytes / SB_LANE_BYTES, out->residual.shift);
  double off = residual_fields(quantizer, y, &w, out);
  out->residual.weight[0][error_byte] = rounded_up(&w, error_byte, w.of[0][error_byte], &out->residual_zero);
  out->residual.weight[0][rest_byte] = rounded_up(&w, rest_byte, w.of[0][rest_byte], &out->residual_zero);
  out->residual_zero += error * (double)quantizer->residual_error.base + rest * (double)quantizer->residual_rest.base;
  out->residual_zero += sqrt(off) * (double)quantizer->residual_max;
}

void sb_quantizer_query_bounds(const sb_quantizer *quantizer, const float *query, const float *y,
                               sb_quantizer_query *out) {
  double inside = 0, weighted = 0;
  out->length = sqrt((double)quantizer->kernels->dot_f32(query, query, quantizer->dim));
  for (size_t i = 0; i < quantizer->refine_axes; i++) {
    inside += (double)y[i] * (double)y[i];
    weighted += (double)y[i] * (double)y[i] * (double)quantizer->refine_weight[i];
  }
  double rest = sqrt(rest_of(quantizer, out->length * out->length, inside));
  /* The weight of the error depends on how the other weights are rounded: allow 5 % for that. */
  const double lengths[2] = {1.05 * sqrt(weighted) * (double)quantizer->refine_error.unit,
                             rest * (double)quantizer->refine_rest.unit};
  rounding sums = refine_weights(quantizer, y, lengths, out);
  /* Relative rounding error of a float32 inner product: 32 sums of dim / 32 terms each, then
   * five additions; doubled. */
  double product_error = 4 * ((double)quantizer->dim / 32 + 16) * 0x1p-24;
  double sums_error = product_error + 2 * projection_error(quantizer) + 2 * quantizer->defect;
  out->row_slack = 2 * product_error * out->length * (double)quantizer->length_max;
  double slack = (sqrt(sums.off) * (1 + quantizer->defect) + sums_error * out->length) * (double)quantizer->length_max;
  if (quantizer->residual_codes) {
    residual_weights(quantizer, y, out);
    out->residual_zero += out->refine_zero + slack;
  }
  out->refine_zero += slack + sums.over + sqrt(sums.weighted) * (double)quantizer->refine_error.base;
  out->refine_zero += rest * (double)quantizer->refine_rest.base;
}
