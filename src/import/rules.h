/* The rules of an import, the same for the program and the server: which files are photos, and which person a photo
 * shows. */
#ifndef SB_IMPORT_RULES_H
#define SB_IMPORT_RULES_H

#include "base/base.h"

/* Paths here are relative to what was brought (a folder, an archive, an upload), with '/' between folders. */

/* Files that are left out: hidden files and folders (".DS_Store", ".git/x.jpg") and what systems put beside photos
 * (__MACOSX/, Thumbs.db, desktop.ini). Of the others, "*.csv" is a CSV file and everything else counts as a photo; a
 * file that is none is refused when it is decoded. */
bool sb_import_is_photo(const char *path);
bool sb_import_is_csv(const char *path);

/* Which person the photo at `path` shows, where no CSV file says so. The id is the name of the folder that the photo
 * lies in ("staff/Joe_Biden/1.jpg": "Joe_Biden"), or the photo's own name without its extension where it lies in
 * none. The name is the id with '_' as spaces. Both are released by free(). SB_NO_MEMORY. */
sb_status sb_import_person_of(const char *path, char **id, char **name, sb_error *error);

/* Called for each row id,name,path of a CSV file. The texts live until it returns. */
typedef sb_status (*sb_import_visit_row)(void *context, const char *id, const char *name, const char *path,
                                         sb_error *error);
/* Reads the rows of a CSV file. A first row "id,...,path" in any case is a heading and is skipped. `source` names
 * the file in messages. SB_INVALID names the row. */
sb_status sb_import_rows(const uint8_t *bytes, size_t size, const char *source, sb_import_visit_row visit,
                         void *context, sb_error *error);
/* The same of a file on the disk, of at most 256 MB. */
sb_status sb_import_rows_of_file(const char *path, sb_import_visit_row visit, void *context, sb_error *error);

#endif
