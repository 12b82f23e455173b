/* GIF, BMP, TIFF and JPEG XL: what scanners, editors and cameras write, and hostile bytes. The other formats are in
 * test_image.c. */
#include "encoders.h"

#include "image/codecs.h"
#include "image/image.h"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* A picture of 3 x 2 blocks of 16 pixels, each of a colour of its own. */
enum { BLOCK = 16, ACROSS = 3, DOWN = 2, WIDTH = BLOCK * ACROSS, HEIGHT = BLOCK * DOWN, PIXELS = WIDTH * HEIGHT };
static const uint8_t colours[8][3] = {{200, 40, 40},   {40, 180, 60}, {50, 60, 210},   {230, 220, 40},
                                      {120, 120, 120}, {20, 30, 20},  {255, 255, 255}, {0, 0, 0}};

static int block_at(int i) {
  return i % WIDTH / BLOCK + i / WIDTH / BLOCK * ACROSS;
}

static void paint(uint8_t *pixels, int channels) {
  for (int i = 0; i < PIXELS; i++) {
    memcpy(pixels + channels * i, colours[block_at(i)], 3);
    if (channels == 4) pixels[4 * i + 3] = 255;
  }
}

static sb_status decode(const void *bytes, size_t size, sb_image *image, sb_error *error) {
  *image = (sb_image){0};
  return sb_image_decode(bytes, size, NULL, image, error);
}

static void assert_pixel(const sb_image *image, int x, int y, const uint8_t colour[3], int tolerance) {
  const uint8_t *pixel = image->pixels + (y * image->width + x) * 3;
  for (int c = 0; c < 3; c++) assert_in_range(pixel[c] + 256, colour[c] + 256 - tolerance, colour[c] + 256 + tolerance);
}

/* Every pixel, so that a row or a tile in the wrong place is seen. */
static void assert_is_the_picture(encoded photo, int tolerance) {
  sb_image image;
  sb_error error = {0};
  if (decode(photo.bytes, photo.size, &image, &error) != SB_OK) fail_msg("%s", error.message);
  assert_int_equal(image.width, WIDTH);
  assert_int_equal(image.height, HEIGHT);
  for (int i = 0; i < PIXELS; i++) assert_pixel(&image, i % WIDTH, i / WIDTH, colours[block_at(i)], tolerance);
  sb_image_free(&image);
  free(photo.bytes);
}

static void assert_is_refused(encoded photo, sb_status wanted, const char *said) {
  sb_image image;
  sb_error error = {0};
  assert_int_equal(decode(photo.bytes, photo.size, &image, &error), wanted);
  if (!strstr(error.message, said)) fail_msg("%s: %s", said, error.message);
  free(photo.bytes);
}

/* ---- GIF */

static const uint8_t *numbers(void) {
  static uint8_t all[PIXELS];
  for (int i = 0; i < PIXELS; i++) all[i] = (uint8_t)block_at(i);
  return all;
}

static encoded gif_of(bool interlaced) {
  const gif_frame frame = {numbers(), 0, 0, WIDTH, HEIGHT, interlaced, -1};
  return encode_gif(&frame, 1, WIDTH, HEIGHT, colours);
}

static void gifs_of_every_order_of_rows(void **state) {
  (void)state;
  assert_is_the_picture(gif_of(false), 0);
  assert_is_the_picture(gif_of(true), 0);
}

static void the_first_frame_of_a_gif_on_its_canvas(void **state) {
  (void)state;
  static uint8_t other[PIXELS];
  const gif_frame frames[] = {{numbers(), 0, 0, WIDTH, HEIGHT, false, -1}, {other, 0, 0, WIDTH, HEIGHT, false, -1}};
  assert_is_the_picture(encode_gif(frames, 2, WIDTH, HEIGHT, colours), 0);
  const gif_frame part = {numbers(), 5, 7, WIDTH, HEIGHT, false, 1}; /* colour 1 shows nothing */
  encoded photo = encode_gif(&part, 1, WIDTH + 20, HEIGHT + 20, colours);
  sb_image image;
  assert_int_equal(decode(photo.bytes, photo.size, &image, NULL), SB_OK);
  assert_int_equal(image.width, WIDTH + 20);
  assert_pixel(&image, 4, 7, colours[6], 0); /* nothing is white */
  assert_pixel(&image, 5, 7, colours[0], 0);
  assert_pixel(&image, 5 + BLOCK, 7, colours[6], 0);
  assert_pixel(&image, 5 + WIDTH - 1, 7 + HEIGHT - 1, colours[5], 0);
  assert_pixel(&image, WIDTH + 19, HEIGHT + 19, colours[6], 0);
  sb_image_free(&image);
  free(photo.bytes);
}

