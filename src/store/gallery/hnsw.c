/* pgvector's graph index for those who ask for it. It loses matches among faces (docs/scale.md), so it is made by a command alone,
 * and what it finds of what there is is measured and told.
 *
 * One index a collection: pgvector wants all vectors of an index to be of one length, a search is of one collection in any case, and
 * a graph over several would spend its list of candidates on people who do not count. Templates are of unit length after their
 * transform, too, so that the inner product orders as the cosine does. */
#include "store/internal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BUILDERS_LOCK = 0x53424c44 /* "SBLD" */, K = 10, MIXED = 16, LEAST = 32 };

void sb_hnsw_name(int64_t collection, char name[SB_HNSW_NAME]) {
  snprintf(name, SB_HNSW_NAME, "semblance.face_hnsw_%lld", (long long)collection);
}

static sb_status of_servers(const sb_store *store, sb_error *error) {
  if (store->url) return SB_OK;
  return sb_fail(error, SB_INVALID, "an HNSW index is for a gallery in PostgreSQL (--store postgresql://...)");
}

/* Under the lock. */
static sb_status look_at(sb_store *store, sb_hnsw_state *state, sb_error *error) {
  char name[SB_HNSW_NAME];
  sb_hnsw_name(state->collection.row, name);
  sb_statement s = sb_statement_new(store,
                                    "SELECT indisvalid, pg_relation_size(indexrelid) FROM pg_catalog.pg_index"
                                    " WHERE indexrelid = to_regclass(?)",
                                    error);
  sb_statement_bind_text(&s, 1, name);
  state->there = sb_statement_step(&s);
  state->whole = state->there && sb_statement_column_int(&s, 0);
  state->bytes = state->there ? sb_statement_column_int(&s, 1) : 0;
  return sb_statement_end(&s);
}

static sb_status state_of(sb_store *store, const sb_store_collection *collection, sb_hnsw_state *out, sb_error *error) {
  *out = (sb_hnsw_state){.collection = *collection};
  sb_status status = of_servers(store, error);
  if (status != SB_OK) return status;
  sb_store_lock(store);
  status = look_at(store, out, error);
  sb_store_unlock(store);
  return status;
}

sb_status sb_hnsw_states(sb_store *store, sb_hnsw_state **out, size_t *count, sb_error *error) {
  sb_store_collection *list = NULL;
  size_t found = 0;
  sb_status status = of_servers(store, error);
  if (status == SB_OK) status = sb_store_collections(store, &list, &found, error);
  if (status != SB_OK) return status;
  sb_hnsw_state *states = sb_alloc(found, sizeof *states, error);
  if (!states) status = SB_NO_MEMORY;
  for (size_t i = 0; status == SB_OK && i < found; i++) status = state_of(store, &list[i], &states[i], error);
  free(list);
  if (status == SB_OK)
    *out = states, *count = found;
  else
    free(states);
  return status;
}

/* ---- Building */

static sb_status build(sb_store *builder, const sb_hnsw_state *state, sb_error *error) {
  char sql[320], name[SB_HNSW_NAME];
  size_t dim = state->collection.info.dim;
  sb_hnsw_name(state->collection.row, name);
  sb_status status = SB_OK;
  if (state->there) {
    snprintf(sql, sizeof sql, "DROP INDEX CONCURRENTLY IF EXISTS %s", name);
    status = sb_store_exec(builder, sql, error);
  }
  /* An index is named without its schema, which is its table's. */
  snprintf(sql, sizeof sql,
           "CREATE INDEX CONCURRENTLY %s ON semblance.face USING hnsw ((template::halfvec(%zu)) halfvec_ip_ops)"
           " WITH (m = 16, ef_construction = 64) WHERE collection = %lld",
           strchr(name, '.') + 1, dim, (long long)state->collection.row);
  return status == SB_OK ? sb_store_exec(builder, sql, error) : status;
}

