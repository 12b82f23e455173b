/* Templates as columns: sealed float32, or halfvec where the database is to compute with them. Either way they went through
 * their collection's secret transform before. */
#include "store/gallery/attributes.h"
#include "store/internal.h"

#include <stdlib.h>
#include <string.h>

size_t sb_store_template_size(const sb_store *store, size_t dim) {
  return store->driver->seals_templates ? dim * 4 + SB_SEAL_OVERHEAD : SB_HALFVEC_HEAD + dim * 2;
}

sb_status sb_store_template_open(const sb_store *store, const sb_seal_context *place, const void *bytes, size_t size,
                                 size_t dim, float *out, sb_error *error) {
  if (!bytes || size != sb_store_template_size(store, dim))
    return sb_fail(error, SB_STORE, "a template of the database has the wrong length; restore a backup");
  if (!store->driver->seals_templates)
    return sb_store_halfvec_read(bytes, dim, out) ? SB_OK
                                                  : sb_fail(error, SB_STORE, "a template of the database is damaged");
  sb_status status = sb_keyring_unseal(store->keyring, place, bytes, size, out, error);
  if (status == SB_OK) sb_store_floats_read((const uint8_t *)out, dim, out); /* in place: each number has four bytes */
  return status;
}

void sb_statement_column_template(sb_statement *s, int column, const sb_seal_context *place, size_t dim, float *out) {
  size_t size = 0;
  if (s->status != SB_OK) return;
  const uint8_t *bytes = sb_statement_column_blob(s, column, &size);
  if (s->store->driver->seals_templates && bytes && size >= SB_SEAL_OVERHEAD &&
      sb_keyring_sealed_number(bytes, size) > s->store->newest_key)
    s->status = sb_store_keys_refresh(s->store, s->error);
  if (s->status == SB_OK) s->status = sb_store_template_open(s->store, place, bytes, size, dim, out, s->error);
}

void sb_statement_bind_template(sb_statement *s, int index, const sb_seal_context *place, const float *values,
                                size_t dim) {
  if (s->status != SB_OK) return;
  bool seals = s->store->driver->seals_templates;
  size_t size = seals ? dim * 4 : SB_HALFVEC_HEAD + dim * 2;
  uint8_t *bytes = sb_alloc(size, 1, s->error);
  if (!bytes) {
    s->status = SB_NO_MEMORY;
  } else if (seals) {
    sb_store_floats_write(values, dim, bytes);
    sb_statement_bind_sealed(s, index, place, bytes, size);
    sb_wipe(bytes, size);
  } else {
    sb_store_halfvec_write(values, dim, bytes);
    s->store->driver->bind_blob(s, index, bytes, size, true);
  }
  free(bytes);
}
