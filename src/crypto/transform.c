/* The secret transform of face templates; transform.h describes it. Everything is drawn from the seed in a fixed order
 * (for each round: the permutation by a Fisher-Yates shuffle, then the signs), so a change here makes existing
 * galleries unreadable.
 *
 * Forward, a round permutes, flips signs and mixes. Backward, it mixes, flips and permutes back, in the opposite order:
 * the Walsh-Hadamard transform is its own inverse when it is scaled by 1/sqrt(span). It needs a power of two. For other
 * dimensions it mixes the first and then the last `span` numbers; the two ranges overlap, as span > dim / 2. */
#include "crypto/transform.h"

#include "crypto/internal.h"

#include <math.h>
#include <string.h>

enum { ROUNDS = 3 };

typedef struct round_key {
  uint16_t from[SB_TRANSFORM_DIM_MAX]; /* the permutation: out[i] = in[from[i]] */
  float sign[SB_TRANSFORM_DIM_MAX];    /* 1 or -1 */
} round_key;

struct sb_transform {
  size_t dim, span; /* span: the largest power of two that is at most dim */
  float scale;      /* 1 / sqrt(span) */
  round_key rounds[ROUNDS];
};

/* Random numbers from the seed: libsodium's deterministic generator (ChaCha20), one block at a time. */
typedef struct stream {
  uint8_t seed[randombytes_SEEDBYTES];
  uint8_t bytes[32 * SB_TRANSFORM_DIM_MAX];
  size_t used;
} stream;
_Static_assert(SB_SEED_SIZE == randombytes_SEEDBYTES, "seed");

static uint32_t draw(stream *s) {
  if (s->used + 4 > sizeof s->bytes) { /* after many rejections: continue with a seed derived from the first one */
    memcpy(s->seed, s->bytes, sizeof s->seed);
    randombytes_buf_deterministic(s->bytes, sizeof s->bytes, s->seed);
    s->used = sizeof s->seed;
  }
  const uint8_t *at = s->bytes + s->used;
  s->used += 4;
  return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

/* Uniform in 0..below-1, by rejection sampling. */
static uint32_t draw_below(stream *s, uint32_t below) {
  uint32_t bias = (uint32_t)(-below) % below, value;
  do value = draw(s);
  while (value < bias);
  return value % below;
}

static void draw_round(round_key *t, size_t dim, stream *s) {
  for (size_t i = 0; i < dim; i++) t->from[i] = (uint16_t)i;
  for (size_t i = dim; i > 1; i--) { /* Fisher-Yates shuffle */
    size_t j = draw_below(s, (uint32_t)i);
    uint16_t swapped = t->from[i - 1];
    t->from[i - 1] = t->from[j];
    t->from[j] = swapped;
  }
  for (size_t i = 0; i < dim; i++) t->sign[i] = draw(s) & 1 ? -1.0f : 1.0f;
}

sb_status sb_transform_new(const uint8_t seed[SB_SEED_SIZE], size_t dim, sb_transform **out, sb_error *error) {
  if (dim < 1 || dim > SB_TRANSFORM_DIM_MAX)
    return sb_fail(error, SB_MISUSE, "a template transform needs 1 to %d dimensions", SB_TRANSFORM_DIM_MAX);
  sb_status status = sb_crypto_ready(error);
  if (status != SB_OK) return status;
  sb_transform *transform = sodium_malloc(sizeof *transform);
  stream *s = sodium_malloc(sizeof *s);
  if (transform && s) {
    memset(transform, 0, sizeof *transform);
    memcpy(s->seed, seed, sizeof s->seed);
    randombytes_buf_deterministic(s->bytes, sizeof s->bytes, s->seed);
    s->used = sizeof s->seed; /* the first bytes may become a seed, so they are not used as numbers */
    transform->dim = dim;
    for (transform->span = 1; transform->span * 2 <= dim;) transform->span *= 2;
    transform->scale = 1.0f / sqrtf((float)transform->span);
    for (int i = 0; i < ROUNDS; i++) draw_round(&transform->rounds[i], dim, s);
    *out = transform;
    transform = NULL;
  } else {
    status = sb_fail(error, SB_NO_MEMORY, "out of memory");
  }
  sodium_free(s);
  sodium_free(transform);
  return status;
}

void sb_transform_free(sb_transform *transform) {
  sodium_free(transform);
}

size_t sb_transform_dim(const sb_transform *transform) {
  return transform->dim;
}

/* Fast Walsh-Hadamard transform of `span` numbers, scaled to be orthogonal; its own inverse. */
static void hadamard(float *v, size_t span, float scale) {
  for (size_t half = 1; half < span; half *= 2) {
    for (size_t base = 0; base < span; base += 2 * half) {
      float *low = v + base, *high = low + half;
      for (size_t i = 0; i < half; i++) {
        float sum = low[i] + high[i], difference = low[i] - high[i];
        low[i] = sum;
        high[i] = difference;
      }
    }
  }
  for (size_t i = 0; i < span; i++) v[i] *= scale;
}

void sb_transform_apply(const sb_transform *t, const float *in, float *out) {
  float v[SB_TRANSFORM_DIM_MAX], w[SB_TRANSFORM_DIM_MAX];
  memcpy(v, in, t->dim * sizeof *v);
  for (int round = 0; round < ROUNDS; round++) {
    const round_key *key = &t->rounds[round];
    for (size_t i = 0; i < t->dim; i++) w[i] = v[key->from[i]] * key->sign[i];
    hadamard(w, t->span, t->scale);
    if (t->span < t->dim) hadamard(w + t->dim - t->span, t->span, t->scale);
    memcpy(v, w, t->dim * sizeof *v);
  }
  memcpy(out, v, t->dim * sizeof *v);
}

void sb_transform_undo(const sb_transform *t, const float *in, float *out) {
  float v[SB_TRANSFORM_DIM_MAX], w[SB_TRANSFORM_DIM_MAX];
  memcpy(w, in, t->dim * sizeof *w);
  for (int round = ROUNDS; round-- > 0;) {
    const round_key *key = &t->rounds[round];
    if (t->span < t->dim) hadamard(w + t->dim - t->span, t->span, t->scale);
    hadamard(w, t->span, t->scale);
    for (size_t i = 0; i < t->dim; i++) v[key->from[i]] = w[i] * key->sign[i];
    memcpy(w, v, t->dim * sizeof *w);
  }
  memcpy(out, w, t->dim * sizeof *w);
}
