/* Learning, step by step: axes; mean and energy by axis; how many groups, and where they are cut; centroids; the line's split;
 * the units of the bounds; and what the estimates are worth. */
#include "vector/quantizer/train.h"

#include "vector/quantizer/axes.h"
#include "vector/quantizer/centroids.h"
#include "vector/quantizer/normal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Mean square error of uniform quantisers for a normal variable, steps 0.335 and 0.996 deviations (the best for 16 and 4
 * levels; Max 1960), and what 64 centroids lose against the bound of rate-distortion theory. */
#define STEP_4 0.335
#define STEP_2 0.996
#define ERROR_4 0.01154
#define ERROR_2 0.1188
/* Where two bits more follow in the fine codes: steps that lose a little in the line and gain more there, the fine codes' step as a
 * part of them, and the errors of both together (measured on normal numbers). */
#define STEP_4_REFINED 0.365
#define STEP_2_REFINED 1.08
#define STEP_FINE 0.26
#define ERROR_4_FINE 0.0014
#define ERROR_2_FINE 0.0166
/* Queries are other photos: this share of their energy lies in all directions alike. */
#define QUERY_NOISE 0.1
#define CENTROID_LOSS 1.45
enum { BITS = 6 };

/* What is worked with. Arrays are by axis. */
typedef struct learning {
  sb_model *model;
  const float *sample;
  size_t train, held; /* rows */
  size_t stride;      /* of what was projected */
  float *train_y, *held_y;
  double variance[SB_AXES_MAX], energy[SB_AXES_MAX]; /* about the mean; mean square */
  double rest, total;                                /* mean square length beyond the axes, and of all */
  size_t rest_axes;
} learning;

static sb_status find_axes(learning *l, sb_error *error) {
  sb_model *model = l->model;
  sb_axes axes = {0};
  sb_status status = sb_axes_find(model->kernels, l->sample, l->train, model->dim, model->axes, &axes, error);
  if (status != SB_OK) return status;
  double sum = 0, squares = 0;
  for (size_t i = 0; i < axes.count; i++) {
    const float *axis = axes.axes + i * model->dim;
    for (size_t j = 0; j < model->dim; j++)
      model->panels[(i / SB_PANEL * model->dim + j) * SB_PANEL + i % SB_PANEL] = axis[j];
    sum += axes.eigenvalues[i];
    squares += axes.eigenvalues[i] * axes.eigenvalues[i];
    double row = 0;
    for (size_t k = 0; k < axes.count; k++)
      row += fabs((double)model->kernels->dot_f32(axis, axes.axes + k * model->dim, model->dim) - (i == k));
    model->defect = fmax(model->defect, row);
  }
  l->rest = fmax(axes.energy - sum, 0);
  l->total = axes.energy;
  l->rest_axes = model->dim - axes.count;
  if (l->rest_axes) squares += l->rest * l->rest / (double)l->rest_axes;
  if (!(axes.energy > 0) || !(squares > 0))
    status = sb_fail(error, SB_INVALID, "the rows are all zero: there is nothing to learn");
  else
    model->participation = axes.energy * axes.energy / squares;
  sb_axes_free(&axes);
  return status;
}

/* On rows that the axes were not learnt from: a sample's last axes fit it too well. */
static void measure_axes(learning *l) {
  sb_model *model = l->model;
  for (size_t i = 0; i < model->axes; i++) {
    double sum = 0, squares = 0;
    for (size_t r = 0; r < l->held; r++) {
      double value = (double)l->held_y[r * l->stride + i];
      sum += value;
      squares += value * value;
    }
    double mean = sum / (double)l->held;
    model->mean[i] = (float)mean;
    l->energy[i] = squares / (double)l->held + 1e-30;
    l->variance[i] = fmax(squares / (double)l->held - mean * mean, 0) + 1e-30;
  }
}

