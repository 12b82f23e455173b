/* The data keys in the database. */
#include "store/internal.h"

#include <stdlib.h>
#include <string.h>

sb_status sb_store_keys_wrong(sb_store *store, sb_error *error) {
  return sb_fail(error, SB_WRONG_KEY,
                 "the gallery in %s was sealed under another key; nothing was changed. Give the right key file, or "
                 "SEMBLANCE_KEY",
                 store->dir);
}

static sb_status load(sb_store *store, sb_error *error) {
  uint32_t known[SB_DATA_KEYS_MAX], held[SB_DATA_KEYS_MAX];
  size_t known_count = 0;
  int64_t newest = 0;
  sb_statement s = sb_statement_new(store, "SELECT id, purpose, wrapped FROM data_key ORDER BY id", error);
  while (sb_statement_step(&s)) {
    int64_t number = sb_statement_column_int(&s, 0);
    bool audit = !strcmp(sb_statement_column_text(&s, 1), "audit");
    size_t size = 0;
    const void *wrapped = sb_statement_column_blob(&s, 2, &size);
    s.status = sb_keyring_add(store->keyring, (uint32_t)number, audit ? SB_KEYRING_AUDIT : SB_KEYRING_DATA, wrapped,
                              size, error);
    if (s.status != SB_OK) break;
    newest = number;
    if (!audit && known_count < SB_DATA_KEYS_MAX) known[known_count++] = (uint32_t)number;
  }
  sb_status status = sb_statement_end(&s);
  if (status == SB_OK) store->newest_key = newest;
  /* Retired keys go late: a reader may still open what it read before they were. */
  size_t held_count = sb_keyring_numbers(store->keyring, held);
  for (size_t i = 0; status == SB_OK && held_count > SB_DATA_KEYS_MAX / 2 && i < held_count; i++) {
    bool there = false;
    for (size_t j = 0; j < known_count; j++) there = there || known[j] == held[i];
    if (!there) sb_keyring_drop(store->keyring, held[i]);
  }
  return status;
}

/* Another process may have changed the root key since this one opened the gallery: its file, or the one that is about to
 * take its place, then has the key that fits. */
static sb_status load_under_new_root(sb_store *store, sb_error *error) {
  static const char *const names[] = {"semblance.key", SB_NEXT_KEY};
  sb_status status = SB_WRONG_KEY;
  for (size_t i = 0; status == SB_WRONG_KEY && i < 2; i++) {
    sb_root *root = NULL;
    char *path = sb_path_join(store->dir, names[i], error);
    if (path && sb_root_read(path, &root, NULL) == SB_OK) {
      sb_keyring_reroot(store->keyring, root);
      status = load(store, error);
    }
    if (status == SB_OK) {
      sb_root *old = store->root;
      store->root = root;
      root = old;
    }
    sb_root_free(root);
    free(path);
  }
  if (status == SB_WRONG_KEY) sb_keyring_reroot(store->keyring, store->root);
  return status;
}

sb_status sb_store_keys_load(sb_store *store, sb_error *error) {
  sb_status status = load(store, error);
  if (status == SB_WRONG_KEY && store->newest_key && store->root->origin == SB_ROOT_FILE)
    status = load_under_new_root(store, error);
  return status == SB_WRONG_KEY ? sb_store_keys_wrong(store, error) : status;
}

sb_status sb_store_keys_refresh(sb_store *store, sb_error *error) {
  int64_t newest = 0;
  sb_status status = sb_store_number(store, "SELECT coalesce(max(id), 0) FROM data_key", &newest, error);
  return status == SB_OK && newest != store->newest_key ? sb_store_keys_load(store, error) : status;
}

sb_status sb_store_keys_make(sb_store *store, sb_keyring_purpose purpose, sb_error *error) {
  uint8_t wrapped[SB_WRAPPED_SIZE];
  int64_t number = 0;
  sb_status status = store->driver->next_row(store, "data_key", &number, error);
  if (status != SB_OK) return status;
  if (number > UINT32_MAX) return sb_fail(error, SB_STORE, "the gallery has used up its numbers of data keys");
  sb_keyring_make(store->keyring, (uint32_t)number, purpose, wrapped);
  sb_statement s =
      sb_statement_new(store, "INSERT INTO data_key(id, purpose, wrapped, created) VALUES(?, ?, ?, ?)", error);
  sb_statement_bind_int(&s, 1, number);
  sb_statement_bind_text(&s, 2, purpose == SB_KEYRING_AUDIT ? "audit" : "data");
  sb_statement_bind_blob(&s, 3, wrapped, sizeof wrapped);
  sb_statement_bind_int(&s, 4, sb_now_ms());
  sb_statement_step(&s);
  status = sb_statement_end(&s);
  return status == SB_OK ? sb_store_keys_load(store, error) : status;
}
