/* Pictures whose bitstreams claim other sizes than the boxes of the file. */
#include "boxes.h"
#include "unit.h"

#include "image/coded_size.h"
#include "image/image.h"

#include <libheif/heif.h>

/* ---- Writing bits */

typedef struct writer {
  uint8_t bytes[512];
  size_t bits;
} writer;

static void put(writer *w, unsigned count, uint64_t value) {
  for (unsigned i = count; i--; w->bits++)
    w->bytes[w->bits / 8] |= (uint8_t)((i < 64 ? value >> i & 1 : 0) << (7 - w->bits % 8));
}

static void put_golomb(writer *w, uint32_t value) {
  unsigned length = 0;
  while ((value + 1) >> (length + 1)) length++;
  put(w, length, 0);
  put(w, length + 1, value + 1);
}

static size_t bytes_of(const writer *w) {
  return (w->bits + 7) / 8;
}

/* ---- Streams */

typedef struct sequence {
  uint32_t width, height;
  bool still;          /* AV1 only: the reduced still-picture header, without the fields below */
  bool timing, delays; /* AV1 only: fields of a video */
  unsigned layers;     /* AV1: operating points; HEVC: sub-layers */
  uint32_t right;      /* HEVC only: of the conformance window */
} sequence;

static void put_operating_points(writer *header, const sequence *s) {
  put(header, 1, s->timing);
  if (s->timing) {
    put(header, 64, 0x0000000100000018);
    put(header, 1, 1);
    put_golomb(header, 5);
    put(header, 1, s->delays);
    if (s->delays) {
      put(header, 5, 9); /* ten bits a delay */
      put(header, 42, 0x123456789);
    }
  }
  put(header, 1, s->delays);
  put(header, 5, s->layers);
  for (unsigned i = 0; i <= s->layers; i++) {
    put(header, 12, 0xabc);
    put(header, 5, i % 2 ? 9 : 3);
    if (i % 2) put(header, 1, 1);
    if (s->timing && s->delays) {
      put(header, 1, i % 2);
      if (i % 2) put(header, 21, 0x1fffff);
    }
    if (s->delays) {
      put(header, 1, 1);
      put(header, 4, 7);
    }
  }
}

/* A temporal delimiter and a sequence header. */
static writer av1_stream(const sequence *s) {
  writer header = {0}, stream = {0};
  put(&header, 4, 0);
  put(&header, 1, s->still);
  if (s->still)
    put(&header, 5, 8);
  else
    put_operating_points(&header, s);
  put(&header, 4, 15);
  put(&header, 4, 15);
  put(&header, 16, s->width - 1);
  put(&header, 16, s->height - 1);
  put(&header, 32, 0); /* the rest is not read */
  put(&stream, 16, 0x1200);
  put(&stream, 8, 0x0a);
  put(&stream, 8, bytes_of(&header));
  for (size_t i = 0; i < bytes_of(&header); i++) put(&stream, 8, header.bytes[i]);
  return stream;
}

/* A sequence parameter set behind its length. */
static writer hevc_stream(const sequence *s) {
  writer set = {0}, stream = {0};
  put(&set, 16, 33 << 9 | 1);
  put(&set, 4, 0);
  put(&set, 3, s->layers);
  put(&set, 1, 1);
  put(&set, 96, 0x60);
  for (unsigned i = 0; i < s->layers; i++) put(&set, 2, 3);
  if (s->layers) put(&set, 2 * (8 - s->layers), 0);
  for (unsigned i = 0; i < s->layers; i++) put(&set, 96, 0x0101010101010101);
  put_golomb(&set, 0);
  put_golomb(&set, 1); /* 4:2:0 */
  put_golomb(&set, s->width);
  put_golomb(&set, s->height);
  put(&set, 1, s->right > 0);
  if (s->right) {
    put_golomb(&set, 0);
    put_golomb(&set, s->right / 2);
    put_golomb(&set, 0);
    put_golomb(&set, 0);
  }
  put(&set, 64, 0x8000000000000000);
  size_t zeros = 0, length = 0;
  for (size_t i = 0; i < bytes_of(&set); i++) { /* no two zeros before what could be taken for a start */
    if (zeros >= 2 && set.bytes[i] <= 3) put(&stream, 8, 3), zeros = 0, length++;
    put(&stream, 8, set.bytes[i]);
    zeros = set.bytes[i] ? 0 : zeros + 1;
    length++;
  }
  writer out = {0};
  put(&out, 32, length);
  for (size_t i = 0; i < length; i++) put(&out, 8, stream.bytes[i]);
  return out;
}

