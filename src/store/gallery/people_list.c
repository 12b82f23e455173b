/* Lists of people: pages of all, of those that fit a query, by time or by name. */
#include "store/internal.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* One person that fits, by row; `name` only where names decide the order. */
typedef struct roster_entry {
  int64_t row;
  char *name;
} roster_entry;

typedef struct roster {
  size_t count, room;
  roster_entry *entries;
} roster;

static void roster_free(roster *r) {
  for (size_t i = 0; i < r->count; i++) free(r->entries[i].name);
  free(r->entries);
}

/* Takes `name` over. */
static sb_status roster_add(roster *r, int64_t row, char *name, sb_error *error) {
  void *entries = r->entries;
  size_t room = r->room;
  sb_status status = SB_OK;
  if (r->count == room) {
    room = room ? 2 * room : 64;
    status = sb_grow(&entries, room, sizeof *r->entries, error);
  }
  if (status != SB_OK) {
    free(name);
    return status;
  }
  r->entries = entries;
  r->room = room;
  r->entries[r->count++] = (roster_entry){row, name};
  return SB_OK;
}

static int by_name(const void *a, const void *b) {
  const roster_entry *one = a, *other = b;
  int order = strcasecmp(one->name, other->name);
  return order ? order : (one->row > other->row) - (one->row < other->row);
}

/* Everybody who fits, in order. Names are sealed, so a query, and an order by name, opens them one by one. */
static sb_status collect(sb_store *store, const sb_store_listing *l, roster *r, sb_error *error) {
  bool all = !l->query || !*l->query, named = l->order == SB_ORDER_NAME;
  sb_statement s = sb_statement_new(
      store,
      l->order == SB_ORDER_NEWEST ? "SELECT id, external_id, name FROM person WHERE collection = ? ORDER BY id DESC"
                                  : "SELECT id, external_id, name FROM person WHERE collection = ? ORDER BY id",
      error);
  sb_statement_bind_int(&s, 1, l->collection);
  s.cursor = true;
  while (sb_statement_step(&s)) {
    int64_t row = sb_statement_column_int(&s, 0);
    size_t size = 0;
    char *name = sb_statement_column_sealed(&s, 2, &(sb_seal_context){"person", "name", row, NULL}, &size);
    char *id = all ? NULL : sb_store_person_id_open(&s, 1, row);
    bool fits =
        s.status == SB_OK && (all || sb_text_contains_nocase(id, l->query) || sb_text_contains_nocase(name, l->query));
    free(id);
    if (fits && named) {
      s.status = roster_add(r, row, name, error);
    } else {
      free(name);
      if (fits) s.status = roster_add(r, row, NULL, error);
    }
  }
  if (s.status == SB_OK && named && r->count) qsort(r->entries, r->count, sizeof *r->entries, by_name);
  return sb_statement_end(&s);
}

/* The person of the row that stands there. */
static void take_person(sb_statement *s, const sb_store_listing *l, sb_person *person) {
  sb_store_person_read(s, person);
  if (l->thumbnails) sb_store_person_thumbnail_read(s, person);
}

/* The rows of the page as the text that driver->numbers reads. */
static sb_status write_rows(const roster *r, size_t from, size_t count, sb_buffer *out, sb_error *error) {
  sb_status status = SB_OK;
  for (size_t i = 0; status == SB_OK && i < count; i++)
    status = sb_buffer_addf(out, error, i ? ",%lld" : "%lld", (long long)r->entries[from + i].row);
  return status;
}

/* All of the page by one statement, which gives them in any order: each goes to its place. */
static sb_status read_rows(sb_store *store, const sb_store_listing *l, const roster *r, size_t from, sb_people *people,
                           sb_error *error) {
  size_t left = from < r->count ? r->count - from : 0, count = left < l->limit ? left : l->limit;
  sb_buffer rows = {0}, sql = {0};
  if (!count) return SB_OK;
  people->items = sb_alloc(count, sizeof *people->items, error);
  if (!people->items) return SB_NO_MEMORY;
  people->count = count; /* those that are not there yet are all zero */
  sb_status status = write_rows(r, from, count, &rows, error);
  if (status == SB_OK)
    status = sb_buffer_addf(&sql, error, "%sWHERE p.id IN (%s)", l->thumbnails ? SB_PERSON_PICTURED : SB_PERSON_COLUMNS,
                            store->driver->numbers);
  if (status == SB_OK) {
    size_t found = 0;
    sb_statement s = sb_statement_new(store, sql.bytes, error);
    sb_statement_bind_text(&s, 1, rows.bytes);
    while (sb_statement_step(&s)) {
      size_t i = 0;
      while (i < count && r->entries[from + i].row != sb_statement_column_int(&s, 0)) i++;
      if (i == count) continue;
      take_person(&s, l, &people->items[i]);
      found++;
    }
    if (s.status == SB_OK && found != count)
      s.status = sb_fail(error, SB_STORE, "the list changed while it was read; ask again");
    status = sb_statement_end(&s);
  }
  sb_buffer_free(&rows);
  sb_buffer_free(&sql);
  return status;
}

