/* Public: finds people who are enrolled under several ids. Every stored template of a collection is searched for in the
 * collection's index, for the most similar faces of other people; pairs of people above the threshold are reported
 * once, with the score of their most similar faces.
 *
 * Stored templates are used as queries as they are: they and the index went through the same transform, which keeps
 * inner products. So nothing is unprotected. */
#include "engine/child_rule.h"
#include "engine/collection_indexes.h"
#include "engine/density.h"
#include "engine/different.h"
#include "engine/internal.h"
#include "engine/verdict.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { NEIGHBOURS = 8, BATCH = 256 };
/* A normalised score may be above the similarity by as much as this: pairs are looked for from here on. */
static const double margin = 0.1;

typedef struct pair {
  int64_t one, other; /* rows of people, one < other */
  double similarity, score;
  double weight; /* of the cohorts behind the score */
} pair;

typedef struct dedup {
  sb_engine *engine;
  const sb_dedup_request *request;
  sb_store_collection collection;
  sb_embedder embedder;
  double threshold;
  pthread_mutex_t lock; /* of what follows: the store gives templates from several threads */
  size_t waiting;       /* faces in the batch */
  float *vectors;
  int64_t people[BATCH];
  sb_density densities[BATCH];
  sb_hit hits[BATCH * NEIGHBOURS];
  size_t found[BATCH];
  size_t pair_count, pair_room;
  pair *pairs;
} dedup;

/* ---- Finding pairs */

/* The score of face `i` of the batch and of its neighbor. */
static void score_pair(const dedup *d, size_t i, const sb_hit *hit, pair *out) {
  const sb_calibration *calibration = &d->embedder.calibration;
  size_t people = d->collection.info.people;
  sb_density density;
  sb_collection_indexes_density(d->engine->indexes, d->collection.row, (int64_t)hit->key, &density);
  sb_cohort one = sb_engine_density_cohort(calibration, &d->densities[i], people);
  sb_cohort other = sb_engine_density_cohort(calibration, &density, people);
  out->similarity = fmin((double)hit->score, 1);
  out->score = sb_cohort_search_score(calibration, &one, &other, out->similarity);
  out->weight = (one.weight + other.weight) / 2;
}

static sb_status add_pair(dedup *d, size_t i, const sb_hit *hit, sb_error *error) {
  int64_t person = d->people[i], other = (int64_t)hit->label;
  pair made = {.one = person < other ? person : other, .other = person < other ? other : person};
  if (other == person) return SB_OK;
  score_pair(d, i, hit, &made);
  if (made.score < d->threshold) return SB_OK;
  if (d->pair_count == d->pair_room) {
    void *grown = d->pairs;
    size_t room = d->pair_room ? 2 * d->pair_room : 256;
    sb_status status = sb_grow(&grown, room, sizeof *d->pairs, error);
    if (status != SB_OK) return status;
    d->pairs = grown;
    d->pair_room = room;
  }
  d->pairs[d->pair_count++] = made;
  return SB_OK;
}

static sb_status search_batch(dedup *d, sb_error *error) {
  const sb_index_query query = {.struct_size = sizeof query,
                                .vectors = d->vectors,
                                .count = d->waiting,
                                .k = NEIGHBOURS,
                                .by_label = true,
                                .has_floor = true,
                                .floor = (float)(d->threshold - margin)};
  if (!d->waiting) return SB_OK;
  sb_status status =
      sb_collection_indexes_search_stored(d->engine->indexes, d->collection.row, &query, d->hits, d->found, error);
  for (size_t i = 0; status == SB_OK && i < d->waiting; i++)
    for (size_t h = 0; status == SB_OK && h < d->found[i]; h++)
      status = add_pair(d, i, &d->hits[i * NEIGHBOURS + h], error);
  d->waiting = 0;
  return status;
}

/* Called by the store for each template. */
static sb_status visit(void *context, const sb_store_change *change, sb_error *error) {
  dedup *d = context;
  size_t dim = d->embedder.dim;
  if (change->kind != SB_CHANGE_PUT || change->collection != d->collection.row || change->dim != dim) return SB_OK;
  pthread_mutex_lock(&d->lock);
  memcpy(d->vectors + d->waiting * dim, change->embedding, dim * sizeof *d->vectors);
  d->densities[d->waiting] = change->density;
  d->people[d->waiting++] = change->person;
  sb_status status = d->waiting == BATCH ? search_batch(d, error) : SB_OK;
  pthread_mutex_unlock(&d->lock);
  return status;
}

static sb_status find_pairs(dedup *d, sb_error *error) {
  int64_t next = 0;
  d->vectors = sb_alloc(BATCH * d->embedder.dim, sizeof *d->vectors, error);
  if (!d->vectors) return SB_NO_MEMORY;
  sb_status status = sb_collection_indexes_sync(d->engine->indexes, error);
  if (status != SB_OK) return status;
  status = sb_store_changes(d->engine->store, 0, &next, visit, d, error);
  return status == SB_OK ? search_batch(d, error) : status;
}

/* ---- The result */

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

/* Drops the pairs of people who were marked as different people. */
static sb_status drop_different(dedup *d, size_t *dropped, sb_error *error) {
  sb_store_different_pair *marked = NULL;
  size_t count = 0, kept = 0;
  sb_status status = sb_store_different_list(d->engine->store, d->collection.row, &marked, &count, error);
  if (status != SB_OK) return status;
  for (size_t i = 0; i < d->pair_count; i++)
    if (!sb_engine_different_are(marked, count, d->pairs[i].one, d->pairs[i].other)) d->pairs[kept++] = d->pairs[i];
  free(marked);
  *dropped = d->pair_count - kept;
  d->pair_count = kept;
  return SB_OK;
}

