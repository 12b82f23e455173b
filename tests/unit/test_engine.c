/* The public contract, on real photos: what was acknowledged takes effect, and what fails changes nothing. */
#include "folder.h"

#include "engine/collection_indexes.h"
#include "engine/internal.h"
#include "engine/verdict.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

static sb_engine *open_engine(void) {
  sb_engine_options options = {.struct_size = sizeof options, .data_dir = folder, .workers = 2};
  sb_engine *engine = NULL;
  sb_error error = {0};
  if (sb_engine_new(&options, &engine, &error) != SB_OK) fail_msg("%s", error.message);
  return engine;
}

/* Photos are read once and stay in memory until the process ends. */
static sb_photo photo(const char *name) {
  static struct {
    char name[64];
    sb_photo photo;
  } known[16];
  size_t i = 0;
  for (; known[i].name[0]; i++)
    if (!strcmp(known[i].name, name)) return known[i].photo;
  char path[1024];
  uint8_t *bytes = NULL;
  size_t size = 0;
  assert_non_null(getenv("SB_TEST_PHOTOS"));
  snprintf(path, sizeof path, "%s/%s", getenv("SB_TEST_PHOTOS"), name);
  assert_int_equal(sb_file_read(path, 1 << 26, &bytes, &size, NULL), SB_OK);
  snprintf(known[i].name, sizeof known[i].name, "%s", name);
  return known[i].photo = (sb_photo){bytes, size};
}
#define OBAMA photo("face_recognition/obama.jpg")
#define OBAMA2 photo("face_recognition/obama2.jpg")
#define OBAMA3 photo("face_recognition/obama3.jpg")
#define BIDEN photo("face_recognition/biden.jpg")
#define GROUP photo("face-api/sample5.jpg")

static sb_status enroll(sb_engine *engine, const char *id, const sb_photo *photos, size_t count, unsigned flags,
                        sb_enrolled **out, sb_error *error) {
  sb_enroll_request request = {.struct_size = sizeof request,
                               .id = id,
                               .name = "Somebody",
                               .photos = photos,
                               .photo_count = count,
                               .flags = flags};
  return sb_engine_enroll(engine, &request, out, error);
}

static void enroll_well(sb_engine *engine, const char *id, sb_photo one) {
  sb_enrolled *enrolled = NULL;
  assert_int_equal(enroll(engine, id, &one, 1, 0, &enrolled, NULL), SB_OK);
  assert_string_equal(enrolled->person.id, id);
  assert_int_equal(enrolled->faces_added, 1);
  sb_enrolled_free(enrolled);
}

static sb_status verify(sb_engine *engine, sb_photo one, sb_photo other, sb_target target, sb_comparison *out,
                        sb_error *error) {
  sb_verify_request request = {.struct_size = sizeof request, .photos = {one, other}, .target = target};
  return sb_engine_verify(engine, &request, out, error);
}

/* "" where the best candidate is not a match. */
static void find_best(sb_engine *engine, sb_photo probe, char id[64]) {
  sb_search_request request = {.struct_size = sizeof request, .photo = probe, .k = 1};
  sb_search_result *result = NULL;
  assert_int_equal(sb_engine_search(engine, &request, &result, NULL), SB_OK);
  assert_true(result->count > 0);
  const sb_search_face *face = &result->faces[0];
  bool match = face->count && face->candidates[0].verdict == SB_VERDICT_MATCH;
  snprintf(id, 64, "%s", match ? face->candidates[0].id : "");
  sb_search_result_free(result);
}

static size_t people_of(sb_engine *engine) {
  sb_engine_info info;
  assert_int_equal(sb_engine_info_get(engine, &info, NULL), SB_OK);
  return info.people;
}

static void an_enrolled_person_is_found_until_deleted(void **state) {
  (void)state;
  sb_engine *engine = open_engine();
  char id[64];
  size_t faces = 0;
  enroll_well(engine, "44", OBAMA);
  enroll_well(engine, "46", BIDEN);
  find_best(engine, OBAMA3, id);
  assert_string_equal(id, "44");
  assert_int_equal(sb_engine_delete(engine, NULL, "44", &faces, NULL), SB_OK);
  assert_int_equal(faces, 1);
  find_best(engine, OBAMA3, id);
  assert_string_equal(id, "");
  assert_int_equal(sb_engine_delete(engine, NULL, "44", NULL, NULL), SB_NOT_FOUND);
  sb_engine_free(engine);
}

