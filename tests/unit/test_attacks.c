/* Attack simulations: what a thief gets from a gallery's file, from a backup, and from protected templates, in figures.
 * Each attack is first run where it must succeed, so that a figure near chance says something about the protection.
 *
 * The people are made up (a direction for each person, and noise for each photo), from fixed seeds. So the figures hold
 * for templates whose directions are spread evenly. Those of a real model are not quite; test_protection.c measures
 * them, where real photos are at hand. An attack that nobody thought of is not among these. */
#include "gallery.h"

#include "crypto/transform.h"

enum { PEOPLE = 200, WIDE = 512 };

/* The same chance for each of PEOPLE guesses gives one hit on average; more than 12 happen once in a thousand million
 * runs. The keys of a gallery are random. */
enum { HITS_BY_CHANCE = 12 };

static double inner(const float *a, const float *b, size_t dim) {
  double sum = 0;
  for (size_t i = 0; i < dim; i++) sum += (double)a[i] * (double)b[i];
  return sum;
}

static void normalize(float *v, size_t dim) {
  double norm = sqrt(inner(v, v, dim));
  for (size_t i = 0; i < dim; i++) v[i] = (float)((double)v[i] / norm);
}

/* How often the best of `candidates` for a probe is the one of the same number. */
static size_t linked(const float *probes, const float *candidates, size_t count, size_t dim) {
  size_t hits = 0;
  for (size_t i = 0; i < count; i++) {
    size_t best = 0;
    double score = -INFINITY;
    for (size_t j = 0; j < count; j++) {
      double next = inner(probes + i * dim, candidates + j * dim, dim);
      if (next > score) score = next, best = j;
    }
    hits += best == i;
  }
  return hits;
}

/* ---- A thief with the gallery's file, but without its root key */

/* Another gallery of the same people, with keys of its own. */
static fixture open_other(const fixture *f, char path[128]) {
  fixture other = {0};
  snprintf(path, 128, "%s/other", f->dir);
  other.dir = path;
  assert_int_equal(sb_store_open(path, false, &other.store, NULL), SB_OK);
  assert_int_equal(sb_store_collection_add(other.store, "default", "model", DIM, &other.collection, NULL), SB_OK);
  return other;
}

static void remove_other(fixture *other) {
  char command[160];
  sb_store_close(other->store);
  snprintf(command, sizeof command, "rm -r '%s'", other->dir);
  assert_int_equal(system(command), 0); // NOLINT(cert-env33-c)
}

/* The ciphertext of each template, its bytes taken as numbers: there is no better reading of them without the key. */
static void read_sealed(const fixture *f, float *out) {
  enum { CIPHERTEXT_AT = 28 };
  for (int i = 0; i < PEOPLE; i++) {
    char sql[80];
    size_t size = 0;
    snprintf(sql, sizeof sql, "SELECT template FROM face ORDER BY id LIMIT 1 OFFSET %d", i);
    uint8_t *sealed = raw_bytes(f, sql, &size);
    assert_true(size >= CIPHERTEXT_AT + DIM);
    for (int j = 0; j < DIM; j++) out[i * DIM + j] = (float)sealed[CIPHERTEXT_AT + j] - 127.5f;
    normalize(out + i * DIM, DIM);
    free(sealed);
  }
}

static int64_t common_id_hashes(const fixture *f, const fixture *other) {
  char sql[256];
  snprintf(sql, sizeof sql,
           "ATTACH '%s/semblance.db' AS other; CREATE TABLE common AS SELECT count(*) AS n"
           " FROM person JOIN other.person o USING (external_hash)",
           other->dir);
  raw_sql(f, sql);
  return raw_number(f, "SELECT n FROM common");
}

static void the_files_of_two_galleries_cannot_be_linked_nor_read_without_a_key(void **state) {
  static float truth[PEOPLE * DIM], sealed[2][PEOPLE * DIM];
  fixture *f = *state;
  char path[128];
  fixture other = open_other(f, path);
  enrol_many(f, 0, PEOPLE);
  enrol_many(&other, 0, PEOPLE);
  for (int i = 0; i < PEOPLE; i++) vector_of(i, truth + i * DIM);
  read_sealed(f, sealed[0]);
  read_sealed(&other, sealed[1]);
  size_t across = linked(sealed[0], sealed[1], PEOPLE, DIM), inverted = linked(sealed[0], truth, PEOPLE, DIM);
  double cosine = 0;
  for (int i = 0; i < PEOPLE; i++) cosine += inner(sealed[0] + i * DIM, truth + i * DIM, DIM) / PEOPLE;
  print_message(
      "# the files of two galleries of the same %d people: %zu linked, %zu recognised (1 by chance); cosine of"
      " sealed and true templates %.3f\n",
      PEOPLE, across, inverted, cosine);
  assert_int_equal(linked(truth, truth, PEOPLE, DIM), PEOPLE); /* the attack succeeds on what is not sealed */
  assert_true(across <= HITS_BY_CHANCE && inverted <= HITS_BY_CHANCE);
  assert_true(fabs(cosine) < .06); /* seven standard deviations */
  assert_int_equal(common_id_hashes(f, &other), 0);
  remove_other(&other);
}

