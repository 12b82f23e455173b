/* JPEG decoding by libjpeg-turbo. libjpeg reports errors by longjmp, so everything that must survive a jump lives in
 * the struct `reader`, not in local variables. */
#include "image/codecs.h"

#include <setjmp.h>
#include <stdio.h> /* before jpeglib.h, which uses FILE */
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

#include <jerror.h>

enum { SCANS_MAX = 100, MEMORY_MAX = 512 << 20 };

typedef struct reader {
  struct jpeg_decompress_struct jpeg;
  struct jpeg_error_mgr errors;
  struct jpeg_progress_mgr progress;
  jmp_buf escape;
  sb_image image;
  uint8_t *row; /* one CMYK row, which is converted here */
  bool truncated;
  sb_status status;
  sb_error *error;
} reader;

static sb_status fail_truncated(const reader *r) {
  return sb_fail(r->error, SB_BAD_IMAGE, "the JPEG photo is truncated: its end is missing");
}

/* Where the bytes end inside the header, libjpeg first warns about that and then fails on what is missing. */
static void on_error(j_common_ptr common) {
  reader *r = common->client_data;
  char reason[JMSG_LENGTH_MAX];
  common->err->format_message(common, reason);
  if (r->status == SB_OK)
    r->status =
        r->truncated ? fail_truncated(r) : sb_fail(r->error, SB_BAD_IMAGE, "the JPEG photo is damaged: %s", reason);
  longjmp(r->escape, 1);
}

/* Warnings: damage that libjpeg conceals with grey. A truncated photo is refused; other damage is tolerated. */
static void on_message(j_common_ptr common, int level) {
  reader *r = common->client_data;
  if (level < 0 && (common->err->msg_code == JWRN_JPEG_EOF || common->err->msg_code == JWRN_HIT_MARKER))
    r->truncated = true;
}

static void on_output(j_common_ptr common) {
  (void)common; /* libraries never print */
}

/* Limits the scans: a progressive file with thousands of empty scans would decode for minutes. */
static void on_progress(j_common_ptr common) {
  reader *r = common->client_data;
  if (r->jpeg.input_scan_number <= SCANS_MAX) return;
  r->status = sb_fail(r->error, SB_BAD_IMAGE,
                      "the JPEG photo has more than %d scans; save it again with a photo editor", SCANS_MAX);
  longjmp(r->escape, 1);
}

static int orientation_of(const struct jpeg_decompress_struct *jpeg) {
  for (jpeg_saved_marker_ptr marker = jpeg->marker_list; marker; marker = marker->next)
    if (marker->marker == JPEG_APP0 + 1 && marker->data_length > 6 && !memcmp(marker->data, "Exif\0\0", 6))
      return sb_image_exif_orientation(marker->data + 6, marker->data_length - 6);
  return 1;
}

static unsigned scale_of(const struct jpeg_decompress_struct *jpeg, int enough) {
  unsigned longer = jpeg->image_width > jpeg->image_height ? jpeg->image_width : jpeg->image_height, scale = 1;
  while (enough && scale < 8 && longer / (scale * 2) >= (unsigned)enough) scale *= 2;
  return scale;
}

/* Adobe's CMYK is stored inverted (255 means no ink); libjpeg converts YCCK to the same form. */
static void cmyk_row(const uint8_t *cmyk, bool inverted, int width, uint8_t *rgb) {
  for (int x = 0; x < width; x++)
    for (int c = 0; c < 3; c++) {
      unsigned colour = inverted ? cmyk[4 * x + c] : 255u - cmyk[4 * x + c];
      unsigned black = inverted ? cmyk[4 * x + 3] : 255u - cmyk[4 * x + 3];
      rgb[3 * x + c] = (uint8_t)((colour * black + 127) / 255);
    }
}

static void read_rows(reader *r) {
  struct jpeg_decompress_struct *jpeg = &r->jpeg;
  bool cmyk = jpeg->out_color_space == JCS_CMYK;
  while (jpeg->output_scanline < jpeg->output_height) {
    uint8_t *target = r->image.pixels + (size_t)jpeg->output_scanline * (size_t)r->image.width * 3;
    JSAMPROW row = cmyk ? r->row : target;
    jpeg_read_scanlines(jpeg, &row, 1);
    if (cmyk) cmyk_row(r->row, jpeg->saw_Adobe_marker, r->image.width, target);
  }
}

static void read_picture(reader *r, const uint8_t *bytes, size_t size, const sb_image_limits *limits,
                         int *orientation) {
  struct jpeg_decompress_struct *jpeg = &r->jpeg;
  jpeg_create_decompress(jpeg);
  jpeg->progress = &r->progress;
  jpeg->mem->max_memory_to_use = MEMORY_MAX;
  jpeg_mem_src(jpeg, bytes, size);
  jpeg_save_markers(jpeg, JPEG_APP0 + 1, 0xffff);
  jpeg_read_header(jpeg, TRUE);
  *orientation = orientation_of(jpeg);
  r->status = sb_image_size_check(jpeg->image_width, jpeg->image_height, limits, r->error);
  if (r->status != SB_OK) return;
  jpeg->scale_num = 1;
  jpeg->scale_denom = scale_of(jpeg, limits->enough_side);
  bool cmyk = jpeg->jpeg_color_space == JCS_CMYK || jpeg->jpeg_color_space == JCS_YCCK;
  jpeg->out_color_space = cmyk ? JCS_CMYK : JCS_RGB;
  jpeg_start_decompress(jpeg);
  r->status = sb_image_new((int)jpeg->output_width, (int)jpeg->output_height, &r->image, r->error);
  if (r->status == SB_OK && cmyk && !(r->row = sb_alloc(jpeg->output_width, 4, r->error))) r->status = SB_NO_MEMORY;
  if (r->status != SB_OK) return;
  r->image.source_width = (int)jpeg->image_width;
  r->image.source_height = (int)jpeg->image_height;
  read_rows(r);
  jpeg_finish_decompress(jpeg);
  if (r->truncated) r->status = fail_truncated(r);
}

sb_status sb_image_decode_jpeg(const uint8_t *bytes, size_t size, const sb_image_limits *limits, sb_image_decoded *out,
                               sb_error *error) {
  reader *r = sb_alloc(1, sizeof *r, error);
  if (!r) return SB_NO_MEMORY;
  r->error = error;
  r->jpeg.err = jpeg_std_error(&r->errors);
  r->jpeg.client_data = r;
  r->errors.error_exit = on_error;
  r->errors.emit_message = on_message;
  r->errors.output_message = on_output;
  r->progress.progress_monitor = on_progress;
  if (!setjmp(r->escape)) read_picture(r, bytes, size, limits, &out->orientation);
  sb_status status = r->status;
  jpeg_destroy_decompress(&r->jpeg);
  if (status == SB_OK)
    out->image = r->image;
  else
    sb_image_free(&r->image);
  free(r->row);
  free(r);
  return status;
}
