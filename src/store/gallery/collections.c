/* Collections: named galleries within the gallery.
 *
 * All templates of a collection come from one embedding model, so its model and dim never change, and they go through
 * one secret transform (sealing/protection.c), which is drawn together with the collection. Deleting a collection
 * deletes its rows in one transaction; its HNSW index in PostgreSQL is dropped after that (sb_hnsw_sweep), because
 * dropping waits for readers. */
#include "store/audit/audit_log.h"
#include "store/core/transaction.h"
#include "store/gallery/change_log.h"
#include "store/gallery/counts.h"
#include "store/gallery/different.h"
#include "store/gallery/events.h"
#include "store/gallery/hnsw_index.h"
#include "store/sealing/protection.h"

#include <stdio.h>

enum { ROW, NAME, MODEL, DIM, CREATED, PEOPLE, FACES };
#define COLUMNS "c.id, c.name, c.model, c.dim, c.created"
#define SELECT_COUNTED                                                                                     \
  "SELECT " COLUMNS ", coalesce(p.n, 0), coalesce(f.n, 0) FROM collection c"                               \
  " LEFT JOIN (SELECT collection, count(*) AS n FROM person GROUP BY collection) p ON p.collection = c.id" \
  " LEFT JOIN (SELECT collection, count(*) AS n FROM face GROUP BY collection) f ON f.collection = c.id "
#define SELECT_UNCOUNTED "SELECT " COLUMNS ", 0, 0 FROM collection c "

static void read_row(sb_statement *s, void *item) {
  sb_store_collection *out = item;
  *out = (sb_store_collection){.row = sb_statement_column_int(s, ROW)};
  snprintf(out->info.name, sizeof out->info.name, "%s", sb_statement_column_text(s, NAME));
  snprintf(out->info.model, sizeof out->info.model, "%s", sb_statement_column_text(s, MODEL));
  out->info.dim = (size_t)sb_statement_column_int(s, DIM);
  out->info.created_ms = sb_statement_column_int(s, CREATED);
  out->info.people = (size_t)sb_statement_column_int(s, PEOPLE);
  out->info.faces = (size_t)sb_statement_column_int(s, FACES);
}

static sb_status find(sb_store *store, const char *name, sb_store_collection *out, sb_error *error) {
  sb_statement s = sb_statement_new(store, SELECT_UNCOUNTED "WHERE c.name = ?", error);
  sb_statement_bind_text(&s, 1, name);
  if (sb_statement_step(&s))
    read_row(&s, out);
  else
    sb_statement_not_found(&s, "there is no collection of that name");
  sb_status status = sb_statement_end(&s);
  return status == SB_OK ? sb_store_count(store, out->row, &out->info.people, &out->info.faces, error) : status;
}

sb_status sb_store_collection_find(sb_store *store, const char *name, sb_store_collection *out, sb_error *error) {
  sb_store_collection found = {0};
  sb_store_lock(store);
  sb_status status = find(store, name, &found, error);
  sb_store_unlock(store);
  if (status == SB_OK) *out = found;
  return status;
}

sb_status sb_store_collections(sb_store *store, sb_store_collection **out, size_t *count, sb_error *error) {
  void *list = NULL;
  sb_store_lock(store);
  sb_statement s = sb_statement_new(store, SELECT_COUNTED "ORDER BY c.id", error);
  sb_status status = sb_statement_list(&s, sizeof **out, read_row, &list, count);
  sb_store_unlock(store);
  if (status == SB_OK) *out = list;
  return status;
}

/* ---- Changing */

static sb_status check_name_free(sb_store *store, const char *name, sb_error *error) {
  sb_statement s = sb_statement_new(store, "SELECT 1 FROM collection WHERE name = ?", error);
  sb_statement_bind_text(&s, 1, name);
  if (sb_statement_step(&s)) s.status = sb_fail(error, SB_EXISTS, "there is a collection of that name already");
  return sb_statement_end(&s);
}