/* ---- A thief with backups */

/* The share of places at which two files have the same byte: 1/256 for random ones. */
static double agreement(const char *one, const char *two, size_t *size) {
  uint8_t *bytes[2];
  size_t sizes[2], same = 0;
  assert_int_equal(sb_file_read(one, 1 << 26, &bytes[0], &sizes[0], NULL), SB_OK);
  assert_int_equal(sb_file_read(two, 1 << 26, &bytes[1], &sizes[1], NULL), SB_OK);
  *size = sizes[0] < sizes[1] ? sizes[0] : sizes[1];
  for (size_t i = 0; i < *size; i++) same += bytes[0][i] == bytes[1][i];
  free(bytes[0]);
  free(bytes[1]);
  return (double)same / (double)*size;
}

static void two_backups_of_one_gallery_do_not_show_that_nothing_changed(void **state) {
  fixture *f = *state;
  char one[128], two[128];
  size_t size = 0;
  enrol_many(f, 0, PEOPLE);
  snprintf(one, sizeof one, "%s/one", f->dir);
  snprintf(two, sizeof two, "%s/two", f->dir);
  assert_int_equal(sb_store_backup(f->store, one, NULL), SB_OK);
  assert_int_equal(sb_store_backup(f->store, two, NULL), SB_OK);
  double same = agreement(one, two, &size);
  print_message("# two backups of one gallery: %.4f of %zu bytes agree (%.4f by chance)\n", same, size, 1. / 256);
  assert_true(size > 100000);
  assert_true(same < .006);
}

/* ---- A thief with protected templates (rows of PostgreSQL, memory), but without the seed */

typedef struct made_up {
  float photo[2][PEOPLE][WIDE]; /* two photos of each person */
} made_up;

static void make_up(made_up *people) {
  uint64_t random = 24;
  for (int i = 0; i < PEOPLE; i++) {
    float person[WIDE];
    for (int j = 0; j < WIDE; j++) person[j] = random_float(&random);
    for (int photo = 0; photo < 2; photo++) {
      float *v = people->photo[photo][i];
      for (int j = 0; j < WIDE; j++) v[j] = person[j] + .6f * random_float(&random);
      normalize(v, WIDE);
    }
  }
}

static sb_transform *transform_of(int number) {
  const uint8_t seed[SB_SEED_SIZE] = {(uint8_t)number, (uint8_t)(number >> 8), 24};
  sb_transform *transform = NULL;
  assert_int_equal(sb_transform_new(seed, WIDE, &transform, NULL), SB_OK);
  return transform;
}

static void protect(int key, float (*templates)[WIDE], float (*out)[WIDE]) {
  sb_transform *transform = transform_of(key);
  for (int i = 0; i < PEOPLE; i++) sb_transform_apply(transform, templates[i], out[i]);
  sb_transform_free(transform);
}

static void protected_templates_link_within_their_collection_only(void **state) {
  enum { PAIRS_OF_KEYS = 8 };
  static made_up people;
  static float one[PEOPLE][WIDE], two[PEOPLE][WIDE];
  size_t within = 0, across = 0;
  (void)state;
  make_up(&people);
  for (int key = 0; key < PAIRS_OF_KEYS; key++) {
    protect(2 * key, people.photo[0], one);
    protect(2 * key, people.photo[1], two);
    within += linked(*one, *two, PEOPLE, WIDE);
    protect(2 * key + 1, people.photo[1], two);
    across += linked(*one, *two, PEOPLE, WIDE);
  }
  print_message("# of %d people, linked within a collection: %.1f; across two: %.2f (1 by chance)\n", PEOPLE,
                (double)within / PAIRS_OF_KEYS, (double)across / PAIRS_OF_KEYS);
  assert_int_equal(within, PEOPLE * PAIRS_OF_KEYS); /* documented: a thief learns how similar people are */
  assert_true(across <= 3 * PAIRS_OF_KEYS);
}

