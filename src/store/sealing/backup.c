/* Backup and restore.
 *
 * A backup is a snapshot of the database (VACUUM INTO, so a server works on beside it) without free pages, so nothing
 * erased is in it. The whole file is encrypted under the root key (crypto/sealed_backup.h). */
#include "crypto/sealed_backup.h"
#include "store/core/store_core.h"
#include "store/gallery/events.h"
#include "store/sealing/keys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A temporary folder within the gallery's, and the path of a database in it. */
typedef struct work_folder {
  char *folder, *database;
} work_folder;

static sb_status work_folder_make(const char *dir, work_folder *out, sb_error *error) {
  *out = (work_folder){.folder = sb_path_join(dir, "work.XXXXXX", error)};
  if (!out->folder) return SB_NO_MEMORY;
  if (!mkdtemp(out->folder)) { /* mode 0700 */
    sb_status status = sb_fail_errno(error, errno, "make a folder in", dir);
    free(out->folder);
    out->folder = NULL;
    return status;
  }
  out->database = sb_path_join(out->folder, "semblance.db", error);
  return out->database ? SB_OK : SB_NO_MEMORY;
}

static void work_folder_remove(work_folder *w) {
  static const char *const names[] = {"semblance.db", "semblance.db-wal", "semblance.db-shm", "semblance.db-journal"};
  for (size_t i = 0; w->folder && i < sizeof names / sizeof *names; i++) {
    char *path = sb_path_join(w->folder, names[i], NULL);
    if (path) unlink(path);
    free(path);
  }
  if (w->folder) rmdir(w->folder);
  free(w->folder);
  free(w->database);
}

/* ---- Encrypting and decrypting */

static sb_status seal_into(const sb_root *root, int source, int target, const char *to, sb_error *error) {
  sb_status status = sb_sealed_backup_seal(root, source, target, error);
  return status == SB_OK && fsync(target) ? sb_fail_errno(error, errno, "write", to) : status;
}

/* Writes a file beside `to` and renames it, so that there is a complete backup or none. */
static sb_status seal_file(const sb_root *root, const char *from, const char *to, sb_error *error) {
  char *partial = NULL;
  if (asprintf(&partial, "%s.XXXXXX", to) < 0) return sb_fail(error, SB_NO_MEMORY, "out of memory");
  int source = open(from, O_RDONLY | O_CLOEXEC), target = mkostemp(partial, O_CLOEXEC);
  sb_status status = source < 0   ? sb_fail_errno(error, errno, "open", from)
                     : target < 0 ? sb_fail_errno(error, errno, "make the file", to)
                                  : seal_into(root, source, target, to, error);
  if (status == SB_OK && rename(partial, to)) status = sb_fail_errno(error, errno, "write", to);
  if (status != SB_OK && target >= 0) unlink(partial);
  if (source >= 0) close(source);
  if (target >= 0) close(target);
  free(partial);
  return status;
}

static sb_status open_failed(const char *from, sb_error *error) {
  if (errno == ENOENT) return sb_fail_missing("file", from, error);
  return sb_fail_errno(error, errno, "open the backup", from);
}

static sb_status open_into(const sb_root *root, int source, int target, const char *to, sb_error *error) {
  sb_status status = sb_sealed_backup_open(root, source, target, error);
  return status == SB_OK && fsync(target) ? sb_fail_errno(error, errno, "write", to) : status;
}

static sb_status open_file(const sb_root *root, const char *from, const char *to, sb_error *error) {
  int source = open(from, O_RDONLY | O_CLOEXEC);
  if (source < 0) return open_failed(from, error);
  int target = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  sb_status status =
      target < 0 ? sb_fail_errno(error, errno, "make the file", to) : open_into(root, source, target, to, error);
  close(source);
  if (target >= 0) close(target);
  return status;
}

/* ---- Backup */

static sb_status back_up(sb_store *store, const work_folder *w, const char *path, sb_error *error) {
  sb_status status = sb_audit_record(store, &(sb_audit_event){"backup", 0, 0, 0}, 1, error);
  if (status != SB_OK) return status;
  status = store->driver->snapshot(store, w->database, error);
  return status == SB_OK ? seal_file(store->keys->root, w->database, path, error) : status;
}

