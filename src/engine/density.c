/* Measures the densities of faces; density.h explains when. */
#include "engine/density.h"

#include <stdlib.h>
#include <time.h>

enum {
  PERIOD_MS = 2000,     /* between looks for faces to be measured */
  PAUSE_MS = 20,        /* between batches, so that searches come first */
  BATCH = 64,           /* faces that are measured and stored at once */
  GROWTH_NUMERATOR = 3, /* a face is measured again when its collection is 3/2 as large, or 2/3 */
  GROWTH_DENOMINATOR = 2
};

sb_cohort sb_engine_density_cohort(const sb_calibration *calibration, const sb_density *density, size_t people) {
  if (density->population == SB_DENSITY_NONE) return sb_cohort_unknown(calibration);
  size_t others = people > 1 ? people - 1 : 0;
  double neighbors = others < SB_COHORT_SEARCH ? (double)others : SB_COHORT_SEARCH;
  return (sb_cohort){(double)density->location, (double)density->deviation, sb_cohort_weight(neighbors)};
}

static void fit(const sb_embedder *embedder, const float *similarities, size_t count, size_t people, sb_density *out) {
  size_t others = people > 1 ? people - 1 : 0;
  *out = (sb_density){0};
  if (!others || !count) return;
  sb_cohort cohort = sb_cohort_fit(&embedder->calibration, similarities, count, 1, others, SB_COHORT_PRIOR_SEARCH);
  uint32_t population = people < UINT32_MAX ? (uint32_t)people : UINT32_MAX;
  *out = (sb_density){(float)cohort.location, (float)cohort.deviation, population};
}

sb_status sb_engine_density_of_embedding(sb_engine *engine, const sb_store_collection *collection,
                                         const sb_embedder *embedder, const float *embedding, int64_t person,
                                         sb_density *out, sb_error *error) {
  sb_neighbor neighbors[SB_COHORT_SEARCH + 1];
  float similarities[SB_COHORT_SEARCH + 1];
  size_t found = 0, count = 0, people = collection->info.people + (person ? 0 : 1);
  const sb_engine_query query = {collection->row, embedding, SB_COHORT_SEARCH + 1, true, SB_NEIGHBORS_CERTAIN};
  *out = (sb_density){0};
  if (!sb_cohort_available(&embedder->calibration) || people < 2) return SB_OK;
  sb_status status = sb_collection_indexes_neighbors(engine->indexes, &query, false, neighbors, &found, error);
  if (status != SB_OK) return status;
  for (size_t i = 0; i < found && count < SB_COHORT_SEARCH; i++)
    if (neighbors[i].person != person) similarities[count++] = neighbors[i].similarity;
  fit(embedder, similarities, count, people, out);
  return SB_OK;
}

sb_status sb_engine_density_of_face(sb_engine *engine, const sb_store_collection *collection,
                                    const sb_embedder *embedder, int64_t face, sb_density *out, sb_error *error) {
  float similarities[SB_COHORT_SEARCH];
  size_t count = 0;
  *out = (sb_density){0};
  if (collection->info.people < 2) return SB_OK;
  sb_status status = sb_collection_indexes_neighbors_of(engine->indexes, collection->row, face, SB_COHORT_SEARCH,
                                                        similarities, &count, error);
  if (status == SB_OK) fit(embedder, similarities, count, collection->info.people, out);
  return status;
}

/* ---- The thread */

/* How many people a collection had when all its faces were looked at last. */
typedef struct looked_at {
  int64_t collection;
  size_t people;
} looked_at;

struct sb_engine_density_refresher {
  sb_engine *engine;
  int pause_ms; /* between batches */
  looked_at *looks;
  size_t look_count;
  pthread_t thread;
  pthread_mutex_t lock;
  pthread_cond_t wake;
  bool stop;
};

