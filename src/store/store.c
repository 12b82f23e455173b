/* Opening and closing the store.
 *
 * Invariants of the whole store
 *   1. What a function has acknowledged is durable: one transaction, synced to disk (SQLite: WAL with
 *      synchronous=FULL).
 *   2. Templates, names, ids, consents and attributes are only ever written sealed. The seal binds table, column and
 *      row, and row ids are never used twice, so a sealed field opens nowhere else. A template goes through its
 *      collection's secret transform before.
 *   3. Every change of faces is logged in `change` in the same transaction: an index that follows the log loses
 *      nothing.
 *   4. The root key is tried on the data keys before anything is written. Every write transaction begins by looking for
 *      newer data keys, so nothing is sealed under a key that a rotation retires.
 *   5. What was deleted is overwritten (secure_delete) and gone from the write-ahead log before the deletion is
 *      acknowledged.
 *
 * The parts, from the bottom: core (connection, lock, statements) over drivers; sealing (keys, sealed columns,
 * protection, row-set MAC); core/transaction; audit; gallery; this file. */
#include "store/audit/audit_queue.h"
#include "store/gallery/changes.h"
#include "store/gallery/counts.h"
#include "store/gallery/replica.h"
#include "store/open.h"
#include "store/schema/schema.h"
#include "store/sealing/keys.h"
#include "store/sealing/protection.h"
#include "store/sealing/row_mac.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- State */

static sb_status make_state(sb_store *store, sb_error *error) {
  sb_status status = sb_store_protections_new(store, error);
  if (status != SB_OK) return status;
  status = sb_store_counts_new(store, error);
  if (status != SB_OK) return status;
  status = sb_store_feed_new(store, error);
  return status == SB_OK ? sb_audit_queue_new(store, error) : status;
}

void sb_store_close(sb_store *store) {
  if (!store) return;
  sb_store_core_disconnect(store);
  sb_store_replica_free(store);
  sb_audit_queue_free(store);
  sb_store_feed_free(store);
  sb_store_counts_free(store);
  sb_store_row_mac_free(store);
  sb_store_protections_free(store);
  sb_store_keys_free(store);
  if (store->serve_lock >= 0) close(store->serve_lock);
  sb_store_core_free(store);
}

/* ---- Keys */

/* A key is made only together with a new gallery: an old one whose key was lost must not get a second key. */
static sb_status open_key(sb_store *store, bool fresh, const sb_root *given, sb_error *error) {
  sb_root *root = NULL;
  sb_status status = given ? sb_root_new(given->key, &root, error) : sb_root_open(store->dir, fresh, &root, error);
  return status == SB_OK ? sb_store_keys_set_root(store, root, error) : status;
}

/* Tries the key in the file SB_NEXT_KEY. SB_WRONG_KEY: there is no such file, or it has another key, too. */
static sb_status try_next_key(sb_store *store, sb_error *error) {
  sb_root *next = NULL;
  char *path = sb_path_join(store->dir, SB_NEXT_KEY, NULL);
  bool read = path && sb_root_read(path, &next, NULL) == SB_OK;
  free(path);
  if (!read) return SB_WRONG_KEY;
  sb_status status = sb_store_keys_set_root(store, next, error);
  if (status != SB_OK) return status;
  status = sb_store_schema_prepare(store, error);
  return status == SB_OK ? sb_root_settle(store->dir, SB_NEXT_KEY, error) : status;
}

/* A change of the root key writes the new one beside the old, wraps the data keys under it, and then moves it into the
 * old one's place (sealing/root_key.c). If it was interrupted in between, the database shows which of the two is the
 * gallery's key. */
static sb_status prepare_schema(sb_store *store, sb_error *error) {
  sb_error refusal = {0};
  sb_status status = sb_store_schema_prepare(store, &refusal);
  if (status == SB_WRONG_KEY && store->keys->root->origin == SB_ROOT_FILE) {
    sb_error other = {0};
    status = try_next_key(store, &other);
    if (*other.message) refusal = other;
  }
  return status == SB_OK ? SB_OK : sb_fail(error, status, "%s", refusal.message);
}

/* ---- Opening */

/* A server holds a lock while it works, by which `doctor` knows that it runs. A gallery in the folder has one server;
 * one in a database may have several that share the folder with the root key (`several`). */
