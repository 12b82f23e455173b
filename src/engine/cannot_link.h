/* What sb_engine_cluster knows of faces that are certainly of different people, as claims (claims.h): faces of one
 * photo, and faces of enrolled people who were marked as different people. */
#ifndef SB_ENGINE_CANNOT_LINK_H
#define SB_ENGINE_CANNOT_LINK_H

#include "engine/claims.h"
#include "engine/flow.h"

/* Two faces of a request and how similar they are. */
typedef struct sb_cluster_pair {
  uint32_t one, other; /* one < other */
  float score;
} sb_cluster_pair;

typedef struct sb_cluster_links {
  sb_cluster_claims claims;
  bool *copies; /* of each face, as in sb_clusters */
  sb_store_different_pair *different;
  size_t different_count;
} sb_cluster_links;

/* `pairs`: the similar faces. `naming`: how a face is searched for among the enrolled people. Syncs the indexes when
 * people were marked as different. */
sb_status sb_cluster_links_begin(sb_engine *engine, const sb_cluster_request *request, const sb_flow_search *naming,
                                 const sb_cluster_pair *pairs, size_t pair_count, sb_cluster_links *out,
                                 sb_error *error);
void sb_cluster_links_clear(sb_cluster_links *links);
/* Is the group with this root certainly not the enrolled person of that row? */
bool sb_cluster_links_person(const sb_cluster_links *links, uint32_t root, int64_t person);

#endif
