/* The feed of changes by which indexes stay in step. */
#include "store/internal.h"

#include <stdlib.h>

enum { CHANGES_KEPT = 100000 };

sb_status sb_store_change_append(sb_store *store, sb_store_change_kind kind, int64_t collection, int64_t face,
                                 int64_t person, sb_error *error) {
  sb_statement s = sb_statement_new(
      store, "INSERT INTO change(kind, collection, face, person) VALUES(?, ?, ?, ?) RETURNING sequence", error);
  sb_statement_bind_int(&s, 1, kind);
  sb_statement_bind_int(&s, 2, collection);
  sb_statement_bind_int(&s, 3, face);
  sb_statement_bind_int(&s, 4, person);
  int64_t sequence = sb_statement_step(&s) ? sb_statement_column_int(&s, 0) : 0;
  sb_status status = sb_statement_end(&s);
  if (status == SB_OK && store->driver->notify) store->driver->notify(store);
  if (status != SB_OK || sequence % 1000) return status;
  s = sb_statement_new(store, "DELETE FROM change WHERE sequence <= ?", error);
  sb_statement_bind_int(&s, 1, sequence - CHANGES_KEPT);
  sb_statement_step(&s);
  return sb_statement_end(&s);
}

/* The template of a put, from the row of `faces` (columns: sequence, template, dim, model, version of its transform) that has the
 * change's number. There is none where the face was removed again later. */
static bool take_template(sb_statement *faces, int64_t sequence, sb_store_change *change, float **room) {
  const sb_store_protection *protection = NULL;
  void *grown = *room;
  if (faces->status != SB_OK || sb_statement_column_int(faces, 0) != sequence) return false;
  const sb_seal_context place = {"face", "template", change->face, sb_statement_column_text(faces, 3)};
  change->dim = (size_t)sb_statement_column_int(faces, 2);
  faces->status = sb_grow(&grown, change->dim, sizeof **room, faces->error);
  if (faces->status == SB_OK) sb_statement_column_template(faces, 1, &place, change->dim, *room = grown);
  if (faces->status == SB_OK)
    faces->status = sb_store_protection_get_version(faces->store, change->collection, sb_statement_column_int(faces, 4),
                                                    &protection, faces->error);
  if (faces->status != SB_OK) return false;
  change->seed = protection->seed;
  change->embedding = *room;
  return true;
}

/* Both in the order of sequence. They are two statements since a join that keeps removals, too, would make Citus bring all faces
 * to one machine. */
static sb_status visit_rows(sb_statement *changes, sb_statement *faces, sb_store_change_visit visit, void *context,
                            int64_t *last) {
  float *embedding = NULL;
  bool more = sb_statement_step(faces);
  while (faces->status == SB_OK && sb_statement_step(changes)) {
    sb_store_change change = {.kind = (sb_store_change_kind)sb_statement_column_int(changes, 0),
                              .collection = sb_statement_column_int(changes, 1),
                              .face = sb_statement_column_int(changes, 2),
                              .person = sb_statement_column_int(changes, 3)};
    *last = sb_statement_column_int(changes, 4);
    bool whole = change.kind != SB_CHANGE_PUT;
    if (!whole && more && take_template(faces, *last, &change, &embedding)) {
      whole = true;
      more = sb_statement_step(faces);
    }
    if (whole && faces->status == SB_OK) changes->status = visit(context, &change, changes->error);
    if (changes->status != SB_OK) break;
  }
  free(embedding);
  sb_status status = sb_statement_end(changes), other = sb_statement_end(faces);
  return status == SB_OK ? other : status;
}

static sb_status visit_since(sb_store *store, int64_t since, int64_t *last, sb_store_change_visit visit, void *context,
                             sb_error *error) {
  sb_statement changes = sb_statement_new(
      store, "SELECT kind, collection, face, person, sequence FROM change WHERE sequence > ? ORDER BY sequence", error);
  sb_statement faces = sb_statement_new(
      store,
      "SELECT h.sequence, f.template, c.dim, c.model, c.protection_version FROM change h JOIN face f ON f.id = h.face"
      " JOIN collection c ON c.id = f.collection WHERE h.sequence > ? AND h.kind = 1 ORDER BY h.sequence",
      error);
  sb_statement_bind_int(&changes, 1, since);
  sb_statement_bind_int(&faces, 1, since);
  return visit_rows(&changes, &faces, visit, context, last);
}

