/* Events: kept sealed through everything that happens to a gallery, in the order in which they were added, and erased
 * with their person. On both databases (server.h). */
#include "gallery.h"

#include "engine/engine.h"
#include "store/gallery/cameras.h"
#include "store/gallery/events.h"
#include "store/gallery/receivers.h"

#include <semblance/events.h>

static const uint8_t picture[] = {0xff, 0xd8, 0xff, 0x50, 0x69, 0x63, 0x00, 0x21};
static const char picture_text[] = "Pic", note[] = "camera does not answer";

static sb_event seen_by(const char *camera, int64_t at_ms) {
  return (sb_event){.struct_size = sizeof(sb_event),
                    .kind = SB_EVENT_SEEN,
                    .camera = camera,
                    .since_ms = at_ms,
                    .until_ms = at_ms + 500,
                    .verdict = SB_VERDICT_MATCH,
                    .score = .625,
                    .false_match_rate = 1e-6,
                    .gallery_false_match = 1e-3,
                    .quality = .75f,
                    .picture = picture,
                    .picture_size = sizeof picture};
}

static uint64_t add_to(const fixture *f, int64_t person, const sb_event *event) {
  uint64_t number = 0;
  assert_int_equal(sb_store_event_add(f->store, f->collection, person, event, &number, NULL), SB_OK);
  return number;
}

static sb_events *listed(const fixture *f, sb_event_query query, int64_t person) {
  sb_events *events = NULL;
  if (!query.limit) query.limit = 100;
  const sb_store_event_query rows = {.person = person, .query = &query};
  assert_int_equal(sb_store_events(f->store, &rows, &events, NULL), SB_OK);
  return events;
}

static size_t count_listed(const fixture *f, sb_event_query query, int64_t person) {
  sb_events *events = listed(f, query, person);
  size_t count = events->count;
  sb_events_free(events);
  return count;
}

static void expect_ana(const fixture *f) {
  sb_events *events = listed(f, (sb_event_query){.pictures = true}, 0);
  assert_int_equal(events->count, 1);
  const sb_event *e = &events->items[0];
  assert_string_equal(e->person, "id1");
  assert_string_equal(e->name, "Person 1");
  assert_string_equal(e->collection, "default");
  assert_string_equal(e->camera, "door");
  assert_string_equal(e->note, note);
  assert_true(e->kind == SB_EVENT_SEEN && e->verdict == SB_VERDICT_MATCH && e->reason == SB_REASON_NONE && !e->erased);
  assert_true(e->since_ms == 1000 && e->until_ms == 1500);
  assert_true(e->score == .625 && e->false_match_rate == 1e-6 && e->gallery_false_match == 1e-3 && e->quality == .75f);
  assert_int_equal(e->picture_size, sizeof picture);
  assert_memory_equal(e->picture, picture, sizeof picture);
  sb_events_free(events);
}

static int64_t add_ana(const fixture *f) {
  int64_t person = 0;
  assert_int_equal(enrol_number(f->store, f->collection, 1, &person), SB_OK);
  sb_event event = seen_by("door", 1000);
  event.note = note;
  add_to(f, person, &event);
  return person;
}

static bool file_holds(const fixture *f, const char *name, const char *text) {
  char path[128];
  uint8_t *bytes = NULL;
  size_t size = 0;
  snprintf(path, sizeof path, "%s/%s", f->dir, name);
  if (sb_file_read(path, 64 << 20, &bytes, &size, NULL) != SB_OK) return false;
  bool found = memmem(bytes, size, text, strlen(text)) != NULL;
  free(bytes);
  return found;
}

/* ---- Kept */

static void an_event_is_read_as_it_was_added_also_after_a_restart_and_a_key_rotation(void **state) {
  fixture *f = *state;
  add_ana(f);
  expect_ana(f);
  reopen(f);
  expect_ana(f);
  assert_int_equal(sb_store_rotate(f->store, NULL, NULL, NULL), SB_OK);
  reopen(f);
  expect_ana(f);
  sb_store_key_status keys;
  assert_int_equal(sb_store_keys_status(f->store, &keys, NULL), SB_OK);
  assert_int_equal(keys.count, 2); /* the audit key, and one data key: no event is under an older one */
  assert_int_equal(sb_audit_verify(f->store, NULL, &(sb_audit_head){0}, NULL), SB_OK);
}

