#include "encoders.h"

#include <jpeglib.h>

#include <libheif/heif.h>
#ifdef SB_JXL
#include <jxl/encode.h>
#endif
#include <spng.h>
#include <webp/encode.h>
#include <webp/mux.h>

/* The smallest EXIF block with an orientation: TIFF header, one entry, no further directory. */
static void write_exif(struct jpeg_compress_struct *jpeg, int orientation) {
  uint8_t block[] = {'E',  'x',  'i', 'f', 0, 0, 'M', 'M', 0, 42, 0, 0, 0, 8, 0, 1,
                     0x01, 0x12, 0,   3,   0, 0, 0,   1,   0, 0,  0, 0, 0, 0, 0, 0};
  block[25] = (uint8_t)orientation;
  jpeg_write_marker(jpeg, JPEG_APP0 + 1, block, sizeof block);
}

static void begin_jpeg(struct jpeg_compress_struct *jpeg, struct jpeg_error_mgr *errors, int width, int height,
                       int channels, encoded *out, unsigned long *size) {
  jpeg->err = jpeg_std_error(errors);
  jpeg_create_compress(jpeg);
  jpeg_mem_dest(jpeg, &out->bytes, size);
  jpeg->image_width = (unsigned)width;
  jpeg->image_height = (unsigned)height;
  jpeg->input_components = channels;
  jpeg->in_color_space = channels == JPEG_GREY ? JCS_GRAYSCALE : channels == JPEG_CMYK ? JCS_CMYK : JCS_RGB;
  jpeg_set_defaults(jpeg);
}

static void end_jpeg(struct jpeg_compress_struct *jpeg, encoded *out, const unsigned long *size) {
  jpeg_finish_compress(jpeg);
  jpeg_destroy_compress(jpeg);
  out->size = *size;
}

/* `step`: bytes from one row to the next. */
static void write_rows(struct jpeg_compress_struct *jpeg, const uint8_t *pixels, size_t step) {
  size_t width = (size_t)jpeg->image_width * (size_t)jpeg->input_components;
  uint8_t *row = malloc(width);
  assert_non_null(row);
  for (size_t y = 0; y < jpeg->image_height; y++) {
    memcpy(row, pixels + y * step, width);
    jpeg_write_scanlines(jpeg, &row, 1);
  }
  free(row);
}

static encoded encode_jpeg_scans(const uint8_t *pixels, int width, int height, int channels, int orientation,
                                 bool progressive, bool apart) {
  static const jpeg_scan_info scans[] = {{1, {0}, 0, 63, 0, 0}, {1, {1}, 0, 63, 0, 0}, {1, {2}, 0, 63, 0, 0}};
  struct jpeg_compress_struct jpeg;
  struct jpeg_error_mgr errors;
  encoded out = {0};
  unsigned long size = 0;
  begin_jpeg(&jpeg, &errors, width, height, channels, &out, &size);
  jpeg_set_quality(&jpeg, 100, TRUE);
  jpeg.comp_info[0].h_samp_factor = jpeg.comp_info[0].v_samp_factor = 1;
  if (progressive) jpeg_simple_progression(&jpeg);
  if (apart) jpeg.scan_info = scans, jpeg.num_scans = (int)count_of(scans);
  jpeg_start_compress(&jpeg, TRUE);
  if (orientation) write_exif(&jpeg, orientation);
  write_rows(&jpeg, pixels, (size_t)width * (size_t)channels);
  end_jpeg(&jpeg, &out, &size);
  return out;
}

encoded encode_jpeg(const uint8_t *pixels, int width, int height, int channels, bool progressive, int orientation) {
  return encode_jpeg_scans(pixels, width, height, channels, orientation, progressive, false);
}

encoded encode_jpeg_by_components(const uint8_t *rgb, int width, int height) {
  return encode_jpeg_scans(rgb, width, height, JPEG_RGB, 0, false, true);
}