/* Does the feed say after `since` that everything is different now, as sb_store_revoke does? Older rows are not looked at: there are
 * up to CHANGES_KEPT of them, and each search asks. */
static sb_status was_reset(sb_store *store, int64_t since, bool *reset, sb_error *error) {
  sb_statement s = sb_statement_new(store, "SELECT 1 FROM change WHERE sequence > ? AND kind = 0 LIMIT 1", error);
  sb_statement_bind_int(&s, 1, since);
  *reset = sb_statement_step(&s);
  return sb_statement_end(&s);
}

/* In one read transaction, so that rows and sequence belong together. */
static sb_status read_changes(sb_store *store, int64_t since, int64_t *next, sb_store_change_visit visit, void *context,
                              sb_error *error) {
  int64_t first = 0, last = 0;
  sb_status status = sb_store_begin_read(store, error);
  if (status != SB_OK) return status;
  status = sb_store_keys_refresh(store, error);
  if (status == SB_OK) status = sb_store_number(store, "SELECT coalesce(max(sequence), 0) FROM change", &last, error);
  if (status == SB_OK) status = sb_store_number(store, "SELECT coalesce(min(sequence), 0) FROM change", &first, error);
  /* `since` 0 is a fresh index: it wants the state, not the history. */
  bool reset = false;
  if (status == SB_OK && since) status = was_reset(store, since, &reset, error);
  bool whole = since == 0 || since > last || first > since + 1 || reset;
  if (status == SB_OK && whole && since) status = visit(context, &(sb_store_change){.kind = SB_CHANGE_RESET}, error);
  if (status == SB_OK && whole)
    status = sb_store_load_faces(store, store, visit, context, error);
  else if (status == SB_OK)
    status = visit_since(store, since, &last, visit, context, error);
  sb_store_end_read(store);
  if (status == SB_OK) *next = last > 0 ? last : 0;
  return status;
}

/* To read all faces for a fresh index is much work, which a replica can do: its state is that of a moment ago, and the feed tells
 * what came since. `*since` moves to that moment; it stays where there is no replica, or the reading failed. */
static sb_status read_elsewhere(sb_store *store, int64_t *since, sb_store_change_visit visit, void *context,
                                sb_error *error) {
  sb_store *replica = NULL;
  sb_error cause = {0};
  int64_t last = 0;
  if (!sb_store_replica_ready(store, 1, &replica)) return SB_OK;
  sb_store_lock(replica);
  sb_status status = sb_store_begin_read(replica, &cause);
  if (status == SB_OK)
    status = sb_store_number(replica, "SELECT coalesce(max(sequence), 0) FROM change", &last, &cause);
  if (status == SB_OK) status = sb_store_load_faces(store, replica, visit, context, &cause);
  sb_store_end_read(replica);
  sb_store_unlock(replica);
  sb_store_replica_read_done(store, &replica, status, &cause);
  sb_store_close(replica);
  if (status == SB_OK) return *since = last, SB_OK;
  return visit(context, &(sb_store_change){.kind = SB_CHANGE_RESET}, error);
}

sb_status sb_store_changes_last(sb_store *store, int64_t *sequence, sb_error *error) {
  sb_store_lock(store);
  sb_status status = sb_store_number(store, "SELECT coalesce(max(sequence), 0) FROM change", sequence, error);
  sb_store_unlock(store);
  return status;
}

sb_status sb_store_changes(sb_store *store, int64_t since, int64_t *next, sb_store_change_visit visit, void *context,
                           sb_error *error) {
  sb_store_lock(store);
  int64_t version = 0;
  /* data_version moves when another connection commits; `written` when this one does. */
  sb_status status = store->driver->version(store, &version, error);
  bool still =
      since && since == store->seen_sequence && version == store->data_version && store->written == store->seen_written;
  if (status == SB_OK && still) *next = since;
  if (status == SB_OK && !still) {
    int64_t written = store->written;
    if (!since) status = read_elsewhere(store, &since, visit, context, error);
    if (status == SB_OK) status = read_changes(store, since, next, visit, context, error);
    if (status == SB_OK) {
      store->data_version = version;
      store->seen_written = written;
      store->seen_sequence = *next;
    }
  }
  sb_store_unlock(store);
  return status;
}
