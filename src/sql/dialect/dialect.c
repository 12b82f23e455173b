/* IRIS's words: SELECT TOP n, CREATE INDEX ... AS HNSW, TO_VECTOR(x, double). shape.c finds what the index answers. */
#include "sql/dialect/dialect.h"

#include "sql/dialect/query_rewrite.h"

#include <stdlib.h>
#include <string.h>

enum { SELECTS_MAX = 100 /* of a statement that are looked at: more no person writes */ };

static const sb_sql_token *at(const sb_sql_token_edits *s, size_t i) {
  return &s->tokens[i < s->count ? i : s->count];
}

static bool is_any(const sb_sql_token *t, const char *const *words) {
  for (; *words; words++)
    if (sb_sql_token_is(t, *words)) return true;
  return false;
}

/* ---- TO_VECTOR(x, double) */

static sb_status quote_types(sb_sql_token_edits *s, sb_error *error) {
  static const char *const types[] = {"float", "double", "decimal", "integer", "int", "string", "timestamp", NULL};
  sb_status status = SB_OK;
  for (size_t i = 0; status == SB_OK && i + 1 < s->count; i++) {
    if (!sb_sql_token_is(at(s, i), "to_vector") || s->matching[i + 1] < 0 || !sb_sql_token_is_symbol(at(s, i + 1), '('))
      continue;
    size_t close = (size_t)s->matching[i + 1];
    for (size_t j = i + 2; status == SB_OK && j < close; j++) {
      if (sb_sql_token_is_symbol(at(s, j), '(') && s->matching[j] > 0) {
        j = (size_t)s->matching[j];
        continue;
      }
      if (!sb_sql_token_is_symbol(at(s, j), ',')) continue;
      const sb_sql_token *type = at(s, j + 1), *after = at(s, j + 2);
      if (is_any(type, types) && (sb_sql_token_is_symbol(after, ',') || sb_sql_token_is_symbol(after, ')')))
        status = sb_sql_token_edits_replace(s, type->text, type->size, error, "'%.*s'", (int)type->size, type->text);
      break;
    }
  }
  return status;
}

/* ---- SELECT TOP n */

/* What cannot begin the list of columns: then `top` before it was a column's or function's name. */
static bool ends_column(const sb_sql_token_edits *s, size_t i) {
  static const char *const words[] = {"from",   "where",   "group",     "having", "window", "order", "limit",
                                      "union",  "except",  "intersect", "as",     "and",    "or",    "in",
                                      "is",     "like",    "between",   "glob",   "regexp", "match", "collate",
                                      "isnull", "notnull", "over",      "filter", "escape", NULL};
  const sb_sql_token *t = at(s, i);
  if (t->kind == SB_SQL_TOKEN_END || is_any(t, words)) return true;
  if (t->kind != SB_SQL_TOKEN_SYMBOL) return false;
  if (*t->text != '*') return !strchr("(+-~", *t->text);
  return !(sb_sql_token_is(at(s, i + 1), "from") || sb_sql_token_is_symbol(at(s, i + 1), ',') ||
           at(s, i + 1)->kind == SB_SQL_TOKEN_END || sb_sql_token_is_symbol(at(s, i + 1), ')'));
}

/* The token behind the TOP clause at `i`, or 0: it is none. */
static size_t top_end(const sb_sql_token_edits *s, size_t i) {
  const sb_sql_token *n = at(s, i + 1);
  size_t end = i + 2;
  if (sb_sql_token_is_symbol(n, '(')) {
    if (s->matching[i + 1] < 0) return 0;
    end = (size_t)s->matching[i + 1] + 1;
  } else if (n->kind != SB_SQL_TOKEN_NUMBER && n->kind != SB_SQL_TOKEN_PARAMETER && !sb_sql_token_is(n, "all")) {
    return 0;
  }
  return ends_column(s, end) ? 0 : end;
}

