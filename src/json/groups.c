/* Groups of faces: sorted by folder so that a person looking through them finds photos of one event together, and
 * listed with a counting sort over the group numbers. */
#include "json/groups.h"

#include "base/base.h"
#include "json/write.h"

#include <stdlib.h>
#include <string.h>

json_t *sb_json_duplicates(const sb_duplicates *found) {
  json_t *list = json_array();
  for (size_t i = 0; i < found->count; i++) {
    const sb_duplicate *d = &found->items[i];
    json_t *people =
        json_pack("[{s:s,s:s},{s:s,s:s}]", "id", d->ids[0], "name", d->names[0], "id", d->ids[1], "name", d->names[1]);
    sb_json_append(&list, json_pack("{s:o,s:o,s:o,s:o,s:o,s:b,s:b}", "people", people, "similarity",
                                    sb_json_rounded(d->similarity, 4), "score", sb_json_rounded(d->score, 4),
                                    "false_match_rate", sb_json_significant(d->false_match_rate, 2),
                                    "false_match_rate_upper", sb_json_significant(d->false_match_upper, 2),
                                    "false_match_rate_is_bound", d->false_match_bound, "child", d->child));
  }
  return json_pack("{s:o,s:I,s:I,s:I,s:I,s:o,s:o,s:o}", "pairs", list, "different", (json_int_t)found->different,
                   "total", (json_int_t)found->total, "people", (json_int_t)found->people, "faces",
                   (json_int_t)found->faces, "threshold", sb_json_significant(found->threshold, 3),
                   "expected_by_chance", sb_json_significant(found->expected_by_chance, 3), "elapsed_ms",
                   sb_json_significant(found->elapsed_ms, 3));
}

/* Counting sort: from[g + 2] counts, the sums make from[g + 1] the first free place of group g, and filling the
 * places moves it to the end of the group. */
sb_status sb_groups_list(const sb_clusters *clusters, size_t faces, sb_groups_listing *out, sb_error *error) {
  out->order = sb_alloc(faces, sizeof *out->order, error);
  out->from = sb_alloc(clusters->count + 2, sizeof *out->from, error);
  if (!out->order || !out->from) {
    sb_groups_free(out);
    return SB_NO_MEMORY;
  }
  for (size_t f = 0; f < faces; f++) out->from[clusters->cluster_of[f] + 2]++;
  for (size_t c = 2; c < clusters->count + 2; c++) out->from[c] += out->from[c - 1];
  for (size_t f = 0; f < faces; f++) out->order[out->from[clusters->cluster_of[f] + 1]++] = f;
  return SB_OK;
}

void sb_groups_free(sb_groups_listing *listing) {
  free(listing->order);
  free(listing->from);
  *listing = (sb_groups_listing){0};
}

static size_t folder_length(const char *path) {
  const char *slash = strrchr(path, '/');
  return slash ? (size_t)(slash - path) : 0;
}

static int compare_folders(const char *one, const char *other) {
  size_t length = folder_length(one), others = folder_length(other);
  int order = strncmp(one, other, length < others ? length : others);
  return order ? order : (length > others) - (length < others);
}

static int compare_faces(const void *a, const void *b) {
  const sb_groups_face *x = a, *y = b;
  int order = compare_folders(x->photo, y->photo);
  if (!order) order = strcmp(x->photo, y->photo);
  if (!order) order = (x->box.y > y->box.y) - (x->box.y < y->box.y);
  return order ? order : (x->box.x > y->box.x) - (x->box.x < y->box.x);
}

void sb_groups_sort(sb_groups_face *faces, size_t count, const float **embeddings) {
  if (count) qsort(faces, count, sizeof *faces, compare_faces);
  for (size_t i = 0; i < count; i++) embeddings[i] = faces[i].embedding;
}

void sb_groups_photos(const sb_groups_face *faces, size_t count, uint32_t *photos) {
  for (size_t i = 0, photo = 0; i < count; i++) {
    if (i && strcmp(faces[i].photo, faces[i - 1].photo) != 0) photo++;
    photos[i] = (uint32_t)photo;
  }
}

bool sb_groups_folder_begins(const sb_groups_listing *l, const sb_groups_face *faces, size_t group, size_t i) {
  return i == l->from[group] || compare_folders(faces[l->order[i]].photo, faces[l->order[i - 1]].photo) != 0;
}

static json_t *face_json(const sb_groups_face *face, bool copy) {
  return json_pack("{s:o,s:{s:o,s:o,s:o,s:o},s:b}", "photo", sb_json_path(face->photo, strlen(face->photo)), "box", "x",
                   sb_json_float(face->box.x), "y", sb_json_float(face->box.y), "w", sb_json_float(face->box.w), "h",
                   sb_json_float(face->box.h), "copy", copy);
}

/* Why a group that matches somebody is not named. */
static const char *reason_of(const sb_clusters *clusters, size_t group) {
  return clusters->children[group] ? "child" : clusters->rivals[group] ? "different" : "";
}

static json_t *group_json(const sb_clusters *clusters, const sb_groups_listing *l, const sb_groups_face *faces,
                          size_t group) {
  json_t *list = json_array(), *folders = json_array();
  for (size_t i = l->from[group]; i < l->from[group + 1]; i++) {
    const sb_groups_face *face = &faces[l->order[i]];
    sb_json_append(&list, face_json(face, clusters->copies[l->order[i]]));
    if (sb_groups_folder_begins(l, faces, group, i))
      sb_json_append(&folders, sb_json_path(face->photo, folder_length(face->photo)));
  }
  const sb_candidate *who = &clusters->names[group];
  json_t *person = who->id ? json_pack("{s:s,s:s,s:o}", "id", who->id, "name", who->name, "similarity",
                                       sb_json_significant(who->similarity, 3))
                           : json_null();
  return json_pack("{s:o,s:s,s:o,s:o}", "person", person, "reason", reason_of(clusters, group), "faces", list,
                   "folders", folders);
}

json_t *sb_json_clusters(const sb_clusters *clusters, const sb_groups_face *faces, size_t count, size_t photos) {
  sb_groups_listing listing = {0};
  if (sb_groups_list(clusters, count, &listing, NULL) != SB_OK) return NULL;
  json_t *groups = json_array();
  for (size_t c = 0; c < clusters->count; c++) sb_json_append(&groups, group_json(clusters, &listing, faces, c));
  sb_groups_free(&listing);
  return json_pack("{s:o,s:I,s:I,s:o,s:I}", "groups", groups, "photos", (json_int_t)photos, "faces", (json_int_t)count,
                   "threshold", sb_json_significant(clusters->threshold, 3), "kept_apart",
                   (json_int_t)clusters->kept_apart);
}
