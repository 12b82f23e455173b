/* Comparisons of SQL vectors: those of floats over the SIMD kernels of src/vector. */
#include "sql/vectors/metric.h"

#include "vector/vector.h"

#include <math.h>
#include <string.h>

const char *const sb_sql_nearest_functions[SB_SQL_METRICS] = {"semblance_nearest_dot",     "semblance_nearest_cosine",
                                                              "semblance_nearest_l2",      "semblance_nearest_l1",
                                                              "semblance_nearest_hamming", "semblance_nearest_jaccard"};

int sb_sql_nearest_metric(const char *name) {
  for (int i = 0; i < SB_SQL_METRICS; i++)
    if (!strcmp(name, sb_sql_nearest_functions[i])) return i;
  return -1;
}

const char *sb_sql_metric_name(sb_sql_metric metric) {
  static const char *const names[SB_SQL_METRICS] = {"dot", "cosine", "l2", "l1", "hamming", "jaccard"};
  return names[metric];
}

bool sb_sql_metric_is_distance(sb_sql_metric metric) {
  return metric != SB_SQL_METRIC_DOT && metric != SB_SQL_METRIC_COSINE;
}

bool sb_sql_metric_is_of_bits(sb_sql_metric metric) {
  return metric == SB_SQL_METRIC_HAMMING || metric == SB_SQL_METRIC_JACCARD;
}

bool sb_sql_metric_has_index(sb_sql_metric metric) {
  return metric != SB_SQL_METRIC_L1 && !sb_sql_metric_is_of_bits(metric);
}

/* The kernels load unaligned vectors; only the type of their parameters asks for alignment. */
static const float *as_floats(const void *bytes) {
  return bytes;
}

/* Sums the squared differences. |a|^2 + |b|^2 - 2ab would lose all digits where the vectors are close. */
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

static double taxicab_distance(const uint8_t *a, const uint8_t *b, size_t dim) {
  double sum = 0;
  for (size_t i = 0; i < dim; i++) {
    float x, y;
    memcpy(&x, a + i * sizeof x, sizeof x);
    memcpy(&y, b + i * sizeof y, sizeof y);
    sum += fabs((double)x - (double)y);
  }
  return sum;
}

/* NaN when a vector is zero or a sum overflowed. */
static double cosine(double product, double squared_a, double squared_b) {
  double length = sqrt(squared_a) * sqrt(squared_b);
  return length > 0 && isfinite(length) && isfinite(product) ? fmax(-1, fmin(1, product / length)) : NAN;
}

double sb_sql_metric_of_floats(sb_sql_metric metric, const void *a, const void *b, size_t dim) {
  const float *x = as_floats(a), *y = as_floats(b);
  switch (metric) {
  case SB_SQL_METRIC_DOT: return (double)sb_dot(x, y, dim);
  case SB_SQL_METRIC_L2: return sqrt(squared_distance(a, b, dim));
  case SB_SQL_METRIC_L1: return taxicab_distance(a, b, dim);
  case SB_SQL_METRIC_COSINE:
    return cosine((double)sb_dot(x, y, dim), (double)sb_dot(x, x, dim), (double)sb_dot(y, y, dim));
  case SB_SQL_METRIC_HAMMING:
  case SB_SQL_METRIC_JACCARD: break;
  }
  return NAN;
}

/* The bits after the last one of a vector do not count. Two vectors without ones are at Jaccard's distance 1. */
static double metric_of_bits(sb_sql_metric metric, const uint8_t *a, const uint8_t *b, size_t dim) {
  int differ = 0, common = 0, all = 0;
  for (size_t i = 0; i < dim; i += 8) {
    unsigned mask = dim - i < 8 ? (1u << (dim - i)) - 1 : 0xff, x = a[i / 8] & mask, y = b[i / 8] & mask;
    differ += __builtin_popcount(x ^ y);
    common += __builtin_popcount(x & y);
    all += __builtin_popcount(x | y);
  }
  if (metric == SB_SQL_METRIC_HAMMING) return differ;
  return common ? 1 - (double)common / all : 1;
}

