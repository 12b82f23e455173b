/* Films: pictures -> faces -> tracks -> one verdict a track.
 *
 * A track is decided once, when it has ended: by the mean template of its best shots, and by the quality, liveness and
 * age of the very best one. So it cannot be one person now and another later, and the audit gets one entry for each
 * track instead of one for each picture.
 *
 * A film with a visit has no end, and somebody waits for its verdicts. There a track is decided while it goes on, in
 * the same way, as soon as it has some good shots; and once more when it has ended, or when it got better and nobody
 * was found. What was said of a track is kept, so that it is said again only where it changes (sb_film_visit). */
#include "engine/collection_indexes.h"
#include "engine/flow.h"
#include "track/track.h"

#include <semblance/film.h>

#include <stdlib.h>
#include <string.h>

/* Pictures are some hundred milliseconds apart. A face that is gone for longer than `near_ms` is somewhere else when it
 * comes back; after `lost_ms` its coming back is a visit of its own. */
enum { NEAR_MS = 1500, LOST_MS = 10000, FACES_MAX = 1024 };
/* How long after its first good shot a track that is nobody is reported; after how many good shots a match is; how far
 * apart later decisions are. */
enum { PATIENCE_MS = 700, GOOD_SHOTS = 2, AGAIN_MS = 2000 };
static const double different = 0.2; /* cosine: of two good photos of one person 1 in 100 is below it */

/* What is kept of a track that goes on. */
typedef struct film_track {
  uint64_t number;
  sb_faces *best; /* the best shot, alone */
  sb_thumbnail picture;
  /* With a visit. */
  int64_t good_ms, decided_ms; /* of the first good shot, and of the last decision; -1: none yet */
  bool improved;               /* there was a better shot since that decision */
  bool said;
  bool alerted;       /* that somebody of the watchlist is in sight was said */
  sb_verdict verdict; /* that was said */
  char *person;       /* id of the match that was said; NULL: none */
} film_track;

struct sb_film {
  sb_engine *engine;
  char *collection; /* NULL: default */
  char *watchlist;  /* NULL: none */
  sb_target target;
  size_t k;
  bool wants_pictures, finished;
  sb_film_visit visit; /* NULL: none */
  bool (*wanted)(void *context, const sb_box *box, int width, int height);
  void *context;
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
  if (request->watchlist && !(film->watchlist = sb_strdup(request->watchlist, error))) return SB_NO_MEMORY;
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
                      .visit = request->visit,
                      .wanted = request->wanted,
                      .context = request->context,
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
  free(track->person);
}

void sb_film_free(sb_film *film) {
  if (!film) return;
  for (size_t i = 0; i < film->count; i++) clear_track(&film->tracks[i]);
  free(film->tracks);
  sb_tracker_free(film->tracker);
  sb_film_result_free(film->result);
  free(film->collection);
  free(film->watchlist);
  free(film);
}

/* ---- Tracks that have ended */

static size_t find_track(const sb_film *film, uint64_t number) {
  size_t at = 0;
  while (at < film->count && film->tracks[at].number != number) at++;
  return at;
}

/* What the audit needs of a decision. */
typedef struct decided {
  int64_t collection, matched; /* rows; `matched`: as in sb_flow_decide */
} decided;

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
static sb_status decide_in(sb_film *film, const char *collection, const sb_flow_probe *probe, sb_search_face *found,
                           decided *rows, sb_error *error) {
  sb_engine *engine = film->engine;
  sb_flow_gallery gallery;
  sb_status status = sb_flow_gallery_open(engine, collection, &film->target, &gallery, error);
  if (status != SB_OK) return status;
  if (strcmp(gallery.embedder.name, film->model) != 0)
    return sb_fail(error, SB_INVALID, "the collection %s has another model than the film began with; use one model",
                   gallery.collection.info.name);
  if ((status = sb_collection_indexes_sync(engine->indexes, error)) != SB_OK) return status;
  const sb_flow_search search = {&gallery.collection, &gallery.embedder, film->k, gallery.threshold};
  rows->collection = gallery.collection.row;
  return sb_flow_decide(engine, &search, probe, found, &rows->matched, error);
}

