/* HEIC and AVIF as phones write them: besides the photo, a gain map for HDR screens, depth, a thumbnail, alpha, and
 * metadata that refers to several of them. Also photos without their end mark, and what a decode may cost. */
#include "boxes.h"
#include "encoders.h"

#include "image/codecs.h"
#include "image/heif_references.h"
#include "image/image.h"

#include <pthread.h>

enum { SIDE = 64, PIXELS = SIDE * SIDE };
static const uint8_t colours[4][3] = {{200, 40, 40}, {40, 180, 60}, {50, 60, 210}, {120, 120, 120}};

static void paint(uint8_t *rgb) {
  for (int i = 0; i < PIXELS; i++) memcpy(rgb + 3 * i, colours[i % SIDE / (SIDE / 2) + 2 * (i / SIDE / (SIDE / 2))], 3);
}

static sb_status decode(const void *bytes, size_t size, sb_image *image, sb_error *error) {
  *image = (sb_image){0};
  return sb_image_decode(bytes, size, NULL, image, error);
}

/* `over_white`: how much of the picture shows, of 255. */
static void assert_is_the_picture(const sb_image *image, int over_white, int tolerance) {
  assert_int_equal(image->width, SIDE);
  assert_int_equal(image->height, SIDE);
  for (int quarter = 0; quarter < 4; quarter++) {
    int x = SIDE / 4 + quarter % 2 * SIDE / 2, y = SIDE / 4 + quarter / 2 * SIDE / 2;
    for (int c = 0; c < 3; c++) {
      int wanted = (colours[quarter][c] * over_white + 255 * (255 - over_white)) / 255;
      assert_in_range(image->pixels[(y * SIDE + x) * 3 + c] + 256, wanted + 256 - tolerance, wanted + 256 + tolerance);
    }
  }
}

/* ---- References between items */

/* One picture as libheif encodes it. */
typedef struct coded {
  uint8_t setup[1024], stream[4096]; /* hvcC or av1C, and what follows `mdat` */
  size_t setup_size, stream_size;
} coded;

static const uint8_t *box_of(const encoded *photo, const char *type, size_t *size) {
  const uint8_t *at = memmem(photo->bytes, photo->size, type, 4);
  assert_non_null(at);
  *size = ((size_t)at[-2] << 8 | at[-1]) - 8;
  return at + 4;
}

static coded code(const uint8_t *rgb, bool av1) {
  coded out = {0};
  encoded photo = encode_heif(rgb, SIDE, SIDE, av1);
  const uint8_t *setup = box_of(&photo, av1 ? "av1C" : "hvcC", &out.setup_size);
  assert_true(out.setup_size <= sizeof out.setup);
  memcpy(out.setup, setup, out.setup_size);
  const uint8_t *stream = box_of(&photo, "mdat", &out.stream_size);
  assert_true(out.stream_size <= sizeof out.stream);
  memcpy(out.stream, stream, out.stream_size);
  free(photo.bytes);
  return out;
}

#define GAIN_MAP "\0\0\0\0urn:com:apple:photo:2020:aux:hdrgainmap\0"
#define DEPTH "\0\0\0\0urn:mpeg:hevc:2015:auxid:2\0"
#define ALPHA "\0\0\0\0urn:mpeg:mpegB:cicp:systems:auxiliary:alpha\0"

/* Items: 1 the photo, 2 an auxiliary picture, 3 `tmap`, 4 Exif. */
typedef struct phone_photo {
  const char *auxiliary; /* what item 2 is: the payload of its auxC; NULL: not said */
  size_t auxiliary_size;
  const char *references; /* the payload of iref behind its version */
  size_t references_size;
  bool wide; /* item numbers of 32 bits in iref */
} phone_photo;

static void add_items(file *f, bool av1) {
  size_t list = begin(f, "iinf");
  add(f, "\0\0\0\0\0\4", 6);
  for (int item = 1; item <= 2; item++) {
    size_t at = begin(f, "infe");
    add(f, (const uint8_t[]){2, 0, 0, item == 2, 0, (uint8_t)item, 0, 0}, 8);
    add(f, av1 ? "av01\0" : "hvc1\0", 5);
    end(f, at);
  }
  WHOLE(f, "infe", "\2\0\0\1\0\3\0\0tmap\0");
  WHOLE(f, "infe", "\2\0\0\1\0\4\0\0Exif\0");
  end(f, list);
}

