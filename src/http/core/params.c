/* Fields of the query and of the body, looked up by name. The list is short (at most 32 parameters and 256 fields), so
 * each look-up goes over all of it: that also finds a field that is given twice. */
#include "http/core/params.h"
#include "http/core/decode.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

sb_http_params sb_http_params_begin(sb_http_request *request) {
  return (sb_http_params){.request = request};
}

bool sb_http_params_failed(sb_http_params *p) {
  return sb_http_failed(p->request, p->error.code, &p->error);
}

void sb_http_params_reject(sb_http_params *p, sb_status code, const char *format, ...) {
  if (p->error.code != SB_OK) return;
  char message[sizeof p->error.message];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(message, sizeof message, format, arguments);
  va_end(arguments);
  sb_fail(&p->error, code, "%s", message);
}

void sb_http_params_check(sb_http_params *p, sb_status status, const sb_error *error) {
  if (status != SB_OK && p->error.code == SB_OK) p->error = *error;
}

/* ---- Text */

static const char *bytes_of(const sb_http_field *field) {
  return field->value.bytes ? field->value.bytes : "";
}

/* Which literals of JSON (numbers, true, false) are accepted beside text. */
typedef enum literals { NO_LITERALS, WHOLE_NUMBERS, ALL_LITERALS } literals;

static bool is_whole_number(const char *text) {
  size_t digits = strspn(text, "0123456789");
  return digits && !text[digits];
}

/* NULL, with the reader's error, unless the field is UTF-8 text, or a literal that is accepted. */
static const char *text_of(sb_http_params *p, const sb_http_field *field, literals accepted) {
  const char *text = bytes_of(field);
  bool is_text = strlen(text) == field->value.size && sb_utf8_valid(text, field->value.size);
  bool fits = !field->literal || accepted == ALL_LITERALS || (accepted == WHOLE_NUMBERS && is_whole_number(text));
  if (is_text && fits) return text;
  sb_http_params_reject(p, SB_INVALID, is_text ? "%s is not text: put it in quotes" : "%s is not UTF-8 text",
                        field->name);
  return NULL;
}

const char *sb_http_params_next(sb_http_params *p, const char *name, size_t *at) {
  const sb_http_request *request = p->request;
  if (p->error.code != SB_OK) return NULL;
  for (; *at < request->parameter_count; ++*at)
    if (!strcmp(request->parameters[*at].name, name)) return request->parameters[(*at)++].value;
  for (size_t i = *at - request->parameter_count; i < request->field_count; i++) {
    if (strcmp(request->fields[i].name, name)) continue;
    *at = request->parameter_count + i + 1;
    return text_of(p, &request->fields[i], NO_LITERALS);
  }
  *at = request->parameter_count + request->field_count;
  return NULL;
}

static const char *find(sb_http_params *p, const char *name, literals accepted) {
  const sb_http_request *request = p->request;
  const char *found = NULL;
  size_t times = 0;
  if (p->error.code != SB_OK) return NULL;
  for (size_t i = 0; i < request->parameter_count; i++) {
    if (strcmp(request->parameters[i].name, name)) continue;
    found = request->parameters[i].value;
    times++;
  }
  for (size_t i = 0; i < request->field_count; i++) {
    if (strcmp(request->fields[i].name, name)) continue;
    if (!(found = text_of(p, &request->fields[i], accepted))) return NULL;
    times++;
  }
  if (times > 1) sb_http_params_reject(p, SB_INVALID, "%s is given %zu times", name, times);
  return times > 1 ? NULL : found;
}

const char *sb_http_params_text(sb_http_params *p, const char *name) {
  return find(p, name, NO_LITERALS);
}

const char *sb_http_params_word(sb_http_params *p, const char *name) {
  return find(p, name, ALL_LITERALS);
}

const char *sb_http_params_required(sb_http_params *p, const char *name, const char *meaning) {
  const char *text = find(p, name, NO_LITERALS);
  if (!text) sb_http_params_reject(p, SB_INVALID, "%s is missing: %s", name, meaning);
  return text;
}

