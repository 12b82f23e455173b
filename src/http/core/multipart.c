/* A state machine over the body: the text before the first delimiter, which is skipped; then for each part its headers
 * and its content; then the text behind the last delimiter.
 *
 * A delimiter is a line of "--", the boundary and blanks; the line break before it belongs to it. So content is handed
 * on up to a line break, and from there on bytes are held back until it is certain whether a delimiter follows.
 * Matching never goes back: of the held bytes only the last can begin another candidate, as boundaries and blanks
 * contain no line break. */
#include "http/core/multipart.h"
#include "http/core/decode.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
  BOUNDARY_MAX = 70, /* RFC 2046, 5.1.1 */
  PADDING_MAX = 128, /* blanks behind a boundary */
  HEADERS_MAX = 8192 /* bytes of a part's headers */
};

typedef enum place { BEFORE, HEADERS, CONTENT, BEHIND } place;
/* How much of a delimiter has been matched. */
typedef enum match { NOTHING, CR, BOUNDARY, MARKED, PADDING, PADDING_CR, CLOSING } match;

struct sb_http_multipart {
  sb_http_multipart_sink sink;
  char mark[BOUNDARY_MAX + 3]; /* "--" and the boundary */
  size_t mark_length;
  place place;
  match match;
  size_t matched; /* characters of `mark`, in BOUNDARY */
  char held[2 + BOUNDARY_MAX + 2 + PADDING_MAX + 2];
  size_t held_size;
  sb_buffer headers; /* of the part whose headers are being read, lines ended by LF */
  size_t line;       /* where the last of these lines begins */
  char *name, *filename;
};

/* ---- Parameters of header values */

/* Reads a quoted string in place. Only \" and \\ are escapes: some browsers send the backslashes of Windows paths as
 * they are. */
static char *unquote(char *at, char **value) {
  char *to = *value = ++at;
  while (*at && *at != '"') {
    if (*at == '\\' && (at[1] == '"' || at[1] == '\\')) at++;
    *to++ = *at++;
  }
  if (*at) at++;
  *to = 0;
  return at;
}

/* Takes the next `name=value` off `*at`, in place. False: there is none. */
static bool next_parameter(char **at, char **name, char **value) {
  char *p = *at + strspn(*at, "; \t\r\n");
  if (!*p) return false;
  *name = p;
  p += strcspn(p, "=; \t");
  char *name_end = p;
  p += strspn(p, " \t");
  *value = name_end; /* of a parameter without a value: "" */
  if (*p == ';') p++;
  if (*p == '=') {
    p += 1 + strspn(p + 1, " \t");
    if (*p == '"') {
      p = unquote(p, value);
      p += strcspn(p, ";");
    } else {
      *value = p;
      p += strcspn(p, ";");
      char *end = p;
      while (end > *value && strchr(" \t\r\n", end[-1])) end--;
      if (*p) p++;
      *end = 0;
    }
  }
  *name_end = 0;
  *at = p;
  return true;
}

/* Latin-1 as UTF-8; free() it. */
static char *from_latin1(const char *text) {
  char *out = malloc(2 * strlen(text) + 1), *to = out;
  for (; out && *text; text++) {
    unsigned char c = (unsigned char)*text;
    if (c >= 0x80) *to++ = (char)(0xc0 | c >> 6);
    *to++ = (char)(c < 0x80 ? c : 0x80 | (c & 0x3f));
  }
  if (out) *to = 0;
  return out;
}

/* The text of an extended value, "charset'language'percent-encoded" (RFC 8187); free() it. NULL: it is none. */
static char *extended(char *value) {
  char *language = strchr(value, '\''), *text = language ? strchr(language + 1, '\'') : NULL;
  if (!text) return NULL;
  *language = 0;
  bool latin1 = !strcasecmp(value, "ISO-8859-1");
  if (!latin1 && strcasecmp(value, "UTF-8") != 0) return NULL;
  size_t length = 0;
  if (!sb_http_percent_bytes(++text, false, &length) || strlen(text) != length) return NULL;
  if (latin1) return from_latin1(text);
  return sb_utf8_valid(text, length) ? strdup(text) : NULL;
}

/* Replaces the text: an extended value always, a plain one unless there is one already. */
static sb_status set_text(char **text, char *value, bool is_extended, sb_error *error) {
  if (!is_extended && *text) return SB_OK;
  char *made = is_extended ? extended(value) : strdup(value);
  if (is_extended && !made) return SB_OK; /* malformed: the plain one counts */
  if (!made) return sb_fail(error, SB_NO_MEMORY, "out of memory");
  free(*text);
  *text = made;
  return SB_OK;
}

/* ---- The headers of a part */

