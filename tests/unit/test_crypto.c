#include "unit.h"

#include "crypto/crypto.h"
#include "crypto/transform.h"

#include <math.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64], key_path[96];

static int make_folder(void **state) {
  (void)state;
  snprintf(folder, sizeof folder, "/tmp/sb_crypto_XXXXXX");
  if (!mkdtemp(folder)) return -1;
  snprintf(key_path, sizeof key_path, "%s/semblance.key", folder);
  unsetenv("SEMBLANCE_KEY");
  unsetenv("SEMBLANCE_KEY_FILE");
  unsetenv("SEMBLANCE_PASSPHRASE");
  unsetenv("CREDENTIALS_DIRECTORY");
  return 0;
}
static int remove_folder(void **state) {
  (void)state;
  unlink(key_path);
  return rmdir(folder); /* fails when something else is left in it */
}

static sb_root *open_root(void) {
  sb_root *root = NULL;
  assert_int_equal(sb_root_open(folder, true, &root, NULL), SB_OK);
  return root;
}

/* A keyring with one data key of that number. */
static sb_keyring *make_keyring(const sb_root *root, uint32_t number, uint8_t wrapped[SB_WRAPPED_SIZE]) {
  sb_keyring *keyring = NULL;
  assert_int_equal(sb_keyring_new(root, &keyring, NULL), SB_OK);
  sb_keyring_make(keyring, number, SB_KEYRING_DATA, wrapped);
  assert_int_equal(sb_keyring_add(keyring, number, SB_KEYRING_DATA, wrapped, SB_WRAPPED_SIZE, NULL), SB_OK);
  return keyring;
}

static void write_key_file(const char *text) {
  FILE *file = fopen(key_path, "w");
  assert_non_null(file);
  fputs(text, file);
  fclose(file);
}

