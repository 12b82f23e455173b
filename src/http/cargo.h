/* What an import brought: files by name in a spool, the members of ZIP archives among them, and who they show. */
#ifndef SB_HTTP_CARGO_H
#define SB_HTTP_CARGO_H

#include "http/spool.h"

enum { SB_CARGO_ITEMS_MAX = 1000000, SB_CARGO_PATH_MAX = 1024 };

typedef struct sb_cargo_item {
  char *path;      /* a label, never opened: "folder/photo.jpg" */
  char *id, *name; /* of the person; NULL until sb_cargo_settle */
  uint64_t offset; /* in the spool */
  uint64_t size;   /* as stored there */
  uint64_t full;   /* unpacked */
  bool deflated;
  bool broken; /* listed, but cannot be read: `sb_cargo_read` says why */
} sb_cargo_item;

/* One thread until it is settled; then immutable and shared. */
typedef struct sb_cargo {
  sb_spool *spool;
  size_t count;
  sb_cargo_item *items;
} sb_cargo;

sb_status sb_cargo_new(sb_cargo **out, sb_error *error);
void sb_cargo_free(sb_cargo *cargo);
/* A file begins; its bytes follow by sb_cargo_add. SB_INVALID for a name that is no text or too long. */
sb_status sb_cargo_begin(sb_cargo *cargo, const char *path, sb_error *error);
sb_status sb_cargo_add(sb_cargo *cargo, const void *bytes, size_t size, sb_error *error);
/* Opens archives, and finds out who each photo shows: by rows id,name,path of a CSV file where there is one, else by the
 * folder that a photo lies in (its name is the id; with '_' as spaces the name), or its own name. Photos only are left.
 * SB_INVALID: an archive or a CSV file is damaged, or no photo is there. */
sb_status sb_cargo_settle(sb_cargo *cargo, sb_error *error);
/* The bytes of a photo, `*bytes` released by free(). SB_TOO_LARGE, SB_BAD_IMAGE (damaged in the archive). */
sb_status sb_cargo_read(const sb_cargo *cargo, const sb_cargo_item *item, uint8_t **bytes, size_t *size,
                        sb_error *error);

/* zip.c: adds the members of the archive at items[index] to the cargo. */
sb_status sb_zip_open(sb_cargo *cargo, size_t index, sb_error *error);
/* Adds an item; takes nothing over. */
sb_status sb_cargo_note(sb_cargo *cargo, const char *path, size_t length, sb_cargo_item item, sb_error *error);

#endif