/* Reverse water-filling: bits by axis for `total` in all; each b = max(0, log2(q v / theta) / 2). */
static void fill_bits(const learning *l, double total, double *bits) {
  double low = -200, high = 50; /* log2 of theta */
  for (int step = 0; step < 80; step++) {
    double level = (low + high) / 2, sum = 0;
    for (size_t i = 0; i < l->model->axes; i++) {
      bits[i] = fmax(0, (log2(l->energy[i] * l->variance[i]) - level) / 2);
      sum += bits[i];
    }
    if (sum > total)
      low = level;
    else
      high = level;
  }
}

/* Mean square of a score; q v summed over all axes. */
static double score_variance(const learning *l) {
  double sum = l->rest_axes ? l->rest * l->rest / (double)l->rest_axes : 0;
  for (size_t i = 0; i < l->model->axes; i++) sum += l->energy[i] * l->variance[i];
  return sum;
}

/* The correlation that codes of so many groups will have with the score. */
static double expected_rho(const learning *l, size_t groups) {
  double bits[SB_AXES_MAX], error = l->rest_axes ? l->rest * l->rest / (double)l->rest_axes : 0;
  fill_bits(l, (double)(BITS * groups), bits);
  for (size_t i = 0; i < l->model->axes; i++)
    error += l->energy[i] * l->variance[i] * fmin(1, bits[i] > 0 ? CENTROID_LOSS * exp2(-2 * bits[i]) : 1);
  return sqrt(fmax(0.01, 1 - error / score_variance(l)));
}

/* The cheapest number of groups: reading the codes at 40 GB/s against 12 ns a survivor. */
static void choose_groups(learning *l, size_t rows, size_t groups_max) {
  double best = INFINITY;
  sb_model *model = l->model;
  for (size_t groups = 8; groups <= groups_max; groups += 4) {
    model->rho[0] = expected_rho(l, groups);
    double cost = 0.75 * (double)groups * (double)rows / 40e9 + (double)sb_model_survivors(model, rows, 10) * 12e-9;
    if (cost >= best) continue;
    best = cost;
    model->groups = groups;
  }
}

/* Cuts at every 6 bits; each group has an axis at least. */
static void cut_groups(learning *l) {
  sb_model *model = l->model;
  double bits[SB_AXES_MAX], sum = 0;
  fill_bits(l, (double)(BITS * model->groups), bits);
  size_t axis = 0, groups = model->groups;
  for (size_t g = 0; g < groups; g++) {
    model->border[g] = (uint16_t)axis;
    do {
      sum += bits[axis++];
    } while (axis < model->axes - (groups - 1 - g) && bits[axis] > 0 &&
             sum + bits[axis] / 2 < (double)(BITS * (g + 1)));
  }
  model->border[groups] = (uint16_t)axis;
  model->code_axes = axis;
}

static sb_status find_centroids(learning *l, sb_error *error) {
  sb_model *model = l->model;
  float weight[SB_AXES_MAX];
  for (size_t i = 0; i < model->axes; i++) weight[i] = (float)(l->energy[i] / l->energy[0]);
  for (size_t g = 0; g < model->groups; g++) {
    size_t first = model->border[g], dims = model->border[g + 1] - first;
    sb_status status = sb_centroids_find(model->kernels, l->train_y + first, l->train, l->stride, dims, weight + first,
                                         model->centroids + first * SB_CODES, model->share + g * SB_CODES, error);
    if (status != SB_OK) return status;
    sb_centroids_weigh(model->centroids + first * SB_CODES, dims, weight + first, model->weighted + first * SB_CODES,
                       model->half_norms + g * SB_CODES);
  }
  return SB_OK;
}

static size_t line_axes_of(const sb_model *model, size_t nibbles) {
  size_t room = 2 * nibbles + 4 * (SB_LINE_CODES - nibbles);
  return room < model->axes ? room : model->axes;
}

