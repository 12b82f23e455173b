/* Runs the fuzz target without a fuzzer: on every file of the given folders, and on each of them truncated at many
 * places and with bytes changed: so that a corpus stays a test where there is no fuzzer. One line of TAP a folder. */
#include <dirent.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

enum { FILE_MAX = 1 << 20, CUTS = 64, CHANGES = 64 };

/* In memory of exactly that size, so that a sanitizer sees a read beyond. */
static void give(const uint8_t *bytes, size_t size) {
  uint8_t *exact = malloc(size ? size : 1);
  if (!exact) abort();
  memcpy(exact, bytes, size);
  LLVMFuzzerTestOneInput(exact, size);
  free(exact);
}

static int replay_file(const char *path) {
  static uint8_t bytes[FILE_MAX];
  FILE *file = fopen(path, "rb");
  if (!file) return 0;
  size_t size = fread(bytes, 1, sizeof bytes, file);
  fclose(file);
  give(bytes, size);
  for (size_t i = 0; i < CUTS && size; i++) give(bytes, size * i / CUTS);
  uint32_t state = 2463534242u; /* xorshift32 (Marsaglia 2003): the same changes in every run */
  for (size_t i = 0; i < CHANGES && size; i++) {
    state ^= state << 13, state ^= state >> 17, state ^= state << 5;
    bytes[(state >> 8) % size] ^= (uint8_t)(state | 1);
    give(bytes, size);
    bytes[(state >> 8) % size] ^= (uint8_t)(state | 1);
  }
  return 1;
}

static int replay_folder(const char *folder) {
  char path[4096];
  int count = 0;
  DIR *entries = opendir(folder);
  for (struct dirent *entry; entries && (entry = readdir(entries));) {
    if (entry->d_name[0] == '.') continue;
    snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
    count += replay_file(path);
  }
  if (entries) closedir(entries);
  return count;
}

int main(int argc, char **argv) {
  int failed = 0;
  for (int i = 1; i < argc; i++) {
    int count = replay_folder(argv[i]);
    const char *name = strrchr(argv[i], '/');
    failed |= !count;
    printf("%s %d - the corpus %s is survived\n", count ? "ok" : "not ok", i, name ? name + 1 : argv[i]);
  }
  printf("1..%d\n", argc - 1);
  return failed;
}
