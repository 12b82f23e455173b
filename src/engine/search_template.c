/* Public: searches by a template instead of a photo: one that a caller has, or that of a stored face. */
#include "engine/child_rule.h"
#include "engine/collection_indexes.h"
#include "engine/flow.h"

#include <stdlib.h>
#include <string.h>

typedef struct template_search {
  sb_engine *engine;
  const sb_template_search *request;
  sb_flow_gallery gallery;
  float *unit; /* the probe */
  char *owner; /* of a stored face; NULL: the probe is not stored */
  bool child;  /* the owner is a child, by the stored age */
  sb_search_result *result;
} template_search;

static sb_status read_stored(template_search *s, sb_error *error) {
  sb_store *store = s->engine->store;
  sb_people *people = NULL;
  int64_t collection = s->gallery.collection.row, row = 0;
  sb_status status = sb_store_face_owner(store, collection, s->request->face, &s->owner, error);
  if (status != SB_OK) return status;
  status = sb_store_person_find(store, collection, s->owner, &row, &people, error);
  if (status != SB_OK) return status;
  s->child = sb_child_person(s->engine, people->items[0].has_attributes, &people->items[0].attributes);
  sb_people_free(people);
  return sb_store_face_template(store, s->request->face, s->gallery.embedder.dim, s->unit, error);
}

static sb_status read_probe(template_search *s, sb_error *error) {
  size_t dim = s->gallery.embedder.dim;
  s->unit = sb_alloc(dim, sizeof *s->unit, error);
  if (!s->unit) return SB_NO_MEMORY;
  const sb_template_search *request = s->request;
  return request->vector ? sb_engine_template_unit(request->vector, request->dim, dim, s->unit, error)
                         : read_stored(s, error);
}

/* Drops the probe's own person; one more candidate was searched for, to make up for that. */
static void drop_owner(const template_search *s, sb_flow_found *found, size_t k) {
  size_t kept = 0;
  for (size_t i = 0; i < found->count; i++) {
    sb_candidate *candidate = &found->candidates[i];
    if (kept < k && strcmp(candidate->id, s->owner) != 0) {
      found->candidates[kept++] = *candidate;
      continue;
    }
    free(candidate->id);
    free(candidate->name);
  }
  found->count = kept;
}

/* A match becomes "not sure" where one of the two people is a child, as in sb_flow_decide. */
static void decide(template_search *s, const sb_flow_found *found) {
  sb_search_face *face = s->result->faces;
  face->candidates = found->candidates;
  face->count = found->count;
  face->verdict = found->count ? found->candidates[0].verdict : SB_VERDICT_NONE;
  face->reason = face->verdict == SB_VERDICT_UNSURE ? SB_REASON_SCORE : SB_REASON_NONE;
  if (face->verdict != SB_VERDICT_MATCH) return;
  const sb_candidate *best = &found->candidates[0];
  if (!s->child && !sb_child_person(s->engine, best->has_attributes, &best->attributes)) return;
  face->verdict = SB_VERDICT_UNSURE;
  face->reason = SB_REASON_CHILD;
  for (size_t i = 0; i < face->count; i++)
    if (face->candidates[i].verdict == SB_VERDICT_MATCH) face->candidates[i].verdict = SB_VERDICT_UNSURE;
}

static sb_status note(template_search *s, sb_error *error) {
  int64_t matched = 0, collection = s->gallery.collection.row;
  const sb_search_face *face = s->result->faces;
  if (face->verdict == SB_VERDICT_MATCH) {
    const char *id = face->candidates[0].id;
    sb_status status = sb_store_person_find(s->engine->store, collection, id, &matched, NULL, error);
    if (status != SB_OK && status != SB_NOT_FOUND) return status; /* erased meanwhile */
  }
  return sb_engine_audit_search(s->engine, collection, s->result, &matched, NULL, error);
}

static sb_status find(template_search *s, sb_error *error) {
  sb_flow_found found = {0};
  sb_search_result *result = s->result;
  const sb_flow_gallery *gallery = &s->gallery;
  size_t k = s->request->k ? s->request->k : 5;
  bool others = s->owner && s->request->others;
  result->faces = sb_alloc(1, sizeof *result->faces, error);
  if (!result->faces) return SB_NO_MEMORY;
  result->count = 1;
  sb_status status = sb_collection_indexes_sync(s->engine->indexes, error);
  if (status != SB_OK) return status;
  const sb_flow_search search = {&gallery->collection, &gallery->embedder, k + others, gallery->threshold};
  status = sb_flow_candidates(s->engine, &search, s->unit, &found, error);
  if (status != SB_OK) return status;
  if (others) drop_owner(s, &found, k);
  decide(s, &found);
  return note(s, error);
}

static sb_status search(template_search *s, sb_error *error) {
  const sb_template_search *request = s->request;
  sb_status status = sb_flow_gallery_open(s->engine, request->collection, &request->target, &s->gallery, error);
  if (status != SB_OK) return status;
  s->result->gallery_size = s->gallery.collection.info.people;
  s->result->gallery_faces = s->gallery.collection.info.faces;
  s->result->threshold = s->gallery.threshold;
  s->result->unsure = s->gallery.unsure;
  s->result->fpir = s->gallery.fpir;
  status = read_probe(s, error);
  return status == SB_OK ? find(s, error) : status;
}

sb_status sb_engine_search_template(sb_engine *engine, const sb_template_search *request, sb_search_result **out,
                                    char **owner, sb_error *error) {
  if (request->k > SB_K_MAX) return sb_fail(error, SB_INVALID, "at most %d candidates can be asked for", SB_K_MAX);
  sb_status status = sb_engine_enter(engine, error);
  if (status != SB_OK) return status;
  double start = sb_monotonic_ms();
  template_search s = {.engine = engine, .request = request, .result = sb_alloc(1, sizeof *s.result, error)};
  status = s.result ? search(&s, error) : SB_NO_MEMORY;
  if (s.unit) sb_wipe(s.unit, s.gallery.embedder.dim * sizeof *s.unit);
  free(s.unit);
  if (status == SB_OK) {
    s.result->elapsed_ms = sb_monotonic_ms() - start;
    *out = s.result;
  } else {
    sb_search_result_free(s.result);
  }
  if (status == SB_OK && owner)
    *owner = s.owner;
  else
    free(s.owner);
  sb_engine_leave(engine);
  return status;
}
