/* A SELECT is recognised clause by clause. Whatever is not exactly of the two forms in query_rewrite.h (a join,
 * DISTINCT, GROUP BY, a second ORDER BY term, a query vector that depends on the row) is left alone: it is slower,
 * never wrong. All positions are indexes of tokens; sb_sql_token_at() gives the END token for those past the last. */
#include "sql/dialect/query_rewrite.h"

#include "sql/dialect/iris_statements.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bool is_name(const sb_sql_token *t) {
  return t->kind == SB_SQL_TOKEN_WORD || t->kind == SB_SQL_TOKEN_NAME;
}

/* The token after token `i`, or after the parentheses that it opens. */
static size_t next(const sb_sql_token_edits *s, size_t i) {
  return sb_sql_token_is_symbol(sb_sql_token_at(s, i), '(') && s->matching[i] > 0 ? (size_t)s->matching[i] + 1 : i + 1;
}

/* Whether the FROM at token `i` is part of IS [NOT] DISTINCT FROM, which is a comparison. */
static bool is_comparison(const sb_sql_token_edits *s, size_t i) {
  return i > 1 && sb_sql_token_is(sb_sql_token_at(s, i - 1), "distinct") &&
         (sb_sql_token_is(sb_sql_token_at(s, i - 2), "is") || sb_sql_token_is(sb_sql_token_at(s, i - 2), "not"));
}

static bool joins_selects(const sb_sql_token *t) {
  return sb_sql_token_is(t, "union") || sb_sql_token_is(t, "except") || sb_sql_token_is(t, "intersect");
}

void sb_sql_select_read(const sb_sql_token_edits *s, size_t from, sb_sql_select *out) {
  sb_sql_select c = {.from = from, .columns = from + 1};
  c.distinct = sb_sql_token_is(sb_sql_token_at(s, from + 1), "distinct");
  c.columns += c.distinct || sb_sql_token_is(sb_sql_token_at(s, from + 1), "all");
  const sb_sql_token *before = from ? sb_sql_token_at(s, from - 1) : sb_sql_token_at(s, s->count);
  c.compound = joins_selects(before) ||
               (sb_sql_token_is(before, "all") && from > 1 && joins_selects(sb_sql_token_at(s, from - 2)));
  size_t i = from + 1;
  for (; i < s->count && !sb_sql_token_is_symbol(sb_sql_token_at(s, i), ')'); i = next(s, i)) {
    const sb_sql_token *t = sb_sql_token_at(s, i);
    if (sb_sql_token_is(t, "from") && !c.tables && !is_comparison(s, i)) c.tables = i + 1;
    if (sb_sql_token_is(t, "where") && !c.where) c.where = i + 1;
    if (sb_sql_token_is(t, "group") || sb_sql_token_is(t, "having") || sb_sql_token_is(t, "window")) c.grouped = true;
    if (sb_sql_token_is(t, "order") && sb_sql_token_is(sb_sql_token_at(s, i + 1), "by") && !c.order) c.order = i + 2;
    if ((sb_sql_token_is(t, "limit") || sb_sql_iris_is_fetch(s, i)) && !c.limit) c.limit = i;
    if (joins_selects(t)) c.compound = true;
  }
  c.to = i;
  c.limited = c.limit > 0;
  *out = c;
}

/* ---- Recognising a search */

/* A call of one of the metrics. The ranges of tokens end before ..._end. */
typedef struct search {
  const char *function; /* the function of vectors/metric.h that asks for the nearest rows */
  bool descending;      /* the order of ORDER BY that puts the nearest row first */
  bool nulls_last;      /* PostgreSQL's order of a distance that is NULL; IRIS has SQLite's, which is first */
  size_t column, column_end, vector, vector_end;
} search;

static bool parse_function(const sb_sql_token *t, search *out) {
  static const struct {
    const char *name, *nearest;
    bool descending, nulls_last;
  } functions[] = {{"vector_dot_product", "semblance_nearest_dot", true, false},
                   {"vector_cosine", "semblance_nearest_cosine", true, false},
                   {"vector_l2", "semblance_nearest_l2", false, false},
                   {"vector_l1", "semblance_nearest_l1", false, false},
                   {"inner_product", "semblance_nearest_dot", true, false},
                   {"vector_negative_inner_product", "semblance_nearest_dot", false, true},
                   {"cosine_distance", "semblance_nearest_cosine", false, true},
                   {"l2_distance", "semblance_nearest_l2", false, true},
                   {"l1_distance", "semblance_nearest_l1", false, true},
                   {"hamming_distance", "semblance_nearest_hamming", false, true},
                   {"jaccard_distance", "semblance_nearest_jaccard", false, true},
                   {"vec_distance_cosine", "semblance_nearest_cosine", false, false},
                   {"vec_distance_l2", "semblance_nearest_l2", false, false},
                   {"vec_distance_l1", "semblance_nearest_l1", false, false},
                   {"vec_distance_hamming", "semblance_nearest_hamming", false, false}};
  for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
    if (!sb_sql_token_is(t, functions[i].name)) continue;
    *out = (search){
        .function = functions[i].nearest, .descending = functions[i].descending, .nulls_last = functions[i].nulls_last};
    return true;
  }
  return false;
}

