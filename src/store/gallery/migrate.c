/* Migration: copies a gallery from one kind of database into the other, with its keys, row ids and audit log. Sealed
 * fields are copied as they are. Templates are converted between sealed float32 and halfvec.
 *
 * Invariants
 *   1. The source is read in one transaction and never written.
 *   2. The target was empty, or has the mark of an interrupted migration ("migration" in `meta`); with the mark nothing
 *      else opens it. A table is copied in the order of its ids, so the largest id in the target says where to
 *      continue.
 *   3. The mark is removed when every row of both has been read again and compared. */
#include "store/core/transaction.h"
#include "store/gallery/change_log.h"
#include "store/open.h"
#include "store/sealing/row_mac.h"
#include "store/sealing/sealed_columns.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH = 20000 };

/* A table to copy. `columns`: as in INSERT; the id is the first. `kinds`: one letter a column: i integer, r real, t
 * text, b bytes, T template. `query` selects these columns, followed by the collection's dim and model where there is a
 * template, of rows above an id. */
typedef struct table {
  const char *name, *id, *columns, *kinds, *query;
} table;

static const table tables[] = {
    {"collection", "id", "id, name, model, dim, created, protection, protection_version", "ittiibi",
     "SELECT id, name, model, dim, created, protection, protection_version FROM collection WHERE id > ? ORDER BY id"},
    {"person", "id", "id, collection, external_hash, external_id, name, consent, created, purpose, expires",
     "iibbbbibi",
     "SELECT id, collection, external_hash, external_id, name, consent, created, purpose, expires FROM person"
     " WHERE id > ? ORDER BY id"},
    {"face", "id",
     "id, person, collection, template, attributes, quality, source, created, thumbnail, density,"
     " density_people",
     "iiiTbrbibbi",
     "SELECT f.id, f.person, f.collection, f.template, f.attributes, f.quality, f.source, f.created, f.thumbnail,"
     " f.density, f.density_people, c.dim, c.model"
     " FROM face f JOIN collection c ON c.id = f.collection WHERE f.id > ? ORDER BY f.id"},
    {"event", "id", "id, collection, camera, kind, since, until, person, erased, detail, picture", "iitiiiiibb",
     "SELECT id, collection, camera, kind, since, until, person, erased, detail, picture FROM event WHERE id > ?"
     " ORDER BY id"},
    {"camera", "id", "id, name, record, created", "itbi",
     "SELECT id, name, record, created FROM camera WHERE id > ? ORDER BY id"},
    {"receiver", "id", "id, created, ended, position, tries, failing_since, next_try, error, holder, lease, settings",
     "iiiiiiitiib",
     "SELECT id, created, ended, position, tries, failing_since, next_try, error, holder, lease, settings FROM receiver"
     " WHERE id > ? ORDER BY id"},
    {"dead_letter", "id", "id, receiver, event, at, tries, error", "iiiiit",
     "SELECT id, receiver, event, at, tries, error FROM dead_letter WHERE id > ? ORDER BY id"},
    {"audit", "sequence", "sequence, at, actor, verb, collection, person, count, link", "iittiiib",
     "SELECT sequence, at, actor, verb, collection, person, count, link FROM audit WHERE sequence > ?"
     " ORDER BY sequence"},
    {"api_key", "id", "id, prefix, hash, label, roles, collection, created, expires, revoked", "itbtitiii",
     "SELECT id, prefix, hash, label, roles, collection, created, expires, revoked FROM api_key WHERE id > ?"
     " ORDER BY id"},
    {"admin", "id", "id, password, totp, totp_step", "itbi",
     "SELECT id, password, totp, totp_step FROM admin WHERE id > ? ORDER BY id"},
};
enum { TABLES = sizeof tables / sizeof *tables };
static const table keys = {"data_key", "id", "id, purpose, wrapped, created", "itbi",
                           "SELECT id, purpose, wrapped, created FROM data_key WHERE id > ? ORDER BY id"};
/* Tables whose ids the database hands out (driver->next_row). */
static const char *const numbered[] = {"collection", "person",   "face",        "event",
                                       "camera",     "receiver", "dead_letter", "data_key"};
enum { NUMBERED = sizeof numbered / sizeof *numbered };

typedef struct migration {
  sb_store *from, *to;
  float *one, *other; /* room for a template of each */
  size_t room;
  int64_t next[NUMBERED]; /* the ids that the source would hand out next */
  sb_store_progress report;
  void *context;
  size_t rows;
} migration;

/* ---- One row */