encoded encode_flat_jpeg(const uint8_t colour[3], int width, int height, bool progressive) {
  struct jpeg_compress_struct jpeg;
  struct jpeg_error_mgr errors;
  encoded out = {0};
  unsigned long size = 0;
  begin_jpeg(&jpeg, &errors, width, height, JPEG_RGB, &out, &size);
  if (progressive) jpeg_simple_progression(&jpeg);
  jpeg_start_compress(&jpeg, TRUE);
  uint8_t *row = malloc((size_t)width * 3);
  assert_non_null(row);
  for (int x = 0; x < width; x++) memcpy(row + 3 * x, colour, 3);
  write_rows(&jpeg, row, 0);
  free(row);
  end_jpeg(&jpeg, &out, &size);
  return out;
}

encoded encode_png(const void *pixels, size_t size, int width, int height, int bits, int colour_type) {
  struct spng_ihdr header = {.width = (uint32_t)width,
                             .height = (uint32_t)height,
                             .bit_depth = (uint8_t)bits,
                             .color_type = (uint8_t)colour_type};
  spng_ctx *png = spng_ctx_new(SPNG_CTX_ENCODER);
  spng_set_option(png, SPNG_ENCODE_TO_BUFFER, 1);
  assert_int_equal(spng_set_ihdr(png, &header), 0);
  if (colour_type == SPNG_COLOR_TYPE_INDEXED) {
    struct spng_plte palette = {.n_entries = 2, .entries = {{10, 20, 30, 0}, {200, 150, 100, 0}}};
    assert_int_equal(spng_set_plte(png, &palette), 0);
  }
  assert_int_equal(spng_encode_image(png, pixels, size, SPNG_FMT_PNG, SPNG_ENCODE_FINALIZE), 0);
  encoded out = {0};
  int code = 0;
  out.bytes = spng_get_png_buffer(png, &out.size, &code);
  assert_int_equal(code, 0);
  spng_ctx_free(png);
  return out;
}

encoded encode_webp(const uint8_t *rgba, int width, int height) {
  uint8_t *bytes = NULL;
  size_t size = WebPEncodeLosslessRGBA(rgba, width, height, width * 4, &bytes);
  assert_true(size > 0);
  encoded out = {malloc(size), size};
  assert_non_null(out.bytes);
  memcpy(out.bytes, bytes, size);
  WebPFree(bytes);
  return out;
}

encoded encode_animation(const uint8_t *const *frames, int count, int width, int height) {
  enum { FRAME_MS = 1000 };
  WebPAnimEncoderOptions options;
  WebPConfig config;
  assert_true(WebPAnimEncoderOptionsInit(&options));
  assert_true(WebPConfigInit(&config) && WebPConfigLosslessPreset(&config, 1));
  WebPAnimEncoder *encoder = WebPAnimEncoderNew(width, height, &options);
  assert_non_null(encoder);
  for (int i = 0; i < count; i++) {
    WebPPicture picture;
    assert_true(WebPPictureInit(&picture));
    picture.use_argb = 1;
    picture.width = width;
    picture.height = height;
    assert_true(WebPPictureImportRGBA(&picture, frames[i], width * 4));
    assert_true(WebPAnimEncoderAdd(encoder, &picture, i * FRAME_MS, &config));
    WebPPictureFree(&picture);
  }
  assert_true(WebPAnimEncoderAdd(encoder, NULL, count * FRAME_MS, NULL));
  WebPData data;
  WebPDataInit(&data);
  assert_true(WebPAnimEncoderAssemble(encoder, &data));
  WebPAnimEncoderDelete(encoder);
  encoded out = {malloc(data.size), data.size};
  assert_non_null(out.bytes);
  memcpy(out.bytes, data.bytes, data.size);
  WebPDataClear(&data);
  return out;
}

static struct heif_error keep(struct heif_context *context, const void *data, size_t size, void *user) {
  (void)context;
  encoded *out = user;
  out->bytes = malloc(size);
  assert_non_null(out->bytes);
  memcpy(out->bytes, data, size);
  out->size = size;
  return (struct heif_error){heif_error_Ok, heif_suberror_Unspecified, ""};
}

