/* What the first bytes of a file say that it is: a format that is decoded, or the name of one that is not, for the
 * message that refuses it.
 *
 * The table is searched in order, so a special case stands before the general one: a raw file of a camera before the
 * TIFF or the video whose container it uses, all magic numbers before the guesses (icon, anymap, TGA), which would also
 * fit other files. What has no magic number is searched for words (SVG, HTML), and is data or text in the end. */
#include "image/codecs.h"

#include <string.h>
#include <strings.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* A file whose bytes from `at` on are these. */
typedef struct magic {
  size_t at;
  const char *bytes;
  size_t length;
  const char *name;
} magic;
#define MAGIC(at, bytes, name) \
  { at, bytes, sizeof(bytes) - 1, name }

static bool has(const uint8_t *bytes, size_t size, size_t at, const char *wanted, size_t length) {
  return size >= at + length && !memcmp(bytes + at, wanted, length);
}
#define HAS(bytes, size, at, wanted) has(bytes, size, at, wanted, sizeof(wanted) - 1)

/* ---- Formats that are decoded */

#define JXL_CONTAINER "\0\0\0\x0cJXL \r\n\x87\n"
#define JXL_STREAM "\xff\x0a"

/* What Meson's options jxl, heif and tiff chose. */
#ifdef SB_JXL
enum { READS_JXL = true };
#else
enum { READS_JXL = false };
#endif
#ifdef SB_HEIF
enum { READS_HEIF = true };
#else
enum { READS_HEIF = false };
void sb_image_heif_codecs(bool *heic, bool *avif) {
  *heic = *avif = false;
}
#endif
#ifdef SB_TIFF
enum { READS_TIFF = true };
#else
enum { READS_TIFF = false };
#endif

bool sb_image_has_jxl(void) {
  return READS_JXL;
}

/* The brands (`ftyp` box of ISO/IEC 14496-12) that libheif decodes. A file names one major brand, and all others that
 * it conforms to behind that. */
static bool is_heif(const uint8_t *bytes, size_t size) {
  static const char *const brands[] = {"heic", "heix", "hevc", "hevx", "heim", "heis", "mif1", "msf1", "avif", "avis"};
  enum { BRANDS_MAX = 32 };
  if (!HAS(bytes, size, 4, "ftyp") || size < 12) return false;
  size_t length = (size_t)bytes[0] << 24 | (size_t)bytes[1] << 16 | (size_t)bytes[2] << 8 | bytes[3];
  if (length > 16 + 4 * BRANDS_MAX) length = 16 + 4 * BRANDS_MAX;
  for (size_t at = 8; at == 8 || (at + 4 <= length && at + 4 <= size); at += at == 8 ? 8 : 4) /* a version follows */
    for (size_t i = 0; i < COUNT(brands); i++)
      if (!memcmp(bytes + at, brands[i], 4)) return true;
  return false;
}

/* "BM" may begin a text: the header behind it has one of few lengths. */
static bool is_bmp(const uint8_t *bytes, size_t size) {
  return size >= 18 && HAS(bytes, size, 0, "BM") && bytes[14] >= 12 && bytes[14] <= 124 && !bytes[15] && !bytes[16] &&
         !bytes[17];
}

/* Of 32 and 64 bits; not a raw file of Canon's, which says so in its first bytes. */
static bool is_tiff(const uint8_t *bytes, size_t size) {
  bool tiff = HAS(bytes, size, 0, "II*\0") || HAS(bytes, size, 0, "MM\0*") || HAS(bytes, size, 0, "II+\0") ||
              HAS(bytes, size, 0, "MM\0+");
  return tiff && !HAS(bytes, size, 8, "CR\x02");
}

