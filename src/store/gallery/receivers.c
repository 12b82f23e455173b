/* Receivers of events and their outbox. Time is that of the server that asks: leases are long against what clocks of
 * several servers differ by. */
#include "store/gallery/receivers.h"

#include "store/audit/audit_log.h"
#include "store/core/transaction.h"
#include "store/gallery/counts.h"
#include "store/sealing/sealed_columns.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- The column `settings`: a version, flags, kinds, the secret's size and the secret, then two or three texts, each
 * with its NUL: collection, URL and, if there are some, the certificates of a broker's authority */

enum { VERSION = 1, ALLOW_PRIVATE = 1, HEAD = 4 };
enum {
  SETTINGS_MAX =
      HEAD + SB_RECEIVER_PASSWORD_MAX + SB_COLLECTION_MAX + 1 + SB_RECEIVER_URL_MAX + 1 + SB_RECEIVER_CA_MAX + 1
};

static size_t settings_write(const sb_store_receiver *r, uint8_t bytes[SETTINGS_MAX]) {
  size_t collection = strlen(r->collection) + 1, url = strlen(r->url) + 1, at = HEAD;
  bytes[0] = VERSION;
  bytes[1] = r->allow_private ? ALLOW_PRIVATE : 0;
  bytes[2] = (uint8_t)r->kinds;
  bytes[3] = (uint8_t)r->secret_size;
  memcpy(bytes + at, r->secret, r->secret_size);
  at += r->secret_size;
  memcpy(bytes + at, r->collection, collection);
  at += collection;
  memcpy(bytes + at, r->url, url);
  at += url;
  size_t ca = *r->ca ? strlen(r->ca) + 1 : 0;
  memcpy(bytes + at, r->ca, ca);
  return at + ca;
}

static bool settings_read(const char *bytes, size_t size, sb_store_receiver *r) {
  if (size < HEAD || size > SETTINGS_MAX || bytes[0] != VERSION || bytes[size - 1]) return false;
  size_t secret = (uint8_t)bytes[3], at = HEAD + secret;
  if (secret > SB_RECEIVER_PASSWORD_MAX || at >= size) return false;
  size_t collection = strlen(bytes + at) + 1;
  if (at + collection >= size || collection > sizeof r->collection) return false;
  r->allow_private = (bytes[1] & ALLOW_PRIVATE) != 0;
  r->kinds = (uint8_t)bytes[2];
  r->secret_size = secret;
  memcpy(r->secret, bytes + HEAD, secret);
  memcpy(r->collection, bytes + at, collection);
  at += collection;
  snprintf(r->url, sizeof r->url, "%s", bytes + at);
  at += strlen(bytes + at) + 1;
  if (at < size) snprintf(r->ca, sizeof r->ca, "%s", bytes + at);
  return true;
}

/* ---- Adding and removing */

static sb_status check_room(sb_store *store, sb_error *error) {
  int64_t count = 0;
  sb_status status = sb_store_number(store, "SELECT count(*) FROM receiver", &count, error);
  if (status != SB_OK || count < SB_RECEIVERS_MAX) return status;
  return sb_fail(error, SB_INVALID, "there are %d receivers already; remove one first", SB_RECEIVERS_MAX);
}

static sb_status insert(sb_store *store, int64_t row, const sb_store_receiver *r, sb_error *error) {
  uint8_t settings[SETTINGS_MAX];
  const sb_seal_context context = {"receiver", "settings", row, NULL};
  size_t size = settings_write(r, settings);
  sb_statement s = sb_statement_new(store,
                                    "INSERT INTO receiver(id, created, ended, position, tries, failing_since, next_try,"
                                    " error, holder, lease, settings)"
                                    " VALUES(?, ?, 0, (SELECT coalesce(max(id), 0) FROM event), 0, 0, 0, '', 0, 0, ?)",
                                    error);
  sb_statement_bind_int(&s, 1, row);
  sb_statement_bind_int(&s, 2, sb_now_ms());
  sb_statement_bind_sealed(&s, 3, &context, settings, size);
  sb_wipe(settings, sizeof settings);
  return sb_statement_run(&s);
}

static sb_status add(sb_store *store, const sb_store_receiver *r, int64_t *row, sb_error *error) {
  sb_store_adjust_counts(store, 0, 0, 0);
  sb_status status = check_room(store, error);
  if (status != SB_OK) return status;
  status = store->driver->next_row(store, "receiver", row, error);
  if (status != SB_OK) return status;
  status = insert(store, *row, r, error);
  if (status != SB_OK) return status;
  return sb_audit_append(store, &(sb_audit_event){"receiver", 0, 0, *row}, NULL, error);
}

