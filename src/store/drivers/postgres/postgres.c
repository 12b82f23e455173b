/* The store's database as a server: PostgreSQL with pgvector, for any number of Semblance servers.
 *
 * Invariants
 *   1. Who writes holds one advisory lock of the database until the commit is visible (it is released after that), so there
 *      is one writer at a time, as SQLite has it: the audit is one chain, ids are looked up before they are given, and rows of
 *      `change` become visible in the order of their numbers. A follower that has seen number n therefore misses none below.
 *   2. A connection that is lost between two transactions is made anew and the statement tried again; within one, the
 *      transaction fails as a whole. Where the answer to a commit is lost, the error says that it is not known.
 *   3. Everything goes over the wire in binary, as prepared statements; a statement's rows are here before the first is looked
 *      at, so that others may run in between, but for `many`, which come by a cursor, a chunk at a time, and for a `stream`,
 *      which is a COPY and has the connection to itself.
 *   4. Statements that nobody asks anything of (`later`) are sent without waiting; whoever comes next through sb_postgres_ready
 *      reads their answers first, the commit at the latest. */
#include "store/drivers/postgres/postgres.h"

#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PARAMETERS_MAX = 12, CHUNK_ROWS = 2000, AHEAD_MAX = 64, WRITERS_LOCK = 0x53424c43 /* "SBLC" */ };
/* COPY's own words at its begin: a signature, flags, and the length of what else there may be (nothing). */
enum { COPY_HEAD = 19 };
/* Of the catalogue pg_type, where they never change; 0: as the statement wants it. */
enum { TYPE_INT8 = 20, TYPE_TEXT = 25, TYPE_FLOAT8 = 701 };

typedef struct parameter {
  Oid type;
  const char *bytes; /* NULL: NULL */
  int size;
  char number[8];
  char *copy;
} parameter;

/* A row of COPY that was read, and where its fields are in it; NULL: is NULL. */
typedef struct copied_row {
  char *bytes; /* libpq's; NULL: none */
  const uint8_t *fields[PARAMETERS_MAX];
  size_t sizes[PARAMETERS_MAX];
  int count;
} copied_row;

typedef struct query {
  char *sql;
  int count; /* of parameters */
  parameter parameters[PARAMETERS_MAX];
  bool ran;
  PGresult *rows;
  int row;
  char cursor[24]; /* "": none */
  bool bulk;       /* the rows that are bound are sent by COPY */
  bool streams;    /* rows come by COPY, and there may be more */
  copied_row copied;
} query;

static sb_postgres_session *session_of(const sb_store *store) {
  return store->connection;
}

static sb_status connect_server(sb_store *store, bool reader, sb_error *error) {
  sb_postgres_session *session = sb_alloc(1, sizeof *session, error);
  if (!session) return SB_NO_MEMORY;
  session->reader = reader;
  store->connection = session;
  return sb_postgres_ready(store, error);
}

static void disconnect(sb_store *store) {
  sb_postgres_session *session = session_of(store);
  sb_postgres_close(session);
  free(session->prepared);
  free(session);
}

/* ---- Statements */

/* "?" and "?7" become "$n"; what stands in quotes stays. */
static char *number_parameters(const char *sql, int *count, sb_error *error) {
  sb_buffer out = {0};
  sb_status status = SB_OK;
  bool quoted = false;
  *count = 0;
  for (const char *at = sql; *at && status == SB_OK; at++) {
    if (*at == '\'') quoted = !quoted;
    if (*at != '?' || quoted) {
      status = sb_buffer_add(&out, at, 1, error);
      continue;
    }
    int number = at[1] >= '1' && at[1] <= '9' ? *++at - '0' : *count + 1;
    if (number > *count) *count = number;
    status = sb_buffer_addf(&out, error, "$%d", number);
  }
  if (status == SB_OK && *count <= PARAMETERS_MAX) return out.bytes;
  sb_buffer_free(&out);
  if (status == SB_OK) sb_fail(error, SB_INTERNAL, "a statement has too many parameters");
  return NULL;
}

