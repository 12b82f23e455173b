/* The hash chain of the audit trail, and its signature.
 *
 * The link of an entry is BLAKE2b-256 over the previous link and the entry; the newest link is signed (Ed25519, RFC
 * 8032) with a key derived from the gallery's audit key. So entries that were changed, removed, inserted or reordered
 * are detected. A truncated tail is detected, too, because the signature covers the newest link and its sequence number
 * only. */
#ifndef SB_CRYPTO_CHAIN_H
#define SB_CRYPTO_CHAIN_H

#include "crypto/crypto.h"

enum { SB_LINK_SIZE = 32, SB_SIGNATURE_SIZE = 64, SB_PUBLIC_SIZE = 32, SB_VERB_MAX = 31 };

/* Who did what to which person. No name, id or photo: people and collections are given by their row numbers. */
typedef struct sb_chain_entry {
  int64_t sequence; /* 1, 2, 3 ... without gaps */
  int64_t at_ms;
  char actor[64];
  char verb[SB_VERB_MAX + 1];
  int64_t collection, person, count; /* 0: none */
} sb_chain_entry;

void sb_chain_link(const uint8_t before[SB_LINK_SIZE], const sb_chain_entry *entry, uint8_t link[SB_LINK_SIZE]);
/* SB_WRONG_KEY while the keyring has no audit key. */
sb_status sb_chain_sign(const sb_keyring *keyring, int64_t sequence, const uint8_t link[SB_LINK_SIZE],
                        uint8_t signature[SB_SIGNATURE_SIZE], sb_error *error);
sb_status sb_chain_public(const sb_keyring *keyring, uint8_t public_key[SB_PUBLIC_SIZE], sb_error *error);
bool sb_chain_verify(const uint8_t public_key[SB_PUBLIC_SIZE], int64_t sequence, const uint8_t link[SB_LINK_SIZE],
                     const uint8_t signature[SB_SIGNATURE_SIZE]);
/* Keyed BLAKE2b under the audit key, which is never rotated: proves that the writer of a value had it. SB_WRONG_KEY as
 * above. */
sb_status sb_chain_digest(const sb_keyring *keyring, const void *bytes, size_t size, uint8_t digest[SB_DIGEST_SIZE],
                          sb_error *error);

#endif
