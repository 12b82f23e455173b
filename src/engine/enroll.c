/* Public: enrolment and its rules. All photos of a request are enrolled, in one transaction, or none:
 *
 *   check the request -> for each photo: known? find the face, check it -> duplicates under other ids? -> store
 *
 * The collection and the person are looked up once, and the indexes are synced once, before the search for duplicates.
 * The new faces reach the indexes with the next sync, which every search begins with. */
#include "engine/child_rule.h"
#include "engine/collection_indexes.h"
#include "engine/density.h"
#include "engine/flow.h"
#include "engine/live_person.h"
#include "engine/quality_text.h"
#include "engine/verdict.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PHOTOS_MAX = 1000, DUPLICATES_LOOKED_AT = 5 };

/* One enrolment in progress; arrays are as long as the request's photos. */
typedef struct enrolment {
  sb_engine *engine;
  const sb_enroll_request *request;
  sb_store_collection collection;
  int64_t person; /* row; 0: not enrolled yet */
  sb_embedder embedder;
  size_t face;                /* the face of each photo: 0 but for sb_engine_enroll_each */
  sb_faces **faces;           /* of each new photo, else NULL */
  sb_store_face *store_faces; /* of the new ones, `added` of them */
  sb_thumbnail *thumbnails;
  uint8_t (*digests)[SB_DIGEST_SIZE]; /* SHA-256 of each photo */
  size_t added, skipped;
  sb_enrolled *result;
} enrolment;

/* ---- Checking the request: what can be refused before any photo is looked at */

static sb_status check_texts(const sb_enroll_request *request, sb_error *error) {
  sb_status status = sb_text_check(request->id, SB_ID_MAX, "id", error);
  if (status != SB_OK) return status;
  bool needs_name = !(request->flags & SB_ENROLL_ADD);
  if (request->name || needs_name) status = sb_text_check(request->name, SB_NAME_MAX, "name", error);
  return status == SB_OK ? sb_engine_check_terms(request->consent, request->purpose, error) : status;
}

static sb_status check_person(enrolment *e, sb_error *error) {
  const sb_enroll_request *request = e->request;
  sb_status status = sb_store_person_find(e->engine->store, e->collection.row, request->id, &e->person, NULL, error);
  if (status == SB_OK && !(request->flags & SB_ENROLL_ADD))
    return sb_fail(error, SB_EXISTS,
                   "a person with this id is registered already; choose another id, or add the photo to that person "
                   "(--add; POST /v1/people/ID/faces in the API)");
  bool may_be_new = request->name && !(request->flags & SB_ENROLL_MUST_EXIST);
  return status == SB_NOT_FOUND && may_be_new ? SB_OK : status;
}

static sb_status check_request(enrolment *e, sb_error *error) {
  const sb_enroll_request *request = e->request;
  sb_status status = check_texts(request, error);
  if (status != SB_OK) return status;
  if (request->expires_ms && request->expires_ms <= sb_now_ms())
    return sb_fail(error, SB_INVALID, "the date of expiry is in the past");
  status = sb_engine_live_required(e->engine, request->live, error);
  if (status != SB_OK) return status;
  if (!request->photo_count) return sb_fail(error, SB_INVALID, "a photo is missing");
  if (request->photo_count > PHOTOS_MAX)
    return sb_fail(error, SB_INVALID, "at most %d photos can be enrolled at once", PHOTOS_MAX);
  status = sb_engine_collection(e->engine, request->collection, true, &e->collection, error);
  if (status != SB_OK) return status;
  status = sb_engine_collection_embedder(e->engine, &e->collection, &e->embedder, error);
  return status == SB_OK ? check_person(e, error) : status;
}

/* ---- Checking a face */

/* Begins the message with "photo 2: " where there are several photos. */
static sb_status refuse(const enrolment *e, size_t photo, sb_status status, const char *message, sb_error *error) {
  if (e->request->photo_count == 1) return sb_fail(error, status, "%s", message);
  return sb_fail(error, status, "photo %zu: %s", photo + 1, message);
}

/* The photo shows the person who passed the challenge. */
static sb_status check_live(const enrolment *e, size_t photo, const sb_face *face, sb_error *error) {
  sb_error cause = {0};
  const float *const faces[1] = {face->embedding};
  sb_status status = sb_engine_live_check(e->request->live, &e->embedder, faces, 1, &cause);
  return status == SB_OK ? SB_OK : refuse(e, photo, status, cause.message, error);
}

