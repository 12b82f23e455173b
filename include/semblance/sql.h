/*
 * Semblance: SQL over a gallery and over vectors of one's own.
 *
 * The public contract of the SQL session; conventions as in semblance.h. Statements are SQLite's SQL with these additions:
 *   - the vector functions and the table kind `semblance` of docs/sql.md;
 *   - SELECT TOP n, CREATE INDEX ... AS HNSW(...) and TO_VECTOR(x, type) with a bare type, as InterSystems IRIS has them;
 *   - ORDER BY VECTOR_DOT_PRODUCT|VECTOR_COSINE(column, probe) DESC (VECTOR_L2 ascending) LIMIT k is answered by the index.
 */
#ifndef SEMBLANCE_SQL_H
#define SEMBLANCE_SQL_H

#include <semblance/semblance.h>

#ifdef __cplusplus
extern "C" {
#endif

/* One thread at a time. */
typedef struct sb_sql sb_sql;

typedef struct sb_sql_options {
  size_t struct_size;
  sb_engine *engine;      /* borrowed until sb_sql_close: photos, and the gallery; NULL: neither */
  const char *collection; /* of the gallery; NULL: default */
  const char *database;   /* an SQLite file as schema `main`; NULL: an empty database in memory, and with an engine its
                             gallery as dc_facialmatching.FacialData and as faces */
  bool write;             /* else what would change a table is refused with SB_READ_ONLY */
} sb_sql_options;

/* SB_NOT_FOUND (collection), SB_INVALID (no such file, unless `write`), SB_STORE (no database), SB_READ_ONLY, SB_BUSY. */
SB_API sb_status sb_sql_open(const sb_sql_options *options, sb_sql **out, sb_error *error);
SB_API void sb_sql_close(sb_sql *sql); /* after its statements */

/* Of the session's thread. */
typedef struct sb_sql_statement sb_sql_statement;

/* Compiles the first statement of `text`. `*rest` (NULL allowed) is where the next one begins; `*out` is NULL when there
 * was only space or a comment. SB_INVALID: the statement is wrong, and why. */
SB_API sb_status sb_sql_prepare(sb_sql *sql, const char *text, const char **rest, sb_sql_statement **out,
                                sb_error *error);
SB_API void sb_sql_finalize(sb_sql_statement *statement);

/* Parameters count from 1. The number of a name (":photo", or "photo"); 0: there is none. */
SB_API int sb_sql_parameter_count(sb_sql_statement *statement);
SB_API int sb_sql_parameter(sb_sql_statement *statement, const char *name);
/* What is not bound is NULL. Values are copied. SB_INVALID: there is no such parameter. */
SB_API sb_status sb_sql_bind_null(sb_sql_statement *statement, int parameter, sb_error *error);
SB_API sb_status sb_sql_bind_int(sb_sql_statement *statement, int parameter, int64_t value, sb_error *error);
SB_API sb_status sb_sql_bind_real(sb_sql_statement *statement, int parameter, double value, sb_error *error);
SB_API sb_status sb_sql_bind_text(sb_sql_statement *statement, int parameter, const char *text, sb_error *error);
SB_API sb_status sb_sql_bind_blob(sb_sql_statement *statement, int parameter, const void *bytes, size_t size,
                                  sb_error *error);
/* A vector of `dim` floats. */
SB_API sb_status sb_sql_bind_vector(sb_sql_statement *statement, int parameter, const float *values, size_t dim,
                                    sb_error *error);
/* The embedding of the one face in a photo. SB_NO_FACE, SB_SEVERAL_FACES, the photo errors, SB_MODEL, SB_BUSY. */
SB_API sb_status sb_sql_bind_photo(sb_sql_statement *statement, int parameter, sb_photo photo, sb_error *error);

/* `*row`: there is a row, whose columns can be read until the next call; false: the statement is done (and begins anew with
 * the next call). SB_INVALID, SB_EXISTS (an id or row is taken), SB_READ_ONLY, SB_BUSY, SB_DISK_FULL, SB_STORE, SB_IO. */
SB_API sb_status sb_sql_step(sb_sql_statement *statement, bool *row, sb_error *error);
/* Begins anew; what is bound stays. */
SB_API void sb_sql_reset(sb_sql_statement *statement);

typedef enum sb_sql_type { SB_SQL_NULL, SB_SQL_INT, SB_SQL_REAL, SB_SQL_TEXT, SB_SQL_BLOB } sb_sql_type;
/* Columns count from 0. */
SB_API int sb_sql_column_count(sb_sql_statement *statement);
SB_API const char *sb_sql_column_name(sb_sql_statement *statement, int column);
SB_API sb_sql_type sb_sql_column_type(sb_sql_statement *statement, int column);
SB_API int64_t sb_sql_column_int(sb_sql_statement *statement, int column);
SB_API double sb_sql_column_real(sb_sql_statement *statement, int column);
/* NULL for SQL's NULL. `*size` (NULL allowed): bytes without the terminator. Valid until the next call for the statement. */
SB_API const char *sb_sql_column_text(sb_sql_statement *statement, int column, size_t *size);
SB_API const void *sb_sql_column_blob(sb_sql_statement *statement, int column, size_t *size);
/* A vector as JSON, "[0.25,-1,...]", to be released by free(); NULL: the column holds none, or out of memory. */
SB_API char *sb_sql_column_vector(sb_sql_statement *statement, int column);
/* The rows that the last statement inserted, changed or deleted. */
SB_API int64_t sb_sql_changes(sb_sql *sql);

/* Does the text end with a whole statement, semicolon and all? For prompts, which else wait for more lines. */
SB_API bool sb_sql_complete(const char *text);

#ifdef __cplusplus
}
#endif

#endif
