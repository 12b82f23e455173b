/* Cost of a gallery in PostgreSQL: loading, filling a server's index at its start, searching in memory and in the
 * database.
 *
 * usage: bench_pg URL FOLDER ROWS.f32 DIM COUNT PROBES.f32 PROBE_COUNT [hnsw]
 *
 * Rows and probes are float32 of unit length (bench/search/gallery.py makes them). The schema `semblance` of the
 * database is filled by the COPY that `semblance migrate` uses, one person a row. Prints one JSON object; for each
 * probe the rows that were found, from which bench/pg/run computes the recall. "hnsw": also builds pgvector's index as
 * `semblance hnsw` does, and searches it as --search sql --hnsw does. */
#include "engine/collection_indexes.h"
#include "store/core/transaction.h"
#include "store/gallery/change_log.h"
#include "store/sealing/protection.h"
#include "store/sealing/sealed_columns.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { K = 10, BATCH = 50000, SERVERS = 3, ENROLMENTS = 200 };

typedef struct setting {
  const char *url, *folder;
  size_t dim, count, probe_count;
  FILE *rows;
  float *probes;
  bool hnsw;
  int64_t collection;
} setting;

static void die(const sb_error *error) {
  fprintf(stderr, "bench_pg: %s\n", error->message);
  exit(1);
}

static void must(sb_status status, const sb_error *error) {
  if (status != SB_OK) die(error);
}

static void add_people(sb_store *store, const setting *s, size_t from, size_t to, sb_error *error) {
  sb_statement into = sb_statement_new_bulk(
      store, "person", "id, collection, external_hash, external_id, name, consent, created", 7, error);
  for (size_t i = from; i < to; i++) {
    char id[24];
    uint8_t hash[SB_DIGEST_SIZE] = {0};
    snprintf(id, sizeof id, "p%zu", i);
    memcpy(hash, &i, sizeof i); /* unique; not used for look-ups here */
    sb_statement_bind_int(&into, 1, (int64_t)i + 1);
    sb_statement_bind_int(&into, 2, s->collection);
    sb_statement_bind_blob(&into, 3, hash, sizeof hash);
    sb_statement_bind_sealed(&into, 4, &(sb_seal_context){"person", "external_id", (int64_t)i + 1, NULL}, id,
                             strlen(id));
    sb_statement_bind_sealed(&into, 5, &(sb_seal_context){"person", "name", (int64_t)i + 1, NULL}, id, strlen(id));
    sb_statement_bind_sealed(&into, 6, &(sb_seal_context){"person", "consent", (int64_t)i + 1, NULL}, "", 0);
    sb_statement_bind_int(&into, 7, 0);
    sb_statement_step(&into);
    sb_statement_reset(&into);
  }
  must(sb_statement_end(&into), error);
}

static void add_faces(sb_store *store, const setting *s, size_t from, size_t to, sb_error *error) {
  const sb_store_protection *protection = NULL;
  float *row = sb_alloc(s->dim, sizeof *row, error), *turned = sb_alloc(s->dim, sizeof *turned, error);
  uint8_t source[SB_DIGEST_SIZE] = {0};
  if (!row || !turned) die(error);
  must(sb_store_protection_get(store, s->collection, &protection, error), error);
  sb_statement into =
      sb_statement_new_bulk(store, "face", "id, person, collection, template, quality, source, created", 7, error);
  for (size_t i = from; i < to; i++) {
    if (fread(row, sizeof *row, s->dim, s->rows) != s->dim) exit(2);
    sb_transform_apply(protection->transform, row, turned);
    sb_statement_bind_int(&into, 1, (int64_t)i + 1);
    sb_statement_bind_int(&into, 2, (int64_t)i + 1);
    sb_statement_bind_int(&into, 3, s->collection);
    sb_statement_bind_template(&into, 4, &(sb_seal_context){"face", "template", (int64_t)i + 1, "bench"}, turned,
                               s->dim);
    sb_statement_bind_real(&into, 5, 1);
    sb_statement_bind_sealed(&into, 6, &(sb_seal_context){"face", "source", (int64_t)i + 1, NULL}, source,
                             sizeof source);
    sb_statement_bind_int(&into, 7, 0);
    sb_statement_step(&into);
    sb_statement_reset(&into);
  }
  must(sb_statement_end(&into), error);
  free(row);
  free(turned);
}