/* Waits; false: stop. */
static bool wait_ms(sb_engine_density_refresher *r, int ms) {
  struct timespec until;
  clock_gettime(CLOCK_MONOTONIC, &until);
  until.tv_sec += ms / 1000;
  until.tv_nsec += (long)(ms % 1000) * 1000000;
  if (until.tv_nsec >= 1000000000) until.tv_sec++, until.tv_nsec -= 1000000000;
  pthread_mutex_lock(&r->lock);
  int late = 0;
  while (!r->stop && !late) late = pthread_cond_timedwait(&r->wake, &r->lock, &until);
  bool go_on = !r->stop;
  pthread_mutex_unlock(&r->lock);
  return go_on;
}

static sb_status measure_batch(sb_engine_density_refresher *r, const sb_store_collection *collection,
                               const sb_embedder *embedder, const int64_t *faces, size_t count, sb_error *error) {
  sb_density_update updates[BATCH];
  size_t measured = 0;
  for (size_t i = 0; i < count; i++) {
    sb_density_update *update = &updates[measured];
    update->face = faces[i];
    sb_status status = sb_engine_density_of_face(r->engine, collection, embedder, faces[i], &update->density, error);
    if (status == SB_NOT_FOUND) continue;
    if (status != SB_OK) return status;
    if (update->density.population != SB_DENSITY_NONE) measured++;
  }
  return sb_store_densities_set(r->engine->store, collection->row, updates, measured, error);
}

/* NULL: this process has not looked at the collection yet. */
static looked_at *look_of(const sb_engine_density_refresher *r, const sb_store_collection *collection) {
  for (size_t i = 0; i < r->look_count; i++)
    if (r->looks[i].collection == collection->row) return &r->looks[i];
  return NULL;
}

/* Looking at all faces of a large collection takes time, so it waits until an eighth of the people have come or gone.
 * New faces do not wait for it: they are measured when they are enrolled. */
static bool is_due(const sb_engine_density_refresher *r, const sb_store_collection *collection) {
  enum { PART = 8 };
  const looked_at *look = look_of(r, collection);
  size_t now = collection->info.people;
  if (!look) return now >= 2;
  size_t apart = now > look->people ? now - look->people : look->people - now;
  return apart && apart * PART >= look->people;
}

static sb_status note_look(sb_engine_density_refresher *r, const sb_store_collection *collection, sb_error *error) {
  looked_at *look = look_of(r, collection);
  if (!look) {
    void *grown = r->looks;
    sb_status status = sb_grow(&grown, r->look_count + 1, sizeof *r->looks, error);
    if (status != SB_OK) return status;
    r->looks = grown;
    look = &r->looks[r->look_count++];
  }
  *look = (looked_at){collection->row, collection->info.people};
  return SB_OK;
}

/* Which faces are to be measured again; all of them where the model has another calibration than when they were. That
 * is looked up once by each process, so that two servers with two calibrations do not measure against each other. */
static sb_status find_outdated(sb_engine_density_refresher *r, const sb_store_collection *collection,
                               const sb_density_constants *constants, sb_density_query *out, sb_error *error) {
  size_t people = collection->info.people;
  bool same = false;
  *out = (sb_density_query){.collection = collection->row,
                            .least = (uint32_t)(people * GROWTH_DENOMINATOR / GROWTH_NUMERATOR),
                            .most = (uint32_t)(people * GROWTH_NUMERATOR / GROWTH_DENOMINATOR),
                            .limit = BATCH};
  if (out->least < 2) out->least = 2;
  if (look_of(r, collection)) return SB_OK;
  sb_status status = sb_store_density_constants_are(r->engine->store, collection->row, constants, &same, error);
  if (status == SB_OK && !same) out->least = UINT32_MAX, out->most = 0;
  return status;
}

static sb_status measure_outdated(sb_engine_density_refresher *r, const sb_store_collection *collection,
                                  const sb_embedder *embedder, sb_error *error) {
  const sb_density_constants constants = {embedder->calibration.tail_mean, embedder->calibration.cohort_deviation};
  int64_t faces[BATCH];
  size_t count = BATCH;
  sb_density_query query;
  sb_status status = find_outdated(r, collection, &constants, &query, error);
  if (status == SB_OK) status = sb_collection_indexes_sync(r->engine->indexes, error);
  if (status != SB_OK) return status;
  while (count == BATCH) {
    status = sb_store_densities_stale(r->engine->store, &query, faces, &count, error);
    if (status == SB_OK && count) status = measure_batch(r, collection, embedder, faces, count, error);
    if (status != SB_OK) return status;
    if (count) query.after = faces[count - 1];
    if (!wait_ms(r, r->pause_ms)) return SB_OK;
  }
  if (!query.most) status = sb_store_density_constants_set(r->engine->store, collection->row, &constants, error);
  return status == SB_OK ? note_look(r, collection, error) : status;
}

