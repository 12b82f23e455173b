/* Lists of people, page by page: all, or those that match a query; by time or by name.
 *
 * Ids and names are sealed, so the database can order and page by time only (list_by_time). A query, or an order by
 * name, opens every person of the collection (list_matches). */
#include "store/gallery/person_rows.h"
#include "store/sealing/sealed_columns.h"
#include "unicode/unicode.h"

#include <stdlib.h>
#include <string.h>

/* The page's people are read with SB_PERSON_SELECT or, with thumbnails, SB_PERSON_SELECT_PICTURED. */
static void read_person(sb_statement *s, const sb_store_listing *l, sb_person *person) {
  sb_store_person_read(s, person);
  if (l->thumbnails) sb_store_person_thumbnail_read(s, person);
}

/* ---- By time */

#define OLDEST_PAGE "WHERE p.collection = ? AND p.id > ? ORDER BY p.id LIMIT ? OFFSET ?"
#define NEWEST_PAGE "WHERE p.collection = ? AND p.id < ? ORDER BY p.id DESC LIMIT ? OFFSET ?"
static const char *const page_sql[2][2] = {
    {SB_PERSON_SELECT OLDEST_PAGE, SB_PERSON_SELECT NEWEST_PAGE},
    {SB_PERSON_SELECT_PICTURED OLDEST_PAGE, SB_PERSON_SELECT_PICTURED NEWEST_PAGE}};

/* How many people the collection has; with `up_to` those up to that row, in the list's order. */
static sb_status count_people(sb_store *store, const sb_store_listing *l, int64_t up_to, size_t *out, sb_error *error) {
  const char *sql = !up_to                        ? "SELECT count(*) FROM person WHERE collection = ?"
                    : l->order == SB_ORDER_NEWEST ? "SELECT count(*) FROM person WHERE collection = ? AND id >= ?"
                                                  : "SELECT count(*) FROM person WHERE collection = ? AND id <= ?";
  sb_statement s = sb_statement_new(store, sql, error);
  sb_statement_bind_int(&s, 1, l->collection);
  if (up_to) sb_statement_bind_int(&s, 2, up_to);
  if (sb_statement_step(&s)) *out = (size_t)sb_statement_column_int(&s, 0);
  return sb_statement_end(&s);
}

/* The database does the paging, and only the people of the page are opened. */
static sb_status list_by_time(sb_store *store, const sb_store_listing *l, sb_people *people, sb_error *error) {
  bool newest = l->order == SB_ORDER_NEWEST;
  int64_t after = l->after ? l->after : newest ? INT64_MAX : 0, last = 0;
  people->offset = l->offset;
  sb_status status = count_people(store, l, 0, &people->total, error);
  if (status == SB_OK && l->after) status = count_people(store, l, l->after, &people->offset, error);
  if (status != SB_OK) return status;
  sb_statement s = sb_statement_new(store, page_sql[l->thumbnails][newest], error);
  sb_statement_bind_int(&s, 1, l->collection);
  sb_statement_bind_int(&s, 2, after);
  sb_statement_bind_int(&s, 3, (int64_t)l->limit);
  sb_statement_bind_int(&s, 4, l->after ? 0 : (int64_t)l->offset);
  while (sb_statement_step(&s)) {
    sb_person person;
    last = sb_statement_column_int(&s, SB_PERSON_COLUMN_ROW);
    read_person(&s, l, &person);
    sb_status added = sb_store_people_add(people, &person, error);
    if (s.status == SB_OK) s.status = added;
  }
  if (people->count && people->offset + people->count < people->total) people->next = last;
  return sb_statement_end(&s);
}

/* ---- Matches of a query, and the order by name */

/* Rows of the people that match, in the list's order; `key` (sb_unicode_sort_key) only where names decide it. */
typedef struct match {
  int64_t row;
  char *key;
} match;

typedef struct matches {
  size_t count, room;
  match *items;
} matches;

static void matches_free(matches *m) {
  for (size_t i = 0; i < m->count; i++) free(m->items[i].key);
  free(m->items);
}

/* Takes `key` over, also on failure. */
static sb_status matches_add(matches *m, int64_t row, char *key, sb_error *error) {
  if (m->count == m->room) {
    void *items = m->items;
    size_t room = m->room ? 2 * m->room : 64;
    sb_status status = sb_grow(&items, room, sizeof *m->items, error);
    if (status != SB_OK) return free(key), status;
    m->items = items;
    m->room = room;
  }
  m->items[m->count++] = (match){row, key};
  return SB_OK;
}

static int by_name(const void *a, const void *b) {
  const match *one = a, *other = b;
  int order = strcmp(one->key, other->key);
  return order ? order : (one->row > other->row) - (one->row < other->row);
}

enum { ROW, ID, NAME };

/* Whether a text contains the query, which is folded. Records a failure in the statement. */
static bool contains(sb_statement *s, const char *text, const char *query) {
  char *folded = NULL;
  if (s->status == SB_OK) s->status = sb_unicode_fold(text, &folded, s->error);
  bool found = s->status == SB_OK && strstr(folded, query);
  free(folded);
  return found;
}

/* Adds the current row when it matches. `query`: folded; "" matches everybody. */
static void add_if_match(sb_statement *s, const sb_store_listing *l, const char *query, matches *m) {
  int64_t row = sb_statement_column_int(s, ROW);
  size_t size = 0;
  char *name = sb_statement_column_sealed(s, NAME, &(sb_seal_context){"person", "name", row, NULL}, &size);
  char *id = *query ? sb_store_person_id_open(s, ID, row) : NULL, *key = NULL;
  bool fits = s->status == SB_OK && (!*query || contains(s, id, query) || contains(s, name, query));
  if (fits && l->order == SB_ORDER_NAME) s->status = sb_unicode_sort_key(name, &key, s->error);
  free(id);
  free(name);
  if (fits && s->status == SB_OK) s->status = matches_add(m, row, key, s->error);
}

