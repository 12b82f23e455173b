/* Cannot-link constraints of clustering: which faces are certainly of different people, whatever they look like.
 *
 * A face claims a space for somebody: in the space of a photo each face is another person (two faces of one photo are
 * two people), except that the copies of one face claim the photo for the same one. Two faces that claim one space for
 * different ones are never in one group. One thread. */
#ifndef SB_ENGINE_CLAIMS_H
#define SB_ENGINE_CLAIMS_H

#include "base/base.h"

typedef struct sb_cluster_claim {
  uint32_t face, space, whom;
} sb_cluster_claim;

typedef struct sb_cluster_claims_of_group {
  size_t count;
  sb_cluster_claim *items; /* by space, which each stands once in */
  bool owned;              /* else they are in sb_cluster_claims.list */
} sb_cluster_claims_of_group;

/* The claims of all groups, each by the number of its root face; at first a face is a group. */
typedef struct sb_cluster_claims {
  size_t faces;
  sb_cluster_claim *list;
  sb_cluster_claims_of_group *groups;
} sb_cluster_claims;

/* Copies `list`, in which a face claims a space at most once. */
sb_status sb_cluster_claims_begin(sb_cluster_claims *claims, size_t faces, const sb_cluster_claim *list, size_t count,
                                  sb_error *error);
void sb_cluster_claims_clear(sb_cluster_claims *claims);
/* Do the groups hold faces that are certainly of two people? */
bool sb_cluster_claims_conflict(const sb_cluster_claims *claims, uint32_t one, uint32_t other);
/* Moves the claims of `other` to `into`. SB_NO_MEMORY: nothing has changed. */
sb_status sb_cluster_claims_join(sb_cluster_claims *claims, uint32_t into, uint32_t other, sb_error *error);

#endif
