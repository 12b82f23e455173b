/* Reading and writing files completely, making folders, searching a path. */
#include "base/files.h"

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/errors.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

sb_status sb_read_all(int file, const char *path, void *bytes, size_t size, size_t *got, sb_error *error) {
  *got = 0;
  while (*got < size) {
    ssize_t count = read(file, (uint8_t *)bytes + *got, size - *got);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return sb_fail_errno(error, errno, "read", path);
    if (count == 0) break;
    *got += (size_t)count;
  }
  return SB_OK;
}

sb_status sb_write_all(int file, const char *path, const void *bytes, size_t size, sb_error *error) {
  for (size_t done = 0; done < size;) {
    ssize_t count = write(file, (const uint8_t *)bytes + done, size - done);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return sb_fail_errno(error, count ? errno : ENOSPC, "write", path);
    done += (size_t)count;
  }
  return SB_OK;
}

sb_status sb_file_read(const char *path, size_t max, uint8_t **bytes, size_t *size, sb_error *error) {
  int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* non-blocking: opening a named pipe must not wait */
  if (file < 0) return sb_fail_errno(error, errno, "open the file", path);
  struct stat info;
  uint8_t *block = NULL;
  size_t got = 0;
  sb_status status = SB_OK;
  if (fstat(file, &info))
    status = sb_fail_errno(error, errno, "read the size of", path);
  else if (!S_ISREG(info.st_mode))
    status = sb_fail(error, SB_INVALID, "%s is not a regular file", path);
  else if ((uintmax_t)info.st_size > max)
    status = sb_fail(error, SB_TOO_LARGE, "%s is larger than the limit of %zu MiB", path, max >> 20);
  else if (!(block = malloc((size_t)info.st_size + 1)))
    status = sb_fail(error, SB_NO_MEMORY, "out of memory");
  else
    status = sb_read_all(file, path, block, (size_t)info.st_size, &got, error);
  close(file);
  if (status != SB_OK) {
    free(block);
    return status;
  }
  block[got] = 0;
  *bytes = block;
  *size = got;
  return SB_OK;
}

sb_status sb_fail_missing(const char *what, const char *path, sb_error *error) {
  return sb_fail(error, SB_INVALID, "there is no %s %s", what, path);
}

sb_status sb_file_read_named(const char *path, size_t max, uint8_t **bytes, size_t *size, sb_error *error) {
  sb_status status = sb_file_read(path, max, bytes, size, error);
  return status == SB_NOT_FOUND ? sb_fail_missing("file", path, error) : status;
}

sb_status sb_read_to_end(int file, const char *name, size_t max, uint8_t **bytes, size_t *size, sb_error *error) {
  sb_buffer buffer = {0};
  uint8_t part[1 << 16];
  size_t got = 0;
  sb_status status = SB_OK;
  do {
    status = sb_read_all(file, name, part, sizeof part, &got, error);
    if (status == SB_OK && got > max - buffer.size)
      status = sb_fail(error, SB_TOO_LARGE, "%s is larger than the limit of %zu MiB", name, max >> 20);
    if (status == SB_OK) status = sb_buffer_add(&buffer, part, got, error);
  } while (status == SB_OK && got == sizeof part);
  if (status == SB_OK) status = sb_buffer_add(&buffer, "", 1, error);
  if (status != SB_OK) {
    sb_buffer_free(&buffer);
    return status;
  }
  *bytes = (uint8_t *)buffer.bytes;
  *size = buffer.size - 1;
  return SB_OK;
}

sb_status sb_file_read_stream(const char *path, size_t max, uint8_t **bytes, size_t *size, sb_error *error) {
  struct stat info;
  bool stream = !stat(path, &info) && (S_ISFIFO(info.st_mode) || S_ISCHR(info.st_mode) || S_ISSOCK(info.st_mode));
  if (!stream) return sb_file_read_named(path, max, bytes, size, error);
  int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return sb_fail_errno(error, errno, "open the file", path);
  sb_status status = sb_read_to_end(file, path, max, bytes, size, error);
  close(file);
  return status;
}

sb_status sb_dir_make(const char *path, sb_error *error) {
  char *partial = sb_strdup(path, error);
  if (!partial) return SB_NO_MEMORY;
  sb_status status = SB_OK;
  for (char *slash = partial + 1; status == SB_OK; slash++) {
    slash = strchr(slash, '/');
    if (slash) *slash = 0;
    if (mkdir(partial, 0700) && errno != EEXIST) status = sb_fail_errno(error, errno, "make the folder", partial);
    if (!slash) break;
    *slash = '/';
  }
  struct stat info;
  if (status == SB_OK && (stat(path, &info) || !S_ISDIR(info.st_mode)))
    status = sb_fail(error, SB_IO, "%s is not a folder; remove it or choose another path", path);
  free(partial);
  return status;
}

char *sb_path_join(const char *folder, const char *name, sb_error *error) {
  size_t length = strlen(folder);
  bool slash = length && folder[length - 1] == '/';
  char *path = NULL;
  if (asprintf(&path, "%s%s%s", folder, slash ? "" : "/", name) < 0) {
    sb_fail(error, SB_NO_MEMORY, "out of memory");
    return NULL;
  }
  return path;
}

char *sb_path_find(const char *path, const char *name, sb_error *error) {
  for (const char *at = path; *at;) {
    size_t length = strcspn(at, ":");
    char *folder = strndup(at, length);
    char *candidate = folder ? sb_path_join(folder, name, error) : NULL;
    free(folder);
    if (!candidate) {
      sb_fail(error, SB_NO_MEMORY, "out of memory");
      return NULL;
    }
    if (length && access(candidate, R_OK) == 0) return candidate;
    free(candidate);
    at += length + (at[length] == ':');
  }
  sb_fail(error, SB_NOT_FOUND, "%s was not found in any of the folders %s", name, path);
  return NULL;
}
