/* The secret transform of each collection. */
#include "store/internal.h"

#include <stdlib.h>
#include <string.h>

sb_status sb_store_protection_renew(sb_store *store, int64_t collection, sb_error *error) {
  uint8_t seed[SB_SEED_SIZE];
  sb_crypto_random(seed, sizeof seed);
  sb_statement s = sb_statement_new(
      store, "UPDATE collection SET protection = ?, protection_version = protection_version + 1 WHERE id = ?", error);
  sb_statement_bind_sealed(&s, 1, &(sb_seal_context){"collection", "protection", collection, NULL}, seed, sizeof seed);
  sb_statement_bind_int(&s, 2, collection);
  sb_statement_step(&s);
  sb_wipe(seed, sizeof seed);
  return sb_statement_end(&s);
}

static sb_store_protection *cached(sb_store *store, int64_t collection) {
  for (size_t i = 0; i < store->protection_count; i++)
    if (store->protections[i].collection == collection) return &store->protections[i];
  return NULL;
}

/* The columns are version, dim, sealed seed; what was cached gives way. */
static sb_status take_in(sb_statement *s, int64_t collection, sb_store_protection *old,
                         const sb_store_protection **out) {
  sb_store *store = s->store;
  sb_store_protection fresh = {.collection = collection, .version = sb_statement_column_int(s, 0)};
  size_t size = 0, dim = (size_t)sb_statement_column_int(s, 1);
  char *seed =
      sb_statement_column_sealed(s, 2, &(sb_seal_context){"collection", "protection", collection, NULL}, &size);
  if (!seed) return s->status;
  sb_status status = size == SB_SEED_SIZE ? SB_OK : sb_fail(s->error, SB_STORE, "a collection's transform is damaged");
  if (status == SB_OK) memcpy(fresh.seed, seed, SB_SEED_SIZE);
  sb_wipe(seed, size);
  free(seed);
  if (status == SB_OK) status = sb_transform_new(fresh.seed, dim, &fresh.transform, s->error);
  if (status == SB_OK && !old) {
    void *grown = store->protections;
    status = sb_grow(&grown, store->protection_count + 1, sizeof *store->protections, s->error);
    if (status == SB_OK) {
      store->protections = grown;
      old = &store->protections[store->protection_count++];
      *old = (sb_store_protection){0};
    }
  }
  if (status == SB_OK) {
    sb_transform_free(old->transform);
    *old = fresh;
    *out = old;
  } else {
    sb_transform_free(fresh.transform);
  }
  return status;
}

sb_status sb_store_protection_get(sb_store *store, int64_t collection, const sb_store_protection **out,
                                  sb_error *error) {
  sb_store_protection *old = cached(store, collection);
  sb_statement s =
      sb_statement_new(store, "SELECT protection_version, dim, protection FROM collection WHERE id = ?", error);
  sb_statement_bind_int(&s, 1, collection);
  if (!sb_statement_step(&s)) {
    if (s.status == SB_OK) s.status = sb_fail(error, SB_NOT_FOUND, "the collection is gone");
  } else if (old && old->version == sb_statement_column_int(&s, 0)) {
    *out = old;
  } else {
    s.status = take_in(&s, collection, old, out);
  }
  return sb_statement_end(&s);
}

sb_status sb_store_protection_get_version(sb_store *store, int64_t collection, int64_t version,
                                          const sb_store_protection **out, sb_error *error) {
  const sb_store_protection *held = cached(store, collection);
  if (!held || held->version != version) return sb_store_protection_get(store, collection, out, error);
  *out = held;
  return SB_OK;
}

sb_status sb_store_transform(sb_store *store, int64_t collection, sb_transform **out, sb_error *error) {
  const sb_store_protection *protection = NULL;
  size_t dim = 0;
  sb_store_lock(store);
  sb_status status = sb_store_protection_get(store, collection, &protection, error);
  if (status == SB_OK) {
    dim = sb_transform_dim(protection->transform);
    status = sb_transform_new(protection->seed, dim, out, error);
  }
  sb_store_unlock(store);
  return status;
}

void sb_store_protections_invalidate(sb_store *store) {
  sb_store_lock(store);
  for (size_t i = 0; i < store->protection_count; i++) store->protections[i].version = -1;
  sb_store_unlock(store);
}

void sb_store_protections_free(sb_store *store) {
  for (size_t i = 0; i < store->protection_count; i++) sb_transform_free(store->protections[i].transform);
  if (store->protections) sb_wipe(store->protections, store->protection_count * sizeof *store->protections);
  free(store->protections);
}
