/* From files to photos with a person each. */
#include "import/upload_bundle.h"
#include "import/csv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <zlib.h>

enum { PHOTO_MAX = 32 << 20, CSV_MAX = 64 << 20, CSV_FIELDS = 3 };

sb_status sb_upload_bundle_new(sb_upload_bundle **out, sb_error *error) {
  sb_upload_bundle *bundle = sb_alloc(1, sizeof *bundle, error);
  if (!bundle) return SB_NO_MEMORY;
  sb_status status = sb_spool_new(&bundle->spool, error);
  if (status == SB_OK)
    *out = bundle;
  else
    free(bundle);
  return status;
}

static void item_clear(sb_upload_bundle_item *item) {
  free(item->path);
  free(item->id);
  free(item->name);
}

void sb_upload_bundle_free(sb_upload_bundle *bundle) {
  if (!bundle) return;
  for (size_t i = 0; i < bundle->count; i++) item_clear(&bundle->items[i]);
  free(bundle->items);
  sb_spool_free(bundle->spool);
  free(bundle);
}

sb_status sb_upload_bundle_add_item(sb_upload_bundle *bundle, const char *path, size_t length,
                                    sb_upload_bundle_item item, sb_error *error) {
  void *items = bundle->items;
  if (bundle->count == SB_UPLOAD_BUNDLE_ITEMS_MAX)
    return sb_fail(error, SB_TOO_LARGE, "an import has at most a million files");
  sb_status status = SB_OK;
  if (!(bundle->count & (bundle->count - 1))) /* room doubles */
    status = sb_grow(&items, bundle->count ? 2 * bundle->count : 1, sizeof *bundle->items, error);
  if (status != SB_OK) return status;
  bundle->items = items;
  item.path = sb_alloc(length + 1, 1, error);
  if (!item.path) return SB_NO_MEMORY;
  memcpy(item.path, path, length);
  bundle->items[bundle->count++] = item;
  return SB_OK;
}

sb_status sb_upload_bundle_begin(sb_upload_bundle *bundle, const char *path, sb_error *error) {
  size_t length = strlen(path);
  if (!length || length > SB_UPLOAD_BUNDLE_PATH_MAX || !sb_utf8_valid(path, length))
    return sb_fail(error, SB_INVALID, "a file of the import has no name, or one that is too long or no UTF-8");
  return sb_upload_bundle_add_item(bundle, path, length,
                                   (sb_upload_bundle_item){.offset = sb_spool_size(bundle->spool)}, error);
}

sb_status sb_upload_bundle_write(sb_upload_bundle *bundle, const void *bytes, size_t size, sb_error *error) {
  sb_status status = sb_spool_add(bundle->spool, bytes, size, error);
  if (status == SB_OK) bundle->items[bundle->count - 1].size += size;
  bundle->items[bundle->count - 1].full = bundle->items[bundle->count - 1].size;
  return status;
}

/* ---- Reading */

static sb_status inflate_all(const uint8_t *packed, size_t size, uint8_t *full, size_t full_size, sb_error *error) {
  z_stream stream = {0};
  if (inflateInit2(&stream, -MAX_WBITS) != Z_OK) return sb_fail(error, SB_NO_MEMORY, "out of memory");
  union {
    const uint8_t *constant;
    uint8_t *plain;
  } input = {.constant = packed}; /* zlib never writes to its input */
  stream.next_in = input.plain;
  stream.avail_in = (uInt)size;
  stream.next_out = full;
  stream.avail_out = (uInt)full_size;
  int code = inflate(&stream, Z_FINISH);
  bool whole = code == Z_STREAM_END && stream.total_out == full_size;
  inflateEnd(&stream);
  return whole ? SB_OK : sb_fail(error, SB_BAD_IMAGE, "the file is damaged in the archive");
}

static sb_status read_item(const sb_upload_bundle *bundle, const sb_upload_bundle_item *item, size_t most,
                           uint8_t **bytes, size_t *size, sb_error *error) {
  if (item->broken) return sb_fail(error, SB_BAD_IMAGE, "the file is damaged in the archive, or encrypted");
  if (item->full > most || item->size > most)
    return sb_fail(error, SB_TOO_LARGE, "the file is larger than %zu bytes", most);
  uint8_t *stored = sb_alloc((size_t)item->size + 1, 1, error), *full = stored;
  sb_status status =
      stored ? sb_spool_read(bundle->spool, item->offset, stored, (size_t)item->size, error) : SB_NO_MEMORY;
  if (status == SB_OK && item->deflated) {
    full = sb_alloc((size_t)item->full + 1, 1, error);
    status = full ? inflate_all(stored, (size_t)item->size, full, (size_t)item->full, error) : SB_NO_MEMORY;
  }
  if (full != stored) free(stored);
  if (status != SB_OK) {
    free(full);
    return status;
  }
  *bytes = full;
  *size = (size_t)item->full;
  return SB_OK;
}

