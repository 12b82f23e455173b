/* The changes of a transaction that are checked but not yet made, with marks for savepoints. */
#ifndef SB_SQL_GALLERY_PENDING_H
#define SB_SQL_GALLERY_PENDING_H

#include "base/base.h"

typedef enum sb_sql_pending_kind {
  SB_SQL_PENDING_ENROLL,    /* id, name, vector, described, attributes */
  SB_SQL_PENDING_DELETE,    /* face */
  SB_SQL_PENDING_RENAME,    /* id, name */
  SB_SQL_PENDING_DESCRIBE,  /* id, described, attributes */
  SB_SQL_PENDING_CHANGE_ID, /* old_id, id */
  SB_SQL_PENDING_REPLACE,   /* face, vector */
} sb_sql_pending_kind;

typedef struct sb_sql_pending {
  sb_sql_pending_kind kind;
  char *id, *name, *old_id; /* owned */
  int64_t face;
  float *vector; /* owned; wiped when freed */
  size_t dim;
  unsigned described; /* which attributes are given: SB_DESCRIBE_... */
  sb_attributes attributes;
} sb_sql_pending;

/* Zero-initialise; sb_sql_pending_clear at the end. */
typedef struct sb_sql_pending_list {
  sb_sql_pending *items; /* in the order of the statements */
  size_t count;
  size_t *marks; /* the count at each savepoint, by SQLite's number for it */
  int mark_count;
} sb_sql_pending_list;

/* Frees what a change owns. */
void sb_sql_pending_free(sb_sql_pending *change);
/* Adds a change. Takes what it owns, and frees it when adding fails. */
sb_status sb_sql_pending_add(sb_sql_pending_list *list, sb_sql_pending *change, sb_error *error);
/* Drops all changes and marks. */
void sb_sql_pending_clear(sb_sql_pending_list *list);

/* SQLite's xSavepoint, xRelease and xRollbackTo. */
sb_status sb_sql_pending_mark(sb_sql_pending_list *list, int savepoint, sb_error *error);
void sb_sql_pending_release(sb_sql_pending_list *list, int savepoint);
void sb_sql_pending_rollback(sb_sql_pending_list *list, int savepoint);

/* What the list does to an id: +1 takes it, -1 gives it up, 0 neither. */
int sb_sql_pending_claims(const sb_sql_pending_list *list, const char *id);

#endif