static void prepare(sb_statement *s, const char *sql) {
  query *q = sb_alloc(1, sizeof *q, s->error);
  if (q) q->sql = number_parameters(sql, &q->count, s->error);
  s->raw = q;
  if (q && q->sql) return;
  if (q) q->count = 0;
  s->status = s->error ? s->error->code : SB_NO_MEMORY;
}

static void prepare_bulk(sb_statement *s, const char *table, const char *columns, int count) {
  char sql[512];
  snprintf(sql, sizeof sql, "COPY %s(%s) FROM STDIN (FORMAT binary)", table, columns);
  prepare(s, sql);
  if (s->status == SB_OK) s->status = sb_postgres_ready(s->store, s->error);
  if (s->status != SB_OK) return;
  query *q = s->raw;
  PGresult *result = PQexec(session_of(s->store)->link, sql);
  if (PQresultStatus(result) != PGRES_COPY_IN) {
    s->status = sb_postgres_failed(s->store, result, s->error);
    return;
  }
  PQclear(result);
  q->bulk = true;
  q->count = count;
  static const char header[COPY_HEAD] = "PGCOPY\n\377\r\n"; /* and its NUL, no flags, no extension */
  PQputCopyData(session_of(s->store)->link, header, sizeof header);
}

static parameter *parameter_at(sb_statement *s, int index) {
  parameter *p = &((query *)s->raw)->parameters[index - 1];
  free(p->copy);
  *p = (parameter){0};
  return p;
}

static void bind_bits(sb_statement *s, int index, Oid type, uint64_t bits) {
  parameter *p = parameter_at(s, index);
  for (int i = 0; i < 8; i++) p->number[i] = (char)(bits >> (56 - 8 * i));
  p->type = type;
  p->bytes = p->number;
  p->size = 8;
}

static void bind_int(sb_statement *s, int index, int64_t value) {
  bind_bits(s, index, TYPE_INT8, (uint64_t)value);
}

static void bind_real(sb_statement *s, int index, double value) {
  uint64_t bits;
  memcpy(&bits, &value, sizeof bits);
  bind_bits(s, index, TYPE_FLOAT8, bits);
}

static void bind_text(sb_statement *s, int index, const char *text) {
  parameter *p = parameter_at(s, index);
  p->type = TYPE_TEXT;
  p->bytes = text;
  p->size = (int)strlen(text);
}

/* Its type is that of the column: bytea, or halfvec. */
static void bind_blob(sb_statement *s, int index, const void *bytes, size_t size, bool copied) {
  parameter *p = parameter_at(s, index);
  p->size = (int)size;
  p->bytes = bytes;
  if (!copied) return;
  p->copy = sb_alloc(size, 1, s->error);
  p->bytes = p->copy;
  if (p->copy)
    memcpy(p->copy, bytes, size);
  else
    s->status = SB_NO_MEMORY;
}

/* What libpq wants to have side by side. */
typedef struct arguments {
  Oid types[PARAMETERS_MAX];
  const char *values[PARAMETERS_MAX];
  int sizes[PARAMETERS_MAX], formats[PARAMETERS_MAX];
} arguments;

static void lay_out(const query *q, arguments *a) {
  for (int i = 0; i < q->count; i++) {
    a->types[i] = q->parameters[i].type;
    a->values[i] = q->parameters[i].bytes;
    a->sizes[i] = q->parameters[i].size;
    a->formats[i] = 1;
  }
}

static bool is_prepared(const sb_postgres_session *session, const char *sql) {
  size_t i = 0;
  while (i < session->prepared_count && strcmp(session->prepared[i], sql)) i++;
  return i < session->prepared_count;
}

