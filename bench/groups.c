/* Measures grouping at scale: `semblance cluster` and `dedup` without photos, on synthetic templates that are
 * distributed like real ones (about 130 of 512 dimensions in use; two faces of a person have a cosine near .8). usage:
 * bench_groups DATA_DIR FACES. Prints JSON. Every hundredth person is enrolled a second time under another id. */
#include "engine/internal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DIM = 512, USED = 130, EACH = 5, TWICE_EVERY = 100 };

static void check(sb_status status, const sb_error *error) {
  if (status == SB_OK) return;
  fprintf(stderr, "bench_groups: %s\n", error->message);
  exit(1);
}

static uint64_t seed = 88172645463325252u;

static double random_normal(void) {
  double sum = -6;
  for (int i = 0; i < 12; i++) {
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    sum += (double)(seed >> 11) / 9007199254740992.0;
  }
  return sum;
}

static void random_direction(float *out) {
  memset(out, 0, DIM * sizeof *out);
  for (int d = 0; d < USED; d++) out[d] = (float)random_normal();
  sb_normalize(out, DIM);
}

/* Four parts of the person's vector and one part of noise: two faces of a person then have a cosine near .8. */
static void face_of(const float *person, float *out) {
  random_direction(out);
  for (int d = 0; d < DIM; d++) out[d] = sqrtf(0.8f) * person[d] + sqrtf(0.2f) * out[d];
  sb_normalize(out, DIM);
}

static void enrol(sb_engine *engine, int64_t collection, size_t number, const char *kind, const float *faces,
                  size_t count) {
  sb_error error = {0};
  char id[32];
  sb_store_face rows[EACH] = {{0}};
  int64_t person, face_rows[EACH];
  snprintf(id, sizeof id, "%s%zu", kind, number);
  for (size_t i = 0; i < count; i++) {
    rows[i] = (sb_store_face){.embedding = faces + i * DIM, .quality = 1};
    memcpy(rows[i].source, &number, sizeof number);
    rows[i].source[SB_DIGEST_SIZE - 1] = (uint8_t)i;
  }
  sb_store_enrollment enrollment = {.collection = collection, .id = id, .name = id, .faces = rows, .face_count = count};
  check(sb_store_enroll(engine->store, &enrollment, &person, face_rows, &error), &error);
}

static void fill(sb_engine *engine, float *faces, size_t count) {
  sb_error error = {0};
  sb_store_collection collection;
  float person[DIM], again[DIM];
  check(sb_engine_collection(engine, NULL, true, &collection, &error), &error);
  for (size_t p = 0; p < count / EACH; p++) {
    random_direction(person);
    for (size_t i = 0; i < EACH; i++) face_of(person, faces + (p * EACH + i) * DIM);
    enrol(engine, collection.row, p, "p", faces + p * EACH * DIM, EACH);
    if (p % TWICE_EVERY) continue;
    face_of(person, again);
    enrol(engine, collection.row, p, "again", again, 1);
  }
}

static void run_dedup(sb_engine *engine, size_t people) {
  sb_error error = {0};
  sb_duplicates *found = NULL;
  sb_dedup_request request = {.struct_size = sizeof request};
  size_t right = 0;
  double start = sb_monotonic_ms();
  check(sb_engine_dedup(engine, &request, &found, &error), &error);
  double first = sb_monotonic_ms() - start;
  sb_duplicates_free(found);
  check(sb_engine_dedup(engine, &request, &found, &error), &error);
  for (size_t i = 0; i < found->count; i++) {
    const char *one = found->items[i].ids[0], *other = found->items[i].ids[1];
    right += *one != *other && !strcmp(strpbrk(one, "0123456789"), strpbrk(other, "0123456789"));
  }
  printf("\"dedup\": {\"faces\": %zu, \"first_seconds\": %.1f, \"seconds\": %.1f, \"threshold\": %.3f, "
         "\"enrolled_twice\": %zu, \"found\": %zu, \"false\": %zu}, ",
         found->faces, first / 1000, found->elapsed_ms / 1000, found->threshold,
         (people + TWICE_EVERY - 1) / TWICE_EVERY, right, found->total - right);
  sb_duplicates_free(found);
}

static void run_cluster(sb_engine *engine, const float *faces, size_t count) {
  sb_error error = {0};
  sb_clusters *clusters = NULL;
  const float **embeddings = malloc(count * sizeof *embeddings);
  if (!embeddings) exit(1);
  for (size_t i = 0; i < count; i++) embeddings[i] = faces + i * DIM;
  sb_cluster_request request = {.struct_size = sizeof request, .embeddings = embeddings, .count = count};
  double start = sb_monotonic_ms();
  check(sb_engine_cluster(engine, &request, &clusters, &error), &error);
  double seconds = (sb_monotonic_ms() - start) / 1000;
  size_t whole = 0;
  for (size_t p = 0; p < count / EACH; p++) {
    bool together = true;
    for (size_t i = 1; i < EACH; i++)
      together = together && clusters->cluster_of[p * EACH + i] == clusters->cluster_of[p * EACH];
    whole += together;
  }
  printf("\"cluster\": {\"faces\": %zu, \"seconds\": %.1f, \"threshold\": %.3f, \"people\": %zu, \"groups\": %zu, "
         "\"people_in_one_group\": %zu}",
         count, seconds, clusters->threshold, count / EACH, clusters->count, whole);
  sb_clusters_free(clusters);
  free(embeddings);
}

int main(int argc, char **argv) {
  size_t count = argc == 3 ? strtoull(argv[2], NULL, 10) / EACH * EACH : 0;
  if (!count) {
    fprintf(stderr, "usage: bench_groups DATA_DIR FACES\n");
    return 2;
  }
  sb_error error = {0};
  sb_engine *engine = NULL;
  sb_engine_options options = {.struct_size = sizeof options, .data_dir = argv[1]};
  float *faces = malloc(count * DIM * sizeof *faces);
  if (!faces) return 1;
  check(sb_engine_new(&options, &engine, &error), &error);
  double start = sb_monotonic_ms();
  fill(engine, faces, count);
  printf("{\"enrol_seconds\": %.1f, ", (sb_monotonic_ms() - start) / 1000);
  run_dedup(engine, count / EACH);
  run_cluster(engine, faces, count);
  puts("}");
  sb_engine_free(engine);
  free(faces);
  return 0;
}
