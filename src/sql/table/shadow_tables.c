/* All statements here are built with the table's schema and name quoted by %w. The tables and their version are
 * described in table.h and docs/formats.md; a change of either needs a new SB_SQL_TABLE_VERSION and code that reads
 * the old one. */
#include "sql/table/shadow_tables.h"

#include <stdio.h>
#include <string.h>

/* Those that every table has, besides one for each column of vectors. */
static const char *const suffixes[] = {"rows", "changes", "meta"};
enum { SHADOW_TABLES = sizeof suffixes / sizeof *suffixes };

void sb_sql_shadow_tables_suffix(int number, char suffix[12]) {
  snprintf(suffix, 12, number ? "vectors%d" : "vectors", number);
}

/* Runs a statement without rows to its end and finalizes it. `code` is that of preparing it. */
static int finish(sqlite3_stmt *statement, int code) {
  if (code == SQLITE_OK) sqlite3_step(statement); /* sqlite3_finalize gives its error */
  int end = sqlite3_finalize(statement);
  return code == SQLITE_OK ? end : code;
}

/* `format` takes the table's schema and name. */
static int run(sb_sql_table *table, const char *format) {
  sqlite3_stmt *statement = NULL;
  int code = sb_sql_table_prepare(table, &statement, format, table->schema, table->name);
  return finish(statement, code);
}

/* ---- Creating */

/* A PARTITION KEY gets an index, so that a search within a partition reads no other rows to find its own. It is made by
 * a constraint that every row meets: SQLite names such an index after the table, and renames it, too. */
static int create_rows(sb_sql_table *table) {
  const sb_sql_table_declaration *d = &table->declaration;
  sqlite3_stmt *statement = NULL;
  sb_buffer columns = {0};
  sb_status status = sb_buffer_addf(&columns, NULL, "id INTEGER PRIMARY KEY");
  for (int i = 0; status == SB_OK && i < d->columns; i++)
    if (sb_sql_table_declaration_in_rows(d, i)) status = sb_buffer_addf(&columns, NULL, ", c%d %s", i, d->types[i]);
  for (int i = 0; status == SB_OK && i < d->columns; i++)
    if (d->partition[i]) status = sb_buffer_addf(&columns, NULL, ", UNIQUE(c%d, id)", i);
  int code = status == SB_OK ? sb_sql_table_prepare(table, &statement, "CREATE TABLE \"%w\".\"%w_rows\"(%s)",
                                                    table->schema, table->name, columns.bytes)
                             : SQLITE_NOMEM;
  sb_buffer_free(&columns);
  return finish(statement, code);
}

static int create_meta(sb_sql_table *table) {
  uint8_t random[(SB_SQL_TABLE_IDENTITY_SIZE - 1) / 2];
  sqlite3_stmt *statement = NULL;
  int code = run(table, "CREATE TABLE \"%w\".\"%w_meta\"(key TEXT PRIMARY KEY, value) WITHOUT ROWID");
  if (code != SQLITE_OK) return code;
  table->version = SB_SQL_TABLE_VERSION;
  sqlite3_randomness(sizeof random, random);
  sb_hex(random, sizeof random, table->identity);
  code =
      sb_sql_table_prepare(table, &statement, "INSERT INTO \"%w\".\"%w_meta\" VALUES('version', %d), ('identity', %Q)",
                           table->schema, table->name, SB_SQL_TABLE_VERSION, table->identity);
  return finish(statement, code);
}

static int create_vectors(sb_sql_vector_set *set) {
  static const char vectors[] = "CREATE TABLE \"%w\".\"%w_%s\"(id INTEGER PRIMARY KEY, vector BLOB NOT NULL)";
  sqlite3_stmt *statement = NULL;
  int code = sb_sql_vector_prepare(set, &statement, vectors);
  return finish(statement, code);
}

int sb_sql_shadow_tables_create(sb_sql_table *table) {
  static const char changes[] = "CREATE TABLE \"%w\".\"%w_changes\"(sequence INTEGER PRIMARY KEY, tag INTEGER NOT NULL,"
                                " id INTEGER NOT NULL)";
  int code = create_rows(table);
  for (int i = 0; code == SQLITE_OK && i < table->declaration.vector_count; i++) code = create_vectors(&table->sets[i]);
  if (code == SQLITE_OK) code = run(table, changes);
  return code == SQLITE_OK ? create_meta(table) : code;
}

