/* cluster: groups the faces in a folder of photos by person, and names those who are registered. */
#include "cli/batch.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/wording.h"
#include "json/groups.h"
#include "json/write.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
  DEPTH_MAX = 32,            /* of folders in folders */
  PHOTO_BYTES_MAX = 64 << 20 /* of a photo that is read again, as sb_cli_photo_read limits it */
};

typedef struct options {
  bool collages;
} options;

static const sb_cli_option cluster_options[] = {
    {"--collages", NULL, "a photo may show a person several times: collages, mirrors", SB_CLI_FIELD(options, collages)},
    {NULL},
};

typedef struct album {
  size_t count, room;
  char **paths; /* of photos */
  sb_cli_photo_faces *photos;
  size_t face_count;
  const float **embeddings;
  uint32_t *numbers;     /* of each face, the number of its photo */
  sb_groups_face *faces; /* of all photos, sorted */
  sb_clusters *clusters;
  sb_groups_listing listing;
} album;

/* ---- Reading */

/* Takes `path` over, also after a failure. */
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

static sb_status read_folder(album *a, const char *path, int depth, sb_error *error);

static sb_status read_entry(album *a, const char *folder, const char *name, int depth, sb_error *error) {
  struct stat info;
  char *path = sb_path_join(folder, name, error);
  if (!path) return SB_NO_MEMORY;
  /* lstat: links to folders are not followed, since they may lead in a circle. */
  if (lstat(path, &info) || !S_ISDIR(info.st_mode)) return add_path(a, path, error);
  sb_status status = read_folder(a, path, depth + 1, error);
  free(path);
  return status;
}

static sb_status read_folder(album *a, const char *path, int depth, sb_error *error) {
  struct dirent **entries = NULL;
  if (depth > DEPTH_MAX) return sb_fail(error, SB_INVALID, "folders are nested more than %d deep", DEPTH_MAX);
  int count = scandir(path, &entries, is_visible, alphasort);
  if (count < 0) return sb_fail_errno(error, errno, "read the folder", path);
  sb_status status = SB_OK;
  for (int i = 0; i < count; i++) {
    if (status == SB_OK) status = read_entry(a, path, entries[i]->d_name, depth, error);
    free(entries[i]);
  }
  free(entries);
  return status;
}

static sb_status read_photos(album *a, const char *folder, sb_error *error) {
  sb_status status = read_folder(a, folder, 0, error);
  if (status == SB_NOT_FOUND) return sb_fail(error, SB_INVALID, "there is no folder %s", folder);
  if (status != SB_OK) return status;
  if (!a->count) return sb_fail(error, SB_INVALID, "there are no files in %s", folder);
  a->photos = sb_alloc(a->count, sizeof *a->photos, error);
  if (!a->photos) return SB_NO_MEMORY;
  for (size_t i = 0; i < a->count; i++) a->photos[i].path = a->paths[i];
  return SB_OK;
}

static sb_status collect_faces(album *a, sb_error *error) {
  size_t total = 0;
  for (size_t i = 0; i < a->count; i++) total += a->photos[i].faces ? a->photos[i].faces->count : 0;
  a->embeddings = sb_alloc(total, sizeof *a->embeddings, error);
  a->faces = sb_alloc(total, sizeof *a->faces, error);
  a->numbers = sb_alloc(total, sizeof *a->numbers, error);
  if (!a->embeddings || !a->faces || !a->numbers) return SB_NO_MEMORY;
  for (size_t i = 0; i < a->count; i++)
    for (size_t f = 0; a->photos[i].faces && f < a->photos[i].faces->count; f++) {
      const sb_face *face = &a->photos[i].faces->items[f];
      a->faces[a->face_count++] = (sb_groups_face){a->paths[i], face->box, face->embedding};
    }
  sb_groups_sort(a->faces, total, a->embeddings);
  sb_groups_photos(a->faces, total, a->numbers);
  return SB_OK;
}

static void album_free(album *a) {
  sb_groups_free(&a->listing);
  sb_clusters_free(a->clusters);
  sb_cli_photo_faces_free(a->photos, a->count);
  for (size_t i = 0; i < a->count; i++) free(a->paths[i]);
  free(a->paths);
  free(a->embeddings);
  free(a->numbers);
  free(a->faces);
}

/* ---- Printing */

