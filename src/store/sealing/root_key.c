/* Changing the root key, which wraps the data keys. What is sealed under the data keys stays as it is. */
#include "store/audit/audit_log.h"
#include "store/core/transaction.h"
#include "store/sealing/keys.h"

static sb_status rewrap_keys(sb_store *store, const sb_root *root, sb_error *error) {
  uint8_t wrapped[SB_WRAPPED_SIZE];
  sb_statement all = sb_statement_new(store, "SELECT id FROM data_key", error);
  sb_statement put = sb_statement_new(store, "UPDATE data_key SET wrapped = ? WHERE id = ?", error);
  while (put.status == SB_OK && sb_statement_step(&all)) {
    int64_t number = sb_statement_column_int(&all, 0);
    put.status = sb_keyring_rewrap(store->keys->keyring, root, (uint32_t)number, wrapped, error);
    sb_statement_bind_blob(&put, 1, wrapped, sizeof wrapped);
    sb_statement_bind_int(&put, 2, number);
    sb_statement_step(&put);
    sb_statement_reset(&put);
  }
  sb_status status = sb_statement_end(&all), other = sb_statement_end(&put);
  return status == SB_OK ? other : status;
}

static sb_status change_root(sb_store *store, const sb_root *root, sb_error *error) {
  sb_status status = sb_store_keys_load(store, error);
  if (status != SB_OK) return status;
  status = rewrap_keys(store, root, error);
  if (status != SB_OK) return status;
  return sb_audit_append(store, &(sb_audit_event){"key-root", 0, 0, 0}, NULL, error);
}

sb_status sb_store_change_root(sb_store *store, const sb_root *root, sb_error *error) {
  sb_status status = sb_store_begin(store, error);
  if (status != SB_OK) return status;
  status = sb_store_finish(store, change_root(store, root, error), error);
  if (status != SB_OK) return status;
  sb_keyring_reroot(store->keys->keyring, root);
  return sb_store_purge_log(store, error);
}

/* Writes the new key to a second file, wraps the data keys under it, then moves the file into the old one's place:
 * after a crash, one of the two files has the key that the database wants (store.c). */
static sb_status replace_file(sb_store *store, const sb_root *fresh, sb_error *error) {
  char passphrase[1024] = "";
  bool locked = store->keys->root->passphrase;
  sb_status status =
      locked ? sb_root_passphrase_get("passphrase of the gallery's key: ", passphrase, sizeof passphrase, error)
             : SB_OK;
  if (status == SB_OK) status = sb_root_write(fresh, store->dir, SB_NEXT_KEY, locked ? passphrase : NULL, error);
  sb_wipe(passphrase, sizeof passphrase);
  if (status != SB_OK) return status;
  status = sb_store_change_root(store, fresh, error);
  return status == SB_OK ? sb_root_settle(store->dir, SB_NEXT_KEY, error) : status;
}

sb_status sb_store_renew_root(sb_store *store, sb_error *error) {
  sb_root *fresh = NULL;
  if (store->keys->root->origin != SB_ROOT_FILE)
    return sb_fail(error, SB_INVALID,
                   "the root key is not stored in the gallery's folder, so it cannot be replaced there: make a new one "
                   "where it is stored, and name it with --new-key-file");
  sb_status status = sb_root_new(NULL, &fresh, error);
  if (status != SB_OK) return status;
  status = replace_file(store, fresh, error);
  if (status != SB_OK) return sb_root_free(fresh), status;
  fresh->origin = SB_ROOT_FILE;
  fresh->passphrase = store->keys->root->passphrase;
  sb_root_free(store->keys->root);
  store->keys->root = fresh;
  return SB_OK;
}