/* On a connection of its own, which may take its time. The lock on builders ends with it. */
sb_status sb_hnsw_build(sb_store *store, const sb_store_collection *collection, sb_error *error) {
  sb_hnsw_state state;
  sb_store *builder = NULL;
  int64_t free_now = 0;
  sb_status status = state_of(store, collection, &state, error);
  if (status == SB_OK && state.whole)
    return sb_fail(error, SB_EXISTS, "the collection has an HNSW index already; `semblance hnsw drop` takes it away");
  if (status == SB_OK && collection->info.dim > SB_HNSW_DIM_MOST)
    return sb_fail(error, SB_INVALID, "pgvector's HNSW takes vectors of at most %d numbers; the collection's have %zu",
                   SB_HNSW_DIM_MOST, collection->info.dim);
  if (status == SB_OK) status = sb_store_reader(store, &builder, error);
  if (status != SB_OK) return status;
  sb_store_lock(builder);
  char sql[64];
  snprintf(sql, sizeof sql, "SELECT pg_try_advisory_lock(%d)::int", BUILDERS_LOCK);
  status = sb_store_number(builder, sql, &free_now, error);
  if (status == SB_OK && !free_now)
    status = sb_fail(error, SB_BUSY, "another program builds an HNSW index of this gallery now");
  if (status == SB_OK) status = sb_store_exec(builder, "SET statement_timeout = 0", error);
  if (status == SB_OK) status = state_of(store, collection, &state, error); /* it may have been built meanwhile */
  if (status == SB_OK && !state.whole) status = build(builder, &state, error);
  sb_store_unlock(builder);
  sb_store_close(builder);
  sb_hnsw_sweep(store, 0); /* the collection may have been deleted meanwhile */
  return status;
}

/* ---- Dropping */

sb_status sb_hnsw_invalidate(sb_store *store, int64_t collection, sb_error *error) {
  if (!store->url) return SB_OK;
  sb_statement s = sb_statement_new(store, "DELETE FROM meta WHERE key LIKE 'hnsw/' || ? || '/%'", error);
  sb_statement_bind_int(&s, 1, collection);
  sb_statement_step(&s);
  return sb_statement_end(&s);
}

sb_status sb_hnsw_drop(sb_store *store, int64_t collection, sb_error *error) {
  char sql[96], name[SB_HNSW_NAME];
  sb_hnsw_state state;
  sb_status status = state_of(store, &(sb_store_collection){.row = collection}, &state, error);
  if (status == SB_OK && !state.there) return sb_fail(error, SB_NOT_FOUND, "the collection has no HNSW index");
  if (status == SB_OK) status = sb_store_begin(store, error);
  if (status != SB_OK) return status;
  status = sb_store_finish(store, sb_hnsw_invalidate(store, collection, error), error);
  if (status != SB_OK) return status;
  sb_hnsw_name(collection, name);
  snprintf(sql, sizeof sql, "DROP INDEX CONCURRENTLY IF EXISTS %s", name);
  sb_store_lock(store);
  status = sb_store_exec(store, sql, error);
  sb_store_unlock(store);
  return status;
}

static void read_name(sb_statement *s, void *item) {
  snprintf(item, SB_HNSW_NAME, "semblance.%s", sb_statement_column_text(s, 0));
}

/* On a connection of its own, since it waits for all that use the table; not for long, since somebody waits for it. */
static sb_status drop_all(const sb_store *store, const char *names, size_t count, sb_error *error) {
  sb_store *dropper = NULL;
  sb_status status = sb_store_reader(store, &dropper, error);
  if (status != SB_OK) return status;
  sb_store_lock(dropper);
  status = sb_store_exec(dropper, "SET lock_timeout = '2s'", error);
  for (size_t i = 0; status == SB_OK && i < count; i++) {
    char sql[96];
    snprintf(sql, sizeof sql, "DROP INDEX CONCURRENTLY IF EXISTS %s", names + i * SB_HNSW_NAME);
    status = sb_store_exec(dropper, sql, error);
  }
  sb_store_unlock(dropper);
  sb_store_close(dropper);
  return status;
}

/* An index is not dropped in one transaction with its collection: that would stop all searches until the last of those before is
 * done. So a crash may leave one behind. It holds no faces, nobody searches it, and the next sweep takes it. */
void sb_hnsw_sweep(sb_store *store, int64_t emptied) {
  void *names = NULL;
  size_t count = 0;
  sb_error error = {0};
  if (!store->url) return;
  sb_store_lock(store);
  sb_statement s = sb_statement_new(
      store,
      "SELECT relname FROM pg_catalog.pg_class WHERE relnamespace = 'semblance'::regnamespace AND relkind = 'i'"
      " AND relname ~ '^face_hnsw_[0-9]+$' AND NOT EXISTS(SELECT 1 FROM collection c WHERE c.id <> ? AND"
      " 'face_hnsw_' || c.id = relname)",
      &error);
  sb_statement_bind_int(&s, 1, emptied);
  sb_status status = sb_statement_list(&s, SB_HNSW_NAME, read_name, &names, &count);
  if (status == SB_OK && count) status = drop_all(store, names, count, &error);
  free(names);
  if (status != SB_OK)
    sb_log(SB_LOG_WARNING,
           "the HNSW index of a collection that was deleted is still there: %s (the next deletion of a collection, or "
           "`semblance hnsw build`, takes it away)",
           error.message);
}

/* ---- Measuring */

/* Templates drawn by chance, as the database has them, and whose they are. */
typedef struct sample {
  size_t count, dim;
  float *rows;
  int64_t *faces;
} sample;

