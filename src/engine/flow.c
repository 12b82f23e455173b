/* The way of a photo: decode -> detect -> align -> embed -> (protect, in src/store) -> search -> name. */
#include "engine/flow.h"

#include "engine/collection_indexes.h"
#include "engine/verdict.h"

#include <math.h>
#include <stdlib.h>

sb_status sb_flow_portrait(sb_engine *engine, sb_photo photo, unsigned want, const char *model, sb_faces **out,
                           sb_thumbnail *thumbnail, sb_error *error) {
  sb_image_limits limits = sb_image_default_limits;
  if (engine->flip) want |= SB_WANT_FLIP;
  if (want & SB_WANT_SMALL_FACES) limits.enough_side = 0; /* small faces want every pixel */
  const sb_find_options options = {.want = want, .model = model && *model ? model : NULL};
  sb_image image = {0};
  void *worker = NULL;
  sb_status status = sb_engine_load_models(engine, error);
  sb_timed_stage before = sb_stage_timer_enter(SB_TIMED_WAIT);
  if (status == SB_OK) status = sb_pool_take(engine->pool, &worker, error);
  sb_stage_timer_enter(before);
  if (status != SB_OK) return status;
  /* Decoding is done by the one who has a worker, too, so that memory is bounded by the number of workers. */
  sb_stage_timer_enter(SB_TIMED_DECODE);
  status = sb_image_decode(photo.bytes, photo.size, &limits, &image, error);
  sb_stage_timer_enter(before);
  sb_faces *faces = NULL;
  if (status == SB_OK) status = sb_worker_find(worker, &image, &options, &faces, error);
  sb_pool_put(engine->pool, worker);
  if (status == SB_OK && thumbnail && faces->count)
    status = sb_thumbnail_make(&image, &faces->items[0], thumbnail, error);
  sb_image_free(&image);
  if (status == SB_OK)
    *out = faces;
  else
    sb_faces_free(faces);
  return status;
}

sb_status sb_flow_faces(sb_engine *engine, sb_photo photo, unsigned want, const char *model, sb_faces **out,
                        sb_error *error) {
  return sb_flow_portrait(engine, photo, want, model, out, NULL, error);
}

/* ---- Search and name */

/* Moves the person's fields into the candidate. */
static void name_candidate(sb_person *person, const sb_flow_search *search, double similarity, sb_candidate *out) {
  sb_stats_rate rate = sb_calibration_fmr(&search->embedder->calibration, similarity);
  *out = (sb_candidate){.id = person->id,
                        .name = person->name,
                        .similarity = similarity,
                        .false_match_rate = rate.rate,
                        .false_match_upper = rate.upper,
                        .false_match_bound = rate.bound,
                        .gallery_false_match = sb_stats_fpir_of_fmr(rate.rate, (double)search->collection->info.faces),
                        .verdict = sb_verdict_of(search->embedder, search->threshold, similarity),
                        .has_attributes = person->has_attributes,
                        .attributes = person->attributes};
  person->id = person->name = NULL;
}

/* Candidates in the making; `named` of them. */
typedef struct naming {
  sb_candidate *candidates;
  size_t named;
  bool gone; /* somebody was erased between search and naming */
} naming;

static sb_status name_hits(sb_engine *engine, const sb_flow_search *search, const sb_hit *hits, size_t found,
                           naming *out, sb_error *error) {
  for (size_t i = 0; i < found; i++) {
    sb_people *person = NULL;
    sb_status status = sb_store_person_get(engine->store, (int64_t)hits[i].label, &person, error);
    out->gone = out->gone || status == SB_NOT_FOUND;
    if (status == SB_NOT_FOUND) continue;
    if (status != SB_OK) return status;
    name_candidate(&person->items[0], search, fmin(hits[i].score, 1), &out->candidates[out->named++]);
    sb_people_free(person);
  }
  return SB_OK;
}

static sb_status search_once(sb_engine *engine, const sb_flow_search *search, const float *embedding, sb_hit *hits,
                             naming *out, sb_error *error) {
  const sb_engine_query query = {search->collection->row, embedding, search->k, true};
  size_t found = 0;
  sb_timed_stage before = sb_stage_timer_enter(SB_TIMED_SEARCH);
  sb_status status = sb_collection_indexes_search(engine->indexes, &query, hits, &found, error);
  sb_stage_timer_enter(before);
  return status == SB_OK ? name_hits(engine, search, hits, found, out, error) : status;
}

