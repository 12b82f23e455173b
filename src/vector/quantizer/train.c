/* Training, step by step:
 *
 *   1. find_axes          PCA: principal axes of the training rows (axes.h)
 *   2. measure_axes       mean, variance and mean square on each axis, of the held-out rows; measure_tail
 *   3. choose_subspaces   length of the PQ code: the one with the least estimated search time
 *   4. cut_subspaces      axes divided into subspaces of 6 bits each, by reverse water-filling (quantizer.h)
 *   5. split_refinement   how many axes get 4 bits in the refinement code, how many 2
 *   6. choose_residual    the axes of the residual code: those where it narrows the bounds most
 *   7. drop_axes          axes that no code uses are not projected any more
 *   8. find_centroids     PQ codebooks by k-means (centroids.h)
 *   9. find_scales        ranges of the lengths that the bounds need
 *  10. measure_estimates  how well both estimates predict scores (rho, offset, slope, deviation)
 *
 * Four fifths of the sample are the training rows. The last fifth is held out: axes and codes fit the rows that they
 * were trained on too well, so everything that is measured is measured on the others. They also serve as queries, with
 * the query tail put in (sb_index_options.query_tail). */
#include "vector/quantizer/train.h"

#include "vector/quantizer/axes.h"
#include "vector/quantizer/centroids.h"
#include "vector/quantizer/normal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Uniform quantizers of 16 and 4 levels for a normal variable: the best steps, in standard deviations, and their mean
 * square errors, as shares of the variance (Max, "Quantizing for minimum distortion", IRE Transactions on Information
 * Theory 6, 1960). */
#define STEP_4 0.335
#define STEP_2 0.996
#define ERROR_4 0.01154
#define ERROR_2 0.1188
/* The same where two bits more follow in the residual code: steps that lose a little in the refinement code and gain
 * more in the residual code, the residual code's step as a share of them, and the error of both together (measured on
 * normal variables). */
#define STEP_4_REFINED 0.365
#define STEP_2_REFINED 1.08
#define STEP_RESIDUAL 0.26
#define ERROR_4_RESIDUAL 0.0014
#define ERROR_2_RESIDUAL 0.0166
/* Queries are other photos than the stored ones: this share of their energy is spread evenly over all directions. */
#define QUERY_NOISE 0.1
/* Mean square error of 64 centroids relative to the rate-distortion bound. */
#define CENTROID_LOSS 1.45
enum { BITS = 6, ESTIMATE_QUERIES = 96 };

/* State of one training run. Arrays are by axis. */
typedef struct run {
  sb_quantizer *quantizer;
  const float *sample;
  size_t train_rows, held_rows;                      /* the first ones; the held-out rest */
  size_t stride;                                     /* of the projections */
  float *train_y, *held_y;                           /* projections */
  float *queries, *query_y;                          /* the held-out rows as queries, and their projections */
  double variance[SB_AXES_MAX], energy[SB_AXES_MAX]; /* of rows about the mean; mean square of queries */
  const float *tail; /* of queries, and what it makes of a row's score: mean and variance */
  size_t tail_count;
  double tail_mean, tail_variance;
  double rest, total; /* mean square length outside the axes, and in total */
  size_t rest_axes;   /* dimensions outside the axes */
} run;

/* Copies the axes into the quantizer and measures how far they are from orthonormal. */
static void set_axes(sb_quantizer *quantizer, const sb_axes *axes) {
  size_t dim = quantizer->dim;
  for (size_t i = 0; i < axes->count; i++) {
    const float *axis = axes->axes + i * dim;
    double row = 0;
    for (size_t j = 0; j < dim; j++) quantizer->panels[(i / SB_PANEL * dim + j) * SB_PANEL + i % SB_PANEL] = axis[j];
    for (size_t k = 0; k < axes->count; k++)
      row += fabs((double)quantizer->kernels->dot_f32(axis, axes->axes + k * dim, dim) - (i == k));
    quantizer->defect = fmax(quantizer->defect, row);
  }
}

