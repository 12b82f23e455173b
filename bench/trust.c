/* Measures what protection costs: the cryptography of one enrolment compared with the whole enrolment, and reading and
 * unsealing every template of a gallery.
 *
 * usage: bench_trust FOLDER PHOTO ROUNDS     enrols PHOTO so many times into a gallery in FOLDER. Prints JSON.
 *        bench_trust --open FOLDER ROUNDS    the gallery in FOLDER; in the first round the files are as cold as the
 *        machine has them. */
#include "crypto/chain.h"
#include "crypto/transform.h"
#include "engine/engine.h"
#include "store/sealing/column_encoding.h"
#include "store/store.h"

#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DIM = 512, ROUNDS_MAX = 1000 };

static void must(sb_status status, const sb_error *error) {
  if (status == SB_OK) return;
  fprintf(stderr, "bench_trust: %s\n", error->message);
  exit(1);
}

static int by_size(const void *a, const void *b) {
  const double *x = a, *y = b;
  return (*x > *y) - (*x < *y);
}

static double median(double *times, size_t count) {
  qsort(times, count, sizeof *times, by_size);
  return times[count / 2];
}

/* ---- One enrolment */

static sb_keyring *make_keyring(void) {
  sb_error error = {0};
  uint8_t wrapped[SB_WRAPPED_SIZE];
  sb_root *root = NULL;
  sb_keyring *keyring = NULL;
  must(sb_root_new(NULL, &root, &error), &error);
  must(sb_keyring_new(root, &keyring, &error), &error);
  for (uint32_t number = 1; number <= 2; number++) {
    sb_keyring_purpose purpose = number == 1 ? SB_KEYRING_DATA : SB_KEYRING_AUDIT;
    sb_keyring_make(keyring, number, purpose, wrapped);
    must(sb_keyring_add(keyring, number, purpose, wrapped, sizeof wrapped, &error), &error);
  }
  sb_root_free(root);
  return keyring;
}

static void seal(const sb_keyring *keyring, const char *table, const char *column, const void *plain, size_t size) {
  static uint8_t sealed[DIM * 4 + SB_SEAL_OVERHEAD];
  sb_error error = {0};
  must(sb_keyring_seal(keyring, &(sb_seal_context){table, column, 1, "model"}, plain, size, sealed, &error), &error);
}

/* Does everything that src/store calls src/crypto for when it adds a person with one face and attributes. */
static double time_protection(const sb_keyring *keyring, const sb_transform *transform, const float *embedding) {
  sb_error error = {0};
  float protected[DIM];
  uint8_t bytes[DIM * 4], digest[SB_DIGEST_SIZE], link[SB_LINK_SIZE] = {0}, signature[SB_SIGNATURE_SIZE];
  sb_chain_entry entry = {.sequence = 1, .actor = "local", .verb = "enroll", .collection = 1, .person = 1, .count = 1};
  double start = sb_monotonic_ms();
  sb_transform_apply(transform, embedding, protected);
  sb_store_floats_write(protected, DIM, bytes);
  seal(keyring, "face", "template", bytes, sizeof bytes);
  seal(keyring, "face", "attributes", bytes, SB_ATTRIBUTES_SIZE);
  seal(keyring, "face", "source", bytes, SB_DIGEST_SIZE);
  seal(keyring, "person", "external_id", "a person's id", 13);
  seal(keyring, "person", "name", "a person's name", 15);
  seal(keyring, "person", "consent", "consent in writing", 18);
  sb_keyring_hash(keyring, 1, "person", 1, "a person's id", 13, digest); /* for the look-up by id */
  sb_keyring_hash(keyring, 1, "person", 1, "a person's id", 13, digest);
  sb_chain_link(link, &entry, link);
  must(sb_chain_sign(keyring, 1, link, signature, &error), &error);
  return sb_monotonic_ms() - start;
}

static double time_enrolment(sb_engine *engine, sb_photo photo, size_t number) {
  sb_error error = {0};
  sb_enrolled *enrolled = NULL;
  char id[32];
  snprintf(id, sizeof id, "%zu", number);
  sb_enroll_request request = {.struct_size = sizeof request,
                               .id = id,
                               .name = "a person's name",
                               .consent = "consent in writing",
                               .photos = &photo,
                               .photo_count = 1};
  double start = sb_monotonic_ms();
  must(sb_engine_enroll(engine, &request, &enrolled, &error), &error);
  double time = sb_monotonic_ms() - start;
  sb_enrolled_free(enrolled);
  return time;
}

