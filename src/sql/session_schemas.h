/* Schemas of one's own in a session over a file: the tables of schema Sample of own.db are in the file own.db.sample,
 * which is attached when a statement names the schema. */
#ifndef SB_SQL_SESSION_SCHEMAS_H
#define SB_SQL_SESSION_SCHEMAS_H

#include "base/base.h"
#include "sql/sqlite.h"

/* Attaches the file of the schema that the last error message of `db` says is missing. `path`: the session's file.
 * `create`: a file that does not exist is made where a statement creates something in the schema. Returns whether
 * compiling again is worth it. */
bool sb_sql_attach_missing_schema(sqlite3 *db, const char *path, bool create);

#endif