static void a_gif_without_a_picture_or_visible_pixel_is_refused(void **state) {
  (void)state;
  assert_is_refused(encode_gif(NULL, 0, WIDTH, HEIGHT, colours), SB_BAD_IMAGE, "no picture");
  static uint8_t none[PIXELS];
  const gif_frame frame = {none, 0, 0, WIDTH, HEIGHT, false, 0};
  assert_is_refused(encode_gif(&frame, 1, WIDTH, HEIGHT, colours), SB_BAD_IMAGE, "transparent");
}

/* ---- BMP */

static void put(encoded *out, uint64_t value, int bytes) {
  for (int i = 0; i < bytes; i++) out->bytes[out->size++] = i < 8 ? (uint8_t)(value >> (8 * i)) : 0;
}

/* What a BMP is written with. */
typedef struct bmp_kind {
  int head, bits, compression;
  bool top_down;
  uint32_t masks[4];
} bmp_kind;

static encoded begin_bmp(const bmp_kind *kind) {
  bool fields = kind->compression == 3 || kind->compression == 6;
  int behind = fields && kind->head == 40 ? (kind->compression == 6 ? 16 : 12) : 0;
  int entry = kind->head == 12 ? 3 : 4, palette = kind->bits <= 8 ? 1 << kind->bits : 0;
  encoded out = {calloc(1, 1 << 16), 0};
  assert_non_null(out.bytes);
  put(&out, 0x4d42, 2);
  put(&out, 0, 8);
  put(&out, (uint64_t)(14 + kind->head + behind + palette * entry), 4);
  put(&out, (uint64_t)kind->head, 4);
  int side = kind->head == 12 ? 2 : 4;
  put(&out, WIDTH, side);
  put(&out, (uint64_t)(kind->top_down ? -HEIGHT : HEIGHT), side);
  put(&out, 1, 2);
  put(&out, (uint64_t)kind->bits, 2);
  if (kind->head > 12) {
    put(&out, (uint64_t)kind->compression, 4);
    put(&out, 0, 20);
    for (int i = 0; i < 4 && (behind > 4 * i || kind->head >= 52 + 4 * (i == 3)); i++) put(&out, kind->masks[i], 4);
    out.size = (size_t)(14 + kind->head + behind);
  }
  for (int i = 0; i < palette; i++) {
    for (int c = 2; c >= 0; c--) put(&out, i < 8 ? colours[i][c] : 0, 1);
    if (entry == 4) put(&out, 0, 1);
  }
  return out;
}

static uint32_t spread(unsigned value, uint32_t mask) {
  unsigned shift = 0, most = mask;
  if (!mask) return 0;
  while (!(most & 1)) most >>= 1, shift++;
  return (uint32_t)((uint64_t)value * most / 255) << shift;
}

static void put_row(encoded *out, const bmp_kind *kind, int y) {
  size_t start = out->size;
  unsigned byte = 0, filled = 0;
  for (int x = 0; x < WIDTH; x++) {
    const uint8_t *colour = colours[block_at(y * WIDTH + x)];
    if (kind->bits <= 8) {
      byte = byte << kind->bits | (unsigned)(block_at(y * WIDTH + x) & ((1 << kind->bits) - 1));
      if ((filled += (unsigned)kind->bits) == 8) put(out, byte, 1), byte = filled = 0;
    } else if (kind->bits == 24) {
      for (int c = 2; c >= 0; c--) put(out, colour[c], 1);
    } else {
      uint32_t value = spread(255, kind->masks[3]);
      for (int c = 0; c < 3; c++) value |= spread(colour[c], kind->masks[c]);
      put(out, value, kind->bits / 8);
    }
  }
  while ((out->size - start) % 4) put(out, 0, 1);
}

static encoded bmp_of(const bmp_kind *kind) {
  encoded out = begin_bmp(kind);
  for (int i = 0; i < HEIGHT; i++) put_row(&out, kind, kind->top_down ? i : HEIGHT - 1 - i);
  return out;
}

#define MASKS_555 \
  { 0x7c00, 0x3e0, 0x1f, 0 }
#define MASKS_888 \
  { 0xff0000, 0xff00, 0xff, 0 }