static void measure_enrolment(const char *folder, const char *path, size_t rounds) {
  static double protection[ROUNDS_MAX], enrolment[ROUNDS_MAX];
  sb_error error = {0};
  sb_engine *engine = NULL;
  sb_transform *transform = NULL;
  uint8_t *bytes = NULL;
  size_t size = 0;
  float embedding[DIM] = {1};
  sb_engine_options options = {.struct_size = sizeof options, .data_dir = folder};
  must(sb_file_read(path, 1 << 26, &bytes, &size, &error), &error);
  must(sb_engine_new(&options, &engine, &error), &error);
  must(sb_transform_new((uint8_t[SB_SEED_SIZE]){1}, DIM, &transform, &error), &error);
  sb_keyring *keyring = make_keyring();
  time_enrolment(engine, (sb_photo){bytes, size}, 0); /* loads the models */
  for (size_t i = 0; i < rounds; i++) {
    enrolment[i] = time_enrolment(engine, (sb_photo){bytes, size}, i + 1);
    protection[i] = time_protection(keyring, transform, embedding);
  }
  double whole = median(enrolment, rounds), part = median(protection, rounds);
  printf("{\"rounds\":%zu,\"enrolment_ms\":%.3f,\"protection_ms\":%.4f,\"percent\":%.2f}\n", rounds, whole, part,
         100 * part / (whole - part));
  sb_keyring_free(keyring);
  sb_transform_free(transform);
  sb_engine_free(engine);
  free(bytes);
}

/* ---- A whole gallery */

static sb_status count_face(void *context, const sb_store_change *change, sb_error *error) {
  (void)error;
  if (change->kind == SB_CHANGE_PUT) atomic_fetch_add((atomic_size_t *)context, 1);
  return SB_OK;
}

/* Reads the same bytes of the same rows, without unsealing them. */
static double time_reading(const char *folder) {
  sb_error error = {0};
  sqlite3 *db = NULL;
  sqlite3_stmt *query = NULL;
  char *path = sb_path_join(folder, "semblance.db", &error);
  uint64_t bytes = 0;
  double start = sb_monotonic_ms();
  if (!path || sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK ||
      sqlite3_prepare_v2(db, "SELECT template FROM face ORDER BY id", -1, &query, NULL) != SQLITE_OK)
    exit(1);
  while (sqlite3_step(query) == SQLITE_ROW) {
    const uint8_t *blob = sqlite3_column_blob(query, 0);
    for (int i = sqlite3_column_bytes(query, 0) - 1; i >= 0; i -= 64) bytes += blob[i];
  }
  sqlite3_finalize(query);
  sqlite3_close(db);
  free(path);
  return sb_monotonic_ms() - start +
         (double)(bytes & 1) * 1e-9; /* uses the bytes, so that the compiler does not remove the reading */
}

static double time_opening(const char *folder, size_t *faces) {
  sb_error error = {0};
  sb_store *store = NULL;
  int64_t next = 0;
  atomic_size_t count = 0;
  double start = sb_monotonic_ms();
  must(sb_store_open(folder, false, &store, &error), &error);
  must(sb_store_changes(store, 0, &next, count_face, &count, &error), &error);
  double time = sb_monotonic_ms() - start;
  sb_store_close(store);
  *faces = atomic_load(&count);
  return time;
}

static void measure_opening(const char *folder, size_t rounds) {
  static double opening[ROUNDS_MAX], reading[ROUNDS_MAX];
  size_t faces = 0;
  double first = time_opening(folder, &faces);
  for (size_t i = 0; i < rounds; i++) {
    reading[i] = time_reading(folder);
    opening[i] = time_opening(folder, &faces);
  }
  printf("{\"faces\":%zu,\"first_s\":%.3f,\"opening_s\":%.3f,\"reading_s\":%.3f}\n", faces, first / 1e3,
         median(opening, rounds) / 1e3, median(reading, rounds) / 1e3);
}

int main(int argc, char **argv) {
  size_t rounds = argc == 4 ? strtoull(argv[3], NULL, 10) : 0;
  if (rounds < 1 || rounds > ROUNDS_MAX)
    return fprintf(stderr, "usage: bench_trust FOLDER PHOTO ROUNDS, or bench_trust --open FOLDER ROUNDS\n"), 2;
  if (!strcmp(argv[1], "--open"))
    measure_opening(argv[2], rounds);
  else
    measure_enrolment(argv[1], argv[2], rounds);
  return 0;
}
