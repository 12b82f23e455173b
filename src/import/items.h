/* What the files of import/ share: the list of items under construction. */
#ifndef SB_IMPORT_ITEMS_H
#define SB_IMPORT_ITEMS_H

#include "import/import.h"

/* Makes an import over a spool that it takes over, or over files of the disk (NULL). */
sb_status sb_import_make(sb_spool *spool, size_t items_max, sb_import **out, sb_error *error);
/* Appends a copy of `item`, with a copy of the first `length` bytes of `path`. SB_TOO_LARGE beyond items_max. */
sb_status sb_import_add(sb_import *import, const char *path, size_t length, sb_import_item item, sb_error *error);
/* Sets id and name of an item to copies, as a row of a CSV file gives them. */
sb_status sb_import_set_row(sb_import_item *item, size_t row, const char *id, const char *name, sb_error *error);
/* Marks the rows that give an id another name than an earlier row does: their photos may show somebody else. */
sb_status sb_import_check_names(sb_import *import, sb_error *error);
/* Adds a copy of a path to those that are passed over. */
sb_status sb_import_pass_over(sb_import *import, const char *path, sb_error *error);
void sb_import_item_clear(sb_import_item *item);
/* Reads an item of at most `most` bytes. */
sb_status sb_import_read_at_most(const sb_import *import, const sb_import_item *item, size_t most, uint8_t **bytes,
                                 size_t *size, sb_error *error);

#endif
