/* The store: what was acknowledged stays, what was deleted is gone, what is not ours is refused. One set of tests for
 * both databases: SB_TEST_POSTGRES names one of PostgreSQL, which is emptied for each (tests/postgres does); else it is
 * SQLite. */
#include "folder.h"
#include "server.h"

#include "store/core/store_core.h"
#include "store/core/transaction.h"
#include "store/gallery/person_rows.h"

#include <fcntl.h>
#include <libpq-fe.h>
#include <math.h>
#include <pthread.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/wait.h>

enum { DIM = 8 };

typedef struct fixture {
  const char *dir;
  sb_store *store;
  int64_t collection;
} fixture;

static sb_status open_gallery(const char *dir, sb_store **out) {
  return sb_store_open_at(dir, server(), false, out, NULL);
}

static int set_up(void **state) {
  fixture *f = calloc(1, sizeof *f);
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

static int tear_down(void **state) {
  fixture *f = *state;
  sb_store_close(f->store);
  free(f);
  return remove_folder(state);
}

static sb_status enrol(sb_store *store, int64_t collection, const char *id, const char *name, bool may_exist,
                       int64_t *person, int64_t *face) {
  float embedding[DIM] = {1};
  sb_store_face one = {.embedding = embedding, .quality = .5f, .source = {(uint8_t)id[0], 7}};
  sb_store_enrollment e = {
      .collection = collection, .id = id, .name = name, .may_exist = may_exist, .faces = &one, .face_count = 1};
  return sb_store_enroll(store, &e, person, face, NULL);
}

static void reopen(fixture *f) {
  sb_store_close(f->store);
  f->store = NULL;
  assert_int_equal(open_gallery(f->dir, &f->store), SB_OK);
}

static void reopening_sees_what_was_enrolled(void **state) {
  fixture *f = *state;
  int64_t person, face;
  assert_int_equal(enrol(f->store, f->collection, "a1", "Ann", false, &person, &face), SB_OK);
  assert_int_equal(enrol(f->store, f->collection, "a1", NULL, true, &person, &face), SB_OK);
  reopen(f);
  sb_people *found = NULL;
  assert_int_equal(sb_store_person_find(f->store, f->collection, "a1", NULL, &found, NULL), SB_OK);
  assert_string_equal(found->items[0].name, "Ann");
  assert_int_equal(found->items[0].faces, 2);
  sb_people_free(found);
  assert_int_equal(sb_store_check(f->store, NULL), SB_OK);
}

/* ---- Number of statements that a list runs */

static const sb_driver *asked;
static size_t questions;

static void count_prepare(sb_statement *s, const char *sql) {
  questions++;
  asked->prepare(s, sql);
}

static void count_reset(sb_statement *s) {
  questions++;
  asked->reset(s);
}

/* Checks that a page's people have their thumbnails; returns the number of statements that took. */
static size_t list_pictures(fixture *f, sb_order order, const char *query, size_t limit) {
  sb_people *page = NULL;
  const sb_store_listing listing = {
      .collection = f->collection, .query = query, .order = order, .limit = limit, .thumbnails = true};
  questions = 0;
  assert_int_equal(sb_store_people(f->store, &listing, &page, NULL), SB_OK);
  assert_int_equal(page->count, limit);
  for (size_t i = 0; i < limit; i++) {
    const sb_person *person = &page->items[i];
    uint8_t number = (uint8_t)atoi(person->id);
    assert_int_equal(number, order == SB_ORDER_OLDEST ? i : 39 - i);
    assert_int_equal(person->thumbnail_size, number % 3 ? 2 : 0); /* every third has none */
    if (person->thumbnail_size) assert_memory_equal(person->thumbnail, ((uint8_t[]){number, 9}), 2);
  }
  sb_people_free(page);
  return questions;
}

static void a_list_with_pictures_asks_as_often_for_forty_people_as_for_five(void **state) {
  fixture *f = *state;
  float embedding[DIM] = {1};
  int64_t person, faces[3];
  for (int i = 0; i < 40; i++) {
    char id[4], name[12];
    const uint8_t first[] = {(uint8_t)i, 9}, second[] = {(uint8_t)i, 8};
    snprintf(id, sizeof id, "%d", i);
    snprintf(name, sizeof name, "Name %02d", 99 - i); /* the order by name is the reverse */
    sb_store_face kept[3] = {{.embedding = embedding},
                             {.embedding = embedding, .thumbnail = first, .thumbnail_size = i % 3 ? 2 : 0},
                             {.embedding = embedding, .thumbnail = second, .thumbnail_size = i % 3 ? 2 : 0}};
    const sb_store_enrollment e = {.collection = f->collection, .id = id, .name = name, .faces = kept, .face_count = 3};
    assert_int_equal(sb_store_enroll(f->store, &e, &person, faces, NULL), SB_OK);
  }
  asked = f->store->driver;
  sb_driver counting = *asked;
  counting.prepare = count_prepare;
  counting.reset = count_reset;
  f->store->driver = &counting;
  static const sb_order orders[] = {SB_ORDER_OLDEST, SB_ORDER_NEWEST, SB_ORDER_NAME};
  for (size_t i = 0; i < count_of(orders); i++) {
    assert_int_equal(list_pictures(f, orders[i], NULL, 5), 2); /* the count or the matches, then the page */
    assert_int_equal(list_pictures(f, orders[i], NULL, 40), 2);
    assert_int_equal(list_pictures(f, orders[i], "name", 40), 2);
  }
  f->store->driver = asked;
}

static void an_id_is_unique_in_its_collection_only(void **state) {
  fixture *f = *state;
  int64_t person, face, other;
  assert_int_equal(sb_store_collection_add(f->store, "other", "model", DIM, &other, NULL), SB_OK);
  assert_int_equal(enrol(f->store, f->collection, "a1", "Ann", false, &person, &face), SB_OK);
  assert_int_equal(enrol(f->store, f->collection, "a1", "Bea", false, &person, &face), SB_EXISTS);
  assert_int_equal(enrol(f->store, other, "a1", "Bea", false, &person, &face), SB_OK);
  assert_int_equal(enrol(f->store, f->collection, "zz", NULL, true, &person, &face), SB_NOT_FOUND);
}

static void pages_and_queries_list_in_order_of_enrolment(void **state) {
  fixture *f = *state;
  int64_t person, face;
  for (int i = 0; i < 20; i++) {
    char id[8], name[16];
    snprintf(id, sizeof id, "id%02d", i);
    snprintf(name, sizeof name, i % 2 ? "Odd %d" : "Even %d", i);
    assert_int_equal(enrol(f->store, f->collection, id, name, false, &person, &face), SB_OK);
  }
  sb_people *page = NULL;
  assert_int_equal(sb_store_people(f->store,
                                   &(sb_store_listing){.collection = f->collection, .offset = 15, .limit = 10}, &page,
                                   NULL),
                   SB_OK);
  assert_int_equal(page->total, 20);
  assert_int_equal(page->count, 5);
  assert_string_equal(page->items[0].id, "id15");
  sb_people_free(page);
  assert_int_equal(
      sb_store_people(f->store,
                      &(sb_store_listing){.collection = f->collection, .query = "oDD", .offset = 2, .limit = 3}, &page,
                      NULL),
      SB_OK);
  assert_int_equal(page->total, 10);
  assert_int_equal(page->count, 3);
  assert_string_equal(page->items[0].name, "Odd 5");
  sb_people_free(page);
}

static void a_list_by_name_goes_on_where_it_was_though_its_people_change(void **state) {
  fixture *f = *state;
  int64_t people[6], face;
  const char *const names[] = {"Ada", "\xc3\x84hre", "Bea", "Cleo", "Dora", "Eve"};
  for (int i = 0; i < 6; i++)
    assert_int_equal(enrol(f->store, f->collection, names[i], names[i], false, &people[i], &face), SB_OK);
  sb_store_listing listing = {.collection = f->collection, .limit = 3, .order = SB_ORDER_NAME};
  sb_people *page = NULL;
  assert_int_equal(sb_store_people(f->store, &listing, &page, NULL), SB_OK);
  assert_string_equal(page->items[2].name, "Bea");
  listing.after = page->next;
  sb_people_free(page);
  /* One before the cursor goes, the last of the page gets another name, and one is new before it. */
  assert_int_equal(sb_store_person_merge(f->store, people[5], people[0], &(size_t){0}, NULL), SB_OK);
  assert_int_equal(sb_store_person_change(f->store, people[2], &(sb_store_person_edit){.name = "Zoe"}, NULL), SB_OK);
  assert_int_equal(enrol(f->store, f->collection, "n", "Abel", false, &people[0], &face), SB_OK);
  listing.after_name = "Bea";
  listing.limit = 2;
  assert_int_equal(sb_store_people(f->store, &listing, &page, NULL), SB_OK);
  assert_int_equal(page->count, 2);
  assert_string_equal(page->items[0].name, "Cleo");
  assert_string_equal(page->items[1].name, "Dora");
  sb_people_free(page);
}

static void ids_that_look_the_same_are_one(void **state) {
  fixture *f = *state;
  int64_t person, again, face;
  assert_int_equal(enrol(f->store, f->collection, " Zoe\xcc\x88\xc2\xa0", "Zoe\xcc\x88  M ", false, &person, &face),
                   SB_OK);
  assert_int_equal(enrol(f->store, f->collection, "Zo\xc3\xab", "Other", false, &again, &face), SB_EXISTS);
  static const char *const forms[] = {"Zo\xc3\xab", "Zoe\xcc\x88", "Zo\xc3\xab ", "\xe2\x80\x8bZo\xc3\xab"};
  for (size_t i = 0; i < count_of(forms); i++) {
    assert_int_equal(sb_store_person_find(f->store, f->collection, forms[i], &again, NULL, NULL), SB_OK);
    assert_int_equal(again, person);
  }
  sb_people *found = NULL;
  assert_int_equal(sb_store_person_get(f->store, person, &found, NULL), SB_OK);
  assert_string_equal(found->items[0].id, "Zo\xc3\xab");
  assert_string_equal(found->items[0].name, "Zo\xc3\xab M");
  sb_people_free(found);
  assert_int_equal(enrol(f->store, f->collection, "zoe", "Small", false, &again, &face), SB_OK); /* looks different */
  assert_int_equal(sb_store_person_change(f->store, again, &(sb_store_person_edit){.new_id = "Zoe\xcc\x88"}, NULL),
                   SB_EXISTS);
}

/* Writes an id as it is, as versions before 0.2.0 did. */
static void store_id_as_before(fixture *f, int64_t row, const char *id) {
  uint8_t hash[SB_DIGEST_SIZE];
  assert_int_equal(sb_store_begin(f->store, NULL), SB_OK);
  sb_store_person_hash_newest(f->store, f->collection, id, hash);
  sb_statement s =
      sb_statement_new(f->store, "UPDATE person SET external_hash = ?, external_id = ? WHERE id = ?", NULL);
  sb_statement_bind_blob(&s, 1, hash, sizeof hash);
  sb_store_person_bind(&s, 2, row, "external_id", id);
  sb_statement_bind_int(&s, 3, row);
  assert_int_equal(sb_store_finish(f->store, sb_statement_run(&s), NULL), SB_OK);
}

static void ids_of_older_versions_stay_as_they_are_and_are_found(void **state) {
  fixture *f = *state;
  static const struct {
    const char *stored, *asked;
  } cases[] = {{"44 ", "44 "}, {"Zoe\xcc\x88", "Zoe\xcc\x88"}, {"Ru\xcc\x88", "R\xc3\xbc"}};
  for (size_t i = 0; i < count_of(cases); i++) {
    int64_t person, face, found;
    char id[] = {(char)('a' + i), 0};
    assert_int_equal(enrol(f->store, f->collection, id, "Ann", false, &person, &face), SB_OK);
    store_id_as_before(f, person, cases[i].stored);
    assert_int_equal(sb_store_person_find(f->store, f->collection, cases[i].asked, &found, NULL, NULL), SB_OK);
    assert_int_equal(found, person);
    assert_int_equal(enrol(f->store, f->collection, cases[i].asked, "Bea", false, &person, &face), SB_EXISTS);
  }
}

typedef struct tally {
  int puts, removes, drops, resets;
} tally;

static sb_status count(void *context, const sb_store_change *change, sb_error *error) {
  tally *t = context;
  (void)error;
  t->puts += change->kind == SB_CHANGE_PUT;
  t->removes += change->kind == SB_CHANGE_REMOVE;
  t->drops += change->kind == SB_CHANGE_DROP;
  t->resets += change->kind == SB_CHANGE_RESET;
  return SB_OK;
}

/* The ids of a listing page by page, each followed by a space; "?" if a page's offset is not the number of people
 * before it. */
static void walk(fixture *f, const char *query, sb_order order, char *out) {
  char name[64];
  sb_store_listing listing = {
      .collection = f->collection, .query = query, .limit = 2, .order = order, .after_name = name};
  size_t seen = 0;
  out[0] = 0;
  do {
    sb_people *page = NULL;
    assert_int_equal(sb_store_people(f->store, &listing, &page, NULL), SB_OK);
    if (page->offset != seen) strcat(out, "?");
    for (size_t i = 0; i < page->count; i++) strcat(strcat(out, page->items[i].id), " ");
    seen += page->count;
    if (page->count) snprintf(name, sizeof name, "%s", page->items[page->count - 1].name);
    listing.after = page->next;
    sb_people_free(page);
  } while (listing.after);
}

static void pages_follow_each_other_in_every_order_and_miss_nobody(void **state) {
  fixture *f = *state;
  int64_t person, face;
  char ids[64];
  const char *const names[] = {"dora", "Ann", "carl", "Bea", "ann"};
  for (int i = 0; i < 5; i++) {
    char id[8];
    snprintf(id, sizeof id, "%d", i);
    assert_int_equal(enrol(f->store, f->collection, id, names[i], false, &person, &face), SB_OK);
  }
  static const struct {
    const char *query;
    sb_order order;
    const char *ids;
  } expected[] = {{NULL, SB_ORDER_OLDEST, "0 1 2 3 4 "}, {NULL, SB_ORDER_NEWEST, "4 3 2 1 0 "},
                  {NULL, SB_ORDER_NAME, "4 1 3 2 0 "},   {"a", SB_ORDER_OLDEST, "0 1 2 3 4 "},
                  {"ann", SB_ORDER_NEWEST, "4 1 "},      {"r", SB_ORDER_NAME, "2 0 "}};
  for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
    walk(f, expected[i].query, expected[i].order, ids);
    assert_string_equal(ids, expected[i].ids);
  }
}

