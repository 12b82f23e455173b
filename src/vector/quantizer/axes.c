/* Subspace iteration: multiply a basis by the covariance and orthonormalise it, five times; then diagonalise the
 * covariance within the subspace (Rayleigh-Ritz). The covariance itself is never formed. All products run through the
 * kernel `project`.
 */
#include "vector/quantizer/axes.h"

#include "vector/quantizer/xorshift.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Five rounds damp the part of axis i outside the subspace by (lambda_outside / lambda_i)^5. The leading axes, which
 * carry the codes, are then accurate to float32; the last ones are mixed among each other, which does no harm. */
enum { ROUNDS = 5, EXTRA = 32 };

/* Working memory. n: vectors of the basis, a multiple of SB_PANEL, of which the first `used` count and the others are
 * zero. */
typedef struct work {
  const sb_kernels *kernels;
  const float *sample;
  size_t rows, dim, n, used;
  float *transposed; /* the sample, dim x rows */
  float *basis;      /* n x dim */
  float *panels;     /* room for n x max(dim, rows) */
  float *product;    /* rows x n: the sample in the basis */
  float *image;      /* dim x n */
} work;

static sb_status work_new(work *w, sb_error *error) {
  size_t longer = w->dim > w->rows ? w->dim : w->rows;
  w->transposed = sb_alloc(w->rows * w->dim, sizeof(float), error);
  w->basis = sb_alloc(w->n * w->dim, sizeof(float), error);
  w->panels = sb_alloc(w->n * longer, sizeof(float), error);
  w->product = sb_alloc(w->rows * w->n, sizeof(float), error);
  w->image = sb_alloc(w->dim * w->n, sizeof(float), error);
  return w->transposed && w->basis && w->panels && w->product && w->image ? SB_OK : SB_NO_MEMORY;
}

static void work_free(work *w) {
  free(w->transposed);
  free(w->basis);
  free(w->panels);
  free(w->product);
  free(w->image);
}

/* out[c][r] = in[r][c], in small squares that fit the cache. */
static void transpose(const float *in, size_t rows, size_t columns, float *out) {
  enum { SQUARE = 32 };
  for (size_t r0 = 0; r0 < rows; r0 += SQUARE)
    for (size_t c0 = 0; c0 < columns; c0 += SQUARE)
      for (size_t r = r0; r < rows && r < r0 + SQUARE; r++)
        for (size_t c = c0; c < columns && c < c0 + SQUARE; c++) out[c * rows + r] = in[r * columns + c];
}

/* Rearranges the basis for `project`: panels[i / 32][j][i % 32] = basis[i][j]. */
static void panels_of_basis(work *w) {
  for (size_t i = 0; i < w->n; i++)
    for (size_t j = 0; j < w->dim; j++)
      w->panels[(i / SB_PANEL * w->dim + j) * SB_PANEL + i % SB_PANEL] = w->basis[i * w->dim + j];
}

/* Rearranges the columns of the product: panels[i / 32][r][i % 32] = product[r][i]. */
static void panels_of_product(work *w) {
  for (size_t p = 0; p < w->n / SB_PANEL; p++)
    for (size_t r = 0; r < w->rows; r++)
      memcpy(w->panels + (p * w->rows + r) * SB_PANEL, w->product + r * w->n + p * SB_PANEL, SB_PANEL * sizeof(float));
}

static void subtract(float *from, const float *axis, float share, size_t n) {
  for (size_t j = 0; j < n; j++) from[j] -= share * axis[j];
}

static void fill_randomly(float *axis, size_t n, uint64_t *state) {
  for (size_t j = 0; j < n; j++) axis[j] = (float)sb_xorshift_centred(state);
}

/* Gram-Schmidt, twice for each axis ("twice is enough": Parlett, "The symmetric eigenvalue problem", 6.9). An axis that
 * vanishes is replaced by a random one. */
static void orthonormalise(work *w, uint64_t *state) {
  for (size_t i = 0; i < w->used; i++) {
    float *axis = w->basis + i * w->dim;
    for (int pass = 0; pass < 2;) {
      float before = sqrtf(w->kernels->dot_f32(axis, axis, w->dim));
      for (size_t k = 0; k < i; k++) {
        const float *other = w->basis + k * w->dim;
        subtract(axis, other, w->kernels->dot_f32(axis, other, w->dim), w->dim);
      }
      float length = sqrtf(w->kernels->dot_f32(axis, axis, w->dim));
      if (!(length > 1e-5f * before) || !(length > 1e-30f)) {
        fill_randomly(axis, w->dim, state);
        pass = 0;
        continue;
      }
      for (size_t j = 0; j < w->dim; j++) axis[j] /= length;
      pass++;
    }
  }
}

