/* How well the templates of a person agree, and who else looks like the person. To correct a gallery one needs to know
 * both: a template that agrees with none of the others may be of somebody else, and a look-alike that matches may be
 * the same person under another id.
 *
 * Agreements are cosines of the templates. Look-alikes are searched for as a photo's face is, once for each template,
 * and reported once each, with their best score. */
#include "engine/child_rule.h"
#include "engine/collection_indexes.h"
#include "engine/different.h"
#include "engine/flow.h"
#include "engine/internal.h"
#include "engine/verdict.h"

#include <stdlib.h>
#include <string.h>

enum { ALIKE_MAX = 8 };

typedef struct review {
  sb_engine *engine;
  sb_flow_gallery gallery;
  int64_t person; /* row */
  char *id;
  bool child;
  sb_store_face_row rows[SB_REVIEW_FACES];
  float *templates; /* of `rows`, one after the other */
  sb_person_review *out;
} review;

static const float *template_of(const review *r, size_t i) {
  return r->templates + i * r->gallery.embedder.dim;
}

static sb_status read_templates(review *r, sb_error *error) {
  const sb_store_face_query query = {r->gallery.collection.row, r->person, 0, SB_REVIEW_FACES};
  size_t dim = r->gallery.embedder.dim;
  sb_status status = sb_store_face_rows(r->engine->store, &query, r->rows, &r->out->count, error);
  if (status != SB_OK) return status;
  r->templates = sb_alloc(SB_REVIEW_FACES * dim, sizeof *r->templates, error);
  if (!r->templates) return SB_NO_MEMORY;
  for (size_t i = 0; status == SB_OK && i < r->out->count; i++)
    status = sb_store_face_template(r->engine->store, r->rows[i].face, dim, r->templates + i * dim, error);
  return status;
}

/* ---- Agreement */

static void compare_all(review *r) {
  sb_person_review *out = r->out;
  for (size_t i = 0; i < out->count; i++) out->faces[i] = (sb_person_agreement){r->rows[i].face, -1, 1};
  out->pairs[SB_REVIEW_BEST].similarity = -1;
  out->pairs[SB_REVIEW_WORST].similarity = 1;
  for (size_t i = 0; i < out->count; i++)
    for (size_t j = i + 1; j < out->count; j++) {
      double similarity = sb_verdict_similarity(template_of(r, i), template_of(r, j), r->gallery.embedder.dim);
      sb_person_agreement *both[2] = {&out->faces[i], &out->faces[j]};
      for (int k = 0; k < 2; k++) {
        if (similarity > both[k]->best) both[k]->best = similarity;
        if (similarity < both[k]->worst) both[k]->worst = similarity;
      }
      const sb_person_pair pair = {{(int)i, (int)j}, similarity, 0, SB_VERDICT_NONE};
      if (similarity >= out->pairs[SB_REVIEW_BEST].similarity) out->pairs[SB_REVIEW_BEST] = pair;
      if (similarity <= out->pairs[SB_REVIEW_WORST].similarity) out->pairs[SB_REVIEW_WORST] = pair;
    }
}

static sb_status judge_pairs(review *r, sb_error *error) {
  const sb_embedder *embedder = &r->gallery.embedder;
  double threshold = 0;
  sb_status status = sb_verdict_threshold(embedder, &(sb_target){0}, 1, &threshold, error);
  for (int i = 0; status == SB_OK && i < SB_REVIEW_PAIRS; i++) {
    sb_person_pair *pair = &r->out->pairs[i];
    const float *two[2] = {template_of(r, (size_t)pair->faces[0]), template_of(r, (size_t)pair->faces[1])};
    sb_verdict_score score;
    status = sb_flow_compare(r->engine, r->gallery.collection.info.name, embedder, two, &score, error);
    if (status != SB_OK) return status;
    pair->score = score.score;
    pair->verdict = sb_verdict_of(embedder, threshold, score.score);
  }
  return status;
}

/* ---- Look-alikes */

static void take_candidate(review *r, sb_candidate *candidate) {
  sb_person_review *out = r->out;
  size_t at = 0;
  while (at < out->alike_count && strcmp(out->alike[at].id, candidate->id) != 0) at++;
  if (at < out->alike_count) {
    if (out->alike[at].score >= candidate->score) return;
    free(out->alike[at].id);
    free(out->alike[at].name);
  } else if (at == ALIKE_MAX) { /* the list is sorted: the last is the least alike */
    if (out->alike[--at].score >= candidate->score) return;
    free(out->alike[at].id);
    free(out->alike[at].name);
  } else {
    out->alike_count++;
  }
  for (; at && out->alike[at - 1].score < candidate->score; at--) out->alike[at] = out->alike[at - 1];
  out->alike[at] = *candidate;
  candidate->id = candidate->name = NULL; /* they moved over */
}