/* By row where time decides the order; by place where names do, as a row tells no place there. */
static size_t place_after(const sb_store_listing *l, const roster *r) {
  if (!l->after) return l->offset;
  if (l->order == SB_ORDER_NAME) return (size_t)l->after;
  size_t at = 0;
  while (at < r->count &&
         (l->order == SB_ORDER_NEWEST ? r->entries[at].row >= l->after : r->entries[at].row <= l->after))
    at++;
  return at;
}

static sb_status list_some(sb_store *store, const sb_store_listing *l, sb_people *people, sb_error *error) {
  roster r = {0};
  sb_status status = sb_store_begin_read(store, error);
  if (status != SB_OK) return status;
  status = collect(store, l, &r, error);
  if (status == SB_OK) {
    size_t from = place_after(l, &r);
    people->total = r.count;
    people->offset = from;
    status = read_rows(store, l, &r, from, people, error);
    size_t end = from + people->count;
    if (people->count && end < r.count)
      people->next = l->order == SB_ORDER_NAME ? (int64_t)end : r.entries[end - 1].row;
  }
  roster_free(&r);
  sb_store_end_read(store);
  return status;
}

static sb_status number(sb_store *store, const char *sql, int64_t collection, int64_t after, size_t *out,
                        sb_error *error) {
  sb_statement s = sb_statement_new(store, sql, error);
  sb_statement_bind_int(&s, 1, collection);
  if (after) sb_statement_bind_int(&s, 2, after);
  if (sb_statement_step(&s)) *out = (size_t)sb_statement_column_int(&s, 0);
  return sb_statement_end(&s);
}

/* Everybody, by time: SQLite does the paging, and only the page is opened. */
static sb_status list_all(sb_store *store, const sb_store_listing *l, sb_people *people, sb_error *error) {
  bool newest = l->order == SB_ORDER_NEWEST;
  int64_t after = l->after ? l->after : newest ? INT64_MAX : 0, last = 0;
  people->offset = l->offset;
  sb_status status =
      number(store, "SELECT count(*) FROM person WHERE collection = ?", l->collection, 0, &people->total, error);
  if (status == SB_OK && l->after)
    status = number(store,
                    newest ? "SELECT count(*) FROM person WHERE collection = ? AND id >= ?"
                           : "SELECT count(*) FROM person WHERE collection = ? AND id <= ?",
                    l->collection, l->after, &people->offset, error);
  if (status != SB_OK) return status;
#define OLDEST_PAGE "WHERE p.collection = ? AND p.id > ? ORDER BY p.id LIMIT ? OFFSET ?"
#define NEWEST_PAGE "WHERE p.collection = ? AND p.id < ? ORDER BY p.id DESC LIMIT ? OFFSET ?"
  static const char *const pages[2][2] = {{SB_PERSON_COLUMNS OLDEST_PAGE, SB_PERSON_COLUMNS NEWEST_PAGE},
                                          {SB_PERSON_PICTURED OLDEST_PAGE, SB_PERSON_PICTURED NEWEST_PAGE}};
  sb_statement s = sb_statement_new(store, pages[l->thumbnails][newest], error);
  sb_statement_bind_int(&s, 1, l->collection);
  sb_statement_bind_int(&s, 2, after);
  sb_statement_bind_int(&s, 3, (int64_t)l->limit);
  sb_statement_bind_int(&s, 4, l->after ? 0 : (int64_t)l->offset);
  while (sb_statement_step(&s)) {
    sb_person person;
    last = sb_statement_column_int(&s, 0);
    take_person(&s, l, &person);
    sb_status added = sb_store_people_add(people, &person, error);
    if (s.status == SB_OK) s.status = added;
  }
  if (people->count && people->offset + people->count < people->total) people->next = last;
  return sb_statement_end(&s);
}

sb_status sb_store_people(sb_store *store, const sb_store_listing *listing, sb_people **out, sb_error *error) {
  sb_people *people = sb_alloc(1, sizeof *people, error);
  if (!people) return SB_NO_MEMORY;
  bool by_time = (!listing->query || !*listing->query) && listing->order != SB_ORDER_NAME;
  sb_store_lock(store);
  sb_status status = by_time ? list_all(store, listing, people, error) : list_some(store, listing, people, error);
  sb_store_unlock(store);
  if (status == SB_OK)
    *out = people;
  else
    sb_people_free(people);
  return status;
}