/* The error of the estimate, with so many bytes of nibbles. */
static double line_error(const learning *l, size_t nibbles) {
  double sum = 0;
  for (size_t i = 0; i < l->model->axes; i++) {
    double share = i < 2 * nibbles ? ERROR_4 : i < line_axes_of(l->model, nibbles) ? ERROR_2 : 1;
    sum += l->energy[i] * l->variance[i] * share;
  }
  return sum;
}

static double query_energy(const learning *l, size_t axis) {
  return (1 - QUERY_NOISE) * l->energy[axis] + QUERY_NOISE * l->total / (double)l->model->dim;
}

/* The product of lengths is least where W^4 is the ratio of the errors' and the query's energies. */
static float bound_weight(const learning *l, size_t axis, double error) {
  return (float)sqrt(error * l->variance[axis] / query_energy(l, axis)) + 1e-20f;
}

static void split_line(learning *l) {
  sb_model *model = l->model;
  for (size_t nibbles = 1; nibbles <= SB_LINE_CODES; nibbles++)
    if (line_error(l, nibbles) < line_error(l, model->nibbles)) model->nibbles = nibbles;
  model->line_axes = line_axes_of(model, model->nibbles);
  for (size_t i = 0; i < model->axes; i++) {
    bool fine = i < 2 * model->nibbles;
    model->step[i] = (float)((fine ? STEP_4 : STEP_2) * sqrt(l->variance[i]));
    model->line_weight[i] = bound_weight(l, i, fine ? ERROR_4 : ERROR_2);
  }
}

/* An axis' error, as a share of its variance, without and with fine codes. */
typedef struct axis_error {
  double without, with;
} axis_error;
static axis_error error_of(const sb_model *model, size_t axis) {
  if (axis < 2 * model->nibbles) return (axis_error){ERROR_4, ERROR_4_FINE};
  if (axis < model->line_axes) return (axis_error){ERROR_2, ERROR_2_FINE};
  return (axis_error){1, ERROR_2};
}

/* Fine codes go where they take most from the bound, which is the sum of the axes' errors times the query's lengths there. */
static void choose_fine(learning *l, size_t bytes) {
  sb_model *model = l->model;
  size_t codes = 4 * (bytes - 2);
  double gain[SB_AXES_MAX];
  bool chosen[SB_AXES_MAX] = {0};
  for (size_t i = 0; i < model->axes; i++) {
    axis_error e = error_of(model, i);
    gain[i] = sqrt(query_energy(l, i) * l->variance[i]) * (sqrt(e.without) - sqrt(e.with));
    model->fine_weight[i] = bound_weight(l, i, e.without);
  }
  model->fine_bytes = bytes;
  for (size_t f = 0; f < codes; f++) {
    size_t best = SB_AXES_MAX;
    for (size_t i = 0; i < model->axes; i++)
      if (!chosen[i] && (best == SB_AXES_MAX || gain[i] > gain[best])) best = i;
    chosen[best] = true;
  }
  for (size_t i = 0; i < model->axes; i++) {
    double deviation = sqrt(l->variance[i]);
    if (!chosen[i]) continue;
    model->fine_axis[model->fine_codes++] = (uint16_t)i;
    model->fine_weight[i] = bound_weight(l, i, error_of(model, i).with);
    if (i < model->line_axes) {
      model->step[i] = (float)((i < 2 * model->nibbles ? STEP_4_REFINED : STEP_2_REFINED) * deviation);
      model->fine_step[i] = (float)STEP_FINE * model->step[i];
    } else {
      model->fine_step[i] = (float)(STEP_2 * deviation);
    }
  }
}

/* Axes that no code looks at are not projected on any more: panels lie one after another. */
static void drop_axes(sb_model *model) {
  size_t needed = model->code_axes > model->line_axes ? model->code_axes : model->line_axes;
  if (model->fine_codes && model->fine_axis[model->fine_codes - 1] >= needed)
    needed = model->fine_axis[model->fine_codes - 1] + (size_t)1;
  model->axes = (needed + SB_PANEL - 1) / SB_PANEL * SB_PANEL;
}

