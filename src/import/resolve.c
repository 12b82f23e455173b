/* From the files of an upload to photos with a person each.
 *
 * Steps: the members of each ZIP archive join the list, and the archive leaves it; the first CSV file is read;
 * everything that is not a photo is dropped; the photos are sorted by path. Then either the rows of the CSV file
 * name them, or the folder that each lies in (rules.h). Paths are compared and never opened, so a row
 * "../../etc/passwd" is a photo that is missing. */
#include "import/items.h"
#include "import/rules.h"
#include "import/zip.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CSV_BYTES_MAX = 64 << 20, END_RECORD_SIZE = 22 /* the smallest archive */ };

/* ---- Archives */

/* Opens each archive. An opened archive's item is cleared: without a path it is dropped by keep_photos. */
static sb_status open_archives(sb_import *import, sb_error *error) {
  size_t files = import->count;
  for (size_t i = 0; i < files; i++) {
    uint8_t magic[4];
    if (import->items[i].stored_size < END_RECORD_SIZE) continue;
    sb_status status = sb_spool_read(import->spool, import->items[i].offset, magic, sizeof magic, error);
    if (status == SB_OK && sb_zip_begins(magic)) {
      status = sb_zip_open(import, i, error);
      sb_import_item_clear(&import->items[i]);
    }
    if (status != SB_OK) return status;
  }
  return SB_OK;
}

/* ---- Photos */

static int by_path(const void *a, const void *b) {
  return strcmp(((const sb_import_item *)a)->path, ((const sb_import_item *)b)->path);
}

static void keep_photos(sb_import *import) {
  size_t kept = 0;
  for (size_t i = 0; i < import->count; i++) {
    sb_import_item *item = &import->items[i];
    if (item->path && sb_import_is_photo(item->path))
      import->items[kept++] = *item;
    else
      sb_import_item_clear(item);
  }
  import->count = kept;
  if (kept) qsort(import->items, kept, sizeof *import->items, by_path);
}

static sb_status name_by_folder(sb_import *import, sb_error *error) {
  for (size_t i = 0; i < import->count; i++) {
    sb_import_item *item = &import->items[i];
    sb_status status = sb_import_person_of(item->path, &item->id, &item->name, error);
    if (status != SB_OK) return status;
  }
  return SB_OK;
}

/* ---- Rows of a CSV file */

/* While rows are read, items [0, photos) stay sorted for bsearch, and items that rows add are appended. */

typedef struct csv_file {
  sb_import *import;
  char *path; /* NULL: there is none */
  uint8_t *bytes;
  size_t size;
  size_t folder; /* length of the folder in `path`, with its '/' */
  size_t photos; /* items sorted by path; rows add items behind them */
} csv_file;

/* Reads the first CSV file, before keep_photos drops it. */
static sb_status find_csv(csv_file *csv, sb_error *error) {
  sb_import *import = csv->import;
  for (size_t i = 0; i < import->count && !csv->path; i++) {
    sb_import_item *item = &import->items[i];
    if (!item->path || !sb_import_is_csv(item->path)) continue;
    sb_status status = sb_import_read_at_most(import, item, CSV_BYTES_MAX, &csv->bytes, &csv->size, error);
    if (status != SB_OK) return status;
    const char *slash = strrchr(item->path, '/');
    csv->folder = slash ? (size_t)(slash - item->path) + 1 : 0;
    csv->path = item->path;
    item->path = NULL;
  }
  return SB_OK;
}

/* The photo that a row means: beside the CSV file in its folder, or by its whole path. */
static sb_import_item *find_photo(const csv_file *csv, const char *path) {
  char joined[2 * SB_IMPORT_PATH_MAX + 2];
  sb_import_item key = {.path = joined};
  for (int pass = 0; pass < 2; pass++) {
    int length = snprintf(joined, sizeof joined, "%.*s%s", pass ? 0 : (int)csv->folder, csv->path, path);
    if (length < 0 || (size_t)length >= sizeof joined) continue;
    sb_import_item *found = bsearch(&key, csv->import->items, csv->photos, sizeof key, by_path);
    if (found) return found;
  }
  return NULL;
}

/* A photo that is missing, or that a second row names, becomes an item of its own, so that the report has one line
 * for each row. */
static sb_status take_row(void *context, size_t row, const char *id, const char *name, const char *path,
                          sb_error *error) {
  const csv_file *csv = context;
  sb_import_item *item = find_photo(csv, path);
  if (!item || item->id) {
    sb_import_item copy = item ? *item : (sb_import_item){.problem = SB_IMPORT_MISSING};
    copy.id = copy.name = NULL;
    sb_status status = sb_import_add(csv->import, path, strnlen(path, SB_IMPORT_PATH_MAX), copy, error);
    if (status != SB_OK) return status;
    item = &csv->import->items[csv->import->count - 1];
  }
  return sb_import_set_row(item, row, id, name, error);
}

/* With a CSV file its rows decide: photos that it does not name are left out. */
static void keep_named(sb_import *import) {
  size_t kept = 0;
  for (size_t i = 0; i < import->count; i++) {
    if (import->items[i].id && import->items[i].name)
      import->items[kept++] = import->items[i];
    else
      sb_import_item_clear(&import->items[i]);
  }
  import->count = kept;
}

static sb_status name_by_rows(csv_file *csv, sb_error *error) {
  csv->photos = csv->import->count;
  sb_status status = sb_import_rows(csv->bytes, csv->size, "the CSV file", take_row, csv, error);
  keep_named(csv->import);
  return status == SB_OK && csv->import->count ? sb_import_check_names(csv->import, error) : status;
}

sb_status sb_import_resolve(sb_import *import, sb_error *error) {
  csv_file csv = {.import = import};
  sb_status status = open_archives(import, error);
  if (status == SB_OK) status = find_csv(&csv, error);
  if (status == SB_OK) {
    keep_photos(import);
    status = csv.path ? name_by_rows(&csv, error) : name_by_folder(import, error);
  }
  free(csv.path);
  free(csv.bytes);
  if (status == SB_OK && !import->count)
    return sb_fail(
        error, SB_INVALID,
        "there is no photo in it: expected a folder for each person, a ZIP archive of such folders, or photos "
        "with a CSV file of id,name,path");
  return status;
}
