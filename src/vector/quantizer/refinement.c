/* The second stage's codes: rows' lines and fine codes, queries' weights for estimates and for bounds. */
#include "vector/quantizer/quantizer.h"

#include <math.h>
#include <string.h>

/* ---- Rows */

static int quantise(float value, int levels) {
  int code = (int)floorf(value + (float)levels / 2);
  return code < 0 ? 0 : code >= levels ? levels - 1 : code;
}

/* Where axis i stands in a line: byte, shift, levels. */
typedef struct line_place {
  size_t byte;
  unsigned shift;
  int field, levels;
} line_place;
static line_place place_of(const sb_model *model, size_t axis) {
  size_t a = model->nibbles, j = axis - 2 * a;
  if (axis < 2 * a) return (line_place){axis / 2, (unsigned)(axis % 2 * 4), (int)(axis % 2), 16};
  return (line_place){a + j / 4, (unsigned)(j % 4 * 2), (int)(j % 4), 4};
}

/* How far a projection may be off by float32's rounding, relative to the vector's length: dim terms a sum, by axis. */
static double projection_error(const sb_model *model) {
  return (double)model->dim * 0x1p-24 * sqrt((double)model->axes);
}

/* The length beyond axes that hold `inside` of it, at most; both squared. P is orthonormal to `defect` only. */
static double rest_of(const sb_model *model, double length2, double inside) {
  double rest = length2 - inside + (model->defect + 2 * projection_error(model)) * length2;
  return rest > 0 ? rest : 0;
}

void sb_line_encode(const sb_model *model, const float *y, double length2, sb_row_code *out, sb_row_lengths *lengths) {
  double off[SB_AXES_MAX], inside = 0, line_error = 0, line = 0, fine_error = 0, fine = 0;
  memset(out->line, 0, sizeof out->line);
  memset(out->fine, 0, sizeof out->fine);
  for (size_t i = 0; i < model->line_axes; i++) {
    line_place place = place_of(model, i);
    float value = (y[i] - model->mean[i]) / model->step[i];
    int code = quantise(value, place.levels);
    off[i] = (double)(value - ((float)code - (float)(place.levels - 1) / 2)) * (double)model->step[i];
    out->line[place.byte] |= (uint8_t)(code << place.shift);
    inside += (double)y[i] * (double)y[i];
    line_error += off[i] * off[i] / (double)model->line_weight[i];
    line += ((double)y[i] - off[i]) * ((double)y[i] - off[i]);
  }
  lengths->line_rest = sqrt(rest_of(model, length2, inside));
  for (size_t i = model->line_axes; i < model->axes; i++) {
    off[i] = (double)(y[i] - model->mean[i]);
    inside += (double)y[i] * (double)y[i];
  }
  for (size_t f = 0; f < model->fine_codes; f++) {
    size_t i = model->fine_axis[f];
    int code = quantise((float)off[i] / model->fine_step[i], 4);
    double back = (code - 1.5) * (double)model->fine_step[i];
    out->fine[f / 4] |= (uint8_t)(code << f % 4 * 2);
    off[i] -= back;
    fine += back * back;
  }
  for (size_t i = 0; model->fine_codes && i < model->axes; i++)
    fine_error += off[i] * off[i] / (double)model->fine_weight[i];
  lengths->line_error = sqrt(line_error);
  lengths->line = sqrt(line);
  lengths->fine_error = sqrt(fine_error);
  lengths->fine_rest = sqrt(rest_of(model, length2, inside));
  lengths->fine = sqrt(fine);
}

/* A length by its scale, rounded up by more than what the sums may have lost to rounding. False: too large. */
static bool round_up(double length, sb_scale scale, uint8_t *out) {
  double units = (length * (1 + 1e-5) - (double)scale.base) / (double)scale.unit + 1e-3;
  if (!(units <= SB_BOUND_MAX - 1)) return false;
  *out = (uint8_t)(units < 0 ? 0 : (int)units + 1);
  return true;
}