/* From the shortest seen to a quarter above the longest; what is longer yet stays uncoded. */
static sb_scale scale_of(double least, double most) {
  return (sb_scale){(float)least, (float)((1.25 * most - least) / SB_BOUND_MAX) + 1e-20f};
}

static void find_scales(learning *l) {
  sb_model *model = l->model;
  sb_row_lengths least = {0}, most = {0};
  double shortest = INFINITY, longest = 0;
  for (size_t r = 0; r < l->held; r++) {
    const float *x = l->sample + (l->train + r) * model->dim;
    double length2 = (double)model->kernels->dot_f32(x, x, model->dim);
    sb_row_code code;
    sb_row_lengths row;
    sb_line_encode(model, l->held_y + r * l->stride, length2, &code, &row);
    if (!r) least = most = row;
    least.line_error = fmin(least.line_error, row.line_error), most.line_error = fmax(most.line_error, row.line_error);
    least.line_rest = fmin(least.line_rest, row.line_rest), most.line_rest = fmax(most.line_rest, row.line_rest);
    least.fine_error = fmin(least.fine_error, row.fine_error), most.fine_error = fmax(most.fine_error, row.fine_error);
    least.fine_rest = fmin(least.fine_rest, row.fine_rest), most.fine_rest = fmax(most.fine_rest, row.fine_rest);
    most.fine = fmax(most.fine, row.fine);
    shortest = fmin(shortest, sqrt(length2)), longest = fmax(longest, fmax(sqrt(length2), row.line));
  }
  model->line_error = scale_of(least.line_error, most.line_error);
  model->line_rest = scale_of(least.line_rest, most.line_rest);
  model->fine_error = scale_of(least.fine_error, most.fine_error);
  model->fine_rest = scale_of(least.fine_rest, most.fine_rest);
  model->fine_max = (float)(1.25 * most.fine);
  model->length_max = (float)(longest + (longest - shortest) / 4 + longest / 20) + 1e-20f;
}

/* Sums for the correlation of an estimate with the score. */
typedef struct relation {
  double n, x, y, xx, yy, xy;
} relation;
static void relate(relation *r, double score, double estimate) {
  r->n++, r->x += score, r->y += estimate;
  r->xx += score * score, r->yy += estimate * estimate, r->xy += score * estimate;
}
static void conclude(const relation *r, double *rho, double *offset, double *slope, double *deviation) {
  double xx = r->xx - r->x * r->x / r->n, yy = r->yy - r->y * r->y / r->n, xy = r->xy - r->x * r->y / r->n;
  *rho = fmin(fmax(xy / sqrt(xx * yy + 1e-300), 0.05), 0.99999);
  *slope = fmin(fmax(xy / (xx + 1e-300), 0.05), 1);
  *offset = (r->y - *slope * r->x) / r->n;
  *deviation = sqrt(fmax(yy - *slope * xy, 0) / r->n);
}