static sb_status read_disposition(sb_http_multipart *form, char *value, sb_error *error) {
  char *name, *text;
  value += strcspn(value, ";"); /* "form-data" */
  while (next_parameter(&value, &name, &text)) {
    size_t length = strlen(name);
    bool is_extended = length && name[length - 1] == '*';
    if (is_extended) name[--length] = 0;
    char **into = !strcasecmp(name, "name") ? &form->name : !strcasecmp(name, "filename") ? &form->filename : NULL;
    sb_status status = into ? set_text(into, text, is_extended, error) : SB_OK;
    if (status != SB_OK) return status;
  }
  return SB_OK;
}

static sb_status read_encoding(const char *value, sb_error *error) {
  static const char *const plain[] = {"binary", "8bit", "7bit"};
  for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
    if (!strncasecmp(value, plain[i], strlen(plain[i]))) return SB_OK;
  return sb_fail(error, SB_INVALID,
                 "a part of the form has a Content-Transfer-Encoding, which is not supported: send it as it is");
}

static sb_status read_header(sb_http_multipart *form, char *line, sb_error *error) {
  char *colon = strchr(line, ':');
  if (!colon) return sb_fail(error, SB_INVALID, "a header of a part of the form has no colon");
  size_t length = (size_t)(colon - line);
  while (length && strchr(" \t", line[length - 1])) length--;
  line[length] = 0;
  char *value = colon + 1 + strspn(colon + 1, " \t");
  if (!strcasecmp(line, "Content-Disposition")) return read_disposition(form, value, error);
  if (!strcasecmp(line, "Content-Transfer-Encoding")) return read_encoding(value, error);
  return SB_OK;
}

/* A line that begins with a blank continues the one before it. */
static void unfold(char *headers) {
  for (char *at = headers; (at = strchr(at, '\n'));) {
    if (at[1] != ' ' && at[1] != '\t')
      at++;
    else
      *at = ' ';
  }
}

/* The headers are complete: the part begins. */
static sb_status begin_part(sb_http_multipart *form, sb_error *error) {
  char *at = form->headers.bytes;
  free(form->name);
  free(form->filename);
  form->name = form->filename = NULL;
  if (at && strlen(at) != form->headers.size)
    return sb_fail(error, SB_INVALID, "a header of a part of the form contains a NUL");
  if (at) unfold(at);
  while (at && *at) {
    char *line = strsep(&at, "\n");
    sb_status status = *line ? read_header(form, line, error) : SB_OK;
    if (status != SB_OK) return status;
  }
  if (!form->name)
    return sb_fail(error, SB_INVALID,
                   "a part of the form has no name: send Content-Disposition: form-data; name=\"FIELD\"");
  form->headers.size = form->line = 0;
  form->place = CONTENT;
  form->match = BOUNDARY; /* a part without content may have its delimiter at once */
  form->matched = form->held_size = 0;
  return form->sink.take(form->sink.context, form->name, form->filename, false, NULL, 0, error);
}

/* Takes bytes up to the end of a line; *used: how many. */
static sb_status feed_headers(sb_http_multipart *form, const char *bytes, size_t size, size_t *used, sb_error *error) {
  const char *end = memchr(bytes, '\n', size);
  *used = end ? (size_t)(end - bytes) + 1 : size;
  if (form->headers.size + *used > HEADERS_MAX)
    return sb_fail(error, SB_INVALID, "the headers of a part of the form are longer than %d bytes", HEADERS_MAX);
  sb_status status = sb_buffer_add(&form->headers, bytes, *used, error);
  if (status != SB_OK || !end) return status;
  sb_buffer *headers = &form->headers;
  if (headers->size - form->line >= 2 && headers->bytes[headers->size - 2] == '\r') {
    headers->bytes[headers->size - 2] = '\n';
    headers->bytes[--headers->size] = 0;
  }
  bool empty = headers->size - form->line == 1;
  form->line = headers->size;
  return empty ? begin_part(form, error) : SB_OK;
}

/* ---- Content, and the delimiters */

static sb_status emit(sb_http_multipart *form, const char *bytes, size_t size, sb_error *error) {
  if (!size || form->place != CONTENT) return SB_OK;
  return form->sink.take(form->sink.context, form->name, form->filename, true, bytes, size, error);
}

