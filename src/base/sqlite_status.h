/* Maps SQLite's result codes to this project's statuses, for the store and for SQL. It needs SQLite's constants only,
 * not its library, so the extension semblance.so can link it, too. */
#ifndef SB_BASE_SQLITE_STATUS_H
#define SB_BASE_SQLITE_STATUS_H

#include "base/base.h"

/* The status of a code that is an error, primary or extended. `system_error`: errno of the failed call, 0 when unknown;
 * it distinguishes a full disk from a broken one. SB_STORE stands for every code that has no status of its own. */
sb_status sb_status_of_sqlite(int code, int system_error);
/* Fills `error` for `status` and returns it. `place`: what was accessed, as in "the gallery". `message`: SQLite's own
 * words. */
sb_status sb_fail_sqlite(sb_error *error, sb_status status, const char *place, const char *message);

#endif
