/* JPEG encoding by libjpeg-turbo. Errors arrive by longjmp, so what must survive a jump lives in the struct
 * `writer`. */
#include "image/image.h"

#include <setjmp.h>
#include <stdio.h> /* before jpeglib.h, which uses FILE */
#include <stdlib.h>

#include <jpeglib.h>

typedef struct writer {
  struct jpeg_compress_struct jpeg;
  struct jpeg_error_mgr errors;
  jmp_buf escape;
  unsigned char *bytes;
  unsigned long size;
} writer;

static void on_error(j_common_ptr common) {
  writer *w = common->client_data;
  longjmp(w->escape, 1);
}

static void on_message(j_common_ptr common, int level) {
  (void)common, (void)level;
}

static void on_output(j_common_ptr common) {
  (void)common; /* libraries never print */
}

static void write_rows(writer *w, const uint8_t *rgb, int width, int height, int quality) {
  jpeg_create_compress(&w->jpeg);
  jpeg_mem_dest(&w->jpeg, &w->bytes, &w->size);
  w->jpeg.image_width = (JDIMENSION)width;
  w->jpeg.image_height = (JDIMENSION)height;
  w->jpeg.input_components = 3;
  w->jpeg.in_color_space = JCS_RGB;
  jpeg_set_defaults(&w->jpeg);
  jpeg_set_quality(&w->jpeg, quality, TRUE);
  w->jpeg.optimize_coding = TRUE;
  jpeg_start_compress(&w->jpeg, TRUE);
  for (int y = 0; y < height; y++) {
    JSAMPROW row =
        (JSAMPROW)(uintptr_t)(rgb + (size_t)y * (size_t)width * 3); /* libjpeg only reads it, but lacks const */
    jpeg_write_scanlines(&w->jpeg, &row, 1);
  }
  jpeg_finish_compress(&w->jpeg);
}

sb_status sb_image_write_jpeg(const uint8_t *rgb, int width, int height, int quality, uint8_t **bytes, size_t *size,
                              sb_error *error) {
  writer *w = sb_alloc(1, sizeof *w, error);
  if (!w) return SB_NO_MEMORY;
  /* Larger than any such JPEG, so that libjpeg never replaces the buffer by one of its own. */
  w->size = (unsigned long)width * (unsigned long)height * 6 + 4096;
  w->bytes = sb_alloc(w->size, 1, error);
  sb_status status = w->bytes ? SB_OK : SB_NO_MEMORY;
  if (status != SB_OK) goto done;
  w->jpeg.err = jpeg_std_error(&w->errors);
  w->jpeg.client_data = w;
  w->errors.error_exit = on_error;
  w->errors.emit_message = on_message;
  w->errors.output_message = on_output;
  if (setjmp(w->escape))
    status = sb_fail(error, SB_NO_MEMORY, "could not encode a picture of %d x %d pixels as JPEG: out of memory", width,
                     height);
  else
    write_rows(w, rgb, width, height, quality);
  jpeg_destroy_compress(&w->jpeg);
done:
  if (status == SB_OK)
    *bytes = w->bytes, *size = w->size;
  else
    free(w->bytes);
  free(w);
  return status;
}
