/* Connections to PostgreSQL: opening one, checking that the server meets the requirements, opening it again with
 * exponential back-off when it is lost, and the statuses for PostgreSQL's error codes.
 *
 * TLS, passwords (SCRAM), client certificates and several hosts are libpq's business: they are given in the connection
 * string, in environment variables such as PGPASSWORD, or in ~/.pgpass. */
#include "store/drivers/postgres/postgres.h"

#include <libpq-fe.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
  SERVER_LEAST = 130000, /* PostgreSQL 13 */
  WAIT_FIRST_MS = 50,
  WAIT_ALL_MS = 6000, /* a server that restarts is back within seconds; callers wait that long */
  DOWN_MS = 1000      /* after that, callers fail at once for this long */
};

/* ---- Errors */

/* The first line of a message of libpq or the server. */
static void first_line(const char *text, char out[240]) {
  snprintf(out, 240, "%s", text ? text : "");
  out[strcspn(out, "\r\n")] = 0;
}

static sb_status connection_lost(const sb_store *store, sb_error *error) {
  if (sb_postgres_session_of(store)->transaction)
    return sb_fail(error, SB_BUSY, "the connection to the database was lost; nothing was changed; try again");
  return sb_fail(error, SB_BUSY, "the connection to the database was lost; try again");
}

bool sb_postgres_lost(const sb_store *store) {
  const sb_postgres_session *session = sb_postgres_session_of(store);
  return !session->link || PQstatus(session->link) != CONNECTION_OK;
}

/* By SQLSTATE (https://www.postgresql.org/docs/current/errcodes-appendix.html), a code or a class of codes. */
static const struct {
  const char *state;
  sb_status status;
  const char *message;
} errors[] = {
    {"53100", SB_DISK_FULL, "no space is left in the database; nothing was changed"},
    {"53200", SB_NO_MEMORY, "the database is out of memory"},
    {"55P03", SB_BUSY, "another program holds a lock on the gallery for too long; nothing was changed; try again"},
    {"57014", SB_BUSY, "the database took too long and was stopped; nothing was changed; try again"},
    {"40", SB_BUSY, "the database is busy; nothing was changed; try again"},
    {"25006", SB_READ_ONLY, "the database is read-only: it is a standby, or set to read only"},
};

static sb_status fail_for_state(const sb_store *store, const char *state, const char *message, sb_error *error) {
  if (sb_postgres_lost(store) || !strncmp(state, "57P", 3) || !strncmp(state, "08", 2))
    return connection_lost(store, error);
  for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
    if (!strncmp(state, errors[i].state, strlen(errors[i].state)))
      return sb_fail(error, errors[i].status, "%s", errors[i].message);
  if (!strcmp(state, "42501"))
    return sb_fail(error, SB_READ_ONLY, "the database's user lacks a privilege (%s); an administrator can grant it",
                   message);
  return sb_fail(error, SB_STORE, "the database refused an operation: %s", message);
}

sb_status sb_postgres_failed(sb_store *store, PGresult *result, sb_error *error) {
  char message[240];
  const char *state = result ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : NULL;
  const char *primary = result ? PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY) : NULL;
  first_line(primary ? primary : PQerrorMessage(sb_postgres_session_of(store)->link), message);
  sb_status status = fail_for_state(store, state ? state : "", message, error);
  PQclear(result);
  return status;
}

/* ---- Statements without parameters */

static sb_status run(sb_store *store, const char *sql, PGresult **out, sb_error *error) {
  PGresult *result = PQexec(sb_postgres_session_of(store)->link, sql);
  ExecStatusType kind = PQresultStatus(result);
  if (kind != PGRES_COMMAND_OK && kind != PGRES_TUPLES_OK) return sb_postgres_failed(store, result, error);
  if (out)
    *out = result;
  else
    PQclear(result);
  return SB_OK;
}

sb_status sb_postgres_exec(sb_store *store, const char *sql, sb_error *error) {
  sb_status status = sb_postgres_ready(store, error);
  return status == SB_OK ? run(store, sql, NULL, error) : status;
}

/* ---- Requirements: PostgreSQL 13 and pgvector 0.7 */

static sb_status add_pgvector(sb_store *store, sb_error *error) {
  sb_error cause = {0};
  sb_status status = run(store, "CREATE EXTENSION IF NOT EXISTS vector", NULL, &cause);
  if (status == SB_OK) return SB_OK;
  if (status == SB_READ_ONLY)
    return sb_fail(error, SB_STORE,
                   "the database has no pgvector, and its user may not add it; an administrator can, with: CREATE "
                   "EXTENSION vector");
  if (status == SB_BUSY) return sb_fail(error, status, "%s", cause.message);
  return sb_fail(error, SB_STORE,
                 "the database has no pgvector (%.200s); install it where PostgreSQL runs (Debian: "
                 "postgresql-17-pgvector), then: CREATE EXTENSION vector",
                 cause.message);
}

