/* The tokenizer: cuts SQL text into the tokens that SQLite would see. It has no state and allocates nothing. */
#ifndef SB_SQL_DIALECT_TOKENS_H
#define SB_SQL_DIALECT_TOKENS_H

#include "base/base.h"

typedef enum sb_sql_token_kind {
  SB_SQL_TOKEN_END,
  SB_SQL_TOKEN_SPACE, /* white space, or one comment */
  SB_SQL_TOKEN_WORD,  /* an unquoted name, or a keyword */
  SB_SQL_TOKEN_NAME,  /* a quoted name: "name", [name] or `name` */
  SB_SQL_TOKEN_STRING,
  SB_SQL_TOKEN_NUMBER,
  SB_SQL_TOKEN_BLOB,
  SB_SQL_TOKEN_PARAMETER, /* ?, ?12, :name, @name, $name, #name */
  SB_SQL_TOKEN_SYMBOL,    /* one character of anything else, or "::" */
  SB_SQL_TOKEN_BROKEN     /* an unclosed quote: the rest of the text */
} sb_sql_token_kind;

typedef struct sb_sql_token {
  sb_sql_token_kind kind;
  const char *text;
  size_t size; /* in bytes; 0 for END only */
} sb_sql_token;

/* The token that starts at `text`. The text ends at `end`. */
sb_sql_token sb_sql_token_read(const char *text, const char *end);
/* Whether it is this word without quotes, ignoring ASCII case. */
bool sb_sql_token_is(const sb_sql_token *token, const char *word);
bool sb_sql_token_is_any(const sb_sql_token *token, const char *const *words); /* the last word is NULL */
bool sb_sql_token_is_symbol(const sb_sql_token *token, char symbol);

#endif