/* Candidates from "not sure" on, without the person. */
static sb_status search_template(review *r, size_t i, sb_error *error) {
  const sb_flow_search search = {&r->gallery.collection, &r->gallery.embedder, ALIKE_MAX + 1, r->gallery.threshold};
  sb_flow_found found = {0};
  sb_status status = sb_flow_candidates(r->engine, &search, template_of(r, i), &found, error);
  for (size_t c = 0; status == SB_OK && c < found.count; c++) {
    sb_candidate *candidate = &found.candidates[c];
    if (candidate->verdict == SB_VERDICT_NONE || !strcmp(candidate->id, r->id)) continue;
    if (r->child || sb_child_person(r->engine, candidate->has_attributes, &candidate->attributes))
      candidate->verdict = SB_VERDICT_UNSURE;
    take_candidate(r, candidate);
  }
  sb_candidates_free(found.candidates, found.count);
  return status;
}

/* Which of the look-alikes somebody said to be other people. */
static sb_status mark_different(review *r, sb_error *error) {
  sb_store_different_pair *pairs = NULL;
  size_t count = 0;
  int64_t collection = r->gallery.collection.row;
  sb_status status = sb_store_different_list(r->engine->store, collection, &pairs, &count, error);
  for (size_t i = 0; status == SB_OK && count && i < r->out->alike_count; i++) {
    int64_t other = 0;
    status = sb_store_person_find(r->engine->store, collection, r->out->alike[i].id, &other, NULL, error);
    if (status == SB_NOT_FOUND) status = SB_OK; /* erased a moment ago */
    r->out->different[i] = sb_engine_different_are(pairs, count, r->person, other);
  }
  free(pairs);
  return status;
}

static sb_status find_alike(review *r, sb_error *error) {
  r->out->alike = sb_alloc(ALIKE_MAX, sizeof *r->out->alike, error);
  r->out->different = sb_alloc(ALIKE_MAX, sizeof *r->out->different, error);
  if (!r->out->alike || !r->out->different) return SB_NO_MEMORY;
  sb_status status = sb_collection_indexes_sync(r->engine->indexes, error);
  for (size_t i = 0; status == SB_OK && i < r->out->count; i++) status = search_template(r, i, error);
  return status == SB_OK ? mark_different(r, error) : status;
}

/* ---- The verb */

static sb_status find_person(review *r, const char *id, sb_error *error) {
  sb_person person;
  sb_status status = sb_store_person_find(r->engine->store, r->gallery.collection.row, id, &r->person, NULL, error);
  if (status == SB_OK) status = sb_store_person_summary(r->engine->store, r->person, &person, error);
  if (status != SB_OK) return status;
  r->id = person.id; /* as it is stored */
  r->child = sb_child_person(r->engine, person.has_attributes, &person.attributes);
  free(person.name);
  return SB_OK;
}

static sb_status run(review *r, const char *collection, const char *id, sb_error *error) {
  sb_status status = sb_text_check(id, SB_ID_MAX, "id", error);
  if (status != SB_OK) return status;
  status = sb_flow_gallery_open(r->engine, collection, &(sb_target){0}, &r->gallery, error);
  if (status != SB_OK) return status;
  r->out->threshold = r->gallery.threshold;
  r->out->unsure = r->gallery.unsure;
  status = find_person(r, id, error);
  if (status == SB_OK) status = read_templates(r, error);
  if (status != SB_OK) return status;
  compare_all(r);
  status = r->out->count > 1 ? judge_pairs(r, error) : SB_OK;
  if (status == SB_OK) status = find_alike(r, error);
  if (status != SB_OK) return status;
  const sb_audit_event event = {"review", r->gallery.collection.row, r->person, (int64_t)r->out->alike_count};
  return sb_engine_audit_verdict(r->engine, &event, error);
}

void sb_person_review_free(sb_person_review *of) {
  if (!of) return;
  if (of->alike) sb_candidates_free(of->alike, of->alike_count);
  free(of->different);
  free(of);
}

sb_status sb_engine_person_review(sb_engine *engine, const char *collection, const char *id, sb_person_review **out,
                                  sb_error *error) {
  sb_status status = sb_engine_enter(engine, error);
  if (status != SB_OK) return status;
  review *r = sb_alloc(1, sizeof *r, error); /* too large for a stack */
  sb_person_review *made = sb_alloc(1, sizeof *made, error);
  if (r) r->engine = engine, r->out = made;
  status = r && made ? run(r, collection, id, error) : SB_NO_MEMORY;
  if (r && r->templates) sb_wipe(r->templates, SB_REVIEW_FACES * r->gallery.embedder.dim * sizeof *r->templates);
  if (r) free(r->templates), free(r->id);
  free(r);
  if (status == SB_OK)
    *out = made;
  else
    sb_person_review_free(made);
  sb_engine_leave(engine);
  return status;
}
