/* Measures the cost of SQL: the article's SELECT over a gallery beside the index alone, in turns, and a scalar
 * function beside its kernel.
 *
 * usage: bench_sql FOLDER EACH ROWS.f32 COUNT PROBES.f32 PROBE_COUNT      prints JSON
 * First fills the gallery in FOLDER up to COUNT faces of COUNT / EACH people; with PROBE_COUNT 0 it does only that. */
#include "engine/internal.h"

#include <math.h>
#include <semblance/sql.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { DIM = 512, EACH_MAX = 1000, ROUNDS = 1000, SCALAR_ROWS = 20000, SCALAR_ROUNDS = 30 };

static const char select_sql[] =
    "SELECT TOP 1 SSN, Name, Age, Gender, Ethnicity, VECTOR_DOT_PRODUCT(FaceVector, TO_VECTOR(?)) as similarity\n"
    "  FROM dc_facialmatching.FacialData ORDER BY similarity DESC";

/* Replaces the C library's functions, also for SQLite, so that filling a gallery with a million transactions does not
 * wait for the disk. A gallery made for measuring may be lost with the machine. */
static bool filling;
__attribute__((visibility("default"))) int fsync(int file) {
  return filling ? 0 : (int)syscall(SYS_fsync, file);
}
__attribute__((visibility("default"))) int fdatasync(int file) {
  return filling ? 0 : (int)syscall(SYS_fdatasync, file);
}

static void must(sb_status status, const sb_error *error) {
  if (status == SB_OK) return;
  fprintf(stderr, "bench_sql: %s\n", error->message);
  exit(1);
}

static int by_size(const void *a, const void *b) {
  const double *x = a, *y = b;
  return (*x > *y) - (*x < *y);
}

static void print_times(const char *name, double *times, size_t count, const char *end) {
  qsort(times, count, sizeof *times, by_size);
  printf("\"%s\":{\"p50_ms\":%.4f,\"p90_ms\":%.4f,\"p99_ms\":%.4f}%s", name, times[count / 2], times[count * 9 / 10],
         times[count * 99 / 100], end);
}

static float *read_floats(const char *path, size_t count) {
  float *floats = malloc(count * sizeof *floats);
  FILE *file = fopen(path, "rb");
  if (!floats || !file || fread(floats, sizeof *floats, count, file) != count) {
    fprintf(stderr, "bench_sql: %s has not %zu numbers\n", path, count);
    exit(1);
  }
  fclose(file);
  return floats;
}

static void fill(sb_engine *engine, size_t each, const char *path, size_t count) {
  sb_error error = {0};
  sb_store_collection collection;
  int64_t person;
  static int64_t rows[EACH_MAX];
  static sb_store_face faces[EACH_MAX];
  float *block = malloc(sizeof(float) * DIM * each);
  FILE *file = fopen(path, "rb");
  must(sb_engine_collection(engine, NULL, true, &collection, &error), &error);
  filling = true;
  for (size_t done = collection.info.faces; file && block && done < count; done += each) {
    char id[32];
    fseek(file, (long)(done * DIM * sizeof *block), SEEK_SET);
    if (fread(block, sizeof *block * DIM, each, file) != each) break;
    for (size_t i = 0; i < each; i++) faces[i] = (sb_store_face){.embedding = block + i * DIM, .quality = 1};
    snprintf(id, sizeof id, "p%07zu", done);
    sb_store_enrollment enrollment = {
        .collection = collection.row, .id = id, .name = id, .faces = faces, .face_count = each};
    must(sb_store_enroll(engine->store, &enrollment, &person, rows, &error), &error);
  }
  filling = false;
  if (file) fclose(file);
  free(block);
}

static char *as_text(const float *vector) {
  sb_buffer text = {0};
  for (size_t i = 0; i < DIM; i++) sb_buffer_addf(&text, NULL, "%s%.9g", i ? "," : "[", (double)vector[i]);
  sb_buffer_addf(&text, NULL, "]");
  return text.bytes;
}

static double time_index(sb_engine *engine, int64_t collection, const float *probe, int64_t *face) {
  sb_error error = {0};
  sb_hit hit = {0};
  size_t found = 0;
  double start = sb_monotonic_ms();
  const sb_engine_query query = {.collection = collection, .vector = probe, .k = 1};
  must(sb_engine_nearest(engine, &query, &hit, &found, &error), &error);
  *face = (int64_t)hit.key;
  return sb_monotonic_ms() - start;
}

/* Includes compiling, the probe as text, the search, unsealing the person, and every column. */
static double time_select(sb_sql *sql, const char *probe, double *similarity) {
  sb_error error = {0};
  sb_sql_statement *statement = NULL;
  bool row = false;
  double start = sb_monotonic_ms();
  must(sb_sql_prepare(sql, select_sql, NULL, &statement, &error), &error);
  must(sb_sql_bind_text(statement, 1, probe, &error), &error);
  must(sb_sql_step(statement, &row, &error), &error);
  for (int i = 0; i < 5; i++) sb_sql_column_text(statement, i, NULL);
  *similarity = sb_sql_column_real(statement, 5);
  sb_sql_finalize(statement);
  return sb_monotonic_ms() - start;
}

/* Waits until this process has been idle for two seconds: the index is trained in a thread. */
static void settle(void) {
  for (int quiet = 0; quiet < 4;) {
    clock_t before = clock();
    nanosleep(&(struct timespec){.tv_nsec = 500000000}, NULL);
    quiet = (double)(clock() - before) / CLOCKS_PER_SEC < 0.05 ? quiet + 1 : 0;
  }
}

