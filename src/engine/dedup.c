/* Public: one person enrolled under several ids. Every face of the collection looks for its most alike of other people.
 */
#include "engine/collection_indexes.h"
#include "engine/internal.h"
#include "engine/verdict.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { NEIGHBOURS = 8, BATCH = 256 };

typedef struct pair {
  int64_t one, other; /* people, one < other */
  float score;
} pair;

typedef struct dedup {
  sb_engine *engine;
  int64_t collection;
  size_t dim;
  float threshold;
  pthread_mutex_t lock; /* of what follows: templates come from several threads */
  size_t waiting;       /* faces in the batch */
  float *vectors;
  int64_t people[BATCH];
  sb_hit hits[BATCH * NEIGHBOURS];
  size_t found[BATCH];
  size_t pair_count, pair_room;
  pair *pairs;
} dedup;

static sb_status add_pair(dedup *d, int64_t person, const sb_hit *hit, sb_error *error) {
  int64_t other = (int64_t)hit->label;
  if (other == person) return SB_OK;
  if (d->pair_count == d->pair_room) {
    void *grown = d->pairs;
    size_t room = d->pair_room ? 2 * d->pair_room : 256;
    sb_status status = sb_grow(&grown, room, sizeof *d->pairs, error);
    if (status != SB_OK) return status;
    d->pairs = grown;
    d->pair_room = room;
  }
  d->pairs[d->pair_count++] = (pair){person < other ? person : other, person < other ? other : person, hit->score};
  return SB_OK;
}

static sb_status search_batch(dedup *d, sb_error *error) {
  const sb_index_query query = {.struct_size = sizeof query,
                                .vectors = d->vectors,
                                .count = d->waiting,
                                .k = NEIGHBOURS,
                                .by_label = true,
                                .has_floor = true,
                                .floor = d->threshold};
  if (!d->waiting) return SB_OK;
  sb_status status =
      sb_collection_indexes_search_stored(d->engine->indexes, d->collection, &query, d->hits, d->found, error);
  for (size_t i = 0; status == SB_OK && i < d->waiting; i++)
    for (size_t h = 0; status == SB_OK && h < d->found[i]; h++)
      status = add_pair(d, d->people[i], &d->hits[i * NEIGHBOURS + h], error);
  d->waiting = 0;
  return status;
}

/* A template as it is kept is a query as it is: both went through the collection's transform. */
static sb_status visit(void *context, const sb_store_change *change, sb_error *error) {
  dedup *d = context;
  if (change->kind != SB_CHANGE_PUT || change->collection != d->collection || change->dim != d->dim) return SB_OK;
  pthread_mutex_lock(&d->lock);
  memcpy(d->vectors + d->waiting * d->dim, change->embedding, d->dim * sizeof *d->vectors);
  d->people[d->waiting++] = change->person;
  sb_status status = d->waiting == BATCH ? search_batch(d, error) : SB_OK;
  pthread_mutex_unlock(&d->lock);
  return status;
}

static int by_people(const void *a, const void *b) {
  const pair *x = a, *y = b;
  if (x->one != y->one) return x->one > y->one ? 1 : -1;
  if (x->other != y->other) return x->other > y->other ? 1 : -1;
  return (x->score < y->score) - (x->score > y->score);
}

static int by_score(const void *a, const void *b) {
  const pair *x = a, *y = b;
  return x->score != y->score ? (x->score < y->score ? 1 : -1) : by_people(a, b);
}

/* Two people once, with their most alike faces. */
static void make_unique(dedup *d) {
  size_t kept = 0;
  if (!d->pair_count) return;
  qsort(d->pairs, d->pair_count, sizeof *d->pairs, by_people);
  for (size_t i = 0; i < d->pair_count; i++) {
    bool first = !kept || d->pairs[kept - 1].one != d->pairs[i].one || d->pairs[kept - 1].other != d->pairs[i].other;
    if (first) d->pairs[kept++] = d->pairs[i];
  }
  d->pair_count = kept;
  qsort(d->pairs, d->pair_count, sizeof *d->pairs, by_score);
}