/* Returns where the places of the four items' data are to be written. */
static size_t add_locations(file *f) {
  size_t location = begin(f, "iloc"), first = f->size + 8;
  add(f, "\0\0\0\0\x44\0\0\4", 8);
  for (int item = 1; item <= 4; item++) {
    add(f, (const uint8_t[]){0, (uint8_t)item, 0, 0, 0, 1}, 6);
    add(f, "\0\0\0\0\0\0\0\0", 8);
  }
  end(f, location);
  return first + 6;
}

static void add_properties(file *f, const phone_photo *p, const coded *photo, const coded *other, bool av1) {
  size_t properties = begin(f, "iprp"), container = begin(f, "ipco");
  WHOLE(f, "ispe", "\0\0\0\0\0\0\0\x40\0\0\0\x40");
  WHOLE(f, "pixi", "\0\0\0\0\3\10\10\10");
  whole(f, av1 ? "av1C" : "hvcC", photo->setup, photo->setup_size);
  whole(f, av1 ? "av1C" : "hvcC", other->setup, other->setup_size);
  if (p->auxiliary) whole(f, "auxC", p->auxiliary, p->auxiliary_size);
  end(f, container);
  if (p->auxiliary)
    WHOLE(f, "ipma", "\0\0\0\0\0\0\0\3\0\1\3\1\2\x83\0\2\4\1\2\x84\5\0\3\1\1");
  else
    WHOLE(f, "ipma", "\0\0\0\0\0\0\0\3\0\1\3\1\2\x83\0\2\3\1\2\x84\0\3\1\1");
  end(f, properties);
}

static file phone_file(const phone_photo *p, const coded *photo, const coded *other, bool av1) {
  static const char exif[] = "\0\0\0\6Exif\0\0II*\0\10\0\0\0\0\0\0\0";
  const struct {
    const void *bytes;
    size_t size;
  } data[] = {{photo->stream, photo->stream_size},
              {other->stream, other->stream_size},
              {"\0\0\0\0", 4},
              {exif, sizeof exif - 1}};
  file f = {{0}, 0};
  if (av1)
    WHOLE(&f, "ftyp", "avif\0\0\0\0avifmif1miaf");
  else
    WHOLE(&f, "ftyp", "heic\0\0\0\0mif1heictmap");
  size_t meta = begin(&f, "meta");
  add(&f, "\0\0\0\0", 4);
  WHOLE(&f, "hdlr", "\0\0\0\0\0\0\0\0pict\0\0\0\0\0\0\0\0\0\0\0\0\0");
  WHOLE(&f, "pitm", "\0\0\0\0\0\1");
  add_items(&f, av1);
  size_t references = begin(&f, "iref");
  add(&f, p->wide ? "\1\0\0\0" : "\0\0\0\0", 4);
  add(&f, p->references, p->references_size);
  end(&f, references);
  add_properties(&f, p, photo, other, av1);
  size_t place = add_locations(&f);
  end(&f, meta);
  size_t content = begin(&f, "mdat");
  for (size_t i = 0; i < count_of(data); i++, place += 14) {
    set32(&f, place, f.size);
    set32(&f, place + 4, data[i].size);
    add(&f, data[i].bytes, data[i].size);
  }
  end(&f, content);
  return f;
}

#define AUXL_BOTH \
  "\0\0\0\x10"    \
  "auxl\0\2\0\2\0\1\0\3"
#define AUXL_PHOTO \
  "\0\0\0\x0e"     \
  "auxl\0\2\0\1\0\1"
#define CDSC_BOTH \
  "\0\0\0\x10"    \
  "cdsc\0\4\0\2\0\1\0\3"
#define CDSC_TMAP \
  "\0\0\0\x0e"    \
  "cdsc\0\4\0\1\0\3"
#define DIMG   \
  "\0\0\0\x10" \
  "dimg\0\3\0\2\0\1\0\2"
#define THMB_BOTH \
  "\0\0\0\x10"    \
  "thmb\0\2\0\2\0\1\0\3"
#define THMB_TMAP \
  "\0\0\0\x0e"    \
  "thmb\0\2\0\1\0\3"
#define PREM_TMAP \
  "\0\0\0\x0e"    \
  "prem\0\4\0\1\0\3"