/* basis = covariance * basis, but for a factor */
static void multiply(work *w) {
  panels_of_basis(w);
  w->kernels->project(w->panels, w->n / SB_PANEL, w->dim, w->sample, w->rows, w->product, w->n);
  panels_of_product(w);
  w->kernels->project(w->panels, w->n / SB_PANEL, w->rows, w->transposed, w->dim, w->image, w->n);
  transpose(w->image, w->dim, w->n, w->basis);
}

/* Rotates the basis within its subspace, so that it diagonalises the covariance there. */
static sb_status diagonalise(work *w, double *values, sb_error *error) {
  size_t n = w->used;
  double *small = sb_alloc(n * n, sizeof *small, error), *vectors = sb_alloc(n * n, sizeof *vectors, error);
  float *columns = sb_alloc(w->n * w->rows, sizeof *columns, error), *old = sb_alloc(n * w->dim, sizeof *old, error);
  float *inner = sb_alloc(w->n * w->n, sizeof *inner, error);
  sb_status status = small && vectors && columns && old && inner ? SB_OK : SB_NO_MEMORY;
  if (status == SB_OK) {
    panels_of_basis(w);
    w->kernels->project(w->panels, w->n / SB_PANEL, w->dim, w->sample, w->rows, w->product, w->n);
    panels_of_product(w);
    transpose(w->product, w->rows, w->n, columns);
    w->kernels->project(w->panels, w->n / SB_PANEL, w->rows, columns, w->n, inner, w->n);
    for (size_t i = 0; i < n; i++)
      for (size_t j = 0; j < n; j++)
        small[i * n + j] = ((double)inner[i * w->n + j] + (double)inner[j * w->n + i]) / 2 / (double)w->rows;
    sb_jacobi(small, n, values, vectors);
    memcpy(old, w->basis, n * w->dim * sizeof *old);
    memset(w->basis, 0, n * w->dim * sizeof *w->basis);
    for (size_t i = 0; i < n; i++)
      for (size_t k = 0; k < n; k++)
        subtract(w->basis + i * w->dim, old + k * w->dim, -(float)vectors[i * n + k], w->dim);
  }
  free(small);
  free(vectors);
  free(columns);
  free(old);
  free(inner);
  return status;
}

static double mean_square_length(const work *w) {
  double sum = 0;
  for (size_t r = 0; r < w->rows; r++)
    sum += (double)w->kernels->dot_f32(w->sample + r * w->dim, w->sample + r * w->dim, w->dim);
  return sum / (double)w->rows;
}

sb_status sb_axes_find(const sb_kernels *kernels, const float *sample, size_t rows, size_t dim, size_t wanted,
                       sb_axes *out, sb_error *error) {
  size_t used = wanted + EXTRA < dim ? wanted + EXTRA : dim;
  work w = {.kernels = kernels, .sample = sample, .rows = rows, .dim = dim, .used = used};
  uint64_t state = 0x9e3779b97f4a7c15u;
  w.n = (used + SB_PANEL - 1) / SB_PANEL * SB_PANEL; /* vectors beyond `used` stay zero */
  sb_status status = work_new(&w, error);
  double *values = sb_alloc(used, sizeof *values, error);
  if (!values) status = SB_NO_MEMORY;
  if (status != SB_OK) goto done;
  transpose(sample, rows, dim, w.transposed);
  fill_randomly(w.basis, used * dim, &state);
  for (int round = 0; round < ROUNDS; round++) {
    orthonormalise(&w, &state);
    multiply(&w);
  }
  orthonormalise(&w, &state);
  status = diagonalise(&w, values, error);
  if (status != SB_OK) goto done;
  orthonormalise(&w, &state); /* the rotation has cost some float32 rounding */
  *out = (sb_axes){.count = wanted < used ? wanted : used,
                   .dim = dim,
                   .axes = w.basis,
                   .eigenvalues = values,
                   .energy = mean_square_length(&w)};
  w.basis = NULL;
  values = NULL;
done:
  work_free(&w);
  free(values);
  return status;
}

void sb_axes_free(sb_axes *axes) {
  free(axes->axes);
  free(axes->eigenvalues);
  *axes = (sb_axes){0};
}
