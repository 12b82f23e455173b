/* The table kind `semblance`: rows with vectors, searched through indexes in memory.
 *
 * All data of a table T are in ordinary SQLite tables beside it (its shadow tables), so that transactions,
 * savepoints, other processes, VACUUM and backups work without code of this project:
 *   T_rows(id, c0, c1, ...)       the ordinary columns; cN is column N of the declaration
 *   T_vectors(id, vector)         the first column of vectors: tagged blobs (docs/formats.md), empty for NULL
 *   T_vectors1(id, vector)        the second one, and so on
 *   T_changes(sequence, tag, id)  the row of each change to a vector; `tag` is random and tells two histories apart
 *   T_meta(key, value)            version, identity
 *
 * A column of vectors has an index (index_cache.h), which follows T_changes. This header has the table's data and what
 * every file of the folder uses; the methods that SQLite calls are in methods.h. An sb_sql_table belongs to one
 * connection and is used by one thread at a time. */
#ifndef SB_SQL_TABLE_TABLE_H
#define SB_SQL_TABLE_TABLE_H

#include "sql/sqlite.h"
#include "sql/table/table_declaration.h"

enum {
  SB_SQL_TABLE_VERSION = 2,            /* of the shadow tables; version 1 has one column of vectors, without NULL */
  SB_SQL_TABLE_VERSION_WITH_NULLS = 2, /* from this one on */
  SB_SQL_TABLE_K_MAX = 4096,
  SB_SQL_TABLE_IDENTITY_SIZE = 33, /* 32 hex digits and the terminator */
};

/* Statements that a table compiles once and reuses. Cursors have their own, as several may be open at a time. */
typedef enum sb_sql_statement_id {
  SB_SQL_STATEMENT_INSERT_ROW,
  SB_SQL_STATEMENT_UPDATE_ROW,
  SB_SQL_STATEMENT_DELETE_ROW,
  SB_SQL_STATEMENT_ADD_CHANGE,
  SB_SQL_STATEMENT_TRIM_CHANGES,
  SB_SQL_STATEMENT_LAST_CHANGE,
  SB_SQL_STATEMENT_CHANGE_TAG,
  SB_SQL_STATEMENT_COUNT
} sb_sql_statement_id;

/* The same for each column of vectors. */
typedef enum sb_sql_vector_statement_id {
  SB_SQL_VECTOR_INSERT,
  SB_SQL_VECTOR_UPDATE,
  SB_SQL_VECTOR_MOVE, /* to another row id */
  SB_SQL_VECTOR_DELETE,
  SB_SQL_VECTOR_READ,
  SB_SQL_VECTOR_STATEMENT_COUNT
} sb_sql_vector_statement_id;

typedef struct sb_sql_table sb_sql_table;

/* A column of vectors: its shadow table and its index. */
typedef struct sb_sql_vector_set {
  sb_sql_table *table;
  const sb_sql_vector_column *column;
  int number;                       /* among the columns of vectors */
  char suffix[12];                  /* of its shadow table: "vectors", "vectors1" ... */
  struct sb_sql_index_cache *cache; /* counted; shared with other connections to the same file */
  sqlite3_stmt *statements[SB_SQL_VECTOR_STATEMENT_COUNT];
  float *scratch; /* room for one vector of a type other than FLOAT */
} sb_sql_vector_set;

struct sb_sql_table {
  sqlite3_vtab base;
  sqlite3 *db;
  char *schema, *name;
  char identity[SB_SQL_TABLE_IDENTITY_SIZE]; /* random; two tables of the same name differ in it */
  int version;                               /* of its shadow tables */
  sb_sql_table_declaration declaration;
  sb_sql_vector_set sets[SB_SQL_TABLE_VECTORS_MAX]; /* declaration.vector_count of them */
  sqlite3_stmt *statements[SB_SQL_STATEMENT_COUNT];
  int failed; /* the code of the SQLite call that failed in the method in progress; SQLITE_OK: none did */
};

/* ---- Statements on the shadow tables */

/* Compiles a statement. `format` is one of sqlite3_mprintf; quote schema and table as "\"%w\".\"%w_rows\"". Returns
 * SQLite's code. */
int sb_sql_table_prepare(sb_sql_table *table, sqlite3_stmt **out, const char *format, ...);
/* Gives one of the reused statements, compiled on first use, reset and without bindings. Returns SQLite's code. */
int sb_sql_table_statement(sb_sql_table *table, sb_sql_statement_id which, sqlite3_stmt **out);
/* The same for a column of vectors; `format` takes schema, table and suffix: "\"%w\".\"%w_%s\"". */
int sb_sql_vector_prepare(sb_sql_vector_set *set, sqlite3_stmt **out, const char *format);
int sb_sql_vector_statement(sb_sql_vector_set *set, sb_sql_vector_statement_id which, sqlite3_stmt **out);
/* Finalizes all reused statements; they compile again on their next use. */
void sb_sql_table_finalize(sb_sql_table *table);
/* Reads the next row. *row false: there are no more. */
sb_status sb_sql_table_step(sb_sql_table *table, sqlite3_stmt *statement, bool *row, sb_error *error);
/* The vector in column `column` of a statement, borrowed until the statement moves on; NULL has no elements (dim 0).
 * SB_STORE: the blob is damaged. SB_NO_MEMORY. */
sb_status sb_sql_vector_read(sb_sql_vector_set *set, sqlite3_stmt *statement, int column, sb_sql_value *out,
                             sb_error *error);
/* The same as `dim` floats at any alignment, as the index has them; borrowed until the next call for the set. NULL: the
 * vector is NULL. */
sb_status sb_sql_vector_floats(sb_sql_vector_set *set, sqlite3_stmt *statement, int column, const uint8_t **floats,
                               sb_error *error);

/* ---- Errors */

/* The status of SQLite's code on the table's connection, with SQLite's message. SB_OK for OK, ROW and DONE. */
sb_status sb_sql_table_status(sb_sql_table *table, int code, sb_error *error);
/* Ends a method: makes `error` the table's message and returns a code for SQLite. That is the code of the SQLite call
 * that failed, if one did: the caller has to know SQLITE_BUSY, SQLITE_INTERRUPT or SQLITE_SCHEMA. */
int sb_sql_table_fail(sb_sql_table *table, sb_status status, const sb_error *error);
/* Ends a method: makes SQLite's message for `code` the table's message, and returns `code`. */
int sb_sql_table_sqlite_error(sb_sql_table *table, int code);

#endif