const char *sb_http_params_id(sb_http_params *p, const char *name) {
  return find(p, name, WHOLE_NUMBERS);
}

const char *sb_http_params_required_id(sb_http_params *p, const char *name, const char *meaning) {
  const char *text = sb_http_params_id(p, name);
  if (!text) sb_http_params_reject(p, SB_INVALID, "%s is missing: %s", name, meaning);
  return text;
}

int sb_http_params_choice(sb_http_params *p, const char *name, const char *const *words) {
  const char *text = find(p, name, ALL_LITERALS);
  if (!text) return -1;
  char known[128] = "";
  for (int i = 0; words[i]; i++) {
    if (!strcmp(text, words[i])) return i;
    if (i) strncat(known, " or ", sizeof known - strlen(known) - 1);
    strncat(known, words[i], sizeof known - strlen(known) - 1);
  }
  sb_http_params_reject(p, SB_INVALID, "%s is not %s", name, known);
  return -1;
}

bool sb_http_params_is(sb_http_params *p, const char *name, const char *first, const char *second) {
  const char *const words[] = {first, second, NULL};
  return sb_http_params_choice(p, name, words) == 1;
}

const char *sb_http_params_collection(sb_http_params *p) {
  const sb_http_request *request = p->request;
  const char *text = find(p, "collection", NO_LITERALS);
  if (text || p->error.code != SB_OK) return text;
  return request->principal.collection[0] ? request->principal.collection : request->context->collection;
}

/* ---- Numbers */

size_t sb_http_params_count(sb_http_params *p, const char *name, size_t least, size_t most, size_t fallback) {
  const char *text = find(p, name, ALL_LITERALS);
  if (!text) return fallback;
  char *end = NULL;
  errno = 0;
  unsigned long long value = strtoull(text, &end, 10);
  if (*text >= '0' && *text <= '9' && !*end && !errno && value >= least && value <= most) return (size_t)value;
  sb_http_params_reject(p, SB_INVALID, "%s is not a whole number from %zu to %zu", name, least, most);
  return fallback;
}

double sb_http_params_real(sb_http_params *p, const char *name, double least, double most, double fallback) {
  const char *text = find(p, name, ALL_LITERALS);
  if (!text) return fallback;
  char *end = NULL;
  double value = strtod(text, &end);
  if (end != text && !*end && isfinite(value) && value >= least && value <= most) return value;
  sb_http_params_reject(p, SB_INVALID, "%s is not a number from %g to %g", name, least, most);
  return fallback;
}

int64_t sb_http_params_expiry(sb_http_params *p, const char *name) {
  int64_t expires_ms = 0;
  const char *text = find(p, name, NO_LITERALS);
  if (text) sb_time_expiry(text, &expires_ms, &p->error);
  return expires_ms;
}

sb_target sb_http_params_operating_point(sb_http_params *p, sb_target fallback) {
  const sb_target given = {.threshold = sb_http_params_real(p, "threshold", 0, 1, 0),
                           .fmr = sb_http_params_real(p, "fmr", 0, 0.5, 0),
                           .fpir = sb_http_params_real(p, "fpir", 0, 0.5, 0)};
  return p->error.code == SB_OK && (given.threshold > 0 || given.fmr > 0 || given.fpir > 0) ? given : fallback;
}

bool sb_http_params_names_point(sb_http_params *p) {
  return find(p, "threshold", ALL_LITERALS) || find(p, "fmr", ALL_LITERALS) || find(p, "fpir", ALL_LITERALS);
}

/* ---- Templates */

size_t sb_http_params_vectors(sb_http_params *p, const char *name, sb_http_vector *out, size_t most) {
  size_t found = 0;
  const sb_http_request *request = p->request;
  for (size_t i = 0; i < request->field_count && p->error.code == SB_OK; i++) {
    const sb_http_field *field = &request->fields[i];
    if (strcmp(field->name, name)) continue;
    if (!field->vector) sb_http_params_reject(p, SB_INVALID, "%s is not a list of numbers, or of such lists", name);
    if (found == most) sb_http_params_reject(p, SB_INVALID, "%s: at most %zu are read at once", name, most);
    if (p->error.code != SB_OK) return 0;
    out[found++] = (sb_http_vector){(const float *)(const void *)field->value.bytes, field->value.size / sizeof(float)};
  }
  return found;
}

