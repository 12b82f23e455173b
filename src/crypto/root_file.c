/* The file of the root key: reading it, writing it atomically, and choosing among the origins of the key. */
#include "crypto/internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { FILE_BYTES_MAX = 4096 };

static sb_status read_file(const char *path, sb_root_origin origin, sb_root **out, sb_error *error) {
  uint8_t *bytes = NULL;
  size_t size = 0;
  sb_status status = sb_file_read(path, FILE_BYTES_MAX, &bytes, &size, error);
  if (status == SB_TOO_LARGE || status == SB_INVALID)
    return sb_fail(error, SB_WRONG_KEY, "%s does not hold a key: it should be a file of 64 hex digits", path);
  if (status != SB_OK) return status;
  status = sb_root_parse((const char *)bytes, size, path, out, error);
  if (status == SB_OK) (*out)->origin = origin;
  sodium_memzero(bytes, size);
  free(bytes);
  return status;
}

static sb_status sync_folder(const char *path, sb_error *error) {
  int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) return sb_fail_errno(error, errno, "open the folder", path);
  sb_status status = fsync(folder) ? sb_fail_errno(error, errno, "write to the disk", path) : SB_OK;
  close(folder);
  return status;
}

/* Writes `text` to the open file and flushes it to the disk. */
static sb_status write_text(int file, const char *path, const char *text, sb_error *error) {
  ssize_t written = write(file, text, strlen(text));
  if (written >= 0 && written != (ssize_t)strlen(text)) return sb_fail_errno(error, ENOSPC, "write the key file", path);
  if (written < 0 || fsync(file)) return sb_fail_errno(error, errno, "write the key file", path);
  return SB_OK;
}

/* Moves a complete file to its place: `replace` by rename; otherwise by link, which never replaces an existing file. */
static sb_status move_into_place(const char *partial, const char *path, bool replace, sb_error *error) {
  if (replace && rename(partial, path)) return sb_fail_errno(error, errno, "put the key file into place", path);
  if (!replace && link(partial, path) && errno != EEXIST)
    return sb_fail_errno(error, errno, "create the key file", path);
  return SB_OK;
}

/* ---- Temporary files that a killed process left: "semblance.key.XXXXXX", "semblance.key.next.XXXXXX" */

enum { LEFT_SECONDS = 60 };

static bool is_temporary(const char *name) {
  static const char first[] = "semblance.key.";
  const char *end = strrchr(name, '.');
  return !strncmp(name, first, sizeof first - 1) && strlen(end) == 7; /* a dot and the six letters of mkostemp */
}