static sb_status claim_folder(sb_store *store, bool several, sb_error *error) {
  char *path = sb_path_join(store->dir, several ? "serve-database.lock" : "serve.lock", error);
  if (!path) return SB_NO_MEMORY;
  sb_status status = SB_OK;
  store->serve_lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (store->serve_lock < 0)
    status = sb_fail_errno(error, errno, "open the lock file", path);
  else if (flock(store->serve_lock, (several ? LOCK_SH : LOCK_EX) | LOCK_NB) && !several)
    status = sb_fail(error, SB_BUSY,
                     "another server works on the gallery in %s already; stop it, or choose another folder with --data",
                     store->dir);
  free(path);
  return status;
}

static sb_status open_folder(sb_store *store, bool server, const sb_root *root, sb_error *error) {
  struct stat info;
  sb_status status = server ? claim_folder(store, false, error) : SB_OK;
  if (status != SB_OK) return status;
  char *path = sb_path_join(store->dir, "semblance.db", error);
  if (!path) return SB_NO_MEMORY;
  bool fresh = stat(path, &info) && errno == ENOENT;
  free(path);
  status = open_key(store, fresh, root, error);
  return status == SB_OK ? store->driver->connect(store, false, error) : status;
}

static sb_status open_database(sb_store *store, bool server, const sb_root *root, sb_error *error) {
  int64_t version = 0;
  sb_status status = server ? claim_folder(store, true, error) : SB_OK;
  if (status != SB_OK) return status;
  store->cancel_event = eventfd(0, EFD_CLOEXEC);
  if (store->cancel_event < 0) return sb_fail_errno(error, errno, "make an event", NULL);
  status = store->driver->connect(store, false, error);
  if (status != SB_OK) return status;
  status = store->driver->schema_version(store, &version, error);
  return status == SB_OK ? open_key(store, !version, root, error) : status;
}

static sb_status open_connection(sb_store *store, bool server, const sb_root *root, sb_error *error) {
  sb_status status = sb_dir_make(store->dir, error);
  if (status != SB_OK) return status;
  if (access(store->dir, W_OK | X_OK)) return sb_fail_errno(error, errno, "write to the gallery's folder", store->dir);
  return store->url ? open_database(store, server, root, error) : open_folder(store, server, root, error);
}

static sb_status check_migration(sb_store *store, sb_error *error) {
  int64_t marks = 0;
  sb_status status = sb_store_number(store, SB_STORE_COUNT_MIGRATION_MARKS, &marks, error);
  if (status != SB_OK || !marks) return status;
  return sb_fail(error, SB_STORE,
                 "a migration into this gallery was interrupted; give the same `semblance migrate` again");
}

typedef struct open_request {
  const char *dir, *url;
  bool server;
  bool migration_target; /* also when a migration was interrupted */
  const sb_root *root;   /* NULL: the folder's own */
} open_request;

static sb_status open_all(sb_store *store, const open_request *r, sb_error *error) {
  sb_status status = make_state(store, error);
  if (status != SB_OK) return status;
  status = open_connection(store, r->server, r->root, error);
  if (status != SB_OK) return status;
  status = sb_store_row_mac_new(store, error);
  if (status != SB_OK) return status;
  status = prepare_schema(store, error);
  if (status != SB_OK) return status;
  status = sb_store_row_mac_observe(store, error);
  return status == SB_OK && !r->migration_target ? check_migration(store, error) : status;
}

static sb_status open_store(const open_request *r, sb_store **out, sb_error *error) {
  sb_store *store = sb_store_core_new(r->dir, r->url, error);
  if (!store) return SB_NO_MEMORY;
  sb_status status = open_all(store, r, error);
  if (status == SB_OK)
    *out = store;
  else
    sb_store_close(store);
  return status;
}

sb_status sb_store_open(const char *dir, bool server, sb_store **out, sb_error *error) {
  return open_store(&(open_request){.dir = dir, .server = server}, out, error);
}

sb_status sb_store_open_at(const char *dir, const char *url, bool server, sb_store **out, sb_error *error) {
  if (!url || !*url) return sb_store_open(dir, server, out, error);
  if (!sb_store_url_is_server(url))
    return sb_fail(error, SB_INVALID, "--store names a database as postgresql://USER@HOST/DATABASE");
  return open_store(&(open_request){.dir = dir, .url = url, .server = server}, out, error);
}

sb_status sb_store_open_with(const char *dir, const sb_root *root, sb_store **out, sb_error *error) {
  return open_store(&(open_request){.dir = dir, .root = root}, out, error);
}

sb_status sb_store_open_migration_target(const char *dir, const char *url, sb_store **out, sb_error *error) {
  return open_store(&(open_request){.dir = dir, .url = url, .migration_target = true}, out, error);
}

sb_status sb_store_check(sb_store *store, sb_error *error) {
  sb_store_lock(store);
  sb_status status = store->driver->check(store, error);
  sb_store_unlock(store);
  return status;
}
