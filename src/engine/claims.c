/* Each group's claims are sorted by space, so two groups are compared by looking the claims of the smaller one up among
 * those of the larger one. */
#include "engine/claims.h"

#include <stdlib.h>
#include <string.h>

static int by_face_and_space(const void *a, const void *b) {
  const sb_cluster_claim *x = a, *y = b;
  if (x->face != y->face) return x->face > y->face ? 1 : -1;
  return (x->space > y->space) - (x->space < y->space);
}

sb_status sb_cluster_claims_begin(sb_cluster_claims *claims, size_t faces, const sb_cluster_claim *list, size_t count,
                                  sb_error *error) {
  *claims = (sb_cluster_claims){.faces = faces};
  claims->list = sb_alloc(count, sizeof *claims->list, error);
  claims->groups = sb_alloc(faces, sizeof *claims->groups, error);
  if (!claims->list || !claims->groups) return SB_NO_MEMORY;
  if (!count) return SB_OK;
  memcpy(claims->list, list, count * sizeof *list);
  qsort(claims->list, count, sizeof *claims->list, by_face_and_space);
  for (size_t i = 0; i < count; i++) {
    sb_cluster_claims_of_group *group = &claims->groups[claims->list[i].face];
    if (!group->count++) group->items = &claims->list[i];
  }
  return SB_OK;
}

void sb_cluster_claims_clear(sb_cluster_claims *claims) {
  for (size_t i = 0; claims->groups && i < claims->faces; i++)
    if (claims->groups[i].owned) free(claims->groups[i].items);
  free(claims->groups);
  free(claims->list);
  *claims = (sb_cluster_claims){0};
}

static int by_space(const void *a, const void *b) {
  const sb_cluster_claim *x = a, *y = b;
  return (x->space > y->space) - (x->space < y->space);
}

bool sb_cluster_claims_conflict(const sb_cluster_claims *claims, uint32_t one, uint32_t other) {
  const sb_cluster_claims_of_group *small = &claims->groups[one], *large = &claims->groups[other];
  if (small->count > large->count) small = &claims->groups[other], large = &claims->groups[one];
  for (size_t i = 0; i < small->count; i++) {
    const sb_cluster_claim *found = bsearch(&small->items[i], large->items, large->count, sizeof *found, by_space);
    if (found && found->whom != small->items[i].whom) return true;
  }
  return false;
}

/* `out` has room for the claims of both. */
static size_t merge(const sb_cluster_claims_of_group *a, const sb_cluster_claims_of_group *b, sb_cluster_claim *out) {
  size_t i = 0, j = 0, count = 0;
  while (i < a->count || j < b->count) {
    bool first = j == b->count || (i < a->count && a->items[i].space <= b->items[j].space);
    if (first && j < b->count && a->items[i].space == b->items[j].space) j++;
    out[count++] = first ? a->items[i++] : b->items[j++];
  }
  return count;
}

sb_status sb_cluster_claims_join(sb_cluster_claims *claims, uint32_t into, uint32_t other, sb_error *error) {
  sb_cluster_claims_of_group *a = &claims->groups[into], *b = &claims->groups[other];
  if (!b->count) return SB_OK;
  sb_cluster_claim *items = sb_alloc(a->count + b->count, sizeof *items, error);
  if (!items) return SB_NO_MEMORY;
  const sb_cluster_claims_of_group joined = {merge(a, b, items), items, true};
  if (a->owned) free(a->items);
  if (b->owned) free(b->items);
  *b = (sb_cluster_claims_of_group){0};
  *a = joined;
  return SB_OK;
}