/* "column" or "t.column" */
static bool is_column(const sb_sql_token_edits *s, size_t from, size_t to) {
  if (to - from == 1) return is_name(sb_sql_token_at(s, from));
  return to - from == 3 && is_name(sb_sql_token_at(s, from)) &&
         sb_sql_token_is_symbol(sb_sql_token_at(s, from + 1), '.') && is_name(sb_sql_token_at(s, from + 2));
}

/* Whether the tokens are the same for every row: literals, parameters, operators, and functions of them. */
static bool is_constant(const sb_sql_token_edits *s, size_t from, size_t to) {
  for (size_t i = from; i < to; i++) {
    const sb_sql_token *t = sb_sql_token_at(s, i);
    bool function = t->kind == SB_SQL_TOKEN_WORD && sb_sql_token_is_symbol(sb_sql_token_at(s, i + 1), '(') &&
                    !sb_sql_token_is(t, "select") && !sb_sql_token_is(t, "exists") && !sb_sql_token_is(t, "in");
    bool type = i > from && sb_sql_token_is_symbol(sb_sql_token_at(s, i - 1), ',') &&
                (sb_sql_token_is(t, "float") || sb_sql_token_is(t, "double") || sb_sql_token_is(t, "decimal") ||
                 sb_sql_token_is(t, "integer"));
    if ((t->kind == SB_SQL_TOKEN_WORD && !function && !type) || t->kind == SB_SQL_TOKEN_NAME ||
        t->kind == SB_SQL_TOKEN_BROKEN)
      return false;
  }
  return to > from;
}

/* Reads FUNCTION(column, vector) or FUNCTION(vector, column) from tokens from..to-1, which hold nothing else. */
static bool parse_call(const sb_sql_token_edits *s, size_t from, size_t to, search *out) {
  if (to < from + 6 || !sb_sql_token_is_symbol(sb_sql_token_at(s, from + 1), '(') ||
      s->matching[from + 1] != (int)to - 1)
    return false;
  if (!parse_function(sb_sql_token_at(s, from), out)) return false;
  size_t comma = 0, commas = 0;
  for (size_t i = from + 2; i < to - 1; i = next(s, i)) {
    if (!sb_sql_token_is_symbol(sb_sql_token_at(s, i), ',')) continue;
    comma = i;
    commas++;
  }
  if (commas != 1) return false;
  bool first = is_column(s, from + 2, comma) && is_constant(s, comma + 1, to - 1);
  bool second = is_column(s, comma + 1, to - 1) && is_constant(s, from + 2, comma);
  out->column = first ? from + 2 : comma + 1;
  out->column_end = first ? comma : to - 1;
  out->vector = first ? comma + 1 : from + 2;
  out->vector_end = first ? to - 1 : comma;
  return first || second;
}

/* Compares two names without their quotes, ignoring ASCII case. */
static bool same_name(const sb_sql_token *a, const sb_sql_token *b) {
  size_t skip_a = a->kind == SB_SQL_TOKEN_NAME, skip_b = b->kind == SB_SQL_TOKEN_NAME;
  size_t size = a->size - 2 * skip_a;
  return size == b->size - 2 * skip_b && !strncasecmp(a->text + skip_a, b->text + skip_b, size);
}

/* Finds the column of the SELECT with this alias: its tokens *from to *to - 1, without the alias. */
static bool find_alias(const sb_sql_token_edits *s, const sb_sql_select *c, const sb_sql_token *name, size_t *from,
                       size_t *to) {
  size_t end = c->tables - 1;
  *from = c->columns;
  for (size_t i = *from; i <= end; i = i == end ? end + 1 : next(s, i)) {
    if (i < end && !sb_sql_token_is_symbol(sb_sql_token_at(s, i), ',')) continue;
    if (i > *from + 1 && is_name(sb_sql_token_at(s, i - 1)) && same_name(sb_sql_token_at(s, i - 1), name)) {
      *to = i - 1 - sb_sql_token_is(sb_sql_token_at(s, i - 2), "as");
      return true; /* SQLite, too, takes the first of that name */
    }
    *from = i + 1;
  }
  return false;
}

