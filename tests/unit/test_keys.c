/* Keys and transforms of a gallery: what a thief of the database gets, what rotation and revocation change, and what
 * they preserve. */
#include "gallery.h"

#include <fcntl.h>
#include <sys/stat.h>

/* ---- What a thief of the database gets */

static void stolen_files_hold_no_id_name_or_template_and_look_like_noise(void **state) {
  fixture *f = *state;
  enum { FIRST = 100000, PEOPLE = 200 }; /* ids of eight bytes, which do not occur in noise by chance */
  enrol_many(f, FIRST, PEOPLE);
  for (int i = FIRST; i < FIRST + PEOPLE; i++) {
    char text[24];
    float v[DIM];
    vector_of(i, v);
    assert_false(folder_holds(f->dir, v, 16));
    snprintf(text, sizeof text, "Person %d", i);
    assert_false(folder_holds(f->dir, text, strlen(text)));
    snprintf(text, sizeof text, "id%d", i);
    assert_false(folder_holds(f->dir, text, strlen(text)));
  }
  /* Bytes of the sealed templates: chi-square with 255 degrees of freedom, mean 255, deviation 22.6. */
  size_t size = 0, counts[256] = {0}, total = 0;
  uint8_t *all = raw_bytes(f, "SELECT CAST(group_concat(hex(substr(template, 5)), '') AS BLOB) FROM face", &size);
  for (size_t i = 0; i + 1 < size; i += 2, total++) {
    char pair[3] = {(char)all[i], (char)all[i + 1], 0};
    counts[strtoul(pair, NULL, 16)]++;
  }
  free(all);
  double chi = 0, expected = (double)total / 256;
  for (int i = 0; i < 256; i++) chi += ((double)counts[i] - expected) * ((double)counts[i] - expected) / expected;
  assert_true(total > 50000);
  assert_true(chi > 255 - 6 * 22.6 && chi < 255 + 6 * 22.6);
}

static sb_status count_puts(void *context, const sb_store_change *change, sb_error *error) {
  (void)error;
  *(int *)context += change->kind == SB_CHANGE_PUT;
  return SB_OK;
}

static sb_status read_all(fixture *f) {
  int puts = 0;
  int64_t next = 0;
  return sb_store_changes(f->store, 0, &next, count_puts, &puts, NULL);
}

static void swapped_rows_and_columns_are_refused(void **state) {
  fixture *f = *state;
  enrol_many(f, 1, 2);
  assert_int_equal(read_all(f), SB_OK);
  raw_sql(f, "CREATE TEMP TABLE t AS SELECT id, template FROM face; UPDATE face SET template ="
             " (SELECT template FROM t WHERE t.id = 3 - face.id)");
  assert_int_equal(read_all(f), SB_STORE);
  raw_sql(f, "CREATE TEMP TABLE t AS SELECT id, name FROM person; UPDATE person SET name ="
             " (SELECT name FROM t WHERE t.id = 3 - person.id)");
  sb_people *found = NULL;
  assert_int_equal(sb_store_person_find(f->store, f->collection, "id1", NULL, &found, NULL), SB_STORE);
  raw_sql(f, "CREATE TEMP TABLE t AS SELECT id, name FROM person; UPDATE person SET name ="
             " (SELECT name FROM t WHERE t.id = 3 - person.id)");
  assert_int_equal(sb_store_person_find(f->store, f->collection, "id1", NULL, &found, NULL), SB_OK);
  sb_people_free(found);
  raw_sql(f, "UPDATE person SET consent = name");
  assert_int_equal(sb_store_person_find(f->store, f->collection, "id1", NULL, &found, NULL), SB_STORE);
}

static void a_database_with_an_old_root_key_is_refused_and_stays_as_it_is(void **state) {
  fixture *f = *state;
  enrol_many(f, 0, 3);
  sb_root *old = NULL, *fresh = NULL;
  assert_int_equal(sb_root_open(f->dir, false, &old, NULL), SB_OK);
  assert_int_equal(sb_root_new(NULL, &fresh, NULL), SB_OK);
  assert_int_equal(sb_store_change_root(f->store, fresh, NULL), SB_OK);
  assert_int_equal(sb_root_write(fresh, f->dir, "semblance.key", NULL, NULL), SB_OK);
  reopen(f);
  expect_people(f, 0, 3);
  enrol_many(f, 3, 1);
  sb_store_close(f->store);
  f->store = NULL;
  char path[128];
  uint8_t *before = NULL, *after = NULL;
  size_t size = 0, size_after = 0;
  snprintf(path, sizeof path, "%s/semblance.db", f->dir);
  assert_int_equal(sb_file_read(path, 1 << 24, &before, &size, NULL), SB_OK);
  assert_int_equal(sb_root_write(old, f->dir, "semblance.key", NULL, NULL), SB_OK);
  assert_int_equal(sb_store_open(f->dir, false, &f->store, NULL), SB_WRONG_KEY);
  assert_int_equal(sb_file_read(path, 1 << 24, &after, &size_after, NULL), SB_OK);
  assert_int_equal(size, size_after);
  assert_memory_equal(before, after, size);
  free(before);
  free(after);
  sb_root_free(old);
  sb_root_free(fresh);
}

