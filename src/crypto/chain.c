/* The hash chain of the audit trail; chain.h describes it. What is hashed and signed is fixed: docs/formats.md. */
#include "crypto/chain.h"

#include "crypto/internal.h"

#include <string.h>

/* Subkeys of the audit key; 2, 3, 5 and 6 belong to row_set_mac.c. */
enum { AUDIT_SUBKEY_SIGN = 1, AUDIT_SUBKEY_VALUE = 4, MESSAGE_SIZE = 16 + 8 + SB_LINK_SIZE };
_Static_assert(crypto_sign_SEEDBYTES == SB_KEY_SIZE && crypto_sign_BYTES == SB_SIGNATURE_SIZE &&
                   crypto_sign_PUBLICKEYBYTES == SB_PUBLIC_SIZE,
               "Ed25519");

static void number_write(int64_t value, uint8_t bytes[8]) {
  for (int i = 0; i < 8; i++) bytes[i] = (uint8_t)((uint64_t)value >> (8 * i));
}

static void add_number(crypto_generichash_state *state, int64_t value) {
  uint8_t bytes[8];
  number_write(value, bytes);
  crypto_generichash_update(state, bytes, sizeof bytes);
}

static void add_text(crypto_generichash_state *state, const char *text) {
  uint8_t length = (uint8_t)strlen(text); /* length first: the text cannot run into what follows */
  crypto_generichash_update(state, &length, 1);
  crypto_generichash_update(state, (const uint8_t *)text, length);
}

void sb_chain_link(const uint8_t before[SB_LINK_SIZE], const sb_chain_entry *entry, uint8_t link[SB_LINK_SIZE]) {
  static const uint8_t version = 1;
  crypto_generichash_state state;
  crypto_generichash_init(&state, NULL, 0, SB_LINK_SIZE);
  crypto_generichash_update(&state, &version, 1);
  crypto_generichash_update(&state, before, SB_LINK_SIZE);
  add_number(&state, entry->sequence);
  add_number(&state, entry->at_ms);
  add_text(&state, entry->actor);
  add_text(&state, entry->verb);
  add_number(&state, entry->collection);
  add_number(&state, entry->person);
  add_number(&state, entry->count);
  crypto_generichash_final(&state, link, SB_LINK_SIZE);
}

static void message(int64_t sequence, const uint8_t link[SB_LINK_SIZE], uint8_t bytes[MESSAGE_SIZE]) {
  static const char head[16] = "semblance audit"; /* including the NUL */
  memcpy(bytes, head, 16);
  number_write(sequence, bytes + 16);
  memcpy(bytes + 24, link, SB_LINK_SIZE);
}

static sb_status key_pair(const sb_keyring *keyring, uint8_t public_key[SB_PUBLIC_SIZE],
                          uint8_t secret[crypto_sign_SECRETKEYBYTES], sb_error *error) {
  uint8_t seed[SB_KEY_SIZE];
  if (!sb_keyring_audit(keyring, AUDIT_SUBKEY_SIGN, seed))
    return sb_fail(error, SB_WRONG_KEY, "the gallery has no audit key");
  crypto_sign_seed_keypair(public_key, secret, seed);
  sodium_memzero(seed, sizeof seed);
  return SB_OK;
}

sb_status sb_chain_sign(const sb_keyring *keyring, int64_t sequence, const uint8_t link[SB_LINK_SIZE],
                        uint8_t signature[SB_SIGNATURE_SIZE], sb_error *error) {
  uint8_t public_key[SB_PUBLIC_SIZE], secret[crypto_sign_SECRETKEYBYTES], bytes[MESSAGE_SIZE];
  sb_status status = key_pair(keyring, public_key, secret, error);
  if (status != SB_OK) return status;
  message(sequence, link, bytes);
  crypto_sign_detached(signature, NULL, bytes, sizeof bytes, secret);
  sodium_memzero(secret, sizeof secret);
  return SB_OK;
}

sb_status sb_chain_public(const sb_keyring *keyring, uint8_t public_key[SB_PUBLIC_SIZE], sb_error *error) {
  uint8_t secret[crypto_sign_SECRETKEYBYTES];
  sb_status status = key_pair(keyring, public_key, secret, error);
  sodium_memzero(secret, sizeof secret);
  return status;
}

bool sb_chain_verify(const uint8_t public_key[SB_PUBLIC_SIZE], int64_t sequence, const uint8_t link[SB_LINK_SIZE],
                     const uint8_t signature[SB_SIGNATURE_SIZE]) {
  uint8_t bytes[MESSAGE_SIZE];
  message(sequence, link, bytes);
  return !crypto_sign_verify_detached(signature, bytes, sizeof bytes, public_key);
}

sb_status sb_chain_digest(const sb_keyring *keyring, const void *bytes, size_t size, uint8_t digest[SB_DIGEST_SIZE],
                          sb_error *error) {
  uint8_t key[SB_KEY_SIZE];
  if (!sb_keyring_audit(keyring, AUDIT_SUBKEY_VALUE, key))
    return sb_fail(error, SB_WRONG_KEY, "the gallery has no audit key");
  crypto_generichash(digest, SB_DIGEST_SIZE, bytes, size, key, sizeof key);
  sodium_memzero(key, sizeof key);
  return SB_OK;
}
