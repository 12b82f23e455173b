/* ICU works on UTF-16, so each function converts there and back. Texts of ASCII, which most ids and many names are,
 * take a short way around it. */
#include "unicode/unicode.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unicode/uchar.h>
#include <unicode/ucol.h>
#include <unicode/udata.h>
#include <unicode/unorm2.h>
#include <unicode/ustring.h>

/* ---- ICU's objects, made once */

static struct {
  pthread_once_t once;
  UErrorCode code;
  const UNormalizer2 *nfc, *nfd, *casefold;
  UCollator *collator;
} icu = {.once = PTHREAD_ONCE_INIT};

static void open_icu(void) {
  udata_setFileAccess(UDATA_NO_FILES, &icu.code); /* the data are linked in; the sandbox allows no search for others */
  icu.nfc = unorm2_getNFCInstance(&icu.code);
  icu.nfd = unorm2_getNFDInstance(&icu.code);
  icu.casefold = unorm2_getNFKCCasefoldInstance(&icu.code);
  icu.collator = ucol_open("", &icu.code);
  if (U_SUCCESS(icu.code)) ucol_setAttribute(icu.collator, UCOL_NUMERIC_COLLATION, UCOL_ON, &icu.code);
}

static sb_status fail(UErrorCode code, sb_error *error) {
  if (code == U_MEMORY_ALLOCATION_ERROR) return sb_fail(error, SB_NO_MEMORY, "out of memory");
  return sb_fail(error, SB_INTERNAL, "ICU failed: %s", u_errorName(code));
}

static sb_status ready(sb_error *error) {
  pthread_once(&icu.once, open_icu);
  return U_SUCCESS(icu.code) ? SB_OK : fail(icu.code, error);
}

/* ---- UTF-16 */

typedef struct text16 {
  UChar *units;
  int32_t length;
} text16;

static void text16_free(text16 *text) {
  free(text->units);
}

static sb_status from_utf8(const char *text, text16 *out, sb_error *error) {
  UErrorCode code = U_ZERO_ERROR;
  size_t size = strlen(text);
  if (size > INT32_MAX / 8) return sb_fail(error, SB_TOO_LARGE, "the text is too long");
  if (!(out->units = sb_alloc(size + 1, sizeof *out->units, error))) return SB_NO_MEMORY;
  u_strFromUTF8(out->units, (int32_t)size + 1, &out->length, text, (int32_t)size, &code);
  return U_SUCCESS(code) ? SB_OK : fail(code, error);
}

static sb_status to_utf8(const text16 *text, char **out, sb_error *error) {
  UErrorCode code = U_ZERO_ERROR;
  size_t room = (size_t)text->length * 3 + 1;
  char *made = sb_alloc(room, 1, error);
  if (!made) return SB_NO_MEMORY;
  u_strToUTF8(made, (int32_t)room, NULL, text->units, text->length, &code);
  if (U_FAILURE(code)) return free(made), fail(code, error);
  *out = made;
  return SB_OK;
}

/* Replaces the text by its normal form. */
static sb_status normalize(text16 *text, const UNormalizer2 *form, sb_error *error) {
  UErrorCode code = U_ZERO_ERROR;
  if (unorm2_isNormalized(form, text->units, text->length, &code) && U_SUCCESS(code)) return SB_OK;
  code = U_ZERO_ERROR;
  int32_t length = unorm2_normalize(form, text->units, text->length, NULL, 0, &code);
  if (code != U_BUFFER_OVERFLOW_ERROR && U_FAILURE(code)) return fail(code, error);
  UChar *made = sb_alloc((size_t)length + 1, sizeof *made, error);
  if (!made) return SB_NO_MEMORY;
  code = U_ZERO_ERROR;
  unorm2_normalize(form, text->units, text->length, made, length + 1, &code);
  free(text->units);
  *text = (text16){made, length};
  return U_SUCCESS(code) ? SB_OK : fail(code, error);
}

/* ---- Blanks and what shows nothing */

static bool is_blank(UChar c) {
  return c == ' ' || (c > 0x7f && u_charType(c) == U_SPACE_SEPARATOR);
}

static bool is_invisible(UChar c) {
  return c == 0xad || c == 0x200b || c == 0x2060 || c == 0xfeff;
}