/* The number of the statement on this connection, which is prepared when it is new; -1 after a failure. */
static int prepared_number(sb_statement *s, const query *q, const arguments *a) {
  sb_postgres_session *session = session_of(s->store);
  for (size_t i = 0; i < session->prepared_count; i++)
    if (!strcmp(session->prepared[i], q->sql)) return (int)i;
  char name[24];
  void *grown = session->prepared;
  char *text = sb_strdup(q->sql, s->error);
  if (!text || sb_grow(&grown, session->prepared_count + 1, sizeof *session->prepared, s->error) != SB_OK) {
    free(text);
    s->status = SB_NO_MEMORY;
    return -1;
  }
  session->prepared = grown;
  snprintf(name, sizeof name, "s%zu", session->prepared_count);
  PGresult *result = PQprepare(session->link, name, q->sql, q->count, a->types);
  if (PQresultStatus(result) != PGRES_COMMAND_OK) {
    free(text);
    s->status = sb_postgres_failed(s->store, result, s->error);
    return -1;
  }
  PQclear(result);
  session->prepared[session->prepared_count] = text;
  return (int)session->prepared_count++;
}

static void take(sb_statement *s, PGresult *result) {
  query *q = s->raw;
  ExecStatusType kind = PQresultStatus(result);
  if (kind != PGRES_TUPLES_OK && kind != PGRES_COMMAND_OK) {
    s->status = sb_postgres_failed(s->store, result, s->error);
    return;
  }
  PQclear(q->rows);
  q->rows = result;
  q->row = -1;
  session_of(s->store)->changed = strtoll(PQcmdTuples(result), NULL, 10);
}

static void send_ahead(sb_statement *s, const char *name, const arguments *a) {
  const query *q = s->raw;
  sb_postgres_session *session = session_of(s->store);
  bool sent = (session->ahead || PQenterPipelineMode(session->link)) &&
              PQsendQueryPrepared(session->link, name, q->count, a->values, a->sizes, a->formats, 1);
  if (sent)
    session->ahead++;
  else
    s->status = sb_postgres_failed(s->store, NULL, s->error);
}

static void run_once(sb_statement *s) {
  query *q = s->raw;
  sb_postgres_session *session = session_of(s->store);
  arguments a = {{0}, {0}, {0}, {0}};
  char name[24];
  lay_out(q, &a);
  int number = prepared_number(s, q, &a);
  if (number < 0) return;
  snprintf(name, sizeof name, "s%d", number);
  if (s->pipelined && session->transaction)
    send_ahead(s, name, &a);
  else
    take(s, PQexecPrepared(session_of(s->store)->link, name, q->count, a.values, a.sizes, a.formats, 1));
}

static void fetch(sb_statement *s) {
  char sql[80];
  query *q = s->raw;
  snprintf(sql, sizeof sql, "FETCH %d FROM %s", CHUNK_ROWS, q->cursor);
  take(s, PQexecParams(session_of(s->store)->link, sql, 0, NULL, NULL, NULL, NULL, 1));
}

/* Within a transaction: else it would end with its declaration. */
static void open_cursor(sb_statement *s) {
  static const char head[] = "DECLARE %s NO SCROLL CURSOR FOR %s";
  query *q = s->raw;
  arguments a = {{0}, {0}, {0}, {0}};
  char *sql = NULL;
  lay_out(q, &a);
  snprintf(q->cursor, sizeof q->cursor, "c%p", (void *)q);
  if (asprintf(&sql, head, q->cursor, q->sql) < 0) {
    s->status = sb_fail(s->error, SB_NO_MEMORY, "out of memory");
    return;
  }
  take(s, PQexecParams(session_of(s->store)->link, sql, q->count, a.types, a.values, a.sizes, a.formats, 1));
  free(sql);
  if (s->status == SB_OK) fetch(s);
}

static uint32_t get_number(const uint8_t *at, int size) {
  uint32_t value = 0;
  for (int i = 0; i < size; i++) value = value << 8 | at[i];
  return value;
}