static sb_status make_room(migration *m, size_t dim, sb_error *error) {
  if (dim <= m->room) return SB_OK;
  void *one = m->one, *other = m->other;
  if (sb_grow(&one, dim, sizeof *m->one, error) != SB_OK) return SB_NO_MEMORY;
  m->one = one;
  if (sb_grow(&other, dim, sizeof *m->other, error) != SB_OK) return SB_NO_MEMORY;
  m->other = other;
  m->room = dim;
  return SB_OK;
}

static sb_seal_context template_context(sb_statement *row, const table *t) {
  int model = (int)strlen(t->kinds) + 1;
  return (sb_seal_context){"face", "template", sb_statement_column_int(row, 0), sb_statement_column_text(row, model)};
}

/* Reads the template of a row into `m->one` or `m->other`. */
static void read_template(migration *m, sb_statement *row, const table *t, int column, bool other, size_t *dim) {
  const sb_seal_context context = template_context(row, t);
  *dim = (size_t)sb_statement_column_int(row, (int)strlen(t->kinds));
  if (row->status == SB_OK) row->status = make_room(m, *dim, row->error);
  if (row->status == SB_OK) sb_statement_column_template(row, column, &context, *dim, other ? m->other : m->one);
}

static void copy_column(migration *m, const table *t, sb_statement *row, sb_statement *into, int column) {
  size_t size = 0;
  const void *bytes;
  if (sb_statement_column_null(row, column)) return;
  switch (t->kinds[column]) {
  case 'i': sb_statement_bind_int(into, column + 1, sb_statement_column_int(row, column)); break;
  case 'r': sb_statement_bind_real(into, column + 1, sb_statement_column_real(row, column)); break;
  case 't': sb_statement_bind_text(into, column + 1, sb_statement_column_text(row, column)); break;
  case 'b':
    bytes = sb_statement_column_blob(row, column, &size);
    sb_statement_bind_blob(into, column + 1, bytes ? bytes : "", size);
    break;
  default:
    read_template(m, row, t, column, false, &size);
    const sb_seal_context context = template_context(row, t);
    if (row->status == SB_OK) sb_statement_bind_template(into, column + 1, &context, m->one, size);
  }
}

/* Half precision keeps 11 bits of a number, and only multiples of 2^-24 of the smallest numbers. */
static bool same_templates(const float *a, const float *b, size_t dim) {
  for (size_t i = 0; i < dim; i++)
    if (!(fabsf(a[i] - b[i]) <= fmaxf(fabsf(a[i]), fabsf(b[i])) * 0x1p-11f + 0x1p-24f)) return false;
  return true;
}

static bool same_column(migration *m, const table *t, sb_statement *a, sb_statement *b, int column) {
  size_t size = 0, other = 0;
  if (sb_statement_column_null(a, column) != sb_statement_column_null(b, column)) return false;
  if (sb_statement_column_null(a, column)) return true;
  switch (t->kinds[column]) {
  case 'i': return sb_statement_column_int(a, column) == sb_statement_column_int(b, column);
  case 'r':
    return !(sb_statement_column_real(a, column) < sb_statement_column_real(b, column) ||
             sb_statement_column_real(a, column) > sb_statement_column_real(b, column));
  case 't': return !strcmp(sb_statement_column_text(a, column), sb_statement_column_text(b, column));
  case 'b': {
    const void *one = sb_statement_column_blob(a, column, &size), *two = sb_statement_column_blob(b, column, &other);
    return size == other && (!size || !memcmp(one, two, size));
  }
  default:
    read_template(m, a, t, column, false, &size);
    read_template(m, b, t, column, true, &other);
    return a->status == SB_OK && b->status == SB_OK && size == other && same_templates(m->one, m->other, size);
  }
}

/* ---- A table */

static sb_status largest(sb_store *store, const table *t, int64_t *id, sb_error *error) {
  char sql[80];
  snprintf(sql, sizeof sql, "SELECT coalesce(max(%s), 0) FROM %s", t->id, t->name);
  return sb_store_number(store, sql, id, error);
}

/* Copies at most BATCH rows; `*done` when there are no more. Within a transaction of the target. */
static sb_status copy_some(migration *m, const table *t, sb_statement *row, bool *done, sb_error *error) {
  int columns = (int)strlen(t->kinds);
  sb_statement into = sb_statement_new_bulk(m->to, t->name, t->columns, columns, error);
  for (int i = 0; i < BATCH && !*done && into.status == SB_OK; i++) {
    *done = !sb_statement_step(row);
    for (int c = 0; !*done && c < columns; c++) copy_column(m, t, row, &into, c);
    if (*done || row->status != SB_OK) break;
    sb_statement_step(&into);
    sb_statement_reset(&into);
    m->rows++;
  }
  sb_status status = sb_statement_end(&into);
  return row->status == SB_OK ? status : row->status;
}

