/* From an embedding to candidates: search -> normalise the scores -> name. And the comparison of two embeddings, whose
 * score is normalised in the same way.
 *
 * A search asks for some more people than the caller wants: those of ranks 2 to 31 are the probe's cohort. A
 * candidate's cohort is its density, which is stored with it; where that is not measured yet, it is measured here for
 * the candidates whose verdict may depend on it.
 *
 * Of a person with several templates the best one brings the person into the search's result. The score then is the
 * higher of two: that of the best template, and that of the mean of two similarities, with the best template and with
 * the mean of the templates. With three photos a person that misses a fifth fewer people (docs/accuracy.md). */
#include "engine/collection_indexes.h"
#include "engine/density.h"
#include "engine/flow.h"
#include "engine/verdict.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
  REFERENCES = SB_COHORT_SEARCH + 1, /* people that a search has to find for the probe's cohort */
  MEAN_OF_MOST = 64                  /* templates */
};

/* One search in progress. */
typedef struct ranking {
  sb_engine *engine;
  const sb_flow_search *search;
  const sb_calibration *calibration;
  const float *embedding;
  size_t people, faces;
  sb_cohort probe;
  size_t count; /* neighbors, best score first once they are ranked */
  sb_neighbor *neighbors;
  sb_verdict_score *scores;
} ranking;

/* ---- Scores */

static int falling(const void *a, const void *b) {
  float x = *(const float *)a, y = *(const float *)b;
  return (x < y) - (x > y);
}

/* The cohort of a face, from the people nearest to it without the first, who may be the person in the photo. */
static sb_cohort cohort_of(const sb_calibration *calibration, const sb_neighbor *neighbors, size_t count, size_t most,
                           size_t people, double prior) {
  float similarities[SB_COHORT_VERIFY + 1];
  if (count > most + 1) count = most + 1;
  for (size_t i = 0; i < count; i++) similarities[i] = neighbors[i].similarity;
  qsort(similarities, count, sizeof *similarities, falling);
  return count < 2 ? sb_cohort_unknown(calibration)
                   : sb_cohort_fit(calibration, similarities + 1, count - 1, 2, people, prior);
}

/* `counted`: what the score is made of; the similarity, or the mean of it and that of the mean template. */
static sb_verdict_score score_of(const ranking *r, const sb_neighbor *n, double counted) {
  sb_cohort candidate = sb_engine_density_cohort(r->calibration, &n->density, r->people);
  return (sb_verdict_score){.similarity = (double)n->similarity,
                            .score = sb_cohort_search_score(r->calibration, &r->probe, &candidate, counted),
                            .weight = (r->probe.weight + candidate.weight) / 2};
}

static void score_neighbor(const ranking *r, size_t i) {
  r->scores[i] = score_of(r, &r->neighbors[i], (double)r->neighbors[i].similarity);
}

/* Measures the density of a candidate that may be more than "no match" and has none. */
static sb_status complete(ranking *r, size_t i, sb_error *error) {
  sb_neighbor *n = &r->neighbors[i];
  bool matters = r->scores[i].score >= sb_verdict_unsure(r->search->embedder, r->search->threshold);
  if (n->density.population != SB_DENSITY_NONE || !matters || !sb_cohort_available(r->calibration)) return SB_OK;
  sb_status status =
      sb_engine_density_of_face(r->engine, r->search->collection, r->search->embedder, n->face, &n->density, error);
  if (status == SB_OK) score_neighbor(r, i);
  return status == SB_NOT_FOUND ? SB_OK : status; /* erased meanwhile: naming will notice */
}

/* Insertion sort: few neighbors, nearly in order. Equal scores keep the order of the index. */
static void sort_by_score(ranking *r) {
  for (size_t i = 1; i < r->count; i++) {
    sb_neighbor neighbor = r->neighbors[i];
    sb_verdict_score score = r->scores[i];
    size_t at = i;
    for (; at && r->scores[at - 1].score < score.score; at--) {
      r->neighbors[at] = r->neighbors[at - 1];
      r->scores[at] = r->scores[at - 1];
    }
    r->neighbors[at] = neighbor;
    r->scores[at] = score;
  }
}

static sb_status rank(ranking *r, sb_error *error) {
  r->probe = cohort_of(r->calibration, r->neighbors, r->count, SB_COHORT_SEARCH, r->people, SB_COHORT_PRIOR_SEARCH);
  for (size_t i = 0; i < r->count; i++) score_neighbor(r, i);
  for (size_t i = 0; i < r->count; i++) {
    sb_status status = complete(r, i, error);
    if (status != SB_OK) return status;
  }
  sort_by_score(r);
  return SB_OK;
}

