/* A statement as tokens without white space, and the edits that rewriting makes to its text.
 *
 * Rewriters look at tokens and register edits; nothing changes until sb_sql_token_edits_write makes the new text.
 * Everything between the edits is copied as it stands, so strings, comments and quoted names are never changed. */
#ifndef SB_SQL_DIALECT_TOKEN_EDITS_H
#define SB_SQL_DIALECT_TOKEN_EDITS_H

#include "sql/dialect/tokens.h"

typedef struct sb_sql_token_edit {
  const char *at; /* in the text */
  size_t cut;     /* bytes to remove */
  char *insert;   /* the replacement; owned */
} sb_sql_token_edit;

/* One thread. Borrows `text`. */
typedef struct sb_sql_token_edits {
  const char *text, *end;
  sb_sql_token *tokens; /* `count` of them, then one of kind END */
  int *numbers;         /* of each token: its parameter's number; 0: it is not a parameter */
  int *matching; /* of each token: for "(" the index of its ")", for ")" that of its "("; -1: neither, or unmatched */
  size_t count, capacity;
  char **names; /* of parameters 1 to `parameters`, as they stand: ":a", "?"; NULL: the statement lacks this number */
  int parameters;
  sb_sql_token_edit *edits; /* by ascending position; those at one position in the order of registration */
  size_t edit_count;
} sb_sql_token_edits;

/* Reads one statement, up to the first semicolon, which is not among the tokens. SB_INVALID: too many parameters.
 * SB_NO_MEMORY. */
sb_status sb_sql_token_edits_read(const char *text, sb_sql_token_edits *out, sb_error *error);
void sb_sql_token_edits_free(sb_sql_token_edits *edits);

/* Token number i; the one of kind END where there are fewer. */
static inline const sb_sql_token *sb_sql_token_at(const sb_sql_token_edits *edits, size_t i) {
  return &edits->tokens[i < edits->count ? i : edits->count];
}

/* Registers an edit: removes `cut` bytes at `at` and inserts the formatted text. An edit within a longer cut is
 * dropped. */
SB_PRINTF(5, 6)
sb_status sb_sql_token_edits_replace(sb_sql_token_edits *edits, const char *at, size_t cut, sb_error *error,
                                     const char *format, ...);

/* ---- Writing. Parameters are written by their numbers (?1, ?2, ...), so that they may change places or appear twice.
 * The caller frees the text with free(). NULL: out of memory. */

/* The text of tokens from..to-1 with one space between them. A token that is replaced as a whole comes as its
 * replacement. */
char *sb_sql_token_edits_slice(const sb_sql_token_edits *edits, size_t from, size_t to, sb_error *error);
/* The statement with all edits made. */
char *sb_sql_token_edits_write(const sb_sql_token_edits *edits, sb_error *error);

#endif