static void nothing_of_an_event_is_in_the_database_unsealed(void **state) {
  fixture *f = *state;
  if (server()) return; /* its files are not here */
  add_ana(f);
  assert_false(file_holds(f, "semblance.db-wal", note) || file_holds(f, "semblance.db", note));
  assert_false(file_holds(f, "semblance.db-wal", picture_text) || file_holds(f, "semblance.db", picture_text));
}

static void a_backup_has_the_events(void **state) {
  fixture *f = *state;
  char path[128], other[128];
  if (server()) return; /* backups are of folders */
  add_ana(f);
  snprintf(path, sizeof path, "%s/backup", f->dir);
  assert_int_equal(sb_store_backup(f->store, path, NULL), SB_OK);
  assert_int_equal(sb_store_backup_verify(f->dir, path, NULL), SB_OK);
  raw_sql(f, "DELETE FROM event");
  assert_int_equal(count_listed(f, (sb_event_query){0}, 0), 0);
  assert_int_equal(sb_audit_verify(f->store, NULL, &(sb_audit_head){0}, NULL), SB_STORE);
  sb_store_close(f->store);
  f->store = NULL;
  snprintf(other, sizeof other, "%s/semblance.db", f->dir);
  unlink(other);
  assert_int_equal(sb_store_restore(f->dir, path, NULL), SB_OK);
  reopen(f);
  expect_ana(f);
}

static void an_event_that_another_program_changes_is_not_read(void **state) {
  fixture *f = *state;
  sb_events *events = NULL;
  const sb_event_query query = {.limit = 10};
  add_ana(f);
  sb_event lost = {.kind = SB_EVENT_CAMERA_LOST, .camera = "yard", .since_ms = 5, .until_ms = 5};
  add_to(f, 0, &lost);
  raw_sql(f, "UPDATE event SET detail = (SELECT detail FROM event WHERE kind = 8) WHERE kind = 1");
  assert_int_equal(sb_store_events(f->store, &(sb_store_event_query){.query = &query}, &events, NULL), SB_STORE);
  assert_int_equal(sb_store_events_check(f->store, NULL), SB_STORE);
}

static void a_gallery_of_schema_6_takes_events_and_stays_valid(void **state) {
  fixture *f = *state;
  if (server()) return;
  use_older(f, "schema-6.db"); /* with one person, who is called Ana */
  reopen(f);
  sb_event event = seen_by("door", 1000);
  add_to(f, 1, &event);
  sb_events *events = listed(f, (sb_event_query){0}, 0);
  assert_int_equal(events->count, 1);
  assert_string_equal(events->items[0].name, "Ana");
  sb_events_free(events);
  assert_int_equal(sb_audit_verify(f->store, NULL, &(sb_audit_head){0}, NULL), SB_OK);
  unsetenv("SEMBLANCE_KEY");
}

/* ---- Order and filters */

static void events_are_listed_in_the_order_in_which_they_were_added_page_by_page(void **state) {
  fixture *f = *state;
  uint64_t numbers[7], after = 0;
  for (size_t i = 0; i < count_of(numbers); i++) {
    sb_event event = {.kind = SB_EVENT_CAMERA_LOST, .camera = "door", .since_ms = 9 - (int64_t)i, .until_ms = 9};
    numbers[i] = add_to(f, 0, &event);
    assert_true(!i || numbers[i] > numbers[i - 1]);
  }
  for (int newest_first = 0; newest_first < 2; newest_first++) {
    size_t seen = 0;
    after = 0;
    do {
      const sb_order order = newest_first ? SB_ORDER_NEWEST : SB_ORDER_OLDEST;
      sb_events *page = listed(f, (sb_event_query){.after = after, .limit = 3, .order = order}, 0);
      for (size_t i = 0; i < page->count; i++, seen++)
        assert_int_equal(page->items[i].number, numbers[newest_first ? count_of(numbers) - 1 - seen : seen]);
      assert_int_equal(page->newest, numbers[count_of(numbers) - 1]);
      after = page->next;
      sb_events_free(page);
    } while (after);
    assert_int_equal(seen, count_of(numbers));
  }
}