static sb_status find_neighbors(ranking *r, sb_error *error) {
  size_t k = r->search->k;
  bool by_score = sb_cohort_available(r->calibration);
  if (by_score && k < REFERENCES) k = REFERENCES;
  r->neighbors = sb_alloc(k, sizeof *r->neighbors, error);
  r->scores = sb_alloc(k, sizeof *r->scores, error);
  if (!r->neighbors || !r->scores) return SB_NO_MEMORY;
  size_t certain = r->search->k > SB_NEIGHBORS_CERTAIN ? r->search->k : SB_NEIGHBORS_CERTAIN;
  const sb_engine_query query = {r->search->collection->row, r->embedding, k, true, certain};
  sb_timed_stage before = sb_stage_timer_enter(SB_TIMED_SEARCH);
  sb_status status =
      sb_collection_indexes_neighbors(r->engine->indexes, &query, by_score, r->neighbors, &r->count, error);
  if (status == SB_OK) status = rank(r, error);
  sb_stage_timer_enter(before);
  return status;
}

/* ---- Naming */

/* Of a person with several templates. */
static double lowered(const ranking *r, const sb_verdict_score *of, size_t templates, double growth) {
  double mean = r->people ? (double)r->faces / (double)r->people : 1;
  return sb_cohort_templates_score(r->calibration, of->score, of->weight, (double)templates, mean, growth);
}

/* Lets the mean of the person's templates count, too, where that gives the higher score: not where some of the
 * templates are of somebody else. */
static sb_status score_by_mean(const ranking *r, size_t i, size_t templates, sb_verdict_score *score, sb_error *error) {
  sb_store_face_row faces[MEAN_OF_MOST];
  size_t count = 0;
  double mean = -1;
  const sb_neighbor *n = &r->neighbors[i];
  const sb_store_face_query of = {r->search->collection->row, n->person, 0, MEAN_OF_MOST};
  const sb_engine_query query = {.collection = of.collection, .vector = r->embedding};
  sb_status status = sb_store_face_rows(r->engine->store, &of, faces, &count, error);
  if (status == SB_OK && count > 1)
    status = sb_collection_indexes_mean_similarity(r->engine->indexes, &query, faces, count, r->search->embedder->dim,
                                                   &mean, error);
  if (status != SB_OK || mean <= -1) return status;
  sb_verdict_score both = score_of(r, n, ((double)n->similarity + mean) / 2);
  score->score = fmax(score->score, lowered(r, &both, templates, SB_COHORT_GROWTH_MEAN));
  return SB_OK;
}

static sb_candidate make_candidate(const ranking *r, size_t i, sb_person *person, const sb_verdict_score *of) {
  sb_stats_rate rate = sb_cohort_fmr(r->calibration, of->score, of->weight);
  return (sb_candidate){.id = person->id,
                        .name = person->name,
                        .face = r->neighbors[i].face,
                        .similarity = of->similarity,
                        .score = of->score,
                        .false_match_rate = rate.rate,
                        .false_match_upper = rate.upper,
                        .false_match_bound = rate.bound,
                        .gallery_false_match = sb_calibration_fpir(r->calibration, of->score, (double)r->people),
                        .verdict = sb_verdict_of(r->search->embedder, r->search->threshold, of->score),
                        .has_attributes = person->has_attributes,
                        .attributes = person->attributes};
}

/* People with many templates may have moved down. */
static void sort_candidates(sb_flow_found *out, const int64_t *rows) {
  size_t best = 0;
  for (size_t i = 1; i < out->count; i++)
    if (out->candidates[i].score > out->candidates[best].score) best = i;
  if (out->count) out->best = rows[best];
  for (size_t i = 1; i < out->count; i++) {
    sb_candidate candidate = out->candidates[i];
    size_t at = i;
    for (; at && out->candidates[at - 1].score < candidate.score; at--) out->candidates[at] = out->candidates[at - 1];
    out->candidates[at] = candidate;
  }
}

/* Opens the person of each neighbor. `*gone`: somebody was erased between search and naming, and is left out. */
static sb_status name_neighbors(const ranking *r, int64_t *rows, sb_flow_found *out, bool *gone, sb_error *error) {
  for (size_t i = 0; i < r->count && out->count < r->search->k; i++) {
    sb_person person;
    int64_t row = r->neighbors[i].person;
    sb_status status = sb_store_person_summary(r->engine->store, row, &person, error);
    *gone = *gone || status == SB_NOT_FOUND;
    if (status == SB_NOT_FOUND) continue;
    if (status != SB_OK) return status;
    sb_verdict_score score = r->scores[i];
    score.score = lowered(r, &score, person.faces, SB_COHORT_GROWTH_BEST);
    if (person.faces > 1) status = score_by_mean(r, i, person.faces, &score, error);
    if (status != SB_OK) return free(person.id), free(person.name), status;
    rows[out->count] = row;
    out->candidates[out->count++] = make_candidate(r, i, &person, &score);
  }
  sort_candidates(out, rows);
  return SB_OK;
}

