/* Target: arbitrary text as SQL: the tokens cover it completely, and the rewritten query is valid text. */
#include "sql/dialect/iris_dialect.h"
#include "sql/dialect/tokens.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void check(bool right) {
  if (!right) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
  sb_error error = {0};
  sb_sql_dialect dialect, again;
  char *text = malloc(size + 1);
  check(text);
  memcpy(text, bytes, size);
  text[size] = 0;
  const char *end = text + strlen(text), *at = text;
  for (sb_sql_token token = sb_sql_token_read(at, end); token.kind != SB_SQL_TOKEN_END;
       token = sb_sql_token_read(at, end)) {
    check(token.text == at && token.size > 0 && token.size <= (size_t)(end - at));
    at += token.size;
  }
  check(at == end);
  if (sb_sql_dialect_read(text, &dialect, &error) == SB_OK) {
    check(dialect.size <= strlen(text));
    /* The result is SQLite's SQL: rewriting it again changes nothing. */
    if (dialect.plain && sb_sql_dialect_read(dialect.plain, &again, &error) == SB_OK) sb_sql_dialect_free(&again);
    if (dialect.fast && sb_sql_dialect_read(dialect.fast, &again, &error) == SB_OK) sb_sql_dialect_free(&again);
    sb_sql_dialect_free(&dialect);
  } else {
    check(*error.message);
  }
  free(text);
  return 0;
}
