/* COPY in PostgreSQL's binary format (https://www.postgresql.org/docs/current/sql-copy.html): bulk insertion of rows,
 * and reading many rows faster than by a cursor.
 *
 *   header:  "PGCOPY\n\377\r\n\0", int32 flags 0, int32 length of the extension 0
 *   row:     int16 number of fields, then for each field int32 size (-1: NULL) and its bytes
 *   end:     int16 -1
 *
 * All integers are big-endian. */
#include "store/drivers/postgres/postgres.h"

#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HEADER_SIZE = 19 };

static uint32_t get_number(const uint8_t *at, int size) {
  uint32_t value = 0;
  for (int i = 0; i < size; i++) value = value << 8 | at[i];
  return value;
}

static void put_number(uint8_t *at, uint32_t value, int size) {
  for (int i = 0; i < size; i++) at[i] = (uint8_t)(value >> (8 * (size - 1 - i)));
}

/* Reads what follows the last row: the outcome of the COPY. */
static void read_outcome(sb_statement *s, PGconn *link) {
  for (PGresult *result; (result = PQgetResult(link));) {
    if (s->status == SB_OK && PQresultStatus(result) != PGRES_COMMAND_OK)
      s->status = sb_postgres_failed(s->store, result, s->error);
    else
      PQclear(result);
  }
}

/* ---- Into the database */

void sb_postgres_copy_in_begin(sb_statement *s, const char *sql, int count) {
  static const char header[HEADER_SIZE] = "PGCOPY\n\377\r\n"; /* the rest is zero */
  sb_postgres_query *q = s->raw;
  PGconn *link = sb_postgres_session_of(s->store)->link;
  PGresult *result = PQexec(link, sql);
  if (PQresultStatus(result) != PGRES_COPY_IN) {
    s->status = sb_postgres_failed(s->store, result, s->error);
    return;
  }
  PQclear(result);
  q->copies_in = true;
  q->count = count;
  PQputCopyData(link, header, sizeof header);
}

void sb_postgres_copy_in_row(sb_statement *s) {
  const sb_postgres_query *q = s->raw;
  size_t size = 2, at = 2;
  for (int i = 0; i < q->count; i++) size += 4 + (q->parameters[i].bytes ? (size_t)q->parameters[i].size : 0);
  uint8_t *row = sb_alloc(size, 1, s->error);
  if (!row) {
    s->status = SB_NO_MEMORY;
    return;
  }
  put_number(row, (uint32_t)q->count, 2);
  for (int i = 0; i < q->count; i++) {
    const sb_postgres_parameter *p = &q->parameters[i];
    put_number(row + at, p->bytes ? (uint32_t)p->size : UINT32_MAX, 4);
    at += 4;
    if (!p->bytes) continue;
    memcpy(row + at, p->bytes, (size_t)p->size);
    at += (size_t)p->size;
  }
  if (PQputCopyData(sb_postgres_session_of(s->store)->link, (const char *)row, (int)size) != 1)
    s->status = sb_postgres_failed(s->store, NULL, s->error);
  free(row);
}

void sb_postgres_copy_in_end(sb_statement *s) {
  PGconn *link = sb_postgres_session_of(s->store)->link;
  static const char trailer[2] = "\377\377";
  if (s->status == SB_OK) PQputCopyData(link, trailer, sizeof trailer);
  PQputCopyEnd(link, s->status == SB_OK ? NULL : "given up");
  read_outcome(s, link);
}

/* ---- Out of the database */

/* Finds the fields of a row. `count` 0: it was the end mark. false: the row is malformed. */
static bool find_fields(sb_postgres_copied_row *row, const uint8_t *at, size_t size) {
  const uint8_t *end = at + size;
  row->count = 0;
  if (size < 2) return false;
  uint32_t count = get_number(at, 2);
  if (count == UINT16_MAX) return true;
  if (count > SB_POSTGRES_PARAMETERS_MAX) return false;
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

/* There is no time limit: a gallery of tens of millions takes minutes, and a server that is gone shows by its
 * silence. */
void sb_postgres_copy_out_begin(sb_statement *s) {
  sb_postgres_query *q = s->raw;
  char *sql = NULL;
  if (asprintf(&sql, "SET LOCAL statement_timeout = 0; COPY (%s) TO STDOUT (FORMAT binary)", q->sql) < 0) {
    s->status = sb_fail(s->error, SB_NO_MEMORY, "out of memory");
    return;
  }
  PGresult *result = PQexec(sb_postgres_session_of(s->store)->link, sql);
  free(sql);
  q->copies_out = PQresultStatus(result) == PGRES_COPY_OUT;
  if (q->copies_out)
    PQclear(result);
  else
    s->status = sb_postgres_failed(s->store, result, s->error);
}

bool sb_postgres_copy_out_row(sb_statement *s, bool first) {
  sb_postgres_query *q = s->raw;
  PGconn *link = sb_postgres_session_of(s->store)->link;
  PQfreemem(q->copied.bytes);
  q->copied.bytes = NULL;
  int size = PQgetCopyData(link, &q->copied.bytes, 0);
  if (size <= 0) {
    q->copies_out = false;
    read_outcome(s, link);
    return false;
  }
  size_t skip = first ? HEADER_SIZE : 0;
  bool sound =
      (size_t)size >= skip && find_fields(&q->copied, (const uint8_t *)q->copied.bytes + skip, (size_t)size - skip);
  if (!sound) s->status = sb_fail(s->error, SB_STORE, "the database sent rows in an unknown format");
  if (!sound || q->copied.count) return sound;
  return sb_postgres_copy_out_row(s, false); /* the end mark, after which libpq reports the end, too */
}

void sb_postgres_copy_out_end(sb_statement *s) {
  sb_postgres_query *q = s->raw;
  PGconn *link = sb_postgres_session_of(s->store)->link;
  char message[80];
  PGcancel *cancel = q->copies_out ? PQgetCancel(link) : NULL;
  if (cancel) PQcancel(cancel, message, sizeof message);
  PQfreeCancel(cancel);
  for (char *bytes = NULL; q->copies_out && PQgetCopyData(link, &bytes, 0) > 0; bytes = NULL) PQfreemem(bytes);
  for (PGresult *result; q->copies_out && (result = PQgetResult(link));) PQclear(result);
  PQfreemem(q->copied.bytes);
}
