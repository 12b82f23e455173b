#include "crypto/crypto.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Subkeys of the root key by purpose (crypto_kdf, BLAKE2b): a key does one thing only. */
enum { SUBKEY_SEAL = 1, SUBKEY_HASH = 2, SUBKEY_CHECK = 3 };
static const char kdf_context[crypto_kdf_CONTEXTBYTES] = {'s', 'e', 'm', 'b', 'l', 'n', 'c', 'e'};
enum { SEAL_VERSION = 1, PLACE_MAX = 512 };

_Static_assert(SB_KEY_SIZE == crypto_kdf_KEYBYTES, "key size");
_Static_assert(SB_SEAL_OVERHEAD ==
                   crypto_aead_xchacha20poly1305_ietf_NPUBBYTES + crypto_aead_xchacha20poly1305_ietf_ABYTES,
               "overhead of a seal");

struct sb_keyring {
  uint8_t seal[SB_KEY_SIZE], hash[SB_KEY_SIZE], check[SB_DIGEST_SIZE];
};

static sb_status sodium_ready(sb_error *error) {
  if (sodium_init() < 0) return sb_fail(error, SB_INTERNAL, "the cryptographic library could not be started");
  return SB_OK;
}

sb_status sb_sha256(const void *bytes, size_t size, uint8_t digest[SB_DIGEST_SIZE], sb_error *error) {
  sb_status status = sodium_ready(error);
  if (status == SB_OK) crypto_hash_sha256(digest, bytes, size);
  return status;
}

sb_status sb_sha256_file(const char *path, uint8_t digest[SB_DIGEST_SIZE], sb_error *error) {
  sb_status status = sodium_ready(error);
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

/* ---- The root key's file: 64 hex digits and a line break. */

static sb_status parse_root(const char *text, size_t size, const char *origin, uint8_t *root, sb_error *error) {
  size_t length = 0;
  const char *end = NULL;
  while (size && (text[size - 1] == '\n' || text[size - 1] == '\r' || text[size - 1] == ' ')) size--;
  if (!sodium_hex2bin(root, SB_KEY_SIZE, text, size, NULL, &length, &end) && length == SB_KEY_SIZE &&
      end == text + size)
    return SB_OK;
  return sb_fail(error, SB_WRONG_KEY, "%s does not hold a key: 64 hex digits are wanted", origin);
}

static sb_status read_root(const char *path, uint8_t *root, sb_error *error) {
  uint8_t *bytes = NULL;
  size_t size = 0;
  sb_status status = sb_file_read(path, 4096, &bytes, &size, error);
  if (status != SB_OK) return status;
  status = parse_root((const char *)bytes, size, path, root, error);
  sodium_memzero(bytes, size);
  free(bytes);
  return status;
}

static sb_status sync_folder(const char *path, sb_error *error) {
  int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) return sb_fail_errno(error, errno, "open the folder", path);
  sb_status status = fsync(folder) ? sb_fail_errno(error, errno, "write to the disk", path) : SB_OK;
  close(folder);
  return status;
}

/* Written beside its place and linked to it: there is the whole key or none, and another process's key is never replaced. */
static sb_status create_root(const char *data_dir, const char *path, uint8_t *root, sb_error *error) {
  char text[2 * SB_KEY_SIZE + 2];
  crypto_kdf_keygen(root);
  sodium_bin2hex(text, sizeof text, root, SB_KEY_SIZE);
  memcpy(text + 2 * SB_KEY_SIZE, "\n", 2);
  char *partial = sb_path_join(data_dir, "semblance.key.XXXXXX", error);
  if (!partial) return SB_NO_MEMORY;
  int file = mkostemp(partial, O_CLOEXEC); /* mode 0600 */
  sb_status status = file < 0 ? sb_fail_errno(error, errno, "make the key file", path) : SB_OK;
  if (status == SB_OK && (write(file, text, sizeof text - 1) != (ssize_t)sizeof text - 1 || fsync(file)))
    status = sb_fail_errno(error, errno, "write the key file", path);
  if (file >= 0) close(file);
  if (status == SB_OK && link(partial, path) && errno != EEXIST)
    status = sb_fail_errno(error, errno, "make the key file", path);
  if (file >= 0) unlink(partial);
  if (status == SB_OK) status = sync_folder(data_dir, error);
  if (status == SB_OK) status = read_root(path, root, error); /* who came first decides */
  sodium_memzero(text, sizeof text);
  free(partial);
  return status;
}

static sb_status find_root(const char *data_dir, bool may_create, uint8_t *root, sb_error *error) {
  const char *given = getenv("SEMBLANCE_KEY");
  if (given && *given) return parse_root(given, strlen(given), "SEMBLANCE_KEY", root, error);
  char *path = sb_path_join(data_dir, "semblance.key", error);
  if (!path) return SB_NO_MEMORY;
  sb_status status = read_root(path, root, error);
  if (status == SB_NOT_FOUND && may_create)
    status = create_root(data_dir, path, root, error);
  else if (status == SB_NOT_FOUND)
    status =
        sb_fail(error, SB_WRONG_KEY,
                "the gallery's key %s is missing; put it back from your backup, or give it in SEMBLANCE_KEY", path);
  free(path);
  return status;
}

