/* Reads which photos show whom: from one folder for each person, or from a CSV file of pairs. */
#include "cli/commands/eval/eval.h"
#include "import/csv.h"
#include "import/import.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* ---- Groups by name */

sb_status sb_cli_eval_set_group(sb_cli_eval_set *set, const char *name, uint32_t *out, sb_error *error) {
  enum { GROUPS_MAX = 256 };
  if (!*name) return *out = SB_NO_GROUP, SB_OK;
  for (size_t i = 0; i < set->groups; i++)
    if (!strcmp(set->group_names[i], name)) return *out = (uint32_t)i, SB_OK;
  if (set->groups == GROUPS_MAX) return sb_fail(error, SB_INVALID, "there are more than %d groups", GROUPS_MAX);
  void *grown = set->group_names;
  sb_status status = sb_grow(&grown, set->groups + 1, sizeof *set->group_names, error);
  if (status != SB_OK) return status;
  set->group_names = grown;
  if (!(set->group_names[set->groups] = sb_strdup(name, error))) return SB_NO_MEMORY;
  *out = (uint32_t)set->groups++;
  return SB_OK;
}

/* ---- A folder for each person */

typedef struct group_reader {
  sb_cli_eval_set *set;
  const sb_import *source;
} group_reader;

static bool group_is_data(char **fields) {
  (void)fields;
  return true; /* any two words may be a person and a group */
}

static sb_status group_row(void *context, size_t row, char **fields, sb_error *error) {
  const group_reader *reader = context;
  (void)row;
  uint32_t group = SB_NO_GROUP;
  sb_status status = sb_cli_eval_set_group(reader->set, fields[1], &group, error);
  if (status != SB_OK) return status;
  for (size_t i = 0; i < reader->source->count; i++)
    if (!strcmp(reader->source->items[i].id, fields[0])) reader->set->group[i] = group;
  return SB_OK;
}

static sb_status set_reserve(sb_cli_eval_set *set, size_t count, sb_error *error) {
  set->paths = sb_alloc(count, sizeof *set->paths, error);
  set->person = sb_alloc(count, sizeof *set->person, error);
  set->group = sb_alloc(count, sizeof *set->group, error);
  if (!set->paths || !set->person || !set->group) return SB_NO_MEMORY;
  for (size_t i = 0; i < count; i++) set->group[i] = SB_NO_GROUP;
  return SB_OK;
}

/* Moves the paths out of `source`, whose items are in order of person. */
static sb_status take_items(sb_cli_eval_set *set, sb_import *source, sb_error *error) {
  sb_status status = set_reserve(set, source->count, error);
  if (status != SB_OK) return status;
  for (size_t i = 0; i < source->count; i++) {
    sb_import_item *item = &source->items[i];
    set->people += !i || strcmp(item->id, item[-1].id) != 0;
    set->person[i] = (uint32_t)set->people - 1;
    set->paths[set->count++] = item->path;
    item->path = NULL;
  }
  return SB_OK;
}

static sb_status folder_read(const char *path, const char *groups, sb_cli_eval_set *set, sb_error *error) {
  sb_import *source = NULL;
  sb_status status = sb_import_open(path, &source, error);
  if (status != SB_OK) return status;
  status = take_items(set, source, error);
  group_reader reader = {set, source};
  static const sb_csv_column columns[] = {{.name = "person", .words = "|id|"}, {.name = "group"}};
  const sb_csv_table table = {groups, columns, 2, group_is_data, group_row, &reader};
  if (status == SB_OK && groups) status = sb_csv_read(groups, &table, error);
  sb_import_free(source);
  return status;
}

/* ---- A file of pairs */

typedef struct pair_reader {
  const char *path;
  sb_cli_eval_set *set;
  char **paths; /* two for each trial */
  size_t room;
} pair_reader;

/* 1 for a pair of one person, 0 for two people, -1 for any other word. */
static int mated_word(const char *text) {
  static const char *const words[] = {"0", "1", "false", "true", "different", "same", "no", "yes"};
  for (int i = 0; i < 8; i++)
    if (!strcmp(text, words[i])) return i & 1;
  return -1;
}

/* Makes room for another pair. */
static sb_status pair_room(pair_reader *reader, sb_error *error) {
  sb_cli_eval_set *set = reader->set;
  if (set->trial_count < reader->room) return SB_OK;
  size_t room = reader->room ? reader->room * 2 : 64;
  void *paths = reader->paths, *trials = set->trials;
  sb_status status = sb_grow(&paths, room * 2, sizeof *reader->paths, error);
  if (status != SB_OK) return status;
  reader->paths = paths;
  if ((status = sb_grow(&trials, room, sizeof *set->trials, error)) != SB_OK) return status;
  set->trials = trials;
  reader->room = room;
  return SB_OK;
}

static bool pair_is_data(char **fields) {
  return fields[2] && mated_word(fields[2]) >= 0;
}

