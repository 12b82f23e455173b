/* The audit and erasure: what was done is told, what was changed in the telling shows, what was erased is gone. On both
 * databases; what only a file has (the sum over all rows, secure_delete) on that alone. */
#include "gallery.h"

#include "store/gallery/access.h"

static sb_audit_head verified(fixture *f) {
  sb_audit_head head;
  sb_error error = {0};
  if (sb_audit_verify(f->store, NULL, &head, &error) != SB_OK) fail_msg("%s", error.message);
  return head;
}

static sb_status verify(fixture *f) {
  sb_audit_head head;
  return sb_audit_verify(f->store, NULL, &head, NULL);
}

typedef struct tale {
  char text[4096];
} tale;

static sb_status tell(void *context, const sb_audit_entry *e, sb_error *error) {
  tale *t = context;
  size_t used = strlen(t->text);
  (void)error;
  snprintf(t->text + used, sizeof t->text - used, "%lld %s %s %s %lld %lld;", (long long)e->entry.sequence,
           e->entry.actor, e->entry.verb, e->collection, (long long)e->entry.person, (long long)e->entry.count);
  return SB_OK;
}

static void every_act_stands_in_the_audit_with_its_actor(void **state) {
  fixture *f = *state;
  static tale t;
  memset(&t, 0, sizeof t);
  enrol_many(f, 1, 2);
  sb_actor_set("key:abcd", NULL);
  assert_int_equal(sb_store_person_change(f->store, 1, &(sb_store_person_edit){.name = "New"}, NULL), SB_OK);
  assert_int_equal(sb_store_person_change(f->store, 1, &(sb_store_person_edit){.new_id = "new-id"}, NULL), SB_OK);
  const sb_store_terms terms = {.purpose = "doors"};
  assert_int_equal(sb_store_person_change(f->store, 1, &(sb_store_person_edit){.terms = terms}, NULL), SB_OK);
  const sb_audit_event notes[] = {{"search", f->collection, 2, 5}, {"search", f->collection, 0, 5}};
  assert_int_equal(sb_audit_record(f->store, notes, 2, NULL), SB_OK);
  sb_actor_set(NULL, NULL);
  assert_int_equal(sb_store_person_merge(f->store, 1, 2, NULL, NULL), SB_OK);
  assert_int_equal(sb_store_person_delete(f->store, 1, NULL, NULL, NULL), SB_OK);
  assert_int_equal(sb_audit_read(f->store, 0, 100, tell, &t, NULL), SB_OK);
  assert_string_equal(t.text, "1 local collection default 0 0;2 local enroll default 1 1;3 local enroll default 2 1;"
                              "4 key:abcd rename default 1 0;5 key:abcd change-id default 1 0;"
                              "6 key:abcd terms default 1 0;7 key:abcd search default 2 5;"
                              "8 key:abcd search default 0 5;9 local merge default 1 1;10 local erase default 2 0;"
                              "11 local erase default 1 2;");
  assert_int_equal(verified(f).sequence, 11);
  memset(&t, 0, sizeof t);
  assert_int_equal(sb_audit_read(f->store, 9, 1, tell, &t, NULL), SB_OK);
  assert_string_equal(t.text, "10 local erase default 2 0;");
}

static void a_change_is_made_whole_or_not_at_all(void **state) {
  fixture *f = *state;
  static tale t;
  sb_people *found = NULL;
  memset(&t, 0, sizeof t);
  enrol_many(f, 1, 2);
  assert_int_equal(sb_store_face_delete(f->store, 1, NULL), SB_OK); /* there is no face to describe any more */
  int64_t last = verified(f).sequence;
  const sb_store_person_edit change = {.name = "New",
                                       .new_id = "new-id",
                                       .terms = {.consent = "more", .set_expires = true, .expires_ms = 5},
                                       .describe = SB_DESCRIBE_AGE,
                                       .attributes = &(sb_attributes){.age = 20}};
  assert_int_equal(sb_store_person_change(f->store, 1, &change, NULL), SB_NOT_FOUND);
  assert_int_equal(sb_store_person_get(f->store, 1, &found, NULL), SB_OK);
  assert_string_not_equal(found->items[0].name, "New");
  assert_string_not_equal(found->items[0].id, "new-id");
  assert_string_not_equal(found->items[0].consent, "more");
  assert_int_equal(found->items[0].expires_ms, 0);
  sb_people_free(found);
  assert_int_equal(verified(f).sequence, last);
  assert_int_equal(sb_store_person_change(f->store, 2, &change, NULL), SB_OK);
  const sb_store_audit_query query = {.person = 2, .limit = 2};
  assert_int_equal(sb_audit_read_person(f->store, &query, tell, &t, NULL), SB_OK);
  assert_non_null(strstr(t.text, "describe default 2 0;"));
  assert_non_null(strstr(strstr(t.text, "describe"), "terms default 2 0;"));
}

