/* TIFF decoding by libtiff: the first page, in bands of whole strips or tiles. Only what scanners and editors write is
 * read: a file of another kind (a camera's raw file is a TIFF, too, whose first page is a thumbnail) or with a rare
 * compression is refused by name before libtiff decodes anything. */
#include "image/codecs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tiffio.h>

enum {
  BAND_ROWS = 64,     /* at least */
  JPEG_SCANS = 100,   /* that libtiff allows in each strip or tile */
  LINEAR_RAW = 34892, /* a photometric interpretation of DNG */
  HEADROOM = 16 << 20
};

typedef struct reader {
  const uint8_t *bytes;
  size_t size, at;
  TIFF *tiff;
  uint32_t width, height;
  char reason[160]; /* libtiff's last complaint */
} reader;

/* ---- What libtiff calls */

static tmsize_t read_bytes(thandle_t handle, void *to, tmsize_t count) {
  reader *r = (reader *)handle;
  size_t wanted = count > 0 ? (size_t)count : 0, left = r->size - r->at;
  if (wanted > left) wanted = left;
  memcpy(to, r->bytes + r->at, wanted);
  r->at += wanted;
  return (tmsize_t)wanted;
}

static tmsize_t write_nothing(thandle_t handle, void *from, tmsize_t count) {
  (void)handle, (void)from, (void)count;
  return 0;
}

static toff_t seek(thandle_t handle, toff_t offset, int whence) {
  reader *r = (reader *)handle;
  toff_t from = whence == SEEK_SET ? 0 : whence == SEEK_CUR ? r->at : r->size;
  toff_t to = from + offset;
  r->at = to > r->size ? r->size : (size_t)to;
  return r->at;
}

static int close_nothing(thandle_t handle) {
  (void)handle;
  return 0;
}

static toff_t size_of(thandle_t handle) {
  return ((const reader *)handle)->size;
}

static int on_error(TIFF *tiff, void *user, const char *module, const char *format, va_list values) {
  reader *r = user;
  (void)tiff, (void)module;
  vsnprintf(r->reason, sizeof r->reason, format, values);
  return 1; /* no other handler is called */
}

static int on_warning(TIFF *tiff, void *user, const char *module, const char *format, va_list values) {
  (void)tiff, (void)user, (void)module, (void)format, (void)values;
  return 1;
}

/* ---- What is read */

static sb_status damaged(const reader *r, sb_error *error) {
  return sb_fail(error, SB_BAD_IMAGE, "the TIFF photo is damaged or truncated%s%s", *r->reason ? ": " : "", r->reason);
}

static sb_status unsupported(const char *what, sb_error *error) {
  return sb_fail(error, SB_UNSUPPORTED_IMAGE, "unsupported photo format: %s. Save it as JPEG or PNG", what);
}

static uint32_t number(const reader *r, uint32_t tag, uint32_t otherwise) {
  uint16_t value = 0;
  return TIFFGetFieldDefaulted(r->tiff, tag, &value) ? value : otherwise;
}

static bool is_raw(const reader *r) {
  uint32_t kind = 0, photometric = number(r, TIFFTAG_PHOTOMETRIC, 0);
  uint8_t *version = NULL;
  bool reduced = TIFFGetField(r->tiff, TIFFTAG_SUBFILETYPE, &kind) && kind & FILETYPE_REDUCEDIMAGE;
  return reduced || TIFFGetField(r->tiff, TIFFTAG_DNGVERSION, &version) || photometric == PHOTOMETRIC_CFA ||
         photometric == LINEAR_RAW;
}

static bool is_usual(uint32_t compression) {
  static const uint32_t usual[] = {COMPRESSION_NONE,      COMPRESSION_CCITTRLE,      COMPRESSION_CCITTFAX3,
                                   COMPRESSION_CCITTFAX4, COMPRESSION_LZW,           COMPRESSION_JPEG,
                                   COMPRESSION_PACKBITS,  COMPRESSION_ADOBE_DEFLATE, COMPRESSION_DEFLATE};
  for (size_t i = 0; i < sizeof usual / sizeof *usual; i++)
    if (compression == usual[i]) return true;
  return false;
}

static sb_status check_kind(const reader *r, sb_error *error) {
  char why[1024] = "";
  uint32_t compression = number(r, TIFFTAG_COMPRESSION, COMPRESSION_NONE);
  if (is_raw(r)) return unsupported("it looks like a camera's raw file (DNG, NEF, ARW), or a reduced copy only", error);
  if (!is_usual(compression)) {
    snprintf(why, sizeof why, "a TIFF with the rare compression %u", compression);
    return unsupported(why, error);
  }
  if (TIFFRGBAImageOK(r->tiff, why)) return SB_OK;
  return sb_fail(error, SB_UNSUPPORTED_IMAGE, "unsupported kind of TIFF photo: %.200s", why);
}

/* Rows that libtiff can decode without decoding others. */
static uint32_t rows_at_once(const reader *r) {
  uint32_t rows = 0;
  if (TIFFIsTiled(r->tiff))
    TIFFGetField(r->tiff, TIFFTAG_TILELENGTH, &rows);
  else
    TIFFGetFieldDefaulted(r->tiff, TIFFTAG_ROWSPERSTRIP, &rows);
  if (!rows || rows > r->height) return r->height;
  return rows >= BAND_ROWS ? rows : (BAND_ROWS + rows - 1) / rows * rows;
}

