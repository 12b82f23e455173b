/* An import: bytes as a ZIP archive, or as a CSV file beside a photo. Each item has an id and a name, and reading it
 * never fails in a way that a sanitizer sees. */
#include "import/import.h"

#include <stdlib.h>

static sb_status add(sb_import *import, const char *name, const void *bytes, size_t size) {
  sb_status status = sb_import_begin(import, name, NULL);
  return status == SB_OK && size ? sb_import_write(import, bytes, size, NULL) : status;
}

static void read_items(const sb_import *import) {
  for (size_t i = 0; i < import->count; i++) {
    uint8_t *photo = NULL;
    size_t size = 0;
    if (!import->items[i].id || !import->items[i].name) abort();
    if (sb_import_read(import, &import->items[i], &photo, &size, NULL) == SB_OK) free(photo);
  }
}

static void import_bytes(const char *name, const uint8_t *bytes, size_t size) {
  sb_import *import = NULL;
  if (sb_import_new(&import, NULL) != SB_OK) return;
  if (add(import, "x/photo.jpg", "photo", 5) == SB_OK && add(import, name, bytes, size) == SB_OK &&
      sb_import_resolve(import, NULL) == SB_OK)
    read_items(import);
  sb_import_free(import);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
  import_bytes("x/people.zip", bytes, size);
  import_bytes("x/people.csv", bytes, size);
  return 0;
}