static void merging_moves_the_faces_and_erases_the_other_record(void **state) {
  fixture *f = *state;
  int64_t ann, bea, face, next = 0;
  size_t moved = 0;
  tally t = {0};
  assert_int_equal(enrol(f->store, f->collection, "a1", "Ann", false, &ann, &face), SB_OK);
  assert_int_equal(enrol(f->store, f->collection, "b1", "Bea", false, &bea, &face), SB_OK);
  assert_int_equal(sb_store_changes(f->store, 0, &next, count, &t, NULL), SB_OK);
  assert_int_equal(sb_store_person_merge(f->store, ann, bea, &moved, NULL), SB_OK);
  assert_int_equal(moved, 1);
  assert_int_equal(sb_store_changes(f->store, next, &next, count, &t, NULL), SB_OK);
  assert_int_equal(t.puts, 3);
  assert_int_equal(sb_store_person_find(f->store, f->collection, "b1", NULL, NULL, NULL), SB_NOT_FOUND);
  sb_people *found = NULL;
  assert_int_equal(sb_store_person_find(f->store, f->collection, "a1", NULL, &found, NULL), SB_OK);
  assert_int_equal(found->items[0].faces, 2);
  sb_people_free(found);
  assert_int_equal(sb_store_check(f->store, NULL), SB_OK);
}

