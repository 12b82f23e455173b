/* Reads the directory of a ZIP archive (PKWARE's APPNOTE 6.3, without ZIP64). Every number in it is hostile. */
#include "import/upload_bundle.h"

#include <stdlib.h>
#include <string.h>

enum { END_SIZE = 22, COMMENT_MAX = 65535, ENTRY_SIZE = 46, LOCAL_SIZE = 30, STORED = 0, DEFLATED = 8, ENCRYPTED = 1 };

static uint32_t get16(const uint8_t *at) {
  return at[0] | (uint32_t)at[1] << 8;
}

static uint32_t get32(const uint8_t *at) {
  return get16(at) | get16(at + 2) << 16;
}

/* Where the directory is: from the record at the archive's end, which a comment may follow. */
static sb_status find_directory(const sb_upload_bundle *bundle, const sb_upload_bundle_item *zip, uint32_t *offset,
                                uint32_t *size, uint32_t *count, sb_error *error) {
  size_t tail = zip->size < END_SIZE + COMMENT_MAX ? (size_t)zip->size : END_SIZE + COMMENT_MAX;
  uint8_t *bytes = sb_alloc(tail + 1, 1, error);
  if (!bytes) return SB_NO_MEMORY;
  sb_status status = sb_spool_read(bundle->spool, zip->offset + zip->size - tail, bytes, tail, error);
  bool found = false;
  for (size_t at = tail; status == SB_OK && !found && at >= END_SIZE; at--) {
    const uint8_t *end = bytes + at - END_SIZE;
    found = get32(end) == 0x06054b50;
    if (!found) continue;
    *count = get16(end + 10);
    *size = get32(end + 12);
    *offset = get32(end + 16);
  }
  free(bytes);
  if (status != SB_OK) return status;
  if (!found)
    return sb_fail(error, SB_INVALID, "the ZIP archive is cut short: its directory is missing; send it again");
  if (*count == 0xffff || *offset == UINT32_MAX)
    return sb_fail(error, SB_INVALID,
                   "the ZIP archive has more than 65,534 files or 4 GB: send several, or the folder itself");
  if ((uint64_t)*offset + *size > zip->size)
    return sb_fail(error, SB_INVALID, "the ZIP archive's directory is damaged");
  return SB_OK;
}

/* The member's bytes begin behind its local header, whose extra field may differ from the directory's. */
static sb_status locate(const sb_upload_bundle *bundle, const sb_upload_bundle_item *zip, uint32_t header,
                        sb_upload_bundle_item *item, sb_error *error) {
  uint8_t local[LOCAL_SIZE];
  item->broken = true;
  if ((uint64_t)header + LOCAL_SIZE > zip->size) return SB_OK;
  sb_status status = sb_spool_read(bundle->spool, zip->offset + header, local, sizeof local, error);
  if (status != SB_OK) return status;
  uint64_t start = (uint64_t)header + LOCAL_SIZE + get16(local + 26) + get16(local + 28);
  item->offset = zip->offset + start;
  item->broken = get32(local) != 0x04034b50 || start > zip->size || item->size > zip->size - start;
  return SB_OK;
}

static sb_status add_member(sb_upload_bundle *bundle, const sb_upload_bundle_item *zip, const uint8_t *entry,
                            size_t name, sb_error *error) {
  const char *path = (const char *)entry + ENTRY_SIZE;
  if (!name || path[name - 1] == '/' || name > SB_UPLOAD_BUNDLE_PATH_MAX || !sb_utf8_valid(path, name)) return SB_OK;
  sb_upload_bundle_item item = {
      .size = get32(entry + 20), .full = get32(entry + 24), .deflated = get16(entry + 10) == DEFLATED};
  sb_status status = locate(bundle, zip, get32(entry + 42), &item, error);
  item.broken = item.broken || get16(entry + 8) & ENCRYPTED || (!item.deflated && get16(entry + 10) != STORED) ||
                (!item.deflated && item.size != item.full);
  return status == SB_OK ? sb_upload_bundle_add_item(bundle, path, name, item, error) : status;
}

sb_status sb_zip_open(sb_upload_bundle *bundle, size_t index, sb_error *error) {
  const sb_upload_bundle_item zip = bundle->items[index];
  uint32_t offset = 0, size = 0, count = 0;
  sb_status status = find_directory(bundle, &zip, &offset, &size, &count, error);
  if (status != SB_OK) return status;
  uint8_t *directory = sb_alloc((size_t)size + 1, 1, error);
  if (!directory) return SB_NO_MEMORY;
  status = sb_spool_read(bundle->spool, zip.offset + offset, directory, size, error);
  size_t at = 0;
  for (uint32_t i = 0; status == SB_OK && i < count; i++) {
    const uint8_t *entry = directory + at;
    if (size - at < ENTRY_SIZE || get32(entry) != 0x02014b50) {
      status = sb_fail(error, SB_INVALID, "the ZIP archive's directory is damaged");
      break;
    }
    size_t name = get16(entry + 28), whole = ENTRY_SIZE + name + get16(entry + 30) + get16(entry + 32);
    if (whole > size - at) {
      status = sb_fail(error, SB_INVALID, "the ZIP archive's directory is damaged");
      break;
    }
    status = add_member(bundle, &zip, entry, name, error);
    at += whole;
  }
  free(directory);
  return status;
}
