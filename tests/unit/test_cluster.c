/* Grouping faces: no group ever holds two faces that are certainly of different people. */
#include "folder.h"

#include "engine/claims.h"
#include "engine/internal.h"
#include "engine/photo_copies.h"

#include <math.h>

enum { DIMENSIONS = 512, FACES_MAX = 160 };

static sb_engine *open_engine(void) {
  sb_engine_options options = {.struct_size = sizeof options, .data_dir = folder, .workers = 1};
  sb_engine *engine = NULL;
  sb_error error = {0};
  if (sb_engine_new(&options, &engine, &error) != SB_OK) fail_msg("%s", error.message);
  return engine;
}

/* A unit vector of that person, as far from the person's own as `spread` says. */
static void face_of(unsigned person, float spread, uint64_t *random, float *out) {
  uint64_t own = 977 * (uint64_t)person + 13;
  double norm = 0;
  for (int i = 0; i < DIMENSIONS; i++) {
    out[i] = random_float(&own) + spread * random_float(random);
    norm += (double)out[i] * (double)out[i];
  }
  for (int i = 0; i < DIMENSIONS; i++) out[i] /= (float)sqrt(norm);
}

typedef struct album {
  size_t count;
  uint32_t photos[FACES_MAX];
  unsigned people[FACES_MAX];
  float vectors[FACES_MAX][DIMENSIONS];
  const float *embeddings[FACES_MAX];
} album;

static sb_clusters *group(sb_engine *engine, const album *a, bool with_photos, bool collages) {
  sb_clusters *clusters = NULL;
  sb_error error = {0};
  const sb_cluster_request request = {.struct_size = sizeof request,
                                      .embeddings = a->embeddings,
                                      .count = a->count,
                                      .photos = with_photos ? a->photos : NULL,
                                      .collages = collages};
  if (sb_engine_cluster(engine, &request, &clusters, &error) != SB_OK) fail_msg("%s", error.message);
  return clusters;
}

static void add_face(album *a, unsigned person, uint32_t photo, uint64_t *random) {
  face_of(person, .5F, random, a->vectors[a->count]);
  a->embeddings[a->count] = a->vectors[a->count];
  a->people[a->count] = person;
  a->photos[a->count++] = photo;
}

static void no_group_holds_two_faces_of_one_photo(void **state) {
  (void)state;
  uint64_t random = 19;
  sb_engine *engine = open_engine();
  album *a = calloc(1, sizeof *a);
  assert_non_null(a);
  size_t apart = 0;
  for (int round = 0; round < 12; round++) {
    a->count = 0;
    for (uint32_t photo = 0; photo < 40; photo++)
      for (uint64_t faces = next_random(&random) % 4 + 1; faces--;)
        add_face(a, (unsigned)(next_random(&random) % 6), photo, &random); /* often one person twice in a photo */
    sb_clusters *clusters = group(engine, a, true, false);
    for (size_t i = 0; i < a->count; i++)
      for (size_t k = i + 1; k < a->count; k++)
        if (a->photos[i] == a->photos[k]) assert_int_not_equal(clusters->cluster_of[i], clusters->cluster_of[k]);
    apart += clusters->kept_apart;
    sb_clusters_free(clusters);
  }
  assert_true(apart > 0); /* the rule had something to do */
  free(a);
  sb_engine_free(engine);
}

static void twins_stay_two_over_many_photos_and_a_collage_may_join_them(void **state) {
  (void)state;
  uint64_t random = 7;
  sb_engine *engine = open_engine();
  album *a = calloc(1, sizeof *a);
  assert_non_null(a);
  for (uint32_t photo = 0; photo < 6; photo++)
    for (int twin = 0; twin < 2; twin++) add_face(a, 1, photo, &random);
  sb_clusters *apart = group(engine, a, true, false), *collage = group(engine, a, true, true),
              *unknown = group(engine, a, false, false);
  assert_int_equal(apart->count, 2);
  assert_int_equal(collage->count, 1);
  assert_int_equal(unknown->count, 1);
  assert_int_equal(collage->kept_apart, 0);
  assert_true(apart->kept_apart >= 6);
  sb_clusters_free(apart);
  sb_clusters_free(collage);
  sb_clusters_free(unknown);
  free(a);
  sb_engine_free(engine);
}