static void an_id_changes_unless_it_is_taken(void **state) {
  fixture *f = *state;
  int64_t ann, bea, face;
  assert_int_equal(enrol(f->store, f->collection, "a1", "Ann", false, &ann, &face), SB_OK);
  assert_int_equal(enrol(f->store, f->collection, "b1", "Bea", false, &bea, &face), SB_OK);
  assert_int_equal(sb_store_person_change(f->store, ann, &(sb_store_person_edit){.new_id = "b1"}, NULL), SB_EXISTS);
  assert_int_equal(sb_store_person_change(f->store, ann, &(sb_store_person_edit){.new_id = "a1"}, NULL), SB_OK);
  assert_int_equal(sb_store_person_change(f->store, ann, &(sb_store_person_edit){.new_id = "c1"}, NULL), SB_OK);
  assert_int_equal(sb_store_person_change(f->store, 99, &(sb_store_person_edit){.new_id = "d1"}, NULL), SB_NOT_FOUND);
  sb_people *found = NULL;
  assert_int_equal(sb_store_person_find(f->store, f->collection, "c1", NULL, &found, NULL), SB_OK);
  assert_string_equal(found->items[0].id, "c1");
  sb_people_free(found);
  assert_int_equal(sb_store_person_find(f->store, f->collection, "a1", NULL, NULL, NULL), SB_NOT_FOUND);
}

