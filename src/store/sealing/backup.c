/* Backup and restore.
 *
 * A backup is the database as one moment had it (VACUUM INTO reads within one transaction, so a server goes on beside it),
 * without free pages, so nothing erased is in it; encrypted whole, under the root key. */
#include "crypto/sealed_backup.h"
#include "store/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A folder within `dir` for what is in work, and the path of a database in it. */
typedef struct bench {
  char *folder, *database;
} bench;

static sb_status bench_open(const char *dir, bench *out, sb_error *error) {
  *out = (bench){.folder = sb_path_join(dir, "work.XXXXXX", error)};
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

static void bench_close(bench *b) {
  static const char *const names[] = {"semblance.db", "semblance.db-wal", "semblance.db-shm", "semblance.db-journal"};
  for (size_t i = 0; b->folder && i < sizeof names / sizeof *names; i++) {
    char *path = sb_path_join(b->folder, names[i], NULL);
    if (path) unlink(path);
    free(path);
  }
  if (b->folder) rmdir(b->folder);
  free(b->folder);
  free(b->database);
}

/* Writes beside the place and moves there, so that there is a whole backup or none. */
static sb_status seal_file(const sb_root *root, const char *from, const char *to, sb_error *error) {
  char *partial = NULL;
  if (asprintf(&partial, "%s.XXXXXX", to) < 0) return sb_fail(error, SB_NO_MEMORY, "out of memory");
  int source = open(from, O_RDONLY | O_CLOEXEC), target = mkostemp(partial, O_CLOEXEC);
  sb_status status = SB_OK;
  if (source < 0)
    status = sb_fail_errno(error, errno, "open", from);
  else if (target < 0)
    status = sb_fail_errno(error, errno, "make the file", to);
  if (status == SB_OK) status = sb_sealed_backup_seal(root, source, target, error);
  if (status == SB_OK && fsync(target)) status = sb_fail_errno(error, errno, "write", to);
  if (status == SB_OK && rename(partial, to)) status = sb_fail_errno(error, errno, "write", to);
  if (status != SB_OK && target >= 0) unlink(partial);
  if (source >= 0) close(source);
  if (target >= 0) close(target);
  free(partial);
  return status;
}

static sb_status open_file(const sb_root *root, const char *from, const char *to, sb_error *error) {
  int source = open(from, O_RDONLY | O_CLOEXEC), target = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  sb_status status = SB_OK;
  if (source < 0)
    status = errno == ENOENT ? sb_fail(error, SB_INVALID, "there is no file %s", from)
                             : sb_fail_errno(error, errno, "open the backup", from);
  else if (target < 0)
    status = sb_fail_errno(error, errno, "make the file", to);
  if (status == SB_OK) status = sb_sealed_backup_open(root, source, target, error);
  if (status == SB_OK && fsync(target)) status = sb_fail_errno(error, errno, "write", to);
  if (source >= 0) close(source);
  if (target >= 0) close(target);
  return status;
}

sb_status sb_store_backup(sb_store *store, const char *path, sb_error *error) {
  bench b;
  sb_status status = bench_open(store->dir, &b, error);
  if (status == SB_OK) status = sb_audit_record(store, &(sb_audit_event){"backup", 0, 0, 0}, 1, error);
  if (status == SB_OK) status = store->driver->copy(store, b.database, error);
  if (status == SB_OK) status = seal_file(store->root, b.database, path, error);
  bench_close(&b);
  return status;
}

static sb_status pass_over(void *context, const sb_store_change *change, sb_error *error) {
  (void)change, (void)error;
  ++*(size_t *)context;
  return SB_OK;
}

/* Everything in it is opened once: the file is sound, the chain whole, every field in its place. */
static sb_status prove(const char *folder, const sb_root *root, sb_error *error) {
  sb_store *store = NULL;
  sb_audit_head head;
  sb_store_collection *collections = NULL;
  size_t templates = 0, count = 0;
  int64_t next = 0;
  sb_status status = sb_store_open_with(folder, root, &store, error);
  if (status == SB_OK) status = sb_store_check(store, error);
  if (status == SB_OK) status = sb_audit_verify(store, NULL, &head, error);
  if (status == SB_OK) status = sb_store_changes(store, 0, &next, pass_over, &templates, error);
  if (status == SB_OK) status = sb_store_collections(store, &collections, &count, error);
  for (size_t i = 0; status == SB_OK && i < count; i++) {
    sb_people *people = NULL;
    /* A query opens every id and name. */
    sb_store_listing all = {.collection = collections[i].row, .query = "\x7f", .limit = 1};
    status = sb_store_people(store, &all, &people, error);
    sb_people_free(people);
  }
  free(collections);
  sb_store_close(store);
  return status;
}

sb_status sb_store_backup_verify(const char *dir, const char *path, sb_error *error) {
  bench b = {0};
  sb_root *root = NULL;
  sb_status status = sb_root_open(dir, false, &root, error);
  if (status == SB_OK) status = bench_open(dir, &b, error);
  if (status == SB_OK) status = open_file(root, path, b.database, error);
  if (status == SB_OK) status = prove(b.folder, root, error);
  bench_close(&b);
  sb_root_free(root);
  return status;
}

sb_status sb_store_restore(const char *dir, const char *path, sb_error *error) {
  bench b = {0};
  sb_root *root = NULL;
  sb_status status = sb_dir_make(dir, error);
  char *place = status == SB_OK ? sb_path_join(dir, "semblance.db", error) : NULL;
  if (status == SB_OK && !place) status = SB_NO_MEMORY;
  if (status == SB_OK && access(place, F_OK) == 0)
    status = sb_fail(error, SB_EXISTS, "there is a gallery in %s already; restore into an empty folder", dir);
  if (status == SB_OK) status = sb_root_open(dir, false, &root, error);
  if (status == SB_OK) status = bench_open(dir, &b, error);
  if (status == SB_OK) status = open_file(root, path, b.database, error);
  if (status == SB_OK) status = prove(b.folder, root, error);
  if (status == SB_OK && link(b.database, place)) /* never over one that came meanwhile */
    status = errno == EEXIST ? sb_fail(error, SB_EXISTS, "there is a gallery in %s already", dir)
                             : sb_fail_errno(error, errno, "put the database in its place", place);
  bench_close(&b);
  sb_root_free(root);
  free(place);
  return status;
}