static void wipe_file(int folder, const char *name) {
  static const char zeros[FILE_BYTES_MAX];
  int file = openat(folder, name, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
  bool wiped = file >= 0 && write(file, zeros, sizeof zeros) == (ssize_t)sizeof zeros && !fsync(file);
  if (file >= 0) close(file);
  if (!wiped || unlinkat(folder, name, 0))
    sb_log(SB_LOG_WARNING, "the temporary key file %s could not be wiped: delete it", name);
}

size_t sb_root_leftovers(const char *data_dir, bool wipe) {
  size_t count = 0;
  DIR *folder = opendir(data_dir);
  for (const struct dirent *entry; folder && (entry = readdir(folder));) {
    struct stat info;
    if (!is_temporary(entry->d_name) || fstatat(dirfd(folder), entry->d_name, &info, AT_SYMLINK_NOFOLLOW)) continue;
    if (!S_ISREG(info.st_mode) || time(NULL) - info.st_mtime < LEFT_SECONDS) continue;
    count++;
    if (wipe) wipe_file(dirfd(folder), entry->d_name);
  }
  if (folder) closedir(folder);
  return count;
}

/* Writes the file atomically: under a temporary name first, then moved into place. */
static sb_status put_file(const char *data_dir, const char *path, const char *text, bool replace, sb_error *error) {
  char *partial = NULL;
  sb_root_leftovers(data_dir, true);
  if (asprintf(&partial, "%s.XXXXXX", path) < 0) return sb_fail(error, SB_NO_MEMORY, "out of memory");
  int file = mkostemp(partial, O_CLOEXEC); /* mode 0600 */
  sb_status status =
      file < 0 ? sb_fail_errno(error, errno, "create the key file", path) : write_text(file, path, text, error);
  if (file >= 0) close(file);
  if (status == SB_OK) status = move_into_place(partial, path, replace, error);
  if (file >= 0) unlink(partial);
  free(partial);
  return status == SB_OK ? sync_folder(data_dir, error) : status;
}

static sb_status write_root(const sb_root *root, const char *data_dir, const char *path, const char *passphrase,
                            bool replace, sb_error *error) {
  char text[SB_ROOT_TEXT_SIZE];
  sb_status status = sb_root_format(root, passphrase, text, error);
  if (status == SB_OK) status = put_file(data_dir, path, text, replace, error);
  sodium_memzero(text, sizeof text);
  return status;
}

sb_status sb_root_write(const sb_root *root, const char *data_dir, const char *name, const char *passphrase,
                        sb_error *error) {
  char *path = sb_path_join(data_dir, name, error);
  if (!path) return SB_NO_MEMORY;
  sb_status status = write_root(root, data_dir, path, passphrase, true, error);
  free(path);
  return status;
}

sb_status sb_root_read(const char *path, sb_root **out, sb_error *error) {
  return read_file(path, SB_ROOT_FILE, out, error);
}

sb_status sb_root_settle(const char *data_dir, const char *name, sb_error *error) {
  sb_root_leftovers(data_dir, true);
  char *from = sb_path_join(data_dir, name, error), *to = sb_path_join(data_dir, "semblance.key", error);
  sb_status status = from && to ? SB_OK : SB_NO_MEMORY;
  if (status == SB_OK && rename(from, to)) status = sb_fail_errno(error, errno, "put the key file into place", to);
  if (status == SB_OK) status = sync_folder(data_dir, error);
  free(from);
  free(to);
  return status;
}

/* ---- Finding the root key */

static sb_status create_file(const char *data_dir, const char *path, sb_root **out, sb_error *error) {
  sb_root *made = NULL;
  sb_status status = sb_root_new(NULL, &made, error);
  if (status == SB_OK) status = write_root(made, data_dir, path, NULL, false, error);
  sb_root_free(made);
  return status == SB_OK
             ? read_file(path, SB_ROOT_FILE, out, error)
             : status; /* read back: another process may have made the file first, and then that one counts */
}

static sb_status find_file(const char *data_dir, bool may_create, sb_root **out, sb_error *error) {
  char *path = sb_path_join(data_dir, "semblance.key", error);
  if (!path) return SB_NO_MEMORY;
  sb_status status = read_file(path, SB_ROOT_FILE, out, error);
  if (status == SB_NOT_FOUND && may_create)
    status = create_file(data_dir, path, out, error);
  else if (status == SB_NOT_FOUND)
    status = sb_fail(error, SB_WRONG_KEY,
                     "the gallery's key %s is missing; restore it from your backup (`semblance keys import`), or set "
                     "SEMBLANCE_KEY",
                     path);
  free(path);
  return status;
}

/* The path of the systemd credential; NULL where there is none. One that cannot be looked at is there: reading it fails
 * then, where a new key in its place would hide the mistake. */
static char *credential_path(sb_error *error) {
  const char *folder = getenv("CREDENTIALS_DIRECTORY");
  char *path = folder && *folder ? sb_path_join(folder, "semblance.key", error) : NULL;
  if (path && (access(path, F_OK) == 0 || errno != ENOENT)) return path;
  free(path);
  return NULL;
}

sb_status sb_root_open(const char *data_dir, bool may_create, sb_root **out, sb_error *error) {
  sb_status status = sb_crypto_ready(error);
  if (status != SB_OK) return status;
  const char *given = getenv("SEMBLANCE_KEY"), *named = getenv("SEMBLANCE_KEY_FILE");
  if (given && *given) {
    status = sb_root_parse(given, strlen(given), "SEMBLANCE_KEY", out, error);
    if (status == SB_OK) (*out)->origin = SB_ROOT_ENVIRONMENT;
    return status;
  }
  char *credential = named && *named ? NULL : credential_path(error);
  if (named && *named)
    status = read_file(named, SB_ROOT_NAMED_FILE, out, error);
  else if (credential)
    status = read_file(credential, SB_ROOT_CREDENTIAL, out, error);
  else
    return find_file(data_dir, may_create, out, error);
  if (status == SB_NOT_FOUND)
    status = sb_fail(error, SB_WRONG_KEY,
                     "the key file %s (SEMBLANCE_KEY_FILE) is missing; correct the path, or unset the variable", named);
  free(credential);
  return status;
}