static const bmp_kind bmp_kinds[] = {
    {12, 8, 0, false, {0}},
    {12, 24, 0, false, {0}},
    {40, 4, 0, false, {0}},
    {40, 8, 0, true, {0}},
    {40, 16, 0, false, MASKS_555},
    {40, 24, 0, true, {0}},
    {40, 32, 0, false, MASKS_888},
    {40, 16, 3, false, {0xf800, 0x7e0, 0x1f, 0}},
    {40, 32, 3, false, {0xff, 0xff00, 0xff0000, 0}},
    {40, 32, 6, true, {0xff000000, 0xff0000, 0xff00, 0xff}},
    {52, 32, 3, false, {0x3ff00000, 0xffc00, 0x3ff, 0}},
    {56, 32, 3, false, {0xff0000, 0xff00, 0xff, 0xff000000}},
    {64, 24, 0, false, {0}},
    {108, 32, 3, false, {0xff0000, 0xff00, 0xff, 0xff000000}},
    {124, 24, 0, false, {0}},
    {124, 16, 3, false, {0xf800, 0x7e0, 0x1f, 0}},
};

static void bmps_of_every_header_and_depth(void **state) {
  (void)state;
  for (size_t i = 0; i < count_of(bmp_kinds); i++) assert_is_the_picture(bmp_of(&bmp_kinds[i]), 8);
  sb_image image;
  encoded two = bmp_of(&(bmp_kind){40, 1, 0, false, {0}}); /* two colours: the picture's blocks by their parity */
  assert_int_equal(decode(two.bytes, two.size, &image, NULL), SB_OK);
  for (int i = 0; i < PIXELS; i++) assert_pixel(&image, i % WIDTH, i / WIDTH, colours[block_at(i) & 1], 0);
  sb_image_free(&image);
  free(two.bytes);
}

/* Runs, pixels written one by one, a jump, ends of rows, the end. */
static encoded packed_bmp(bool four) {
  encoded out = begin_bmp(&(bmp_kind){40, four ? 4 : 8, four ? 2 : 1, false, {0}});
  for (int y = HEIGHT - 1; y >= 0; y--) {
    for (int x = 0; x < WIDTH; x += BLOCK) {
      unsigned number = (unsigned)block_at(y * WIDTH + x), both = four ? number << 4 | number : number;
      if (y % 3 == 0) {
        put(&out, BLOCK | both << 8, 2);
      } else if (y % 3 == 1) {
        put(&out, (uint64_t)BLOCK << 8, 2);
        for (int i = 0; i < (four ? BLOCK / 2 : BLOCK); i++) put(&out, both, 1);
      } else {
        put(&out, 1 | both << 8, 2);
        put(&out, 3u << 8, 2); /* three pixels, with padding */
        for (int i = 0; i < 4; i++) put(&out, four && i > 1 ? 0 : both, four && i > 1 ? 0 : 1);
        put(&out, (BLOCK - 4) | both << 8, 2);
      }
    }
    if (y) put(&out, 0, 2);
  }
  put(&out, 0x100, 2);
  return out;
}

static void bmps_of_run_lengths(void **state) {
  (void)state;
  assert_is_the_picture(packed_bmp(false), 0);
  assert_is_the_picture(packed_bmp(true), 0);
}

static void bmp_alpha_counts_where_any_pixel_has_some(void **state) {
  (void)state;
  bmp_kind kind = {108, 32, 3, false, {0xff0000, 0xff00, 0xff, 0xff000000}};
  encoded photo = bmp_of(&kind);
  size_t pixels = photo.size - PIXELS * 4;
  for (size_t i = 0; i < PIXELS; i++) photo.bytes[pixels + 4 * i + 3] = 0;
  encoded none = {malloc(photo.size), photo.size};
  assert_non_null(none.bytes);
  memcpy(none.bytes, photo.bytes, photo.size);
  assert_is_the_picture(none, 0); /* writers that declare alpha and leave it 0 */
  photo.bytes[pixels + 3] = 255;  /* bottom left */
  sb_image image;
  assert_int_equal(decode(photo.bytes, photo.size, &image, NULL), SB_OK);
  assert_pixel(&image, 0, HEIGHT - 1, colours[3], 0);
  assert_pixel(&image, 1, HEIGHT - 1, colours[6], 0);
  sb_image_free(&image);
  free(photo.bytes);
}

static void bmps_that_are_not_read_are_named(void **state) {
  (void)state;
  assert_is_refused(bmp_of(&(bmp_kind){40, 24, 4, false, {0}}), SB_UNSUPPORTED_IMAGE, "JPEG");
  assert_is_refused(bmp_of(&(bmp_kind){40, 24, 5, false, {0}}), SB_UNSUPPORTED_IMAGE, "PNG");
  assert_is_refused(bmp_of(&(bmp_kind){40, 24, 9, false, {0}}), SB_UNSUPPORTED_IMAGE, "compression 9");
}

