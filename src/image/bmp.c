/* BMP decoding. By hand: no library of Debian reads BMP alone (those that do are whole toolkits), and the format is a
 * table of colours and rows of pixels. Read are the headers of Windows (all versions) and OS/2, 1 to 32 bits a pixel,
 * bit fields, and run lengths. Every field is untrusted. */
#include "image/codecs.h"

#include <stdlib.h>
#include <string.h>

enum { FILE_HEAD = 14, OS2_HEAD = 12, INFO_HEAD = 40, COLOURS_MAX = 256, ROWS_A_CHECK = 64, OPAQUE = 255 };
enum {
  UNCOMPRESSED = 0,
  RLE8 = 1,
  RLE4 = 2,
  BIT_FIELDS = 3,
  EMBEDDED_JPEG = 4,
  EMBEDDED_PNG = 5,
  ALPHA_BIT_FIELDS = 6
};

typedef struct bmp {
  const uint8_t *bytes;
  size_t size;
  uint32_t width, height;
  bool top_down;
  unsigned bits, compression;
  uint32_t head;     /* size of the second header */
  uint32_t pixels;   /* where they begin */
  uint32_t masks[4]; /* red, green, blue, alpha */
  uint8_t colours[COLOURS_MAX][4];
  size_t stride;     /* of uncompressed rows */
  uint8_t *unpacked; /* of run lengths: a colour's number for each pixel, rows from the bottom */
} bmp;

static sb_status damaged(const char *reason, sb_error *error) {
  return sb_fail(error, SB_BAD_IMAGE, "the BMP photo is damaged: %s", reason);
}

static sb_status truncated(sb_error *error) {
  return sb_fail(error, SB_BAD_IMAGE, "the BMP photo is truncated: its end is missing");
}

static uint32_t get16(const uint8_t *at) {
  return (uint32_t)at[0] | (uint32_t)at[1] << 8;
}

static uint32_t get32(const uint8_t *at) {
  return get16(at) | get16(at + 2) << 16;
}

/* ---- Headers */

static sb_status read_size(bmp *b, sb_error *error) {
  const uint8_t *head = b->bytes + FILE_HEAD;
  if (b->head == OS2_HEAD) {
    b->width = get16(head + 4);
    b->height = get16(head + 6);
    b->bits = get16(head + 10);
    return SB_OK;
  }
  int32_t width = (int32_t)get32(head + 4), height = (int32_t)get32(head + 8);
  if (width < 0 || height == INT32_MIN) return damaged("its size is negative", error);
  b->width = (uint32_t)width;
  b->top_down = height < 0;
  b->height = (uint32_t)(height < 0 ? -height : height);
  b->bits = get16(head + 14);
  b->compression = b->head >= 20 ? get32(head + 16) : UNCOMPRESSED;
  return SB_OK;
}

static sb_status check_kind(const bmp *b, sb_error *error) {
  if (b->compression == EMBEDDED_JPEG || b->compression == EMBEDDED_PNG)
    return sb_fail(error, SB_UNSUPPORTED_IMAGE, "unsupported photo format: a BMP for printers, which contains a %s",
                   b->compression == EMBEDDED_JPEG ? "JPEG" : "PNG");
  bool indexed = b->bits == 1 || b->bits == 4 || b->bits == 8, deep = b->bits == 16 || b->bits == 32;
  bool fields = b->compression == BIT_FIELDS || b->compression == ALPHA_BIT_FIELDS;
  if (b->compression == UNCOMPRESSED && (indexed || deep || b->bits == 24)) return SB_OK;
  if (b->compression == RLE8 && b->bits == 8 && !b->top_down) return SB_OK;
  if (b->compression == RLE4 && b->bits == 4 && !b->top_down) return SB_OK;
  if (fields && deep && b->head >= INFO_HEAD) return SB_OK;
  return sb_fail(error, SB_UNSUPPORTED_IMAGE, "unsupported photo format: a BMP of %u bits and compression %u", b->bits,
                 b->compression);
}

/* The masks stand behind a header of version 1, and within one of a later version. */
static sb_status read_masks(bmp *b, sb_error *error) {
  static const uint32_t of_16[4] = {0x7c00, 0x03e0, 0x001f, 0}, of_32[4] = {0xff0000, 0xff00, 0xff, 0};
  memcpy(b->masks, b->bits == 16 ? of_16 : of_32, sizeof b->masks);
  if (b->compression != BIT_FIELDS && b->compression != ALPHA_BIT_FIELDS) return SB_OK;
  size_t count = b->compression == ALPHA_BIT_FIELDS || b->head >= 56 ? 4 : 3;
  const size_t at = FILE_HEAD + INFO_HEAD;
  if (b->size < at + count * 4) return truncated(error);
  for (size_t i = 0; i < count; i++) b->masks[i] = get32(b->bytes + at + 4 * i);
  return SB_OK;
}

