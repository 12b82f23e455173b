/* Errors: filling an sb_error, and classifying a status. The statuses themselves are public (semblance.h). */
#ifndef SB_BASE_ERRORS_H
#define SB_BASE_ERRORS_H

#include <semblance/semblance.h>

/* Fills `error` (NULL allowed) and returns `code`, so that a failing function can end with `return sb_fail(...)`. A
 * message that is too long is cut at a character boundary. The arguments may point into `error` itself. */
SB_PRINTF(3, 4) sb_status sb_fail(sb_error *error, sb_status code, const char *format, ...);

/* The same from errno: SB_DISK_FULL for ENOSPC, EDQUOT and EFBIG; SB_READ_ONLY for EROFS, EACCES and EPERM;
 * SB_NOT_FOUND for ENOENT; SB_NO_MEMORY for ENOMEM; otherwise SB_IO. `what` is the failed action ("open the key
 * file"). */
sb_status sb_fail_errno(sb_error *error, int error_number, const char *what, const char *path);

/* What caused a failure; exit codes and the policy of jobs follow from it.
 *   INPUT   the photo or the request; the next one may succeed
 *   ABSENT  the requested object does not exist
 *   CALLER  the caller lacks the permission
 *   SYSTEM  this machine or installation; the next request would fail in the same way */
typedef enum sb_fault { SB_FAULT_NONE, SB_FAULT_INPUT, SB_FAULT_ABSENT, SB_FAULT_CALLER, SB_FAULT_SYSTEM } sb_fault;
sb_fault sb_status_fault(sb_status status);

#endif
