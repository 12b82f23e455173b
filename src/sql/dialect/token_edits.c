#include "sql/dialect/token_edits.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PARAMETERS_MAX = 32766 /* SQLite's own limit */ };

static sb_status add_token(sb_sql_token_edits *s, const sb_sql_token *token, sb_error *error) {
  if (s->count + 1 >= s->room) {
    size_t room = s->room ? s->room * 2 : 64;
    void *tokens = s->tokens, *numbers = s->numbers, *matching = s->matching;
    sb_status status = sb_grow(&tokens, room, sizeof *s->tokens, error);
    s->tokens = tokens;
    if (status == SB_OK) status = sb_grow(&numbers, room, sizeof *s->numbers, error);
    s->numbers = numbers;
    if (status == SB_OK) status = sb_grow(&matching, room, sizeof *s->matching, error);
    s->matching = matching;
    if (status != SB_OK) return status;
    s->room = room;
  }
  s->tokens[s->count] = *token;
  s->numbers[s->count] = 0;
  s->matching[s->count++] = -1;
  return SB_OK;
}

/* A parameter's number by SQLite's rule: ? is one more than the largest so far, a name seen before keeps its own. */
static sb_status number_parameter(sb_sql_token_edits *s, size_t i, sb_error *error) {
  const sb_sql_token *t = &s->tokens[i];
  char *name = NULL;
  int number = s->parameters + 1;
  if (*t->text == '?' && t->size > 1) {
    number = t->size < 8 ? atoi(t->text + 1) : 0;
    if (number < 1 || number > PARAMETERS_MAX)
      return sb_fail(error, SB_INVALID, "a parameter's number is between 1 and %d", PARAMETERS_MAX);
  } else if (*t->text != '?') {
    for (int n = 1; n <= s->parameters; n++)
      if (s->names[n - 1] && strlen(s->names[n - 1]) == t->size && !memcmp(s->names[n - 1], t->text, t->size))
        number = n;
  }
  if (number > PARAMETERS_MAX)
    return sb_fail(error, SB_INVALID, "a statement has at most %d parameters", PARAMETERS_MAX);
  s->numbers[i] = number;
  if (number <= s->parameters) return SB_OK;
  void *names = s->names;
  sb_status status = sb_grow(&names, (size_t)number, sizeof *s->names, error);
  if (status != SB_OK) return status;
  s->names = names;
  for (; s->parameters < number; s->parameters++) s->names[s->parameters] = NULL;
  if (*t->text == '?') return SB_OK;
  name = sb_alloc(t->size + 1, 1, error);
  if (!name) return SB_NO_MEMORY;
  memcpy(name, t->text, t->size);
  s->names[number - 1] = name;
  return SB_OK;
}

/* The open parentheses are chained through `matching` until their closing one is found. */
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

sb_status sb_sql_token_edits_read(const char *text, sb_sql_token_edits *out, sb_error *error) {
  sb_sql_token_edits s = {.text = text, .end = text + strlen(text)};
  sb_status status = SB_OK;
  int open = -1;
  const char *at = text;
  for (;;) {
    sb_sql_token token = sb_sql_token_read(at, s.end);
    bool last = token.kind == SB_SQL_TOKEN_END || sb_sql_token_is_symbol(&token, ';') || s.count > INT32_MAX / 2;
    at += token.size;
    if (last) {
      if (token.kind == SB_SQL_TOKEN_SYMBOL) s.end = token.text;
      status = add_token(&s, &(sb_sql_token){SB_SQL_TOKEN_END, s.end, 0}, error);
      break;
    }
    if (token.kind == SB_SQL_TOKEN_SPACE) continue;
    status = add_token(&s, &token, error);
    if (status == SB_OK) match_parenthesis(&s, &open);
    if (status == SB_OK && token.kind == SB_SQL_TOKEN_PARAMETER) status = number_parameter(&s, s.count - 1, error);
    if (status != SB_OK) break;
  }
  while (open >= 0) { /* those that are never closed */
    int next = s.matching[open];
    s.matching[open] = -1;
    open = next;
  }
  if (status != SB_OK) {
    sb_sql_token_edits_free(&s);
    return status;
  }
  s.count--; /* the end is behind them */
  *out = s;
  return SB_OK;
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

/* What comes in the place of exactly this token; NULL: it stays. */
static const char *replacement(const sb_sql_token_edits *s, const sb_sql_token *t) {
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

char *sb_sql_token_edits_slice(const sb_sql_token_edits *s, size_t from, size_t to, sb_error *error) {
  sb_buffer out = {0};
  sb_status status = SB_OK;
  for (size_t i = from; status == SB_OK && i < to; i++) {
    if (i > from) status = sb_buffer_add(&out, " ", 1, error);
    if (status != SB_OK) break;
    const char *instead = replacement(s, &s->tokens[i]);
    if (instead)
      status = sb_buffer_add(&out, instead, strlen(instead), error);
    else if (s->numbers[i])
      status = sb_buffer_addf(&out, error, "?%d", s->numbers[i]);
    else
      status = sb_buffer_add(&out, s->tokens[i].text, s->tokens[i].size, error);
  }
  if (status == SB_OK) return out.bytes;
  sb_buffer_free(&out);
  return NULL;
}

/* Copies the text from..to, parameters by their numbers. */
static sb_status copy(const sb_sql_token_edits *s, const char *from, const char *to, size_t *token, sb_buffer *out,
                      sb_error *error) {
  sb_status status = SB_OK;
  while (*token < s->count && s->tokens[*token].text < from) ++*token;
  for (; status == SB_OK && *token < s->count && s->tokens[*token].text < to; ++*token) {
    if (!s->numbers[*token]) continue;
    const sb_sql_token *t = &s->tokens[*token];
    status = sb_buffer_add(out, from, (size_t)(t->text - from), error);
    if (status == SB_OK) status = sb_buffer_addf(out, error, "?%d", s->numbers[*token]);
    from = t->text + t->size;
  }
  return status == SB_OK ? sb_buffer_add(out, from, (size_t)(to - from), error) : status;
}

char *sb_sql_token_edits_write(const sb_sql_token_edits *s, sb_error *error) {
  sb_buffer out = {0};
  const char *from = s->text;
  size_t token = 0;
  sb_status status = SB_OK;
  for (size_t i = 0; status == SB_OK && i < s->edit_count; i++) {
    const sb_sql_token_edit *e = &s->edits[i];
    if (e->at < from) continue; /* within what another edit cut */
    status = copy(s, from, e->at, &token, &out, error);
    if (status == SB_OK) status = sb_buffer_add(&out, e->insert, strlen(e->insert), error);
    from = e->at + e->cut;
  }
  if (status == SB_OK) status = copy(s, from, s->end, &token, &out, error);
  if (status == SB_OK) return out.bytes;
  sb_buffer_free(&out);
  return NULL;
}
