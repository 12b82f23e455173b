/* The SELECT that stands for CREATE INDEX compiles only if the table has the vector column; that for DROP INDEX, only
 * if the table has a vector column. */
#include "sql/dialect/iris_index.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { M_MAX = 2048, EF_MAX = 65536 };

/* The token after a name, "t" or "schema.t". */
static size_t skip_name(const sb_sql_token_edits *s, size_t i) {
  return i + (sb_sql_token_is_symbol(sb_sql_token_at(s, i + 1), '.') ? 3 : 1);
}

/* The last part of the name that ends before token `end`, in lower case and without quotes. NULL: out of memory. */
static char *plain_name(const sb_sql_token_edits *s, size_t end, sb_error *error) {
  const sb_sql_token *t = sb_sql_token_at(s, end - 1);
  size_t quotes = t->kind == SB_SQL_TOKEN_NAME;
  char *name = sb_alloc(t->size + 1, 1, error);
  if (!name) return NULL;
  memcpy(name, t->text + quotes, t->size - 2 * quotes);
  for (char *p = name; *p; p++)
    if (*p >= 'A' && *p <= 'Z') *p |= 0x20;
  return name;
}

/* ---- The settings of HNSW */

static sb_status check_number(const sb_sql_token *value, const char *name, long least, long most, sb_error *error) {
  char digits[12] = "";
  bool short_enough = value->kind == SB_SQL_TOKEN_NUMBER && value->size < sizeof digits;
  if (short_enough) memcpy(digits, value->text, value->size);
  bool whole = *digits && strspn(digits, "0123456789") == strlen(digits);
  long number = whole ? strtol(digits, NULL, 10) : 0;
  if (number >= least && number <= most) return SB_OK;
  return sb_fail(error, SB_INVALID, "HNSW: %s is a whole number from %ld to %ld", name, least, most);
}