#define AUXL_WIDE \
  "\0\0\0\x16"    \
  "auxl\0\0\0\2\0\2\0\0\0\1\0\0\0\3"
#define CDSC_WIDE \
  "\0\0\0\x16"    \
  "cdsc\0\0\0\4\0\2\0\0\0\1\0\0\0\3"
#define WITH(aux, refs, wide) \
  { aux, sizeof(aux) - 1, refs, sizeof(refs) - 1, wide }

static const phone_photo phone_photos[] = {
    WITH(GAIN_MAP, AUXL_PHOTO DIMG, false),
    WITH(GAIN_MAP, AUXL_BOTH DIMG, false),
    WITH(GAIN_MAP, AUXL_BOTH DIMG CDSC_BOTH, false),
    WITH(GAIN_MAP, CDSC_BOTH DIMG AUXL_PHOTO, false),
    WITH(GAIN_MAP, AUXL_PHOTO CDSC_TMAP, false),
    WITH(GAIN_MAP, THMB_BOTH DIMG, false),
    WITH(GAIN_MAP, THMB_TMAP DIMG, false),
    WITH(GAIN_MAP, AUXL_PHOTO PREM_TMAP DIMG, false),
    WITH(GAIN_MAP, AUXL_WIDE CDSC_WIDE, true),
    WITH(DEPTH, AUXL_BOTH DIMG CDSC_BOTH, false),
    {NULL, 0, AUXL_PHOTO DIMG, sizeof(AUXL_PHOTO DIMG) - 1, false},
};

static void the_primary_picture_is_read_whatever_refers_to_it(void **state) {
  (void)state;
  uint8_t rgb[PIXELS * 3], map[PIXELS * 3];
  paint(rgb);
  memset(map, 90, sizeof map);
  for (int av1 = 0; av1 <= 1; av1++) {
    if (!heif_is_written(av1)) continue;
    coded photo = code(rgb, av1), gain = code(map, av1);
    for (size_t i = 0; i < count_of(phone_photos); i++) {
      file f = phone_file(&phone_photos[i], &photo, &gain, av1);
      sb_image image;
      sb_error error = {0};
      if (decode(f.bytes, f.size, &image, &error) != SB_OK) fail_msg("photo %zu: %s", i, error.message);
      assert_is_the_picture(&image, 255, 30);
      sb_image_free(&image);
    }
  }
}

static void alpha_stays_when_other_references_are_dropped(void **state) {
  (void)state;
  static const phone_photo photos[] = {WITH(ALPHA, AUXL_PHOTO CDSC_BOTH, false),
                                       WITH(ALPHA, AUXL_BOTH CDSC_BOTH DIMG, false)};
  uint8_t rgb[PIXELS * 3], half[PIXELS * 3];
  paint(rgb);
  memset(half, 128, sizeof half);
  for (int av1 = 0; av1 <= 1; av1++) {
    if (!heif_is_written(av1)) continue;
    coded photo = code(rgb, av1), alpha = code(half, av1);
    for (size_t i = 0; i < count_of(photos); i++) {
      file f = phone_file(&photos[i], &photo, &alpha, av1);
      sb_image image;
      assert_int_equal(decode(f.bytes, f.size, &image, NULL), SB_OK);
      assert_is_the_picture(&image, 128, 30);
      sb_image_free(&image);
    }
  }
}

/* What libheif reads instead of a file's iref box: of the same length, without the named references. */
static void dropped_references_leave_every_other_byte_in_its_place(void **state) {
  (void)state;
  coded none = {.setup_size = 4, .stream_size = 4};
  for (size_t i = 0; i < count_of(phone_photos); i++) {
    file f = phone_file(&phone_photos[i], &none, &none, false);
    sb_image_heif_file patched = {.bytes = f.bytes, .size = f.size};
    assert_true(sb_image_heif_drop_references(&patched, SB_IMAGE_HEIF_KEEP_NONE));
    uint8_t read[sizeof f.bytes];
    for (size_t step = 1; step <= f.size; step = step * 3 + 1) {
      assert_int_equal(sb_image_heif_reader.seek(0, &patched), 0);
      for (size_t at = 0; at < f.size; at += step) {
        size_t part = f.size - at < step ? f.size - at : step;
        assert_int_equal(sb_image_heif_reader.read(read + at, part, &patched), 0);
      }
      assert_int_not_equal(sb_image_heif_reader.read(read, 1, &patched), 0);
      size_t at = patched.patch_at, behind = at + patched.patch_size;
      assert_memory_equal(read, f.bytes, at);
      assert_memory_equal(read + behind, f.bytes + behind, f.size - behind);
      for (size_t type = 0; type < 4; type++) assert_null(memmem(read, f.size, &"auxlcdscthmbprem"[4 * type], 4));
      assert_true((memmem(read, f.size, "dimg", 4) != NULL) == (memmem(f.bytes, f.size, "dimg", 4) != NULL));
    }
    free(patched.patch);
  }
}

