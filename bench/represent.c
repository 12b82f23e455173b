/* Measures the time from photo to embedding inside one process: sb_engine_find_faces for an encoded photo, with any
 * model. usage: bench_represent DATA_DIR PHOTO ROUNDS MODEL MODELS_PATH faces|whole THREADS. MODEL, MODELS_PATH "": the
 * default. Prints JSON: milliseconds from the start to the first answer, median and deciles of the later rounds,
 * resident memory in MB. */
#include "base/base.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum { WARM_UP = 3, ROUNDS_MAX = 10000 };

static void check(sb_status status, const sb_error *error) {
  if (status == SB_OK) return;
  fprintf(stderr, "bench_represent: %s\n", error->message);
  exit(1);
}

static int by_value(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static void once(sb_engine *engine, const sb_find_request *request) {
  sb_error error = {0};
  sb_faces *faces = NULL;
  check(sb_engine_find_faces(engine, request, &faces, &error), &error);
  if (!faces->count) {
    fputs("bench_represent: no face in the photo\n", stderr);
    exit(1);
  }
  sb_faces_free(faces);
}

int main(int argc, char **argv) {
  static double times[ROUNDS_MAX];
  sb_error error = {0};
  uint8_t *bytes = NULL;
  size_t size = 0;
  if (argc != 8) return fputs("usage: see bench/represent.c\n", stderr), 2;
  int rounds = atoi(argv[3]);
  if (rounds < 1 || rounds > ROUNDS_MAX) return fputs("bench_represent: 1 to 10000 rounds\n", stderr), 2;
  double start = sb_monotonic_ms();
  check(sb_file_read(argv[2], 1 << 26, &bytes, &size, &error), &error);
  sb_engine_options options = {.struct_size = sizeof options,
                               .data_dir = argv[1],
                               .models_path = *argv[5] ? argv[5] : NULL,
                               .model = *argv[4] ? argv[4] : NULL,
                               .workers = 1,
                               .threads = atoi(argv[7])};
  sb_engine *engine = NULL;
  check(sb_engine_new(&options, &engine, &error), &error);
  unsigned how = strcmp(argv[6], "whole") ? SB_WANT_LARGEST_ONLY : SB_WANT_WHOLE_PHOTO;
  sb_find_request request = {.struct_size = sizeof request, .photo = {bytes, size}, .want = SB_WANT_EMBEDDING | how};
  once(engine, &request);
  double first = sb_monotonic_ms() - start;
  for (int i = 0; i < WARM_UP; i++) once(engine, &request);
  for (int i = 0; i < rounds; i++) {
    double from = sb_monotonic_ms();
    once(engine, &request);
    times[i] = sb_monotonic_ms() - from;
  }
  qsort(times, (size_t)rounds, sizeof *times, by_value);
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  printf("{\"first_ms\": %.1f, \"median_ms\": %.3f, \"p10_ms\": %.3f, \"p90_ms\": %.3f, \"peak_mb\": %.1f}\n", first,
         times[rounds / 2], times[rounds / 10], times[rounds * 9 / 10], (double)usage.ru_maxrss * 1024 / 1e6);
  sb_engine_free(engine);
  free(bytes);
  return 0;
}