static float side_of(const sb_box *box) {
  return fmaxf(box->w, box->h);
}

/* Is the middle of the box in the middle half of the photo's width, and neither at the top nor at the bottom? */
static bool is_central(const sb_faces *photo, const sb_box *box) {
  float x = (box->x + box->w / 2) / (float)photo->width, y = (box->y + box->h / 2) / (float)photo->height;
  return fabsf(x - 0.5f) <= 0.25f && fabsf(y - 0.5f) <= 0.35f;
}

/* Is the largest face clearly the subject of the photo, and are the others in the background? They are at most half as
 * large; and either they are too poor for enrolment themselves, or the largest face is in the middle and good. */
static bool has_subject(const sb_faces *photo, float minimum) {
  static const float background = 0.5f, good = 0.5f;
  const sb_face *subject = &photo->items[0];
  if (subject->quality.overall < minimum) return false;
  bool evident = is_central(photo, &subject->box) && subject->quality.overall >= good;
  for (size_t i = 1; i < photo->count; i++) {
    const sb_face *other = &photo->items[i];
    if (side_of(&other->box) > background * side_of(&subject->box)) return false;
    if (other->quality.overall >= minimum && !evident) return false;
  }
  return true;
}

/* Is it certain which face of several is meant? */
static bool is_chosen(const enrolment *e, const sb_faces *faces) {
  if (e->request->flags & SB_ENROLL_LARGEST) return true;
  if (e->request->flags & SB_ENROLL_STRICT_SINGLE || e->engine->strict_single) return false;
  return has_subject(faces, e->embedder.minimum_quality);
}

/* Is the face good enough, and not a picture of one? */
static sb_status check_face(const enrolment *e, size_t photo, const sb_face *face, sb_error *error) {
  char message[256];
  /* Before the quality: a screen is also noisy, and who holds one up is not helped by advice about light. */
  if (sb_verdict_refused(e->engine, face))
    return refuse(e, photo, SB_NOT_LIVE, "the face looks like a picture or a screen; stand before the camera yourself",
                  error);
  const sb_quality *quality = &face->quality;
  bool any_quality = e->request->flags & (SB_ENROLL_ANY_QUALITY | SB_ENROLL_WHOLE_PHOTO);
  if (quality->overall < e->embedder.minimum_quality && !any_quality) {
    sb_quality_part weakest = sb_quality_weakest(quality);
    snprintf(message, sizeof message,
             "%s; %s (quality %.2f of at least %.2f; --any-quality, or quality=any in the API, accepts it)",
             sb_engine_quality_problem(weakest), sb_engine_quality_advice(weakest), (double)quality->overall,
             (double)e->embedder.minimum_quality);
    return refuse(e, photo, SB_LOW_QUALITY, message, error);
  }
  return check_live(e, photo, face, error);
}

/* Does the photo show one face, or is it certain which one is meant? */
static sb_status check_faces(const enrolment *e, size_t photo, const sb_faces *faces, sb_error *error) {
  char message[256];
  if (!faces->count) {
    sb_error cause = {0};
    return refuse(e, photo, sb_engine_fail_no_face(NULL, &cause), cause.message, error);
  }
  if (faces->count > 1 && !is_chosen(e, faces)) {
    snprintf(
        message, sizeof message,
        "the photo shows %zu faces; use a photo of one person, or take the largest face (--largest; faces=largest in "
        "the API)",
        faces->count);
    return refuse(e, photo, SB_SEVERAL_FACES, message, error);
  }
  return check_face(e, photo, &faces->items[0], error);
}

/* ---- Photos -> faces */

/* The estimates that the request asks for and the operator allows, as SB_ENROLL_AGE, _GENDER and _ETHNICITY. */
static unsigned estimates_kept(const enrolment *e) {
  const unsigned all = SB_ENROLL_AGE | SB_ENROLL_GENDER | SB_ENROLL_ETHNICITY;
  unsigned asked = e->request->flags & SB_ENROLL_ATTRIBUTES ? all : e->request->flags & all;
  return asked & ~e->engine->no_estimates;
}

/* What nobody asked for is neither stored nor part of the answer. */
static void drop_estimates(sb_face *face, unsigned kept) {
  sb_attributes *a = &face->attributes;
  if (!(kept & SB_ENROLL_AGE)) a->age = -1;
  if (!(kept & SB_ENROLL_GENDER)) a->man = a->woman = -1;
  for (int i = 0; i < SB_ETHNICITIES && !(kept & SB_ENROLL_ETHNICITY); i++) a->ethnicity[i] = -1;
  if (!kept) face->has_attributes = false;
}

