/* Search by the database itself: exact, over all rows, for galleries that no server's memory holds. */
#include "store/internal.h"

#include <stdlib.h>
#include <string.h>

enum { CONNECTIONS_MAX = 8, WAITING_MAX = 256 };

/* A search keeps connections busy for long. */
typedef struct seat {
  sb_store *reader;
  sb_store *replica; /* NULL: not connected */
} seat;

struct sb_nearest {
  sb_store *store; /* has the transforms */
  sb_pool *pool;   /* of seats */
  seat seats[CONNECTIONS_MAX];
  size_t count;
};

sb_status sb_nearest_new(sb_store *store, sb_nearest **out, sb_error *error) {
  if (store->driver->seals_templates)
    return sb_fail(error, SB_INVALID, "--search sql is for a gallery in PostgreSQL (--store postgresql://...)");
  sb_nearest *nearest = sb_alloc(1, sizeof *nearest, error);
  if (!nearest) return SB_NO_MEMORY;
  nearest->store = store;
  size_t wanted = (size_t)sb_cpu_cores() < CONNECTIONS_MAX ? (size_t)sb_cpu_cores() : CONNECTIONS_MAX;
  sb_status status = sb_pool_new(wanted, WAITING_MAX, &nearest->pool, error);
  while (status == SB_OK && nearest->count < wanted) {
    status = sb_store_reader(store, &nearest->seats[nearest->count].reader, error);
    if (status == SB_OK) sb_pool_put(nearest->pool, &nearest->seats[nearest->count++]);
  }
  if (status == SB_OK)
    *out = nearest;
  else
    sb_nearest_free(nearest);
  return status;
}

void sb_nearest_free(sb_nearest *nearest) {
  if (!nearest) return;
  for (size_t i = 0; i < nearest->count; i++) {
    sb_store_close(nearest->seats[i].reader);
    sb_store_close(nearest->seats[i].replica);
  }
  sb_pool_free(nearest->pool);
  free(nearest);
}

/* What one statement looks for and where its rows go. */
typedef struct sweep {
  int64_t collection;
  const float *query; /* through the collection's transform */
  size_t dim, k;
  bool by_person;
  float *template; /* room for one */
  sb_hit *hits;
  size_t found;
} sweep;

static bool has_person(const sweep *w, uint64_t person) {
  for (size_t i = 0; i < w->found; i++)
    if (w->hits[i].label == person) return true;
  return false;
}

/* The query went there rounded, as the rows are; the score is of the query as it is, as the index in memory gives it. */
static void take_row(sweep *w, sb_statement *s) {
  uint64_t person = (uint64_t)sb_column_int(s, 1);
  float score = 0;
  if (w->found == w->k || (w->by_person && has_person(w, person))) return;
  sb_column_template(s, 2, &(sb_place){"face", "template", 0, ""}, w->dim, w->template);
  for (size_t i = 0; i < w->dim; i++) score += w->template[i] * w -> query[i];
  w->hits[w->found++] = (sb_hit){(uint64_t)sb_column_int(s, 0), person, score};
}

/* At most `limit` faces; `*all` when there are no more. */
static sb_status look(sb_store *reader, sweep *w, size_t limit, bool *all, sb_error *error) {
  size_t rows = 0;
  w->found = 0;
  sb_store_lock(reader);
  sb_statement s = sb_statement_new(
      reader, "SELECT id, person, template FROM face WHERE collection = ?1 ORDER BY template <#> ?2 LIMIT ?3", error);
  sb_bind_int(&s, 1, w->collection);
  sb_bind_template(&s, 2, &(sb_place){"face", "template", 0, ""}, w->query, w->dim);
  sb_bind_int(&s, 3, (int64_t)limit);
  for (; sb_step(&s); rows++) take_row(w, &s);
  sb_status status = sb_statement_end(&s);
  sb_store_unlock(reader);
  *all = rows < limit;
  return status;
}

static int by_score(const void *a, const void *b) {
  const sb_hit *one = a, *other = b;
  return (one->score < other->score) - (one->score > other->score);
}

/* A person may have many faces among the nearest: then more are asked for. */
static sb_status sweep_all(sb_store *reader, sweep *w, sb_error *error) {
  size_t limit = w->by_person ? 2 * w->k + 16 : w->k;
  bool all = false;
  for (;; limit *= 4) {
    sb_status status = look(reader, w, limit, &all, error);
    if (status != SB_OK) return status;
    if (w->found == w->k || all || !w->by_person) break;
  }
  qsort(w->hits, w->found, sizeof *w->hits, by_score);
  return SB_OK;
}

/* At the replica, when it has all that the database has now. */
static sb_status sweep_anywhere(sb_store *store, seat *at, sweep *w, sb_error *error) {
  int64_t last = 0;
  sb_error cause = {0};
  if (store->replica && sb_store_changes_last(store, &last, NULL) == SB_OK &&
      sb_replica_ready(store, last, &at->replica)) {
    sb_status status = sweep_all(at->replica, w, &cause);
    sb_replica_read(store, &at->replica, status, &cause);
    if (status == SB_OK) return SB_OK;
  }
  return sweep_all(at->reader, w, error);
}

static sb_status protect(sb_nearest *nearest, int64_t collection, const float *query, float *out, size_t *dim,
                         sb_error *error) {
  const sb_protection *protection = NULL;
  sb_store_lock(nearest->store);
  sb_status status = sb_protection_of(nearest->store, collection, &protection, error);
  if (status == SB_OK) {
    *dim = sb_transform_dim(protection->transform);
    sb_transform_apply(protection->transform, query, out);
  }
  sb_store_unlock(nearest->store);
  return status;
}

sb_status sb_nearest_search(sb_nearest *nearest, int64_t collection, const float *query, size_t k, bool by_person,
                            sb_hit *hits, size_t *found, sb_error *error) {
  float protected[SB_DIM_MAX], template[SB_DIM_MAX];
  sweep w = {
      .collection = collection, .query = protected, .k = k, .by_person = by_person, .template = template, .hits = hits};
  void *taken = NULL;
  sb_status status = protect(nearest, collection, query, protected, &w.dim, error);
  if (status == SB_NOT_FOUND) return *found = 0, SB_OK; /* an empty gallery has no collection yet */
  if (status == SB_OK) status = sb_pool_take(nearest->pool, &taken, error);
  if (status == SB_OK) status = sweep_anywhere(nearest->store, taken, &w, error);
  if (taken) sb_pool_put(nearest->pool, taken);
  if (status == SB_OK) *found = w.found;
  return status;
}
