/* L0: the public results (<semblance/semblance.h>) as JSON: one shape for `--json` of the program and for the API. */
#ifndef SB_JSON_RESULTS_H
#define SB_JSON_RESULTS_H

#include <jansson.h>
#include <semblance/semblance.h>

/* Each gives a new reference, or NULL when out of memory. `want`: which SB_WANT_* parts were asked for. */
json_t *sb_json_faces(const sb_faces *faces, unsigned want);
json_t *sb_json_search(const sb_search_result *result);
json_t *sb_json_comparison(const sb_comparison *comparison);
json_t *sb_json_people(const sb_people *people);
json_t *sb_json_person(const sb_person *person);
json_t *sb_json_picture(const uint8_t *bytes, size_t size); /* base64 */
json_t *sb_json_enrolled(const sb_enrolled *enrolled);
json_t *sb_json_kept_faces(const sb_kept_faces *faces);
json_t *sb_json_erasure(const sb_erasure *erasure);
json_t *sb_json_collections(const sb_collection *collections, size_t count);
json_t *sb_json_duplicates(const sb_duplicates *duplicates);
json_t *sb_json_target(const sb_target *target); /* its one number; {}: none */

/* A face that was looked at, by the label of its photo; who keeps the face says who owns its embedding. */
typedef struct sb_seen_face {
  const char *photo;
  sb_box box;
  float *embedding;
} sb_seen_face;
/* By folder, then photo, then place in it: the same groups come out in whatever order workers saw the faces. `embeddings`: of each
 * then, as a request to group them wants them. */
void sb_seen_faces_sort(sb_seen_face *faces, size_t count, const float **embeddings);
/* The groups of `count` faces of `photos` photos. */
json_t *sb_json_clusters(const sb_clusters *clusters, const sb_seen_face *faces, size_t count, size_t photos);

/* The faces of each group together: `order` lists them by group, group g from `from[g]` up to `from[g + 1]`. */
typedef struct sb_group_listing {
  size_t *order, *from;
} sb_group_listing;
sb_status sb_groups_list(const sb_clusters *clusters, size_t faces, sb_group_listing *out, sb_error *error);
void sb_groups_free(sb_group_listing *listing);
/* Is face number `i` of the listing the first of its group, or of another folder than the one before it? */
bool sb_group_folder_begins(const sb_group_listing *listing, const sb_seen_face *faces, size_t group, size_t i);

#endif