static sb_status check_distance(const sb_sql_token *value, sb_error *error) {
  static const char *const names[] = {"'Cosine'", "'DotProduct'"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (value->kind == SB_SQL_TOKEN_STRING && value->size == strlen(names[i]) &&
        !strncasecmp(value->text, names[i], value->size))
      return SB_OK;
  return sb_fail(error, SB_INVALID, "HNSW: Distance is 'Cosine' or 'DotProduct'");
}

/* The setting whose three tokens begin at `i`: name = value. */
static sb_status check_setting(const sb_sql_token_edits *s, size_t i, sb_error *error) {
  const sb_sql_token *name = sb_sql_token_at(s, i), *value = sb_sql_token_at(s, i + 2);
  if (!sb_sql_token_is_symbol(sb_sql_token_at(s, i + 1), '='))
    return sb_fail(error, SB_INVALID, "HNSW: write its settings as NAME=VALUE, such as HNSW(Distance='Cosine')");
  if (sb_sql_token_is(name, "distance")) return check_distance(value, error);
  if (sb_sql_token_is(name, "m")) return check_number(value, "M", 2, M_MAX, error);
  if (sb_sql_token_is(name, "efconstruction")) return check_number(value, "efConstruction", 1, EF_MAX, error);
  return sb_fail(error, SB_INVALID, "HNSW: it has no setting %.*s, only Distance, M and efConstruction",
                 (int)name->size, name->text);
}

/* The settings in the parentheses at `open`, if there are any. */
static sb_status check_settings(const sb_sql_token_edits *s, size_t open, sb_error *error) {
  if (!sb_sql_token_is_symbol(sb_sql_token_at(s, open), '(') || s->matching[open] < 0) return SB_OK;
  size_t close = (size_t)s->matching[open];
  for (size_t i = open + 1; i < close; i += 4) {
    sb_status status = check_setting(s, i, error);
    if (status != SB_OK) return status;
    if (i + 3 < close && !sb_sql_token_is_symbol(sb_sql_token_at(s, i + 3), ','))
      return sb_fail(error, SB_INVALID, "HNSW: a comma is missing between two settings");
  }
  return SB_OK;
}

/* ---- CREATE INDEX */

/* The parts of the statement, as tokens. */
typedef struct creation {
  size_t name_end, table, open, settings;
} creation;

static bool read_creation(const sb_sql_token_edits *s, size_t i, creation *c) {
  size_t name = i + 2;
  if (!sb_sql_token_is(sb_sql_token_at(s, i), "create") || !sb_sql_token_is(sb_sql_token_at(s, i + 1), "index"))
    return false;
  if (sb_sql_token_is(sb_sql_token_at(s, name), "if")) name += 3; /* IF NOT EXISTS */
  c->name_end = skip_name(s, name);
  c->table = c->name_end + 1;
  if (!sb_sql_token_is(sb_sql_token_at(s, c->name_end), "on")) return false;
  c->table += sb_sql_token_is(sb_sql_token_at(s, c->table), "table") &&
              !sb_sql_token_is_symbol(sb_sql_token_at(s, c->table + 1), '(');
  c->open = skip_name(s, c->table);
  if (!sb_sql_token_is_symbol(sb_sql_token_at(s, c->open), '(') || s->matching[c->open] < 0) return false;
  size_t close = (size_t)s->matching[c->open], kind = close + 2;
  if (close != c->open + 2 || !sb_sql_token_is(sb_sql_token_at(s, close + 1), "as")) return false;
  if (sb_sql_token_is_symbol(sb_sql_token_at(s, kind), '%')) kind += 5; /* %SQL.Index.HNSW */
  c->settings = kind + 1;
  return sb_sql_token_is(sb_sql_token_at(s, kind), "hnsw");
}

sb_status sb_sql_iris_write_creation(sb_sql_token_edits *s, const sb_sql_dialect_creation *c, sb_sql_dialect *out,
                                     sb_error *error) {
  if (c->name_end && !(out->index_name = plain_name(s, c->name_end, error))) return SB_NO_MEMORY;
  out->index = SB_SQL_DIALECT_CREATE_INDEX;
  char *relation = sb_sql_token_edits_slice(s, c->table, c->table_end, error),
       *column = sb_sql_token_edits_slice(s, c->column, c->column + 1, error);
  const char *from = sb_sql_token_at(s, c->from)->text;
  sb_status status = relation && column ? SB_OK : SB_NO_MEMORY;
  if (status == SB_OK)
    status = sb_sql_token_edits_replace(
        s, from, (size_t)(s->end - from), error,
        "SELECT 'the index exists already: every vector column has one, without any settings' AS notice"
        " WHERE NOT EXISTS (SELECT 1 FROM %s AS t WHERE t.\"semblance rank\" IS NULL AND"
        " semblance_nearest_dot(t.%s, NULL) LIMIT 0)",
        relation, column);
  free(relation);
  free(column);
  return status;
}

/* ---- DROP INDEX */

/* Rewrites DROP INDEX name ON [TABLE] t as SQLite's DROP INDEX name, and writes out->notice for the case that SQLite
 * has no such index. */
static sb_status read_drop(sb_sql_token_edits *s, size_t i, sb_sql_dialect *out, sb_error *error) {
  size_t name = i + 2 + 2 * sb_sql_token_is(sb_sql_token_at(s, i + 2), "if"), end = skip_name(s, name); /* IF EXISTS */
  size_t table = end + 1 + sb_sql_token_is(sb_sql_token_at(s, end + 1), "table");
  bool on = sb_sql_token_is(sb_sql_token_at(s, end), "on");
  if (!(out->index_name = plain_name(s, end, error))) return SB_NO_MEMORY;
  out->index = SB_SQL_DIALECT_DROP_INDEX;
  if (!on) return SB_OK;
  char *relation = sb_sql_token_edits_slice(s, table, skip_name(s, table), error);
  if (!relation) return SB_NO_MEMORY;
  sb_buffer notice = {0};
  sb_status status = sb_buffer_addf(
      &notice, error,
      "SELECT '%s' AS notice WHERE NOT EXISTS (SELECT 1 FROM %s AS t WHERE t.\"semblance rank\" IS NULL LIMIT 0)",
      SB_SQL_INDEX_STAYS, relation);
  free(relation);
  out->notice = notice.bytes;
  const char *from = sb_sql_token_at(s, end)->text;
  return status == SB_OK ? sb_sql_token_edits_replace(s, from, (size_t)(s->end - from), error, "%s", "") : status;
}

sb_status sb_sql_iris_index(sb_sql_token_edits *s, size_t i, sb_sql_dialect *out, sb_error *error) {
  creation c;
  if (sb_sql_token_is(sb_sql_token_at(s, i), "drop") && sb_sql_token_is(sb_sql_token_at(s, i + 1), "index"))
    return read_drop(s, i, out, error);
  if (!read_creation(s, i, &c)) return SB_OK;
  sb_status status = check_settings(s, c.settings, error);
  if (status != SB_OK) return status;
  const sb_sql_dialect_creation parts = {
      .from = i, .name_end = c.name_end, .table = c.table, .table_end = c.open, .column = c.open + 1};
  return sb_sql_iris_write_creation(s, &parts, out, error);
}