/* Finds the fields of a row: their number, and each with its size before it. A number of -1 is the end. */
static bool find_fields(copied_row *row, const uint8_t *at, size_t size) {
  const uint8_t *end = at + size;
  row->count = 0;
  if (size < 2) return false;
  uint32_t count = get_number(at, 2);
  if (count == UINT16_MAX) return true;
  if (count > PARAMETERS_MAX) return false;
  at += 2;
  for (; row->count < (int)count; row->count++) {
    if (end - at < 4) return false;
    uint32_t length = get_number(at, 4);
    at += 4;
    row->fields[row->count] = length == UINT32_MAX ? NULL : at;
    row->sizes[row->count] = length == UINT32_MAX ? 0 : length;
    if ((size_t)(end - at) < row->sizes[row->count]) return false;
    at += row->sizes[row->count];
  }
  return true;
}

/* The next row; false: there is none, or it failed. `first`: the header is before it. */
static bool read_copied(sb_statement *s, bool first) {
  query *q = s->raw;
  PGconn *link = session_of(s->store)->link;
  PQfreemem(q->copied.bytes);
  q->copied.bytes = NULL;
  int size = PQgetCopyData(link, &q->copied.bytes, 0);
  if (size > 0) {
    size_t skip = first ? COPY_HEAD : 0;
    bool sound =
        (size_t)size >= skip && find_fields(&q->copied, (const uint8_t *)q->copied.bytes + skip, (size_t)size - skip);
    if (!sound) s->status = sb_fail(s->error, SB_STORE, "the database sent rows in a form that is not known");
    if (!sound || q->copied.count) return sound;
    return read_copied(s, false); /* the end mark; libpq then says so, too */
  }
  q->streams = false;
  for (PGresult *result; (result = PQgetResult(link));) {
    if (s->status == SB_OK && PQresultStatus(result) != PGRES_COMMAND_OK)
      s->status = sb_postgres_failed(s->store, result, s->error);
    else
      PQclear(result);
  }
  return false;
}

/* However long it takes: a gallery of some tens of millions comes for minutes, and a server that is gone shows by its silence. */
static void open_stream(sb_statement *s) {
  query *q = s->raw;
  char *sql = NULL;
  if (asprintf(&sql, "SET LOCAL statement_timeout = 0; COPY (%s) TO STDOUT (FORMAT binary)", q->sql) < 0) {
    s->status = sb_fail(s->error, SB_NO_MEMORY, "out of memory");
    return;
  }
  PGresult *result = PQexec(session_of(s->store)->link, sql);
  free(sql);
  q->streams = PQresultStatus(result) == PGRES_COPY_OUT;
  if (q->streams)
    PQclear(result);
  else
    s->status = sb_postgres_failed(s->store, result, s->error);
}

/* The rows that nobody wants any more: the server is told to stop, and what is under way is let go. */
static void close_stream(sb_statement *s) {
  query *q = s->raw;
  PGconn *link = session_of(s->store)->link;
  char said[80];
  PGcancel *cancel = q->streams ? PQgetCancel(link) : NULL;
  if (cancel) PQcancel(cancel, said, sizeof said);
  PQfreeCancel(cancel);
  for (char *bytes = NULL; q->streams && PQgetCopyData(link, &bytes, 0) > 0; bytes = NULL) PQfreemem(bytes);
  for (PGresult *result; q->streams && (result = PQgetResult(link));) PQclear(result);
  PQfreemem(q->copied.bytes);
}

static void run(sb_statement *s) {
  sb_postgres_session *session = session_of(s->store);
  query *q = s->raw;
  q->ran = true;
  for (int attempt = 0; attempt < 2; attempt++) {
    bool joins = s->pipelined && session->ahead && session->ahead < AHEAD_MAX && is_prepared(session, q->sql);
    if (!joins) s->status = sb_postgres_ready(s->store, s->error);
    if (s->status != SB_OK) return;
    if (s->copy)
      open_stream(s);
    else if (s->cursor)
      open_cursor(s);
    else
      run_once(s);
    if (s->status == SB_OK || session->transaction || !sb_postgres_lost(session)) return;
  }
}

static void put_number(uint8_t *at, uint32_t value, int size) {
  for (int i = 0; i < size; i++) at[i] = (uint8_t)(value >> (8 * (size - 1 - i)));
}

