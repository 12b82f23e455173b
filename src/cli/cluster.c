/* Subcommands about who is who: cluster (unknown people in a folder of photos) and dedup (one person under two ids). */
#include "cli/cli.h"
#include "cli/photo_batch.h"
#include "json/groups.h"
#include "json/results.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* ---- dedup */

static void print_duplicates(const sb_duplicates *found) {
  for (size_t i = 0; i < found->count; i++) {
    const sb_duplicate *d = &found->items[i];
    char odds[64];
    sb_cli_odds(d->false_match_rate, d->false_match_bound, odds, sizeof odds);
    printf("%.3f  %s (%s)  %s (%s); chance that two different people are this alike: %s\n", d->similarity, d->names[0],
           d->ids[0], d->names[1], d->ids[1], odds);
  }
  if (found->count < found->total) printf("and %zu more (--limit)\n", found->total - found->count);
  printf("%zu %s from %.3f among %zu %s of %zu %s, in %.1f s; by chance %.2g pairs are expected\n", found->total,
         sb_cli_word(found->total, "pair", "pairs"), found->threshold, found->faces,
         sb_cli_word(found->faces, "face", "faces"), found->people, sb_cli_word(found->people, "person", "people"),
         found->elapsed_ms / 1000, found->expected_by_chance);
}

sb_exit sb_command_dedup(sb_cli *cli) {
  size_t limit = 1000;
  const sb_flag flags[] = {{"--limit", SB_FLAG_COUNT, &limit}};
  if (!SB_FLAGS_TAKE(cli, flags, 0, 0)) return SB_EXIT_USAGE;
  sb_error error = {0};
  sb_engine *engine = NULL;
  sb_duplicates *found = NULL;
  sb_dedup_request request = {.struct_size = sizeof request, .collection = cli->config->collection, .limit = limit};
  sb_status status = sb_cli_engine(cli, false, &engine, &error);
  if (status == SB_OK) request.target = sb_cli_target(cli, engine);
  if (status == SB_OK) status = sb_engine_dedup(engine, &request, &found, &error);
  sb_exit code = SB_EXIT_OK;
  if (status != SB_OK)
    code = sb_cli_fail(cli, status, &error);
  else if (cli->json)
    code = sb_cli_print_json(cli, sb_json_duplicates(found), code);
  else
    print_duplicates(found);
  sb_duplicates_free(found);
  sb_engine_free(engine);
  return code;
}

/* ---- cluster: the photos of a folder and of those in it */

enum { DEPTH_MAX = 32 };

typedef struct album {
  size_t count, room;
  char **paths; /* of photos */
  sb_gathered *photos;
  size_t face_count;
  const float **embeddings;
  sb_groups_face *faces;
} album;

static sb_status add_path(album *a, char *path, sb_error *error) {
  if (a->count == a->room) {
    void *grown = a->paths;
    size_t room = a->room ? 2 * a->room : 64;
    sb_status status = sb_grow(&grown, room, sizeof *a->paths, error);
    if (status != SB_OK) return free(path), status;
    a->paths = grown;
    a->room = room;
  }
  a->paths[a->count++] = path;
  return SB_OK;
}

static int is_visible(const struct dirent *entry) {
  return entry->d_name[0] != '.';
}

static sb_status read_folder(album *a, const char *path, int depth, sb_error *error) {
  struct dirent **entries = NULL;
  if (depth > DEPTH_MAX) return sb_fail(error, SB_INVALID, "the folders are more than %d deep", DEPTH_MAX);
  int count = scandir(path, &entries, is_visible, alphasort);
  if (count < 0) return sb_fail_errno(error, errno, "read the folder", path);
  sb_status status = SB_OK;
  for (int i = 0; status == SB_OK && i < count; i++) {
    struct stat info;
    char *entry = sb_path_join(path, entries[i]->d_name, error);
    if (!entry) {
      status = SB_NO_MEMORY;
    } else if (lstat(entry, &info) == 0 &&
               S_ISDIR(info.st_mode)) { /* a link is not followed: it may lead in a circle */
      status = read_folder(a, entry, depth + 1, error);
      free(entry);
    } else {
      status = add_path(a, entry, error);
    }
  }
  for (int i = 0; i < count; i++) free(entries[i]);
  free(entries);
  return status;
}

static sb_status take_faces(album *a, sb_error *error) {
  size_t total = 0;
  for (size_t i = 0; i < a->count; i++) total += a->photos[i].faces ? a->photos[i].faces->count : 0;
  a->embeddings = sb_alloc(total, sizeof *a->embeddings, error);
  a->faces = sb_alloc(total, sizeof *a->faces, error);
  if (!a->embeddings || !a->faces) return SB_NO_MEMORY;
  for (size_t i = 0; i < a->count; i++)
    for (size_t f = 0; a->photos[i].faces && f < a->photos[i].faces->count; f++) {
      const sb_face *face = &a->photos[i].faces->items[f];
      a->faces[a->face_count++] = (sb_groups_face){a->paths[i], face->box, face->embedding};
    }
  sb_groups_sort(a->faces, total, a->embeddings);
  return SB_OK;
}

