/* Protected templates of real photos (10 people x 10 photos of LFW): accuracy is kept, and two collections cannot be
 * linked. */
#include "folder.h"

#include "engine/engine.h"
#include "store/store.h"

#include <dirent.h>
#include <math.h>
#include <stdatomic.h>

enum { DIM = 512, PEOPLE = 10, EACH = 10, PHOTOS = PEOPLE * EACH, KEYS = 200 };
typedef float set[PHOTOS][DIM];
static set plain; /* photos of one person are consecutive */
static double threshold;

static bool same_person(size_t i, size_t j) {
  return i / EACH == j / EACH;
}

static int wanted(const struct dirent *entry) {
  return entry->d_name[0] != '.';
}

/* In this data set, the labelled person is in the middle of the photo. */
static void read_template(sb_engine *engine, const char *path, float out[DIM]) {
  uint8_t *bytes = NULL;
  size_t size = 0;
  sb_faces *faces = NULL;
  double nearest = INFINITY;
  assert_int_equal(sb_file_read(path, 1 << 26, &bytes, &size, NULL), SB_OK);
  sb_find_request request = {.struct_size = sizeof request, .photo = {bytes, size}, .want = SB_WANT_EMBEDDING};
  assert_int_equal(sb_engine_find_faces(engine, &request, &faces, NULL), SB_OK);
  assert_true(faces->count > 0 && faces->dim == DIM);
  for (size_t i = 0; i < faces->count; i++) {
    const sb_box *box = &faces->items[i].box;
    double off = fabs((double)box->x + (double)box->w / 2 - (double)faces->width / 2) +
                 fabs((double)box->y + (double)box->h / 2 - (double)faces->height / 2);
    if (off >= nearest) continue;
    nearest = off;
    memcpy(out, faces->items[i].embedding, DIM * sizeof *out);
  }
  sb_faces_free(faces);
  free(bytes);
}

static void read_person(sb_engine *engine, const char *from, float (*out)[DIM]) {
  struct dirent **photos = NULL;
  int count = scandir(from, &photos, wanted, alphasort);
  assert_int_equal(count, EACH);
  for (int i = 0; i < count; i++) {
    char path[2048];
    snprintf(path, sizeof path, "%s/%s", from, photos[i]->d_name);
    read_template(engine, path, out[i]);
    free(photos[i]);
  }
  free(photos);
}

static int read_templates(void **state) {
  const char *root = getenv("SB_TEST_LFW");
  struct dirent **people = NULL;
  sb_error error = {0};
  (void)state;
  int count = root ? scandir(root, &people, wanted, alphasort) : -1;
  assert_int_equal(count, PEOPLE);
  char path[1024];
  assert_int_equal(make_folder(NULL), 0);
  sb_engine_options options = {.struct_size = sizeof options, .data_dir = folder};
  sb_engine *engine = NULL;
  sb_engine_info info = {0};
  if (sb_engine_new(&options, &engine, &error) != SB_OK) fail_msg("%s", error.message);
  for (int i = 0; i < count; i++) {
    snprintf(path, sizeof path, "%s/%s", root, people[i]->d_name);
    read_person(engine, path, plain + i * EACH);
    free(people[i]);
  }
  free(people);
  assert_int_equal(sb_engine_info_get(engine, &info, NULL), SB_OK);
  threshold = info.threshold;
  sb_engine_free(engine);
  return remove_folder(NULL);
}

static double inner(const float *a, const float *b) {
  double sum = 0;
  for (size_t i = 0; i < DIM; i++) sum += (double)a[i] * (double)b[i];
  return sum;
}

/* ---- Accuracy is kept */

typedef struct kept {
  int64_t first; /* face */
  set *out;
  atomic_size_t count;
} kept;

static sb_status keep(void *context, const sb_store_change *change, sb_error *error) {
  kept *k = context;
  (void)error;
  if (change->kind != SB_CHANGE_PUT) return SB_OK;
  memcpy((*k->out)[change->face - k->first], change->embedding, DIM * sizeof(float));
  atomic_fetch_add(&k->count, 1);
  return SB_OK;
}

static size_t best_of(set templates, size_t probe) {
  size_t best = probe ? 0 : 1;
  for (size_t i = 0; i < PHOTOS; i++)
    if (i != probe && inner(templates[probe], templates[i]) > inner(templates[probe], templates[best])) best = i;
  return best;
}