/* All faces are looked for also where the largest is taken: the message and the choice depend on how many there are. */
static unsigned enrol_want(const enrolment *e) {
  unsigned want = SB_WANT_EMBEDDING | sb_verdict_liveness_want(e->engine) | sb_child_want(e->engine);
  if (estimates_kept(e)) want |= SB_WANT_ATTRIBUTES;
  if (e->request->flags & SB_ENROLL_WHOLE_PHOTO) want |= SB_WANT_WHOLE_PHOTO;
  return want;
}

/* Was this photo enrolled for this person before, and is that to be skipped? */
static sb_status is_known(enrolment *e, size_t photo, bool *known, sb_error *error) {
  const sb_photo *bytes = &e->request->photos[photo];
  sb_status status = sb_crypto_sha256(bytes->bytes, bytes->size, e->digests[photo], error);
  *known = false;
  if (status != SB_OK || !e->person || !(e->request->flags & SB_ENROLL_SKIP_KNOWN)) return status;
  return sb_store_face_known(e->engine->store, e->person, e->digests[photo], known, error);
}

static void add_face(enrolment *e, size_t photo) {
  const sb_face *found = &e->faces[photo]->items[e->face];
  sb_face *face = &e->result->faces[photo];
  *face = *found;
  face->embedding = NULL;
  drop_estimates(face, estimates_kept(e));
  sb_store_face *stored = &e->store_faces[e->added++];
  *stored = (sb_store_face){.embedding = found->embedding,
                            .quality = face->quality.overall,
                            .attributes = face->has_attributes ? &face->attributes : NULL,
                            .thumbnail = e->thumbnails[photo].bytes,
                            .thumbnail_size = e->thumbnails[photo].size};
  memcpy(stored->source, e->digests[photo], SB_DIGEST_SIZE);
  e->result->others[photo] = e->faces[photo]->count - 1;
}

static sb_status take_photo(enrolment *e, size_t photo, sb_error *error) {
  bool known = false;
  sb_error cause = {0};
  sb_status status = is_known(e, photo, &known, error);
  if (status != SB_OK) return status;
  if (known) return e->skipped++, SB_OK;
  sb_thumbnail *thumbnail = e->engine->thumbnails ? &e->thumbnails[photo] : NULL;
  status = sb_flow_portrait(e->engine, e->request->photos[photo], enrol_want(e), e->embedder.name, &e->faces[photo],
                            thumbnail, &cause);
  if (status != SB_OK) return refuse(e, photo, status, cause.message, error);
  status = check_faces(e, photo, e->faces[photo], error);
  if (status == SB_OK) add_face(e, photo);
  return status;
}

/* ---- Duplicates */

static bool is_listed(const sb_enrolled *result, const char *id) {
  for (size_t i = 0; i < result->duplicate_count; i++)
    if (!strcmp(result->duplicates[i].id, id)) return true;
  return false;
}

/* The id of the request may have another form than the stored one (unicode.h). */
static bool is_own(const enrolment *e, const char *id) {
  int64_t row = 0;
  if (!strcmp(id, e->request->id)) return true;
  return e->person && sb_store_person_find(e->engine->store, e->collection.row, id, &row, NULL, NULL) == SB_OK &&
         row == e->person;
}

/* A duplicate of which one face looks like a child's is listed as "not sure", and does not refuse the enrolment. */
static sb_status apply_child_rule(enrolment *e, sb_faces *faces, sb_candidate *candidate, sb_error *error) {
  bool child = sb_child_person(e->engine, candidate->has_attributes, &candidate->attributes);
  sb_status status = child ? SB_OK : sb_child_face(e->engine, faces, 0, &child, error);
  if (child) candidate->verdict = SB_VERDICT_UNSURE;
  return status;
}

