/* Runs each hot loop once, in a function of its own, on the same synthetic data every time. callgrind counts their
 * instructions (test_counts.py). Without valgrind it just runs. */
#include "crypto/crypto.h"
#include "crypto/transform.h"
#include "image/image.h"
#include "vector/kernels/kernels.h"
#include "vector/vector.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DIM = 512, ROWS = 64, BLOCKS = 64, SUBSPACES = 40, REFINED = 1024, WIDTH = 640, HEIGHT = 480, SIDE = 112 };

/* What the loops read and write. */
static struct {
  _Alignas(64) float query[DIM], rows[ROWS][DIM], projected[DIM];
  _Alignas(64) uint16_t halves[ROWS][DIM];
  _Alignas(64) uint8_t blocks[BLOCKS * SUBSPACES / 4 * 3 * SB_BLOCK_ROWS],
      refinement[REFINED * SB_REFINEMENT_BYTES], residual[REFINED * SB_RESIDUAL_SHORT];
  _Alignas(64) int8_t tables[SUBSPACES * SB_CENTROIDS];
  _Alignas(64) float panels[DIM / SB_PANEL][DIM][SB_PANEL];
  sb_kernels_weights weights;
  sb_kernels_weights residual_weights;
  uint32_t picks[REFINED];
  int32_t estimates[REFINED];
  uint64_t masks[BLOCKS];
  uint8_t pixels[WIDTH * HEIGHT * 3], small[320 * 240 * 3], chip[SIDE * SIDE * 3], sealed[DIM * 4 + SB_SEAL_OVERHEAD];
  float sum;
} data;

static uint32_t next_number(void) {
  static uint32_t state = 1;
  return state = state * 1664525u + 1013904223u;
}

static void fill_bytes(void *to, size_t size) {
  for (uint8_t *at = to, *end = at + size; at < end; at++) *at = (uint8_t)(next_number() >> 24);
}

static void fill_floats(float *to, size_t count) {
  for (size_t i = 0; i < count; i++) to[i] = (float)(next_number() >> 8) / (float)(1 << 24) - 0.5f;
}

static void fill(void) {
  fill_floats(data.query, DIM);
  fill_floats(data.rows[0], ROWS * DIM);
  fill_floats(data.panels[0][0], DIM * DIM);
  for (size_t i = 0; i < ROWS; i++) sb_kernels_of(SB_CPU_SCALAR)->to_f16(data.rows[i], data.halves[i], DIM);
  fill_bytes(data.blocks, sizeof data.blocks);
  fill_bytes(data.refinement, sizeof data.refinement);
  fill_bytes(data.residual, sizeof data.residual);
  fill_bytes(data.pixels, sizeof data.pixels);
  for (size_t i = 0; i < sizeof data.tables; i++) data.tables[i] = (int8_t)(next_number() % 15) - 7;
  for (size_t f = 0; f < 4; f++) {
    for (size_t i = 0; i < SB_REFINEMENT_BYTES; i++) data.weights.weight[f][i] = (int8_t)(next_number() % 200 - 100);
    for (size_t i = 0; i < SB_RESIDUAL_SHORT; i++)
      data.residual_weights.weight[f][i] = (int8_t)(next_number() % 200 - 100);
  }
  for (size_t i = 0; i < REFINED; i++) data.picks[i] = next_number() % REFINED;
}

/* ---- Kernels of searches, scalar and AVX2 (valgrind does not support AVX-512) */