sb_image_kind sb_image_sniff(const void *data, size_t size) {
  const uint8_t *bytes = data;
  if (HAS(bytes, size, 0, "\xff\xd8\xff")) return SB_IMAGE_JPEG;
  if (HAS(bytes, size, 0, "\x89PNG\r\n\x1a\n")) return SB_IMAGE_PNG;
  if (HAS(bytes, size, 0, "RIFF") && HAS(bytes, size, 8, "WEBP")) return SB_IMAGE_WEBP;
  if (is_heif(bytes, size)) return READS_HEIF ? SB_IMAGE_HEIF : SB_IMAGE_UNKNOWN;
  if (HAS(bytes, size, 0, "GIF87a") || HAS(bytes, size, 0, "GIF89a")) return SB_IMAGE_GIF;
  if (is_bmp(bytes, size)) return SB_IMAGE_BMP;
  if (is_tiff(bytes, size)) return READS_TIFF ? SB_IMAGE_TIFF : SB_IMAGE_UNKNOWN;
  bool jxl = HAS(bytes, size, 0, JXL_CONTAINER) || HAS(bytes, size, 0, JXL_STREAM);
  if (jxl && READS_JXL) return SB_IMAGE_JXL;
  return SB_IMAGE_UNKNOWN;
}

/* ---- The others */