/* Moves the matches of a photo's face with other ids into the result. */
static sb_status add_duplicates(enrolment *e, sb_faces *faces, sb_flow_found *found, sb_error *error) {
  sb_enrolled *result = e->result;
  for (size_t i = 0; i < found->count; i++) {
    sb_candidate *candidate = &found->candidates[i];
    bool other = candidate->verdict == SB_VERDICT_MATCH && !is_own(e, candidate->id);
    if (!other || is_listed(result, candidate->id)) continue;
    sb_status checked = apply_child_rule(e, faces, candidate, error);
    if (checked != SB_OK) return checked;
    void *grown = result->duplicates;
    sb_status status = sb_grow(&grown, result->duplicate_count + 1, sizeof *result->duplicates, error);
    if (status != SB_OK) return status;
    result->duplicates = grown;
    result->duplicates[result->duplicate_count++] = *candidate;
    candidate->id = candidate->name = NULL;
  }
  return SB_OK;
}

static bool has_certain_duplicate(const sb_enrolled *result) {
  for (size_t i = 0; i < result->duplicate_count; i++)
    if (result->duplicates[i].verdict == SB_VERDICT_MATCH) return true;
  return false;
}

static sb_status find_duplicates(enrolment *e, sb_error *error) {
  sb_flow_search search = {&e->collection, &e->embedder, DUPLICATES_LOOKED_AT, 0};
  sb_status status = sb_collection_indexes_sync(e->engine->indexes, error);
  if (status != SB_OK) return status;
  status =
      sb_verdict_search_threshold(&e->embedder, &(sb_target){0}, e->collection.info.people, &search.threshold, error);
  for (size_t i = 0; status == SB_OK && i < e->request->photo_count; i++) {
    sb_flow_found found = {0};
    if (!e->faces[i]) continue; /* a photo that is known */
    status = sb_flow_candidates(e->engine, &search, e->faces[i]->items[0].embedding, &found, error);
    if (status == SB_OK) status = add_duplicates(e, e->faces[i], &found, error);
    sb_candidates_free(found.candidates, found.count);
  }
  if (status == SB_OK && has_certain_duplicate(e->result) && e->request->flags & SB_ENROLL_REFUSE_DUPLICATE)
    return sb_fail(
        error, SB_DUPLICATE,
        "this face is registered under another id; leave out --refuse-duplicate (on_duplicate=warn in the API) "
        "to register it all the same");
  return status;
}

/* ---- Densities */

/* Measured after the search for duplicates has synced the indexes. */
static sb_status measure_densities(enrolment *e, sb_error *error) {
  for (size_t i = 0; i < e->added; i++) {
    sb_store_face *face = &e->store_faces[i];
    sb_status status = sb_engine_density_of_embedding(e->engine, &e->collection, &e->embedder, face->embedding,
                                                      e->person, &face->density, error);
    if (status != SB_OK) return status;
  }
  return SB_OK;
}

/* ---- Storing */

static sb_status store_faces(enrolment *e, sb_error *error) {
  const sb_enroll_request *request = e->request;
  int64_t *rows = sb_alloc(e->added, sizeof *rows, error);
  if (!rows) return SB_NO_MEMORY;
  e->result->kept = rows;
  if (!e->added && e->skipped) return SB_OK; /* all photos were known */
  const sb_store_enrollment enrollment = {.collection = e->collection.row,
                                          .id = request->id,
                                          .name = request->name,
                                          .consent = request->consent,
                                          .purpose = request->purpose,
                                          .expires_ms = request->expires_ms,
                                          .may_exist = request->flags & SB_ENROLL_ADD,
                                          .faces = e->store_faces,
                                          .face_count = e->added};
  return sb_store_enroll(e->engine->store, &enrollment, &e->person, rows, error);
}

/* SB_ENROLL_DIFFERENT. The person is enrolled by now, so a failure is logged, not returned. */
static void mark_different(const enrolment *e) {
  const sb_enrolled *result = e->result;
  for (size_t i = 0; i < result->duplicate_count; i++) {
    sb_error error = {0};
    int64_t other = 0;
    sb_status status =
        sb_store_person_find(e->engine->store, e->collection.row, result->duplicates[i].id, &other, NULL, &error);
    if (status == SB_OK && other != e->person)
      status = sb_store_different_set(e->engine->store, e->collection.row, &(sb_store_different_pair){e->person, other},
                                      true, &error);
    if (status != SB_OK && status != SB_NOT_FOUND)
      sb_log(SB_LOG_WARNING, "two people were not marked as different people: %s", error.message);
  }
}

static sb_status fill_result(enrolment *e, sb_error *error) {
  sb_enrolled *result = e->result;
  sb_people *people = NULL;
  sb_status status = sb_store_person_get(e->engine->store, e->person, &people, error);
  if (status != SB_OK) return status;
  result->person = people->items[0]; /* its texts move over */
  people->count = 0;
  sb_people_free(people);
  result->faces_added = e->added;
  result->faces_skipped = e->skipped;
  return SB_OK;
}

