/* Search by the database itself, for galleries that no server's memory holds: exact, over all rows; or, where that is asked for,
 * by pgvector's index (hnsw.c), which is faster and misses some. */
#include "store/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CONNECTIONS_MAX = 8, WAITING_MAX = 256 };

/* A search keeps connections busy for long. */
typedef struct seat {
  sb_store *reader;
  sb_store *replica; /* NULL: not connected */
} seat;

struct sb_database_search {
  sb_store *store; /* has the transforms */
  int ef;          /* 0: exact */
  bool iterative;  /* the index can be asked for more when what it gave is not enough (pgvector 0.8) */
  sb_pool *pool;   /* of seats */
  seat seats[CONNECTIONS_MAX];
  size_t count;
};

static sb_status look_at_pgvector(sb_database_search *nearest, sb_error *error) {
  int major = 0, minor = 0;
  sb_store_lock(nearest->store);
  sb_statement s = sb_statement_new(nearest->store,
                                    "SELECT extversion FROM pg_catalog.pg_extension WHERE extname = 'vector'", error);
  if (sb_statement_step(&s) && sscanf(sb_statement_column_text(&s, 0), "%d.%d", &major, &minor) == 2)
    nearest->iterative = major > 0 || minor >= 8;
  sb_status status = sb_statement_end(&s);
  sb_store_unlock(nearest->store);
  return status;
}

sb_status sb_database_search_new(sb_store *store, int ef, sb_database_search **out, sb_error *error) {
  if (store->driver->seals_templates)
    return sb_fail(error, SB_INVALID, "--search sql is for a gallery in PostgreSQL (--store postgresql://...)");
  sb_database_search *nearest = sb_alloc(1, sizeof *nearest, error);
  if (!nearest) return SB_NO_MEMORY;
  nearest->store = store;
  nearest->ef = ef;
  size_t wanted = (size_t)sb_cpu_cores() < CONNECTIONS_MAX ? (size_t)sb_cpu_cores() : CONNECTIONS_MAX;
  sb_status status = sb_pool_new(wanted, WAITING_MAX, &nearest->pool, error);
  if (status == SB_OK && ef) status = look_at_pgvector(nearest, error);
  while (status == SB_OK && nearest->count < wanted) {
    status = sb_store_reader(store, &nearest->seats[nearest->count].reader, error);
    if (status == SB_OK) sb_pool_put(nearest->pool, &nearest->seats[nearest->count++]);
  }
  if (status == SB_OK)
    *out = nearest;
  else
    sb_database_search_free(nearest);
  return status;
}

void sb_database_search_free(sb_database_search *nearest) {
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
  const sb_database_search *nearest;
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
  uint64_t person = (uint64_t)sb_statement_column_int(s, 1);
  float score = 0;
  if (w->found == w->k || (w->by_person && has_person(w, person))) return;
  sb_statement_column_template(s, 2, &(sb_seal_context){"face", "template", 0, ""}, w->dim, w->template);
  for (size_t i = 0; i < w->dim; i++) score += w->template[i] * w -> query[i];
  w->hits[w->found++] = (sb_hit){(uint64_t)sb_statement_column_int(s, 0), person, score};
}

/* Has the collection an index that is whole? Then what follows in this transaction is done by it: with a list as long as `limit`, a
 * plan for each statement (the one for any `limit` would not use it), and none that sorts, which all others do. */
static sb_status find_index(sb_store *reader, const sweep *w, size_t limit, bool *there, sb_error *error) {
  char name[SB_HNSW_NAME], ef[16];
  size_t wanted = limit > (size_t)w->nearest->ef ? limit : (size_t)w->nearest->ef;
  snprintf(ef, sizeof ef, "%zu", wanted < SB_HNSW_EF_MOST ? wanted : SB_HNSW_EF_MOST);
  sb_hnsw_name(w->collection, name);
  sb_statement s = sb_statement_new(
      reader,
      "SELECT indisvalid, set_config('hnsw.ef_search', ?2, true), set_config('plan_cache_mode', 'force_custom_plan',"
      " true), set_config('enable_sort', 'off', true), CASE WHEN ?3 = 1 THEN set_config('hnsw.iterative_scan',"
      " 'strict_order', true) END FROM pg_catalog.pg_index WHERE indexrelid = to_regclass(?1)",
      error);
  sb_statement_bind_text(&s, 1, name);
  sb_statement_bind_text(&s, 2, ef);
  sb_statement_bind_int(&s, 3, w->nearest->iterative);
  *there = sb_statement_step(&s) && sb_statement_column_int(&s, 0);
  return sb_statement_end(&s);
}

/* The nearest first. By the index: of one collection, whose number stands in it, and of one length. */
static sb_statement nearest_rows(sb_store *reader, const sweep *w, size_t limit, bool by_index, sb_error *error) {
  char sql[200] = "SELECT id, person, template FROM face WHERE collection = ?3 ORDER BY template <#> ?1 LIMIT ?2";
  if (by_index)
    snprintf(sql, sizeof sql,
             "SELECT id, person, template FROM face WHERE collection = %lld"
             " ORDER BY template::halfvec(%zu) <#> ?1::halfvec(%zu) LIMIT ?2",
             (long long)w->collection, w->dim, w->dim);
  sb_statement s = sb_statement_new(reader, sql, error);
  sb_statement_bind_template(&s, 1, &(sb_seal_context){"face", "template", 0, ""}, w->query, w->dim);
  sb_statement_bind_int(&s, 2, (int64_t)limit);
  if (!by_index) sb_statement_bind_int(&s, 3, w->collection);
  return s;
}