sb_status sb_upload_bundle_read(const sb_upload_bundle *bundle, const sb_upload_bundle_item *item, uint8_t **bytes,
                                size_t *size, sb_error *error) {
  return read_item(bundle, item, PHOTO_MAX, bytes, size, error);
}

/* ---- Settling */

static bool ends_with(const char *path, const char *ending) {
  size_t length = strlen(path), tail = strlen(ending);
  return length > tail && !strcasecmp(path + length - tail, ending);
}

/* Hidden files, and what systems put beside photos. */
static bool is_litter(const char *path) {
  const char *name = strrchr(path, '/');
  name = name ? name + 1 : path;
  return name[0] == '.' || strstr(path, "__MACOSX/") || !strcasecmp(name, "Thumbs.db") ||
         !strcasecmp(name, "desktop.ini");
}

static sb_status open_archives(sb_upload_bundle *bundle, sb_error *error) {
  size_t files = bundle->count;
  for (size_t i = 0; i < files; i++) {
    uint8_t magic[4] = {0};
    if (bundle->items[i].size < 22) continue;
    sb_status status = sb_spool_read(bundle->spool, bundle->items[i].offset, magic, sizeof magic, error);
    if (status == SB_OK && !memcmp(magic, "PK", 2)) {
      status = sb_zip_open(bundle, i, error);
      item_clear(&bundle->items[i]);
      bundle->items[i] = (sb_upload_bundle_item){0}; /* an item without a path is dropped below */
    }
    if (status != SB_OK) return status;
  }
  return SB_OK;
}

/* Drops what has no path, is litter, or is a CSV file. */
static void keep_photos(sb_upload_bundle *bundle) {
  size_t kept = 0;
  for (size_t i = 0; i < bundle->count; i++) {
    sb_upload_bundle_item *item = &bundle->items[i];
    if (item->path && !is_litter(item->path) && !ends_with(item->path, ".csv"))
      bundle->items[kept++] = *item;
    else
      item_clear(item);
  }
  bundle->count = kept;
}

static sb_status name_by_folder(sb_upload_bundle_item *item, sb_error *error) {
  char *path = item->path, *slash = strrchr(path, '/'), *start = path, *end = slash;
  if (slash) {
    for (char *c = path; c < slash; c++)
      if (*c == '/') start = c + 1;
  } else {
    end = strrchr(path, '.');
    if (!end) end = path + strlen(path);
  }
  item->id = strndup(start, (size_t)(end - start));
  item->name = item->id ? sb_strdup(item->id, error) : NULL;
  if (!item->name) return sb_fail(error, SB_NO_MEMORY, "out of memory");
  for (char *c = item->name; *c; c++)
    if (*c == '_') *c = ' ';
  return SB_OK;
}

static int by_path(const void *a, const void *b) {
  return strcmp(((const sb_upload_bundle_item *)a)->path, ((const sb_upload_bundle_item *)b)->path);
}

/* The photo that a row means: by its whole path, or beside the CSV file in its folder. */
static sb_upload_bundle_item *find_photo(const sb_upload_bundle *bundle, const char *folder, size_t folder_length,
                                         const char *path) {
  char joined[2 * SB_UPLOAD_BUNDLE_PATH_MAX + 2];
  sb_upload_bundle_item key = {.path = joined};
  for (int pass = 0; pass < 2; pass++) {
    int length = pass ? snprintf(joined, sizeof joined, "%s", path)
                      : snprintf(joined, sizeof joined, "%.*s%s", (int)folder_length, folder, path);
    if (length < 0 || (size_t)length >= sizeof joined) continue;
    sb_upload_bundle_item *found = bsearch(&key, bundle->items, bundle->count, sizeof key, by_path);
    if (found) return found;
  }
  return NULL;
}