static const sequence sequences[] = {
    {.width = 64, .height = 48},
    {.width = 65536, .height = 1, .still = true},
    {.width = 4096, .height = 65536, .timing = true},
    {.width = 1, .height = 1, .timing = true, .delays = true},
    {.width = 8192, .height = 8192, .timing = true, .delays = true, .layers = 3, .right = 2},
    {.width = 333, .height = 777, .delays = true, .layers = 5, .right = 6},
    {.width = 4032, .height = 3024, .timing = true, .layers = 6},
};

static void sizes_are_read_from_any_sequence_header_of_av1(void **state) {
  (void)state;
  for (size_t i = 0; i < count_of(sequences); i++) {
    const sequence *s = &sequences[i];
    writer stream = av1_stream(s);
    sb_image_coded_size size;
    assert_true(sb_image_coded_size_av1(stream.bytes, bytes_of(&stream), &size));
    assert_int_equal(size.width, s->width);
    assert_int_equal(size.height, s->height);
    assert_int_equal(size.room_width, s->still ? s->width : 65536);
    assert_int_equal(size.room_height, s->still ? s->height : 65536);
  }
}

static void sizes_are_read_from_any_sequence_parameter_set_of_hevc_minus_its_window(void **state) {
  (void)state;
  for (size_t i = 0; i < count_of(sequences); i++) {
    const sequence *s = &sequences[i];
    writer stream = hevc_stream(s);
    sb_image_coded_size size;
    assert_true(sb_image_coded_size_hevc(stream.bytes, bytes_of(&stream), &size));
    assert_int_equal(size.width, s->width - s->right);
    assert_int_equal(size.height, s->height);
    assert_int_equal(size.room_width, s->width);
    assert_int_equal(size.room_height, s->height);
  }
}

static void the_largest_of_several_headers_counts(void **state) {
  (void)state;
  sb_image_coded_size size;
  writer one = av1_stream(&(sequence){.width = 64, .height = 9000}),
         other = av1_stream(&(sequence){.width = 7000, .height = 48});
  size_t length = bytes_of(&one);
  memcpy(one.bytes + length, other.bytes, bytes_of(&other));
  assert_true(sb_image_coded_size_av1(one.bytes, length + bytes_of(&other), &size));
  assert_int_equal(size.width, 7000);
  assert_int_equal(size.height, 9000);
}

/* Copies of exactly this length, so that sanitizers see a read beyond. */
static void every_truncated_stream_is_refused_or_gives_the_same_size(void **state) {
  (void)state;
  for (size_t i = 0; i < count_of(sequences); i++) {
    writer streams[2] = {av1_stream(&sequences[i]), hevc_stream(&sequences[i])};
    for (int hevc = 0; hevc <= 1; hevc++) {
      for (size_t length = 0; length < bytes_of(&streams[hevc]); length++) {
        uint8_t *cut = malloc(length + 1);
        sb_image_coded_size size;
        assert_non_null(cut);
        uint8_t *end = cut + 1;
        memcpy(end, streams[hevc].bytes, length);
        assert_false(hevc ? sb_image_coded_size_hevc(end, length, &size) : sb_image_coded_size_av1(end, length, &size));
        free(cut);
      }
    }
  }
}

static void arbitrary_bytes_are_read_within_their_bounds(void **state) {
  (void)state;
  uint64_t seed = 11;
  for (size_t round = 0; round < 20000; round++) {
    size_t length = next_random(&seed) % 60;
    uint8_t *bytes = malloc(length + 1);
    sb_image_coded_size size;
    assert_non_null(bytes);
    for (size_t i = 0; i <= length; i++) bytes[i] = (uint8_t)(next_random(&seed) >> next_random(&seed) % 8);
    if (length > 5 && round % 2)
      memcpy(bytes + 1, round % 4 == 1 ? "\x0a\x30" : "\0\0\0\x20\x42\x01", round % 4 == 1 ? 2 : 6);
    sb_image_coded_size_av1(bytes + 1, length, &size);
    sb_image_coded_size_hevc(bytes + 1, length, &size);
    free(bytes);
  }
}