sb_status sb_store_receiver_add(sb_store *store, const sb_store_receiver *receiver, int64_t *row, sb_error *error) {
  int64_t added = 0;
  sb_status status = sb_store_begin(store, error);
  if (status != SB_OK) return status;
  status = sb_store_finish(store, add(store, receiver, &added, error), error);
  if (status == SB_OK) *row = added;
  return status;
}

static sb_status delete_rows(sb_store *store, int64_t row, sb_error *error) {
  sb_store_adjust_counts(store, 0, 0, 0);
  sb_status status = sb_store_exec_int(store, "DELETE FROM receiver WHERE id = ?", row, error);
  if (status != SB_OK) return status;
  if (!sb_store_rows_written(store)) return sb_fail(error, SB_NOT_FOUND, "there is no such receiver");
  status = sb_store_exec_int(store, "DELETE FROM dead_letter WHERE receiver = ?", row, error);
  if (status != SB_OK) return status;
  return sb_audit_append(store, &(sb_audit_event){"receiver-remove", 0, 0, row}, NULL, error);
}

sb_status sb_store_receiver_remove(sb_store *store, int64_t row, sb_error *error) {
  sb_status status = sb_store_begin(store, error);
  if (status != SB_OK) return status;
  status = sb_store_finish(store, delete_rows(store, row, error), error);
  if (status == SB_OK) sb_store_purge_deleted(store);
  return status;
}

/* ---- Reading */

#define COLUMNS "id, created, ended, position, tries, failing_since, next_try, error, settings"
enum { ROW, CREATED, ENDED, POSITION, TRIES, FAILING_SINCE, NEXT_TRY, ERROR, SETTINGS };

static void read_row(sb_statement *s, sb_store_receiver *out) {
  *out = (sb_store_receiver){.row = sb_statement_column_int(s, ROW),
                             .created_ms = sb_statement_column_int(s, CREATED),
                             .ended = sb_statement_column_int(s, ENDED) != 0,
                             .position = sb_statement_column_int(s, POSITION),
                             .tries = sb_statement_column_int(s, TRIES),
                             .failing_since_ms = sb_statement_column_int(s, FAILING_SINCE),
                             .next_try_ms = sb_statement_column_int(s, NEXT_TRY)};
  snprintf(out->error, sizeof out->error, "%s", sb_statement_column_text(s, ERROR));
  const sb_seal_context context = {"receiver", "settings", out->row, NULL};
  size_t size = 0;
  char *settings = sb_statement_column_sealed(s, SETTINGS, &context, &size);
  if (s->status == SB_OK && !settings_read(settings, size, out))
    s->status = sb_fail(s->error, SB_STORE, "the settings of a receiver are damaged; remove it and add it again");
  if (settings) sb_wipe(settings, size);
  free(settings);
}

sb_status sb_store_receivers(sb_store *store, sb_store_receiver *out, size_t *count, sb_error *error) {
  size_t found = 0;
  sb_store_lock(store);
  sb_statement s = sb_statement_new(store, "SELECT " COLUMNS " FROM receiver ORDER BY id", error);
  while (found < SB_RECEIVERS_MAX && sb_statement_step(&s)) read_row(&s, &out[found++]);
  sb_status status = sb_statement_end(&s);
  sb_store_unlock(store);
  if (status == SB_OK) *count = found;
  return status;
}

sb_status sb_store_receivers_active(sb_store *store, size_t *count, sb_error *error) {
  int64_t number = 0;
  sb_store_lock(store);
  sb_status status = sb_store_number(store, "SELECT count(*) FROM receiver WHERE ended = 0", &number, error);
  sb_store_unlock(store);
  if (status == SB_OK) *count = (size_t)number;
  return status;
}

sb_status sb_store_receiver_check(sb_store *store, int64_t row, sb_error *error) {
  sb_store_lock(store);
  sb_statement s = sb_statement_new(store, "SELECT 1 FROM receiver WHERE id = ?", error);
  sb_statement_bind_int(&s, 1, row);
  if (!sb_statement_step(&s)) sb_statement_not_found(&s, "there is no such receiver");
  sb_status status = sb_statement_end(&s);
  sb_store_unlock(store);
  return status;
}

/* ---- Delivering */

