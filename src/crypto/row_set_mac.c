/* MSet-Add-Hash over rows; row_set_mac.h describes it. What is encrypted: sequence (8) | sum (32), little-endian. The
 * layout of schemas 4 to 8: the same two readable, then a MAC (32). */
#include "crypto/row_set_mac.h"

#include "crypto/internal.h"

#include <string.h>

/* Subkeys of the audit key; 1 and 4 belong to chain.c. */
enum { SUBKEY_LEGACY_ROW = 2, SUBKEY_LEGACY_SUM = 3, SUBKEY_ROW = 5, SUBKEY_SEAL = 6 };
enum { SUM_AT = 8, PLAIN_SIZE = 40 };
static const uint8_t about[] = "row-set MAC"; /* associated data */

static void number_write(uint64_t value, uint8_t bytes[8]) {
  for (int i = 0; i < 8; i++) bytes[i] = (uint8_t)(value >> (8 * i));
}
static uint64_t number_read(const uint8_t bytes[8]) {
  uint64_t value = 0;
  for (int i = 0; i < 8; i++) value |= (uint64_t)bytes[i] << (8 * i);
  return value;
}

static sb_status subkey(const sb_keyring *keyring, uint64_t which, uint8_t key[SB_KEY_SIZE], sb_error *error) {
  if (sb_keyring_audit(keyring, which, key)) return SB_OK;
  return sb_fail(error, SB_WRONG_KEY, "the gallery has no audit key");
}

void sb_crypto_row_set_mac_add(sb_crypto_row_set_mac *sum, const sb_crypto_row_set_mac *more) {
  uint64_t carry = 0;
  for (int i = 0; i < 4; i++) {
    uint64_t word = sum->words[i] + more->words[i], next = word < more->words[i];
    sum->words[i] = word + carry;
    carry = next | (sum->words[i] < carry);
  }
}

/* Two's complement: -x = ~x + 1. */
static void negate(sb_crypto_row_set_mac *sum) {
  static const sb_crypto_row_set_mac one = {.words = {1}};
  for (int i = 0; i < 4; i++) sum->words[i] = ~sum->words[i];
  sb_crypto_row_set_mac_add(sum, &one);
}

sb_status sb_crypto_row_set_mac_row(const sb_keyring *keyring, const sb_crypto_row_set_mac_part *parts, size_t count,
                                    bool minus, sb_crypto_row_set_mac *sum, sb_error *error) {
  uint8_t key[SB_KEY_SIZE], digest[32], head[9];
  crypto_generichash_state state;
  sb_crypto_row_set_mac row;
  sb_status status = subkey(keyring, sum->legacy ? SUBKEY_LEGACY_ROW : SUBKEY_ROW, key, error);
  if (status != SB_OK) return status;
  crypto_generichash_init(&state, key, sizeof key, sizeof digest);
  for (size_t i = 0; i < count; i++) {
    head[0] = parts[i].kind;
    number_write(parts[i].size, head + 1); /* length first: the bytes cannot run into what follows */
    crypto_generichash_update(&state, head, sizeof head);
    if (parts[i].size) crypto_generichash_update(&state, parts[i].bytes, parts[i].size);
  }
  crypto_generichash_final(&state, digest, sizeof digest);
  row.legacy = sum->legacy;
  for (int i = 0; i < 4; i++) row.words[i] = number_read(digest + 8 * i);
  if (minus) negate(&row);
  sb_crypto_row_set_mac_add(sum, &row);
  sodium_memzero(key, sizeof key);
  return SB_OK;
}

static void plain_write(int64_t sequence, const sb_crypto_row_set_mac *sum, uint8_t plain[PLAIN_SIZE]) {
  number_write((uint64_t)sequence, plain);
  for (int i = 0; i < 4; i++) number_write(sum->words[i], plain + SUM_AT + 8 * i);
}

static void plain_read(const uint8_t plain[PLAIN_SIZE], int64_t *sequence, sb_crypto_row_set_mac *sum) {
  *sequence = (int64_t)number_read(plain);
  for (int i = 0; i < 4; i++) sum->words[i] = number_read(plain + SUM_AT + 8 * i);
}

sb_status sb_crypto_row_set_mac_seal(const sb_keyring *keyring, int64_t sequence, const sb_crypto_row_set_mac *sum,
                                     uint8_t sealed[SB_ROW_SET_MAC_SIZE], sb_error *error) {
  uint8_t key[SB_KEY_SIZE], plain[PLAIN_SIZE];
  sb_status status = subkey(keyring, SUBKEY_SEAL, key, error);
  if (status != SB_OK) return status;
  plain_write(sequence, sum, plain);
  sb_crypto_box_seal(key, about, sizeof about, plain, sizeof plain, sealed);
  sodium_memzero(key, sizeof key);
  sodium_memzero(plain, sizeof plain);
  return SB_OK;
}

bool sb_crypto_row_set_mac_unseal(const sb_keyring *keyring, const uint8_t *sealed, size_t size, int64_t *sequence,
                                  sb_crypto_row_set_mac *sum) {
  uint8_t key[SB_KEY_SIZE], plain[PLAIN_SIZE];
  if (!sealed || size != SB_ROW_SET_MAC_SIZE || subkey(keyring, SUBKEY_SEAL, key, NULL) != SB_OK) return false;
  bool opened = sb_crypto_box_open(key, about, sizeof about, sealed, size, plain);
  sodium_memzero(key, sizeof key);
  if (!opened) return false;
  plain_read(plain, sequence, sum);
  sum->legacy = false;
  sodium_memzero(plain, sizeof plain);
  return true;
}

bool sb_crypto_row_set_mac_read_legacy(const sb_keyring *keyring, const uint8_t *bytes, size_t size, int64_t *sequence,
                                       sb_crypto_row_set_mac *sum) {
  uint8_t key[SB_KEY_SIZE], digest[SB_DIGEST_SIZE];
  if (!bytes || size != SB_ROW_SET_MAC_LEGACY_SIZE || subkey(keyring, SUBKEY_LEGACY_SUM, key, NULL) != SB_OK)
    return false;
  crypto_generichash(digest, sizeof digest, bytes, PLAIN_SIZE, key, sizeof key);
  sodium_memzero(key, sizeof key);
  plain_read(bytes, sequence, sum);
  sum->legacy = true;
  return sb_crypto_equal(digest, bytes + PLAIN_SIZE, sizeof digest);
}
