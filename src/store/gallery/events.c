/* Events: adding, listing and deleting them.
 *
 * Ids grow in the order of commits, because there is one writer at a time and it takes the id within its transaction.
 * So whoever has read up to an id has missed no event with a lower one. */
#include "store/gallery/events.h"

#include "store/audit/audit_log.h"
#include "store/core/transaction.h"
#include "store/gallery/counts.h"
#include "store/gallery/person_rows.h"
#include "store/sealing/sealed_columns.h"

#include <stdlib.h>
#include <string.h>

enum { SIGHTINGS = SB_EVENT_SEEN | SB_EVENT_WATCHLIST | SB_EVENT_UNKNOWN_AGAIN };

/* ---- The column `detail`: a version, verdict, reason, then numbers of 8 bytes, little-endian, then the note */

enum { VERSION = 1, NUMBERS = 5, NUMBERS_AT = 3, NOTE_AT = NUMBERS_AT + 8 * NUMBERS };
enum { SCORE, RATE, GALLERY_RATE, QUALITY, UNKNOWN }; /* UNKNOWN is an integer, the others are float64 */

static void put_integer(uint8_t *at, uint64_t value) {
  for (int i = 0; i < 8; i++) at[i] = (uint8_t)(value >> (8 * i));
}

static uint64_t get_integer(const uint8_t *at) {
  uint64_t value = 0;
  for (int i = 0; i < 8; i++) value |= (uint64_t)at[i] << (8 * i);
  return value;
}

static void put_real(uint8_t *at, double value) {
  uint64_t bits;
  memcpy(&bits, &value, sizeof bits);
  put_integer(at, bits);
}