/* A row of COPY: the number of its fields, and each with its size before it. */
static void send_row(sb_statement *s) {
  const query *q = s->raw;
  size_t size = 2, at = 2;
  for (int i = 0; i < q->count; i++) size += 4 + (q->parameters[i].bytes ? (size_t)q->parameters[i].size : 0);
  uint8_t *row = sb_alloc(size, 1, s->error);
  if (!row) {
    s->status = SB_NO_MEMORY;
    return;
  }
  put_number(row, (uint32_t)q->count, 2);
  for (int i = 0; i < q->count; i++) {
    const parameter *p = &q->parameters[i];
    put_number(row + at, p->bytes ? (uint32_t)p->size : UINT32_MAX, 4);
    at += 4;
    if (!p->bytes) continue;
    memcpy(row + at, p->bytes, (size_t)p->size);
    at += (size_t)p->size;
  }
  if (PQputCopyData(session_of(s->store)->link, (const char *)row, (int)size) != 1)
    s->status = sb_postgres_failed(s->store, NULL, s->error);
  free(row);
}

static void end_bulk(sb_statement *s) {
  PGconn *link = session_of(s->store)->link;
  static const char trailer[2] = "\377\377";
  if (s->status == SB_OK) PQputCopyData(link, trailer, sizeof trailer);
  PQputCopyEnd(link, s->status == SB_OK ? NULL : "given up");
  for (PGresult *result; (result = PQgetResult(link));) {
    if (s->status == SB_OK && PQresultStatus(result) != PGRES_COMMAND_OK)
      s->status = sb_postgres_failed(s->store, result, s->error);
    else
      PQclear(result);
  }
}

static bool step(sb_statement *s) {
  query *q = s->raw;
  if (q->bulk) return send_row(s), false;
  bool first = !q->ran;
  if (first) run(s);
  if (s->status != SB_OK) return false;
  if (s->copy) return q->streams && read_copied(s, first);
  if (!q->rows) return false; /* it went ahead */
  if (++q->row < PQntuples(q->rows)) return true;
  if (!*q->cursor || q->row < CHUNK_ROWS) return false;
  fetch(s);
  return s->status == SB_OK && ++q->row < PQntuples(q->rows);
}

/* NULL: is NULL. */
static const uint8_t *field(const query *q, int column, size_t *size) {
  if (q->copied.bytes) return *size = q->copied.sizes[column], q->copied.fields[column];
  *size = (size_t)PQgetlength(q->rows, q->row, column);
  return PQgetisnull(q->rows, q->row, column) ? NULL : (const uint8_t *)PQgetvalue(q->rows, q->row, column);
}

static bool column_null(sb_statement *s, int column) {
  size_t size = 0;
  return !field(s->raw, column, &size);
}

/* Big-endian, of any width that an expression comes in. */
static int64_t column_int(sb_statement *s, int column) {
  size_t size = 0;
  const uint8_t *bytes = field(s->raw, column, &size);
  uint64_t value = bytes && size && bytes[0] & 0x80 ? UINT64_MAX : 0;
  for (size_t i = 0; bytes && i < size && i < 8; i++) value = value << 8 | bytes[i];
  return (int64_t)value;
}

static double column_real(sb_statement *s, int column) {
  double value;
  uint64_t bits = (uint64_t)column_int(s, column);
  memcpy(&value, &bits, sizeof value);
  return value;
}

static const void *column_bytes(sb_statement *s, int column, size_t *size) {
  return field(s->raw, column, size);
}

static void reset(sb_statement *s) {
  query *q = s->raw;
  for (int i = 1; i <= q->count; i++) parameter_at(s, i);
  PQclear(q->rows);
  q->rows = NULL;
  q->ran = false;
}

static void close_cursor(sb_statement *s, const query *q) {
  char sql[48];
  snprintf(sql, sizeof sql, "CLOSE %s", q->cursor);
  if (s->status == SB_OK && session_of(s->store)->transaction) s->status = sb_postgres_exec(s->store, sql, s->error);
}

static void end(sb_statement *s) {
  query *q = s->raw;
  if (*q->cursor) close_cursor(s, q);
  if (q->bulk) end_bulk(s);
  close_stream(s);
  reset(s);
  free(q->sql);
  free(q);
}

