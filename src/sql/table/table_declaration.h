/* The columns of CREATE VIRTUAL TABLE t USING semblance(v FLOAT[512] metric=cosine, name TEXT, ...). */
#ifndef SB_SQL_TABLE_DECLARATION_H
#define SB_SQL_TABLE_DECLARATION_H

#include "sql/vectors/metric.h"

enum { SB_SQL_TABLE_COLUMNS_MAX = 500, SB_SQL_TABLE_VECTORS_MAX = 16 };

typedef struct sb_sql_vector_column {
  int column; /* its number among the declared columns */
  size_t dim; /* elements of a vector */
  sb_sql_element element;
  sb_sql_metric metric;
  bool not_null;
} sb_sql_vector_column;

typedef struct sb_sql_table_declaration {
  sb_sql_vector_column vectors[SB_SQL_TABLE_VECTORS_MAX];
  int vector_count;
  int columns;     /* the declared columns, with those of vectors; the hidden columns follow them */
  int key;         /* the number of the INTEGER PRIMARY KEY column, another name of the rowid; -1: none */
  char **names;    /* of the declared columns, without quotes */
  char **types;    /* the text after each name, for SQLite, without PRIMARY KEY; "" for columns of vectors */
  bool *partition; /* which columns are a PARTITION KEY */
} sb_sql_table_declaration;

/* The hidden columns, numbered from `columns` on. The last has the table's name: INSERT INTO t(t) VALUES(command). */
enum { SB_SQL_HIDDEN_DISTANCE, SB_SQL_HIDDEN_SIMILARITY, SB_SQL_HIDDEN_K, SB_SQL_HIDDEN_RANK, SB_SQL_HIDDEN_COMMAND };

/* Reads the module's arguments, one a column. SB_INVALID, naming the column. */
sb_status sb_sql_table_declaration_read(int count, const char *const *arguments, const char *table,
                                        sb_sql_table_declaration *out, sb_error *error);
void sb_sql_table_declaration_free(sb_sql_table_declaration *declaration);
/* The number of a column among those of vectors; -1: it is none of them. */
int sb_sql_table_declaration_vector(const sb_sql_table_declaration *declaration, int column);
/* Whether T_rows has the column: it is neither of vectors nor a name of the rowid. */
bool sb_sql_table_declaration_in_rows(const sb_sql_table_declaration *declaration, int column);
/* Whether the column was declared UNIQUE. */
bool sb_sql_table_declaration_is_unique(const sb_sql_table_declaration *declaration, int column);
/* Appends the CREATE TABLE statement that sqlite3_declare_vtab takes. */
sb_status sb_sql_table_declaration_sql(const sb_sql_table_declaration *declaration, const char *table, sb_buffer *out,
                                       sb_error *error);

#endif
