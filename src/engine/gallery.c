#include "engine/engine.h"

#include <stdlib.h>

typedef struct shelf {
  int64_t collection;
  sb_index *index;
  sb_transform *transform; /* that its vectors went through, and so must a query */
} shelf;

/* `syncing` is held while changes are applied; `lock` guards the list of shelves, which only that thread changes: so a search
 * waits for no sync but where a collection appears or goes. */
struct sb_gallery {
  sb_store *store;
  sb_team *team; /* helps one search at a time */
  pthread_mutex_t syncing;
  int64_t sequence;
  pthread_rwlock_t lock;
  size_t count;
  shelf *shelves;
};

sb_status sb_gallery_new(sb_store *store, sb_gallery **out, sb_error *error) {
  sb_gallery *gallery = sb_alloc(1, sizeof *gallery, error);
  if (!gallery) return SB_NO_MEMORY;
  gallery->store = store;
  pthread_mutex_init(&gallery->syncing, NULL);
  pthread_rwlock_init(&gallery->lock, NULL);
  sb_status status = sb_team_new(0, &gallery->team, error);
  if (status == SB_OK)
    *out = gallery;
  else
    sb_gallery_free(gallery);
  return status;
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
    sb_index_free(gallery->shelves[i].index);
    sb_transform_free(gallery->shelves[i].transform);
  }
  gallery->count = kept;
  pthread_rwlock_unlock(&gallery->lock);
}

void sb_gallery_free(sb_gallery *gallery) {
  if (!gallery) return;
  clear(gallery, 0);
  free(gallery->shelves);
  sb_team_free(gallery->team);
  pthread_rwlock_destroy(&gallery->lock);
  pthread_mutex_destroy(&gallery->syncing);
  free(gallery);
}

static const shelf *find(const sb_gallery *gallery, int64_t collection) {
  for (size_t i = 0; i < gallery->count; i++)
    if (gallery->shelves[i].collection == collection) return &gallery->shelves[i];
  return NULL;
}

/* The shelf for a change of a collection that has none yet. */
static sb_status add(sb_gallery *gallery, const sb_change *change, sb_index **out, sb_error *error) {
  sb_index *index = NULL;
  sb_transform *transform = NULL;
  const sb_index_options options = {.struct_size = sizeof options, .dim = change->dim, .team = gallery->team};
  sb_status status = sb_index_new(&options, &index, error);
  if (status == SB_OK) status = sb_transform_new(change->seed, change->dim, &transform, error);
  if (status != SB_OK) {
    sb_index_free(index);
    return status;
  }
  pthread_rwlock_wrlock(&gallery->lock);
  void *shelves = gallery->shelves;
  status = sb_grow(&shelves, gallery->count + 1, sizeof *gallery->shelves, error);
  if (status == SB_OK) {
    gallery->shelves = shelves;
    gallery->shelves[gallery->count++] = (shelf){change->collection, index, transform};
    *out = index;
  } else {
    sb_index_free(index);
    sb_transform_free(transform);
  }
  pthread_rwlock_unlock(&gallery->lock);
  return status;
}

static sb_status apply(void *context, const sb_change *change, sb_error *error) {
  sb_gallery *gallery = context;
  const shelf *place = find(gallery, change->collection);
  sb_index *index = place ? place->index : NULL;
  sb_status status = SB_OK;
  switch (change->kind) {
  case SB_CHANGE_RESET: clear(gallery, 0); break;
  case SB_CHANGE_DROP: clear(gallery, change->collection); break;
  case SB_CHANGE_REMOVE:
    if (index) sb_index_remove(index, (uint64_t)change->face);
    break;
  case SB_CHANGE_PUT:
    if (!index) status = add(gallery, change, &index, error);
    if (status == SB_OK)
      status = sb_index_put(index, (uint64_t)change->face, (uint64_t)change->person, change->embedding, error);
    break;
  }
  return status;
}

sb_status sb_gallery_sync(sb_gallery *gallery, sb_error *error) {
  pthread_mutex_lock(&gallery->syncing);
  int64_t next = gallery->sequence;
  sb_status status = sb_store_changes(gallery->store, gallery->sequence, &next, apply, gallery, error);
  if (status == SB_OK) gallery->sequence = next;
  pthread_mutex_unlock(&gallery->syncing);
  return status;
}

sb_status sb_gallery_search(sb_gallery *gallery, int64_t collection, const float *query, size_t k, bool by_person,
                            sb_hit *hits, size_t *found, sb_error *error) {
  float protected[SB_DIM_MAX];
  pthread_rwlock_rdlock(&gallery->lock);
  const shelf *place = find(gallery, collection);
  sb_status status = SB_OK;
  const sb_index_query request = {
      .struct_size = sizeof request, .vectors = protected, .count = 1, .k = k, .by_label = by_person};
  if (place) {
    sb_transform_apply(place->transform, query, protected);
    status = sb_index_search(place->index, &request, hits, found, error);
  } else {
    *found = 0;
  }
  pthread_rwlock_unlock(&gallery->lock);
  return status;
}

sb_status sb_gallery_search_kept(sb_gallery *gallery, int64_t collection, const sb_index_query *query, sb_hit *hits,
                                 size_t *found, sb_error *error) {
  pthread_rwlock_rdlock(&gallery->lock);
  const shelf *place = find(gallery, collection);
  sb_status status = SB_OK;
  if (place)
    status = sb_index_search(place->index, query, hits, found, error);
  else
    for (size_t i = 0; i < query->count; i++) found[i] = 0;
  pthread_rwlock_unlock(&gallery->lock);
  return status;
}