static sb_status find_axes(run *t, sb_error *error) {
  sb_quantizer *quantizer = t->quantizer;
  sb_axes axes = {0};
  sb_status status =
      sb_axes_find(quantizer->kernels, t->sample, t->train_rows, quantizer->dim, quantizer->axes, &axes, error);
  if (status != SB_OK) return status;
  set_axes(quantizer, &axes);
  double sum = 0, squares = 0;
  for (size_t i = 0; i < axes.count; i++) {
    sum += axes.eigenvalues[i];
    squares += axes.eigenvalues[i] * axes.eigenvalues[i];
  }
  t->rest = fmax(axes.energy - sum, 0);
  t->total = axes.energy;
  t->rest_axes = quantizer->dim - axes.count;
  if (t->rest_axes) squares += t->rest * t->rest / (double)t->rest_axes;
  if (!(axes.energy > 0) || !(squares > 0))
    status = sb_fail(error, SB_INVALID, "all rows are zero");
  else
    quantizer->participation = axes.energy * axes.energy / squares;
  sb_axes_free(&axes);
  return status;
}

/* On held-out rows: the last axes of a sample fit the sample itself too well. */
static void measure_axes(run *t) {
  sb_quantizer *quantizer = t->quantizer;
  for (size_t i = 0; i < quantizer->axes; i++) {
    double sum = 0, squares = 0, query_squares = 0;
    for (size_t r = 0; r < t->held_rows; r++) {
      double value = (double)t->held_y[r * t->stride + i], query = (double)t->query_y[r * t->stride + i];
      sum += value;
      squares += value * value;
      query_squares += query * query;
    }
    double mean = sum / (double)t->held_rows;
    quantizer->mean[i] = (float)mean;
    t->energy[i] = query_squares / (double)t->held_rows + 1e-30;
    t->variance[i] = fmax(squares / (double)t->held_rows - mean * mean, 0) + 1e-30;
  }
}

/* What a row's score owes to its last coordinates, where all queries are alike. */
static double tail_score(const run *t, const float *row) {
  double sum = 0;
  for (size_t i = 0; i < t->tail_count; i++)
    sum += (double)t->tail[i] * (double)row[t->quantizer->dim - t->tail_count + i];
  return sum;
}

static void measure_tail(run *t) {
  double sum = 0, squares = 0;
  for (size_t r = 0; t->tail_count && r < t->held_rows; r++) {
    double score = tail_score(t, t->sample + (t->train_rows + r) * t->quantizer->dim);
    sum += score;
    squares += score * score;
  }
  t->tail_mean = sum / (double)t->held_rows;
  t->tail_variance = fmax(squares / (double)t->held_rows - t->tail_mean * t->tail_mean, 0);
}

/* ---- PQ code */

/* Reverse water-filling: divides `total` bits among the axes, b = max(0, log2(q v / theta) / 2), by bisection for
 * theta. */
static void fill_bits(const run *t, double total, double *bits) {
  double low = -200, high = 50; /* log2 of theta */
  for (int step = 0; step < 80; step++) {
    double level = (low + high) / 2, sum = 0;
    for (size_t i = 0; i < t->quantizer->axes; i++) {
      bits[i] = fmax(0, (log2(t->energy[i] * t->variance[i]) - level) / 2);
      sum += bits[i];
    }
    if (sum > total)
      low = level;
    else
      high = level;
  }
}

/* Mean square of q v over the dimensions outside the axes. */
static double rest_variance(const run *t) {
  return t->rest_axes ? t->rest * t->rest / (double)t->rest_axes : 0;
}

/* Mean square of a score: q v, summed over all axes; without the tail's part, which codes represent nearly exactly: a
 * row's tail says nothing about how well the rest of its score is estimated. */
static double score_variance(const run *t) {
  double sum = rest_variance(t);
  for (size_t i = 0; i < t->quantizer->axes; i++) sum += t->energy[i] * t->variance[i];
  return fmax(sum - t->tail_variance, 0.1 * sum);
}

/* The correlation with the score that an estimate from so many subspaces will have. */
static double expected_rho(const run *t, size_t subspaces) {
  double bits[SB_AXES_MAX], error = rest_variance(t);
  fill_bits(t, (double)(BITS * subspaces), bits);
  for (size_t i = 0; i < t->quantizer->axes; i++)
    error += t->energy[i] * t->variance[i] * fmin(1, bits[i] > 0 ? CENTROID_LOSS * exp2(-2 * bits[i]) : 1);
  return sqrt(fmax(0.01, 1 - error / score_variance(t)));
}

/* Chooses the number of subspaces with the least search time: reading the codes at 40 GB/s plus 12 ns for each
 * survivor. */
