#include "vector/model.h"

#include "vector/normal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

sb_status sb_model_new(const sb_kernels *kernels, size_t dim, size_t axes, sb_model **out, sb_error *error) {
  sb_model *model = sb_alloc(1, sizeof *model, error);
  if (!model) return SB_NO_MEMORY;
  *model = (sb_model){.kernels = kernels, .dim = dim, .axes = axes, .generosity = 1};
  float **arrays[] = {&model->panels,     &model->mean,  &model->centroids, &model->weighted,
                      &model->half_norms, &model->share, &model->step,      &model->bound_weight};
  const size_t counts[] = {
      axes * dim, axes, axes * SB_CODES, axes * SB_CODES, SB_GROUPS_MAX * SB_CODES, SB_GROUPS_MAX * SB_CODES,
      axes,       axes};
  for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++) {
    if ((*arrays[i] = sb_alloc(counts[i], sizeof(float), error))) continue;
    sb_model_free(model);
    return SB_NO_MEMORY;
  }
  *out = model;
  return SB_OK;
}

void sb_model_free(sb_model *model) {
  if (!model) return;
  free(model->panels);
  free(model->mean);
  free(model->centroids);
  free(model->weighted);
  free(model->half_norms);
  free(model->share);
  free(model->step);
  free(model->bound_weight);
  free(model);
}

size_t sb_model_bytes(const sb_model *model) {
  return sizeof *model + sizeof(float) * (model->axes * (model->dim + 2 * SB_CODES + 3) + 2 * SB_GROUPS_MAX * SB_CODES);
}

void sb_model_project(const sb_model *model, const float *x, size_t count, float *y) {
  model->kernels->project(model->panels, model->axes / SB_PANEL, model->dim, x, count, y, model->axes);
}

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
  size_t a = model->nibbles, b = SB_LINE_CODES - a;
  if (axis < 2 * a) return (line_place){axis % a, (unsigned)(axis / a * 4), (int)(axis / a), 16};
  size_t j = axis - 2 * a;
  return (line_place){a + j % b, (unsigned)(j / b * 2), (int)(j / b), 4};
}

/* A length as a multiple of `unit`, rounded up; -1: too large. */
static int round_up(double length, float unit) {
  double units = length / (double)unit * (1 + 1e-5) + 1e-3; /* more than what the sums may have lost to rounding */
  return units > SB_BOUND_MAX - 1 ? -1 : (int)units + 1;
}

/* How far a projection may be off by float32's rounding, relative to the vector's length: dim terms a sum, by axis. */
static double projection_error(const sb_model *model) {
  return (double)model->dim * 0x1p-24 * sqrt((double)model->line_axes);
}

/* The length beyond the coded axes, at most; squared. P is orthonormal to `defect` only. */
static double rest_of(const sb_model *model, double length2, double inside) {
  double rest = length2 - inside + (model->defect + 2 * projection_error(model)) * length2;
  return rest > 0 ? rest : 0;
}

bool sb_model_encode(const sb_model *model, const float *y, double length2, sb_row_code *out) {
  double inside = 0, error = 0;
  memset(out, 0, sizeof *out);
  for (size_t g = 0; g < model->groups; g++) {
    size_t first = model->border[g];
    out->group[g] = (uint8_t)model->kernels->nearest64(
        model->weighted + first * SB_CODES, model->half_norms + g * SB_CODES, model->border[g + 1] - first, y + first);
  }
  for (size_t i = 0; i < model->line_axes; i++) {
    line_place place = place_of(model, i);
    float value = (y[i] - model->mean[i]) / model->step[i];
    int code = quantise(value, place.levels);
    double off = (double)(value - ((float)code - (float)(place.levels - 1) / 2)) * (double)model->step[i];
    out->line[place.byte] |= (uint8_t)(code << place.shift);
    inside += (double)y[i] * (double)y[i];
    error += off * off / (double)model->bound_weight[i];
  }
  int error_units = round_up(sqrt(error), model->error_unit);
  int rest_units = round_up(sqrt(rest_of(model, length2, inside)), model->rest_unit);
  if (error_units < 0 || rest_units < 0 || length2 > (double)model->length_max * (double)model->length_max)
    return false;
  out->line[SB_LINE_ERROR] = (uint8_t)error_units;
  out->line[SB_LINE_REST] = (uint8_t)rest_units;
  return true;
}

void sb_block_write(uint8_t *block, size_t groups, size_t row, const sb_row_code *code) {
  uint8_t *at = block + row;
  for (size_t g = 0; g < groups; g += 4, at += 3 * SB_BLOCK_ROWS) {
    unsigned d = code->group[g + 3];
    at[0] = (uint8_t)(code->group[g] | d << 6);
    at[SB_BLOCK_ROWS] = (uint8_t)(code->group[g + 1] | d >> 2 << 6);
    at[2 * SB_BLOCK_ROWS] = (uint8_t)(code->group[g + 2] | d >> 4 << 6);
  }
}

void sb_block_erase(uint8_t *block, size_t groups, size_t row) {
  for (size_t i = 0; i < groups / 4 * 3; i++) block[i * SB_BLOCK_ROWS + row] = 0;
}

/* ---- Queries */

