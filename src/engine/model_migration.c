/* A collection gets another embedding model. Templates of two models cannot be compared, and a template does not give
 * back the photo, so people are enrolled again from photos that the user still has:
 *
 *   1. into the collection NAME_next, while NAME serves
 *   2. both change names in one transaction: NAME_next becomes NAME, which becomes NAME_before
 *   3. whoever is in both is erased from NAME_before, which keeps the people of whom there is no photo, under the old
 *      model; nobody left: it is deleted
 *
 * Each step can be repeated, so an interrupted migration is resumed by running it again. */
#include "engine/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PAGE = 1000 };

/* ---- People of one collection, by what is stored of them in another */

/* `other`: the person in the other collection; NULL: nobody has this id there. */
typedef sb_status (*compare_visit)(void *context, const sb_person *person, const sb_person *other, sb_error *error);

static sb_status compare_person(sb_engine *engine, const sb_person *person, const char *other, compare_visit visit,
                                void *context, sb_error *error) {
  sb_people *found = NULL;
  sb_error cause = {0};
  sb_status status = sb_engine_find_person(engine, other, person->id, NULL, NULL, &found, &cause);
  if (status == SB_OK)
    status = visit(context, person, &found->items[0], error);
  else if (status == SB_NOT_FOUND)
    status = visit(context, person, NULL, error);
  else
    sb_fail(error, status, "%s", cause.message);
  sb_people_free(found);
  return status;
}

/* Visits everybody in `collection`. People may be erased on the way. */
static sb_status compare_people(sb_engine *engine, const char *collection, const char *other, compare_visit visit,
                                void *context, sb_error *error) {
  sb_store_collection found;
  sb_status status = sb_engine_collection(engine, collection, false, &found, error);
  if (status != SB_OK) return status;
  sb_store_listing listing = {.collection = found.row, .limit = PAGE};
  do {
    sb_people *page = NULL;
    status = sb_store_people(engine->store, &listing, &page, error);
    for (size_t i = 0; status == SB_OK && i < page->count; i++)
      status = compare_person(engine, &page->items[i], other, visit, context, error);
    listing.after = status == SB_OK ? page->next : 0;
    sb_people_free(page);
  } while (status == SB_OK && listing.after);
  return status;
}

/* ---- Begin */

static sb_status name_with(const char *name, const char *suffix, char out[SB_COLLECTION_MAX + 1], sb_error *error) {
  if (snprintf(out, SB_COLLECTION_MAX + 1, "%s%s", name, suffix) <= SB_COLLECTION_MAX) return SB_OK;
  return sb_fail(error, SB_INVALID, "the name of the collection is too long to add '%s' to it", suffix);
}

/* row 0: there is no such collection. */
static sb_status find_collection(sb_engine *engine, const char *name, sb_store_collection *out, sb_error *error) {
  sb_error cause = {0};
  sb_status status = sb_engine_collection(engine, name, false, out, &cause);
  if (status == SB_NOT_FOUND) return out->row = 0, SB_OK;
  return status == SB_OK ? SB_OK : sb_fail(error, status, "%s", cause.message);
}

typedef struct refresh {
  sb_engine *engine;
  const char *next;
} refresh;

static bool same_terms(const sb_person *a, const sb_person *b) {
  return !strcmp(a->consent, b->consent) && !strcmp(a->purpose, b->purpose) && a->expires_ms == b->expires_ms;
}

static sb_status refresh_person(void *context, const sb_person *person, const sb_person *serving, sb_error *error) {
  const refresh *r = context;
  if (!serving) return sb_engine_delete(r->engine, r->next, person->id, NULL, error);
  sb_status status = SB_OK;
  if (strcmp(person->name, serving->name) != 0)
    status = sb_engine_rename(r->engine, r->next, person->id, serving->name, error);
  if (status != SB_OK || same_terms(person, serving)) return status;
  return sb_engine_set_terms(r->engine, r->next, person->id, serving->consent, serving->purpose, serving->expires_ms,
                             error);
}

/* The serving collection may have changed since: who was erased there is erased, names and terms are taken over. */
static sb_status refresh_next(sb_engine *engine, const sb_engine_model_migration *m, sb_error *error) {
  refresh r = {engine, m->next};
  return compare_people(engine, m->next, m->collection, refresh_person, &r, error);
}