static void a_change_of_the_root_key_cut_off_anywhere_leaves_one_that_fits(void **state) {
  fixture *f = *state;
  char path[128], next[128], kept[128];
  enrol_many(f, 0, 3);
  sb_root *fresh = NULL, *old = NULL;
  snprintf(path, sizeof path, "%s/semblance.key", f->dir);
  snprintf(next, sizeof next, "%s/semblance.key.next", f->dir);
  snprintf(kept, sizeof kept, "%s/kept", f->dir);
  assert_int_equal(sb_root_new(NULL, &fresh, NULL), SB_OK);
  assert_int_equal(sb_root_open(f->dir, false, &old, NULL), SB_OK);
  /* The new file is written, the database is not: the old key is right, and the rotation starts again. */
  assert_int_equal(sb_root_write(fresh, f->dir, "semblance.key.next", NULL, NULL), SB_OK);
  reopen(f);
  expect_people(f, 0, 3);
  /* The database is written, the file not moved: the new key is moved at the next opening. */
  assert_int_equal(sb_store_change_root(f->store, fresh, NULL), SB_OK);
  reopen(f);
  expect_people(f, 0, 3);
  assert_int_equal(access(next, F_OK), -1);
  sb_root *there = NULL;
  assert_int_equal(sb_root_open(f->dir, false, &there, NULL), SB_OK);
  assert_memory_equal(there->key, fresh->key, SB_KEY_SIZE);
  sb_root_free(there);
  /* Everything in one go. */
  assert_int_equal(sb_store_renew_root(f->store, NULL), SB_OK);
  reopen(f);
  expect_people(f, 0, 3);
  assert_int_equal(rename(path, kept), 0);
  assert_int_equal(sb_root_write(fresh, f->dir, "semblance.key", NULL, NULL), SB_OK);
  sb_store_close(f->store);
  f->store = NULL;
  assert_int_equal(sb_store_open(f->dir, false, &f->store, NULL), SB_WRONG_KEY);
  sb_root_free(fresh);
  sb_root_free(old);
}

/* ---- Rotation */

static void a_rotation_seals_all_anew_and_leaves_nothing_of_the_old_key(void **state) {
  fixture *f = *state;
  enrol_many(f, 0, 20);
  size_t wrapped_size = 0, sealed_size = 0;
  uint8_t *wrapped = raw_bytes(f, "SELECT wrapped FROM data_key WHERE purpose = 'data'", &wrapped_size);
  uint8_t *sealed = raw_bytes(f, "SELECT template FROM face WHERE id = 3", &sealed_size);
  uint8_t *hash = raw_bytes(f, "SELECT external_hash FROM person WHERE id = 3", &(size_t){0});
  assert_true(folder_holds(f->dir, wrapped, wrapped_size));
  assert_int_equal(sb_store_rotate(f->store, NULL, NULL, NULL), SB_OK);
  assert_false(folder_holds(f->dir, wrapped, wrapped_size));
  assert_false(folder_holds(f->dir, sealed, sealed_size));
  assert_false(folder_holds(f->dir, hash, SB_DIGEST_SIZE));
  expect_people(f, 0, 20);
  sb_store_key_status keys;
  assert_int_equal(sb_store_keys_status(f->store, &keys, NULL), SB_OK);
  assert_int_equal(keys.count, 2); /* data and audit */
  assert_false(keys.rotating);
  reopen(f);
  expect_people(f, 0, 20);
  free(wrapped);
  free(sealed);
  free(hash);
}

typedef struct stop {
  int left;
  bool die;
} stop;

static bool stop_after(void *context, const char *table, size_t done) {
  stop *s = context;
  (void)table, (void)done;
  if (s->left-- > 0) return true;
  if (s->die) _exit(7); /* as kill -9: nothing is closed */
  return false;
}

