/* PostgreSQL statements. Parameters and columns travel in binary. A statement is prepared once a connection and known
 * there by its SQL.
 *
 * There are four ways to run one:
 *   - plain: sent, and all of its rows are here before the first is read, so that other statements may run in between;
 *   - `cursor`: rows are fetched in chunks of CHUNK_ROWS;
 *   - `copy`: rows come by COPY, which has the connection to itself (copy.c);
 *   - `pipelined`: sent without waiting for the answer; sb_postgres_ready reads the answers before the next statement
 *     that is not pipelined, or the commit. */
#include "store/drivers/postgres/postgres.h"

#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK_ROWS = 2000, PENDING_MAX = 64 };
/* Oids of the catalogue pg_type, which never change. */
enum { TYPE_INT8 = 20, TYPE_TEXT = 25, TYPE_FLOAT8 = 701 };

typedef sb_postgres_query query;
typedef sb_postgres_parameter parameter;

/* ---- Preparing */

/* Replaces "?" and "?7" by "$n", except within quotes. */
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
  if (status == SB_OK && *count <= SB_POSTGRES_PARAMETERS_MAX) return out.bytes;
  sb_buffer_free(&out);
  if (status == SB_OK) sb_fail(error, SB_INTERNAL, "a statement has too many parameters");
  return NULL;
}

void sb_postgres_prepare(sb_statement *s, const char *sql) {
  query *q = sb_alloc(1, sizeof *q, s->error);
  if (q) q->sql = number_parameters(sql, &q->count, s->error);
  s->raw = q;
  if (q && q->sql) return;
  if (q) q->count = 0;
  s->status = s->error ? s->error->code : SB_NO_MEMORY;
}