/* Finds what the SELECT is ordered by, where the list up to token `end` is one term: tokens *from to *to - 1. */
static bool find_order(const sb_sql_token_edits *s, const sb_sql_select *c, size_t end, size_t *from, size_t *to) {
  if (end <= c->order) return false;
  if (end - c->order == 1 && is_name(sb_sql_token_at(s, c->order)))
    return find_alias(s, c, sb_sql_token_at(s, c->order), from, to);
  *from = c->order;
  *to = end;
  return true;
}

/* Whether the FROM clause, up to token `end`, names one table. *called: the token of its alias or name. */
static bool one_table(const sb_sql_token_edits *s, const sb_sql_select *c, size_t end, size_t *called) {
  size_t i = c->tables;
  if (!is_name(sb_sql_token_at(s, i))) return false;
  if (sb_sql_token_is_symbol(sb_sql_token_at(s, i + 1), '.')) i += 2;
  if (!is_name(sb_sql_token_at(s, i))) return false;
  *called = i++;
  if (sb_sql_token_is(sb_sql_token_at(s, i), "as")) i++;
  if (i < end && is_name(sb_sql_token_at(s, i))) *called = i++;
  return i == end;
}

/* Whether the SELECT is a search. *called: the token of the table's alias or name; *list_end: the token after ORDER
 * BY's list. */
static bool find_search(const sb_sql_token_edits *s, const sb_sql_select *c, search *out, size_t *called,
                        size_t *list_end) {
  if (!c->tables || !c->order || !c->limited || c->distinct || c->grouped || c->compound) return false;
  if (c->tables > c->order || (c->where && c->where > c->order)) return false;
  size_t end = c->limit ? c->limit : c->to;
  *list_end = end;
  bool descending = sb_sql_token_is(sb_sql_token_at(s, end - 1), "desc");
  if (descending || sb_sql_token_is(sb_sql_token_at(s, end - 1), "asc")) end--;
  size_t from, to;
  return find_order(s, c, end, &from, &to) && parse_call(s, from, to, out) && descending == out->descending &&
         one_table(s, c, c->where ? c->where - 1 : c->order - 2, called);
}

/* ---- Rewriting it */

static sb_status add_condition(sb_sql_token_edits *s, const sb_sql_select *c, const char *function, const char *column,
                               const char *vector, sb_error *error) {
  if (!c->where) {
    const char *order_by = sb_sql_token_at(s, c->order - 2)->text;
    return sb_sql_token_edits_replace(s, order_by, 0, error, "WHERE %s(%s, %s) ", function, column, vector);
  }
  const sb_sql_token *last = sb_sql_token_at(s, c->order - 3); /* of the WHERE clause */
  sb_status status = sb_sql_token_edits_replace(s, sb_sql_token_at(s, c->where)->text, 0, error, "%s(%s, %s) AND (",
                                                function, column, vector);
  return status == SB_OK ? sb_sql_token_edits_replace(s, last->text + last->size, 0, error, ")") : status;
}

sb_status sb_sql_query_rewrite(sb_sql_token_edits *s, const sb_sql_select *c, sb_error *error) {
  search found;
  size_t called, list_end;
  if (!find_search(s, c, &found, &called, &list_end)) return SB_OK;
  char *column = sb_sql_token_edits_slice(s, found.column, found.column_end, error);
  char *vector = sb_sql_token_edits_slice(s, found.vector, found.vector_end, error);
  sb_status status = column && vector ? SB_OK : SB_NO_MEMORY;
  if (status == SB_OK) status = add_condition(s, c, found.function, column, vector, error);
  free(column);
  free(vector);
  if (status != SB_OK) return status;
  const sb_sql_token *by = sb_sql_token_at(s, c->order - 1), *last = sb_sql_token_at(s, list_end - 1),
                     *name = sb_sql_token_at(s, called);
  return sb_sql_token_edits_replace(s, by->text, (size_t)(last->text + last->size - by->text), error,
                                    "BY %.*s.\"semblance rank\"", (int)name->size, name->text);
}

/* The last token is replaced and not followed, so that the search's replacement of BY and the list drops this edit. */
sb_status sb_sql_query_nulls_last(sb_sql_token_edits *s, const sb_sql_select *c, sb_error *error) {
  search found;
  if (!c->tables || !c->order || c->tables > c->order) return SB_OK;
  size_t end = c->limit > c->order ? c->limit : c->to, from, to;
  if (!find_order(s, c, end - sb_sql_token_is(sb_sql_token_at(s, end - 1), "asc"), &from, &to)) return SB_OK;
  bool call = parse_function(sb_sql_token_at(s, from), &found) && s->matching[from + 1] == (int)to - 1;
  if (!call || !found.nulls_last) return SB_OK;
  const sb_sql_token *last = sb_sql_token_at(s, end - 1);
  return sb_sql_token_edits_replace(s, last->text, last->size, error, "%.*s NULLS LAST", (int)last->size, last->text);
}