static void accuracy_before_and_after_the_transform_is_the_same_on_real_photos(void **state) {
  static set protected;
  sb_store *store = NULL;
  int64_t collection = 0, person, faces[PHOTOS] = {0}, next = 0;
  assert_int_equal(make_folder(state), 0);
  assert_int_equal(sb_store_open(folder, false, &store, NULL), SB_OK);
  assert_int_equal(sb_store_collection_add(store, "default", "model", DIM, &collection, NULL), SB_OK);
  for (size_t i = 0; i < PHOTOS; i++) {
    char id[24];
    snprintf(id, sizeof id, "%zu", i);
    sb_store_face face = {.embedding = plain[i]};
    sb_store_enrollment e = {.collection = collection, .id = id, .name = id, .faces = &face, .face_count = 1};
    assert_int_equal(sb_store_enroll(store, &e, &person, &faces[i], NULL), SB_OK);
  }
  kept k = {.first = faces[0], .out = &protected};
  assert_int_equal(sb_store_changes(store, 0, &next, keep, &k, NULL), SB_OK);
  assert_int_equal(atomic_load(&k.count), PHOTOS);
  double worst = 0;
  size_t decisions = 0, ranks = 0, moved = 0;
  for (size_t i = 0; i < PHOTOS; i++) {
    ranks += best_of(plain, i) != best_of(protected, i);
    moved += fabs(inner(plain[i], protected[i])) < 0.5;
    for (size_t j = 0; j < i; j++) {
      double before = inner(plain[i], plain[j]), after = inner(protected[i], protected[j]);
      worst = fmax(worst, fabs(before - after));
      decisions += (before >= threshold) != (after >= threshold);
    }
  }
  print_message("# 4950 comparisons: scores move by at most %.1e; %zu decisions and %zu best matches differ\n", worst,
                decisions, ranks);
  assert_int_equal(moved, PHOTOS); /* the templates were transformed at all */
  assert_true(worst < 1e-5);
  assert_int_equal(decisions, 0);
  assert_int_equal(ranks, 0);
  sb_store_close(store);
  assert_int_equal(remove_folder(state), 0);
}

/* ---- Two collections */

typedef struct moments {
  double sum, squares;
  size_t count;
} moments;

static void add(moments *m, double score) {
  m->sum += score;
  m->squares += score * score;
  m->count++;
}

/* |mean of mated - mean of non-mated| / sqrt of the mean of their variances. */
static double d_prime(const moments *mated, const moments *others) {
  double mean[2] = {mated->sum / (double)mated->count, others->sum / (double)others->count};
  double variance = mated->squares / (double)mated->count - mean[0] * mean[0] +
                    others->squares / (double)others->count - mean[1] * mean[1];
  return fabs(mean[0] - mean[1]) / sqrt(variance / 2);
}

static void protect(uint8_t number, uint8_t side, set out) {
  const uint8_t seed[SB_SEED_SIZE] = {number, side};
  sb_transform *transform = NULL;
  assert_int_equal(sb_transform_new(seed, DIM, &transform, NULL), SB_OK);
  for (size_t i = 0; i < PHOTOS; i++) sb_transform_apply(transform, plain[i], out[i]);
  sb_transform_free(transform);
}

/* The same photo in both collections counts as mated, too: the best case for an attacker who wants to link them. */
static void templates_of_real_photos_in_two_collections_cannot_be_linked(void **state) {
  static set one, two;
  moments mated = {0}, others = {0}, plain_mated = {0}, plain_others = {0};
  (void)state;
  for (size_t i = 0; i < PHOTOS; i++)
    for (size_t j = 0; j < i; j++) add(same_person(i, j) ? &plain_mated : &plain_others, inner(plain[i], plain[j]));
  for (size_t key = 0; key < KEYS; key++) {
    protect((uint8_t)key, 1, one);
    protect((uint8_t)key, 2, two);
    for (size_t i = 0; i < PHOTOS; i++)
      for (size_t j = 0; j < PHOTOS; j++) add(same_person(i, j) ? &mated : &others, inner(one[i], two[j]));
  }
  double linked = d_prime(&mated, &others), open = d_prime(&plain_mated, &plain_others);
  print_message(
      "# d' of mated and non-mated scores: %.2f in the open, %.3f across two collections (%d pairs of keys)\n", open,
      linked, KEYS);
  assert_true(open > 4);
  assert_true(linked < 0.1);
}

int main(void) {
  const char *root = getenv("SB_TEST_LFW");
  if (!root || access(root, R_OK)) { /* cmocka's own skip counts as a failure in TAP */
    puts("1..0 # SKIP the photos of ../shared/data/lfw10 are not here");
    return 0;
  }
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(accuracy_before_and_after_the_transform_is_the_same_on_real_photos),
      cmocka_unit_test(templates_of_real_photos_in_two_collections_cannot_be_linked),
  };
  return cmocka_run_group_tests(tests, read_templates, NULL);
}