/* Copies a batch in a transaction of its own, which no entry of the audit log or row-set MAC goes with: these are
 * copied, too. */
static sb_status copy_batch(migration *m, const table *t, sb_statement *row, bool *done, sb_error *error) {
  const sb_driver *driver = m->to->driver;
  sb_status status = driver->begin(m->to, true, error);
  if (status != SB_OK) return status;
  status = copy_some(m, t, row, done, error);
  if (status == SB_OK) status = driver->commit(m->to, error);
  if (status != SB_OK) {
    driver->rollback(m->to);
    return status;
  }
  if (m->report && !m->report(m->context, t->name, m->rows))
    return sb_fail(error, SB_STOPPING, "stopped; give the same command again to continue");
  return SB_OK;
}

static sb_status copy_table(migration *m, const table *t, sb_error *error) {
  int64_t last = 0;
  bool done = false;
  sb_status status = largest(m->to, t, &last, error);
  if (status != SB_OK) return status;
  sb_statement row = sb_statement_new(m->from, t->query, error);
  row.cursor = true;
  sb_statement_bind_int(&row, 1, last);
  while (status == SB_OK && !done) status = copy_batch(m, t, &row, &done, error);
  sb_status read = sb_statement_end(&row);
  return status == SB_OK ? read : status;
}

static sb_status differs(const table *t, int64_t id, sb_error *error) {
  return sb_fail(
      error, SB_STORE,
      "row %lld of %s differs between source and target: the source was changed meanwhile; empty the target and "
      "migrate again",
      (long long)id, t->name);
}

static sb_status compare_table(migration *m, const table *t, sb_error *error) {
  sb_statement a = sb_statement_new(m->from, t->query, error), b = sb_statement_new(m->to, t->query, error);
  a.cursor = b.cursor = true;
  sb_statement_bind_int(&a, 1, 0);
  sb_statement_bind_int(&b, 1, 0);
  sb_status status = SB_OK;
  for (;;) {
    bool one = sb_statement_step(&a), other = sb_statement_step(&b);
    if (a.status != SB_OK || b.status != SB_OK || (!one && !other)) break;
    bool same = one && other;
    for (int c = 0; same && t->kinds[c]; c++) same = same_column(m, t, &a, &b, c);
    if (!same && a.status == SB_OK && b.status == SB_OK)
      status = differs(t, sb_statement_column_int(one ? &a : &b, 0), error);
    if (!same) break;
  }
  sb_status read = sb_statement_end(&a), other = sb_statement_end(&b);
  return status != SB_OK ? status : read != SB_OK ? read : other;
}

/* ---- Begin and end */

/* Replaces the target's own keys, which nothing is sealed under, by the source's. */
static sb_status take_over_keys(migration *m, sb_error *error) {
  bool done = false;
  sb_status status = sb_store_exec(m->to, "DELETE FROM data_key", error);
  if (status != SB_OK) return status;
  sb_statement row = sb_statement_new(m->from, keys.query, error);
  sb_statement_bind_int(&row, 1, 0);
  while (status == SB_OK && !done) status = copy_some(m, &keys, &row, &done, error);
  sb_status read = sb_statement_end(&row);
  if (status != SB_OK) return status;
  status = read;
  return status == SB_OK ? sb_store_meta_set(m->to, "migration", "begun", 5, error) : status;
}

/* `*begun`: the target has the mark of an interrupted migration. SB_EXISTS: it has a gallery. */
static sb_status check_target(sb_store *to, bool *begun, sb_error *error) {
  static const char count_rows[] =
      "SELECT (SELECT count(*) FROM collection) + (SELECT count(*) FROM audit) + (SELECT count(*) FROM api_key)";
  int64_t marks = 0, rows = 0;
  sb_status status = sb_store_number(to, SB_STORE_COUNT_MIGRATION_MARKS, &marks, error);
  *begun = marks > 0;
  if (status != SB_OK || *begun) return status;
  status = sb_store_number(to, count_rows, &rows, error);
  if (status != SB_OK || !rows) return status;
  return sb_fail(error, SB_EXISTS, "the target has a gallery already; name an empty database or folder");
}