static void filters_choose_by_camera_kind_person_and_time(void **state) {
  fixture *f = *state;
  int64_t ana = add_ana(f);
  sb_event unknown = seen_by("yard", 2000), lost = {.kind = SB_EVENT_CAMERA_LOST, .camera = "door", .since_ms = 3000};
  unknown.verdict = SB_VERDICT_NONE;
  lost.until_ms = 3000;
  add_to(f, 0, &unknown);
  add_to(f, 0, &lost);
  assert_int_equal(count_listed(f, (sb_event_query){0}, 0), 3);
  assert_int_equal(count_listed(f, (sb_event_query){.camera = "door"}, 0), 2);
  assert_int_equal(count_listed(f, (sb_event_query){.camera = "roof"}, 0), 0);
  assert_int_equal(count_listed(f, (sb_event_query){.kinds = SB_EVENT_SEEN}, 0), 2);
  assert_int_equal(count_listed(f, (sb_event_query){.kinds = SB_EVENT_CAMERA_LOST | SB_EVENT_CAMERA_BACK}, 0), 1);
  assert_int_equal(count_listed(f, (sb_event_query){0}, ana), 1);
  assert_int_equal(count_listed(f, (sb_event_query){.since_ms = 2000}, 0), 2);
  assert_int_equal(count_listed(f, (sb_event_query){.until_ms = 2000}, 0), 1);
  assert_int_equal(count_listed(f, (sb_event_query){.since_ms = 2000, .until_ms = 3000, .camera = "yard"}, 0), 1);
}

static int64_t audit_entries(const fixture *f) {
  int64_t last = 0;
  assert_int_equal(sb_audit_last(f->store, &last, NULL), SB_OK);
  return last;
}

static void a_sighting_has_one_audit_entry_and_a_lost_camera_none(void **state) {
  fixture *f = *state;
  add_ana(f);
  int64_t before = audit_entries(f);
  sb_event event = seen_by("door", 2000), lost = {.kind = SB_EVENT_CAMERA_LOST, .camera = "door"};
  add_to(f, 0, &event);
  assert_int_equal(audit_entries(f), before + 1);
  add_to(f, 0, &lost);
  assert_int_equal(audit_entries(f), before + 1);
  assert_int_equal(sb_audit_verify(f->store, NULL, &(sb_audit_head){0}, NULL), SB_OK);
}

/* ---- Erased */

static void expect_erased(const fixture *f) {
  sb_events *events = listed(f, (sb_event_query){.pictures = true}, 0);
  assert_int_equal(events->count, 1);
  assert_true(events->items[0].erased);
  assert_null(events->items[0].person);
  assert_null(events->items[0].name);
  assert_null(events->items[0].picture);
  sb_events_free(events);
}

static void erasing_a_person_erases_name_and_picture_from_the_events(void **state) {
  fixture *f = *state;
  int64_t ana = add_ana(f);
  assert_int_equal(sb_store_person_delete(f->store, ana, NULL, NULL, NULL), SB_OK);
  expect_erased(f);
  if (!server())
    assert_int_equal(raw_number(f, "SELECT count(*) FROM event WHERE person > 0 OR picture IS NOT NULL"), 0);
  assert_int_equal(sb_audit_verify(f->store, NULL, &(sb_audit_head){0}, NULL), SB_OK);
}

static void an_event_of_a_person_who_was_erased_meanwhile_is_added_without_the_person(void **state) {
  fixture *f = *state;
  int64_t ana = 0;
  sb_event event = seen_by("door", 1000);
  assert_int_equal(enrol_number(f->store, f->collection, 1, &ana), SB_OK);
  assert_int_equal(sb_store_person_delete(f->store, ana, NULL, NULL, NULL), SB_OK);
  add_to(f, ana, &event);
  expect_erased(f);
}

static void a_merged_person_keeps_the_events_of_both(void **state) {
  fixture *f = *state;
  int64_t one = add_ana(f), other = 0;
  sb_event event = seen_by("door", 2000);
  assert_int_equal(enrol_number(f->store, f->collection, 2, &other), SB_OK);
  add_to(f, other, &event);
  assert_int_equal(sb_store_person_merge(f->store, one, other, NULL, NULL), SB_OK);
  assert_int_equal(count_listed(f, (sb_event_query){0}, one), 2);
  assert_int_equal(count_listed(f, (sb_event_query){0}, other), 0);
}

