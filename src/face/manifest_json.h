/* Strict reading of manifests: untrusted JSON in which each key is checked for type and range, and an unknown key is an
 * error. */
#ifndef SB_FACE_MANIFEST_JSON_H
#define SB_FACE_MANIFEST_JSON_H

#include "base/base.h"

#include <jansson.h>

/* Sticky error: the first failure stays in `status` and later calls return harmless values, so that a series of reads
 * needs one check at its end. One thread. */
typedef struct sb_manifest_json {
  const char *file;
  json_t *root;
  sb_status status;
  sb_error *error;
} sb_manifest_json;

/* Opens the first `file` in the ':'-separated folders. SB_NOT_FOUND, SB_MODEL. */
sb_status sb_manifest_json_open(sb_manifest_json *r, const char *folders, const char *file, sb_error *error);
void sb_manifest_json_close(sb_manifest_json *r);

/* "the manifest FILE is wrong: 'KEY' should be WANTED" */
void sb_manifest_json_wrong(sb_manifest_json *r, const char *key, const char *wanted);
/* Checks that `object` is an object without keys other than those of the NULL-terminated lists (`more` NULL
 * allowed). */
void sb_manifest_json_keys(sb_manifest_json *r, json_t *object, const char *name, const char *const *keys,
                           const char *const *more);

/* Each of these reads a required key, unless its name says "optional". Numbers must be within least..most. */
json_t *sb_manifest_json_member(sb_manifest_json *r, const json_t *object, const char *key);
double sb_manifest_json_number(sb_manifest_json *r, const json_t *value, const char *key, double least, double most);
double sb_manifest_json_real(sb_manifest_json *r, const json_t *object, const char *key, double least, double most);
double sb_manifest_json_optional_real(sb_manifest_json *r, const json_t *object, const char *key, double least,
                                      double most, double fallback);
int sb_manifest_json_integer(sb_manifest_json *r, const json_t *object, const char *key, int least, int most);
bool sb_manifest_json_optional_bool(sb_manifest_json *r, const json_t *object, const char *key, bool fallback);
void sb_manifest_json_text_of(sb_manifest_json *r, const json_t *value, const char *key, char *out, size_t size);
void sb_manifest_json_text(sb_manifest_json *r, const json_t *object, const char *key, char *out, size_t size);
/* The index of the text in a NULL-terminated list. */
int sb_manifest_json_word_of(sb_manifest_json *r, const json_t *value, const char *key, const char *const *words);
int sb_manifest_json_word(sb_manifest_json *r, const json_t *object, const char *key, const char *const *words);
int sb_manifest_json_optional_word(sb_manifest_json *r, const json_t *object, const char *key, const char *const *words,
                                   int fallback);
/* The array's size; 0 after a failure. */
size_t sb_manifest_json_array(sb_manifest_json *r, const json_t *array, const char *key, size_t least, size_t most);
void sb_manifest_json_reals(sb_manifest_json *r, const json_t *array, const char *key, float *out, size_t count);
/* Five points: [[x, y] * 5]. */
void sb_manifest_json_points(sb_manifest_json *r, const json_t *array, const char *key, double out[5][2]);

#endif