static void album_free(album *a) {
  sb_gathered_free(a->photos, a->count);
  for (size_t i = 0; i < a->count; i++) free(a->paths[i]);
  free(a->paths);
  free(a->embeddings);
  free(a->faces);
}

static json_t *clusters_json(const album *a, const sb_clusters *clusters) {
  json_t *json = sb_json_clusters(clusters, a->faces, a->face_count, a->count), *refused = json_array();
  for (size_t i = 0; refused && i < a->count; i++) {
    if (a->photos[i].error.code == SB_OK) continue;
    bool text = sb_utf8_valid(a->paths[i], strlen(a->paths[i])); /* a path is bytes, JSON is UTF-8 */
    json_array_append_new(refused,
                          json_pack("{s:s,s:s,s:s}", "path", text ? a->paths[i] : "", "code",
                                    sb_status_code(a->photos[i].error.code), "message", a->photos[i].error.message));
  }
  if (json)
    json_object_set_new(json, "refused", refused);
  else
    json_decref(refused);
  return json;
}

static void print_clusters(const album *a, const sb_clusters *clusters, const sb_groups_listing *l) {
  for (size_t c = 0; c < clusters->count; c++) {
    size_t faces = l->from[c + 1] - l->from[c], folders = 0;
    for (size_t i = l->from[c]; i < l->from[c + 1]; i++) folders += sb_groups_folder_begins(l, a->faces, c, i);
    printf("%s: %zu face%s", clusters->names[c].id ? clusters->names[c].name : "unknown person", faces,
           faces == 1 ? "" : "s");
    if (folders > 1) printf(" in %zu folders", folders);
    putchar('\n');
    for (size_t i = l->from[c]; i < l->from[c + 1]; i++) printf("  %s\n", a->faces[l->order[i]].photo);
  }
  printf("%zu people on %zu faces of %zu photos (the same person from %.3f)\n", clusters->count, a->face_count,
         a->count, clusters->threshold);
  for (size_t i = 0; i < a->count; i++)
    if (a->photos[i].error.code != SB_OK) printf("not used: %s: %s\n", a->paths[i], a->photos[i].error.message);
}

static sb_status cluster(sb_cli *cli, sb_engine *engine, album *a, sb_clusters **out, sb_error *error) {
  sb_status status = read_folder(a, cli->words[0], 0, error);
  if (status == SB_NOT_FOUND) return sb_fail(error, SB_INVALID, "there is no folder %s", cli->words[0]);
  if (status == SB_OK && !a->count) status = sb_fail(error, SB_INVALID, "%s holds no files", cli->words[0]);
  if (status == SB_OK && !(a->photos = sb_alloc(a->count, sizeof *a->photos, error))) status = SB_NO_MEMORY;
  if (status != SB_OK) return status;
  for (size_t i = 0; i < a->count; i++) a->photos[i].path = a->paths[i];
  status = sb_gather(cli, engine, SB_WANT_EMBEDDING, a->photos, a->count, error);
  if (status == SB_OK) status = take_faces(a, error);
  sb_cluster_request request = {.struct_size = sizeof request,
                                .collection = cli->config->collection,
                                .embeddings = a->embeddings,
                                .count = a->face_count,
                                .target = sb_cli_target(cli, engine)};
  return status == SB_OK ? sb_engine_cluster(engine, &request, out, error) : status;
}

sb_exit sb_command_cluster(sb_cli *cli) {
  if (!sb_flags_take(cli, NULL, 0, 1, 1)) return SB_EXIT_USAGE;
  sb_error error = {0};
  sb_engine *engine = NULL;
  sb_clusters *clusters = NULL;
  album photos = {0};
  sb_groups_listing groups = {0};
  sb_status status = sb_cli_engine(cli, false, &engine, &error);
  if (status == SB_OK) status = cluster(cli, engine, &photos, &clusters, &error);
  if (status == SB_OK) status = sb_groups_list(clusters, photos.face_count, &groups, &error);
  sb_exit code = SB_EXIT_OK;
  if (status != SB_OK)
    code = sb_cli_fail(cli, status, &error);
  else if (cli->json)
    code = sb_cli_print_json(cli, clusters_json(&photos, clusters), code);
  else
    print_clusters(&photos, clusters, &groups);
  sb_groups_free(&groups);
  sb_clusters_free(clusters);
  album_free(&photos);
  sb_engine_free(engine);
  return code;
}