static void faces_are_listed_read_and_erased_one_by_one(void **state) {
  fixture *f = *state;
  int64_t ann, bea, first, second, third;
  char *id = NULL;
  float embedding[DIM];
  assert_int_equal(enrol(f->store, f->collection, "a1", "Ann", false, &ann, &first), SB_OK);
  assert_int_equal(enrol(f->store, f->collection, "b1", "Bea", false, &bea, &second), SB_OK);
  assert_int_equal(enrol(f->store, f->collection, "a1", NULL, true, &ann, &third), SB_OK);
  sb_kept_faces *faces = NULL;
  assert_int_equal(sb_store_faces(f->store, f->collection, ann, 1, 5, &faces, NULL), SB_OK);
  assert_int_equal(faces->total, 2);
  assert_int_equal(faces->count, 1);
  assert_int_equal(faces->items[0].face, third);
  assert_string_equal(faces->items[0].id, "a1");
  sb_kept_faces_free(faces);
  assert_int_equal(sb_store_face_template(f->store, third, DIM, embedding, NULL), SB_OK);
  const float lost = server() ? 1e-3f : 1e-5f; /* binary16 has 11 bits */
  assert_true(embedding[0] > 1 - lost && embedding[0] < 1 + lost);
  assert_int_equal(sb_store_face_template(f->store, third, DIM + 1, embedding, NULL), SB_STORE);
  assert_int_equal(sb_store_face_owner(f->store, f->collection, second, &id, NULL), SB_OK);
  assert_string_equal(id, "b1");
  free(id);
  assert_int_equal(sb_store_face_owner(f->store, f->collection + 1, second, &id, NULL), SB_NOT_FOUND);
  assert_int_equal(sb_store_face_delete(f->store, third, NULL), SB_OK);
  assert_int_equal(sb_store_face_delete(f->store, third, NULL), SB_NOT_FOUND);
  assert_int_equal(sb_store_faces(f->store, f->collection, 0, 0, 5, &faces, NULL), SB_OK);
  assert_int_equal(faces->total, 2);
  sb_kept_faces_free(faces);
}