/* ---- Files */

/* With what is the same in all: pictures, of which the first item is the one to be shown. */
static size_t begin_meta(file *f) {
  size_t meta = begin(f, "meta");
  add(f, "\0\0\0\0", 4);
  WHOLE(f, "hdlr", "\0\0\0\0\0\0\0\0pict\0\0\0\0\0\0\0\0\0\0\0\0\0");
  WHOLE(f, "pitm", "\0\0\0\0\0\1");
  return meta;
}

/* One picture of 64 x 48, as its boxes say. */
static file photo_of(bool hevc, const writer *stream) {
  static const char av1_setup[] = "\x81\x00\x0c\x00";
  static const char hevc_setup[] = "\x01\x03\x70\0\0\0\0\0\0\0\0\0\x1e\xf0\0\xfc\xfd\xf8\xf8\0\0\x0f\0";
  file f = {{0}, 0};
  if (hevc)
    WHOLE(&f, "ftyp", "heic\0\0\0\0heicmif1");
  else
    WHOLE(&f, "ftyp", "avif\0\0\0\0avifmif1miaf");
  size_t meta = begin_meta(&f);
  WHOLE(&f, "iloc", "\0\0\0\0\x44\0\0\1\0\1\0\0\0\1\0\0\0\0\0\0\0\0");
  size_t place = f.size - 8, list = begin(&f, "iinf");
  add(&f, "\0\0\0\0\0\1", 6);
  if (hevc)
    WHOLE(&f, "infe", "\2\0\0\0\0\1\0\0hvc1Color\0");
  else
    WHOLE(&f, "infe", "\2\0\0\0\0\1\0\0av01Color\0");
  end(&f, list);
  size_t properties = begin(&f, "iprp"), container = begin(&f, "ipco");
  WHOLE(&f, "ispe", "\0\0\0\0\0\0\0\x40\0\0\0\x30");
  WHOLE(&f, "pixi", "\0\0\0\0\3\10\10\10");
  whole(&f, hevc ? "hvcC" : "av1C", hevc ? hevc_setup : av1_setup, hevc ? sizeof hevc_setup - 1 : sizeof av1_setup - 1);
  end(&f, container);
  WHOLE(&f, "ipma", "\0\0\0\0\0\0\0\1\0\1\3\1\2\x83");
  end(&f, properties);
  end(&f, meta);
  size_t data = begin(&f, "mdat");
  set32(&f, place, f.size);
  set32(&f, place + 4, bytes_of(stream));
  add(&f, stream->bytes, bytes_of(stream));
  end(&f, data);
  return f;
}

/* Two AV1 pictures of 64 x 48 side by side, as the boxes say. */
static file photo_of_tiles(const writer tiles[2]) {
  file f = {{0}, 0};
  WHOLE(&f, "ftyp", "avif\0\0\0\0avifmif1miaf");
  size_t meta = begin_meta(&f);
  size_t location = begin(&f, "iloc"), places[3];
  add(&f, "\0\0\0\0\x44\0\0\3", 8);
  for (int item = 0; item < 3; item++) {
    add(&f, (const uint8_t[]){0, (uint8_t)(item + 1), 0, 0, 0, 1}, 6);
    places[item] = f.size;
    add(&f, "\0\0\0\0\0\0\0\0", 8);
  }
  end(&f, location);
  size_t list = begin(&f, "iinf");
  add(&f, "\0\0\0\0\0\3", 6);
  WHOLE(&f, "infe", "\2\0\0\0\0\1\0\0grid\0");
  WHOLE(&f, "infe", "\2\0\0\0\0\2\0\0av01\0");
  WHOLE(&f, "infe", "\2\0\0\0\0\3\0\0av01\0");
  end(&f, list);
  size_t references = begin(&f, "iref");
  add(&f, "\0\0\0\0", 4);
  WHOLE(&f, "dimg", "\0\1\0\2\0\2\0\3");
  end(&f, references);
  size_t properties = begin(&f, "iprp"), container = begin(&f, "ipco");
  WHOLE(&f, "ispe", "\0\0\0\0\0\0\0\x80\0\0\0\x30");
  WHOLE(&f, "ispe", "\0\0\0\0\0\0\0\x40\0\0\0\x30");
  WHOLE(&f, "pixi", "\0\0\0\0\3\10\10\10");
  WHOLE(&f, "av1C", "\x81\x00\x0c\x00");
  end(&f, container);
  WHOLE(&f, "ipma", "\0\0\0\0\0\0\0\3\0\1\2\1\3\0\2\3\2\3\x84\0\3\3\2\3\x84");
  end(&f, properties);
  end(&f, meta);
  size_t data = begin(&f, "mdat");
  for (int item = 0; item < 3; item++) {
    static const uint8_t grid[] = {0, 0, 0, 1, 0, 128, 0, 48}; /* one row of two */
    size_t size = item ? bytes_of(&tiles[item - 1]) : sizeof grid;
    set32(&f, places[item], f.size);
    set32(&f, places[item] + 4, size);
    add(&f, item ? tiles[item - 1].bytes : grid, size);
  }
  end(&f, data);
  return f;
}

