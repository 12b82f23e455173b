/* Every form is recognised token by token. What is not exactly of the form stays as it is, for SQLite to judge. */
#include "sql/dialect/iris_statements.h"

#include <stdlib.h>
#include <string.h>

static bool is_name(const sb_sql_token *t) {
  return t->kind == SB_SQL_TOKEN_WORD || t->kind == SB_SQL_TOKEN_NAME;
}

/* The token after a name, "t" or "schema.t". */
static size_t skip_name(const sb_sql_token_edits *s, size_t i) {
  return i + (sb_sql_token_is_symbol(sb_sql_token_at(s, i + 1), '.') ? 3 : 1);
}

/* The token after token `i`, or after the parentheses that it opens. */
static size_t next(const sb_sql_token_edits *s, size_t i) {
  return sb_sql_token_is_symbol(sb_sql_token_at(s, i), '(') && s->matching[i] > 0 ? (size_t)s->matching[i] + 1 : i + 1;
}

/* ---- CREATE TABLE */

/* The metric that a column's type at token `i` is to have: vectors of numbers can be zero, which the cosine refuses;
 * those of bits have their own. NULL: the column has no vectors. */
static const char *metric_of(const sb_sql_token_edits *s, size_t i) {
  const sb_sql_token *length = sb_sql_token_at(s, i + 2);
  bool parentheses = sb_sql_token_is_symbol(sb_sql_token_at(s, i + 1), '(') && s->matching[i + 1] > 0;
  if (sb_sql_token_is(sb_sql_token_at(s, i), "vector") || sb_sql_token_is(sb_sql_token_at(s, i), "halfvec"))
    return " metric=dot";
  bool many = length->kind == SB_SQL_TOKEN_NUMBER && !(length->size == 1 && strchr("01", *length->text));
  return sb_sql_token_is(sb_sql_token_at(s, i), "bit") && parentheses && many ? "" : NULL;
}

/* Writes the metrics of the columns between the parentheses at `open`. *found: a column has vectors. */
static sb_status write_metrics(sb_sql_token_edits *s, size_t open, bool *found, sb_error *error) {
  size_t close = (size_t)s->matching[open];
  *found = false;
  for (size_t i = open + 1, first = i; i < close; i = next(s, i)) {
    if (sb_sql_token_is_symbol(sb_sql_token_at(s, i), ',')) first = i + 1;
    const char *metric = i == first + 1 && is_name(sb_sql_token_at(s, first)) ? metric_of(s, i) : NULL;
    if (!metric) continue;
    size_t end = next(s, sb_sql_token_is_symbol(sb_sql_token_at(s, i + 1), '(') ? i + 1 : i);
    const sb_sql_token *last = sb_sql_token_at(s, end - 1);
    *found = true;
    sb_status status = sb_sql_token_edits_replace(s, last->text + last->size, 0, error, "%s", metric);
    if (status != SB_OK) return status;
  }
  return SB_OK;
}

sb_status sb_sql_iris_create_table(sb_sql_token_edits *s, size_t i, sb_error *error) {
  bool vectors = false, unlogged = sb_sql_token_is(sb_sql_token_at(s, i + 1), "unlogged"),
       temporary = sb_sql_token_is(sb_sql_token_at(s, i + 1), "temp") ||
                   sb_sql_token_is(sb_sql_token_at(s, i + 1), "temporary");
  size_t word = i + 1 + (unlogged || temporary), name = word + 1;
  if (!sb_sql_token_is(sb_sql_token_at(s, i), "create") || !sb_sql_token_is(sb_sql_token_at(s, word), "table"))
    return SB_OK;
  if (sb_sql_token_is(sb_sql_token_at(s, name), "if")) name += 3; /* IF NOT EXISTS */
  size_t open = skip_name(s, name);
  if (!sb_sql_token_is_symbol(sb_sql_token_at(s, open), '(') || s->matching[open] < 0) return SB_OK;
  sb_status status = write_metrics(s, open, &vectors, error);
  if (status != SB_OK || !vectors) return status;
  const char *from = sb_sql_token_at(s, i + 1)->text; /* a temporary virtual table is one of the schema temp */
  status = sb_sql_token_edits_replace(s, from, (size_t)(sb_sql_token_at(s, word)->text - from), error, "VIRTUAL ");
  if (status == SB_OK && temporary && open == name + 1)
    status = sb_sql_token_edits_replace(s, sb_sql_token_at(s, name)->text, 0, error, "temp.");
  return status == SB_OK ? sb_sql_token_edits_replace(s, sb_sql_token_at(s, open)->text, 0, error, " USING semblance")
                         : status;
}

/* ---- TRUNCATE, DESCRIBE */

sb_status sb_sql_iris_truncate(sb_sql_token_edits *s, size_t i, sb_error *error) {
  if (!sb_sql_token_is(sb_sql_token_at(s, i), "truncate")) return SB_OK;
  size_t name = i + 1 + sb_sql_token_is(sb_sql_token_at(s, i + 1), "table");
  if (!is_name(sb_sql_token_at(s, name))) return SB_OK;
  const char *from = sb_sql_token_at(s, i)->text;
  return sb_sql_token_edits_replace(s, from, (size_t)(sb_sql_token_at(s, name)->text - from), error, "DELETE FROM ");
}