static void files_hold_no_plain_text_and_no_deleted_seal(void **state) {
  fixture *f = *state;
  int64_t person, face;
  size_t faces = 0;
  assert_int_equal(enrol(f->store, f->collection, "secret-id", "Secret Name", false, &person, &face), SB_OK);
  char path[128], seal[128];
  snprintf(path, sizeof path, "%s/semblance.db", f->dir);
  sqlite3 *raw = NULL;
  sqlite3_stmt *query = NULL;
  assert_int_equal(sqlite3_open(path, &raw), SQLITE_OK);
  assert_int_equal(sqlite3_prepare_v2(raw, "SELECT template FROM face", -1, &query, NULL), SQLITE_OK);
  assert_int_equal(sqlite3_step(query), SQLITE_ROW);
  int size = sqlite3_column_bytes(query, 0);
  assert_in_range(size, DIM * 4 + SB_SEAL_OVERHEAD, sizeof seal);
  memcpy(seal, sqlite3_column_blob(query, 0), (size_t)size);
  sqlite3_finalize(query);
  sqlite3_close(raw);
  const char *names[] = {"semblance.db", "semblance.db-wal"};
  for (int deleted = 0; deleted < 2; deleted++) {
    bool sealed_found = false;
    for (int i = 0; i < 2; i++) {
      uint8_t *bytes = NULL;
      size_t length = 0;
      snprintf(path, sizeof path, "%s/%s", f->dir, names[i]);
      if (sb_file_read(path, 1 << 24, &bytes, &length, NULL) != SB_OK) continue;
      assert_null(memmem(bytes, length, "Secret Name", 11));
      assert_null(memmem(bytes, length, "secret-id", 9));
      sealed_found = sealed_found || memmem(bytes, length, seal, (size_t)size);
      free(bytes);
    }
    assert_int_equal(sealed_found, !deleted);
    if (!deleted) assert_int_equal(sb_store_person_delete(f->store, person, &faces, NULL, NULL), SB_OK);
  }
  assert_int_equal(faces, 1);
  assert_int_equal(sb_store_person_get(f->store, person, &(sb_people *){NULL}, NULL), SB_NOT_FOUND);
}

static void expect_counts(sb_store *store, size_t people, size_t faces) {
  for (int time = 0; time < 2; time++) { /* counted, then cached */
    sb_store_collection found;
    assert_int_equal(sb_store_collection_find(store, "default", &found, NULL), SB_OK);
    assert_int_equal(found.info.people, people);
    assert_int_equal(found.info.faces, faces);
  }
}

static void a_collection_s_counts_follow_every_writer(void **state) {
  fixture *f = *state;
  sb_store *other = NULL;
  int64_t person, face;
  expect_counts(f->store, 0, 0);
  assert_int_equal(open_gallery(f->dir, &other), SB_OK);
  assert_int_equal(enrol(f->store, f->collection, "a1", "Ann", false, &person, &face), SB_OK);
  expect_counts(f->store, 1, 1);
  expect_counts(other, 1, 1);
  assert_int_equal(enrol(other, f->collection, "a1", NULL, true, &person, &face), SB_OK);
  expect_counts(f->store, 1, 2);
  expect_counts(other, 1, 2);
  assert_int_equal(sb_store_person_delete(f->store, person, NULL, NULL, NULL), SB_OK);
  expect_counts(f->store, 0, 0);
  expect_counts(other, 0, 0);
  sb_store_close(other);
}

static void another_handle_sees_each_change_once(void **state) {
  fixture *f = *state;
  sb_store *other = NULL;
  int64_t person, face, next = 0;
  tally t = {0};
  assert_int_equal(enrol(f->store, f->collection, "a1", "Ann", false, &person, &face), SB_OK);
  assert_int_equal(open_gallery(f->dir, &other), SB_OK);
  assert_int_equal(sb_store_changes(other, 0, &next, count, &t, NULL), SB_OK);
  assert_int_equal(t.puts, 1);
  assert_int_equal(sb_store_changes(other, next, &next, count, &t, NULL), SB_OK);
  assert_int_equal(t.puts, 1);
  assert_int_equal(sb_store_person_delete(f->store, person, NULL, NULL, NULL), SB_OK);
  assert_int_equal(enrol(f->store, f->collection, "b1", "Bea", false, &person, &face), SB_OK);
  assert_int_equal(sb_store_changes(other, next, &next, count, &t, NULL), SB_OK);
  assert_int_equal(t.puts, 2);
  assert_int_equal(t.removes, 1);
  assert_int_equal(t.resets, 0);
  sb_store_close(other);
}

enum { RACED = 40 };
typedef struct racer {
  sb_store *store;
  int64_t collection;
  pthread_barrier_t *start;
  sb_status got[RACED];
} racer;

static void *race(void *context) {
  racer *r = context;
  int64_t person, face;
  pthread_barrier_wait(r->start);
  for (int i = 0; i < RACED; i++) {
    char id[16];
    snprintf(id, sizeof id, "r%d", i);
    r->got[i] = enrol(r->store, r->collection, id, "N", false, &person, &face);
  }
  return NULL;
}

static void an_id_raced_by_two_is_given_once(void **state) {
  fixture *f = *state;
  racer racers[2] = {{.store = f->store, .collection = f->collection}, {.collection = f->collection}};
  pthread_t threads[2];
  pthread_barrier_t start;
  pthread_barrier_init(&start, NULL, 2);
  assert_int_equal(open_gallery(f->dir, &racers[1].store), SB_OK);
  for (int i = 0; i < 2; i++) {
    racers[i].start = &start;
    assert_int_equal(pthread_create(&threads[i], NULL, race, &racers[i]), 0);
  }
  for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
  for (int i = 0; i < RACED; i++) {
    sb_status one = racers[0].got[i], other = racers[1].got[i];
    assert_true((one == SB_OK && other == SB_EXISTS) || (one == SB_EXISTS && other == SB_OK));
  }
  expect_counts(f->store, RACED, RACED);
  sb_store_close(racers[1].store);
  pthread_barrier_destroy(&start);
}