static void a_file_of_hostile_boxes_is_refused_or_read(void **state) {
  (void)state;
  coded none = {.setup_size = 4, .stream_size = 4};
  uint64_t seed = 17;
  for (size_t round = 0; round < 20000; round++) {
    file f = phone_file(&phone_photos[round % count_of(phone_photos)], &none, &none, false);
    size_t size = round % 3 ? f.size : next_random(&seed) % f.size;
    uint8_t *bytes = malloc(size + 1); /* of exactly this size, so that sanitizers see a read beyond */
    assert_non_null(bytes);
    memcpy(bytes + 1, f.bytes, size);
    for (int change = 0; size && change < 3; change++)
      bytes[1 + next_random(&seed) % size] = (uint8_t)(next_random(&seed) >> next_random(&seed) % 8);
    sb_image_heif_file patched = {.bytes = bytes + 1, .size = size};
    (void)sb_image_heif_drop_references(&patched, (sb_image_heif_keep)(round % 2));
    if (patched.patch) assert_true(patched.patch_at + patched.patch_size <= size);
    free(patched.patch);
    free(bytes);
  }
}

/* ---- Photos without their end */

/* Joins the scans of each component one after another; jpeg_simple_progression is another such order. */
static void a_jpeg_without_its_end_mark_alone_is_complete(void **state) {
  (void)state;
  uint8_t rgb[PIXELS * 3];
  paint(rgb);
  for (int kind = 0; kind <= 2; kind++) {
    encoded photo =
        kind == 2 ? encode_jpeg_by_components(rgb, SIDE, SIDE) : encode_jpeg(rgb, SIDE, SIDE, JPEG_RGB, kind == 1, 0);
    sb_image whole, image;
    sb_error error = {0};
    assert_int_equal(decode(photo.bytes, photo.size, &whole, NULL), SB_OK);
    for (size_t missing = 1; missing <= 2; missing++) {
      assert_int_equal(decode(photo.bytes, photo.size - missing, &image, &error), SB_OK);
      assert_memory_equal(image.pixels, whole.pixels, PIXELS * 3);
      sb_image_free(&image);
    }
    for (size_t size = 3; size < photo.size - 10; size++) { /* the last bits may be padding */
      assert_int_equal(decode(photo.bytes, size, &image, &error), SB_BAD_IMAGE);
      if (size > 20) assert_non_null(strstr(error.message, "truncated"));
    }
    sb_image_free(&whole);
    free(photo.bytes);
  }
}

static void a_jpeg_whose_end_is_zeros_is_truncated(void **state) {
  (void)state;
  uint8_t rgb[PIXELS * 3];
  paint(rgb);
  encoded photo = encode_jpeg(rgb, SIDE, SIDE, JPEG_RGB, false, 0);
  for (size_t kept = photo.size * 6 / 10; kept < photo.size - 40; kept++) {
    encoded copy = {malloc(photo.size), photo.size};
    assert_non_null(copy.bytes);
    memcpy(copy.bytes, photo.bytes, kept);
    memset(copy.bytes + kept, 0, photo.size - kept);
    sb_image image;
    assert_int_equal(decode(copy.bytes, copy.size, &image, NULL), SB_BAD_IMAGE);
    free(copy.bytes);
  }
  free(photo.bytes);
}

static void a_png_without_its_end_mark_alone_is_complete(void **state) {
  (void)state;
  enum { END = 12 };
  uint8_t rgb[PIXELS * 3];
  paint(rgb);
  encoded photo = encode_png(rgb, sizeof rgb, SIDE, SIDE, 8, 2);
  for (size_t missing = 1; missing <= END; missing++) {
    sb_image image;
    assert_int_equal(decode(photo.bytes, photo.size - missing, &image, NULL), SB_OK);
    assert_memory_equal(image.pixels, rgb, sizeof rgb);
    sb_image_free(&image);
  }
  sb_image image;
  sb_error error = {0};
  assert_int_equal(decode(photo.bytes, photo.size / 2, &image, &error), SB_BAD_IMAGE);
  assert_non_null(strstr(error.message, "truncated"));
  free(photo.bytes);
}