static void choose_subspaces(run *t, size_t rows, size_t subspaces_max) {
  double best = INFINITY;
  sb_quantizer *quantizer = t->quantizer;
  for (size_t subspaces = 8; subspaces <= subspaces_max; subspaces += 4) {
    quantizer->rho[0] = expected_rho(t, subspaces);
    double cost =
        0.75 * (double)subspaces * (double)rows / 40e9 + (double)sb_quantizer_survivors(quantizer, rows, 10) * 12e-9;
    if (cost >= best) continue;
    best = cost;
    quantizer->subspaces = subspaces;
  }
}

/* Starts a new subspace at every 6 bits; each has at least one axis. */
static void cut_subspaces(run *t) {
  sb_quantizer *quantizer = t->quantizer;
  double bits[SB_AXES_MAX], sum = 0;
  fill_bits(t, (double)(BITS * quantizer->subspaces), bits);
  size_t axis = 0, subspaces = quantizer->subspaces;
  for (size_t g = 0; g < subspaces; g++) {
    quantizer->subspace_start[g] = (uint16_t)axis;
    do {
      sum += bits[axis++];
    } while (axis < quantizer->axes - (subspaces - 1 - g) && bits[axis] > 0 &&
             sum + bits[axis] / 2 < (double)(BITS * (g + 1)));
  }
  quantizer->subspace_start[subspaces] = (uint16_t)axis;
  quantizer->code_axes = axis;
}

static sb_status find_centroids(run *t, sb_error *error) {
  sb_quantizer *quantizer = t->quantizer;
  float weight[SB_AXES_MAX];
  for (size_t i = 0; i < quantizer->axes; i++) weight[i] = (float)(t->energy[i] / t->energy[0]);
  for (size_t g = 0; g < quantizer->subspaces; g++) {
    size_t first = quantizer->subspace_start[g], dims = quantizer->subspace_start[g + 1] - first;
    const sb_centroids_points points = {t->train_y + first, t->train_rows, t->stride, dims, weight + first};
    float *centroids = quantizer->centroids + first * SB_CENTROIDS;
    sb_status status =
        sb_centroids_find(quantizer->kernels, &points, centroids, quantizer->centroid_share + g * SB_CENTROIDS, error);
    if (status != SB_OK) return status;
    sb_centroids_weigh(centroids, dims, weight + first, quantizer->weighted + first * SB_CENTROIDS,
                       quantizer->half_norms + g * SB_CENTROIDS);
  }
  return SB_OK;
}

/* ---- Refinement and residual code */

static size_t refine_axes_of(const sb_quantizer *quantizer, size_t nibbles) {
  size_t room = 2 * nibbles + 4 * (SB_REFINEMENT_CODE_BYTES - nibbles);
  return room < quantizer->axes ? room : quantizer->axes;
}

/* Mean square error of the estimate with so many bytes of 4-bit codes. */
static double estimate_error(const run *t, size_t nibbles) {
  double sum = 0;
  for (size_t i = 0; i < t->quantizer->axes; i++) {
    double share = i < 2 * nibbles ? ERROR_4 : i < refine_axes_of(t->quantizer, nibbles) ? ERROR_2 : 1;
    sum += t->energy[i] * t->variance[i] * share;
  }
  return sum;
}

/* Mean square of queries on an axis. */
static double query_energy(const run *t, size_t axis) {
  return (1 - QUERY_NOISE) * t->energy[axis] + QUERY_NOISE * t->total / (double)t->quantizer->dim;
}

/* W^2 for the bounds: |W q| |error / W| is least where W^4 is the ratio of the error's and the query's energy. */
static float bound_weight(const run *t, size_t axis, double error) {
  return (float)sqrt(error * t->variance[axis] / query_energy(t, axis)) + 1e-20f;
}

static void split_refinement(run *t) {
  sb_quantizer *quantizer = t->quantizer;
  for (size_t nibbles = 1; nibbles <= SB_REFINEMENT_CODE_BYTES; nibbles++)
    if (estimate_error(t, nibbles) < estimate_error(t, quantizer->nibbles)) quantizer->nibbles = nibbles;
  quantizer->refine_axes = refine_axes_of(quantizer, quantizer->nibbles);
  for (size_t i = 0; i < quantizer->axes; i++) {
    bool four_bits = i < 2 * quantizer->nibbles;
    quantizer->step[i] = (float)((four_bits ? STEP_4 : STEP_2) * sqrt(t->variance[i]));
    quantizer->refine_weight[i] = bound_weight(t, i, four_bits ? ERROR_4 : ERROR_2);
  }
}

