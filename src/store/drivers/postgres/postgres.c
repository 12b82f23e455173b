/* PostgreSQL driver (with pgvector): a database that any number of Semblance servers share.
 *
 * Invariants
 *   1. A writer holds one advisory lock of the database until its commit is visible (the lock is released after that).
 *      So there is one writer at a time, as in SQLite: the audit log is one chain, a look-up of an id stays valid until
 *      the insertion, and rows of `change` become visible in the order of their numbers. A reader that has seen number
 *      n has missed none below n.
 *   2. A connection that is lost between two transactions is opened again and the statement repeated; within a
 *      transaction, the whole transaction fails. If the answer to a commit is lost, the error says that the outcome is
 *      unknown.
 *   3. A pipelined statement has been answered before the commit is sent. */
#include "store/drivers/postgres/postgres.h"

#include <libpq-fe.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WRITERS_LOCK = 0x53424c43 /* "SBLC" */ };

static sb_status connect_server(sb_store *store, bool reader, sb_error *error) {
  sb_postgres_session *session = sb_alloc(1, sizeof *session, error);
  if (!session) return SB_NO_MEMORY;
  session->reader = reader;
  store->connection = session;
  return sb_postgres_ready(store, error);
}

static void disconnect(sb_store *store) {
  sb_postgres_session *session = sb_postgres_session_of(store);
  sb_postgres_close(session);
  free(session->prepared);
  free(session);
}

static int64_t rows_written(sb_store *store) {
  return sb_postgres_session_of(store)->changed;
}

/* ---- Transactions */

static void rollback(sb_store *store) {
  sb_postgres_session *session = sb_postgres_session_of(store);
  if (session->pending) sb_postgres_ready(store, NULL);
  if (session->transaction && !sb_postgres_lost(store)) PQclear(PQexec(session->link, "ROLLBACK"));
  session->transaction = false;
}

static sb_status begin(sb_store *store, bool writes, sb_error *error) {
  char sql[160] = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
  sb_postgres_session *session = sb_postgres_session_of(store);
  sb_status status = SB_OK;
  if (writes)
    snprintf(sql, sizeof sql, "BEGIN; SELECT pg_advisory_xact_lock(%d)%s", WRITERS_LOCK,
             session->nodes ? "; UPDATE writer_turn SET turn = turn + 1" : "");
  for (int attempt = 0; attempt < 2; attempt++) {
    status = sb_postgres_exec(store, sql, error);
    if (status == SB_OK || !sb_postgres_lost(store)) break;
  }
  session->transaction = true;
  session->notifies = false;
  if (status != SB_OK) rollback(store);
  return status;
}

/* ---- Nodes of Citus. The table writer_turn has one row, of which each node has a copy.
 *   1. Each writer updates it first. Its commit is therefore one in two phases over all nodes: change and audit, which
 *      only the coordinator has, and people and faces become durable together.
 *   2. A node that has prepared a commit and not yet confirmed it holds the row's lock. So a writer waits there until
 *      every earlier commit is visible on every node, and reads what they wrote.
 *   3. A commit is acknowledged when every node shows it. A change that some node does not show yet has therefore been
 *      acknowledged to nobody, and nothing was committed after it. */

enum { SETTLE_MS = 6000, SETTLE_PAUSE_MS = 50 };

static sb_status count_behind(sb_store *store, int64_t *behind, sb_error *error) {
  return sb_store_number(store,
                         "SELECT count(*) FROM run_command_on_placements('semblance.writer_turn',"
                         " 'SELECT turn FROM %s') WHERE NOT success"
                         " OR result::bigint < (SELECT turn FROM writer_turn)",
                         behind, error);
}

static sb_status settled(sb_store *store, bool wait, bool *done, sb_error *error) {
  *done = true;
  if (!sb_postgres_session_of(store)->nodes) return SB_OK;
  double until = wait ? sb_monotonic_ms() + SETTLE_MS : 0;
  for (;;) {
    int64_t behind = 0;
    sb_status status = count_behind(store, &behind, error);
    *done = status == SB_OK && !behind;
    if (status != SB_OK || *done || sb_monotonic_ms() > until) return status;
    poll(NULL, 0, SETTLE_PAUSE_MS);
  }
}

/* After a commit during which Citus warned that a node did not confirm it. */
static sb_status await_nodes(sb_store *store, sb_error *error) {
  bool done = false;
  sb_error cause = {0};
  if (settled(store, true, &done, &cause) == SB_OK && done) return SB_OK;
  return sb_fail(error, SB_IO,
                 "the change is committed, but a node of the database has not confirmed it; searches find it when the "
                 "node is back: look before you try again");
}