/* ---- Large photos */

static void large_jpegs_of_phones_and_panoramas_are_decoded_smaller(void **state) {
  (void)state;
  static const int sizes[][2] = {{12000, 9000}, {16320, 12240}, {43000, 6000}, {900, 65000}};
  for (size_t i = 0; i < count_of(sizes); i++) {
    int width = sizes[i][0], height = sizes[i][1];
    encoded photo = encode_flat_jpeg(colours[0], width, height, false);
    for (int full = 0; full <= 1; full++) {
      sb_image_limits limits = sb_image_default_limits;
      if (full) limits.enough_side = 0; /* as large as the limits allow */
      sb_image image = {0};
      sb_error error = {0};
      if (sb_image_decode(photo.bytes, photo.size, &limits, &image, &error) != SB_OK) fail_msg("%s", error.message);
      assert_int_equal(image.source_width, width);
      assert_int_equal(image.source_height, height);
      assert_true(image.width < width && image.width >= width / 8);
      assert_true((size_t)image.width * (size_t)image.height <= limits.max_pixels);
      for (int c = 0; c < 3; c++) assert_in_range(image.pixels[c], colours[0][c] - 3, colours[0][c] + 3);
      sb_image_free(&image);
    }
    free(photo.bytes);
  }
}

/* Every format that is decoded row by row is averaged as JPEG is. */
static void a_large_photo_of_any_format_is_decoded_smaller(void **state) {
  (void)state;
  enum { WIDTH = 301, HEIGHT = 203 }; /* not a multiple of the scale */
  static uint8_t rgb[WIDTH * HEIGHT * 3], rgba[WIDTH * HEIGHT * 4];
  for (int i = 0; i < WIDTH * HEIGHT; i++) {
    const uint8_t *colour = colours[(i % WIDTH > WIDTH / 2) + 2 * (i / WIDTH > HEIGHT / 2)];
    memcpy(rgb + 3 * i, colour, 3);
    memcpy(rgba + 4 * i, colour, 3);
    rgba[4 * i + 3] = 255;
  }
  encoded photos[] = {encode_jpeg(rgb, WIDTH, HEIGHT, JPEG_RGB, false, 0),
                      encode_png(rgb, sizeof rgb, WIDTH, HEIGHT, 8, 2),
                      encode_png(rgba, sizeof rgba, WIDTH, HEIGHT, 8, 6), encode_webp(rgba, WIDTH, HEIGHT)};
  for (size_t i = 0; i < count_of(photos); i++) {
    for (int scale = 1; scale <= 8; scale *= 2) {
      sb_image_limits limits = sb_image_default_limits;
      limits.enough_side = WIDTH / scale;
      sb_image image = {0};
      assert_int_equal(sb_image_decode(photos[i].bytes, photos[i].size, &limits, &image, NULL), SB_OK);
      assert_int_equal(image.width, (WIDTH + scale - 1) / scale);
      assert_int_equal(image.height, (HEIGHT + scale - 1) / scale);
      assert_int_equal(image.source_width, WIDTH);
      for (int corner = 0; corner < 4; corner++) {
        int x = corner % 2 ? image.width - 1 : 0, y = corner / 2 ? image.height - 1 : 0;
        for (int c = 0; c < 3; c++)
          assert_in_range(image.pixels[(y * image.width + x) * 3 + c] + 8, colours[corner][c], colours[corner][c] + 16);
      }
      sb_image_free(&image);
    }
    free(photos[i].bytes);
  }
}

/* ---- What a decode may cost */

