/* Fills a gallery with people whose templates are synthetic but distributed like real ones
 * (cli/commands/bench/synthetic_faces.h), for measurements with many people. usage: bench_fill DATA_DIR PEOPLE.
 * Continues where it was stopped. To fill faster, preload a library that omits fsync; the gallery is then not durable
 * while this runs. */
#include "cli/commands/bench/synthetic_faces.h"
#include "engine/engine.h"

#include <stdio.h>
#include <stdlib.h>

enum { DIM_MAX = 4096, STEP = 10000 };
static const double tau = 64; /* as in bench/search */

static void check(sb_status status, const sb_error *error) {
  if (status == SB_OK) return;
  fprintf(stderr, "bench_fill: %s\n", error->message);
  exit(1);
}

static void put(sb_engine *engine, const sb_cli_synthetic_faces *faces, size_t dim, size_t number) {
  sb_error error = {0};
  float vector[DIM_MAX];
  char id[32], name[48];
  snprintf(id, sizeof id, "made-up-%zu", number);
  snprintf(name, sizeof name, "Nobody %zu", number);
  sb_cli_synthetic_face(faces, number, vector);
  const sb_template_request request = {.id = id, .name = name, .vector = vector, .dim = dim};
  check(sb_engine_enroll_template(engine, &request, &error), &error);
}

int main(int count, char **words) {
  if (count != 3) {
    fputs("usage: bench_fill DATA_DIR PEOPLE\n", stderr);
    return 2;
  }
  sb_error error = {0};
  sb_engine *engine = NULL;
  sb_engine_info info = {0};
  sb_cli_synthetic_faces *faces = NULL;
  size_t wanted = strtoul(words[2], NULL, 10);
  const sb_engine_options options = {.struct_size = sizeof options, .data_dir = words[1]};
  check(sb_engine_new(&options, &engine, &error), &error);
  check(sb_engine_info_get(engine, &info, &error), &error);
  if (info.dim > DIM_MAX) check(sb_fail(&error, SB_INVALID, "the model's templates are too long"), &error);
  check(sb_cli_synthetic_faces_new(info.dim, tau, &faces, &error), &error);
  double start = sb_monotonic_ms();
  for (size_t i = info.people; i < wanted; i++) {
    put(engine, faces, info.dim, i);
    if (i % STEP == STEP - 1) fprintf(stderr, "%zu, %.0f s\n", i + 1, (sb_monotonic_ms() - start) / 1000);
  }
  sb_cli_synthetic_faces_free(faces);
  sb_engine_free(engine);
  return 0;
}