/* ---- TIFF */

typedef struct tiff_kind {
  const char *mode;
  int compression, photometric, channels, bits;
  int rows; /* of a strip; 0: tiles of 16 x 16 */
  bool apart;
} tiff_kind;

static const tiff_kind tiff_kinds[] = {
    {"w", COMPRESSION_NONE, PHOTOMETRIC_RGB, 3, 8, HEIGHT, false},
    {"w", COMPRESSION_NONE, PHOTOMETRIC_RGB, 3, 8, 5, false},
    {"wb", COMPRESSION_LZW, PHOTOMETRIC_RGB, 3, 8, 7, false},
    {"w8", COMPRESSION_ADOBE_DEFLATE, PHOTOMETRIC_RGB, 3, 8, 1, false},
    {"wl", COMPRESSION_PACKBITS, PHOTOMETRIC_RGB, 3, 8, 32, false},
    {"w", COMPRESSION_DEFLATE, PHOTOMETRIC_RGB, 3, 8, 0, false},
    {"w", COMPRESSION_LZW, PHOTOMETRIC_RGB, 3, 8, 16, true},
    {"w", COMPRESSION_LZW, PHOTOMETRIC_RGB, 3, 8, 0, true},
    {"wb", COMPRESSION_NONE, PHOTOMETRIC_RGB, 3, 16, 9, false},
    {"w", COMPRESSION_LZW, PHOTOMETRIC_RGB, 4, 8, 9, false},
    {"w", COMPRESSION_JPEG, PHOTOMETRIC_RGB, 3, 8, 16, false},
    {"w", COMPRESSION_NONE, PHOTOMETRIC_SEPARATED, 4, 8, 9, false},
};

static void describe_tiff(TIFF *tiff, const tiff_kind *kind, int orientation) {
  TIFFSetField(tiff, TIFFTAG_IMAGEWIDTH, WIDTH);
  TIFFSetField(tiff, TIFFTAG_IMAGELENGTH, HEIGHT);
  TIFFSetField(tiff, TIFFTAG_BITSPERSAMPLE, kind->bits);
  TIFFSetField(tiff, TIFFTAG_SAMPLESPERPIXEL, kind->channels);
  TIFFSetField(tiff, TIFFTAG_COMPRESSION, kind->compression);
  TIFFSetField(tiff, TIFFTAG_PHOTOMETRIC, kind->photometric);
  TIFFSetField(tiff, TIFFTAG_PLANARCONFIG, kind->apart ? PLANARCONFIG_SEPARATE : PLANARCONFIG_CONTIG);
  TIFFSetField(tiff, TIFFTAG_ORIENTATION, orientation);
  if (kind->compression == COMPRESSION_JPEG) TIFFSetField(tiff, TIFFTAG_JPEGQUALITY, 100);
  uint16_t alpha = EXTRASAMPLE_UNASSALPHA;
  if (kind->channels == 4 && kind->photometric == PHOTOMETRIC_RGB) TIFFSetField(tiff, TIFFTAG_EXTRASAMPLES, 1, &alpha);
  if (kind->rows) {
    TIFFSetField(tiff, TIFFTAG_ROWSPERSTRIP, kind->rows);
  } else {
    TIFFSetField(tiff, TIFFTAG_TILEWIDTH, BLOCK);
    TIFFSetField(tiff, TIFFTAG_TILELENGTH, BLOCK);
  }
}

static unsigned sample_of(const tiff_kind *kind, int i, int channel) {
  bool inks = kind->photometric == PHOTOMETRIC_SEPARATED;
  if (channel == 3) return inks ? 0 : 255;
  unsigned value = colours[block_at(i)][channel];
  return inks ? 255 - value : value;
}

/* `width` pixels of row y from x on, of one channel or of all. */
static void samples(const tiff_kind *kind, int x, int y, int width, int channel, uint8_t *out) {
  int from = kind->apart ? channel : 0, to = kind->apart ? channel + 1 : kind->channels;
  for (int i = 0; i < width; i++)
    for (int c = from; c < to; c++) {
      unsigned value = sample_of(kind, y * WIDTH + x + i, c);
      if (kind->bits == 16) *out++ = (uint8_t)value;
      *out++ = (uint8_t)value;
    }
}

