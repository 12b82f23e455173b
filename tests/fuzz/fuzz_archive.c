/* An import: bytes as a ZIP archive, or as a CSV file beside a photo. */
#include "import/upload_bundle.h"

#include <stdlib.h>
#include <string.h>

static void settle(const char *name, const uint8_t *bytes, size_t size) {
  sb_upload_bundle *bundle = NULL;
  if (sb_upload_bundle_new(&bundle, NULL) != SB_OK) return;
  sb_status status = sb_upload_bundle_begin(bundle, "x/photo.jpg", NULL);
  if (status == SB_OK) status = sb_upload_bundle_write(bundle, "photo", 5, NULL);
  if (status == SB_OK) status = sb_upload_bundle_begin(bundle, name, NULL);
  if (status == SB_OK && size) status = sb_upload_bundle_write(bundle, bytes, size, NULL);
  if (status == SB_OK) status = sb_upload_bundle_resolve(bundle, NULL);
  for (size_t i = 0; status == SB_OK && i < bundle->count; i++) {
    uint8_t *photo = NULL;
    size_t photo_size = 0;
    if (!bundle->items[i].id || !bundle->items[i].name) abort();
    if (sb_upload_bundle_read(bundle, &bundle->items[i], &photo, &photo_size, NULL) == SB_OK) free(photo);
  }
  sb_upload_bundle_free(bundle);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
  settle("x/people.zip", bytes, size);
  settle("x/people.csv", bytes, size);
  return 0;
}