sb_status sb_store_backup(sb_store *store, const char *path, sb_error *error) {
  work_folder w;
  sb_status status = work_folder_make(store->dir, &w, error);
  if (status == SB_OK) status = back_up(store, &w, path, error);
  work_folder_remove(&w);
  return status;
}

/* ---- Verification: everything in the backup is opened once */

static sb_status ignore_change(void *context, const sb_store_change *change, sb_error *error) {
  (void)context, (void)change, (void)error;
  return SB_OK;
}

/* Opens the ids and names of all people, by a query that matches nobody. */
static sb_status open_people(sb_store *store, sb_error *error) {
  sb_store_collection *collections = NULL;
  size_t count = 0;
  sb_status status = sb_store_collections(store, &collections, &count, error);
  for (size_t i = 0; status == SB_OK && i < count; i++) {
    sb_people *people = NULL;
    const sb_store_listing all = {.collection = collections[i].row, .query = "\x7f", .limit = 1};
    status = sb_store_people(store, &all, &people, error);
    sb_people_free(people);
  }
  free(collections);
  return status;
}

static sb_status check_all(sb_store *store, sb_error *error) {
  sb_audit_head head;
  int64_t next = 0;
  sb_status status = sb_store_check(store, error);
  if (status != SB_OK) return status;
  status = sb_audit_verify(store, NULL, &head, error);
  if (status != SB_OK) return status;
  status = sb_store_changes(store, 0, &next, ignore_change, NULL, error);
  if (status == SB_OK) status = open_people(store, error);
  return status == SB_OK ? sb_store_events_check(store, error) : status;
}

/* Decrypts the backup into the work folder and checks it. */
static sb_status unpack(const sb_root *root, const char *path, const work_folder *w, sb_error *error) {
  sb_store *store = NULL;
  sb_status status = open_file(root, path, w->database, error);
  if (status != SB_OK) return status;
  status = sb_store_open_with(w->folder, root, &store, error);
  if (status != SB_OK) return status;
  status = check_all(store, error);
  sb_store_close(store);
  return status;
}

sb_status sb_store_backup_verify(const char *dir, const char *path, sb_error *error) {
  work_folder w = {0};
  sb_root *root = NULL;
  sb_status status = sb_root_open(dir, false, &root, error);
  if (status != SB_OK) return status;
  status = work_folder_make(dir, &w, error);
  if (status != SB_OK) goto done;
  status = unpack(root, path, &w, error);
done:
  work_folder_remove(&w);
  sb_root_free(root);
  return status;
}

/* ---- Restore */

/* By a link, which never replaces a database that appeared meanwhile. */
static sb_status put_in_place(const char *dir, const char *from, const char *to, sb_error *error) {
  if (!link(from, to)) return SB_OK;
  if (errno == EEXIST) return sb_fail(error, SB_EXISTS, "there is a gallery in %s already", dir);
  return sb_fail_errno(error, errno, "put the database in its place", to);
}

static sb_status restore(const char *dir, const char *path, const char *database, sb_error *error) {
  work_folder w = {0};
  sb_root *root = NULL;
  if (access(database, F_OK) == 0)
    return sb_fail(error, SB_EXISTS, "there is a gallery in %s already; restore into an empty folder", dir);
  sb_status status = sb_root_open(dir, false, &root, error);
  if (status != SB_OK) goto done;
  status = work_folder_make(dir, &w, error);
  if (status != SB_OK) goto done;
  status = unpack(root, path, &w, error);
  if (status != SB_OK) goto done;
  status = put_in_place(dir, w.database, database, error);
done:
  work_folder_remove(&w);
  sb_root_free(root);
  return status;
}

sb_status sb_store_restore(const char *dir, const char *path, sb_error *error) {
  sb_status status = sb_dir_make(dir, error);
  if (status != SB_OK) return status;
  char *database = sb_path_join(dir, "semblance.db", error);
  if (!database) return SB_NO_MEMORY;
  status = restore(dir, path, database, error);
  free(database);
  return status;
}
