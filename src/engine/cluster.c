/* Public: grouping faces of unknown people. Agglomerative clustering over a nearest-neighbour graph, with average
 * linkage:
 *
 *   1. An index of all faces gives each face its NEIGHBOURS most similar ones; pairs below the threshold are dropped.
 *   2. Pairs are taken from the most similar down. Two groups join when their faces are similar on average, too, so
 *      that one look-alike does not tie two people together, and unless they hold faces that are certainly of two
 *      people (cannot_link.h): twins who are in one photo stay two.
 *   3. A group is named after the enrolled person that its mean face matches. Of groups that are certainly of two
 *      people only the most similar one gets that name.
 *
 * The same faces give the same groups: ties are broken by the faces' numbers, and groups are numbered by size. */
#include "engine/cannot_link.h"
#include "engine/child_rule.h"
#include "engine/collection_indexes.h"
#include "engine/flow.h"
#include "engine/verdict.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { NEIGHBOURS = 32, BATCH = 256 };

/* `parent` and `size` are a union-find (disjoint-set forest). `sums` holds, for each root, the sum of its faces'
 * vectors: the mean score of two groups is the inner product of their sums divided by the number of pairs. */
typedef struct grouping {
  const sb_cluster_request *request;
  size_t dim;
  uint32_t *parent, *size;
  float *sums;
  size_t edge_count, edge_room;
  sb_cluster_pair *edges;
  sb_cluster_links links;
  size_t kept_apart; /* as in sb_clusters */
} grouping;

