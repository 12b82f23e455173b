/* The way of a photo through the product:
 *
 *   photo -> decode -> detect -> align -> embed  -> search -> name -> verdict
 *            image/    \______ face/ ______/        vector/   store/
 *
 * The verbs find and search are here; verification, enrolment, grouping and comparison reuse the steps (flow.h).
 * Searching and naming are in candidates.c. Between embed and search a template goes through its collection's secret
 * transform (collection_indexes.c, store/sealing). */
#include "engine/flow.h"

#include "engine/child_rule.h"
#include "engine/collection_indexes.h"
#include "engine/verdict.h"

#include <math.h>
#include <stdlib.h>

/* ---- Photo -> faces */

bool sb_photo_is_known(const sb_photo *photo) {
  return sb_image_sniff(photo->bytes, photo->size) != SB_IMAGE_UNKNOWN;
}

static sb_status take_worker(sb_engine *engine, void **worker, sb_error *error) {
  sb_status status = sb_engine_load_models(engine, error);
  if (status != SB_OK) return status;
  sb_timed_stage before = sb_stage_timer_enter(SB_TIMED_WAIT);
  status = sb_pool_take(engine->pool, worker, error);
  sb_stage_timer_enter(before);
  return status;
}

static sb_status decode(sb_photo photo, unsigned want, sb_image *image, sb_error *error) {
  sb_image_limits limits = sb_image_default_limits;
  if (want & SB_WANT_SMALL_FACES) limits.enough_side = 0; /* decode at full size: small faces need every pixel */
  sb_timed_stage before = sb_stage_timer_enter(SB_TIMED_DECODE);
  sb_status status = sb_image_decode(photo.bytes, photo.size, &limits, image, error);
  sb_stage_timer_enter(before);
  return status;
}

/* The faces and, until the caller frees it, the decoded photo. */
static sb_status decode_and_find(sb_engine *engine, sb_photo photo, unsigned want, const char *model, sb_image *image,
                                 sb_faces **out, sb_error *error) {
  if (engine->flip) want |= SB_WANT_FLIP;
  const sb_find_options options = {.want = want, .model = model && *model ? model : NULL};
  void *worker = NULL;
  sb_status status = take_worker(engine, &worker, error);
  if (status != SB_OK) return status;
  /* Only who has a worker decodes, so that memory is bounded by the number of workers. */
  status = decode(photo, want, image, error);
  if (status == SB_OK) status = sb_worker_find(worker, image, &options, out, error);
  sb_pool_put(engine->pool, worker);
  return status;
}

sb_status sb_flow_portrait(sb_engine *engine, sb_photo photo, unsigned want, const char *model, sb_faces **out,
                           sb_thumbnail *thumbnail, sb_error *error) {
  sb_image image = {0};
  sb_faces *faces = NULL;
  sb_status status = decode_and_find(engine, photo, want, model, &image, &faces, error);
  if (status == SB_OK && thumbnail && faces->count)
    status = sb_thumbnail_make(&image, &faces->items[0], thumbnail, error);
  sb_image_free(&image);
  if (status == SB_OK)
    *out = faces;
  else
    sb_faces_free(faces);
  return status;
}

static sb_status make_thumbnails(const sb_image *image, const sb_faces *faces, sb_thumbnail *out, sb_error *error) {
  for (size_t i = 0; i < faces->count; i++) {
    sb_status status = sb_thumbnail_make(image, &faces->items[i], &out[i], error);
    if (status != SB_OK) return status;
  }
  return SB_OK;
}

sb_status sb_flow_portraits(sb_engine *engine, sb_photo photo, unsigned want, const char *model, sb_faces **out,
                            sb_thumbnail **thumbnails, sb_error *error) {
  sb_image image = {0};
  sb_faces *faces = NULL;
  sb_thumbnail *made = NULL;
  sb_status status = decode_and_find(engine, photo, want, model, &image, &faces, error);
  if (status != SB_OK) goto failed;
  status = SB_NO_MEMORY;
  made = sb_alloc(faces->count, sizeof *made, error);
  if (made) status = make_thumbnails(&image, faces, made, error);
  if (status != SB_OK) goto failed;
  sb_image_free(&image);
  *out = faces;
  *thumbnails = made;
  return SB_OK;
failed:
  sb_image_free(&image);
  sb_thumbnail_list_free(made, faces ? faces->count : 0);
  sb_faces_free(faces);
  return status;
}

sb_status sb_flow_image_faces(sb_engine *engine, const sb_image *image, unsigned want, const char *model,
                              sb_faces **out, sb_error *error) {
  if (engine->flip) want |= SB_WANT_FLIP;
  const sb_find_options options = {.want = want | SB_WANT_UPRIGHT, .model = model && *model ? model : NULL};
  void *worker = NULL;
  sb_status status = take_worker(engine, &worker, error);
  if (status != SB_OK) return status;
  status = sb_worker_find(worker, image, &options, out, error);
  sb_pool_put(engine->pool, worker);
  return status;
}

