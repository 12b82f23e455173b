/* Only codes with one meaning for all callers are here. Others, such as SQLITE_CONSTRAINT or SQLITE_CANTOPEN, mean
 * different things to the store and to SQL, which handle them before they come here. */
#include "base/sqlite_status.h"

#include <errno.h>
#include <sqlite3.h>

sb_status sb_status_of_sqlite(int code, int system_error) {
  switch (code & 0xff) { /* the primary code */
  case SQLITE_NOMEM: return SB_NO_MEMORY;
  case SQLITE_BUSY:
  case SQLITE_LOCKED: return SB_BUSY;
  case SQLITE_FULL: return SB_DISK_FULL;
  case SQLITE_IOERR:
    return system_error == ENOSPC || system_error == EFBIG || system_error == EDQUOT ? SB_DISK_FULL : SB_IO;
  case SQLITE_READONLY:
  case SQLITE_PERM: return SB_READ_ONLY;
  case SQLITE_TOOBIG: return SB_TOO_LARGE;
  default: return SB_STORE;
  }
}

sb_status sb_fail_sqlite(sb_error *error, sb_status status, const char *place, const char *message) {
  switch (status) {
  case SB_NO_MEMORY: return sb_fail(error, status, "out of memory");
  case SB_BUSY: return sb_fail(error, status, "another program is writing to %s; try again", place);
  case SB_DISK_FULL: return sb_fail(error, status, "no space is left where %s is stored; nothing was changed", place);
  case SB_IO: return sb_fail(error, status, "the disk of %s failed: %s", place, message);
  case SB_READ_ONLY: return sb_fail(error, status, "%s cannot be written: %s", place, message);
  case SB_TOO_LARGE: return sb_fail(error, status, "%s", message);
  default: return sb_fail(error, status, "the database refused an operation: %s", message);
  }
}
