/* What an import works through: rows of id, name and path, from a folder of folders or a CSV file. */
#ifndef SB_IMPORT_IMPORT_LIST_H
#define SB_IMPORT_IMPORT_LIST_H

#include "base/base.h"

typedef struct sb_import_row {
  char *id, *name, *path;
} sb_import_row;

typedef struct sb_import_list {
  size_t count;
  sb_import_row *rows;
} sb_import_list;

/* A folder: each folder in it is a person (id: its name; name: the same with '_' as spaces), each file in that a photo,
 * in order of name; hidden files are left out. A file: CSV rows id,name,path with an optional heading row and quotes as in
 * RFC 4180; relative paths start at the CSV's folder. SB_INVALID names the line. */
sb_status sb_import_list_read(const char *path, sb_import_list *out, sb_error *error);
void sb_import_list_free(sb_import_list *roll);

#endif
