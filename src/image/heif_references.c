/* Boxes are those of ISO/IEC 14496-12: a length of 32 bits (0: up to the end; 1: 64 bits follow), a type of four
 * letters, a payload. Every length here is untrusted: a box is looked at only within the box around it. */
#include "image/heif_references.h"

#include <stdlib.h>
#include <string.h>

enum { IREF_MAX = 1 << 20, BOX_HEAD = 8, FULL_HEAD = 4 };

/* Part of a file. */
typedef struct span {
  const uint8_t *bytes;
  size_t size;
} span;

static uint64_t number(const uint8_t *at, size_t bytes) {
  uint64_t value = 0;
  for (size_t i = 0; i < bytes; i++) value = value << 8 | at[i];
  return value;
}

static void put32(uint8_t *at, size_t value) {
  for (int i = 0; i < 4; i++) at[i] = (uint8_t)(value >> (24 - 8 * i));
}

static span after(span s, size_t count) {
  return (span){s.bytes + count, s.size - count};
}

/* The box at the beginning of `s`; its payload begins `head` bytes behind. False: none that lies within `s`. */
static bool first_box(span s, span *box, size_t *head) {
  if (s.size < BOX_HEAD) return false;
  uint64_t size = number(s.bytes, 4);
  *head = BOX_HEAD;
  if (size == 1) {
    if (s.size < 16) return false;
    size = number(s.bytes + BOX_HEAD, 8);
    *head = 16;
  } else if (!size) {
    size = s.size;
  }
  if (size < *head || size > s.size) return false;
  *box = (span){s.bytes, (size_t)size};
  return true;
}

/* The first box of that type in `s`. */
static bool find_box(span s, const char *type, span *box, size_t *head) {
  for (; first_box(s, box, head); s = after(s, box->size))
    if (!memcmp(box->bytes + 4, type, 4)) return true;
  return false;
}

/* ---- iref */

/* The primary picture; 0: not given. */
static uint64_t primary_of(span meta) {
  span box;
  size_t head;
  if (!find_box(meta, "pitm", &box, &head) || box.size < head + FULL_HEAD + 2) return 0;
  size_t width = box.bytes[head] ? 4 : 2; /* by version */
  return box.size < head + FULL_HEAD + width ? 0 : number(box.bytes + head + FULL_HEAD, width);
}

static bool is_spare(const uint8_t *type) {
  static const char *const types[] = {"auxl", "cdsc", "thmb", "prem"};
  for (size_t i = 0; i < sizeof types / sizeof *types; i++)
    if (!memcmp(type, types[i], 4)) return true;
  return false;
}

/* The references that stay, written behind one another. */
typedef struct filter {
  uint8_t *out; /* room for the whole box */
  size_t size;
  size_t width; /* bytes of an item's number */
  uint64_t primary;
  sb_image_heif_keep keep;
} filter;

static void keep_entry(filter *f, span entry) {
  memcpy(f->out + f->size, entry.bytes, entry.size);
  f->size += entry.size;
}

/* Keeps an `auxl` reference with the primary picture as its only target, if it is one of the targets. */
static void keep_alpha(filter *f, span entry) {
  size_t one = BOX_HEAD + f->width + 2 + f->width;
  const uint8_t *target = entry.bytes + BOX_HEAD + f->width + 2;
  for (; (size_t)(target - entry.bytes) + f->width <= entry.size; target += f->width) {
    if (number(target, f->width) != f->primary) continue;
    uint8_t *kept = f->out + f->size;
    keep_entry(f, (span){entry.bytes, one});
    put32(kept, one);
    kept[BOX_HEAD + f->width] = 0, kept[BOX_HEAD + f->width + 1] = 1;
    memcpy(kept + BOX_HEAD + f->width + 2, target, f->width);
    return;
  }
}

static bool filter_entries(filter *f, span entries) {
  while (entries.size) {
    span entry;
    size_t head;
    if (!first_box(entries, &entry, &head) || head != BOX_HEAD || entry.size < BOX_HEAD + f->width + 2) return false;
    const uint8_t *type = entry.bytes + 4;
    if (!is_spare(type))
      keep_entry(f, entry);
    else if (f->keep == SB_IMAGE_HEIF_KEEP_ALPHA && !memcmp(type, "auxl", 4))
      keep_alpha(f, entry);
    entries = after(entries, entry.size);
  }
  return true;
}

/* The shorter box, and a box of type `free` in the place of what was dropped, so that all offsets stay right. */
static bool filter_box(span iref, size_t head, filter *f) {
  size_t start = head + FULL_HEAD;
  if (iref.size < start) return false;
  f->width = iref.bytes[head] ? 4 : 2;
  keep_entry(f, (span){iref.bytes, start});
  if (!filter_entries(f, after(iref, start))) return false;
  size_t rest = iref.size - f->size;
  if (rest < BOX_HEAD || head != BOX_HEAD) return false; /* no room for the other box; or nothing was dropped */
  put32(f->out, f->size);
  memset(f->out + f->size, 0, rest);
  put32(f->out + f->size, rest);
  memcpy(f->out + f->size + 4, "free", 4);
  return true;
}

bool sb_image_heif_drop_references(sb_image_heif_file *file, sb_image_heif_keep keep) {
  span meta, iref;
  size_t head;
  if (!find_box((span){file->bytes, file->size}, "meta", &meta, &head) || meta.size < head + FULL_HEAD) return false;
  meta = after(meta, head + FULL_HEAD);
  if (!find_box(meta, "iref", &iref, &head) || iref.size > IREF_MAX) return false;
  filter f = {.out = malloc(iref.size), .primary = primary_of(meta), .keep = keep};
  if (!f.out) return false;
  if (!filter_box(iref, head, &f)) {
    free(f.out);
    return false;
  }
  free(file->patch);
  file->patch = f.out;
  file->patch_at = (size_t)(iref.bytes - file->bytes);
  file->patch_size = iref.size;
  return true;
}

/* ---- libheif's reader */

static int64_t get_position(void *user) {
  const sb_image_heif_file *file = user;
  return (int64_t)file->position;
}

static int read_bytes(void *data, size_t size, void *user) {
  sb_image_heif_file *file = user;
  size_t at = file->position, end = file->patch_at + file->patch_size;
  if (size > file->size - at) return -1;
  if (size) memcpy(data, file->bytes + at, size);
  size_t from = at > file->patch_at ? at : file->patch_at, to = at + size < end ? at + size : end;
  if (file->patch && from < to) memcpy((uint8_t *)data + (from - at), file->patch + (from - file->patch_at), to - from);
  file->position = at + size;
  return 0;
}

static int seek(int64_t position, void *user) {
  sb_image_heif_file *file = user;
  if (position < 0 || (uint64_t)position > file->size) return -1;
  file->position = (size_t)position;
  return 0;
}

static enum heif_reader_grow_status wait_for_size(int64_t size, void *user) {
  const sb_image_heif_file *file = user;
  bool there = size >= 0 && (uint64_t)size <= file->size;
  return there ? heif_reader_grow_status_size_reached : heif_reader_grow_status_size_beyond_eof;
}

const struct heif_reader sb_image_heif_reader = {.reader_api_version = 1,
                                                 .get_position = get_position,
                                                 .read = read_bytes,
                                                 .seek = seek,
                                                 .wait_for_file_size = wait_for_size};
