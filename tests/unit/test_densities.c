/* Densities of faces: kept sealed with their row through everything that happens to a gallery, set in batches, found
 * when they are out of date, and followed by other servers. On both databases (server.h). */
#include "gallery.h"

enum { FACES = 3, MANY = 600 };

/* The density that the test gives to a face, by its row. */
static sb_density density_of(int64_t face) {
  return (sb_density){.05f + (float)face / 4096, .03f + (float)face / 8192, 100 + (uint32_t)face};
}

static void expect_density(const sb_density *found, const sb_density *wanted) {
  assert_true(found->location == wanted->location && found->deviation == wanted->deviation);
  assert_int_equal(found->population, wanted->population);
}

static sb_density stored(const fixture *f, int64_t face) {
  sb_density found = {1, 1, 1};
  assert_int_equal(sb_store_densities(f->store, f->collection, &face, 1, &found, NULL), SB_OK);
  return found;
}

static sb_status set_one(const fixture *f, int64_t face, sb_density density) {
  const sb_density_update update = {face, density};
  return sb_store_densities_set(f->store, f->collection, &update, 1, NULL);
}

/* A person "p" with so many faces, whose rows are 1, 2 ... in an empty gallery. */
static int64_t enrol_faces(const fixture *f, int count, bool measured) {
  static float vectors[MANY][DIM];
  static sb_store_face faces[MANY];
  static int64_t rows[MANY];
  int64_t person = 0;
  for (int i = 0; i < count; i++) {
    vector_of(i, vectors[i]);
    faces[i] = (sb_store_face){.embedding = vectors[i], .quality = .5f};
    if (measured) faces[i].density = density_of(i + 1);
  }
  const sb_store_enrollment e = {
      .collection = f->collection, .id = "p", .name = "P", .faces = faces, .face_count = (size_t)count};
  assert_int_equal(sb_store_enroll(f->store, &e, &person, rows, NULL), SB_OK);
  assert_int_equal(rows[count - 1], count);
  return person;
}

/* What followers are told. */
typedef struct seen {
  pthread_mutex_t lock;
  int puts, others;
  sb_density densities[MANY + 1]; /* by row */
} seen;

static sb_status look(void *context, const sb_store_change *change, sb_error *error) {
  seen *s = context;
  (void)error;
  pthread_mutex_lock(&s->lock);
  if (change->kind != SB_CHANGE_PUT)
    s->others++;
  else if (s->puts++, change->face <= MANY)
    s->densities[change->face] = change->density;
  pthread_mutex_unlock(&s->lock);
  return SB_OK;
}

static sb_status follow(sb_store *store, int64_t *since, seen *out) {
  memset(out, 0, sizeof *out);
  pthread_mutex_init(&out->lock, NULL);
  return sb_store_changes(store, *since, since, look, out, NULL);
}

/* By both ways of reading. */
static void expect_all(const fixture *f, int count) {
  static seen all;
  static int64_t faces[MANY];
  static sb_density found[MANY];
  int64_t since = 0;
  for (int i = 0; i < count; i++) faces[i] = count - i; /* in the order asked for */
  assert_int_equal(sb_store_densities(f->store, f->collection, faces, (size_t)count, found, NULL), SB_OK);
  assert_int_equal(follow(f->store, &since, &all), SB_OK);
  assert_int_equal(all.puts, count);
  for (int i = 0; i < count; i++) {
    const sb_density wanted = density_of(faces[i]);
    expect_density(&found[i], &wanted);
    expect_density(&all.densities[faces[i]], &wanted);
  }
}

/* ---- Kept */

static void densities_outlast_restart_rotation_and_revocation(void **state) {
  fixture *f = *state;
  size_t templates = 0;
  enrol_faces(f, MANY, true);
  expect_all(f, MANY);
  reopen(f);
  expect_all(f, MANY);
  assert_int_equal(sb_store_rotate(f->store, NULL, NULL, NULL), SB_OK);
  expect_all(f, MANY);
  assert_int_equal(sb_store_revoke(f->store, f->collection, &templates, NULL), SB_OK);
  reopen(f);
  expect_all(f, MANY);
  assert_int_equal(sb_audit_verify(f->store, NULL, &(sb_audit_head){0}, NULL), SB_OK);
}

