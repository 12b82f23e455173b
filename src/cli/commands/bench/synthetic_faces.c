/* Synthetic face embeddings; the recipe is in the header. */
#include "cli/commands/bench/synthetic_faces.h"

#include "vector/vector.h"

#include <math.h>
#include <stdlib.h>

enum { MIRRORS = 8 }; /* Householder reflections: their product serves as a random rotation, and costs O(dim) */

struct sb_cli_synthetic_faces {
  size_t dim;
  float *deviations; /* by axis, before the rotation */
  float *mirrors;    /* MIRRORS x dim, unit vectors */
};

/* ---- Random numbers: splitmix64 (Steele, Lea and Flood 2014), so that every vector has its own stream */

static uint64_t next(uint64_t *state) {
  uint64_t z = *state += 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

static uint64_t stream(uint64_t purpose, uint64_t number) {
  uint64_t state = purpose * 0x2545f4914f6cdd1du;
  state = next(&state) ^ number;
  return next(&state);
}

/* Normal numbers in pairs (Box and Muller 1958). */
static void fill_normal(float *out, size_t n, uint64_t state) {
  for (size_t i = 0; i < n; i += 2) {
    uint64_t bits = next(&state);
    float u = ((float)(bits >> 40) + 0.5f) * 0x1p-24f, angle = (float)(bits & 0xffffff) * (6.2831853f * 0x1p-24f);
    float radius = sqrtf(-2 * logf(u));
    out[i] = radius * cosf(angle);
    if (i + 1 < n) out[i + 1] = radius * sinf(angle);
  }
}

static void rotate(const sb_cli_synthetic_faces *faces, float *v) {
  for (size_t m = 0; m < MIRRORS; m++) {
    const float *mirror = faces->mirrors + m * faces->dim;
    float twice = 2 * sb_dot(mirror, v, faces->dim);
    for (size_t i = 0; i < faces->dim; i++) v[i] -= twice * mirror[i];
  }
}

sb_status sb_cli_synthetic_faces_new(size_t dim, double tau, sb_cli_synthetic_faces **out, sb_error *error) {
  sb_cli_synthetic_faces *faces = sb_alloc(1, sizeof *faces, error);
  if (!faces) return SB_NO_MEMORY;
  faces->dim = dim;
  faces->deviations = sb_alloc(dim, sizeof(float), error);
  faces->mirrors = sb_alloc(MIRRORS * dim, sizeof(float), error);
  if (!faces->deviations || !faces->mirrors) {
    sb_cli_synthetic_faces_free(faces);
    return SB_NO_MEMORY;
  }
  for (size_t i = 0; i < dim; i++) faces->deviations[i] = (float)exp(-(double)i / tau / 2);
  for (size_t m = 0; m < MIRRORS; m++) {
    fill_normal(faces->mirrors + m * dim, dim, stream(1, m));
    sb_normalize(faces->mirrors + m * dim, dim);
  }
  *out = faces;
  return SB_OK;
}

void sb_cli_synthetic_faces_free(sb_cli_synthetic_faces *faces) {
  if (!faces) return;
  free(faces->deviations);
  free(faces->mirrors);
  free(faces);
}

static void identity(const sb_cli_synthetic_faces *faces, uint64_t state, float *out) {
  fill_normal(out, faces->dim, state);
  for (size_t i = 0; i < faces->dim; i++) out[i] *= faces->deviations[i];
  rotate(faces, out);
  sb_normalize(out, faces->dim);
}

void sb_cli_synthetic_face(const sb_cli_synthetic_faces *faces, uint64_t number, float *out) {
  identity(faces, stream(2, number), out);
}

void sb_cli_synthetic_mate(const sb_cli_synthetic_faces *faces, const float *face, uint64_t number, float *out) {
  float noise[SB_DIM_MAX], c;
  uint64_t state = stream(3, number);
  fill_normal(&c, 1, state);
  c = fminf(fmaxf(0.6f + 0.1f * c, 0.25f), 0.9f);
  identity(faces, stream(4, number), out);
  fill_normal(noise, faces->dim, stream(5, number));
  sb_normalize(noise, faces->dim);
  for (size_t i = 0; i < faces->dim; i++) out[i] = sqrtf(0.7f) * out[i] + sqrtf(0.3f) * noise[i];
  float along = sb_dot(out, face, faces->dim);
  for (size_t i = 0; i < faces->dim; i++) out[i] -= along * face[i];
  sb_normalize(out, faces->dim);
  for (size_t i = 0; i < faces->dim; i++) out[i] = c * face[i] + sqrtf(1 - c * c) * out[i];
  sb_normalize(out, faces->dim);
}