/* A band as RGBA, and the strip or tile that libtiff decodes it from. */
static uint64_t memory_of(const reader *r) {
  uint64_t part = TIFFIsTiled(r->tiff) ? TIFFTileSize64(r->tiff) : TIFFStripSize64(r->tiff);
  bool apart = number(r, TIFFTAG_PLANARCONFIG, PLANARCONFIG_CONTIG) == PLANARCONFIG_SEPARATE;
  uint64_t parts = apart ? number(r, TIFFTAG_SAMPLESPERPIXEL, 1) : 1;
  uint64_t band = 4 * (uint64_t)r->width * rows_at_once(r);
  if (part > UINT32_MAX) return UINT64_MAX / 4; /* refused by sb_image_reserve */
  return band + (parts + 1) * part + HEADROOM;
}

/* libtiff gives no way to stop within a strip or tile. */
static sb_status check_work(const reader *r, const sb_image_limits *limits, sb_error *error) {
  uint64_t scans = number(r, TIFFTAG_COMPRESSION, COMPRESSION_NONE) == COMPRESSION_JPEG ? JPEG_SCANS : 1;
  return sb_image_check_work((uint64_t)r->width * rows_at_once(r), scans, limits, error);
}

/* ---- Pixels */

static void give_band(const reader *r, const TIFFRGBAImage *source, const uint32_t *band, uint32_t rows_count,
                      sb_image_rows *rows) {
  uint8_t *rgba = rows->line;
  for (uint32_t y = 0; y < rows_count; y++) {
    for (uint32_t x = 0; x < r->width; x++) {
      uint32_t pixel = band[(size_t)y * r->width + x];
      rgba[4 * x] = (uint8_t)TIFFGetR(pixel);
      rgba[4 * x + 1] = (uint8_t)TIFFGetG(pixel);
      rgba[4 * x + 2] = (uint8_t)TIFFGetB(pixel);
      rgba[4 * x + 3] = source->alpha ? (uint8_t)TIFFGetA(pixel) : 255;
    }
    sb_image_rows_premultiplied(rows, rgba);
  }
}

static sb_status read_bands(reader *r, TIFFRGBAImage *source, sb_image_rows *rows, const sb_image_decoded *out,
                            const sb_image_limits *limits, sb_error *error) {
  uint32_t height = rows_at_once(r);
  uint32_t *band = sb_alloc((size_t)r->width * height, sizeof *band, error);
  if (!band) return SB_NO_MEMORY;
  sb_status status = SB_OK;
  for (uint32_t y = 0; status == SB_OK && y < r->height; y += height) {
    uint32_t count = r->height - y < height ? r->height - y : height;
    source->row_offset = (int)y;
    if (!TIFFRGBAImageGet(source, band, r->width, count) || *r->reason) status = damaged(r, error);
    if (status == SB_OK) give_band(r, source, band, count, rows);
    if (status == SB_OK) status = sb_image_check_time(out, limits, error);
  }
  free(band);
  return status;
}

static sb_status read_rows(reader *r, sb_image_rows *rows, const sb_image_decoded *out, const sb_image_limits *limits,
                           sb_error *error) {
  char why[1024] = "";
  TIFFRGBAImage source;
  if (!TIFFRGBAImageBegin(&source, r->tiff, 1, why)) return damaged(r, error);
  source.req_orientation = source.orientation; /* rows as they are stored; decode.c turns the picture */
  sb_status status = read_bands(r, &source, rows, out, limits, error);
  TIFFRGBAImageEnd(&source);
  return status;
}

static sb_status read_picture(reader *r, const sb_image_limits *limits, sb_image_decoded *out, sb_error *error) {
  TIFFGetField(r->tiff, TIFFTAG_IMAGEWIDTH, &r->width);
  TIFFGetField(r->tiff, TIFFTAG_IMAGELENGTH, &r->height);
  sb_status status = sb_image_size_check(r->width, r->height, limits, error);
  if (status != SB_OK) return status;
  if ((status = check_kind(r, error)) != SB_OK) return status;
  if ((status = check_work(r, limits, error)) != SB_OK) return status;
  uint32_t scale = (uint32_t)sb_image_scale(r->width, r->height, limits);
  status = sb_image_reserve(out, r->width / scale + 1, r->height / scale + 1, memory_of(r), limits, error);
  if (status != SB_OK) return status;
  uint32_t orientation = number(r, TIFFTAG_ORIENTATION, 1);
  out->orientation = orientation <= 8 ? (int)orientation : 1;
  *r->reason = 0;
  sb_image_rows rows;
  status = sb_image_rows_begin(&rows, (int)r->width, (int)r->height, (int)scale, &out->image, error);
  if (status == SB_OK) status = read_rows(r, &rows, out, limits, error);
  return sb_image_rows_end(&rows, status, error);
}

sb_status sb_image_decode_tiff(const uint8_t *bytes, size_t size, const sb_image_limits *limits, sb_image_decoded *out,
                               sb_error *error) {
  reader r = {.bytes = bytes, .size = size};
  TIFFOpenOptions *options = TIFFOpenOptionsAlloc();
  if (!options) return sb_fail(error, SB_NO_MEMORY, "out of memory");
  TIFFOpenOptionsSetMaxSingleMemAlloc(options, (tmsize_t)limits->max_memory);
  TIFFOpenOptionsSetErrorHandlerExtR(options, on_error, &r);
  TIFFOpenOptionsSetWarningHandlerExtR(options, on_warning, NULL);
  /* m: no mapping; everything is read by read_bytes */
  r.tiff = TIFFClientOpenExt("photo", "rm", &r, read_bytes, write_nothing, seek, close_nothing, size_of, NULL, NULL,
                             options);
  TIFFOpenOptionsFree(options);
  if (!r.tiff) return damaged(&r, error);
  sb_status status = read_picture(&r, limits, out, error);
  TIFFClose(r.tiff);
  return status;
}
