/* Searches by normalised scores, through engine, store and index, on made-up embeddings: strangers of a crowded group
 * are no match at a similarity at which others are; densities are measured, stored and used. */
#include "folder.h"

#include "engine/collection_indexes.h"
#include "engine/density.h"
#include "engine/flow.h"
#include "engine/internal.h"

#include <math.h>

enum { DIM = 512, CROWD = 200, OTHERS = 200 };

typedef struct gallery {
  sb_engine *engine;
  sb_store_collection collection;
  sb_embedder embedder;
  int people;
} gallery;

static uint64_t random_state;
static float random_uniform(void) { /* -1..1 */
  random_state ^= random_state << 13, random_state ^= random_state >> 7, random_state ^= random_state << 17;
  return (float)((double)(random_state >> 11) / 4503599627370496. - 1);
}

/* A unit vector that has the cosine `shared` with `centre` (NULL: a random direction). */
static void make_face(const float *centre, double shared, float *out) {
  float own[DIM];
  for (int i = 0; i < DIM; i++) own[i] = random_uniform();
  if (centre) {
    float along = sb_dot(own, centre, DIM);
    for (int i = 0; i < DIM; i++) own[i] -= along * centre[i];
  }
  sb_normalize(own, DIM);
  for (int i = 0; i < DIM; i++)
    out[i] = centre ? (float)shared * centre[i] + (float)sqrt(1 - shared * shared) * own[i] : own[i];
}

static void refresh_collection(gallery *g) {
  assert_int_equal(sb_engine_collection(g->engine, NULL, true, &g->collection, NULL), SB_OK);
}

static void add_faces(gallery *g, const float *faces, size_t count) {
  char id[24];
  int64_t person = 0, *rows = calloc(count, sizeof *rows);
  sb_store_face *stored = calloc(count, sizeof *stored);
  assert_true(rows && stored);
  snprintf(id, sizeof id, "p%d", g->people++);
  for (size_t i = 0; i < count; i++) stored[i] = (sb_store_face){.embedding = faces + i * DIM, .quality = .9f};
  const sb_store_enrollment e = {
      .collection = g->collection.row, .id = id, .name = id, .may_exist = true, .faces = stored, .face_count = count};
  assert_int_equal(sb_store_enroll(g->engine->store, &e, &person, rows, NULL), SB_OK);
  free(stored);
  free(rows);
}

static void add_person(gallery *g, const float *face) {
  add_faces(g, face, 1);
}

static gallery open_gallery(void) {
  gallery g = {0};
  sb_engine_options options = {.struct_size = sizeof options, .data_dir = folder, .workers = 1};
  sb_error error = {0};
  random_state = 88172645463325252u;
  if (sb_engine_new(&options, &g.engine, &error) != SB_OK) fail_msg("%s", error.message);
  refresh_collection(&g);
  assert_int_equal(sb_engine_embedder(g.engine, NULL, &g.embedder, NULL), SB_OK);
  assert_int_equal(g.embedder.dim, DIM);
  return g;
}

static void reopen(gallery *g) {
  sb_engine_options options = {.struct_size = sizeof options, .data_dir = folder, .workers = 1};
  sb_engine_free(g->engine);
  assert_int_equal(sb_engine_new(&options, &g->engine, NULL), SB_OK);
}

static sb_flow_found search(gallery *g, const float *probe, size_t k) {
  sb_flow_found found = {0};
  double threshold = 0;
  refresh_collection(g);
  assert_int_equal(
      sb_verdict_search_threshold(&g->embedder, &(sb_target){0}, g->collection.info.people, &threshold, NULL), SB_OK);
  const sb_flow_search how = {&g->collection, &g->embedder, k, threshold};
  assert_int_equal(sb_collection_indexes_sync(g->engine->indexes, NULL), SB_OK);
  assert_int_equal(sb_flow_candidates(g->engine, &how, probe, &found, NULL), SB_OK);
  return found;
}

static void done(sb_flow_found *found) {
  sb_candidates_free(found->candidates, found->count);
}

/* People who share a direction, as the faces of a group that the model tells apart badly, and people who share none.
 * `crowd_probe`, `other_probe`: strangers with a cosine of .5 to p0 and to p(CROWD). */
static void fill(gallery *g, float *crowd_probe, float *other_probe) {
  float centre[DIM], face[DIM], first[DIM], lone[DIM];
  make_face(NULL, 0, centre);
  for (int i = 0; i < CROWD; i++) {
    make_face(centre, .6, face);
    if (!i) memcpy(first, face, sizeof first);
    add_person(g, face);
  }
  for (int i = 0; i < OTHERS; i++) {
    make_face(NULL, 0, face);
    if (!i) memcpy(lone, face, sizeof lone);
    add_person(g, face);
  }
  /* The crowd's probe lies in the crowd, too: half way to the first of it. */
  make_face(centre, .6, face);
  for (int i = 0; i < DIM; i++) crowd_probe[i] = face[i] + .35f * first[i];
  sb_normalize(crowd_probe, DIM);
  double wanted = (double)sb_dot(crowd_probe, first, DIM);
  make_face(lone, wanted, other_probe);
}