/* Each of some held-out rows asks for all others. */
static sb_status measure_estimates(learning *l, sb_error *error) {
  enum { PROBES = 96 };
  sb_model *model = l->model;
  size_t blocks = l->held / SB_BLOCK_ROWS, block_bytes = sb_block_bytes(model->groups);
  uint8_t *room = sb_alloc(blocks * (block_bytes + SB_BLOCK_ROWS * SB_LINE_BYTES) + 64, 1, error);
  sb_probe *probe = aligned_alloc(64, (sizeof *probe + 63) / 64 * 64);
  if (!room || !probe) {
    free(room);
    free(probe);
    return sb_fail(error, SB_NO_MEMORY, "out of memory");
  }
  uint8_t *codes = room + (64 - (uintptr_t)room % 64) % 64, *lines = codes + blocks * block_bytes;
  for (size_t r = 0; r < blocks * SB_BLOCK_ROWS; r++) {
    sb_row_code code;
    sb_model_encode(model, l->held_y + r * l->stride, 0, &code);
    sb_block_write(codes + r / SB_BLOCK_ROWS * block_bytes, model->groups, r % SB_BLOCK_ROWS, &code);
    sb_line_write(lines, r, code.line);
  }
  relation first = {0}, second = {0};
  for (size_t p = 0; p < PROBES && p < l->held; p++) {
    const float *query = l->sample + (l->train + p) * model->dim, *y = l->held_y + p * l->stride;
    sb_probe_tables(model, y, probe);
    sb_probe_line(model, query, y, probe);
    for (size_t r = 0; r < blocks * SB_BLOCK_ROWS; r++) {
      int8_t scores[SB_BLOCK_ROWS];
      int32_t sum;
      const float *row = l->sample + (l->train + r) * model->dim;
      if (r == p) continue;
      double score = (double)model->kernels->dot_f32(query, row, model->dim);
      model->kernels->scores(codes + r / SB_BLOCK_ROWS * block_bytes, model->groups, probe->tables, 0, scores);
      model->kernels->lines_at(lines, &(uint32_t){(uint32_t)r}, 1, &probe->line, &sum);
      relate(&first, score, probe->centre + scores[r % SB_BLOCK_ROWS] * probe->sigma / SB_SIGMA);
      relate(&second, score, probe->line_zero + sum * probe->line_unit);
    }
  }
  conclude(&first, &model->rho[0], &model->offset[0], &model->slope[0], &model->deviation[0]);
  conclude(&second, &model->rho[1], &model->offset[1], &model->slope[1], &model->deviation[1]);
  free(room);
  free(probe);
  return SB_OK;
}

static sb_status learn(learning *l, size_t rows, size_t groups_max, size_t fine_bytes, sb_error *error) {
  sb_model *model = l->model;
  sb_status status = find_axes(l, error);
  if (status != SB_OK) return status;
  l->stride = model->axes;
  l->train_y = sb_alloc(l->train * model->axes, sizeof *l->train_y, error);
  l->held_y = sb_alloc(l->held * model->axes, sizeof *l->held_y, error);
  if (!l->train_y || !l->held_y) return SB_NO_MEMORY;
  sb_model_project(model, l->sample, l->train, l->train_y);
  sb_model_project(model, l->sample + l->train * model->dim, l->held, l->held_y);
  measure_axes(l);
  choose_groups(l, rows, groups_max);
  cut_groups(l);
  split_line(l);
  if (fine_bytes && model->axes >= 4 * (fine_bytes - 2)) choose_fine(l, fine_bytes);
  drop_axes(model);
  status = find_centroids(l, error);
  if (status == SB_OK) find_scales(l);
  if (status == SB_OK) status = measure_estimates(l, error);
  return status;
}

sb_status sb_model_learn(const sb_kernels *kernels, const float *sample, size_t count, size_t dim, size_t rows,
                         size_t groups_max, size_t fine_bytes, sb_model **out, sb_error *error) {
  size_t axes = dim < SB_AXES_MAX ? dim / SB_PANEL * SB_PANEL : SB_AXES_MAX;
  size_t held = count / 5 / SB_BLOCK_ROWS * SB_BLOCK_ROWS;
  if (axes < SB_PANEL || held < SB_BLOCK_ROWS || groups_max < 8)
    return sb_fail(error, SB_MISUSE, "too few rows or dimensions to learn from");
  while (groups_max > axes) groups_max -= 4;
  learning l = {.sample = sample, .train = count - held, .held = held};
  sb_status status = sb_model_new(kernels, dim, axes, &l.model, error);
  if (status != SB_OK) return status;
  status = learn(&l, rows, groups_max, fine_bytes, error);
  free(l.train_y);
  free(l.held_y);
  if (status == SB_OK)
    *out = l.model;
  else
    sb_model_free(l.model);
  return status;
}