static struct heif_encoder *heif_encoder_of(struct heif_context *context, bool av1) {
  enum heif_compression_format format = av1 ? heif_compression_AV1 : heif_compression_HEVC;
  struct heif_encoder *encoder = NULL;
  bool there = heif_context_get_encoder_for_format(context, format, &encoder).code == heif_error_Ok;
  return there ? encoder : NULL;
}

bool heif_is_written(bool av1) {
  struct heif_context *context = heif_context_alloc();
  struct heif_encoder *encoder = heif_encoder_of(context, av1);
  if (encoder) heif_encoder_release(encoder);
  heif_context_free(context);
  return encoder != NULL;
}

encoded encode_heif(const uint8_t *rgb, int width, int height, bool av1) {
  encoded out = {0};
  struct heif_context *context = heif_context_alloc();
  struct heif_encoder *encoder = heif_encoder_of(context, av1);
  if (!encoder) {
    heif_context_free(context);
    return out;
  }
  struct heif_image *picture = NULL;
  heif_image_create(width, height, heif_colorspace_RGB, heif_chroma_interleaved_RGB, &picture);
  heif_image_add_plane(picture, heif_channel_interleaved, width, height, 8);
  int stride = 0;
  uint8_t *plane = heif_image_get_plane(picture, heif_channel_interleaved, &stride);
  for (int y = 0; y < height; y++)
    memcpy(plane + (size_t)y * (size_t)stride, rgb + (size_t)y * (size_t)width * 3, (size_t)width * 3);
  heif_encoder_set_lossy_quality(encoder, 95);
  assert_int_equal(heif_context_encode_image(context, picture, encoder, NULL, NULL).code, heif_error_Ok);
  struct heif_writer writer = {1, keep};
  assert_int_equal(heif_context_write(context, &writer, &out).code, heif_error_Ok);
  heif_image_release(picture);
  heif_encoder_release(encoder);
  heif_context_free(context);
  return out;
}

/* ---- GIF, TIFF, JPEG XL */

static int keep_gif(GifFileType *gif, const GifByteType *bytes, int count) {
  encoded *out = gif->UserData;
  out->bytes = realloc(out->bytes, out->size + (size_t)count);
  assert_non_null(out->bytes);
  memcpy(out->bytes + out->size, bytes, (size_t)count);
  out->size += (size_t)count;
  return count;
}

static void put_gif_frame(GifFileType *gif, const gif_frame *frame) {
  static const int starts[] = {0, 4, 2, 1}, steps[] = {8, 8, 4, 2};
  GifByteType control[4];
  GraphicsControlBlock block = {DISPOSAL_UNSPECIFIED, false, 10, frame->transparent};
  EGifGCBToExtension(&block, control);
  assert_int_equal(EGifPutExtension(gif, GRAPHICS_EXT_FUNC_CODE, sizeof control, control), GIF_OK);
  assert_int_equal(EGifPutImageDesc(gif, frame->left, frame->top, frame->width, frame->height, frame->interlaced, NULL),
                   GIF_OK);
  for (int pass = 0; pass < (frame->interlaced ? 4 : 1); pass++)
    for (int y = frame->interlaced ? starts[pass] : 0; y < frame->height; y += frame->interlaced ? steps[pass] : 1) {
      GifPixelType row[4096];
      memcpy(row, frame->numbers + y * frame->width, (size_t)frame->width);
      assert_int_equal(EGifPutLine(gif, row, frame->width), GIF_OK);
    }
}

encoded encode_gif(const gif_frame *frames, int count, int width, int height, const uint8_t colours[][3]) {
  encoded out = {0};
  int code = 0;
  GifFileType *gif = EGifOpen(&out, keep_gif, &code);
  assert_non_null(gif);
  EGifSetGifVersion(gif, true);
  ColorMapObject *map = GifMakeMapObject(8, NULL);
  for (int i = 0; i < 8; i++) map->Colors[i] = (GifColorType){colours[i][0], colours[i][1], colours[i][2]};
  assert_int_equal(EGifPutScreenDesc(gif, width, height, 8, 0, map), GIF_OK);
  for (int i = 0; i < count; i++) put_gif_frame(gif, &frames[i]);
  GifFreeMapObject(map);
  assert_int_equal(EGifCloseFile(gif, &code), GIF_OK);
  return out;
}