/* As SQLite stores it. */
static void add_zeroblob(const fixture *f) {
  if (server())
    raw_sql(f, "CREATE FUNCTION semblance.zeroblob(n int) RETURNS bytea AS"
               " $$ SELECT decode(repeat('00', n), 'hex') $$ LANGUAGE sql");
}

static void a_change_a_gap_an_insertion_and_a_swap_are_detected(void **state) {
  fixture *f = *state;
  static const char *const attacks[] = {
      "UPDATE audit SET actor = 'nobody' WHERE sequence = 2",
      "UPDATE audit SET at = at + 1 WHERE sequence = 2",
      "UPDATE audit SET person = 7 WHERE sequence = 3",
      "UPDATE audit SET link = zeroblob(32) WHERE sequence = 3",
      "DELETE FROM audit WHERE sequence = 3",
      "DELETE FROM audit WHERE sequence = 1",
      "INSERT INTO audit SELECT 6, at, actor, verb, collection, person, count, link FROM audit WHERE sequence = 5",
      "UPDATE audit SET sequence = -sequence WHERE sequence IN (3, 4);"
      "UPDATE audit SET sequence = 7 + sequence WHERE sequence < 0",
      "DELETE FROM audit",
      "DELETE FROM meta WHERE key = 'audit_head'",
      "UPDATE meta SET value = zeroblob(104) WHERE key = 'audit_head'",
      "UPDATE meta SET value = zeroblob(1) WHERE key = 'audit_head'",
      "DELETE FROM meta WHERE key = 'audit_head'; DELETE FROM audit WHERE sequence > 1",
  };
  enrol_many(f, 1, 4);
  assert_int_equal(verified(f).sequence, 5);
  add_zeroblob(f);
  raw_sql(f, "CREATE TABLE kept_audit AS SELECT * FROM audit; CREATE TABLE kept_meta AS SELECT * FROM meta");
  for (size_t i = 0; i < count_of(attacks); i++) {
    raw_sql(f, attacks[i]);
    if (verify(f) != SB_STORE) fail_msg("not detected: %s", attacks[i]);
    raw_sql(f, "DELETE FROM audit; DELETE FROM meta; INSERT INTO audit SELECT * FROM kept_audit;"
               "INSERT INTO meta SELECT * FROM kept_meta");
    assert_int_equal(verify(f), SB_OK);
  }
}

static void a_cut_tail_is_detected_and_an_older_state_by_a_head_that_was_kept(void **state) {
  fixture *f = *state;
  enrol_many(f, 1, 2);
  raw_sql(f, "CREATE TABLE kept AS SELECT * FROM meta");
  const sb_audit_head early = verified(f);
  enrol_many(f, 3, 2);
  const sb_audit_head late = verified(f);
  sb_audit_head out;
  assert_int_equal(sb_audit_verify(f->store, &early, &out, NULL), SB_OK);
  assert_int_equal(sb_audit_verify(f->store, &late, &out, NULL), SB_OK);
  raw_sql(f, "DELETE FROM audit WHERE sequence > 4");
  assert_int_equal(verify(f), SB_STORE);
  /* Entries and head of an earlier time agree with each other, but not with the row-set MAC. */
  raw_sql(f, "DELETE FROM audit WHERE sequence > 3; DELETE FROM meta; INSERT INTO meta SELECT * FROM kept");
  assert_int_equal(verify(f), server() ? SB_OK : SB_STORE);
  /* A whole earlier database is consistent: only a head stored elsewhere shows it. */
  raw_sql(f, "DELETE FROM face WHERE id > 2; DELETE FROM person WHERE id > 2");
  assert_int_equal(verify(f), SB_OK);
  assert_int_equal(sb_audit_verify(f->store, &early, &out, NULL), SB_OK);
  assert_int_equal(sb_audit_verify(f->store, &late, &out, NULL), SB_STORE);
}

