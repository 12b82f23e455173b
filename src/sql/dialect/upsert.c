/* Both forms have the edits of the whole statement in common; they differ at its beginning and its end only. */
#include "sql/dialect/upsert.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bool is_name(const sb_sql_token *t) {
  return t->kind == SB_SQL_TOKEN_WORD || t->kind == SB_SQL_TOKEN_NAME;
}

/* The name without quotes. */
static const char *bare(const sb_sql_token *t, int *size) {
  size_t quotes = t->kind == SB_SQL_TOKEN_NAME;
  *size = (int)(t->size - 2 * quotes);
  return t->text + quotes;
}

static bool same_name(const sb_sql_token *a, const sb_sql_token *b) {
  int size_a, size_b;
  const char *x = bare(a, &size_a), *y = bare(b, &size_b);
  return size_a == size_b && !strncasecmp(x, y, (size_t)size_a);
}

static bool has_name(const sb_sql_token_edits *s, size_t from, size_t to, const sb_sql_token *name) {
  for (size_t i = from; i < to; i++)
    if (is_name(sb_sql_token_at(s, i)) && same_name(sb_sql_token_at(s, i), name)) return true;
  return false;
}

/* ---- Reading */

/* Reads "ON CONFLICT (a) DO UPDATE SET b = EXCLUDED.b, ..." at token `i`, up to the statement's end. False: it is
 * something else, or it does not set each column of the list to the row's own. */
static bool read_conflict(const sb_sql_token_edits *s, size_t i, const sb_sql_upsert *u) {
  size_t keys = i + 3, keys_end = keys;
  if (sb_sql_token_is_symbol(sb_sql_token_at(s, i + 2), '(') && s->matching[i + 2] > 0)
    keys_end = (size_t)s->matching[i + 2];
  size_t set = keys_end > keys ? keys_end + 1 : i + 2;
  if (!sb_sql_token_is(sb_sql_token_at(s, set), "do") || !sb_sql_token_is(sb_sql_token_at(s, set + 1), "update") ||
      !sb_sql_token_is(sb_sql_token_at(s, set + 2), "set"))
    return false;
  for (size_t n = set + 3; n < s->count; n += 6) {
    bool own = sb_sql_token_is_symbol(sb_sql_token_at(s, n + 1), '=') &&
               sb_sql_token_is(sb_sql_token_at(s, n + 2), "excluded") &&
               sb_sql_token_is_symbol(sb_sql_token_at(s, n + 3), '.') &&
               same_name(sb_sql_token_at(s, n), sb_sql_token_at(s, n + 4));
    if (!own || !has_name(s, u->columns, u->columns_end, sb_sql_token_at(s, n))) return false;
    if (n + 5 < s->count && !sb_sql_token_is_symbol(sb_sql_token_at(s, n + 5), ',')) return false;
  }
  for (size_t n = u->columns; n < u->columns_end; n++)
    if (is_name(sb_sql_token_at(s, n)) && !has_name(s, keys, keys_end, sb_sql_token_at(s, n)) &&
        !has_name(s, set + 3, s->count, sb_sql_token_at(s, n)))
      return false;
  return true;
}

/* The token ON of ON CONFLICT; 0: there is none. */
static size_t find_conflict(const sb_sql_token_edits *s, size_t from) {
  for (size_t i = from; i < s->count; i++)
    if (sb_sql_token_is(sb_sql_token_at(s, i), "on") && sb_sql_token_is(sb_sql_token_at(s, i + 1), "conflict"))
      return i;
  return 0;
}

void sb_sql_upsert_read(const sb_sql_token_edits *s, sb_sql_upsert *out) {
  bool update = sb_sql_token_is(sb_sql_token_at(s, 1), "or") && sb_sql_token_is(sb_sql_token_at(s, 2), "update");
  sb_sql_upsert u = {.table = update ? 3 : 1};
  *out = (sb_sql_upsert){0};
  if (!sb_sql_token_is(sb_sql_token_at(s, 0), "insert")) return;
  if (sb_sql_token_is(sb_sql_token_at(s, u.table), "into")) u.table++;
  u.table_end = u.table + (sb_sql_token_is_symbol(sb_sql_token_at(s, u.table + 1), '.') ? 3 : 1);
  u.source = u.table_end;
  if (sb_sql_token_is_symbol(sb_sql_token_at(s, u.table_end), '(') && s->matching[u.table_end] > 0) {
    u.columns = u.table_end + 1;
    u.columns_end = (size_t)s->matching[u.table_end];
    u.source = u.columns_end + 1;
  }
  u.conflict = update ? 0 : find_conflict(s, u.source);
  u.found =
      is_name(sb_sql_token_at(s, u.table)) && (update || (u.conflict && u.columns && read_conflict(s, u.conflict, &u)));
  if (u.found) *out = u;
}

/* ---- Writing */