static void a_deleted_collection_takes_its_events_along(void **state) {
  fixture *f = *state;
  add_ana(f);
  assert_int_equal(sb_store_collection_delete(f->store, f->collection, true, NULL), SB_OK);
  assert_int_equal(count_listed(f, (sb_event_query){0}, 0), 0);
}

static void events_are_deleted_by_their_end_and_numbers_are_never_used_again(void **state) {
  fixture *f = *state;
  size_t count = 0;
  add_ana(f); /* until 1500 */
  sb_event event = seen_by("door", 2000);
  uint64_t last = add_to(f, 0, &event);
  int64_t before = audit_entries(f);
  assert_int_equal(sb_store_events_delete(f->store, 1501, &count, NULL), SB_OK);
  assert_int_equal(count, 1);
  assert_int_equal(audit_entries(f), before + 1);
  assert_int_equal(sb_store_events_delete(f->store, 1501, &count, NULL), SB_OK);
  assert_int_equal(count, 0);
  assert_int_equal(audit_entries(f), before + 1);
  assert_int_equal(sb_store_events_delete(f->store, INT64_MAX, &count, NULL), SB_OK);
  reopen(f);
  assert_true(add_to(f, 0, &event) > last);
}

/* ---- Receivers */

static sb_store_receiver some_receiver(void) {
  sb_store_receiver r = {.url = "https://example.com/hook?token=geheim",
                         .collection = "default",
                         .kinds = SB_EVENT_SEEN,
                         .allow_private = true,
                         .secret_size = SB_RECEIVER_SECRET_MAX};
  for (size_t i = 0; i < r.secret_size; i++) r.secret[i] = (uint8_t)('A' + i % 26);
  return r;
}

static sb_store_receiver only_receiver(const fixture *f) {
  static sb_store_receiver all[SB_RECEIVERS_MAX];
  size_t count = 0;
  assert_int_equal(sb_store_receivers(f->store, all, &count, NULL), SB_OK);
  assert_int_equal(count, 1);
  return all[0];
}

static void a_receiver_is_kept_sealed_also_through_a_key_rotation(void **state) {
  fixture *f = *state;
  int64_t row = 0;
  const sb_store_receiver wanted = some_receiver();
  sb_event event = seen_by("door", 1000);
  uint64_t before = add_to(f, 0, &event);
  assert_int_equal(sb_store_receiver_add(f->store, &wanted, &row, NULL), SB_OK);
  assert_int_equal(sb_store_rotate(f->store, NULL, NULL, NULL), SB_OK);
  reopen(f);
  sb_store_receiver found = only_receiver(f);
  assert_string_equal(found.url, wanted.url);
  assert_string_equal(found.collection, wanted.collection);
  assert_true(found.kinds == wanted.kinds && found.allow_private && !found.ended);
  assert_int_equal(found.secret_size, wanted.secret_size);
  assert_memory_equal(found.secret, wanted.secret, wanted.secret_size);
  assert_int_equal(found.position, before); /* it gets what is added from now on */
  assert_int_equal(sb_audit_verify(f->store, NULL, &(sb_audit_head){0}, NULL), SB_OK);
  if (!server()) {
    assert_false(file_holds(f, "semblance.db", "geheim") || file_holds(f, "semblance.db-wal", "geheim"));
    assert_false(file_holds(f, "semblance.db", "ABCDEFGH") || file_holds(f, "semblance.db-wal", "ABCDEFGH"));
    raw_sql(f, "UPDATE receiver SET position = position + 1");
    assert_int_equal(sb_audit_verify(f->store, NULL, &(sb_audit_head){0}, NULL), SB_STORE);
  }
  assert_int_equal(sb_store_receiver_remove(f->store, row, NULL), SB_OK);
  assert_int_equal(sb_store_receiver_remove(f->store, row, NULL), SB_NOT_FOUND);
}

