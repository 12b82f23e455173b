#include "vector/quantizer/quantizer.h"

#include "vector/quantizer/normal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

sb_status sb_model_new(const sb_kernels *kernels, size_t dim, size_t axes, sb_model **out, sb_error *error) {
  sb_model *model = sb_alloc(1, sizeof *model, error);
  if (!model) return SB_NO_MEMORY;
  *model = (sb_model){.kernels = kernels, .dim = dim, .axes = axes, .generosity = 1};
  float **arrays[] = {&model->panels, &model->mean, &model->centroids,   &model->weighted,  &model->half_norms,
                      &model->share,  &model->step, &model->line_weight, &model->fine_step, &model->fine_weight};
  const size_t counts[] = {axes * dim,
                           axes,
                           axes * SB_CODES,
                           axes * SB_CODES,
                           SB_GROUPS_MAX * SB_CODES,
                           SB_GROUPS_MAX * SB_CODES,
                           axes,
                           axes,
                           axes,
                           axes};
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
  free(model->line_weight);
  free(model->fine_step);
  free(model->fine_weight);
  free(model);
}

static size_t bytes_of(size_t axes, size_t dim) {
  return sizeof(sb_model) + sizeof(float) * (axes * (dim + 2 * SB_CODES + 5) + 2 * SB_GROUPS_MAX * SB_CODES);
}

size_t sb_model_bytes(const sb_model *model) {
  return bytes_of(model->axes, model->dim);
}

size_t sb_model_bytes_most(size_t dim) {
  return bytes_of(dim, dim);
}

void sb_model_project(const sb_model *model, const float *x, size_t count, float *y) {
  model->kernels->project(model->panels, model->axes / SB_PANEL, model->dim, x, count, y, model->axes);
}

/* ---- Rows */

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

void sb_line_write(uint8_t *lines, size_t row, const uint8_t *line) {
  for (size_t byte = 0; byte < SB_LINE_BYTES; byte += SB_HALF_BYTES) {
    uint8_t *half = lines + sb_line_at(row, byte);
    if (line)
      memcpy(half, line + byte, SB_HALF_BYTES);
    else
      memset(half, 0, SB_HALF_BYTES);
  }
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