static void measure_article(sb_engine *engine, const float *probes, size_t probe_count) {
  static double alone[ROUNDS], selected[ROUNDS], more[ROUNDS];
  sb_error error = {0};
  sb_sql *sql = NULL;
  sb_store_collection collection;
  sb_sql_options options = {.struct_size = sizeof options, .engine = engine};
  size_t differ = 0;
  must(sb_engine_collection(engine, NULL, false, &collection, &error), &error);
  must(sb_sql_open(&options, &sql, &error), &error);
  float *kept = malloc(sizeof *kept * DIM);
  for (size_t i = 0; kept && i < ROUNDS; i++) {
    const float *probe = probes + i % probe_count * DIM;
    char *text = as_text(probe);
    int64_t face = 0;
    double similarity = 0;
    for (size_t turn = 0; turn < 2; turn++) { /* which comes first changes */
      if ((turn + i) % 2)
        selected[i] = time_select(sql, text, &similarity);
      else
        alone[i] = time_index(engine, collection.row, probe, &face);
    }
    more[i] = selected[i] - alone[i];
    must(sb_store_face_template(engine->store, face, DIM, kept, &error), &error);
    differ += fabs((double)sb_dot(kept, probe, DIM) - similarity) > 1e-4;
    free(text);
  }
  printf("{\"faces\":%zu,", collection.info.faces);
  print_times("index", alone, ROUNDS, ",");
  print_times("select", selected, ROUNDS, ",");
  print_times("more", more, ROUNDS, ",");
  printf("\"other_best_row\":%zu,", differ);
  free(kept);
  sb_sql_close(sql);
}

static double run_query(sb_sql *sql, const char *text, const float *probe) {
  sb_error error = {0};
  sb_sql_statement *statement = NULL;
  bool row = false;
  must(sb_sql_prepare(sql, text, NULL, &statement, &error), &error);
  if (probe) must(sb_sql_bind_vector(statement, 1, probe, DIM, &error), &error);
  double start = sb_monotonic_ms();
  do must(sb_sql_step(statement, &row, &error), &error);
  while (row);
  double time = sb_monotonic_ms() - start;
  sb_sql_finalize(statement);
  return time;
}

/* The same rows by the function, by a function that does nothing with them, and by the kernel over memory. */
static void measure_scalar(const float *rows, const float *probe) {
  static double function[SCALAR_ROUNDS], nothing[SCALAR_ROUNDS], kernel[SCALAR_ROUNDS];
  sb_error error = {0};
  sb_sql *sql = NULL;
  sb_sql_statement *insert = NULL;
  sb_sql_options options = {.struct_size = sizeof options, .write = true};
  bool row = false;
  must(sb_sql_open(&options, &sql, &error), &error);
  run_query(sql, "CREATE TABLE p(v BLOB)", NULL);
  run_query(sql, "BEGIN", NULL);
  must(sb_sql_prepare(sql, "INSERT INTO p VALUES(?)", NULL, &insert, &error), &error);
  for (size_t i = 0; i < SCALAR_ROWS; i++) {
    must(sb_sql_bind_vector(insert, 1, rows + i * DIM, DIM, &error), &error);
    must(sb_sql_step(insert, &row, &error), &error);
  }
  sb_sql_finalize(insert);
  run_query(sql, "COMMIT", NULL);
  volatile float sink = 0;
  for (size_t i = 0; i < SCALAR_ROUNDS; i++) {
    function[i] = run_query(sql, "SELECT max(VECTOR_DOT_PRODUCT(v, ?1)) FROM p", probe);
    nothing[i] = run_query(sql, "SELECT max(length(v)) FROM p", NULL);
    double start = sb_monotonic_ms();
    for (size_t j = 0; j < SCALAR_ROWS; j++) sink = sink + sb_dot(rows + j * DIM, probe, DIM);
    kernel[i] = sb_monotonic_ms() - start;
  }
  printf("\"scalar_rows\":%d,", SCALAR_ROWS);
  print_times("function", function, SCALAR_ROUNDS, ",");
  print_times("no_function", nothing, SCALAR_ROUNDS, ",");
  print_times("kernel", kernel, SCALAR_ROUNDS, "}\n");
  sb_sql_close(sql);
}

int main(int argc, char **argv) {
  size_t each = argc == 7 ? strtoull(argv[2], NULL, 10) : 0;
  if (each < 1 || each > EACH_MAX)
    return fprintf(stderr, "usage: bench_sql FOLDER EACH ROWS.f32 COUNT PROBES.f32 PROBE_COUNT\n"), 2;
  sb_error error = {0};
  sb_engine *engine = NULL;
  sb_engine_options options = {.struct_size = sizeof options, .data_dir = argv[1], .workers = 2};
  size_t count = strtoull(argv[4], NULL, 10), probe_count = strtoull(argv[6], NULL, 10);
  must(sb_engine_new(&options, &engine, &error), &error);
  fill(engine, each, argv[3], count);
  if (!probe_count) {
    sb_engine_free(engine);
    return 0;
  }
  float *probes = read_floats(argv[5], probe_count * DIM), *rows = read_floats(argv[3], (size_t)SCALAR_ROWS * DIM);
  int64_t face;
  sb_store_collection collection;
  must(sb_engine_collection(engine, NULL, false, &collection, &error), &error);
  time_index(engine, collection.row, probes, &face);
  settle();
  measure_article(engine, probes, probe_count);
  measure_scalar(rows, probes);
  sb_engine_free(engine);
  free(probes);
  free(rows);
  return 0;
}
