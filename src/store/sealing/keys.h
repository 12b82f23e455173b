/* The gallery's data keys, which lie in the table data_key, wrapped by the root key. Under the lock. */
#ifndef SB_STORE_SEALING_KEYS_H
#define SB_STORE_SEALING_KEYS_H

#include "store/core/store_core.h"

typedef struct sb_store_keys {
  sb_root *root;
  sb_keyring *keyring;
  int64_t newest; /* number of the newest data key in the keyring; 0: none is loaded */
} sb_store_keys;

/* File of a root key that is about to replace semblance.key. */
#define SB_NEXT_KEY "semblance.key.next"

/* Takes over `root`, also on failure. Replaces keys that the store has already. */
sb_status sb_store_keys_set_root(sb_store *store, sb_root *root, sb_error *error);
void sb_store_keys_free(sb_store *store);

/* Loads the data keys of the database. SB_WRONG_KEY: they were wrapped by another root key. */
sb_status sb_store_keys_load(sb_store *store, sb_error *error);
/* Loads them again when another process has added one. Every write begins with it, so that nothing is sealed under a
 * retired key. */
sb_status sb_store_keys_refresh(sb_store *store, sb_error *error);
/* Adds a data key, within a transaction. */
sb_status sb_store_keys_make(sb_store *store, sb_keyring_purpose purpose, sb_error *error);
/* Fails with SB_WRONG_KEY and the message for it. */
sb_status sb_store_keys_wrong(sb_store *store, sb_error *error);

#endif
