/* Files that arrive in pieces, one after another: each is a range of the spool. What they mean is found out when all
 * have arrived (resolve.c). */
#include "import/items.h"

#include <string.h>

sb_status sb_import_new(sb_import **out, sb_error *error) {
  sb_spool *spool = NULL;
  sb_status status = sb_spool_new(&spool, error);
  return status == SB_OK ? sb_import_make(spool, SB_IMPORT_ITEMS_MAX, out, error) : status;
}

sb_status sb_import_begin(sb_import *import, const char *path, sb_error *error) {
  size_t length = strlen(path);
  if (!length || length > SB_IMPORT_PATH_MAX || !sb_utf8_valid(path, length))
    return sb_fail(error, SB_INVALID, "a file of the import has no name, or one that is not UTF-8 or over %d bytes",
                   SB_IMPORT_PATH_MAX);
  return sb_import_add(import, path, length, (sb_import_item){.offset = sb_spool_size(import->spool)}, error);
}

sb_status sb_import_write(sb_import *import, const void *bytes, size_t size, sb_error *error) {
  sb_status status = sb_spool_add(import->spool, bytes, size, error);
  if (status != SB_OK) return status;
  sb_import_item *item = &import->items[import->count - 1];
  item->stored_size += size;
  item->size = item->stored_size;
  return SB_OK;
}
