/* The one reader of what people bring to an import: photos each with the id and the name of the person in it.
 *
 * The program opens a folder, a CSV file or a ZIP archive on the disk (sb_import_open). The server receives files
 * one by one, ZIP archives and CSV files among them, into an encrypted temporary file (sb_import_new, begin, write,
 * resolve). Both end with the same list of items, by the rules of import/rules.h, and read photos with
 * sb_import_read.
 *
 *   folder, CSV file on the disk -> item.path is a path of the disk, opened when the item is read
 *   upload, ZIP archive          -> the item is a range of the spool; item.path is a label and is never opened */
#ifndef SB_IMPORT_IMPORT_H
#define SB_IMPORT_IMPORT_H

#include "import/spool.h"

/* Limits of uploads and archives. A folder or a CSV file of the program's own user has no limit of items. */
enum { SB_IMPORT_ITEMS_MAX = 1000000, SB_IMPORT_PATH_MAX = 1024 };

/* Why an item is listed although it cannot be read: the report names it. */
typedef enum sb_import_problem {
  SB_IMPORT_READABLE,
  SB_IMPORT_MISSING,    /* a row of the CSV file names a photo that was not sent */
  SB_IMPORT_OTHER_NAME, /* an earlier row of the CSV file has another name for this id */
  SB_IMPORT_DAMAGED,    /* its numbers in the archive's directory are impossible */
  SB_IMPORT_ENCRYPTED,  /* in the archive */
  SB_IMPORT_PACKED,     /* in the archive, by a method other than deflate */
} sb_import_problem;

typedef struct sb_import_item {
  char *path;                /* "folder/photo.jpg" */
  char *id, *name;           /* of the person; set once the import is resolved */
  uint64_t offset;           /* in the spool */
  uint64_t stored_size;      /* bytes there */
  uint64_t size;             /* bytes when unpacked */
  uint32_t crc;              /* CRC-32 of the unpacked bytes, of a member of an archive */
  bool member;               /* of a ZIP archive */
  bool deflated;             /* else stored as it is */
  size_t row;                /* of the CSV file that names it, from 1; 0: none does */
  sb_import_problem problem; /* sb_import_read fails with its message */
} sb_import_item;

/* One thread until it is resolved; then immutable, and any thread may read. */
typedef struct sb_import {
  sb_spool *spool; /* NULL: items are files of the disk */
  size_t count, items_max;
  sb_import_item *items;
  size_t passed_over_count;
  char **passed_over; /* paths of the disk that are no person's photos: deeper folders, files beside the folders */
} sb_import;

/* Opens a folder (each folder in it is a person, each visible file in that a photo, in order of name; files beside
 * those folders and folders in them are passed over), a ZIP archive, or a CSV file with columns id, name and path
 * (relative paths start at its folder). SB_INVALID names the row. */
sb_status sb_import_open(const char *path, sb_import **out, sb_error *error);

/* An upload, empty. */
sb_status sb_import_new(sb_import **out, sb_error *error);
/* Begins a file; sb_import_write adds its bytes. SB_INVALID for a name that is not UTF-8 or longer than
 * SB_IMPORT_PATH_MAX. */
sb_status sb_import_begin(sb_import *import, const char *path, sb_error *error);
sb_status sb_import_write(sb_import *import, const void *bytes, size_t size, sb_error *error);
/* Ends an upload: opens its archives and finds out which person each photo shows, by the rows of the first CSV file
 * where there is one (photos that it does not name are left out), else by folder. SB_INVALID: an archive or the CSV
 * file is damaged, or there is no photo. */
sb_status sb_import_resolve(sb_import *import, sb_error *error);

/* Reads a photo of at most 32 MB; `*bytes` is released by free(). SB_TOO_LARGE, SB_BAD_IMAGE (damaged in the
 * archive), SB_INVALID (no such file). */
sb_status sb_import_read(const sb_import *import, const sb_import_item *item, uint8_t **bytes, size_t *size,
                         sb_error *error);
/* Whether an item that was refused with `status` is passed over instead: a file among photos that is no photo and does
 * not have the name of one. */
bool sb_import_passes_over(const sb_import_item *item, sb_status status);
void sb_import_free(sb_import *import);

#endif