bool sb_model_encode(const sb_model *model, const float *y, double length2, sb_row_code *out) {
  sb_row_lengths lengths;
  double length_max = (double)model->length_max;
  memset(out->group, 0, sizeof out->group);
  for (size_t g = 0; g < model->groups; g++) {
    size_t first = model->border[g];
    out->group[g] = (uint8_t)model->kernels->nearest64(
        model->weighted + first * SB_CODES, model->half_norms + g * SB_CODES, model->border[g + 1] - first, y + first);
  }
  sb_line_encode(model, y, length2, out, &lengths);
  if (length2 > length_max * length_max || lengths.line > length_max) return false;
  bool fits = round_up(lengths.line_error, model->line_error, &out->line[SB_LINE_ERROR]) &&
              round_up(lengths.line_rest, model->line_rest, &out->line[SB_LINE_REST]);
  if (!fits || !model->fine_codes) return fits;
  return lengths.fine <= (double)model->fine_max &&
         round_up(lengths.fine_error, model->fine_error, &out->fine[model->fine_bytes - 2]) &&
         round_up(lengths.fine_rest, model->fine_rest, &out->fine[model->fine_bytes - 1]);
}

/* ---- Queries */

/* Weights before they are rounded, and what one step of each is worth after. */
typedef struct real_weights {
  double of[4][SB_LINE_BYTES], unit[SB_LINE_BYTES / SB_LANE_BYTES];
} real_weights;

/* Each lane of four bytes has a unit of its own, a power of two times the least, which is given: one unit for all would be
 * too coarse for the axes that matter little. */
