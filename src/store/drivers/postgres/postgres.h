/* What the files of the PostgreSQL driver share: the session, the query behind a statement, and their functions.
 *
 *   connection.c  connecting, reconnecting, errors
 *   query.c       statements: parameters, prepared statements, pipeline mode, cursors, columns
 *   copy.c        statements that use COPY, in both directions
 *   postgres.c    transactions, and what PostgreSQL does in its own way; the driver's table */
#ifndef SB_STORE_DRIVERS_POSTGRES_H
#define SB_STORE_DRIVERS_POSTGRES_H

#include "store/core/store_core.h"

/* As <libpq-fe.h> declares them, which is not on every compiler's path. */
typedef struct pg_conn PGconn;
typedef struct pg_result PGresult;

/* A connection: sb_store.connection. Under the store's lock. */
typedef struct sb_postgres_session {
  PGconn *link; /* NULL or bad: to be opened again before the next statement outside of a transaction */
  bool reader;
  bool transaction; /* between begin and commit or rollback, also when the connection is lost meanwhile */
  int pending;      /* pipelined statements whose answers have not been read (libpq's pipeline mode) */
  bool notifies;    /* the commit of this transaction notifies those who wait */
  bool nodes;       /* the gallery is distributed by Citus */
  bool warned;      /* the database sent a warning since this was last cleared */
  bool listening;   /* LISTEN was sent on this connection */
  int64_t changed;  /* rows written by the last statement */
  double down_ms;   /* when the last attempt to connect was given up (sb_monotonic_ms), 0: never */
  char **prepared;  /* SQL of the prepared statements s0, s1 ... */
  size_t prepared_count;
} sb_postgres_session;

static inline sb_postgres_session *sb_postgres_session_of(const sb_store *store) {
  return store->connection;
}

/* NOTIFY channel in the gallery's database. */
#define SB_POSTGRES_CHANNEL "semblance_change"

/* ---- connection.c */

/* Makes sure of a connection with nothing pending. The failure of a pipelined statement; SB_BUSY or SB_IO after some
 * seconds of trying; SB_STORE where the database does not meet the requirements. */
sb_status sb_postgres_ready(sb_store *store, sb_error *error);
bool sb_postgres_lost(const sb_store *store);
void sb_postgres_close(sb_postgres_session *session);
/* The status for a failed result, which is cleared; NULL: for the connection's own error. */
sb_status sb_postgres_failed(sb_store *store, PGresult *result, sb_error *error);
/* Finds out whether the gallery is distributed by Citus. */
sb_status sb_postgres_find_nodes(sb_store *store, sb_error *error);
/* Runs statements without parameters; their rows are dropped. */
sb_status sb_postgres_exec(sb_store *store, const char *sql, sb_error *error);

/* ---- query.c: sb_statement.raw, and functions of sb_driver */

enum { SB_POSTGRES_PARAMETERS_MAX = 12 };

typedef struct sb_postgres_parameter {
  unsigned type;     /* Oid; 0: the server infers it */
  const char *bytes; /* NULL: NULL */
  int size;
  char number[8]; /* holds a number's bytes */
  char *copy;     /* owned copy of a blob, or NULL */
} sb_postgres_parameter;

/* A row received by COPY; its fields point into `bytes`, NULL for NULL. */
typedef struct sb_postgres_copied_row {
  char *bytes; /* libpq's; NULL: none */
  const uint8_t *fields[SB_POSTGRES_PARAMETERS_MAX];
  size_t sizes[SB_POSTGRES_PARAMETERS_MAX];
  int count;
} sb_postgres_copied_row;

typedef struct sb_postgres_query {
  char *sql;
  int count; /* of parameters */
  sb_postgres_parameter parameters[SB_POSTGRES_PARAMETERS_MAX];
  bool ran;
  PGresult *rows;
  int row;
  char cursor[24]; /* its name; "": none */
  bool copies_in;  /* each step sends the bound row by COPY */
  bool copies_out; /* rows come by COPY, and there may be more */
  sb_postgres_copied_row copied;
} sb_postgres_query;

void sb_postgres_prepare(sb_statement *s, const char *sql);
void sb_postgres_prepare_bulk(sb_statement *s, const char *table, const char *columns, int count);
void sb_postgres_bind_int(sb_statement *s, int index, int64_t value);
void sb_postgres_bind_real(sb_statement *s, int index, double value);
void sb_postgres_bind_text(sb_statement *s, int index, const char *text);
void sb_postgres_bind_blob(sb_statement *s, int index, const void *bytes, size_t size, bool copied);
bool sb_postgres_step(sb_statement *s);
bool sb_postgres_column_null(sb_statement *s, int column);
int64_t sb_postgres_column_int(sb_statement *s, int column);
double sb_postgres_column_real(sb_statement *s, int column);
const void *sb_postgres_column_bytes(sb_statement *s, int column, size_t *size);
void sb_postgres_reset(sb_statement *s);
void sb_postgres_end(sb_statement *s);

/* ---- copy.c */

/* Sends the COPY statement; each row has `count` fields. */
void sb_postgres_copy_in_begin(sb_statement *s, const char *sql, int count);
void sb_postgres_copy_in_row(sb_statement *s);
void sb_postgres_copy_in_end(sb_statement *s);
void sb_postgres_copy_out_begin(sb_statement *s);
/* Receives the next row. false: there is none, or it failed. `first`: the header comes before it. */
bool sb_postgres_copy_out_row(sb_statement *s, bool first);
/* Cancels a COPY that is still sending, and drops its rows. */
void sb_postgres_copy_out_end(sb_statement *s);

#endif
