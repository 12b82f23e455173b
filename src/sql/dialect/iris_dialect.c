/* The dialect of IRIS: SELECT TOP n and TO_VECTOR(x, double) with a bare type here; statements about indexes in
 * iris_index.c, others in iris_statements.c. */
#include "sql/dialect/iris_dialect.h"

#include "sql/dialect/iris_index.h"
#include "sql/dialect/iris_statements.h"
#include "sql/dialect/pgvector_dialect.h"
#include "sql/dialect/pgvector_operators.h"
#include "sql/dialect/query_rewrite.h"
#include "sql/dialect/upsert.h"

#include <stdlib.h>
#include <string.h>

enum { SELECTS_MAX = 100 /* SELECTs of one statement; one with more goes to SQLite as it is */ };

/* ---- TO_VECTOR(x, double) */

/* Quotes the bare type of the call whose parentheses are at tokens `open` and `close`: TO_VECTOR(x, double) ->
 * 'double'. */
static sb_status quote_type(sb_sql_token_edits *s, size_t open, size_t close, sb_error *error) {
  static const char *const types[] = {"float", "double", "decimal", "integer", "int", "string", "timestamp", NULL};
  for (size_t i = open + 1; i < close; i++) {
    if (sb_sql_token_is_symbol(sb_sql_token_at(s, i), '(') && s->matching[i] > 0) {
      i = (size_t)s->matching[i];
      continue;
    }
    if (!sb_sql_token_is_symbol(sb_sql_token_at(s, i), ',')) continue;
    const sb_sql_token *type = sb_sql_token_at(s, i + 1), *after = sb_sql_token_at(s, i + 2);
    bool last = sb_sql_token_is_symbol(after, ',') || sb_sql_token_is_symbol(after, ')');
    if (!sb_sql_token_is_any(type, types) || !last) return SB_OK;
    return sb_sql_token_edits_replace(s, type->text, type->size, error, "'%.*s'", (int)type->size, type->text);
  }
  return SB_OK;
}

static sb_status quote_types(sb_sql_token_edits *s, sb_error *error) {
  for (size_t i = 0; i + 1 < s->count; i++) {
    bool call =
        sb_sql_token_is(sb_sql_token_at(s, i), "to_vector") && sb_sql_token_is_symbol(sb_sql_token_at(s, i + 1), '(');
    if (!call || s->matching[i + 1] < 0) continue;
    sb_status status = quote_type(s, i + 1, (size_t)s->matching[i + 1], error);
    if (status != SB_OK) return status;
  }
  return SB_OK;
}

/* ---- SELECT TOP n */

/* Whether token `i` cannot begin a list of columns. Then the word `top` before it is the name of a column or
 * function. */
static bool cannot_begin_columns(const sb_sql_token_edits *s, size_t i) {
  static const char *const words[] = {"from",   "where",   "group",     "having", "window", "order", "limit",
                                      "union",  "except",  "intersect", "as",     "and",    "or",    "in",
                                      "is",     "like",    "between",   "glob",   "regexp", "match", "collate",
                                      "isnull", "notnull", "over",      "filter", "escape", NULL};
  const sb_sql_token *t = sb_sql_token_at(s, i);
  if (t->kind == SB_SQL_TOKEN_END || sb_sql_token_is_any(t, words)) return true;
  if (t->kind != SB_SQL_TOKEN_SYMBOL) return false;
  if (*t->text != '*') return !strchr("(+-~%", *t->text); /* % begins %ID */
  return !(
      sb_sql_token_is(sb_sql_token_at(s, i + 1), "from") || sb_sql_token_is_symbol(sb_sql_token_at(s, i + 1), ',') ||
      sb_sql_token_at(s, i + 1)->kind == SB_SQL_TOKEN_END || sb_sql_token_is_symbol(sb_sql_token_at(s, i + 1), ')'));
}

/* The token after the TOP clause at token `i`; 0: it is not a TOP clause. */
static size_t top_end(const sb_sql_token_edits *s, size_t i) {
  const sb_sql_token *n = sb_sql_token_at(s, i + 1);
  size_t end = i + 2;
  if (sb_sql_token_is_symbol(n, '(')) {
    if (s->matching[i + 1] < 0) return 0;
    end = (size_t)s->matching[i + 1] + 1;
  } else if (n->kind != SB_SQL_TOKEN_NUMBER && n->kind != SB_SQL_TOKEN_PARAMETER && !sb_sql_token_is(n, "all")) {
    return 0;
  }
  return cannot_begin_columns(s, end) ? 0 : end;
}

