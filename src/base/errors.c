/* Status codes as words, faults, and filling an sb_error. */
#include "base/errors.h"

#include "base/text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *sb_status_code(sb_status status) {
  switch (status) {
#define SB_STATUS_CASE(symbol, code, meaning) \
  case SB_##symbol: return code;
    SB_STATUS_LIST(SB_STATUS_CASE)
#undef SB_STATUS_CASE
  }
  return "unknown";
}

sb_fault sb_status_fault(sb_status status) {
  switch (status) {
  case SB_OK: return SB_FAULT_NONE;
  case SB_INVALID:
  case SB_BAD_IMAGE:
  case SB_UNSUPPORTED_IMAGE:
  case SB_IMAGE_TOO_LARGE:
  case SB_NO_FACE:
  case SB_SEVERAL_FACES:
  case SB_LOW_QUALITY:
  case SB_NOT_LIVE:
  case SB_EXISTS:
  case SB_DUPLICATE:
  case SB_TOO_LARGE: return SB_FAULT_INPUT;
  case SB_NOT_FOUND: return SB_FAULT_ABSENT;
  case SB_FORBIDDEN: return SB_FAULT_CALLER;
  case SB_MISUSE:
  case SB_NO_MEMORY:
  case SB_BUSY:
  case SB_STOPPING:
  case SB_MODEL:
  case SB_STORE:
  case SB_DISK_FULL:
  case SB_READ_ONLY:
  case SB_WRONG_KEY:
  case SB_IO:
  case SB_INTERNAL: return SB_FAULT_SYSTEM;
  }
  return SB_FAULT_SYSTEM;
}

/* Cuts a message at a character boundary, so that it stays valid UTF-8. */
static void trim_to_utf8(char *message, size_t capacity) {
  size_t length = strnlen(message, capacity - 1);
  message[length] = 0;
  while (length > 0 && !sb_utf8_valid(message, length)) message[--length] = 0;
}

sb_status sb_fail(sb_error *error, sb_status code, const char *format, ...) {
  if (!error) return code;
  char message[sizeof error->message]; /* the arguments may point into `error` itself */
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(message, sizeof message, format, arguments);
  va_end(arguments);
  trim_to_utf8(message, sizeof message);
  error->code = code;
  memcpy(error->message, message, sizeof message);
  return code;
}

sb_status sb_fail_errno(sb_error *error, int error_number, const char *what, const char *path) {
  switch (error_number) {
  case ENOSPC:
  case EDQUOT:
  case EFBIG: return sb_fail(error, SB_DISK_FULL, "could not %s: no space is left on the device of %s", what, path);
  case EROFS:
    return sb_fail(error, SB_READ_ONLY, "could not %s: the file system of %s is read-only", what, path);
  case EACCES:
  case EPERM:
    return sb_fail(
        error, SB_READ_ONLY,
        "could not %s: permission denied for %s; check its owner and mode, and that the file system is writable", what,
        path);
  case ENOENT: return sb_fail(error, SB_NOT_FOUND, "could not %s: %s does not exist", what, path);
  case ENOMEM: return sb_fail(error, SB_NO_MEMORY, "could not %s: out of memory", what);
  default: {
    char reason[128];
    return sb_fail(error, SB_IO, "could not %s %s: %s", what, path, strerror_r(error_number, reason, sizeof reason));
  }
  }
}
