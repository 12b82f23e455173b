/* The vector indexes of a gallery, one a collection, kept in step with the store by applying its changes.
 *
 * The store numbers every change. A sync asks it for the changes after `sequence` and applies them; the first one, and
 * one after a reset, reads all faces, from several threads at once. A search waits for no sync: two locks keep them
 * apart.
 *
 *   `syncing`   a mutex, held while changes are applied.
 *   `lock`      a read-write lock on the list of entries, held for writing only while a collection's index appears or
 *               goes.
 *
 * Consistency. A search beside a sync may see the later of two changes and miss the earlier, or half of a transaction.
 * So `epoch` counts up when applying begins and again when it ends (odd in between, a sequence lock): a search whose
 * epoch was odd or has moved is done again, and so reports a state that existed.
 *
 * A row of an index is a template with its density (indexed_row.h), so that one inner product ranks by similarity or by
 * normalised score.
 *
 * Invariants
 *   1. An entry's index holds exactly the faces that the store had at `sequence`, unless `applying` or `partial`.
 *   2. While `partial`, the entries were emptied to be filled again (a change SB_CHANGE_RESET, as after a new
 *      transform); no search uses them.
 *   3. While `filling`, every index is held (sb_index_pause_training): codes are trained once, on all faces. */
#include "engine/collection_indexes.h"

#include "engine/indexed_row.h"
#include "engine/search_batcher.h"
#include "stats/cohort.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

typedef struct entry {
  int64_t collection;
  size_t dim; /* of its templates */
  sb_index *index;
  sb_search_batcher *batcher; /* searches go through it */
  sb_transform *transform;    /* of the collection: its templates went through it, and queries must */
} entry;

struct sb_collection_indexes {
  sb_store *store;
  sb_database_search *database; /* the database searches, and there are no entries; NULL: the entries are searched */
  sb_thread_team *team;         /* helps one search at a time */
  pthread_mutex_t syncing;
  _Atomic int64_t sequence; /* of the last change that was applied */
  atomic_size_t followed;
  _Atomic double synced_ms; /* when the last successful sync began (sb_monotonic_ms); 0: none */
  atomic_bool applying;     /* changes are being applied */
  atomic_size_t epoch;
  atomic_bool loading;
  atomic_bool filling;  /* all faces are being read */
  atomic_size_t loaded; /* faces, so far */
  size_t people, faces; /* in the store when loading began */
  pthread_rwlock_t lock;
  bool partial;
  size_t count;
  entry *entries;
};

sb_status sb_collection_indexes_new(sb_store *store, bool remote, int ef, sb_collection_indexes **out,
                                    sb_error *error) {
  sb_collection_indexes *indexes = sb_alloc(1, sizeof *indexes, error);
  if (!indexes) return SB_NO_MEMORY;
  indexes->store = store;
  pthread_mutex_init(&indexes->syncing, NULL);
  pthread_rwlock_init(&indexes->lock, NULL);
  sb_status status = sb_thread_team_new(0, &indexes->team, error);
  if (status == SB_OK && remote) status = sb_database_search_new(store, ef, &indexes->database, error);
  if (status == SB_OK)
    *out = indexes;
  else
    sb_collection_indexes_free(indexes);
  return status;
}

static void entry_free(entry *e) {
  sb_search_batcher_free(e->batcher);
  sb_index_free(e->index);
  sb_transform_free(e->transform);
}

/* Removes the entry of a collection, or all with 0. */
static void clear(sb_collection_indexes *indexes, int64_t collection) {
  size_t left = 0;
  pthread_rwlock_wrlock(&indexes->lock);
  for (size_t i = 0; i < indexes->count; i++) {
    if (collection && indexes->entries[i].collection != collection)
      indexes->entries[left++] = indexes->entries[i];
    else
      entry_free(&indexes->entries[i]);
  }
  indexes->count = left;
  pthread_rwlock_unlock(&indexes->lock);
}

