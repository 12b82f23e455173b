#include "engine/engine.h"
#include "engine/search_batcher.h"

#include <stdatomic.h>
#include <stdlib.h>

typedef struct shelf {
  int64_t collection;
  sb_index *index;
  sb_gather *gather;       /* searches go through it */
  sb_transform *transform; /* that its vectors went through, and so must a query */
} shelf;

/* `syncing` is held while changes are applied; `lock` guards the list of shelves, which changes only where a collection appears
 * or goes: so a search waits for no sync. The first faces of all come from several threads at once. */
struct sb_gallery {
  sb_store *store;
  sb_database_search *nearest; /* the database searches, and there are no shelves; NULL: they do */
  sb_thread_team *team;        /* helps one search at a time */
  pthread_mutex_t syncing;
  _Atomic int64_t sequence; /* of the last change that was applied */
  atomic_size_t followed;
  _Atomic double synced_ms; /* when the last sync that succeeded began (sb_monotonic_ms); 0: none did */
  atomic_bool applying;     /* changes are, now */
  atomic_size_t epoch;      /* moves when that begins and when it ends: odd in between */
  atomic_bool loading;
  atomic_bool filling;  /* all faces are being read: the shelves are held until they have them */
  atomic_size_t loaded; /* faces, so far */
  size_t people, faces; /* in the store, as loading began */
  pthread_rwlock_t lock;
  bool
      partial; /* the shelves were emptied to be filled anew, as after sb_store_revoke: nobody searches them until they are */
  size_t count;
  shelf *shelves;
};

sb_status sb_gallery_new(sb_store *store, bool remote, int ef, sb_gallery **out, sb_error *error) {
  sb_gallery *gallery = sb_alloc(1, sizeof *gallery, error);
  if (!gallery) return SB_NO_MEMORY;
  gallery->store = store;
  pthread_mutex_init(&gallery->syncing, NULL);
  pthread_rwlock_init(&gallery->lock, NULL);
  sb_status status = sb_thread_team_new(0, &gallery->team, error);
  if (status == SB_OK && remote) status = sb_database_search_new(store, ef, &gallery->nearest, error);
  if (status == SB_OK)
    *out = gallery;
  else
    sb_gallery_free(gallery);
  return status;
}

static void shelf_free(shelf *s) {
  sb_gather_free(s->gather);
  sb_index_free(s->index);
  sb_transform_free(s->transform);
}

/* Empties one shelf, or all with collection 0. */
static void clear(sb_gallery *gallery, int64_t collection) {
  size_t kept = 0;
  pthread_rwlock_wrlock(&gallery->lock);
  for (size_t i = 0; i < gallery->count; i++) {
    if (collection && gallery->shelves[i].collection != collection) {
      gallery->shelves[kept++] = gallery->shelves[i];
      continue;
    }
    shelf_free(&gallery->shelves[i]);
  }
  gallery->count = kept;
  pthread_rwlock_unlock(&gallery->lock);
}

void sb_gallery_free(sb_gallery *gallery) {
  if (!gallery) return;
  clear(gallery, 0);
  free(gallery->shelves);
  sb_database_search_free(gallery->nearest);
  sb_thread_team_free(gallery->team);
  pthread_rwlock_destroy(&gallery->lock);
  pthread_mutex_destroy(&gallery->syncing);
  free(gallery);
}

static const shelf *find(const sb_gallery *gallery, int64_t collection) {
  for (size_t i = 0; i < gallery->count; i++)
    if (gallery->shelves[i].collection == collection) return &gallery->shelves[i];
  return NULL;
}

/* The index of a collection; NULL: it has none yet. */
static sb_index *find_index(sb_gallery *gallery, int64_t collection) {
  pthread_rwlock_rdlock(&gallery->lock);
  const shelf *place = find(gallery, collection);
  sb_index *index = place ? place->index : NULL;
  pthread_rwlock_unlock(&gallery->lock);
  return index;
}

static sb_status shelf_new(const sb_gallery *gallery, const sb_store_change *change, shelf *out, sb_error *error) {
  const sb_index_options options = {.struct_size = sizeof options, .dim = change->dim, .team = gallery->team};
  *out = (shelf){.collection = change->collection};
  sb_status status = sb_index_new(&options, &out->index, error);
  if (status == SB_OK && !(out->gather = sb_gather_new(out->index, error))) status = SB_NO_MEMORY;
  if (status == SB_OK) status = sb_transform_new(change->seed, change->dim, &out->transform, error);
  if (status != SB_OK) shelf_free(out);
  return status;
}