static sb_status draw(sb_store *store, const sb_store_collection *collection, size_t wanted, sample *out,
                      sb_error *error) {
  out->dim = collection->info.dim;
  out->rows = sb_alloc(wanted * out->dim, sizeof *out->rows, error);
  out->faces = sb_alloc(wanted, sizeof *out->faces, error);
  if (!out->rows || !out->faces) return SB_NO_MEMORY;
  sb_store_lock(store);
  sb_statement s =
      sb_statement_new(store, "SELECT id, template FROM face WHERE collection = ? ORDER BY random() LIMIT ?", error);
  sb_statement_bind_int(&s, 1, collection->row);
  sb_statement_bind_int(&s, 2, (int64_t)wanted);
  for (; sb_statement_step(&s); out->count++) {
    out->faces[out->count] = sb_statement_column_int(&s, 0);
    sb_statement_column_template(&s, 1, &(sb_seal_context){"face", "template", 0, ""}, out->dim,
                                 out->rows + out->count * out->dim);
    if (s.status != SB_OK) break;
  }
  sb_status status = sb_statement_end(&s);
  sb_store_unlock(store);
  return status;
}

static void add_scaled(float *out, const float *row, size_t dim, float by) {
  for (size_t i = 0; i < dim; i++) out[i] += by * row[i];
}

/* What disturbs it varies as faces do, being a mixture of the others in the sample with signs by turns. */
static void disturb(const sample *s, size_t which, float *out) {
  float *noise = out, kept = 0, square = 0;
  const float *own = s->rows + which * s->dim;
  memset(noise, 0, s->dim * sizeof *noise);
  for (size_t j = 1; j <= MIXED; j++)
    add_scaled(noise, s->rows + (which + j) % s->count * s->dim, s->dim, (which * 7 + j * 5) % 4 < 2 ? 1 : -1);
  for (size_t i = 0; i < s->dim; i++) kept += noise[i] * own[i];
  add_scaled(noise, own, s->dim, -kept); /* now across what it disturbs */
  for (size_t i = 0; i < s->dim; i++) square += noise[i] * noise[i];
  float by = square > 0 ? 0.8F / sqrtf(square) : 0;
  for (size_t i = 0; i < s->dim; i++) out[i] = 0.6F * own[i] + by * noise[i];
}

static bool has(const sb_hit *hits, size_t count, uint64_t id) {
  for (size_t i = 0; i < count; i++)
    if (hits[i].key == id) return true;
  return false;
}

/* Over all probes: how many hits there are to find, and how many were found; the same of the probes' own templates. */
typedef struct score {
  size_t wanted, found, mates, mates_found;
} score;

static void add_score(score *sum, const sb_hit *truth, size_t wanted, const sb_hit *hits, size_t found, uint64_t own) {
  sum->wanted += wanted;
  for (size_t i = 0; i < wanted; i++) sum->found += has(hits, found, truth[i].key);
  sum->mates += has(truth, wanted, own);
  sum->mates_found += has(truth, wanted, own) && has(hits, found, own);
}

/* Exactly first, then by an index with each list. */
static sb_status try_probes(sb_database_search *exact, sb_database_search *const *by_index, size_t count,
                            const sample *s, size_t probes, int64_t collection, score *sums, sb_error *error) {
  float probe[SB_DIM_MAX];
  sb_hit truth[K], hits[K];
  sb_status status = SB_OK;
  for (size_t i = 0; status == SB_OK && i < probes; i++) {
    size_t wanted = 0, found = 0;
    const sb_database_search_query query = {.collection = collection, .vector = probe, .dim = s->dim, .k = K};
    disturb(s, i, probe);
    status = sb_database_search_protected(exact, &query, truth, &wanted, error);
    for (size_t e = 0; status == SB_OK && e < count; e++) {
      status = sb_database_search_protected(by_index[e], &query, hits, &found, error);
      if (status == SB_OK) add_score(&sums[e], truth, wanted, hits, found, (uint64_t)s->faces[i]);
    }
  }
  return status;
}

static void key_of(int64_t collection, int ef, char key[48]) {
  snprintf(key, 48, "hnsw/%lld/%d", (long long)collection, ef);
}

static sb_status keep(sb_store *store, int64_t collection, const sb_hnsw_recall *r, sb_error *error) {
  char key[48], text[96];
  key_of(collection, r->ef, key);
  int length = snprintf(text, sizeof text, "%zu %.6f %.6f %lld", r->probes, r->recall, r->mates, (long long)r->at_ms);
  sb_status status = sb_store_begin(store, error);
  if (status != SB_OK) return status;
  return sb_store_finish(store, sb_store_meta_set(store, key, text, (size_t)length, error), error);
}