static void a_rotation_killed_at_any_step_is_gone_on_with(void **state) {
  fixture *f = *state;
  enum { PEOPLE = 600 };
  enrol_many(f, 0, PEOPLE);
  sb_store_close(f->store);
  f->store = NULL;
  int killed = 0, status = 0;
  for (;; killed++) {
    pid_t child = fork();
    if (child == 0) {
      sb_store *store = NULL;
      stop s = {0, true};
      if (sb_store_open(f->dir, false, &store, NULL) != SB_OK) _exit(1);
      _exit(sb_store_rotate(store, stop_after, &s, NULL) == SB_OK ? 0 : 2);
    }
    waitpid(child, &status, 0);
    assert_true(WIFEXITED(status) && (WEXITSTATUS(status) == 7 || WEXITSTATUS(status) == 0));
    assert_int_equal(sb_store_open(f->dir, false, &f->store, NULL), SB_OK);
    expect_people(f, 0, PEOPLE + killed);
    if (WEXITSTATUS(status) == 0) break;
    enrol_many(f, PEOPLE + killed, 1); /* enrollments go on in between */
    sb_store_close(f->store);
    f->store = NULL;
  }
  assert_true(killed >= 4);
  assert_int_equal(raw_number(f, "SELECT count(*) FROM data_key WHERE purpose = 'data'"), 1);
  assert_int_equal(raw_number(f, "SELECT count(DISTINCT substr(template, 1, 4)) FROM face"), 1);
  assert_int_equal(sb_store_check(f->store, NULL), SB_OK);
}

static void another_process_seals_under_the_new_key_at_once_and_finds_both(void **state) {
  fixture *f = *state;
  sb_store *other = NULL;
  stop s = {0, false};
  enrol_many(f, 0, 600);
  assert_int_equal(sb_store_open(f->dir, false, &other, NULL), SB_OK);
  assert_int_equal(sb_store_rotate(f->store, stop_after, &s, NULL), SB_OK); /* stops after one batch */
  sb_store_key_status keys;
  assert_int_equal(sb_store_keys_status(f->store, &keys, NULL), SB_OK);
  assert_true(keys.rotating);
  assert_int_equal(enrol_number(other, f->collection, 600, NULL), SB_OK);
  assert_int_equal(enrol_number(other, f->collection, 0, NULL), SB_EXISTS);   /* resealed already */
  assert_int_equal(enrol_number(other, f->collection, 599, NULL), SB_EXISTS); /* not yet */
  assert_int_equal(raw_number(f, "SELECT (SELECT substr(name, 1, 4) FROM person WHERE id = 601)"
                                 " <> (SELECT substr(name, 1, 4) FROM person WHERE id = 600)"),
                   1);
  assert_int_equal(sb_store_rotate(other, NULL, NULL, NULL), SB_OK);
  expect_people(f, 0, 601);
  /* The same with a new root key: the other one finds it. */
  assert_int_equal(sb_store_renew_root(f->store, NULL), SB_OK);
  assert_int_equal(sb_store_rotate(f->store, NULL, NULL, NULL), SB_OK);
  assert_int_equal(enrol_number(other, f->collection, 601, NULL), SB_OK);
  expect_people(f, 0, 602);
  sb_store_close(other);
}

/* ---- Transforms */

typedef struct seen {
  int resets, puts;
  float templates[8][DIM], plain[8][DIM];
} seen;

static sb_status look(void *context, const sb_store_change *change, sb_error *error) {
  seen *s = context;
  (void)error;
  s->resets += change->kind == SB_CHANGE_RESET;
  if (change->kind != SB_CHANGE_PUT) return SB_OK;
  sb_transform *transform = NULL;
  assert_int_equal(sb_transform_new(change->seed, change->dim, &transform, NULL), SB_OK);
  memcpy(s->templates[s->puts], change->embedding, sizeof *s->templates);
  sb_transform_undo(transform, change->embedding, s->plain[s->puts++]);
  sb_transform_free(transform);
  return SB_OK;
}

static double inner(const float *a, const float *b) {
  double sum = 0;
  for (int i = 0; i < DIM; i++) sum += (double)a[i] * (double)b[i];
  return sum;
}