static sb_status limit_select(sb_sql_token_edits *s, const sb_sql_select *select, size_t top, size_t top_after,
                              sb_error *error) {
  const sb_sql_token *first = at(s, top), *last = at(s, select->to - 1);
  size_t cut = (size_t)(at(s, top_after)->text - first->text);
  bool all = sb_sql_token_is(at(s, top + 1), "all");
  if (!all && select->compound)
    return sb_fail(
        error, SB_INVALID,
        "TOP in one part of a UNION, EXCEPT or INTERSECT: put that part in parentheses, SELECT * FROM (SELECT TOP ...)");
  if (!all && select->limit) return sb_fail(error, SB_INVALID, "TOP and LIMIT say the same: give one of them");
  char *count = sb_sql_token_edits_slice(s, top + 1, top_after, error);
  if (!count) return SB_NO_MEMORY;
  sb_status status = sb_sql_token_edits_replace(s, first->text, cut, error, "%s", "");
  if (status == SB_OK && !all)
    status = sb_sql_token_edits_replace(s, last->text + last->size, 0, error, " LIMIT %s", count);
  free(count);
  return status;
}

/* The TOP clause of a select, at *top, ends before *after; false: it has none. */
static bool find_top(const sb_sql_token_edits *s, const sb_sql_select *select, size_t *top, size_t *after) {
  *top = select->from + 1;
  if (sb_sql_token_is(at(s, *top), "distinct") || sb_sql_token_is(at(s, *top), "all")) ++*top;
  *after = sb_sql_token_is(at(s, *top), "top") ? top_end(s, *top) : 0;
  return *after != 0;
}

/* ---- CREATE INDEX name ON TABLE t (column) AS HNSW(...) */

/* "t" or "schema.t"; the token behind it. */
static size_t skip_name(const sb_sql_token_edits *s, size_t i) {
  bool dotted = sb_sql_token_is_symbol(at(s, i + 1), '.');
  return i + (dotted ? 3 : 1);
}

/* Compiles only where there is such a column of vectors; gives one row that says that nothing is to be done. */
static sb_status replace_index(sb_sql_token_edits *s, size_t i, bool *is, sb_error *error) {
  size_t name = i + 2;
  if (!sb_sql_token_is(at(s, i), "create") || !sb_sql_token_is(at(s, i + 1), "index")) return SB_OK;
  if (sb_sql_token_is(at(s, name), "if")) name += 3; /* IF NOT EXISTS */
  size_t on = skip_name(s, name), table = on + 1;
  if (!sb_sql_token_is(at(s, on), "on")) return SB_OK;
  table += sb_sql_token_is(at(s, table), "table") && !sb_sql_token_is_symbol(at(s, table + 1), '(');
  size_t open = skip_name(s, table);
  if (!sb_sql_token_is_symbol(at(s, open), '(') || s->matching[open] < 0) return SB_OK;
  size_t close = (size_t)s->matching[open], kind = close + 2;
  if (close != open + 2 || !sb_sql_token_is(at(s, close + 1), "as")) return SB_OK;
  if (sb_sql_token_is_symbol(at(s, kind), '%')) kind += 5; /* %SQL.Index.HNSW */
  if (!sb_sql_token_is(at(s, kind), "hnsw")) return SB_OK;
  char *relation = sb_sql_token_edits_slice(s, table, open, error),
       *column = sb_sql_token_edits_slice(s, open + 1, close, error);
  sb_status status = relation && column ? SB_OK : SB_NO_MEMORY;
  if (status == SB_OK)
    status = sb_sql_token_edits_replace(
        s, at(s, i)->text, (size_t)(s->end - at(s, i)->text), error,
        "SELECT 'the index exists already: every vector column has one, which needs no settings' AS notice"
        " WHERE NOT EXISTS (SELECT 1 FROM %s AS t WHERE t.\"semblance rank\" IS NULL AND"
        " semblance_nearest_dot(t.%s, NULL) LIMIT 0)",
        relation, column);
  free(relation);
  free(column);
  *is = status == SB_OK;
  return status;
}