/* The mean cosine of the true templates and of those that undoing the transform of `key` gives. */
static double undone(int key, float (*protected)[WIDE], float (*truth)[WIDE]) {
  enum { TRIED = 20 };
  sb_transform *transform = transform_of(key);
  float back[WIDE];
  double sum = 0;
  for (int i = 0; i < TRIED; i++) {
    sb_transform_undo(transform, protected[i], back);
    sum += inner(back, truth[i], WIDE);
  }
  sb_transform_free(transform);
  return sum / TRIED;
}

static void a_guessed_seed_gives_nothing_of_a_template(void **state) {
  enum { RIGHT = 60000, GUESSES = 500 };
  static made_up people;
  static float protected[PEOPLE][WIDE];
  double best = 0;
  (void)state;
  make_up(&people);
  protect(RIGHT, people.photo[0], protected);
  for (int guess = 0; guess < GUESSES; guess++) best = fmax(best, undone(guess, protected, people.photo[0]));
  print_message("# the best of %d guessed seeds: cosine %.3f to the true templates\n", GUESSES, best);
  assert_true(undone(RIGHT, protected, people.photo[0]) > .999);
  assert_true(best < .06);
}

/* Who has pairs of true and protected templates expresses another protected template by the known protected ones, and
 * takes the same sum of the known true ones: angles are kept, so both are orthogonalised by the same steps. */
static void orthogonalise(float (*protected)[WIDE], float (*truth)[WIDE], int count) {
  for (int i = 0; i < count; i++) {
    for (int j = 0; j < i; j++) {
      float along = (float)inner(protected[i], protected[j], WIDE);
      for (int k = 0; k < WIDE; k++) {
        protected[i][k] -= along * protected[j][k];
        truth[i][k] -= along * truth[j][k];
      }
    }
    float scale = (float)(1 / sqrt(inner(protected[i], protected[i], WIDE)));
    for (int k = 0; k < WIDE; k++) {
      protected[i][k] *= scale;
      truth[i][k] *= scale;
    }
  }
}

/* Cosine of the second photo's template of person 0 with what `pairs` known pairs of `key` give of it, when it is
 * protected under `own_key`. */
static double recovered(made_up *people, int pairs, int key, int own_key) {
  static float known[2][2 * PEOPLE][WIDE];
  float target[WIDE], sum[WIDE] = {0};
  uint64_t random = 7;
  sb_transform *transform = transform_of(key), *own = transform_of(own_key);
  for (int i = 0; i < pairs; i++) {
    for (int j = 0; j < WIDE; j++) known[1][i][j] = random_float(&random);
    normalize(known[1][i], WIDE);
    sb_transform_apply(transform, known[1][i], known[0][i]);
  }
  orthogonalise(known[0], known[1], pairs);
  sb_transform_apply(own, people->photo[1][0], target);
  for (int i = 0; i < pairs; i++) {
    float along = (float)inner(target, known[0][i], WIDE);
    for (int k = 0; k < WIDE; k++) sum[k] += along * known[1][i][k];
  }
  normalize(sum, WIDE);
  sb_transform_free(transform);
  sb_transform_free(own);
  return inner(sum, people->photo[1][0], WIDE);
}

static void pairs_of_templates_reveal_a_transform_as_documented_until_it_is_revoked(void **state) {
  static const int counts[] = {25, 100, 400};
  static made_up people;
  (void)state;
  make_up(&people);
  for (size_t i = 0; i < count_of(counts); i++) {
    double cosine = recovered(&people, counts[i], 1, 1), expected = sqrt(counts[i] / (double)WIDE);
    print_message("# %d pairs of true and protected templates: cosine %.2f to any other template\n", counts[i], cosine);
    assert_true(fabs(cosine - expected) < .1);
  }
  double revoked = recovered(&people, 400, 1, 2);
  print_message("# 400 pairs, after the transform was revoked: %.2f\n", revoked);
  assert_true(fabs(revoked) < .2);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(the_files_of_two_galleries_cannot_be_linked_nor_read_without_a_key),
      TEST(two_backups_of_one_gallery_do_not_show_that_nothing_changed),
      cmocka_unit_test(protected_templates_link_within_their_collection_only),
      cmocka_unit_test(a_guessed_seed_gives_nothing_of_a_template),
      cmocka_unit_test(pairs_of_templates_reveal_a_transform_as_documented_until_it_is_revoked),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