void sb_collection_indexes_free(sb_collection_indexes *indexes) {
  if (!indexes) return;
  clear(indexes, 0);
  free(indexes->entries);
  sb_database_search_free(indexes->database);
  sb_thread_team_free(indexes->team);
  pthread_rwlock_destroy(&indexes->lock);
  pthread_mutex_destroy(&indexes->syncing);
  free(indexes);
}

/* ---- Entries */

/* Under the lock. */
static const entry *find(const sb_collection_indexes *indexes, int64_t collection) {
  for (size_t i = 0; i < indexes->count; i++)
    if (indexes->entries[i].collection == collection) return &indexes->entries[i];
  return NULL;
}

/* The index of a collection; NULL: it has none yet. */
static sb_index *find_index(sb_collection_indexes *indexes, int64_t collection) {
  pthread_rwlock_rdlock(&indexes->lock);
  const entry *found = find(indexes, collection);
  sb_index *index = found ? found->index : NULL;
  pthread_rwlock_unlock(&indexes->lock);
  return index;
}

static sb_status entry_new(const sb_collection_indexes *indexes, const sb_store_change *change, entry *out,
                           sb_error *error) {
  float tail[SB_QUERY_TAIL_MAX];
  const sb_index_options options = {.struct_size = sizeof options,
                                    .dim = sb_indexed_row_dim(change->dim),
                                    .metric = SB_METRIC_INNER,
                                    .query_tail = tail,
                                    .query_tail_count = sb_indexed_row_query_tail(change->dim, tail),
                                    .thread_team = indexes->team};
  *out = (entry){.collection = change->collection, .dim = change->dim};
  sb_status status = sb_index_new(&options, &out->index, error);
  if (status == SB_OK && !(out->batcher = sb_search_batcher_new(out->index, error))) status = SB_NO_MEMORY;
  if (status == SB_OK) status = sb_transform_new(change->seed, change->dim, &out->transform, error);
  if (status != SB_OK) entry_free(out);
  return status;
}

/* Adds the entry for a change of a collection that has none yet; another thread may have been faster. */
static sb_status add(sb_collection_indexes *indexes, const sb_store_change *change, sb_index **out, sb_error *error) {
  entry made;
  sb_status status = entry_new(indexes, change, &made, error);
  if (status != SB_OK) return status;
  pthread_rwlock_wrlock(&indexes->lock);
  const entry *present = find(indexes, change->collection);
  void *entries = indexes->entries;
  if (!present) status = sb_grow(&entries, indexes->count + 1, sizeof *indexes->entries, error);
  if (!present && status == SB_OK) {
    indexes->entries = entries;
    indexes->entries[indexes->count++] = made;
    sb_index_pause_training(made.index, atomic_load(&indexes->filling));
    *out = made.index;
  } else {
    if (present) *out = present->index;
    entry_free(&made);
  }
  pthread_rwlock_unlock(&indexes->lock);
  return status;
}

static void set_partial(sb_collection_indexes *indexes, bool partial) {
  pthread_rwlock_wrlock(&indexes->lock);
  indexes->partial = partial;
  pthread_rwlock_unlock(&indexes->lock);
}

/* ---- Sync */

static sb_status apply_put(sb_collection_indexes *indexes, const sb_store_change *change, sb_error *error) {
  float row[SB_DIM_MAX];
  sb_index *index = find_index(indexes, change->collection);
  sb_status status = index ? SB_OK : add(indexes, change, &index, error);
  if (status != SB_OK) return status;
  sb_indexed_row_make(change->embedding, change->dim, &change->density, row);
  status = sb_index_put(index, (uint64_t)change->face, (uint64_t)change->person, row, error);
  atomic_fetch_add(&indexes->loaded, 1);
  return status;
}

