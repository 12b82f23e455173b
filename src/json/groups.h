/* Groups of faces, and pairs of people who look the same: their order, and their JSON. */
#ifndef SB_JSON_GROUPS_H
#define SB_JSON_GROUPS_H

#include <jansson.h>
#include <semblance/semblance.h>

json_t *sb_json_duplicates(const sb_duplicates *duplicates);

/* A face found in a photo. Both pointers are borrowed. */
typedef struct sb_groups_face {
  const char *photo; /* its path or label */
  sb_box box;
  float *embedding;
} sb_groups_face;

/* Sorts by folder, then photo, then place in the photo, so that the same groups come out in whatever order threads
 * found the faces. `embeddings` then lists the embedding of each, as a request to group them takes them. */
void sb_groups_sort(sb_groups_face *faces, size_t count, const float **embeddings);

/* Of each sorted face, the number of its photo, for a request to group them. `photos` has room for `count`. */
void sb_groups_photos(const sb_groups_face *faces, size_t count, uint32_t *photos);

/* The faces of each group: `order` lists the faces by group, those of group g from `from[g]` up to `from[g + 1]`. */
typedef struct sb_groups_listing {
  size_t *order, *from;
} sb_groups_listing;
sb_status sb_groups_list(const sb_clusters *clusters, size_t faces, sb_groups_listing *out, sb_error *error);
void sb_groups_free(sb_groups_listing *listing);
/* Is entry `i` of the listing the first one of its group, or in another folder than the entry before it? */
bool sb_groups_folder_begins(const sb_groups_listing *listing, const sb_groups_face *faces, size_t group, size_t i);

/* The groups of `count` faces from `photos` photos. NULL when out of memory. */
json_t *sb_json_clusters(const sb_clusters *clusters, const sb_groups_face *faces, size_t count, size_t photos);

#endif