static void a_stranger_in_a_crowd_is_no_match_where_another_similarity_of_that_height_is_one(void **state) {
  (void)state;
  gallery g = open_gallery();
  float crowd[DIM], other[DIM];
  fill(&g, crowd, other);
  sb_flow_found in_crowd = search(&g, crowd, 5), apart = search(&g, other, 5);
  assert_string_equal(in_crowd.candidates[0].id, "p0");
  assert_string_equal(apart.candidates[0].id, "p200");
  assert_true(fabs(in_crowd.candidates[0].similarity - apart.candidates[0].similarity) < .01);
  assert_true(in_crowd.candidates[0].similarity > g.embedder.calibration.default_threshold);
  assert_int_equal(apart.candidates[0].verdict, SB_VERDICT_MATCH);
  assert_int_not_equal(in_crowd.candidates[0].verdict, SB_VERDICT_MATCH);
  assert_true(in_crowd.candidates[0].false_match_rate > 100 * apart.candidates[0].false_match_rate);
  for (size_t i = 1; i < in_crowd.count; i++)
    assert_true(in_crowd.candidates[i].score <= in_crowd.candidates[i - 1].score);
  done(&in_crowd);
  done(&apart);
  sb_engine_free(g.engine);
}

/* As a gallery of an earlier version has none: the verdicts are the same as with them. */
static void verdicts_do_not_wait_for_densities_to_be_measured(void **state) {
  (void)state;
  gallery g = open_gallery();
  float crowd[DIM], other[DIM];
  fill(&g, crowd, other);
  sb_flow_found before[2] = {search(&g, crowd, 3), search(&g, other, 3)};
  assert_int_equal(sb_engine_measure_densities(g.engine, NULL), SB_OK);
  sb_flow_found after[2] = {search(&g, crowd, 3), search(&g, other, 3)};
  for (int i = 0; i < 2; i++) {
    assert_string_equal(after[i].candidates[0].id, before[i].candidates[0].id);
    assert_int_equal(after[i].candidates[0].verdict, before[i].candidates[0].verdict);
    if (i == 1) assert_true(fabs(after[i].candidates[0].score - before[i].candidates[0].score) < .02);
    done(&before[i]);
    done(&after[i]);
  }
  sb_engine_free(g.engine);
}

static size_t stale(gallery *g, uint32_t least, uint32_t most) {
  int64_t faces[CROWD + OTHERS];
  size_t count = 0;
  const sb_density_query query = {g->collection.row, least, most, 0, CROWD + OTHERS};
  assert_int_equal(sb_store_densities_stale(g->engine->store, &query, faces, &count, NULL), SB_OK);
  return count;
}

static void densities_are_measured_once_stored_and_measured_again_when_the_gallery_has_grown(void **state) {
  (void)state;
  gallery g = open_gallery();
  float face[DIM];
  for (int i = 0; i < 40; i++) make_face(NULL, 0, face), add_person(&g, face);
  sb_flow_found found = search(&g, face, 1);
  done(&found);
  assert_int_equal(stale(&g, 2, 1000), 40);
  assert_int_equal(sb_engine_measure_densities(g.engine, NULL), SB_OK);
  assert_int_equal(stale(&g, 40, 40), 0);
  reopen(&g);
  assert_int_equal(stale(&g, 40, 40), 0);
  for (int i = 0; i < 10; i++) make_face(NULL, 0, face), add_person(&g, face);
  found = search(&g, face, 1);
  done(&found);
  assert_int_equal(sb_engine_measure_densities(g.engine, NULL), SB_OK);
  assert_int_equal(stale(&g, 40, 40), 10); /* the new ones, at 50; the others are still right */
  for (int i = 0; i < 20; i++) make_face(NULL, 0, face), add_person(&g, face);
  found = search(&g, face, 1);
  done(&found);
  assert_int_equal(sb_engine_measure_densities(g.engine, NULL), SB_OK);
  assert_int_equal(stale(&g, 50, 70), 0);
  sb_engine_free(g.engine);
}

static void check_sane(const sb_flow_found *found) {
  for (size_t i = 0; i < found->count; i++) {
    const sb_candidate *c = &found->candidates[i];
    assert_true(isfinite(c->score) && c->score <= 1 && isfinite(c->similarity));
    assert_true(c->false_match_rate > 0 && c->false_match_rate <= 1 && c->false_match_upper >= c->false_match_rate);
    assert_true(c->gallery_false_match > 0 && c->gallery_false_match <= 1);
  }
}