static void a_density_sealed_under_the_key_of_another_process_is_opened(void **state) {
  fixture *f = *state;
  sb_store *other = NULL;
  enrol_faces(f, FACES, true);
  assert_int_equal(sb_store_open_at(f->dir, server(), false, &other, NULL), SB_OK);
  assert_int_equal(sb_store_rotate(other, NULL, NULL, NULL), SB_OK);
  sb_store_close(other);
  expect_all(f, FACES);
}

static void merging_two_people_keeps_densities_and_has_them_measured_again(void **state) {
  fixture *f = *state;
  int64_t into = 0, from = enrol_faces(f, FACES, true), stale[2 * FACES];
  static seen all;
  int64_t since = 0;
  size_t count = 0;
  assert_int_equal(enrol_number(f->store, f->collection, 1, &into), SB_OK);
  assert_int_equal(set_one(f, FACES + 1, density_of(FACES + 1)), SB_OK);
  assert_int_equal(enrol_number(f->store, f->collection, 2, NULL), SB_OK);
  assert_int_equal(set_one(f, FACES + 2, density_of(FACES + 2)), SB_OK);
  assert_int_equal(sb_store_person_merge(f->store, into, from, NULL, NULL), SB_OK);
  assert_int_equal(follow(f->store, &since, &all), SB_OK);
  for (int64_t face = 1; face <= FACES + 2; face++) {
    sb_density wanted = density_of(face);
    if (face <= FACES + 1) wanted.population = SB_DENSITY_OUTDATED;
    expect_density(&all.densities[face], &wanted);
  }
  const sb_density_query query = {f->collection, 50, 1000, 0, count_of(stale)};
  assert_int_equal(sb_store_densities_stale(f->store, &query, stale, &count, NULL), SB_OK);
  assert_int_equal(count, FACES + 1);
}

static void a_backup_has_densities_and_a_changed_one_fails_its_verification(void **state) {
  fixture *f = *state;
  char backup[128], other[128], key[160], copy[160];
  uint8_t *bytes = NULL;
  size_t size = 0;
  if (server()) return; /* backed up by PostgreSQL's own tools */
  enrol_faces(f, FACES, true);
  snprintf(backup, sizeof backup, "%s/backup", f->dir);
  snprintf(other, sizeof other, "%s/other", f->dir);
  snprintf(key, sizeof key, "%s/semblance.key", f->dir);
  snprintf(copy, sizeof copy, "%s/semblance.key", other);
  assert_int_equal(sb_store_backup(f->store, backup, NULL), SB_OK);
  assert_int_equal(sb_store_backup_verify(f->dir, backup, NULL), SB_OK);
  assert_int_equal(sb_dir_make(other, NULL), SB_OK);
  assert_int_equal(sb_file_read(key, 4096, &bytes, &size, NULL), SB_OK);
  FILE *file = fopen(copy, "wb");
  assert_non_null(file);
  assert_int_equal(fwrite(bytes, 1, size, file), size);
  fclose(file);
  free(bytes);
  assert_int_equal(sb_store_restore(other, backup, NULL), SB_OK);
  fixture restored = {.dir = other, .collection = f->collection};
  assert_int_equal(sb_store_open(other, false, &restored.store, NULL), SB_OK);
  expect_all(&restored, FACES);
  sb_store_close(restored.store);
  raw_sql(f, "UPDATE face SET density = zeroblob(length(density)) WHERE id = 2");
  assert_int_equal(sb_store_backup(f->store, backup, NULL), SB_OK);
  assert_int_equal(sb_store_backup_verify(f->dir, backup, NULL), SB_STORE);
}

static void a_migration_takes_densities_along_both_ways(void **state) {
  fixture *f = *state;
  size_t rows = 0;
  if (!server()) return; /* tests/postgres has a server */
  enrol_faces(f, FACES, true);
  assert_int_equal(set_one(f, 2, (sb_density){0}), SB_OK);
  assert_int_equal(set_one(f, 2, density_of(2)), SB_OK);
  sb_store_close(f->store);
  f->store = NULL;
  assert_int_equal(sb_store_migrate(f->dir, server(), true, NULL, NULL, &rows, NULL), SB_OK);
  assert_int_equal(sb_store_open(f->dir, false, &f->store, NULL), SB_OK);
  expect_all(f, FACES);
  assert_int_equal(sb_audit_verify(f->store, NULL, &(sb_audit_head){0}, NULL), SB_OK);
  sb_store_close(f->store);
  f->store = NULL;
  assert_true(emptied());
  assert_int_equal(sb_store_migrate(f->dir, server(), false, NULL, NULL, &rows, NULL), SB_OK);
  reopen(f);
  expect_all(f, FACES);
}