static sb_status refresh_collection(sb_engine_density_refresher *r, const sb_store_collection *collection,
                                    sb_error *error) {
  sb_embedder embedder;
  if (collection->info.people > UINT32_MAX / GROWTH_NUMERATOR || !is_due(r, collection)) return SB_OK;
  if (sb_engine_collection_embedder(r->engine, collection, &embedder, NULL) != SB_OK) return SB_OK;
  if (!sb_cohort_available(&embedder.calibration)) return SB_OK;
  return measure_outdated(r, collection, &embedder, error);
}

/* Only once the gallery is in memory: densities are no reason to read it. */
static sb_status refresh(sb_engine_density_refresher *r, sb_error *error) {
  sb_store_collection *collections = NULL;
  size_t count = 0;
  if (!sb_collection_indexes_ready(r->engine->indexes)) return SB_OK;
  sb_status status = sb_store_collections(r->engine->store, &collections, &count, error);
  for (size_t i = 0; status == SB_OK && i < count; i++) status = refresh_collection(r, &collections[i], error);
  free(collections);
  return status;
}

static void *run(void *context) {
  sb_engine_density_refresher *r = context;
  bool well = true;
  while (wait_ms(r, PERIOD_MS)) {
    sb_error error = {0};
    sb_status status = refresh(r, &error);
    if (well && status != SB_OK && status != SB_BUSY && status != SB_STOPPING)
      sb_log(SB_LOG_WARNING, "the densities of faces cannot be measured at present: %s", error.message);
    well = status == SB_OK || status == SB_BUSY;
  }
  return NULL;
}

static void refresher_init(sb_engine_density_refresher *r, sb_engine *engine, int pause_ms) {
  pthread_condattr_t monotonic;
  r->engine = engine;
  r->pause_ms = pause_ms;
  pthread_mutex_init(&r->lock, NULL);
  pthread_condattr_init(&monotonic);
  pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
  pthread_cond_init(&r->wake, &monotonic);
  pthread_condattr_destroy(&monotonic);
}

static void refresher_clear(sb_engine_density_refresher *r) {
  free(r->looks);
  pthread_cond_destroy(&r->wake);
  pthread_mutex_destroy(&r->lock);
}

sb_status sb_engine_density_refresher_start(sb_engine *engine, sb_engine_density_refresher **out, sb_error *error) {
  sb_engine_density_refresher *r = sb_alloc(1, sizeof *r, error);
  if (!r) return SB_NO_MEMORY;
  refresher_init(r, engine, PAUSE_MS);
  int failure = pthread_create(&r->thread, NULL, run, r);
  if (!failure) return *out = r, SB_OK;
  refresher_clear(r);
  free(r);
  return sb_fail_errno(error, failure, "start the thread that measures densities", NULL);
}

void sb_engine_density_refresher_stop(sb_engine_density_refresher *r) {
  if (!r) return;
  pthread_mutex_lock(&r->lock);
  r->stop = true;
  pthread_cond_signal(&r->wake);
  pthread_mutex_unlock(&r->lock);
  pthread_join(r->thread, NULL);
  refresher_clear(r);
  free(r);
}

sb_status sb_engine_measure_densities(sb_engine *engine, sb_error *error) {
  sb_engine_density_refresher now = {0};
  sb_status status = sb_engine_enter(engine, error);
  if (status != SB_OK) return status;
  refresher_init(&now, engine, 0);
  status = refresh(&now, error);
  refresher_clear(&now);
  sb_engine_leave(engine);
  return status;
}