/* Called by the store for each change; for puts of a filling from several threads. */
static sb_status apply(void *context, const sb_store_change *change, sb_error *error) {
  sb_collection_indexes *indexes = context;
  if (!atomic_load(&indexes->applying) && !atomic_exchange(&indexes->applying, true))
    atomic_fetch_add(&indexes->epoch, 1);
  sb_index *index = NULL;
  switch (change->kind) {
  case SB_CHANGE_RESET:
    set_partial(indexes, true);
    clear(indexes, 0);
    atomic_store(&indexes->filling, true);
    break;
  case SB_CHANGE_DROP: clear(indexes, change->collection); break;
  case SB_CHANGE_REMOVE:
    index = find_index(indexes, change->collection);
    if (index) sb_index_remove(index, (uint64_t)change->face);
    break;
  case SB_CHANGE_PUT: return apply_put(indexes, change, error);
  }
  return SB_OK;
}

/* Before all faces are read for the first time: asks how many there are, as the store is busy afterwards. */
static sb_status begin_loading(sb_collection_indexes *indexes, sb_error *error) {
  sb_status status = sb_store_totals(indexes->store, &indexes->people, &indexes->faces, error);
  atomic_store(&indexes->loaded, 0);
  atomic_store(&indexes->loading, status == SB_OK);
  atomic_store(&indexes->filling, status == SB_OK);
  return status;
}

/* The indexes are complete: now training on them is worth it. */
static void end_filling(sb_collection_indexes *indexes) {
  if (!atomic_exchange(&indexes->filling, false)) return;
  pthread_rwlock_rdlock(&indexes->lock);
  for (size_t i = 0; i < indexes->count; i++) sb_index_pause_training(indexes->entries[i].index, false);
  pthread_rwlock_unlock(&indexes->lock);
}

static void log_loaded(size_t faces, double ms) {
  if (faces) sb_log(SB_LOG_INFO, "%zu template%s searchable after %.0f ms", faces, faces == 1 ? " is" : "s are", ms);
}

/* Under `syncing`. */
static sb_status sync_now(sb_collection_indexes *indexes, sb_error *error) {
  int64_t since = atomic_load(&indexes->sequence), next = since;
  double start = sb_monotonic_ms();
  bool first = since == 0;
  sb_status status = first ? begin_loading(indexes, error) : SB_OK;
  if (status == SB_OK) status = sb_store_changes(indexes->store, since, &next, apply, indexes, error);
  if (atomic_exchange(&indexes->applying, false)) atomic_fetch_add(&indexes->epoch, 1);
  end_filling(indexes);
  if (status == SB_OK) {
    atomic_store(&indexes->sequence, next);
    if (!first) atomic_fetch_add(&indexes->followed, (size_t)(next - since));
    atomic_store(&indexes->synced_ms, start);
    if (indexes->partial) set_partial(indexes, false); /* only the holder of `syncing` changes it */
  }
  atomic_store(&indexes->loading, false);
  if (first && status == SB_OK) log_loaded(indexes->faces, sb_monotonic_ms() - start);
  return status;
}

sb_status sb_collection_indexes_sync(sb_collection_indexes *indexes, sb_error *error) {
  if (indexes->database) return SB_OK;
  sb_timed_stage before = sb_stage_timer_enter(SB_TIMED_SEARCH);
  pthread_mutex_lock(&indexes->syncing);
  sb_status status = sync_now(indexes, error);
  pthread_mutex_unlock(&indexes->syncing);
  sb_stage_timer_enter(before);
  return status;
}

/* ---- Search */

void sb_collection_indexes_sync_deleted(sb_collection_indexes *indexes) {
  sb_error error = {0};
  if (sb_collection_indexes_sync(indexes, &error) != SB_OK)
    sb_log(SB_LOG_WARNING, "what was deleted is still in the index in memory until the next search: %s", error.message);
}

