/* Search by the database itself (pgvector), for galleries that do not fit a server's memory: exact, by comparing all
 * rows; or, where that is asked for, by the collection's HNSW index (hnsw_index.c), which is faster and misses some
 * faces.
 *
 * Templates and query are of unit length, so the inner product orders as the cosine does. The database compares rounded
 * (halfvec) values; the scores returned are computed here from the unrounded query, as the index in memory computes
 * them. */
#include "store/gallery/database_search.h"

#include "store/gallery/hnsw_index.h"
#include "store/gallery/replica.h"
#include "store/sealing/protection.h"
#include "store/sealing/sealed_columns.h"

#include <stdio.h>
#include <stdlib.h>

enum { CONNECTIONS_MAX = 8, WAITING_MAX = 256 };

/* Connections for one search at a time, which keeps them busy for long. */
typedef struct seat {
  sb_store *reader;
  sb_store *replica; /* NULL: not connected */
} seat;

struct sb_database_search {
  sb_store *store; /* has the transforms */
  int ef;          /* size of the index's candidate list; 0: exact */
  bool iterative;  /* the index can be asked for more when it gave too few (pgvector 0.8, hnsw.iterative_scan) */
  sb_pool *pool;   /* of seats */
  seat seats[CONNECTIONS_MAX];
  size_t count;
};

/* ---- Opening and closing */

static sb_status read_pgvector_version(sb_database_search *search, sb_error *error) {
  int major = 0, minor = 0;
  sb_store_lock(search->store);
  sb_statement s =
      sb_statement_new(search->store, "SELECT extversion FROM pg_catalog.pg_extension WHERE extname = 'vector'", error);
  if (sb_statement_step(&s) && sscanf(sb_statement_column_text(&s, 0), "%d.%d", &major, &minor) == 2)
    search->iterative = major > 0 || minor >= 8;
  sb_status status = sb_statement_end(&s);
  sb_store_unlock(search->store);
  return status;
}

static sb_status open_seats(sb_database_search *search, sb_error *error) {
  size_t cores = (size_t)sb_cpu_cores(), wanted = cores < CONNECTIONS_MAX ? cores : CONNECTIONS_MAX;
  sb_status status = sb_pool_new(wanted, WAITING_MAX, &search->pool, error);
  if (status == SB_OK && search->ef) status = read_pgvector_version(search, error);
  while (status == SB_OK && search->count < wanted) {
    status = sb_store_reader_open(search->store, &search->seats[search->count].reader, error);
    if (status == SB_OK) sb_pool_put(search->pool, &search->seats[search->count++]);
  }
  return status;
}

sb_status sb_database_search_new(sb_store *store, int ef, sb_database_search **out, sb_error *error) {
  if (store->driver->seals_templates)
    return sb_fail(error, SB_INVALID, "--search sql is for a gallery in PostgreSQL (--store postgresql://...)");
  sb_database_search *search = sb_alloc(1, sizeof *search, error);
  if (!search) return SB_NO_MEMORY;
  search->store = store;
  search->ef = ef;
  sb_status status = open_seats(search, error);
  if (status == SB_OK)
    *out = search;
  else
    sb_database_search_free(search);
  return status;
}

void sb_database_search_free(sb_database_search *search) {
  if (!search) return;
  for (size_t i = 0; i < search->count; i++) {
    sb_store_core_free(search->seats[i].reader);
    sb_store_core_free(search->seats[i].replica);
  }
  sb_pool_free(search->pool);
  free(search);
}

/* ---- One statement */

/* What is searched for, and the hits found by the last statement. `query.vector` is protected. */
typedef struct scan {
  const sb_database_search *search;
  sb_database_search_query query;
  uint64_t except; /* a person who is passed over; 0: nobody */
  size_t dim;
  float *template; /* room for one */
  sb_hit *hits;    /* room for query.k */
  size_t found;
} scan;

enum { COLUMN_FACE, COLUMN_PERSON, COLUMN_TEMPLATE };

static bool has_person(const scan *c, uint64_t person) {
  for (size_t i = 0; i < c->found; i++)
    if (c->hits[i].label == person) return true;
  return false;
}

static void take_row(scan *c, sb_statement *s) {
  uint64_t person = (uint64_t)sb_statement_column_int(s, COLUMN_PERSON);
  float score = 0;
  if (c->found == c->query.k || person == c->except || (c->query.by_person && has_person(c, person))) return;
  sb_statement_column_template(s, COLUMN_TEMPLATE, &(sb_seal_context){"face", "template", 0, ""}, c->dim, c->template);
  for (size_t i = 0; i < c->dim; i++) score += c->template[i] * c -> query.vector[i];
  c->hits[c->found++] = (sb_hit){(uint64_t)sb_statement_column_int(s, COLUMN_FACE), person, score};
}