/* An axis' coding error, as a share of its variance, without and with a residual code. */
typedef struct axis_error {
  double without, with;
} axis_error;
static axis_error error_of(const sb_quantizer *quantizer, size_t axis) {
  if (axis < 2 * quantizer->nibbles) return (axis_error){ERROR_4, ERROR_4_RESIDUAL};
  if (axis < quantizer->refine_axes) return (axis_error){ERROR_2, ERROR_2_RESIDUAL};
  return (axis_error){1, ERROR_2};
}

/* Gives residual codes to the axes where they reduce the bound most. The bound is the sum over the axes of error times
 * query length. */
static void choose_residual(run *t, size_t bytes) {
  sb_quantizer *quantizer = t->quantizer;
  size_t codes = 4 * (bytes - 2);
  double gain[SB_AXES_MAX];
  bool chosen[SB_AXES_MAX] = {0};
  for (size_t i = 0; i < quantizer->axes; i++) {
    axis_error e = error_of(quantizer, i);
    gain[i] = sqrt(query_energy(t, i) * t->variance[i]) * (sqrt(e.without) - sqrt(e.with));
    quantizer->residual_weight[i] = bound_weight(t, i, e.without);
  }
  quantizer->residual_bytes = bytes;
  for (size_t f = 0; f < codes; f++) {
    size_t best = SB_AXES_MAX;
    for (size_t i = 0; i < quantizer->axes; i++)
      if (!chosen[i] && (best == SB_AXES_MAX || gain[i] > gain[best])) best = i;
    chosen[best] = true;
  }
  for (size_t i = 0; i < quantizer->axes; i++) {
    double deviation = sqrt(t->variance[i]);
    if (!chosen[i]) continue;
    quantizer->residual_axis[quantizer->residual_codes++] = (uint16_t)i;
    quantizer->residual_weight[i] = bound_weight(t, i, error_of(quantizer, i).with);
    if (i < quantizer->refine_axes) {
      quantizer->step[i] = (float)((i < 2 * quantizer->nibbles ? STEP_4_REFINED : STEP_2_REFINED) * deviation);
      quantizer->residual_step[i] = (float)STEP_RESIDUAL * quantizer->step[i];
    } else {
      quantizer->residual_step[i] = (float)(STEP_2 * deviation);
    }
  }
}

/* Possible because the panels of the axes are stored one after another. */
static void drop_axes(sb_quantizer *quantizer) {
  size_t needed = quantizer->code_axes > quantizer->refine_axes ? quantizer->code_axes : quantizer->refine_axes;
  size_t codes = quantizer->residual_codes;
  if (codes && quantizer->residual_axis[codes - 1] >= needed) needed = quantizer->residual_axis[codes - 1] + (size_t)1;
  quantizer->axes = (needed + SB_PANEL - 1) / SB_PANEL * SB_PANEL;
}

/* ---- Measuring on held-out rows */

/* The least and greatest of a length; a scale reaches from the least to a quarter above the greatest. Rows beyond stay
 * uncoded. */
typedef struct range {
  double least, most;
} range;
static void extend(range *r, bool first, double value) {
  r->least = first ? value : fmin(r->least, value);
  r->most = first ? value : fmax(r->most, value);
}
static sb_quantizer_scale scale_of(const range *r) {
  return (sb_quantizer_scale){(float)r->least, (float)((1.25 * r->most - r->least) / SB_BOUND_MAX) + 1e-20f};
}

static void find_scales(run *t) {
  sb_quantizer *quantizer = t->quantizer;
  range refine_error = {0}, refine_rest = {0}, residual_error = {0}, residual_rest = {0};
  double shortest = INFINITY, longest = 0, residual = 0;
  for (size_t r = 0; r < t->held_rows; r++) {
    const float *x = t->sample + (t->train_rows + r) * quantizer->dim;
    double length2 = (double)quantizer->kernels->dot_f32(x, x, quantizer->dim);
    sb_quantizer_codes codes;
    sb_quantizer_lengths row;
    sb_quantizer_encode_scalar(quantizer, t->held_y + r * t->stride, length2, &codes, &row);
    extend(&refine_error, !r, row.refine_error);
    extend(&refine_rest, !r, row.refine_rest);
    extend(&residual_error, !r, row.residual_error);
    extend(&residual_rest, !r, row.residual_rest);
    residual = fmax(residual, row.residual);
    shortest = fmin(shortest, sqrt(length2)), longest = fmax(longest, fmax(sqrt(length2), row.refine));
  }
  quantizer->refine_error = scale_of(&refine_error);
  quantizer->refine_rest = scale_of(&refine_rest);
  quantizer->residual_error = scale_of(&residual_error);
  quantizer->residual_rest = scale_of(&residual_rest);
  quantizer->residual_max = (float)(1.25 * residual);
  quantizer->length_max = (float)(longest + (longest - shortest) / 4 + longest / 20) + 1e-20f;
}