static void galleries_of_1_2_10_and_29_people_find_their_people(void **state) {
  (void)state;
  static const int sizes[] = {1, 2, 10, 29};
  gallery g = open_gallery();
  float first[DIM], face[DIM], probe[DIM];
  make_face(NULL, 0, first);
  add_person(&g, first);
  make_face(first, .8, probe);
  for (size_t s = 0; s < count_of(sizes); s++) {
    while (g.people < sizes[s]) make_face(NULL, 0, face), add_person(&g, face);
    sb_flow_found found = search(&g, probe, 5);
    assert_int_equal(found.count, sizes[s] < 5 ? sizes[s] : 5);
    assert_string_equal(found.candidates[0].id, "p0");
    assert_int_equal(found.candidates[0].verdict, SB_VERDICT_MATCH);
    check_sane(&found);
    if (sizes[s] == 1) assert_true(fabs(found.candidates[0].score - found.candidates[0].similarity) < 1e-6);
    done(&found);
    assert_int_equal(sb_engine_measure_densities(g.engine, NULL), SB_OK);
  }
  sb_engine_free(g.engine);
}

static void one_person_with_very_many_templates_is_found_and_harms_nobody(void **state) {
  (void)state;
  enum { TEMPLATES = 1000 };
  gallery g = open_gallery();
  float *many = calloc(TEMPLATES, DIM * sizeof *many), first[DIM], face[DIM], probe[DIM];
  assert_non_null(many);
  make_face(NULL, 0, first);
  for (int i = 0; i < TEMPLATES; i++) make_face(first, .85, many + i * DIM);
  add_faces(&g, many, TEMPLATES);
  for (int i = 0; i < 39; i++) make_face(NULL, 0, face), add_person(&g, face);
  make_face(first, .85, probe);
  sb_flow_found found = search(&g, probe, 5);
  assert_string_equal(found.candidates[0].id, "p0");
  assert_int_equal(found.candidates[0].verdict, SB_VERDICT_MATCH);
  check_sane(&found);
  done(&found);
  found = search(&g, face, 5);
  assert_string_equal(found.candidates[0].id, "p39");
  assert_int_equal(found.candidates[0].verdict, SB_VERDICT_MATCH);
  check_sane(&found);
  done(&found);
  free(many);
  sb_engine_free(g.engine);
}

/* Then a score says nothing at all, and nobody may be named with certainty. */
static void where_everybody_has_the_same_face_nobody_is_a_match(void **state) {
  (void)state;
  gallery g = open_gallery();
  float face[DIM];
  make_face(NULL, 0, face);
  for (int i = 0; i < 60; i++) add_person(&g, face);
  sb_flow_found found = search(&g, face, 5);
  check_sane(&found);
  assert_int_equal(found.count, 5);
  for (size_t i = 0; i < found.count; i++) assert_int_not_equal(found.candidates[i].verdict, SB_VERDICT_MATCH);
  done(&found);
  assert_int_equal(sb_engine_measure_densities(g.engine, NULL), SB_OK);
  found = search(&g, face, 5);
  check_sane(&found);
  done(&found);
  sb_engine_free(g.engine);
}

static void two_photos_are_compared_by_the_crowd_around_them(void **state) {
  (void)state;
  gallery g = open_gallery();
  float crowd[DIM], other[DIM], first[DIM], lone[DIM];
  fill(&g, crowd, other);
  make_face(crowd, .55, first);
  make_face(other, .55, lone);
  const float *near[2] = {crowd, first}, *apart[2] = {other, lone};
  sb_verdict_score in_crowd, alone, without;
  sb_embedder plain = g.embedder;
  plain.calibration.cohort_deviation = 0;
  assert_int_equal(sb_flow_compare(g.engine, NULL, &g.embedder, near, &in_crowd, NULL), SB_OK);
  assert_int_equal(sb_flow_compare(g.engine, NULL, &g.embedder, apart, &alone, NULL), SB_OK);
  assert_int_equal(sb_flow_compare(g.engine, NULL, &plain, near, &without, NULL), SB_OK);
  assert_true(fabs(in_crowd.similarity - alone.similarity) < 1e-3);
  assert_true(in_crowd.score < alone.score - .05);
  assert_true(in_crowd.weight > .9 && without.weight == 0 && without.score == without.similarity);
  sb_engine_free(g.engine);
}