static double choose_units(real_weights *w, size_t lanes, int32_t *shift) {
  double most[SB_LINE_BYTES / SB_LANE_BYTES] = {0}, largest = 1e-30;
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

/* Of a length, whose weight must not come out smaller. Adds to `zero` what a weight of 127 leaves over, for the longest. */
static int8_t rounded_up(const real_weights *w, size_t byte, double weight, double *zero) {
  double unit = w->unit[byte / SB_LANE_BYTES], steps = ceil(weight / unit + 1e-6);
  if (steps <= 127) return (int8_t)steps;
  *zero += (steps - 127) * unit * SB_BOUND_MAX;
  return 127;
}

/* What the rounded weights of a line are off by. */
typedef struct rounding {
  double off, weighted; /* |q1 - q~|^2, |W q~|^2 */
  double over;          /* the lengths' part that their weights do not hold */
} rounding;

/* The line's weights; `lengths`: what the weights of the two lengths will be at most. */
static rounding line_weights(const sb_model *model, const float *y, const double lengths[2], sb_probe *out) {
  real_weights w = {0};
  rounding sums = {0};
  memset(&out->line, 0, sizeof out->line);
  out->line.nibbles = model->nibbles;
  for (size_t i = 0; i < model->line_axes; i++) {
    line_place place = place_of(model, i);
    w.of[place.field][place.byte] = (double)y[i] * (double)model->step[i];
  }
  w.of[0][SB_LINE_ERROR] = lengths[0];
  w.of[0][SB_LINE_REST] = lengths[1];
  out->line_unit = choose_units(&w, SB_LINE_BYTES / SB_LANE_BYTES, out->line.shift);
  out->line_zero = 0;
  for (size_t i = 0; i < model->line_axes; i++) {
    line_place place = place_of(model, i);
    int8_t weight = rounded(&w, place.field, place.byte);
    double real = weight * w.unit[place.byte / SB_LANE_BYTES], back = real / (double)model->step[i];
    out->line.weight[place.field][place.byte] = weight;
    out->line_zero += back * (double)model->mean[i] - real * (place.levels - 1) / 2;
    sums.off += ((double)y[i] - back) * ((double)y[i] - back);
    sums.weighted += back * back * (double)model->line_weight[i];
  }
  if (lengths[0] > 0 || lengths[1] > 0) {
    out->line.weight[0][SB_LINE_ERROR] =
        rounded_up(&w, SB_LINE_ERROR, sqrt(sums.weighted) * (double)model->line_error.unit, &sums.over);
    out->line.weight[0][SB_LINE_REST] = rounded_up(&w, SB_LINE_REST, lengths[1], &sums.over);
  }
  return sums;
}

void sb_probe_line(const sb_model *model, const float *query, const float *y, sb_probe *out) {
  const double none[2] = {0, 0};
  out->length = sqrt((double)model->kernels->dot_f32(query, query, model->dim));
  line_weights(model, y, none, out);
}

/* The fine codes' weights and fine_zero but for what the line adds. */
static void fine_weights(const sb_model *model, const float *y, sb_probe *out) {
  real_weights w = {0};
  double inside = 0, weighted = 0, off = 0;
  size_t error_byte = model->fine_bytes - 2, rest_byte = model->fine_bytes - 1;
  memset(&out->fine, 0, sizeof out->fine);
  out->fine_zero = 0;
  for (size_t i = 0; i < model->axes; i++) {
    inside += (double)y[i] * (double)y[i];
    weighted += (double)y[i] * (double)y[i] * (double)model->fine_weight[i];
    if (i >= model->line_axes) out->fine_zero += (double)y[i] * (double)model->mean[i];
  }
  double error = sqrt(weighted), rest = sqrt(rest_of(model, out->length * out->length, inside));
  for (size_t f = 0; f < model->fine_codes; f++) {
    size_t i = model->fine_axis[f];
    w.of[f % 4][f / 4] = (double)y[i] * (double)model->fine_step[i];
  }
  w.of[0][error_byte] = error * (double)model->fine_error.unit;
  w.of[0][rest_byte] = rest * (double)model->fine_rest.unit;
  out->fine_unit = choose_units(&w, model->fine_bytes / SB_LANE_BYTES, out->fine.shift);
  for (size_t f = 0; f < model->fine_codes; f++) {
    size_t i = model->fine_axis[f], byte = f / 4;
    int field = (int)(f % 4);
    int8_t weight = rounded(&w, field, byte);
    double real = weight * w.unit[byte / SB_LANE_BYTES], back = real / (double)model->fine_step[i];
    out->fine.weight[field][byte] = weight;
    out->fine_zero -= 1.5 * real;
    off += ((double)y[i] - back) * ((double)y[i] - back);
  }
  out->fine.weight[0][error_byte] = rounded_up(&w, error_byte, w.of[0][error_byte], &out->fine_zero);
  out->fine.weight[0][rest_byte] = rounded_up(&w, rest_byte, w.of[0][rest_byte], &out->fine_zero);
  out->fine_zero += error * (double)model->fine_error.base + rest * (double)model->fine_rest.base;
  out->fine_zero += sqrt(off) * (double)model->fine_max;
}

void sb_probe_bounds(const sb_model *model, const float *query, const float *y, sb_probe *out) {
  double inside = 0, weighted = 0;
  out->length = sqrt((double)model->kernels->dot_f32(query, query, model->dim));
  for (size_t i = 0; i < model->line_axes; i++) {
    inside += (double)y[i] * (double)y[i];
    weighted += (double)y[i] * (double)y[i] * (double)model->line_weight[i];
  }
  double rest = sqrt(rest_of(model, out->length * out->length, inside));
  /* 5 % for the rounding of the other weights, on which that of the error rests. */
  const double lengths[2] = {1.05 * sqrt(weighted) * (double)model->line_error.unit,
                             rest * (double)model->line_rest.unit};
  rounding sums = line_weights(model, y, lengths, out);
  /* 32 sums each of dim / 32 terms, then five more: relative rounding of a float32 inner product; twice, with room. */
  double product_error = 4 * ((double)model->dim / 32 + 16) * 0x1p-24;
  double sums_error = product_error + 2 * projection_error(model) + 2 * model->defect;
  out->row_slack = 2 * product_error * out->length * (double)model->length_max;
  double slack = (sqrt(sums.off) * (1 + model->defect) + sums_error * out->length) * (double)model->length_max;
  if (model->fine_codes) {
    fine_weights(model, y, out);
    out->fine_zero += out->line_zero + slack;
  }
  out->line_zero += slack + sums.over + sqrt(sums.weighted) * (double)model->line_error.base;
  out->line_zero += rest * (double)model->line_rest.base;
}