static sb_status grouping_begin(grouping *g, sb_error *error) {
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

static void grouping_clear(grouping *g) {
  free(g->parent);
  free(g->size);
  free(g->sums);
  free(g->edges);
  sb_cluster_links_clear(&g->links);
}

/* ---- Step 1: similar pairs */

static sb_status fill_index(const grouping *g, sb_index *index, sb_error *error) {
  for (size_t i = 0; i < g->request->count; i++) {
    sb_status status = sb_index_put(index, i, i, g->request->embeddings[i], error);
    if (status != SB_OK) return status;
  }
  sb_index_settle(index);
  return SB_OK;
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
  g->edges[g->edge_count++] = (sb_cluster_pair){a < b ? a : b, a < b ? b : a, hit->score};
  return SB_OK;
}

/* The edges of `count` faces from number `from` on; `vectors` and `hits` have room for a batch. */
static sb_status find_edges_of(grouping *g, sb_index *index, size_t from, sb_index_query *query, sb_hit *hits,
                               sb_error *error) {
  size_t found[BATCH];
  sb_status status = sb_index_search(index, query, hits, found, error);
  for (size_t i = 0; status == SB_OK && i < query->count; i++)
    for (size_t h = 0; status == SB_OK && h < found[i]; h++)
      status = add_edge(g, from + i, &hits[i * NEIGHBOURS + h], error);
  return status;
}

static sb_status find_edges(grouping *g, sb_index *index, double threshold, sb_error *error) {
  float *vectors = sb_alloc(BATCH * g->dim, sizeof *vectors, error);
  sb_hit *hits = sb_alloc(BATCH * NEIGHBOURS, sizeof *hits, error);
  sb_index_query query = {
      .struct_size = sizeof query, .vectors = vectors, .k = NEIGHBOURS, .has_floor = true, .floor = (float)threshold};
  sb_status status = vectors && hits ? SB_OK : SB_NO_MEMORY;
  for (size_t from = 0; status == SB_OK && from < g->request->count; from += BATCH) {
    query.count = g->request->count - from < BATCH ? g->request->count - from : BATCH;
    for (size_t i = 0; i < query.count; i++)
      memcpy(vectors + i * g->dim, g->request->embeddings[from + i], g->dim * sizeof *vectors);
    status = find_edges_of(g, index, from, &query, hits, error);
  }
  free(vectors);
  free(hits);
  return status;
}

static sb_status find_pairs(grouping *g, double threshold, sb_error *error) {
  sb_thread_team *team = NULL;
  sb_index *index = NULL;
  sb_status status = sb_thread_team_new(0, &team, error);
  if (status != SB_OK) return status;
  const sb_index_options options = {.struct_size = sizeof options, .dim = g->dim, .thread_team = team};
  status = sb_index_new(&options, &index, error);
  if (status != SB_OK) goto done;
  status = fill_index(g, index, error);
  if (status != SB_OK) goto done;
  status = find_edges(g, index, threshold, error);
done:
  sb_index_free(index);
  sb_thread_team_free(team);
  return status;
}

/* ---- Step 2: joining */

static int most_similar_first(const void *a, const void *b) {
  const sb_cluster_pair *x = a, *y = b;
  if (x->score != y->score) return x->score < y->score ? 1 : -1;
  return x->one != y->one ? (x->one > y->one ? 1 : -1) : (x->other > y->other) - (x->other < y->other);
}

static uint32_t root_of(const grouping *g, uint32_t face) {
  while (g->parent[face] != face) face = g->parent[face] = g->parent[g->parent[face]];
  return face;
}

static bool alike_on_average(const grouping *g, uint32_t a, uint32_t b, double mean_threshold) {
  double pairs = (double)g->size[a] * (double)g->size[b];
  return (double)sb_dot(g->sums + a * g->dim, g->sums + b * g->dim, g->dim) >= mean_threshold * pairs;
}

static sb_status join(grouping *g, uint32_t a, uint32_t b, sb_error *error) {
  float *sum = g->sums + a * g->dim, *other = g->sums + b * g->dim;
  sb_status status = sb_cluster_claims_join(&g->links.claims, a, b, error);
  if (status != SB_OK) return status;
  for (size_t d = 0; d < g->dim; d++) sum[d] += other[d];
  g->parent[b] = a;
  g->size[a] += g->size[b];
  return SB_OK;
}

static sb_status join_groups(grouping *g, double mean_threshold, sb_error *error) {
  sb_status status = SB_OK;
  if (g->edge_count) qsort(g->edges, g->edge_count, sizeof *g->edges, most_similar_first);
  for (size_t e = 0; e < g->edge_count; e++) {
    const sb_cluster_pair *pair = &g->edges[e], *before = e ? pair - 1 : NULL;
    bool again = before && before->one == pair->one && before->other == pair->other; /* found from both sides */
    g->kept_apart += !again && sb_cluster_claims_conflict(&g->links.claims, pair->one, pair->other);
  }
  for (size_t e = 0; status == SB_OK && e < g->edge_count; e++) {
    uint32_t a = root_of(g, g->edges[e].one), b = root_of(g, g->edges[e].other);
    if (a != b && alike_on_average(g, a, b, mean_threshold) && !sb_cluster_claims_conflict(&g->links.claims, a, b))
      status = join(g, a, b, error);
  }
  return status;
}

/* For numbering the groups: the largest first, equal ones by their first face. */
typedef struct group_rank {
  uint32_t root, size, first;
} group_rank;

static int largest_first(const void *a, const void *b) {
  const group_rank *x = a, *y = b;
  if (x->size != y->size) return x->size < y->size ? 1 : -1;
  return (x->first > y->first) - (x->first < y->first);
}

/* `ranks` and `number` have room for all faces; gives how many groups there are. */
static size_t number_faces(grouping *g, group_rank *ranks, uint32_t *number, uint32_t *cluster_of) {
  size_t count = g->request->count, groups = 0;
  for (uint32_t i = 0; i < count; i++)
    if (root_of(g, i) == i) ranks[groups++] = (group_rank){i, g->size[i], UINT32_MAX};
  for (uint32_t r = 0; r < groups; r++) number[ranks[r].root] = r;
  for (uint32_t i = 0; i < count; i++) {
    group_rank *rank = &ranks[number[root_of(g, i)]];
    if (i < rank->first) rank->first = i;
  }
  qsort(ranks, groups, sizeof *ranks, largest_first);
  for (uint32_t r = 0; r < groups; r++) number[ranks[r].root] = r;
  for (uint32_t i = 0; i < count; i++) cluster_of[i] = number[root_of(g, i)];
  return groups;
}

static sb_status number_groups(grouping *g, sb_clusters *out, sb_error *error) {
  size_t count = g->request->count;
  group_rank *ranks = sb_alloc(count, sizeof *ranks, error);
  uint32_t *number = sb_alloc(count, sizeof *number, error);
  out->cluster_of = sb_alloc(count, sizeof *out->cluster_of, error);
  bool room = ranks && number && out->cluster_of;
  if (room) out->count = number_faces(g, ranks, number, out->cluster_of);
  free(ranks);
  free(number);
  return room ? SB_OK : SB_NO_MEMORY;
}

/* ---- Step 3: names */

static double overlap(const sb_box *a, const sb_box *b) {
  double w = fmin(a->x + a->w, b->x + b->w) - fmax(a->x, b->x), h = fmin(a->y + a->h, b->y + b->h) - fmax(a->y, b->y);
  return w > 0 && h > 0 ? w * h : 0;
}

/* Finds the face in its photo again, and applies the child rule to it. A photo that shows no face there any more says
 * nothing. */
static sb_status check_face(sb_engine *engine, const sb_cluster_request *request, size_t face, bool *child,
                            sb_error *error) {
  sb_photo photo = {0};
  sb_faces *faces = NULL;
  sb_box box = {0};
  void *bytes = NULL;
  sb_status status = request->photo(request->context, face, &bytes, &photo.size, &box, error);
  if (status != SB_OK) return status;
  photo.bytes = bytes;
  status = sb_flow_faces(engine, photo, sb_child_want(engine), NULL, &faces, error);
  size_t best = 0;
  for (size_t i = 1; status == SB_OK && i < faces->count; i++)
    if (overlap(&faces->items[i].box, &box) > overlap(&faces->items[best].box, &box)) best = i;
  if (status == SB_OK && faces->count) status = sb_child_face(engine, faces, best, child, error);
  sb_faces_free(faces);
  free(bytes);
  return status;
}

/* Does the child rule hold back the name of this group? By the person's stored age, or half of the faces looked at. */
static sb_status check_group(sb_engine *engine, const grouping *g, uint32_t root, const sb_candidate *match,
                             bool *child, sb_error *error) {
  enum { FACES_LOOKED_AT = 3 };
  size_t looked = 0, children = 0;
  *child = sb_child_person(engine, match->has_attributes, &match->attributes);
  if (*child || !g->request->photo || engine->children != SB_CHILDREN_UNSURE) return SB_OK;
  for (uint32_t i = 0; i < g->request->count && looked < FACES_LOOKED_AT; i++) {
    bool one = false;
    if (root_of(g, i) != root) continue;
    sb_status status = check_face(engine, g->request, i, &one, error);
    if (status != SB_OK) return status;
    looked++;
    children += one;
  }
  *child = 2 * children >= looked && children;
  return SB_OK;
}

/* Names the group with this root, if an enrolled person matches its mean face. */
static sb_status name_group(sb_engine *engine, const sb_flow_search *search, const grouping *g, uint32_t root,
                            sb_clusters *out, sb_error *error) {
  sb_flow_found found = {0};
  float *mean = g->sums + root * g->dim;
  sb_normalize(mean, g->dim);
  sb_status status = sb_flow_candidates(engine, search, mean, &found, error);
  if (status != SB_OK) return status;
  if (found.count && found.candidates[0].verdict == SB_VERDICT_MATCH) {
    bool *child = &out->children[out->cluster_of[root]], *rival = &out->rivals[out->cluster_of[root]];
    *rival = sb_cluster_links_person(&g->links, root, found.best);
    if (!*rival) status = check_group(engine, g, root, &found.candidates[0], child, error);
    if (status == SB_OK && !*child && !*rival) {
      out->names[out->cluster_of[root]] = found.candidates[0];
      found.count = 0; /* its texts moved over */
    }
  }
  sb_candidates_free(found.candidates, found.count);
  return status;
}

/* A named group with its root. */
typedef struct named_group {
  const char *id;
  double score;
  uint32_t root, group;
} named_group;

static int by_id_and_score(const void *a, const void *b) {
  const named_group *x = a, *y = b;
  int order = strcmp(x->id, y->id);
  if (order) return order;
  if (x->score != y->score) return x->score < y->score ? 1 : -1;
  return (x->group > y->group) - (x->group < y->group);
}

static bool has_rival(const grouping *g, const named_group *named, size_t from, size_t i) {
  for (size_t k = from; k < i; k++)
    if (named[k].group != UINT32_MAX && sb_cluster_claims_conflict(&g->links.claims, named[k].root, named[i].root))
      return true;
  return false;
}

/* Takes the name of each group that is certainly not the person whom a more similar group is named after. */
static sb_status settle_rivals(const grouping *g, sb_clusters *out, sb_error *error) {
  size_t count = 0, from = 0;
  named_group *named = sb_alloc(out->count, sizeof *named, error);
  if (!named) return SB_NO_MEMORY;
  for (uint32_t i = 0; i < g->request->count; i++) {
    const sb_candidate *name = &out->names[out->cluster_of[i]];
    if (g->parent[i] == i && name->id) named[count++] = (named_group){name->id, name->score, i, out->cluster_of[i]};
  }
  if (count) qsort(named, count, sizeof *named, by_id_and_score);
  for (size_t i = 0; i < count; i++) {
    if (strcmp(named[i].id, named[from].id) != 0) from = i;
    if (has_rival(g, named, from, i)) {
      out->rivals[named[i].group] = true;
      named[i].group = UINT32_MAX;
    }
  }
  free(named);
  for (size_t c = 0; c < out->count; c++) {
    if (!out->rivals[c]) continue;
    free(out->names[c].id);
    free(out->names[c].name);
    out->names[c] = (sb_candidate){0};
  }
  return SB_OK;
}

static sb_status name_groups(sb_engine *engine, const sb_flow_search *search, const grouping *g, sb_clusters *out,
                             sb_error *error) {
  out->names = sb_alloc(out->count, sizeof *out->names, error);
  out->children = sb_alloc(out->count, sizeof *out->children, error);
  out->rivals = sb_alloc(out->count, sizeof *out->rivals, error);
  if (!out->names || !out->children || !out->rivals) return SB_NO_MEMORY;
  if (!search->collection->info.faces) return SB_OK;
  sb_status status = sb_collection_indexes_sync(engine->indexes, error);
  for (uint32_t i = 0; status == SB_OK && i < g->request->count; i++)
    if (g->parent[i] == i) status = name_group(engine, search, g, i, out, error);
  return status == SB_OK ? settle_rivals(g, out, error) : status;
}

/* ---- Public */

static sb_status group_faces(sb_engine *engine, grouping *g, const sb_flow_search *naming, sb_clusters *out,
                             sb_error *error) {
  sb_cluster_links *links = &g->links;
  sb_status status = grouping_begin(g, error);
  if (status != SB_OK) return status;
  status = find_pairs(g, out->threshold, error);
  if (status != SB_OK) return status;
  status = sb_cluster_links_begin(engine, g->request, naming, g->edges, g->edge_count, links, error);
  if (status != SB_OK) return status;
  status = join_groups(g, fmin(naming->embedder->calibration.default_threshold, out->threshold), error);
  if (status != SB_OK) return status;
  out->kept_apart = g->kept_apart;
  out->copies = links->copies;
  links->copies = NULL;
  return number_groups(g, out, error);
}

static sb_status cluster(sb_engine *engine, grouping *g, sb_clusters *out, sb_error *error) {
  const sb_cluster_request *request = g->request;
  sb_store_collection collection;
  sb_embedder embedder;
  sb_status status = sb_engine_collection(engine, request->collection, false, &collection, error);
  if (status != SB_OK) return status;
  status = sb_engine_collection_embedder(engine, &collection, &embedder, error);
  if (status != SB_OK) return status;
  sb_flow_search naming = {&collection, &embedder, 1, 0};
  g->dim = embedder.dim;
  status = sb_verdict_search_threshold(&embedder, &request->target, request->count, &out->threshold, error);
  if (status != SB_OK) return status;
  status = sb_verdict_search_threshold(&embedder, &(sb_target){0}, collection.info.people, &naming.threshold, error);
  if (status != SB_OK) return status;
  status = group_faces(engine, g, &naming, out, error);
  if (status != SB_OK) return status;
  status = name_groups(engine, &naming, g, out, error);
  if (status != SB_OK) return status;
  /* Naming a group is a look at the gallery, so it is in the audit. */
  const sb_audit_event event = {"cluster", collection.row, 0, (int64_t)request->count};
  return sb_engine_audit_verdict(engine, &event, error);
}

sb_status sb_engine_cluster(sb_engine *engine, const sb_cluster_request *request, sb_clusters **out, sb_error *error) {
  if (request->struct_size != sizeof *request) return sb_fail(error, SB_MISUSE, "struct_size is not set");
  if (request->count > UINT32_MAX / 2)
    return sb_fail(error, SB_INVALID, "at most %u faces can be grouped", UINT32_MAX / 2);
  sb_status status = sb_engine_enter(engine, error);
  if (status != SB_OK) return status;
  grouping g = {.request = request};
  sb_clusters *clusters = sb_alloc(1, sizeof *clusters, error);
  status = clusters ? cluster(engine, &g, clusters, error) : SB_NO_MEMORY;
  grouping_clear(&g);
  if (status == SB_OK)
    *out = clusters;
  else
    sb_clusters_free(clusters);
  sb_engine_leave(engine);
  return status;
}
