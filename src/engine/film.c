/* Films: pictures -> faces -> tracks -> one verdict a track.
 *
 * A track is decided once, when it has ended: by the mean template of its best shots, and by the quality, liveness and
 * age of the very best one. So it cannot be one person now and another later, and the audit gets one entry for each
 * track instead of one for each picture. */
#include "engine/collection_indexes.h"
#include "engine/flow.h"
#include "track/track.h"

#include <semblance/film.h>

#include <stdlib.h>
#include <string.h>

/* Pictures are some hundred milliseconds apart. A face that is gone for longer than `near_ms` is somewhere else when it
 * comes back; after `lost_ms` its coming back is a visit of its own. */
enum { NEAR_MS = 1500, LOST_MS = 10000, FACES_MAX = 1024 };
static const double different = 0.2; /* cosine: of two good photos of one person 1 in 100 is below it */

/* What is kept of a track that goes on. */
typedef struct film_track {
  uint64_t number;
  sb_faces *best; /* the best shot, alone */
  sb_thumbnail picture;
} film_track;

struct sb_film {
  sb_engine *engine;
  char *collection; /* NULL: default */
  sb_target target;
  size_t k;
  bool wants_pictures, finished;
  char model[64];
  float minimum_quality;
  sb_tracker *tracker;
  int64_t last_ms; /* -1: no picture yet */
  size_t count, room;
  film_track *tracks; /* of the tracker's live tracks, in any order */
  sb_film_result *result;
  size_t result_room;
};

/* ---- Begin and end */

static sb_status begin(sb_film *film, const sb_film_request *request, sb_error *error) {
  sb_flow_gallery gallery;
  sb_status status = sb_flow_gallery_open(film->engine, request->collection, &request->target, &gallery, error);
  if (status != SB_OK) return status;
  if (request->collection && !(film->collection = sb_strdup(request->collection, error))) return SB_NO_MEMORY;
  if (!(film->result = sb_alloc(1, sizeof *film->result, error))) return SB_NO_MEMORY;
  const sb_embedder *embedder = &gallery.embedder;
  memcpy(film->model, embedder->name, sizeof film->model);
  film->minimum_quality = embedder->minimum_quality;
  const sb_tracker_options options = {.dim = embedder->dim,
                                      .same = embedder->calibration.default_threshold,
                                      .different = different,
                                      .near_ms = NEAR_MS,
                                      .lost_ms = LOST_MS};
  return sb_tracker_new(&options, &film->tracker, error);
}

sb_status sb_film_new(sb_engine *engine, const sb_film_request *request, sb_film **out, sb_error *error) {
  if (request->struct_size != sizeof *request) return sb_fail(error, SB_MISUSE, "struct_size is not set");
  if (request->k > SB_K_MAX) return sb_fail(error, SB_INVALID, "at most %d candidates can be asked for", SB_K_MAX);
  sb_status status = sb_engine_enter(engine, error);
  if (status != SB_OK) return status;
  sb_film *film = sb_alloc(1, sizeof *film, error);
  if (film)
    *film = (sb_film){.engine = engine,
                      .target = request->target,
                      .k = request->k ? request->k : 5,
                      .wants_pictures = request->pictures,
                      .last_ms = -1};
  status = film ? begin(film, request, error) : SB_NO_MEMORY;
  if (status == SB_OK)
    *out = film;
  else
    sb_film_free(film);
  sb_engine_leave(engine);
  return status;
}

static void clear_track(film_track *track) {
  sb_faces_free(track->best);
  sb_thumbnail_clear(&track->picture);
}

void sb_film_free(sb_film *film) {
  if (!film) return;
  for (size_t i = 0; i < film->count; i++) clear_track(&film->tracks[i]);
  free(film->tracks);
  sb_tracker_free(film->tracker);
  sb_film_result_free(film->result);
  free(film->collection);
  free(film);
}

/* ---- Tracks that have ended */

static size_t find_track(const sb_film *film, uint64_t number) {
  size_t at = 0;
  while (at < film->count && film->tracks[at].number != number) at++;
  return at;
}