/* The verdict of a track; its candidates are released by the caller, the picture is borrowed. */
static sb_status decide(sb_film *film, const sb_track *track, const film_track *kept, sb_film_track *found,
                        decided *rows, sb_error *error) {
  const sb_flow_probe probe = {.faces = kept->best, .embedding = track->mean};
  *found = (sb_film_track){.number = track->number,
                           .since_ms = track->since_ms,
                           .until_ms = track->until_ms,
                           .pictures = track->seen,
                           .best_ms = track->best_ms,
                           .picture = kept->picture.bytes,
                           .picture_size = kept->picture.size};
  if (film->watchlist) {
    sb_status status = decide_in(film, film->watchlist, &probe, &found->best, rows, error);
    found->alert = status == SB_OK && found->best.verdict == SB_VERDICT_MATCH;
    if (status != SB_OK || found->alert) return status;
    sb_candidates_free(found->best.candidates, found->best.count);
    found->best = (sb_search_face){.count = 0};
  }
  return decide_in(film, film->collection, &probe, &found->best, rows, error);
}

/* For the result. */
static sb_status keep(sb_film *film, const sb_track *track, film_track *kept, sb_error *error) {
  sb_film_track found = {0};
  decided rows = {0};
  sb_status status = decide(film, track, kept, &found, &rows, error);
  const sb_search_result one = {.count = 1, .faces = &found.best};
  if (status == SB_OK) status = sb_engine_audit_search(film->engine, rows.collection, &one, &rows.matched, NULL, error);
  if (status == SB_OK) status = add_result(film, &found, error);
  if (status == SB_OK)
    kept->picture = (sb_thumbnail){0}; /* it moved over */
  else
    sb_candidates_free(found.best.candidates, found.best.count);
  return status;
}

/* ---- Tracks for a visit */

/* Is this news after what was said of the track? */
static bool is_news(const film_track *kept, const sb_film_track *found) {
  const sb_search_face *face = &found->best;
  if (!kept->said || (found->alert && !kept->alerted)) return true;
  return face->verdict == SB_VERDICT_MATCH && (!kept->person || strcmp(kept->person, face->candidates[0].id) != 0);
}

static sb_status say(sb_film *film, film_track *kept, const sb_film_track *found, sb_error *error) {
  bool match = found->best.verdict == SB_VERDICT_MATCH;
  char *person = match ? sb_strdup(found->best.candidates[0].id, error) : NULL;
  if (match && !person) return SB_NO_MEMORY;
  sb_status status = film->visit(film->context, found, kept->said, error);
  if (status != SB_OK) return free(person), status;
  free(kept->person);
  kept->person = person;
  kept->verdict = found->best.verdict;
  kept->said = true;
  kept->alerted |= found->alert;
  return SB_OK;
}

/* Decides a track and says so if it is news; of somebody who may be a match with the next shots only if `final`. */
static sb_status report(sb_film *film, const sb_track *track, film_track *kept, bool final, sb_error *error) {
  sb_film_track found = {0};
  decided rows = {0};
  sb_status status = decide(film, track, kept, &found, &rows, error);
  kept->decided_ms = film->last_ms;
  kept->improved = false;
  bool waits = !final && found.best.verdict != SB_VERDICT_MATCH;
  if (status == SB_OK && !waits && is_news(kept, &found)) status = say(film, kept, &found, error);
  sb_candidates_free(found.best.candidates, found.best.count);
  return status;
}

static sb_status report_live(sb_film *film, film_track *kept, sb_error *error) {
  const sb_track *track = sb_tracker_find(film->tracker, kept->number);
  if (!track || !track->good) return SB_OK;
  if (kept->good_ms < 0) kept->good_ms = film->last_ms;
  bool patient = film->last_ms - kept->good_ms < PATIENCE_MS;
  if (!kept->said) return patient && track->good < GOOD_SHOTS ? SB_OK : report(film, track, kept, !patient, error);
  bool again = kept->verdict != SB_VERDICT_MATCH && kept->improved && film->last_ms - kept->decided_ms >= AGAIN_MS;
  return again ? report(film, track, kept, false, error) : SB_OK;
}

static sb_status report_all(sb_film *film, sb_error *error) {
  sb_status status = SB_OK;
  for (size_t i = 0; film->visit && status == SB_OK && i < film->count; i++)
    status = report_live(film, &film->tracks[i], error);
  return status;
}

/* ---- Ends */

