/* Galleries of schema 1: fields sealed under subkeys of the root key, without the number of a data key in front. */
#include "crypto/internal.h"

void sb_root_legacy_check(const sb_root *root, uint8_t check[SB_DIGEST_SIZE]) {
  sb_crypto_subkey(root->key, SB_SUBKEY_CHECK, check);
}

sb_status sb_root_legacy_unseal(const sb_root *root, const sb_seal_context *context, const uint8_t *sealed, size_t size,
                                void *plain, sb_error *error) {
  enum { LEGACY_VERSION = 1 };
  uint8_t about[SB_SEAL_CONTEXT_MAX], key[SB_KEY_SIZE];
  size_t about_size = sb_seal_context_bytes(LEGACY_VERSION, 0, context, about);
  sb_crypto_subkey(root->key, SB_SUBKEY_SEAL, key);
  bool opened = about_size && sb_crypto_box_open(key, about, about_size, sealed, size, plain);
  sodium_memzero(key, sizeof key);
  if (opened) return SB_OK;
  return sb_fail(error, SB_STORE, "a sealed field of the database (%s.%s) is damaged or was moved; restore a backup",
                 context->table, context->column);
}