/* ---- Galleries of before */

static void a_gallery_of_schema_5_is_upgraded_unmeasured_and_takes_densities(void **state) {
  fixture *f = *state;
  static seen all;
  int64_t since = 0, stale[FACES + 1];
  size_t count = 0;
  if (server()) return;
  use_older(f, "schema-5.db");
  reopen(f);
  const sb_density_query query = {f->collection, 1, 1000, 0, count_of(stale)};
  assert_int_equal(sb_store_densities_stale(f->store, &query, stale, &count, NULL), SB_OK);
  assert_int_equal(count, FACES);
  assert_int_equal(follow(f->store, &since, &all), SB_OK);
  assert_int_equal(all.puts, FACES);
  for (int64_t face = 1; face <= FACES; face++) {
    expect_density(&all.densities[face], &(sb_density){0});
    assert_int_equal(set_one(f, face, density_of(face)), SB_OK);
  }
  reopen(f);
  expect_all(f, FACES);
  assert_int_equal(sb_audit_verify(f->store, NULL, &(sb_audit_head){0}, NULL), SB_OK);
  unsetenv("SEMBLANCE_KEY");
}

static void an_upgrade_does_not_make_a_changed_gallery_valid(void **state) {
  fixture *f = *state;
  if (server()) return; /* without a row-set MAC */
  use_older(f, "schema-5.db");
  raw_sql(f, "UPDATE face SET quality = 0.5 WHERE id = 1");
  reopen(f);
  assert_int_equal(sb_audit_verify(f->store, NULL, &(sb_audit_head){0}, NULL), SB_STORE);
  unsetenv("SEMBLANCE_KEY");
}

/* ---- Changed by another program */

static void expect_damage(const fixture *f, int64_t face) {
  static seen all;
  int64_t since = 0;
  sb_density found;
  assert_int_equal(sb_store_densities(f->store, f->collection, &face, 1, &found, NULL), SB_STORE);
  assert_int_equal(follow(f->store, &since, &all), SB_STORE);
}

static void a_density_that_was_swapped_changed_or_removed_is_damage(void **state) {
  fixture *f = *state;
  enrol_faces(f, FACES, true);
  raw_sql(f, "CREATE TABLE t AS SELECT id, density FROM face");
  raw_sql(f, "UPDATE face SET density = (SELECT density FROM t WHERE t.id = 3 - face.id) WHERE id < 3");
  expect_damage(f, 1);
  raw_sql(f, "UPDATE face SET density = (SELECT density FROM t WHERE t.id = face.id)");
  expect_all(f, FACES);
  raw_sql(f, "UPDATE face SET density = attributes WHERE id = 1");
  expect_damage(f, 1);
  raw_sql(f, "UPDATE face SET density = (SELECT substr(density, 1, 40) FROM t WHERE t.id = 1) WHERE id = 1");
  expect_damage(f, 1);
  raw_sql(f, "UPDATE face SET density = (SELECT density FROM t WHERE t.id = 1), density_people = -1 WHERE id = 1");
  expect_damage(f, 1);
  raw_sql(f, "DROP TABLE t");
}

static void a_density_is_bound_to_its_collection(void **state) {
  fixture *f = *state;
  int64_t other = 0, face = 1;
  sb_density found;
  enrol_faces(f, FACES, true);
  assert_int_equal(sb_store_collection_add(f->store, "other", "model", DIM, &other, NULL), SB_OK);
  assert_int_equal(sb_store_densities(f->store, other, &face, 1, &found, NULL), SB_OK);
  expect_density(&found, &(sb_density){0});
  raw_sql(f, "UPDATE face SET collection = (SELECT id FROM collection WHERE name = 'other') WHERE id = 1");
  assert_int_equal(sb_store_densities(f->store, other, &face, 1, &found, NULL), SB_STORE);
}