static void enroll_template(sb_engine *engine, const char *id, const float *vector) {
  const sb_template_request request = {.id = id, .name = id, .vector = vector, .dim = DIMENSIONS};
  sb_error error = {0};
  if (sb_engine_enroll_template(engine, &request, &error) != SB_OK) fail_msg("%s", error.message);
}

static void people_who_were_marked_as_different_stay_apart_in_groups_and_lists(void **state) {
  (void)state;
  uint64_t random = 11;
  sb_engine *engine = open_engine();
  album *a = calloc(1, sizeof *a);
  assert_non_null(a);
  for (uint32_t i = 0; i < 4; i++) add_face(a, 3, i, &random);
  enroll_template(engine, "anna", a->vectors[0]);
  enroll_template(engine, "beth", a->vectors[1]);
  /* Two faces that are clearly Anna's and Beth's, in photos of their own. */
  sb_clusters *together = group(engine, a, true, false);
  assert_int_equal(together->cluster_of[0], together->cluster_of[1]);
  sb_clusters_free(together);

  const sb_dedup_request dedup = {.struct_size = sizeof dedup};
  sb_duplicates *found = NULL;
  assert_int_equal(sb_engine_dedup(engine, &dedup, &found, NULL), SB_OK);
  assert_int_equal(found->total, 1);
  sb_duplicates_free(found);
  assert_int_equal(sb_engine_set_different(engine, NULL, "beth", "beth", true, NULL), SB_INVALID);
  assert_int_equal(sb_engine_set_different(engine, NULL, "beth", "carl", true, NULL), SB_NOT_FOUND);
  assert_int_equal(sb_engine_set_different(engine, NULL, "beth", "anna", true, NULL), SB_OK);
  sb_engine_free(engine);

  engine = open_engine(); /* it is stored */
  assert_int_equal(sb_engine_dedup(engine, &dedup, &found, NULL), SB_OK);
  assert_int_equal(found->total, 0);
  assert_int_equal(found->different, 1);
  sb_duplicates_free(found);
  sb_clusters *apart = group(engine, a, true, false);
  assert_int_not_equal(apart->cluster_of[0], apart->cluster_of[1]);
  assert_string_equal(apart->names[apart->cluster_of[0]].id, "anna");
  assert_string_equal(apart->names[apart->cluster_of[1]].id, "beth");
  sb_clusters_free(apart);
  assert_int_equal(sb_engine_merge(engine, NULL, "anna", "beth", NULL, NULL), SB_INVALID);
  assert_int_equal(sb_engine_set_different(engine, NULL, "anna", "beth", false, NULL), SB_OK);
  assert_int_equal(sb_engine_merge(engine, NULL, "anna", "beth", NULL, NULL), SB_OK);
  free(a);
  sb_engine_free(engine);
}

static void what_was_said_of_a_person_is_erased_and_merged_with_the_person(void **state) {
  (void)state;
  uint64_t random = 5;
  float vector[DIMENSIONS];
  sb_engine *engine = open_engine();
  sb_store_collection collection;
  sb_store_different_pair *pairs = NULL;
  size_t count = 0;
  static const char *const ids[] = {"one", "two", "three", "four"};
  for (unsigned i = 0; i < 4; i++) {
    face_of(i, 0, &random, vector);
    enroll_template(engine, ids[i], vector);
  }
  assert_int_equal(sb_engine_set_different(engine, NULL, "one", "two", true, NULL), SB_OK);
  assert_int_equal(sb_engine_set_different(engine, NULL, "three", "two", true, NULL), SB_OK);
  assert_int_equal(sb_engine_merge(engine, NULL, "four", "three", NULL, NULL), SB_OK);
  assert_int_equal(sb_engine_merge(engine, NULL, "four", "two", NULL, NULL), SB_INVALID);
  assert_int_equal(sb_engine_delete(engine, NULL, "one", NULL, NULL), SB_OK);
  assert_int_equal(sb_engine_collection(engine, NULL, false, &collection, NULL), SB_OK);
  assert_int_equal(sb_store_different_list(engine->store, collection.row, &pairs, &count, NULL), SB_OK);
  assert_int_equal(count, 1); /* two and four */
  free(pairs);
  assert_int_equal(sb_engine_collection_delete(engine, "default", NULL), SB_OK);
  assert_int_equal(sb_store_different_list(engine->store, collection.row, &pairs, &count, NULL), SB_OK);
  assert_int_equal(count, 0);
  free(pairs);
  sb_engine_free(engine);
}

