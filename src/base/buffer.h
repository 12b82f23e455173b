/* A growing byte buffer for one thread. Zero-initialise it and call sb_buffer_free at the end. `bytes` is NULL while
 * the buffer is empty; otherwise a NUL that `size` does not count follows the last byte. */
#ifndef SB_BASE_BUFFER_H
#define SB_BASE_BUFFER_H

#include <semblance/semblance.h>

typedef struct sb_buffer {
  char *bytes;
  size_t size, capacity;
} sb_buffer;

sb_status sb_buffer_add(sb_buffer *buffer, const void *bytes, size_t size, sb_error *error);
SB_PRINTF(3, 4) sb_status sb_buffer_addf(sb_buffer *buffer, sb_error *error, const char *format, ...);
void sb_buffer_free(sb_buffer *buffer);

#endif
