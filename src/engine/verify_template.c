/* Public: comparing a template that a caller has with another, with a stored face, or with a photo. */
#include "engine/child_rule.h"
#include "engine/flow.h"
#include "engine/live_person.h"

#include <stdlib.h>

typedef struct comparing {
  sb_engine *engine;
  const sb_template_comparison *request;
  sb_store_collection collection; /* with a stored face */
  sb_embedder embedder;
  float *units[2];
  sb_comparison out;
} comparing;

static sb_status begin(comparing *c, sb_error *error) {
  const sb_template_comparison *request = c->request;
  if (!request->face || request->other) return sb_engine_embedder(c->engine, request->model, &c->embedder, error);
  sb_status status = sb_engine_collection(c->engine, request->collection, false, &c->collection, error);
  return status == SB_OK ? sb_engine_collection_embedder(c->engine, &c->collection, &c->embedder, error) : status;
}

/* Scores units[0] and units[1]. Of templates no quality is known: it lowers no verdict. */
static sb_status score(comparing *c, sb_error *error) {
  sb_verdict_score scored;
  double threshold = 0;
  const float *pair[2] = {c->units[0], c->units[1]};
  sb_status status = sb_flow_compare(c->engine, c->request->collection, &c->embedder, pair, &scored, error);
  if (status == SB_OK) status = sb_verdict_threshold(&c->embedder, &(sb_target){0}, 1, &threshold, error);
  if (status != SB_OK) return status;
  c->out.faces[0].quality = (sb_quality){.overall = 1};
  c->out.pairs = 1;
  sb_verdict_compare(c->engine, &c->embedder, threshold, &scored, 1, &c->out);
  c->out.faces[0] = (sb_face){.embedding = NULL};
  return SB_OK;
}

/* The child rule by what is stored about the person, and the entry in the audit. */
static sb_status finish_stored(comparing *c, const char *owner, sb_error *error) {
  sb_people *people = NULL;
  int64_t row = 0;
  sb_status status = sb_store_person_find(c->engine->store, c->collection.row, owner, &row, &people, error);
  if (status != SB_OK) return status;
  const sb_person *person = &people->items[0];
  bool child = sb_child_person(c->engine, person->has_attributes, &person->attributes);
  if (child && c->out.verdict == SB_VERDICT_MATCH) c->out.verdict = SB_VERDICT_UNSURE, c->out.reason = SB_REASON_CHILD;
  sb_people_free(people);
  return sb_engine_audit_verdict(c->engine, &(sb_audit_event){"verify", c->collection.row, row, 1}, error);
}

static sb_status compare_stored(comparing *c, sb_error *error) {
  char *owner = NULL;
  sb_store *store = c->engine->store;
  int64_t face = c->request->face;
  sb_status status = sb_store_face_owner(store, c->collection.row, face, &owner, error);
  if (status == SB_OK) status = sb_store_face_template(store, face, c->embedder.dim, c->units[1], error);
  if (status == SB_OK) status = score(c, error);
  if (status == SB_OK) status = finish_stored(c, owner, error);
  free(owner);
  return status;
}

static sb_status compare(comparing *c, sb_error *error) {
  const sb_template_comparison *request = c->request;
  sb_status status = sb_engine_live_required(c->engine, NULL, error);
  if (status == SB_OK) status = begin(c, error);
  if (status != SB_OK) return status;
  size_t dim = c->embedder.dim;
  for (int i = 0; i < 2; i++) {
    c->units[i] = sb_alloc(dim, sizeof *c->units[i], error);
    if (!c->units[i]) return SB_NO_MEMORY;
  }
  status = sb_engine_template_unit(request->vector, request->dim, dim, c->units[0], error);
  if (status != SB_OK) return status;
  if (request->other) {
    status = sb_engine_template_unit(request->other, request->other_dim, dim, c->units[1], error);
    return status == SB_OK ? score(c, error) : status;
  }
  if (request->face) return compare_stored(c, error);
  return sb_flow_verify_stored(c->engine, request->collection, &c->embedder, c->units[0], request->photo, &c->out,
                               error);
}

sb_status sb_engine_verify_template(sb_engine *engine, const sb_template_comparison *request, sb_comparison *out,
                                    sb_error *error) {
  sb_status status = sb_engine_enter(engine, error);
  if (status != SB_OK) return status;
  comparing c = {.engine = engine, .request = request};
  status = compare(&c, error);
  if (status == SB_OK) *out = c.out;
  for (int i = 0; i < 2; i++) {
    if (c.units[i]) sb_wipe(c.units[i], c.embedder.dim * sizeof *c.units[i]);
    free(c.units[i]);
  }
  sb_engine_leave(engine);
  return status;
}