static tmsize_t read_tiff(thandle_t handle, void *to, tmsize_t count) {
  memory_file *file = handle;
  size_t left = file->at < file->out.size ? file->out.size - file->at : 0;
  if ((size_t)count > left) count = (tmsize_t)left;
  memcpy(to, file->out.bytes + file->at, (size_t)count);
  file->at += (size_t)count;
  return count;
}

static tmsize_t write_tiff(thandle_t handle, void *from, tmsize_t count) {
  memory_file *file = handle;
  size_t end = file->at + (size_t)count;
  if (end > file->out.size) {
    file->out.bytes = realloc(file->out.bytes, end);
    assert_non_null(file->out.bytes);
    memset(file->out.bytes + file->out.size, 0, end - file->out.size);
    file->out.size = end;
  }
  memcpy(file->out.bytes + file->at, from, (size_t)count);
  file->at = end;
  return count;
}

static toff_t seek_tiff(thandle_t handle, toff_t offset, int whence) {
  memory_file *file = handle;
  file->at = (whence == SEEK_SET ? 0 : whence == SEEK_CUR ? file->at : file->out.size) + (size_t)offset;
  return file->at;
}

static int close_tiff(thandle_t handle) {
  (void)handle;
  return 0;
}

static toff_t size_of_tiff(thandle_t handle) {
  return ((memory_file *)handle)->out.size;
}

TIFF *open_tiff(memory_file *file, const char *mode) {
  TIFF *tiff =
      TIFFClientOpen("photo", mode, file, read_tiff, write_tiff, seek_tiff, close_tiff, size_of_tiff, NULL, NULL);
  assert_non_null(tiff);
  return tiff;
}

#ifdef SB_JXL
encoded encode_jxl(const uint8_t *pixels, int width, int height, int channels, bool lossless) {
  JxlEncoder *encoder = JxlEncoderCreate(NULL);
  JxlBasicInfo info;
  JxlColorEncoding colour;
  const JxlPixelFormat format = {(uint32_t)channels, JXL_TYPE_UINT8, JXL_NATIVE_ENDIAN, 0};
  encoded out = {malloc(4 << 20), 0};
  assert_non_null(out.bytes);
  JxlEncoderInitBasicInfo(&info);
  info.xsize = (uint32_t)width;
  info.ysize = (uint32_t)height;
  info.bits_per_sample = 8;
  info.uses_original_profile = lossless;
  if (channels == 4) info.num_extra_channels = 1, info.alpha_bits = 8;
  assert_int_equal(JxlEncoderSetBasicInfo(encoder, &info), JXL_ENC_SUCCESS);
  JxlColorEncodingSetToSRGB(&colour, JXL_FALSE);
  assert_int_equal(JxlEncoderSetColorEncoding(encoder, &colour), JXL_ENC_SUCCESS);
  JxlEncoderFrameSettings *settings = JxlEncoderFrameSettingsCreate(encoder, NULL);
  JxlEncoderSetFrameLossless(settings, lossless);
  size_t size = (size_t)width * (size_t)height * (size_t)channels;
  assert_int_equal(JxlEncoderAddImageFrame(settings, &format, pixels, size), JXL_ENC_SUCCESS);
  JxlEncoderCloseInput(encoder);
  uint8_t *next = out.bytes;
  size_t room = 4 << 20;
  assert_int_equal(JxlEncoderProcessOutput(encoder, &next, &room), JXL_ENC_SUCCESS);
  out.size = (size_t)(next - out.bytes);
  JxlEncoderDestroy(encoder);
  return out;
}
#endif
