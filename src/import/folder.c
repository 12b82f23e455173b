/* What the program imports from the disk: a folder of people, a CSV file, or a ZIP archive.
 *
 * Folders and CSV files give items whose paths are opened when they are read. A ZIP archive is an upload of one file
 * that is already there: a spool over the file, resolved as the server does (resolve.c). */
#include "import/csv.h"
#include "import/items.h"
#include "import/rules.h"
#include "import/zip.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* ---- A folder of people */

static int is_visible(const struct dirent *entry) {
  return entry->d_name[0] != '.';
}

/* Visible entries in order of name. */
static sb_status scan_folder(const char *path, struct dirent ***entries, int *count, sb_error *error) {
  *count = scandir(path, entries, is_visible, alphasort);
  return *count < 0 ? sb_fail_errno(error, errno, "read the folder", path) : SB_OK;
}

static void free_entries(struct dirent **entries, int count) {
  for (int i = 0; i < count; i++) free(entries[i]);
  free(entries);
}

static bool is_folder(const char *path) {
  struct stat info;
  return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

static sb_status add_photo(sb_import *import, const char *path, sb_error *error) {
  sb_import_item item = {0};
  sb_status status = sb_import_person_of(path, &item.id, &item.name, error);
  if (status == SB_OK) status = sb_import_add(import, path, strlen(path), item, error);
  if (status != SB_OK) sb_import_item_clear(&item);
  return status;
}

/* Calls `take` with the path of each visible entry of a folder, until one fails. */
static sb_status each_entry(sb_import *import, const char *folder,
                            sb_status (*take)(sb_import *import, const char *path, sb_error *error), sb_error *error) {
  struct dirent **entries = NULL;
  int count = 0;
  sb_status status = scan_folder(folder, &entries, &count, error);
  for (int i = 0; status == SB_OK && i < count; i++) {
    char *path = sb_path_join(folder, entries[i]->d_name, error);
    status = path ? take(import, path, error) : SB_NO_MEMORY;
    free(path);
  }
  free_entries(entries, count);
  return status;
}

static sb_status take_file(sb_import *import, const char *path, sb_error *error) {
  if (!sb_import_is_photo(strrchr(path, '/') + 1)) return SB_OK;
  return is_folder(path) ? sb_import_pass_over(import, path, error) : add_photo(import, path, error);
}

static sb_status take_person(sb_import *import, const char *path, sb_error *error) {
  if (!sb_import_is_photo(strrchr(path, '/') + 1)) return SB_OK;
  return is_folder(path) ? each_entry(import, path, take_file, error) : sb_import_pass_over(import, path, error);
}

static sb_status read_folder(const char *path, sb_import *import, sb_error *error) {
  sb_status status = each_entry(import, path, take_person, error);
  if (status != SB_OK || import->count) return status;
  return sb_fail(error, SB_INVALID,
                 "%s has no folder with photos: put the photos of each person into a folder of its own", path);
}

/* ---- A CSV file */

typedef struct csv_file {
  const char *path;
  sb_import *import;
} csv_file;

static sb_status take_row(void *context, size_t row, const char *id, const char *name, const char *path,
                          sb_error *error) {
  const csv_file *csv = context;
  char *photo = sb_csv_beside(csv->path, path, error);
  sb_status status =
      photo ? sb_import_add(csv->import, photo, strlen(photo), (sb_import_item){0}, error) : SB_NO_MEMORY;
  free(photo);
  return status == SB_OK ? sb_import_set_row(&csv->import->items[csv->import->count - 1], row, id, name, error)
                         : status;
}

static sb_status read_csv(const char *path, sb_import *import, sb_error *error) {
  csv_file csv = {path, import};
  sb_status status = sb_import_rows_of_file(path, take_row, &csv, error);
  if (status != SB_OK) return status;
  if (!import->count) return sb_fail(error, SB_INVALID, "%s has no rows: expected id,name,path", path);
  return sb_import_check_names(import, error);
}

/* ---- A ZIP archive */

static sb_status read_archive(sb_import *import, const char *path, sb_error *error) {
  const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
  uint64_t size = sb_spool_size(import->spool);
  sb_status status =
      sb_import_add(import, name, strlen(name), (sb_import_item){.stored_size = size, .size = size}, error);
  return status == SB_OK ? sb_import_resolve(import, error) : status;
}

/* A spool over the file where it is an archive, else NULL. */
static sb_status open_archive(const char *path, sb_spool **out, sb_error *error) {
  uint8_t magic[4];
  sb_spool *spool = NULL;
  sb_status status = sb_spool_open(path, &spool, error);
  if (status == SB_NOT_FOUND) return sb_fail_missing("file or folder", path, error);
  if (status != SB_OK) return status;
  *out = NULL;
  if (sb_spool_size(spool) >= sizeof magic) status = sb_spool_read(spool, 0, magic, sizeof magic, error);
  if (status == SB_OK && sb_spool_size(spool) >= sizeof magic && sb_zip_begins(magic))
    *out = spool;
  else
    sb_spool_free(spool);
  return status;
}

sb_status sb_import_open(const char *path, sb_import **out, sb_error *error) {
  sb_import *import = NULL;
  sb_spool *archive = NULL;
  bool folder = is_folder(path);
  sb_status status = folder ? SB_OK : open_archive(path, &archive, error);
  if (status == SB_OK) status = sb_import_make(archive, archive ? SB_IMPORT_ITEMS_MAX : SIZE_MAX, &import, error);
  if (status != SB_OK) return status;
  if (folder)
    status = read_folder(path, import, error);
  else
    status = archive ? read_archive(import, path, error) : read_csv(path, import, error);
  if (status == SB_OK)
    *out = import;
  else
    sb_import_free(import);
  return status;
}