/* Changes the database without the store. */
static void tamper(const fixture *f, const char *sql) {
  if (server()) {
    char path[256];
    PGconn *link = PQconnectdb(server());
    snprintf(path, sizeof path, "SET search_path = semblance; %s", sql);
    PGresult *result = PQexec(link, path);
    assert_int_equal(PQresultStatus(result), PGRES_COMMAND_OK);
    PQclear(result);
    PQfinish(link);
    return;
  }
  char path[96];
  sqlite3 *raw = NULL;
  snprintf(path, sizeof path, "%s/semblance.db", f->dir);
  assert_int_equal(sqlite3_open(path, &raw), SQLITE_OK);
  assert_int_equal(sqlite3_exec(raw, sql, NULL, NULL, NULL), SQLITE_OK);
  sqlite3_close(raw);
}

enum { NOTERS = 8, NOTES = 40 };

static void *note_often(void *context) {
  sb_store *store = context;
  for (int i = 0; i < NOTES; i++) {
    const sb_audit_event notes[2] = {{"search", 0, 0, i}, {"search", 0, 0, i + 1}};
    if (sb_audit_record(store, notes, 2, NULL) != SB_OK) return NULL;
  }
  return context;
}

static void notes_of_many_threads_stand_in_one_whole_chain(void **state) {
  fixture *f = *state;
  pthread_t threads[NOTERS];
  int64_t before = 0;
  sb_audit_head head;
  assert_int_equal(sb_audit_last(f->store, &before, NULL), SB_OK);
  for (int i = 0; i < NOTERS; i++) assert_int_equal(pthread_create(&threads[i], NULL, note_often, f->store), 0);
  for (int i = 0; i < NOTERS; i++) {
    void *done = NULL;
    pthread_join(threads[i], &done);
    assert_non_null(done);
  }
  assert_int_equal(sb_audit_verify(f->store, NULL, &head, NULL), SB_OK);
  assert_int_equal(head.sequence, before + (int64_t)NOTERS * NOTES * 2);
}

static void a_follower_that_fell_behind_reads_everything_anew(void **state) {
  fixture *f = *state;
  int64_t person, face, next = 0;
  tally t = {0};
  assert_int_equal(enrol(f->store, f->collection, "a1", "Ann", false, &person, &face), SB_OK);
  assert_int_equal(sb_store_changes(f->store, 0, &next, count, &t, NULL), SB_OK);
  for (int i = 0; i < 3; i++) assert_int_equal(enrol(f->store, f->collection, "a1", NULL, true, &person, &face), SB_OK);
  tamper(f,
         "DELETE FROM change WHERE sequence < (SELECT max(sequence) FROM change)"); /* as after 100,000 more changes */
  assert_int_equal(sb_store_changes(f->store, next, &next, count, &t, NULL), SB_OK);
  assert_int_equal(t.resets, 1);
  assert_int_equal(t.puts, 1 + 4);
  assert_int_equal(sb_store_changes(f->store, next, &next, count, &t, NULL), SB_OK);
  assert_int_equal(t.puts, 1 + 4);
}

enum { CROWD = 40, FACES_EACH = 25 };

static void the_database_itself_finds_the_nearest_people(void **state) {
  fixture *f = *state;
  sb_database_search *nearest = NULL;
  static float templates[CROWD][FACES_EACH][DIM];
  static sb_store_face faces[FACES_EACH];
  int64_t people[CROWD], rows[FACES_EACH];
  float best[CROWD];
  if (!server()) {
    assert_int_equal(sb_database_search_new(f->store, 0, &nearest, NULL), SB_INVALID);
    return;
  }
  srand(7);
  for (int p = 0; p < CROWD; p++) {
    char id[16];
    best[p] = -1;
    for (int i = 0; i < FACES_EACH; i++) {
      float *v = templates[p][i], length = 0;
      for (int d = 0; d < DIM; d++) v[d] = (float)(rand() % 2001 - 1000) + (p == 0 ? 2000.0f * (d == 0) : 0);
      for (int d = 0; d < DIM; d++) length += v[d] * v[d];
      for (int d = 0; d < DIM; d++) v[d] /= sqrtf(length);
      best[p] = fmaxf(best[p], v[0]); /* the query is the first axis */
      faces[i] = (sb_store_face){.embedding = v, .quality = .5f};
    }
    snprintf(id, sizeof id, "p%d", p);
    const sb_store_enrollment e = {
        .collection = f->collection, .id = id, .name = "N", .faces = faces, .face_count = FACES_EACH};
    assert_int_equal(sb_store_enroll(f->store, &e, &people[p], rows, NULL), SB_OK);
  }
  const float query[DIM] = {1};
  sb_hit hits[CROWD + 5];
  size_t found = 0;
  assert_int_equal(sb_database_search_new(f->store, 0, &nearest, NULL), SB_OK);
  assert_int_equal(
      sb_database_search_run(
          nearest,
          &(sb_database_search_query){.collection = f->collection, .vector = query, .k = CROWD + 5, .by_person = true},
          hits, &found, NULL),
      SB_OK);
  assert_int_equal(found, CROWD); /* the many near faces of the first person crowd out nobody */
  for (size_t i = 0; i < found; i++) {
    int p = 0;
    while (p < CROWD && people[p] != (int64_t)hits[i].label) p++;
    assert_true(fabsf(hits[i].score - best[p]) < 1e-3f);
    if (i) assert_true(hits[i].score <= hits[i - 1].score);
  }
  assert_int_equal(
      sb_database_search_run(nearest, &(sb_database_search_query){.collection = f->collection, .vector = query, .k = 3},
                             hits, &found, NULL),
      SB_OK);
  assert_int_equal(found, 3);
  assert_int_equal(hits[0].label, people[0]);
  assert_int_equal(hits[2].label, people[0]);
  assert_int_equal(sb_database_search_run(
                       nearest, &(sb_database_search_query){.collection = f->collection + 1, .vector = query, .k = 3},
                       hits, &found, NULL),
                   SB_OK);
  assert_int_equal(found, 0);
  sb_database_search_free(nearest);
}

