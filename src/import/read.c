/* Reads one item of an import: a file of the disk, or a range of the spool, unpacked where it is a member of an
 * archive. */
#include "import/items.h"
#include "import/rules.h"
#include "import/zip.h"

#include <stdlib.h>

enum { PHOTO_BYTES_MAX = 32 << 20 };

static sb_status fail_problem(sb_import_problem problem, sb_error *error) {
  switch (problem) {
  case SB_IMPORT_MISSING:
    return sb_fail(error, SB_INVALID, "a row of the CSV file names this photo, but it is not there");
  case SB_IMPORT_OTHER_NAME:
    return sb_fail(error, SB_INVALID,
                   "an earlier row of the CSV file has another name for this id: correct the id, or "
                   "give all its rows one name");
  case SB_IMPORT_ENCRYPTED:
    return sb_fail(error, SB_BAD_IMAGE, "the file is encrypted in the archive: pack it without a password");
  case SB_IMPORT_PACKED:
    return sb_fail(error, SB_BAD_IMAGE, "the archive packs this file by a method that is not read: use deflate");
  case SB_IMPORT_READABLE:
  case SB_IMPORT_DAMAGED: break;
  }
  return sb_fail(error, SB_BAD_IMAGE, "the file is damaged in the archive: make the archive again");
}

static sb_status read_spool(const sb_spool *spool, const sb_import_item *item, uint8_t **bytes, sb_error *error) {
  uint8_t *stored = sb_alloc((size_t)item->stored_size + 1, 1, error);
  if (!stored) return SB_NO_MEMORY;
  sb_status status = sb_spool_read(spool, item->offset, stored, (size_t)item->stored_size, error);
  if (status == SB_OK && item->member) status = sb_zip_unpack(item, &stored, error);
  if (status == SB_OK)
    *bytes = stored;
  else
    free(stored);
  return status;
}

sb_status sb_import_read_at_most(const sb_import *import, const sb_import_item *item, size_t most, uint8_t **bytes,
                                 size_t *size, sb_error *error) {
  if (item->problem != SB_IMPORT_READABLE) return fail_problem(item->problem, error);
  if (!import->spool) return sb_file_read_named(item->path, most, bytes, size, error);
  if (item->size > most || item->stored_size > most)
    return sb_fail(error, SB_TOO_LARGE, "the file is larger than %zu bytes", most);
  *size = (size_t)item->size;
  return read_spool(import->spool, item, bytes, error);
}

sb_status sb_import_read(const sb_import *import, const sb_import_item *item, uint8_t **bytes, size_t *size,
                         sb_error *error) {
  sb_status status = sb_import_read_at_most(import, item, PHOTO_BYTES_MAX, bytes, size, error);
  if (status != SB_OK || *size || sb_import_has_picture_name(item->path)) return status;
  free(*bytes);
  *bytes = NULL;
  return sb_fail(error, SB_UNSUPPORTED_IMAGE, "the file is empty");
}

bool sb_import_passes_over(const sb_import_item *item, sb_status status) {
  return status == SB_UNSUPPORTED_IMAGE && !item->row && !sb_import_has_picture_name(item->path);
}