/* Leaves each pair of people once, with their best score, and sorts by score. */
static void make_unique(dedup *d) {
  size_t unique = 0;
  if (!d->pair_count) return;
  qsort(d->pairs, d->pair_count, sizeof *d->pairs, by_people);
  for (size_t i = 0; i < d->pair_count; i++) {
    const pair *last = unique ? &d->pairs[unique - 1] : NULL, *next = &d->pairs[i];
    if (!last || last->one != next->one || last->other != next->other) d->pairs[unique++] = *next;
  }
  d->pair_count = unique;
  qsort(d->pairs, d->pair_count, sizeof *d->pairs, by_score);
}

static sb_status name_pair(const dedup *d, const pair *p, sb_duplicate *out, sb_error *error) {
  const int64_t rows[2] = {p->one, p->other};
  sb_stats_rate rate = sb_cohort_fmr(&d->embedder.calibration, p->score, p->weight);
  for (int i = 0; i < 2; i++) {
    sb_person person;
    sb_status status = sb_store_person_summary(d->engine->store, rows[i], &person, error);
    if (status != SB_OK) return status;
    out->ids[i] = person.id;
    out->names[i] = person.name;
    out->child = out->child || sb_child_person(d->engine, person.has_attributes, &person.attributes);
  }
  out->similarity = p->similarity;
  out->score = p->score;
  out->false_match_rate = rate.rate;
  out->false_match_upper = rate.upper;
  out->false_match_bound = rate.bound;
  return SB_OK;
}

static void drop_last(sb_duplicates *duplicates) {
  sb_duplicate *last = &duplicates->items[--duplicates->count];
  free(last->ids[0]);
  free(last->names[0]);
  *last = (sb_duplicate){0};
}

static sb_status name_pairs(dedup *d, sb_duplicates *out, sb_error *error) {
  size_t limit = d->request->limit, wanted = limit && limit < d->pair_count ? limit : d->pair_count;
  out->total = d->pair_count;
  out->items = sb_alloc(wanted, sizeof *out->items, error);
  if (!out->items) return SB_NO_MEMORY;
  for (size_t i = 0; i < wanted; i++) {
    sb_status status = name_pair(d, &d->pairs[i], &out->items[out->count++], error);
    if (status == SB_NOT_FOUND)
      drop_last(out); /* one of the two was erased a moment ago */
    else if (status != SB_OK)
      return status;
  }
  return SB_OK;
}

static void fill_totals(const dedup *d, sb_duplicates *out) {
  double people = (double)d->collection.info.people;
  out->people = d->collection.info.people;
  out->faces = d->collection.info.faces;
  out->expected_by_chance =
      people * (people - 1) / 2 * sb_calibration_fmr(&d->embedder.calibration, out->threshold).rate;
}

/* ---- Public */

static sb_status find(dedup *d, sb_duplicates *out, sb_error *error) {
  sb_status status = sb_engine_collection(d->engine, d->request->collection, false, &d->collection, error);
  if (status != SB_OK) return status;
  status = sb_engine_collection_embedder(d->engine, &d->collection, &d->embedder, error);
  if (status != SB_OK) return status;
  size_t faces = d->collection.info.faces;
  status =
      sb_verdict_search_threshold(&d->embedder, &d->request->target, d->collection.info.people, &out->threshold, error);
  if (status != SB_OK) return status;
  d->threshold = out->threshold;
  status = find_pairs(d, error);
  if (status != SB_OK) return status;
  make_unique(d);
  status = drop_different(d, &out->different, error);
  if (status != SB_OK) return status;
  status = name_pairs(d, out, error);
  if (status != SB_OK) return status;
  fill_totals(d, out);
  return sb_engine_audit_verdict(d->engine, &(sb_audit_event){"dedup", d->collection.row, 0, (int64_t)faces}, error);
}

static sb_status dedup_run(sb_engine *engine, const sb_dedup_request *request, sb_duplicates *out, sb_error *error) {
  dedup *d = sb_alloc(1, sizeof *d, error); /* too large for a stack */
  if (!d) return SB_NO_MEMORY;
  d->engine = engine;
  d->request = request;
  pthread_mutex_init(&d->lock, NULL);
  double began = sb_monotonic_ms();
  sb_status status = find(d, out, error);
  out->elapsed_ms = sb_monotonic_ms() - began;
  pthread_mutex_destroy(&d->lock);
  if (d->vectors) sb_wipe(d->vectors, BATCH * d->embedder.dim * sizeof *d->vectors);
  free(d->vectors);
  free(d->pairs);
  free(d);
  return status;
}

sb_status sb_engine_dedup(sb_engine *engine, const sb_dedup_request *request, sb_duplicates **out, sb_error *error) {
  if (request->struct_size != sizeof *request) return sb_fail(error, SB_MISUSE, "struct_size is not set");
  sb_status status = sb_engine_enter(engine, error);
  if (status != SB_OK) return status;
  sb_duplicates *duplicates = sb_alloc(1, sizeof *duplicates, error);
  status = duplicates ? dedup_run(engine, request, duplicates, error) : SB_NO_MEMORY;
  if (status == SB_OK)
    *out = duplicates;
  else
    sb_duplicates_free(duplicates);
  sb_engine_leave(engine);
  return status;
}
