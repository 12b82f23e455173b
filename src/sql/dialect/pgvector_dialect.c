/* Statements of pgvector that SQLite does not have. Its operators are in pgvector_operators.c. */
#include "sql/dialect/pgvector_dialect.h"

#include "sql/dialect/iris_index.h"

#include <stdlib.h>
#include <string.h>

/* ---- CREATE INDEX ... USING hnsw (column vector_l2_ops) WITH (m = 16) */

typedef struct setting {
  const char *index, *name;
  long least, most;
} setting;

/* The setting name = value at token `i`. */
static sb_status check_setting(const sb_sql_token_edits *s, size_t i, const sb_sql_token *index, sb_error *error) {
  static const setting settings[] = {
      {"hnsw", "m", 2, 100}, {"hnsw", "ef_construction", 4, 1000}, {"ivfflat", "lists", 1, 32768}};
  for (size_t n = 0; n < sizeof settings / sizeof *settings; n++) {
    const setting *known = &settings[n];
    if (!sb_sql_token_is(index, known->index) || !sb_sql_token_is(sb_sql_token_at(s, i), known->name)) continue;
    const sb_sql_token *value = sb_sql_token_at(s, i + 2);
    char digits[8] = "";
    if (sb_sql_token_is_symbol(sb_sql_token_at(s, i + 1), '=') && value->size < sizeof digits)
      memcpy(digits, value->text, value->size);
    bool whole = *digits && strspn(digits, "0123456789") == strlen(digits);
    long number = whole ? strtol(digits, NULL, 10) : 0;
    if (number >= known->least && number <= known->most) return SB_OK;
    return sb_fail(error, SB_INVALID, "%s: %s is a whole number from %ld to %ld", known->index, known->name,
                   known->least, known->most);
  }
  return sb_fail(error, SB_INVALID, "%.*s has no setting %.*s; hnsw has m and ef_construction, ivfflat has lists",
                 (int)index->size, index->text, (int)sb_sql_token_at(s, i)->size, sb_sql_token_at(s, i)->text);
}

static sb_status check_settings(const sb_sql_token_edits *s, size_t with, const sb_sql_token *index, sb_error *error) {
  if (!sb_sql_token_is(sb_sql_token_at(s, with), "with") || s->matching[with + 1] < 0) return SB_OK;
  for (size_t i = with + 2; i < (size_t)s->matching[with + 1]; i += 4) {
    sb_status status = check_setting(s, i, index, error);
    if (status != SB_OK) return status;
  }
  return SB_OK;
}

static sb_status check_operators(const sb_sql_token *t, sb_error *error) {
  static const char *const known[] = {"vector_l2_ops",   "vector_ip_ops",  "vector_cosine_ops",  "vector_l1_ops",
                                      "halfvec_l2_ops",  "halfvec_ip_ops", "halfvec_cosine_ops", "halfvec_l1_ops",
                                      "bit_hamming_ops", "bit_jaccard_ops"};
  for (size_t i = 0; i < sizeof known / sizeof *known; i++)
    if (sb_sql_token_is(t, known[i])) return SB_OK;
  return sb_fail(
      error, SB_INVALID,
      "an index is by vector_l2_ops, vector_ip_ops, vector_cosine_ops or vector_l1_ops, by those of halfvec, "
      "or by bit_hamming_ops or bit_jaccard_ops, not by %.*s",
      (int)t->size, t->text);
}

/* The parts of the statement, as tokens; name_end 0: the index has no name. */
typedef struct creation {
  size_t name_end, table, kind, open;
} creation;

static bool read_creation(const sb_sql_token_edits *s, size_t i, creation *c) {
  *c = (creation){0};
  if (!sb_sql_token_is(sb_sql_token_at(s, i), "create") || !sb_sql_token_is(sb_sql_token_at(s, i + 1), "index"))
    return false;
  i += 2;
  if (sb_sql_token_is(sb_sql_token_at(s, i), "concurrently")) i++;
  if (sb_sql_token_is(sb_sql_token_at(s, i), "if")) i += 3; /* IF NOT EXISTS */
  if (!sb_sql_token_is(sb_sql_token_at(s, i), "on")) c->name_end = ++i;
  if (!sb_sql_token_is(sb_sql_token_at(s, i), "on")) return false;
  c->table = i + 1;
  i += sb_sql_token_is_symbol(sb_sql_token_at(s, i + 2), '.') ? 4 : 2;
  if (!sb_sql_token_is(sb_sql_token_at(s, i), "using")) return false;
  c->kind = i + 1;
  c->open = i + 2;
  bool known =
      sb_sql_token_is(sb_sql_token_at(s, c->kind), "hnsw") || sb_sql_token_is(sb_sql_token_at(s, c->kind), "ivfflat");
  return known && sb_sql_token_is_symbol(sb_sql_token_at(s, c->open), '(') && s->matching[c->open] >= 0;
}

static sb_status create_index(sb_sql_token_edits *s, size_t i, const creation *c, sb_sql_dialect *out,
                              sb_error *error) {
  size_t close = (size_t)s->matching[c->open];
  sb_status status = close == c->open + 3 ? check_operators(sb_sql_token_at(s, c->open + 2), error) : SB_OK;
  if (status == SB_OK) status = check_settings(s, close + 1, sb_sql_token_at(s, c->kind), error);
  if (status != SB_OK) return status;
  const sb_sql_dialect_creation parts = {
      .from = i, .name_end = c->name_end, .table = c->table, .table_end = c->kind - 1, .column = c->open + 1};
  return sb_sql_iris_write_creation(s, &parts, out, error);
}

/* ---- CREATE EXTENSION, SET */

/* The notice that stands for the statement at token `i`, which has nothing to do here; NULL: it is another one. */
static const char *notice_of(const sb_sql_token_edits *s, size_t i) {
  size_t name = i + 2 + 3 * sb_sql_token_is(sb_sql_token_at(s, i + 2), "if"); /* IF NOT EXISTS */
  bool vector = sb_sql_token_is(sb_sql_token_at(s, name), "vector") ||
                (sb_sql_token_at(s, name)->size == 8 && !memcmp(sb_sql_token_at(s, name)->text, "\"vector\"", 8));
  if (sb_sql_token_is(sb_sql_token_at(s, i), "create") && sb_sql_token_is(sb_sql_token_at(s, i + 1), "extension") &&
      vector)
    return "vectors need no extension";
  size_t first =
      i + 1 +
      (sb_sql_token_is(sb_sql_token_at(s, i + 1), "local") || sb_sql_token_is(sb_sql_token_at(s, i + 1), "session"));
  bool of_index =
      sb_sql_token_is(sb_sql_token_at(s, first), "hnsw") || sb_sql_token_is(sb_sql_token_at(s, first), "ivfflat");
  if (sb_sql_token_is(sb_sql_token_at(s, i), "set") && of_index &&
      sb_sql_token_is_symbol(sb_sql_token_at(s, first + 1), '.'))
    return "a search needs no settings";
  return NULL;
}

sb_status sb_sql_pgvector_statement(sb_sql_token_edits *s, size_t i, sb_sql_dialect *out, bool *found,
                                    sb_error *error) {
  creation c;
  *found = read_creation(s, i, &c);
  if (*found) return create_index(s, i, &c, out, error);
  const char *notice = notice_of(s, i), *from = sb_sql_token_at(s, i)->text;
  *found = notice != NULL;
  if (!notice) return SB_OK;
  return sb_sql_token_edits_replace(s, from, (size_t)(s->end - from), error, "SELECT '%s' AS notice", notice);
}