static sb_status find_matches(sb_store *store, const sb_store_listing *l, const char *query, matches *m,
                              sb_error *error) {
  sb_statement s = sb_statement_new(
      store,
      l->order == SB_ORDER_NEWEST ? "SELECT id, external_id, name FROM person WHERE collection = ? ORDER BY id DESC"
                                  : "SELECT id, external_id, name FROM person WHERE collection = ? ORDER BY id",
      error);
  sb_statement_bind_int(&s, 1, l->collection);
  s.cursor = true;
  while (sb_statement_step(&s)) add_if_match(&s, l, query, m);
  if (s.status == SB_OK && l->order == SB_ORDER_NAME && m->count) qsort(m->items, m->count, sizeof *m->items, by_name);
  return sb_statement_end(&s);
}

/* Where the page begins: after a row, or after a name and its row. The person may be gone, or have another name now. */
static size_t page_start(const sb_store_listing *l, const match *after, const matches *m) {
  if (!l->after) return l->offset;
  size_t at = 0;
  if (l->order == SB_ORDER_NAME) {
    while (at < m->count && by_name(&m->items[at], after) <= 0) at++;
    return at;
  }
  while (at < m->count && (l->order == SB_ORDER_NEWEST ? m->items[at].row >= l->after : m->items[at].row <= l->after))
    at++;
  return at;
}

/* The rows of a page as the text that driver->id_list_sql reads. */
static sb_status write_rows(const match *page, size_t count, sb_buffer *out, sb_error *error) {
  for (size_t i = 0; i < count; i++) {
    sb_status status = sb_buffer_addf(out, error, i ? ",%lld" : "%lld", (long long)page[i].row);
    if (status != SB_OK) return status;
  }
  return SB_OK;
}

/* Runs the statement, whose rows come in any order; each person goes to its position. */
static sb_status read_page(sb_statement *s, const sb_store_listing *l, const match *page, sb_people *people) {
  size_t found = 0;
  while (sb_statement_step(s)) {
    size_t i = 0;
    while (i < people->count && page[i].row != sb_statement_column_int(s, SB_PERSON_COLUMN_ROW)) i++;
    if (i == people->count) continue;
    read_person(s, l, &people->items[i]);
    found++;
  }
  if (s->status == SB_OK && found != people->count)
    s->status = sb_fail(s->error, SB_STORE, "the list changed while it was read; ask again");
  return sb_statement_end(s);
}

/* All people of the page by one statement. */
static sb_status load_page(sb_store *store, const sb_store_listing *l, const match *page, size_t count,
                           sb_people *people, sb_error *error) {
  sb_buffer rows = {0}, sql = {0};
  people->items = sb_alloc(count, sizeof *people->items, error);
  if (!people->items) return SB_NO_MEMORY;
  people->count = count; /* those not read yet are all zero */
  sb_status status = write_rows(page, count, &rows, error);
  if (status != SB_OK) goto done;
  status = sb_buffer_addf(&sql, error, "%sWHERE p.id IN (%s)",
                          l->thumbnails ? SB_PERSON_SELECT_PICTURED : SB_PERSON_SELECT, store->driver->id_list_sql);
  if (status != SB_OK) goto done;
  sb_statement s = sb_statement_new(store, sql.bytes, error);
  sb_statement_bind_text(&s, 1, rows.bytes);
  status = read_page(&s, l, page, people);
done:
  sb_buffer_free(&rows);
  sb_buffer_free(&sql);
  return status;
}

static sb_status list_page(sb_store *store, const sb_store_listing *l, const matches *m, sb_people *people,
                           sb_error *error) {
  match after = {.row = l->after};
  if (l->after && l->order == SB_ORDER_NAME) {
    sb_status status = sb_unicode_sort_key(l->after_name, &after.key, error);
    if (status != SB_OK) return status;
  }
  size_t from = page_start(l, &after, m), left = from < m->count ? m->count - from : 0;
  size_t count = left < l->limit ? left : l->limit, end = from + count;
  free(after.key);
  people->total = m->count;
  people->offset = from;
  if (!count) return SB_OK;
  if (end < m->count) people->next = m->items[end - 1].row;
  return load_page(store, l, m->items + from, count, people, error);
}

/* In one snapshot. */
static sb_status list_matches(sb_store *store, const sb_store_listing *l, sb_people *people, sb_error *error) {
  matches m = {0};
  char *query = NULL;
  sb_status status = sb_unicode_fold(l->query ? l->query : "", &query, error);
  if (status != SB_OK) return status;
  if ((status = sb_store_begin_read(store, error)) != SB_OK) return free(query), status;
  status = find_matches(store, l, query, &m, error);
  if (status == SB_OK) status = list_page(store, l, &m, people, error);
  free(query);
  matches_free(&m);
  sb_store_end_read(store);
  return status;
}

sb_status sb_store_people(sb_store *store, const sb_store_listing *listing, sb_people **out, sb_error *error) {
  sb_people *people = sb_alloc(1, sizeof *people, error);
  if (!people) return SB_NO_MEMORY;
  bool by_time = (!listing->query || !*listing->query) && listing->order != SB_ORDER_NAME;
  sb_store_lock(store);
  sb_status status =
      by_time ? list_by_time(store, listing, people, error) : list_matches(store, listing, people, error);
  sb_store_unlock(store);
  if (status == SB_OK)
    *out = people;
  else
    sb_people_free(people);
  return status;
}