/* Takes the lock for reading once the indexes are complete. It is not held after a failure. */
static sb_status lock_complete(sb_collection_indexes *indexes, sb_error *error) {
  pthread_rwlock_rdlock(&indexes->lock);
  while (indexes->partial) {
    pthread_rwlock_unlock(&indexes->lock);
    sb_status status = sb_collection_indexes_sync(indexes, error); /* waits for the filling, or does it */
    if (status != SB_OK) return status;
    pthread_rwlock_rdlock(&indexes->lock);
  }
  return SB_OK;
}

/* What is searched for and where the result goes: `hits`, or `neighbors` with densities. */
typedef struct index_search {
  int64_t collection;
  const float *vector; /* as the model made it; NULL: `face` */
  int64_t face;        /* a stored one: its person is left out */
  size_t k, certain;
  bool by_person, by_score;
  sb_hit *hits; /* room for k, and with `face` for one more */
  sb_neighbor *neighbors;
  size_t *found;
} index_search;

/* The query in the form of the entry's rows; `own`: the person to leave out, 0: none. */
static sb_status make_query(const index_search *s, const entry *e, float *query, uint64_t *own, sb_error *error) {
  *own = 0;
  if (s->vector) {
    sb_transform_apply(e->transform, s->vector, query);
  } else if (!sb_index_get(e->index, (uint64_t)s->face, own, query)) {
    return sb_fail(error, SB_NOT_FOUND, "the collection has no such face");
  }
  sb_indexed_row_query(e->dim, s->by_score, query);
  return SB_OK;
}

static void leave_out(uint64_t person, sb_hit *hits, size_t *found, size_t k) {
  size_t left = 0;
  for (size_t i = 0; i < *found; i++)
    if (hits[i].label != person) hits[left++] = hits[i];
  *found = left < k ? left : k;
}

/* Reads similarity and density of each hit from its row; rows that were removed meanwhile are left out. */
static void read_neighbors(const index_search *s, const entry *e, const float *query) {
  float row[SB_DIM_MAX];
  size_t count = 0;
  for (size_t i = 0; i < *s->found; i++) {
    sb_neighbor *n = &s->neighbors[count];
    if (!sb_index_get(e->index, s->hits[i].key, NULL, row)) continue;
    *n = (sb_neighbor){.face = (int64_t)s->hits[i].key, .person = (int64_t)s->hits[i].label};
    n->similarity = fminf(sb_dot(query, row, e->dim), 1);
    sb_indexed_row_density(row, e->dim, &n->density);
    count++;
  }
  *s->found = count;
}

static sb_status search_entry(const index_search *s, const entry *e, sb_error *error) {
  float query[SB_DIM_MAX];
  uint64_t own = 0;
  const sb_index_query request = {.struct_size = sizeof request,
                                  .vectors = query,
                                  .count = 1,
                                  .k = s->k + (s->vector ? 0 : 1),
                                  .certain = s->certain,
                                  .by_label = s->by_person};
  sb_status status = make_query(s, e, query, &own, error);
  if (status != SB_OK) return status;
  status = sb_search_batcher_search(e->batcher, &request, s->hits, s->found, error);
  if (status != SB_OK) return status;
  if (!s->vector) leave_out(own, s->hits, s->found, s->k);
  if (s->neighbors) read_neighbors(s, e, query);
  return SB_OK;
}

static sb_status search_once(sb_collection_indexes *indexes, const index_search *s, sb_error *error) {
  sb_status status = lock_complete(indexes, error);
  if (status != SB_OK) return status;
  const entry *e = find(indexes, s->collection);
  *s->found = 0;
  if (e) status = search_entry(s, e, error);
  pthread_rwlock_unlock(&indexes->lock);
  return status;
}

