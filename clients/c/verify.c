/* Are the faces of two photos of the same person? Links libsemblance:
 *
 *     cc verify.c $(pkg-config --cflags --libs semblance) -o verify
 *     ./verify one.jpg two.jpg
 */
#include <semblance/semblance.h>

#include <stdio.h>
#include <stdlib.h>

/* Reads a whole file. The caller frees the bytes. */
static bool read_photo(const char *path, sb_photo *photo) {
  FILE *file = fopen(path, "rb");
  char *bytes = NULL;
  long size = -1;
  if (file && !fseek(file, 0, SEEK_END)) size = ftell(file);
  if (size > 0 && !fseek(file, 0, SEEK_SET)) bytes = malloc((size_t)size);
  bool whole = bytes && fread(bytes, 1, (size_t)size, file) == (size_t)size;
  if (file) fclose(file);
  if (whole) {
    photo->bytes = bytes;
    photo->size = (size_t)size;
  } else {
    free(bytes);
    fprintf(stderr, "%s cannot be read\n", path);
  }
  return whole;
}

int main(int argc, char **argv) {
  sb_engine_options options = {.struct_size = sizeof options, .data_dir = argc > 3 ? argv[3] : NULL};
  sb_verify_request request = {.struct_size = sizeof request};
  sb_engine *engine = NULL;
  sb_comparison comparison;
  sb_error error = {0};
  if (argc < 3) {
    fprintf(stderr, "usage: verify PHOTO PHOTO [DATA]\n");
    return 2;
  }
  int code = 1;
  if (read_photo(argv[1], &request.photos[0]) && read_photo(argv[2], &request.photos[1])) {
    sb_status status = sb_engine_new(&options, &engine, &error);
    if (status == SB_OK) status = sb_engine_verify(engine, &request, &comparison, &error);
    if (status == SB_OK) {
      bool same = comparison.verdict == SB_VERDICT_MATCH;
      printf("%s: score %.3f, a match from %.3f, false match rate %.2g\n", same ? "match" : "no match",
             comparison.score, comparison.threshold, comparison.false_match_rate);
      code = same ? 0 : 1;
    } else {
      fprintf(stderr, "%s: %s\n", sb_status_code(status), error.message);
      code = 3;
    }
  }
  sb_engine_free(engine);
  for (int i = 0; i < 2; i++) free((void *)request.photos[i].bytes);
  return code;
}