static sb_status name_pair(sb_engine *engine, const sb_embedder *embedder, const pair *p, sb_duplicate *out,
                           sb_error *error) {
  const int64_t rows[2] = {p->one, p->other};
  double score = fmin(p->score, 1);
  sb_stats_rate rate = sb_calibration_fmr(&embedder->calibration, score);
  for (int i = 0; i < 2; i++) {
    sb_people *people = NULL;
    sb_status status = sb_store_person_get(engine->store, rows[i], &people, error);
    if (status != SB_OK) return status;
    out->ids[i] = people->items[0].id;
    out->names[i] = people->items[0].name;
    people->items[0].id = people->items[0].name = NULL;
    sb_people_free(people);
  }
  out->similarity = score;
  out->false_match_rate = rate.rate;
  out->false_match_upper = rate.upper;
  out->false_match_bound = rate.bound;
  return SB_OK;
}

static sb_status fill(dedup *d, const sb_embedder *embedder, size_t limit, sb_duplicates *out, sb_error *error) {
  make_unique(d);
  out->total = d->pair_count;
  size_t wanted = limit && limit < d->pair_count ? limit : d->pair_count;
  out->items = sb_alloc(wanted, sizeof *out->items, error);
  if (!out->items) return SB_NO_MEMORY;
  for (size_t i = 0; i < wanted; i++) {
    sb_status status = name_pair(d->engine, embedder, &d->pairs[i], &out->items[out->count], error);
    out->count++;                 /* what it has is freed with the rest */
    if (status == SB_NOT_FOUND) { /* deleted a moment ago */
      free(out->items[--out->count].ids[0]);
      free(out->items[out->count].names[0]);
      out->items[out->count] = (sb_duplicate){0};
    } else if (status != SB_OK) {
      return status;
    }
  }
  return SB_OK;
}

static sb_status find(sb_engine *engine, const sb_dedup_request *request, sb_duplicates *out, sb_error *error) {
  sb_store_collection collection;
  sb_embedder embedder;
  int64_t next = 0;
  dedup *d = NULL;
  sb_status status = sb_engine_collection(engine, request->collection, false, &collection, error);
  if (status == SB_OK) status = sb_engine_collection_embedder(engine, &collection, &embedder, error);
  if (status == SB_OK)
    status = sb_verdict_search_threshold(&embedder, &request->target, collection.info.faces, &out->threshold, error);
  if (status == SB_OK) status = sb_collection_indexes_sync(engine->indexes, error);
  if (status == SB_OK && !(d = sb_alloc(1, sizeof *d, error))) status = SB_NO_MEMORY;
  if (status != SB_OK) return status;
  *d = (dedup){.engine = engine,
               .collection = collection.row,
               .dim = embedder.dim,
               .threshold = (float)out->threshold,
               .lock = PTHREAD_MUTEX_INITIALIZER,
               .vectors = sb_alloc(BATCH * embedder.dim, sizeof *d->vectors, error)};
  status = d->vectors ? sb_store_changes(engine->store, 0, &next, visit, d, error) : SB_NO_MEMORY;
  if (status == SB_OK) status = search_batch(d, error);
  if (status == SB_OK) status = fill(d, &embedder, request->limit, out, error);
  if (status == SB_OK)
    status = sb_audit_record(engine->store,
                             &(sb_audit_event){"dedup", collection.row, 0, (int64_t)collection.info.faces}, 1, error);
  double faces = (double)collection.info.faces;
  out->people = collection.info.people;
  out->faces = collection.info.faces;
  out->expected_by_chance = faces * (faces - 1) / 2 * sb_calibration_fmr(&embedder.calibration, out->threshold).rate;
  if (d->vectors) sb_wipe(d->vectors, BATCH * embedder.dim * sizeof *d->vectors);
  free(d->vectors);
  free(d->pairs);
  free(d);
  return status;
}

sb_status sb_engine_dedup(sb_engine *engine, const sb_dedup_request *request, sb_duplicates **out, sb_error *error) {
  if (request->struct_size != sizeof *request) return sb_fail(error, SB_MISUSE, "struct_size is not set");
  sb_status status = sb_engine_enter(engine, error);
  if (status != SB_OK) return status;
  double began = sb_monotonic_ms();
  sb_duplicates *duplicates = sb_alloc(1, sizeof *duplicates, error);
  status = duplicates ? find(engine, request, duplicates, error) : SB_NO_MEMORY;
  if (status == SB_OK) {
    duplicates->elapsed_ms = sb_monotonic_ms() - began;
    *out = duplicates;
  } else {
    sb_duplicates_free(duplicates);
  }
  sb_engine_leave(engine);
  return status;
}