#define MEASURED __attribute__((noinline, used)) static void
#define MEASURE_KERNELS(level, which)                                                                                \
  MEASURED measure_dot_f32_##level(void) {                                                                           \
    for (size_t i = 0; i < ROWS; i++) data.sum += sb_kernels_of(which)->dot_f32(data.query, data.rows[i], DIM);      \
  }                                                                                                                  \
  MEASURED measure_dot_f16_##level(void) {                                                                           \
    for (size_t i = 0; i < ROWS; i++) data.sum += sb_kernels_of(which)->dot_f16(data.query, data.halves[i], DIM);    \
  }                                                                                                                  \
  MEASURED measure_scan_##level(void) {                                                                              \
    sb_kernels_of(which)->scan(data.blocks, BLOCKS, SUBSPACES, data.tables, 40, data.masks);                         \
  }                                                                                                                  \
  MEASURED measure_refine_block_##level(void) {                                                                      \
    for (size_t i = 0; i + SB_BLOCK_ROWS <= REFINED; i += SB_BLOCK_ROWS)                                             \
      sb_kernels_of(which)->refine_block(data.refinement + i * SB_REFINEMENT_BYTES, &data.weights, 0,                \
                                         data.estimates + i);                                                        \
  }                                                                                                                  \
  MEASURED measure_refine_at_##level(void) {                                                                         \
    sb_kernels_of(which)->refine_at(data.refinement, data.picks, REFINED, &data.weights, data.estimates);            \
  }                                                                                                                  \
  MEASURED measure_residual_at_##level(void) {                                                                       \
    sb_kernels_of(which)->residual_at(data.residual, SB_RESIDUAL_SHORT, data.picks, REFINED, &data.residual_weights, \
                                      data.estimates);                                                               \
  }                                                                                                                  \
  MEASURED measure_project_##level(void) {                                                                           \
    sb_kernels_of(which)->project(data.panels[0][0], DIM / SB_PANEL, DIM, data.query, 1, data.projected, DIM);       \
  }                                                                                                                  \
  static void measure_all_##level(void) {                                                                            \
    measure_dot_f32_##level();                                                                                       \
    measure_dot_f16_##level();                                                                                       \
    measure_scan_##level();                                                                                          \
    measure_refine_block_##level();                                                                                  \
    measure_refine_at_##level();                                                                                     \
    measure_residual_at_##level();                                                                                   \
    measure_project_##level();                                                                                       \
  }
MEASURE_KERNELS(scalar, SB_CPU_SCALAR)
#if defined(__x86_64__)
MEASURE_KERNELS(avx2, SB_CPU_AVX2)
#endif

/* ---- Pixels */

static const sb_image photo = {WIDTH, HEIGHT, WIDTH, HEIGHT, data.pixels, 0};

MEASURED measure_resize(void) {
  sb_image_resize(&photo, data.small, 320, 240, 320 * 3, NULL);
}
MEASURED measure_warp(void) {
  const double map[6] = {1.4, 0.2, 120, -0.2, 1.4, 90};
  sb_image_warp(&photo, map, SB_IMAGE_BORDER_ZERO, data.chip, SIDE, SIDE, NULL);
}
MEASURED measure_warp_shrinking(void) {
  const double map[6] = {3.5, 0.1, 20, -0.1, 3.5, 30};
  sb_image_warp(&photo, map, SB_IMAGE_BORDER_EDGE, data.chip, SIDE, SIDE, NULL);
}

/* ---- Protection */

static sb_transform *transform;
static sb_keyring *keyring;
static const sb_seal_context place = {"face", "template", 1, "model"};

MEASURED measure_transform(void) {
  sb_transform_apply(transform, data.query, data.projected);
}
MEASURED measure_seal(void) {
  sb_keyring_seal(keyring, &place, data.query, sizeof data.query, data.sealed, NULL);
}
MEASURED measure_unseal(void) {
  sb_keyring_unseal(keyring, &place, data.sealed, sizeof data.sealed, data.projected, NULL);
}

static bool open_keys(void) {
  static const uint8_t key[SB_KEY_SIZE] = {1}, seed[SB_SEED_SIZE] = {2};
  uint8_t wrapped[SB_WRAPPED_SIZE];
  sb_root *root = NULL;
  bool made = sb_root_new(key, &root, NULL) == SB_OK && sb_keyring_new(root, &keyring, NULL) == SB_OK &&
              sb_transform_new(seed, DIM, &transform, NULL) == SB_OK;
  if (made) sb_keyring_make(keyring, 1, SB_KEYRING_DATA, wrapped);
  made = made && sb_keyring_add(keyring, 1, SB_KEYRING_DATA, wrapped, sizeof wrapped, NULL) == SB_OK;
  sb_root_free(root);
  return made;
}

int main(void) {
  if (!open_keys()) return 1;
  fill();
  measure_all_scalar();
#if defined(__x86_64__)
  if (sb_kernels_of(SB_CPU_AVX2)) measure_all_avx2();
#endif
  measure_resize();
  measure_warp();
  measure_warp_shrinking();
  measure_transform();
  measure_seal();
  measure_unseal();
  sb_transform_free(transform);
  sb_keyring_free(keyring);
  return 0;
}