/* Each face by its row: how often it was visited, and the template. */
enum { MANY = 1500 };
typedef struct album {
  pthread_mutex_t lock;
  int visits[MANY + 16];
  float templates[MANY + 16][DIM];
} album;
static sb_status keep(void *context, const sb_store_change *change, sb_error *error) {
  album *a = context;
  (void)error;
  pthread_mutex_lock(&a->lock);
  a->visits[change->face]++;
  memcpy(a->templates[change->face], change->embedding, sizeof a->templates[0]);
  pthread_mutex_unlock(&a->lock);
  return SB_OK;
}

static void many_faces_are_read_by_several_threads_each_once_and_whole(void **state) {
  fixture *f = *state;
  static album one_by_one, at_once;
  static sb_store_face faces[MANY];
  static float embeddings[MANY][DIM];
  static int64_t rows[MANY];
  int64_t person, face, next = 0;
  pthread_mutex_init(&one_by_one.lock, NULL);
  pthread_mutex_init(&at_once.lock, NULL);
  assert_int_equal(enrol(f->store, f->collection, "a1", "Ann", false, &person, &face), SB_OK);
  assert_int_equal(sb_store_changes(f->store, 0, &next, keep, &one_by_one, NULL), SB_OK);
  for (int i = 0; i < MANY; i++) {
    embeddings[i][i % DIM] = 1;
    faces[i] = (sb_store_face){.embedding = embeddings[i], .quality = .5f, .source = {(uint8_t)i, (uint8_t)(i >> 8)}};
  }
  const sb_store_enrollment e = {
      .collection = f->collection, .id = "b1", .name = "Bea", .faces = faces, .face_count = MANY};
  assert_int_equal(sb_store_enroll(f->store, &e, &person, rows, NULL), SB_OK);
  assert_int_equal(sb_store_changes(f->store, next, &next, keep, &one_by_one, NULL), SB_OK);
  assert_int_equal(sb_store_changes(f->store, 0, &next, keep, &at_once, NULL), SB_OK);
  for (int i = 0; i < MANY; i++) assert_int_equal(at_once.visits[rows[i]], 1);
  assert_memory_equal(at_once.visits, one_by_one.visits, sizeof at_once.visits);
  assert_memory_equal(at_once.templates, one_by_one.templates, sizeof at_once.templates);
}

static void one_damaged_template_of_many_is_told(void **state) {
  fixture *f = *state;
  static sb_store_face faces[MANY];
  static int64_t rows[MANY];
  float embedding[DIM] = {1};
  int64_t person, next = 0;
  static album kept;
  pthread_mutex_init(&kept.lock, NULL);
  for (int i = 0; i < MANY; i++) faces[i] = (sb_store_face){.embedding = embedding, .quality = .5f};
  const sb_store_enrollment e = {
      .collection = f->collection, .id = "b1", .name = "Bea", .faces = faces, .face_count = MANY};
  assert_int_equal(sb_store_enroll(f->store, &e, &person, rows, NULL), SB_OK);
  char path[96];
  sqlite3 *raw = NULL;
  sb_error error = {0};
  snprintf(path, sizeof path, "%s/semblance.db", f->dir);
  assert_int_equal(sqlite3_open(path, &raw), SQLITE_OK);
  char *sql = sqlite3_mprintf("UPDATE face SET template = zeroblob(length(template)) WHERE id = %lld", rows[MANY / 2]);
  assert_int_equal(sqlite3_exec(raw, sql, NULL, NULL, NULL), SQLITE_OK);
  sqlite3_free(sql);
  sqlite3_close(raw);
  assert_int_equal(sb_store_changes(f->store, 0, &next, keep, &kept, &error), SB_STORE);
  assert_non_null(strstr(error.message, "damaged"));
}

static void a_second_server_is_refused(void **state) {
  fixture *f = *state;
  sb_store *first = NULL, *second = NULL;
  assert_int_equal(sb_store_open(f->dir, true, &first, NULL), SB_OK);
  assert_int_equal(sb_store_open(f->dir, true, &second, NULL), SB_BUSY);
  sb_store_close(first);
  assert_int_equal(sb_store_open(f->dir, true, &second, NULL), SB_OK);
  sb_store_close(second);
}

