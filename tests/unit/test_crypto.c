#include "unit.h"

#include "crypto/crypto.h"

#include <sys/stat.h>
#include <unistd.h>

static char folder[64], key_path[96];

static int make_folder(void **state) {
  (void)state;
  snprintf(folder, sizeof folder, "/tmp/sb_crypto_XXXXXX");
  if (!mkdtemp(folder)) return -1;
  snprintf(key_path, sizeof key_path, "%s/semblance.key", folder);
  unsetenv("SEMBLANCE_KEY");
  return 0;
}
static int remove_folder(void **state) {
  (void)state;
  unlink(key_path);
  return rmdir(folder); /* fails when something else was left there */
}

static sb_keyring *open_keyring(void) {
  sb_keyring *keyring = NULL;
  assert_int_equal(sb_keyring_open(folder, true, &keyring, NULL), SB_OK);
  return keyring;
}

static void sha256_is_that_of_fips_180_4(void **state) {
  (void)state;
  uint8_t digest[SB_DIGEST_SIZE];
  char text[2 * SB_DIGEST_SIZE + 1];
  assert_int_equal(sb_sha256("abc", 3, digest, NULL), SB_OK);
  sb_hex(digest, sizeof digest, text);
  assert_string_equal(text, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  FILE *file = fopen(key_path, "w");
  assert_non_null(file);
  fputs("abc", file);
  fclose(file);
  uint8_t of_file[SB_DIGEST_SIZE];
  assert_int_equal(sb_sha256_file(key_path, of_file, NULL), SB_OK);
  assert_memory_equal(digest, of_file, sizeof digest);
  unlink(key_path);
  assert_int_equal(sb_sha256_file(key_path, of_file, NULL), SB_NOT_FOUND);
}

static void a_key_is_made_once_for_its_owner_only(void **state) {
  (void)state;
  sb_keyring *first = NULL, *second = NULL;
  sb_error error = {0};
  assert_int_equal(sb_keyring_open(folder, false, &first, &error), SB_WRONG_KEY);
  first = open_keyring();
  struct stat info;
  assert_int_equal(stat(key_path, &info), 0);
  assert_int_equal(info.st_mode & 0777, 0600);
  assert_int_equal(sb_keyring_open(folder, false, &second, &error), SB_OK);
  uint8_t a[SB_DIGEST_SIZE], b[SB_DIGEST_SIZE];
  sb_keyring_check(first, a);
  sb_keyring_check(second, b);
  assert_memory_equal(a, b, sizeof a);
  sb_keyring_free(first);
  sb_keyring_free(second);
}

static void a_malformed_key_is_refused_and_never_replaced(void **state) {
  (void)state;
  static const char *texts[] = {"", "abcd\n", "zz", "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef00\n"};
  for (size_t i = 0; i < count_of(texts); i++) {
    FILE *file = fopen(key_path, "w");
    fputs(texts[i], file);
    fclose(file);
    sb_keyring *keyring = NULL;
    sb_error error = {0};
    assert_int_equal(sb_keyring_open(folder, true, &keyring, &error), SB_WRONG_KEY);
    assert_null(keyring);
    struct stat info;
    assert_int_equal(stat(key_path, &info), 0);
    assert_int_equal(info.st_size, strlen(texts[i]));
  }
}

static void a_key_in_the_environment_comes_before_the_file(void **state) {
  (void)state;
  sb_keyring *of_file = open_keyring(), *of_environment = NULL;
  setenv("SEMBLANCE_KEY", "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff", 1);
  assert_int_equal(sb_keyring_open(folder, false, &of_environment, NULL), SB_OK);
  uint8_t a[SB_DIGEST_SIZE], b[SB_DIGEST_SIZE];
  sb_keyring_check(of_file, a);
  sb_keyring_check(of_environment, b);
  assert_memory_not_equal(a, b, sizeof a);
  setenv("SEMBLANCE_KEY", "not hex", 1);
  sb_keyring *bad = NULL;
  assert_int_equal(sb_keyring_open(folder, false, &bad, NULL), SB_WRONG_KEY);
  unsetenv("SEMBLANCE_KEY");
  sb_keyring_free(of_file);
  sb_keyring_free(of_environment);
}

static void what_is_sealed_opens_only_in_its_place_and_unchanged(void **state) {
  (void)state;
  enum { SIZE = 37 };
  sb_keyring *keyring = open_keyring();
  uint8_t plain[SIZE], sealed[SIZE + SB_SEAL_OVERHEAD], again[SIZE + SB_SEAL_OVERHEAD], opened[SIZE];
  for (int i = 0; i < SIZE; i++) plain[i] = (uint8_t)i;
  const sb_place place = {"face", "template", 7, "a-model"};
  assert_int_equal(sb_seal(keyring, &place, plain, SIZE, sealed, NULL), SB_OK);
  assert_int_equal(sb_seal(keyring, &place, plain, SIZE, again, NULL), SB_OK);
  assert_memory_not_equal(sealed, again, sizeof sealed); /* a nonce of its own each time */
  assert_int_equal(sb_unseal(keyring, &place, sealed, sizeof sealed, opened, NULL), SB_OK);
  assert_memory_equal(opened, plain, SIZE);
  const sb_place others[] = {{"person", "template", 7, "a-model"}, {"face", "name", 7, "a-model"},
                             {"face", "template", 8, "a-model"},   {"face", "template", 7, "b-model"},
                             {"face", "template", 7, NULL},        {"facet", "emplate", 7, "a-model"}};
  for (size_t i = 0; i < count_of(others); i++)
    assert_int_equal(sb_unseal(keyring, &others[i], sealed, sizeof sealed, opened, NULL), SB_STORE);
  for (size_t i = 0; i < sizeof sealed; i++) {
    sealed[i] ^= 1;
    assert_int_equal(sb_unseal(keyring, &place, sealed, sizeof sealed, opened, NULL), SB_STORE);
    sealed[i] ^= 1;
  }
  for (size_t size = 0; size < sizeof sealed; size++)
    assert_int_equal(sb_unseal(keyring, &place, sealed, size, opened, NULL), SB_STORE);
  sb_keyring_free(keyring);
}

static void a_keyed_hash_depends_on_key_purpose_scope_and_text(void **state) {
  (void)state;
  sb_keyring *keyring = open_keyring(), *other = NULL;
  setenv("SEMBLANCE_KEY", "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff", 1);
  assert_int_equal(sb_keyring_open(folder, false, &other, NULL), SB_OK);
  unsetenv("SEMBLANCE_KEY");
  uint8_t digests[6][SB_DIGEST_SIZE];
  sb_keyed_hash(keyring, "id", 1, "text", 4, digests[0]);
  sb_keyed_hash(keyring, "id", 1, "text", 4, digests[1]);
  sb_keyed_hash(keyring, "it", 1, "text", 4, digests[2]);
  sb_keyed_hash(keyring, "id", 2, "text", 4, digests[3]);
  sb_keyed_hash(keyring, "id", 1, "Text", 4, digests[4]);
  sb_keyed_hash(other, "id", 1, "text", 4, digests[5]);
  assert_memory_equal(digests[0], digests[1], SB_DIGEST_SIZE);
  for (size_t i = 2; i < count_of(digests); i++) assert_memory_not_equal(digests[0], digests[i], SB_DIGEST_SIZE);
  sb_keyring_free(keyring);
  sb_keyring_free(other);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(sha256_is_that_of_fips_180_4, make_folder, remove_folder),
      cmocka_unit_test_setup_teardown(a_key_is_made_once_for_its_owner_only, make_folder, remove_folder),
      cmocka_unit_test_setup_teardown(a_malformed_key_is_refused_and_never_replaced, make_folder, remove_folder),
      cmocka_unit_test_setup_teardown(a_key_in_the_environment_comes_before_the_file, make_folder, remove_folder),
      cmocka_unit_test_setup_teardown(what_is_sealed_opens_only_in_its_place_and_unchanged, make_folder, remove_folder),
      cmocka_unit_test_setup_teardown(a_keyed_hash_depends_on_key_purpose_scope_and_text, make_folder, remove_folder),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
