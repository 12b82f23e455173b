/* An operand is a name, a literal, a parameter, a call or parentheses, with casts after it. Operators of pgvector bind
 * tighter than comparisons, and nobody writes arithmetic beside them without parentheses. */
#include "sql/dialect/pgvector_dialect.h"

#include "sql/dialect/iris_index.h"

#include <stdlib.h>
#include <string.h>

static const sb_sql_token *at(const sb_sql_token_edits *s, size_t i) {
  return &s->tokens[i < s->count ? i : s->count];
}

static bool is_name(const sb_sql_token *t) {
  return t->kind == SB_SQL_TOKEN_WORD || t->kind == SB_SQL_TOKEN_NAME;
}

static bool is_cast(const sb_sql_token *t) {
  return sb_sql_token_is_symbol(t, ':') && t->size == 2;
}

/* ---- Operands */

/* The first token of the operand whose last one is `last`; SIZE_MAX: there is none. */
static size_t operand_begin(const sb_sql_token_edits *s, size_t last) {
  size_t i = last;
  while (i >= 2 && is_name(at(s, i)) && is_cast(at(s, i - 1))) i -= 2; /* x::vector */
  const sb_sql_token *t = at(s, i);
  if (sb_sql_token_is_symbol(t, ')')) {
    if (s->matching[i] < 0) return SIZE_MAX;
    i = (size_t)s->matching[i];
    if (!i || at(s, i - 1)->kind != SB_SQL_TOKEN_WORD) return i;
    bool keyword = sb_sql_token_is(at(s, i - 1), "by") || sb_sql_token_is(at(s, i - 1), "select") ||
                   sb_sql_token_is(at(s, i - 1), "where") || sb_sql_token_is(at(s, i - 1), "and") ||
                   sb_sql_token_is(at(s, i - 1), "or") || sb_sql_token_is(at(s, i - 1), "not");
    if (keyword) return i;
    i--;
  } else if (!is_name(t) && t->kind != SB_SQL_TOKEN_STRING && t->kind != SB_SQL_TOKEN_PARAMETER &&
             t->kind != SB_SQL_TOKEN_BLOB) {
    return SIZE_MAX;
  }
  while (i >= 2 && is_name(at(s, i)) && sb_sql_token_is_symbol(at(s, i - 1), '.') && is_name(at(s, i - 2))) i -= 2;
  return i;
}

/* The token after the operand that begins at `i`; 0: there is none. */
static size_t operand_end(const sb_sql_token_edits *s, size_t i) {
  const sb_sql_token *t = at(s, i);
  size_t end = i + 1;
  if (is_name(t)) {
    while (sb_sql_token_is_symbol(at(s, end), '.') && is_name(at(s, end + 1))) end += 2;
    if (sb_sql_token_is_symbol(at(s, end), '(') && s->matching[end] >= 0) end = (size_t)s->matching[end] + 1;
  } else if (sb_sql_token_is_symbol(t, '(') && s->matching[i] >= 0) {
    end = (size_t)s->matching[i] + 1;
  } else if (t->kind != SB_SQL_TOKEN_STRING && t->kind != SB_SQL_TOKEN_PARAMETER && t->kind != SB_SQL_TOKEN_BLOB) {
    return 0;
  }
  while (is_cast(at(s, end)) && is_name(at(s, end + 1))) end += 2;
  return end;
}

/* ---- Operators and casts */

/* The function of the operator at token `i`, three symbols without a space; NULL: it is none. */
static const char *operator_function(const sb_sql_token_edits *s, size_t i) {
  static const struct {
    const char *symbols, *function;
  } operators[] = {{"<->", "l2_distance"},
                   {"<=>", "cosine_distance"},
                   {"<#>", "vector_negative_inner_product"},
                   {"<+>", "l1_distance"}};
  const char *text = at(s, i)->text;
  if (!sb_sql_token_is_symbol(at(s, i), '<') || (size_t)(s->end - text) < 3) return NULL;
  for (size_t o = 0; o < sizeof operators / sizeof *operators; o++)
    if (!memcmp(text, operators[o].symbols, 3)) return operators[o].function;
  return NULL;
}

/* x <-> y becomes l2_distance(x, y). */
static sb_status replace_operator(sb_sql_token_edits *s, size_t i, const char *function, sb_error *error) {
  size_t begin = i ? operand_begin(s, i - 1) : SIZE_MAX, end = operand_end(s, i + 3);
  if (begin == SIZE_MAX || !end) return SB_OK; /* SQLite reports the syntax error */
  const sb_sql_token *last = at(s, end - 1);
  sb_status status = sb_sql_token_edits_replace(s, at(s, begin)->text, 0, error, "%s(", function);
  if (status == SB_OK) status = sb_sql_token_edits_replace(s, at(s, i)->text, 3, error, ",");
  return status == SB_OK ? sb_sql_token_edits_replace(s, last->text + last->size, 0, error, ")") : status;
}

/* x::vector becomes to_vector(x). Other casts are left to SQLite, which has none. */
static sb_status replace_cast(sb_sql_token_edits *s, size_t i, sb_error *error) {
  const sb_sql_token *type = at(s, i + 1);
  size_t begin = i ? operand_begin(s, i - 1) : SIZE_MAX;
  if (begin == SIZE_MAX || !sb_sql_token_is(type, "vector")) return SB_OK;
  const char *from = at(s, i)->text;
  sb_status status = sb_sql_token_edits_replace(s, at(s, begin)->text, 0, error, "to_vector(");
  return status == SB_OK ? sb_sql_token_edits_replace(s, from, (size_t)(type->text + type->size - from), error, ")")
                         : status;
}