/* ---- Opening */

/* Reads the rows of T_meta to the last: only a complete read shows what is missing. */
static sb_status read_meta(sb_sql_table *table, sqlite3_int64 *version, sb_error *error) {
  sqlite3_stmt *statement = NULL;
  bool row = true;
  int code =
      sb_sql_table_prepare(table, &statement, "SELECT key, value FROM \"%w\".\"%w_meta\"", table->schema, table->name);
  sb_status status = sb_sql_table_status(table, code, error);
  while (status == SB_OK && (status = sb_sql_table_step(table, statement, &row, error)) == SB_OK && row) {
    const char *key = (const char *)sqlite3_column_text(statement, 0);
    if (key && !strcmp(key, "version")) *version = sqlite3_column_int64(statement, 1);
    const char *value = (const char *)sqlite3_column_text(statement, 1);
    if (key && value && !strcmp(key, "identity")) snprintf(table->identity, sizeof table->identity, "%s", value);
    if (sqlite3_errcode(table->db) == SQLITE_NOMEM) status = sb_sql_table_status(table, SQLITE_NOMEM, error);
  }
  sqlite3_finalize(statement); /* the last step has given its error */
  return status;
}

sb_status sb_sql_shadow_tables_open(sb_sql_table *table, sb_error *error) {
  sqlite3_int64 version = 0;
  sb_status status = read_meta(table, &version, error);
  if (status != SB_OK) return status;
  if (version > SB_SQL_TABLE_VERSION)
    return sb_fail(error, SB_STORE,
                   "the table %s was made by a newer Semblance (version %lld; this one reads up to %d); upgrade",
                   table->name, version, SB_SQL_TABLE_VERSION);
  if (version < 1 || !*table->identity)
    return sb_fail(error, SB_STORE, "the tables of %s are damaged: %s_meta is not complete; restore a backup",
                   table->name, table->name);
  table->version = (int)version;
  return SB_OK;
}

/* ---- Renaming and dropping */

static int rename_one(sb_sql_table *table, const char *suffix, const char *name) {
  sqlite3_stmt *statement = NULL;
  int code = sb_sql_table_prepare(table, &statement, "ALTER TABLE \"%w\".\"%w_%s\" RENAME TO \"%w_%s\"", table->schema,
                                  table->name, suffix, name, suffix);
  return finish(statement, code);
}

int sb_sql_shadow_tables_rename(sb_sql_table *table, const char *name) {
  int code = SQLITE_OK;
  for (int i = 0; code == SQLITE_OK && i < SHADOW_TABLES; i++) code = rename_one(table, suffixes[i], name);
  for (int i = 0; code == SQLITE_OK && i < table->declaration.vector_count; i++)
    code = rename_one(table, table->sets[i].suffix, name);
  return code;
}

static int drop_one(sb_sql_table *table, const char *suffix) {
  sqlite3_stmt *statement = NULL;
  int code = sb_sql_table_prepare(table, &statement, "DROP TABLE IF EXISTS \"%w\".\"%w_%s\"", table->schema,
                                  table->name, suffix);
  return finish(statement, code);
}

int sb_sql_shadow_tables_drop(sb_sql_table *table) {
  int code = SQLITE_OK;
  for (int i = 0; code == SQLITE_OK && i < SHADOW_TABLES; i++) code = drop_one(table, suffixes[i]);
  for (int i = 0; code == SQLITE_OK && i < table->declaration.vector_count; i++)
    code = drop_one(table, table->sets[i].suffix);
  return code;
}

bool sb_sql_shadow_tables_has(const char *suffix) {
  char vectors[12];
  for (int i = 0; i < SHADOW_TABLES; i++)
    if (!sqlite3_stricmp(suffix, suffixes[i])) return true;
  for (int i = 0; i < SB_SQL_TABLE_VECTORS_MAX; i++) {
    sb_sql_shadow_tables_suffix(i, vectors);
    if (!sqlite3_stricmp(suffix, vectors)) return true;
  }
  return false;
}