static double get_real(const uint8_t *at) {
  uint64_t bits = get_integer(at);
  double value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

static size_t detail_write(const sb_event *event, uint8_t bytes[NOTE_AT + SB_EVENT_NOTE_MAX]) {
  size_t note = event->note ? strlen(event->note) : 0;
  bytes[0] = VERSION;
  bytes[1] = (uint8_t)event->verdict;
  bytes[2] = (uint8_t)event->reason;
  put_real(bytes + NUMBERS_AT + 8 * SCORE, event->score);
  put_real(bytes + NUMBERS_AT + 8 * RATE, event->false_match_rate);
  put_real(bytes + NUMBERS_AT + 8 * GALLERY_RATE, event->gallery_false_match);
  put_real(bytes + NUMBERS_AT + 8 * QUALITY, (double)event->quality);
  put_integer(bytes + NUMBERS_AT + 8 * UNKNOWN, event->unknown);
  if (note) memcpy(bytes + NOTE_AT, event->note, note);
  return NOTE_AT + note;
}

/* `detail` is followed by a NUL, and becomes the event's note. */
static bool detail_read(const char *detail, size_t size, sb_event *event) {
  const uint8_t *bytes = (const uint8_t *)detail;
  if (size < NOTE_AT || bytes[0] != VERSION) return false;
  event->verdict = (sb_verdict)bytes[1];
  event->reason = (sb_reason)bytes[2];
  event->score = get_real(bytes + NUMBERS_AT + 8 * SCORE);
  event->false_match_rate = get_real(bytes + NUMBERS_AT + 8 * RATE);
  event->gallery_false_match = get_real(bytes + NUMBERS_AT + 8 * GALLERY_RATE);
  event->quality = (float)get_real(bytes + NUMBERS_AT + 8 * QUALITY);
  event->unknown = get_integer(bytes + NUMBERS_AT + 8 * UNKNOWN);
  event->note = size > NOTE_AT ? detail + NOTE_AT : NULL;
  return true;
}

/* ---- Adding */

static sb_status person_exists(sb_store *store, int64_t person, bool *exists, sb_error *error) {
  sb_statement s = sb_statement_new(store, "SELECT 1 FROM person WHERE id = ?", error);
  sb_statement_bind_int(&s, 1, person);
  *exists = sb_statement_step(&s);
  return sb_statement_end(&s);
}

static sb_status insert(sb_store *store, int64_t row, int64_t collection, int64_t person, bool erased,
                        const sb_event *event, sb_error *error) {
  uint8_t detail[NOTE_AT + SB_EVENT_NOTE_MAX];
  const sb_seal_context detail_context = {"event", "detail", row, NULL}, picture = {"event", "picture", row, NULL};
  size_t size = detail_write(event, detail);
  sb_statement s =
      sb_statement_new(store,
                       "INSERT INTO event(id, collection, camera, kind, since, until, person, erased, detail, picture)"
                       " VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                       error);
  sb_statement_bind_int(&s, 1, row);
  sb_statement_bind_int(&s, 2, collection);
  sb_statement_bind_text(&s, 3, event->camera);
  sb_statement_bind_int(&s, 4, event->kind);
  sb_statement_bind_int(&s, 5, event->since_ms);
  sb_statement_bind_int(&s, 6, event->until_ms);
  sb_statement_bind_int(&s, 7, person);
  sb_statement_bind_int(&s, 8, erased);
  sb_statement_bind_sealed(&s, 9, &detail_context, detail, size);
  if (event->picture_size && !erased) sb_statement_bind_sealed(&s, 10, &picture, event->picture, event->picture_size);
  return sb_statement_run(&s);
}

static sb_status add(sb_store *store, int64_t collection, int64_t person, const sb_event *event, int64_t *row,
                     sb_error *error) {
  bool exists = true;
  sb_store_adjust_counts(store, 0, 0, 0);
  sb_status status = person ? person_exists(store, person, &exists, error) : SB_OK;
  if (status != SB_OK) return status;
  status = store->driver->next_row(store, "event", row, error);
  if (status != SB_OK) return status;
  status = insert(store, *row, collection, exists ? person : 0, !exists, event, error);
  if (status != SB_OK || !(event->kind & SIGHTINGS)) return status;
  const sb_audit_event sighting = {"sighting", collection, exists ? person : 0, 1};
  return sb_audit_append(store, &sighting, NULL, error);
}

sb_status sb_store_event_add(sb_store *store, int64_t collection, int64_t person, const sb_event *event,
                             uint64_t *number, sb_error *error) {
  int64_t row = 0;
  sb_status status = sb_store_begin(store, error);
  if (status != SB_OK) return status;
  status = sb_store_finish(store, add(store, collection, person, event, &row, error), error);
  if (status == SB_OK && number) *number = (uint64_t)row;
  return status;
}

/* ---- Listing */

/* What a list of events owns: texts and pictures, each behind a link to the next. */
typedef struct memory_block {
  struct memory_block *next;
} memory_block;

/* Copies into the list's memory, with a NUL behind. NULL after a failure. */
static void *keep(sb_events *events, const void *bytes, size_t size, sb_error *error) {
  memory_block *block = sb_alloc(sizeof *block + size + 1, 1, error);
  if (!block) return NULL;
  block->next = events->memory;
  events->memory = block;
  return memcpy(block + 1, bytes, size);
}

void sb_events_free(sb_events *events) {
  if (!events) return;
  for (memory_block *block = events->memory, *next; block; block = next) {
    next = block->next;
    free(block);
  }
  free(events);
}

/* Opens a sealed column into the list's memory; NULL where it is NULL or after a failure. */
static char *open_column(sb_statement *s, int column, const sb_seal_context *context, sb_events *events, size_t *size) {
  *size = 0;
  if (s->status != SB_OK || sb_statement_column_null(s, column)) return NULL;
  char *plain = sb_statement_column_sealed(s, column, context, size);
  if (!plain) return NULL;
  char *kept = keep(events, plain, *size, s->error);
  sb_wipe(plain, *size);
  free(plain);
  if (!kept) s->status = SB_NO_MEMORY;
  return kept;
}

static const char *keep_text(sb_statement *s, int column, sb_events *events) {
  const char *text = sb_statement_column_text(s, column);
  const char *kept = keep(events, text, strlen(text), s->error);
  if (!kept) s->status = SB_NO_MEMORY;
  return kept;
}

#define COLUMNS                                                                                            \
  "SELECT e.id, c.name, e.camera, e.kind, e.since, e.until, e.person, e.erased, e.detail, p.external_id, " \
  "p.name, "
#define TABLES " FROM event e LEFT JOIN collection c ON c.id = e.collection LEFT JOIN person p ON p.id = e.person"
#define WHERE                                                                                         \
  " WHERE (?2 = 0 OR e.collection = ?2) AND (?3 = '' OR e.camera = ?3) AND (?4 = 0 OR e.person = ?4)" \
  " AND (e.kind & ?5) <> 0 AND e.since >= ?6 AND e.since < ?7"
#define OLDEST TABLES WHERE " AND e.id > ?1 ORDER BY e.id LIMIT ?8"
#define NEWEST TABLES WHERE " AND (?1 = 0 OR e.id < ?1) ORDER BY e.id DESC LIMIT ?8"
enum { ROW, COLLECTION, CAMERA, KIND, SINCE, UNTIL, PERSON, ERASED, DETAIL, PERSON_ID, PERSON_NAME, PICTURE };

static const char *const queries[2][2] = {{COLUMNS "NULL" OLDEST, COLUMNS "NULL" NEWEST},
                                          {COLUMNS "e.picture" OLDEST, COLUMNS "e.picture" NEWEST}};

static void read_person(sb_statement *s, sb_events *events, sb_event *out) {
  int64_t row = sb_statement_column_int(s, PERSON);
  const sb_seal_context id = {"person", "external_id", row, NULL}, name = {"person", "name", row, NULL};
  size_t size = 0;
  if (!row) return;
  out->person = open_column(s, PERSON_ID, &id, events, &size);
  out->name = open_column(s, PERSON_NAME, &name, events, &size);
}

static void read_event(sb_statement *s, sb_events *events, sb_event *out) {
  int64_t row = sb_statement_column_int(s, ROW);
  const sb_seal_context detail = {"event", "detail", row, NULL}, picture = {"event", "picture", row, NULL};
  size_t size = 0;
  *out = (sb_event){.struct_size = sizeof *out,
                    .number = (uint64_t)row,
                    .kind = (sb_event_kind)sb_statement_column_int(s, KIND),
                    .collection = keep_text(s, COLLECTION, events),
                    .camera = keep_text(s, CAMERA, events),
                    .since_ms = sb_statement_column_int(s, SINCE),
                    .until_ms = sb_statement_column_int(s, UNTIL),
                    .erased = sb_statement_column_int(s, ERASED) != 0};
  const char *opened = open_column(s, DETAIL, &detail, events, &size);
  if (s->status == SB_OK && (!opened || !detail_read(opened, size, out)))
    s->status = sb_fail(s->error, SB_STORE, "an event of the database is damaged; restore a backup");
  read_person(s, events, out);
  out->picture = (const uint8_t *)open_column(s, PICTURE, &picture, events, &out->picture_size);
}

static sb_status list(sb_store *store, const sb_store_event_query *of, size_t limit, sb_events *events, sb_event *items,
                      sb_error *error) {
  const sb_event_query *q = of->query;
  sb_statement s = sb_statement_new(store, queries[q->pictures][q->order == SB_ORDER_NEWEST], error);
  sb_statement_bind_int(&s, 1, (int64_t)q->after);
  sb_statement_bind_int(&s, 2, of->collection);
  sb_statement_bind_text(&s, 3, q->camera ? q->camera : "");
  sb_statement_bind_int(&s, 4, of->person);
  sb_statement_bind_int(&s, 5, q->kinds ? q->kinds : SB_EVENT_KINDS);
  sb_statement_bind_int(&s, 6, q->since_ms ? q->since_ms : INT64_MIN);
  sb_statement_bind_int(&s, 7, q->until_ms ? q->until_ms : INT64_MAX);
  sb_statement_bind_int(&s, 8, (int64_t)limit + 1);
  while (sb_statement_step(&s)) {
    if (events->count == limit) {
      events->next = items[limit - 1].number;
      break;
    }
    read_event(&s, events, &items[events->count++]);
  }
  return sb_statement_end(&s);
}

static const char newest_sql[] = "SELECT coalesce(max(id), 0) FROM event";

static sb_status list_all(sb_store *store, const sb_store_event_query *of, sb_events *events, sb_error *error) {
  int64_t newest = 0;
  size_t limit = of->query->limit;
  memory_block *block = sb_alloc(1, sizeof *block + limit * sizeof(sb_event), error);
  if (!block) return SB_NO_MEMORY;
  sb_event *items = (sb_event *)(void *)(block + 1);
  events->memory = block;
  events->items = items;
  sb_store_lock(store);
  sb_status status = sb_store_number(store, newest_sql, &newest, error);
  if (status == SB_OK) status = list(store, of, limit, events, items, error);
  sb_store_unlock(store);
  events->newest = (uint64_t)newest;
  return status;
}

sb_status sb_store_events(sb_store *store, const sb_store_event_query *query, sb_events **out, sb_error *error) {
  sb_events *events = sb_alloc(1, sizeof *events, error);
  if (!events) return SB_NO_MEMORY;
  sb_status status = list_all(store, query, events, error);
  if (status == SB_OK)
    *out = events;
  else
    sb_events_free(events);
  return status;
}

sb_status sb_store_events_newest(sb_store *store, uint64_t *number, sb_error *error) {
  int64_t newest = 0;
  sb_store_lock(store);
  sb_status status = sb_store_number(store, newest_sql, &newest, error);
  sb_store_unlock(store);
  if (status == SB_OK) *number = (uint64_t)newest;
  return status;
}

sb_status sb_store_events_check(sb_store *store, sb_error *error) {
  sb_event_query query = {.limit = SB_EVENTS_MAX, .pictures = true};
  do {
    sb_events *events = NULL;
    sb_status status = sb_store_events(store, &(sb_store_event_query){.query = &query}, &events, error);
    if (status != SB_OK) return status;
    query.after = events->next;
    sb_events_free(events);
  } while (query.after);
  return SB_OK;
}

/* ---- Deleting */

static sb_status delete_old(sb_store *store, int64_t before_ms, int64_t *count, sb_error *error) {
  sb_store_adjust_counts(store, 0, 0, 0);
  sb_status status = sb_store_exec_int(store, "DELETE FROM event WHERE until < ?", before_ms, error);
  if (status != SB_OK) return status;
  *count = sb_store_rows_written(store);
  if (!*count) return SB_OK;
  return sb_audit_append(store, &(sb_audit_event){"expire-events", 0, 0, *count}, NULL, error);
}

sb_status sb_store_events_delete(sb_store *store, int64_t before_ms, size_t *count, sb_error *error) {
  int64_t deleted = 0;
  sb_status status = sb_store_begin(store, error);
  if (status != SB_OK) return status;
  status = sb_store_finish(store, delete_old(store, before_ms, &deleted, error), error);
  if (status != SB_OK) return status;
  if (count) *count = (size_t)deleted;
  if (deleted) sb_store_purge_deleted(store);
  return SB_OK;
}

sb_status sb_store_events_forget_person(sb_store *store, int64_t person, sb_error *error) {
  return sb_store_exec_int(store, "UPDATE event SET person = 0, erased = 1, picture = NULL WHERE person = ?", person,
                           error);
}

sb_status sb_store_events_move_person(sb_store *store, int64_t from, int64_t into, sb_error *error) {
  sb_statement s = sb_statement_new(store, "UPDATE event SET person = ?1 WHERE person = ?2", error);
  sb_statement_bind_int(&s, 1, into);
  sb_statement_bind_int(&s, 2, from);
  return sb_statement_run(&s);
}

sb_status sb_store_events_forget_collection(sb_store *store, int64_t collection, sb_error *error) {
  return sb_store_exec_int(store, "DELETE FROM event WHERE collection = ?", collection, error);
}