static sb_status commit(sb_store *store, sb_error *error) {
  sb_postgres_session *session = sb_postgres_session_of(store);
  sb_status status = sb_postgres_ready(store, error); /* lost before COMMIT was sent: nothing was changed */
  if (status != SB_OK) return status;
  session->warned = false;
  PGresult *result = PQexec(session->link, session->notifies ? "NOTIFY " SB_POSTGRES_CHANNEL "; COMMIT" : "COMMIT");
  if (PQresultStatus(result) != PGRES_COMMAND_OK && sb_postgres_lost(store)) {
    PQclear(result);
    return sb_fail(error, SB_IO,
                   "the connection to the database was lost during the commit: whether the change was made is unknown; "
                   "look before you try again");
  }
  if (PQresultStatus(result) != PGRES_COMMAND_OK) return sb_postgres_failed(store, result, error);
  session->transaction = false;
  bool done = !strcmp(PQcmdStatus(result), "COMMIT"); /* the answer is ROLLBACK when a statement had failed before */
  PQclear(result);
  if (!done) return sb_fail(error, SB_INTERNAL, "a transaction that had failed was about to be committed");
  return session->nodes && session->warned ? await_nodes(store, error) : SB_OK;
}

/* ---- Changes by others. NOTIFY only wakes a reader, on a connection that does nothing else: what changed is in the
 * table `change`, which is read in any case (gallery/changes.c). So a notification that is lost costs time alone. */

/* Every change of people or faces has a row in `change`. */
static sb_status change_marker(sb_store *store, int64_t *marker, sb_error *error) {
  return sb_store_number(store, "SELECT coalesce(max(sequence), 0) FROM change", marker, error);
}

static void notify(sb_store *store) {
  sb_postgres_session_of(store)->notifies = true;
}

static sb_status listen(sb_store *reader, sb_error *error) {
  sb_postgres_session *session = sb_postgres_session_of(reader);
  if (session->listening && !sb_postgres_lost(reader)) return SB_OK;
  sb_status status = sb_postgres_exec(reader, "LISTEN " SB_POSTGRES_CHANNEL, error);
  session->listening = status == SB_OK;
  return status;
}

/* Takes the notifications that have arrived. true: there were some, or the connection was lost and perhaps one with
 * it. */
static bool drain(PGconn *link) {
  bool notified = false;
  if (!PQconsumeInput(link)) return true;
  for (PGnotify *n; (n = PQnotifies(link)); notified = true) PQfreemem(n);
  return notified;
}

static sb_status wait_notified(sb_store *reader, int ms, sb_error *error) {
  const sb_postgres_session *session = sb_postgres_session_of(reader);
  struct pollfd ends[2] = {{.fd = reader->cancel_event, .events = POLLIN}, {.fd = -1, .events = POLLIN}};
  sb_status status = listen(reader, error);
  if (status == SB_OK) ends[1].fd = PQsocket(session->link);
  poll(ends, 2, status == SB_OK && drain(session->link) ? 0 : ms);
  if (ends[0].revents) return SB_STOPPING;
  if (ends[1].revents) drain(session->link);
  return status;
}

/* ---- Schema version: four bytes, little-endian, in meta */

static sb_status check_schema_owner(sb_store *store, sb_error *error) {
  static const char sql[] =
      "SELECT count(*) FROM pg_catalog.pg_tables WHERE schemaname = 'semblance' AND tablename = 'meta'";
  int64_t meta = 0;
  sb_status status = sb_store_number(store, sql, &meta, error);
  if (status != SB_OK || meta) return status;
  return sb_fail(error, SB_STORE,
                 "the schema \"semblance\" of the database belongs to another program; choose another database");
}

static sb_status schema_version(sb_store *store, int64_t *version, sb_error *error) {
  int64_t tables = 0;
  *version = 0;
  sb_status status = sb_store_number(store, "SELECT count(*) FROM pg_catalog.pg_tables WHERE schemaname = 'semblance'",
                                     &tables, error);
  if (status != SB_OK || !tables) return status;
  status = check_schema_owner(store, error);
  if (status != SB_OK) return status;
  sb_statement s = sb_statement_new(store, "SELECT value FROM semblance.meta WHERE key = 'schema'", error);
  if (sb_statement_step(&s)) {
    size_t size = 0;
    const uint8_t *bytes = sb_statement_column_blob(&s, 0, &size);
    for (size_t i = 0; i < size && i < 4; i++) *version |= (int64_t)bytes[i] << (8 * i);
  }
  return sb_statement_end(&s);
}

static sb_status set_schema_version(sb_store *store, int version, sb_error *error) {
  const uint8_t bytes[4] = {(uint8_t)version, 0, 0, 0};
  sb_status status = sb_postgres_find_nodes(store, error);
  return status == SB_OK ? sb_store_meta_set(store, "schema", bytes, sizeof bytes, error) : status;
}

/* ---- Rows */

static sb_status next_row(sb_store *store, const char *table, int64_t *row, sb_error *error) {
  char sql[64];
  snprintf(sql, sizeof sql, "SELECT nextval('%s_id')", table);
  return sb_store_number(store, sql, row, error);
}

static sb_status set_next_row(sb_store *store, const char *table, int64_t next, sb_error *error) {
  char sql[160];
  snprintf(sql, sizeof sql, "SELECT setval('%s_id', %lld, false)", table, (long long)next);
  sb_status status = sb_store_exec(store, sql, error);
  if (status != SB_OK) return status;
  return sb_store_exec(store,
                       "SELECT setval(pg_get_serial_sequence('semblance.api_key', 'id'),"
                       " (SELECT coalesce(max(id), 0) + 1 FROM api_key), false)",
                       error);
}