sb_status sb_flow_faces(sb_engine *engine, sb_photo photo, unsigned want, const char *model, sb_faces **out,
                        sb_error *error) {
  return sb_flow_portrait(engine, photo, want, model, out, NULL, error);
}

sb_status sb_engine_fail_no_face(const char *which, sb_error *error) {
  return sb_fail(error, SB_NO_FACE, "no face was found%s%s; take a photo where the face is larger and well lit",
                 which ? " in " : "", which ? which : "");
}

sb_status sb_flow_some_face(sb_engine *engine, sb_photo photo, unsigned want, const char *model, const char *which,
                            sb_faces **out, sb_error *error) {
  sb_error cause = {0};
  want |= SB_WANT_EMBEDDING;
  sb_status status = sb_flow_faces(engine, photo, want, model, out, &cause);
  if (status != SB_OK) return sb_fail(error, status, "%s: %s", which, cause.message);
  if ((*out)->count) return SB_OK;
  return sb_engine_fail_no_face(which, error);
}

sb_status sb_engine_nearest(sb_engine *engine, const sb_engine_query *query, sb_hit *hits, size_t *found,
                            sb_error *error) {
  sb_status status = sb_collection_indexes_sync(engine->indexes, error);
  return status == SB_OK ? sb_collection_indexes_search(engine->indexes, query, hits, found, error) : status;
}

/* ---- Public: find */

sb_status sb_engine_find_faces(sb_engine *engine, const sb_find_request *request, sb_faces **out, sb_error *error) {
  if (request->struct_size != sizeof *request) return sb_fail(error, SB_MISUSE, "struct_size is not set");
  sb_status status = sb_engine_enter(engine, error);
  if (status != SB_OK) return status;
  status = sb_flow_faces(engine, request->photo, request->want, request->model, out, error);
  sb_engine_leave(engine);
  return status;
}

/* ---- A gallery, and the verdict of a face */

sb_status sb_flow_gallery_open(sb_engine *engine, const char *name, const sb_target *target, sb_flow_gallery *out,
                               sb_error *error) {
  sb_status status = sb_engine_collection(engine, name, false, &out->collection, error);
  if (status != SB_OK) return status;
  status = sb_engine_collection_embedder(engine, &out->collection, &out->embedder, error);
  if (status != SB_OK) return status;
  size_t people = out->collection.info.people;
  status = sb_verdict_search_threshold(&out->embedder, target, people, &out->threshold, error);
  if (status != SB_OK) return status;
  out->unsure = sb_verdict_unsure(&out->embedder, out->threshold);
  out->fpir = sb_calibration_fpir(&out->embedder.calibration, out->threshold, (double)people);
  return SB_OK;
}

unsigned sb_flow_search_want(const sb_engine *engine) {
  return SB_WANT_EMBEDDING | sb_verdict_liveness_want(engine) | sb_child_want(engine);
}

/* A match becomes "not sure" where the face or the best candidate is a child. */
static sb_status apply_child_rule(sb_engine *engine, const sb_flow_probe *probe, sb_search_face *face,
                                  sb_error *error) {
  if (face->verdict != SB_VERDICT_MATCH) return SB_OK;
  const sb_candidate *best = &face->candidates[0];
  bool child = sb_child_person(engine, best->has_attributes, &best->attributes);
  sb_status status = child ? SB_OK : sb_child_face(engine, probe->faces, probe->face, &child, error);
  if (child) face->verdict = SB_VERDICT_UNSURE, face->reason = SB_REASON_CHILD;
  return status;
}

/* Nobody is a match for a face whose verdict is none. */
static void withdraw_matches(sb_search_face *face) {
  for (size_t i = 0; i < face->count; i++)
    if (face->candidates[i].verdict == SB_VERDICT_MATCH) face->candidates[i].verdict = SB_VERDICT_UNSURE;
}

/* A face that is too poor for enrolment offers nobody, unless it matches: poor faces are alike, and some are not
 * faces. */
static void drop_guesses(const sb_flow_search *search, const sb_flow_probe *probe, sb_search_face *face) {
  if (face->verdict == SB_VERDICT_MATCH || probe->unmeasured ||
      face->face.quality.overall >= search->embedder->minimum_quality)
    return;
  sb_candidates_free(face->candidates, face->count);
  face->candidates = NULL;
  face->count = 0;
}

sb_status sb_flow_decide(sb_engine *engine, const sb_flow_search *search, const sb_flow_probe *probe,
                         sb_search_face *out, int64_t *matched, sb_error *error) {
  sb_flow_found found = {0};
  sb_status status = sb_flow_candidates(engine, search, probe->embedding, &found, error);
  if (status != SB_OK) return status;
  *out =
      (sb_search_face){.face = probe->faces->items[probe->face], .candidates = found.candidates, .count = found.count};
  out->face.embedding = NULL;
  sb_verdict best = out->count ? out->candidates[0].verdict : SB_VERDICT_NONE;
  double score = out->count ? out->candidates[0].score : -1;
  out->verdict = sb_verdict_with_quality(search->embedder, best, score, search->collection->info.people,
                                         &out->face.quality, &out->reason);
  if (out->verdict != SB_VERDICT_NONE && sb_verdict_refused(engine, &out->face))
    out->verdict = SB_VERDICT_UNSURE, out->reason = SB_REASON_LIVENESS;
  status = apply_child_rule(engine, probe, out, error);
  if (out->verdict == SB_VERDICT_MATCH)
    *matched = found.best;
  else
    withdraw_matches(out);
  drop_guesses(search, probe, out);
  return status;
}

