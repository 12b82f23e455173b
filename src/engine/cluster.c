/* Grouping faces of unknown people. Each face looks for its most alike in an index of all; pairs that are alike enough
 * are taken from the most alike down, and two groups join when their faces are also alike on average: one look-alike
 * does not tie two people together. */
#include "engine/collection_indexes.h"
#include "engine/flow.h"
#include "engine/verdict.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { NEIGHBOURS = 32, BATCH = 256 };

typedef struct edge {
  uint32_t one, other;
  float score;
} edge;

/* `parent` and `size` are a union-find; `sums` holds, for each root, the sum of its faces' vectors: the mean comparison
 * score of two groups is the inner product of their sums by the number of pairs. */
typedef struct grouping {
  const sb_cluster_request *request;
  size_t dim;
  uint32_t *parent, *size;
  float *sums;
  size_t edge_count, edge_room;
  edge *edges;
} grouping;

static sb_status build_index(const grouping *g, sb_thread_team *team, sb_index **out, sb_error *error) {
  const sb_index_options options = {.struct_size = sizeof options, .dim = g->dim, .thread_team = team};
  sb_index *index = NULL;
  sb_status status = sb_index_new(&options, &index, error);
  for (size_t i = 0; status == SB_OK && i < g->request->count; i++)
    status = sb_index_put(index, i, i, g->request->embeddings[i], error);
  if (status == SB_OK) sb_index_settle(index);
  if (status == SB_OK)
    *out = index;
  else
    sb_index_free(index);
  return status;
}

static sb_status add_edge(grouping *g, size_t face, const sb_hit *hit, sb_error *error) {
  if (hit->key == face) return SB_OK;
  if (g->edge_count == g->edge_room) {
    void *grown = g->edges;
    size_t room = g->edge_room ? 2 * g->edge_room : 1024;
    sb_status status = sb_grow(&grown, room, sizeof *g->edges, error);
    if (status != SB_OK) return status;
    g->edges = grown;
    g->edge_room = room;
  }
  uint32_t a = (uint32_t)face, b = (uint32_t)hit->key;
  g->edges[g->edge_count++] = (edge){a < b ? a : b, a < b ? b : a, hit->score};
  return SB_OK;
}

static sb_status find_edges(grouping *g, sb_index *index, double threshold, sb_error *error) {
  size_t found[BATCH];
  float *vectors = sb_alloc(BATCH * g->dim, sizeof *vectors, error);
  sb_hit *hits = sb_alloc(BATCH * NEIGHBOURS, sizeof *hits, error);
  sb_status status = vectors && hits ? SB_OK : SB_NO_MEMORY;
  for (size_t from = 0; status == SB_OK && from < g->request->count; from += BATCH) {
    size_t count = g->request->count - from < BATCH ? g->request->count - from : BATCH;
    for (size_t i = 0; i < count; i++)
      memcpy(vectors + i * g->dim, g->request->embeddings[from + i], g->dim * sizeof *vectors);
    const sb_index_query query = {.struct_size = sizeof query,
                                  .vectors = vectors,
                                  .count = count,
                                  .k = NEIGHBOURS,
                                  .has_floor = true,
                                  .floor = (float)threshold};
    status = sb_index_search(index, &query, hits, found, error);
    for (size_t i = 0; status == SB_OK && i < count; i++)
      for (size_t h = 0; status == SB_OK && h < found[i]; h++)
        status = add_edge(g, from + i, &hits[i * NEIGHBOURS + h], error);
  }
  free(vectors);
  free(hits);
  return status;
}

static int most_alike_first(const void *a, const void *b) {
  const edge *x = a, *y = b;
  if (x->score != y->score) return x->score < y->score ? 1 : -1;
  return x->one != y->one ? (x->one > y->one ? 1 : -1) : (x->other > y->other) - (x->other < y->other);
}

static uint32_t root_of(grouping *g, uint32_t face) {
  while (g->parent[face] != face) face = g->parent[face] = g->parent[g->parent[face]];
  return face;
}

static void join_groups(grouping *g, double mean_threshold) {
  if (g->edge_count) qsort(g->edges, g->edge_count, sizeof *g->edges, most_alike_first);
  for (size_t e = 0; e < g->edge_count; e++) {
    uint32_t a = root_of(g, g->edges[e].one), b = root_of(g, g->edges[e].other);
    if (a == b) continue;
    float *sum = g->sums + a * g->dim, *other = g->sums + b * g->dim;
    double pairs = (double)g->size[a] * (double)g->size[b];
    if ((double)sb_dot(sum, other, g->dim) < mean_threshold * pairs) continue;
    for (size_t d = 0; d < g->dim; d++) sum[d] += other[d];
    g->parent[b] = a;
    g->size[a] += g->size[b];
  }
}

/* Numbers the groups, the largest first, equal ones by their first face. */
typedef struct group_rank {
  uint32_t root, size, first;
} group_rank;

static int largest_first(const void *a, const void *b) {
  const group_rank *x = a, *y = b;
  if (x->size != y->size) return x->size < y->size ? 1 : -1;
  return (x->first > y->first) - (x->first < y->first);
}