static sb_status decide_ended(sb_film *film, sb_error *error) {
  const sb_track *track;
  sb_status status = SB_OK;
  while (status == SB_OK && (track = sb_tracker_ended(film->tracker))) {
    size_t at = find_track(film, track->number);
    if (at == film->count) continue;
    film_track *kept = &film->tracks[at];
    status = film->visit ? report(film, track, kept, true, error) : keep(film, track, kept, error);
  }
  for (size_t i = 0; i < film->count;) { /* also those that the tracker took for mistakes */
    if (sb_tracker_find(film->tracker, film->tracks[i].number)) {
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
  if (at == film->count) film->tracks[film->count++] = (film_track){.number = number, .good_ms = -1};
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
  sb_faces_free(track->best);
  sb_thumbnail_clear(&track->picture);
  track->best = best;
  track->improved = true;
  return film->wants_pictures ? sb_thumbnail_make(image, &faces->items[face], &track->picture, error) : SB_OK;
}

/* The faces of a picture that are followed, and their places in `faces`. */
static size_t choose(const sb_film *film, const sb_image *image, const sb_faces *faces, sb_track_face *seen,
                     size_t *places) {
  size_t count = 0;
  for (size_t i = 0; i < faces->count && i < FACES_MAX; i++) {
    const sb_face *face = &faces->items[i];
    if (film->wanted && !film->wanted(film->context, &face->box, image->source_width, image->source_height)) continue;
    places[count] = i;
    seen[count++] = (sb_track_face){.box = face->box,
                                    .quality = face->quality.overall,
                                    .good = face->quality.overall >= film->minimum_quality,
                                    .embedding = face->embedding};
  }
  return count;
}

static sb_status follow(sb_film *film, const sb_image *image, const sb_faces *faces, int64_t time_ms, sb_error *error) {
  sb_track_face *seen = sb_alloc(faces->count + 1, sizeof *seen, error);
  sb_track_assignment *given = sb_alloc(faces->count + 1, sizeof *given, error);
  size_t *places = sb_alloc(faces->count + 1, sizeof *places, error);
  sb_status status = seen && given && places ? SB_OK : SB_NO_MEMORY;
  size_t count = status == SB_OK ? choose(film, image, faces, seen, places) : 0;
  if (status == SB_OK) status = sb_tracker_add(film->tracker, time_ms, seen, count, given, error);
  for (size_t i = 0; status == SB_OK && i < count; i++)
    if (given[i].best) status = keep_best(film, image, faces, places[i], given[i].track, error);
  free(seen);
  free(given);
  free(places);
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
  if (status == SB_OK) status = report_all(film, error);
  return status == SB_OK ? decide_ended(film, error) : status;
}

static sb_status check_time(const sb_film *film, int64_t time_ms, sb_error *error) {
  if (film->finished) return sb_fail(error, SB_MISUSE, "the film is finished");
  if (time_ms > film->last_ms) return SB_OK;
  return sb_fail(error, SB_INVALID, "the time of a picture is after that of the one before, and not negative");
}

sb_status sb_film_add(sb_film *film, const sb_film_picture *picture, sb_error *error) {
  const int most = sb_image_default_limits.max_side;
  if (picture->width < 1 || picture->height < 1 || picture->width > most || picture->height > most ||
      picture->film_width < 0 || picture->film_height < 0)
    return sb_fail(error, SB_INVALID, "the sides of a picture are between 1 and %d pixels", most);
  sb_status status = check_time(film, picture->time_ms, error);
  if (status != SB_OK) return status;
  if ((status = sb_engine_enter(film->engine, error)) != SB_OK) return status;
  status = search_picture(film, picture, error);
  sb_engine_leave(film->engine);
  return status;
}

sb_status sb_film_pass(sb_film *film, int64_t time_ms, sb_error *error) {
  sb_status status = check_time(film, time_ms, error);
  if (status != SB_OK) return status;
  if ((status = sb_engine_enter(film->engine, error)) != SB_OK) return status;
  film->last_ms = time_ms;
  status = sb_tracker_add(film->tracker, time_ms, NULL, 0, NULL, error);
  if (status == SB_OK) status = decide_ended(film, error);
  sb_engine_leave(film->engine);
  return status;
}

size_t sb_film_tracks(const sb_film *film) {
  return film->count;
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