static void a_gallery_that_is_opened_again_knows_its_people(void **state) {
  (void)state;
  sb_engine *engine = open_engine();
  enroll_well(engine, "44", OBAMA);
  sb_engine_free(engine);
  engine = open_engine();
  char id[64];
  find_best(engine, OBAMA2, id);
  assert_string_equal(id, "44");
  sb_engine_free(engine);
}

static void merged_people_are_one_and_stored_faces_can_be_compared_and_erased(void **state) {
  (void)state;
  sb_engine *engine = open_engine();
  sb_kept_faces *faces = NULL;
  sb_comparison comparison;
  char id[64], *owner = NULL;
  size_t moved = 0;
  enroll_well(engine, "44", OBAMA);
  enroll_well(engine, "45", OBAMA2);
  assert_int_equal(sb_engine_merge(engine, NULL, "44", "44", NULL, NULL), SB_INVALID);
  assert_int_equal(sb_engine_merge(engine, NULL, "44", "45", &moved, NULL), SB_OK);
  assert_int_equal(moved, 1);
  assert_int_equal(sb_engine_faces(engine, NULL, "44", 0, 10, &faces, NULL), SB_OK);
  assert_int_equal(faces->count, 2);
  assert_int_equal(sb_engine_verify_kept(engine, NULL, faces->items[1].face, OBAMA3, &comparison, &owner, NULL), SB_OK);
  assert_int_equal(comparison.verdict, SB_VERDICT_MATCH);
  assert_string_equal(owner, "44");
  free(owner);
  for (size_t i = 0; i < 2; i++)
    assert_int_equal(sb_engine_face_delete(engine, NULL, faces->items[i].face, NULL, NULL), SB_OK);
  find_best(engine, OBAMA3, id);
  assert_string_equal(id, "");
  assert_int_equal(people_of(engine), 1);
  sb_kept_faces_free(faces);
  sb_engine_free(engine);
}

static void a_person_can_be_added_without_faces_and_get_them_later(void **state) {
  (void)state;
  sb_engine *engine = open_engine();
  sb_enrolled *enrolled = NULL;
  const sb_photo one = OBAMA;
  char id[64];
  assert_int_equal(sb_engine_add(engine, NULL, "44", "Somebody", NULL, NULL), SB_OK);
  assert_int_equal(sb_engine_add(engine, NULL, "44", "Somebody", NULL, NULL), SB_EXISTS);
  assert_int_equal(sb_engine_change_id(engine, NULL, "44", "47", NULL), SB_OK);
  assert_int_equal(enroll(engine, "47", &one, 1, SB_ENROLL_ADD, &enrolled, NULL), SB_OK);
  sb_enrolled_free(enrolled);
  find_best(engine, OBAMA3, id);
  assert_string_equal(id, "47");
  sb_engine_free(engine);
}

static void two_engines_on_one_folder_see_each_others_changes(void **state) {
  (void)state;
  sb_engine *one = open_engine(), *other = open_engine();
  char id[64];
  enroll_well(one, "44", OBAMA);
  find_best(other, OBAMA2, id);
  assert_string_equal(id, "44");
  assert_int_equal(sb_engine_delete(other, NULL, "44", NULL, NULL), SB_OK);
  find_best(one, OBAMA2, id);
  assert_string_equal(id, "");
  sb_engine_free(one);
  sb_engine_free(other);
}

static void several_photos_are_enrolled_together_or_not_at_all(void **state) {
  (void)state;
  sb_engine *engine = open_engine();
  sb_enrolled *enrolled = NULL;
  sb_error error = {0};
  const sb_photo bad[] = {OBAMA, GROUP}, good[] = {OBAMA, OBAMA2};
  assert_int_equal(enroll(engine, "44", bad, 2, 0, &enrolled, &error), SB_SEVERAL_FACES);
  assert_non_null(strstr(error.message, "photo 2"));
  assert_null(enrolled);
  assert_int_equal(people_of(engine), 0);
  assert_int_equal(enroll(engine, "44", good, 2, 0, &enrolled, &error), SB_OK);
  assert_int_equal(enrolled->person.faces, 2);
  sb_enrolled_free(enrolled);
  sb_engine_free(engine);
}