void sb_probe_tables(const sb_model *model, const float *y, sb_probe *out) {
  float products[SB_GROUPS_MAX * SB_CODES];
  double means[SB_GROUPS_MAX], variance = 0;
  out->centre = 0;
  for (size_t g = 0; g < model->groups; g++) {
    float *table = products + g * SB_CODES;
    const float *share = model->share + g * SB_CODES;
    size_t first = model->border[g];
    model->kernels->against64(model->centroids + first * SB_CODES, model->border[g + 1] - first, y + first, table);
    double sum = 0, squares = 0;
    for (int c = 0; c < SB_CODES; c++) {
      sum += (double)share[c] * (double)table[c];
      squares += (double)share[c] * (double)table[c] * (double)table[c];
    }
    means[g] = sum;
    out->centre += sum;
    variance += squares - sum * sum;
  }
  out->sigma = sqrt(variance > 0 ? variance : 0) + 1e-20;
  float scale = (float)(SB_SIGMA / out->sigma);
  for (size_t g = 0; g < model->groups; g++) {
    for (int c = 0; c < SB_CODES; c++) {
      float value = (products[g * SB_CODES + (size_t)c] - (float)means[g]) * scale;
      value = value > 127 ? 127 : value < -128 ? -128 : value;
      out->tables[g * SB_CODES + (size_t)c] = (int8_t)lrintf(value);
    }
  }
}

/* What the query's rounded weights leave over, and the weights of the two lengths. */
static void add_bounds(const sb_model *model, double unit, double inside, double off, double rounded, sb_probe *out) {
  double rest = sqrt(rest_of(model, out->length * out->length, inside));
  out->line.weight[0][SB_LINE_ERROR] = (int8_t)ceil(sqrt(rounded) * (double)model->error_unit / unit + 1e-6);
  out->line.weight[0][SB_LINE_REST] = (int8_t)ceil(rest * (double)model->rest_unit / unit + 1e-6);
  out->line.mask[0][SB_LINE_ERROR] = out->line.mask[0][SB_LINE_REST] = SB_BOUND_MAX;
  /* 32 sums each of dim / 32 terms, then five more: relative rounding of a float32 inner product; twice, with room. */
  double rounding = 4 * ((double)model->dim / 32 + 16) * 0x1p-24 + 2 * projection_error(model) + 2 * model->defect;
  out->slack = (sqrt(off) * (1 + model->defect) + rounding * out->length) * (double)model->length_max;
}

void sb_probe_line(const sb_model *model, const float *query, const float *y, bool bounds, sb_probe *out) {
  double largest = 1e-30, inside = 0, weighted = 0, off = 0, rounded = 0;
  out->length = sqrt((double)model->kernels->dot_f32(query, query, model->dim));
  for (size_t i = 0; i < model->line_axes; i++) {
    largest = fmax(largest, fabs((double)y[i] * (double)model->step[i]));
    inside += (double)y[i] * (double)y[i];
    weighted += (double)y[i] * (double)y[i] * (double)model->bound_weight[i];
  }
  if (bounds) { /* the lengths' weights must fit, too; 5 % for the rounding of the others */
    largest = fmax(largest, 1.05 * sqrt(weighted) * (double)model->error_unit);
    largest = fmax(largest, 1.05 * sqrt(rest_of(model, out->length * out->length, inside)) * (double)model->rest_unit);
  }
  double unit = largest / 126;
  memset(&out->line, 0, sizeof out->line);
  memset(out->line.pairs + model->nibbles, 255, SB_LINE_CODES - model->nibbles);
  out->line_unit = unit;
  out->line_zero = 0;
  for (size_t i = 0; i < model->line_axes; i++) {
    line_place place = place_of(model, i);
    double weight = rint((double)y[i] * (double)model->step[i] / unit), back = weight * unit / (double)model->step[i];
    out->line.weight[place.field][place.byte] = (int8_t)weight;
    out->line.mask[place.field][place.byte] = (uint8_t)(place.levels - 1);
    out->line_zero += back * (double)model->mean[i] - weight * unit * (place.levels - 1) / 2;
    off += ((double)y[i] - back) * ((double)y[i] - back);
    rounded += back * back * (double)model->bound_weight[i];
  }
  if (bounds) add_bounds(model, unit, inside, off, rounded, out);
}

/* ---- How many survivors: of n scores the k best lie above u deviations; a row there has an estimate of rho u in the mean,
 * off by sqrt(1 - rho^2); 3.4 of these (one in 3,000) are allowed for, and twice the number for what is not normal. */

static size_t survivors(double rho, double generosity, size_t n, size_t k, size_t least) {
  double share = n > 2 * k ? (double)k / (double)n : 0.5;
  double bar = rho * sb_normal_quantile_above(share) - 3.4 * sqrt(1 - rho * rho);
  double wanted = 2 * generosity * (double)n * sb_normal_above(bar);
  if (wanted < (double)least) wanted = (double)least;
  return wanted < (double)n ? (size_t)wanted : n;
}

size_t sb_model_survivors(const sb_model *model, size_t n, size_t k) {
  return survivors(model->rho[0], model->generosity, n, k, 1000 + 10 * k);
}

size_t sb_model_reranked(const sb_model *model, size_t n, size_t k) {
  return survivors(model->rho[1], model->generosity, n, k, 450 + 5 * k);
}
