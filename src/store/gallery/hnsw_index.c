/* Building and dropping pgvector's HNSW index (Malkov and Yashunin, "Efficient and robust approximate nearest neighbor
 * search using Hierarchical Navigable Small World graphs", 2018), for those who ask for it. It misses matches among
 * faces (docs/scale.md), so only a command builds it, and its recall is measured and reported (hnsw_measure.c).
 *
 * There is one index a collection: pgvector requires all vectors of an index to have one length, a search is of one
 * collection in any case, and a graph over several would spend its candidate list on people of other collections.
 * Templates have unit length after their transform, too, so the inner product orders as the cosine does. */
#include "store/gallery/hnsw_index.h"

#include "store/core/transaction.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BUILDERS_LOCK = 0x53424c44 /* "SBLD" */ };

void sb_hnsw_name(int64_t collection, char name[SB_HNSW_NAME]) {
  snprintf(name, SB_HNSW_NAME, "semblance.face_hnsw_%lld", (long long)collection);
}

sb_status sb_hnsw_supported(const sb_store *store, sb_error *error) {
  if (store->url) return SB_OK;
  return sb_fail(error, SB_INVALID, "an HNSW index is for a gallery in PostgreSQL (--store postgresql://...)");
}

static sb_status read_state(sb_store *store, sb_hnsw_state *state, sb_error *error) {
  enum { VALID, BYTES };
  char name[SB_HNSW_NAME];
  sb_hnsw_name(state->collection.row, name);
  sb_statement s = sb_statement_new(store,
                                    "SELECT indisvalid, pg_relation_size(indexrelid) FROM pg_catalog.pg_index"
                                    " WHERE indexrelid = to_regclass(?)",
                                    error);
  sb_statement_bind_text(&s, 1, name);
  state->there = sb_statement_step(&s);
  state->whole = state->there && sb_statement_column_int(&s, VALID);
  state->bytes = state->there ? sb_statement_column_int(&s, BYTES) : 0;
  return sb_statement_end(&s);
}

sb_status sb_hnsw_state_get(sb_store *store, const sb_store_collection *collection, sb_hnsw_state *out,
                            sb_error *error) {
  *out = (sb_hnsw_state){.collection = *collection};
  sb_status status = sb_hnsw_supported(store, error);
  if (status != SB_OK) return status;
  sb_store_lock(store);
  status = read_state(store, out, error);
  sb_store_unlock(store);
  return status;
}

static sb_status drop(sb_store *connection, const char *name, sb_error *error) {
  char sql[96];
  snprintf(sql, sizeof sql, "DROP INDEX CONCURRENTLY IF EXISTS %s", name);
  return sb_store_exec(connection, sql, error);
}

/* ---- Building */

static sb_status create(sb_store *builder, const sb_hnsw_state *state, sb_error *error) {
  char sql[320], name[SB_HNSW_NAME];
  sb_hnsw_name(state->collection.row, name);
  if (state->there) { /* what is left of an interrupted build */
    sb_status status = drop(builder, name, error);
    if (status != SB_OK) return status;
  }
  /* CREATE INDEX takes the name without the schema, which is the table's. */
  snprintf(sql, sizeof sql,
           "CREATE INDEX CONCURRENTLY %s ON semblance.face USING hnsw ((template::halfvec(%zu)) halfvec_ip_ops)"
           " WITH (m = 16, ef_construction = 64) WHERE collection = %lld",
           strchr(name, '.') + 1, state->collection.info.dim, (long long)state->collection.row);
  return sb_store_exec(builder, sql, error);
}

/* One builder at a time; the lock ends with its connection. */
static sb_status take_builders_lock(sb_store *builder, sb_error *error) {
  char sql[64];
  int64_t taken = 0;
  snprintf(sql, sizeof sql, "SELECT pg_try_advisory_lock(%d)::int", BUILDERS_LOCK);
  sb_status status = sb_store_number(builder, sql, &taken, error);
  if (status != SB_OK || taken) return status;
  return sb_fail(error, SB_BUSY, "another program is building an HNSW index of this gallery; try again later");
}

static sb_status build(sb_store *store, sb_store *builder, const sb_store_collection *collection, sb_error *error) {
  sb_hnsw_state state;
  sb_status status = take_builders_lock(builder, error);
  if (status != SB_OK) return status;
  status = sb_store_exec(builder, "SET statement_timeout = 0", error);
  if (status != SB_OK) return status;
  status = sb_hnsw_state_get(store, collection, &state, error);
  if (status != SB_OK || state.whole) return status; /* whole: it was built meanwhile */
  return create(builder, &state, error);
}