static double metric_of_doubles(sb_sql_metric metric, const sb_sql_value *a, const sb_sql_value *b) {
  double product = 0, squared_a = 0, squared_b = 0, distance = 0, taxicab = 0;
  for (size_t i = 0; i < a->dim; i++) {
    double x = sb_sql_value_get(a, i), y = sb_sql_value_get(b, i);
    product += x * y;
    squared_a += x * x;
    squared_b += y * y;
    distance += (x - y) * (x - y);
    taxicab += fabs(x - y);
  }
  if (metric == SB_SQL_METRIC_L1) return taxicab;
  if (metric == SB_SQL_METRIC_L2) return sqrt(distance);
  return metric == SB_SQL_METRIC_DOT ? product : cosine(product, squared_a, squared_b);
}

/* Says why a result is not finite. The elements are only checked here, after the sum: an element that is not finite
 * always makes the sum so, and checking every element of every row first would double the cost of a scan. */
static sb_status explain_not_finite(sb_sql_metric metric, const sb_sql_value *a, const sb_sql_value *b, bool *null,
                                    sb_error *error) {
  sb_status status = sb_sql_value_check(a, error);
  if (status == SB_OK) status = sb_sql_value_check(b, error);
  if (status != SB_OK) return status;
  *null = metric == SB_SQL_METRIC_COSINE && (sb_sql_value_is_zero(a) || sb_sql_value_is_zero(b));
  if (*null) return SB_OK;
  return sb_fail(error, SB_INVALID, "vector element: the elements are too large to be multiplied");
}

static bool is_single(sb_sql_element element) {
  return element == SB_SQL_ELEMENT_FLOAT || element == SB_SQL_ELEMENT_HALF;
}

/* The type to compare in: float if either side is float or half, as a search compares, too; else double. */
static sb_status common_element(const sb_sql_value *a, const sb_sql_value *b, sb_sql_element *out, sb_error *error) {
  if (a->dim != b->dim)
    return sb_fail(error, SB_INVALID, "vector length: vectors of %zu and %zu elements cannot be compared", a->dim,
                   b->dim);
  bool any_float = is_single(a->element) || is_single(b->element);
  if (!a->element && !b->element) any_float = is_single(a->stored) || is_single(b->stored);
  *out = any_float ? SB_SQL_ELEMENT_FLOAT : SB_SQL_ELEMENT_DOUBLE;
  return SB_OK;
}

static sb_status wrong_type(sb_sql_metric metric, sb_error *error) {
  if (sb_sql_metric_is_of_bits(metric))
    return sb_fail(error, SB_INVALID, "vector type: the distances of Hamming and Jaccard compare vectors of bits");
  return sb_fail(error, SB_INVALID, "vector type: vectors of bits are compared by Hamming's or Jaccard's distance");
}

sb_status sb_sql_metric_of_values(sb_sql_metric metric, const sb_sql_value *a, const sb_sql_value *b, double *out,
                                  bool *null, sb_error *error) {
  sb_sql_element element = SB_SQL_ELEMENT_NONE;
  sb_status status = common_element(a, b, &element, error);
  if (status != SB_OK) return status;
  bool bits = a->element == SB_SQL_ELEMENT_BIT && b->element == SB_SQL_ELEMENT_BIT;
  *null = false;
  if (sb_sql_metric_is_of_bits(metric) != bits) return wrong_type(metric, error);
  if (bits) return *out = metric_of_bits(metric, a->bytes, b->bytes, a->dim), SB_OK;
  sb_sql_value x = *a, y = *b; /* copies own only what converting them allocates */
  x.owned = y.owned = NULL;
  status = sb_sql_value_convert(&x, element, error);
  if (status == SB_OK) status = sb_sql_value_convert(&y, element, error);
  if (status != SB_OK) goto done;
  *out = element == SB_SQL_ELEMENT_FLOAT ? sb_sql_metric_of_floats(metric, x.bytes, y.bytes, x.dim)
                                         : metric_of_doubles(metric, &x, &y);
  if (!isfinite(*out)) status = explain_not_finite(metric, &x, &y, null, error);
done:
  sb_sql_value_free(&x);
  sb_sql_value_free(&y);
  return status;
}
