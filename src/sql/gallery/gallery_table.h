/* The gallery as a table: a row is a face that is kept, opened for who holds the key. Its id is the row's.
 *
 *   dc_facialmatching.FacialData(SSN, Name, Age, Gender, Ethnicity, FaceVector)     main.faces(id, name, age, ...)
 *
 * What is inserted, changed and deleted is checked at once, kept until the transaction's end and then done through
 * the engine, each person in one durable step; a rollback forgets it. Until then the table shows the state before. */
#ifndef SB_SQL_GALLERY_H
#define SB_SQL_GALLERY_H

#include "engine/engine.h"
#include "sql/error.h"
#include "sql/vectors/argument.h"
#include "sql/vectors/metric.h"

enum {
  SB_SQL_GALLERY_ID,
  SB_SQL_GALLERY_NAME,
  SB_SQL_GALLERY_AGE,
  SB_SQL_GALLERY_GENDER,
  SB_SQL_GALLERY_ETHNICITY,
  SB_SQL_GALLERY_VECTOR,
  SB_SQL_GALLERY_DISTANCE, /* hidden from here on */
  SB_SQL_GALLERY_SIMILARITY,
  SB_SQL_GALLERY_K,
  SB_SQL_GALLERY_RANK
};

/* What is still to be done. */
typedef enum sb_sql_pending_kind {
  SB_SQL_PENDING_ENROLL,
  SB_SQL_PENDING_DELETE,
  SB_SQL_PENDING_RENAME,
  SB_SQL_PENDING_DESCRIBE,
  SB_SQL_PENDING_CHANGE_ID
} sb_sql_pending_kind;
typedef struct sb_sql_pending {
  sb_sql_pending_kind kind;
  char *id, *name; /* the new ones; id also says whom SB_SQL_PENDING_RENAME and SB_SQL_PENDING_DESCRIBE mean */
  char *old_id;    /* SB_SQL_PENDING_CHANGE_ID */
  int64_t face;    /* SB_SQL_PENDING_DELETE */
  float *vector;
  size_t dim;
  unsigned described; /* which attributes are given: SB_DESCRIBE_... */
  sb_attributes attributes;
} sb_sql_pending;

typedef struct sb_sql_gallery_table {
  sqlite3_vtab base;
  sqlite3 *db;
  sb_engine *engine;
  const char *collection; /* the module's */
  bool write;
  sb_sql_pending *pending;
  size_t pending_count;
  size_t *marks; /* how many were pending at each savepoint */
  int mark_count;
} sb_sql_gallery_table;

/* ---- gallery_read.c */
int sb_sql_gallery_best_index(sqlite3_vtab *base, sqlite3_index_info *info);
int sb_sql_gallery_open(sqlite3_vtab *base, sqlite3_vtab_cursor **out);
int sb_sql_gallery_close(sqlite3_vtab_cursor *base);
int sb_sql_gallery_filter(sqlite3_vtab_cursor *base, int number, const char *text, int count, sqlite3_value **values);
int sb_sql_gallery_next(sqlite3_vtab_cursor *base);
int sb_sql_gallery_eof(sqlite3_vtab_cursor *base);
int sb_sql_gallery_column(sqlite3_vtab_cursor *base, sqlite3_context *context, int column);
int sb_sql_gallery_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *out);

/* ---- gallery_write.c */
int sb_sql_gallery_update(sqlite3_vtab *base, int count, sqlite3_value **values, sqlite3_int64 *rowid);
int sb_sql_gallery_sync(sqlite3_vtab *base);    /* does what is pending */
int sb_sql_gallery_discard(sqlite3_vtab *base); /* forgets it */
int sb_sql_gallery_savepoint(sqlite3_vtab *base, int number);
int sb_sql_gallery_release(sqlite3_vtab *base, int number);
int sb_sql_gallery_rollback_to(sqlite3_vtab *base, int number);

#endif
