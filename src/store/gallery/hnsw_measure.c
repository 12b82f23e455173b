/* Measuring the recall of HNSW indexes, and reporting on them.
 *
 * Synthetic probes are searched by the index and by comparing all rows. A probe is a stored template plus noise, mixed
 * until its score with that template is 0.6, as between two poor photos of one person. The noise is a mixture of other
 * templates: random numbers would be unlike any face, and say nothing about the neighbours of faces. The templates stay
 * protected, as the secret transform keeps scores. Two figures for each list size (ef):
 *
 *   recall  of the ten nearest faces that the exact search finds, the share that the index finds, too
 *   mates   the same, of the probes' own templates only
 *
 * Results are stored in `meta` as "hnsw/COLLECTION/EF", so that a server can report them without measuring. */
#include "store/core/transaction.h"
#include "store/gallery/database_search.h"
#include "store/gallery/hnsw_index.h"
#include "store/sealing/sealed_columns.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { K = 10, MIXED = 16, SAMPLE_LEAST = 32 };

sb_status sb_hnsw_states(sb_store *store, sb_hnsw_state **out, size_t *count, sb_error *error) {
  sb_store_collection *list = NULL;
  size_t found = 0;
  sb_status status = sb_hnsw_supported(store, error);
  if (status != SB_OK) return status;
  status = sb_store_collections(store, &list, &found, error);
  if (status != SB_OK) return status;
  sb_hnsw_state *states = sb_alloc(found, sizeof *states, error);
  if (!states) status = SB_NO_MEMORY;
  for (size_t i = 0; status == SB_OK && i < found; i++) status = sb_hnsw_state_get(store, &list[i], &states[i], error);
  free(list);
  if (status != SB_OK) return free(states), status;
  *out = states;
  *count = found;
  return SB_OK;
}

/* ---- Probes */

/* Templates drawn at random, as stored (protected), with their faces. */
typedef struct sample {
  size_t count, dim;
  float *rows;
  int64_t *faces;
} sample;

static void sample_free(sample *s) {
  if (s->rows) sb_wipe(s->rows, s->count * s->dim * sizeof *s->rows);
  free(s->rows);
  free(s->faces);
}

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

static float dot(const float *a, const float *b, size_t dim) {
  float sum = 0;
  for (size_t i = 0; i < dim; i++) sum += a[i] * b[i];
  return sum;
}

/* Makes a probe: 0.6 of the template and 0.8 of noise orthogonal to it. The noise varies as faces do, because it is a
 * mixture of the sample's other templates with alternating signs. */
static void make_probe(const sample *s, size_t which, float *out) {
  const float *own = s->rows + which * s->dim;
  memset(out, 0, s->dim * sizeof *out);
  for (size_t j = 1; j <= MIXED; j++)
    add_scaled(out, s->rows + (which + j) % s->count * s->dim, s->dim, (which * 7 + j * 5) % 4 < 2 ? 1 : -1);
  add_scaled(out, own, s->dim, -dot(out, own, s->dim));
  float square = dot(out, out, s->dim), by = square > 0 ? 0.8F / sqrtf(square) : 0;
  for (size_t i = 0; i < s->dim; i++) out[i] = 0.6F * own[i] + by * out[i];
}

/* ---- Scores */

static bool has(const sb_hit *hits, size_t count, uint64_t face) {
  for (size_t i = 0; i < count; i++)
    if (hits[i].key == face) return true;
  return false;
}

/* Over all probes: the hits to find and those found; the same for the probes' own templates (mates). */
typedef struct score {
  size_t wanted, found, mates, mates_found;
} score;

static void add_score(score *sum, const sb_hit *truth, size_t wanted, const sb_hit *hits, size_t found, uint64_t own) {
  sum->wanted += wanted;
  for (size_t i = 0; i < wanted; i++) sum->found += has(hits, found, truth[i].key);
  sum->mates += has(truth, wanted, own);
  sum->mates_found += has(truth, wanted, own) && has(hits, found, own);
}

/* A measurement in progress: the exact search, and one search and score for each `ef`. */
typedef struct measurement {
  int64_t collection;
  const sample *sample;
  size_t probes, count;
  sb_database_search *exact, **by_index;
  score *scores;
} measurement;

static sb_status run_probe(const measurement *m, size_t which, sb_error *error) {
  float probe[SB_DIM_MAX];
  sb_hit truth[K], hits[K];
  size_t wanted = 0, found = 0, dim = m->sample->dim;
  const sb_database_search_query query = {.collection = m->collection, .vector = probe, .k = K};
  make_probe(m->sample, which, probe);
  sb_status status = sb_database_search_protected(m->exact, &query, dim, truth, &wanted, error);
  for (size_t e = 0; status == SB_OK && e < m->count; e++) {
    status = sb_database_search_protected(m->by_index[e], &query, dim, hits, &found, error);
    if (status == SB_OK) add_score(&m->scores[e], truth, wanted, hits, found, (uint64_t)m->sample->faces[which]);
  }
  return status;
}

/* ---- Stored results */