/* Searches again when changes were being applied (see Consistency above). */
static sb_status search_settled(sb_collection_indexes *indexes, const index_search *s, sb_error *error) {
  enum { TRIES = 8 };
  for (int i = 0; i < TRIES; i++) {
    if (atomic_load(&indexes->epoch) % 2) { /* wait until the changes are applied */
      pthread_mutex_lock(&indexes->syncing);
      pthread_mutex_unlock(&indexes->syncing);
    }
    size_t epoch = atomic_load(&indexes->epoch);
    sb_status status = search_once(indexes, s, error);
    if (status != SB_OK) return status;
    if (epoch % 2 == 0 && epoch == atomic_load(&indexes->epoch)) break;
  }
  return SB_OK;
}

sb_status sb_collection_indexes_search(sb_collection_indexes *indexes, const sb_engine_query *query, sb_hit *hits,
                                       size_t *found, sb_error *error) {
  if (indexes->database) {
    const sb_database_search_query search = {
        .collection = query->collection, .vector = query->vector, .k = query->k, .by_person = query->by_person};
    return sb_database_search_run(indexes->database, &search, hits, found, error);
  }
  const index_search search = {.collection = query->collection,
                               .vector = query->vector,
                               .k = query->k,
                               .certain = query->certain,
                               .by_person = query->by_person,
                               .hits = hits,
                               .found = found};
  return search_settled(indexes, &search, error);
}

/* ---- Neighbors */

/* Densities of hits, read from the database. */
static sb_status read_densities(const sb_collection_indexes *indexes, int64_t collection, const sb_hit *hits,
                                size_t count, sb_neighbor *out, sb_error *error) {
  int64_t faces[SB_DENSITY_UPDATES_MAX];
  sb_density densities[SB_DENSITY_UPDATES_MAX];
  for (size_t from = 0; from < count; from += SB_DENSITY_UPDATES_MAX) {
    size_t some = count - from < SB_DENSITY_UPDATES_MAX ? count - from : SB_DENSITY_UPDATES_MAX;
    for (size_t i = 0; i < some; i++) faces[i] = (int64_t)hits[from + i].key;
    sb_status status = sb_store_densities(indexes->store, collection, faces, some, densities, error);
    if (status != SB_OK) return status;
    for (size_t i = 0; i < some; i++) {
      const sb_hit *hit = &hits[from + i];
      out[from + i] = (sb_neighbor){(int64_t)hit->key, (int64_t)hit->label, fminf(hit->score, 1), densities[i]};
    }
  }
  return SB_OK;
}

static int best_first(const void *a, const void *b) {
  const sb_neighbor *x = a, *y = b;
  float one = x->similarity - sb_indexed_row_bias(&x->density),
        other = y->similarity - sb_indexed_row_bias(&y->density);
  if (one != other) return one < other ? 1 : -1;
  return (x->face > y->face) - (x->face < y->face);
}

/* The database orders by similarity: so more people are asked for than are wanted, and ordered here. */
static sb_status database_neighbors(sb_collection_indexes *indexes, const sb_engine_query *query, bool by_score,
                                    sb_neighbor *out, size_t *found, sb_error *error) {
  enum { MORE = 32 };
  size_t k = query->k + (by_score ? MORE : 0), count = 0;
  const sb_database_search_query search = {
      .collection = query->collection, .vector = query->vector, .k = k, .by_person = true};
  sb_hit *hits = sb_alloc(k, sizeof *hits, error);
  sb_neighbor *all = sb_alloc(k, sizeof *all, error);
  sb_status status = hits && all ? SB_OK : SB_NO_MEMORY;
  if (status == SB_OK) status = sb_database_search_run(indexes->database, &search, hits, &count, error);
  if (status == SB_OK) status = read_densities(indexes, query->collection, hits, count, all, error);
  if (status == SB_OK) {
    if (by_score) qsort(all, count, sizeof *all, best_first);
    *found = count < query->k ? count : query->k;
    memcpy(out, all, *found * sizeof *out);
  }
  free(hits);
  free(all);
  return status;
}