/* The place in the result of a track that began at `since_ms`: they end in another order than they began. */
static size_t place_of(const sb_film_result *result, int64_t since_ms) {
  size_t at = result->count;
  while (at && result->tracks[at - 1].since_ms > since_ms) at--;
  return at;
}

static sb_status add_result(sb_film *film, const sb_film_track *track, sb_error *error) {
  sb_film_result *result = film->result;
  if (result->count == film->result_room) {
    size_t room = film->result_room ? 2 * film->result_room : 16;
    sb_status status = sb_grow((void **)&result->tracks, room, sizeof *result->tracks, error);
    if (status != SB_OK) return status;
    film->result_room = room;
  }
  size_t at = place_of(result, track->since_ms);
  memmove(&result->tracks[at + 1], &result->tracks[at], (result->count++ - at) * sizeof *track);
  result->tracks[at] = *track;
  return SB_OK;
}

/* The gallery may have changed since the film began. */
static sb_status decide(sb_film *film, const sb_track *track, film_track *kept, sb_error *error) {
  sb_engine *engine = film->engine;
  sb_flow_gallery gallery;
  int64_t matched = 0;
  sb_film_track found = {
      .since_ms = track->since_ms, .until_ms = track->until_ms, .pictures = track->seen, .best_ms = track->best_ms};
  sb_status status = sb_flow_gallery_open(engine, film->collection, &film->target, &gallery, error);
  if (status != SB_OK) return status;
  if (strcmp(gallery.embedder.name, film->model) != 0)
    return sb_fail(error, SB_INVALID, "the collection was made again with another model while the film was searched");
  if ((status = sb_collection_indexes_sync(engine->indexes, error)) != SB_OK) return status;
  const sb_flow_search search = {&gallery.collection, &gallery.embedder, film->k, gallery.threshold};
  const sb_flow_probe probe = {.faces = kept->best, .embedding = track->mean};
  status = sb_flow_decide(engine, &search, &probe, &found.best, &matched, error);
  const sb_search_result one = {.count = 1, .faces = &found.best};
  if (status == SB_OK) status = sb_engine_audit_search(engine, gallery.collection.row, &one, &matched, NULL, error);
  found.picture = kept->picture.bytes;
  found.picture_size = kept->picture.size;
  if (status == SB_OK) status = add_result(film, &found, error);
  if (status == SB_OK)
    kept->picture = (sb_thumbnail){0}; /* it moved over */
  else
    sb_candidates_free(found.best.candidates, found.best.count);
  return status;
}

static sb_status decide_ended(sb_film *film, sb_error *error) {
  const sb_track *track;
  sb_status status = SB_OK;
  while (status == SB_OK && (track = sb_tracker_ended(film->tracker))) {
    size_t at = find_track(film, track->number);
    if (at < film->count) status = decide(film, track, &film->tracks[at], error);
  }
  for (size_t i = 0; i < film->count;) { /* also those that the tracker took for mistakes */
    if (sb_tracker_has(film->tracker, film->tracks[i].number)) {
      i++;
    } else {
      clear_track(&film->tracks[i]);
      film->tracks[i] = film->tracks[--film->count];
    }
  }
  return status;
}

/* ---- Pictures */

static sb_status add_track(sb_film *film, uint64_t number, film_track **out, sb_error *error) {
  size_t at = find_track(film, number);
  if (at == film->room) {
    size_t room = film->room ? 2 * film->room : 16;
    sb_status status = sb_grow((void **)&film->tracks, room, sizeof *film->tracks, error);
    if (status != SB_OK) return status;
    film->room = room;
  }
  if (at == film->count) film->tracks[film->count++] = (film_track){.number = number};
  *out = &film->tracks[at];
  return SB_OK;
}

static sb_status keep_best(sb_film *film, const sb_image *image, const sb_faces *faces, size_t face, uint64_t number,
                           sb_error *error) {
  film_track *track = NULL;
  sb_faces *best = NULL;
  sb_status status = sb_find_one(faces, face, &best, error);
  if (status == SB_OK) status = add_track(film, number, &track, error);
  if (status != SB_OK) return sb_faces_free(best), status;
  clear_track(track);
  track->best = best;
  return film->wants_pictures ? sb_thumbnail_make(image, &faces->items[face], &track->picture, error) : SB_OK;
}

