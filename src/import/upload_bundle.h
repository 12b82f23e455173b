/* What an import brought: files by name in a spool, the members of ZIP archives among them, and who they show. */
#ifndef SB_IMPORT_UPLOAD_BUNDLE_H
#define SB_IMPORT_UPLOAD_BUNDLE_H

#include "import/spool.h"

enum { SB_UPLOAD_BUNDLE_ITEMS_MAX = 1000000, SB_UPLOAD_BUNDLE_PATH_MAX = 1024 };

typedef struct sb_upload_bundle_item {
  char *path;      /* a label, never opened: "folder/photo.jpg" */
  char *id, *name; /* of the person; NULL until sb_upload_bundle_resolve */
  uint64_t offset; /* in the spool */
  uint64_t size;   /* as stored there */
  uint64_t full;   /* unpacked */
  bool deflated;
  bool broken; /* listed, but cannot be read: `sb_upload_bundle_read` says why */
} sb_upload_bundle_item;

/* One thread until it is settled; then immutable and shared. */
typedef struct sb_upload_bundle {
  sb_spool *spool;
  size_t count;
  sb_upload_bundle_item *items;
} sb_upload_bundle;

sb_status sb_upload_bundle_new(sb_upload_bundle **out, sb_error *error);
void sb_upload_bundle_free(sb_upload_bundle *bundle);
/* A file begins; its bytes follow by sb_upload_bundle_write. SB_INVALID for a name that is no text or too long. */
sb_status sb_upload_bundle_begin(sb_upload_bundle *bundle, const char *path, sb_error *error);
sb_status sb_upload_bundle_write(sb_upload_bundle *bundle, const void *bytes, size_t size, sb_error *error);
/* Opens archives, and finds out who each photo shows: by rows id,name,path of a CSV file where there is one, else by the
 * folder that a photo lies in (its name is the id; with '_' as spaces the name), or its own name. Photos only are left.
 * SB_INVALID: an archive or a CSV file is damaged, or no photo is there. */
sb_status sb_upload_bundle_resolve(sb_upload_bundle *bundle, sb_error *error);
/* The bytes of a photo, `*bytes` released by free(). SB_TOO_LARGE, SB_BAD_IMAGE (damaged in the archive). */
sb_status sb_upload_bundle_read(const sb_upload_bundle *bundle, const sb_upload_bundle_item *item, uint8_t **bytes,
                                size_t *size, sb_error *error);

/* zip.c: adds the members of the archive at items[index] to the bundle. */
sb_status sb_zip_open(sb_upload_bundle *bundle, size_t index, sb_error *error);
/* Adds an item; takes nothing over. */
sb_status sb_upload_bundle_add_item(sb_upload_bundle *bundle, const char *path, size_t length,
                                    sb_upload_bundle_item item, sb_error *error);

#endif
