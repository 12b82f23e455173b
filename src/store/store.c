/* The gallery on disk.
 *
 * Invariants
 *   1. What a function acknowledged is durable: one transaction, WAL with synchronous=FULL.
 *   2. A template, name, id, consent or attribute is only ever written sealed; its seal binds table, column and row, and row
 *      ids are never used twice (AUTOINCREMENT), so no sealed field opens in another's place. A template is put through its
 *      collection's secret transform before.
 *   3. Every change of faces stands in `change`, written in the same transaction: an index that follows it loses nothing.
 *   4. The root key is tried on the data keys before anything is written; every write transaction begins with a look for
 *      newer data keys, so that nothing is sealed under one that a rotation retires.
 *   5. What was deleted is overwritten (secure_delete) and gone from the write-ahead log before that is acknowledged. */
#include "store/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static sb_status claim_folder(sb_store *store, sb_error *error) {
  char *path = sb_path_join(store->dir, "serve.lock", error);
  if (!path) return SB_NO_MEMORY;
  sb_status status = SB_OK;
  store->claim = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (store->claim < 0)
    status = sb_fail_errno(error, errno, "open the lock file", path);
  else if (flock(store->claim, LOCK_EX | LOCK_NB))
    status = sb_fail(error, SB_BUSY,
                     "another server works on the gallery in %s already; stop it, or choose another folder with --data",
                     store->dir);
  free(path);
  return status;
}

/* Opens the gallery with another root key; takes it over. */
static sb_status try_key(sb_store *store, sb_root *root, sb_error *error) {
  sb_keyring *keyring = NULL;
  sb_status status = sb_keyring_new(root, &keyring, error);
  if (status != SB_OK) {
    sb_root_free(root);
    return status;
  }
  sb_keyring_free(store->keyring);
  sb_root_free(store->root);
  store->keyring = keyring;
  store->root = root;
  return sb_store_schema_prepare(store, error);
}

/* A change of the root key writes the new one beside the old, wraps the data keys under it, and then moves it into the old
 * one's place (rotate.c). Where it was cut off in between, the database says which of the two is the gallery's. */
static sb_status prepare(sb_store *store, sb_error *error) {
  sb_error refusal = {0};
  sb_root *next = NULL;
  sb_status status = sb_store_schema_prepare(store, &refusal);
  char *path = store->root->origin == SB_ROOT_FILE ? sb_path_join(store->dir, SB_NEXT_KEY, NULL) : NULL;
  if (path && status == SB_WRONG_KEY && sb_root_read(path, &next, NULL) == SB_OK)
    status = try_key(store, next, &refusal);
  if (status == SB_OK && next) status = sb_root_settle(store->dir, SB_NEXT_KEY, &refusal);
  free(path);
  return status == SB_OK ? SB_OK : sb_fail(error, status, "%s", refusal.message);
}

/* A key is made only with a new gallery: an old one whose key is lost must not get a second one. */
static sb_status open_key(sb_store *store, bool fresh, const sb_root *root, sb_error *error) {
  sb_status status =
      root ? sb_root_new(root->key, &store->root, error) : sb_root_open(store->dir, fresh, &store->root, error);
  return status == SB_OK ? sb_keyring_new(store->root, &store->keyring, error) : status;
}

static sb_status open_folder(sb_store *store, bool server, const sb_root *root, sb_error *error) {
  sb_status status = server ? claim_folder(store, error) : SB_OK;
  char *path = status == SB_OK ? sb_path_join(store->dir, "semblance.db", error) : NULL;
  if (status == SB_OK && !path) status = SB_NO_MEMORY;
  struct stat info;
  bool fresh = path && stat(path, &info) && errno == ENOENT;
  if (status == SB_OK) status = open_key(store, fresh, root, error);
  if (status == SB_OK) status = store->driver->connect(store, false, error);
  free(path);
  return status;
}

static sb_status open_server(sb_store *store, const sb_root *root, sb_error *error) {
  int64_t version = 0;
  sb_status status = store->driver->connect(store, false, error);
  if (status == SB_OK) status = store->driver->schema(store, &version, error);
  return status == SB_OK ? open_key(store, !version, root, error) : status;
}

static sb_status open_all(sb_store *store, bool server, const sb_root *root, sb_error *error) {
  sb_status status = sb_dir_make(store->dir, error);
  if (status == SB_OK && access(store->dir, W_OK | X_OK))
    status = sb_fail_errno(error, errno, "write to the gallery's folder", store->dir);
  if (status == SB_OK) status = store->url ? open_server(store, root, error) : open_folder(store, server, root, error);
  if (status == SB_OK) status = sb_store_row_mac_open(store, error);
  if (status == SB_OK) status = prepare(store, error);
  return status == SB_OK ? sb_store_row_mac_observe(store, error) : status;
}