static void write_page(TIFF *tiff, const tiff_kind *kind, int orientation) {
  uint8_t buffer[WIDTH * 16];
  describe_tiff(tiff, kind, orientation);
  for (int plane = 0; plane < (kind->apart ? kind->channels : 1); plane++) {
    for (int y = 0; kind->rows && y < HEIGHT; y++) {
      samples(kind, 0, y, WIDTH, plane, buffer);
      assert_int_equal(TIFFWriteScanline(tiff, buffer, (uint32_t)y, (uint16_t)plane), 1);
    }
    for (int tile = 0; !kind->rows && tile < ACROSS * DOWN; tile++) {
      int x = tile % ACROSS * BLOCK, y = tile / ACROSS * BLOCK, row = BLOCK * (kind->apart ? 1 : kind->channels);
      for (int i = 0; i < BLOCK; i++) samples(kind, x, y + i, BLOCK, plane, buffer + i * row);
      assert_true(TIFFWriteTile(tiff, buffer, (uint32_t)x, (uint32_t)y, 0, (uint16_t)plane) > 0);
    }
  }
}

static encoded tiff_of(const tiff_kind *kind, int orientation) {
  memory_file file = {0};
  TIFF *tiff = open_tiff(&file, kind->mode);
  write_page(tiff, kind, orientation);
  TIFFClose(tiff);
  return file.out;
}

static void tiffs_of_every_layout_and_compression(void **state) {
  (void)state;
  for (size_t i = 0; i < count_of(tiff_kinds); i++)
    assert_is_the_picture(tiff_of(&tiff_kinds[i], 1), tiff_kinds[i].compression == COMPRESSION_JPEG ? 12 : 1);
}

static void tiffs_of_every_orientation_are_turned_upright(void **state) {
  (void)state;
  /* TIFF 6.0, tag 274: on which side a person sees the stored row 0 and column 0. */
  static const char *const sides[9] = {"", "TL", "TR", "BR", "BL", "LT", "RT", "RB", "LB"};
  for (int orientation = 1; orientation <= 8; orientation++) {
    encoded photo = tiff_of(&tiff_kinds[1], orientation);
    sb_image image;
    assert_int_equal(decode(photo.bytes, photo.size, &image, NULL), SB_OK);
    bool swapped = orientation >= 5, right = strchr(sides[orientation], 'R'), bottom = strchr(sides[orientation], 'B');
    assert_int_equal(image.width, swapped ? HEIGHT : WIDTH);
    assert_pixel(&image, right ? image.width - 1 : 0, bottom ? image.height - 1 : 0, colours[0], 0);
    int column = right ? 0 : image.width - 1, row = bottom ? 0 : image.height - 1; /* the opposite corner */
    assert_pixel(&image, column, row, colours[5], 0);
    assert_pixel(&image, right ? image.width - 1 : 0, row, colours[swapped ? 2 : 3], 0);
    sb_image_free(&image);
    free(photo.bytes);
  }
}

static void the_first_page_of_a_tiff_counts(void **state) {
  (void)state;
  memory_file file = {0};
  TIFF *tiff = open_tiff(&file, "w");
  write_page(tiff, &tiff_kinds[0], 1);
  assert_int_equal(TIFFWriteDirectory(tiff), 1);
  write_page(tiff, &tiff_kinds[0], 3);
  TIFFClose(tiff);
  assert_is_the_picture(file.out, 0);
}

static void tiffs_that_are_not_read_are_named(void **state) {
  (void)state;
  static const uint8_t version[4] = {1, 4, 0, 0};
  for (int kind = 0; kind < 3; kind++) {
    memory_file file = {0};
    TIFF *tiff = open_tiff(&file, "w");
    tiff_kind written = tiff_kinds[0];
    if (kind == 0) TIFFSetField(tiff, TIFFTAG_DNGVERSION, version);
    if (kind == 1) TIFFSetField(tiff, TIFFTAG_SUBFILETYPE, FILETYPE_REDUCEDIMAGE);
    if (kind == 2) written.photometric = PHOTOMETRIC_CFA;
    write_page(tiff, &written, 1);
    TIFFClose(tiff);
    assert_is_refused(file.out, SB_UNSUPPORTED_IMAGE, "raw file");
  }
  encoded photo = tiff_of(&tiff_kinds[0], 1);
  for (size_t i = 0; i + 12 <= photo.size; i++) /* the entry of tag 259 */
    if (!memcmp(photo.bytes + i, "\x03\x01\x03\0\1\0\0\0\1\0", 10)) photo.bytes[i + 8] = 6;
  assert_is_refused(photo, SB_UNSUPPORTED_IMAGE, "rare compression 6");
}