static json_t *clusters_json(const album *a) {
  json_t *json = sb_json_clusters(a->clusters, a->faces, a->face_count, a->count), *refused = json_array();
  for (size_t i = 0; refused && i < a->count; i++) {
    const sb_error *problem = &a->photos[i].error;
    if (problem->code == SB_OK) continue;
    json_array_append_new(refused, json_pack("{s:o,s:s,s:s}", "path", sb_json_path(a->paths[i], strlen(a->paths[i])),
                                             "code", sb_status_code(problem->code), "message", problem->message));
  }
  if (json)
    json_object_set_new(json, "refused", refused);
  else
    json_decref(refused);
  return json;
}

static void print_cluster(const album *a, size_t number) {
  const sb_groups_listing *l = &a->listing;
  size_t from = l->from[number], to = l->from[number + 1], folders = 0;
  for (size_t i = from; i < to; i++) folders += sb_groups_folder_begins(l, a->faces, number, i);
  const char *name = a->clusters->names[number].id   ? a->clusters->names[number].name
                     : a->clusters->children[number] ? "not sure, looks like a child"
                     : a->clusters->rivals[number]   ? "unknown person, who looks like somebody else here"
                                                     : "unknown person";
  printf("%s: %zu %s", name, to - from, sb_cli_plural(to - from, "face", "faces"));
  if (folders > 1) printf(" in %zu folders", folders);
  putchar('\n');
  for (size_t i = from; i < to; i++)
    printf("  %s%s\n", a->faces[l->order[i]].photo, a->clusters->copies[l->order[i]] ? " (mirrored or copied)" : "");
}

static void print_clusters(const album *a) {
  for (size_t c = 0; c < a->clusters->count; c++) print_cluster(a, c);
  printf("%zu people on %zu faces of %zu photos (the same person from %.3f)\n", a->clusters->count, a->face_count,
         a->count, a->clusters->threshold);
  size_t apart = a->clusters->kept_apart;
  if (apart)
    printf("%zu %s of faces that look like one person and are two: in one photo, or marked as different people "
           "(--collages: a photo may show a person several times)\n",
           apart, sb_cli_plural(apart, "pair", "pairs"));
  for (size_t i = 0; i < a->count; i++)
    if (a->photos[i].error.code != SB_OK) printf("not used: %s: %s\n", a->paths[i], a->photos[i].error.message);
}

static sb_status print(const sb_cli *cli, const album *a, sb_error *error) {
  if (cli->json) return sb_cli_print_json(clusters_json(a), error);
  print_clusters(a);
  return SB_OK;
}

/* ---- The subcommand */

static sb_status read_photo(void *context, size_t face, void **bytes, size_t *size, sb_box *box, sb_error *error) {
  const album *a = context;
  uint8_t *photo = NULL;
  sb_status status = sb_file_read(a->faces[face].photo, PHOTO_BYTES_MAX, &photo, size, error);
  if (status != SB_OK) return status;
  *bytes = photo;
  *box = a->faces[face].box;
  return SB_OK;
}

static sb_status cluster(sb_cli *cli, const options *o, album *a, sb_error *error) {
  sb_status status = read_photos(a, cli->words[0], error);
  if (status != SB_OK) return status;
  status = sb_cli_batch_find_faces(cli, SB_WANT_EMBEDDING, a->photos, a->count, error);
  if (status != SB_OK) return status;
  if ((status = collect_faces(a, error)) != SB_OK) return status;
  const sb_cluster_request request = {.struct_size = sizeof request,
                                      .collection = cli->config->collection,
                                      .embeddings = a->embeddings,
                                      .count = a->face_count,
                                      .photos = a->numbers,
                                      .collages = o->collages,
                                      .photo = read_photo,
                                      .context = a,
                                      .target = sb_cli_operating_point(cli, cli->engine)};
  status = sb_engine_cluster(cli->engine, &request, &a->clusters, error);
  return status == SB_OK ? sb_groups_list(a->clusters, a->face_count, &a->listing, error) : status;
}

static sb_status run(sb_cli *cli, const void *parsed, sb_error *error) {
  album a = {0};
  sb_status status = cluster(cli, parsed, &a, error);
  if (status == SB_OK) status = print(cli, &a, error);
  album_free(&a);
  return status;
}

const sb_cli_command sb_cli_command_cluster = {
    .name = "cluster",
    .arguments = "DIR",
    .summary = "who is in these photos? The faces of each person together, named if registered",
    .options = cluster_options,
    .options_size = sizeof(options),
    .least = 1,
    .most = 1,
    .opens_gallery = true,
    .run = run};
