/* Digests, random bytes, subkeys, the box that all sealing uses, the encoding of a seal context. */
#include "crypto/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static const char kdf_context[crypto_kdf_CONTEXTBYTES] = {'s', 'e', 'm', 'b', 'l', 'n', 'c', 'e'};
_Static_assert(SB_KEY_SIZE == crypto_kdf_KEYBYTES, "key size");
_Static_assert(crypto_aead_xchacha20poly1305_ietf_NPUBBYTES + crypto_aead_xchacha20poly1305_ietf_ABYTES == 40, "box");

sb_status sb_crypto_ready(sb_error *error) {
  if (sodium_init() < 0)
    return sb_fail(error, SB_INTERNAL,
                   "libsodium could not be initialised; check that the system has a source of random numbers");
  return SB_OK;
}

sb_status sb_crypto_sha256(const void *bytes, size_t size, uint8_t digest[SB_DIGEST_SIZE], sb_error *error) {
  sb_status status = sb_crypto_ready(error);
  if (status == SB_OK) crypto_hash_sha256(digest, bytes, size);
  return status;
}

void sb_crypto_keyed_digest(const uint8_t key[SB_KEY_SIZE], const void *bytes, size_t size,
                            uint8_t digest[SB_DIGEST_SIZE]) {
  crypto_generichash(digest, SB_DIGEST_SIZE, bytes, size, key, SB_KEY_SIZE);
}

sb_status sb_crypto_sha256_file(const char *path, uint8_t digest[SB_DIGEST_SIZE], sb_error *error) {
  sb_status status = sb_crypto_ready(error);
  if (status != SB_OK) return status;
  int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return sb_fail_errno(error, errno, "open the file", path);
  crypto_hash_sha256_state state;
  crypto_hash_sha256_init(&state);
  uint8_t chunk[65536];
  ssize_t size;
  while ((size = read(file, chunk, sizeof chunk)) > 0 || (size < 0 && errno == EINTR))
    if (size > 0) crypto_hash_sha256_update(&state, chunk, (size_t)size);
  if (size < 0)
    status = sb_fail_errno(error, errno, "read", path);
  else
    crypto_hash_sha256_final(&state, digest);
  close(file);
  return status;
}

void sb_crypto_hmac_sha256(const uint8_t *key, size_t key_size, const void *bytes, size_t size,
                           uint8_t mac[SB_DIGEST_SIZE]) {
  crypto_auth_hmacsha256_state state;
  crypto_auth_hmacsha256_init(&state, key, key_size);
  crypto_auth_hmacsha256_update(&state, bytes, size);
  crypto_auth_hmacsha256_final(&state, mac);
  sb_wipe(&state, sizeof state);
}

void sb_crypto_random(void *bytes, size_t size) {
  randombytes_buf(bytes, size);
}

bool sb_crypto_equal(const void *a, const void *b, size_t size) {
  return !sodium_memcmp(a, b, size);
}

void sb_crypto_subkey(const uint8_t key[SB_KEY_SIZE], uint64_t number, uint8_t out[SB_KEY_SIZE]) {
  crypto_kdf_derive_from_key(out, SB_KEY_SIZE, number, kdf_context, key);
}

size_t sb_seal_context_bytes(uint8_t version, uint32_t number, const sb_seal_context *context,
                             uint8_t bytes[SB_SEAL_CONTEXT_MAX]) {
  const char *parts[] = {context->table, context->column, context->model ? context->model : ""};
  size_t used = 0;
  bytes[used++] = version;
  for (int i = 0; number && i < 4; i++) bytes[used++] = (uint8_t)(number >> (8 * i));
  for (int i = 0; i < 3; i++) {
    size_t length = strlen(parts[i]);
    if (length > 128) return 0;
    bytes[used++] = (uint8_t)length;
    memcpy(bytes + used, parts[i], length);
    used += length;
  }
  for (int i = 0; i < 8; i++) bytes[used++] = (uint8_t)((uint64_t)context->row >> (8 * i));
  return used;
}

void sb_crypto_box_seal(const uint8_t key[SB_KEY_SIZE], const uint8_t *about, size_t about_size, const void *plain,
                        size_t size, uint8_t *boxed) {
  const size_t nonce = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
  randombytes_buf(boxed, nonce); /* 192 bits: random nonces do not collide */
  crypto_aead_xchacha20poly1305_ietf_encrypt(boxed + nonce, NULL, plain, size, about, about_size, NULL, boxed, key);
}

bool sb_crypto_box_open(const uint8_t key[SB_KEY_SIZE], const uint8_t *about, size_t about_size, const uint8_t *boxed,
                        size_t size, void *plain) {
  const size_t nonce = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
  return size >= nonce + crypto_aead_xchacha20poly1305_ietf_ABYTES &&
         !crypto_aead_xchacha20poly1305_ietf_decrypt(plain, NULL, NULL, boxed + nonce, size - nonce, about, about_size,
                                                     boxed, key);
}