sb_status sb_collection_indexes_neighbors(sb_collection_indexes *indexes, const sb_engine_query *query, bool by_score,
                                          sb_neighbor *out, size_t *found, sb_error *error) {
  if (indexes->database) return database_neighbors(indexes, query, by_score, out, found, error);
  sb_hit *hits = sb_alloc(query->k, sizeof *hits, error);
  if (!hits) return SB_NO_MEMORY;
  const index_search search = {.collection = query->collection,
                               .vector = query->vector,
                               .k = query->k,
                               .certain = query->certain,
                               .by_person = true,
                               .by_score = by_score,
                               .hits = hits,
                               .neighbors = out,
                               .found = found};
  sb_status status = search_settled(indexes, &search, error);
  free(hits);
  return status;
}

sb_status sb_collection_indexes_neighbors_of(sb_collection_indexes *indexes, int64_t collection, int64_t face, size_t k,
                                             float *similarities, size_t *found, sb_error *error) {
  size_t count = 0;
  sb_hit *hits = sb_alloc(k + 1, sizeof *hits, error);
  if (!hits) return SB_NO_MEMORY;
  const index_search search = {.collection = collection,
                               .face = face,
                               .k = k,
                               .certain = SB_NEIGHBORS_CERTAIN,
                               .by_person = true,
                               .hits = hits,
                               .found = &count};
  const sb_database_search_query remote = {.collection = collection, .face = face, .k = k, .by_person = true};
  sb_status status = indexes->database ? sb_database_search_run(indexes->database, &remote, hits, &count, error)
                                       : search_settled(indexes, &search, error);
  if (status == SB_OK) {
    for (size_t i = 0; i < count; i++) similarities[i] = fminf(hits[i].score, 1);
    *found = count;
  }
  free(hits);
  return status;
}

/* ---- Means */

static void add_to(float *sum, const float *template, size_t dim) {
  for (size_t i = 0; i < dim; i++) sum[i] += template[i];
}

/* Of the entry's rows. Under the lock. */
static void sum_rows(const entry *e, const sb_store_face_row *faces, size_t count, float *sum) {
  float row[SB_DIM_MAX];
  for (size_t i = 0; i < count; i++)
    if (sb_index_get(e->index, (uint64_t)faces[i].face, NULL, row)) add_to(sum, row, e->dim);
}

/* The same from the database, without protection. */
static sb_status sum_stored(const sb_collection_indexes *indexes, const sb_store_face_row *faces, size_t count,
                            size_t dim, float *sum, sb_error *error) {
  float template[SB_DIM_MAX];
  for (size_t i = 0; i < count; i++) {
    sb_status status = sb_store_face_template(indexes->store, faces[i].face, dim, template, error);
    if (status == SB_OK) add_to(sum, template, dim);
    if (status != SB_OK && status != SB_NOT_FOUND) return status;
  }
  sb_wipe(template, sizeof template);
  return SB_OK;
}

sb_status sb_collection_indexes_mean_similarity(sb_collection_indexes *indexes, const sb_engine_query *query,
                                                const sb_store_face_row *faces, size_t count, size_t dim, double *out,
                                                sb_error *error) {
  float sum[SB_DIM_MAX] = {0}, probe[SB_DIM_MAX];
  *out = -1;
  memcpy(probe, query->vector, dim * sizeof *probe);
  sb_status status = indexes->database ? sum_stored(indexes, faces, count, dim, sum, error) : SB_OK;
  if (status != SB_OK) return status;
  if (!indexes->database) {
    status = lock_complete(indexes, error);
    if (status != SB_OK) return status;
    const entry *e = find(indexes, query->collection);
    if (e && e->dim == dim) {
      sb_transform_apply(e->transform, query->vector, probe);
      sum_rows(e, faces, count, sum);
    }
    pthread_rwlock_unlock(&indexes->lock);
  }
  if (sb_normalize(sum, dim) > 0) *out = fmin((double)sb_dot(probe, sum, dim), 1);
  sb_wipe(sum, sizeof sum);
  return SB_OK;
}