static int64_t changes(sb_store *store) {
  return session_of(store)->changed;
}

/* ---- Transactions */

static void rollback(sb_store *store) {
  sb_postgres_session *session = session_of(store);
  if (session->ahead) sb_postgres_ready(store, NULL);
  if (session->transaction && !sb_postgres_lost(session)) PQclear(PQexec(session->link, "ROLLBACK"));
  session->transaction = false;
}

static sb_status begin(sb_store *store, bool writes, sb_error *error) {
  char sql[96] = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
  sb_postgres_session *session = session_of(store);
  sb_status status = SB_OK;
  if (writes) snprintf(sql, sizeof sql, "BEGIN; SELECT pg_advisory_xact_lock(%d)", WRITERS_LOCK);
  for (int attempt = 0; attempt < 2; attempt++) {
    status = sb_postgres_exec(store, sql, error);
    if (status == SB_OK || !sb_postgres_lost(session)) break;
  }
  session->transaction = true;
  session->calls = false;
  if (status != SB_OK) rollback(store);
  return status;
}

static void notify(sb_store *store) {
  session_of(store)->calls = true;
}

static sb_status commit(sb_store *store, sb_error *error) {
  sb_postgres_session *session = session_of(store);
  sb_status status = sb_postgres_ready(store, error); /* lost before it was told to commit: nothing was changed */
  if (status != SB_OK) return status;
  PGresult *result = PQexec(session->link, session->calls ? "NOTIFY " SB_POSTGRES_CHANNEL "; COMMIT" : "COMMIT");
  if (PQresultStatus(result) != PGRES_COMMAND_OK && sb_postgres_lost(session)) {
    PQclear(result);
    return sb_fail(error, SB_IO,
                   "the connection to the database was lost at the very end: whether the change was made is not known; "
                   "look before you try again");
  }
  if (PQresultStatus(result) != PGRES_COMMAND_OK) return sb_postgres_failed(store, result, error);
  session->transaction = false;
  bool done = !strcmp(PQcmdStatus(result), "COMMIT"); /* it answers ROLLBACK where a statement had failed before */
  PQclear(result);
  return done ? SB_OK : sb_fail(error, SB_INTERNAL, "a transaction that had failed was to be kept");
}

/* ---- What this database does in its own way */

/* Every change of people or faces has a row there. */
static sb_status version(sb_store *store, int64_t *number, sb_error *error) {
  return sb_store_number(store, "SELECT coalesce(max(sequence), 0) FROM change", number, error);
}

static sb_status next_row(sb_store *store, const char *table, int64_t *row, sb_error *error) {
  char sql[64];
  snprintf(sql, sizeof sql, "SELECT nextval('%s_id')", table);
  return sb_store_number(store, sql, row, error);
}

static sb_status start_rows(sb_store *store, const char *table, int64_t next, sb_error *error) {
  char sql[160];
  snprintf(sql, sizeof sql, "SELECT setval('%s_id', %lld, false)", table, (long long)next);
  sb_status status = sb_store_exec(store, sql, error);
  if (status != SB_OK) return status;
  return sb_store_exec(store,
                       "SELECT setval(pg_get_serial_sequence('semblance.api_key', 'id'),"
                       " (SELECT coalesce(max(id), 0) + 1 FROM api_key), false)",
                       error);
}

/* A face's person says on which machine it lies, so it cannot be changed in place. */
static sb_status move_faces(sb_store *store, int64_t from, int64_t into, sb_error *error) {
  sb_statement s = sb_statement_new(
      store,
      "INSERT INTO face(id, person, collection, template, attributes, quality, source, created, thumbnail)"
      " SELECT id, ?1, collection, template, attributes, quality, source, created, thumbnail"
      " FROM face WHERE person = ?2",
      error);
  sb_statement_bind_int(&s, 1, into);
  sb_statement_bind_int(&s, 2, from);
  sb_statement_step(&s);
  sb_status status = sb_statement_end(&s);
  if (status != SB_OK) return status;
  s = sb_statement_new(store, "DELETE FROM face WHERE person = ?", error);
  sb_statement_bind_int(&s, 1, from);
  sb_statement_step(&s);
  return sb_statement_end(&s);
}

