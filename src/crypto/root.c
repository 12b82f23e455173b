/* The root key: where it comes from, its file, its words on paper.
 *
 * A key file is one line: 64 hex digits; or, under a passphrase,
 *   semblance-key 1 argon2id OPERATIONS MEMORY SALT BOX      (decimal, bytes in decimal, hex, hex: docs/formats.md) */
#include "crypto/internal.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_BYTES_MAX = 4096, BOX_SIZE = SB_KEY_SIZE + 40, PASSPHRASE_MAX = 1024 };
/* What a key file may ask for: a hostile one must not take the machine's memory or time. */
#define OPERATIONS_MAX 64ull
#define MEMORY_MAX (1ull << 31)
static const char sealed_head[] = "semblance-key 1 argon2id ";

static sb_root_passphrase_ask ask_passphrase; /* set once at start, before threads */

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
  return sb_fail(error, SB_WRONG_KEY,
                 "the key file is locked by a passphrase: give it in SEMBLANCE_PASSPHRASE, or start from a terminal");
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

/* ---- A key's text */

static bool hex_read(const char *text, size_t size, uint8_t *bytes, size_t wanted) {
  size_t length = 0;
  const char *end = NULL;
  return !sodium_hex2bin(bytes, wanted, text, size, NULL, &length, &end) && length == wanted && end == text + size;
}

/* Argon2id of the passphrase opens the box. */
static sb_status open_box(const char *text, const char *origin, uint8_t key[SB_KEY_SIZE], sb_error *error) {
  unsigned long long operations = 0, memory = 0;
  char salt_hex[2 * crypto_pwhash_SALTBYTES + 2], box_hex[2 * BOX_SIZE + 2];
  uint8_t salt[crypto_pwhash_SALTBYTES], box[BOX_SIZE], opener[SB_KEY_SIZE];
  int end = 0;
  _Static_assert(crypto_pwhash_SALTBYTES == 16 && BOX_SIZE == 72, "the widths below");
  if (sscanf(text, "%20llu %20llu %33s %145s%n", &operations, &memory, salt_hex, box_hex, &end) != 4 || text[end] ||
      !hex_read(salt_hex, strlen(salt_hex), salt, sizeof salt) || !hex_read(box_hex, strlen(box_hex), box, BOX_SIZE) ||
      operations < crypto_pwhash_OPSLIMIT_MIN || operations > OPERATIONS_MAX || memory < crypto_pwhash_MEMLIMIT_MIN ||
      memory > MEMORY_MAX)
    return sb_fail(error, SB_WRONG_KEY, "%s does not hold a key that is locked by a passphrase: it is damaged", origin);
  char *passphrase = sodium_malloc(PASSPHRASE_MAX);
  if (!passphrase) return sb_fail(error, SB_NO_MEMORY, "out of memory");
  sb_status status = sb_root_passphrase_get("passphrase of the gallery's key: ", passphrase, PASSPHRASE_MAX, error);
  if (status == SB_OK && crypto_pwhash(opener, sizeof opener, passphrase, strlen(passphrase), salt, operations,
                                       (size_t)memory, crypto_pwhash_ALG_ARGON2ID13))
    status = sb_fail(error, SB_NO_MEMORY, "out of memory: the passphrase needs %llu MiB to be checked", memory >> 20);
  if (status == SB_OK &&
      !sb_crypto_box_open(opener, (const uint8_t *)sealed_head, sizeof sealed_head - 1, box, BOX_SIZE, key))
    status = sb_fail(error, SB_WRONG_KEY, "the passphrase is wrong; nothing was changed");
  sodium_memzero(opener, sizeof opener);
  sodium_free(passphrase);
  return status;
}

sb_status sb_root_parse(const char *text, size_t size, const char *origin, sb_root **out, sb_error *error) {
  uint8_t key[SB_KEY_SIZE];
  char *copy = NULL;
  bool locked = false;
  sb_status status = sb_crypto_ready(error);
  while (size && isspace((unsigned char)text[size - 1])) size--;
  if (status == SB_OK && size > sizeof sealed_head && !memcmp(text, sealed_head, sizeof sealed_head - 1)) {
    locked = true;
    copy = strndup(text + sizeof sealed_head - 1, size - sizeof sealed_head + 1);
    status = copy ? open_box(copy, origin, key, error) : sb_fail(error, SB_NO_MEMORY, "out of memory");
    free(copy);
  } else if (status == SB_OK && !hex_read(text, size, key, SB_KEY_SIZE)) {
    status = sb_fail(error, SB_WRONG_KEY, "%s does not hold a key: 64 hex digits are wanted", origin);
  }
  if (status == SB_OK) status = sb_root_new(key, out, error);
  if (status == SB_OK) (*out)->passphrase = locked;
  sodium_memzero(key, sizeof key);
  return status;
}

/* ---- Its file */

