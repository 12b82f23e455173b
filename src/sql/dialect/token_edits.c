/* Reading makes three arrays of one length: the tokens, their parameter numbers, and their matching parentheses.
 * Edits are kept sorted by position, so that writing is one pass over text and edits. */
#include "sql/dialect/token_edits.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PARAMETERS_MAX = 32766 /* SQLite's default limit, SQLITE_MAX_VARIABLE_NUMBER */ };

/* ---- Reading */

static sb_status grow_tokens(sb_sql_token_edits *s, sb_error *error) {
  size_t capacity = s->capacity ? s->capacity * 2 : 64;
  void *tokens = s->tokens, *numbers = s->numbers, *matching = s->matching;
  sb_status status = sb_grow(&tokens, capacity, sizeof *s->tokens, error);
  s->tokens = tokens;
  if (status != SB_OK) return status;
  status = sb_grow(&numbers, capacity, sizeof *s->numbers, error);
  s->numbers = numbers;
  if (status != SB_OK) return status;
  status = sb_grow(&matching, capacity, sizeof *s->matching, error);
  s->matching = matching;
  if (status == SB_OK) s->capacity = capacity;
  return status;
}

static sb_status add_token(sb_sql_token_edits *s, const sb_sql_token *token, sb_error *error) {
  if (s->count + 1 >= s->capacity) {
    sb_status status = grow_tokens(s, error);
    if (status != SB_OK) return status;
  }
  s->tokens[s->count] = *token;
  s->numbers[s->count] = 0;
  s->matching[s->count++] = -1;
  return SB_OK;
}

/* The number of a parameter by SQLite's rules: "?" is one more than the largest so far, "?12" is 12, and a name has
 * the number of its first appearance. */
static sb_status parameter_number(const sb_sql_token_edits *s, const sb_sql_token *t, int *out, sb_error *error) {
  int number = s->parameters + 1;
  if (*t->text == '?' && t->size > 1) {
    number = t->size < 8 ? atoi(t->text + 1) : 0;
    if (number < 1 || number > PARAMETERS_MAX)
      return sb_fail(error, SB_INVALID, "parameter %.*s: the number must be from 1 to %d", (int)t->size, t->text,
                     PARAMETERS_MAX);
  } else if (*t->text != '?') {
    for (int n = 1; n <= s->parameters; n++)
      if (s->names[n - 1] && strlen(s->names[n - 1]) == t->size && !memcmp(s->names[n - 1], t->text, t->size))
        number = n;
  }
  if (number > PARAMETERS_MAX)
    return sb_fail(error, SB_INVALID, "the statement has more than %d parameters", PARAMETERS_MAX);
  *out = number;
  return SB_OK;
}

static sb_status grow_names(sb_sql_token_edits *s, int number, sb_error *error) {
  void *names = s->names;
  if (number <= s->parameters) return SB_OK;
  sb_status status = sb_grow(&names, (size_t)number, sizeof *s->names, error);
  if (status != SB_OK) return status;
  s->names = names;
  for (; s->parameters < number; s->parameters++) s->names[s->parameters] = NULL;
  return SB_OK;
}

/* Refuses $LENGTH('abc'): IRIS has such functions, SQLite would take it for a parameter. */
static sb_status check_call(const sb_sql_token_edits *s, const sb_sql_token *t, sb_error *error) {
  const char *after = t->text + t->size;
  if (*t->text == '?' || after >= s->end || *after != '(') return SB_OK;
  return sb_fail(error, SB_INVALID,
                 "%.*s(...) is not a function here; use one of SQLite's, such as length, substr, replace or upper",
                 (int)t->size, t->text);
}

/* Numbers the parameter at token `i`, and notes its name when it is new. */
static sb_status add_parameter(sb_sql_token_edits *s, size_t i, sb_error *error) {
  const sb_sql_token *t = &s->tokens[i];
  int number = 0;
  sb_status status = check_call(s, t, error);
  if (status == SB_OK) status = parameter_number(s, t, &number, error);
  if (status == SB_OK) status = grow_names(s, number, error);
  if (status != SB_OK) return status;
  s->numbers[i] = number;
  if (s->names[number - 1]) return SB_OK;
  char *name = sb_alloc(t->size + 1, 1, error);
  if (!name) return SB_NO_MEMORY;
  memcpy(name, t->text, t->size);
  s->names[number - 1] = name;
  return SB_OK;
}

/* Matches the parenthesis that was added last. Open ones are a stack, linked through `matching`, with its top in
 * *open. */
static void match_parenthesis(sb_sql_token_edits *s, int *open) {
  int i = (int)s->count - 1;
  if (sb_sql_token_is_symbol(&s->tokens[i], '(')) {
    s->matching[i] = *open;
    *open = i;
  } else if (sb_sql_token_is_symbol(&s->tokens[i], ')') && *open >= 0) {
    int opened = *open;
    *open = s->matching[opened];
    s->matching[opened] = i;
    s->matching[i] = opened;
  }
}

/* Reads the tokens up to the statement's end and sets s->end to it. */
static sb_status read_tokens(sb_sql_token_edits *s, int *open, sb_error *error) {
  for (const char *at = s->text;;) {
    sb_sql_token token = sb_sql_token_read(at, s->end);
    at += token.size;
    bool semicolon = sb_sql_token_is_symbol(&token, ';');
    if (semicolon) s->end = token.text;
    if (semicolon || token.kind == SB_SQL_TOKEN_END || s->count > INT32_MAX / 2) break;
    if (token.kind == SB_SQL_TOKEN_SPACE) continue;
    sb_status status = add_token(s, &token, error);
    if (status != SB_OK) return status;
    match_parenthesis(s, open);
    if (token.kind == SB_SQL_TOKEN_PARAMETER) status = add_parameter(s, s->count - 1, error);
    if (status != SB_OK) return status;
  }
  sb_status status = add_token(s, &(sb_sql_token){SB_SQL_TOKEN_END, s->end, 0}, error);
  if (status == SB_OK) s->count--; /* END is not counted */
  return status;
}

