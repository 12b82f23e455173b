/* For tests that run on both databases. If SB_TEST_POSTGRES is set, it is the URL of a PostgreSQL database, which is
 * emptied for each test (tests/postgres sets it); otherwise the tests use SQLite, in a file in the test's folder. */
#ifndef SB_TESTS_SERVER_H
#define SB_TESTS_SERVER_H

#include "unit.h"

#include <libpq-fe.h>

static inline const char *server(void) {
  return getenv("SB_TEST_POSTGRES");
}

/* The answer to statements behind the store's back; NULL: they failed. */
static inline PGresult *ask_server(const char *sql, bool binary) {
  PGconn *link = PQconnectdb(server());
  PQclear(PQexec(link, "SET client_min_messages = error; SET search_path = semblance, public"));
  PGresult *result = binary ? PQexecParams(link, sql, 0, NULL, NULL, NULL, NULL, 1) : PQexec(link, sql);
  ExecStatusType kind = PQresultStatus(result);
  if (kind != PGRES_COMMAND_OK && kind != PGRES_TUPLES_OK) {
    print_error("%s", PQerrorMessage(link));
    PQclear(result);
    result = NULL;
  }
  PQfinish(link);
  return result;
}

static inline bool emptied(void) {
  PGresult *result = server() ? ask_server("DROP SCHEMA IF EXISTS semblance CASCADE", false) : NULL;
  bool done = !server() || result;
  PQclear(result);
  return done;
}

#endif
