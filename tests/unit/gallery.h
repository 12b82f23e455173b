/* A gallery of small templates in a folder of its own, for the tests of sealing, keys and audit. */
#ifndef SB_TESTS_GALLERY_H
#define SB_TESTS_GALLERY_H

#include "folder.h"
#include "server.h"

#include "store/store.h"

#include <dirent.h>
#include <math.h>
#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

enum { DIM = 64 };

typedef struct fixture {
  const char *dir;
  sb_store *store;
  int64_t collection;
} fixture;

static inline int set_up(void **state) {
  fixture *f = calloc(1, sizeof *f);
  static const char *const variables[] = {"SEMBLANCE_KEY", "SEMBLANCE_KEY_FILE", "SEMBLANCE_PASSPHRASE",
                                          "CREDENTIALS_DIRECTORY"};
  for (size_t i = 0; i < count_of(variables); i++) unsetenv(variables[i]);
  if (!f) return -1;
  f->dir = folder;
  sb_error error = {0};
  if (make_folder(state) || !emptied() || sb_store_open_at(f->dir, server(), false, &f->store, &error) != SB_OK ||
      sb_store_collection_add(f->store, "default", "model", DIM, &f->collection, &error) != SB_OK) {
    print_error("%s\n", error.message);
    return -1;
  }
  *state = f;
  return 0;
}

static inline int tear_down(void **state) {
  fixture *f = *state;
  sb_store_close(f->store);
  free(f);
  return remove_folder(state);
}

static inline void reopen(fixture *f) {
  sb_error error = {0};
  sb_store_close(f->store);
  f->store = NULL;
  if (sb_store_open_at(f->dir, server(), false, &f->store, &error) != SB_OK) fail_msg("%s", error.message);
}

/* Closes the store, and puts a gallery of tests/compat into the folder. */
static inline void put_older(fixture *f, const char *name) {
  char source[512], path[128];
  uint8_t *bytes = NULL;
  size_t size = 0;
  sb_store_close(f->store);
  f->store = NULL;
  snprintf(source, sizeof source, "%s/tests/compat/%s", getenv("SB_SOURCE"), name);
  assert_int_equal(sb_file_read(source, 1 << 20, &bytes, &size, NULL), SB_OK);
  snprintf(path, sizeof path, "%s/semblance.db", f->dir);
  FILE *file = fopen(path, "wb");
  assert_non_null(file);
  assert_int_equal(fwrite(bytes, 1, size, file), size);
  fclose(file);
  free(bytes);
}

/* The same, with its key; to be followed by reopen(), and unsetenv("SEMBLANCE_KEY"). */
static inline void use_older(fixture *f, const char *name) {
  put_older(f, name);
  setenv("SEMBLANCE_KEY", "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", 1);
}

/* A unit vector that the number determines. */
static inline void vector_of(int number, float v[DIM]) {
  uint64_t random = (uint64_t)number * 77 + 5;
  double norm = 0;
  for (int i = 0; i < DIM; i++) {
    v[i] = random_float(&random);
    norm += (double)v[i] * (double)v[i];
  }
  for (int i = 0; i < DIM; i++) v[i] /= (float)sqrt(norm);
}

/* Person "idN", named "Person N", with one face. */
static inline sb_status enrol_number(sb_store *store, int64_t collection, int number, int64_t *person) {
  float v[DIM];
  char id[24], name[24];
  int64_t row, face;
  sb_attributes attributes = {.age = (float)number};
  vector_of(number, v);
  snprintf(id, sizeof id, "id%d", number);
  snprintf(name, sizeof name, "Person %d", number);
  sb_store_face one = {.embedding = v, .quality = .5f, .attributes = &attributes, .source = {(uint8_t)number, 1}};
  sb_store_enrollment e = {
      .collection = collection, .id = id, .name = name, .consent = "agreed", .faces = &one, .face_count = 1};
  return sb_store_enroll(store, &e, person ? person : &row, &face, NULL);
}

static inline void enrol_many(fixture *f, int first, int count) {
  for (int i = first; i < first + count; i++) assert_int_equal(enrol_number(f->store, f->collection, i, NULL), SB_OK);
}

