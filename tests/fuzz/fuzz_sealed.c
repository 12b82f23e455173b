/* Target: arbitrary bytes as a sealed field, a wrapped data key, a row set MAC, attributes: refused, or exactly what
 * was sealed. */
#include "crypto/crypto.h"
#include "crypto/row_set_mac.h"
#include "store/sealing/column_encoding.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void check(bool right) {
  if (!right) abort();
}

static sb_keyring *open_keyring(void) {
  static const uint8_t key[SB_KEY_SIZE] = {1, 2, 3};
  uint8_t wrapped[SB_WRAPPED_SIZE];
  sb_root *root = NULL;
  sb_keyring *keyring = NULL;
  check(sb_root_new(key, &root, NULL) == SB_OK && sb_keyring_new(root, &keyring, NULL) == SB_OK);
  sb_keyring_make(keyring, 1, SB_KEYRING_DATA, wrapped);
  check(sb_keyring_add(keyring, 1, SB_KEYRING_DATA, wrapped, sizeof wrapped, NULL) == SB_OK);
  sb_root_free(root);
  return keyring;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
  static sb_keyring *keyring;
  if (!keyring) keyring = open_keyring();
  const sb_seal_context place = {"face", "template", 7, "model"};
  uint8_t *plain = malloc(size + 1), *sealed = malloc(size + SB_SEAL_OVERHEAD);
  sb_attributes attributes;
  sb_error error = {0};
  check(plain && sealed);
  check(sb_keyring_unseal(keyring, &place, bytes, size, plain, &error) == SB_STORE); /* a valid tag cannot be guessed */
  check(sb_keyring_add(keyring, 2, SB_KEYRING_DATA, bytes, size, &error) == SB_WRONG_KEY);
  check(sb_keyring_seal(keyring, &place, bytes, size, sealed, &error) == SB_OK);
  check(sb_keyring_unseal(keyring, &place, sealed, size + SB_SEAL_OVERHEAD, plain, &error) == SB_OK);
  check(!size || !memcmp(plain, bytes, size));
  if (size) sealed[bytes[0] % (size + SB_SEAL_OVERHEAD)] ^= (uint8_t)(1u << (size % 8));
  if (size) check(sb_keyring_unseal(keyring, &place, sealed, size + SB_SEAL_OVERHEAD, plain, &error) == SB_STORE);
  int64_t sequence;
  sb_crypto_row_set_mac sum;
  check(!sb_crypto_row_set_mac_unseal(keyring, bytes, size, &sequence, &sum)); /* nor a valid MAC */
  check(!sb_crypto_row_set_mac_read_legacy(keyring, bytes, size, &sequence, &sum));
  sb_store_attributes_read(bytes, size, &attributes);
  free(plain);
  free(sealed);
  return 0;
}
