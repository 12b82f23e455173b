/* GIF decoding by giflib: the first picture of the file, on the canvas. */
#include "image/codecs.h"

#include <gif_lib.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS_A_CHECK = 64, OPAQUE = 255 };

typedef struct reader {
  const uint8_t *bytes;
  size_t size, at;
  GifFileType *gif;
  int transparent; /* the colour that shows nothing; -1: none */
  uint8_t *frame;  /* the colour's number of each pixel */
} reader;

static sb_status damaged(int code, sb_error *error) {
  if (code == D_GIF_ERR_NOT_ENOUGH_MEM) return sb_fail(error, SB_NO_MEMORY, "out of memory");
  if (code == D_GIF_ERR_READ_FAILED || code == D_GIF_ERR_EOF_TOO_SOON)
    return sb_fail(error, SB_BAD_IMAGE, "the GIF photo is truncated: its end is missing");
  const char *reason = GifErrorString(code);
  return sb_fail(error, SB_BAD_IMAGE, "the GIF photo is damaged: %s", reason ? reason : "unknown reason");
}

static int read_bytes(GifFileType *gif, GifByteType *to, int count) {
  reader *r = gif->UserData;
  size_t wanted = (size_t)count, left = r->size - r->at;
  if (wanted > left) wanted = left;
  memcpy(to, r->bytes + r->at, wanted);
  r->at += wanted;
  return (int)wanted;
}

/* The only extension that matters says which colour is transparent. */
static bool read_extension(reader *r) {
  int code = 0;
  GifByteType *block = NULL;
  bool read = DGifGetExtension(r->gif, &code, &block) == GIF_OK;
  GraphicsControlBlock control;
  if (read && block && code == GRAPHICS_EXT_FUNC_CODE && DGifExtensionToGCB(block[0], block + 1, &control) == GIF_OK)
    r->transparent = control.TransparentColor;
  while (read && block) read = DGifGetExtensionNext(r->gif, &block) == GIF_OK;
  return read;
}

/* Reads up to the first picture and its description. */
static sb_status find_picture(reader *r, sb_error *error) {
  for (;;) {
    GifRecordType type = UNDEFINED_RECORD_TYPE;
    if (DGifGetRecordType(r->gif, &type) != GIF_OK) return damaged(r->gif->Error, error);
    if (type == TERMINATE_RECORD_TYPE) return sb_fail(error, SB_BAD_IMAGE, "the GIF file has no picture");
    bool read = type == IMAGE_DESC_RECORD_TYPE ? DGifGetImageDesc(r->gif) == GIF_OK : read_extension(r);
    if (!read) return damaged(r->gif->Error, error);
    if (type == IMAGE_DESC_RECORD_TYPE) return SB_OK;
  }
}

static const ColorMapObject *colours_of(const reader *r) {
  return r->gif->Image.ColorMap ? r->gif->Image.ColorMap : r->gif->SColorMap;
}

static sb_status read_frame(reader *r, const sb_image_decoded *out, const sb_image_limits *limits, sb_error *error) {
  static const int starts[] = {0, 4, 2, 1}, steps[] = {8, 8, 4, 2}; /* of interlaced pictures */
  int width = r->gif->Image.Width, height = r->gif->Image.Height, rows = 0;
  bool interlaced = r->gif->Image.Interlace;
  for (int pass = 0; pass < (interlaced ? 4 : 1); pass++) {
    for (int y = interlaced ? starts[pass] : 0; y < height; y += interlaced ? steps[pass] : 1) {
      if (DGifGetLine(r->gif, r->frame + (size_t)y * (size_t)width, width) != GIF_OK)
        return damaged(r->gif->Error, error);
      sb_status status = rows++ % ROWS_A_CHECK ? SB_OK : sb_image_check_time(out, limits, error);
      if (status != SB_OK) return status;
    }
  }
  return SB_OK;
}

/* One row of the frame as RGBA, at its place in a row of the canvas. */
static void colour_row(const reader *r, const uint8_t *row, uint8_t *rgba) {
  const ColorMapObject *colours = colours_of(r);
  for (int x = 0; x < r->gif->Image.Width; x++) {
    int number = row[x];
    if (number == r->transparent) continue; /* the canvas is transparent */
    GifColorType colour = number < colours->ColorCount ? colours->Colors[number] : (GifColorType){0, 0, 0};
    uint8_t *pixel = rgba + 4 * (size_t)(r->gif->Image.Left + x);
    pixel[0] = colour.Red, pixel[1] = colour.Green, pixel[2] = colour.Blue, pixel[3] = OPAQUE;
  }
}

static void give_rows(const reader *r, sb_image_rows *rows) {
  size_t width = (size_t)rows->width;
  int top = r->gif->Image.Top, height = r->gif->Image.Height;
  uint8_t *rgba = rows->line;
  for (int y = 0; y < rows->image->source_height; y++) {
    memset(rgba, 0, width * 4);
    if (y >= top && y < top + height) colour_row(r, r->frame + (size_t)(y - top) * (size_t)r->gif->Image.Width, rgba);
    sb_image_rows_rgba(rows, rgba);
  }
}

static sb_status read_picture(reader *r, const sb_image_limits *limits, sb_image_decoded *out, sb_error *error) {
  sb_status status = find_picture(r, error);
  if (status != SB_OK) return status;
  const GifImageDesc *frame = &r->gif->Image;
  if (!colours_of(r)) return sb_fail(error, SB_BAD_IMAGE, "the GIF photo is damaged: it has no colour table");
  uint64_t frame_width = (uint64_t)frame->Width, frame_height = (uint64_t)frame->Height;
  status = sb_image_size_check(frame_width, frame_height, limits, error);
  if (status != SB_OK) return status;
  /* A frame may reach beyond the canvas: then the canvas grows, as in browsers. */
  uint64_t width = (uint64_t)frame->Left + frame_width, height = (uint64_t)frame->Top + frame_height;
  if (width < (uint64_t)r->gif->SWidth) width = (uint64_t)r->gif->SWidth;
  if (height < (uint64_t)r->gif->SHeight) height = (uint64_t)r->gif->SHeight;
  if ((status = sb_image_size_check(width, height, limits, error)) != SB_OK) return status;
  uint64_t scale = (uint64_t)sb_image_scale(width, height, limits), pixels = frame_width * frame_height;
  status = sb_image_reserve(out, width / scale + 1, height / scale + 1, pixels + (1 << 20), limits, error);
  if (status != SB_OK) return status;
  if (!(r->frame = sb_alloc((size_t)pixels, 1, error))) return SB_NO_MEMORY;
  if ((status = read_frame(r, out, limits, error)) != SB_OK) return status;
  sb_image_rows rows;
  status = sb_image_rows_begin(&rows, (int)width, (int)height, (int)scale, &out->image, error);
  if (status == SB_OK) give_rows(r, &rows);
  return sb_image_rows_end(&rows, status, error);
}

sb_status sb_image_decode_gif(const uint8_t *bytes, size_t size, const sb_image_limits *limits, sb_image_decoded *out,
                              sb_error *error) {
  reader r = {.bytes = bytes, .size = size, .transparent = NO_TRANSPARENT_COLOR};
  int code = 0;
  r.gif = DGifOpen(&r, read_bytes, &code);
  if (!r.gif) return damaged(code, error);
  sb_status status = read_picture(&r, limits, out, error);
  free(r.frame);
  (void)DGifCloseFile(r.gif, &code);
  return status;
}