static sb_status prepare_next(sb_engine *engine, const char *model, const sb_engine_model_migration *m,
                              sb_error *error) {
  sb_store_collection next, before;
  sb_status status = find_collection(engine, m->next, &next, error);
  if (status == SB_OK) status = find_collection(engine, m->before, &before, error);
  if (status != SB_OK) return status;
  if (before.row)
    return sb_fail(error, SB_EXISTS,
                   "the collection %s still has people of an earlier migration; enrol them from photos, then delete it",
                   m->before);
  if (!next.row) return sb_engine_collection_create(engine, m->next, model, error);
  if (strcmp(next.info.model, model) != 0)
    return sb_fail(error, SB_EXISTS, "the collection %s is for the model %s; finish that migration, or delete it",
                   m->next, next.info.model);
  return refresh_next(engine, m, error);
}

static sb_status begin(sb_engine *engine, const char *collection, const char *model, sb_engine_model_migration *out,
                       sb_error *error) {
  sb_store_collection serving, before;
  sb_embedder embedder;
  sb_engine_model_migration m = {.collection = collection ? collection : SB_DEFAULT_COLLECTION};
  sb_status status = name_with(m.collection, "_next", m.next, error);
  if (status == SB_OK) status = name_with(m.collection, "_before", m.before, error);
  if (status == SB_OK) status = find_collection(engine, m.collection, &serving, error);
  if (status == SB_OK) status = sb_engine_embedder(engine, model, &embedder, error);
  if (status != SB_OK) return status;
  if (!serving.row || !serving.info.people)
    return sb_fail(error, SB_NOT_FOUND, "nobody is enrolled in the collection %s", m.collection);
  m.switched = !strcmp(serving.info.model, embedder.name);
  if (m.switched) {
    status = find_collection(engine, m.before, &before, error);
    if (status == SB_OK && !before.row)
      status = sb_fail(error, SB_EXISTS, "the collection %s has the model %s already", m.collection, embedder.name);
  } else {
    status = prepare_next(engine, embedder.name, &m, error);
  }
  if (status == SB_OK) *out = m;
  return status;
}

sb_status sb_engine_model_migration_begin(sb_engine *engine, const char *collection, const char *model,
                                          sb_engine_model_migration *out, sb_error *error) {
  sb_status status = sb_engine_enter(engine, error);
  if (status != SB_OK) return status;
  status = begin(engine, collection, model, out, error);
  sb_engine_leave(engine);
  return status;
}

/* ---- Photos */

/* What was said of the person counts more than what the models estimate. */
static sb_status take_attributes(sb_engine *engine, const char *target, const sb_person *person, sb_error *error) {
  unsigned which = 0;
  const sb_attributes *a = &person->attributes;
  if (!person->has_attributes) return SB_OK;
  if (a->age >= 0) which |= SB_DESCRIBE_AGE;
  if (a->man >= 0) which |= SB_DESCRIBE_GENDER;
  if (a->ethnicity[a->ethnicity_dominant] >= 0) which |= SB_DESCRIBE_ETHNICITY;
  return which ? sb_engine_describe(engine, target, person->id, which, a, error) : SB_OK;
}

static sb_status enroll(sb_engine *engine, const sb_engine_model_migration *m, const sb_engine_migrated_photo *photo,
                        size_t *added, sb_error *error) {
  sb_people *found = NULL;
  sb_enrolled *enrolled = NULL;
  const char *source = m->switched ? m->before : m->collection, *target = m->switched ? m->collection : m->next;
  sb_status status = sb_engine_find_person(engine, source, photo->id, NULL, NULL, &found, error);
  if (status == SB_NOT_FOUND && m->switched) /* or has the new model already */
    status = sb_engine_find_person(engine, target, photo->id, NULL, NULL, &found, error);
  if (status != SB_OK) return status;
  const sb_person *person = &found->items[0];
  const sb_enroll_request request = {.struct_size = sizeof request,
                                     .collection = target,
                                     .id = person->id,
                                     .name = person->name,
                                     .consent = person->consent,
                                     .purpose = person->purpose,
                                     .expires_ms = person->expires_ms,
                                     .photos = &photo->photo,
                                     .photo_count = 1,
                                     .flags = photo->flags | SB_ENROLL_ADD | SB_ENROLL_SKIP_KNOWN};
  status = sb_engine_enroll(engine, &request, &enrolled, error);
  if (status == SB_OK && enrolled->faces_added) status = take_attributes(engine, target, person, error);
  if (status == SB_OK) *added = enrolled->faces_added;
  sb_enrolled_free(enrolled);
  sb_people_free(found);
  return status;
}

sb_status sb_engine_model_migration_enroll(sb_engine *engine, const sb_engine_model_migration *m,
                                           const sb_engine_migrated_photo *photo, size_t *added, sb_error *error) {
  sb_status status = sb_engine_enter(engine, error);
  if (status != SB_OK) return status;
  status = enroll(engine, m, photo, added, error);
  sb_engine_leave(engine);
  return status;
}