/* The schema that pgvector is installed in; "": it is not installed. */
static sb_status find_pgvector(sb_store *store, char schema[128], sb_error *error) {
  PGresult *rows = NULL;
  int major = 0, minor = 0;
  *schema = 0;
  sb_status status = run(store,
                         "SELECT e.extversion, quote_ident(n.nspname) FROM pg_catalog.pg_extension e"
                         " JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'vector'",
                         &rows, error);
  if (status != SB_OK) return status;
  if (PQntuples(rows)) {
    if (sscanf(PQgetvalue(rows, 0, 0), "%d.%d", &major, &minor) < 2 || (major == 0 && minor < 7))
      status = sb_fail(error, SB_STORE,
                       "the database has pgvector %.20s; halfvec came with 0.7.0: install a newer one, then ALTER "
                       "EXTENSION vector UPDATE",
                       PQgetvalue(rows, 0, 0));
    snprintf(schema, 128, "%s", PQgetvalue(rows, 0, 1));
  }
  PQclear(rows);
  return status;
}

/* Names are looked up in the gallery's own schema; statements and locks time out, unless the connection string sets the
 * limits; an acknowledged commit is durable. */
static const char settings[] =
    "SET search_path = semblance, %s; SET client_encoding = 'UTF8';"
    "SELECT set_config(name, given, false) FROM (VALUES('lock_timeout', '10s'), ('statement_timeout', '120s'),"
    " ('idle_in_transaction_session_timeout', '120s')) AS t(name, given) WHERE current_setting(name) = '0';"
    "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'";

static sb_status set_up(sb_store *store, sb_error *error) {
  char schema[128], sql[sizeof settings + 128];
  PGconn *link = sb_postgres_session_of(store)->link;
  if (PQserverVersion(link) < SERVER_LEAST)
    return sb_fail(error, SB_STORE, "the database is PostgreSQL %d; PostgreSQL 13 or newer is required",
                   PQserverVersion(link) / 10000);
  sb_status status = find_pgvector(store, schema, error);
  if (status != SB_OK) return status;
  if (!*schema && !sb_postgres_session_of(store)->reader) {
    status = add_pgvector(store, error);
    if (status != SB_OK) return status;
    status = find_pgvector(store, schema, error);
    if (status != SB_OK) return status;
  }
  snprintf(sql, sizeof sql, settings, *schema ? schema : "public");
  status = run(store, sql, NULL, error);
  return status == SB_OK ? sb_postgres_find_nodes(store, error) : status;
}

sb_status sb_postgres_find_nodes(sb_store *store, sb_error *error) {
  PGresult *rows = NULL;
  sb_status status = run(store, "SELECT 1 WHERE to_regclass('semblance.writer_turn') IS NOT NULL", &rows, error);
  if (status != SB_OK) return status;
  sb_postgres_session_of(store)->nodes = PQntuples(rows) > 0;
  PQclear(rows);
  return sb_postgres_session_of(store)->nodes
             ? run(store, "SET citus.multi_shard_modify_mode = 'sequential'", NULL, error)
             : SB_OK;
}

/* ---- Connecting */

static void clear_prepared(sb_postgres_session *session) {
  for (size_t i = 0; i < session->prepared_count; i++) free(session->prepared[i]);
  session->prepared_count = 0;
}

void sb_postgres_close(sb_postgres_session *session) {
  session->pending = 0;
  session->listening = false;
  PQfinish(session->link);
  session->link = NULL;
  clear_prepared(session);
}

#define PORT_USUAL "5432"

/* Settings before dbname are defaults that the connection string (dbname) may override. */
static const char *const keys[] = {"fallback_application_name",
                                   "connect_timeout",
                                   "keepalives_idle",
                                   "keepalives_interval",
                                   "tcp_user_timeout",
                                   "dbname",
                                   NULL};

/* Notices are meant for people at a prompt. A warning during a commit says that a node of Citus has not confirmed
 * it. */
static void take_notice(void *context, const PGresult *notice) {
  sb_postgres_session *session = context;
  const char *severity = PQresultErrorField(notice, PG_DIAG_SEVERITY_NONLOCALIZED);
  if (severity && !strcmp(severity, "WARNING")) session->warned = true;
}