static void a_revocation_turns_every_template_and_keeps_every_score(void **state) {
  fixture *f = *state;
  static seen before, after;
  int64_t next = 0;
  size_t turned = 0, size = 0;
  memset(&before, 0, sizeof before);
  memset(&after, 0, sizeof after);
  enrol_many(f, 0, 8);
  assert_int_equal(sb_store_changes(f->store, 0, &next, look, &before, NULL), SB_OK);
  uint8_t *sealed = raw_bytes(f, "SELECT template FROM face WHERE id = 3", &size);
  assert_int_equal(sb_store_revoke(f->store, f->collection, &turned, NULL), SB_OK);
  assert_int_equal(turned, 8);
  assert_false(folder_holds(f->dir, sealed, size));
  assert_int_equal(sb_store_changes(f->store, next, &next, look, &after, NULL), SB_OK);
  assert_int_equal(after.resets, 1);
  assert_int_equal(after.puts, 8);
  for (int i = 0; i < 8; i++) {
    float v[DIM], kept[DIM];
    vector_of(i, v);
    assert_true(fabs(inner(before.templates[i], after.templates[i])) < 0.6); /* chance: deviation 1/8 */
    assert_int_equal(sb_store_face_template(f->store, i + 1, DIM, kept, NULL), SB_OK);
    for (int j = 0; j < DIM; j++) {
      assert_true(fabsf(after.plain[i][j] - v[j]) < 1e-5f);
      assert_true(fabsf(kept[j] - v[j]) < 1e-5f);
    }
    for (int j = 0; j < 8; j++)
      assert_true(
          fabs(inner(before.templates[i], before.templates[j]) - inner(after.templates[i], after.templates[j])) < 1e-5);
  }
  free(sealed);
}

static void two_collections_have_transforms_of_their_own(void **state) {
  fixture *f = *state;
  static seen all;
  int64_t other = 0, next = 0;
  memset(&all, 0, sizeof all);
  assert_int_equal(sb_store_collection_add(f->store, "other", "model", DIM, &other, NULL), SB_OK);
  assert_int_equal(enrol_number(f->store, f->collection, 1, NULL), SB_OK);
  assert_int_equal(enrol_number(f->store, other, 1, NULL), SB_OK);
  assert_int_equal(sb_store_changes(f->store, 0, &next, look, &all, NULL), SB_OK);
  assert_true(inner(all.plain[0], all.plain[1]) > 0.9999);
  assert_true(fabs(inner(all.templates[0], all.templates[1])) < 0.6);
}

/* ---- Databases of older versions (tests/compat) */

static void a_gallery_of_schema_1_is_brought_over_with_its_own_key_only(void **state) {
  fixture *f = *state;
  char path[128];
  uint8_t *bytes = NULL, *after = NULL;
  size_t size = 0, size_after = 0;
  put_older(f, "schema-1.db");
  snprintf(path, sizeof path, "%s/semblance.db", f->dir);
  assert_int_equal(sb_file_read(path, 1 << 20, &bytes, &size, NULL), SB_OK);
  assert_int_equal(sb_store_open(f->dir, false, &f->store, NULL), SB_WRONG_KEY);
  assert_int_equal(sb_file_read(path, 1 << 20, &after, &size_after, NULL), SB_OK);
  assert_int_equal(size, size_after);
  assert_memory_equal(bytes, after, size);
  free(bytes);
  free(after);
  setenv("SEMBLANCE_KEY", "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", 1);
  sb_error error = {0};
  if (sb_store_open(f->dir, false, &f->store, &error) != SB_OK) fail_msg("%s", error.message);
  for (int i = 0; i < 3; i++) {
    char id[16], name[16];
    float kept[8];
    sb_people *found = NULL;
    snprintf(id, sizeof id, "id%d", i);
    snprintf(name, sizeof name, "Person %d", i);
    assert_int_equal(sb_store_person_find(f->store, 1, id, NULL, &found, NULL), SB_OK);
    assert_string_equal(found->items[0].name, name);
    assert_string_equal(found->items[0].consent, i ? "agreed" : "");
    assert_int_equal(found->items[0].has_attributes, i == 1);
    sb_people_free(found);
    assert_int_equal(sb_store_face_template(f->store, i + 1, 8, kept, NULL), SB_OK);
    for (int j = 0; j < 8; j++) assert_true(fabsf(kept[j] - (j == i ? .6f : j == i + 1 ? .8f : 0)) < 1e-6f);
  }
  assert_int_equal(sb_store_check(f->store, NULL), SB_OK);
  unsetenv("SEMBLANCE_KEY");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(stolen_files_hold_no_id_name_or_template_and_look_like_noise),
      TEST(swapped_rows_and_columns_are_refused),
      TEST(a_database_with_an_old_root_key_is_refused_and_stays_as_it_is),
      TEST(a_change_of_the_root_key_cut_off_anywhere_leaves_one_that_fits),
      TEST(a_rotation_seals_all_anew_and_leaves_nothing_of_the_old_key),
      TEST(a_rotation_killed_at_any_step_is_gone_on_with),
      TEST(another_process_seals_under_the_new_key_at_once_and_finds_both),
      TEST(a_revocation_turns_every_template_and_keeps_every_score),
      TEST(two_collections_have_transforms_of_their_own),
      TEST(a_gallery_of_schema_1_is_brought_over_with_its_own_key_only),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
