/* A disk that fails: loaded before the C library, lets SB_WRITES_BEFORE_FAILURE writes to the database pass, then fails
 * every write and every flush with EIO. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static atomic_long left = -1; /* -1: not read yet */

static int is_database(int file) {
  char link[64], path[1024];
  snprintf(link, sizeof link, "/proc/self/fd/%d", file);
  ssize_t size = readlink(link, path, sizeof path - 1);
  if (size < 0) return 0;
  path[size] = 0;
  return strstr(path, "semblance.db") != NULL && strstr(path, "-shm") == NULL;
}

static int fails(int file, long counts) {
  const char *writes = getenv("SB_WRITES_BEFORE_FAILURE");
  if (!writes || !is_database(file)) return 0;
  long none = -1;
  atomic_compare_exchange_strong(&left, &none, atol(writes));
  long before = atomic_load(&left);
  while (before > 0 && !atomic_compare_exchange_weak(&left, &before, before - counts)) {
  }
  if (before > 0) return 0;
  errno = EIO;
  return 1;
}

ssize_t pwrite(int file, const void *bytes, size_t size, off_t at) {
  ssize_t (*real)(int, const void *, size_t, off_t) =
      (ssize_t(*)(int, const void *, size_t, off_t))dlsym(RTLD_NEXT, "pwrite");
  return fails(file, 1) ? -1 : real(file, bytes, size, at);
}

ssize_t pwrite64(int file, const void *bytes, size_t size, off64_t at) {
  ssize_t (*real)(int, const void *, size_t, off64_t) =
      (ssize_t(*)(int, const void *, size_t, off64_t))dlsym(RTLD_NEXT, "pwrite64");
  return fails(file, 1) ? -1 : real(file, bytes, size, at);
}

int fsync(int file) {
  int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
  return fails(file, 0) ? -1 : real(file);
}

int fdatasync(int file) {
  int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
  return fails(file, 0) ? -1 : real(file);
}