static sb_status mark_target(migration *m, sb_error *error) {
  bool begun = false;
  sb_status status = check_target(m->to, &begun, error);
  return status == SB_OK && !begun ? take_over_keys(m, error) : status;
}

static sb_status begin_migration(migration *m, sb_error *error) {
  const sb_driver *driver = m->to->driver;
  sb_status status = driver->begin(m->to, true, error);
  if (status != SB_OK) return status;
  status = mark_target(m, error);
  if (status == SB_OK) status = driver->commit(m->to, error);
  if (status != SB_OK) driver->rollback(m->to);
  return status;
}

static sb_status copy_meta(migration *m, sb_error *error) {
  sb_status status = SB_OK;
  sb_statement s = sb_statement_new(m->from,
                                    "SELECT key, value FROM meta WHERE key IN ('audit_head', 'rotation', 'target')"
                                    " OR key LIKE 'different/%'",
                                    error);
  while (status == SB_OK && sb_statement_step(&s)) {
    size_t size = 0;
    const void *value = sb_statement_column_blob(&s, 1, &size);
    status = sb_store_meta_set(m->to, sb_statement_column_text(&s, 0), value, size, error);
  }
  sb_status read = sb_statement_end(&s);
  return status == SB_OK ? read : status;
}

static sb_status complete(migration *m, sb_error *error) {
  sb_status status = copy_meta(m, error);
  for (int i = 0; status == SB_OK && i < NUMBERED; i++)
    status = m->to->driver->set_next_row(m->to, numbered[i], m->next[i], error);
  if (status != SB_OK) return status;
  status = sb_store_change_append(m->to, SB_CHANGE_RESET, 0, 0, 0, error);
  if (status != SB_OK) return status;
  status = sb_store_meta_delete(m->to, "migration", error);
  return status == SB_OK ? sb_store_row_mac_start(m->to, error) : status;
}

static sb_status end_migration(migration *m, sb_error *error) {
  sb_status status = sb_store_begin(m->to, error);
  return status == SB_OK ? sb_store_finish(m->to, complete(m, error), error) : status;
}

/* ---- All of it */

static sb_status compare_all(migration *m, sb_error *error) {
  for (int i = 0; i < TABLES; i++) {
    if (m->report) m->report(m->context, "comparison", m->rows);
    sb_status status = compare_table(m, &tables[i], error);
    if (status != SB_OK) return status;
  }
  return SB_OK;
}

static sb_status copy_and_compare(migration *m, sb_error *error) {
  for (int i = 0; i < TABLES; i++) {
    sb_status status = copy_table(m, &tables[i], error);
    if (status != SB_OK) return status;
  }
  sb_status status = sb_store_begin_read(m->to, error);
  if (status != SB_OK) return status;
  status = compare_all(m, error);
  sb_store_end_read(m->to);
  return status;
}

/* Within a read transaction of the source. */
static sb_status migrate(migration *m, const char *dir, const char *target, sb_error *error) {
  sb_status status = begin_migration(m, error);
  sb_store_close(m->to); /* its keys have been replaced */
  m->to = NULL;
  if (status != SB_OK) return status;
  status = sb_store_open_migration_target(dir, target, &m->to, error);
  if (status != SB_OK) return status;
  status = copy_and_compare(m, error);
  return status == SB_OK ? end_migration(m, error) : status;
}

static sb_status open_both(migration *m, const char *dir, const char *source, const char *target, sb_error *error) {
  sb_status status = sb_store_open_at(dir, source, !source, &m->from, error);
  for (int i = 0; status == SB_OK && i < NUMBERED; i++)
    status = m->from->driver->next_row(m->from, numbered[i], &m->next[i], error);
  return status == SB_OK ? sb_store_open_migration_target(dir, target, &m->to, error) : status;
}

sb_status sb_store_migrate(const char *dir, const char *url, bool back, sb_store_progress report, void *context,
                           size_t *rows, sb_error *error) {
  migration m = {.report = report, .context = context};
  const char *source = back ? url : NULL, *target = back ? NULL : url;
  sb_status status = open_both(&m, dir, source, target, error);
  if (status != SB_OK) goto done;
  status = sb_store_begin_read(m.from, error);
  if (status != SB_OK) goto done;
  status = migrate(&m, dir, target, error);
  sb_store_end_read(m.from);
done:
  sb_store_close(m.to);
  sb_store_close(m.from);
  free(m.one);
  free(m.other);
  if (status == SB_OK) *rows = m.rows;
  return status;
}
