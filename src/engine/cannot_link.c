/* Spaces of claims: number p for photo p, and one above those for each pair of different people, which faces that match
 * one of the two claim for that one. */
#include "engine/cannot_link.h"

#include "engine/collection_indexes.h"
#include "engine/photo_copies.h"

#include <stdlib.h>

/* Faces that are less similar are no copies: a mirror image is embedded a little differently. */
static const float copy_similarity = 0.75F;

typedef struct builder {
  sb_engine *engine;
  const sb_cluster_request *request;
  const sb_flow_search *naming;
  sb_cluster_links *out;
  uint32_t *whom; /* of each face: the first face of its photo that it is a copy of, or itself */
  size_t count, room;
  sb_cluster_claim *list;
} builder;

static sb_status add_claim(builder *b, size_t face, size_t space, size_t whom, sb_error *error) {
  if (b->count == b->room) {
    void *grown = b->list;
    size_t room = b->room ? 2 * b->room : 256;
    sb_status status = sb_grow(&grown, room, sizeof *b->list, error);
    if (status != SB_OK) return status;
    b->list = grown;
    b->room = room;
  }
  b->list[b->count++] = (sb_cluster_claim){(uint32_t)face, (uint32_t)space, (uint32_t)whom};
  return SB_OK;
}

/* ---- Copies within a photo */

/* Pairs that may be copies, by photo, so that each photo is decoded once. */
typedef struct suspect {
  uint32_t photo;
  sb_cluster_pair pair;
} suspect;

static int by_photo(const void *a, const void *b) {
  const suspect *x = a, *y = b;
  if (x->photo != y->photo) return x->photo > y->photo ? 1 : -1;
  if (x->pair.one != y->pair.one) return x->pair.one > y->pair.one ? 1 : -1;
  return (x->pair.other > y->pair.other) - (x->pair.other < y->pair.other);
}

static sb_status read_box(const builder *b, uint32_t face, sb_box *box, sb_image *decoded, sb_error *error) {
  void *bytes = NULL;
  size_t size = 0;
  sb_status status = b->request->photo(b->request->context, face, &bytes, &size, box, error);
  if (status != SB_OK) return status;
  if (decoded) status = sb_image_decode(bytes, size, NULL, decoded, error);
  free(bytes);
  return status;
}

/* Copies of copies become copies of the first one. */
static void join_copies(builder *b, const sb_cluster_pair *pair) {
  uint32_t first = b->whom[pair->one], gone = b->whom[pair->other];
  if (first > gone) first = gone, gone = b->whom[pair->one];
  b->out->copies[pair->one] = b->out->copies[pair->other] = true;
  for (size_t i = 0; first != gone && i < b->request->count; i++)
    if (b->whom[i] == gone) b->whom[i] = first;
}

/* The suspects of one photo. */
static sb_status check_photo(builder *b, const suspect *list, size_t count, sb_error *error) {
  sb_image photo = {0};
  sb_box one, other;
  sb_status status = read_box(b, list[0].pair.one, &one, &photo, error);
  for (size_t i = 0; status == SB_OK && i < count; i++) {
    const sb_cluster_pair *pair = &list[i].pair;
    bool copies = false;
    if (b->whom[pair->one] == b->whom[pair->other]) continue;
    if ((status = read_box(b, pair->one, &one, NULL, error)) != SB_OK) break;
    if ((status = read_box(b, pair->other, &other, NULL, error)) != SB_OK) break;
    status = sb_photo_copies_are(&photo, &one, &other, &copies, error);
    if (copies) join_copies(b, pair);
  }
  sb_image_free(&photo);
  return status;
}

static sb_status find_copies(builder *b, const sb_cluster_pair *pairs, size_t pair_count, sb_error *error) {
  const uint32_t *photos = b->request->photos;
  size_t count = 0;
  if (!b->request->photo) return SB_OK;
  suspect *list = sb_alloc(pair_count, sizeof *list, error);
  if (!list) return SB_NO_MEMORY;
  for (size_t i = 0; i < pair_count; i++)
    if (photos[pairs[i].one] == photos[pairs[i].other] && pairs[i].score >= copy_similarity)
      list[count++] = (suspect){photos[pairs[i].one], pairs[i]};
  if (count) qsort(list, count, sizeof *list, by_photo);
  sb_status status = SB_OK;
  for (size_t from = 0, to; status == SB_OK && from < count; from = to) {
    for (to = from; to < count && list[to].photo == list[from].photo;) to++;
    status = check_photo(b, list + from, to - from, error);
  }
  free(list);
  return status;
}