/* ---- The whole */

static size_t skip_explain(const sb_sql_token_edits *s) {
  if (!sb_sql_token_is(at(s, 0), "explain")) return 0;
  return sb_sql_token_is(at(s, 1), "query") && sb_sql_token_is(at(s, 2), "plan") ? 3 : 1;
}

/* A trigger's body holds statements of its own. */
static bool is_trigger(const sb_sql_token_edits *s, size_t i) {
  if (!sb_sql_token_is(at(s, i), "create")) return false;
  i++;
  i += sb_sql_token_is(at(s, i), "temp") || sb_sql_token_is(at(s, i), "temporary");
  return sb_sql_token_is(at(s, i), "trigger");
}

static sb_status rewrite_selects(sb_sql_token_edits *s, sb_sql_dialect *out, sb_error *error) {
  sb_sql_select selects[SELECTS_MAX];
  size_t count = 0, tops[SELECTS_MAX], after[SELECTS_MAX];
  sb_status status = SB_OK;
  for (size_t i = 0; i < s->count; i++) {
    if (!sb_sql_token_is(at(s, i), "select")) continue;
    if (count == SELECTS_MAX) return SB_OK; /* to SQLite as it is */
    sb_sql_select_read(s, i, &selects[count++]);
  }
  for (size_t i = 0; status == SB_OK && i < count; i++) {
    tops[i] = 0;
    if (find_top(s, &selects[i], &tops[i], &after[i])) status = limit_select(s, &selects[i], tops[i], after[i], error);
    selects[i].columns = after[i] ? after[i] : selects[i].columns;
    selects[i].limited |= after[i] && !sb_sql_token_is(at(s, tops[i] + 1), "all");
  }
  if (status == SB_OK && s->edit_count && !(out->plain = sb_sql_token_edits_write(s, error))) status = SB_NO_MEMORY;
  size_t plain_edits = s->edit_count;
  for (size_t i = 0; status == SB_OK && i < count; i++) status = sb_sql_query_rewrite(s, &selects[i], error);
  if (status == SB_OK && s->edit_count > plain_edits && !(out->fast = sb_sql_token_edits_write(s, error)))
    status = SB_NO_MEMORY;
  return status;
}

static sb_status rewrite(sb_sql_token_edits *s, sb_sql_dialect *out, sb_error *error) {
  size_t first = skip_explain(s);
  if (is_trigger(s, first)) return SB_OK;
  sb_status status = replace_index(s, first, &out->index, error);
  if (status == SB_OK && out->index) {
    out->plain = sb_sql_token_edits_write(s, error);
    status = out->plain ? SB_OK : SB_NO_MEMORY;
  } else if (status == SB_OK) {
    status = quote_types(s, error);
    if (status == SB_OK) status = rewrite_selects(s, out, error);
  }
  /* Where SQLite gets the text as it is, it tells itself where the statement ends. */
  if (out->plain || out->fast) out->size = (size_t)(s->end - s->text) + (*s->end == ';');
  return status;
}

sb_status sb_sql_dialect_read(const char *text, sb_sql_dialect *out, sb_error *error) {
  sb_sql_token_edits script;
  sb_sql_dialect dialect = {0};
  sb_status status = sb_sql_token_edits_read(text, &script, error);
  if (status != SB_OK) return status;
  status = rewrite(&script, &dialect, error);
  dialect.parameters = script.parameters;
  dialect.names = script.names;
  script.parameters = 0; /* the names move over */
  script.names = NULL;
  sb_sql_token_edits_free(&script);
  if (status == SB_OK)
    *out = dialect;
  else
    sb_sql_dialect_free(&dialect);
  return status;
}

void sb_sql_dialect_free(sb_sql_dialect *dialect) {
  for (int i = 0; i < dialect->parameters; i++) free(dialect->names[i]);
  free(dialect->names);
  free(dialect->plain);
  free(dialect->fast);
  *dialect = (sb_sql_dialect){0};
}