sb_status sb_keyring_open(const char *data_dir, bool may_create, sb_keyring **out, sb_error *error) {
  sb_status status = sodium_ready(error);
  if (status != SB_OK) return status;
  /* Guarded, locked in memory where the limits allow, and wiped when freed. */
  uint8_t *root = sodium_malloc(SB_KEY_SIZE);
  sb_keyring *keyring = sodium_malloc(sizeof *keyring);
  status =
      root && keyring ? find_root(data_dir, may_create, root, error) : sb_fail(error, SB_NO_MEMORY, "memory is out");
  if (status == SB_OK) {
    crypto_kdf_derive_from_key(keyring->seal, SB_KEY_SIZE, SUBKEY_SEAL, kdf_context, root);
    crypto_kdf_derive_from_key(keyring->hash, SB_KEY_SIZE, SUBKEY_HASH, kdf_context, root);
    crypto_kdf_derive_from_key(keyring->check, SB_DIGEST_SIZE, SUBKEY_CHECK, kdf_context, root);
    *out = keyring;
    keyring = NULL;
  }
  sodium_free(root);
  sodium_free(keyring);
  return status;
}

void sb_keyring_free(sb_keyring *keyring) {
  sodium_free(keyring);
}

void sb_keyring_check(const sb_keyring *keyring, uint8_t check[SB_DIGEST_SIZE]) {
  memcpy(check, keyring->check, SB_DIGEST_SIZE);
}

/* ---- Sealed fields */

/* The associated data: the version of this layout, then each part with its length before it, so that no two places read
 * alike. 0: the place's names are too long. */
static size_t place_bytes(const sb_place *place, uint8_t bytes[PLACE_MAX]) {
  const char *parts[] = {place->table, place->column, place->model ? place->model : ""};
  size_t used = 0;
  bytes[used++] = SEAL_VERSION;
  for (int i = 0; i < 3; i++) {
    size_t length = strlen(parts[i]);
    if (length > 128) return 0;
    bytes[used++] = (uint8_t)length;
    memcpy(bytes + used, parts[i], length);
    used += length;
  }
  for (int i = 0; i < 8; i++) bytes[used++] = (uint8_t)((uint64_t)place->row >> (8 * i));
  return used;
}

sb_status sb_seal(const sb_keyring *keyring, const sb_place *place, const void *plain, size_t size, uint8_t *sealed,
                  sb_error *error) {
  uint8_t about[PLACE_MAX];
  size_t about_size = place_bytes(place, about);
  if (!about_size) return sb_fail(error, SB_MISUSE, "a sealed field's place has too long a name");
  const size_t nonce = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
  randombytes_buf(sealed, nonce); /* 192 bits: random ones do not meet */
  crypto_aead_xchacha20poly1305_ietf_encrypt(sealed + nonce, NULL, plain, size, about, about_size, NULL, sealed,
                                             keyring->seal);
  return SB_OK;
}

sb_status sb_unseal(const sb_keyring *keyring, const sb_place *place, const uint8_t *sealed, size_t size, void *plain,
                    sb_error *error) {
  uint8_t about[PLACE_MAX];
  size_t about_size = place_bytes(place, about);
  const size_t nonce = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
  if (about_size && size >= SB_SEAL_OVERHEAD &&
      !crypto_aead_xchacha20poly1305_ietf_decrypt(plain, NULL, NULL, sealed + nonce, size - nonce, about, about_size,
                                                  sealed, keyring->seal))
    return SB_OK;
  return sb_fail(error, SB_STORE, "a sealed field of the database (%s.%s) is damaged or was moved; restore a backup",
                 place->table, place->column);
}

void sb_keyed_hash(const sb_keyring *keyring, const char *purpose, int64_t scope, const void *bytes, size_t size,
                   uint8_t digest[SB_DIGEST_SIZE]) {
  crypto_generichash_state state;
  uint8_t head[16] = {0};
  size_t length = strlen(purpose);
  for (int i = 0; i < 8; i++) {
    head[i] = (uint8_t)((uint64_t)length >> (8 * i)); /* before the purpose: it cannot run into what follows */
    head[8 + i] = (uint8_t)((uint64_t)scope >> (8 * i));
  }
  crypto_generichash_init(&state, keyring->hash, SB_KEY_SIZE, SB_DIGEST_SIZE);
  crypto_generichash_update(&state, head, sizeof head);
  crypto_generichash_update(&state, (const uint8_t *)purpose, length);
  crypto_generichash_update(&state, bytes, size);
  crypto_generichash_final(&state, digest, SB_DIGEST_SIZE);
}

void sb_wipe(void *bytes, size_t size) {
  sodium_memzero(bytes, size);
}