static void a_known_photo_is_skipped_when_asked(void **state) {
  (void)state;
  sb_engine *engine = open_engine();
  sb_enrolled *enrolled = NULL;
  const sb_photo photos[] = {OBAMA, OBAMA2};
  enroll_well(engine, "44", OBAMA);
  assert_int_equal(enroll(engine, "44", photos, 2, SB_ENROLL_ADD | SB_ENROLL_SKIP_KNOWN, &enrolled, NULL), SB_OK);
  assert_int_equal(enrolled->faces_added, 1);
  assert_int_equal(enrolled->faces_skipped, 1);
  assert_int_equal(enrolled->person.faces, 2);
  sb_enrolled_free(enrolled);
  sb_engine_free(engine);
}

static void a_face_under_another_id_is_warned_of_or_refused(void **state) {
  (void)state;
  sb_engine *engine = open_engine();
  sb_enrolled *enrolled = NULL;
  const sb_photo other = OBAMA2;
  enroll_well(engine, "44", OBAMA);
  assert_int_equal(enroll(engine, "45", &other, 1, SB_ENROLL_REFUSE_DUPLICATE, &enrolled, NULL), SB_DUPLICATE);
  assert_int_equal(enrolled->duplicate_count, 1);
  assert_string_equal(enrolled->duplicates[0].id, "44");
  assert_int_equal(people_of(engine), 1);
  sb_enrolled_free(enrolled);
  assert_int_equal(enroll(engine, "45", &other, 1, 0, &enrolled, NULL), SB_OK);
  assert_string_equal(enrolled->duplicates[0].id, "44");
  sb_enrolled_free(enrolled);
  sb_engine_free(engine);
}

static void verification_separates_same_from_different_and_names_the_photo_without_a_face(void **state) {
  (void)state;
  sb_engine *engine = open_engine();
  sb_comparison same, other;
  sb_error error = {0};
  static const uint8_t blank[] = "\x89PNG\r\n\x1a\n";
  assert_int_equal(verify(engine, OBAMA, OBAMA2, (sb_target){0}, &same, NULL), SB_OK);
  assert_int_equal(verify(engine, OBAMA, BIDEN, (sb_target){0}, &other, NULL), SB_OK);
  assert_int_equal(same.verdict, SB_VERDICT_MATCH);
  assert_int_equal(other.verdict, SB_VERDICT_NONE);
  assert_true(same.false_match_rate < 1e-4 && other.false_match_rate > .05);
  assert_int_equal(verify(engine, OBAMA, (sb_photo){blank, 8}, (sb_target){0}, &other, &error), SB_BAD_IMAGE);
  sb_engine_free(engine);
}

static void a_target_sets_the_threshold_and_only_one_can_be_given(void **state) {
  (void)state;
  sb_engine *engine = open_engine();
  sb_comparison loose, strict;
  sb_error error = {0};
  assert_int_equal(verify(engine, OBAMA, OBAMA2, (sb_target){.fmr = 1e-2}, &loose, NULL), SB_OK);
  assert_int_equal(verify(engine, OBAMA, OBAMA2, (sb_target){.fmr = 1e-9}, &strict, NULL), SB_OK);
  assert_true(strict.threshold > loose.threshold + .2 && strict.similarity == loose.similarity);
  assert_int_equal(loose.verdict, SB_VERDICT_MATCH);
  assert_int_equal(verify(engine, OBAMA, OBAMA2, (sb_target){.threshold = .4, .fmr = .1}, &loose, &error), SB_INVALID);
  assert_int_equal(verify(engine, OBAMA, OBAMA2, (sb_target){.fpir = .1}, &loose, &error), SB_INVALID);
  assert_int_equal(verify(engine, OBAMA, OBAMA2, (sb_target){.fmr = .7}, &loose, &error), SB_INVALID);
  sb_engine_free(engine);
}

static sb_embedder embedder_of(sb_engine *engine) {
  sb_embedder embedder;
  assert_int_equal(sb_engine_embedder(engine, NULL, &embedder, NULL), SB_OK);
  return embedder;
}

static void the_default_of_a_search_keeps_fpir_at_1_percent_at_any_size(void **state) {
  (void)state;
  sb_engine *engine = open_engine();
  sb_embedder embedder = embedder_of(engine);
  double threshold, last = 0;
  for (size_t faces = 0; faces <= 10000000; faces = faces * 10 + 1) {
    assert_int_equal(sb_verdict_search_threshold(&embedder, &(sb_target){0}, faces, &threshold, NULL), SB_OK);
    assert_true(threshold >= embedder.calibration.default_threshold && threshold >= last);
    double fmr = sb_calibration_fmr(&embedder.calibration, threshold).rate;
    assert_true(fmr <= embedder.calibration.fmr_floor || sb_stats_fpir_of_fmr(fmr, (double)faces) <= .01 * (1 + 1e-6));
    last = threshold;
  }
  sb_engine_free(engine);
}

