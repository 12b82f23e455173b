/* The gallery as a table: a row is a face that is kept, opened for who holds the key. Its id is the row's.
 *
 *   dc_facialmatching.FacialData(SSN, Name, Age, Gender, Ethnicity, FaceVector)     main.faces(id, name, age, ...)
 *
 * What is inserted, changed and deleted is checked at once, kept until the transaction's end and then done through the engine,
 * each person in one durable step; a rollback forgets it. Until then the table shows the state before. */
#ifndef SB_SQL_GALLERY_H
#define SB_SQL_GALLERY_H

#include "engine/engine.h"
#include "sql/parts.h"

enum {
  SB_FACE_ID,
  SB_FACE_NAME,
  SB_FACE_AGE,
  SB_FACE_GENDER,
  SB_FACE_ETHNICITY,
  SB_FACE_VECTOR,
  SB_FACE_DISTANCE, /* hidden from here on */
  SB_FACE_SIMILARITY,
  SB_FACE_K,
  SB_FACE_RANK
};

/* What is still to be done. */
typedef enum sb_pending_kind {
  SB_PENDING_ENROLL,
  SB_PENDING_DELETE,
  SB_PENDING_RENAME,
  SB_PENDING_DESCRIBE,
  SB_PENDING_CHANGE_ID
} sb_pending_kind;
typedef struct sb_pending {
  sb_pending_kind kind;
  char *id, *name; /* the new ones; id also says whom SB_PENDING_RENAME and SB_PENDING_DESCRIBE mean */
  char *old_id;    /* SB_PENDING_CHANGE_ID */
  int64_t face;    /* SB_PENDING_DELETE */
  float *vector;
  size_t dim;
  unsigned described; /* which attributes are given: SB_DESCRIBE_... */
  sb_attributes attributes;
} sb_pending;

typedef struct sb_faces_table {
  sqlite3_vtab base;
  sqlite3 *db;
  sb_engine *engine;
  const char *collection; /* the module's */
  bool write;
  sb_pending *pending;
  size_t pending_count;
  size_t *marks; /* how many were pending at each savepoint */
  int mark_count;
} sb_faces_table;

int sb_faces_refused(sb_faces_table *table, sb_status status, const sb_error *error);

/* ---- gallery_read.c */
int sb_faces_best_index(sqlite3_vtab *base, sqlite3_index_info *info);
int sb_faces_open(sqlite3_vtab *base, sqlite3_vtab_cursor **out);
int sb_faces_close(sqlite3_vtab_cursor *base);
int sb_faces_filter(sqlite3_vtab_cursor *base, int number, const char *text, int count, sqlite3_value **values);
int sb_faces_next(sqlite3_vtab_cursor *base);
int sb_faces_eof(sqlite3_vtab_cursor *base);
int sb_faces_column(sqlite3_vtab_cursor *base, sqlite3_context *context, int column);
int sb_faces_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *out);

/* ---- gallery_write.c */
int sb_faces_update(sqlite3_vtab *base, int count, sqlite3_value **values, sqlite3_int64 *rowid);
int sb_faces_sync(sqlite3_vtab *base); /* does what is pending */
int sb_faces_done(sqlite3_vtab *base); /* forgets it */
int sb_faces_savepoint(sqlite3_vtab *base, int number);
int sb_faces_release(sqlite3_vtab *base, int number);
int sb_faces_rollback_to(sqlite3_vtab *base, int number);

#endif