static sb_status search_and_name(ranking *r, sb_flow_found *out, bool *gone, sb_error *error) {
  int64_t *rows = NULL;
  sb_status status = find_neighbors(r, error);
  if (status != SB_OK) goto done;
  status = SB_NO_MEMORY;
  rows = sb_alloc(r->search->k, sizeof *rows, error);
  out->candidates = sb_alloc(r->search->k, sizeof *out->candidates, error);
  if (rows && out->candidates) status = name_neighbors(r, rows, out, gone, error);
done:
  free(rows);
  free(r->neighbors);
  free(r->scores);
  return status;
}

sb_status sb_flow_candidates(sb_engine *engine, const sb_flow_search *search, const float *embedding,
                             sb_flow_found *out, sb_error *error) {
  enum { TRIES = 4 };
  for (int try = 0;; try++) { /* when somebody was erased in between, somebody else may belong in the place */
    ranking r = {.engine = engine,
                 .search = search,
                 .calibration = &search->embedder->calibration,
                 .embedding = embedding,
                 .people = search->collection->info.people,
                 .faces = search->collection->info.faces};
    sb_flow_found found = {0};
    bool gone = false;
    sb_status status = try ? sb_collection_indexes_sync(engine->indexes, error) : SB_OK;
    if (status == SB_OK) status = search_and_name(&r, &found, &gone, error);
    if (status == SB_OK && (!gone || try == TRIES - 1)) return *out = found, SB_OK;
    sb_candidates_free(found.candidates, found.count);
    if (status != SB_OK) return status;
  }
}

/* ---- Two embeddings */

/* The collection that a comparison is normalised by; row 0: none. */
static sb_status find_cohort(sb_engine *engine, const char *name, const sb_embedder *embedder, sb_store_collection *out,
                             sb_error *error) {
  sb_error cause = {0};
  sb_status status = sb_engine_collection(engine, name, false, out, &cause);
  if (status == SB_FORBIDDEN && !name) return out->row = 0, SB_OK; /* a key of another collection */
  if (status != SB_OK) return sb_fail(error, status, "%s", cause.message);
  bool usable = out->row && sb_cohort_available(&embedder->calibration) && out->info.people > 1 &&
                !strcmp(out->info.model, embedder->name);
  if (!usable) return out->row = 0, SB_OK;
  return sb_collection_indexes_sync(engine->indexes, error);
}

static sb_status measure_cohort(sb_engine *engine, const sb_store_collection *collection, const sb_embedder *embedder,
                                const float *embedding, sb_cohort *out, sb_error *error) {
  sb_neighbor neighbors[SB_COHORT_VERIFY + 1];
  size_t found = 0, size = sb_cohort_verify_size(collection->info.people);
  const sb_engine_query query = {collection->row, embedding, size + 1, true, SB_NEIGHBORS_CERTAIN};
  sb_status status = sb_collection_indexes_neighbors(engine->indexes, &query, false, neighbors, &found, error);
  if (status != SB_OK) return status;
  *out = cohort_of(&embedder->calibration, neighbors, found, size, collection->info.people, SB_COHORT_PRIOR_VERIFY);
  return SB_OK;
}

sb_status sb_flow_compare(sb_engine *engine, const char *collection, const sb_embedder *embedder,
                          const float *const pair[2], sb_verdict_score *out, sb_error *error) {
  sb_store_collection gallery = {0};
  sb_cohort cohorts[2] = {sb_cohort_unknown(&embedder->calibration), sb_cohort_unknown(&embedder->calibration)};
  sb_status status = find_cohort(engine, collection, embedder, &gallery, error);
  for (int i = 0; status == SB_OK && gallery.row && i < 2; i++)
    status = measure_cohort(engine, &gallery, embedder, pair[i], &cohorts[i], error);
  if (status != SB_OK) return status;
  double similarity = sb_verdict_similarity(pair[0], pair[1], embedder->dim);
  *out =
      (sb_verdict_score){.similarity = similarity,
                         .score = sb_cohort_verify_score(&embedder->calibration, &cohorts[0], &cohorts[1], similarity),
                         .weight = (cohorts[0].weight + cohorts[1].weight) / 2};
  return SB_OK;
}
