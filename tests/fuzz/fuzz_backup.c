/* Target: arbitrary bytes as an encrypted backup. They are refused, and never more is written than was sealed; a sealed
 * backup opens, a truncated one does not. */
#include "crypto/sealed_backup.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void check(bool right) {
  if (!right) abort();
}

static int file_of(const uint8_t *bytes, size_t size) {
  int file = memfd_create("fuzz", MFD_CLOEXEC);
  check(file >= 0 && write(file, bytes, size) == (ssize_t)size && lseek(file, 0, SEEK_SET) == 0);
  return file;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
  static const uint8_t key[SB_KEY_SIZE] = {4, 5, 6};
  sb_root *root = NULL;
  sb_error error = {0};
  check(sb_root_new(key, &root, NULL) == SB_OK);
  int given = file_of(bytes, size), out = file_of(bytes, 0), sealed = file_of(bytes, 0);
  sb_status status = sb_sealed_backup_open(root, given, out, &error);
  check(status == SB_INVALID || status == SB_WRONG_KEY);
  lseek(given, 0, SEEK_SET);
  check(sb_sealed_backup_seal(root, given, sealed, &error) == SB_OK);
  off_t end = lseek(sealed, 0, SEEK_END);
  check(end > (off_t)size && ftruncate(out, 0) == 0 && lseek(sealed, 0, SEEK_SET) == 0 && lseek(out, 0, SEEK_SET) == 0);
  check(sb_sealed_backup_open(root, sealed, out, &error) == SB_OK && lseek(out, 0, SEEK_END) == (off_t)size);
  check(ftruncate(sealed, end - 1 - (off_t)(size % 40)) == 0 && lseek(sealed, 0, SEEK_SET) == 0);
  check(sb_sealed_backup_open(root, sealed, out, &error) == SB_INVALID);
  close(given);
  close(out);
  close(sealed);
  sb_root_free(root);
  return 0;
}
