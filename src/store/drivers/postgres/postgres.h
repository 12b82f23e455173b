/* What the files of the PostgreSQL driver share. */
#ifndef SB_STORE_DRIVERS_POSTGRES_H
#define SB_STORE_DRIVERS_POSTGRES_H

#include "store/internal.h"

/* As <libpq-fe.h> names them, which is not on every compiler's path. */
typedef struct pg_conn PGconn;
typedef struct pg_result PGresult;

/* A connection, under the store's lock. */
typedef struct sb_postgres_session {
  PGconn *link; /* NULL or bad: to be made anew before the next statement that is in no transaction */
  bool reader;
  bool transaction; /* between begin and commit or rollback, also when the connection is lost meanwhile */
  int ahead;        /* statements that were sent and whose answers were not read yet (libpq's pipeline mode) */
  bool calls;       /* the transaction's commit calls those who watch */
  int64_t changed;  /* rows that the last statement wrote */
  double down_ms;   /* when the database was given up last (sb_monotonic_ms), 0: never */
  char **prepared;  /* the text of statement s0, s1 ... on this connection */
  size_t prepared_count;
} sb_postgres_session;

/* Of NOTIFY, in the gallery's database. */
#define SB_POSTGRES_CHANNEL "semblance_change"

/* ---- postgres_link.c: connections and their errors */

/* There is a connection, and nothing is ahead; the failure of what was ahead; SB_BUSY or SB_IO after some seconds of trying, SB_STORE where the database is not fit. */
sb_status sb_postgres_ready(sb_store *store, sb_error *error);
bool sb_postgres_lost(const sb_postgres_session *session);
void sb_postgres_close(sb_postgres_session *session);
/* The status for what the server answered; clears the result. */
sb_status sb_postgres_failed(sb_store *store, PGresult *result, sb_error *error);
/* Statements without parameters; their rows are dropped. */
sb_status sb_postgres_exec(sb_store *store, const char *sql, sb_error *error);

/* ---- postgres_schema.c */
enum { SB_POSTGRES_STEPS = 2 };
extern const sb_store_schema_step sb_postgres_steps[SB_POSTGRES_STEPS];
sb_status sb_postgres_schema(sb_store *store, int64_t *version, sb_error *error);
sb_status sb_postgres_schema_done(sb_store *store, sb_error *error);

#endif