/* All of `first`..`first + count - 1` are found by id, with their names, attributes and photos. */
static inline void expect_people(fixture *f, int first, int count) {
  for (int i = first; i < first + count; i++) {
    char id[24], name[24];
    sb_people *found = NULL;
    bool known = false;
    snprintf(id, sizeof id, "id%d", i);
    snprintf(name, sizeof name, "Person %d", i);
    int64_t row = 0;
    assert_int_equal(sb_store_person_find(f->store, f->collection, id, &row, &found, NULL), SB_OK);
    assert_string_equal(found->items[0].name, name);
    assert_string_equal(found->items[0].consent, "agreed");
    assert_int_equal(found->items[0].faces, 1);
    assert_true(found->items[0].has_attributes && found->items[0].attributes.age == (float)i);
    sb_people_free(found);
    assert_int_equal(sb_store_face_known(f->store, row, (uint8_t[SB_DIGEST_SIZE]){(uint8_t)i, 1}, &known, NULL), SB_OK);
    assert_true(known);
  }
}

/* Runs SQL on the database without the store. */
static inline void raw_sql(const fixture *f, const char *sql) {
  if (server()) {
    PGresult *result = ask_server(sql, false);
    assert_non_null(result);
    PQclear(result);
    return;
  }
  char path[128], *message = NULL;
  sqlite3 *raw = NULL;
  snprintf(path, sizeof path, "%s/semblance.db", f->dir);
  assert_int_equal(sqlite3_open(path, &raw), SQLITE_OK);
  sqlite3_busy_timeout(raw, 10000);
  if (sqlite3_exec(raw, sql, NULL, NULL, &message) != SQLITE_OK) fail_msg("%s", message);
  sqlite3_close(raw);
}

static inline int64_t raw_number(const fixture *f, const char *sql) {
  char path[128];
  sqlite3 *raw = NULL;
  sqlite3_stmt *query = NULL;
  snprintf(path, sizeof path, "%s/semblance.db", f->dir);
  assert_int_equal(sqlite3_open(path, &raw), SQLITE_OK);
  assert_int_equal(sqlite3_prepare_v2(raw, sql, -1, &query, NULL), SQLITE_OK);
  assert_int_equal(sqlite3_step(query), SQLITE_ROW);
  int64_t value = sqlite3_column_int64(query, 0);
  sqlite3_finalize(query);
  sqlite3_close(raw);
  return value;
}

/* The first value of a query, in new memory. */
static inline uint8_t *raw_bytes(const fixture *f, const char *sql, size_t *size) {
  char path[128];
  sqlite3 *raw = NULL;
  sqlite3_stmt *query = NULL;
  snprintf(path, sizeof path, "%s/semblance.db", f->dir);
  assert_int_equal(sqlite3_open(path, &raw), SQLITE_OK);
  assert_int_equal(sqlite3_prepare_v2(raw, sql, -1, &query, NULL), SQLITE_OK);
  assert_int_equal(sqlite3_step(query), SQLITE_ROW);
  *size = (size_t)sqlite3_column_bytes(query, 0);
  uint8_t *copy = malloc(*size + 1);
  assert_non_null(copy);
  memcpy(copy, sqlite3_column_blob(query, 0), *size);
  sqlite3_finalize(query);
  sqlite3_close(raw);
  return copy;
}

/* Is the sequence of bytes in any file of the folder? */
static inline bool folder_holds(const char *dir, const void *bytes, size_t size) {
  bool found = false;
  DIR *opened = opendir(dir);
  assert_non_null(opened);
  for (struct dirent *entry; (entry = readdir(opened));) {
    char path[384];
    uint8_t *content = NULL;
    size_t length = 0;
    snprintf(path, sizeof path, "%s/%s", dir, entry->d_name);
    if (entry->d_name[0] == '.' || sb_file_read(path, 1 << 26, &content, &length, NULL) != SB_OK) continue;
    found = found || memmem(content, length, bytes, size);
    free(content);
  }
  closedir(opened);
  return found;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#endif