static void only_the_holder_of_the_lease_moves_a_receiver(void **state) {
  fixture *f = *state;
  int64_t row = 0;
  bool held = false;
  const sb_store_receiver wanted = some_receiver();
  assert_int_equal(sb_store_receiver_add(f->store, &wanted, &row, NULL), SB_OK);
  sb_store_receiver r = only_receiver(f);
  assert_int_equal(sb_store_receiver_lease(f->store, row, 1, 600000, &held, NULL), SB_OK);
  assert_true(held);
  assert_int_equal(sb_store_receiver_lease(f->store, row, 2, 600000, &held, NULL), SB_OK);
  assert_true(held == !server()); /* a folder has one server: what held the lease there has ended */
  int64_t holder = server() ? 1 : 2;
  r.position = 7;
  const sb_store_dead_letter dead = {.receiver = row, .event = 7, .at_ms = 1, .tries = 10, .error = "it answered 400"};
  assert_int_equal(sb_store_receiver_update(f->store, &r, 3, &dead, &held, NULL), SB_OK);
  assert_false(held);
  assert_int_equal(only_receiver(f).position, 0);
  assert_int_equal(sb_store_receiver_update(f->store, &r, holder, &dead, &held, NULL), SB_OK);
  assert_true(held);
  assert_int_equal(only_receiver(f).position, 7);
  sb_store_dead_letter found[2];
  size_t count = 0;
  assert_int_equal(sb_store_dead_letters(f->store, row, found, count_of(found), &count, NULL), SB_OK);
  assert_int_equal(count, 1);
  assert_string_equal(found[0].error, dead.error);
}

/* ---- The engine's verbs */

static sb_engine *engine_of(fixture *f) {
  sb_error error = {0};
  sb_engine *engine = NULL;
  sb_store_close(f->store);
  f->store = NULL;
  const sb_engine_options options = {.struct_size = sizeof options, .data_dir = f->dir, .store = server()};
  if (sb_engine_new(&options, &engine, &error) != SB_OK) fail_msg("%s", error.message);
  return engine;
}

static void expect_refused(sb_engine *engine, sb_event event, const char *word) {
  sb_error error = {0};
  assert_int_equal(sb_engine_add_event(engine, &event, NULL, &error), SB_INVALID);
  if (!strstr(error.message, word)) fail_msg("'%s' does not name %s", error.message, word);
}

static void a_wrong_field_is_refused_and_named(void **state) {
  fixture *f = *state;
  char long_text[SB_EVENT_NOTE_MAX + 2];
  sb_engine *engine = engine_of(f);
  sb_event good = seen_by("door", 1000), bad = good;
  memset(long_text, 'a', sizeof long_text - 1);
  long_text[sizeof long_text - 1] = 0;
  expect_refused(engine, bad, "person"); /* a match with nobody */
  good.verdict = SB_VERDICT_NONE;
  bad = good, bad.kind = 3, expect_refused(engine, bad, "kind");
  bad = good, bad.kind = 0, expect_refused(engine, bad, "kind");
  bad = good, bad.camera = NULL, expect_refused(engine, bad, "camera");
  bad = good, bad.camera = "Front door", expect_refused(engine, bad, "camera");
  bad = good, bad.camera = long_text, expect_refused(engine, bad, "camera");
  bad = good, bad.until_ms = 999, expect_refused(engine, bad, "until_ms");
  bad = good, bad.since_ms = -1, expect_refused(engine, bad, "since_ms");
  bad = good, bad.score = NAN, expect_refused(engine, bad, "score");
  bad = good, bad.quality = INFINITY, expect_refused(engine, bad, "quality");
  bad = good, bad.verdict = (sb_verdict)7, expect_refused(engine, bad, "verdict");
  bad = good, bad.note = long_text, expect_refused(engine, bad, "note");
  bad = good, bad.note = "\xff", expect_refused(engine, bad, "note");
  bad = good, bad.picture_size = 0, expect_refused(engine, bad, "picture");
  bad = good, bad.picture_size = SB_EVENT_PICTURE_MAX + 1, expect_refused(engine, bad, "picture");
  assert_int_equal(sb_engine_add_event(engine, &good, NULL, NULL), SB_OK);
  good.struct_size = 1;
  assert_int_equal(sb_engine_add_event(engine, &good, NULL, NULL), SB_MISUSE);
  sb_engine_free(engine);
}

static size_t count_visible(sb_engine *engine, sb_event_query query) {
  sb_events *events = NULL;
  query.struct_size = sizeof query;
  sb_status status = sb_engine_events(engine, &query, &events, NULL);
  size_t count = status == SB_OK ? events->count : SIZE_MAX;
  sb_events_free(events);
  return count;
}

