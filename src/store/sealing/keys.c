/* Data keys: loading them from the database, noticing new ones, and following a root key that another process has
 * changed.
 *
 * There are two kinds. Keys with the purpose "data" seal fields and hash ids; the newest one is used for what is
 * written. The key with the purpose "audit" signs the audit log and authenticates the row-set MAC and the operating
 * point. */
#include "store/sealing/keys.h"

#include <stdlib.h>
#include <string.h>

sb_status sb_store_keys_set_root(sb_store *store, sb_root *root, sb_error *error) {
  sb_keyring *keyring = NULL;
  sb_status status = sb_keyring_new(root, &keyring, error);
  if (status == SB_OK && !store->keys) {
    store->keys = sb_alloc(1, sizeof *store->keys, error);
    if (!store->keys) status = SB_NO_MEMORY;
  }
  if (status != SB_OK) {
    sb_keyring_free(keyring);
    sb_root_free(root);
    return status;
  }
  sb_keyring_free(store->keys->keyring);
  sb_root_free(store->keys->root);
  store->keys->keyring = keyring;
  store->keys->root = root;
  return SB_OK;
}

void sb_store_keys_free(sb_store *store) {
  if (!store->keys) return;
  sb_keyring_free(store->keys->keyring);
  sb_root_free(store->keys->root);
  free(store->keys);
}

sb_status sb_store_keys_wrong(sb_store *store, sb_error *error) {
  return sb_fail(error, SB_WRONG_KEY,
                 "the gallery in %s was sealed under another key; nothing was changed. Give the right key file, or "
                 "SEMBLANCE_KEY",
                 store->dir);
}

/* Numbers of the data keys that the database has. */
typedef struct numbers {
  uint32_t items[SB_DATA_KEYS_MAX];
  size_t count;
} numbers;

static bool contains(const numbers *n, uint32_t number) {
  for (size_t i = 0; i < n->count; i++)
    if (n->items[i] == number) return true;
  return false;
}

/* Retired keys are dropped late: a reader may still have to open what it read before they were retired. */
static void drop_retired(sb_keyring *keyring, const numbers *current) {
  uint32_t loaded[SB_DATA_KEYS_MAX];
  size_t count = sb_keyring_numbers(keyring, loaded);
  if (count <= SB_DATA_KEYS_MAX / 2) return;
  for (size_t i = 0; i < count; i++)
    if (!contains(current, loaded[i])) sb_keyring_drop(keyring, loaded[i]);
}

static sb_status load(sb_store *store, sb_error *error) {
  sb_store_keys *keys = store->keys;
  numbers current = {.count = 0};
  int64_t newest = 0;
  sb_statement s = sb_statement_new(store, "SELECT id, purpose, wrapped FROM data_key ORDER BY id", error);
  while (sb_statement_step(&s)) {
    int64_t number = sb_statement_column_int(&s, 0);
    bool audit = !strcmp(sb_statement_column_text(&s, 1), "audit");
    size_t size = 0;
    const void *wrapped = sb_statement_column_blob(&s, 2, &size);
    s.status = sb_keyring_add(keys->keyring, (uint32_t)number, audit ? SB_KEYRING_AUDIT : SB_KEYRING_DATA, wrapped,
                              size, error);
    newest = number;
    if (!audit && current.count < SB_DATA_KEYS_MAX) current.items[current.count++] = (uint32_t)number;
  }
  sb_status status = sb_statement_end(&s);
  if (status != SB_OK) return status;
  keys->newest = newest;
  drop_retired(keys->keyring, &current);
  return SB_OK;
}

/* Tries the root key of a file; on success the store keeps it. */
static sb_status load_under(sb_store *store, const char *name, sb_error *error) {
  sb_root *root = NULL;
  char *path = sb_path_join(store->dir, name, error);
  bool read = path && sb_root_read(path, &root, NULL) == SB_OK;
  free(path);
  if (!read) return SB_WRONG_KEY;
  sb_keyring_reroot(store->keys->keyring, root);
  sb_status status = load(store, error);
  if (status == SB_OK) {
    sb_root *old = store->keys->root;
    store->keys->root = root;
    root = old;
  }
  sb_root_free(root);
  return status;
}

/* Another process may have changed the root key since this one opened the gallery: then its file, or the one that is
 * about to replace it, has the right key. */
static sb_status load_under_new_root(sb_store *store, sb_error *error) {
  sb_status status = load_under(store, "semblance.key", error);
  if (status == SB_WRONG_KEY) status = load_under(store, SB_NEXT_KEY, error);
  if (status == SB_WRONG_KEY) sb_keyring_reroot(store->keys->keyring, store->keys->root);
  return status;
}

sb_status sb_store_keys_load(sb_store *store, sb_error *error) {
  sb_status status = load(store, error);
  if (status == SB_WRONG_KEY && store->keys->newest && store->keys->root->origin == SB_ROOT_FILE)
    status = load_under_new_root(store, error);
  return status == SB_WRONG_KEY ? sb_store_keys_wrong(store, error) : status;
}

sb_status sb_store_keys_refresh(sb_store *store, sb_error *error) {
  int64_t newest = 0;
  sb_status status = sb_store_number(store, "SELECT coalesce(max(id), 0) FROM data_key", &newest, error);
  return status == SB_OK && newest != store->keys->newest ? sb_store_keys_load(store, error) : status;
}

sb_status sb_store_keys_make(sb_store *store, sb_keyring_purpose purpose, sb_error *error) {
  uint8_t wrapped[SB_WRAPPED_SIZE];
  int64_t number = 0;
  sb_status status = store->driver->next_row(store, "data_key", &number, error);
  if (status != SB_OK) return status;
  if (number > UINT32_MAX)
    return sb_fail(error, SB_STORE, "the gallery has used up its numbers of data keys; move it into a new gallery");
  sb_keyring_make(store->keys->keyring, (uint32_t)number, purpose, wrapped);
  sb_statement s =
      sb_statement_new(store, "INSERT INTO data_key(id, purpose, wrapped, created) VALUES(?, ?, ?, ?)", error);
  sb_statement_bind_int(&s, 1, number);
  sb_statement_bind_text(&s, 2, purpose == SB_KEYRING_AUDIT ? "audit" : "data");
  sb_statement_bind_blob(&s, 3, wrapped, sizeof wrapped);
  sb_statement_bind_int(&s, 4, sb_now_ms());
  status = sb_statement_run(&s);
  return status == SB_OK ? sb_store_keys_load(store, error) : status;
}
