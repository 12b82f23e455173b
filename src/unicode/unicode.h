/* Unicode for names and ids (L0), by ICU: one form for texts that look the same, search without case and accents, and
 * the order of the CLDR's root locale. All functions may be called from any thread; results are released by free(). */
#ifndef SB_UNICODE_UNICODE_H
#define SB_UNICODE_UNICODE_H

#include "base/base.h"

/* The form in which ids and names are stored: NFC, without blanks at the ends, any run of blanks as one space, without
 * the characters that show nothing (soft hyphen, zero-width space, word joiner, byte-order mark). Joiners stay: emoji
 * and some scripts need them. `text` is valid UTF-8, checked by sb_text_check; SB_INVALID, which names `field`, if
 * nothing is left or more than `max` bytes are. */
sb_status sb_unicode_normalize(const char *text, size_t max, const char *field, char **out, sb_error *error);
/* The normalized text in NFD, as macOS writes file names. */
sb_status sb_unicode_decompose(const char *text, char **out, sb_error *error);
/* What two texts share that differ only in case, accents, width or ligatures: "ZOË" and "zoe" give "zoe". For searching
 * and comparing, never for showing. */
sb_status sb_unicode_fold(const char *text, char **out, sb_error *error);
/* A text whose order by strcmp is the collation order of `text`: letters before accents before case, digits by their
 * number ("Room 9" before "Room 10"). */
sb_status sb_unicode_sort_key(const char *text, char **out, sb_error *error);

#endif
