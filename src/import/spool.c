/* The spool of an import. A temporary file has no name, so that no other program opens it, and is encrypted with
 * XChaCha20 (crypto/stream.c): what remains of it on the disk after a crash cannot be read. */
#include "import/spool.h"

#include "crypto/crypto.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct sb_spool {
  int file;
  bool encrypted;
  uint64_t size;
  uint8_t key[32];
};

static int open_unnamed(void) {
  const char *folder = getenv("TMPDIR");
  if (!folder || !*folder) folder = "/var/tmp";
  int file = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (file >= 0 || (errno != EOPNOTSUPP && errno != EISDIR)) return file;
  char name[4096]; /* the file system has no O_TMPFILE: make a file and unlink it at once */
  int length = snprintf(name, sizeof name, "%s/semblance-XXXXXX", folder);
  if (length < 0 || (size_t)length >= sizeof name) return -1;
  file = mkostemp(name, O_CLOEXEC);
  if (file >= 0) unlink(name);
  return file;
}

sb_status sb_spool_new(sb_spool **out, sb_error *error) {
  sb_spool *spool = sb_alloc(1, sizeof *spool, error);
  if (!spool) return SB_NO_MEMORY;
  spool->file = open_unnamed();
  if (spool->file < 0) {
    sb_status status = sb_fail_errno(error, errno, "make a temporary file for the import", NULL);
    free(spool);
    return status;
  }
  spool->encrypted = true;
  sb_crypto_random(spool->key, sizeof spool->key);
  *out = spool;
  return SB_OK;
}

sb_status sb_spool_open(const char *path, sb_spool **out, sb_error *error) {
  struct stat info;
  sb_spool *spool = sb_alloc(1, sizeof *spool, error);
  if (!spool) return SB_NO_MEMORY;
  spool->file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe must not be waited for: it is refused */
  sb_status status = SB_OK;
  if (spool->file < 0 || fstat(spool->file, &info))
    status = sb_fail_errno(error, errno, "read", path);
  else if (!S_ISREG(info.st_mode))
    status = sb_fail(error, SB_INVALID, "%s is not a regular file", path);
  if (status != SB_OK) {
    sb_spool_free(spool);
    return status;
  }
  spool->size = (uint64_t)info.st_size;
  *out = spool;
  return SB_OK;
}

void sb_spool_free(sb_spool *spool) {
  if (!spool) return;
  if (spool->file >= 0) close(spool->file);
  sb_wipe(spool->key, sizeof spool->key);
  free(spool);
}

uint64_t sb_spool_size(const sb_spool *spool) {
  return spool->size;
}

/* The key stream is addressed by the offset in the file, so any range can be decrypted alone. */
sb_status sb_spool_add(sb_spool *spool, const void *bytes, size_t size, sb_error *error) {
  uint8_t piece[16384];
  for (size_t done = 0; done < size;) {
    size_t part = size - done < sizeof piece ? size - done : sizeof piece;
    memcpy(piece, (const uint8_t *)bytes + done, part);
    sb_crypto_stream_xor(spool->key, spool->size, piece, part);
    for (size_t written = 0; written < part;) {
      ssize_t count = pwrite(spool->file, piece + written, part - written, (off_t)(spool->size + written));
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0) return sb_fail_errno(error, count ? errno : ENOSPC, "write the import to a temporary file", NULL);
      written += (size_t)count;
    }
    spool->size += part;
    done += part;
  }
  return SB_OK;
}

sb_status sb_spool_read(const sb_spool *spool, uint64_t offset, void *bytes, size_t size, sb_error *error) {
  if (offset > spool->size || size > spool->size - offset) return sb_fail(error, SB_INVALID, "the file is cut short");
  for (size_t done = 0; done < size;) {
    ssize_t count = pread(spool->file, (uint8_t *)bytes + done, size - done, (off_t)(offset + done));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return sb_fail_errno(error, count ? errno : EIO, "read the import's file", NULL);
    done += (size_t)count;
  }
  if (spool->encrypted) sb_crypto_stream_xor(spool->key, offset, bytes, size);
  return SB_OK;
}
