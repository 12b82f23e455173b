/* Sealed columns and templates: sealing what is bound to a statement, opening what its columns hold.
 *
 * A sealed field begins with the number of its data key. If that number is higher than any key loaded, another process
 * has rotated the keys, and they are loaded again first. */
#include "store/sealing/sealed_columns.h"

#include "store/sealing/column_encoding.h"
#include "store/sealing/keys.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

void sb_statement_bind_sealed(sb_statement *s, int index, const sb_seal_context *context, const void *plain,
                              size_t size) {
  if (s->status != SB_OK) return;
  uint8_t *sealed = sb_alloc(size + SB_SEAL_OVERHEAD, 1, s->error);
  s->status = sealed ? sb_keyring_seal(s->store->keys->keyring, context, plain, size, sealed, s->error) : SB_NO_MEMORY;
  sb_statement_bind_blob_copy(s, index, sealed, size + SB_SEAL_OVERHEAD);
  free(sealed);
}

/* Another process has added the data key that the value is sealed under. */
static bool needs_keys(const sb_store *store, const void *sealed, size_t size) {
  return sealed && size >= SB_SEAL_OVERHEAD && sb_keyring_sealed_number(sealed, size) > store->keys->newest;
}

static void have_key(sb_statement *s, const uint8_t *sealed, size_t size) {
  if (s->status == SB_OK && needs_keys(s->store, sealed, size)) s->status = sb_store_keys_refresh(s->store, s->error);
}

char *sb_statement_column_sealed(sb_statement *s, int column, const sb_seal_context *context, size_t *size) {
  if (s->status != SB_OK) return NULL;
  size_t sealed_size = 0;
  const uint8_t *sealed = sb_statement_column_blob(s, column, &sealed_size);
  if (!sealed || sealed_size < SB_SEAL_OVERHEAD) {
    s->status = sb_fail(s->error, SB_STORE, "a sealed field of the database (%s.%s) is missing; restore a backup",
                        context->table, context->column);
    return NULL;
  }
  have_key(s, sealed, sealed_size);
  if (s->status != SB_OK) return NULL;
  char *plain = sb_alloc(sealed_size - SB_SEAL_OVERHEAD + 1, 1, s->error);
  s->status =
      plain ? sb_keyring_unseal(s->store->keys->keyring, context, sealed, sealed_size, plain, s->error) : SB_NO_MEMORY;
  if (s->status != SB_OK) return free(plain), NULL;
  *size = sealed_size - SB_SEAL_OVERHEAD;
  return plain;
}

/* ---- Templates */

size_t sb_store_template_size(const sb_store *store, size_t dim) {
  return store->driver->seals_templates ? dim * 4 + SB_SEAL_OVERHEAD : SB_HALFVEC_HEAD + dim * 2;
}

sb_status sb_store_template_open(const sb_store *store, const sb_seal_context *context, const void *bytes, size_t size,
                                 size_t dim, float *out, sb_error *error) {
  if (!bytes || size != sb_store_template_size(store, dim))
    return sb_fail(error, SB_STORE, "a template of the database has the wrong length; restore a backup");
  if (!store->driver->seals_templates) {
    if (sb_store_halfvec_read(bytes, dim, out)) return SB_OK;
    return sb_fail(error, SB_STORE, "a template of the database is damaged; restore a backup");
  }
  sb_status status = sb_keyring_unseal(store->keys->keyring, context, bytes, size, out, error);
  if (status != SB_OK) return status;
  sb_store_floats_read((const uint8_t *)out, dim, out); /* in place: each number has four bytes */
  return SB_OK;
}

bool sb_store_template_needs_keys(const sb_store *store, const void *bytes, size_t size) {
  return store->driver->seals_templates && needs_keys(store, bytes, size);
}

void sb_statement_column_template(sb_statement *s, int column, const sb_seal_context *context, size_t dim, float *out) {
  size_t size = 0;
  if (s->status != SB_OK) return;
  const uint8_t *bytes = sb_statement_column_blob(s, column, &size);
  if (sb_store_template_needs_keys(s->store, bytes, size)) s->status = sb_store_keys_refresh(s->store, s->error);
  if (s->status == SB_OK) s->status = sb_store_template_open(s->store, context, bytes, size, dim, out, s->error);
}