void sb_postgres_prepare_bulk(sb_statement *s, const char *table, const char *columns, int count) {
  char sql[512];
  snprintf(sql, sizeof sql, "COPY %s(%s) FROM STDIN (FORMAT binary)", table, columns);
  sb_postgres_prepare(s, sql);
  if (s->status == SB_OK) s->status = sb_postgres_ready(s->store, s->error);
  if (s->status == SB_OK) sb_postgres_copy_in_begin(s, sql, count);
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

void sb_postgres_bind_int(sb_statement *s, int index, int64_t value) {
  bind_bits(s, index, TYPE_INT8, (uint64_t)value);
}

void sb_postgres_bind_real(sb_statement *s, int index, double value) {
  uint64_t bits;
  memcpy(&bits, &value, sizeof bits);
  bind_bits(s, index, TYPE_FLOAT8, bits);
}

void sb_postgres_bind_text(sb_statement *s, int index, const char *text) {
  parameter *p = parameter_at(s, index);
  p->type = TYPE_TEXT;
  p->bytes = text;
  p->size = (int)strlen(text);
}

/* The server infers the type from the column: bytea or halfvec. */
void sb_postgres_bind_blob(sb_statement *s, int index, const void *bytes, size_t size, bool copied) {
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

/* Parameters as libpq takes them: one array a property. */
typedef struct arguments {
  Oid types[SB_POSTGRES_PARAMETERS_MAX];
  const char *values[SB_POSTGRES_PARAMETERS_MAX];
  int sizes[SB_POSTGRES_PARAMETERS_MAX], formats[SB_POSTGRES_PARAMETERS_MAX];
} arguments;

static arguments arguments_of(const query *q) {
  arguments a = {{0}, {0}, {0}, {0}};
  for (int i = 0; i < q->count; i++) {
    a.types[i] = q->parameters[i].type;
    a.values[i] = q->parameters[i].bytes;
    a.sizes[i] = q->parameters[i].size;
    a.formats[i] = 1; /* binary */
  }
  return a;
}

/* The number of a statement prepared on this connection; -1: it was not. */
static int find_prepared(const sb_postgres_session *session, const char *sql) {
  for (size_t i = 0; i < session->prepared_count; i++)
    if (!strcmp(session->prepared[i], sql)) return (int)i;
  return -1;
}

/* The same after preparing it when needed; -1: it failed. */
static int prepared_number(sb_statement *s, const query *q, const arguments *a) {
  sb_postgres_session *session = sb_postgres_session_of(s->store);
  int number = find_prepared(session, q->sql);
  if (number >= 0) return number;
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

/* ---- Running */

static void take_result(sb_statement *s, PGresult *result) {
  query *q = s->raw;
  ExecStatusType kind = PQresultStatus(result);
  if (kind != PGRES_TUPLES_OK && kind != PGRES_COMMAND_OK) {
    s->status = sb_postgres_failed(s->store, result, s->error);
    return;
  }
  PQclear(q->rows);
  q->rows = result;
  q->row = -1;
  sb_postgres_session_of(s->store)->changed = strtoll(PQcmdTuples(result), NULL, 10);
}

static void send_pipelined(sb_statement *s, const char *name, const arguments *a) {
  const query *q = s->raw;
  sb_postgres_session *session = sb_postgres_session_of(s->store);
  bool sent = (session->pending || PQenterPipelineMode(session->link)) &&
              PQsendQueryPrepared(session->link, name, q->count, a->values, a->sizes, a->formats, 1);
  if (sent)
    session->pending++;
  else
    s->status = sb_postgres_failed(s->store, NULL, s->error);
}

static void run_prepared(sb_statement *s) {
  query *q = s->raw;
  sb_postgres_session *session = sb_postgres_session_of(s->store);
  const arguments a = arguments_of(q);
  char name[24];
  int number = prepared_number(s, q, &a);
  if (number < 0) return;
  snprintf(name, sizeof name, "s%d", number);
  if (s->pipelined && session->transaction)
    send_pipelined(s, name, &a);
  else
    take_result(s, PQexecPrepared(session->link, name, q->count, a.values, a.sizes, a.formats, 1));
}

static void fetch_chunk(sb_statement *s) {
  char sql[80];
  query *q = s->raw;
  snprintf(sql, sizeof sql, "FETCH %d FROM %s", CHUNK_ROWS, q->cursor);
  take_result(s, PQexecParams(sb_postgres_session_of(s->store)->link, sql, 0, NULL, NULL, NULL, NULL, 1));
}

/* Within a transaction: otherwise the cursor would end with its declaration. */
static void open_cursor(sb_statement *s) {
  query *q = s->raw;
  const arguments a = arguments_of(q);
  char *sql = NULL;
  snprintf(q->cursor, sizeof q->cursor, "c%p", (void *)q);
  if (asprintf(&sql, "DECLARE %s NO SCROLL CURSOR FOR %s", q->cursor, q->sql) < 0) {
    s->status = sb_fail(s->error, SB_NO_MEMORY, "out of memory");
    return;
  }
  PGconn *link = sb_postgres_session_of(s->store)->link;
  take_result(s, PQexecParams(link, sql, q->count, a.types, a.values, a.sizes, a.formats, 1));
  free(sql);
  if (s->status == SB_OK) fetch_chunk(s);
}

static void close_cursor(sb_statement *s, const query *q) {
  char sql[48];
  snprintf(sql, sizeof sql, "CLOSE %s", q->cursor);
  if (s->status == SB_OK && sb_postgres_session_of(s->store)->transaction)
    s->status = sb_postgres_exec(s->store, sql, s->error);
}

/* A pipelined statement that is prepared already may join those that are pending. */
static bool joins_pipeline(const sb_statement *s) {
  const sb_postgres_session *session = sb_postgres_session_of(s->store);
  const query *q = s->raw;
  return s->pipelined && session->pending && session->pending < PENDING_MAX && find_prepared(session, q->sql) >= 0;
}

/* Runs it a second time when the connection was lost outside of a transaction. */
static void run(sb_statement *s) {
  sb_postgres_session *session = sb_postgres_session_of(s->store);
  query *q = s->raw;
  q->ran = true;
  for (int attempt = 0; attempt < 2; attempt++) {
    if (!joins_pipeline(s)) s->status = sb_postgres_ready(s->store, s->error);
    if (s->status != SB_OK) return;
    if (s->copy)
      sb_postgres_copy_out_begin(s);
    else if (s->cursor)
      open_cursor(s);
    else
      run_prepared(s);
    if (s->status == SB_OK || session->transaction || !sb_postgres_lost(s->store)) return;
  }
}

bool sb_postgres_step(sb_statement *s) {
  query *q = s->raw;
  if (q->copies_in) return sb_postgres_copy_in_row(s), false;
  bool first = !q->ran;
  if (first) run(s);
  if (s->status != SB_OK) return false;
  if (s->copy) return q->copies_out && sb_postgres_copy_out_row(s, first);
  if (!q->rows) return false; /* it was pipelined */
  if (++q->row < PQntuples(q->rows)) return true;
  if (!*q->cursor || q->row < CHUNK_ROWS) return false;
  fetch_chunk(s);
  return s->status == SB_OK && ++q->row < PQntuples(q->rows);
}

/* ---- Columns */

/* NULL for NULL. */
static const uint8_t *field(const query *q, int column, size_t *size) {
  if (q->copied.bytes) return *size = q->copied.sizes[column], q->copied.fields[column];
  *size = (size_t)PQgetlength(q->rows, q->row, column);
  return PQgetisnull(q->rows, q->row, column) ? NULL : (const uint8_t *)PQgetvalue(q->rows, q->row, column);
}

bool sb_postgres_column_null(sb_statement *s, int column) {
  size_t size = 0;
  return !field(s->raw, column, &size);
}

/* Big-endian, of 1, 2, 4 or 8 bytes, whichever type the expression has. */
int64_t sb_postgres_column_int(sb_statement *s, int column) {
  size_t size = 0;
  const uint8_t *bytes = field(s->raw, column, &size);
  uint64_t value = bytes && size && bytes[0] & 0x80 ? UINT64_MAX : 0;
  for (size_t i = 0; bytes && i < size && i < 8; i++) value = value << 8 | bytes[i];
  return (int64_t)value;
}

double sb_postgres_column_real(sb_statement *s, int column) {
  double value;
  uint64_t bits = (uint64_t)sb_postgres_column_int(s, column);
  memcpy(&value, &bits, sizeof value);
  return value;
}

const void *sb_postgres_column_bytes(sb_statement *s, int column, size_t *size) {
  return field(s->raw, column, size);
}

/* ---- Ending */

void sb_postgres_reset(sb_statement *s) {
  query *q = s->raw;
  for (int i = 1; i <= q->count; i++) parameter_at(s, i);
  PQclear(q->rows);
  q->rows = NULL;
  q->ran = false;
}

void sb_postgres_end(sb_statement *s) {
  query *q = s->raw;
  if (*q->cursor) close_cursor(s, q);
  if (q->copies_in) sb_postgres_copy_in_end(s);
  sb_postgres_copy_out_end(s);
  sb_postgres_reset(s);
  free(q->sql);
  free(q);
}