sb_status sb_sql_iris_describe(sb_sql_token_edits *s, size_t i, sb_error *error) {
  bool word = sb_sql_token_is(sb_sql_token_at(s, i), "describe") || sb_sql_token_is(sb_sql_token_at(s, i), "desc");
  size_t name = i + 1, end = skip_name(s, name);
  const sb_sql_token *table = sb_sql_token_at(s, end - 1), *schema = sb_sql_token_at(s, name);
  if (!word || !is_name(schema) || end != s->count || memchr(schema->text, '\'', (size_t)(s->end - schema->text)))
    return SB_OK;
  size_t cut_table = table->kind == SB_SQL_TOKEN_NAME, cut_schema = schema->kind == SB_SQL_TOKEN_NAME; /* quotes */
  bool dotted = end - name == 3 && !sb_sql_token_is(schema, "sqluser");
  char *whole = sb_sql_token_edits_slice(s, dotted ? name : end - 1, end, error);
  if (!whole) return SB_NO_MEMORY;
  const char *from = sb_sql_token_at(s, i)->text;
  /* The EXISTS makes an unknown table an error. */
  sb_status status = sb_sql_token_edits_replace(
      s, from, (size_t)(s->end - from), error,
      "SELECT name AS \"column\", type FROM pragma_table_info('%.*s'%s%.*s%s) WHERE NOT EXISTS"
      " (SELECT 1 FROM %s LIMIT 0)",
      (int)(table->size - 2 * cut_table), table->text + cut_table, dotted ? ", '" : "",
      dotted ? (int)(schema->size - 2 * cut_schema) : 0, schema->text + cut_schema, dotted ? "'" : "", whole);
  free(whole);
  return status;
}

/* ---- FETCH FIRST n ROWS ONLY */

static bool is_rows(const sb_sql_token *t) {
  return sb_sql_token_is(t, "row") || sb_sql_token_is(t, "rows");
}

/* The tokens of the clause; zeros where a part is missing. */
typedef struct fetch {
  size_t from, offset, count, count_end, to;
} fetch;

static bool read_fetch(const sb_sql_token_edits *s, size_t i, fetch *out) {
  *out = (fetch){.from = i};
  if (sb_sql_token_is(sb_sql_token_at(s, i), "offset") && is_rows(sb_sql_token_at(s, i + 2))) {
    out->offset = i + 1;
    i += 3;
  }
  bool first =
      sb_sql_token_is(sb_sql_token_at(s, i + 1), "first") || sb_sql_token_is(sb_sql_token_at(s, i + 1), "next");
  if (!sb_sql_token_is(sb_sql_token_at(s, i), "fetch") || !first) return false;
  i += 2;
  if (!is_rows(sb_sql_token_at(s, i))) { /* FETCH FIRST ROW ONLY is one row */
    out->count = i;
    out->count_end = i = next(s, i);
  }
  out->to = i + 2;
  return is_rows(sb_sql_token_at(s, i)) && sb_sql_token_is(sb_sql_token_at(s, i + 1), "only");
}

bool sb_sql_iris_is_fetch(const sb_sql_token_edits *s, size_t i) {
  fetch f;
  return read_fetch(s, i, &f);
}

static sb_status replace_fetch(sb_sql_token_edits *s, const fetch *f, sb_error *error) {
  char *count = f->count ? sb_sql_token_edits_slice(s, f->count, f->count_end, error) : NULL,
       *offset = f->offset ? sb_sql_token_edits_slice(s, f->offset, f->offset + 1, error) : NULL;
  const char *from = sb_sql_token_at(s, f->from)->text;
  const sb_sql_token *last = sb_sql_token_at(s, f->to - 1);
  sb_status status = (f->count && !count) || (f->offset && !offset) ? SB_NO_MEMORY : SB_OK;
  if (status == SB_OK)
    status = sb_sql_token_edits_replace(s, from, (size_t)(last->text + last->size - from), error, "LIMIT %s%s%s",
                                        count ? count : "1", offset ? " OFFSET " : "", offset ? offset : "");
  free(count);
  free(offset);
  return status;
}

sb_status sb_sql_iris_fetch(sb_sql_token_edits *s, sb_error *error) {
  for (size_t i = 0; i < s->count; i++) {
    fetch f;
    if (!read_fetch(s, i, &f)) continue;
    sb_status status = replace_fetch(s, &f, error);
    if (status != SB_OK) return status;
    i = f.to - 1;
  }
  return SB_OK;
}

/* ---- %ID, SQLUser */

/* Whether a value can begin after token `i`: then a % there is not the operator of the remainder. */
static bool value_may_follow(const sb_sql_token_edits *s, size_t i) {
  static const char *const words[] = {"select", "distinct", "all",  "where", "and",  "or",      "not", "by",   "on",
                                      "having", "case",     "when", "then",  "else", "between", "in",  "like", "set"};
  const sb_sql_token *t = sb_sql_token_at(s, i);
  if (t->kind == SB_SQL_TOKEN_SYMBOL) return *t->text != ')';
  for (size_t w = 0; w < sizeof words / sizeof *words; w++)
    if (sb_sql_token_is(t, words[w])) return true;
  bool number = t->kind == SB_SQL_TOKEN_NUMBER || t->kind == SB_SQL_TOKEN_PARAMETER;
  return number && i && sb_sql_token_is(sb_sql_token_at(s, i - 1), "top");
}

sb_status sb_sql_iris_names(sb_sql_token_edits *s, sb_error *error) {
  sb_status status = SB_OK;
  for (size_t i = 1; status == SB_OK && i + 1 < s->count; i++) {
    const sb_sql_token *t = sb_sql_token_at(s, i), *after = sb_sql_token_at(s, i + 1);
    bool id = sb_sql_token_is_symbol(t, '%') && sb_sql_token_is(after, "id") && after->text == t->text + 1;
    if (id && value_may_follow(s, i - 1)) status = sb_sql_token_edits_replace(s, t->text, 3, error, "rowid");
    bool user = sb_sql_token_is(t, "sqluser") && sb_sql_token_is_symbol(after, '.');
    if (user) status = sb_sql_token_edits_replace(s, t->text, (size_t)(after->text + 1 - t->text), error, "%s", "");
  }
  return status;
}
