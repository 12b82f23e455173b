/* The methods of the gallery's tables, for the sqlite3_module in module.c. Parameters and results are those of SQLite's
 * documentation, https://sqlite.org/vtab.html. */
#ifndef SB_SQL_GALLERY_METHODS_H
#define SB_SQL_GALLERY_METHODS_H

#include "sql/sqlite.h"

/* plan.c */
int sb_sql_gallery_best_index(sqlite3_vtab *base, sqlite3_index_info *info);
/* cursor.c */
int sb_sql_gallery_open(sqlite3_vtab *base, sqlite3_vtab_cursor **out);
int sb_sql_gallery_close(sqlite3_vtab_cursor *base);
int sb_sql_gallery_filter(sqlite3_vtab_cursor *base, int number, const char *text, int count, sqlite3_value **values);
int sb_sql_gallery_next(sqlite3_vtab_cursor *base);
int sb_sql_gallery_eof(sqlite3_vtab_cursor *base);
int sb_sql_gallery_column(sqlite3_vtab_cursor *base, sqlite3_context *context, int column);
int sb_sql_gallery_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *out);
/* write.c */
int sb_sql_gallery_update(sqlite3_vtab *base, int count, sqlite3_value **values, sqlite3_int64 *rowid);
int sb_sql_gallery_sync(sqlite3_vtab *base);

#endif
