/* ZIP reader: the central directory of an archive, and its members unpacked (PKWARE's APPNOTE 6.3; stored and
 * deflate, no ZIP64, no encryption). Every number in an archive is hostile. The directory decides, local headers
 * only say where the bytes begin.
 *
 * Why not libzip, which this was compared with (1.7.3, Debian 12):
 *  - It reads the whole directory before the caller can count it: four million entries of one upload took 918 MB and
 *    41 s, and an upload of 8 GB (--max-import) may hold forty times as many. Here 65,534 entries are the limit of
 *    the format without ZIP64, and they are refused before memory is taken. A check of the count before libzip would
 *    be half of this file again.
 *  - A zip_t is for one thread, while a job's workers read members side by side; here a member is a range of the
 *    spool.
 *  - It unpacks bzip2 and, by build, xz and zstd, and links libcrypto: code for hostile input that photos do not
 *    need.
 *  - It accepts members that overlap (60,000 of 30 MB in a file of 2.8 MB opened without an error); here those are
 *    damaged.
 *  - It is not less code: the source callback over the spool, listing, limits and locks are as long as this reader.
 *
 * Invariants: no path of an archive is opened; members of one archive share no bytes, and unpack to a bounded multiple
 * of its size; a member unpacks to exactly the size and the CRC-32 of its entry, or is damaged. */
#include "import/zip.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum {
  DIRECTORY_MAX = 64 << 20, /* bytes of the central directory: 65,534 entries with names of 1,000 bytes */
  UNPACKED_SPARE = 64 << 20 /* bytes that members may unpack to beyond UNPACKED_TIMES the archive's size */
};
enum { UNPACKED_TIMES = 64 };
enum { END_SIZE = 22, COMMENT_MAX = 65535, ENTRY_SIZE = 46, LOCAL_SIZE = 30, STORED = 0, DEFLATED = 8, ENCRYPTED = 1 };

/* An archive that is being opened. */
typedef struct archive {
  sb_import *import;
  uint64_t start, size; /* its range of the spool */
  uint64_t unpacked;    /* bytes that the members so far unpack to */
} archive;

/* The central directory: from the end-of-central-directory record. */
typedef struct directory {
  uint32_t offset, size, count;
} directory;

static uint32_t get16(const uint8_t *at) {
  return at[0] | (uint32_t)at[1] << 8;
}

static uint32_t get32(const uint8_t *at) {
  return get16(at) | get16(at + 2) << 16;
}

bool sb_zip_begins(const uint8_t magic[4]) {
  uint32_t word = get32(magic);
  return word == 0x04034b50 || word == 0x06054b50 || word == 0x08074b50; /* a member, an empty archive, a spanned one */
}

/* The record is at the archive's end, and a comment of up to 64 KB may follow it: it is searched from the end. */
static bool find_end_record(const uint8_t *tail, size_t size, directory *out) {
  for (size_t at = size; at >= END_SIZE; at--) {
    const uint8_t *end = tail + at - END_SIZE;
    if (get32(end) != 0x06054b50) continue;
    *out = (directory){.offset = get32(end + 16), .size = get32(end + 12), .count = get16(end + 10)};
    return true;
  }
  return false;
}

static sb_status find_directory(const archive *a, directory *out, sb_error *error) {
  size_t size = a->size < END_SIZE + COMMENT_MAX ? (size_t)a->size : END_SIZE + COMMENT_MAX;
  uint8_t *tail = sb_alloc(size + 1, 1, error);
  if (!tail) return SB_NO_MEMORY;
  sb_status status = sb_spool_read(a->import->spool, a->start + a->size - size, tail, size, error);
  bool found = status == SB_OK && find_end_record(tail, size, out);
  free(tail);
  if (status != SB_OK) return status;
  if (!found)
    return sb_fail(error, SB_INVALID, "the ZIP archive is cut short: its directory is missing; make or send it again");
  if (out->count == 0xffff || out->offset == UINT32_MAX)
    return sb_fail(error, SB_INVALID,
                   "the ZIP archive has more than 65,534 files or 4 GB: send several archives, or the folder itself");
  if ((uint64_t)out->offset + out->size > a->size || out->size > DIRECTORY_MAX)
    return sb_fail(error, SB_INVALID, "the ZIP archive's directory is damaged: make the archive again");
  return SB_OK;
}

/* A member's bytes begin behind its local header, whose extra field may differ from the directory's. */
static sb_status locate(archive *a, uint32_t header, sb_import_item *item, sb_error *error) {
  uint8_t local[LOCAL_SIZE];
  item->problem = SB_IMPORT_DAMAGED;
  if ((uint64_t)header + LOCAL_SIZE > a->size) return SB_OK;
  sb_status status = sb_spool_read(a->import->spool, a->start + header, local, sizeof local, error);
  if (status != SB_OK) return status;
  uint64_t begin = (uint64_t)header + LOCAL_SIZE + get16(local + 26) + get16(local + 28);
  if (get32(local) != 0x04034b50 || begin > a->size || item->stored_size > a->size - begin) return SB_OK;
  a->unpacked += item->size;
  if (a->unpacked > UNPACKED_TIMES * a->size + UNPACKED_SPARE) return SB_OK; /* photos are not so compressible */
  item->offset = a->start + begin;
  item->problem = SB_IMPORT_READABLE;
  return SB_OK;
}