static sb_status check_buildable(sb_store *store, const sb_store_collection *collection, sb_error *error) {
  sb_hnsw_state state;
  sb_status status = sb_hnsw_state_get(store, collection, &state, error);
  if (status != SB_OK) return status;
  if (state.whole)
    return sb_fail(error, SB_EXISTS, "the collection has an HNSW index already; `semblance hnsw drop` drops it");
  if (collection->info.dim <= SB_HNSW_DIM_MOST) return SB_OK;
  return sb_fail(error, SB_INVALID, "pgvector's HNSW takes vectors of at most %d numbers; the collection's have %zu",
                 SB_HNSW_DIM_MOST, collection->info.dim);
}

/* On a connection of its own, because it takes long. */
sb_status sb_hnsw_build(sb_store *store, const sb_store_collection *collection, sb_error *error) {
  sb_store *builder = NULL;
  sb_status status = check_buildable(store, collection, error);
  if (status != SB_OK) return status;
  status = sb_store_reader_open(store, &builder, error);
  if (status != SB_OK) return status;
  sb_store_lock(builder);
  status = build(store, builder, collection, error);
  sb_store_unlock(builder);
  sb_store_core_free(builder);
  sb_hnsw_sweep(store, 0); /* the collection may have been deleted meanwhile */
  return status;
}

/* ---- Dropping */

sb_status sb_hnsw_invalidate(sb_store *store, int64_t collection, sb_error *error) {
  if (!store->url) return SB_OK;
  return sb_store_exec_int(store, "DELETE FROM meta WHERE key LIKE 'hnsw/' || ? || '/%'", collection, error);
}

sb_status sb_hnsw_drop(sb_store *store, int64_t collection, sb_error *error) {
  char name[SB_HNSW_NAME];
  sb_hnsw_state state;
  sb_status status = sb_hnsw_state_get(store, &(sb_store_collection){.row = collection}, &state, error);
  if (status != SB_OK) return status;
  if (!state.there) return sb_fail(error, SB_NOT_FOUND, "the collection has no HNSW index");
  status = sb_store_begin(store, error);
  if (status != SB_OK) return status;
  status = sb_store_finish(store, sb_hnsw_invalidate(store, collection, error), error);
  if (status != SB_OK) return status;
  sb_hnsw_name(collection, name);
  sb_store_lock(store);
  status = drop(store, name, error);
  sb_store_unlock(store);
  return status;
}

static void read_name(sb_statement *s, void *item) {
  snprintf(item, SB_HNSW_NAME, "semblance.%s", sb_statement_column_text(s, 0));
}

static sb_status list_orphans(sb_store *store, int64_t emptied, void **names, size_t *count, sb_error *error) {
  sb_store_lock(store);
  sb_statement s = sb_statement_new(
      store,
      "SELECT relname FROM pg_catalog.pg_class WHERE relnamespace = 'semblance'::regnamespace AND relkind = 'i'"
      " AND relname ~ '^face_hnsw_[0-9]+$' AND NOT EXISTS(SELECT 1 FROM collection c WHERE c.id <> ? AND"
      " 'face_hnsw_' || c.id = relname)",
      error);
  sb_statement_bind_int(&s, 1, emptied);
  sb_status status = sb_statement_list(&s, SB_HNSW_NAME, read_name, names, count);
  sb_store_unlock(store);
  return status;
}

/* On a connection of its own, because dropping waits for every transaction that uses the table; not for long, because
 * the caller waits. */
static sb_status drop_all(const sb_store *store, const char *names, size_t count, sb_error *error) {
  sb_store *dropper = NULL;
  sb_status status = sb_store_reader_open(store, &dropper, error);
  if (status != SB_OK) return status;
  sb_store_lock(dropper);
  status = sb_store_exec(dropper, "SET lock_timeout = '2s'", error);
  for (size_t i = 0; status == SB_OK && i < count; i++) status = drop(dropper, names + i * SB_HNSW_NAME, error);
  sb_store_unlock(dropper);
  sb_store_core_free(dropper);
  return status;
}

/* An index is not dropped in the transaction that deletes its collection: all searches would stop until the last
 * transaction that began before is done. So a crash may leave one behind. It holds no faces, nobody searches it, and
 * the next sweep drops it. */
void sb_hnsw_sweep(sb_store *store, int64_t emptied) {
  void *names = NULL;
  size_t count = 0;
  sb_error error = {0};
  if (!store->url) return;
  sb_status status = list_orphans(store, emptied, &names, &count, &error);
  if (status == SB_OK && count) status = drop_all(store, names, count, &error);
  free(names);
  if (status != SB_OK)
    sb_log(SB_LOG_WARNING,
           "the HNSW index of a deleted collection is still there: %s (the next deletion of a collection, or "
           "`semblance hnsw build`, drops it)",
           error.message);
}