static void another_key_and_a_lost_key_are_refused(void **state) {
  fixture *f = *state;
  char path[128];
  sb_store_close(f->store);
  f->store = NULL;
  setenv("SEMBLANCE_KEY", "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff", 1);
  assert_int_equal(open_gallery(f->dir, &f->store), SB_WRONG_KEY);
  unsetenv("SEMBLANCE_KEY");
  snprintf(path, sizeof path, "%s/semblance.key", f->dir);
  assert_int_equal(unlink(path), 0);
  assert_int_equal(open_gallery(f->dir, &f->store), SB_WRONG_KEY);
  assert_null(f->store);
}

static void a_newer_schema_and_a_damaged_file_are_refused(void **state) {
  fixture *f = *state;
  char path[128];
  sqlite3 *raw = NULL;
  sb_store_close(f->store);
  f->store = NULL;
  snprintf(path, sizeof path, "%s/semblance.db", f->dir);
  assert_int_equal(sqlite3_open(path, &raw), SQLITE_OK);
  assert_int_equal(sqlite3_exec(raw, "PRAGMA user_version = 999", NULL, NULL, NULL), SQLITE_OK);
  sqlite3_close(raw);
  assert_int_equal(open_gallery(f->dir, &f->store), SB_STORE);
  FILE *file = fopen(path, "wb");
  assert_non_null(file);
  for (int i = 0; i < 4096; i++) fputc('x', file);
  fclose(file);
  assert_int_equal(open_gallery(f->dir, &f->store), SB_STORE);
  assert_null(f->store);
}

static void what_a_killed_process_acknowledged_is_there(void **state) {
  fixture *f = *state;
  int ends[2], acknowledged = 0, one;
  sb_store_close(f->store);
  f->store = NULL;
  assert_int_equal(pipe(ends), 0);
  pid_t child = fork();
  if (child == 0) {
    sb_store *store = NULL;
    int64_t person, face;
    if (open_gallery(f->dir, &store) != SB_OK) _exit(1);
    for (int i = 0;; i++) {
      char id[16];
      snprintf(id, sizeof id, "p%d", i);
      if (enrol(store, f->collection, id, "N", false, &person, &face) != SB_OK) _exit(2);
      if (write(ends[1], &i, sizeof i) != sizeof i) _exit(3);
    }
  }
  close(ends[1]);
  while (acknowledged < 50 && read(ends[0], &one, sizeof one) == sizeof one) acknowledged++;
  kill(child, SIGKILL);
  waitpid(child, NULL, 0);
  while (read(ends[0], &one, sizeof one) == sizeof one) acknowledged++;
  close(ends[0]);
  assert_true(acknowledged >= 50);
  assert_int_equal(open_gallery(f->dir, &f->store), SB_OK);
  assert_int_equal(sb_store_check(f->store, NULL), SB_OK);
  for (int i = 0; i < acknowledged; i++) {
    char id[16];
    snprintf(id, sizeof id, "p%d", i);
    assert_int_equal(sb_store_person_find(f->store, f->collection, id, NULL, NULL, NULL), SB_OK);
  }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
#define OF_EVERY_DATABASE                                                                                             \
  TEST(reopening_sees_what_was_enrolled), TEST(an_id_is_unique_in_its_collection_only),                               \
      TEST(pages_and_queries_list_in_order_of_enrolment),                                                             \
      TEST(pages_follow_each_other_in_every_order_and_miss_nobody),                                                   \
      TEST(a_list_by_name_goes_on_where_it_was_though_its_people_change), TEST(ids_that_look_the_same_are_one),       \
      TEST(ids_of_older_versions_stay_as_they_are_and_are_found),                                                     \
      TEST(merging_moves_the_faces_and_erases_the_other_record), TEST(an_id_changes_unless_it_is_taken),              \
      TEST(faces_are_listed_read_and_erased_one_by_one), TEST(a_collection_s_counts_follow_every_writer),             \
      TEST(another_handle_sees_each_change_once), TEST(an_id_raced_by_two_is_given_once),                             \
      TEST(notes_of_many_threads_stand_in_one_whole_chain), TEST(a_follower_that_fell_behind_reads_everything_anew),  \
      TEST(a_list_with_pictures_asks_as_often_for_forty_people_as_for_five),                                          \
      TEST(the_database_itself_finds_the_nearest_people),                                                             \
      TEST(many_faces_are_read_by_several_threads_each_once_and_whole), TEST(another_key_and_a_lost_key_are_refused), \
      TEST(what_a_killed_process_acknowledged_is_there)
#define OF_FILES                                                                                  \
  TEST(files_hold_no_plain_text_and_no_deleted_seal), TEST(one_damaged_template_of_many_is_told), \
      TEST(a_second_server_is_refused), TEST(a_newer_schema_and_a_damaged_file_are_refused)

int main(void) {
  const struct CMUnitTest of_servers[] = {OF_EVERY_DATABASE}, of_files[] = {OF_EVERY_DATABASE, OF_FILES};
  if (!server()) return cmocka_run_group_tests(of_files, NULL, NULL);
  puts("# left out: the tests of SQLite's own file"); /* readers of TAP take cmocka's own skip for a failure */
  return cmocka_run_group_tests(of_servers, NULL, NULL);
}
