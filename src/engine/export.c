/* Everything that is stored about one person, for the person (GDPR, Article 15): record, faces and history. Templates
 * are not given out: pairs of a photo and its protected template would help to undo the protection of everybody in the
 * collection (docs/threat-model.md). */
#include "engine/internal.h"

typedef struct history {
  int64_t person;
  sb_audit_visit visit;
  void *context;
} history;

static sb_status visit_own(void *context, const sb_audit_entry *entry, sb_error *error) {
  const history *h = context;
  return entry->entry.person == h->person ? h->visit(h->context, entry, error) : SB_OK;
}

static sb_status export(sb_engine *engine, const sb_person_export_request *request, sb_people **person,
                        sb_kept_faces **faces, sb_error *error) {
  enum { FACES_MAX = 1000 };
  sb_store_collection collection;
  history own = {.visit = request->visit, .context = request->context};
  sb_status status =
      sb_engine_find_person(engine, request->collection, request->id, &collection, &own.person, person, error);
  if (status != SB_OK) return status;
  status = sb_store_faces(engine->store, collection.row, own.person, 0, FACES_MAX, faces, error);
  if (status != SB_OK) return status;
  status = sb_audit_read(engine->store, 0, SIZE_MAX, visit_own, &own, error);
  if (status != SB_OK) return status;
  return sb_engine_audit_event(engine, &(sb_audit_event){"export", collection.row, own.person, 1}, error);
}

sb_status sb_engine_person_export(sb_engine *engine, const sb_person_export_request *request, sb_people **person,
                                  sb_kept_faces **faces, sb_error *error) {
  sb_people *found = NULL;
  sb_kept_faces *stored = NULL;
  sb_status status = sb_engine_enter(engine, error);
  if (status != SB_OK) return status;
  status = export(engine, request, &found, &stored, error);
  if (status == SB_OK) {
    *person = found;
    *faces = stored;
  } else {
    sb_people_free(found);
    sb_kept_faces_free(stored);
  }
  sb_engine_leave(engine);
  return status;
}

static sb_status read_history(sb_engine *engine, const sb_person_history_request *request, sb_audit_visit visit,
                              void *context, sb_error *error) {
  sb_store_collection collection;
  sb_store_audit_query query = {.before = request->before, .limit = request->limit};
  sb_status status =
      sb_engine_find_person(engine, request->collection, request->id, &collection, &query.person, NULL, error);
  return status == SB_OK ? sb_audit_read_person(engine->store, &query, visit, context, error) : status;
}

sb_status sb_engine_person_history(sb_engine *engine, const sb_person_history_request *request, sb_audit_visit visit,
                                   void *context, sb_error *error) {
  sb_status status = sb_engine_enter(engine, error);
  if (status != SB_OK) return status;
  status = read_history(engine, request, visit, context, error);
  sb_engine_leave(engine);
  return status;
}