/* Operators come first: where an operand has a cast, the operator's function goes around that of the cast. */
sb_status sb_sql_pgvector_operators(sb_sql_token_edits *s, sb_error *error) {
  sb_status status = SB_OK;
  for (size_t i = 0; status == SB_OK && i < s->count; i++) {
    const char *function = operator_function(s, i);
    if (function) status = replace_operator(s, i, function, error);
  }
  for (size_t i = 0; status == SB_OK && i < s->count; i++)
    if (is_cast(at(s, i))) status = replace_cast(s, i, error);
  return status;
}

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
    if (!sb_sql_token_is(index, known->index) || !sb_sql_token_is(at(s, i), known->name)) continue;
    const sb_sql_token *value = at(s, i + 2);
    char digits[8] = "";
    if (sb_sql_token_is_symbol(at(s, i + 1), '=') && value->size < sizeof digits)
      memcpy(digits, value->text, value->size);
    bool whole = *digits && strspn(digits, "0123456789") == strlen(digits);
    long number = whole ? strtol(digits, NULL, 10) : 0;
    if (number >= known->least && number <= known->most) return SB_OK;
    return sb_fail(error, SB_INVALID, "%s: %s is a whole number from %ld to %ld", known->index, known->name,
                   known->least, known->most);
  }
  return sb_fail(error, SB_INVALID, "%.*s has no setting %.*s; hnsw has m and ef_construction, ivfflat has lists",
                 (int)index->size, index->text, (int)at(s, i)->size, at(s, i)->text);
}

static sb_status check_settings(const sb_sql_token_edits *s, size_t with, const sb_sql_token *index, sb_error *error) {
  if (!sb_sql_token_is(at(s, with), "with") || s->matching[with + 1] < 0) return SB_OK;
  for (size_t i = with + 2; i < (size_t)s->matching[with + 1]; i += 4) {
    sb_status status = check_setting(s, i, index, error);
    if (status != SB_OK) return status;
  }
  return SB_OK;
}

static sb_status check_operators(const sb_sql_token *t, sb_error *error) {
  static const char *const known[] = {"vector_l2_ops", "vector_ip_ops", "vector_cosine_ops", "vector_l1_ops"};
  for (size_t i = 0; i < sizeof known / sizeof *known; i++)
    if (sb_sql_token_is(t, known[i])) return SB_OK;
  return sb_fail(error, SB_INVALID,
                 "an index is by vector_l2_ops, vector_ip_ops, vector_cosine_ops or vector_l1_ops, not by %.*s",
                 (int)t->size, t->text);
}

/* The parts of the statement, as tokens; name_end 0: the index has no name. */
typedef struct creation {
  size_t name_end, table, kind, open;
} creation;

static bool read_creation(const sb_sql_token_edits *s, size_t i, creation *c) {
  *c = (creation){0};
  if (!sb_sql_token_is(at(s, i), "create") || !sb_sql_token_is(at(s, i + 1), "index")) return false;
  i += 2;
  if (sb_sql_token_is(at(s, i), "concurrently")) i++;
  if (sb_sql_token_is(at(s, i), "if")) i += 3; /* IF NOT EXISTS */
  if (!sb_sql_token_is(at(s, i), "on")) c->name_end = ++i;
  if (!sb_sql_token_is(at(s, i), "on")) return false;
  c->table = i + 1;
  i += sb_sql_token_is_symbol(at(s, i + 2), '.') ? 4 : 2;
  if (!sb_sql_token_is(at(s, i), "using")) return false;
  c->kind = i + 1;
  c->open = i + 2;
  bool known = sb_sql_token_is(at(s, c->kind), "hnsw") || sb_sql_token_is(at(s, c->kind), "ivfflat");
  return known && sb_sql_token_is_symbol(at(s, c->open), '(') && s->matching[c->open] >= 0;
}

static sb_status create_index(sb_sql_token_edits *s, size_t i, const creation *c, sb_sql_dialect *out,
                              sb_error *error) {
  size_t close = (size_t)s->matching[c->open];
  sb_status status = close == c->open + 3 ? check_operators(at(s, c->open + 2), error) : SB_OK;
  if (status == SB_OK) status = check_settings(s, close + 1, at(s, c->kind), error);
  if (status != SB_OK) return status;
  const sb_sql_dialect_creation parts = {
      .from = i, .name_end = c->name_end, .table = c->table, .table_end = c->kind - 1, .column = c->open + 1};
  return sb_sql_iris_write_creation(s, &parts, out, error);
}

sb_status sb_sql_pgvector_statement(sb_sql_token_edits *s, size_t i, sb_sql_dialect *out, bool *found,
                                    sb_error *error) {
  creation c;
  *found = read_creation(s, i, &c);
  if (*found) return create_index(s, i, &c, out, error);
  size_t name = i + 2 + 3 * sb_sql_token_is(at(s, i + 2), "if"); /* IF NOT EXISTS */
  *found = sb_sql_token_is(at(s, i), "create") && sb_sql_token_is(at(s, i + 1), "extension") &&
           (sb_sql_token_is(at(s, name), "vector") ||
            (at(s, name)->size == 8 && !memcmp(at(s, name)->text, "\"vector\"", 8)));
  if (!*found) return SB_OK;
  const char *from = at(s, i)->text;
  return sb_sql_token_edits_replace(s, from, (size_t)(s->end - from), error,
                                    "SELECT 'vectors need no extension' AS notice");
}