sb_status sb_sql_token_edits_read(const char *text, sb_sql_token_edits *out, sb_error *error) {
  sb_sql_token_edits s = {.text = text, .end = text + strlen(text)};
  int open = -1;
  sb_status status = read_tokens(&s, &open, error);
  while (open >= 0) { /* parentheses that are never closed */
    int next = s.matching[open];
    s.matching[open] = -1;
    open = next;
  }
  if (status == SB_OK)
    *out = s;
  else
    sb_sql_token_edits_free(&s);
  return status;
}

void sb_sql_token_edits_free(sb_sql_token_edits *s) {
  for (size_t i = 0; i < s->edit_count; i++) free(s->edits[i].insert);
  free(s->edits);
  for (int i = 0; i < s->parameters; i++) free(s->names[i]);
  free(s->names);
  free(s->tokens);
  free(s->numbers);
  free(s->matching);
  *s = (sb_sql_token_edits){0};
}

/* ---- Editing */

sb_status sb_sql_token_edits_replace(sb_sql_token_edits *s, const char *at, size_t cut, sb_error *error,
                                     const char *format, ...) {
  char *insert = NULL;
  va_list arguments;
  va_start(arguments, format);
  int length = vasprintf(&insert, format, arguments);
  va_end(arguments);
  if (length < 0) return sb_fail(error, SB_NO_MEMORY, "out of memory");
  void *edits = s->edits;
  sb_status status = sb_grow(&edits, s->edit_count + 1, sizeof *s->edits, error);
  if (status != SB_OK) {
    free(insert);
    return status;
  }
  s->edits = edits;
  size_t place = s->edit_count++;
  for (; place && s->edits[place - 1].at > at; place--) s->edits[place] = s->edits[place - 1];
  s->edits[place] = (sb_sql_token_edit){at, cut, insert};
  return SB_OK;
}

/* ---- Writing */

/* The replacement of exactly this token; NULL: there is none. */
static const char *replacement_of(const sb_sql_token_edits *s, const sb_sql_token *t) {
  size_t low = 0, high = s->edit_count;
  while (low < high) {
    size_t middle = (low + high) / 2;
    if (s->edits[middle].at < t->text)
      low = middle + 1;
    else
      high = middle;
  }
  bool same = low < s->edit_count && s->edits[low].at == t->text && s->edits[low].cut == t->size;
  return same ? s->edits[low].insert : NULL;
}

static sb_status add_text_of(const sb_sql_token_edits *s, size_t i, sb_buffer *out, sb_error *error) {
  const char *replacement = replacement_of(s, &s->tokens[i]);
  if (replacement) return sb_buffer_add(out, replacement, strlen(replacement), error);
  if (s->numbers[i]) return sb_buffer_addf(out, error, "?%d", s->numbers[i]);
  return sb_buffer_add(out, s->tokens[i].text, s->tokens[i].size, error);
}

char *sb_sql_token_edits_slice(const sb_sql_token_edits *s, size_t from, size_t to, sb_error *error) {
  sb_buffer out = {0};
  sb_status status = SB_OK;
  for (size_t i = from; status == SB_OK && i < to; i++) {
    if (i > from) status = sb_buffer_add(&out, " ", 1, error);
    if (status == SB_OK) status = add_text_of(s, i, &out, error);
  }
  if (status == SB_OK) return out.bytes;
  sb_buffer_free(&out);
  return NULL;
}

/* Copies the text from..to, with parameters by their numbers. *token is the first token that may lie in it, and
 * moves on. */
static sb_status copy_text(const sb_sql_token_edits *s, const char *from, const char *to, size_t *token, sb_buffer *out,
                           sb_error *error) {
  while (*token < s->count && s->tokens[*token].text < from) ++*token;
  for (; *token < s->count && s->tokens[*token].text < to; ++*token) {
    const sb_sql_token *t = &s->tokens[*token];
    if (!s->numbers[*token]) continue;
    sb_status status = sb_buffer_add(out, from, (size_t)(t->text - from), error);
    if (status == SB_OK) status = sb_buffer_addf(out, error, "?%d", s->numbers[*token]);
    if (status != SB_OK) return status;
    from = t->text + t->size;
  }
  return sb_buffer_add(out, from, (size_t)(to - from), error);
}

char *sb_sql_token_edits_write(const sb_sql_token_edits *s, sb_error *error) {
  sb_buffer out = {0};
  const char *from = s->text;
  size_t token = 0;
  sb_status status = SB_OK;
  for (size_t i = 0; status == SB_OK && i < s->edit_count; i++) {
    const sb_sql_token_edit *e = &s->edits[i];
    if (e->at < from) continue; /* inside an earlier cut */
    status = copy_text(s, from, e->at, &token, &out, error);
    if (status == SB_OK) status = sb_buffer_add(&out, e->insert, strlen(e->insert), error);
    from = e->at + e->cut;
  }
  if (status == SB_OK) status = copy_text(s, from, s->end, &token, &out, error);
  if (status == SB_OK) return out.bytes;
  sb_buffer_free(&out);
  return NULL;
}
