/* The list of an import's items. It grows by doubling, so a million items are copied twice at most, and it has a
 * limit where strangers fill it. */
#include "import/items.h"
#include "unicode/unicode.h"

#include <stdlib.h>
#include <string.h>

sb_status sb_import_make(sb_spool *spool, size_t items_max, sb_import **out, sb_error *error) {
  sb_import *import = sb_alloc(1, sizeof *import, error);
  if (!import) {
    sb_spool_free(spool);
    return SB_NO_MEMORY;
  }
  *import = (sb_import){.spool = spool, .items_max = items_max};
  *out = import;
  return SB_OK;
}

void sb_import_item_clear(sb_import_item *item) {
  free(item->path);
  free(item->id);
  free(item->name);
  *item = (sb_import_item){0};
}

void sb_import_free(sb_import *import) {
  if (!import) return;
  for (size_t i = 0; i < import->count; i++) sb_import_item_clear(&import->items[i]);
  for (size_t i = 0; i < import->passed_over_count; i++) free(import->passed_over[i]);
  free(import->passed_over);
  free(import->items);
  sb_spool_free(import->spool);
  free(import);
}

sb_status sb_import_add(sb_import *import, const char *path, size_t length, sb_import_item item, sb_error *error) {
  if (import->count >= import->items_max)
    return sb_fail(error, SB_TOO_LARGE, "the import has more than %zu files: send it in several parts",
                   import->items_max);
  if (!(import->count & (import->count - 1))) { /* a power of two: the capacity is used up, and doubles */
    void *items = import->items;
    sb_status status = sb_grow(&items, import->count ? 2 * import->count : 1, sizeof *import->items, error);
    if (status != SB_OK) return status;
    import->items = items;
  }
  item.path = sb_alloc(length + 1, 1, error);
  if (!item.path) return SB_NO_MEMORY;
  memcpy(item.path, path, length);
  import->items[import->count++] = item;
  return SB_OK;
}

/* The id as it is stored, so that rows of one person are seen to be that. What cannot be an id stays for the enrolment
 * to refuse. */
static sb_status copy_id(const char *id, char **out, sb_error *error) {
  sb_status status = sb_unicode_normalize(id, SB_ID_MAX, "id", out, NULL);
  if (status == SB_OK) return SB_OK;
  return (*out = sb_strdup(id, error)) ? SB_OK : SB_NO_MEMORY;
}

sb_status sb_import_set_row(sb_import_item *item, size_t row, const char *id, const char *name, sb_error *error) {
  item->row = row;
  sb_status status = copy_id(id, &item->id, error);
  if (status != SB_OK) return status;
  item->name = sb_strdup(name, error);
  return item->name ? SB_OK : SB_NO_MEMORY;
}

/* In order of id, then of row. */
static int by_id(const void *a, const void *b) {
  const sb_import_item *one = *(sb_import_item *const *)a, *other = *(sb_import_item *const *)b;
  int order = strcmp(one->id, other->id);
  return order ? order : (one->row > other->row) - (one->row < other->row);
}

/* Names that differ only in case, accents or blanks are the same. */
static sb_status is_same(const char *name, const char *other, bool *same, sb_error *error) {
  char *one = NULL, *two = NULL;
  if (!strcmp(name, other)) return *same = true, SB_OK;
  sb_status status = sb_unicode_fold(name, &one, error);
  if (status == SB_OK) status = sb_unicode_fold(other, &two, error);
  *same = status == SB_OK && !strcmp(one, two);
  free(one);
  free(two);
  return status;
}

sb_status sb_import_check_names(sb_import *import, sb_error *error) {
  sb_import_item **sorted = sb_alloc(import->count, sizeof *sorted, error);
  sb_status status = SB_OK;
  bool same = true;
  if (!sorted) return SB_NO_MEMORY;
  for (size_t i = 0; i < import->count; i++) sorted[i] = &import->items[i];
  qsort(sorted, import->count, sizeof *sorted, by_id);
  for (size_t i = 1, first = 0; i < import->count; i++) {
    if (strcmp(sorted[first]->id, sorted[i]->id) != 0)
      first = i;
    else if (status == SB_OK && (status = is_same(sorted[first]->name, sorted[i]->name, &same, error)) == SB_OK &&
             !same)
      sorted[i]->problem = SB_IMPORT_OTHER_NAME;
  }
  free(sorted);
  return status;
}

sb_status sb_import_pass_over(sb_import *import, const char *path, sb_error *error) {
  size_t count = import->passed_over_count;
  void *grown = import->passed_over;
  sb_status status = SB_OK;
  if (!(count & (count - 1))) status = sb_grow(&grown, count ? 2 * count : 1, sizeof *import->passed_over, error);
  if (status != SB_OK) return status;
  import->passed_over = grown;
  if (!(import->passed_over[count] = sb_strdup(path, error))) return SB_NO_MEMORY;
  import->passed_over_count++;
  return SB_OK;
}
