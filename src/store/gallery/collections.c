#include "store/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COLLECTION_COLUMNS                                                                                         \
  "SELECT c.id, c.name, c.model, c.dim, c.created, coalesce(p.n, 0), coalesce(f.n, 0) FROM collection c LEFT JOIN" \
  " (SELECT collection, count(*) AS n FROM person GROUP BY collection) p ON p.collection = c.id LEFT JOIN"         \
  " (SELECT collection, count(*) AS n FROM face GROUP BY collection) f ON f.collection = c.id "

static void read_row(sb_statement *s, void *item) {
  sb_store_collection *out = item;
  *out = (sb_store_collection){.row = sb_statement_column_int(s, 0)};
  snprintf(out->info.name, sizeof out->info.name, "%s", sb_statement_column_text(s, 1));
  snprintf(out->info.model, sizeof out->info.model, "%s", sb_statement_column_text(s, 2));
  out->info.dim = (size_t)sb_statement_column_int(s, 3);
  out->info.created_ms = sb_statement_column_int(s, 4);
  out->info.people = (size_t)sb_statement_column_int(s, 5);
  out->info.faces = (size_t)sb_statement_column_int(s, 6);
}

static sb_status count_all(sb_store *store, sb_store_counted *counted, sb_error *error) {
  static const char of_one[] = "SELECT (SELECT count(*) FROM person WHERE collection = ?1),"
                               " (SELECT count(*) FROM face WHERE collection = ?1)",
                    of_all[] = "SELECT (SELECT count(*) FROM person), (SELECT count(*) FROM face)";
  sb_statement s = sb_statement_new(store, counted->collection ? of_one : of_all, error);
  if (counted->collection) sb_statement_bind_int(&s, 1, counted->collection);
  if (sb_statement_step(&s)) {
    counted->people = (size_t)sb_statement_column_int(&s, 0);
    counted->faces = (size_t)sb_statement_column_int(&s, 1);
  }
  return sb_statement_end(&s);
}

/* To count millions of faces takes long, and each change by another server would call for it: where it does, it is done for a
 * hundredth of the time, and what others did since counts a little later. */
static bool may_be_older(const sb_store_counted *held) {
  enum { SOON_MS = 20, SHARE = 100 };
  return held->took_ms > SOON_MS && sb_monotonic_ms() - held->at_ms < SHARE * held->took_ms;
}

sb_status sb_store_count(sb_store *store, int64_t collection, size_t *people, size_t *faces, sb_error *error) {
  sb_store_counted *held = &store->counted[collection ? 0 : 1],
                   now = {.collection = collection, .written = store->written};
  sb_status status = store->driver->version(store, &now.data_version, error);
  bool mine = held->written == now.written && held->collection == collection;
  bool known = mine && (held->data_version == now.data_version || may_be_older(held));
  double begun = sb_monotonic_ms();
  if (status == SB_OK && !known && (status = count_all(store, &now, error)) == SB_OK) {
    now.at_ms = sb_monotonic_ms();
    now.took_ms = now.at_ms - begun;
    *held = now;
  }
  if (status != SB_OK) return status;
  *people = held->people;
  *faces = held->faces;
  return SB_OK;
}

sb_status sb_store_collection_find(sb_store *store, const char *name, sb_store_collection *out, sb_error *error) {
  sb_store_collection found = {0};
  sb_store_lock(store);
  sb_statement s = sb_statement_new(
      store, "SELECT c.id, c.name, c.model, c.dim, c.created, 0, 0 FROM collection c WHERE c.name = ?", error);
  sb_statement_bind_text(&s, 1, name);
  if (sb_statement_step(&s))
    read_row(&s, &found);
  else if (s.status == SB_OK)
    s.status = sb_fail(error, SB_NOT_FOUND, "there is no collection of that name");
  sb_status status = sb_statement_end(&s);
  if (status == SB_OK) status = sb_store_count(store, found.row, &found.info.people, &found.info.faces, error);
  if (status == SB_OK) *out = found;
  sb_store_unlock(store);
  return status;
}

sb_status sb_store_collections(sb_store *store, sb_store_collection **out, size_t *count, sb_error *error) {
  void *list = NULL;
  sb_store_lock(store);
  sb_statement s = sb_statement_new(store, COLLECTION_COLUMNS "ORDER BY c.id", error);
  sb_status status = sb_statement_list(&s, sizeof **out, read_row, &list, count);
  if (status == SB_OK) *out = list;
  return status;
}

sb_status sb_store_collection_add(sb_store *store, const char *name, const char *model, size_t dim, int64_t *row,
                                  sb_error *error) {
  sb_status status = sb_store_begin(store, error);
  if (status != SB_OK) return status;
  sb_statement s = sb_statement_new(store, "SELECT 1 FROM collection WHERE name = ?", error);
  sb_statement_bind_text(&s, 1, name);
  if (sb_statement_step(&s)) s.status = sb_fail(error, SB_EXISTS, "there is a collection of that name already");
  status = sb_statement_end(&s);
  int64_t added = 0;
  if (status == SB_OK) {
    s = sb_statement_new(store, "INSERT INTO collection(name, model, dim, created) VALUES(?, ?, ?, ?) RETURNING id",
                         error);
    sb_statement_bind_text(&s, 1, name);
    sb_statement_bind_text(&s, 2, model);
    sb_statement_bind_int(&s, 3, (int64_t)dim);
    sb_statement_bind_int(&s, 4, sb_now_ms());
    added = sb_statement_step(&s) ? sb_statement_column_int(&s, 0) : 0;
    status = sb_statement_end(&s);
  }
  if (status == SB_OK) status = sb_store_protection_renew(store, added, error);
  if (status == SB_OK) status = sb_audit_append(store, "collection", added, 0, 0, NULL, error);
  status = sb_store_finish(store, status, error);
  if (status == SB_OK) *row = added;
  return status;
}

static sb_status run_for(sb_store *store, const char *sql, int64_t row, sb_error *error) {
  sb_statement s = sb_statement_new(store, sql, error);
  sb_statement_bind_int(&s, 1, row);
  sb_statement_step(&s);
  return sb_statement_end(&s);
}

sb_status sb_store_collection_delete(sb_store *store, int64_t row, bool and_itself, sb_error *error) {
  sb_status status = sb_store_begin(store, error);
  if (status != SB_OK) return status;
  status = run_for(store, "DELETE FROM face WHERE collection = ?", row, error);
  int64_t faces = sb_store_rows_written(store);
  if (status == SB_OK) status = run_for(store, "DELETE FROM person WHERE collection = ?", row, error);
  if (status == SB_OK && and_itself) status = run_for(store, "DELETE FROM collection WHERE id = ?", row, error);
  if (status == SB_OK) status = sb_hnsw_invalidate(store, row, error);
  if (status == SB_OK) status = sb_store_change_append(store, SB_CHANGE_DROP, row, 0, 0, error);
  if (status == SB_OK) status = sb_audit_append(store, "erase-collection", row, 0, faces, NULL, error);
  status = sb_store_finish(store, status, error);
  if (status != SB_OK) return status;
  sb_hnsw_sweep(store, row);
  return sb_store_erase_log(store, error);
}
