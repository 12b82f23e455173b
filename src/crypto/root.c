/* The root key and its text form: 64 hex digits; or, under a passphrase, one line
 *
 *   semblance-key 1 argon2id OPERATIONS MEMORY SALT BOX      (decimal, bytes in decimal, hex, hex: docs/formats.md)
 *
 * where Argon2id of the passphrase is the key of BOX, and the first 25 characters are its associated data. */
#include "crypto/internal.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BOX_SIZE = SB_KEY_SIZE + 40, PASSPHRASE_MAX = 1024 };
/* Upper limits of the work that a key file may ask for, against a crafted one. */
#define OPERATIONS_MAX 64ull
#define MEMORY_MAX (1ull << 31)
static const char sealed_prefix[] = "semblance-key 1 argon2id ";

static sb_root_passphrase_ask ask_passphrase; /* set once at start, before threads exist */

void sb_root_passphrase_set(sb_root_passphrase_ask ask) {
  ask_passphrase = ask;
}

sb_status sb_root_passphrase_get(const char *prompt, char *text, size_t size, sb_error *error) {
  const char *given = getenv("SEMBLANCE_PASSPHRASE");
  if (given && *given && strlen(given) < size) {
    memcpy(text, given, strlen(given) + 1);
    return SB_OK;
  }
  if (ask_passphrase && ask_passphrase(prompt, text, size)) return SB_OK;
  return sb_fail(
      error, SB_WRONG_KEY,
      "the key file is locked by a passphrase; set SEMBLANCE_PASSPHRASE, or start from a terminal to be asked for it");
}

sb_status sb_root_new(const uint8_t key[SB_KEY_SIZE], sb_root **out, sb_error *error) {
  sb_status status = sb_crypto_ready(error);
  if (status != SB_OK) return status;
  sb_root *root = sodium_malloc(sizeof *root);
  if (!root) return sb_fail(error, SB_NO_MEMORY, "out of memory");
  memset(root, 0, sizeof *root);
  if (key)
    memcpy(root->key, key, SB_KEY_SIZE);
  else
    crypto_kdf_keygen(root->key);
  *out = root;
  return SB_OK;
}

void sb_root_free(sb_root *root) {
  sodium_free(root);
}

void sb_root_fingerprint(const sb_root *root, char text[17]) {
  uint8_t derived[SB_KEY_SIZE];
  sb_crypto_subkey(root->key, SB_SUBKEY_FINGERPRINT, derived);
  sb_hex(derived, 8, text);
}

/* ---- The text form */

static bool hex_read(const char *text, size_t size, uint8_t *bytes, size_t wanted) {
  size_t length = 0;
  const char *end = NULL;
  return !sodium_hex2bin(bytes, wanted, text, size, NULL, &length, &end) && length == wanted && end == text + size;
}

/* The parts of a line that is locked by a passphrase. */
typedef struct locked_key {
  unsigned long long operations, memory;
  uint8_t salt[crypto_pwhash_SALTBYTES], box[BOX_SIZE];
} locked_key;

/* `text`: what follows `sealed_prefix`. */
static bool read_locked(const char *text, locked_key *out) {
  char salt_hex[2 * crypto_pwhash_SALTBYTES + 2], box_hex[2 * BOX_SIZE + 2];
  int end = 0;
  _Static_assert(crypto_pwhash_SALTBYTES == 16 && BOX_SIZE == 72, "the widths below");
  if (sscanf(text, "%20llu %20llu %33s %145s%n", &out->operations, &out->memory, salt_hex, box_hex, &end) != 4)
    return false;
  return !text[end] && hex_read(salt_hex, strlen(salt_hex), out->salt, sizeof out->salt) &&
         hex_read(box_hex, strlen(box_hex), out->box, BOX_SIZE) && out->operations >= crypto_pwhash_OPSLIMIT_MIN &&
         out->operations <= OPERATIONS_MAX && out->memory >= crypto_pwhash_MEMLIMIT_MIN && out->memory <= MEMORY_MAX;
}