/* A SELECT that names a column of the table that the statement does not give. */
static sb_status write_missing(const sb_sql_token_edits *s, const sb_sql_upsert *u, sb_sql_dialect *out,
                               sb_error *error) {
  int size, schema_size = 0;
  const char *name = bare(sb_sql_token_at(s, u->table_end - 1), &size), *schema = "";
  bool dotted = u->table_end - u->table == 3 && !sb_sql_token_is(sb_sql_token_at(s, u->table), "sqluser");
  if (dotted) schema = bare(sb_sql_token_at(s, u->table), &schema_size);
  if (memchr(name, '\'', (size_t)size) || memchr(schema, '\'', (size_t)schema_size)) return SB_OK;
  sb_buffer text = {0};
  sb_status status =
      sb_buffer_addf(&text, error, "SELECT name FROM pragma_table_info('%.*s'%s%.*s%s) WHERE name NOT IN (''", size,
                     name, dotted ? ", '" : "", schema_size, schema, dotted ? "'" : "");
  for (size_t i = u->columns; status == SB_OK && i < u->columns_end; i++) {
    const char *column = bare(sb_sql_token_at(s, i), &size);
    if (!is_name(sb_sql_token_at(s, i)) || memchr(column, '\'', (size_t)size)) continue;
    status = sb_buffer_addf(&text, error, ", '%.*s' COLLATE NOCASE", size, column);
  }
  if (status == SB_OK) status = sb_buffer_addf(&text, error, ") COLLATE NOCASE LIMIT 1");
  out->missing = text.bytes;
  return status;
}

/* The statement with the edits made so far, and other words in place of its first token, INSERT. */
static char *write_as(const sb_sql_token_edits *s, const char *begin, sb_error *error) {
  const sb_sql_token *insert = sb_sql_token_at(s, 0);
  int before = (int)(insert->text - s->text);
  sb_buffer out = {0};
  char *whole = sb_sql_token_edits_write(s, error);
  if (whole && sb_buffer_addf(&out, error, "%.*s%s%s", before, whole, begin, whole + before + insert->size) != SB_OK)
    sb_buffer_free(&out);
  free(whole);
  return out.bytes;
}

/* Adds text after the statement's last token. */
static sb_status append(sb_sql_token_edits *s, const char *text, sb_error *error) {
  const sb_sql_token *last = sb_sql_token_at(s, s->count - 1);
  return sb_sql_token_edits_replace(s, last->text + last->size, 0, error, "%s", text);
}

/* " ON CONFLICT DO UPDATE SET a = excluded.a, ..." for the columns of the list. */
static sb_status write_settings(const sb_sql_token_edits *s, const sb_sql_upsert *u, sb_buffer *out, sb_error *error) {
  sb_status status = sb_buffer_addf(out, error, " ON CONFLICT DO UPDATE SET");
  for (size_t i = u->columns; status == SB_OK && i < u->columns_end; i++) {
    const sb_sql_token *t = sb_sql_token_at(s, i);
    if (is_name(t))
      status = sb_buffer_addf(out, error, "%s %.*s = excluded.%.*s", i > u->columns ? "," : "", (int)t->size, t->text,
                              (int)t->size, t->text);
  }
  return status;
}

/* Makes INSERT OR UPDATE a plain INSERT. A SELECT gets a WHERE, without which SQLite takes ON for that of a join. */
static sb_status make_insert(sb_sql_token_edits *s, const sb_sql_upsert *u, sb_error *error) {
  const char *from = sb_sql_token_at(s, 1)->text;
  sb_status status =
      sb_sql_token_edits_replace(s, from, (size_t)(sb_sql_token_at(s, u->table)->text - from), error, "INTO ");
  if (status != SB_OK || sb_sql_token_is(sb_sql_token_at(s, u->source), "values")) return status;
  status = sb_sql_token_edits_replace(s, sb_sql_token_at(s, u->source)->text, 0, error, "SELECT * FROM (");
  return status == SB_OK ? append(s, ") WHERE true", error) : status;
}

static sb_status write_both(sb_sql_token_edits *s, const sb_sql_upsert *u, sb_sql_dialect *out, sb_error *error) {
  sb_buffer settings = {0};
  sb_status status = make_insert(s, u, error);
  if (status != SB_OK) return status;
  if (!(out->plain = write_as(s, "INSERT OR REPLACE", error))) return SB_NO_MEMORY;
  if (!u->columns) return SB_OK;
  status = write_settings(s, u, &settings, error);
  if (status == SB_OK) status = append(s, settings.bytes, error);
  sb_buffer_free(&settings);
  if (status != SB_OK) return status;
  return (out->fast = write_as(s, "INSERT", error)) ? SB_OK : SB_NO_MEMORY;
}

/* The same of a statement that has ON CONFLICT already. */
static sb_status cut_conflict(sb_sql_token_edits *s, const sb_sql_upsert *u, sb_sql_dialect *out, sb_error *error) {
  const char *from = sb_sql_token_at(s, u->conflict)->text;
  if (!(out->fast = write_as(s, "INSERT", error))) return SB_NO_MEMORY;
  sb_status status = sb_sql_token_edits_replace(s, from, (size_t)(s->end - from), error, "%s", "");
  if (status != SB_OK) return status;
  return (out->plain = write_as(s, "INSERT OR REPLACE", error)) ? SB_OK : SB_NO_MEMORY;
}

sb_status sb_sql_upsert_write(sb_sql_token_edits *s, const sb_sql_upsert *u, sb_sql_dialect *out, sb_error *error) {
  sb_status status = u->columns ? write_missing(s, u, out, error) : SB_OK;
  if (status != SB_OK) return status;
  return u->conflict ? cut_conflict(s, u, out, error) : write_both(s, u, out, error);
}