static sb_status measure(sb_store *store, const sb_store_collection *collection, const sample *s, size_t probes,
                         sb_hnsw_recall *out, size_t count, sb_error *error) {
  sb_database_search *exact = NULL;
  sb_database_search **by_index = sb_alloc(count, sizeof *by_index, error);
  score *sums = sb_alloc(count, sizeof *sums, error);
  sb_status status = by_index && sums ? sb_database_search_new(store, 0, &exact, error) : SB_NO_MEMORY;
  for (size_t i = 0; status == SB_OK && i < count; i++)
    status = sb_database_search_new(store, out[i].ef, &by_index[i], error);
  if (status == SB_OK) status = try_probes(exact, by_index, count, s, probes, collection->row, sums, error);
  for (size_t i = 0; status == SB_OK && i < count; i++) {
    out[i] = (sb_hnsw_recall){out[i].ef, probes, (double)sums[i].found / (double)sums[i].wanted,
                              sums[i].mates ? (double)sums[i].mates_found / (double)sums[i].mates : 0, sb_now_ms()};
    status = keep(store, collection->row, &out[i], error);
  }
  for (size_t i = 0; by_index && i < count; i++) sb_database_search_free(by_index[i]);
  sb_database_search_free(exact);
  free(by_index);
  free(sums);
  return status;
}

sb_status sb_hnsw_measure(sb_store *store, const sb_store_collection *collection, size_t probes, sb_hnsw_recall *out,
                          size_t count, sb_error *error) {
  sb_hnsw_state state;
  sample s = {0};
  sb_status status = state_of(store, collection, &state, error);
  if (status == SB_OK && !state.whole)
    return sb_fail(error, SB_NOT_FOUND, "the collection has no HNSW index; `semblance hnsw build` makes one");
  if (status == SB_OK) status = draw(store, collection, probes > LEAST ? probes : LEAST, &s, error);
  if (status == SB_OK && s.count < LEAST)
    status = sb_fail(error, SB_INVALID, "the collection has %zu faces, too few to measure an index with", s.count);
  if (status == SB_OK) status = measure(store, collection, &s, probes < s.count ? probes : s.count, out, count, error);
  if (s.rows) sb_wipe(s.rows, s.count * s.dim * sizeof *s.rows);
  free(s.rows);
  free(s.faces);
  return status;
}

/* What `keep` wrote; false: nothing. */
static bool read_recall(sb_statement *s, int column, sb_hnsw_recall *out) {
  char text[96] = "";
  size_t size = 0;
  long long at = 0;
  const char *bytes = sb_statement_column_blob(s, column, &size);
  if (bytes && size < sizeof text) memcpy(text, bytes, size);
  if (sscanf(text, "%zu %lf %lf %lld", &out->probes, &out->recall, &out->mates, &at) != 4) return false;
  out->at_ms = at;
  return true;
}

sb_status sb_hnsw_recall_get(sb_store *store, int64_t collection, sb_hnsw_recall *out, sb_error *error) {
  char key[48];
  sb_hnsw_recall r = {.ef = out->ef};
  key_of(collection, out->ef, key);
  sb_store_lock(store);
  sb_statement s = sb_statement_new(store, "SELECT value FROM meta WHERE key = ?", error);
  sb_statement_bind_text(&s, 1, key);
  if (!sb_statement_step(&s) || !read_recall(&s, 0, &r)) r.probes = 0;
  sb_status status = sb_statement_end(&s);
  sb_store_unlock(store);
  if (status == SB_OK) *out = r;
  return status;
}

sb_status sb_hnsw_summarize(sb_store *store, int ef, sb_hnsw_summary *out, sb_error *error) {
  sb_hnsw_summary sum = {.recall = 1};
  sb_status status = of_servers(store, error);
  if (status != SB_OK) return status;
  sb_store_lock(store);
  sb_statement s =
      sb_statement_new(store,
                       "SELECT coalesce(i.indisvalid, false), m.value FROM collection c"
                       " LEFT JOIN pg_catalog.pg_index i ON i.indexrelid = to_regclass('semblance.face_hnsw_' || c.id)"
                       " LEFT JOIN meta m ON m.key = 'hnsw/' || c.id || '/' || ?",
                       error);
  sb_statement_bind_int(&s, 1, ef);
  for (; sb_statement_step(&s); sum.collections++) {
    sb_hnsw_recall r = {0};
    if (!sb_statement_column_int(&s, 0)) continue;
    sum.indexed++;
    double measured = read_recall(&s, 1, &r) ? r.recall : -1;
    if (measured < sum.recall) sum.recall = measured;
  }
  status = sb_statement_end(&s);
  sb_store_unlock(store);
  if (!sum.indexed) sum.recall = -1;
  if (status == SB_OK) *out = sum;
  return status;
}