/* ---- JPEG XL */

#ifdef SB_JXL
static void jpeg_xl_with_and_without_alpha(void **state) {
  (void)state;
  uint8_t rgb[PIXELS * 3], rgba[PIXELS * 4];
  paint(rgb, 3);
  paint(rgba, 4);
  assert_is_the_picture(encode_jxl(rgb, WIDTH, HEIGHT, 3, true), 0);
  assert_is_the_picture(encode_jxl(rgba, WIDTH, HEIGHT, 4, true), 0);
  for (int i = 0; i < PIXELS; i++) rgba[4 * i + 3] = 128;
  encoded photo = encode_jxl(rgba, WIDTH, HEIGHT, 4, true);
  sb_image image;
  assert_int_equal(decode(photo.bytes, photo.size, &image, NULL), SB_OK);
  for (int c = 0; c < 3; c++)
    assert_in_range(image.pixels[c], (colours[0][c] + 255) / 2 - 2, (colours[0][c] + 255) / 2 + 2);
  sb_image_free(&image);
  free(photo.bytes);
  memset(rgba, 0, sizeof rgba);
  assert_is_refused(encode_jxl(rgba, WIDTH, HEIGHT, 4, true), SB_BAD_IMAGE, "transparent");
}
#else
static void jpeg_xl_is_named_where_it_is_not_read(void **state) {
  (void)state;
  sb_image image;
  sb_error error = {0};
  assert_int_equal(decode("\xff\x0a\xff\x0f", 4, &image, &error), SB_UNSUPPORTED_IMAGE);
  assert_non_null(strstr(error.message, "JPEG XL"));
}
#endif

/* ---- Limits and hostile bytes, of all of them */

enum { PHOTOS_MAX = 40 };

static size_t all_photos(encoded *photos) {
  size_t count = 0;
  photos[count++] = gif_of(false);
  photos[count++] = gif_of(true);
  for (size_t i = 0; i < count_of(bmp_kinds); i++) photos[count++] = bmp_of(&bmp_kinds[i]);
  photos[count++] = packed_bmp(false);
  photos[count++] = packed_bmp(true);
  for (size_t i = 0; i < count_of(tiff_kinds); i++) photos[count++] = tiff_of(&tiff_kinds[i], 6);
#ifdef SB_JXL
  uint8_t rgb[PIXELS * 3];
  paint(rgb, 3);
  photos[count++] = encode_jxl(rgb, WIDTH, HEIGHT, 3, true);
  photos[count++] = encode_jxl(rgb, WIDTH, HEIGHT, 3, false);
#endif
  assert_true(count <= PHOTOS_MAX);
  return count;
}

static void limits_on_pixels_sides_memory_and_bytes_hold(void **state) {
  (void)state;
  encoded photos[PHOTOS_MAX];
  size_t count = all_photos(photos);
  sb_image_limits limits[4] = {sb_image_default_limits, sb_image_default_limits, sb_image_default_limits,
                               sb_image_default_limits};
  limits[0].max_pixels = PIXELS - 1;
  limits[1].max_side = WIDTH - 1;
  limits[2].max_memory = 1 << 20;
  limits[3].max_bytes = 10;
  for (size_t i = 0; i < count; i++) {
    for (size_t l = 0; l < count_of(limits); l++) {
      sb_image image = {0};
      assert_int_equal(sb_image_decode(photos[i].bytes, photos[i].size, &limits[l], &image, NULL), SB_IMAGE_TOO_LARGE);
    }
    free(photos[i].bytes);
  }
}

/* A copy of exactly this size, so that sanitizers see a read beyond. */
static sb_status decode_part(const uint8_t *bytes, size_t size, sb_image *image) {
  uint8_t *part = malloc(size ? size : 1);
  sb_error error = {0};
  assert_non_null(part);
  memcpy(part, bytes, size);
  sb_status status = decode(part, size, image, &error);
  if (status != SB_OK) assert_true(error.message[0] != 0);
  free(part);
  return status;
}

static void a_truncated_photo_gives_no_partial_picture(void **state) {
  (void)state;
  encoded photos[PHOTOS_MAX];
  size_t count = all_photos(photos);
  for (size_t i = 0; i < count; i++) {
    sb_image whole, image;
    assert_int_equal(decode(photos[i].bytes, photos[i].size, &whole, NULL), SB_OK);
    size_t step = photos[i].size / 300 + 1;
    for (size_t size = 0; size < photos[i].size; size += step) {
      if (decode_part(photos[i].bytes, size, &image) != SB_OK) continue;
      assert_memory_equal(image.pixels, whole.pixels, PIXELS * 3);
      sb_image_free(&image);
    }
    sb_image_free(&whole);
    free(photos[i].bytes);
  }
}

