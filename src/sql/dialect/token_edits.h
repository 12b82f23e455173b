/* A statement as tokens without its spaces, and the changes that are to be made to its text. */
#ifndef SB_SQL_TOKEN_EDITS_H
#define SB_SQL_TOKEN_EDITS_H

#include "sql/dialect/tokens.h"

typedef struct sb_sql_token_edit {
  const char *at; /* in the text */
  size_t cut;     /* bytes that go */
  char *insert;   /* what comes in their place; owned */
} sb_sql_token_edit;

typedef struct sb_sql_token_edits {
  const char *text, *end;
  sb_sql_token *tokens; /* `count`, then one of kind END */
  int *numbers;         /* of the token's parameter; 0: it is none */
  int *matching;        /* for ( the index of its ), for ) that of its (; -1: none */
  size_t count, room;
  char **names; /* of the parameters, from number 1 on; NULL: without a name */
  int parameters;
  sb_sql_token_edit *edits; /* by their place */
  size_t edit_count;
} sb_sql_token_edits;

/* Up to the first semicolon, which is not among the tokens. SB_INVALID: too many parameters; SB_NO_MEMORY. */
sb_status sb_sql_token_edits_read(const char *text, sb_sql_token_edits *out, sb_error *error);
void sb_sql_token_edits_free(sb_sql_token_edits *script);

/* Replaces `cut` bytes; the text is made by the format. At one place the first comes first; one within a longer cut goes. */
SB_PRINTF(5, 6)
sb_status sb_sql_token_edits_replace(sb_sql_token_edits *script, const char *at, size_t cut, sb_error *error,
                                     const char *format, ...);
/* The text of tokens from..to-1, edited ones as they will be, parameters by their numbers. Released by free(). */
char *sb_sql_token_edits_slice(const sb_sql_token_edits *script, size_t from, size_t to, sb_error *error);
/* The statement with all edits made; parameters by their numbers, so that they may stand in another order, and twice. */
char *sb_sql_token_edits_write(const sb_sql_token_edits *script, sb_error *error);

#endif