/* The shelf for a change of a collection that has none yet. */
static sb_status add(sb_gallery *gallery, const sb_store_change *change, sb_index **out, sb_error *error) {
  shelf made;
  sb_status status = shelf_new(gallery, change, &made, error);
  if (status != SB_OK) return status;
  pthread_rwlock_wrlock(&gallery->lock);
  const shelf *place = find(gallery, change->collection);
  void *shelves = gallery->shelves;
  if (!place) status = sb_grow(&shelves, gallery->count + 1, sizeof *gallery->shelves, error);
  if (!place && status == SB_OK) {
    gallery->shelves = shelves;
    gallery->shelves[gallery->count++] = made;
    sb_index_hold(made.index, atomic_load(&gallery->filling));
    *out = made.index;
  } else {
    if (place) *out = place->index; /* another thread was faster */
    shelf_free(&made);
  }
  pthread_rwlock_unlock(&gallery->lock);
  return status;
}

static void set_partial(sb_gallery *gallery, bool partial) {
  pthread_rwlock_wrlock(&gallery->lock);
  gallery->partial = partial;
  pthread_rwlock_unlock(&gallery->lock);
}

static sb_status apply(void *context, const sb_store_change *change, sb_error *error) {
  sb_gallery *gallery = context;
  if (!atomic_load(&gallery->applying) && !atomic_exchange(&gallery->applying, true))
    atomic_fetch_add(&gallery->epoch, 1);
  sb_index *index = find_index(gallery, change->collection);
  sb_status status = SB_OK;
  switch (change->kind) {
  case SB_CHANGE_RESET:
    set_partial(gallery, true);
    clear(gallery, 0);
    atomic_store(&gallery->filling, true);
    break;
  case SB_CHANGE_DROP: clear(gallery, change->collection); break;
  case SB_CHANGE_REMOVE:
    if (index) sb_index_remove(index, (uint64_t)change->face);
    break;
  case SB_CHANGE_PUT:
    if (!index) status = add(gallery, change, &index, error);
    if (status == SB_OK)
      status = sb_index_put(index, (uint64_t)change->face, (uint64_t)change->person, change->embedding, error);
    atomic_fetch_add(&gallery->loaded, 1);
    break;
  }
  return status;
}

/* The first time all faces are read: how many, is asked before, as the store is busy then. */
static sb_status begin_loading(sb_gallery *gallery, sb_error *error) {
  sb_status status = sb_store_totals(gallery->store, &gallery->people, &gallery->faces, error);
  atomic_store(&gallery->loaded, 0);
  atomic_store(&gallery->loading, status == SB_OK);
  atomic_store(&gallery->filling, status == SB_OK);
  return status;
}

/* The shelves have what there is: now it is worth it to learn from them. */
static void end_filling(sb_gallery *gallery) {
  if (!atomic_exchange(&gallery->filling, false)) return;
  pthread_rwlock_rdlock(&gallery->lock);
  for (size_t i = 0; i < gallery->count; i++) sb_index_hold(gallery->shelves[i].index, false);
  pthread_rwlock_unlock(&gallery->lock);
}

sb_status sb_gallery_sync(sb_gallery *gallery, sb_error *error) {
  if (gallery->nearest) return SB_OK;
  sb_timed_stage before = sb_stage_timer_enter(SB_TIMED_SEARCH);
  pthread_mutex_lock(&gallery->syncing);
  int64_t since = atomic_load(&gallery->sequence), next = since;
  double start = sb_monotonic_ms();
  bool first = since == 0;
  sb_status status = first ? begin_loading(gallery, error) : SB_OK;
  if (status == SB_OK) status = sb_store_changes(gallery->store, since, &next, apply, gallery, error);
  if (atomic_exchange(&gallery->applying, false)) atomic_fetch_add(&gallery->epoch, 1);
  end_filling(gallery);
  if (status == SB_OK) {
    atomic_store(&gallery->sequence, next);
    if (!first) atomic_fetch_add(&gallery->followed, (size_t)(next - since));
    atomic_store(&gallery->synced_ms, start);
    if (gallery->partial) set_partial(gallery, false); /* only who holds `syncing` changes it */
  }
  atomic_store(&gallery->loading, false);
  if (first && status == SB_OK && gallery->faces)
    sb_log(SB_LOG_INFO, "%zu template%s searchable after %.0f ms", gallery->faces,
           gallery->faces == 1 ? " is" : "s are", sb_monotonic_ms() - start);
  pthread_mutex_unlock(&gallery->syncing);
  sb_stage_timer_enter(before);
  return status;
}

