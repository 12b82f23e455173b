/* Measures the time from photo to answer inside one process: sb_engine_search for a 640x480 JPEG with one face, in a
 * gallery of one person. usage: bench_photo DATA_DIR PHOTO ROUNDS. Prints JSON. The two kinds of search alternate, so
 * that noise of the machine affects both alike. */
#include "base/base.h"
#include "image/image.h"

#include <stdio.h> /* before jpeglib.h, which needs FILE */
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

enum { WIDTH = 640, HEIGHT = 480, WARM_UP = 5, ROUNDS_MAX = 10000 };

static void check(sb_status status, const sb_error *error) {
  if (status == SB_OK) return;
  fprintf(stderr, "bench_photo: %s\n", error->message);
  exit(1);
}

/* Scales the photo to a width of 640 and cuts it, or pads it with grey, to a height of 480: from the top, where
 * portraits have the face. */
static sb_photo frame_640x480(const uint8_t *bytes, size_t size) {
  sb_error error = {0};
  sb_image image;
  check(sb_image_decode(bytes, size, NULL, &image, &error), &error);
  int height = (int)((int64_t)image.height * WIDTH / image.width);
  int rows = height > HEIGHT ? height : HEIGHT;
  uint8_t *frame = malloc((size_t)rows * WIDTH * 3);
  if (!frame) exit(1);
  memset(frame, 127, (size_t)rows * WIDTH * 3);
  check(sb_image_resize(&image, frame, WIDTH, height, (size_t)WIDTH * 3, &error), &error);
  sb_image_free(&image);
  struct jpeg_compress_struct writer;
  struct jpeg_error_mgr errors;
  unsigned char *jpeg = NULL;
  unsigned long jpeg_size = 0;
  writer.err = jpeg_std_error(&errors);
  jpeg_create_compress(&writer);
  jpeg_mem_dest(&writer, &jpeg, &jpeg_size);
  writer.image_width = WIDTH;
  writer.image_height = HEIGHT;
  writer.input_components = 3;
  writer.in_color_space = JCS_RGB;
  jpeg_set_defaults(&writer);
  jpeg_set_quality(&writer, 90, TRUE);
  jpeg_start_compress(&writer, TRUE);
  while (writer.next_scanline < HEIGHT) {
    JSAMPROW row = frame + (size_t)writer.next_scanline * WIDTH * 3;
    jpeg_write_scanlines(&writer, &row, 1);
  }
  jpeg_finish_compress(&writer);
  jpeg_destroy_compress(&writer);
  free(frame);
  return (sb_photo){jpeg, jpeg_size};
}

static double search_once(sb_engine *engine, sb_photo photo, bool largest_only) {
  sb_error error = {0};
  sb_search_result *result = NULL;
  sb_search_request request = {.struct_size = sizeof request, .photo = photo, .largest_only = largest_only};
  double start = sb_monotonic_ms();
  check(sb_engine_search(engine, &request, &result, &error), &error);
  double elapsed = sb_monotonic_ms() - start;
  if (result->count != 1 || !result->faces[0].count || result->faces[0].candidates[0].verdict != SB_VERDICT_MATCH) {
    fprintf(stderr, "bench_photo: the photo should have one face, and it should be found\n");
    exit(1);
  }
  sb_search_result_free(result);
  return elapsed;
}

static int by_value(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static void print_times(const char *name, double *times, int rounds, const char *end) {
  qsort(times, (size_t)rounds, sizeof *times, by_value);
  printf("\"%s\": {\"median_ms\": %.2f, \"p10_ms\": %.2f, \"p90_ms\": %.2f}%s", name, times[rounds / 2],
         times[rounds / 10], times[rounds * 9 / 10], end);
}

int main(int argc, char **argv) {
  int rounds = argc == 4 ? atoi(argv[3]) : 0;
  if (rounds < 1 || rounds > ROUNDS_MAX) {
    fprintf(stderr, "usage: bench_photo DATA_DIR PHOTO ROUNDS\n");
    return 2;
  }
  sb_error error = {0};
  uint8_t *bytes = NULL;
  size_t size = 0;
  check(sb_file_read(argv[2], 64 << 20, &bytes, &size, &error), &error);
  sb_photo photo = frame_640x480(bytes, size);
  sb_engine *engine = NULL;
  sb_engine_options options = {.struct_size = sizeof options, .data_dir = argv[1], .workers = 1};
  check(sb_engine_new(&options, &engine, &error), &error);
  sb_enroll_request request = {.struct_size = sizeof request,
                               .id = "1",
                               .name = "Bench",
                               .photos = &photo,
                               .photo_count = 1,
                               .flags = SB_ENROLL_ADD | SB_ENROLL_SKIP_KNOWN};
  sb_enrolled *enrolled = NULL;
  check(sb_engine_enroll(engine, &request, &enrolled, &error), &error);
  sb_enrolled_free(enrolled);
  static double every[ROUNDS_MAX], largest[ROUNDS_MAX];
  for (int i = -WARM_UP; i < rounds; i++) {
    double a = search_once(engine, photo, false), b = search_once(engine, photo, true);
    if (i >= 0) every[i] = a, largest[i] = b;
  }
  printf("{\"rounds\": %d, ", rounds);
  print_times("every_face", every, rounds, ", ");
  print_times("largest_face", largest, rounds, "}\n");
  sb_engine_free(engine);
  union {
    const void *borrowed;
    void *owned;
  } encoded = {photo.bytes};
  free(encoded.owned);
  free(bytes);
  return 0;
}