/* With Citus a face's person decides on which machine it lies, so that column cannot be updated. */
static sb_status move_faces(sb_store *store, int64_t from, int64_t into, sb_error *error) {
  sb_statement s = sb_statement_new(
      store,
      "INSERT INTO face(id, person, collection, template, attributes, quality, source, created, thumbnail, density,"
      " density_people) SELECT id, ?1, collection, template, attributes, quality, source, created, thumbnail, density,"
      " density_people FROM face WHERE person = ?2",
      error);
  sb_statement_bind_int(&s, 1, into);
  sb_statement_bind_int(&s, 2, from);
  sb_status status = sb_statement_run(&s);
  return status == SB_OK ? sb_store_exec_int(store, "DELETE FROM face WHERE person = ?", from, error) : status;
}

/* A deleted row is gone for every transaction. Its bytes stay, sealed or transformed, until the database's own VACUUM
 * and its archive of logs drop them (docs/scale.md). */
static sb_status purge_log(sb_store *store, sb_error *error) {
  (void)store, (void)error;
  return SB_OK;
}

/* ---- Health and backup */

static sb_status check_all(sb_store *store, sb_error *error) {
  int64_t orphans = 0;
  sb_status status = sb_store_number(
      store, "SELECT count(*) FROM face f LEFT JOIN person p ON p.id = f.person WHERE p.id IS NULL", &orphans, error);
  if (status != SB_OK || !orphans) return status;
  return sb_fail(error, SB_STORE, "the database is damaged: %lld faces belong to no person; restore a backup",
                 (long long)orphans);
}

/* The first column of the first row as text; "" without a row. */
static sb_status select_text(sb_store *store, const char *sql, char *out, size_t size, sb_error *error) {
  sb_statement s = sb_statement_new(store, sql, error);
  snprintf(out, size, "%s", sb_statement_step(&s) ? sb_statement_column_text(&s, 0) : "");
  return sb_statement_end(&s);
}

static sb_status health(sb_store *store, sb_store_health *out, sb_error *error) {
  static const struct {
    const char *sql;
    size_t at, size;
  } texts[] = {{"SELECT 'PostgreSQL ' || split_part(current_setting('server_version'), ' ', 1)",
                offsetof(sb_store_health, server), sizeof out->server},
               {"SELECT extversion FROM pg_catalog.pg_extension WHERE extname = 'vector'",
                offsetof(sb_store_health, pgvector), sizeof out->pgvector},
               {"SELECT extversion FROM pg_catalog.pg_extension WHERE extname = 'citus'",
                offsetof(sb_store_health, citus), sizeof out->citus}};
  int64_t at_hand = 0;
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    sb_status status = select_text(store, texts[i].sql, (char *)out + texts[i].at, texts[i].size, error);
    if (status != SB_OK) return status;
  }
  sb_status status = sb_store_number(
      store, "SELECT count(*) FROM pg_catalog.pg_available_extensions WHERE name = 'vector'", &at_hand, error);
  if (status != SB_OK) return status;
  out->pgvector_at_hand = at_hand > 0;
  return sb_store_number(store, "SELECT pg_database_size(current_database())", &out->bytes, error);
}

static sb_status snapshot(sb_store *store, const char *to, sb_error *error) {
  (void)store, (void)to;
  return sb_fail(
      error, SB_INVALID,
      "a gallery in PostgreSQL is backed up by PostgreSQL's own tools (pg_dump, pg_basebackup); store the root "
      "key beside the backup (`semblance keys export`)");
}

const sb_driver sb_driver_postgres = {.id_list_sql = "SELECT unnest(string_to_array(?1, ',')::bigint[])",
                                      .seals_templates = false,
                                      .connect = connect_server,
                                      .disconnect = disconnect,
                                      .lost = sb_postgres_lost,
                                      .prepare = sb_postgres_prepare,
                                      .prepare_bulk = sb_postgres_prepare_bulk,
                                      .bind_int = sb_postgres_bind_int,
                                      .bind_real = sb_postgres_bind_real,
                                      .bind_text = sb_postgres_bind_text,
                                      .bind_blob = sb_postgres_bind_blob,
                                      .step = sb_postgres_step,
                                      .column_null = sb_postgres_column_null,
                                      .column_int = sb_postgres_column_int,
                                      .column_real = sb_postgres_column_real,
                                      .column_bytes = sb_postgres_column_bytes,
                                      .reset = sb_postgres_reset,
                                      .end = sb_postgres_end,
                                      .rows_written = rows_written,
                                      .exec = sb_postgres_exec,
                                      .begin = begin,
                                      .commit = commit,
                                      .rollback = rollback,
                                      .change_marker = change_marker,
                                      .notify = notify,
                                      .wait = wait_notified,
                                      .settled = settled,
                                      .schema_version = schema_version,
                                      .set_schema_version = set_schema_version,
                                      .next_row = next_row,
                                      .set_next_row = set_next_row,
                                      .move_faces = move_faces,
                                      .purge_log = purge_log,
                                      .check = check_all,
                                      .health = health,
                                      .snapshot = snapshot};