static sb_status follow(sb_film *film, const sb_image *image, const sb_faces *faces, int64_t time_ms, sb_error *error) {
  size_t count = faces->count < FACES_MAX ? faces->count : FACES_MAX;
  sb_track_face *seen = sb_alloc(count + 1, sizeof *seen, error);
  sb_track_assignment *given = sb_alloc(count + 1, sizeof *given, error);
  sb_status status = seen && given ? SB_OK : SB_NO_MEMORY;
  for (size_t i = 0; status == SB_OK && i < count; i++) {
    const sb_face *face = &faces->items[i];
    seen[i] = (sb_track_face){.box = face->box,
                              .quality = face->quality.overall,
                              .good = face->quality.overall >= film->minimum_quality,
                              .embedding = face->embedding};
  }
  if (status == SB_OK) status = sb_tracker_add(film->tracker, time_ms, seen, count, given, error);
  for (size_t i = 0; status == SB_OK && i < count; i++)
    if (given[i].best) status = keep_best(film, image, faces, i, given[i].track, error);
  free(seen);
  free(given);
  return status;
}

static sb_status search_picture(sb_film *film, const sb_film_picture *picture, sb_error *error) {
  union {
    const uint8_t *given;
    uint8_t *pixels;
  } pixels = {picture->pixels}; /* an sb_image owns its pixels; this one borrows them, and nobody writes to them */
  const sb_image image = {.width = picture->width,
                          .height = picture->height,
                          .source_width = picture->film_width ? picture->film_width : picture->width,
                          .source_height = picture->film_height ? picture->film_height : picture->height,
                          .pixels = pixels.pixels};
  sb_faces *faces = NULL;
  sb_status status =
      sb_flow_image_faces(film->engine, &image, sb_flow_search_want(film->engine), film->model, &faces, error);
  if (status != SB_OK) return status;
  status = follow(film, &image, faces, picture->time_ms, error);
  sb_faces_free(faces);
  film->last_ms = picture->time_ms;
  film->result->pictures++;
  return status == SB_OK ? decide_ended(film, error) : status;
}

sb_status sb_film_add(sb_film *film, const sb_film_picture *picture, sb_error *error) {
  const int most = sb_image_default_limits.max_side;
  if (film->finished) return sb_fail(error, SB_MISUSE, "the film is finished");
  if (picture->width < 1 || picture->height < 1 || picture->width > most || picture->height > most ||
      picture->film_width < 0 || picture->film_height < 0)
    return sb_fail(error, SB_INVALID, "the sides of a picture are between 1 and %d pixels", most);
  if (picture->time_ms <= film->last_ms)
    return sb_fail(error, SB_INVALID, "the time of a picture is after that of the one before, and not negative");
  sb_status status = sb_engine_enter(film->engine, error);
  if (status != SB_OK) return status;
  status = search_picture(film, picture, error);
  sb_engine_leave(film->engine);
  return status;
}

static sb_status finish(sb_film *film, sb_error *error) {
  sb_flow_gallery gallery;
  sb_tracker_finish(film->tracker);
  sb_status status = decide_ended(film, error);
  if (status != SB_OK) return status;
  status = sb_flow_gallery_open(film->engine, film->collection, &film->target, &gallery, error);
  if (status != SB_OK) return status;
  sb_film_result *result = film->result;
  result->gallery_size = gallery.collection.info.people;
  result->gallery_faces = gallery.collection.info.faces;
  result->threshold = gallery.threshold;
  result->unsure = gallery.unsure;
  result->fpir = gallery.fpir;
  return SB_OK;
}

sb_status sb_film_finish(sb_film *film, sb_film_result **out, sb_error *error) {
  if (film->finished) return sb_fail(error, SB_MISUSE, "the film is finished");
  sb_status status = sb_engine_enter(film->engine, error);
  if (status != SB_OK) return status;
  film->finished = true;
  status = finish(film, error);
  if (status == SB_OK) {
    *out = film->result;
    film->result = NULL;
  }
  sb_engine_leave(film->engine);
  return status;
}
