/* SQL statements in sticky-error style, over either database. A statement keeps its first failure in `status`; after
 * that every call does nothing, so a sequence of bind, step and column calls needs one check, that of sb_statement_end.
 *
 *   sb_statement s = sb_statement_new(store, "SELECT name FROM person WHERE id = ?", error);
 *   sb_statement_bind_int(&s, 1, row);
 *   while (sb_statement_step(&s)) ... sb_statement_column_text(&s, 0) ...
 *   return sb_statement_end(&s);
 *
 * Everything here is called under the store's lock. Parameters are numbered from 1, columns from 0. */
#ifndef SB_STORE_CORE_STATEMENT_H
#define SB_STORE_CORE_STATEMENT_H

#include "base/base.h"

struct sb_store;

typedef struct sb_statement {
  struct sb_store *store;
  void *raw;        /* the driver's */
  sb_status status; /* the first failure */
  sb_error *error;
  /* Set these before the first step. `cursor`: fetch rows in chunks instead of all at once; within a transaction only.
   * `copy`: the same, faster (PostgreSQL's COPY): no parameters, no text columns, and no other statement of this store
   * before the end. `pipelined`: neither rows nor their number are wanted, so within a transaction the statement may be
   * sent without waiting for its answer; its failure may show at a later statement, at the latest at the commit. */
  bool cursor, copy, pipelined;
} sb_statement;

sb_statement sb_statement_new(struct sb_store *store, const char *sql, sb_error *error);
/* See sb_driver.prepare_bulk. */
sb_statement sb_statement_new_bulk(struct sb_store *store, const char *table, const char *columns, int count,
                                   sb_error *error);
void sb_statement_bind_int(sb_statement *s, int index, int64_t value);
void sb_statement_bind_real(sb_statement *s, int index, double value);
/* Borrowed until the next step has returned. */
void sb_statement_bind_blob(sb_statement *s, int index, const void *bytes, size_t size);
void sb_statement_bind_blob_copy(sb_statement *s, int index, const void *bytes, size_t size);
void sb_statement_bind_text(sb_statement *s, int index, const char *text); /* borrowed, too */
bool sb_statement_step(sb_statement *s); /* true: a row; false: no more rows, or failed (see status) */
/* Columns of the row; pointers are valid until the next step. */
bool sb_statement_column_null(sb_statement *s, int column);
int64_t sb_statement_column_int(sb_statement *s, int column); /* 0 for NULL */
double sb_statement_column_real(sb_statement *s, int column);
const char *sb_statement_column_text(sb_statement *s, int column);               /* "" for NULL */
const void *sb_statement_column_blob(sb_statement *s, int column, size_t *size); /* NULL for NULL */
void sb_statement_reset(sb_statement *s); /* keeps the SQL: bind and step again */
/* Fails the statement with SB_NOT_FOUND, unless it has failed already: for a query that found no row. */
void sb_statement_not_found(sb_statement *s, const char *message);
sb_status sb_statement_end(sb_statement *s); /* frees; returns the status */

/* ---- Shorthands for whole statements */

/* Reads one row into an item of a list. */
typedef void (*sb_statement_row_read)(sb_statement *s, void *item);
/* Reads all rows, each into an item of `size` bytes; ends the statement. `*out`: released by free(). */
sb_status sb_statement_list(sb_statement *s, size_t size, sb_statement_row_read read, void **out, size_t *count);
/* Steps a statement that gives no rows, and ends it. */
sb_status sb_statement_run(sb_statement *s);
/* Runs a statement whose only parameter is a number. */
sb_status sb_store_exec_int(struct sb_store *store, const char *sql, int64_t value, sb_error *error);
/* Runs statements without parameters or rows. */
sb_status sb_store_exec(struct sb_store *store, const char *sql, sb_error *error);
/* The first column of the first row as a number, 0 without a row. */
sb_status sb_store_number(struct sb_store *store, const char *sql, int64_t *value, sb_error *error);
/* Rows written by the last statement that was not pipelined. */
int64_t sb_store_rows_written(struct sb_store *store);

/* ---- The table `meta`: single values by key */

sb_status sb_store_meta_set(struct sb_store *store, const char *key, const void *value, size_t size, sb_error *error);
sb_status sb_store_meta_delete(struct sb_store *store, const char *key, sb_error *error);
/* A statement that gives the value as column 0 of its only row, or no row. */
sb_statement sb_store_meta_select(struct sb_store *store, const char *key, sb_error *error);

#endif
