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
 * Invariants
 *   1. An entry's index holds exactly the faces that the store had at `sequence`, unless `applying` or `partial`.
 *   2. While `partial`, the entries were emptied to be filled again (a change SB_CHANGE_RESET, as after a new
 *      transform); no search uses them.
 *   3. While `filling`, every index is held (sb_index_pause_training): codes are trained once, on all faces. */
#include "engine/collection_indexes.h"

#include "engine/search_batcher.h"

#include <stdatomic.h>
#include <stdlib.h>

typedef struct entry {
  int64_t collection;
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
  const sb_index_options options = {.struct_size = sizeof options, .dim = change->dim, .thread_team = indexes->team};
  *out = (entry){.collection = change->collection};
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
  sb_index *index = find_index(indexes, change->collection);
  sb_status status = index ? SB_OK : add(indexes, change, &index, error);
  if (status == SB_OK)
    status = sb_index_put(index, (uint64_t)change->face, (uint64_t)change->person, change->embedding, error);
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

static sb_status search_once(sb_collection_indexes *indexes, const sb_engine_query *query, sb_hit *hits, size_t *found,
                             sb_error *error) {
  float protected[SB_DIM_MAX];
  sb_status status = lock_complete(indexes, error);
  if (status != SB_OK) return status;
  const entry *e = find(indexes, query->collection);
  const sb_index_query request = {
      .struct_size = sizeof request, .vectors = protected, .count = 1, .k = query->k, .by_label = query->by_person};
  *found = 0;
  if (e) {
    sb_transform_apply(e->transform, query->vector, protected);
    status = sb_search_batcher_search(e->batcher, &request, hits, found, error);
  }
  pthread_rwlock_unlock(&indexes->lock);
  return status;
}

sb_status sb_collection_indexes_search(sb_collection_indexes *indexes, const sb_engine_query *query, sb_hit *hits,
                                       size_t *found, sb_error *error) {
  enum { TRIES = 8 };
  if (indexes->database)
    return sb_database_search_run(
        indexes->database,
        &(sb_database_search_query){
            .collection = query->collection, .vector = query->vector, .k = query->k, .by_person = query->by_person},
        hits, found, error);
  for (int i = 0; i < TRIES; i++) {
    if (atomic_load(&indexes->epoch) % 2) { /* wait until the changes are applied */
      pthread_mutex_lock(&indexes->syncing);
      pthread_mutex_unlock(&indexes->syncing);
    }
    size_t epoch = atomic_load(&indexes->epoch);
    sb_status status = search_once(indexes, query, hits, found, error);
    if (status != SB_OK) return status;
    if (epoch % 2 == 0 && epoch == atomic_load(&indexes->epoch)) break;
  }
  return SB_OK;
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
    status = sb_index_search(e->index, query, hits, found, error);
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