/* Two faces of one photo are two people, apart from copies. */
static sb_status claim_photos(builder *b, const sb_cluster_pair *pairs, size_t pair_count, sb_error *error) {
  const sb_cluster_request *request = b->request;
  if (!request->photos || request->collages) return SB_OK;
  for (size_t i = 0; i < request->count; i++)
    if (request->photos[i] >= request->count)
      return sb_fail(error, SB_INVALID, "the number of a face's photo is not below the number of faces");
  sb_status status = find_copies(b, pairs, pair_count, error);
  for (size_t i = 0; status == SB_OK && i < request->count; i++)
    status = add_claim(b, i, request->photos[i], b->whom[i], error);
  return status;
}

/* ---- Different people */

static sb_status claim_people_of(builder *b, size_t face, int64_t person, sb_error *error) {
  sb_status status = SB_OK;
  for (size_t p = 0; status == SB_OK && p < b->out->different_count; p++) {
    const sb_store_different_pair *pair = &b->out->different[p];
    if (pair->one == person || pair->other == person)
      status = add_claim(b, face, b->request->count + p, pair->other == person, error);
  }
  return status;
}

static sb_status claim_people(builder *b, sb_error *error) {
  sb_cluster_links *out = b->out;
  sb_status status = sb_store_different_list(b->engine->store, b->naming->collection->row, &out->different,
                                             &out->different_count, error);
  if (status != SB_OK || !out->different_count) return status;
  if (out->different_count > UINT32_MAX / 2)
    return sb_fail(error, SB_TOO_LARGE, "too many pairs of people are marked as different people");
  status = sb_collection_indexes_sync(b->engine->indexes, error);
  for (size_t i = 0; status == SB_OK && i < b->request->count; i++) {
    sb_flow_found found = {0};
    status = sb_flow_candidates(b->engine, b->naming, b->request->embeddings[i], &found, error);
    if (status != SB_OK) return status;
    if (found.count && found.candidates[0].verdict == SB_VERDICT_MATCH)
      status = claim_people_of(b, i, found.best, error);
    sb_candidates_free(found.candidates, found.count);
  }
  return status;
}

bool sb_cluster_links_person(const sb_cluster_links *links, uint32_t root, int64_t person) {
  const sb_cluster_claims_of_group *group = &links->claims.groups[root];
  for (size_t i = 0; i < group->count; i++) {
    if (group->items[i].space < links->claims.faces) continue;
    const sb_store_different_pair *pair = &links->different[group->items[i].space - links->claims.faces];
    if (person == (group->items[i].whom ? pair->one : pair->other)) return true;
  }
  return false;
}

/* ---- All */

sb_status sb_cluster_links_begin(sb_engine *engine, const sb_cluster_request *request, const sb_flow_search *naming,
                                 const sb_cluster_pair *pairs, size_t pair_count, sb_cluster_links *out,
                                 sb_error *error) {
  builder b = {.engine = engine, .request = request, .naming = naming, .out = out};
  b.whom = sb_alloc(request->count, sizeof *b.whom, error);
  out->copies = sb_alloc(request->count, sizeof *out->copies, error);
  sb_status status = b.whom && out->copies ? SB_OK : SB_NO_MEMORY;
  for (size_t i = 0; status == SB_OK && i < request->count; i++) b.whom[i] = (uint32_t)i;
  if (status == SB_OK) status = claim_photos(&b, pairs, pair_count, error);
  if (status == SB_OK) status = claim_people(&b, error);
  if (status == SB_OK) status = sb_cluster_claims_begin(&out->claims, request->count, b.list, b.count, error);
  free(b.whom);
  free(b.list);
  return status;
}

void sb_cluster_links_clear(sb_cluster_links *links) {
  sb_cluster_claims_clear(&links->claims);
  free(links->copies);
  free(links->different);
  *links = (sb_cluster_links){0};
}