static void sha256_gives_the_values_of_fips_180_4(void **state) {
  (void)state;
  uint8_t digest[SB_DIGEST_SIZE];
  char text[2 * SB_DIGEST_SIZE + 1];
  assert_int_equal(sb_crypto_sha256("abc", 3, digest, NULL), SB_OK);
  sb_hex(digest, sizeof digest, text);
  assert_string_equal(text, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  FILE *file = fopen(key_path, "w");
  assert_non_null(file);
  fputs("abc", file);
  fclose(file);
  uint8_t of_file[SB_DIGEST_SIZE];
  assert_int_equal(sb_crypto_sha256_file(key_path, of_file, NULL), SB_OK);
  assert_memory_equal(digest, of_file, sizeof digest);
  unlink(key_path);
  assert_int_equal(sb_crypto_sha256_file(key_path, of_file, NULL), SB_NOT_FOUND);
}

static void a_key_is_made_once_for_its_owner_only(void **state) {
  (void)state;
  sb_root *first = NULL, *second = NULL;
  sb_error error = {0};
  assert_int_equal(sb_root_open(folder, false, &first, &error), SB_WRONG_KEY);
  first = open_root();
  struct stat info;
  assert_int_equal(stat(key_path, &info), 0);
  assert_int_equal(info.st_mode & 0777, 0600);
  assert_int_equal(sb_root_open(folder, false, &second, &error), SB_OK);
  assert_memory_equal(first->key, second->key, SB_KEY_SIZE);
  assert_int_equal(first->origin, SB_ROOT_FILE);
  sb_root_free(first);
  sb_root_free(second);
}

static void a_malformed_key_is_refused_and_never_replaced(void **state) {
  (void)state;
  static const char *texts[] = {"",
                                "abcd\n",
                                "zz",
                                "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef00\n",
                                "semblance-key 1 argon2id 3 268435456 00 11\n",
                                "semblance-key 1 argon2id \n",
                                "semblance-key 1 argon2id 99999999999999999999 1 x y\n"};
  for (size_t i = 0; i < count_of(texts); i++) {
    write_key_file(texts[i]);
    sb_root *root = NULL;
    sb_error error = {0};
    assert_int_equal(sb_root_open(folder, true, &root, &error), SB_WRONG_KEY);
    assert_null(root);
    struct stat info;
    assert_int_equal(stat(key_path, &info), 0);
    assert_int_equal(info.st_size, strlen(texts[i]));
  }
}

static void environment_named_file_and_credential_come_before_the_folders_file(void **state) {
  (void)state;
  static const char hex[] = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
  sb_root *of_file = open_root(), *root = NULL;
  setenv("SEMBLANCE_KEY", hex, 1);
  assert_int_equal(sb_root_open(folder, false, &root, NULL), SB_OK);
  assert_int_equal(root->origin, SB_ROOT_ENVIRONMENT);
  assert_memory_not_equal(root->key, of_file->key, SB_KEY_SIZE);
  sb_root_free(root);
  setenv("SEMBLANCE_KEY", "not hex", 1);
  assert_int_equal(sb_root_open(folder, false, &root, NULL), SB_WRONG_KEY);
  unsetenv("SEMBLANCE_KEY");
  setenv("CREDENTIALS_DIRECTORY", folder, 1);
  assert_int_equal(sb_root_open("/nonexistent", false, &root, NULL), SB_OK);
  assert_int_equal(root->origin, SB_ROOT_CREDENTIAL);
  sb_root_free(root);
  setenv("CREDENTIALS_DIRECTORY", key_path, 1); /* no folder: what is in it cannot be looked at */
  assert_int_not_equal(sb_root_open(folder, true, &root, NULL), SB_OK);
  unsetenv("CREDENTIALS_DIRECTORY");
  setenv("SEMBLANCE_KEY_FILE", key_path, 1);
  assert_int_equal(sb_root_open("/nonexistent", false, &root, NULL), SB_OK);
  assert_int_equal(root->origin, SB_ROOT_NAMED_FILE);
  sb_root_free(root);
  setenv("SEMBLANCE_KEY_FILE", "/nonexistent/key", 1);
  assert_int_equal(sb_root_open(folder, true, &root, NULL), SB_WRONG_KEY);
  unsetenv("SEMBLANCE_KEY_FILE");
  sb_root_free(of_file);
}

static void a_passphrase_locks_the_key_file_and_a_wrong_one_is_refused(void **state) {
  (void)state;
  sb_root *root = open_root(), *again = NULL;
  assert_int_equal(sb_root_write(root, folder, "semblance.key", "correct horse", NULL), SB_OK);
  uint8_t *bytes = NULL;
  size_t size = 0;
  char hex[2 * SB_KEY_SIZE + 1];
  assert_int_equal(sb_file_read(key_path, 4096, &bytes, &size, NULL), SB_OK);
  sb_hex(root->key, SB_KEY_SIZE, hex);
  assert_null(strstr((const char *)bytes, hex));
  assert_int_equal(sb_root_open(folder, true, &again, NULL), SB_WRONG_KEY); /* no passphrase can be asked for */
  setenv("SEMBLANCE_PASSPHRASE", "wrong horse", 1);
  assert_int_equal(sb_root_open(folder, true, &again, NULL), SB_WRONG_KEY);
  setenv("SEMBLANCE_PASSPHRASE", "correct horse", 1);
  assert_int_equal(sb_root_open(folder, true, &again, NULL), SB_OK);
  assert_true(again->passphrase);
  assert_memory_equal(root->key, again->key, SB_KEY_SIZE);
  unsetenv("SEMBLANCE_PASSPHRASE");
  free(bytes);
  sb_root_free(root);
  sb_root_free(again);
}

static void the_words_of_a_key_give_it_back_and_a_wrong_letter_is_detected(void **state) {
  (void)state;
  char words[SB_WORDS_SIZE], changed[SB_WORDS_SIZE];
  sb_root *root = open_root(), *again = NULL;
  sb_root_words(root, words);
  assert_int_equal(strlen(words), SB_WORDS_SIZE - 1);
  assert_int_equal(sb_root_from_words(words, &again, NULL), SB_OK);
  assert_memory_equal(root->key, again->key, SB_KEY_SIZE);
  sb_root_free(again);
  for (size_t i = 0; i < strlen(words); i++) { /* as somebody may write it down: capitals, hyphens, line breaks */
    changed[i] = words[i] == ' ' ? (i % 4 ? '-' : '\n') : (char)(i % 3 ? words[i] : words[i] - 32);
    changed[i + 1] = 0;
  }
  assert_int_equal(sb_root_from_words(changed, &again, NULL), SB_OK);
  sb_root_free(again);
  for (size_t i = 0; i < strlen(words); i++) {
    memcpy(changed, words, sizeof words);
    changed[i] =
        words[i] == 'b' || words[i] == 'a' ? (words[i] == 'a' ? 'u' : 'z') : (i % 6 == 1 || i % 6 == 3 ? 'a' : 'b');
    if (i % 6 != 5) assert_int_equal(sb_root_from_words(changed, &again, NULL), SB_INVALID);
  }
  changed[20] = 0;
  assert_int_equal(sb_root_from_words(changed, &again, NULL), SB_INVALID);
  assert_int_equal(sb_root_from_words("", &again, NULL), SB_INVALID);
  sb_root_free(root);
}

static void a_sealed_field_opens_only_unchanged_and_in_its_seal_context(void **state) {
  (void)state;
  enum { SIZE = 37 };
  sb_root *root = open_root();
  uint8_t wrapped[SB_WRAPPED_SIZE];
  sb_keyring *keyring = make_keyring(root, 1, wrapped);
  uint8_t plain[SIZE], sealed[SIZE + SB_SEAL_OVERHEAD], again[SIZE + SB_SEAL_OVERHEAD], opened[SIZE];
  for (int i = 0; i < SIZE; i++) plain[i] = (uint8_t)i;
  const sb_seal_context place = {"face", "template", 7, "a-model"};
  assert_int_equal(sb_keyring_seal(keyring, &place, plain, SIZE, sealed, NULL), SB_OK);
  assert_int_equal(sb_keyring_seal(keyring, &place, plain, SIZE, again, NULL), SB_OK);
  assert_memory_not_equal(sealed, again, sizeof sealed); /* a new nonce each time */
  assert_int_equal(sb_keyring_unseal(keyring, &place, sealed, sizeof sealed, opened, NULL), SB_OK);
  assert_memory_equal(opened, plain, SIZE);
  const sb_seal_context others[] = {{"person", "template", 7, "a-model"}, {"face", "name", 7, "a-model"},
                                    {"face", "template", 8, "a-model"},   {"face", "template", 7, "b-model"},
                                    {"face", "template", 7, NULL},        {"facet", "emplate", 7, "a-model"}};
  for (size_t i = 0; i < count_of(others); i++)
    assert_int_equal(sb_keyring_unseal(keyring, &others[i], sealed, sizeof sealed, opened, NULL), SB_STORE);
  for (size_t i = 0; i < sizeof sealed; i++) {
    sealed[i] ^= 1;
    assert_int_equal(sb_keyring_unseal(keyring, &place, sealed, sizeof sealed, opened, NULL), SB_STORE);
    sealed[i] ^= 1;
  }
  for (size_t size = 0; size < sizeof sealed; size++)
    assert_int_equal(sb_keyring_unseal(keyring, &place, sealed, size, opened, NULL), SB_STORE);
  sb_keyring_free(keyring);
  sb_root_free(root);
}

static void the_newest_data_key_seals_and_the_older_ones_still_open(void **state) {
  (void)state;
  sb_root *root = open_root(), *other = NULL;
  uint8_t first[SB_WRAPPED_SIZE], second[SB_WRAPPED_SIZE], moved[SB_WRAPPED_SIZE];
  uint8_t old[4 + SB_SEAL_OVERHEAD], new[4 + SB_SEAL_OVERHEAD], opened[4];
  const sb_seal_context place = {"t", "c", 1, NULL};
  sb_keyring *keyring = make_keyring(root, 3, first);
  assert_int_equal(sb_keyring_seal(keyring, &place, "abcd", 4, old, NULL), SB_OK);
  sb_keyring_make(keyring, 5, SB_KEYRING_DATA, second);
  assert_int_equal(sb_keyring_add(keyring, 5, SB_KEYRING_DATA, second, sizeof second, NULL), SB_OK);
  assert_int_equal(sb_keyring_seal(keyring, &place, "abcd", 4, new, NULL), SB_OK);
  assert_int_equal(sb_keyring_sealed_number(old, sizeof old), 3);
  assert_int_equal(sb_keyring_sealed_number(new, sizeof new), 5);
  assert_int_equal(sb_keyring_unseal(keyring, &place, old, sizeof old, opened, NULL), SB_OK);
  sb_keyring_drop(keyring, 3);
  assert_int_equal(sb_keyring_unseal(keyring, &place, old, sizeof old, opened, NULL), SB_STORE);
  assert_int_equal(sb_keyring_unseal(keyring, &place, new, sizeof new, opened, NULL), SB_OK);
  /* A wrapped key opens under its root key, number and purpose only. */
  assert_int_equal(sb_root_new(NULL, &other, NULL), SB_OK);
  assert_int_equal(sb_keyring_rewrap(keyring, other, 5, moved, NULL), SB_OK);
  sb_keyring *stranger = NULL;
  assert_int_equal(sb_keyring_new(other, &stranger, NULL), SB_OK);
  assert_int_equal(sb_keyring_add(stranger, 5, SB_KEYRING_DATA, second, sizeof second, NULL), SB_WRONG_KEY);
  assert_int_equal(sb_keyring_add(stranger, 6, SB_KEYRING_DATA, moved, sizeof moved, NULL), SB_WRONG_KEY);
  assert_int_equal(sb_keyring_add(stranger, 5, SB_KEYRING_AUDIT, moved, sizeof moved, NULL), SB_WRONG_KEY);
  assert_int_equal(sb_keyring_add(stranger, 5, SB_KEYRING_DATA, moved, sizeof moved, NULL), SB_OK);
  assert_int_equal(sb_keyring_unseal(stranger, &place, new, sizeof new, opened, NULL), SB_OK);
  sb_keyring_free(stranger);
  sb_keyring_free(keyring);
  sb_root_free(other);
  sb_root_free(root);
}

static void a_keyed_hash_depends_on_key_purpose_scope_and_text(void **state) {
  (void)state;
  sb_root *root = open_root();
  uint8_t wrapped[SB_WRAPPED_SIZE];
  sb_keyring *keyring = make_keyring(root, 1, wrapped);
  sb_keyring_make(keyring, 2, SB_KEYRING_DATA, wrapped);
  assert_int_equal(sb_keyring_add(keyring, 2, SB_KEYRING_DATA, wrapped, sizeof wrapped, NULL), SB_OK);
  uint8_t digests[6][SB_DIGEST_SIZE];
  sb_keyring_hash(keyring, 1, "id", 1, "text", 4, digests[0]);
  sb_keyring_hash(keyring, 1, "id", 1, "text", 4, digests[1]);
  sb_keyring_hash(keyring, 1, "it", 1, "text", 4, digests[2]);
  sb_keyring_hash(keyring, 1, "id", 2, "text", 4, digests[3]);
  sb_keyring_hash(keyring, 1, "id", 1, "Text", 4, digests[4]);
  sb_keyring_hash(keyring, 2, "id", 1, "text", 4, digests[5]);
  assert_memory_equal(digests[0], digests[1], SB_DIGEST_SIZE);
  for (size_t i = 2; i < count_of(digests); i++) assert_memory_not_equal(digests[0], digests[i], SB_DIGEST_SIZE);
  sb_keyring_free(keyring);
  sb_root_free(root);
}

/* ---- Transforms */

/* Vectors distributed like face templates: a few directions carry nearly all variance, and all share a mean. `who`: the
 * person. */
static void face_like(uint64_t who, uint64_t photo, size_t dim, float *v) {
  uint64_t person = who * 7919 + 1, other = (who * 104729 + photo) * 31 + 7, mean = 99;
  double norm = 0;
  for (size_t i = 0; i < dim; i++) {
    float spread = expf(-(float)i / 40);
    v[i] = 0.2f * random_float(&mean) * expf(-(float)i / 40) + spread * random_float(&person) +
           0.35f * spread * random_float(&other) + 0.01f * random_float(&other);
    norm += (double)v[i] * (double)v[i];
  }
  for (size_t i = 0; i < dim; i++) v[i] /= (float)sqrt(norm);
}

static double inner(const float *a, const float *b, size_t dim) {
  double sum = 0;
  for (size_t i = 0; i < dim; i++) sum += (double)a[i] * (double)b[i];
  return sum;
}

static sb_transform *make_transform(uint8_t number, size_t dim) {
  const uint8_t seed[SB_SEED_SIZE] = {number, 1};
  sb_transform *transform = NULL;
  assert_int_equal(sb_transform_new(seed, dim, &transform, NULL), SB_OK);
  return transform;
}

static void a_transform_keeps_scores_to_1e_5_and_can_be_undone_at_any_dimension(void **state) {
  (void)state;
  static const size_t dims[] = {1, 2, 3, 8, 100, 127, 128, 129, 500, 512, 513, 1024, 4096};
  static float a[4096], b[4096], ta[4096], tb[4096], back[4096];
  for (size_t d = 0; d < count_of(dims); d++) {
    size_t dim = dims[d];
    sb_transform *transform = make_transform((uint8_t)d, dim);
    assert_int_equal(sb_transform_dim(transform), dim);
    double worst = 0;
    for (uint64_t who = 0; who < 20; who++) {
      face_like(who, 1, dim, a);
      face_like(who / 2, 2, dim, b);
      sb_transform_apply(transform, a, ta);
      sb_transform_apply(transform, b, tb);
      worst = fmax(worst, fabs(inner(a, b, dim) - inner(ta, tb, dim)));
      sb_transform_undo(transform, ta, back);
      for (size_t i = 0; i < dim; i++) assert_true(fabsf(back[i] - a[i]) < 1e-5f);
      memcpy(back, a, dim * sizeof *a);
      sb_transform_apply(transform, back, back); /* in place */
      assert_memory_equal(back, ta, dim * sizeof *a);
    }
    assert_true(worst < 1e-5);
    sb_transform_free(transform);
  }
  sb_transform *none = NULL;
  assert_int_equal(sb_transform_new((uint8_t[SB_SEED_SIZE]){0}, 0, &none, NULL), SB_MISUSE);
  assert_int_equal(sb_transform_new((uint8_t[SB_SEED_SIZE]){0}, 4097, &none, NULL), SB_MISUSE);
}

static void a_transform_depends_on_its_seed_alone(void **state) {
  (void)state;
  float v[512] = {0.6f, 0.8f}, first[512], second[512], other[512];
  sb_transform *a = make_transform(1, 512), *b = make_transform(1, 512), *c = make_transform(2, 512);
  sb_transform_apply(a, v, first);
  sb_transform_apply(b, v, second);
  sb_transform_apply(c, v, other);
  assert_memory_equal(first, second, sizeof first);
  assert_true(fabs(inner(first, other, 512)) < 0.3);
  /* The order of the random numbers is part of the format: a gallery protected on one machine is searched on
   * another. */
  assert_true(fabsf(first[0] - 0.0118081253f) < 1e-6f && fabsf(first[511] + 0.0421916284f) < 1e-6f);
  sb_transform_free(a);
  sb_transform_free(b);
  sb_transform_free(c);
}

/* d' = |mean of mated - mean of non-mated| / sqrt of the mean of their variances. */
static double d_prime(const double *mated, const double *others, size_t count) {
  double sum[2] = {0}, squares[2] = {0};
  for (size_t i = 0; i < count; i++) {
    sum[0] += mated[i], squares[0] += mated[i] * mated[i];
    sum[1] += others[i], squares[1] += others[i] * others[i];
  }
  double n = (double)count, variance = 0;
  for (int i = 0; i < 2; i++) variance += squares[i] / n - sum[i] / n * sum[i] / n;
  return fabs(sum[0] - sum[1]) / n / sqrt(variance / 2);
}

static void templates_of_two_collections_cannot_be_linked(void **state) {
  (void)state;
  enum { DIM = 512, KEYS = 40, PEOPLE = 500 };
  static double mated[KEYS * PEOPLE], others[KEYS * PEOPLE], plain_mated[PEOPLE], plain_others[PEOPLE];
  float a[DIM], b[DIM], c[DIM];
  for (uint8_t key = 0; key < KEYS; key++) {
    sb_transform *one = make_transform(key, DIM), *two = make_transform((uint8_t)(key + 100), DIM);
    for (size_t i = 0; i < PEOPLE; i++) {
      face_like(i, 1, DIM, a);
      face_like(i, 2, DIM, b);
      face_like(i + 1, 3, DIM, c);
      plain_mated[i] = inner(a, b, DIM);
      plain_others[i] = inner(a, c, DIM);
      sb_transform_apply(one, a, a);
      sb_transform_apply(two, b, b);
      sb_transform_apply(two, c, c);
      mated[key * PEOPLE + i] = inner(a, b, DIM);
      others[key * PEOPLE + i] = inner(a, c, DIM);
    }
    sb_transform_free(one);
    sb_transform_free(two);
  }
  assert_true(d_prime(plain_mated, plain_others, PEOPLE) > 2); /* without transforms they can be linked */
  double linked = d_prime(mated, others, KEYS * PEOPLE);
  print_message("# d' across two collections: %.4f\n", linked);
  assert_true(linked < 0.1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(sha256_gives_the_values_of_fips_180_4, make_folder, remove_folder),
      cmocka_unit_test_setup_teardown(a_key_is_made_once_for_its_owner_only, make_folder, remove_folder),
      cmocka_unit_test_setup_teardown(a_malformed_key_is_refused_and_never_replaced, make_folder, remove_folder),
      cmocka_unit_test_setup_teardown(environment_named_file_and_credential_come_before_the_folders_file, make_folder,
                                      remove_folder),
      cmocka_unit_test_setup_teardown(a_passphrase_locks_the_key_file_and_a_wrong_one_is_refused, make_folder,
                                      remove_folder),
      cmocka_unit_test_setup_teardown(the_words_of_a_key_give_it_back_and_a_wrong_letter_is_detected, make_folder,
                                      remove_folder),
      cmocka_unit_test_setup_teardown(a_sealed_field_opens_only_unchanged_and_in_its_seal_context, make_folder,
                                      remove_folder),
      cmocka_unit_test_setup_teardown(the_newest_data_key_seals_and_the_older_ones_still_open, make_folder,
                                      remove_folder),
      cmocka_unit_test_setup_teardown(a_keyed_hash_depends_on_key_purpose_scope_and_text, make_folder, remove_folder),
      cmocka_unit_test(a_transform_keeps_scores_to_1e_5_and_can_be_undone_at_any_dimension),
      cmocka_unit_test(a_transform_depends_on_its_seed_alone),
      cmocka_unit_test(templates_of_two_collections_cannot_be_linked),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