static void a_key_of_one_collection_sees_and_adds_no_event_of_another(void **state) {
  fixture *f = *state;
  int64_t row;
  assert_int_equal(sb_store_collection_add(f->store, "staff", "model", DIM, &row, NULL), SB_OK);
  sb_engine *engine = engine_of(f);
  sb_event one = seen_by("door", 1000), other = one;
  one.verdict = other.verdict = SB_VERDICT_NONE;
  other.collection = "staff";
  assert_int_equal(sb_engine_add_event(engine, &one, NULL, NULL), SB_OK);
  assert_int_equal(sb_engine_add_event(engine, &other, NULL, NULL), SB_OK);
  assert_int_equal(count_visible(engine, (sb_event_query){0}), 2);
  assert_int_equal(count_visible(engine, (sb_event_query){.collection = "staff"}), 1);
  sb_actor_set("key:1", "staff");
  assert_int_equal(count_visible(engine, (sb_event_query){0}), 1);
  sb_event_query query = {.struct_size = sizeof query, .collection = "default"};
  sb_events *events = NULL;
  assert_int_equal(sb_engine_events(engine, &query, &events, NULL), SB_FORBIDDEN);
  assert_int_equal(sb_engine_add_event(engine, &one, NULL, NULL), SB_FORBIDDEN);
  assert_int_equal(sb_engine_add_event(engine, &other, NULL, NULL), SB_OK);
  sb_actor_set(NULL, NULL);
  sb_engine_free(engine);
}

static void *wait_for_event(void *context) {
  static uint64_t newest;
  newest = 0;
  return sb_engine_events_wait(context, 0, 60000, &newest, NULL) == SB_OK ? &newest : NULL;
}

static void one_who_waits_is_woken_by_an_event_of_this_process_and_of_another(void **state) {
  fixture *f = *state;
  sb_engine *engine = engine_of(f);
  uint64_t number = 0, newest = 0;
  void *woken = NULL;
  pthread_t thread;
  sb_event event = seen_by("door", 1000);
  event.verdict = SB_VERDICT_NONE;
  assert_int_equal(pthread_create(&thread, NULL, wait_for_event, engine), 0);
  assert_int_equal(sb_engine_add_event(engine, &event, &number, NULL), SB_OK);
  assert_int_equal(pthread_join(thread, &woken), 0);
  assert_non_null(woken);
  assert_int_equal(*(uint64_t *)woken, number);
  assert_int_equal(sb_engine_events_wait(engine, number, 1, &newest, NULL), SB_OK);
  assert_int_equal(newest, number); /* nothing came */
  assert_int_equal(sb_store_open_at(f->dir, server(), false, &f->store, NULL), SB_OK);
  uint64_t next = add_to(f, 0, &event);
  assert_int_equal(sb_engine_events_wait(engine, number, 60000, &newest, NULL), SB_OK);
  assert_int_equal(newest, next);
  sb_engine_free(engine);
}

/* ---- Cameras */

static const char record[] = "rtsp://user:Geheim42@192.0.2.1/";

static sb_status add_camera(const fixture *f, const char *name, size_t most) {
  char text[sizeof record];
  sb_store_camera camera = {.record = text, .size = sizeof record - 1};
  memcpy(text, record, sizeof record);
  snprintf(camera.name, sizeof camera.name, "%s", name);
  return sb_store_camera_add(f->store, &camera, f->collection, most, NULL);
}

static void expect_cameras(const fixture *f, size_t wanted) {
  sb_store_camera *cameras = NULL;
  size_t count = 0;
  assert_int_equal(sb_store_cameras(f->store, &cameras, &count, NULL), SB_OK);
  assert_int_equal(count, wanted);
  for (size_t i = 0; i < count; i++) {
    assert_int_equal(cameras[i].size, sizeof record - 1);
    assert_string_equal(cameras[i].record, record);
  }
  sb_store_cameras_free(cameras, count);
}

