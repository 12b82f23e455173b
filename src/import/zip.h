/* ZIP archives inside an import's spool (PKWARE's APPNOTE 6.3, without ZIP64): see zip.c. */
#ifndef SB_IMPORT_ZIP_H
#define SB_IMPORT_ZIP_H

#include "import/items.h"

/* Do the first bytes look like an archive's? A CSV file can begin with "PK", too, so four bytes count. */
bool sb_zip_begins(const uint8_t magic[4]);
/* Adds the members of the archive at items[index]. One that cannot be read becomes an item with a problem.
 * SB_INVALID: the directory itself is damaged. */
sb_status sb_zip_open(sb_import *import, size_t index, sb_error *error);
/* Replaces the stored bytes of a member (allocated, `item->stored_size` long) by the unpacked ones and checks their
 * CRC-32. Never writes more than `item->size` bytes. SB_BAD_IMAGE: damaged. */
sb_status sb_zip_unpack(const sb_import_item *item, uint8_t **bytes, sb_error *error);

#endif