/* Replaces TOP n by LIMIT n at the end of the SELECT; TOP ALL is removed. */
static sb_status replace_top(sb_sql_token_edits *s, const sb_sql_select *select, size_t top, size_t top_after,
                             sb_error *error) {
  const sb_sql_token *first = sb_sql_token_at(s, top), *last = sb_sql_token_at(s, select->to - 1);
  size_t cut = (size_t)(sb_sql_token_at(s, top_after)->text - first->text);
  bool all = sb_sql_token_is(sb_sql_token_at(s, top + 1), "all");
  if (!all && select->compound)
    return sb_fail(
        error, SB_INVALID,
        "TOP cannot limit one part of a UNION, EXCEPT or INTERSECT; write that part as SELECT * FROM (SELECT TOP ...)");
  if (!all && select->limit)
    return sb_fail(error, SB_INVALID, "a SELECT has TOP or LIMIT, not both; remove one of them");
  char *count = sb_sql_token_edits_slice(s, top + 1, top_after, error);
  if (!count) return SB_NO_MEMORY;
  sb_status status = sb_sql_token_edits_replace(s, first->text, cut, error, "%s", "");
  if (status == SB_OK && !all)
    status = sb_sql_token_edits_replace(s, last->text + last->size, 0, error, " LIMIT %s", count);
  free(count);
  return status;
}

/* Finds the TOP clause of a SELECT: tokens *top to *after - 1. False: it has none. */
static bool find_top(const sb_sql_token_edits *s, const sb_sql_select *select, size_t *top, size_t *after) {
  *top = select->from + 1;
  if (sb_sql_token_is(sb_sql_token_at(s, *top), "distinct") || sb_sql_token_is(sb_sql_token_at(s, *top), "all")) ++*top;
  *after = sb_sql_token_is(sb_sql_token_at(s, *top), "top") ? top_end(s, *top) : 0;
  return *after != 0;
}

/* ---- The whole statement */

static size_t skip_explain(const sb_sql_token_edits *s) {
  if (!sb_sql_token_is(sb_sql_token_at(s, 0), "explain")) return 0;
  return sb_sql_token_is(sb_sql_token_at(s, 1), "query") && sb_sql_token_is(sb_sql_token_at(s, 2), "plan") ? 3 : 1;
}

/* A trigger is left alone: its body has statements, and semicolons, of its own. */
static bool is_trigger(const sb_sql_token_edits *s, size_t i) {
  if (!sb_sql_token_is(sb_sql_token_at(s, i), "create")) return false;
  i++;
  i += sb_sql_token_is(sb_sql_token_at(s, i), "temp") || sb_sql_token_is(sb_sql_token_at(s, i), "temporary");
  return sb_sql_token_is(sb_sql_token_at(s, i), "trigger");
}

/* The SELECTs of a statement, at any depth. */
typedef struct selects {
  sb_sql_select items[SELECTS_MAX];
  size_t count;
} selects;

/* False: there are more than SELECTS_MAX. */
static bool find_selects(const sb_sql_token_edits *s, selects *out) {
  out->count = 0;
  for (size_t i = 0; i < s->count; i++) {
    if (!sb_sql_token_is(sb_sql_token_at(s, i), "select")) continue;
    if (out->count == SELECTS_MAX) return false;
    sb_sql_select_read(s, i, &out->items[out->count++]);
  }
  return true;
}

static sb_status replace_tops(sb_sql_token_edits *s, selects *all, sb_error *error) {
  for (size_t i = 0; i < all->count; i++) {
    sb_sql_select *select = &all->items[i];
    size_t top = 0, after = 0;
    if (!find_top(s, select, &top, &after)) continue;
    sb_status status = replace_top(s, select, top, after, error);
    if (status != SB_OK) return status;
    select->columns = after;
    select->limited |= !sb_sql_token_is(sb_sql_token_at(s, top + 1), "all");
  }
  return SB_OK;
}

/* Writes the statement with the edits made so far. */
static sb_status write(const sb_sql_token_edits *s, char **out, sb_error *error) {
  *out = sb_sql_token_edits_write(s, error);
  return *out ? SB_OK : SB_NO_MEMORY;
}

static sb_status rewrite_selects(sb_sql_token_edits *s, sb_sql_dialect *out, sb_error *error) {
  selects all;
  if (!find_selects(s, &all)) return SB_OK;
  sb_status status = replace_tops(s, &all, error);
  for (size_t i = 0; status == SB_OK && i < all.count; i++) status = sb_sql_query_nulls_last(s, &all.items[i], error);
  if (status == SB_OK && s->edit_count) status = write(s, &out->plain, error);
  size_t plain_edits = s->edit_count;
  for (size_t i = 0; status == SB_OK && i < all.count; i++) status = sb_sql_query_rewrite(s, &all.items[i], error);
  if (status == SB_OK && s->edit_count > plain_edits) status = write(s, &out->fast, error);
  return status;
}

