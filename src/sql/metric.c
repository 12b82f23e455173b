/* Inner product, cosine and distance of SQL's vectors, over the kernels of src/vector. */
#include "sql/values.h"
#include "vector/vector.h"

#include <math.h>
#include <string.h>

const char *sb_measure_name(sb_measure measure) {
  static const char *const names[] = {"dot", "cosine", "l2"};
  return names[measure];
}

/* The kernels take any alignment; the type of their parameters promises more than they need. */
static const float *floats(const void *bytes) {
  return bytes;
}

/* The differences are squared, not |a|^2 + |b|^2 - 2ab, which loses all digits where the vectors are close. */
static double squared_distance(const uint8_t *a, const uint8_t *b, size_t dim) {
  enum { CHUNK = 256 };
  float x[CHUNK], y[CHUNK];
  double sum = 0;
  for (size_t from = 0; from < dim; from += CHUNK) {
    size_t n = dim - from < CHUNK ? dim - from : CHUNK;
    memcpy(x, a + from * sizeof *x, n * sizeof *x);
    memcpy(y, b + from * sizeof *y, n * sizeof *y);
    for (size_t i = 0; i < n; i++) x[i] -= y[i];
    sum += (double)sb_dot(x, x, n);
  }
  return sum;
}

/* NaN where a vector is zero or a sum is no number. */
static double cosine(double product, double squared_a, double squared_b) {
  double length = sqrt(squared_a) * sqrt(squared_b);
  return length > 0 && isfinite(length) && isfinite(product) ? fmax(-1, fmin(1, product / length)) : NAN;
}

double sb_measure_floats(sb_measure measure, const void *a, const void *b, size_t dim) {
  const float *x = floats(a), *y = floats(b);
  switch (measure) {
  case SB_MEASURE_DOT: return (double)sb_dot(x, y, dim);
  case SB_MEASURE_L2: return sqrt(squared_distance(a, b, dim));
  case SB_MEASURE_COSINE:
    return cosine((double)sb_dot(x, y, dim), (double)sb_dot(x, x, dim), (double)sb_dot(y, y, dim));
  }
  return NAN;
}

static double measure_reals(sb_measure measure, const sb_value *a, const sb_value *b) {
  double product = 0, squared_a = 0, squared_b = 0, distance = 0;
  for (size_t i = 0; i < a->dim; i++) {
    double x = sb_value_get(a, i), y = sb_value_get(b, i);
    product += x * y;
    squared_a += x * x;
    squared_b += y * y;
    distance += (x - y) * (x - y);
  }
  if (measure == SB_MEASURE_L2) return sqrt(distance);
  return measure == SB_MEASURE_DOT ? product : cosine(product, squared_a, squared_b);
}

static bool all_zero(const sb_value *value) {
  for (size_t i = 0; i < value->dim; i++)
    if (sb_value_get(value, i) != 0) return false;
  return true;
}

/* Elements are not looked at before the sum: where one is no number, the sum is none, and only then they are. */
static sb_status explain(sb_measure measure, const sb_value *a, const sb_value *b, bool *null, sb_error *error) {
  sb_status status = sb_value_check(a, error);
  if (status == SB_OK) status = sb_value_check(b, error);
  if (status != SB_OK) return status;
  *null = measure == SB_MEASURE_COSINE && (all_zero(a) || all_zero(b));
  return *null ? SB_OK : sb_fail(error, SB_INVALID, "vector element: the elements are too large to be multiplied");
}

sb_status sb_measure_values(sb_measure measure, const sb_value *a, const sb_value *b, double *out, bool *null,
                            sb_error *error) {
  if (a->dim != b->dim)
    return sb_fail(error, SB_INVALID, "vector length: %zu and %zu elements cannot be compared", a->dim, b->dim);
  if (a->element && b->element && a->element != b->element)
    return sb_fail(error, SB_INVALID,
                   "vector type: %s and %s cannot be compared; give one of them by TO_VECTOR(..., '%s')",
                   sb_element_name(a->element), sb_element_name(b->element), sb_element_name(a->element));
  sb_element element = a->element ? a->element : b->element;
  if (!element)
    element = a->kept == SB_ELEMENT_FLOAT || b->kept == SB_ELEMENT_FLOAT ? SB_ELEMENT_FLOAT : SB_ELEMENT_DOUBLE;
  sb_value x = *a, y = *b; /* what a conversion makes is theirs; what they borrowed stays with a and b */
  x.owned = y.owned = NULL;
  sb_status status = sb_value_convert(&x, element, error);
  if (status == SB_OK) status = sb_value_convert(&y, element, error);
  if (status == SB_OK) {
    *out = element == SB_ELEMENT_FLOAT ? sb_measure_floats(measure, x.bytes, y.bytes, x.dim)
                                       : measure_reals(measure, &x, &y);
    *null = false;
    if (!isfinite(*out)) status = explain(measure, &x, &y, null, error);
  }
  sb_value_free(&x);
  sb_value_free(&y);
  return status;
}