/* The check notices the change, and passes again when it is undone. */
static void expect_tampering(fixture *f, const char *tampering) {
  char path[64], save[128], back[640];
  snprintf(path, sizeof path, "%s/kept.db", f->dir);
  snprintf(save, sizeof save, "VACUUM INTO '%s'", path);
  snprintf(back, sizeof back,
           "ATTACH '%s' AS k; DELETE FROM face; DELETE FROM person; DELETE FROM api_key; DELETE FROM meta;"
           "INSERT INTO person SELECT * FROM k.person; INSERT INTO face SELECT * FROM k.face;"
           "INSERT INTO api_key SELECT * FROM k.api_key; INSERT INTO meta SELECT * FROM k.meta",
           path);
  assert_int_equal(verify(f), SB_OK);
  raw_sql(f, save);
  raw_sql(f, tampering);
  if (verify(f) != SB_STORE) fail_msg("not noticed: %s", tampering);
  raw_sql(f, back);
  unlink(path);
  assert_int_equal(verify(f), SB_OK);
}

static void an_older_row_that_is_put_back_is_detected_seal_and_all(void **state) {
  fixture *f = *state;
  char key[SB_API_KEY_SIZE];
  sb_access_key made = {.roles = SB_ROLE_READ};
  sb_people *found = NULL;
  enrol_many(f, 1, 3);
  assert_int_equal(sb_access_key_add(f->store, &made, key, NULL), SB_OK);
  raw_sql(f, "CREATE TABLE old AS SELECT * FROM person; CREATE TABLE old_meta AS SELECT * FROM meta");
  assert_int_equal(sb_store_person_change(f->store, 1, &(sb_store_person_edit){.name = "Somebody Else"}, NULL), SB_OK);
  assert_int_equal(sb_access_key_revoke(f->store, made.prefix, NULL), SB_OK);
  static const char put_back[] = "UPDATE person SET name = (SELECT o.name FROM old o WHERE o.id = person.id)";
  expect_tampering(f, put_back);
  /* with the row-set MAC of that time: its sequence is not the audit's */
  expect_tampering(f, "UPDATE person SET name = (SELECT o.name FROM old o WHERE o.id = person.id);"
                      "UPDATE meta SET value = (SELECT value FROM old_meta WHERE key = 'tally') WHERE key = 'tally'");
  expect_tampering(f, "DELETE FROM meta WHERE key = 'tally'");
  expect_tampering(f, "UPDATE meta SET value = randomblob(80) WHERE key = 'tally'");
  expect_tampering(f,
                   "UPDATE face SET person = 2 WHERE id = 1"); /* a seal binds a face to its row, not to its person */
  expect_tampering(f, "UPDATE face SET quality = 1 WHERE id = 1");
  expect_tampering(f, "UPDATE person SET expires = 1 WHERE id = 3");
  expect_tampering(f, "DELETE FROM face WHERE id = 2");
  expect_tampering(f, "UPDATE api_key SET revoked = NULL");
  expect_tampering(f, "UPDATE api_key SET roles = 7");
  raw_sql(f, put_back); /* the old row opens: nothing else shows it */
  assert_int_equal(sb_store_person_find(f->store, f->collection, "id1", NULL, &found, NULL), SB_OK);
  assert_string_equal(found->items[0].name, "Person 1");
  sb_people_free(found);
  /* later changes do not repair it */
  enrol_many(f, 9, 1);
  assert_int_equal(verify(f), SB_STORE);
}

static void the_sum_over_the_rows_follows_every_act_of_every_process(void **state) {
  fixture *f = *state;
  sb_store *other = NULL;
  size_t count = 0;
  int64_t face = 0;
  enrol_many(f, 1, 6);
  assert_int_equal(sb_store_open_at(f->dir, server(), false, &other, NULL), SB_OK);
  assert_int_equal(enrol_number(other, f->collection, 7, NULL), SB_OK);
  assert_int_equal(sb_store_person_change(f->store, 1, &(sb_store_person_edit){.name = "Other"}, NULL), SB_OK);
  assert_int_equal(sb_store_person_change(other, 1, &(sb_store_person_edit){.new_id = "another id"}, NULL), SB_OK);
  const sb_store_person_edit change = {
      .terms = {.consent = "yes", .purpose = "door", .set_expires = true, .expires_ms = 5},
      .describe = SB_DESCRIBE_AGE,
      .attributes = &(sb_attributes){.age = 20}};
  assert_int_equal(sb_store_person_change(f->store, 2, &change, NULL), SB_OK);
  assert_int_equal(sb_store_person_merge(other, 3, 4, &count, NULL), SB_OK);
  assert_int_equal(verify(f), SB_OK);
  assert_int_equal(sb_store_person_delete(f->store, 5, &count, NULL, NULL), SB_OK);
  assert_int_equal(sb_store_face_delete(other, 1, NULL), SB_OK);
  assert_int_equal(sb_store_person_change(other, 77, &(sb_store_person_edit){.name = "Nobody"}, NULL),
                   SB_NOT_FOUND); /* rolled back */
  assert_int_equal(verify(f), SB_OK);
  assert_int_equal(sb_store_rotate(other, NULL, NULL, NULL), SB_OK);
  assert_int_equal(verify(f), SB_OK);
  assert_int_equal(sb_store_revoke(f->store, f->collection, &count, NULL), SB_OK);
  assert_int_equal(sb_store_collection_add(f->store, "second", "model", DIM, &face, NULL), SB_OK);
  assert_int_equal(sb_access_password_set(f->store, "correct horse", NULL), SB_OK);
  assert_int_equal(verify(f), SB_OK);
  assert_int_equal(sb_store_collection_delete(other, f->collection, true, NULL), SB_OK);
  assert_int_equal(verify(f), SB_OK);
  sb_store_close(other);
  reopen(f);
  assert_int_equal(verify(f), SB_OK);
}

