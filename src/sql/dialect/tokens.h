/* SQL text as tokens, cut as SQLite cuts them. One thread. */
#ifndef SB_SQL_TOKENS_H
#define SB_SQL_TOKENS_H

#include "base/base.h"

typedef enum sb_sql_token_kind {
  SB_SQL_TOKEN_END,
  SB_SQL_TOKEN_SPACE, /* also comments */
  SB_SQL_TOKEN_WORD,  /* a name without quotes, or a keyword */
  SB_SQL_TOKEN_NAME,  /* a name in "", [] or `` */
  SB_SQL_TOKEN_STRING,
  SB_SQL_TOKEN_NUMBER,
  SB_SQL_TOKEN_BLOB,
  SB_SQL_TOKEN_PARAMETER, /* ?, ?12, :name, @name, $name */
  SB_SQL_TOKEN_SYMBOL,    /* one character */
  SB_SQL_TOKEN_BROKEN     /* a quote that is never closed: the rest of the text */
} sb_sql_token_kind;

typedef struct sb_sql_token {
  sb_sql_token_kind kind;
  const char *text;
  size_t size; /* at least 1, but for the end */
} sb_sql_token;

/* The token at `text`, which ends at `end`. */
sb_sql_token sb_sql_token_read(const char *text, const char *end);
/* An unquoted word, ASCII case ignored. */
bool sb_sql_token_is(const sb_sql_token *token, const char *word);
bool sb_sql_token_is_symbol(const sb_sql_token *token, char symbol);

#endif
