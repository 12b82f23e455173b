/* The gallery as SQL tables. A row is a stored face, unsealed for a caller that holds the gallery's key; its rowid is
 * the face's row in the database.
 *
 *   dc_facialmatching.FacialData(SSN, Name, Age, Gender, Ethnicity, FaceVector)     main.faces(id, name, age, ...)
 *
 * Reading (cursor.c) goes to the engine at once. Writing (write.c) checks a change at once, adds it to a list of
 * pending changes (pending.c), and makes all of them through the engine when the transaction ends, each person in
 * one durable step; a rollback drops the list. Until then the tables show the state before.
 *
 * This header has the table's data; the methods that SQLite calls are in methods.h. One connection, one thread. */
#ifndef SB_SQL_GALLERY_TABLE_H
#define SB_SQL_GALLERY_TABLE_H

#include "engine/engine.h"
#include "sql/gallery/pending.h"
#include "sql/sqlite.h"

/* The columns, of both tables. Those from DISTANCE on are hidden. */
enum {
  SB_SQL_GALLERY_ID,
  SB_SQL_GALLERY_NAME,
  SB_SQL_GALLERY_AGE,
  SB_SQL_GALLERY_GENDER,
  SB_SQL_GALLERY_ETHNICITY,
  SB_SQL_GALLERY_VECTOR,
  SB_SQL_GALLERY_DISTANCE,
  SB_SQL_GALLERY_SIMILARITY,
  SB_SQL_GALLERY_K,
  SB_SQL_GALLERY_RANK
};

typedef struct sb_sql_gallery_table {
  sqlite3_vtab base;
  sqlite3 *db;
  sb_engine *engine;              /* the session's */
  const char *collection;         /* the module's */
  const char *name, *vector_name; /* the table's, and its vector column's, for messages */
  bool write;                     /* else changes are refused */
  sb_sql_pending_list pending;
} sb_sql_gallery_table;

#endif