/* A calibration of one's own. `cohort`: its constants of normalised scores; "": none, so that the model's stay. */
static void write_calibration(const char *cohort, char path[64]) {
  snprintf(path, 64, "%s/calibration.json", folder);
  FILE *file = fopen(path, "w");
  assert_non_null(file);
  assert_true(fprintf(file,
                      "{\"model\":\"mobilefacenet-512\",\"date\":\"2026-11-30\",\"calibration\":{\"points\":[{\"fmr\":"
                      "0.01,\"threshold\":0.25},{\"fmr\":0.001,\"threshold\":0.35}],\"tail\":{\"mean\":0.0,"
                      "\"deviation\":0.11},%s\"independent_pairs\":1000,\"non_mated_mean\":0.0,"
                      "\"default_threshold\":0.4,\"unsure_threshold\":0.35,\"fmr_floor\":0.0005}}",
                      cohort) > 0);
  assert_int_equal(fclose(file), 0);
}

static void open_calibrated(gallery *g, const char *path) {
  sb_engine_options options = {.struct_size = sizeof options, .data_dir = folder, .workers = 1, .calibration = path};
  sb_error error = {0};
  if (sb_engine_new(&options, &g->engine, &error) != SB_OK) fail_msg("%s", error.message);
  if (sb_engine_embedder(g->engine, NULL, &g->embedder, &error) != SB_OK) fail_msg("%s", error.message);
  refresh_collection(g);
}

/* Else whoever calibrates with own photos would lose what protects groups of people. */
static void a_calibration_of_ones_own_keeps_the_constants_of_normalised_scores(void **state) {
  (void)state;
  gallery g = {0};
  char path[64];
  write_calibration("", path);
  open_calibrated(&g, path);
  assert_true(g.embedder.calibration.default_threshold == .4);
  assert_true(sb_cohort_available(&g.embedder.calibration) && g.embedder.calibration.cohort_deviation == .105);
  sb_engine_free(g.engine);
}

static sb_density density_of_first(const gallery *g) {
  sb_density density;
  const int64_t first = 1;
  assert_int_equal(sb_store_densities(g->engine->store, g->collection.row, &first, 1, &density, NULL), SB_OK);
  return density;
}

static sb_density measured_of_first(gallery *g) {
  float face[DIM];
  make_face(NULL, 0, face);
  sb_flow_found found = search(g, face, 1); /* brings the gallery into memory */
  done(&found);
  assert_int_equal(sb_engine_measure_densities(g->engine, NULL), SB_OK);
  return density_of_first(g);
}

static void another_calibration_has_all_densities_measured_again_once(void **state) {
  (void)state;
  gallery g = open_gallery();
  float face[DIM];
  char path[64];
  for (int i = 0; i < 12; i++) make_face(NULL, 0, face), add_person(&g, face);
  sb_density shipped = measured_of_first(&g);
  sb_engine_free(g.engine);
  write_calibration("\"cohort\":{\"deviation\":0.08,\"search_offset\":0.1,\"verify_offset\":0.1,\"group_shift\":0.1},",
                    path);
  open_calibrated(&g, path);
  assert_true(g.embedder.calibration.cohort_deviation == .08);
  sb_density own = measured_of_first(&g);
  assert_true(shipped.population == own.population && own.deviation < shipped.deviation);
  sb_engine_free(g.engine);
  open_calibrated(&g, path);
  const sb_density_constants now = {g.embedder.calibration.tail_mean, g.embedder.calibration.cohort_deviation};
  bool same = false;
  assert_int_equal(sb_store_density_constants_are(g.engine->store, g.collection.row, &now, &same, NULL), SB_OK);
  assert_true(same);
  sb_engine_free(g.engine);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(a_stranger_in_a_crowd_is_no_match_where_another_similarity_of_that_height_is_one,
                                      make_folder, remove_folder),
      cmocka_unit_test_setup_teardown(verdicts_do_not_wait_for_densities_to_be_measured, make_folder, remove_folder),
      cmocka_unit_test_setup_teardown(densities_are_measured_once_stored_and_measured_again_when_the_gallery_has_grown,
                                      make_folder, remove_folder),
      cmocka_unit_test_setup_teardown(galleries_of_1_2_10_and_29_people_find_their_people, make_folder, remove_folder),
      cmocka_unit_test_setup_teardown(one_person_with_very_many_templates_is_found_and_harms_nobody, make_folder,
                                      remove_folder),
      cmocka_unit_test_setup_teardown(where_everybody_has_the_same_face_nobody_is_a_match, make_folder, remove_folder),
      cmocka_unit_test_setup_teardown(two_photos_are_compared_by_the_crowd_around_them, make_folder, remove_folder),
      cmocka_unit_test_setup_teardown(a_calibration_of_ones_own_keeps_the_constants_of_normalised_scores, make_folder,
                                      remove_folder),
      cmocka_unit_test_setup_teardown(another_calibration_has_all_densities_measured_again_once, make_folder,
                                      remove_folder),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
