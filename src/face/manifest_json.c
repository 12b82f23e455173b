/* The manifest reader; manifest_json.h describes its rules. */
#include "face/manifest_json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MANIFEST_BYTES_MAX = 1 << 20 };

sb_status sb_manifest_json_open(sb_manifest_json *r, const char *folders, const char *file, sb_error *error) {
  *r = (sb_manifest_json){.file = file, .error = error};
  char *path = sb_path_find(folders, file, NULL);
  if (!path)
    return sb_fail(error, SB_NOT_FOUND,
                   "%s was not found in %s; run script/setup to fetch the models, or name their folder with --models",
                   file, folders);
  uint8_t *bytes = NULL;
  size_t size = 0;
  sb_status status = sb_file_read(path, MANIFEST_BYTES_MAX, &bytes, &size, error);
  free(path);
  if (status != SB_OK) return status;
  json_error_t reason;
  r->root = json_loadb((const char *)bytes, size, JSON_REJECT_DUPLICATES, &reason);
  free(bytes);
  if (json_is_object(r->root)) return SB_OK;
  if (r->root) snprintf(reason.text, sizeof reason.text, "expected an object { }");
  sb_manifest_json_close(r);
  return sb_fail(error, SB_MODEL, "the manifest %s is not a JSON object: line %d: %.100s", file, reason.line,
                 reason.text);
}

void sb_manifest_json_close(sb_manifest_json *r) {
  json_decref(r->root);
  r->root = NULL;
}

void sb_manifest_json_wrong(sb_manifest_json *r, const char *key, const char *wanted) {
  if (r->status == SB_OK)
    r->status = sb_fail(r->error, SB_MODEL, "the manifest %s is wrong: '%.60s' should be %s", r->file, key, wanted);
}

static bool in_list(const char *const *list, const char *word) {
  for (; list && *list; list++)
    if (!strcmp(*list, word)) return true;
  return false;
}

void sb_manifest_json_keys(sb_manifest_json *r, json_t *object, const char *name, const char *const *keys,
                           const char *const *more) {
  if (!json_is_object(object)) {
    sb_manifest_json_wrong(r, name, "an object { }");
    return;
  }
  const char *key;
  json_t *value;
  json_object_foreach(object, key, value) {
    if (in_list(keys, key) || in_list(more, key)) continue;
    if (r->status == SB_OK)
      r->status = sb_fail(r->error, SB_MODEL,
                          "the manifest %s is wrong: '%s' has the unknown key '%.60s'; docs/models.md lists the keys",
                          r->file, name, key);
  }
}

json_t *sb_manifest_json_member(sb_manifest_json *r, const json_t *object, const char *key) {
  json_t *value = json_object_get(object, key);
  if (!value) sb_manifest_json_wrong(r, key, "present");
  return value;
}

double sb_manifest_json_number(sb_manifest_json *r, const json_t *value, const char *key, double least, double most) {
  double number = json_number_value(value);
  if (json_is_number(value) && number >= least && number <= most) return number;
  char wanted[64];
  snprintf(wanted, sizeof wanted, "a number between %g and %g", least, most);
  sb_manifest_json_wrong(r, key, wanted);
  return least;
}

double sb_manifest_json_real(sb_manifest_json *r, const json_t *object, const char *key, double least, double most) {
  return sb_manifest_json_number(r, sb_manifest_json_member(r, object, key), key, least, most);
}

double sb_manifest_json_optional_real(sb_manifest_json *r, const json_t *object, const char *key, double least,
                                      double most, double fallback) {
  const json_t *value = json_object_get(object, key);
  return value ? sb_manifest_json_number(r, value, key, least, most) : fallback;
}

int sb_manifest_json_integer(sb_manifest_json *r, const json_t *object, const char *key, int least, int most) {
  double value = sb_manifest_json_real(r, object, key, least, most);
  if (value != floor(value)) sb_manifest_json_wrong(r, key, "a whole number");
  return (int)value;
}

bool sb_manifest_json_optional_bool(sb_manifest_json *r, const json_t *object, const char *key, bool fallback) {
  const json_t *value = json_object_get(object, key);
  if (!value) return fallback;
  if (!json_is_boolean(value)) sb_manifest_json_wrong(r, key, "true or false");
  return json_is_true(value);
}

void sb_manifest_json_text_of(sb_manifest_json *r, const json_t *value, const char *key, char *out, size_t size) {
  const char *text = json_string_value(value);
  if (text && *text && strlen(text) < size)
    snprintf(out, size, "%s", text);
  else
    sb_manifest_json_wrong(r, key, "a short text");
}

void sb_manifest_json_text(sb_manifest_json *r, const json_t *object, const char *key, char *out, size_t size) {
  sb_manifest_json_text_of(r, sb_manifest_json_member(r, object, key), key, out, size);
}

int sb_manifest_json_word_of(sb_manifest_json *r, const json_t *value, const char *key, const char *const *words) {
  const char *text = json_string_value(value);
  for (int i = 0; text && words[i]; i++)
    if (!strcmp(text, words[i])) return i;
  char wanted[160] = "one of", *end = wanted + sizeof wanted, *at = wanted + strlen(wanted);
  for (int i = 0; words[i] && at < end; i++) at += snprintf(at, (size_t)(end - at), "%s %s", i ? "," : "", words[i]);
  sb_manifest_json_wrong(r, key, wanted);
  return 0;
}

int sb_manifest_json_word(sb_manifest_json *r, const json_t *object, const char *key, const char *const *words) {
  return sb_manifest_json_word_of(r, sb_manifest_json_member(r, object, key), key, words);
}

int sb_manifest_json_optional_word(sb_manifest_json *r, const json_t *object, const char *key, const char *const *words,
                                   int fallback) {
  const json_t *value = json_object_get(object, key);
  return value ? sb_manifest_json_word_of(r, value, key, words) : fallback;
}

size_t sb_manifest_json_array(sb_manifest_json *r, const json_t *array, const char *key, size_t least, size_t most) {
  size_t size = json_array_size(array);
  if (json_is_array(array) && size >= least && size <= most) return size;
  char wanted[64];
  if (least == most)
    snprintf(wanted, sizeof wanted, "a list of %zu", least);
  else
    snprintf(wanted, sizeof wanted, "a list of %zu to %zu", least, most);
  sb_manifest_json_wrong(r, key, wanted);
  return 0;
}

void sb_manifest_json_reals(sb_manifest_json *r, const json_t *array, const char *key, float *out, size_t count) {
  if (sb_manifest_json_array(r, array, key, count, count) != count) return;
  for (size_t i = 0; i < count; i++)
    out[i] = (float)sb_manifest_json_number(r, json_array_get(array, i), key, -1e6, 1e6);
}

void sb_manifest_json_points(sb_manifest_json *r, const json_t *array, const char *key, double out[5][2]) {
  size_t count = sb_manifest_json_array(r, array, key, 5, 5);
  for (size_t i = 0; r->status == SB_OK && i < count; i++) {
    const json_t *point = json_array_get(array, i);
    if (sb_manifest_json_array(r, point, key, 2, 2) != 2) return;
    for (size_t k = 0; k < 2; k++) out[i][k] = sb_manifest_json_number(r, json_array_get(point, k), key, -1e4, 1e4);
  }
}