static sb_import_problem problem_of(const sb_import_item *item, uint32_t flags, uint32_t method) {
  if (item->problem != SB_IMPORT_READABLE) return item->problem;
  if (flags & ENCRYPTED) return SB_IMPORT_ENCRYPTED;
  if (method != STORED && method != DEFLATED) return SB_IMPORT_PACKED;
  return method == STORED && item->stored_size != item->size ? SB_IMPORT_DAMAGED : SB_IMPORT_READABLE;
}

/* Folders, and names that are too long or not UTF-8, are left out. */
static sb_status add_member(archive *a, const uint8_t *entry, size_t name, sb_error *error) {
  const char *path = (const char *)entry + ENTRY_SIZE;
  if (!name || path[name - 1] == '/' || name > SB_IMPORT_PATH_MAX || !sb_utf8_valid(path, name)) return SB_OK;
  uint32_t flags = get16(entry + 8), method = get16(entry + 10);
  sb_import_item item = {.crc = get32(entry + 16),
                         .stored_size = get32(entry + 20),
                         .size = get32(entry + 24),
                         .member = true,
                         .deflated = method == DEFLATED};
  sb_status status = locate(a, get32(entry + 42), &item, error);
  if (status != SB_OK) return status;
  item.problem = problem_of(&item, flags, method);
  return sb_import_add(a->import, path, name, item, error);
}

static int compare_offsets(const void *a, const void *b) {
  const sb_import_item *x = *(const sb_import_item *const *)a, *y = *(const sb_import_item *const *)b;
  return (x->offset > y->offset) - (x->offset < y->offset);
}

/* Members that share bytes are a compression bomb (Fifield 2019), or make a job repeat one photo for hours: of those,
 * only the first in the archive is read. */
static sb_status refuse_overlaps(sb_import *import, size_t first, sb_error *error) {
  size_t count = 0;
  sb_import_item **sorted = sb_alloc(import->count - first + 1, sizeof *sorted, error);
  if (!sorted) return SB_NO_MEMORY;
  for (size_t i = first; i < import->count; i++)
    if (import->items[i].problem == SB_IMPORT_READABLE) sorted[count++] = &import->items[i];
  qsort(sorted, count, sizeof *sorted, compare_offsets);
  uint64_t end = 0;
  for (size_t i = 0; i < count; i++) {
    bool overlaps = sorted[i]->offset < end + (i ? LOCAL_SIZE : 0); /* its local header lies before it */
    if (overlaps)
      sorted[i]->problem = SB_IMPORT_DAMAGED;
    else
      end = sorted[i]->offset + sorted[i]->stored_size;
  }
  free(sorted);
  return SB_OK;
}

static sb_status add_members(archive *a, const directory *d, const uint8_t *bytes, sb_error *error) {
  size_t at = 0;
  for (uint32_t i = 0; i < d->count; i++) {
    const uint8_t *entry = bytes + at;
    size_t left = d->size - at;
    if (left < ENTRY_SIZE || get32(entry) != 0x02014b50)
      return sb_fail(error, SB_INVALID, "the ZIP archive's directory is damaged: make the archive again");
    size_t name = get16(entry + 28), whole = ENTRY_SIZE + name + get16(entry + 30) + get16(entry + 32);
    if (whole > left)
      return sb_fail(error, SB_INVALID, "the ZIP archive's directory is damaged: make the archive again");
    sb_status status = add_member(a, entry, name, error);
    if (status != SB_OK) return status;
    at += whole;
  }
  return SB_OK;
}

sb_status sb_zip_open(sb_import *import, size_t index, sb_error *error) {
  archive a = {import, import->items[index].offset, import->items[index].stored_size, 0};
  directory d = {0};
  sb_status status = find_directory(&a, &d, error);
  if (status != SB_OK) return status;
  uint8_t *bytes = sb_alloc((size_t)d.size + 1, 1, error);
  if (!bytes) return SB_NO_MEMORY;
  size_t first = import->count;
  status = sb_spool_read(import->spool, a.start + d.offset, bytes, d.size, error);
  if (status == SB_OK) status = add_members(&a, &d, bytes, error);
  if (status == SB_OK) status = refuse_overlaps(import, first, error);
  free(bytes);
  return status;
}

/* ---- Unpacking */

static bool inflate_all(const sb_import_item *item, const uint8_t *stored, uint8_t *full) {
  z_stream stream = {0};
  if (inflateInit2(&stream, -MAX_WBITS) != Z_OK) return false;
  union {
    const uint8_t *constant;
    uint8_t *plain;
  } input = {.constant = stored}; /* zlib never writes to its input */
  stream.next_in = input.plain;
  stream.avail_in = (uInt)item->stored_size;
  stream.next_out = full;
  stream.avail_out = (uInt)item->size;
  int code = inflate(&stream, Z_FINISH);
  bool whole = code == Z_STREAM_END && stream.total_out == item->size;
  inflateEnd(&stream);
  return whole;
}

sb_status sb_zip_unpack(const sb_import_item *item, uint8_t **bytes, sb_error *error) {
  bool right = true;
  if (item->deflated) {
    uint8_t *full = sb_alloc((size_t)item->size + 1, 1, error);
    if (!full) return SB_NO_MEMORY;
    right = inflate_all(item, *bytes, full);
    free(*bytes);
    *bytes = full;
  }
  if (right && crc32(0, *bytes, (uInt)item->size) == item->crc) return SB_OK;
  return sb_fail(error, SB_BAD_IMAGE, "the file is damaged in the archive: make the archive again");
}