static void a_decode_beyond_its_passes_time_or_memory_is_refused(void **state) {
  (void)state;
  encoded photos[] = {encode_flat_jpeg(colours[0], 900, 600, true), encode_flat_jpeg(colours[0], 900, 600, false)};
  sb_image_limits work = sb_image_default_limits, time = work, memory = work;
  work.max_work = 900 * 600 * 3; /* a progressive JPEG makes ten passes */
  time.max_ms = -1;
  memory.max_memory = 1 << 20;
  const struct {
    const sb_image_limits *limits;
    const char *said;
  } cases[] = {{&work, "passes"}, {&time, "seconds"}, {&memory, "MiB of memory"}};
  for (size_t i = 0; i < count_of(cases); i++) {
    sb_image image = {0};
    sb_error error = {0};
    assert_int_equal(sb_image_decode(photos[0].bytes, photos[0].size, cases[i].limits, &image, &error),
                     SB_IMAGE_TOO_LARGE);
    assert_non_null(strstr(error.message, cases[i].said));
    assert_null(image.pixels);
  }
  sb_image image = {0};
  assert_int_equal(sb_image_decode(photos[1].bytes, photos[1].size, &work, &image, NULL), SB_OK);
  sb_image_free(&image);
  for (size_t i = 0; i < count_of(photos); i++) free(photos[i].bytes);
}

/* 400 pictures at once, each of a fifth of all memory for photos. */
static struct {
  pthread_mutex_t lock;
  size_t now, most, limit;
} held = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void *hold_memory(void *part) {
  for (int i = 0; i < 50; i++) {
    sb_image_decoded decoded = {0};
    size_t bytes = held.limit / *(const size_t *)part;
    if (sb_image_reserve(&decoded, 1, 1, bytes, &sb_image_default_limits, NULL) != SB_OK) return part;
    pthread_mutex_lock(&held.lock);
    held.now += bytes;
    held.most = held.now > held.most ? held.now : held.most;
    pthread_mutex_unlock(&held.lock);
    pthread_mutex_lock(&held.lock);
    held.now -= bytes;
    pthread_mutex_unlock(&held.lock);
    sb_image_memory_give(decoded.reserved);
  }
  return NULL;
}

static void all_photos_together_stay_within_the_memory_for_photos(void **state) {
  (void)state;
  enum { THREADS = 8 };
  static const size_t parts[THREADS] = {2, 2, 3, 3, 5, 5, 50, 50};
  pthread_t threads[THREADS];
  size_t now = 0, most = 0;
  held.limit = sb_image_default_limits.max_memory;
  for (int i = 0; i < THREADS; i++)
    assert_int_equal(pthread_create(&threads[i], NULL, hold_memory, (void *)(uintptr_t)&parts[i]), 0);
  for (int i = 0; i < THREADS; i++) {
    void *failed = NULL;
    assert_int_equal(pthread_join(threads[i], &failed), 0);
    assert_null(failed);
  }
  assert_true(held.most <= held.limit);
  sb_image_memory_used(&now, &most);
  assert_int_equal(now, 0);
  assert_true(most <= held.limit);
}

/* Run last: whatever the tests before it decoded was given back. */
static void every_photo_gives_its_memory_back(void **state) {
  (void)state;
  size_t now = 1, most = 0;
  sb_image_memory_used(&now, &most);
  assert_int_equal(now, 0);
  assert_true(most > 0);
}

/* ---- Kinds */

static void kinds_that_are_not_read_are_named(void **state) {
  (void)state;
#define CASE(bytes, said) \
  { bytes, sizeof(bytes) - 1, said }
  static const struct {
    const char *bytes;
    size_t size;
    const char *said;
  } cases[] = {CASE("\0\0\0\x0cjP  \r\n\x87\n....", "JPEG 2000"),
               CASE("\xff\x4f\xff\x51....", "JPEG 2000"),
               CASE("8BPS\0\1\0\0\0\0\0\0", "Photoshop"),
               CASE("\0\0\0\x18"
                    "ftypcrx \0\0\0\1crx isom",
                    "CR3"),
               CASE("II*\0\x10\0\0\0CR\2\0....", "CR2"),
               CASE("FUJIFILMCCD-RAW 0201", "RAF"),
               CASE("P6\n64 64\n255\n", "anymap"),
               CASE("P4 64 64 ", "anymap"),
               CASE("\0\0\1\0\1\0\x10\x10\0\0\1\0\x20\0", "ICO"),
               CASE("\0\0\2\0\0\0\0\0\0\0\0\0\x40\0\x40\0\x18\0"
                    "....................",
                    "TGA"),
               CASE("\0\0\x0a\0\0\0\0\0\0\0\0\0\x40\0\x40\0\x20\x28"
                    "....................",
                    "TGA"),
               CASE("v/1\1\2\0\0\0", "OpenEXR"),
               CASE("gimp xcf v011", "XCF"),
               CASE("\0\0\0\x18"
                    "ftypmp42\0\0\0\0mp42isom",
                    "video"),
               CASE("\0\0\0\x14"
                    "ftypqt  \0\0\0\0qt  ",
                    "video"),
               CASE("<HTML><body>", "HTML"),
               CASE("bplist00\1\2", "iCloud"),
               CASE("data:image/jpeg;base64,/9j/", "data URL"),
               CASE("/9j/4AAQSkZJRg", "base64"),
               CASE("Pictures of people", "text")};
  for (size_t i = 0; i < count_of(cases); i++) {
    sb_image image;
    sb_error error = {0};
    assert_int_equal(decode(cases[i].bytes, cases[i].size, &image, &error), SB_UNSUPPORTED_IMAGE);
    if (!strstr(error.message, cases[i].said)) fail_msg("%s: %s", cases[i].said, error.message);
  }
}

