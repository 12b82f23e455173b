/* Template protection: the cache of the collections' transforms.
 *
 * The row of a collection holds the sealed seed of its transform (crypto/transform.h) and a version that grows with
 * each new seed. The transform that a seed gives is cached, one entry for each collection. Another process may have
 * drawn a new seed (`keys revoke`), so an entry is used only if it has the version of the row; otherwise it is made
 * again. Version -1 fits no row.
 *
 * The list only grows, and may move when it does: a pointer to an entry is valid until the next call, under the store's
 * lock. Seeds are wiped when the store is closed. */
#include "store/sealing/protection.h"

#include "store/sealing/sealed_columns.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct sb_store_protections {
  sb_store_protection *items;
  size_t count;
};

sb_status sb_store_protections_new(sb_store *store, sb_error *error) {
  store->protections = sb_alloc(1, sizeof *store->protections, error);
  return store->protections ? SB_OK : SB_NO_MEMORY;
}

void sb_store_protections_free(sb_store *store) {
  sb_store_protections *cache = store->protections;
  if (!cache) return;
  for (size_t i = 0; i < cache->count; i++) sb_transform_free(cache->items[i].transform);
  if (cache->items) sb_wipe(cache->items, cache->count * sizeof *cache->items);
  free(cache->items);
  free(cache);
}

void sb_store_protections_invalidate(sb_store *store) {
  sb_store_lock(store);
  for (size_t i = 0; i < store->protections->count; i++) store->protections->items[i].version = -1;
  sb_store_unlock(store);
}

sb_status sb_store_protection_renew(sb_store *store, int64_t collection, sb_error *error) {
  static const char sql[] =
      "UPDATE collection SET protection = ?, protection_version = protection_version + 1 WHERE id = ?";
  uint8_t seed[SB_SEED_SIZE];
  sb_crypto_random(seed, sizeof seed);
  sb_statement s = sb_statement_new(store, sql, error);
  sb_statement_bind_sealed(&s, 1, &(sb_seal_context){"collection", "protection", collection, NULL}, seed, sizeof seed);
  sb_statement_bind_int(&s, 2, collection);
  sb_wipe(seed, sizeof seed);
  return sb_statement_run(&s);
}

static sb_store_protection *find_cached(const sb_store *store, int64_t collection) {
  const sb_store_protections *cache = store->protections;
  for (size_t i = 0; i < cache->count; i++)
    if (cache->items[i].collection == collection) return &cache->items[i];
  return NULL;
}

/* The collection's entry of the cache, which is added when it is missing; NULL: out of memory. */
static sb_store_protection *cache_entry(const sb_store *store, int64_t collection, sb_error *error) {
  sb_store_protections *cache = store->protections;
  sb_store_protection *entry = find_cached(store, collection);
  if (entry) return entry;
  void *grown = cache->items;
  if (sb_grow(&grown, cache->count + 1, sizeof *cache->items, error) != SB_OK) return NULL;
  cache->items = grown;
  entry = &cache->items[cache->count++];
  *entry = (sb_store_protection){.collection = collection, .version = -1};
  return entry;
}

#define COLUMNS "protection_version, dim, protection, model"
enum { VERSION, DIM, PROTECTION, MODEL };

/* Reads the row of a collection into the cache. */
static sb_status read_row(sb_statement *s, int64_t collection, const sb_store_protection **out) {
  sb_store_protection fresh = {.collection = collection, .version = sb_statement_column_int(s, VERSION)};
  size_t size = 0;
  fresh.dim = (size_t)sb_statement_column_int(s, DIM);
  snprintf(fresh.model, sizeof fresh.model, "%s", sb_statement_column_text(s, MODEL));
  char *seed = sb_statement_column_sealed(s, PROTECTION,
                                          &(sb_seal_context){"collection", "protection", collection, NULL}, &size);
  if (!seed) return s->status;
  if (size == SB_SEED_SIZE) memcpy(fresh.seed, seed, SB_SEED_SIZE);
  sb_wipe(seed, size);
  free(seed);
  if (size != SB_SEED_SIZE) return sb_fail(s->error, SB_STORE, "a collection's transform is damaged; restore a backup");
  sb_status status = sb_transform_new(fresh.seed, fresh.dim, &fresh.transform, s->error);
  if (status != SB_OK) return status;
  sb_store_protection *entry = cache_entry(s->store, collection, s->error);
  if (!entry) return sb_transform_free(fresh.transform), SB_NO_MEMORY;
  sb_transform_free(entry->transform);
  *entry = fresh;
  *out = entry;
  return SB_OK;
}

sb_status sb_store_protection_get(sb_store *store, int64_t collection, const sb_store_protection **out,
                                  sb_error *error) {
  const sb_store_protection *cached = find_cached(store, collection);
  sb_statement s = sb_statement_new(store, "SELECT " COLUMNS " FROM collection WHERE id = ?", error);
  sb_statement_bind_int(&s, 1, collection);
  if (!sb_statement_step(&s))
    sb_statement_not_found(&s, "the collection was deleted");
  else if (cached && cached->version == sb_statement_column_int(&s, VERSION))
    *out = cached;
  else
    s.status = read_row(&s, collection, out);
  return sb_statement_end(&s);
}

sb_status sb_store_protection_get_version(sb_store *store, int64_t collection, int64_t version,
                                          const sb_store_protection **out, sb_error *error) {
  const sb_store_protection *cached = find_cached(store, collection);
  if (!cached || cached->version != version) return sb_store_protection_get(store, collection, out, error);
  *out = cached;
  return SB_OK;
}

sb_status sb_store_transform(sb_store *store, int64_t collection, sb_transform **out, sb_error *error) {
  const sb_store_protection *protection = NULL;
  sb_store_lock(store);
  sb_status status = sb_store_protection_get(store, collection, &protection, error);
  if (status == SB_OK) status = sb_transform_new(protection->seed, protection->dim, out, error);
  sb_store_unlock(store);
  return status;
}