/* Has the collection a complete index? Then sets up this transaction to use it: a candidate list as long as `limit`, a
 * plan for each statement (a generic plan, for any limit, would not use the index), and no plan that sorts, as all
 * plans without the index do. */
static sb_status set_up_index(sb_store *reader, const scan *c, size_t limit, bool *there, sb_error *error) {
  char name[SB_HNSW_NAME], ef[16];
  size_t wanted = limit > (size_t)c->search->ef ? limit : (size_t)c->search->ef;
  snprintf(ef, sizeof ef, "%zu", wanted < SB_HNSW_EF_MOST ? wanted : SB_HNSW_EF_MOST);
  sb_hnsw_name(c->query.collection, name);
  sb_statement s = sb_statement_new(
      reader,
      "SELECT indisvalid, set_config('hnsw.ef_search', ?2, true), set_config('plan_cache_mode', 'force_custom_plan',"
      " true), set_config('enable_sort', 'off', true), CASE WHEN ?3 = 1 THEN set_config('hnsw.iterative_scan',"
      " 'strict_order', true) END FROM pg_catalog.pg_index WHERE indexrelid = to_regclass(?1)",
      error);
  sb_statement_bind_text(&s, 1, name);
  sb_statement_bind_text(&s, 2, ef);
  sb_statement_bind_int(&s, 3, c->search->iterative);
  *there = sb_statement_step(&s) && sb_statement_column_int(&s, 0);
  return sb_statement_end(&s);
}

/* Selects the nearest faces first. An index covers one collection, whose number is part of its definition, and vectors
 * of one length. */
static sb_statement select_nearest(sb_store *reader, const scan *c, size_t limit, bool by_index, sb_error *error) {
  char sql[200] = "SELECT id, person, template FROM face WHERE collection = ?3 ORDER BY template <#> ?1 LIMIT ?2";
  if (by_index)
    snprintf(sql, sizeof sql,
             "SELECT id, person, template FROM face WHERE collection = %lld"
             " ORDER BY template::halfvec(%zu) <#> ?1::halfvec(%zu) LIMIT ?2",
             (long long)c->query.collection, c->dim, c->dim);
  sb_statement s = sb_statement_new(reader, sql, error);
  sb_statement_bind_template(&s, 1, &(sb_seal_context){"face", "template", 0, ""}, c->query.vector, c->dim);
  sb_statement_bind_int(&s, 2, (int64_t)limit);
  if (!by_index) sb_statement_bind_int(&s, 3, c->query.collection);
  return s;
}

/* At most `limit` faces; `*all` when there are no more. */
static sb_status read_rows(sb_store *reader, scan *c, size_t limit, bool by_index, bool *all, sb_error *error) {
  size_t rows = 0;
  c->found = 0;
  sb_statement s = select_nearest(reader, c, limit, by_index, error);
  for (; sb_statement_step(&s); rows++) take_row(c, &s);
  *all = rows < limit;
  return sb_statement_end(&s);
}

static sb_status scan_all_rows(sb_store *reader, scan *c, size_t limit, bool *all, sb_error *error) {
  sb_store_lock(reader);
  sb_status status = read_rows(reader, c, limit, false, all, error);
  sb_store_unlock(reader);
  return status;
}

/* The same by the index; `*there` false: the collection has none. */
static sb_status scan_index(sb_store *reader, scan *c, size_t limit, bool *there, bool *all, sb_error *error) {
  *there = false;
  sb_store_lock(reader);
  sb_status status = sb_store_begin_read(reader, error);
  if (status == SB_OK) {
    status = set_up_index(reader, c, limit, there, error);
    if (status == SB_OK && *there) status = read_rows(reader, c, limit, true, all, error);
    sb_store_end_read(reader);
  }
  sb_store_unlock(reader);
  return status;
}

/* ---- A whole search */

static int by_score(const void *a, const void *b) {
  const sb_hit *one = a, *other = b;
  return (one->score < other->score) - (one->score > other->score);
}

/* Asks for more faces while those of one person crowd out the others, and compares all rows when the index has no
 * more. */