/* The longest run of bytes that both hold, anywhere. */
static size_t longest_common(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size) {
  size_t longest = 0;
  for (size_t i = 0; i < a_size; i++)
    for (size_t j = 0; j < b_size; j++) {
      size_t run = 0;
      while (i + run < a_size && j + run < b_size && a[i + run] == b[j + run]) run++;
      if (run > longest) longest = run;
    }
  return longest;
}

/* Entries of the audit log that change no row leave the sum as it is, which a reader of the file cannot see. */
static void the_stored_sum_reveals_neither_itself_nor_whether_rows_changed(void **state) {
  static const char select[] = "SELECT value FROM meta WHERE key = 'tally'";
  fixture *f = *state;
  const sb_audit_event note = {"search", f->collection, 0, 5};
  size_t sizes[2];
  uint8_t *sums[2];
  enrol_many(f, 1, 3);
  for (int i = 0; i < 2; i++) {
    assert_int_equal(sb_audit_record(f->store, &note, 1, NULL), SB_OK);
    sums[i] = raw_bytes(f, select, &sizes[i]);
  }
  assert_true(longest_common(sums[0], sizes[0], sums[1], sizes[1]) < 8);
  for (int i = 0; i < 2; i++) free(sums[i]);
  assert_int_equal(verify(f), SB_OK);
}

/* ---- Databases of older versions: their sum is readable */

static void a_readable_sum_is_checked_at_the_upgrade_and_not_accepted_later(void **state) {
  fixture *f = *state;
  use_older(f, "schema-6.db");
  raw_sql(f, "CREATE TABLE readable AS SELECT value FROM meta WHERE key = 'tally'");
  reopen(f);
  assert_int_equal(verify(f), SB_OK);
  /* the same rows and the same newest entry as when it was written */
  raw_sql(f, "UPDATE meta SET value = (SELECT value FROM readable) WHERE key = 'tally'");
  assert_int_equal(verify(f), SB_STORE);
  unsetenv("SEMBLANCE_KEY");
}

static void rows_that_were_changed_before_the_upgrade_stay_detected(void **state) {
  fixture *f = *state;
  use_older(f, "schema-6.db");
  raw_sql(f, "UPDATE person SET expires = 1");
  reopen(f);
  assert_int_equal(verify(f), SB_STORE);
  reopen(f);
  assert_int_equal(verify(f), SB_STORE);
  unsetenv("SEMBLANCE_KEY");
}

static void a_receipt_proves_the_erasure_and_holds_no_name(void **state) {
  fixture *f = *state;
  sb_audit_receipt receipt;
  size_t faces = 0;
  uint8_t link[SB_LINK_SIZE];
  enrol_many(f, 1, 1);
  assert_int_equal(sb_store_person_delete(f->store, 1, &faces, &receipt, NULL), SB_OK);
  assert_string_equal(receipt.entry.verb, "erase");
  assert_int_equal(receipt.entry.person, 1);
  assert_int_equal(receipt.entry.count, 1);
  sb_chain_link(receipt.before, &receipt.entry, link);
  assert_memory_equal(link, receipt.link, sizeof link);
  assert_true(sb_chain_verify(receipt.public_key, receipt.entry.sequence, receipt.link, receipt.signature));
  assert_false(sb_chain_verify(receipt.public_key, receipt.entry.sequence + 1, receipt.link, receipt.signature));
  receipt.signature[5] ^= 1;
  assert_false(sb_chain_verify(receipt.public_key, receipt.entry.sequence, receipt.link, receipt.signature));
  const sb_audit_head head = verified(f);
  assert_memory_equal(head.public_key, receipt.public_key, SB_PUBLIC_SIZE);
  assert_int_equal(sb_store_person_delete(f->store, 1, &faces, &receipt, NULL), SB_NOT_FOUND);
  assert_int_equal(verified(f).sequence, head.sequence);
}