static void a_poor_photo_cannot_prove_a_different_person(void **state) {
  (void)state;
  sb_engine *engine = open_engine();
  sb_embedder embedder = embedder_of(engine);
  sb_comparison comparison = {.faces = {{.quality = {.overall = .9f}}, {.quality = {.overall = .01f}}}};
  sb_verdict_compare(engine, &embedder, .43, &(sb_verdict_score){.1, .1, 1}, 2, &comparison);
  assert_int_equal(comparison.verdict, SB_VERDICT_UNSURE);
  assert_int_equal(comparison.reason, SB_REASON_QUALITY);
  /* The poor photo is left out. */
  sb_verdict_compare(engine, &embedder, .43, &(sb_verdict_score){.1, .1, 1}, 1, &comparison);
  assert_int_equal(comparison.verdict, SB_VERDICT_NONE);
  assert_int_equal(comparison.reason, SB_REASON_NONE);
  sb_verdict_compare(engine, &embedder, .43, &(sb_verdict_score){.42, .42, 1}, 1, &comparison);
  assert_int_equal(comparison.verdict, SB_VERDICT_UNSURE);
  assert_int_equal(comparison.reason, SB_REASON_SCORE);
  sb_verdict_compare(engine, &embedder, .43, &(sb_verdict_score){.8, .8, 1}, 2, &comparison);
  assert_int_equal(comparison.verdict, SB_VERDICT_MATCH);
  sb_engine_free(engine);
}

static void a_face_that_looks_like_a_picture_is_refused_only_by_that_policy(void **state) {
  (void)state;
  sb_engine *engine = open_engine();
  sb_embedder embedder = embedder_of(engine);
  sb_comparison comparison = {.faces = {{.quality = {.overall = .9f}, .has_live = true, .live = .1f}}};
  engine->liveness = SB_LIVENESS_WARN;
  sb_verdict_compare(engine, &embedder, .43, &(sb_verdict_score){.8, .8, 1}, 1, &comparison);
  assert_int_equal(comparison.verdict, SB_VERDICT_MATCH);
  engine->liveness = SB_LIVENESS_PASSIVE;
  sb_verdict_compare(engine, &embedder, .43, &(sb_verdict_score){.8, .8, 1}, 1, &comparison);
  assert_int_equal(comparison.verdict, SB_VERDICT_UNSURE);
  assert_int_equal(comparison.reason, SB_REASON_LIVENESS);
  sb_verdict_compare(engine, &embedder, .43, &(sb_verdict_score){.1, .1, 1}, 1, &comparison);
  assert_int_equal(comparison.verdict, SB_VERDICT_NONE);
  comparison.faces[0].is_live = true; /* the models decide, whatever the number */
  sb_verdict_compare(engine, &embedder, .43, &(sb_verdict_score){.8, .8, 1}, 1, &comparison);
  assert_int_equal(comparison.verdict, SB_VERDICT_MATCH);
  sb_engine_free(engine);
}

/* More faces than one batch, read by several threads; two of the people are the same person. */
static void one_person_under_two_ids_is_found_among_many(void **state) {
  (void)state;
  enum { PEOPLE = 600, DIM = 512 };
  sb_engine *engine = open_engine();
  sb_store_collection collection;
  sb_duplicates *found = NULL;
  uint64_t seed = 3;
  float vector[DIM], first[DIM];
  assert_int_equal(sb_engine_collection(engine, NULL, true, &collection, NULL), SB_OK);
  for (int p = 0; p < PEOPLE; p++) {
    char id[16];
    int64_t person, row;
    for (int d = 0; d < DIM; d++) vector[d] = p == PEOPLE - 1 ? first[d] : random_float(&seed);
    sb_normalize(vector, DIM);
    if (!p) memcpy(first, vector, sizeof first);
    snprintf(id, sizeof id, "p%d", p);
    sb_store_face face = {.embedding = vector, .quality = 1, .source = {(uint8_t)p, (uint8_t)(p >> 8)}};
    sb_store_enrollment enrollment = {
        .collection = collection.row, .id = id, .name = id, .faces = &face, .face_count = 1};
    assert_int_equal(sb_store_enroll(engine->store, &enrollment, &person, &row, NULL), SB_OK);
  }
  assert_int_equal(sb_engine_dedup(engine, &(sb_dedup_request){.struct_size = sizeof(sb_dedup_request)}, &found, NULL),
                   SB_OK);
  assert_int_equal(found->faces, PEOPLE);
  assert_int_equal(found->total, 1);
  assert_string_equal(found->items[0].ids[0], "p0");
  assert_string_equal(found->items[0].ids[1], "p599");
  assert_true(found->items[0].similarity > .99);
  sb_duplicates_free(found);
  sb_engine_free(engine);
}