/* Rows id,name,path. A photo that is not there becomes an item that cannot be read, so that the report names it. */
static sb_status read_rows(sb_upload_bundle *bundle, char *text, const char *csv, sb_error *error) {
  const char *slash = strrchr(csv, '/');
  size_t folder = slash ? (size_t)(slash - csv) + 1 : 0, photos = bundle->count;
  sb_upload_bundle known = *bundle; /* sorted; rows may add behind it */
  for (size_t row = 1; *text; row++) {
    char *fields[CSV_FIELDS] = {0};
    int count = 0;
    for (bool last = false; !last; count++) {
      char *field;
      if (!sb_csv_field(&text, &field, &last))
        return sb_fail(error, SB_INVALID, "the CSV file's row %zu: a quote is not closed, or text follows it", row);
      if (count < CSV_FIELDS) fields[count] = field;
    }
    if (count == 1 && !*fields[0]) continue;
    if (count != CSV_FIELDS)
      return sb_fail(error, SB_INVALID, "the CSV file's row %zu has %d fields; three are wanted: id,name,path", row,
                     count);
    if (row == 1 && !strcasecmp(fields[0], "id") && !strcasecmp(fields[2], "path")) continue;
    known.items = bundle->items;
    known.count = photos;
    sb_upload_bundle_item *item = find_photo(&known, csv, folder, fields[2]);
    if (!item || item->id) { /* missing, or named by a second row */
      sb_upload_bundle_item copy = item ? *item : (sb_upload_bundle_item){.broken = true};
      copy.id = copy.name = NULL;
      sb_status status =
          sb_upload_bundle_add_item(bundle, fields[2], strnlen(fields[2], SB_UPLOAD_BUNDLE_PATH_MAX), copy, error);
      if (status != SB_OK) return status;
      item = &bundle->items[bundle->count - 1];
    }
    item->id = sb_strdup(fields[0], error);
    item->name = sb_strdup(fields[1], error);
    if (!item->id || !item->name) return SB_NO_MEMORY;
  }
  return SB_OK;
}

/* The first CSV file's text; `*path` names it, NULL where there is none. Both are released by free(). */
static sb_status find_csv(const sb_upload_bundle *bundle, char **path, char **text, sb_error *error) {
  for (size_t i = 0; i < bundle->count; i++) {
    const sb_upload_bundle_item *item = &bundle->items[i];
    if (!item->path || is_litter(item->path) || !ends_with(item->path, ".csv")) continue;
    uint8_t *bytes = NULL;
    size_t size = 0;
    sb_status status = read_item(bundle, item, CSV_MAX, &bytes, &size, error);
    if (status != SB_OK) return status;
    bool marked = size >= 3 && !memcmp(bytes, "\xef\xbb\xbf", 3); /* the byte-order mark of spreadsheets */
    if (memchr(bytes, 0, size) || !sb_utf8_valid((const char *)bytes, size)) {
      free(bytes);
      return sb_fail(error, SB_INVALID, "the CSV file is no UTF-8 text");
    }
    *text = strndup((const char *)bytes + (marked ? 3 : 0), size - (marked ? 3 : 0));
    *path = sb_strdup(item->path, error);
    free(bytes);
    return *text && *path ? SB_OK : sb_fail(error, SB_NO_MEMORY, "out of memory");
  }
  return SB_OK;
}

/* With a CSV file its rows decide: photos that it does not name are left out. */
static void keep_named(sb_upload_bundle *bundle) {
  size_t kept = 0;
  for (size_t i = 0; i < bundle->count; i++) {
    if (bundle->items[i].id)
      bundle->items[kept++] = bundle->items[i];
    else
      item_clear(&bundle->items[i]);
  }
  bundle->count = kept;
}

sb_status sb_upload_bundle_resolve(sb_upload_bundle *bundle, sb_error *error) {
  char *csv = NULL, *text = NULL;
  sb_status status = open_archives(bundle, error);
  if (status == SB_OK) status = find_csv(bundle, &csv, &text, error);
  if (status == SB_OK) {
    keep_photos(bundle);
    if (bundle->count) qsort(bundle->items, bundle->count, sizeof *bundle->items, by_path);
  }
  if (status == SB_OK && csv) {
    status = read_rows(bundle, text, csv, error);
    keep_named(bundle);
  }
  for (size_t i = 0; status == SB_OK && !csv && i < bundle->count; i++)
    status = name_by_folder(&bundle->items[i], error);
  free(csv);
  free(text);
  if (status == SB_OK && !bundle->count)
    status = sb_fail(
        error, SB_INVALID,
        "there is no photo in it: a folder for each person, a ZIP of such folders, or a CSV with id,name,path is wanted");
  return status;
}
