/* Encrypted backups; sealed_backup.h describes the layout. Chunks are authenticated one by one, so opening writes
 * plaintext before the end of the file is known to be complete: the caller must discard the output on failure. */
#include "crypto/sealed_backup.h"

#include "crypto/internal.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char magic[] = "semblance backup 1\n";
enum {
  MAGIC_SIZE = sizeof magic - 1,
  BOX_SIZE = SB_KEY_SIZE + 40,
  STREAM_HEADER = crypto_secretstream_xchacha20poly1305_HEADERBYTES,
  TAG_SIZE = crypto_secretstream_xchacha20poly1305_ABYTES,
  CHUNK = 65536,
  START_SIZE = MAGIC_SIZE + BOX_SIZE + STREAM_HEADER,
};
_Static_assert(crypto_secretstream_xchacha20poly1305_KEYBYTES == SB_KEY_SIZE, "key size");

typedef crypto_secretstream_xchacha20poly1305_state stream_state;

/* The cipher's state and room for one chunk in both forms. */
typedef struct stream {
  stream_state state;
  uint8_t plain[CHUNK], sealed[CHUNK + TAG_SIZE];
} stream;

static stream *stream_new(sb_error *error) {
  return sb_alloc(1, sizeof(stream), error);
}

static void stream_free(stream *s) {
  if (s) sodium_memzero(s, sizeof *s);
  free(s);
}

/* Makes the file's key, and writes everything that comes before the chunks. */
static sb_status write_start(const sb_root *root, int to, stream_state *state, sb_error *error) {
  uint8_t key[SB_KEY_SIZE], outer[SB_KEY_SIZE], start[START_SIZE];
  crypto_secretstream_xchacha20poly1305_keygen(key);
  sb_crypto_subkey(root->key, SB_SUBKEY_BACKUP, outer);
  memcpy(start, magic, MAGIC_SIZE);
  sb_crypto_box_seal(outer, (const uint8_t *)magic, MAGIC_SIZE, key, sizeof key, start + MAGIC_SIZE);
  crypto_secretstream_xchacha20poly1305_init_push(state, start + MAGIC_SIZE + BOX_SIZE, key);
  sodium_memzero(key, sizeof key);
  sodium_memzero(outer, sizeof outer);
  return sb_write_all(to, "the backup", start, sizeof start, error);
}

sb_status sb_sealed_backup_seal(const sb_root *root, int from, int to, sb_error *error) {
  stream *s = stream_new(error);
  if (!s) return SB_NO_MEMORY;
  sb_status status = write_start(root, to, &s->state, error);
  for (bool last = false; status == SB_OK && !last;) {
    size_t size = 0;
    status = sb_read_all(from, "the backup", s->plain, CHUNK, &size, error);
    if (status != SB_OK) break;
    last = size < CHUNK;
    uint8_t tag = last ? crypto_secretstream_xchacha20poly1305_TAG_FINAL : 0;
    crypto_secretstream_xchacha20poly1305_push(&s->state, s->sealed, NULL, s->plain, size, NULL, 0, tag);
    status = sb_write_all(to, "the backup", s->sealed, size + TAG_SIZE, error);
  }
  stream_free(s);
  return status;
}

static sb_status damaged(sb_error *error) {
  return sb_fail(error, SB_INVALID, "the backup is damaged or truncated; use another one");
}

static sb_status read_start(const sb_root *root, int from, stream_state *state, sb_error *error) {
  uint8_t start[START_SIZE], key[SB_KEY_SIZE], outer[SB_KEY_SIZE];
  size_t got = 0;
  sb_status status = sb_read_all(from, "the backup", start, sizeof start, &got, error);
  if (status != SB_OK) return status;
  if (got < MAGIC_SIZE || memcmp(start, magic, MAGIC_SIZE))
    return sb_fail(error, SB_INVALID, "this file is not a backup of Semblance");
  if (got < sizeof start) return damaged(error);
  sb_crypto_subkey(root->key, SB_SUBKEY_BACKUP, outer);
  if (!sb_crypto_box_open(outer, (const uint8_t *)magic, MAGIC_SIZE, start + MAGIC_SIZE, BOX_SIZE, key))
    status = sb_fail(error, SB_WRONG_KEY,
                     "the backup was sealed under another root key; give the key that the gallery had at that time");
  else if (crypto_secretstream_xchacha20poly1305_init_pull(state, start + MAGIC_SIZE + BOX_SIZE, key))
    status = damaged(error);
  sodium_memzero(key, sizeof key);
  sodium_memzero(outer, sizeof outer);
  return status;
}

/* Decrypts one chunk; `*final`: it is the last one. */
static sb_status open_chunk(stream *s, int from, int to, bool *final, sb_error *error) {
  size_t size = 0;
  uint8_t tag = 0;
  sb_status status = sb_read_all(from, "the backup", s->sealed, CHUNK + TAG_SIZE, &size, error);
  if (status != SB_OK) return status;
  if (size < TAG_SIZE ||
      crypto_secretstream_xchacha20poly1305_pull(&s->state, s->plain, NULL, &tag, s->sealed, size, NULL, 0))
    return damaged(error);
  *final = tag == crypto_secretstream_xchacha20poly1305_TAG_FINAL;
  return sb_write_all(to, "the backup", s->plain, size - TAG_SIZE, error);
}

/* SB_INVALID where bytes follow the final chunk. */
static sb_status check_end(int from, sb_error *error) {
  uint8_t byte;
  size_t more = 0;
  sb_status status = sb_read_all(from, "the backup", &byte, 1, &more, error);
  return status == SB_OK && more ? damaged(error) : status;
}

sb_status sb_sealed_backup_open(const sb_root *root, int from, int to, sb_error *error) {
  stream *s = stream_new(error);
  if (!s) return SB_NO_MEMORY;
  bool final = false;
  sb_status status = read_start(root, from, &s->state, error);
  while (status == SB_OK && !final) status = open_chunk(s, from, to, &final, error);
  if (status == SB_OK) status = check_end(from, error);
  stream_free(s);
  return status;
}