static void a_folder_has_one_server_and_any_number_of_others(void **state) {
  (void)state;
  sb_engine_options options = {.struct_size = sizeof options, .data_dir = folder, .server = true};
  sb_engine *server = NULL, *second = NULL;
  assert_int_equal(sb_engine_new(&options, &server, NULL), SB_OK);
  assert_int_equal(sb_engine_new(&options, &second, NULL), SB_BUSY);
  assert_null(second);
  sb_engine_free(open_engine());
  sb_engine_free(server);
  assert_int_equal(sb_engine_new(&options, &second, NULL), SB_OK);
  sb_engine_free(second);
}

static void a_gallery_of_another_key_is_left_alone(void **state) {
  (void)state;
  sb_engine *engine = open_engine();
  enroll_well(engine, "44", OBAMA);
  sb_engine_free(engine);
  setenv("SEMBLANCE_KEY", "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff", 1);
  sb_engine_options options = {.struct_size = sizeof options, .data_dir = folder};
  assert_int_equal(sb_engine_new(&options, &engine, NULL), SB_WRONG_KEY);
  unsetenv("SEMBLANCE_KEY");
  engine = open_engine();
  assert_int_equal(people_of(engine), 1);
  sb_engine_free(engine);
}

typedef struct crowd {
  sb_engine *engine;
  sb_status status;
} crowd;
static void *search_some(void *context) {
  crowd *c = context;
  for (int i = 0; i < 4 && c->status == SB_OK; i++) {
    sb_search_request request = {.struct_size = sizeof request, .photo = i % 2 ? OBAMA2 : BIDEN, .largest_only = true};
    sb_search_result *result = NULL;
    c->status = sb_engine_search(c->engine, &request, &result, NULL);
    sb_search_result_free(result);
  }
  return NULL;
}

static void searches_run_while_people_come_and_go(void **state) {
  (void)state;
  sb_engine *engine = open_engine();
  pthread_t threads[3];
  crowd crowds[3];
  char id[64];
  find_best(engine, OBAMA2, id);
  find_best(engine, BIDEN, id); /* photos are in memory before the threads start */
  for (size_t i = 0; i < count_of(threads); i++) {
    crowds[i] = (crowd){engine, SB_OK};
    assert_int_equal(pthread_create(&threads[i], NULL, search_some, &crowds[i]), 0);
  }
  for (int i = 0; i < 3; i++) {
    enroll_well(engine, "44", OBAMA);
    assert_int_equal(sb_engine_delete(engine, NULL, "44", NULL, NULL), SB_OK);
  }
  for (size_t i = 0; i < count_of(threads); i++) {
    pthread_join(threads[i], NULL);
    assert_int_equal(crowds[i].status, SB_OK);
  }
  sb_engine_free(engine);
}

enum { STORED_DIM = 64, STORED_PEOPLE = 400 };

static void stored_vector(int number, float v[STORED_DIM]) {
  uint64_t random = (uint64_t)number * 77 + 5;
  for (int i = 0; i < STORED_DIM; i++) v[i] = random_float(&random);
  sb_normalize(v, STORED_DIM);
}

typedef struct watch {
  sb_engine *engine;
  int64_t collection;
  atomic_bool stop;
  size_t searches, missed;
} watch;

static void *search_stored(void *context) {
  watch *w = context;
  float v[STORED_DIM];
  int number = 0;
  do { /* at least once, however late the thread begins */
    sb_hit hit = {0};
    size_t found = 0;
    stored_vector(number, v);
    const sb_engine_query query = {w->collection, v, 1, true, 0};
    /* Does not sync, so that it can search at any moment of the main thread's sync. */
    bool done = sb_collection_indexes_search(w->engine->indexes, &query, &hit, &found, NULL) == SB_OK;
    w->searches++;
    w->missed += !done || found != 1 || hit.score < .999f;
    number = (number + 1) % STORED_PEOPLE;
  } while (!atomic_load(&w->stop));
  return NULL;
}