/* Everything but the SELECTs. */
static sb_status rewrite_statements(sb_sql_token_edits *s, size_t first, sb_error *error) {
  sb_status status = quote_types(s, error);
  if (status == SB_OK) status = sb_sql_iris_create_table(s, first, error);
  if (status == SB_OK) status = sb_sql_iris_truncate(s, first, error);
  if (status == SB_OK) status = sb_sql_iris_describe(s, first, error);
  if (status == SB_OK) status = sb_sql_iris_names(s, error);
  return status == SB_OK ? sb_sql_iris_fetch(s, error) : status;
}

/* INSERT OR UPDATE and its like. */
static sb_status rewrite_upsert(sb_sql_token_edits *s, const sb_sql_upsert *upsert, sb_sql_dialect *out,
                                sb_error *error) {
  selects all;
  sb_status status = find_selects(s, &all) ? replace_tops(s, &all, error) : SB_OK;
  return status == SB_OK ? sb_sql_upsert_write(s, upsert, out, error) : status;
}

static sb_status rewrite(sb_sql_token_edits *s, sb_sql_dialect *out, sb_error *error) {
  size_t first = skip_explain(s);
  if (is_trigger(s, first)) return SB_OK;
  bool whole = false; /* nothing else is to be rewritten */
  sb_status status = sb_sql_iris_index(s, first, out, error);
  if (status == SB_OK && !out->index) status = sb_sql_pgvector_statement(s, first, out, &whole, error);
  if (status != SB_OK) return status;
  if (out->index || whole) {
    status = write(s, &out->plain, error);
  } else {
    sb_sql_upsert upsert;
    sb_sql_upsert_read(s, &upsert);
    status = rewrite_statements(s, first, error);
    if (status == SB_OK)
      status = upsert.found ? rewrite_upsert(s, &upsert, out, error) : rewrite_selects(s, out, error);
  }
  if (out->plain || out->fast) out->size = (size_t)(s->end - s->text) + (*s->end == ';');
  return status;
}

/* Rewrites operators and casts, which the other rewriters need as calls. *out NULL: there are none. */
static sb_status rewrite_operators(sb_sql_token_edits *s, char **out, sb_error *error) {
  *out = NULL;
  if (is_trigger(s, skip_explain(s))) return SB_OK;
  sb_status status = sb_sql_pgvector_operators(s, error);
  return status == SB_OK && s->edit_count ? write(s, out, error) : status;
}

/* Rewrites `calls`, the statement whose operators have become calls; it becomes the plain form if nothing else does. */
static sb_status rewrite_calls(char *calls, sb_sql_dialect *out, sb_error *error) {
  sb_sql_token_edits edits;
  sb_status status = sb_sql_token_edits_read(calls, &edits, error);
  if (status != SB_OK) return status;
  status = rewrite(&edits, out, error);
  sb_sql_token_edits_free(&edits);
  if (status == SB_OK && !out->plain && !(out->plain = sb_strdup(calls, error))) return SB_NO_MEMORY;
  return status;
}

sb_status sb_sql_dialect_read(const char *text, sb_sql_dialect *out, sb_error *error) {
  sb_sql_token_edits edits;
  sb_sql_dialect dialect = {0};
  char *calls = NULL;
  sb_status status = sb_sql_token_edits_read(text, &edits, error);
  if (status != SB_OK) return status;
  status = rewrite_operators(&edits, &calls, error);
  if (status == SB_OK) status = calls ? rewrite_calls(calls, &dialect, error) : rewrite(&edits, &dialect, error);
  if (calls) dialect.size = (size_t)(edits.end - text) + (*edits.end == ';');
  free(calls);
  dialect.parameters = edits.parameters;
  dialect.names = edits.names;
  edits.parameters = 0; /* the names are the dialect's now */
  edits.names = NULL;
  sb_sql_token_edits_free(&edits);
  if (status == SB_OK)
    *out = dialect;
  else
    sb_sql_dialect_free(&dialect);
  return status;
}

void sb_sql_dialect_free(sb_sql_dialect *dialect) {
  for (int i = 0; i < dialect->parameters; i++) free(dialect->names[i]);
  free(dialect->names);
  free(dialect->index_name);
  free(dialect->notice);
  free(dialect->missing);
  free(dialect->plain);
  free(dialect->fast);
  *dialect = (sb_sql_dialect){0};
}