/* Every blob of a person is gone from every file of the folder: database, log, free pages. */
static void after_an_erasure_no_byte_of_the_person_is_in_any_file(void **state) {
  fixture *f = *state;
  static const char *const blobs[] = {
      "SELECT external_hash FROM person WHERE id = 5", "SELECT external_id FROM person WHERE id = 5",
      "SELECT name FROM person WHERE id = 5",          "SELECT consent FROM person WHERE id = 5",
      "SELECT template FROM face WHERE id = 5",        "SELECT attributes FROM face WHERE id = 5",
      "SELECT source FROM face WHERE id = 5",
  };
  uint8_t *kept[count_of(blobs)];
  size_t sizes[count_of(blobs)];
  enrol_many(f, 1, 40);
  for (size_t i = 0; i < count_of(blobs); i++) {
    kept[i] = raw_bytes(f, blobs[i], &sizes[i]);
    assert_true(sizes[i] >= 16 && folder_holds(f->dir, kept[i], sizes[i]));
  }
  assert_int_equal(sb_store_person_delete(f->store, 5, NULL, NULL, NULL), SB_OK);
  for (size_t i = 0; i < count_of(blobs); i++) {
    assert_false(folder_holds(f->dir, kept[i], sizes[i]));
    assert_false(folder_holds(f->dir, kept[i], 16)); /* nor a part of it */
    assert_false(folder_holds(f->dir, kept[i] + sizes[i] - 16, 16));
    free(kept[i]);
  }
}

static void a_person_whose_time_is_over_is_found_and_terms_are_kept_sealed(void **state) {
  fixture *f = *state;
  int64_t row = 0, now = sb_now_ms();
  sb_people *found = NULL;
  enrol_many(f, 1, 3);
  assert_int_equal(sb_store_person_expired(f->store, now, &row, NULL), SB_OK);
  assert_int_equal(row, 0);
  sb_store_terms terms = {
      .consent = "until spring", .purpose = "the side door", .set_expires = true, .expires_ms = now + 5000};
  assert_int_equal(sb_store_person_change(f->store, 2, &(sb_store_person_edit){.terms = terms}, NULL), SB_OK);
  assert_int_equal(sb_store_person_change(f->store, 99, &(sb_store_person_edit){.terms = terms}, NULL), SB_NOT_FOUND);
  assert_false(folder_holds(f->dir, "the side door", 13));
  assert_int_equal(sb_store_person_get(f->store, 2, &found, NULL), SB_OK);
  assert_string_equal(found->items[0].consent, "until spring");
  assert_string_equal(found->items[0].purpose, "the side door");
  assert_int_equal(found->items[0].expires_ms, now + 5000);
  sb_people_free(found);
  assert_int_equal(sb_store_person_expired(f->store, now + 4999, &row, NULL), SB_OK);
  assert_int_equal(row, 0);
  assert_int_equal(sb_store_person_expired(f->store, now + 5000, &row, NULL), SB_OK);
  assert_int_equal(row, 2);
  assert_int_equal(sb_store_rotate(f->store, NULL, NULL, NULL), SB_OK); /* purpose is resealed, too */
  assert_int_equal(sb_store_person_get(f->store, 2, &found, NULL), SB_OK);
  assert_string_equal(found->items[0].purpose, "the side door");
  sb_people_free(found);
  terms = (sb_store_terms){.set_expires = true};
  assert_int_equal(sb_store_person_change(f->store, 2, &(sb_store_person_edit){.terms = terms}, NULL), SB_OK);
  assert_int_equal(sb_store_person_expired(f->store, INT64_MAX, &row, NULL), SB_OK);
  assert_int_equal(row, 0);
  assert_int_equal(sb_store_person_get(f->store, 2, &found, NULL), SB_OK);
  assert_string_equal(found->items[0].consent, "until spring");
  sb_people_free(found);
}

