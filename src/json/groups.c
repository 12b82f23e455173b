/* Groups of faces, and people who look the same, as JSON. */
#include "json/results.h"

#include "base/base.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Three significant digits, as for chances. */
static json_t *short_number(double value) {
  char text[32];
  snprintf(text, sizeof text, "%.3g", value);
  return json_real(strtod(text, NULL));
}

json_t *sb_json_duplicates(const sb_duplicates *found) {
  json_t *list = json_array();
  for (size_t i = 0; list && i < found->count; i++) {
    const sb_duplicate *d = &found->items[i];
    json_t *people =
        json_pack("[{s:s,s:s},{s:s,s:s}]", "id", d->ids[0], "name", d->names[0], "id", d->ids[1], "name", d->names[1]);
    json_array_append_new(
        list, json_pack("{s:o,s:o,s:o,s:o,s:b}", "people", people, "similarity", short_number(d->similarity),
                        "false_match_rate", short_number(d->false_match_rate), "false_match_rate_upper",
                        short_number(d->false_match_upper), "false_match_rate_is_bound", d->false_match_bound));
  }
  return json_pack("{s:o,s:I,s:I,s:I,s:o,s:o,s:o}", "pairs", list, "total", (json_int_t)found->total, "people",
                   (json_int_t)found->people, "faces", (json_int_t)found->faces, "threshold",
                   short_number(found->threshold), "expected_by_chance", short_number(found->expected_by_chance),
                   "elapsed_ms", short_number(found->elapsed_ms));
}

sb_status sb_groups_list(const sb_clusters *clusters, size_t faces, sb_group_listing *out, sb_error *error) {
  out->order = sb_alloc(faces, sizeof *out->order, error);
  out->from = sb_alloc(clusters->count + 2, sizeof *out->from, error);
  if (!out->order || !out->from) return SB_NO_MEMORY;
  for (size_t f = 0; f < faces; f++) out->from[clusters->cluster_of[f] + 2]++;
  for (size_t c = 2; c < clusters->count + 2; c++) out->from[c] += out->from[c - 1];
  for (size_t f = 0; f < faces; f++) out->order[out->from[clusters->cluster_of[f] + 1]++] = f;
  return SB_OK;
}

void sb_groups_free(sb_group_listing *listing) {
  free(listing->order);
  free(listing->from);
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
  const sb_seen_face *x = a, *y = b;
  int order = compare_folders(x->photo, y->photo);
  if (!order) order = strcmp(x->photo, y->photo);
  if (!order) order = (x->box.y > y->box.y) - (x->box.y < y->box.y);
  return order ? order : (x->box.x > y->box.x) - (x->box.x < y->box.x);
}

void sb_seen_faces_sort(sb_seen_face *faces, size_t count, const float **embeddings) {
  if (count) qsort(faces, count, sizeof *faces, compare_faces);
  for (size_t i = 0; i < count; i++) embeddings[i] = faces[i].embedding;
}

bool sb_group_folder_begins(const sb_group_listing *l, const sb_seen_face *faces, size_t group, size_t i) {
  return i == l->from[group] || compare_folders(faces[l->order[i]].photo, faces[l->order[i - 1]].photo) != 0;
}

/* A path is bytes; JSON is UTF-8: what is not is left out. */
static json_t *path_json(const char *path, size_t length) {
  return sb_utf8_valid(path, length) ? json_stringn(path, length) : json_string("");
}

static json_t *group_json(const sb_clusters *clusters, const sb_group_listing *l, const sb_seen_face *faces,
                          size_t group) {
  json_t *list = json_array(), *folders = json_array();
  for (size_t i = l->from[group]; list && folders && i < l->from[group + 1]; i++) {
    const sb_seen_face *face = &faces[l->order[i]];
    json_array_append_new(list,
                          json_pack("{s:o,s:{s:f,s:f,s:f,s:f}}", "photo", path_json(face->photo, strlen(face->photo)),
                                    "box", "x", (double)face->box.x, "y", (double)face->box.y, "w", (double)face->box.w,
                                    "h", (double)face->box.h));
    if (sb_group_folder_begins(l, faces, group, i))
      json_array_append_new(folders, path_json(face->photo, folder_length(face->photo)));
  }
  const sb_candidate *who = &clusters->names[group];
  json_t *person = who->id ? json_pack("{s:s,s:s,s:o}", "id", who->id, "name", who->name, "similarity",
                                       short_number(who->similarity))
                           : json_null();
  return json_pack("{s:o,s:o,s:o}", "person", person, "faces", list, "folders", folders);
}

json_t *sb_json_clusters(const sb_clusters *clusters, const sb_seen_face *faces, size_t count, size_t photos) {
  sb_group_listing listing = {0};
  json_t *groups = NULL;
  if (sb_groups_list(clusters, count, &listing, NULL) == SB_OK) groups = json_array();
  for (size_t c = 0; groups && c < clusters->count; c++)
    json_array_append_new(groups, group_json(clusters, &listing, faces, c));
  sb_groups_free(&listing);
  if (!groups) return NULL;
  return json_pack("{s:o,s:I,s:I,s:o}", "groups", groups, "photos", (json_int_t)photos, "faces", (json_int_t)count,
                   "threshold", short_number(clusters->threshold));
}
