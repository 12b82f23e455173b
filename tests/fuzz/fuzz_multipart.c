/* A form in multipart/form-data: the first byte says in pieces of which size it is fed, the first line is the
 * Content-Type, the rest is the body. Fed whole and in pieces it has the same parts, or is refused in both. */
#include "http/core/multipart.h"

#include <stdlib.h>
#include <string.h>

/* All parts as one text: names, file names and bytes, each behind a letter. */
static sb_status take(void *context, const char *name, const char *filename, bool more, const void *bytes, size_t size,
                      sb_error *error) {
  sb_buffer *parts = context;
  if (!name) abort();
  if (!more && size) abort();
  if (more) return sb_buffer_add(parts, bytes, size, error);
  return sb_buffer_addf(parts, error, "<%s|%s>", name, filename ? filename : "-");
}

static sb_status read_in_pieces(const char *type, const char *body, size_t size, size_t piece, sb_buffer *parts) {
  sb_http_multipart *form = NULL;
  sb_status status = sb_http_multipart_new(type, (sb_http_multipart_sink){take, parts}, &form, NULL);
  if (status != SB_OK) return status;
  for (size_t at = 0; at < size && status == SB_OK; at += piece)
    status = sb_http_multipart_feed(form, body + at, size - at < piece ? size - at : piece, NULL);
  if (status == SB_OK) status = sb_http_multipart_end(form, NULL);
  sb_http_multipart_free(form);
  return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
  const uint8_t *end = size ? memchr(bytes + 1, '\n', size - 1) : NULL;
  if (!end) return 0;
  char *type = strndup((const char *)bytes + 1, (size_t)(end - bytes) - 1);
  const char *body = (const char *)end + 1;
  size_t length = size - (size_t)(end - bytes) - 1;
  sb_buffer whole = {0}, pieces = {0};
  if (!type) abort();
  sb_status status = read_in_pieces(type, body, length, length + 1, &whole);
  if (read_in_pieces(type, body, length, bytes[0] % 16 + 1u, &pieces) != status) abort();
  if (status == SB_OK &&
      (whole.size != pieces.size || (whole.size && memcmp(whole.bytes, pieces.bytes, whole.size) != 0)))
    abort();
  sb_buffer_free(&whole);
  sb_buffer_free(&pieces);
  free(type);
  return 0;
}
