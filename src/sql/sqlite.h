/* SQLite's C interface, included here so that the vector functions and the table kind can be built twice from the
 * same sources.
 *
 * In the program the calls go to the SQLite library that it is linked with. In semblance.so (SB_SQL_LOADABLE), which
 * another program loads, sqlite3ext.h turns every call into one through `sqlite3_api`, the table of functions that
 * the loading program hands over; loaded_api.c defines that variable and extension.c sets it. */
#ifndef SB_SQL_SQLITE_H
#define SB_SQL_SQLITE_H

#ifdef SB_SQL_LOADABLE
#include <sqlite3ext.h>
#ifndef SB_SQL_DEFINES_API
SQLITE_EXTENSION_INIT3
#endif
#else
#include <sqlite3.h>
#endif

/* SQLite 3.38 brought sqlite3_vtab_in. Without it SQLite would run a filtered search once for each value of an IN
 * list. */
#define SB_SQL_SQLITE_MIN 3038000

#endif