static sb_status status_of(bool hevc, const sequence *s, sb_error *error) {
  writer stream = hevc ? hevc_stream(s) : av1_stream(s);
  file photo = photo_of(hevc, &stream);
  sb_image image = {0};
  sb_status status = sb_image_decode(photo.bytes, photo.size, NULL, &image, error);
  sb_image_free(&image);
  return status;
}

/* The dry run found the size and the message names it; or libheif enforced its limits, and its decoders give various
 * reasons. */
static void assert_is_refused(sb_status status, const char *size, const sb_error *error) {
  if (heif_get_version_number() >= 0x01150000 && status == SB_BAD_IMAGE) return;
  assert_int_equal(status, SB_IMAGE_TOO_LARGE);
  if (heif_get_version_number() < 0x01150000) assert_non_null(strstr(error->message, size));
}

static void a_stream_with_more_pixels_than_the_limit_is_refused_whatever_the_boxes_say(void **state) {
  (void)state;
  bool heic, avif;
  sb_image_heif_codecs(&heic, &avif);
  for (int hevc = 0; hevc <= 1; hevc++) {
    if (!(hevc ? heic : avif)) continue;
    sb_error error = {0};
    sb_status status = status_of(hevc, &(sequence){.width = 65535, .height = 8704, .still = true}, &error);
    assert_is_refused(status, "65535 x 8704", &error);
    status = status_of(hevc, &(sequence){.width = 12000, .height = 9000, .still = true}, &error);
    assert_is_refused(status, "12000 x 9000", &error);
  }
  /* A video's sequence header is refused even with a small size, because each frame may have its own size. */
  sb_error error = {0};
  if (avif)
    assert_is_refused(status_of(false, &(sequence){.width = 64, .height = 48}, &error), "65536 x 65536", &error);
  if (avif)
    assert_int_equal(status_of(false, &(sequence){.width = 64, .height = 48, .still = true}, &error), SB_BAD_IMAGE);
  if (heic) assert_int_equal(status_of(true, &(sequence){.width = 64, .height = 48}, &error), SB_BAD_IMAGE);
}

static void every_tile_of_a_picture_is_checked(void **state) {
  (void)state;
  bool heic, avif;
  sb_image_heif_codecs(&heic, &avif);
  for (int second = 0; avif && second <= 1; second++) {
    writer tiles[2];
    for (int i = 0; i < 2; i++) {
      uint32_t side = i == second ? 40000 : 0;
      tiles[i] = av1_stream(&(sequence){.width = side ? side : 64, .height = side ? side : 48, .still = true});
    }
    file photo = photo_of_tiles(tiles);
    sb_image image = {0};
    sb_error error = {0};
    assert_is_refused(sb_image_decode(photo.bytes, photo.size, NULL, &image, &error), "40000 x 40000", &error);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(sizes_are_read_from_any_sequence_header_of_av1),
      cmocka_unit_test(sizes_are_read_from_any_sequence_parameter_set_of_hevc_minus_its_window),
      cmocka_unit_test(the_largest_of_several_headers_counts),
      cmocka_unit_test(every_truncated_stream_is_refused_or_gives_the_same_size),
      cmocka_unit_test(arbitrary_bytes_are_read_within_their_bounds),
      cmocka_unit_test(a_stream_with_more_pixels_than_the_limit_is_refused_whatever_the_boxes_say),
      cmocka_unit_test(every_tile_of_a_picture_is_checked),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