/* Somebody who was erased after the search is left out, and somebody enrolled meanwhile may belong in the place: search
 * again. */
static sb_status search_and_name(sb_engine *engine, const sb_flow_search *search, const float *embedding, sb_hit *hits,
                                 naming *out, sb_error *error) {
  enum { TRIES = 4 };
  for (int tries = 0; tries < TRIES; tries++) {
    sb_status status = tries ? sb_collection_indexes_sync(engine->indexes, error) : SB_OK;
    if (status != SB_OK) return status;
    sb_candidates_free(out->candidates, out->named);
    *out = (naming){.candidates = sb_alloc(search->k, sizeof *out->candidates, error)};
    if (!out->candidates) return SB_NO_MEMORY;
    status = search_once(engine, search, embedding, hits, out, error);
    if (status != SB_OK || !out->gone) return status;
  }
  return SB_OK;
}

sb_status sb_flow_candidates(sb_engine *engine, const sb_flow_search *search, const float *embedding,
                             sb_candidate **out, size_t *count, sb_error *error) {
  naming found = {0};
  sb_hit *hits = sb_alloc(search->k, sizeof *hits, error);
  if (!hits) return SB_NO_MEMORY;
  sb_status status = search_and_name(engine, search, embedding, hits, &found, error);
  free(hits);
  if (status == SB_OK)
    *out = found.candidates, *count = found.named;
  else
    sb_candidates_free(found.candidates, found.named);
  return status;
}

sb_status sb_engine_nearest(sb_engine *engine, const sb_engine_query *query, sb_hit *hits, size_t *found,
                            sb_error *error) {
  sb_status status = sb_collection_indexes_sync(engine->indexes, error);
  return status == SB_OK ? sb_collection_indexes_search(engine->indexes, query, hits, found, error) : status;
}

/* ---- Public: find, search, verify */

sb_status sb_engine_find_faces(sb_engine *engine, const sb_find_request *request, sb_faces **out, sb_error *error) {
  if (request->struct_size != sizeof *request) return sb_fail(error, SB_MISUSE, "struct_size is not set");
  sb_status status = sb_engine_enter(engine, error);
  if (status != SB_OK) return status;
  status = sb_flow_faces(engine, request->photo, request->want, request->model, out, error);
  sb_engine_leave(engine);
  return status;
}

static sb_status search_faces(sb_engine *engine, const sb_search_request *request,
                              const sb_store_collection *collection, const sb_embedder *embedder, sb_faces *faces,
                              sb_search_result *result, sb_error *error) {
  result->width = faces->width;
  result->height = faces->height;
  result->faces = sb_alloc(faces->count, sizeof *result->faces, error);
  if (!result->faces) return SB_NO_MEMORY;
  const sb_flow_search search = {collection, embedder, request->k ? request->k : 5, result->threshold};
  sb_status status = sb_collection_indexes_sync(engine->indexes, error);
  for (size_t i = 0; status == SB_OK && i < faces->count; i++) {
    sb_search_face *face = &result->faces[result->count++];
    face->face = faces->items[i];
    face->face.embedding = NULL;
    status = sb_flow_candidates(engine, &search, faces->items[i].embedding, &face->candidates, &face->count, error);
    sb_verdict best = face->count ? face->candidates[0].verdict : SB_VERDICT_NONE;
    face->verdict = sb_verdict_with_quality(embedder, best, &face->face.quality, &face->reason);
    if (face->verdict != SB_VERDICT_NONE && sb_verdict_refused(engine, &face->face))
      face->verdict = SB_VERDICT_UNSURE, face->reason = SB_REASON_LIVENESS;
  }
  return status;
}