/* At most `limit` faces; `*all` when there are no more. */
static sb_status read_rows(sb_store *reader, sweep *w, size_t limit, bool by_index, bool *all, sb_error *error) {
  size_t rows = 0;
  w->found = 0;
  sb_statement s = nearest_rows(reader, w, limit, by_index, error);
  for (; sb_statement_step(&s); rows++) take_row(w, &s);
  *all = rows < limit;
  return sb_statement_end(&s);
}

static sb_status look(sb_store *reader, sweep *w, size_t limit, bool *all, sb_error *error) {
  sb_store_lock(reader);
  sb_status status = read_rows(reader, w, limit, false, all, error);
  sb_store_unlock(reader);
  return status;
}

/* The same by the index; `*there` false: the collection has none. */
static sb_status look_by_index(sb_store *reader, sweep *w, size_t limit, bool *there, bool *all, sb_error *error) {
  *there = false;
  sb_store_lock(reader);
  sb_status status = sb_store_begin_read(reader, error);
  if (status == SB_OK) {
    status = find_index(reader, w, limit, there, error);
    if (status == SB_OK && *there) status = read_rows(reader, w, limit, true, all, error);
    sb_store_end_read(reader);
  }
  sb_store_unlock(reader);
  return status;
}

static int by_score(const void *a, const void *b) {
  const sb_hit *one = a, *other = b;
  return (one->score < other->score) - (one->score > other->score);
}

/* A person may have many faces among the nearest: then more are asked for; and where the index has no more, all rows are compared. */
static sb_status sweep_all(sb_store *reader, sweep *w, sb_error *error) {
  size_t limit = w->by_person ? 2 * w->k + 16 : w->k;
  bool all = false, by_index = w->nearest->ef > 0;
  for (;;) {
    sb_status status = by_index ? look_by_index(reader, w, limit, &by_index, &all, error) : SB_OK;
    if (status == SB_OK && !by_index) status = look(reader, w, limit, &all, error);
    if (status != SB_OK) return status;
    bool enough = w->found == w->k || !w->by_person || all;
    if (enough && (!by_index || w->found == w->k)) break;
    if (enough)
      by_index = false;
    else
      limit *= 4;
  }
  qsort(w->hits, w->found, sizeof *w->hits, by_score);
  return SB_OK;
}

/* At the replica, when it has all that the database has now. */
static sb_status sweep_anywhere(sb_store *store, seat *at, sweep *w, sb_error *error) {
  int64_t last = 0;
  sb_error cause = {0};
  if (store->replica && sb_store_changes_last(store, &last, NULL) == SB_OK &&
      sb_store_replica_ready(store, last, &at->replica)) {
    sb_status status = sweep_all(at->replica, w, &cause);
    sb_store_replica_read_done(store, &at->replica, status, &cause);
    if (status == SB_OK) return SB_OK;
  }
  return sweep_all(at->reader, w, error);
}

static sb_status protect(sb_database_search *nearest, int64_t collection, const float *query, float *out, size_t *dim,
                         sb_error *error) {
  const sb_store_protection *protection = NULL;
  sb_store_lock(nearest->store);
  sb_status status = sb_store_protection_get(nearest->store, collection, &protection, error);
  if (status == SB_OK) {
    *dim = sb_transform_dim(protection->transform);
    sb_transform_apply(protection->transform, query, out);
  }
  sb_store_unlock(nearest->store);
  return status;
}

sb_status sb_database_search_protected(sb_database_search *nearest, const sb_database_search_query *query, sb_hit *hits,
                                       size_t *found, sb_error *error) {
  float template[SB_DIM_MAX];
  sweep w = {.nearest = nearest,
             .collection = query->collection,
             .query = query->vector,
             .dim = query->dim,
             .k = query->k,
             .by_person = query->by_person,
             .template = template,
             .hits = hits};
  void *taken = NULL;
  sb_status status = sb_pool_take(nearest->pool, &taken, error);
  if (status == SB_OK) status = sweep_anywhere(nearest->store, taken, &w, error);
  if (taken) sb_pool_put(nearest->pool, taken);
  if (status == SB_OK) *found = w.found;
  return status;
}

sb_status sb_database_search_run(sb_database_search *nearest, int64_t collection, const float *query, size_t k,
                                 bool by_person, sb_hit *hits, size_t *found, sb_error *error) {
  float protected[SB_DIM_MAX];
  sb_database_search_query kept = {.collection = collection, .vector = protected, .k = k, .by_person = by_person};
  sb_status status = protect(nearest, collection, query, protected, &kept.dim, error);
  if (status == SB_NOT_FOUND) return *found = 0, SB_OK; /* an empty gallery has no collection yet */
  return status == SB_OK ? sb_database_search_protected(nearest, &kept, hits, found, error) : status;
}
