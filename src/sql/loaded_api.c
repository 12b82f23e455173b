/* Defines `sqlite3_api`, the table of SQLite's functions that the program which loads semblance.so hands over
 * (sqlite.h). It has a file of its own because every other file of the extension refers to it. */
#define SB_SQL_DEFINES_API
#include "sql/sqlite.h"

SQLITE_EXTENSION_INIT1
