/* JPEG decoding by libjpeg-turbo, which makes large pictures smaller while it decodes them. libjpeg reports errors by
 * longjmp, so everything that must survive a jump lives in the struct `reader`, not in local variables. */
#include "image/codecs.h"

#include <setjmp.h>
#include <stdio.h> /* before jpeglib.h, which uses FILE */
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

#include <jerror.h>

enum { SCANS_MAX = 100, BLOCK_BYTES = 128 /* 64 coefficients of 16 bits */, HEADROOM = 8 << 20 };

typedef struct reader {
  struct jpeg_decompress_struct jpeg;
  struct jpeg_error_mgr errors;
  struct jpeg_progress_mgr progress;
  jmp_buf escape;
  sb_image image;
  uint8_t *row; /* one CMYK row, which is converted here */
  const sb_image_limits *limits;
  sb_image_decoded *out;
  bool ended;    /* the bytes ended before the end mark */
  bool warned;   /* of any other damage */
  bool missing;  /* the bytes ended within the pixels */
  unsigned seen; /* components that some scan contains, a bit each */
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
    r->status = r->ended ? fail_truncated(r) : sb_fail(r->error, SB_BAD_IMAGE, "the JPEG photo is damaged: %s", reason);
  longjmp(r->escape, 1);
}

/* Warnings: damage that libjpeg conceals with grey. */
static void on_message(j_common_ptr common, int level) {
  reader *r = common->client_data;
  if (level >= 0) return;
  int code = common->err->msg_code;
  if (code == JWRN_JPEG_EOF)
    r->ended = true;
  else
    r->warned = true;
  if (code == JWRN_HIT_MARKER) r->missing = true;
}

static void on_output(j_common_ptr common) {
  (void)common; /* libraries never print */
}

/* Whether the scans read so far give every component in full. */
static bool is_complete(const reader *r) {
  const struct jpeg_decompress_struct *jpeg = &r->jpeg;
  if (r->seen != (1u << jpeg->num_components) - 1) return false;
  for (int c = 0; jpeg->coef_bits && c < jpeg->num_components; c++) /* of a progressive JPEG */
    for (int i = 0; i < DCTSIZE2; i++)
      if (jpeg->coef_bits[c][i]) return false;
  return true;
}

/* A photo without its last part is refused. One of which only the end mark is missing is complete: broken writers and
 * copies make such, and every viewer shows them. Other damage is tolerated. */
static bool is_truncated(const reader *r, bool complete) {
  return r->missing || (r->ended && (r->warned || !complete));
}

/* Called for each row of blocks in each scan. Limits the passes and the time: a progressive file of a few kilobytes can
 * hold thousands of scans of a large picture. */
static void on_progress(j_common_ptr common) {
  reader *r = common->client_data;
  const struct jpeg_decompress_struct *jpeg = &r->jpeg;
  for (int i = 0; i < jpeg->comps_in_scan; i++) r->seen |= 1u << jpeg->cur_comp_info[i]->component_index;
  uint64_t scans = (uint64_t)jpeg->input_scan_number;
  r->status = sb_image_check_work((uint64_t)jpeg->image_width * jpeg->image_height, scans, r->limits, r->error);
  if (r->status == SB_OK) r->status = sb_image_check_time(r->out, r->limits, r->error);
  if (r->status == SB_OK && scans > SCANS_MAX)
    r->status = sb_fail(r->error, SB_BAD_IMAGE,
                        "the JPEG photo has more than %d scans; save it again with a photo editor", SCANS_MAX);
  if (r->status != SB_OK) longjmp(r->escape, 1);
}

static int orientation_of(const struct jpeg_decompress_struct *jpeg) {
  for (jpeg_saved_marker_ptr marker = jpeg->marker_list; marker; marker = marker->next)
    if (marker->marker == JPEG_APP0 + 1 && marker->data_length > 6 && !memcmp(marker->data, "Exif\0\0", 6))
      return sb_image_exif_orientation(marker->data + 6, marker->data_length - 6);
  return 1;
}