static sb_status search(sb_engine *engine, const sb_search_request *request, sb_search_result *result,
                        sb_error *error) {
  sb_store_collection collection;
  sb_embedder embedder;
  sb_faces *faces = NULL;
  double start = sb_monotonic_ms();
  sb_status status = sb_engine_collection(engine, request->collection, false, &collection, error);
  if (status == SB_OK) status = sb_engine_collection_embedder(engine, &collection, &embedder, error);
  if (status == SB_OK)
    status = sb_verdict_search_threshold(&embedder, &request->target, collection.info.faces, &result->threshold, error);
  unsigned want = SB_WANT_EMBEDDING | (request->largest_only ? SB_WANT_LARGEST_ONLY : 0) |
                  (request->small_faces ? SB_WANT_SMALL_FACES : 0) | (request->attributes ? SB_WANT_ATTRIBUTES : 0) |
                  (request->whole_photo ? SB_WANT_WHOLE_PHOTO : 0) | sb_verdict_liveness_want(engine);
  if (status == SB_OK) status = sb_flow_faces(engine, request->photo, want, embedder.name, &faces, error);
  if (status == SB_OK) {
    double rate = sb_calibration_fmr(&embedder.calibration, result->threshold).rate;
    result->unsure = sb_verdict_unsure(&embedder, result->threshold);
    result->gallery_size = collection.info.people;
    result->gallery_faces = collection.info.faces;
    result->fpir = sb_stats_fpir_of_fmr(rate, (double)result->gallery_faces);
    status = search_faces(engine, request, &collection, &embedder, faces, result, error);
    if (status == SB_OK) status = sb_engine_audit_search(engine, &collection, result, error);
  }
  sb_faces_free(faces);
  result->elapsed_ms = sb_monotonic_ms() - start;
  return status;
}

sb_status sb_engine_search(sb_engine *engine, const sb_search_request *request, sb_search_result **out,
                           sb_error *error) {
  if (request->struct_size != sizeof *request) return sb_fail(error, SB_MISUSE, "struct_size is not set");
  if (request->k > SB_K_MAX) return sb_fail(error, SB_INVALID, "at most %d candidates can be asked for", SB_K_MAX);
  sb_status status = sb_engine_enter(engine, error);
  if (status != SB_OK) return status;
  sb_search_result *result = sb_alloc(1, sizeof *result, error);
  status = result ? search(engine, request, result, error) : SB_NO_MEMORY;
  if (status == SB_OK)
    *out = result;
  else
    sb_search_result_free(result);
  sb_engine_leave(engine);
  return status;
}

static sb_status largest_face(sb_engine *engine, const sb_verify_request *request, int number, sb_faces **out,
                              sb_error *error) {
  sb_error cause = {0};
  const char *which = number ? "second" : "first";
  unsigned want = SB_WANT_EMBEDDING | SB_WANT_LARGEST_ONLY | (request->whole_photo ? SB_WANT_WHOLE_PHOTO : 0) |
                  sb_verdict_liveness_want(engine);
  sb_status status = sb_flow_faces(engine, request->photos[number], want, request->model, out, &cause);
  if (status != SB_OK) return sb_fail(error, status, "the %s photo: %s", which, cause.message);
  if ((*out)->count) return SB_OK;
  return sb_fail(error, SB_NO_FACE, "no face was found in the %s photo; take one where the face is larger and well lit",
                 which);
}

sb_status sb_engine_verify(sb_engine *engine, const sb_verify_request *request, sb_comparison *out, sb_error *error) {
  if (request->struct_size != sizeof *request) return sb_fail(error, SB_MISUSE, "struct_size is not set");
  sb_faces *faces[2] = {NULL, NULL};
  sb_embedder embedder;
  double threshold = 0;
  sb_status status = sb_engine_enter(engine, error);
  if (status != SB_OK) return status;
  status = sb_engine_embedder(engine, request->model, &embedder, error);
  if (status == SB_OK) status = sb_verdict_threshold(&embedder, &request->target, &threshold, error);
  if (status == SB_OK) status = largest_face(engine, request, 0, &faces[0], error);
  if (status == SB_OK) status = largest_face(engine, request, 1, &faces[1], error);
  if (status == SB_OK) {
    double score = sb_verdict_score(faces[0]->items[0].embedding, faces[1]->items[0].embedding, faces[0]->dim);
    for (int i = 0; i < 2; i++) {
      out->faces[i] = faces[i]->items[0];
      out->faces[i].embedding = NULL;
    }
    sb_verdict_compare(engine, &embedder, threshold, score, 2, out);
  }
  sb_faces_free(faces[0]);
  sb_faces_free(faces[1]);
  sb_engine_leave(engine);
  return status;
}