bool sb_gallery_loading(sb_gallery *gallery, size_t *loaded, size_t *people, size_t *faces) {
  if (!atomic_load(&gallery->loading)) return false;
  *loaded = atomic_load(&gallery->loaded);
  *people = gallery->people;
  *faces = gallery->faces;
  return true;
}

/* Takes the lock for reading when all shelves are whole. It is not held after a failure. */
static sb_status lock_whole(sb_gallery *gallery, sb_error *error) {
  pthread_rwlock_rdlock(&gallery->lock);
  while (gallery->partial) {
    pthread_rwlock_unlock(&gallery->lock);
    sb_status status = sb_gallery_sync(gallery, error); /* waits for who fills them, or fills them */
    if (status != SB_OK) return status;
    pthread_rwlock_rdlock(&gallery->lock);
  }
  return SB_OK;
}

static sb_status search_once(sb_gallery *gallery, int64_t collection, const float *query, size_t k, bool by_person,
                             sb_hit *hits, size_t *found, sb_error *error) {
  float protected[SB_DIM_MAX];
  sb_status status = lock_whole(gallery, error);
  if (status != SB_OK) return status;
  const shelf *place = find(gallery, collection);
  const sb_index_query request = {
      .struct_size = sizeof request, .vectors = protected, .count = 1, .k = k, .by_label = by_person};
  if (place) {
    sb_transform_apply(place->transform, query, protected);
    status = sb_gather_search(place->gather, &request, hits, found, error);
  } else {
    *found = 0;
  }
  pthread_rwlock_unlock(&gallery->lock);
  return status;
}

/* A search beside changes may see the later of two and miss the earlier, or half of what one transaction did: it is done again,
 * so that what it tells is a state that was. */
sb_status sb_gallery_search(sb_gallery *gallery, int64_t collection, const float *query, size_t k, bool by_person,
                            sb_hit *hits, size_t *found, sb_error *error) {
  enum { TRIES = 8 };
  if (gallery->nearest)
    return sb_database_search_run(gallery->nearest, collection, query, k, by_person, hits, found, error);
  sb_status status = SB_OK;
  for (int i = 0; status == SB_OK && i < TRIES; i++) {
    if (atomic_load(&gallery->epoch) % 2) { /* until they are applied */
      pthread_mutex_lock(&gallery->syncing);
      pthread_mutex_unlock(&gallery->syncing);
    }
    size_t epoch = atomic_load(&gallery->epoch);
    status = search_once(gallery, collection, query, k, by_person, hits, found, error);
    if (epoch % 2 == 0 && epoch == atomic_load(&gallery->epoch)) break;
  }
  return status;
}

sb_status sb_gallery_search_kept(sb_gallery *gallery, int64_t collection, const sb_index_query *query, sb_hit *hits,
                                 size_t *found, sb_error *error) {
  if (gallery->nearest)
    return sb_fail(error, SB_INVALID, "to compare everybody with everybody needs the index in memory: --search local");
  sb_status status = lock_whole(gallery, error);
  if (status != SB_OK) return status;
  const shelf *place = find(gallery, collection);
  if (place)
    status = sb_index_search(place->index, query, hits, found, error);
  else
    for (size_t i = 0; i < query->count; i++) found[i] = 0;
  pthread_rwlock_unlock(&gallery->lock);
  return status;
}

double sb_gallery_age_ms(sb_gallery *gallery) {
  double synced = atomic_load(&gallery->synced_ms);
  return synced > 0 ? sb_monotonic_ms() - synced : -1;
}

int64_t sb_gallery_lag(sb_gallery *gallery) {
  int64_t since = atomic_load(&gallery->sequence), last = 0;
  if (gallery->nearest || atomic_load(&gallery->filling) || atomic_load(&gallery->synced_ms) <= 0) return -1;
  if (sb_store_changes_last(gallery->store, &last, NULL) != SB_OK) return -1;
  return last > since ? last - since : 0;
}

size_t sb_gallery_followed(sb_gallery *gallery) {
  return atomic_load(&gallery->followed);
}

size_t sb_gallery_bytes(sb_gallery *gallery) {
  size_t bytes = 0;
  pthread_rwlock_rdlock(&gallery->lock);
  for (size_t i = 0; i < gallery->count; i++) {
    sb_index_stats stats = {0};
    sb_index_stats_get(gallery->shelves[i].index, &stats);
    bytes += stats.bytes;
  }
  pthread_rwlock_unlock(&gallery->lock);
  return bytes;
}