void sb_collection_indexes_density(sb_collection_indexes *indexes, int64_t collection, int64_t face, sb_density *out) {
  float row[SB_DIM_MAX];
  *out = (sb_density){0};
  pthread_rwlock_rdlock(&indexes->lock);
  const entry *e = find(indexes, collection);
  if (e && sb_index_get(e->index, (uint64_t)face, NULL, row)) sb_indexed_row_density(row, e->dim, out);
  pthread_rwlock_unlock(&indexes->lock);
}

/* Queries of `count` templates in the form of the entry's rows. */
static sb_status search_rows(const entry *e, const sb_index_query *query, sb_hit *hits, size_t *found,
                             sb_error *error) {
  size_t dim = sb_index_dim(e->index);
  float *rows = sb_alloc(query->count * dim, sizeof *rows, error);
  if (!rows) return SB_NO_MEMORY;
  for (size_t i = 0; i < query->count; i++) {
    memcpy(rows + i * dim, query->vectors + i * e->dim, e->dim * sizeof *rows);
    sb_indexed_row_query(e->dim, false, rows + i * dim);
  }
  sb_index_query extended = *query;
  extended.vectors = rows;
  sb_status status = sb_index_search(e->index, &extended, hits, found, error);
  sb_wipe(rows, query->count * dim * sizeof *rows);
  free(rows);
  return status;
}

sb_status sb_collection_indexes_search_stored(sb_collection_indexes *indexes, int64_t collection,
                                              const sb_index_query *query, sb_hit *hits, size_t *found,
                                              sb_error *error) {
  if (indexes->database)
    return sb_fail(error, SB_INVALID,
                   "comparing everybody with everybody needs the index in memory: use --search local");
  sb_status status = lock_complete(indexes, error);
  if (status != SB_OK) return status;
  const entry *e = find(indexes, collection);
  if (e)
    status = search_rows(e, query, hits, found, error);
  else
    for (size_t i = 0; i < query->count; i++) found[i] = 0;
  pthread_rwlock_unlock(&indexes->lock);
  return status;
}

/* ---- State */

bool sb_collection_indexes_loading(sb_collection_indexes *indexes, size_t *loaded, size_t *people, size_t *faces) {
  if (!atomic_load(&indexes->loading)) return false;
  *loaded = atomic_load(&indexes->loaded);
  *people = indexes->people;
  *faces = indexes->faces;
  return true;
}

bool sb_collection_indexes_ready(sb_collection_indexes *indexes) {
  return indexes->database || sb_collection_indexes_age_ms(indexes) >= 0;
}

double sb_collection_indexes_age_ms(sb_collection_indexes *indexes) {
  double synced = atomic_load(&indexes->synced_ms);
  return synced > 0 ? sb_monotonic_ms() - synced : -1;
}

int64_t sb_collection_indexes_lag(sb_collection_indexes *indexes) {
  int64_t since = atomic_load(&indexes->sequence), last = 0;
  if (indexes->database || atomic_load(&indexes->filling) || atomic_load(&indexes->synced_ms) <= 0) return -1;
  if (sb_store_changes_last(indexes->store, &last, NULL) != SB_OK) return -1;
  return last > since ? last - since : 0;
}

size_t sb_collection_indexes_followed(sb_collection_indexes *indexes) {
  return atomic_load(&indexes->followed);
}

size_t sb_collection_indexes_bytes(sb_collection_indexes *indexes) {
  size_t bytes = 0;
  pthread_rwlock_rdlock(&indexes->lock);
  for (size_t i = 0; i < indexes->count; i++) {
    sb_index_stats stats = {0};
    sb_index_stats_get(indexes->entries[i].index, &stats);
    bytes += stats.bytes;
  }
  pthread_rwlock_unlock(&indexes->lock);
  return bytes;
}
