/*
 * Semblance: SQL over a gallery, and over tables of vectors.
 *
 * The public contract of the SQL session; the conventions are those of semblance.h. Statements are SQLite's SQL with
 * these additions:
 *   - the vector functions and the table kind `semblance` of docs/sql.md;
 *   - statements of InterSystems IRIS: SELECT TOP n, CREATE TABLE with VECTOR(type, n), CREATE INDEX ... AS HNSW(...)
 *     and others;
 *   - ORDER BY VECTOR_DOT_PRODUCT(column, vector) DESC LIMIT k is answered by the index, as are VECTOR_COSINE
 *     descending and VECTOR_L2 ascending.
 *
 * A session, and all statements of it, are used by one thread at a time.
 */
#ifndef SEMBLANCE_SQL_H
#define SEMBLANCE_SQL_H

#include <semblance/semblance.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A session. */
typedef struct sb_sql sb_sql;

typedef struct sb_sql_options {
  size_t struct_size;     /* sizeof(sb_sql_options) */
  sb_engine *engine;      /* for photos and the gallery; borrowed until sb_sql_close. NULL: neither is available */
  const char *collection; /* of the gallery; NULL: default */
  /* An SQLite file, opened as schema `main`; the files FILE.schema beside it are other schemas. NULL: an empty
   * database in memory and, with an engine, the gallery's tables dc_facialmatching.FacialData and faces. */
  const char *database;
  bool write; /* without it, statements that would change data fail with SB_READ_ONLY */
} sb_sql_options;

/* Opens a session. SB_NOT_FOUND: no such collection. SB_INVALID: no such file, unless `write`. SB_STORE: the file is
 * not a database. SB_READ_ONLY, SB_BUSY. */
SB_API sb_status sb_sql_open(const sb_sql_options *options, sb_sql **out, sb_error *error);
/* Finalize the statements first. NULL allowed. */
SB_API void sb_sql_close(sb_sql *sql);

typedef struct sb_sql_statement sb_sql_statement;

/* Compiles the first statement of `text`. `*rest` (`rest` may be NULL) points to the text after it. `*out` is NULL
 * when there was only white space or a comment. SB_INVALID: the statement is wrong; the message says why.
 * SB_READ_ONLY, SB_BUSY. */
SB_API sb_status sb_sql_prepare(sb_sql *sql, const char *text, const char **rest, sb_sql_statement **out,
                                sb_error *error);
SB_API void sb_sql_finalize(sb_sql_statement *statement); /* NULL allowed */

/* Parameters are numbered from 1. This is the largest number. */
SB_API int sb_sql_parameter_count(sb_sql_statement *statement);
/* The number of the parameter with a name, ":photo" or "photo". 0: there is no such parameter. */
SB_API int sb_sql_parameter(sb_sql_statement *statement, const char *name);
/* A parameter as it stands in the statement: ":photo", or "?". NULL: the statement has none of this number. */
SB_API const char *sb_sql_parameter_name(sb_sql_statement *statement, int parameter);
/* Parameters that are not bound are NULL. Values are copied. SB_INVALID: there is no such parameter. */
SB_API sb_status sb_sql_bind_null(sb_sql_statement *statement, int parameter, sb_error *error);
SB_API sb_status sb_sql_bind_int(sb_sql_statement *statement, int parameter, int64_t value, sb_error *error);
SB_API sb_status sb_sql_bind_real(sb_sql_statement *statement, int parameter, double value, sb_error *error);
SB_API sb_status sb_sql_bind_text(sb_sql_statement *statement, int parameter, const char *text, sb_error *error);
SB_API sb_status sb_sql_bind_blob(sb_sql_statement *statement, int parameter, const void *bytes, size_t size,
                                  sb_error *error);
/* Binds a vector of `dim` floats, 1 to 16,384. */
SB_API sb_status sb_sql_bind_vector(sb_sql_statement *statement, int parameter, const float *values, size_t dim,
                                    sb_error *error);
/* Binds the embedding of the one face in a photo. SB_MISUSE: the session has no engine. SB_NO_FACE,
 * SB_SEVERAL_FACES, the photo errors, SB_MODEL, SB_BUSY. */
SB_API sb_status sb_sql_bind_photo(sb_sql_statement *statement, int parameter, sb_photo photo, sb_error *error);

/* Runs the statement up to its next row. *row true: the row's columns can be read until the next call. False: the
 * statement is done; the next call runs it again. SB_EXISTS: an id or row exists already. SB_INVALID, SB_READ_ONLY,
 * SB_BUSY, SB_DISK_FULL, SB_STORE, SB_IO. */
SB_API sb_status sb_sql_step(sb_sql_statement *statement, bool *row, sb_error *error);
/* Makes the next sb_sql_step run the statement from the start. Bound values stay. */
SB_API void sb_sql_reset(sb_sql_statement *statement);

typedef enum sb_sql_type { SB_SQL_NULL, SB_SQL_INT, SB_SQL_REAL, SB_SQL_TEXT, SB_SQL_BLOB } sb_sql_type;
/* Columns are numbered from 0. */
SB_API int sb_sql_column_count(sb_sql_statement *statement);
SB_API const char *sb_sql_column_name(sb_sql_statement *statement, int column);
SB_API sb_sql_type sb_sql_column_type(sb_sql_statement *statement, int column);
SB_API int64_t sb_sql_column_int(sb_sql_statement *statement, int column);
SB_API double sb_sql_column_real(sb_sql_statement *statement, int column);
/* NULL for SQL's NULL. `*size` (`size` may be NULL) is the length in bytes without the terminator. Valid until the
 * next call for the statement. */
SB_API const char *sb_sql_column_text(sb_sql_statement *statement, int column, size_t *size);
SB_API const void *sb_sql_column_blob(sb_sql_statement *statement, int column, size_t *size);
/* A vector as JSON, "[0.25,-1,...]"; the caller frees it with free(). NULL: the column is not a vector, or out of
 * memory. */
SB_API char *sb_sql_column_vector(sb_sql_statement *statement, int column);
/* How many rows the last statement inserted, changed or deleted. */
SB_API int64_t sb_sql_changes(sb_sql *sql);

/* Whether the text ends with a complete statement and its semicolon. A prompt reads more lines until it does. */
SB_API bool sb_sql_complete(const char *text);

#ifdef __cplusplus
}
#endif

#endif