static sb_status number_groups(grouping *g, sb_clusters *out, sb_error *error) {
  size_t count = g->request->count, groups = 0;
  group_rank *ranks = sb_alloc(count, sizeof *ranks, error);
  uint32_t *number = sb_alloc(count, sizeof *number, error);
  out->cluster_of = sb_alloc(count, sizeof *out->cluster_of, error);
  sb_status status = ranks && number && out->cluster_of ? SB_OK : SB_NO_MEMORY;
  for (uint32_t i = 0; status == SB_OK && i < count; i++)
    if (root_of(g, i) == i) ranks[groups++] = (group_rank){i, g->size[i], UINT32_MAX};
  for (uint32_t r = 0; status == SB_OK && r < groups; r++) number[ranks[r].root] = r;
  for (uint32_t i = 0; status == SB_OK && i < count; i++) {
    group_rank *rank = &ranks[number[root_of(g, i)]];
    if (i < rank->first) rank->first = i;
  }
  if (status == SB_OK) qsort(ranks, groups, sizeof *ranks, largest_first);
  for (uint32_t r = 0; status == SB_OK && r < groups; r++) number[ranks[r].root] = r;
  for (uint32_t i = 0; status == SB_OK && i < count; i++) out->cluster_of[i] = number[root_of(g, i)];
  if (status == SB_OK) out->count = groups;
  free(ranks);
  free(number);
  return status;
}

/* ---- Who they are */

/* The name of a group: the person that its mean face matches. */
static sb_status name_groups(sb_engine *engine, const sb_flow_search *search, const grouping *g, sb_clusters *out,
                             sb_error *error) {
  const sb_store_collection *collection = search->collection;
  out->names = sb_alloc(out->count, sizeof *out->names, error);
  if (!out->names) return SB_NO_MEMORY;
  sb_status status = collection->info.faces ? sb_collection_indexes_sync(engine->indexes, error) : SB_OK;
  for (uint32_t i = 0; status == SB_OK && collection->info.faces && i < g->request->count; i++) {
    if (g->parent[i] != i) continue;
    sb_flow_found found = {0};
    float *mean = g->sums + i * g->dim;
    sb_normalize(mean, g->dim);
    status = sb_flow_candidates(engine, search, mean, &found, error);
    if (status == SB_OK && found.count && found.candidates[0].verdict == SB_VERDICT_MATCH) {
      out->names[out->cluster_of[i]] = found.candidates[0];
      found.count = 0;
    }
    sb_candidates_free(found.candidates, found.count);
  }
  return status;
}

static sb_status start(grouping *g, sb_error *error) {
  size_t count = g->request->count;
  g->parent = sb_alloc(count, sizeof *g->parent, error);
  g->size = sb_alloc(count, sizeof *g->size, error);
  g->sums = count <= SIZE_MAX / g->dim ? sb_alloc(count * g->dim, sizeof *g->sums, error) : NULL;
  if (!g->parent || !g->size || !g->sums) return sb_fail(error, SB_NO_MEMORY, "out of memory for %zu faces", count);
  for (uint32_t i = 0; i < count; i++) {
    g->parent[i] = i;
    g->size[i] = 1;
    memcpy(g->sums + i * g->dim, g->request->embeddings[i], g->dim * sizeof *g->sums);
  }
  return SB_OK;
}

static sb_status group_faces(grouping *g, double threshold, double mean_threshold, sb_clusters *out, sb_error *error) {
  sb_thread_team *team = NULL;
  sb_index *index = NULL;
  sb_status status = start(g, error);
  if (status == SB_OK) status = sb_thread_team_new(0, &team, error);
  if (status == SB_OK) status = build_index(g, team, &index, error);
  if (status == SB_OK) status = find_edges(g, index, threshold, error);
  sb_index_free(index);
  sb_thread_team_free(team);
  if (status != SB_OK) return status;
  join_groups(g, mean_threshold);
  return number_groups(g, out, error);
}

sb_status sb_engine_cluster(sb_engine *engine, const sb_cluster_request *request, sb_clusters **out, sb_error *error) {
  if (request->struct_size != sizeof *request) return sb_fail(error, SB_MISUSE, "struct_size is not set");
  if (request->count > UINT32_MAX / 2)
    return sb_fail(error, SB_INVALID, "at most two thousand million faces can be grouped");
  sb_store_collection collection;
  sb_embedder embedder;
  grouping g = {.request = request};
  double naming = 0;
  sb_clusters *clusters = NULL;
  sb_status status = sb_engine_enter(engine, error);
  if (status != SB_OK) return status;
  status = sb_engine_collection(engine, request->collection, false, &collection, error);
  if (status == SB_OK) status = sb_engine_collection_embedder(engine, &collection, &embedder, error);
  if (status == SB_OK && !(clusters = sb_alloc(1, sizeof *clusters, error))) status = SB_NO_MEMORY;
  if (status == SB_OK) {
    g.dim = embedder.dim;
    status = sb_verdict_search_threshold(&embedder, &request->target, request->count, &clusters->threshold, error);
  }
  if (status == SB_OK)
    status = sb_verdict_search_threshold(&embedder, &(sb_target){0}, collection.info.faces, &naming, error);
  if (status == SB_OK)
    status = group_faces(&g, clusters->threshold, fmin(embedder.calibration.default_threshold, clusters->threshold),
                         clusters, error);
  if (status == SB_OK)
    status = name_groups(engine, &(sb_flow_search){&collection, &embedder, 1, naming}, &g, clusters, error);
  if (status == SB_OK) /* groups are named by a look at the gallery */
    status = sb_audit_record(engine->store, &(sb_audit_event){"cluster", collection.row, 0, (int64_t)request->count}, 1,
                             error);
  free(g.parent);
  free(g.size);
  free(g.sums);
  free(g.edges);
  if (status == SB_OK)
    *out = clusters;
  else
    sb_clusters_free(clusters);
  sb_engine_leave(engine);
  return status;
}