static sb_status take_lease(sb_store *store, int64_t row, int64_t holder, int64_t ms, bool *held, sb_error *error) {
  int64_t now = sb_now_ms();
  sb_store_adjust_counts(store, 0, 0, 0);
  sb_statement s = sb_statement_new(
      store, "UPDATE receiver SET holder = ?1, lease = ?2 WHERE id = ?3 AND (holder = ?1 OR lease < ?4)", error);
  bool only_server = !store->url; /* of a folder: what held the lease has ended */
  sb_statement_bind_int(&s, 1, holder);
  sb_statement_bind_int(&s, 2, now + ms);
  sb_statement_bind_int(&s, 3, row);
  sb_statement_bind_int(&s, 4, only_server ? INT64_MAX : now);
  sb_status status = sb_statement_run(&s);
  if (status == SB_OK) *held = sb_store_rows_written(store) > 0;
  return status;
}

sb_status sb_store_receiver_lease(sb_store *store, int64_t row, int64_t holder, int64_t ms, bool *held,
                                  sb_error *error) {
  sb_status status = sb_store_begin(store, error);
  if (status != SB_OK) return status;
  return sb_store_finish(store, take_lease(store, row, holder, ms, held, error), error);
}

static sb_status add_dead_letter(sb_store *store, const sb_store_dead_letter *dead, sb_error *error) {
  int64_t row = 0;
  sb_status status = store->driver->next_row(store, "dead_letter", &row, error);
  if (status != SB_OK) return status;
  sb_statement s = sb_statement_new(
      store, "INSERT INTO dead_letter(id, receiver, event, at, tries, error) VALUES(?, ?, ?, ?, ?, ?)", error);
  sb_statement_bind_int(&s, 1, row);
  sb_statement_bind_int(&s, 2, dead->receiver);
  sb_statement_bind_int(&s, 3, dead->event);
  sb_statement_bind_int(&s, 4, dead->at_ms);
  sb_statement_bind_int(&s, 5, dead->tries);
  sb_statement_bind_text(&s, 6, dead->error);
  return sb_statement_run(&s);
}

static sb_status update(sb_store *store, const sb_store_receiver *r, int64_t holder, const sb_store_dead_letter *dead,
                        bool *held, sb_error *error) {
  sb_store_adjust_counts(store, 0, 0, 0);
  sb_statement s =
      sb_statement_new(store,
                       "UPDATE receiver SET ended = ?1, position = ?2, tries = ?3, failing_since = ?4, next_try = ?5,"
                       " error = ?6 WHERE id = ?7 AND holder = ?8",
                       error);
  sb_statement_bind_int(&s, 1, r->ended);
  sb_statement_bind_int(&s, 2, r->position);
  sb_statement_bind_int(&s, 3, r->tries);
  sb_statement_bind_int(&s, 4, r->failing_since_ms);
  sb_statement_bind_int(&s, 5, r->next_try_ms);
  sb_statement_bind_text(&s, 6, r->error);
  sb_statement_bind_int(&s, 7, r->row);
  sb_statement_bind_int(&s, 8, holder);
  sb_status status = sb_statement_run(&s);
  if (status != SB_OK) return status;
  *held = sb_store_rows_written(store) > 0;
  return *held && dead ? add_dead_letter(store, dead, error) : SB_OK;
}

sb_status sb_store_receiver_update(sb_store *store, const sb_store_receiver *receiver, int64_t holder,
                                   const sb_store_dead_letter *dead, bool *held, sb_error *error) {
  sb_status status = sb_store_begin(store, error);
  if (status != SB_OK) return status;
  return sb_store_finish(store, update(store, receiver, holder, dead, held, error), error);
}

sb_status sb_store_dead_letters(sb_store *store, int64_t receiver, sb_store_dead_letter *out, size_t limit,
                                size_t *count, sb_error *error) {
  size_t found = 0;
  sb_store_lock(store);
  sb_statement s = sb_statement_new(
      store, "SELECT event, at, tries, error FROM dead_letter WHERE receiver = ? ORDER BY id DESC LIMIT ?", error);
  sb_statement_bind_int(&s, 1, receiver);
  sb_statement_bind_int(&s, 2, (int64_t)limit);
  for (; found < limit && sb_statement_step(&s); found++) {
    out[found] = (sb_store_dead_letter){.receiver = receiver,
                                        .event = sb_statement_column_int(&s, 0),
                                        .at_ms = sb_statement_column_int(&s, 1),
                                        .tries = sb_statement_column_int(&s, 2)};
    snprintf(out[found].error, sizeof out[found].error, "%s", sb_statement_column_text(&s, 3));
  }
  sb_status status = sb_statement_end(&s);
  sb_store_unlock(store);
  if (status == SB_OK) *count = found;
  return status;
}