static const magic others[] = {
    MAGIC(0, "\0\0\0\x0cjP  \r\n\x87\n", "a JPEG 2000 picture"),
    MAGIC(0, "\xff\x4f\xff\x51", "a JPEG 2000 picture"),
    MAGIC(0, JXL_CONTAINER, "a JPEG XL picture, which this build does not read (Meson's option jxl)"),
    MAGIC(0, JXL_STREAM, "a JPEG XL picture, which this build does not read (Meson's option jxl)"),
    MAGIC(4, "ftypcrx ", "a camera's raw file (CR3)"),
    MAGIC(8, "CR\x02", "a camera's raw file (CR2)"),
    MAGIC(0, "FUJIFILMCCD-RAW", "a camera's raw file (RAF)"),
    MAGIC(0, "IIRO", "a camera's raw file (ORF)"),
    MAGIC(0, "IIRS", "a camera's raw file (ORF)"),
    MAGIC(0, "IIU\0", "a camera's raw file (RW2)"),
    MAGIC(0, "FOVb", "a camera's raw file (X3F)"),
    MAGIC(0, "\0MRM", "a camera's raw file (MRW)"),
    MAGIC(0, "8BPS", "a Photoshop document (PSD)"),
    MAGIC(0, "gimp xcf", "a GIMP document (XCF)"),
    MAGIC(0, "v/1\1", "an OpenEXR picture"),
    MAGIC(0, "#?RADIANCE", "a Radiance HDR picture"),
    MAGIC(0, "#?RGBE", "a Radiance HDR picture"),
    MAGIC(0, "DDS ", "a DirectDraw texture (DDS)"),
    MAGIC(0, "qoif", "a QOI picture"),
    MAGIC(0, "BPG\xfb", "a BPG picture"),
    MAGIC(0, "FLIF", "a FLIF picture"),
    MAGIC(0, "\x01\xda", "an SGI picture"),
    MAGIC(0, "AT&TFORM", "a DjVu document"),
    MAGIC(0, "SIMPLE  =", "a FITS picture"),
    MAGIC(128, "DICM", "a medical picture (DICOM)"),
    MAGIC(0, "%PDF", "a PDF document"),
    MAGIC(0, "%!PS", "a PostScript document"),
    MAGIC(0, "PK\x03\x04", "a ZIP archive or office document"),
    MAGIC(0, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an office document"),
    MAGIC(0, "\x1f\x8b", "a gzip archive"),
    MAGIC(0, "BZh", "a bzip2 archive"),
    MAGIC(0,
          "\xfd"
          "7zXZ",
          "an xz archive"),
    MAGIC(0, "\x28\xb5\x2f\xfd", "a Zstandard archive"),
    MAGIC(0, "7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    MAGIC(0, "Rar!", "a RAR archive"),
    MAGIC(257, "ustar", "a tar archive"),
    MAGIC(0, "\x1a\x45\xdf\xa3", "a video"),
    MAGIC(8, "AVI ", "a video"),
    MAGIC(4, "ftyp", "a video"),
    MAGIC(4, "moov", "a video"),
    MAGIC(4, "mdat", "a video"),
    MAGIC(0, "\0\0\1\xba", "a video"),
    MAGIC(0, "FLV\1", "a video"),
    MAGIC(0, "OggS", "a sound or video"),
    MAGIC(0, "ID3", "a sound"),
    MAGIC(0, "fLaC", "a sound"),
    MAGIC(8, "WAVE", "a sound"),
    MAGIC(0, "bplist00", "a property list, such as the placeholder of a photo that is only in iCloud"),
    MAGIC(0, "SQLite format 3", "an SQLite database"),
    MAGIC(0,
          "\x7f"
          "ELF",
          "a program"),
    MAGIC(0, "MZ", "a Windows program"),
    MAGIC(0, "data:image/", "a photo written as a data URL; decode it first"),
    MAGIC(0, "/9j/", "a photo written as base64 text; decode it first"),
    MAGIC(0, "iVBORw0KGgo", "a photo written as base64 text; decode it first"),
    MAGIC(0, "/* XPM */", "an XPM picture"),
};

/* A Windows icon or mouse pointer: a zero, a type, and how many pictures follow (16 bits each). */
static bool is_icon(const uint8_t *bytes, size_t size) {
  return size > 6 && !bytes[0] && !bytes[1] && (bytes[2] == 1 || bytes[2] == 2) && !bytes[3] && bytes[4] && !bytes[5];
}

/* Portable anymap: P1 to P7, PF or Pf, then white space. */
static bool is_anymap(const uint8_t *bytes, size_t size) {
  if (size < 3 || bytes[0] != 'P' || !strchr("1234567Ff", bytes[1]) || !bytes[1]) return false;
  return bytes[2] == ' ' || bytes[2] == '\n' || bytes[2] == '\r' || bytes[2] == '\t';
}

/* Truevision TGA: version 2 ends with a signature; version 1 has only a header of plausible fields. */
static bool is_tga(const uint8_t *bytes, size_t size) {
  static const char signature[] = "TRUEVISION-XFILE."; /* with its final zero */
  enum { HEAD = 18 };
  if (size < HEAD + sizeof signature) return false;
  if (!memcmp(bytes + size - sizeof signature, signature, sizeof signature)) return true;
  unsigned map = bytes[1], type = bytes[2] & ~8u, depth = bytes[16], map_depth = bytes[7];
  if (map > 1 || type < 1 || type > 3 || bytes[2] > 11) return false;
  if (map ? map_depth != 24 && map_depth != 32 && map_depth != 16 : map_depth || bytes[5] || bytes[6]) return false;
  bool sized = (bytes[12] || bytes[13]) && (bytes[14] || bytes[15]);
  return sized && (depth == 8 || depth == 16 || depth == 24 || depth == 32) && !(bytes[17] & 0xc0);
}

static bool contains(const uint8_t *bytes, size_t size, const char *word) {
  size_t length = strlen(word);
  for (size_t i = 0; i + length <= size; i++)
    if (!strncasecmp((const char *)bytes + i, word, length)) return true;
  return false;
}

const char *sb_image_looks_like(const uint8_t *bytes, size_t size) {
  if (is_heif(bytes, size)) return "a HEIC or AVIF picture, which this build does not read (Meson's option heif)";
  if (is_tiff(bytes, size)) return "a TIFF picture, which this build does not read (Meson's option tiff)";
  for (size_t i = 0; i < COUNT(others); i++)
    if (has(bytes, size, others[i].at, others[i].bytes, others[i].length)) return others[i].name;
  if (is_icon(bytes, size)) return "an icon or mouse pointer (ICO, CUR)";
  if (is_anymap(bytes, size)) return "a portable anymap (PBM, PGM, PPM, PAM or PFM)";
  size_t head = size < 1024 ? size : 1024;
  if (contains(bytes, head, "<svg")) return "an SVG drawing";
  if (contains(bytes, head, "<html") || contains(bytes, head, "<!doctype html")) return "a web page (HTML)";
  if (is_tga(bytes, size)) return "a Targa picture (TGA)";
  for (size_t i = 0; i < head; i++)
    if (bytes[i] < 9 || (bytes[i] > 13 && bytes[i] < 32)) return "data of an unknown kind";
  return "text";
}