static void a_camera_is_sealed_also_after_a_key_rotation_and_erased_when_it_is_removed(void **state) {
  fixture *f = *state;
  assert_int_equal(add_camera(f, "door", 2), SB_OK);
  assert_int_equal(add_camera(f, "door", 2), SB_EXISTS);
  assert_int_equal(add_camera(f, "yard", 2), SB_OK);
  assert_int_equal(add_camera(f, "hall", 2), SB_TOO_LARGE);
  assert_int_equal(sb_store_rotate(f->store, NULL, NULL, NULL), SB_OK);
  sb_store_key_status keys;
  assert_int_equal(sb_store_keys_status(f->store, &keys, NULL), SB_OK);
  assert_int_equal(keys.count, 2); /* the audit key, and one data key: no camera is under an older one */
  reopen(f);
  expect_cameras(f, 2);
  assert_int_equal(sb_store_check(f->store, NULL), SB_OK);
  char text[sizeof record];
  sb_store_camera changed = {.record = memcpy(text, record, sizeof record), .size = sizeof record - 1};
  changed.row = 77;
  assert_int_equal(sb_store_camera_change(f->store, &changed, f->collection, NULL), SB_NOT_FOUND);
  changed.row = 1;
  assert_int_equal(sb_store_camera_change(f->store, &changed, f->collection, NULL), SB_OK);
  expect_cameras(f, 2);
  assert_int_equal(sb_store_check(f->store, NULL), SB_OK);
  assert_int_equal(sb_store_camera_delete(f->store, "door", f->collection, NULL), SB_OK);
  assert_int_equal(sb_store_camera_delete(f->store, "door", f->collection, NULL), SB_NOT_FOUND);
  expect_cameras(f, 1);
}

static void a_camera_that_an_earlier_program_stored_is_watched_everywhere_and_always_and_can_be_changed(void **state) {
  fixture *f = *state;
  char old[] = "1\0door\0default\0rtsp://user:Geheim42@192.0.2.1/\0a test\0"
               "0,0 1,0 1,1\0"
               "7\0udp";
  sb_store_camera stored = {.name = "door", .record = old, .size = sizeof old};
  assert_int_equal(sb_store_camera_add(f->store, &stored, f->collection, 2, NULL), SB_OK);
  sb_engine *engine = engine_of(f);
  sb_engine_camera *camera = NULL;
  assert_int_equal(sb_engine_camera_get(engine, "door", &camera, NULL), SB_OK);
  assert_string_equal(camera->masks, "0,0 1,0 1,1");
  assert_string_equal(camera->watch, "");
  assert_string_equal(camera->hours, "");
  assert_string_equal(camera->watchlist, "");
  assert_true(camera->smallest_face == 1 && camera->rate == 7 && camera->udp);
  sb_cameras_free(camera, 1);
  assert_int_equal(sb_engine_camera_change_to(engine, "door", &(sb_engine_camera_change){.smallest_face = 40}, NULL),
                   SB_OK);
  assert_int_equal(sb_engine_camera_get(engine, "door", &camera, NULL), SB_OK);
  assert_string_equal(camera->address, "rtsp://user:Geheim42@192.0.2.1/");
  assert_true(camera->smallest_face == 40 && camera->rate == 7 && camera->udp);
  sb_cameras_free(camera, 1);
  sb_engine_free(engine);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
  const struct CMUnitTest tests[] = {
      TEST(an_event_is_read_as_it_was_added_also_after_a_restart_and_a_key_rotation),
      TEST(nothing_of_an_event_is_in_the_database_unsealed),
      TEST(a_camera_is_sealed_also_after_a_key_rotation_and_erased_when_it_is_removed),
      TEST(a_camera_that_an_earlier_program_stored_is_watched_everywhere_and_always_and_can_be_changed),
      TEST(a_backup_has_the_events),
      TEST(an_event_that_another_program_changes_is_not_read),
      TEST(a_gallery_of_schema_6_takes_events_and_stays_valid),
      TEST(events_are_listed_in_the_order_in_which_they_were_added_page_by_page),
      TEST(filters_choose_by_camera_kind_person_and_time),
      TEST(a_sighting_has_one_audit_entry_and_a_lost_camera_none),
      TEST(erasing_a_person_erases_name_and_picture_from_the_events),
      TEST(an_event_of_a_person_who_was_erased_meanwhile_is_added_without_the_person),
      TEST(a_merged_person_keeps_the_events_of_both),
      TEST(a_deleted_collection_takes_its_events_along),
      TEST(events_are_deleted_by_their_end_and_numbers_are_never_used_again),
      TEST(a_receiver_is_kept_sealed_also_through_a_key_rotation),
      TEST(only_the_holder_of_the_lease_moves_a_receiver),
      TEST(a_wrong_field_is_refused_and_named),
      TEST(a_key_of_one_collection_sees_and_adds_no_event_of_another),
      TEST(one_who_waits_is_woken_by_an_event_of_this_process_and_of_another),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