static void a_search_during_a_revocation_misses_nobody(void **state) {
  (void)state;
  sb_engine *engine = open_engine();
  int64_t collection = 0, person, face;
  assert_int_equal(sb_store_collection_add(engine->store, "kept", "other", STORED_DIM, &collection, NULL), SB_OK);
  for (int i = 0; i < STORED_PEOPLE; i++) {
    float v[STORED_DIM];
    char id[24];
    stored_vector(i, v);
    snprintf(id, sizeof id, "id%d", i);
    sb_store_face one = {.embedding = v, .quality = 1};
    sb_store_enrollment e = {.collection = collection, .id = id, .name = id, .faces = &one, .face_count = 1};
    assert_int_equal(sb_store_enroll(engine->store, &e, &person, &face, NULL), SB_OK);
  }
  pthread_t threads[2];
  watch watches[2];
  assert_int_equal(sb_collection_indexes_sync(engine->indexes, NULL), SB_OK);
  for (size_t i = 0; i < count_of(threads); i++) {
    watches[i] = (watch){.engine = engine, .collection = collection};
    assert_int_equal(pthread_create(&threads[i], NULL, search_stored, &watches[i]), 0);
  }
  for (int i = 0; i < 15; i++) {
    size_t templates = 0;
    assert_int_equal(sb_store_revoke(engine->store, collection, &templates, NULL), SB_OK);
    assert_int_equal(templates, STORED_PEOPLE);
    assert_int_equal(sb_collection_indexes_sync(engine->indexes, NULL), SB_OK);
  }
  for (size_t i = 0; i < count_of(threads); i++) {
    atomic_store(&watches[i].stop, true);
    pthread_join(threads[i], NULL);
    assert_true(watches[i].searches > 0);
    assert_int_equal(watches[i].missed, 0);
  }
  sb_engine_free(engine);
}

static void a_struct_of_another_size_is_misuse(void **state) {
  (void)state;
  sb_engine_options options = {.struct_size = 1, .data_dir = folder};
  sb_engine *engine = NULL;
  assert_int_equal(sb_engine_new(&options, &engine, NULL), SB_MISUSE);
  engine = open_engine();
  sb_search_request search = {.photo = OBAMA};
  sb_search_result *result = NULL;
  assert_int_equal(sb_engine_search(engine, &search, &result, NULL), SB_MISUSE);
  sb_engine_free(engine);
}

#define IN_A_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)
int main(void) {
  const struct CMUnitTest tests[] = {
      IN_A_FOLDER(an_enrolled_person_is_found_until_deleted),
      IN_A_FOLDER(a_gallery_that_is_opened_again_knows_its_people),
      IN_A_FOLDER(merged_people_are_one_and_stored_faces_can_be_compared_and_erased),
      IN_A_FOLDER(a_person_can_be_added_without_faces_and_get_them_later),
      IN_A_FOLDER(two_engines_on_one_folder_see_each_others_changes),
      IN_A_FOLDER(several_photos_are_enrolled_together_or_not_at_all),
      IN_A_FOLDER(a_known_photo_is_skipped_when_asked),
      IN_A_FOLDER(a_face_under_another_id_is_warned_of_or_refused),
      IN_A_FOLDER(verification_separates_same_from_different_and_names_the_photo_without_a_face),
      IN_A_FOLDER(a_target_sets_the_threshold_and_only_one_can_be_given),
      IN_A_FOLDER(the_default_of_a_search_keeps_fpir_at_1_percent_at_any_size),
      IN_A_FOLDER(a_poor_photo_cannot_prove_a_different_person),
      IN_A_FOLDER(a_face_that_looks_like_a_picture_is_refused_only_by_that_policy),
      IN_A_FOLDER(one_person_under_two_ids_is_found_among_many),
      IN_A_FOLDER(a_folder_has_one_server_and_any_number_of_others),
      IN_A_FOLDER(a_gallery_of_another_key_is_left_alone),
      IN_A_FOLDER(searches_run_while_people_come_and_go),
      IN_A_FOLDER(a_search_during_a_revocation_misses_nobody),
      IN_A_FOLDER(a_struct_of_another_size_is_misuse),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
