/* Reads the orientation tag of an EXIF block (CIPA DC-008, TIFF 6.0). Every offset in it is untrusted. */
#include "image/codecs.h"

#include <string.h>

enum { TAG_ORIENTATION = 0x0112, TYPE_SHORT = 3, ENTRY_SIZE = 12 };

static unsigned get16(const uint8_t *at, bool big) {
  return big ? (unsigned)at[0] << 8 | at[1] : (unsigned)at[1] << 8 | at[0];
}
static uint32_t get32(const uint8_t *at, bool big) {
  return big ? (uint32_t)get16(at, big) << 16 | get16(at + 2, big)
             : (uint32_t)get16(at + 2, big) << 16 | get16(at, big);
}

int sb_image_exif_orientation(const uint8_t *tiff, size_t size) {
  if (size >= 6 && !memcmp(tiff, "Exif\0\0", 6))
    tiff += 6, size -= 6; /* some writers keep JPEG's prefix in PNG and WebP, too */
  if (size < 8) return 1;
  bool big = tiff[0] == 'M';
  if (memcmp(tiff, big ? "MM" : "II", 2) || get16(tiff + 2, big) != 42) return 1;
  uint32_t directory = get32(tiff + 4, big);
  if (directory > size - 2) return 1;
  unsigned count = get16(tiff + directory, big);
  for (unsigned i = 0; i < count; i++) {
    size_t at = (size_t)directory + 2 + (size_t)i * ENTRY_SIZE;
    if (at + ENTRY_SIZE > size) return 1;
    if (get16(tiff + at, big) != TAG_ORIENTATION) continue;
    unsigned value = get16(tiff + at + 8, big);
    return get16(tiff + at + 2, big) == TYPE_SHORT && value >= 1 && value <= 8 ? (int)value : 1;
  }
  return 1;
}