/* libjpeg keeps all coefficients of a picture that has several scans. */
static uint64_t memory_of(struct jpeg_decompress_struct *jpeg, size_t size) {
  uint64_t blocks = 0;
  for (int c = 0; jpeg_has_multiple_scans(jpeg) && c < jpeg->num_components; c++)
    blocks += (uint64_t)jpeg->comp_info[c].width_in_blocks * jpeg->comp_info[c].height_in_blocks;
  uint64_t padding = 2 * (uint64_t)MAX_SAMP_FACTOR * BLOCK_BYTES * (jpeg->image_width + jpeg->image_height);
  return blocks * BLOCK_BYTES + padding + size + HEADROOM;
}

/* Chooses the scale and reserves memory. */
static sb_status prepare(reader *r, size_t size) {
  struct jpeg_decompress_struct *jpeg = &r->jpeg;
  uint64_t width = jpeg->image_width, height = jpeg->image_height;
  if (!width || !height) return sb_image_size_check(width, height, r->limits, r->error);
  sb_status status = sb_image_check_work(width * height, 1, r->limits, r->error);
  if (status != SB_OK) return status;
  uint64_t scale = (uint64_t)sb_image_scale(width, height, r->limits);
  if (sb_image_size_check(width / scale, height / scale, r->limits, NULL) != SB_OK)
    return sb_image_size_check(width, height, r->limits, r->error);
  jpeg->scale_num = 1;
  jpeg->scale_denom = (unsigned)scale;
  return sb_image_reserve(r->out, width / scale + 1, height / scale + 1, memory_of(jpeg, size), r->limits, r->error);
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

static void read_picture(reader *r, const uint8_t *bytes, size_t size) {
  struct jpeg_decompress_struct *jpeg = &r->jpeg;
  jpeg_create_decompress(jpeg);
  jpeg_mem_src(jpeg, bytes, size);
  jpeg_save_markers(jpeg, JPEG_APP0 + 1, 0xffff);
  jpeg_read_header(jpeg, TRUE);
  r->out->orientation = orientation_of(jpeg);
  if ((r->status = prepare(r, size)) != SB_OK) return;
  jpeg->progress = &r->progress;
  jpeg->mem->max_memory_to_use = (long)r->limits->max_memory;
  bool cmyk = jpeg->jpeg_color_space == JCS_CMYK || jpeg->jpeg_color_space == JCS_YCCK;
  jpeg->out_color_space = cmyk ? JCS_CMYK : JCS_RGB;
  jpeg_start_decompress(jpeg);
  r->status = sb_image_new((int)jpeg->output_width, (int)jpeg->output_height, &r->image, r->error);
  if (r->status == SB_OK && cmyk && !(r->row = sb_alloc(jpeg->output_width, 4, r->error))) r->status = SB_NO_MEMORY;
  if (r->status != SB_OK) return;
  r->image.source_width = (int)jpeg->image_width;
  r->image.source_height = (int)jpeg->image_height;
  read_rows(r);
  bool complete = is_complete(r); /* before libjpeg frees what it is read from */
  jpeg_finish_decompress(jpeg);
  if (is_truncated(r, complete)) r->status = fail_truncated(r);
}

sb_status sb_image_decode_jpeg(const uint8_t *bytes, size_t size, const sb_image_limits *limits, sb_image_decoded *out,
                               sb_error *error) {
  reader *r = sb_alloc(1, sizeof *r, error);
  if (!r) return SB_NO_MEMORY;
  r->limits = limits;
  r->out = out;
  r->error = error;
  r->jpeg.err = jpeg_std_error(&r->errors);
  r->jpeg.client_data = r;
  r->errors.error_exit = on_error;
  r->errors.emit_message = on_message;
  r->errors.output_message = on_output;
  r->progress.progress_monitor = on_progress;
  if (!setjmp(r->escape)) read_picture(r, bytes, size);
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