static sb_status search_on(sb_store *reader, scan *c, sb_error *error) {
  const sb_database_search_query *q = &c->query;
  bool all = false, by_index = c->search->ef > 0, passes_over = q->by_person || c->except;
  size_t limit = passes_over ? 2 * q->k + 16 : q->k;
  for (;;) {
    sb_status status = by_index ? scan_index(reader, c, limit, &by_index, &all, error) : SB_OK;
    if (status == SB_OK && !by_index) status = scan_all_rows(reader, c, limit, &all, error);
    if (status != SB_OK) return status;
    bool enough = c->found == q->k || !passes_over || all;
    if (enough && (!by_index || c->found == q->k)) break;
    if (enough)
      by_index = false;
    else
      limit *= 4;
  }
  qsort(c->hits, c->found, sizeof *c->hits, by_score);
  return SB_OK;
}

/* On the replica when it has everything that the primary has now. */
static sb_status search_anywhere(sb_store *store, seat *at, scan *c, sb_error *error) {
  int64_t last = 0;
  sb_error cause = {0};
  if (store->replica && sb_store_changes_last(store, &last, NULL) == SB_OK &&
      sb_store_replica_ready(store, last, &at->replica)) {
    sb_status status = search_on(at->replica, c, &cause);
    sb_store_replica_read_done(store, &at->replica, status, &cause);
    if (status == SB_OK) return SB_OK;
  }
  return search_on(at->reader, c, error);
}

static sb_status run_scan(scan *c, size_t *found, sb_error *error) {
  float template[SB_DIM_MAX];
  void *taken = NULL;
  sb_status status = sb_pool_take(c->search->pool, &taken, error);
  if (status != SB_OK) return status;
  c->template = template;
  status = search_anywhere(c->search->store, taken, c, error);
  sb_pool_put(c->search->pool, taken);
  if (status == SB_OK) *found = c->found;
  return status;
}

sb_status sb_database_search_protected(sb_database_search *search, const sb_database_search_query *query, size_t dim,
                                       sb_hit *hits, size_t *found, sb_error *error) {
  scan c = {.search = search, .query = *query, .dim = dim, .hits = hits};
  return run_scan(&c, found, error);
}

/* Applies the collection's transform. */
static sb_status protect(sb_store *store, const sb_database_search_query *query, float *out, size_t *dim,
                         sb_error *error) {
  const sb_store_protection *protection = NULL;
  sb_store_lock(store);
  sb_status status = sb_store_protection_get(store, query->collection, &protection, error);
  if (status == SB_OK) {
    *dim = protection->dim;
    sb_transform_apply(protection->transform, query->vector, out);
  }
  sb_store_unlock(store);
  return status;
}

/* Reads a stored template, which is protected already, and whose it is. */
static sb_status read_stored(sb_store *store, const sb_database_search_query *query, float *out, scan *c,
                             sb_error *error) {
  enum { TEMPLATE, PERSON, DIM };
  sb_store_lock(store);
  sb_statement s = sb_statement_new(store,
                                    "SELECT f.template, f.person, c.dim FROM face f"
                                    " JOIN collection c ON c.id = f.collection WHERE f.id = ? AND f.collection = ?",
                                    error);
  sb_statement_bind_int(&s, 1, query->face);
  sb_statement_bind_int(&s, 2, query->collection);
  if (sb_statement_step(&s)) {
    c->dim = (size_t)sb_statement_column_int(&s, DIM);
    c->except = (uint64_t)sb_statement_column_int(&s, PERSON);
    sb_statement_column_template(&s, TEMPLATE, &(sb_seal_context){"face", "template", 0, ""}, c->dim, out);
  } else {
    sb_statement_not_found(&s, "there is no face of this number");
  }
  sb_status status = sb_statement_end(&s);
  sb_store_unlock(store);
  return status;
}

static sb_status run_by_face(sb_database_search *search, const sb_database_search_query *query, sb_hit *hits,
                             size_t *found, sb_error *error) {
  float vector[SB_DIM_MAX];
  scan c = {.search = search, .query = *query, .hits = hits};
  sb_status status = read_stored(search->store, query, vector, &c, error);
  if (status != SB_OK) return status;
  c.query.vector = vector;
  return run_scan(&c, found, error);
}

sb_status sb_database_search_run(sb_database_search *search, const sb_database_search_query *query, sb_hit *hits,
                                 size_t *found, sb_error *error) {
  if (query->face) return run_by_face(search, query, hits, found, error);
  float vector[SB_DIM_MAX];
  size_t dim = 0;
  sb_database_search_query protected = *query;
  protected.vector = vector;
  sb_status status = protect(search->store, query, vector, &dim, error);
  if (status == SB_NOT_FOUND) return *found = 0, SB_OK; /* an empty gallery has no collection yet */
  if (status != SB_OK) return status;
  return sb_database_search_protected(search, &protected, dim, hits, found, error);
}