/* `*again`: the server does not listen, or not yet, so the attempt may be repeated. */
static sb_status connect_once(sb_store *store, bool *again, sb_error *error) {
  char message[240];
  sb_postgres_session *session = sb_postgres_session_of(store);
  bool replica = store->single_attempt; /* the primary can answer instead */
  const char *const values[] = {"semblance", replica ? "2" : "10", "30", "10", "20000", store->url, NULL};
  sb_postgres_close(session);
  *again = false;
  session->link = PQconnectdbParams(keys, values, 1);
  if (!session->link) return sb_fail(error, SB_NO_MEMORY, "out of memory");
  PQsetNoticeReceiver(session->link, take_notice, session);
  if (PQstatus(session->link) == CONNECTION_OK) {
    sb_status status = set_up(store, error);
    *again = status == SB_BUSY;
    return status;
  }
  first_line(PQerrorMessage(session->link), message);
  PGPing ping = PQpingParams(keys, values, 1);
  *again = ping == PQPING_REJECT || ping == PQPING_NO_RESPONSE;
  if (ping == PQPING_NO_ATTEMPT)
    return sb_fail(error, SB_INVALID, "the connection string of --store%s cannot be read: %s",
                   replica ? "-replica" : "", message);
  if (*again) return sb_fail(error, SB_IO, "the database cannot be reached: %s", message);
  return sb_fail(error, SB_STORE, "the database refused the connection: %s", message);
}

/* false: sb_store_cancel_waits was called. */
static bool pause_for(const sb_store *store, long ms) {
  struct pollfd cancelled = {.fd = store->cancel_event, .events = POLLIN};
  return poll(&cancelled, 1, (int)ms) <= 0;
}

static sb_status connect_with_retries(sb_store *store, sb_error *error) {
  sb_postgres_session *session = sb_postgres_session_of(store);
  double begun = sb_monotonic_ms();
  if (session->down_ms > 0 && begun - session->down_ms < DOWN_MS)
    return sb_fail(error, SB_BUSY, "the database cannot be reached; try again in a moment");
  for (long wait = WAIT_FIRST_MS;; wait *= 2) {
    bool again = false;
    sb_status status = connect_once(store, &again, error);
    if (status == SB_OK) {
      session->down_ms = 0;
      return SB_OK;
    }
    sb_postgres_close(session);
    if (!again || store->single_attempt || sb_monotonic_ms() - begun + (double)wait > WAIT_ALL_MS ||
        !pause_for(store, wait)) {
      session->down_ms = sb_monotonic_ms();
      return status;
    }
  }
}

/* Reads the answers of pipelined statements. Returns the first failure; the server has skipped the statements after
 * it. */
static sb_status read_pending(sb_store *store, sb_error *error) {
  sb_postgres_session *session = sb_postgres_session_of(store);
  sb_status status = SB_OK;
  bool synced = !PQpipelineSync(session->link);
  for (int empty = 0; !synced && empty < 2 && !sb_postgres_lost(store);) { /* a NULL ends each statement's answers */
    PGresult *result = PQgetResult(session->link);
    ExecStatusType kind = PQresultStatus(result);
    empty = result ? 0 : empty + 1;
    synced = result && kind == PGRES_PIPELINE_SYNC;
    if (result && status == SB_OK && (kind == PGRES_FATAL_ERROR || kind == PGRES_BAD_RESPONSE))
      status = sb_postgres_failed(store, result, error);
    else
      PQclear(result);
  }
  session->pending = 0;
  if (status == SB_OK && sb_postgres_lost(store)) return connection_lost(store, error);
  PQexitPipelineMode(session->link);
  return status;
}

sb_status sb_postgres_ready(sb_store *store, sb_error *error) {
  sb_postgres_session *session = sb_postgres_session_of(store);
  if (session->pending) return read_pending(store, error);
  if (!sb_postgres_lost(store)) return SB_OK;
  bool stays = session->transaction || (store->single_attempt && session->link);
  return stays ? connection_lost(store, error) : connect_with_retries(store, error);
}

size_t sb_store_ports(const char *url, uint16_t *ports, size_t room) {
  PQconninfoOption *options = PQconninfoParse(url, NULL), *port = options;
  size_t count = 0;
  while (port && port->keyword && strcmp(port->keyword, "port")) port++;
  const char *text = port && port->val ? port->val : getenv("PGPORT");
  if (!text || !*text) text = PORT_USUAL;
  for (char *end = NULL; options && count < room; text = end + 1) { /* one for each host */
    unsigned long number = strtoul(text, &end, 10);
    if (number && number <= UINT16_MAX) ports[count++] = (uint16_t)number;
    if (*end != ',') break;
  }
  PQconninfoFree(options);
  return count;
}
