/* MSet-Add-Hash over rows; row_set_mac.h describes it. Layout: sequence (8) | sum (32) | MAC (32), little-endian. */
#include "crypto/row_set_mac.h"

#include "crypto/internal.h"

#include <string.h>

/* Subkeys of the audit key; 1 and 4 belong to chain.c. */
enum { SUBKEY_ROW = 2, SUBKEY_SUM = 3, SUM_AT = 8, DIGEST_AT = 40 };

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
  static const sb_crypto_row_set_mac one = {{1, 0, 0, 0}};
  for (int i = 0; i < 4; i++) sum->words[i] = ~sum->words[i];
  sb_crypto_row_set_mac_add(sum, &one);
}

sb_status sb_crypto_row_set_mac_row(const sb_keyring *keyring, const sb_crypto_row_set_mac_part *parts, size_t count,
                                    bool minus, sb_crypto_row_set_mac *sum, sb_error *error) {
  uint8_t key[SB_KEY_SIZE], digest[32], head[9];
  crypto_generichash_state state;
  sb_crypto_row_set_mac row;
  sb_status status = subkey(keyring, SUBKEY_ROW, key, error);
  if (status != SB_OK) return status;
  crypto_generichash_init(&state, key, sizeof key, sizeof digest);
  for (size_t i = 0; i < count; i++) {
    head[0] = parts[i].kind;
    number_write(parts[i].size, head + 1); /* length first: the bytes cannot run into what follows */
    crypto_generichash_update(&state, head, sizeof head);
    if (parts[i].size) crypto_generichash_update(&state, parts[i].bytes, parts[i].size);
  }
  crypto_generichash_final(&state, digest, sizeof digest);
  for (int i = 0; i < 4; i++) row.words[i] = number_read(digest + 8 * i);
  if (minus) negate(&row);
  sb_crypto_row_set_mac_add(sum, &row);
  sodium_memzero(key, sizeof key);
  return SB_OK;
}

sb_status sb_crypto_row_set_mac_write(const sb_keyring *keyring, int64_t sequence, const sb_crypto_row_set_mac *sum,
                                      uint8_t bytes[SB_ROW_SET_MAC_SIZE], sb_error *error) {
  uint8_t key[SB_KEY_SIZE];
  sb_status status = subkey(keyring, SUBKEY_SUM, key, error);
  if (status != SB_OK) return status;
  number_write((uint64_t)sequence, bytes);
  for (int i = 0; i < 4; i++) number_write(sum->words[i], bytes + SUM_AT + 8 * i);
  crypto_generichash(bytes + DIGEST_AT, SB_DIGEST_SIZE, bytes, DIGEST_AT, key, sizeof key);
  sodium_memzero(key, sizeof key);
  return SB_OK;
}

bool sb_crypto_row_set_mac_read(const sb_keyring *keyring, const uint8_t *bytes, size_t size, int64_t *sequence,
                                sb_crypto_row_set_mac *sum) {
  uint8_t again[SB_ROW_SET_MAC_SIZE];
  if (!bytes || size != SB_ROW_SET_MAC_SIZE) return false;
  *sequence = (int64_t)number_read(bytes);
  for (int i = 0; i < 4; i++) sum->words[i] = number_read(bytes + SUM_AT + 8 * i);
  return sb_crypto_row_set_mac_write(keyring, *sequence, sum, again, NULL) == SB_OK &&
         sb_crypto_equal(again, bytes, sizeof again);
}