/* Returns rows a second. */
static double fill(sb_store *store, setting *s, sb_error *error) {
  must(sb_store_collection_add(store, "default", "bench", s->dim, &s->collection, error), error);
  double begun = sb_monotonic_ms();
  for (size_t from = 0; from < s->count; from += BATCH) {
    size_t to = from + BATCH < s->count ? from + BATCH : s->count;
    must(sb_store_begin(store, error), error);
    add_people(store, s, from, to, error);
    add_faces(store, s, from, to, error);
    must(sb_store_finish(store, SB_OK, error), error);
  }
  double seconds = (sb_monotonic_ms() - begun) / 1000;
  must(sb_store_begin(store, error), error);
  must(sb_store_change_append(store, SB_CHANGE_RESET, 0, 0, 0, error), error); /* so that servers read the faces */
  must(sb_store_finish(store, SB_OK, error), error);
  must(store->driver->set_next_row(store, "person", (int64_t)s->count + 1, error), error);
  must(store->driver->set_next_row(store, "face", (int64_t)s->count + 1, error), error);
  must(sb_store_exec(store, "VACUUM ANALYZE semblance.face", error), error);
  must(sb_store_exec(store, "VACUUM ANALYZE semblance.person", error), error);
  return (double)s->count / seconds;
}

static int by_number(const void *a, const void *b) {
  const double *one = a, *other = b;
  return (*one > *other) - (*one < *other);
}

/* Searches with every probe, one after the other; prints the median and 99th percentile, and what was found. */
static void search(const char *name, sb_collection_indexes *indexes, const setting *s, size_t probes, sb_error *error) {
  double *times = sb_alloc(probes, sizeof *times, error);
  sb_hit hits[K];
  size_t found = 0;
  printf(",\"%s\":{\"found\":[", name);
  for (size_t i = 0; i < probes; i++) {
    const sb_engine_query query = {s->collection, s->probes + i * s->dim, K, true, 0};
    double begun = sb_monotonic_ms();
    must(sb_collection_indexes_sync(indexes, error), error);
    must(sb_collection_indexes_search(indexes, &query, hits, &found, error), error);
    times[i] = sb_monotonic_ms() - begun;
    printf("%s[", i ? "," : "");
    for (size_t h = 0; h < found; h++) printf("%s%llu", h ? "," : "", (unsigned long long)hits[h].label - 1);
    printf("]");
  }
  qsort(times, probes, sizeof *times, by_number);
  printf("],\"median_ms\":%.3f,\"p99_ms\":%.3f}", times[probes / 2], times[probes * 99 / 100]);
  free(times);
}

/* A server that reads another server's changes: its store and its index in memory. */
typedef struct server {
  sb_store *store;
  sb_collection_indexes *indexes;
} server;

/* Searches until the newly enrolled person, whose face is the first probe, is found. */
static void find(const server *f, const setting *s, int64_t person, sb_error *error) {
  sb_hit hits[K];
  size_t found = 0;
  const sb_engine_query query = {s->collection, s->probes, K, true, 0};
  do {
    must(sb_collection_indexes_sync(f->indexes, error), error);
    must(sb_collection_indexes_search(f->indexes, &query, hits, &found, error), error);
  } while (!found || hits[0].label != (uint64_t)person);
}

static void print_times(const char *name, double *times, size_t count) {
  qsort(times, count, sizeof *times, by_number);
  printf(",\"%s\":[%.2f,%.2f]", name, times[count / 2], times[count * 99 / 100]);
}

/* Enrols people on one server. Measures the time until the enrolment is durable, until a search on another server finds
 * the person, and until searches on all servers, one after the other, have found the person. Deletes each person
 * again. */
static void visible(sb_store *store, const server *servers, const setting *s, sb_error *error) {
  static double commit[ENROLMENTS], first[ENROLMENTS], all[ENROLMENTS];
  for (size_t i = 0; i < ENROLMENTS; i++) {
    char id[32];
    int64_t person, face;
    snprintf(id, sizeof id, "new%zu", i);
    const sb_store_face one = {.embedding = s->probes, .quality = 1};
    const sb_store_enrollment e = {.collection = s->collection, .id = id, .name = "N", .faces = &one, .face_count = 1};
    double begun = sb_monotonic_ms();
    must(sb_store_enroll(store, &e, &person, &face, error), error);
    commit[i] = sb_monotonic_ms() - begun;
    for (size_t f = 0; f < SERVERS; f++) {
      find(&servers[f], s, person, error);
      all[i] = sb_monotonic_ms() - begun;
      if (!f) first[i] = all[i];
    }
    must(sb_store_person_delete(store, person, NULL, NULL, error), error);
  }
  print_times("enroll_ms", commit, ENROLMENTS);
  print_times("visible_ms", first, ENROLMENTS);
  print_times("visible_everywhere_ms", all, ENROLMENTS);
  printf(",\"servers\":%d", SERVERS + 1);
}

enum { NOTERS = 32, NOTES = 100 };

static void *note_often(void *context) {
  sb_error error = {0};
  for (int i = 0; i < NOTES; i++)
    must(sb_audit_record(context, &(sb_audit_event){"search", 0, 0, i}, 1, &error), &error);
  return NULL;
}