/* ---- Public */

static sb_status make_room(enrolment *e, sb_error *error) {
  size_t count = e->request->photo_count;
  e->faces = sb_alloc(count, sizeof *e->faces, error);
  e->store_faces = sb_alloc(count, sizeof *e->store_faces, error);
  e->digests = sb_alloc(count, sizeof *e->digests, error);
  e->thumbnails = sb_alloc(count, sizeof *e->thumbnails, error);
  e->result->faces = sb_alloc(count, sizeof *e->result->faces, error);
  e->result->others = sb_alloc(count, sizeof *e->result->others, error);
  e->result->photo_count = count;
  bool ready = e->faces && e->store_faces && e->digests && e->thumbnails && e->result->faces && e->result->others;
  return ready ? SB_OK : SB_NO_MEMORY;
}

static sb_status enroll(enrolment *e, sb_error *error) {
  sb_status status = check_request(e, error);
  if (status != SB_OK) return status;
  status = make_room(e, error);
  for (size_t i = 0; status == SB_OK && i < e->request->photo_count; i++) status = take_photo(e, i, error);
  if (status != SB_OK) return status;
  status = find_duplicates(e, error);
  if (status == SB_OK) status = measure_densities(e, error);
  if (status != SB_OK) return status;
  status = store_faces(e, error);
  if (status != SB_OK) return status;
  if (e->request->flags & SB_ENROLL_DIFFERENT) mark_different(e);
  return fill_result(e, error);
}

static void enrolment_clear(enrolment *e) {
  for (size_t i = 0; e->faces && i < e->request->photo_count; i++) sb_faces_free(e->faces[i]);
  for (size_t i = 0; e->thumbnails && i < e->request->photo_count; i++) sb_thumbnail_clear(&e->thumbnails[i]);
  free(e->faces);
  free(e->store_faces);
  free(e->digests);
  free(e->thumbnails);
}

sb_status sb_engine_enroll(sb_engine *engine, const sb_enroll_request *request, sb_enrolled **out, sb_error *error) {
  if (request->struct_size != sizeof *request) return sb_fail(error, SB_MISUSE, "struct_size is not set");
  sb_status status = sb_engine_enter(engine, error);
  if (status != SB_OK) return status;
  enrolment e = {.engine = engine, .request = request, .result = sb_alloc(1, sizeof *e.result, error)};
  status = e.result ? enroll(&e, error) : SB_NO_MEMORY;
  enrolment_clear(&e);
  if (status == SB_OK || (status == SB_DUPLICATE && e.result)) /* a refused duplicate names that person */
    *out = e.result;
  else
    sb_enrolled_free(e.result);
  sb_engine_leave(engine);
  return status;
}

/* ---- Public: one photo, a person for each of its faces */

void sb_engine_make_id(char out[SB_MADE_ID]) {
  uint8_t random[16];
  char hex[33];
  sb_crypto_random(random, sizeof random);
  random[6] = (uint8_t)((random[6] & 0x0f) | 0x40);
  random[8] = (uint8_t)((random[8] & 0x3f) | 0x80);
  sb_hex(random, sizeof random, hex);
  snprintf(out, SB_MADE_ID, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16, hex + 20);
}

static void make_unnamed_id(char out[SB_ID_MAX + 1]) {
  char made[SB_MADE_ID];
  sb_engine_make_id(made);
  snprintf(out, SB_ID_MAX + 1, SB_UNNAMED "%s", made);
}

/* Everybody in one photo, in progress. */
typedef struct group {
  const sb_engine_each_request *request;
  enrolment e; /* of one face after another */
  sb_enroll_request one;
  sb_thumbnail *thumbnails; /* of each face; NULL: none are stored */
  sb_engine_each_enrolled *result;
} group;

static sb_status find_group(group *g, sb_error *error) {
  sb_engine *engine = g->e.engine;
  const sb_engine_each_request *request = g->request;
  sb_status status = sb_crypto_sha256(request->photo.bytes, request->photo.size, g->e.digests[0], error);
  if (status != SB_OK) return status;
  unsigned want = enrol_want(&g->e) | request->want;
  const char *model = g->e.embedder.name;
  status = engine->thumbnails
               ? sb_flow_portraits(engine, request->photo, want, model, &g->e.faces[0], &g->thumbnails, error)
               : sb_flow_faces(engine, request->photo, want, model, &g->e.faces[0], error);
  if (status != SB_OK) return status;
  g->result->count = g->e.faces[0]->count;
  g->result->items = sb_alloc(g->result->count, sizeof *g->result->items, error);
  return g->result->items ? SB_OK : SB_NO_MEMORY;
}

