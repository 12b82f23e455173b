#include "crypto/sealed_backup.h"

#include "crypto/internal.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char head[] = "semblance backup 1\n";
enum {
  HEAD_SIZE = sizeof head - 1,
  BOX_SIZE = SB_KEY_SIZE + 40,
  STREAM_HEADER = crypto_secretstream_xchacha20poly1305_HEADERBYTES,
  MORE = crypto_secretstream_xchacha20poly1305_ABYTES,
  CHUNK = 65536,
};
_Static_assert(crypto_secretstream_xchacha20poly1305_KEYBYTES == SB_KEY_SIZE, "key size");

sb_status sb_sealed_backup_seal(const sb_root *root, int from, int to, sb_error *error) {
  uint8_t key[SB_KEY_SIZE], outer[SB_KEY_SIZE], box[BOX_SIZE], header[STREAM_HEADER], *plain = malloc(CHUNK),
                                                                                      *sealed = malloc(CHUNK + MORE);
  crypto_secretstream_xchacha20poly1305_state state;
  sb_status status = plain && sealed ? SB_OK : sb_fail(error, SB_NO_MEMORY, "out of memory");
  crypto_secretstream_xchacha20poly1305_keygen(key);
  sb_crypto_subkey(root->key, SB_SUBKEY_BACKUP, outer);
  sb_crypto_box_seal(outer, (const uint8_t *)head, HEAD_SIZE, key, sizeof key, box);
  crypto_secretstream_xchacha20poly1305_init_push(&state, header, key);
  if (status == SB_OK) status = sb_write_all(to, "the backup", (const uint8_t *)head, HEAD_SIZE, error);
  if (status == SB_OK) status = sb_write_all(to, "the backup", box, sizeof box, error);
  if (status == SB_OK) status = sb_write_all(to, "the backup", header, sizeof header, error);
  for (bool last = false; status == SB_OK && !last;) {
    size_t size = 0;
    status = sb_read_all(from, "the backup", plain, CHUNK, &size, error);
    if (status != SB_OK) break;
    last = size < CHUNK;
    crypto_secretstream_xchacha20poly1305_push(&state, sealed, NULL, plain, size, NULL, 0,
                                               last ? crypto_secretstream_xchacha20poly1305_TAG_FINAL : 0);
    status = sb_write_all(to, "the backup", sealed, size + MORE, error);
  }
  sodium_memzero(key, sizeof key);
  sodium_memzero(outer, sizeof outer);
  sodium_memzero(&state, sizeof state);
  free(plain);
  free(sealed);
  return status;
}

static sb_status damaged(sb_error *error) {
  return sb_fail(error, SB_INVALID, "the backup is damaged or cut short; take another");
}

static sb_status begin(const sb_root *root, int from, crypto_secretstream_xchacha20poly1305_state *state,
                       sb_error *error) {
  uint8_t start[HEAD_SIZE + BOX_SIZE + STREAM_HEADER], key[SB_KEY_SIZE], outer[SB_KEY_SIZE];
  size_t got = 0;
  sb_status status = sb_read_all(from, "the backup", start, sizeof start, &got, error);
  if (status != SB_OK) return status;
  if (got < HEAD_SIZE || memcmp(start, head, HEAD_SIZE))
    return sb_fail(error, SB_INVALID, "this is no backup of Semblance");
  if (got < sizeof start) return damaged(error);
  sb_crypto_subkey(root->key, SB_SUBKEY_BACKUP, outer);
  if (!sb_crypto_box_open(outer, (const uint8_t *)head, HEAD_SIZE, start + HEAD_SIZE, BOX_SIZE, key))
    status = sb_fail(error, SB_WRONG_KEY, "the backup was sealed under another root key: give the one of its time");
  else if (crypto_secretstream_xchacha20poly1305_init_pull(state, start + HEAD_SIZE + BOX_SIZE, key))
    status = damaged(error);
  sodium_memzero(key, sizeof key);
  sodium_memzero(outer, sizeof outer);
  return status;
}

sb_status sb_sealed_backup_open(const sb_root *root, int from, int to, sb_error *error) {
  crypto_secretstream_xchacha20poly1305_state state;
  uint8_t *plain = malloc(CHUNK), *sealed = malloc(CHUNK + MORE), tag = 0;
  sb_status status = plain && sealed ? begin(root, from, &state, error) : sb_fail(error, SB_NO_MEMORY, "out of memory");
  while (status == SB_OK && tag != crypto_secretstream_xchacha20poly1305_TAG_FINAL) {
    size_t size = 0;
    status = sb_read_all(from, "the backup", sealed, CHUNK + MORE, &size, error);
    if (status != SB_OK) break;
    if (size < MORE || crypto_secretstream_xchacha20poly1305_pull(&state, plain, NULL, &tag, sealed, size, NULL, 0))
      status = damaged(error);
    else
      status = sb_write_all(to, "the backup", plain, size - MORE, error);
  }
  size_t more = 0;
  if (status == SB_OK) status = sb_read_all(from, "the backup", sealed, 1, &more, error);
  if (status == SB_OK && more) status = damaged(error); /* something was put behind the end */
  sodium_memzero(&state, sizeof state);
  free(plain);
  free(sealed);
  return status;
}