static sb_status add(sb_store *store, const char *name, const char *model, size_t dim, int64_t *row, sb_error *error) {
  sb_status status = check_name_free(store, name, error);
  if (status != SB_OK) return status;
  sb_statement s = sb_statement_new(
      store, "INSERT INTO collection(name, model, dim, created) VALUES(?, ?, ?, ?) RETURNING id", error);
  sb_statement_bind_text(&s, 1, name);
  sb_statement_bind_text(&s, 2, model);
  sb_statement_bind_int(&s, 3, (int64_t)dim);
  sb_statement_bind_int(&s, 4, sb_now_ms());
  *row = sb_statement_step(&s) ? sb_statement_column_int(&s, 0) : 0;
  status = sb_statement_end(&s);
  if (status != SB_OK) return status;
  status = sb_store_protection_renew(store, *row, error);
  if (status != SB_OK) return status;
  return sb_audit_append(store, &(sb_audit_event){"collection", *row, 0, 0}, NULL, error);
}

sb_status sb_store_collection_add(sb_store *store, const char *name, const char *model, size_t dim, int64_t *row,
                                  sb_error *error) {
  int64_t added = 0;
  sb_status status = sb_store_begin(store, error);
  if (status != SB_OK) return status;
  status = sb_store_finish(store, add(store, name, model, dim, &added, error), error);
  if (status == SB_OK) *row = added;
  return status;
}

static sb_status set_name(sb_store *store, int64_t row, const char *name, sb_error *error) {
  sb_statement s = sb_statement_new(store, "UPDATE collection SET name = ? WHERE id = ?", error);
  sb_statement_bind_text(&s, 1, name);
  sb_statement_bind_int(&s, 2, row);
  sb_statement_step(&s);
  return sb_statement_end(&s);
}

static sb_status exchange(sb_store *store, int64_t row, const char *name, const char *spare, sb_error *error) {
  sb_store_collection other = {0};
  sb_status status = find(store, name, &other, error);
  if (status == SB_OK) status = check_name_free(store, spare, error);
  if (status == SB_OK) status = set_name(store, other.row, spare, error);
  if (status == SB_OK) status = set_name(store, row, name, error);
  if (status != SB_OK) return status;
  return sb_audit_append(store, &(sb_audit_event){"switch-model", row, 0, 0}, NULL, error);
}

sb_status sb_store_collection_exchange(sb_store *store, int64_t row, const char *name, const char *spare,
                                       sb_error *error) {
  sb_status status = sb_store_begin(store, error);
  if (status != SB_OK) return status;
  return sb_store_finish(store, exchange(store, row, name, spare, error), error);
}

static sb_status delete_rows(sb_store *store, int64_t row, bool and_itself, sb_error *error) {
  sb_status status = sb_store_exec_int(store, "DELETE FROM face WHERE collection = ?", row, error);
  int64_t faces = sb_store_rows_written(store);
  if (status != SB_OK) return status;
  status = sb_store_exec_int(store, "DELETE FROM person WHERE collection = ?", row, error);
  if (status == SB_OK && and_itself)
    status = sb_store_exec_int(store, "DELETE FROM collection WHERE id = ?", row, error);
  if (status != SB_OK) return status;
  status = sb_store_different_forget(store, row, error);
  if (status == SB_OK) status = sb_store_events_forget_collection(store, row, error);
  if (status == SB_OK) /* densities.c */
    status = sb_store_exec_int(store, "DELETE FROM meta WHERE key = 'density/' || ?", row, error);
  if (status == SB_OK) status = sb_hnsw_invalidate(store, row, error);
  if (status != SB_OK) return status;
  status = sb_store_change_append(store, SB_CHANGE_DROP, row, 0, 0, error);
  if (status != SB_OK) return status;
  return sb_audit_append(store, &(sb_audit_event){"erase-collection", row, 0, faces}, NULL, error);
}

sb_status sb_store_collection_delete(sb_store *store, int64_t row, bool and_itself, sb_error *error) {
  sb_status status = sb_store_begin(store, error);
  if (status != SB_OK) return status;
  status = sb_store_finish(store, delete_rows(store, row, and_itself, error), error);
  if (status != SB_OK) return status;
  sb_hnsw_sweep(store, row);
  sb_store_purge_deleted(store);
  return SB_OK;
}