/* Linear regression of estimates on scores. */
typedef struct regression {
  double n, x, y, xx, yy, xy;
} regression;
static void add_pair(regression *r, double score, double estimate) {
  r->n++, r->x += score, r->y += estimate;
  r->xx += score * score, r->yy += estimate * estimate, r->xy += score * estimate;
}
/* The tail's part of a score passes into the estimate as it is: of score = rest + tail, estimate = offset + slope *
 * rest + tail = offset + slope * score + (1 - slope) * tail. */
static void conclude(const regression *r, const run *t, int stage) {
  sb_quantizer *quantizer = t->quantizer;
  double xx = r->xx - r->x * r->x / r->n, yy = r->yy - r->y * r->y / r->n, xy = r->xy - r->x * r->y / r->n;
  double slope = fmin(fmax(xy / (xx + 1e-300), 0.05), 1);
  quantizer->rho[stage] = fmin(fmax(xy / sqrt(xx * yy + 1e-300), 0.05), 0.99999);
  quantizer->slope[stage] = slope;
  quantizer->offset[stage] = (r->y - slope * r->x) / r->n + (1 - slope) * t->tail_mean;
  quantizer->deviation[stage] = sqrt(fmax(yy - slope * xy, 0) / r->n + (1 - slope) * (1 - slope) * t->tail_variance);
}

/* The held-out rows as codes. */
typedef struct coded_sample {
  size_t rows, block_bytes;
  const uint8_t *codes, *refinement;
} coded_sample;

/* Estimates the scores of one held-out row, as the query, with all others, apart from the tail's part. */
static void estimate_all(const run *t, const coded_sample *coded, size_t query_row, sb_quantizer_query *prepared,
                         regression sums[2]) {
  const sb_quantizer *quantizer = t->quantizer;
  const float *held = t->sample + t->train_rows * quantizer->dim, *query = t->queries + query_row * quantizer->dim,
              *y = t->query_y + query_row * t->stride;
  sb_quantizer_query_tables(quantizer, y, prepared);
  sb_quantizer_query_estimate(quantizer, query, y, prepared);
  for (size_t r = 0; r < coded->rows; r++) {
    int8_t scores[SB_BLOCK_ROWS];
    int32_t sum;
    if (r == query_row) continue;
    double tail = tail_score(t, held + r * quantizer->dim);
    double score = (double)quantizer->kernels->dot_f32(query, held + r * quantizer->dim, quantizer->dim) - tail;
    quantizer->kernels->score_block(coded->codes + r / SB_BLOCK_ROWS * coded->block_bytes, quantizer->subspaces,
                                    prepared->tables, 0, scores);
    quantizer->kernels->refine_at(coded->refinement, &(uint32_t){(uint32_t)r}, 1, &prepared->refine, &sum);
    add_pair(&sums[0], score, prepared->centre + scores[r % SB_BLOCK_ROWS] * prepared->sigma / SB_TABLE_SIGMA - tail);
    add_pair(&sums[1], score, prepared->refine_zero + sum * prepared->refine_unit - tail);
  }
}

