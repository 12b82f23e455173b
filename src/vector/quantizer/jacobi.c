/* Eigenvalues of a symmetric matrix by the cyclic Jacobi method (Golub, Van Loan, "Matrix computations", chapter 8):
 * slow for thousands of rows, accurate and short for hundreds. */
#include "vector/quantizer/axes.h"

#include <math.h>
#include <string.h>

enum { SWEEPS_MAX = 30 };

static double off_diagonal(const double *m, size_t n) {
  double sum = 0;
  for (size_t i = 0; i < n; i++)
    for (size_t j = i + 1; j < n; j++) sum += m[i * n + j] * m[i * n + j];
  return sum;
}

/* Rotates rows p and q of a matrix by the angle with cosine c and sine s. */
static void rotate_rows(double *a, size_t n, size_t p, size_t q, double c, double s) {
  double *x = a + p * n, *y = a + q * n;
  for (size_t i = 0; i < n; i++) {
    double xi = x[i], yi = y[i];
    x[i] = c * xi - s * yi;
    y[i] = s * xi + c * yi;
  }
}

/* Rotates so that m[p][q] becomes zero: the tangent t of the angle is the smaller root of t^2 + 2 t theta - 1 = 0. */
static void rotate(double *m, size_t n, size_t p, size_t q, double *vectors) {
  double apq = m[p * n + q];
  double theta = (m[q * n + q] - m[p * n + p]) / (2 * apq);
  double t = (theta >= 0 ? 1 : -1) / (fabs(theta) + sqrt(theta * theta + 1));
  double c = 1 / sqrt(t * t + 1), s = t * c;
  rotate_rows(m, n, p, q, c, s);
  for (size_t i = 0; i < n; i++) {
    double *row = m + i * n, x = row[p], y = row[q];
    row[p] = c * x - s * y;
    row[q] = s * x + c * y;
  }
  rotate_rows(vectors, n, p, q, c, s);
}

static void swap_rows(double *a, size_t n, size_t p, size_t q) {
  for (size_t i = 0; i < n; i++) {
    double keep = a[p * n + i];
    a[p * n + i] = a[q * n + i];
    a[q * n + i] = keep;
  }
}

void sb_jacobi(double *matrix, size_t n, double *values, double *vectors) {
  memset(vectors, 0, n * n * sizeof *vectors);
  double trace = 0;
  for (size_t i = 0; i < n; i++) vectors[i * n + i] = 1, trace += fabs(matrix[i * n + i]);
  for (int sweep = 0; sweep < SWEEPS_MAX && off_diagonal(matrix, n) > 1e-20 * trace * trace; sweep++)
    for (size_t p = 0; p < n; p++)
      for (size_t q = p + 1; q < n; q++)
        if (fabs(matrix[p * n + q]) > 1e-14 * trace) rotate(matrix, n, p, q, vectors);
  for (size_t i = 0; i < n; i++) values[i] = matrix[i * n + i];
  for (size_t i = 0; i < n; i++) {
    size_t best = i;
    for (size_t j = i + 1; j < n; j++) best = values[j] > values[best] ? j : best;
    double keep = values[i];
    values[i] = values[best];
    values[best] = keep;
    if (best != i) swap_rows(vectors, n, i, best);
  }
}