static sb_status begin_group(group *g, sb_error *error) {
  enrolment *e = &g->e;
  sb_status status = sb_engine_live_required(e->engine, NULL, error);
  if (status == SB_OK && g->request->id) status = sb_text_check(g->request->id, SB_ID_MAX, "id", error);
  if (status == SB_OK) status = sb_engine_collection(e->engine, g->request->collection, true, &e->collection, error);
  if (status == SB_OK) status = sb_engine_collection_embedder(e->engine, &e->collection, &e->embedder, error);
  if (status == SB_OK) status = make_room(e, error);
  return status == SB_OK ? find_group(g, error) : status;
}

/* Sets the outcome of each face, and gives how many are to be enrolled. */
static size_t choose_faces(group *g) {
  size_t chosen = 0, most = g->request->most;
  const sb_faces *faces = g->e.faces[0];
  for (size_t i = 0; i < faces->count; i++) {
    sb_status outcome = most && i >= most ? SB_TOO_LARGE : check_face(&g->e, 0, &faces->items[i], NULL);
    g->result->items[i].outcome = outcome;
    chosen += outcome == SB_OK;
  }
  return chosen;
}

/* A face, as the person of g->one. */
static sb_status enroll_face(group *g, size_t face, sb_error *error) {
  enrolment *e = &g->e;
  e->face = face;
  e->person = 0;
  e->added = 0;
  sb_status status = check_person(e, error);
  if (status != SB_OK) return status;
  if (g->thumbnails) e->thumbnails[0] = g->thumbnails[face];
  add_face(e, 0);
  status = measure_densities(e, error);
  if (status == SB_OK) status = store_faces(e, error);
  if (status == SB_OK) g->result->items[face].face = e->result->kept[0];
  e->thumbnails[0] = (sb_thumbnail){0};
  free(e->result->kept);
  e->result->kept = NULL;
  return status;
}

static sb_status enroll_group(group *g, sb_error *error) {
  sb_status status = begin_group(g, error);
  if (status != SB_OK) return status;
  bool single = choose_faces(g) == 1 && g->request->id;
  status = sb_collection_indexes_sync(g->e.engine->indexes, error);
  for (size_t i = 0; status == SB_OK && i < g->e.faces[0]->count; i++) {
    sb_engine_each_face *item = &g->result->items[i];
    if (item->outcome != SB_OK) continue;
    if (single)
      snprintf(item->id, sizeof item->id, "%s", g->request->id);
    else
      make_unnamed_id(item->id);
    g->one.id = item->id;
    g->one.name = g->request->id ? g->request->id : item->id;
    status = enroll_face(g, i, error);
  }
  if (status != SB_OK) return status;
  g->result->faces = g->e.faces[0]; /* they move over */
  g->e.faces[0] = NULL;
  return SB_OK;
}

void sb_engine_each_enrolled_free(sb_engine_each_enrolled *enrolled) {
  if (!enrolled) return;
  sb_faces_free(enrolled->faces);
  free(enrolled->items);
  free(enrolled);
}

sb_status sb_engine_enroll_each(sb_engine *engine, const sb_engine_each_request *request, sb_engine_each_enrolled **out,
                                sb_error *error) {
  sb_status status = sb_engine_enter(engine, error);
  if (status != SB_OK) return status;
  group g = {.request = request,
             .e = {.engine = engine, .result = sb_alloc(1, sizeof *g.e.result, error)},
             .one = {.photos = &request->photo, .photo_count = 1, .flags = request->flags | SB_ENROLL_ADD},
             .result = sb_alloc(1, sizeof *g.result, error)};
  g.e.request = &g.one;
  status = g.e.result && g.result ? enroll_group(&g, error) : SB_NO_MEMORY;
  if (g.thumbnails) sb_thumbnail_list_free(g.thumbnails, g.result->count);
  enrolment_clear(&g.e);
  sb_enrolled_free(g.e.result);
  if (status == SB_OK)
    *out = g.result;
  else
    sb_engine_each_enrolled_free(g.result);
  sb_engine_leave(engine);
  return status;
}