static void write_key(int64_t collection, int ef, char key[48]) {
  snprintf(key, 48, "hnsw/%lld/%d", (long long)collection, ef);
}

static sb_status save(sb_store *store, int64_t collection, const sb_hnsw_recall *r, sb_error *error) {
  char key[48], text[96];
  write_key(collection, r->ef, key);
  int length = snprintf(text, sizeof text, "%zu %.6f %.6f %lld", r->probes, r->recall, r->mates, (long long)r->at_ms);
  sb_status status = sb_store_begin(store, error);
  if (status != SB_OK) return status;
  return sb_store_finish(store, sb_store_meta_set(store, key, text, (size_t)length, error), error);
}

/* Parses what `save` wrote; false: nothing is stored. */
static bool parse_recall(sb_statement *s, int column, sb_hnsw_recall *out) {
  char text[96] = "";
  size_t size = 0;
  long long at = 0;
  const char *bytes = sb_statement_column_blob(s, column, &size);
  if (bytes && size < sizeof text) memcpy(text, bytes, size);
  if (sscanf(text, "%zu %lf %lf %lld", &out->probes, &out->recall, &out->mates, &at) != 4) return false;
  out->at_ms = at;
  return true;
}

/* ---- Measuring */

static sb_status open_searches(sb_store *store, measurement *m, const sb_hnsw_recall *wanted, sb_error *error) {
  m->by_index = sb_alloc(m->count, sizeof *m->by_index, error);
  m->scores = sb_alloc(m->count, sizeof *m->scores, error);
  if (!m->by_index || !m->scores) return SB_NO_MEMORY;
  sb_status status = sb_database_search_new(store, 0, &m->exact, error);
  for (size_t i = 0; status == SB_OK && i < m->count; i++)
    status = sb_database_search_new(store, wanted[i].ef, &m->by_index[i], error);
  return status;
}

static void close_searches(measurement *m) {
  for (size_t i = 0; m->by_index && i < m->count; i++) sb_database_search_free(m->by_index[i]);
  sb_database_search_free(m->exact);
  free(m->by_index);
  free(m->scores);
}

static sb_status measure(sb_store *store, measurement *m, sb_hnsw_recall *out, sb_error *error) {
  sb_status status = open_searches(store, m, out, error);
  for (size_t i = 0; status == SB_OK && i < m->probes; i++) status = run_probe(m, i, error);
  for (size_t i = 0; status == SB_OK && i < m->count; i++) {
    const score *c = &m->scores[i];
    out[i] = (sb_hnsw_recall){.ef = out[i].ef,
                              .probes = m->probes,
                              .recall = (double)c->found / (double)c->wanted,
                              .mates = c->mates ? (double)c->mates_found / (double)c->mates : 0,
                              .at_ms = sb_now_ms()};
    status = save(store, m->collection, &out[i], error);
  }
  close_searches(m);
  return status;
}

sb_status sb_hnsw_measure(sb_store *store, const sb_store_collection *collection, size_t probes, sb_hnsw_recall *out,
                          size_t count, sb_error *error) {
  sb_hnsw_state state;
  sample s = {0};
  sb_status status = sb_hnsw_state_get(store, collection, &state, error);
  if (status != SB_OK) return status;
  if (!state.whole)
    return sb_fail(error, SB_NOT_FOUND, "the collection has no HNSW index; `semblance hnsw build` builds one");
  status = draw(store, collection, probes > SAMPLE_LEAST ? probes : SAMPLE_LEAST, &s, error);
  if (status == SB_OK && s.count < SAMPLE_LEAST)
    status = sb_fail(error, SB_INVALID, "the collection has %zu faces, too few to measure an index with", s.count);
  measurement m = {.collection = collection->row, .sample = &s, .count = count};
  m.probes = probes < s.count ? probes : s.count;
  if (status == SB_OK) status = measure(store, &m, out, error);
  sample_free(&s);
  return status;
}

sb_status sb_hnsw_recall_get(sb_store *store, int64_t collection, sb_hnsw_recall *out, sb_error *error) {
  char key[48];
  sb_hnsw_recall r = {.ef = out->ef};
  write_key(collection, out->ef, key);
  sb_store_lock(store);
  sb_statement s = sb_store_meta_select(store, key, error);
  if (!sb_statement_step(&s) || !parse_recall(&s, 0, &r)) r.probes = 0;
  sb_status status = sb_statement_end(&s);
  sb_store_unlock(store);
  if (status == SB_OK) *out = r;
  return status;
}

sb_status sb_hnsw_summarize(sb_store *store, int ef, sb_hnsw_summary *out, sb_error *error) {
  enum { VALID, RECALL };
  sb_hnsw_summary sum = {.recall = 1};
  sb_status status = sb_hnsw_supported(store, error);
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
    if (!sb_statement_column_int(&s, VALID)) continue;
    sum.indexed++;
    double measured = parse_recall(&s, RECALL, &r) ? r.recall : -1;
    if (measured < sum.recall) sum.recall = measured;
  }
  status = sb_statement_end(&s);
  sb_store_unlock(store);
  if (!sum.indexed) sum.recall = -1;
  if (status == SB_OK) *out = sum;
  return status;
}