static void tidy_blanks(text16 *text) {
  int32_t kept = 0;
  for (int32_t i = 0; i < text->length; i++) {
    UChar c = text->units[i];
    if (is_invisible(c)) continue;
    if (!is_blank(c))
      text->units[kept++] = c;
    else if (kept && text->units[kept - 1] != ' ')
      text->units[kept++] = ' ';
  }
  if (kept && text->units[kept - 1] == ' ') kept--;
  text->length = kept;
}

/* ---- The forms */

static bool is_ascii(const char *text) {
  for (; *text; text++)
    if ((unsigned char)*text > 0x7f) return false;
  return true;
}

/* What is left of ASCII by tidy_blanks. */
static char *tidy_ascii(const char *text, sb_error *error) {
  char *made = sb_strdup(text, error), *to = made;
  if (!made) return NULL;
  for (const char *from = text; *from; from++)
    if (*from != ' ' || (to > made && to[-1] != ' ')) *to++ = *from;
  if (to > made && to[-1] == ' ') to--;
  *to = 0;
  return made;
}

static sb_status compose(const char *text, const UNormalizer2 *form, char **out, sb_error *error) {
  text16 units = {0};
  sb_status status = from_utf8(text, &units, error);
  if (status == SB_OK) {
    tidy_blanks(&units);
    status = normalize(&units, form, error);
  }
  if (status == SB_OK) status = to_utf8(&units, out, error);
  text16_free(&units);
  return status;
}

static sb_status tidy(const char *text, const UNormalizer2 *form, char **out, sb_error *error) {
  if (!is_ascii(text)) return compose(text, form, out, error);
  *out = tidy_ascii(text, error);
  return *out ? SB_OK : SB_NO_MEMORY;
}

sb_status sb_unicode_normalize(const char *text, size_t max, const char *field, char **out, sb_error *error) {
  sb_status status = ready(error);
  if (status != SB_OK) return status;
  char *made = NULL;
  if ((status = tidy(text, icu.nfc, &made, error)) != SB_OK) return status;
  size_t size = strlen(made);
  if (size && size <= max) return *out = made, SB_OK;
  free(made);
  if (!size) return sb_fail(error, SB_INVALID, "the %s is empty", field);
  return sb_fail(error, SB_INVALID, "the %s is too long: %zu bytes in normal form, at most %zu are allowed", field,
                 size, max);
}

sb_status sb_unicode_decompose(const char *text, char **out, sb_error *error) {
  sb_status status = ready(error);
  return status == SB_OK ? tidy(text, icu.nfd, out, error) : status;
}

/* ---- Search and order */

static void strip_accents(text16 *text) {
  int32_t kept = 0;
  for (int32_t i = 0; i < text->length; i++) /* combining diacritical marks; signs of other scripts are letters there */
    if (text->units[i] < 0x300 || text->units[i] > 0x36f) text->units[kept++] = text->units[i];
  text->length = kept;
}

static sb_status fold(text16 *text, sb_error *error) {
  tidy_blanks(text);
  sb_status status = normalize(text, icu.casefold, error);
  if (status == SB_OK) status = normalize(text, icu.nfd, error);
  if (status != SB_OK) return status;
  strip_accents(text);
  return normalize(text, icu.nfc, error);
}

sb_status sb_unicode_fold(const char *text, char **out, sb_error *error) {
  text16 units = {0};
  if (is_ascii(text)) {
    if (!(*out = tidy_ascii(text, error))) return SB_NO_MEMORY;
    for (char *c = *out; *c; c++)
      if (*c >= 'A' && *c <= 'Z') *c = (char)(*c + 'a' - 'A');
    return SB_OK;
  }
  sb_status status = ready(error);
  if (status == SB_OK) status = from_utf8(text, &units, error);
  if (status == SB_OK) status = fold(&units, error);
  if (status == SB_OK) status = to_utf8(&units, out, error);
  text16_free(&units);
  return status;
}

sb_status sb_unicode_sort_key(const char *text, char **out, sb_error *error) {
  text16 units = {0};
  sb_status status = ready(error);
  if (status == SB_OK) status = from_utf8(text, &units, error);
  if (status == SB_OK) {
    int32_t size = ucol_getSortKey(icu.collator, units.units, units.length, NULL, 0);
    *out = sb_alloc((size_t)size + 1, 1, error);
    if (*out)
      ucol_getSortKey(icu.collator, units.units, units.length, (uint8_t *)*out, size); /* with its zero; none before */
    else
      status = SB_NO_MEMORY;
  }
  text16_free(&units);
  return status;
}