static sb_status measure_estimates(run *t, sb_error *error) {
  sb_quantizer *quantizer = t->quantizer;
  size_t blocks = t->held_rows / SB_BLOCK_ROWS, block_bytes = sb_kernels_block_bytes(quantizer->subspaces);
  uint8_t *room = sb_alloc(blocks * (block_bytes + (size_t)SB_BLOCK_ROWS * SB_REFINEMENT_BYTES) + 64, 1, error);
  sb_quantizer_query *prepared = aligned_alloc(64, (sizeof *prepared + 63) / 64 * 64);
  if (!room || !prepared) {
    free(room);
    free(prepared);
    return sb_fail(error, SB_NO_MEMORY, "out of memory");
  }
  uint8_t *codes = room + (64 - (uintptr_t)room % 64) % 64, *refinement = codes + blocks * block_bytes;
  for (size_t r = 0; r < blocks * SB_BLOCK_ROWS; r++) {
    sb_quantizer_codes row;
    sb_quantizer_encode(quantizer, t->held_y + r * t->stride, 0, &row);
    sb_quantizer_block_write(codes + r / SB_BLOCK_ROWS * block_bytes, quantizer->subspaces, r % SB_BLOCK_ROWS, &row);
    sb_quantizer_refinement_write(refinement, r, row.refinement);
  }
  const coded_sample coded = {blocks * SB_BLOCK_ROWS, block_bytes, codes, refinement};
  regression sums[2] = {0};
  for (size_t q = 0; q < ESTIMATE_QUERIES && q < t->held_rows; q++) estimate_all(t, &coded, q, prepared, sums);
  conclude(&sums[0], t, 0);
  conclude(&sums[1], t, 1);
  free(room);
  free(prepared);
  return SB_OK;
}

/* ---- All steps */

static sb_status project_sample(run *t, sb_error *error) {
  sb_quantizer *quantizer = t->quantizer;
  const size_t dim = quantizer->dim, tail = t->tail_count;
  const float *held = t->sample + t->train_rows * dim;
  t->stride = quantizer->axes;
  t->train_y = sb_alloc(t->train_rows * quantizer->axes, sizeof *t->train_y, error);
  t->held_y = sb_alloc(t->held_rows * quantizer->axes, sizeof *t->held_y, error);
  t->query_y = sb_alloc(t->held_rows * quantizer->axes, sizeof *t->query_y, error);
  t->queries = sb_alloc(t->held_rows * dim, sizeof *t->queries, error);
  if (!t->train_y || !t->held_y || !t->query_y || !t->queries) return SB_NO_MEMORY;
  memcpy(t->queries, held, t->held_rows * dim * sizeof *held);
  for (size_t r = 0; tail && r < t->held_rows; r++)
    memcpy(t->queries + (r + 1) * dim - tail, t->tail, tail * sizeof *held);
  sb_quantizer_project(quantizer, t->sample, t->train_rows, t->train_y);
  sb_quantizer_project(quantizer, held, t->held_rows, t->held_y);
  sb_quantizer_project(quantizer, t->queries, t->held_rows, t->query_y);
  return SB_OK;
}

static sb_status train(run *t, const sb_quantizer_training *training, size_t subspaces_max, sb_error *error) {
  sb_status status = find_axes(t, error);
  if (status != SB_OK) return status;
  status = project_sample(t, error);
  if (status != SB_OK) return status;
  measure_axes(t);
  measure_tail(t);
  choose_subspaces(t, training->rows, subspaces_max);
  cut_subspaces(t);
  split_refinement(t);
  if (training->residual_bytes && t->quantizer->axes >= 4 * (training->residual_bytes - 2))
    choose_residual(t, training->residual_bytes);
  drop_axes(t->quantizer);
  status = find_centroids(t, error);
  if (status != SB_OK) return status;
  find_scales(t);
  return measure_estimates(t, error);
}

sb_status sb_quantizer_train(const sb_quantizer_training *training, sb_quantizer **out, sb_error *error) {
  size_t axes = training->dim < SB_AXES_MAX ? training->dim / SB_PANEL * SB_PANEL : SB_AXES_MAX;
  size_t held = training->count / 5 / SB_BLOCK_ROWS * SB_BLOCK_ROWS, subspaces_max = training->subspaces_max;
  if (axes < SB_PANEL || held < SB_BLOCK_ROWS || subspaces_max < 8)
    return sb_fail(error, SB_MISUSE, "too few rows or dimensions to train on");
  while (subspaces_max > axes) subspaces_max -= 4;
  run t = {.sample = training->sample,
           .train_rows = training->count - held,
           .held_rows = held,
           .tail = training->query_tail,
           .tail_count = training->query_tail_count};
  sb_status status = sb_quantizer_new(training->kernels, training->dim, axes, &t.quantizer, error);
  if (status != SB_OK) return status;
  status = train(&t, training, subspaces_max, error);
  free(t.train_y);
  free(t.held_y);
  free(t.queries);
  free(t.query_y);
  if (status == SB_OK)
    *out = t.quantizer;
  else
    sb_quantizer_free(t.quantizer);
  return status;
}