/* ---- Public: search */

/* One search of a photo in progress. */
typedef struct photo_search {
  sb_engine *engine;
  const sb_search_request *request;
  bool embedded; /* the result gets the faces' embeddings */
  sb_flow_gallery gallery;
  sb_faces *faces;
  int64_t *matched; /* of each face: the person's row, 0: no match */
  sb_search_result *result;
} photo_search;

static unsigned search_want(const photo_search *s) {
  const sb_search_request *request = s->request;
  unsigned want = sb_flow_search_want(s->engine);
  if (request->largest_only) want |= SB_WANT_LARGEST_ONLY;
  if (request->small_faces) want |= SB_WANT_SMALL_FACES;
  if (request->attributes) want |= SB_WANT_ATTRIBUTES;
  if (request->whole_photo) want |= SB_WANT_WHOLE_PHOTO;
  return want;
}

static sb_status begin_search(photo_search *s, sb_error *error) {
  sb_search_result *result = s->result;
  const sb_flow_gallery *gallery = &s->gallery;
  sb_status status = sb_flow_gallery_open(s->engine, s->request->collection, &s->request->target, &s->gallery, error);
  if (status != SB_OK) return status;
  result->gallery_size = gallery->collection.info.people;
  result->gallery_faces = gallery->collection.info.faces;
  result->threshold = gallery->threshold;
  result->unsure = gallery->unsure;
  result->fpir = gallery->fpir;
  return SB_OK;
}

static sb_status search_face(photo_search *s, const sb_flow_search *search, size_t i, sb_error *error) {
  sb_face *from = &s->faces->items[i];
  sb_search_face *face = &s->result->faces[s->result->count++]; /* counted at once: the result owns what it gets */
  const sb_flow_probe probe = {s->faces, i, from->embedding, s->request->whole_photo};
  sb_status status = sb_flow_decide(s->engine, search, &probe, face, &s->matched[i], error);
  if (status != SB_OK || !s->embedded) return status;
  face->face.embedding = from->embedding;
  from->embedding = NULL; /* it moved over */
  return SB_OK;
}

static sb_status search_photo(photo_search *s, sb_error *error) {
  const sb_flow_gallery *gallery = &s->gallery;
  sb_status status = begin_search(s, error);
  if (status != SB_OK) return status;
  status = sb_flow_faces(s->engine, s->request->photo, search_want(s), gallery->embedder.name, &s->faces, error);
  if (status != SB_OK) return status;
  s->result->width = s->faces->width;
  s->result->height = s->faces->height;
  s->result->faces = sb_alloc(s->faces->count, sizeof *s->result->faces, error);
  s->matched = sb_alloc(s->faces->count, sizeof *s->matched, error);
  if (!s->result->faces || !s->matched) return SB_NO_MEMORY;
  const sb_flow_search search = {&gallery->collection, &gallery->embedder, s->request->k ? s->request->k : 5,
                                 gallery->threshold};
  status = sb_collection_indexes_sync(s->engine->indexes, error);
  for (size_t i = 0; status == SB_OK && i < s->faces->count; i++) status = search_face(s, &search, i, error);
  if (status != SB_OK) return status;
  return sb_engine_audit_search(s->engine, gallery->collection.row, s->result, s->matched, s->request->watch, error);
}

static sb_status search(sb_engine *engine, const sb_search_request *request, size_t *dim, sb_search_result **out,
                        sb_error *error) {
  if (request->struct_size != sizeof *request) return sb_fail(error, SB_MISUSE, "struct_size is not set");
  if (request->k > SB_K_MAX) return sb_fail(error, SB_INVALID, "at most %d candidates can be asked for", SB_K_MAX);
  sb_status status = sb_engine_enter(engine, error);
  if (status != SB_OK) return status;
  double start = sb_monotonic_ms();
  photo_search s = {
      .engine = engine, .request = request, .embedded = dim != NULL, .result = sb_alloc(1, sizeof *s.result, error)};
  status = s.result ? search_photo(&s, error) : SB_NO_MEMORY;
  if (status == SB_OK) {
    s.result->elapsed_ms = sb_monotonic_ms() - start;
    if (dim) *dim = s.faces->dim;
    *out = s.result;
  } else {
    sb_search_result_free(s.result);
  }
  sb_faces_free(s.faces);
  free(s.matched);
  sb_engine_leave(engine);
  return status;
}

sb_status sb_engine_search(sb_engine *engine, const sb_search_request *request, sb_search_result **out,
                           sb_error *error) {
  return search(engine, request, NULL, out, error);
}

sb_status sb_engine_search_embedded(sb_engine *engine, const sb_search_request *request, size_t *dim,
                                    sb_search_result **out, sb_error *error) {
  return search(engine, request, dim, out, error);
}
