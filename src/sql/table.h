/* The table kind `semblance`: rows with a vector, searched through an index in memory.
 *
 * The truth is in four ordinary tables beside each such table T, so that transactions, savepoints, other processes, VACUUM
 * and backups need no code of their own:
 *   T_rows(id, c0, c1, ...)       the ordinary columns, by their place among all columns
 *   T_vectors(id, vector)         tagged blobs of floats (docs/formats.md)
 *   T_changes(sequence, tag, id)  whose vector changed; `tag` is random, so that two histories are told apart
 *   T_meta(key, value)            version, identity
 *
 * The index (mirror.h) follows T_changes. */
#ifndef SB_SQL_TABLE_H
#define SB_SQL_TABLE_H

#include "sql/parts.h"

enum {
  SB_TABLE_VERSION = 1,
  SB_TABLE_COLUMNS_MAX = 500,
  SB_TABLE_K_MAX = 4096,
  SB_IDENTITY_SIZE = 33, /* 32 hex digits */
};

/* What CREATE VIRTUAL TABLE says. */
typedef struct sb_declaration {
  size_t dim;
  sb_measure metric;
  int columns;  /* the user's, the vector among them; the hidden ones come after them */
  int vector;   /* which one it is */
  char **names; /* of the user's columns, without quotes */
  char **kinds; /* what stands after the name; "" for the vector */
} sb_declaration;
/* The hidden columns, from `columns` on. */
enum { SB_HIDDEN_DISTANCE, SB_HIDDEN_SIMILARITY, SB_HIDDEN_K, SB_HIDDEN_RANK, SB_HIDDEN_COMMAND };

/* From the module's arguments. SB_INVALID. */
sb_status sb_declaration_read(int count, const char *const *arguments, const char *table, sb_declaration *out,
                              sb_error *error);
void sb_declaration_free(sb_declaration *declaration);
/* The statement for sqlite3_declare_vtab. */
sb_status sb_declaration_sql(const sb_declaration *declaration, const char *table, sb_buffer *out, sb_error *error);

/* ascending, without doubles */
typedef struct sb_ids {
  int64_t *items;
  size_t count, room;
} sb_ids;
sb_status sb_ids_add(sb_ids *ids, int64_t id, sb_error *error); /* at the end */
void sb_ids_sort(sb_ids *ids);
void sb_ids_intersect(sb_ids *ids, const sb_ids *others);
bool sb_ids_hold(const sb_ids *ids, int64_t id);
void sb_ids_free(sb_ids *ids);

typedef struct sb_index_cache sb_index_cache;

/* Statements kept for writing; those of reading belong to cursors. */
typedef enum sb_kept {
  SB_KEPT_INSERT_ROW,
  SB_KEPT_UPDATE_ROW,
  SB_KEPT_DELETE_ROW,
  SB_KEPT_INSERT_VECTOR,
  SB_KEPT_UPDATE_VECTOR,
  SB_KEPT_MOVE_VECTOR,
  SB_KEPT_DELETE_VECTOR,
  SB_KEPT_CHANGE,
  SB_KEPT_TRIM,
  SB_KEPT_LAST,
  SB_KEPT_TAG,
  SB_KEPT_VECTOR,
  SB_KEPT_COUNT
} sb_kept;

/* One connection's. */
typedef struct sb_table {
  sqlite3_vtab base;
  sqlite3 *db;
  char *schema, *name;
  char identity[SB_IDENTITY_SIZE];
  sb_declaration declaration;
  sb_index_cache *mirror;
  sqlite3_stmt *kept[SB_KEPT_COUNT];
} sb_table;

/* A statement about the table's own tables: "%s" twice in `format` is schema and name, quoted by it ("\"%w\".\"%w_rows\""). */
int sb_table_prepare(sb_table *table, sqlite3_stmt **out, const char *format, ...);
/* The kept statement, compiled when first wanted and ready to be bound. */
int sb_table_kept(sb_table *table, sb_kept which, sqlite3_stmt **out);
void sb_table_forget(sb_table *table); /* finalizes the kept ones */
/* Gives `code` and SQLite's words for it as the table's message. */
int sb_table_failed(sb_table *table, int code);
/* The same for an error of this project. */
int sb_table_refused(sb_table *table, sb_status status, const sb_error *error);
/* The status of SQLite's code on the table's connection. */
sb_status sb_table_status(sb_table *table, int code, sb_error *error);
/* A vector of the table from its blob: `dim` floats, borrowed. SB_STORE: it is damaged. */
sb_status sb_table_vector(const sb_table *table, sqlite3_stmt *statement, int column, const uint8_t **floats,
                          sb_error *error);

/* ---- plan.c, cursor.c, write.c, check.c: the module's methods */
int sb_table_best_index(sqlite3_vtab *base, sqlite3_index_info *info);
int sb_table_open(sqlite3_vtab *base, sqlite3_vtab_cursor **out);
int sb_table_close(sqlite3_vtab_cursor *base);
int sb_table_filter(sqlite3_vtab_cursor *base, int number, const char *text, int count, sqlite3_value **values);
int sb_table_next(sqlite3_vtab_cursor *base);
int sb_table_eof(sqlite3_vtab_cursor *base);
int sb_table_column(sqlite3_vtab_cursor *base, sqlite3_context *context, int column);
int sb_table_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *out);
int sb_table_update(sqlite3_vtab *base, int count, sqlite3_value **values, sqlite3_int64 *rowid);
/* SB_STORE with what is wrong. */
sb_status sb_table_check(sb_table *table, sb_error *error);

/* ---- The plan: what best_index tells filter, by idxNum and idxStr. */
enum {
  SB_PLAN_NEAREST = 1 << 0, /* the first value is the probe */
  SB_PLAN_MATCH = 1 << 1, /* asked for by MATCH: a NULL finds nothing; else by a function, of which every row is true */
  SB_PLAN_K = 1 << 2,     /* the next value is k */
  SB_PLAN_VECTOR = 1 << 3,    /* the vector is wanted */
  SB_PLAN_ROWS = 1 << 4,      /* ordinary columns are wanted */
  SB_PLAN_BACKWARDS = 1 << 5, /* by falling rowid */
  SB_PLAN_MEASURE = 8,        /* << : the sb_measure */
};
/* A condition on the rows, of which the text holds one each: " c2 > NOCASE;" or " rowid in BINARY;" */
typedef struct sb_condition {
  int column; /* -1: the rowid */
  char operator[12], collation[64];
} sb_condition;
/* The next condition of a plan's text; false at its end. */
bool sb_plan_next(const char **text, sb_condition *out);
/* What stands in a statement's WHERE for it, with a ? for the value where there is one. */
sb_status sb_condition_sql(const sb_condition *condition, size_t values, sb_buffer *out, sb_error *error);

/* ---- filter.c: the rows that meet all conditions of a plan. `values`: one each; of `in` a list of SQLite's. */
sb_status sb_filter_ids(sb_table *table, const char *plan, int count, sqlite3_value **values, sb_ids *out,
                        sb_error *error);

#endif