static void changed_bytes_never_crash_a_decoder(void **state) {
  (void)state;
  enum { ROUNDS = 200, CHANGES = 3 };
  encoded photos[PHOTOS_MAX];
  size_t count = all_photos(photos);
  uint64_t seed = 23;
  for (size_t i = 0; i < count; i++) {
    uint8_t *copy = malloc(photos[i].size);
    assert_non_null(copy);
    for (int round = 0; round < ROUNDS; round++) {
      memcpy(copy, photos[i].bytes, photos[i].size);
      size_t head = round % 2 && photos[i].size > 64 ? 64 : photos[i].size;
      for (int change = 0; change < CHANGES; change++) copy[next_random(&seed) % head] = (uint8_t)next_random(&seed);
      sb_image image;
      if (decode_part(copy, photos[i].size, &image) == SB_OK) assert_true(image.width > 0 && image.height > 0);
      sb_image_free(&image);
    }
    free(copy);
    free(photos[i].bytes);
  }
  size_t now = 1, most = 0;
  sb_image_memory_used(&now, &most);
  assert_int_equal(now, 0);
}

/* ---- Memory */

#ifndef SB_SANITIZED
enum { LARGE_WIDTH = 2400, LARGE_HEIGHT = 1600, LARGE_PIXELS = LARGE_WIDTH * LARGE_HEIGHT };

/* What a photo is made of: slopes, and a little noise in their last bits. */
static struct { uint8_t rgb[LARGE_PIXELS * 3], rgba[LARGE_PIXELS * 4]; } large;

static void paint_large(void) {
  for (int i = 0; i < LARGE_PIXELS; i++) {
    int x = i % LARGE_WIDTH, y = i / LARGE_WIDTH;
    for (int c = 0; c < 4; c++) large.rgba[4 * i + c] = (uint8_t)(y / 8 + x / (8 + c) + i * 7 % 3);
    memcpy(large.rgb + 3 * i, large.rgba + 4 * i, 3);
  }
}

static encoded large_gif(void) {
  uint8_t *frame = malloc(LARGE_PIXELS);
  assert_non_null(frame);
  for (int i = 0; i < LARGE_PIXELS; i++) frame[i] = large.rgb[3 * i] & 7;
  const gif_frame whole = {frame, 0, 0, LARGE_WIDTH, LARGE_HEIGHT, true, -1};
  encoded out = encode_gif(&whole, 1, LARGE_WIDTH, LARGE_HEIGHT, colours);
  free(frame);
  return out;
}

static encoded large_tiff(void) {
  memory_file file = {0};
  TIFF *tiff = open_tiff(&file, "w");
  describe_tiff(tiff, &(tiff_kind){"w", COMPRESSION_LZW, PHOTOMETRIC_RGB, 3, 8, LARGE_HEIGHT, false}, 1);
  TIFFSetField(tiff, TIFFTAG_IMAGEWIDTH, LARGE_WIDTH);
  TIFFSetField(tiff, TIFFTAG_IMAGELENGTH, LARGE_HEIGHT);
  for (int y = 0; y < LARGE_HEIGHT; y++) {
    uint8_t row[LARGE_WIDTH * 3];
    memcpy(row, large.rgb + (size_t)y * sizeof row, sizeof row);
    assert_int_equal(TIFFWriteScanline(tiff, row, (uint32_t)y, 0), 1);
  }
  TIFFClose(tiff);
  return file.out;
}

static encoded large_jpeg(void) {
  return encode_jpeg(large.rgb, LARGE_WIDTH, LARGE_HEIGHT, JPEG_RGB, false, 6);
}
static encoded large_progressive_jpeg(void) {
  return encode_jpeg(large.rgb, LARGE_WIDTH, LARGE_HEIGHT, JPEG_RGB, true, 6);
}
static encoded large_png(void) {
  return encode_png(large.rgb, sizeof large.rgb, LARGE_WIDTH, LARGE_HEIGHT, 8, 2);
}
static encoded large_webp(void) {
  return encode_webp(large.rgba, LARGE_WIDTH, LARGE_HEIGHT);
}
static encoded large_heic(void) {
  return encode_heif(large.rgb, LARGE_WIDTH, LARGE_HEIGHT / 2, false);
}
static encoded large_avif(void) {
  return encode_heif(large.rgb, LARGE_WIDTH, LARGE_HEIGHT / 2, true);
}
#ifdef SB_JXL
static encoded large_jxl(void) {
  return encode_jxl(large.rgb, LARGE_WIDTH, LARGE_HEIGHT / 2, 3, false);
}
#endif