/* Measures audit entries of searches per second, written by one thread and by many at the same time. */
static void note(sb_store *store) {
  pthread_t threads[NOTERS];
  double begun = sb_monotonic_ms();
  note_often(store);
  double middle = sb_monotonic_ms();
  int started = 0;
  while (started < NOTERS && !pthread_create(&threads[started], NULL, note_often, store)) started++;
  for (int i = 0; i < started; i++) pthread_join(threads[i], NULL);
  printf(",\"notes_s\":[%.0f,%.0f]", NOTES / (middle - begun) * 1000,
         started * NOTES / (sb_monotonic_ms() - middle) * 1000);
}

static void measure_hnsw(sb_store *store, const setting *s, sb_error *error) {
  static const int lists[] = {40, 100, 400, 1000};
  sb_store_collection collection;
  sb_hnsw_state *states = NULL;
  size_t count = 0;
  must(sb_store_collection_find(store, "default", &collection, error), error);
  double begun = sb_monotonic_ms();
  must(sb_hnsw_build(store, &collection, error), error);
  printf(",\"hnsw_build_s\":%.1f", (sb_monotonic_ms() - begun) / 1000);
  must(sb_hnsw_states(store, &states, &count, error), error);
  printf(",\"hnsw_bytes\":%lld", (long long)states[0].bytes);
  free(states);
  for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
    char name[24];
    sb_collection_indexes *indexes = NULL;
    snprintf(name, sizeof name, "hnsw_ef%d", lists[i]);
    must(sb_collection_indexes_new(store, true, lists[i], &indexes, error), error);
    search(name, indexes, s, s->probe_count, error);
    sb_collection_indexes_free(indexes);
  }
}

/* Prints how long the index of the first server took to fill, and its memory. */
static void start(server *servers, const setting *s, sb_error *error) {
  for (size_t i = 0; i < SERVERS; i++) {
    server *f = &servers[i];
    must(sb_store_open_at(s->folder, s->url, true, &f->store, error), error);
    double begun = sb_monotonic_ms();
    must(sb_collection_indexes_new(f->store, false, 0, &f->indexes, error), error);
    must(sb_collection_indexes_sync(f->indexes, error), error);
    if (i) continue;
    printf(",\"start_s\":%.2f,\"index_bytes\":%zu", (sb_monotonic_ms() - begun) / 1000,
           sb_collection_indexes_bytes(f->indexes));
    fflush(stdout);
    search("cold", f->indexes, s, s->probe_count, error); /* the quantizer is trained in a thread */
    search("local", f->indexes, s, s->probe_count, error);
  }
}

static void run(setting *s, sb_error *error) {
  sb_store *store = NULL;
  sb_collection_indexes *remote = NULL;
  server servers[SERVERS] = {{0}};
  int64_t bytes = 0;
  must(sb_store_open_at(s->folder, s->url, true, &store, error), error);
  printf("{\"rows\":%zu,\"dim\":%zu,\"load_rows_s\":%.0f", s->count, s->dim, fill(store, s, error));
  must(sb_store_number(store, "SELECT pg_table_size('semblance.face')", &bytes, error), error);
  printf(",\"table_bytes\":%lld", (long long)bytes);
  start(servers, s, error);
  visible(store, servers, s, error);
  note(store);
  for (size_t i = 0; i < SERVERS; i++) { /* so that the database gets the memory */
    sb_collection_indexes_free(servers[i].indexes);
    sb_store_close(servers[i].store);
  }
  must(sb_collection_indexes_new(store, true, 0, &remote, error), error);
  search("sql", remote, s, s->probe_count < 100 ? s->probe_count : 100, error);
  if (s->hnsw) measure_hnsw(store, s, error);
  puts("}");
  sb_collection_indexes_free(remote);
  sb_store_close(store);
}

int main(int argc, char **argv) {
  sb_error error = {0};
  if (argc != 8 && (argc != 9 || strcmp(argv[8], "hnsw"))) {
    fputs("usage: bench_pg URL FOLDER ROWS.f32 DIM COUNT PROBES.f32 PROBE_COUNT [hnsw]\n", stderr);
    return 2;
  }
  setting s = {.url = argv[1],
               .folder = argv[2],
               .rows = fopen(argv[3], "rb"),
               .dim = strtoul(argv[4], NULL, 10),
               .count = strtoul(argv[5], NULL, 10),
               .hnsw = argc == 9,
               .probe_count = strtoul(argv[7], NULL, 10)};
  FILE *probes = fopen(argv[6], "rb");
  s.probes = sb_alloc(s.probe_count * s.dim, sizeof *s.probes, &error);
  if (!s.rows || !probes || !s.probes ||
      fread(s.probes, sizeof(float) * s.dim, s.probe_count, probes) != s.probe_count) {
    fputs("bench_pg: rows or probes cannot be read\n", stderr);
    return 1;
  }
  fclose(probes);
  run(&s, &error);
  fclose(s.rows);
  free(s.probes);
  return 0;
}