/* Where the matching is after one byte more; NOTHING: the held bytes are no delimiter. */
static match step(sb_http_multipart *form, char c) {
  switch (form->match) {
  case NOTHING: form->matched = 0; return c == '\r' ? CR : c == '\n' ? BOUNDARY : NOTHING;
  case CR: form->matched = 0; return c == '\n' ? BOUNDARY : NOTHING;
  case BOUNDARY:
    if (c != form->mark[form->matched]) return NOTHING;
    return ++form->matched == form->mark_length ? MARKED : BOUNDARY;
  case MARKED:
    if (c == '-') return CLOSING;
    __attribute__((fallthrough));
  case PADDING:
    if (c == '\r') return PADDING_CR;
    if (c == '\n') {
      form->place = HEADERS;
      return NOTHING;
    }
    return (c == ' ' || c == '\t') && form->held_size < sizeof form->held - 2 ? PADDING : NOTHING;
  case PADDING_CR:
    if (c == '\n') form->place = HEADERS;
    return NOTHING;
  case CLOSING:
    if (c == '-') form->place = BEHIND;
    return NOTHING;
  }
  return NOTHING;
}

/* The held bytes turned out to be content. The last of them may begin a candidate of its own, and so may `c`. */
static sb_status release(sb_http_multipart *form, char c, sb_error *error) {
  bool again = form->held_size > 1 && form->held[form->held_size - 1] == '\r';
  sb_status status = emit(form, form->held, form->held_size - again, error);
  form->held_size = again;
  if (again) {
    form->held[0] = '\r';
    form->match = CR;
    form->match = step(form, c);
  }
  if (form->match == NOTHING && status == SB_OK) {
    status = emit(form, form->held, form->held_size, error);
    form->held_size = 0;
    form->match = step(form, c);
  }
  if (form->match == NOTHING) return status == SB_OK ? emit(form, &c, 1, error) : status;
  form->held[form->held_size++] = c;
  return status;
}

static sb_status feed_candidate(sb_http_multipart *form, char c, sb_error *error) {
  place before = form->place;
  match next = step(form, c);
  if (form->place != before) { /* a whole delimiter */
    form->match = NOTHING;
    form->held_size = form->headers.size = form->line = 0;
    return SB_OK;
  }
  form->match = next;
  if (next == NOTHING) return release(form, c, error);
  form->held[form->held_size++] = c;
  return SB_OK;
}

/* Hands on the bytes before the next line break; *used: how many. */
static sb_status feed_content(sb_http_multipart *form, const char *bytes, size_t size, size_t *used, sb_error *error) {
  size_t plain = 0;
  while (plain < size && bytes[plain] != '\r' && bytes[plain] != '\n') plain++;
  *used = plain;
  sb_status status = emit(form, bytes, plain, error);
  if (status != SB_OK || plain == size) return status;
  ++*used;
  return feed_candidate(form, bytes[plain], error);
}

sb_status sb_http_multipart_feed(sb_http_multipart *form, const char *bytes, size_t size, sb_error *error) {
  sb_status status = SB_OK;
  for (size_t at = 0; at < size && status == SB_OK && form->place != BEHIND;) {
    size_t used = 1;
    if (form->place == HEADERS)
      status = feed_headers(form, bytes + at, size - at, &used, error);
    else if (form->match == NOTHING)
      status = feed_content(form, bytes + at, size - at, &used, error);
    else
      status = feed_candidate(form, bytes[at], error);
    at += used;
  }
  return status;
}

/* ---- Begin and end */

static bool is_boundary(const char *text) {
  static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789'()+_,-./:=? ";
  size_t length = strlen(text);
  return length && length <= BOUNDARY_MAX && strspn(text, letters) == length && text[length - 1] != ' ';
}

sb_status sb_http_multipart_new(const char *content_type, sb_http_multipart_sink sink, sb_http_multipart **out,
                                sb_error *error) {
  char *copy = sb_strdup(content_type, error), *at = copy, *name, *value = NULL;
  if (!copy) return SB_NO_MEMORY;
  sb_http_multipart *form = sb_alloc(1, sizeof *form, error);
  bool found = false;
  at += strcspn(at, ";");
  while (form && !found && next_parameter(&at, &name, &value)) found = !strcasecmp(name, "boundary");
  bool fits = found && is_boundary(value);
  if (form && fits) {
    strcpy(form->mark, "--");
    strcat(form->mark, value);
    form->mark_length = strlen(form->mark);
    form->match = BOUNDARY; /* the first delimiter may be the first line */
    form->sink = sink;
  }
  free(copy);
  if (!form) return SB_NO_MEMORY;
  if (fits) {
    *out = form;
    return SB_OK;
  }
  free(form);
  return sb_fail(error, SB_INVALID,
                 "the Content-Type multipart/form-data has no boundary of 1 to 70 characters (RFC 2046): let the HTTP "
                 "library set this header");
}

sb_status sb_http_multipart_end(const sb_http_multipart *form, sb_error *error) {
  if (form->place == BEHIND) return SB_OK;
  return sb_fail(error, SB_INVALID, "the body ends in the middle of its form: send it again");
}

void sb_http_multipart_free(sb_http_multipart *form) {
  if (!form) return;
  sb_buffer_free(&form->headers);
  free(form->name);
  free(form->filename);
  free(form);
}