static void a_png_for_ios_apps_is_named(void **state) {
  (void)state;
  static const char bytes[] = "\x89PNG\r\n\x1a\n\0\0\0\4CgBI\x50\0\x20\2\x2b\xd5\xb3\x7f\0\0\0\rIHDR....";
  sb_image image;
  sb_error error = {0};
  assert_int_equal(decode(bytes, sizeof bytes - 1, &image, &error), SB_UNSUPPORTED_IMAGE);
  assert_non_null(strstr(error.message, "CgBI"));
}

static void a_photo_that_is_transparent_everywhere_is_named(void **state) {
  (void)state;
  static uint8_t rgba[PIXELS * 4];
  encoded photos[] = {encode_png(rgba, sizeof rgba, SIDE, SIDE, 8, 6), encode_webp(rgba, SIDE, SIDE),
                      encode_animation((const uint8_t *const[]){rgba, rgba}, 2, SIDE, SIDE)};
  for (size_t i = 0; i < count_of(photos); i++) {
    sb_image image;
    sb_error error = {0};
    assert_int_equal(decode(photos[i].bytes, photos[i].size, &image, &error), SB_BAD_IMAGE);
    assert_non_null(strstr(error.message, "transparent"));
    free(photos[i].bytes);
  }
}

static void a_phones_file_is_recognised_by_any_of_its_brands(void **state) {
  (void)state;
  static const char major[] = "\0\0\0\x18"
                              "ftypMiHB\0\0\0\0mif1heic",
                    none[] = "\0\0\0\x18"
                             "ftypMiHB\0\0\0\0isommp42";
  assert_int_equal(sb_image_sniff(major, sizeof major - 1), SB_IMAGE_HEIF);
  assert_int_equal(sb_image_sniff(none, sizeof none - 1), SB_IMAGE_UNKNOWN);
  for (size_t size = 0; size < 20; size++) assert_int_equal(sb_image_sniff(major, size), SB_IMAGE_UNKNOWN);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_primary_picture_is_read_whatever_refers_to_it),
      cmocka_unit_test(alpha_stays_when_other_references_are_dropped),
      cmocka_unit_test(dropped_references_leave_every_other_byte_in_its_place),
      cmocka_unit_test(a_file_of_hostile_boxes_is_refused_or_read),
      cmocka_unit_test(a_jpeg_without_its_end_mark_alone_is_complete),
      cmocka_unit_test(a_jpeg_whose_end_is_zeros_is_truncated),
      cmocka_unit_test(a_png_without_its_end_mark_alone_is_complete),
      cmocka_unit_test(large_jpegs_of_phones_and_panoramas_are_decoded_smaller),
      cmocka_unit_test(a_large_photo_of_any_format_is_decoded_smaller),
      cmocka_unit_test(a_decode_beyond_its_passes_time_or_memory_is_refused),
      cmocka_unit_test(all_photos_together_stay_within_the_memory_for_photos),
      cmocka_unit_test(kinds_that_are_not_read_are_named),
      cmocka_unit_test(a_png_for_ios_apps_is_named),
      cmocka_unit_test(a_photo_that_is_transparent_everywhere_is_named),
      cmocka_unit_test(a_phones_file_is_recognised_by_any_of_its_brands),
      cmocka_unit_test(every_photo_gives_its_memory_back),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