static int in_child(int (*run)(FILE *, encoded (*)(void)), FILE *file, encoded (*make)(void)) {
  pid_t child = fork();
  assert_true(child >= 0);
  if (!child) _exit(run(file, make));
  int code = 1;
  assert_int_equal(waitpid(child, &code, 0), child);
  return WIFEXITED(code) ? WEXITSTATUS(code) : -1;
}

static int write_photo(FILE *file, encoded (*make)(void)) {
  paint_large();
  encoded photo = make();
  fwrite(photo.bytes, 1, photo.size, file);
  return fflush(file) != 0;
}

/* 1: decoding the photo in the file took more memory than was reserved for it. */
static int decode_photo(FILE *file, encoded (*make)(void)) {
  enum { SLACK = 4 << 20 }; /* code that is loaded, and stacks */
  (void)make;
  struct rusage before, after;
  size_t now = 0, reserved = 0;
  sb_image image = {0};
  sb_image_limits limits = sb_image_default_limits;
  limits.enough_side = LARGE_HEIGHT / 8; /* a small picture, so that the decoder's own memory counts */
  long size = ftell(file);
  uint8_t *bytes = malloc((size_t)size);
  rewind(file);
  if (!bytes || fread(bytes, 1, (size_t)size, file) != (size_t)size) return 2;
  getrusage(RUSAGE_SELF, &before);
  if (sb_image_decode(bytes, (size_t)size, &limits, &image, NULL) != SB_OK) return 3;
  getrusage(RUSAGE_SELF, &after);
  sb_image_memory_used(&now, &reserved);
  size_t grown = (size_t)(after.ru_maxrss - before.ru_maxrss) * 1024;
  print_message("# %zu kB of %zu kB\n", grown >> 10, reserved >> 10);
  return grown > reserved + SLACK;
}

/* Run first: photos are made and decoded in processes of their own, which reuse no memory of earlier photos. */
static void a_decoder_takes_no_more_memory_than_is_reserved_for_it(void **state) {
  (void)state;
  encoded (*const makers[])(void) = {large_jpeg,
                                     large_progressive_jpeg,
                                     large_png,
                                     large_webp,
                                     large_gif,
                                     large_tiff,
#ifdef SB_JXL
                                     large_jxl,
#endif
                                     heif_is_written(false) ? large_heic : large_png,
                                     heif_is_written(true) ? large_avif : large_png};
  for (size_t i = 0; i < count_of(makers); i++) {
    FILE *file = tmpfile();
    assert_non_null(file);
    assert_int_equal(in_child(write_photo, file, makers[i]), 0);
    fseek(file, 0, SEEK_END);
    assert_int_equal(in_child(decode_photo, file, NULL), 0);
    fclose(file);
  }
}
#endif

int main(void) {
  TIFFSetWarningHandler(NULL);
  const struct CMUnitTest tests[] = {
#ifndef SB_SANITIZED
      cmocka_unit_test(a_decoder_takes_no_more_memory_than_is_reserved_for_it),
#endif
      cmocka_unit_test(gifs_of_every_order_of_rows),
      cmocka_unit_test(the_first_frame_of_a_gif_on_its_canvas),
      cmocka_unit_test(a_gif_without_a_picture_or_visible_pixel_is_refused),
      cmocka_unit_test(bmps_of_every_header_and_depth),
      cmocka_unit_test(bmps_of_run_lengths),
      cmocka_unit_test(bmp_alpha_counts_where_any_pixel_has_some),
      cmocka_unit_test(bmps_that_are_not_read_are_named),
      cmocka_unit_test(tiffs_of_every_layout_and_compression),
      cmocka_unit_test(tiffs_of_every_orientation_are_turned_upright),
      cmocka_unit_test(the_first_page_of_a_tiff_counts),
      cmocka_unit_test(tiffs_that_are_not_read_are_named),
#ifdef SB_JXL
      cmocka_unit_test(jpeg_xl_with_and_without_alpha),
#else
      cmocka_unit_test(jpeg_xl_is_named_where_it_is_not_read),
#endif
      cmocka_unit_test(limits_on_pixels_sides_memory_and_bytes_hold),
      cmocka_unit_test(a_truncated_photo_gives_no_partial_picture),
      cmocka_unit_test(changed_bytes_never_crash_a_decoder),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