static sb_store *store_new(const char *dir, const char *url, sb_error *error) {
  sb_store *store = sb_alloc(1, sizeof *store, error);
  if (!store) return NULL;
  store->driver = url ? &sb_driver_postgres : &sb_driver_sqlite;
  store->claim = store->cancel_event = -1;
  store->data_version = store->seen_written = -1;
  store->counted[0].written = store->counted[1].written = -1;
  pthread_mutex_init(&store->lock, NULL);
  pthread_mutex_init(&store->notes_lock, NULL);
  pthread_cond_init(&store->noted, NULL);
  store->notes_end = &store->notes;
  store->dir = sb_strdup(dir, error);
  store->url = url ? sb_strdup(url, error) : NULL;
  if (store->dir && !store->url == !url) return store;
  sb_store_close(store);
  return NULL;
}

/* An event of its own, or that of another store. */
static sb_status have_hurry(sb_store *store, const sb_store *of, sb_error *error) {
  store->cancel_event = of ? fcntl(of->cancel_event, F_DUPFD_CLOEXEC, 0) : eventfd(0, EFD_CLOEXEC);
  return store->cancel_event < 0 ? sb_fail_errno(error, errno, "make an event", NULL) : SB_OK;
}

void sb_store_cancel_waits(sb_store *store) {
  if (store->cancel_event >= 0) eventfd_write(store->cancel_event, 1);
}

static sb_status check_whole(sb_store *store, sb_error *error) {
  int64_t marks = 0;
  sb_status status = sb_store_number(store, "SELECT count(*) FROM meta WHERE key = 'migration'", &marks, error);
  if (status == SB_OK && marks)
    status =
        sb_fail(error, SB_STORE, "a migration into this gallery was cut off; give the same `semblance migrate` again");
  return status;
}

/* `whole`: a gallery that a migration was cut off in is refused. */
static sb_status open_store(const char *dir, const char *url, bool server, bool whole, const sb_root *root,
                            sb_store **out, sb_error *error) {
  sb_store *store = store_new(dir, url, error);
  if (!store) return SB_NO_MEMORY;
  sb_status status = url ? have_hurry(store, NULL, error) : SB_OK;
  if (status == SB_OK) status = open_all(store, server, root, error);
  if (status == SB_OK && whole) status = check_whole(store, error);
  if (status == SB_OK)
    *out = store;
  else
    sb_store_close(store);
  return status;
}

/* `of`: the store that it belongs to; NULL: none. */
static sb_status open_reader(const char *dir, const char *url, bool once, const sb_store *of, sb_store **out,
                             sb_error *error) {
  sb_store *reader = store_new(dir, url, error);
  if (!reader) return SB_NO_MEMORY;
  reader->single_attempt = once;
  sb_status status = of && of->cancel_event >= 0 ? have_hurry(reader, of, error) : SB_OK;
  if (status == SB_OK) status = reader->driver->connect(reader, true, error);
  if (status == SB_OK)
    *out = reader;
  else
    sb_store_close(reader);
  return status;
}

sb_status sb_store_reader_at(const char *dir, const char *url, sb_store **out, sb_error *error) {
  return open_reader(dir, url, false, NULL, out, error);
}

sb_status sb_store_replica_at(const char *dir, const char *url, sb_store **out, sb_error *error) {
  return open_reader(dir, url, true, NULL, out, error);
}

sb_status sb_store_reader(const sb_store *store, sb_store **out, sb_error *error) {
  return open_reader(store->dir, store->url, false, store, out, error);
}

bool sb_store_url_is_server(const char *url) {
  static const char *const kinds[] = {"postgresql://", "postgres://"};
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
    if (!strncmp(url, kinds[i], strlen(kinds[i]))) return true;
  return false;
}

sb_status sb_store_open(const char *dir, bool server, sb_store **out, sb_error *error) {
  return open_store(dir, NULL, server, true, NULL, out, error);
}

sb_status sb_store_open_at(const char *dir, const char *url, bool server, sb_store **out, sb_error *error) {
  if (!url || !*url) return sb_store_open(dir, server, out, error);
  if (sb_store_url_is_server(url)) return open_store(dir, url, server, true, NULL, out, error);
  return sb_fail(error, SB_INVALID, "--store names a database as postgresql://USER@HOST/DATABASE");
}

sb_status sb_store_open_with(const char *dir, const sb_root *root, sb_store **out, sb_error *error) {
  return open_store(dir, NULL, false, true, root, out, error);
}

sb_status sb_store_open_target(const char *dir, const char *url, sb_store **out, sb_error *error) {
  return open_store(dir, url, false, false, NULL, out, error);
}

void sb_store_close(sb_store *store) {
  if (!store) return;
  if (store->connection) store->driver->disconnect(store);
  sb_store_replica_free(store->replica);
  sb_store_protections_free(store);
  sb_keyring_free(store->keyring);
  sb_root_free(store->root);
  if (store->claim >= 0) close(store->claim);
  if (store->cancel_event >= 0) close(store->cancel_event);
  free(store->dir);
  if (store->url) sb_wipe(store->url, strlen(store->url)); /* it may hold a password */
  free(store->url);
  pthread_cond_destroy(&store->noted);
  pthread_mutex_destroy(&store->notes_lock);
  pthread_mutex_destroy(&store->lock);
  free(store);
}

sb_status sb_store_check(sb_store *store, sb_error *error) {
  sb_store_lock(store);
  sb_status status = store->driver->check(store, error);
  sb_store_unlock(store);
  return status;
}