static sb_status unlock_with(const locked_key *locked, const char *passphrase, uint8_t key[SB_KEY_SIZE],
                             sb_error *error) {
  uint8_t opener[SB_KEY_SIZE];
  if (crypto_pwhash(opener, sizeof opener, passphrase, strlen(passphrase), locked->salt, locked->operations,
                    (size_t)locked->memory, crypto_pwhash_ALG_ARGON2ID13))
    return sb_fail(error, SB_NO_MEMORY, "out of memory: checking the passphrase needs %llu MiB", locked->memory >> 20);
  bool opened =
      sb_crypto_box_open(opener, (const uint8_t *)sealed_prefix, sizeof sealed_prefix - 1, locked->box, BOX_SIZE, key);
  sodium_memzero(opener, sizeof opener);
  return opened ? SB_OK : sb_fail(error, SB_WRONG_KEY, "the passphrase is wrong; nothing was changed");
}

static sb_status unlock(const char *text, const char *origin, uint8_t key[SB_KEY_SIZE], sb_error *error) {
  locked_key locked;
  if (!read_locked(text, &locked))
    return sb_fail(error, SB_WRONG_KEY, "%s is damaged: it should hold a key that is locked by a passphrase", origin);
  char *passphrase = sodium_malloc(PASSPHRASE_MAX);
  if (!passphrase) return sb_fail(error, SB_NO_MEMORY, "out of memory");
  sb_status status = sb_root_passphrase_get("passphrase of the gallery's key: ", passphrase, PASSPHRASE_MAX, error);
  if (status == SB_OK) status = unlock_with(&locked, passphrase, key, error);
  sodium_free(passphrase);
  return status;
}

/* Reads the key of either text form. */
static sb_status parse_key(const char *text, size_t size, const char *origin, uint8_t key[SB_KEY_SIZE], bool *locked,
                           sb_error *error) {
  *locked = size > sizeof sealed_prefix && !memcmp(text, sealed_prefix, sizeof sealed_prefix - 1);
  if (!*locked) {
    if (hex_read(text, size, key, SB_KEY_SIZE)) return SB_OK;
    return sb_fail(error, SB_WRONG_KEY, "%s does not hold a key: it should be 64 hex digits", origin);
  }
  char *copy = strndup(text + sizeof sealed_prefix - 1, size - sizeof sealed_prefix + 1);
  if (!copy) return sb_fail(error, SB_NO_MEMORY, "out of memory");
  sb_status status = unlock(copy, origin, key, error);
  free(copy);
  return status;
}

sb_status sb_root_parse(const char *text, size_t size, const char *origin, sb_root **out, sb_error *error) {
  uint8_t key[SB_KEY_SIZE];
  bool locked = false;
  sb_status status = sb_crypto_ready(error);
  if (status != SB_OK) return status;
  while (size && isspace((unsigned char)text[size - 1])) size--;
  status = parse_key(text, size, origin, key, &locked, error);
  if (status == SB_OK) status = sb_root_new(key, out, error);
  if (status == SB_OK) (*out)->passphrase = locked;
  sodium_memzero(key, sizeof key);
  return status;
}

sb_status sb_root_format(const sb_root *root, const char *passphrase, char text[SB_ROOT_TEXT_SIZE], sb_error *error) {
  uint8_t salt[crypto_pwhash_SALTBYTES], opener[SB_KEY_SIZE], box[BOX_SIZE];
  char salt_hex[2 * sizeof salt + 1], box_hex[2 * BOX_SIZE + 1];
  if (!passphrase) {
    sb_hex(root->key, SB_KEY_SIZE, text);
    memcpy(text + 2 * SB_KEY_SIZE, "\n", 2);
    return SB_OK;
  }
  randombytes_buf(salt, sizeof salt);
  if (crypto_pwhash(opener, sizeof opener, passphrase, strlen(passphrase), salt, crypto_pwhash_OPSLIMIT_MODERATE,
                    crypto_pwhash_MEMLIMIT_MODERATE, crypto_pwhash_ALG_ARGON2ID13))
    return sb_fail(error, SB_NO_MEMORY, "out of memory: setting a passphrase needs 256 MiB");
  sb_crypto_box_seal(opener, (const uint8_t *)sealed_prefix, sizeof sealed_prefix - 1, root->key, SB_KEY_SIZE, box);
  sodium_memzero(opener, sizeof opener);
  sb_hex(salt, sizeof salt, salt_hex);
  sb_hex(box, sizeof box, box_hex);
  snprintf(text, SB_ROOT_TEXT_SIZE, "%s%llu %llu %s %s\n", sealed_prefix,
           (unsigned long long)crypto_pwhash_OPSLIMIT_MODERATE, (unsigned long long)crypto_pwhash_MEMLIMIT_MODERATE,
           salt_hex, box_hex);
  return SB_OK;
}