/* The operating point survives rotations, is recorded in the audit, and cannot be set without the keys. */
static void a_choice_of_the_threshold_is_kept_and_one_that_others_put_there_is_not_taken(void **state) {
  fixture *f = *state;
  const char *const attacks[] = {
      server() ? "UPDATE meta SET value = '\\x0101000000000000e03f'::bytea || zeroblob(32) WHERE key = 'target'"
               : "UPDATE meta SET value = CAST(x'0101000000000000e03f' || zeroblob(32) AS BLOB) WHERE key = 'target'",
      server()
          ? "UPDATE meta SET value = substr(value, 1, 1) || '\\x01'::bytea || substr(value, 3) WHERE key = 'target'"
          : "UPDATE meta SET value = CAST(substr(value, 1, 1) || x'01' || substr(value, 3) AS BLOB)"
            " WHERE key = 'target'",
      "UPDATE meta SET value = zeroblob(0) WHERE key = 'target'",
      "UPDATE meta SET value = (SELECT value FROM meta WHERE key = 'audit_head') WHERE key = 'target'",
  };
  sb_target found = {.fpir = 1};
  add_zeroblob(f);
  assert_int_equal(sb_store_operating_point(f->store, &found, NULL), SB_OK);
  assert_false(found.threshold > 0 || found.fmr > 0 || found.fpir > 0);
  assert_int_equal(sb_store_operating_point_set(f->store, &(sb_target){.threshold = 0.3}, NULL), SB_OK);
  raw_sql(f, "CREATE TABLE kept AS SELECT * FROM meta");
  assert_int_equal(sb_store_operating_point_set(f->store, &(sb_target){.fmr = 1e-5}, NULL), SB_OK);
  assert_int_equal(sb_store_rotate(f->store, NULL, NULL, NULL), SB_OK);
  assert_int_equal(sb_store_operating_point(f->store, &found, NULL), SB_OK);
  assert_true(found.fmr == 1e-5 && !(found.threshold > 0));
  assert_int_equal(verify(f), SB_OK);
  raw_sql(f, "CREATE TABLE newest AS SELECT * FROM meta");
  for (size_t i = 0; i < count_of(attacks); i++) {
    raw_sql(f, attacks[i]);
    if (sb_store_operating_point(f->store, &found, NULL) != SB_STORE) fail_msg("taken: %s", attacks[i]);
    assert_int_equal(verify(f), SB_STORE);
    raw_sql(f, "DELETE FROM meta; INSERT INTO meta SELECT * FROM newest");
  }
  raw_sql(f, "UPDATE meta SET value = (SELECT value FROM kept WHERE key = 'target') WHERE key = 'target'");
  assert_int_equal(verify(f), SB_STORE); /* an older value has a valid digest: the audit shows it */
  raw_sql(f, "DELETE FROM meta WHERE key = 'target'");
  assert_int_equal(verify(f), SB_STORE);
  assert_int_equal(sb_store_operating_point_set(f->store, &(sb_target){0}, NULL), SB_OK);
  assert_int_equal(verify(f), SB_OK);
}

#define OF_EVERY_DATABASE                                                                         \
  TEST(every_act_stands_in_the_audit_with_its_actor), TEST(a_change_is_made_whole_or_not_at_all), \
      TEST(a_change_a_gap_an_insertion_and_a_swap_are_detected),                                  \
      TEST(a_cut_tail_is_detected_and_an_older_state_by_a_head_that_was_kept),                    \
      TEST(the_sum_over_the_rows_follows_every_act_of_every_process),                             \
      TEST(a_receipt_proves_the_erasure_and_holds_no_name),                                       \
      TEST(a_person_whose_time_is_over_is_found_and_terms_are_kept_sealed),                       \
      TEST(a_choice_of_the_threshold_is_kept_and_one_that_others_put_there_is_not_taken)
#define OF_FILES                                                             \
  TEST(an_older_row_that_is_put_back_is_detected_seal_and_all),              \
      TEST(the_stored_sum_reveals_neither_itself_nor_whether_rows_changed),  \
      TEST(a_readable_sum_is_checked_at_the_upgrade_and_not_accepted_later), \
      TEST(rows_that_were_changed_before_the_upgrade_stay_detected),         \
      TEST(after_an_erasure_no_byte_of_the_person_is_in_any_file)

int main(void) {
  const struct CMUnitTest tests[] = {OF_EVERY_DATABASE, OF_FILES};
  const struct CMUnitTest on_a_server[] = {OF_EVERY_DATABASE};
  return server() ? cmocka_run_group_tests(on_a_server, NULL, NULL) : cmocka_run_group_tests(tests, NULL, NULL);
}
