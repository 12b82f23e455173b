/* SQLite's interface, for what is built twice: into the program, and as the extension that another program loads (there the
 * calls go through the table of functions that the program hands over). */
#ifndef SB_SQL_SQLITE_H
#define SB_SQL_SQLITE_H

#ifdef SB_SQL_LOADABLE
#include <sqlite3ext.h>
#ifndef SB_SQL_EXTENSION_MAIN
SQLITE_EXTENSION_INIT3
#endif
#else
#include <sqlite3.h>
#endif

/* sqlite3_vtab_in came with 3.38: without it a filtered search would be asked once for each value of an IN list. */
#define SB_SQLITE_LEAST 3038000

#endif
