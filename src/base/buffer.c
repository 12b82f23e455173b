/* A growing byte buffer: the capacity doubles, and one byte more is always kept for the terminating NUL. */
#include "base/buffer.h"

#include "base/alloc.h"
#include "base/errors.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Makes room for `more` bytes and the NUL that always follows. */
static sb_status buffer_reserve(sb_buffer *buffer, size_t more, sb_error *error) {
  size_t wanted;
  if (__builtin_add_overflow(buffer->size, more, &wanted) || wanted > SIZE_MAX / 2 - 1)
    return sb_fail(error, SB_NO_MEMORY, "out of memory");
  if (wanted < buffer->capacity) return SB_OK;
  size_t capacity = buffer->capacity ? buffer->capacity : 64;
  while (capacity <= wanted) capacity *= 2;
  void *bytes = buffer->bytes;
  sb_status status = sb_grow(&bytes, capacity, 1, error);
  if (status != SB_OK) return status;
  buffer->bytes = bytes;
  buffer->capacity = capacity;
  return SB_OK;
}

sb_status sb_buffer_add(sb_buffer *buffer, const void *bytes, size_t size, sb_error *error) {
  sb_status status = buffer_reserve(buffer, size, error);
  if (status != SB_OK) return status;
  if (size) memcpy(buffer->bytes + buffer->size, bytes, size);
  buffer->size += size;
  buffer->bytes[buffer->size] = 0;
  return SB_OK;
}

sb_status sb_buffer_addf(sb_buffer *buffer, sb_error *error, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  int length = vsnprintf(NULL, 0, format, arguments);
  va_end(arguments);
  if (length < 0) return sb_fail(error, SB_MISUSE, "a text could not be formatted");
  sb_status status = buffer_reserve(buffer, (size_t)length, error);
  if (status != SB_OK) return status;
  va_start(arguments, format);
  vsnprintf(buffer->bytes + buffer->size, (size_t)length + 1, format, arguments);
  va_end(arguments);
  buffer->size += (size_t)length;
  return SB_OK;
}

void sb_buffer_free(sb_buffer *buffer) {
  free(buffer->bytes);
  *buffer = (sb_buffer){0};
}