static sb_status read_file(const char *path, sb_root_origin origin, sb_root **out, sb_error *error) {
  uint8_t *bytes = NULL;
  size_t size = 0;
  sb_status status = sb_file_read(path, FILE_BYTES_MAX, &bytes, &size, error);
  if (status == SB_TOO_LARGE || status == SB_INVALID)
    return sb_fail(error, SB_WRONG_KEY, "%s does not hold a key: it is no file of 64 hex digits", path);
  if (status != SB_OK) return status;
  status = sb_root_parse((const char *)bytes, size, path, out, error);
  if (status == SB_OK) (*out)->origin = origin;
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

static sb_status lock_text(const sb_root *root, const char *passphrase, char *text, size_t size, sb_error *error) {
  uint8_t salt[crypto_pwhash_SALTBYTES], opener[SB_KEY_SIZE], box[BOX_SIZE];
  char salt_hex[2 * sizeof salt + 1], box_hex[2 * BOX_SIZE + 1];
  randombytes_buf(salt, sizeof salt);
  if (crypto_pwhash(opener, sizeof opener, passphrase, strlen(passphrase), salt, crypto_pwhash_OPSLIMIT_MODERATE,
                    crypto_pwhash_MEMLIMIT_MODERATE, crypto_pwhash_ALG_ARGON2ID13))
    return sb_fail(error, SB_NO_MEMORY, "out of memory: a passphrase needs 256 MiB to be set");
  sb_crypto_box_seal(opener, (const uint8_t *)sealed_head, sizeof sealed_head - 1, root->key, SB_KEY_SIZE, box);
  sodium_memzero(opener, sizeof opener);
  sb_hex(salt, sizeof salt, salt_hex);
  sb_hex(box, sizeof box, box_hex);
  snprintf(text, size, "%s%llu %llu %s %s\n", sealed_head, (unsigned long long)crypto_pwhash_OPSLIMIT_MODERATE,
           (unsigned long long)crypto_pwhash_MEMLIMIT_MODERATE, salt_hex, box_hex);
  return SB_OK;
}

/* Writes the text beside its place and moves it there: `replace` with rename, else with link, which replaces nothing. */
static sb_status put_file(const char *data_dir, const char *path, const char *text, bool replace, sb_error *error) {
  char *partial = NULL;
  if (asprintf(&partial, "%s.XXXXXX", path) < 0) return sb_fail(error, SB_NO_MEMORY, "out of memory");
  int file = mkostemp(partial, O_CLOEXEC); /* mode 0600 */
  sb_status status = file < 0 ? sb_fail_errno(error, errno, "make the key file", path) : SB_OK;
  if (status == SB_OK) {
    ssize_t written = write(file, text, strlen(text));
    if (written != (ssize_t)strlen(text) || fsync(file))
      status = sb_fail_errno(error, written >= 0 && written != (ssize_t)strlen(text) ? ENOSPC : errno,
                             "write the key file", path);
  }
  if (file >= 0) close(file);
  if (status == SB_OK && replace && rename(partial, path))
    status = sb_fail_errno(error, errno, "put the key file in its place", path);
  if (status == SB_OK && !replace && link(partial, path) && errno != EEXIST)
    status = sb_fail_errno(error, errno, "make the key file", path);
  if (file >= 0) unlink(partial);
  free(partial);
  return status == SB_OK ? sync_folder(data_dir, error) : status;
}

static sb_status write_root(const sb_root *root, const char *data_dir, const char *path, const char *passphrase,
                            bool replace, sb_error *error) {
  char text[512];
  sb_status status = SB_OK;
  if (passphrase) {
    status = lock_text(root, passphrase, text, sizeof text, error);
  } else {
    sb_hex(root->key, SB_KEY_SIZE, text);
    memcpy(text + 2 * SB_KEY_SIZE, "\n", 2);
  }
  if (status == SB_OK) status = put_file(data_dir, path, text, replace, error);
  sodium_memzero(text, sizeof text);
  return status;
}

sb_status sb_root_write(const sb_root *root, const char *data_dir, const char *name, const char *passphrase,
                        sb_error *error) {
  char *path = sb_path_join(data_dir, name, error);
  if (!path) return SB_NO_MEMORY;
  sb_status status = write_root(root, data_dir, path, passphrase, true, error);
  free(path);
  return status;
}

sb_status sb_root_read(const char *path, sb_root **out, sb_error *error) {
  return read_file(path, SB_ROOT_FILE, out, error);
}

sb_status sb_root_settle(const char *data_dir, const char *name, sb_error *error) {
  char *from = sb_path_join(data_dir, name, error), *to = sb_path_join(data_dir, "semblance.key", error);
  sb_status status = from && to ? SB_OK : SB_NO_MEMORY;
  if (status == SB_OK && rename(from, to)) status = sb_fail_errno(error, errno, "put the key file in its place", to);
  if (status == SB_OK) status = sync_folder(data_dir, error);
  free(from);
  free(to);
  return status;
}

/* ---- Finding it */

static sb_status create_file(const char *data_dir, const char *path, sb_root **out, sb_error *error) {
  sb_root *made = NULL;
  sb_status status = sb_root_new(NULL, &made, error);
  if (status == SB_OK) status = write_root(made, data_dir, path, NULL, false, error);
  sb_root_free(made);
  return status == SB_OK ? read_file(path, SB_ROOT_FILE, out, error) : status; /* who came first decides */
}

static sb_status find_file(const char *data_dir, bool may_create, sb_root **out, sb_error *error) {
  char *path = sb_path_join(data_dir, "semblance.key", error);
  if (!path) return SB_NO_MEMORY;
  sb_status status = read_file(path, SB_ROOT_FILE, out, error);
  if (status == SB_NOT_FOUND && may_create)
    status = create_file(data_dir, path, out, error);
  else if (status == SB_NOT_FOUND)
    status =
        sb_fail(error, SB_WRONG_KEY,
                "the gallery's key %s is missing; put it back from your backup (`semblance keys import`), or give it "
                "in SEMBLANCE_KEY",
                path);
  free(path);
  return status;
}

/* The credential's file, NULL where systemd gave none. */
static char *credential_path(sb_error *error) {
  const char *folder = getenv("CREDENTIALS_DIRECTORY");
  char *path = folder && *folder ? sb_path_join(folder, "semblance.key", error) : NULL;
  if (path && access(path, F_OK) == 0) return path;
  free(path);
  return NULL;
}

sb_status sb_root_open(const char *data_dir, bool may_create, sb_root **out, sb_error *error) {
  sb_status status = sb_crypto_ready(error);
  if (status != SB_OK) return status;
  const char *given = getenv("SEMBLANCE_KEY"), *named = getenv("SEMBLANCE_KEY_FILE");
  if (given && *given) {
    status = sb_root_parse(given, strlen(given), "SEMBLANCE_KEY", out, error);
    if (status == SB_OK) (*out)->origin = SB_ROOT_ENVIRONMENT;
    return status;
  }
  char *credential = named && *named ? NULL : credential_path(error);
  if (named && *named)
    status = read_file(named, SB_ROOT_NAMED_FILE, out, error);
  else if (credential)
    status = read_file(credential, SB_ROOT_CREDENTIAL, out, error);
  else
    return find_file(data_dir, may_create, out, error);
  if (status == SB_NOT_FOUND)
    status = sb_fail(error, SB_WRONG_KEY, "the key file that SEMBLANCE_KEY_FILE names is missing: %s", named);
  free(credential);
  return status;
}

/* ---- On paper */

static const char consonants[] = "bdfghjklmnprstvz", vowels[] = "aiou";

static void word_write(unsigned value, char word[5]) {
  word[0] = consonants[value >> 12 & 15];
  word[1] = vowels[value >> 10 & 3];
  word[2] = consonants[value >> 6 & 15];
  word[3] = vowels[value >> 4 & 3];
  word[4] = consonants[value & 15];
}

static unsigned check_of(const uint8_t key[SB_KEY_SIZE]) {
  uint8_t digest[crypto_generichash_BYTES];
  crypto_generichash(digest, sizeof digest, key, SB_KEY_SIZE, NULL, 0);
  return (unsigned)digest[0] << 8 | digest[1];
}

void sb_root_words(const sb_root *root, char words[SB_WORDS_SIZE]) {
  for (size_t i = 0; i <= SB_KEY_SIZE / 2; i++) {
    bool last = i == SB_KEY_SIZE / 2;
    unsigned value = last ? check_of(root->key) : (unsigned)root->key[2 * i] << 8 | root->key[2 * i + 1];
    word_write(value, words + 6 * i);
    words[6 * i + 5] = last ? '\0' : ' ';
  }
}

static int place_in(const char *set, char letter) {
  const char *found = letter ? strchr(set, tolower((unsigned char)letter)) : NULL;
  return found ? (int)(found - set) : -1;
}

/* -1: no such word. */
static int word_read(const char *word) {
  int value = 0;
  for (int i = 0; i < 5; i++) {
    int digit = place_in(i % 2 ? vowels : consonants, word[i]);
    if (digit < 0) return -1;
    value = i % 2 ? value << 2 | digit : value << 4 | digit;
  }
  return value;
}

sb_status sb_root_from_words(const char *words, sb_root **out, sb_error *error) {
  enum { WORDS = SB_KEY_SIZE / 2 + 1 };
  uint8_t key[SB_KEY_SIZE];
  int check = 0;
  sb_status status = sb_crypto_ready(error);
  for (int i = 0; status == SB_OK && i < WORDS; i++) {
    words += strspn(words, " -\t\r\n");
    int value = word_read(words);
    if (value < 0) {
      status = sb_fail(error, SB_INVALID, "word %d of the key's 17 words is missing or misspelt", i + 1);
    } else if (i < WORDS - 1) {
      key[2 * i] = (uint8_t)(value >> 8);
      key[2 * i + 1] = (uint8_t)value;
    } else {
      check = value;
    }
    if (value >= 0) words += 5;
  }
  if (status == SB_OK && (words[strspn(words, " -\t\r\n")] || (unsigned)check != check_of(key)))
    status = sb_fail(error, SB_INVALID, "the key's words do not fit together: one of them is wrong");
  if (status == SB_OK) status = sb_root_new(key, out, error);
  sodium_memzero(key, sizeof key);
  return status;
}