static void joined_claims_keep_every_conflict(void **state) {
  (void)state;
  static const sb_cluster_claim list[] = {{0, 5, 0}, {0, 2, 1}, {1, 2, 1}, {1, 9, 3}, {2, 9, 4}, {3, 5, 0}};
  sb_cluster_claims claims;
  assert_int_equal(sb_cluster_claims_begin(&claims, 4, list, count_of(list), NULL), SB_OK);
  assert_false(sb_cluster_claims_conflict(&claims, 0, 1)); /* one space, one person */
  assert_false(sb_cluster_claims_conflict(&claims, 0, 2));
  assert_true(sb_cluster_claims_conflict(&claims, 1, 2));
  assert_int_equal(sb_cluster_claims_join(&claims, 0, 1, NULL), SB_OK);
  assert_int_equal(claims.groups[0].count, 3);
  assert_true(sb_cluster_claims_conflict(&claims, 2, 0));
  assert_int_equal(sb_cluster_claims_join(&claims, 3, 0, NULL), SB_OK);
  assert_true(sb_cluster_claims_conflict(&claims, 3, 2));
  sb_cluster_claims_clear(&claims);
}

/* A picture with something like a face at x: every face with another pattern, or its mirror image. */
static void paint(sb_image *image, int at, unsigned pattern, bool mirrored) {
  for (int y = 0; y < 60; y++)
    for (int x = 0; x < 60; x++) {
      double u = (mirrored ? 59 - x : x) / 60.0, v = y / 60.0;
      double shade = 128 + 60 * sin(9 * u + pattern) * cos(7 * v + 2 * pattern) + 50 * sin(5 * u * v * (pattern + 1));
      memset(image->pixels + ((size_t)(y + 20) * 320 + (size_t)(at + x)) * 3, (int)shade, 3);
    }
}

static void copies_and_mirror_images_are_recognised_and_others_are_not(void **state) {
  (void)state;
  sb_image image = {320, 100, 320, 100, calloc(320 * 100, 3), 0};
  assert_non_null(image.pixels);
  paint(&image, 10, 1, false);
  paint(&image, 90, 1, false);
  paint(&image, 170, 1, true);
  paint(&image, 250, 2, false);
  const sb_box first = {10, 20, 60, 60}, copy = {91.5F, 19, 59, 61}, mirror = {168.5F, 21, 61, 60},
               other = {250, 20, 60, 60};
  bool copies = false;
  assert_int_equal(sb_photo_copies_are(&image, &first, &copy, &copies, NULL), SB_OK);
  assert_true(copies);
  assert_int_equal(sb_photo_copies_are(&image, &first, &mirror, &copies, NULL), SB_OK);
  assert_true(copies);
  assert_int_equal(sb_photo_copies_are(&image, &first, &other, &copies, NULL), SB_OK);
  assert_false(copies);
  free(image.pixels);
}

#define IN_A_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)
int main(void) {
  const struct CMUnitTest tests[] = {
      IN_A_FOLDER(no_group_holds_two_faces_of_one_photo),
      IN_A_FOLDER(twins_stay_two_over_many_photos_and_a_collage_may_join_them),
      IN_A_FOLDER(people_who_were_marked_as_different_stay_apart_in_groups_and_lists),
      IN_A_FOLDER(what_was_said_of_a_person_is_erased_and_merged_with_the_person),
      cmocka_unit_test(joined_claims_keep_every_conflict),
      cmocka_unit_test(copies_and_mirror_images_are_recognised_and_others_are_not),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