void sb_statement_bind_template(sb_statement *s, int index, const sb_seal_context *context, const float *values,
                                size_t dim) {
  if (s->status != SB_OK) return;
  bool seals = s->store->driver->seals_templates;
  size_t size = seals ? dim * 4 : SB_HALFVEC_HEAD + dim * 2;
  uint8_t *bytes = sb_alloc(size, 1, s->error);
  if (!bytes) {
    s->status = SB_NO_MEMORY;
  } else if (seals) {
    sb_store_floats_write(values, dim, bytes);
    sb_statement_bind_sealed(s, index, context, bytes, size);
    sb_wipe(bytes, size);
  } else {
    sb_store_halfvec_write(values, dim, bytes);
    sb_statement_bind_blob_copy(s, index, bytes, size);
  }
  free(bytes);
}

/* ---- Densities */

static bool is_valid(const sb_density *density) {
  return isfinite(density->location) && isfinite(density->deviation) && density->deviation > 0;
}

sb_status sb_density_check(const sb_density *density, sb_error *error) {
  if (density->population == SB_DENSITY_NONE || is_valid(density)) return SB_OK;
  return sb_fail(error, SB_INVALID, "a density must be two finite numbers, the deviation above 0");
}

void sb_density_scope(int64_t collection, char scope[SB_DENSITY_SCOPE_SIZE]) {
  snprintf(scope, SB_DENSITY_SCOPE_SIZE, "%lld", (long long)collection);
}

static sb_status damaged_density(sb_error *error) {
  return sb_fail(error, SB_STORE,
                 "a sealed field of the database (face.density) is missing or damaged; restore a backup");
}

sb_status sb_density_open(const sb_store *store, const sb_density_face *of, const void *bytes, size_t size,
                          int64_t population, sb_density *out, sb_error *error) {
  char scope[SB_DENSITY_SCOPE_SIZE];
  uint8_t plain[SB_DENSITY_SIZE];
  float values[2];
  *out = (sb_density){0};
  if (population == SB_DENSITY_NONE) return SB_OK;
  if (!bytes || size != SB_DENSITY_SEALED_SIZE || population < 0 || population > UINT32_MAX)
    return damaged_density(error);
  sb_density_scope(of->collection, scope);
  const sb_seal_context context = {"face", "density", of->face, scope};
  sb_status status = sb_keyring_unseal(store->keys->keyring, &context, bytes, size, plain, error);
  if (status != SB_OK) return status;
  sb_store_floats_read(plain, 2, values);
  const sb_density opened = {values[0], values[1], (uint32_t)population};
  if (!is_valid(&opened)) return damaged_density(error);
  *out = opened;
  return SB_OK;
}

bool sb_density_needs_keys(const sb_store *store, const void *bytes, size_t size) {
  return needs_keys(store, bytes, size);
}

void sb_statement_column_density(sb_statement *s, int column, const sb_density_face *of, sb_density *out) {
  size_t size = 0;
  *out = (sb_density){0};
  if (s->status != SB_OK) return;
  int64_t population = sb_statement_column_int(s, column + 1);
  const uint8_t *bytes = sb_statement_column_blob(s, column, &size);
  have_key(s, bytes, size);
  if (s->status == SB_OK) s->status = sb_density_open(s->store, of, bytes, size, population, out, s->error);
}

void sb_statement_bind_density(sb_statement *s, int index, const sb_density_face *of, const sb_density *density) {
  char scope[SB_DENSITY_SCOPE_SIZE];
  uint8_t plain[SB_DENSITY_SIZE];
  sb_statement_bind_int(s, index + 1, density->population);
  if (density->population == SB_DENSITY_NONE) return;
  sb_density_scope(of->collection, scope);
  sb_store_floats_write((const float[]){density->location, density->deviation}, 2, plain);
  sb_statement_bind_sealed(s, index, &(sb_seal_context){"face", "density", of->face, scope}, plain, sizeof plain);
}