static sb_status pair_row(void *context, size_t row, char **fields, sb_error *error) {
  pair_reader *reader = context;
  sb_cli_eval_set *set = reader->set;
  int mated = mated_word(fields[2]);
  if (mated < 0)
    return sb_fail(error, SB_INVALID, "%s, row %zu: the third field is 1 (the same person) or 0, not '%.40s'",
                   reader->path, row, fields[2]);
  sb_stats_trial trial = {.mated = mated, .group = SB_NO_GROUP};
  sb_status status = pair_room(reader, error);
  if (status == SB_OK && fields[3]) status = sb_cli_eval_set_group(set, fields[3], &trial.group, error);
  if (status != SB_OK) return status;
  char *one = sb_csv_beside(reader->path, fields[0], error), *other = sb_csv_beside(reader->path, fields[1], error);
  if (!one || !other) return free(one), free(other), SB_NO_MEMORY;
  reader->paths[2 * set->trial_count] = one;
  reader->paths[2 * set->trial_count + 1] = other;
  set->trials[set->trial_count++] = trial;
  return SB_OK;
}

static int by_path(const void *a, const void *b) {
  return strcmp(**(char **const *)a, **(char **const *)b);
}

/* Makes the photo of one end of a trial, unless the last one made is the same photo, and takes its path over. */
static void number_end(pair_reader *reader, size_t end) {
  sb_cli_eval_set *set = reader->set;
  char *path = reader->paths[end];
  reader->paths[end] = NULL;
  if (!set->count || strcmp(set->paths[set->count - 1], path) != 0) {
    set->person[set->count] = (uint32_t)set->count;
    set->paths[set->count++] = path;
  } else {
    free(path);
  }
  sb_stats_trial *trial = &set->trials[end / 2];
  *(end % 2 ? &trial->second : &trial->first) = (uint32_t)set->count - 1;
}

/* Numbers the photos of the pairs, in order of path: the same path is the same photo. */
static sb_status number_photos(pair_reader *reader, sb_error *error) {
  sb_cli_eval_set *set = reader->set;
  size_t ends = 2 * set->trial_count;
  sb_status status = set_reserve(set, ends, error);
  if (status != SB_OK) return status;
  char ***sorted = sb_alloc(ends, sizeof *sorted, error);
  if (!sorted) return SB_NO_MEMORY;
  for (size_t i = 0; i < ends; i++) sorted[i] = &reader->paths[i];
  qsort(sorted, ends, sizeof *sorted, by_path);
  for (size_t i = 0; i < ends; i++) number_end(reader, (size_t)(sorted[i] - reader->paths));
  set->people = set->count;
  free(sorted);
  return SB_OK;
}

static sb_status read_rows(pair_reader *reader, sb_error *error) {
  static const sb_csv_column columns[] = {
      {.name = "photo1"}, {.name = "photo2"}, {.name = "mated"}, {.name = "group", .optional = true}};
  const sb_csv_table table = {reader->path, columns, 4, pair_is_data, pair_row, reader};
  sb_status status = sb_csv_read(reader->path, &table, error);
  if (status != SB_OK) return status;
  if (!reader->set->trial_count) return sb_fail(error, SB_INVALID, "there are no pairs in %s", reader->path);
  return number_photos(reader, error);
}

static sb_status pairs_read(const char *path, sb_cli_eval_set *set, sb_error *error) {
  pair_reader reader = {.path = path, .set = set};
  sb_status status = read_rows(&reader, error);
  for (size_t i = 0; reader.paths && i < 2 * set->trial_count; i++) free(reader.paths[i]);
  free(reader.paths);
  return status;
}

sb_status sb_cli_eval_set_read(const char *path, const char *groups, sb_cli_eval_set *out, sb_error *error) {
  sb_cli_eval_set set = {0};
  struct stat info;
  bool folder = stat(path, &info) == 0 && S_ISDIR(info.st_mode);
  if (!folder && groups)
    return sb_fail(error, SB_INVALID, "--groups is for a folder; a pairs file has the group in its fourth field");
  sb_status status = folder ? folder_read(path, groups, &set, error) : pairs_read(path, &set, error);
  if (status == SB_OK)
    *out = set;
  else
    sb_cli_eval_set_free(&set);
  return status;
}

void sb_cli_eval_set_free(sb_cli_eval_set *set) {
  for (size_t i = 0; i < set->count; i++) free(set->paths[i]);
  for (size_t i = 0; i < set->groups; i++) free(set->group_names[i]);
  free(set->paths);
  free(set->person);
  free(set->group);
  free(set->group_names);
  free(set->trials);
  *set = (sb_cli_eval_set){0};
}

/* ---- The face of a photo */

const sb_face *sb_cli_eval_face(const sb_faces *faces, bool central) {
  const sb_face *best = &faces->items[0];
  double nearest = INFINITY;
  for (size_t i = 0; central && i < faces->count; i++) {
    const sb_box *box = &faces->items[i].box;
    double distance = hypot(box->x + box->w / 2 - faces->width / 2.0, box->y + box->h / 2 - faces->height / 2.0);
    if (distance < nearest) nearest = distance, best = &faces->items[i];
  }
  return best;
}