static sb_status read_colours(bmp *b, sb_error *error) {
  if (b->bits > 8) return SB_OK;
  size_t entry = b->head == OS2_HEAD ? 3 : 4, count = (size_t)1 << b->bits;
  uint32_t used = b->head >= INFO_HEAD ? get32(b->bytes + FILE_HEAD + 32) : 0;
  if (used && used < count) count = used;
  const size_t at = FILE_HEAD + (size_t)b->head;
  if (b->pixels > at && (b->pixels - at) / entry < count) count = (b->pixels - at) / entry;
  if (b->size < at + count * entry) return truncated(error);
  for (size_t i = 0; i < count; i++)
    for (int c = 0; c < 3; c++) b->colours[i][c] = b->bytes[at + i * entry + (size_t)(2 - c)];
  for (size_t i = 0; i < COLOURS_MAX; i++) b->colours[i][3] = OPAQUE;
  return SB_OK;
}

static sb_status read_heads(bmp *b, const sb_image_limits *limits, sb_error *error) {
  if (b->size < FILE_HEAD + OS2_HEAD) return truncated(error);
  b->pixels = get32(b->bytes + 10);
  b->head = get32(b->bytes + FILE_HEAD);
  if (b->head < OS2_HEAD || (b->head > OS2_HEAD && b->head < 16)) return damaged("its header is too short", error);
  if (b->size < FILE_HEAD || b->size - FILE_HEAD < b->head) return truncated(error);
  sb_status status = read_size(b, error);
  if (status != SB_OK) return status;
  if ((status = sb_image_size_check(b->width, b->height, limits, error)) != SB_OK) return status;
  if ((status = check_kind(b, error)) != SB_OK) return status;
  if ((status = read_masks(b, error)) != SB_OK) return status;
  if ((status = read_colours(b, error)) != SB_OK) return status;
  b->stride = ((size_t)b->width * b->bits + 31) / 32 * 4;
  bool runs = b->compression == RLE8 || b->compression == RLE4;
  if (b->pixels > b->size || (!runs && (b->size - b->pixels) / b->stride < b->height)) return truncated(error);
  return SB_OK;
}

/* ---- Run lengths */

typedef struct runs {
  const bmp *b;
  size_t at;
  uint32_t x, y; /* y from the bottom */
} runs;

static void put(runs *r, unsigned colour) {
  if (r->x < r->b->width && r->y < r->b->height) r->b->unpacked[(size_t)r->y * r->b->width + r->x] = (uint8_t)colour;
  r->x++;
}

static unsigned nibble(uint8_t byte, unsigned i) {
  return i % 2 ? byte & 15u : byte >> 4;
}

static bool more(const runs *r, size_t count) {
  return r->b->size - r->at >= count;
}

/* `count` pixels, each written for itself, padded to 16 bits. False: the bytes end. */
static bool copy_pixels(runs *r, unsigned count) {
  bool four = r->b->compression == RLE4;
  size_t bytes = four ? (count + 1) / 2 : count, padded = (bytes + 1) / 2 * 2;
  if (!more(r, bytes)) return false;
  for (unsigned i = 0; i < count; i++) {
    const uint8_t *at = r->b->bytes + r->at;
    put(r, four ? nibble(at[i / 2], i) : at[i]);
  }
  r->at += more(r, padded) ? padded : bytes;
  return true;
}

/* Ends at the mark for it, or above the top row. */
static sb_status unpack(const bmp *b, sb_error *error) {
  runs r = {.b = b, .at = b->pixels};
  while (r.y < b->height) {
    if (!more(&r, 2)) return truncated(error);
    unsigned count = b->bytes[r.at], value = b->bytes[r.at + 1];
    r.at += 2;
    for (unsigned i = 0; i < count; i++) put(&r, b->compression == RLE4 ? nibble((uint8_t)value, i) : value);
    if (count) continue;
    if (value == 1) return SB_OK;
    if (value == 0) {
      r.x = 0, r.y++;
    } else if (value == 2) {
      if (!more(&r, 2)) return truncated(error);
      r.x += b->bytes[r.at], r.y += b->bytes[r.at + 1];
      r.at += 2;
    } else if (!copy_pixels(&r, value)) {
      return truncated(error);
    }
  }
  return SB_OK;
}

/* ---- Rows */