/* ---- Set */

static void bad_densities_and_too_many_are_refused_and_nothing_changes(void **state) {
  fixture *f = *state;
  static sb_density_update updates[SB_DENSITY_UPDATES_MAX + 1];
  const sb_density bad[] = {{NAN, .1f, 9}, {.1f, INFINITY, 9}, {.1f, 0, 9}, {.1f, -.1f, 9}, {-INFINITY, .1f, 9}};
  int64_t person = 0, face = 0, before = 0, after = 0;
  float v[DIM];
  sb_error error = {0};
  enrol_faces(f, FACES, true);
  assert_int_equal(sb_store_changes_last(f->store, &before, NULL), SB_OK);
  for (size_t i = 0; i < count_of(updates); i++) updates[i] = (sb_density_update){1, {.2f, .2f, 9}};
  assert_int_equal(sb_store_densities_set(f->store, f->collection, updates, count_of(updates), &error), SB_INVALID);
  assert_non_null(strstr(error.message, "256"));
  vector_of(1, v);
  for (size_t i = 0; i < count_of(bad); i++) {
    updates[1].density = bad[i];
    assert_int_equal(sb_store_densities_set(f->store, f->collection, updates, 2, NULL), SB_INVALID);
    const sb_store_face one = {.embedding = v, .density = bad[i]};
    const sb_store_enrollment e = {.collection = f->collection, .id = "q", .name = "Q", .faces = &one, .face_count = 1};
    assert_int_equal(sb_store_enroll(f->store, &e, &person, &face, NULL), SB_INVALID);
  }
  assert_int_equal(sb_store_changes_last(f->store, &after, NULL), SB_OK);
  assert_int_equal(before, after);
  expect_all(f, FACES);
}

static void a_batch_that_fails_halfway_changes_nothing(void **state) {
  fixture *f = *state;
  int64_t before = 0, after = 0;
  enrol_faces(f, FACES, false);
  assert_int_equal(sb_store_changes_last(f->store, &before, NULL), SB_OK);
  raw_sql(f, server() ? "ALTER TABLE face ADD CONSTRAINT refuse CHECK (id <> 2 OR density_people = 0)"
                      : "CREATE TRIGGER refuse BEFORE UPDATE ON face WHEN NEW.id = 2 BEGIN"
                        " SELECT RAISE(ABORT, 'refused'); END");
  const sb_density_update updates[] = {{1, density_of(1)}, {2, density_of(2)}, {3, density_of(3)}};
  assert_int_not_equal(sb_store_densities_set(f->store, f->collection, updates, 3, NULL), SB_OK);
  assert_int_equal(sb_store_changes_last(f->store, &after, NULL), SB_OK);
  assert_int_equal(before, after);
  for (int64_t face = 1; face <= FACES; face++) assert_int_equal(stored(f, face).population, SB_DENSITY_NONE);
}

static void a_face_that_was_removed_since_it_was_found_is_passed_over(void **state) {
  fixture *f = *state;
  int64_t stale[FACES + 1], since = 0;
  size_t count = 0, people = 0, faces = 0;
  static seen all;
  enrol_faces(f, FACES, false);
  const sb_density_query query = {f->collection, 1, 1000, 0, count_of(stale)};
  assert_int_equal(sb_store_densities_stale(f->store, &query, stale, &count, NULL), SB_OK);
  assert_int_equal(count, FACES);
  assert_int_equal(follow(f->store, &since, &all), SB_OK);
  assert_int_equal(sb_store_face_delete(f->store, 2, NULL), SB_OK);
  sb_density_update updates[FACES + 1] = {{99, density_of(99)}};
  for (int i = 0; i < FACES; i++) updates[i + 1] = (sb_density_update){stale[i], density_of(stale[i])};
  assert_int_equal(sb_store_densities_set(f->store, f->collection, updates, FACES + 1, NULL), SB_OK);
  assert_int_equal(follow(f->store, &since, &all), SB_OK);
  assert_int_equal(all.puts, FACES - 1);
  assert_int_equal(all.others, 1);
  const sb_density first = density_of(1), third = density_of(3);
  expect_density(&all.densities[1], &first);
  expect_density(&all.densities[3], &third);
  assert_int_equal(stored(f, 2).population, SB_DENSITY_NONE);
  assert_int_equal(sb_store_totals(f->store, &people, &faces, NULL), SB_OK);
  assert_int_equal(faces, FACES - 1);
  /* Nothing of another collection is changed either, and a batch of faces that are all gone is no change. */
  int64_t other = 0, before = 0, after = 0;
  assert_int_equal(sb_store_collection_add(f->store, "other", "model", DIM, &other, NULL), SB_OK);
  assert_int_equal(sb_store_changes_last(f->store, &before, NULL), SB_OK);
  assert_int_equal(sb_store_densities_set(f->store, other, updates, FACES + 1, NULL), SB_OK);
  assert_int_equal(sb_store_densities_set(f->store, other, NULL, 0, NULL), SB_OK);
  assert_int_equal(sb_store_changes_last(f->store, &after, NULL), SB_OK);
  assert_int_equal(before, after);
  sb_density found = stored(f, 1);
  expect_density(&found, &first);
}