/* The row is gone for everybody. Its bytes stay, sealed or transformed, until the database's own vacuum and its archive of
 * logs let go of them (docs/scale.md). */
static sb_status erase(sb_store *store, sb_error *error) {
  (void)store, (void)error;
  return SB_OK;
}

static sb_status check_all(sb_store *store, sb_error *error) {
  int64_t lost = 0;
  sb_status status = sb_store_number(
      store, "SELECT count(*) FROM face f LEFT JOIN person p ON p.id = f.person WHERE p.id IS NULL", &lost, error);
  if (status == SB_OK && lost)
    status = sb_fail(error, SB_STORE, "the database is not sound: %lld faces are nobody's", (long long)lost);
  return status;
}

/* The first column of the first row as text; "" where there is none. */
static sb_status word(sb_store *store, const char *sql, char *out, size_t size, sb_error *error) {
  sb_statement s = sb_statement_new(store, sql, error);
  snprintf(out, size, "%s", sb_statement_step(&s) ? sb_statement_column_text(&s, 0) : "");
  return sb_statement_end(&s);
}

static sb_status health(sb_store *store, sb_store_health *out, sb_error *error) {
  int64_t at_hand = 0;
  sb_status status = word(store, "SELECT 'PostgreSQL ' || split_part(current_setting('server_version'), ' ', 1)",
                          out->server, sizeof out->server, error);
  if (status == SB_OK)
    status = word(store, "SELECT extversion FROM pg_catalog.pg_extension WHERE extname = 'vector'", out->pgvector,
                  sizeof out->pgvector, error);
  if (status == SB_OK)
    status = word(store, "SELECT extversion FROM pg_catalog.pg_extension WHERE extname = 'citus'", out->citus,
                  sizeof out->citus, error);
  if (status == SB_OK)
    status = sb_store_number(store, "SELECT count(*) FROM pg_catalog.pg_available_extensions WHERE name = 'vector'",
                             &at_hand, error);
  if (status == SB_OK)
    status = sb_store_number(store, "SELECT pg_database_size(current_database())", &out->bytes, error);
  out->pgvector_at_hand = at_hand > 0;
  return status;
}

static sb_status copy(sb_store *store, const char *to, sb_error *error) {
  (void)store, (void)to;
  return sb_fail(
      error, SB_INVALID,
      "a gallery in PostgreSQL is backed up by PostgreSQL's own tools (pg_dump, pg_basebackup); keep the root "
      "key beside it (`semblance keys export`)");
}

const sb_driver sb_driver_postgres = {.steps = sb_postgres_steps,
                                      .step_count = SB_POSTGRES_STEPS,
                                      .numbers = "SELECT unnest(string_to_array(?1, ',')::bigint[])",
                                      .seals_templates = false,
                                      .connect = connect_server,
                                      .disconnect = disconnect,
                                      .prepare = prepare,
                                      .prepare_bulk = prepare_bulk,
                                      .bind_int = bind_int,
                                      .bind_real = bind_real,
                                      .bind_text = bind_text,
                                      .bind_blob = bind_blob,
                                      .step = step,
                                      .column_null = column_null,
                                      .column_int = column_int,
                                      .column_real = column_real,
                                      .column_bytes = column_bytes,
                                      .reset = reset,
                                      .end = end,
                                      .changes = changes,
                                      .exec = sb_postgres_exec,
                                      .begin = begin,
                                      .commit = commit,
                                      .notify = notify,
                                      .rollback = rollback,
                                      .schema = sb_postgres_schema,
                                      .schema_done = sb_postgres_schema_done,
                                      .version = version,
                                      .next_row = next_row,
                                      .start_rows = start_rows,
                                      .move_faces = move_faces,
                                      .erase = erase,
                                      .check = check_all,
                                      .health = health,
                                      .copy = copy};