/* The bits of `mask` in `value`, spread over 0..255. */
static uint8_t field(uint32_t value, uint32_t mask) {
  if (!mask) return 0;
  uint32_t most = mask;
  value &= mask;
  while (!(most & 1)) most >>= 1, value >>= 1;
  return (uint8_t)(((uint64_t)value * 255 + most / 2) / most);
}

static void row_of_numbers(const bmp *b, const uint8_t *row, uint8_t *rgba) {
  for (uint32_t x = 0; x < b->width; x++) {
    unsigned number =
        b->unpacked ? row[x]
                    : (unsigned)row[(size_t)x * b->bits / 8] >> (8 - b->bits - x * b->bits % 8) & ((1u << b->bits) - 1);
    memcpy(rgba + 4 * (size_t)x, b->colours[number], 4);
  }
}

static void row_of_colours(const bmp *b, const uint8_t *row, bool alpha, uint8_t *rgba) {
  for (uint32_t x = 0; x < b->width; x++, rgba += 4) {
    const uint8_t *at = row + (size_t)x * b->bits / 8;
    rgba[3] = OPAQUE;
    if (b->bits == 24) {
      rgba[0] = at[2], rgba[1] = at[1], rgba[2] = at[0];
      continue;
    }
    uint32_t value = b->bits == 16 ? get16(at) : get32(at);
    for (int c = 0; c < 3; c++) rgba[c] = field(value, b->masks[c]);
    if (alpha) rgba[3] = field(value, b->masks[3]);
  }
}

static const uint8_t *row_at(const bmp *b, uint32_t y) {
  size_t row = b->top_down ? y : b->height - 1 - y;
  return b->unpacked ? b->unpacked + row * b->width : b->bytes + b->pixels + row * b->stride;
}

/* Many writers declare alpha and leave it 0 everywhere. */
static bool uses_alpha(const bmp *b) {
  if (b->bits < 16 || b->bits == 24 || !b->masks[3]) return false;
  for (uint32_t y = 0; y < b->height; y++)
    for (uint32_t x = 0; x < b->width; x++) {
      const uint8_t *at = row_at(b, y) + (size_t)x * b->bits / 8;
      if ((b->bits == 16 ? get16(at) : get32(at)) & b->masks[3]) return true;
    }
  return false;
}

static sb_status give_rows(const bmp *b, sb_image_rows *rows, const sb_image_decoded *out,
                           const sb_image_limits *limits, sb_error *error) {
  bool alpha = uses_alpha(b);
  uint8_t *rgba = rows->line;
  sb_status status = SB_OK;
  for (uint32_t y = 0; status == SB_OK && y < b->height; y++) {
    if (b->bits <= 8)
      row_of_numbers(b, row_at(b, y), rgba);
    else
      row_of_colours(b, row_at(b, y), alpha, rgba);
    sb_image_rows_rgba(rows, rgba);
    if (y % ROWS_A_CHECK == 0) status = sb_image_check_time(out, limits, error);
  }
  return status;
}

static sb_status read_picture(bmp *b, const sb_image_limits *limits, sb_image_decoded *out, sb_error *error) {
  sb_status status = read_heads(b, limits, error);
  if (status != SB_OK) return status;
  uint64_t pixels = (uint64_t)b->width * b->height;
  bool packed = b->compression == RLE8 || b->compression == RLE4;
  int scale = sb_image_scale(b->width, b->height, limits);
  uint64_t less_width = b->width / (uint32_t)scale + 1, less_height = b->height / (uint32_t)scale + 1;
  status = sb_image_reserve(out, less_width, less_height, (packed ? pixels : 0) + (1 << 20), limits, error);
  if (status != SB_OK) return status;
  if (packed && !(b->unpacked = sb_alloc((size_t)pixels, 1, error))) return SB_NO_MEMORY;
  if (packed && (status = unpack(b, error)) != SB_OK) return status;
  sb_image_rows rows;
  status = sb_image_rows_begin(&rows, (int)b->width, (int)b->height, scale, &out->image, error);
  if (status == SB_OK) status = give_rows(b, &rows, out, limits, error);
  return sb_image_rows_end(&rows, status, error);
}

sb_status sb_image_decode_bmp(const uint8_t *bytes, size_t size, const sb_image_limits *limits, sb_image_decoded *out,
                              sb_error *error) {
  bmp *b = sb_alloc(1, sizeof *b, error);
  if (!b) return SB_NO_MEMORY;
  b->bytes = bytes;
  b->size = size;
  sb_status status = read_picture(b, limits, out, error);
  free(b->unpacked);
  free(b);
  return status;
}