static void a_follower_sees_the_density_that_another_server_measured(void **state) {
  fixture *f = *state;
  sb_store *other = NULL;
  int64_t since = 0, entries = 0, after = 0;
  static seen all;
  enrol_faces(f, FACES, false);
  assert_int_equal(sb_store_open_at(f->dir, server(), false, &other, NULL), SB_OK);
  assert_int_equal(follow(other, &since, &all), SB_OK);
  assert_int_equal(all.puts, FACES);
  assert_int_equal(sb_audit_last(f->store, &entries, NULL), SB_OK);
  assert_int_equal(set_one(f, 2, density_of(2)), SB_OK);
  assert_int_equal(follow(other, &since, &all), SB_OK);
  assert_int_equal(all.puts, 1);
  const sb_density wanted = density_of(2);
  expect_density(&all.densities[2], &wanted);
  assert_int_equal(set_one(f, 2, (sb_density){0}), SB_OK); /* forgets it */
  assert_int_equal(follow(other, &since, &all), SB_OK);
  assert_int_equal(all.puts, 1);
  expect_density(&all.densities[2], &(sb_density){0});
  assert_int_equal(sb_audit_last(f->store, &after, NULL), SB_OK);
  assert_int_equal(entries, after);
  assert_int_equal(sb_audit_verify(f->store, NULL, &(sb_audit_head){0}, NULL), SB_OK);
  sb_store_close(other);
}

static void batches_trim_the_change_log(void **state) {
  fixture *f = *state;
  static sb_density_update updates[SB_DENSITY_UPDATES_MAX];
  if (server()) return; /* its numbers cannot be set from outside */
  enrol_faces(f, SB_DENSITY_UPDATES_MAX, false);
  raw_sql(f, "INSERT INTO change(sequence, kind, collection, face, person) VALUES(200900, 2, 1, 999, 1)");
  for (int i = 0; i < SB_DENSITY_UPDATES_MAX; i++) updates[i] = (sb_density_update){i + 1, density_of(i + 1)};
  assert_int_equal(sb_store_densities_set(f->store, f->collection, updates, count_of(updates), NULL), SB_OK);
  assert_int_equal(raw_number(f, "SELECT min(sequence) FROM change"), 200900);
  assert_int_equal(raw_number(f, "SELECT max(sequence) FROM change"), 200900 + SB_DENSITY_UPDATES_MAX);
}

/* ---- Found */

