/* The rules of an import, the same for the program and the server: which files are photos, and which person a photo
 * shows. */
#ifndef SB_IMPORT_RULES_H
#define SB_IMPORT_RULES_H

#include "base/base.h"

/* Paths here are relative to what was brought (a folder, an archive, an upload), with '/' between folders. */

/* Files that are left out: hidden files and folders (".DS_Store", ".git/x.jpg") and what systems put beside photos
 * (__MACOSX/, @eaDir/, Thumbs.db, desktop.ini). Of the others, "*.csv" is a CSV file and everything else is read as a
 * photo. */
bool sb_import_is_photo(const char *path);
bool sb_import_is_csv(const char *path);
/* Whether the name claims to be a picture, of a kind that is read or not ("x.jpg", "x.CR2"). A file that is no photo
 * and does not claim to be one (notes.txt, clip.mov) is passed over, not refused. */
bool sb_import_has_picture_name(const char *path);

/* Which person the photo at `path` shows, where no CSV file says so. The id is the name of the folder that the photo
 * lies in ("staff/Joe_Biden/1.jpg": "Joe_Biden"), or the photo's own name without its extension where it lies in
 * none. The name is the id with '_' as spaces. Both are released by free(). SB_NO_MEMORY. */
sb_status sb_import_person_of(const char *path, char **id, char **name, sb_error *error);

/* Called for each row of a CSV file, with its number from 1 and its columns id, name and path. The texts live until it
 * returns. */
typedef sb_status (*sb_import_visit_row)(void *context, size_t row, const char *id, const char *name, const char *path,
                                         sb_error *error);
/* Reads the rows of a CSV file, with or without a heading (csv.h). `source` names the file in messages. SB_INVALID
 * names the row. */
sb_status sb_import_rows(const uint8_t *bytes, size_t size, const char *source, sb_import_visit_row visit,
                         void *context, sb_error *error);
/* The same of a file on the disk, of at most 256 MB. */
sb_status sb_import_rows_of_file(const char *path, sb_import_visit_row visit, void *context, sb_error *error);

#endif
