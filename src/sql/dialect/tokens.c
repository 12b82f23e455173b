/* The rules are those of SQLite's src/tokenize.c. Multi-character operators come as single characters, which is
 * enough here. */
#include "sql/dialect/tokens.h"

#include <string.h>
#include <strings.h>

static bool is_space(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r' && c != '\v');
}

static bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

static bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) || c == '_' || c == '$' ||
         (unsigned char)c >= 0x80;
}

/* The length up to and with the closing quote; a doubled quote stands for itself. 0: there is no closing quote. */
static size_t quoted_length(const char *text, size_t size, char close) {
  for (size_t i = 1; i < size; i++) {
    if (text[i] != close) continue;
    if (close != ']' && i + 1 < size && text[i + 1] == close)
      i++;
    else
      return i + 1;
  }
  return 0;
}

static size_t comment_length(const char *text, size_t size) {
  if (size > 1 && text[0] == '-' && text[1] == '-') {
    size_t i = 2;
    while (i < size && text[i] != '\n') i++;
    return i;
  }
  if (size > 1 && text[0] == '/' && text[1] == '*') {
    for (size_t i = 3; i < size; i++)
      if (text[i] == '/' && text[i - 1] == '*' && i > 3) return i + 1;
    return size;
  }
  return 0;
}

static size_t number_length(const char *text, size_t size) {
  bool hex = size > 1 && text[0] == '0' && (text[1] | 0x20) == 'x';
  size_t i = 1;
  for (; i < size; i++) {
    bool sign = (text[i] == '+' || text[i] == '-') && (text[i - 1] | 0x20) == 'e' && !hex;
    if (!is_word(text[i]) && text[i] != '.' && !sign) break;
  }
  return i;
}

/* 0: it is not a parameter. SQLite also takes the form $a::b(c), which Tcl uses. Here the parameter is $a: a
 * parenthesis after it is refused (token_edits.c), and :: is a cast, as in PostgreSQL. */
static size_t parameter_length(const char *text, size_t size) {
  size_t i = 1;
  if (text[0] == '?') {
    while (i < size && is_digit(text[i])) i++;
    return i;
  }
  for (; i < size; i++) {
    if (!is_word(text[i])) break;
  }
  return i > 1 ? i : 0;
}

static sb_sql_token token(sb_sql_token_kind kind, const char *text, size_t size) {
  return (sb_sql_token){kind, text, size};
}

/* `skip`: the bytes before the opening quote. */
static sb_sql_token read_quoted(sb_sql_token_kind kind, const char *text, size_t size, size_t skip, char close) {
  size_t length = quoted_length(text + skip, size - skip, close);
  return length ? token(kind, text, skip + length) : token(SB_SQL_TOKEN_BROKEN, text, size);
}

sb_sql_token sb_sql_token_read(const char *text, const char *end) {
  size_t size = (size_t)(end - text), length = 0;
  if (!size) return token(SB_SQL_TOKEN_END, text, 0);
  char c = *text;
  while (length < size && is_space(text[length])) length++;
  if (!length) length = comment_length(text, size);
  if (length) return token(SB_SQL_TOKEN_SPACE, text, length);
  if (c == '\'') return read_quoted(SB_SQL_TOKEN_STRING, text, size, 0, '\'');
  if (c == '"' || c == '`') return read_quoted(SB_SQL_TOKEN_NAME, text, size, 0, c);
  if (c == '[') return read_quoted(SB_SQL_TOKEN_NAME, text, size, 0, ']');
  if ((c | 0x20) == 'x' && size > 1 && text[1] == '\'') return read_quoted(SB_SQL_TOKEN_BLOB, text, size, 1, '\'');
  if (is_digit(c) || (c == '.' && size > 1 && is_digit(text[1])))
    return token(SB_SQL_TOKEN_NUMBER, text, number_length(text, size));
  if (c == ':' && size > 1 && text[1] == ':') return token(SB_SQL_TOKEN_SYMBOL, text, 2);
  if (strchr("?:@$#", c) && c && (length = parameter_length(text, size)) > 0)
    return token(SB_SQL_TOKEN_PARAMETER, text, length);
  if (!is_word(c) || c == '$') return token(SB_SQL_TOKEN_SYMBOL, text, 1);
  while (length < size && is_word(text[length])) length++;
  return token(SB_SQL_TOKEN_WORD, text, length);
}

bool sb_sql_token_is(const sb_sql_token *t, const char *word) {
  return t->kind == SB_SQL_TOKEN_WORD && strlen(word) == t->size && !strncasecmp(t->text, word, t->size);
}

bool sb_sql_token_is_any(const sb_sql_token *token, const char *const *words) {
  for (; *words; words++)
    if (sb_sql_token_is(token, *words)) return true;
  return false;
}

bool sb_sql_token_is_symbol(const sb_sql_token *t, char symbol) {
  return t->kind == SB_SQL_TOKEN_SYMBOL && *t->text == symbol;
}
