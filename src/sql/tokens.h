/* SQL text as tokens, cut as SQLite cuts them. One thread. */
#ifndef SB_SQL_TOKENS_H
#define SB_SQL_TOKENS_H

#include "base/base.h"

typedef enum sb_token_kind {
  SB_TOKEN_END,
  SB_TOKEN_SPACE, /* also comments */
  SB_TOKEN_WORD,  /* a name without quotes, or a keyword */
  SB_TOKEN_NAME,  /* a name in "", [] or `` */
  SB_TOKEN_STRING,
  SB_TOKEN_NUMBER,
  SB_TOKEN_BLOB,
  SB_TOKEN_PARAMETER, /* ?, ?12, :name, @name, $name */
  SB_TOKEN_SYMBOL,    /* one character */
  SB_TOKEN_BROKEN     /* a quote that is never closed: the rest of the text */
} sb_token_kind;

typedef struct sb_token {
  sb_token_kind kind;
  const char *text;
  size_t size; /* at least 1, but for the end */
} sb_token;

/* The token at `text`, which ends at `end`. */
sb_token sb_token_read(const char *text, const char *end);
/* An unquoted word, ASCII case ignored. */
bool sb_token_is(const sb_token *token, const char *word);
bool sb_token_symbol(const sb_token *token, char symbol);

#endif