/* ---- Photos */

/* A form may send a photo as text, too, as DeepFace's clients do: a data URL. No photo begins like one. */
static bool is_url(const sb_http_field *field) {
  /* The latter two are refused by the decoder, whose message says that no photo is fetched from an address. */
  static const char *const schemes[] = {"data:", "http://", "https://"};
  const char *text = bytes_of(field);
  text += strspn(text, " \t\r\n");
  for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++)
    if (!strncasecmp(text, schemes[i], strlen(schemes[i]))) return true;
  return false;
}

enum { PHOTO_LEAST = 48 }; /* bytes: less is a path or a word that happens to be base64 */

/* Undoes what clients do to base64 on its way: percent-encoding, '+' turned into a blank by a form's decoder, and the
 * b'...' of Python's str(). */
static void repair_base64(sb_buffer *value) {
  char *text = value->bytes;
  size_t size = value->size;
  if (!text || strlen(text) != size) return;
  if (memchr(text, '%', size) && !sb_http_percent_bytes(text, false, &size)) return;
  while (size && strchr(" \t\r\n", text[size - 1])) size--;
  size_t start = strspn(text, " \t\r\n");
  if (size > start + 2 && text[start] == 'b' && strchr("'\"", text[start + 1]) && text[size - 1] == text[start + 1]) {
    start += 2;
    size--;
  }
  size -= start;
  memmove(text, text + start, size);
  text[size] = 0;
  value->size = size;
  char *data = strncasecmp(text, "data:", 5) ? text : strchr(text, ',');
  if (data && *data == ',') data++;
  if (!data || memchr(text, '\n', size) || strlen(data) % 4) return; /* its blanks only divide it */
  for (; *data; data++)
    if (*data == ' ') *data = '+';
}

static sb_photo photo_of(sb_http_params *p, sb_http_field *field) {
  if (field->vector)
    sb_http_params_reject(p, SB_INVALID, "%s is a list of numbers where a photo is wanted", field->name);
  if (p->error.code != SB_OK) return (sb_photo){0};
  if (field->base64 || is_url(field)) {
    sb_buffer *value = &field->value;
    repair_base64(value);
    sb_base64_decode(value->bytes ? value->bytes : (char[]){""}, value->size, &value->size, &p->error);
    field->base64 = false;
    if (value->size < PHOTO_LEAST && value->size)
      sb_http_params_reject(p, SB_INVALID,
                            "%s is no photo in base64: send the photo itself; paths and addresses are not read",
                            field->name);
  }
  return (sb_photo){bytes_of(field), field->value.size};
}

/* Puts the field's photos into `out`, which has room for `room`, and gives how many there are. */
static size_t find_photos(sb_http_params *p, const char *name, sb_photo *out, size_t room) {
  size_t found = 0;
  sb_http_request *request = p->request;
  for (size_t i = 0; i < request->field_count && p->error.code == SB_OK; i++) {
    if (strcmp(request->fields[i].name, name)) continue;
    sb_photo photo = photo_of(p, &request->fields[i]);
    if (found < room) out[found] = photo;
    found++;
  }
  if (!found) sb_http_params_reject(p, SB_INVALID, "the request has no photo: send one as the field `%s`", name);
  return found;
}

sb_photo sb_http_params_photo(sb_http_params *p, const char *name) {
  sb_photo photo = {0};
  size_t found = find_photos(p, name, &photo, 1);
  if (found > 1) sb_http_params_reject(p, SB_INVALID, "the field `%s` is given %zu times: send one photo", name, found);
  return photo;
}

const sb_photo *sb_http_params_photos(sb_http_params *p, const char *name, size_t *count) {
  sb_http_request *request = p->request;
  *count = 0;
  free(request->photos);
  request->photos = sb_alloc(request->field_count + 1, sizeof *request->photos, &p->error);
  if (!request->photos) return NULL;
  *count = find_photos(p, name, request->photos, request->field_count);
  return request->photos;
}