static void faces_out_of_date_are_found_in_the_order_of_their_rows(void **state) {
  fixture *f = *state;
  int64_t stale[8];
  size_t count = 0;
  enrol_faces(f, 1, true);
  raw_sql(f, "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 25000)"
             " INSERT INTO face(id, person, collection, template, quality, source, created, density_people)"
             " SELECT 1000 + n, person, collection, template, quality, source, created,"
             " CASE n WHEN 2 THEN 0 WHEN 3 THEN 80 WHEN 20001 THEN 79 WHEN 24000 THEN 120 WHEN 24999 THEN 121 ELSE 100"
             " END FROM face, c WHERE face.id = 1");
  sb_density_query query = {f->collection, 80, 120, 0, count_of(stale)};
  assert_int_equal(sb_store_densities_stale(f->store, &query, stale, &count, NULL), SB_OK);
  assert_int_equal(count, 3);
  assert_int_equal(stale[0], 1002);
  assert_int_equal(stale[1], 21001);
  assert_int_equal(stale[2], 25999);
  query.limit = 1;
  query.after = 1002;
  assert_int_equal(sb_store_densities_stale(f->store, &query, stale, &count, NULL), SB_OK);
  assert_int_equal(count, 1);
  assert_int_equal(stale[0], 21001);
  query.after = 25999;
  assert_int_equal(sb_store_densities_stale(f->store, &query, stale, &count, NULL), SB_OK);
  assert_int_equal(count, 0);
  query = (sb_density_query){f->collection + 1, 80, 120, 0, count_of(stale)};
  assert_int_equal(sb_store_densities_stale(f->store, &query, stale, &count, NULL), SB_OK);
  assert_int_equal(count, 0);
}

static void the_database_finds_the_nearest_other_people_of_a_stored_face(void **state) {
  fixture *f = *state;
  enum { PEOPLE = 40 };
  sb_database_search *nearest = NULL;
  sb_hit hits[PEOPLE + 5];
  size_t found = 0;
  float probe[DIM], v[DIM];
  if (!server()) return;                     /* SQLite cannot compare templates */
  int64_t own = enrol_faces(f, MANY, false); /* many faces of its own, which are nearer than anybody's */
  enrol_many(f, 1000, PEOPLE);
  vector_of(0, probe);
  sb_database_search_query query = {.collection = f->collection, .face = 1, .k = PEOPLE + 5, .by_person = true};
  assert_int_equal(sb_database_search_new(f->store, 0, &nearest, NULL), SB_OK);
  assert_int_equal(sb_database_search_run(nearest, &query, hits, &found, NULL), SB_OK);
  assert_int_equal(found, PEOPLE);
  for (size_t i = 0; i < found; i++) {
    double wanted = 0;
    assert_int_not_equal(hits[i].label, own);
    vector_of(1000 + (int)(hits[i].key - MANY - 1), v);
    for (int d = 0; d < DIM; d++) wanted += (double)v[d] * (double)probe[d];
    assert_true(fabs((double)hits[i].score - wanted) < 2e-3);
    if (i) assert_true(hits[i].score <= hits[i - 1].score);
  }
  const float best = hits[0].score;
  query.k = 1;
  query.by_person = false;
  assert_int_equal(sb_database_search_run(nearest, &query, hits, &found, NULL), SB_OK);
  assert_int_equal(found, 1);
  assert_true(hits[0].score == best);
  query.face = 99999;
  assert_int_equal(sb_database_search_run(nearest, &query, hits, &found, NULL), SB_NOT_FOUND);
  query = (sb_database_search_query){.collection = f->collection + 1, .face = 1, .k = 1};
  assert_int_equal(sb_database_search_run(nearest, &query, hits, &found, NULL), SB_NOT_FOUND);
  sb_database_search_free(nearest);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(densities_outlast_restart_rotation_and_revocation),
      TEST(a_density_sealed_under_the_key_of_another_process_is_opened),
      TEST(merging_two_people_keeps_densities_and_has_them_measured_again),
      TEST(a_backup_has_densities_and_a_changed_one_fails_its_verification),
      TEST(a_migration_takes_densities_along_both_ways),
      TEST(a_gallery_of_schema_5_is_upgraded_unmeasured_and_takes_densities),
      TEST(an_upgrade_does_not_make_a_changed_gallery_valid),
      TEST(a_density_that_was_swapped_changed_or_removed_is_damage),
      TEST(a_density_is_bound_to_its_collection),
      TEST(bad_densities_and_too_many_are_refused_and_nothing_changes),
      TEST(a_batch_that_fails_halfway_changes_nothing),
      TEST(a_face_that_was_removed_since_it_was_found_is_passed_over),
      TEST(a_follower_sees_the_density_that_another_server_measured),
      TEST(batches_trim_the_change_log),
      TEST(faces_out_of_date_are_found_in_the_order_of_their_rows),
      TEST(the_database_finds_the_nearest_other_people_of_a_stored_face),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