/* ---- Who has no photo */

typedef struct missing {
  sb_engine_person_visit visit;
  void *context;
} missing;

static sb_status visit_missing(void *context, const sb_person *person, const sb_person *other, sb_error *error) {
  const missing *m = context;
  (void)error;
  if (!other) m->visit(m->context, person);
  return SB_OK;
}

sb_status sb_engine_model_migration_missing(sb_engine *engine, const sb_engine_model_migration *m,
                                            sb_engine_person_visit visit, void *context, sb_error *error) {
  missing all = {visit, context};
  sb_store_collection before;
  sb_status status = sb_engine_enter(engine, error);
  if (status != SB_OK) return status;
  if (m->switched) status = find_collection(engine, m->before, &before, error);
  if (status == SB_OK && !m->switched)
    status = compare_people(engine, m->collection, m->next, visit_missing, &all, error);
  else if (status == SB_OK && before.row)
    status = compare_people(engine, m->before, m->collection, visit_missing, &all, error);
  sb_engine_leave(engine);
  return status;
}

/* ---- Switch */

/* Marks the same people as different in the next collection. */
static sb_status carry_pair(sb_engine *engine, const char *next, const sb_store_different_pair *pair, sb_error *error) {
  sb_people *one = NULL, *other = NULL;
  sb_error cause = {0};
  sb_status status = sb_store_person_get(engine->store, pair->one, &one, &cause);
  if (status == SB_OK) status = sb_store_person_get(engine->store, pair->other, &other, &cause);
  if (status == SB_OK)
    status = sb_engine_set_different(engine, next, one->items[0].id, other->items[0].id, true, &cause);
  sb_people_free(one);
  sb_people_free(other);
  if (status == SB_OK || status == SB_NOT_FOUND) return SB_OK; /* one of them has no photo */
  return sb_fail(error, status, "%s", cause.message);
}

static sb_status carry_different(sb_engine *engine, int64_t collection, const char *next, sb_error *error) {
  sb_store_different_pair *pairs = NULL;
  size_t count = 0;
  sb_status status = sb_store_different_list(engine->store, collection, &pairs, &count, error);
  for (size_t i = 0; status == SB_OK && i < count; i++) status = carry_pair(engine, next, &pairs[i], error);
  free(pairs);
  return status;
}

static sb_status exchange(sb_engine *engine, const sb_engine_model_migration *m, sb_error *error) {
  sb_store_collection serving, next;
  sb_status status = refresh_next(engine, m, error);
  if (status == SB_OK) status = find_collection(engine, m->collection, &serving, error);
  if (status == SB_OK) status = find_collection(engine, m->next, &next, error);
  if (status != SB_OK) return status;
  if (!next.info.people)
    return sb_fail(error, SB_INVALID, "nobody is enrolled under the new model yet; give the folder of photos");
  status = carry_different(engine, serving.row, m->next, error);
  if (status != SB_OK) return status;
  return sb_store_collection_exchange(engine->store, next.row, m->collection, m->before, error);
}

typedef struct leftovers {
  sb_engine *engine;
  const char *before;
  size_t left;
  bool erase;
} leftovers;

static sb_status visit_leftover(void *context, const sb_person *person, const sb_person *other, sb_error *error) {
  leftovers *l = context;
  l->left += !other;
  return other && l->erase ? sb_engine_delete(l->engine, l->before, person->id, NULL, error) : SB_OK;
}

/* Erases from NAME_before whoever is under the new model now. */
static sb_status erase_migrated(sb_engine *engine, const sb_engine_model_migration *m, size_t *left, sb_error *error) {
  leftovers l = {.engine = engine, .before = m->before};
  sb_status status = compare_people(engine, m->before, m->collection, visit_leftover, &l, error);
  if (status != SB_OK) return status;
  *left = l.left;
  if (!l.left) return sb_engine_collection_delete(engine, m->before, error);
  l.erase = true;
  return compare_people(engine, m->before, m->collection, visit_leftover, &l, error);
}

sb_status sb_engine_model_migration_switch(sb_engine *engine, sb_engine_model_migration *m, size_t *left,
                                           sb_error *error) {
  sb_status status = sb_engine_enter(engine, error);
  if (status != SB_OK) return status;
  if (!m->switched) status = exchange(engine, m, error);
  m->switched = m->switched || status == SB_OK;
  if (status == SB_OK) status = erase_migrated(engine, m, left, error);
  sb_engine_leave(engine);
  return status;
}
