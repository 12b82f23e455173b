/* An import: bytes as a ZIP archive, or as a CSV file beside a photo. */
#include "http/cargo.h"

#include <stdlib.h>
#include <string.h>

static void settle(const char *name, const uint8_t *bytes, size_t size) {
  sb_cargo *cargo = NULL;
  if (sb_cargo_new(&cargo, NULL) != SB_OK) return;
  sb_status status = sb_cargo_begin(cargo, "x/photo.jpg", NULL);
  if (status == SB_OK) status = sb_cargo_add(cargo, "photo", 5, NULL);
  if (status == SB_OK) status = sb_cargo_begin(cargo, name, NULL);
  if (status == SB_OK && size) status = sb_cargo_add(cargo, bytes, size, NULL);
  if (status == SB_OK) status = sb_cargo_settle(cargo, NULL);
  for (size_t i = 0; status == SB_OK && i < cargo->count; i++) {
    uint8_t *photo = NULL;
    size_t photo_size = 0;
    if (!cargo->items[i].id || !cargo->items[i].name) abort();
    if (sb_cargo_read(cargo, &cargo->items[i], &photo, &photo_size, NULL) == SB_OK) free(photo);
  }
  sb_cargo_free(cargo);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
  settle("x/people.zip", bytes, size);
  settle("x/people.csv", bytes, size);
  return 0;
}
