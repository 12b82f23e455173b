/* Pairs of people of whom somebody said that they are different people, though they look alike (twins). Each is in
 * `meta` under the rows of both, "different/COLLECTION/LOWER/HIGHER", with a keyed digest of that text under the audit
 * key, so that somebody who can write the database, but has no keys of the gallery, cannot hide a duplicate. */
#include "store/gallery/different.h"

#include "store/audit/audit_log.h"
#include "store/core/transaction.h"
#include "store/gallery/counts.h"
#include "store/sealing/keys.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_SIZE = 80 };

static void key_of(int64_t collection, const sb_store_different_pair *pair, char key[KEY_SIZE]) {
  bool ordered = pair->one < pair->other;
  snprintf(key, KEY_SIZE, "different/%lld/%lld/%lld", (long long)collection,
           (long long)(ordered ? pair->one : pair->other), (long long)(ordered ? pair->other : pair->one));
}

static sb_status digest_of(const sb_store *store, const char *key, uint8_t digest[SB_DIGEST_SIZE], sb_error *error) {
  return sb_chain_digest(store->keys->keyring, (const uint8_t *)key, strlen(key), digest, error);
}

/* ---- Reading */

typedef struct pair_row {
  char key[KEY_SIZE];
  uint8_t digest[SB_DIGEST_SIZE];
  bool whole; /* the digest has its length */
} pair_row;

static void read_row(sb_statement *s, void *item) {
  pair_row *row = item;
  size_t size = 0;
  snprintf(row->key, sizeof row->key, "%s", sb_statement_column_text(s, 0));
  const void *digest = sb_statement_column_blob(s, 1, &size);
  row->whole = digest && size == sizeof row->digest;
  if (row->whole) memcpy(row->digest, digest, sizeof row->digest);
}

/* The pairs whose keys are like `pattern`; one that was not written by this program is passed over. */
static sb_status list_like(sb_store *store, const char *pattern, sb_store_different_pair **out, size_t *count,
                           sb_error *error) {
  void *list = NULL;
  size_t rows = 0, kept = 0;
  sb_statement s = sb_statement_new(store, "SELECT key, value FROM meta WHERE key LIKE ? ORDER BY key", error);
  sb_statement_bind_text(&s, 1, pattern);
  sb_status status = sb_statement_list(&s, sizeof(pair_row), read_row, &list, &rows);
  if (status != SB_OK) return status;
  const pair_row *found = list;
  sb_store_different_pair *pairs = sb_alloc(rows, sizeof *pairs, error);
  for (size_t i = 0; pairs && i < rows; i++) {
    uint8_t digest[SB_DIGEST_SIZE];
    long long collection, one, other;
    bool genuine = found[i].whole && digest_of(store, found[i].key, digest, NULL) == SB_OK &&
                   sb_crypto_equal(digest, found[i].digest, sizeof digest);
    if (genuine && sscanf(found[i].key, "different/%lld/%lld/%lld", &collection, &one, &other) == 3)
      pairs[kept++] = (sb_store_different_pair){one, other};
  }
  free(list);
  if (!pairs) return SB_NO_MEMORY;
  *out = pairs;
  *count = kept;
  return SB_OK;
}

sb_status sb_store_different_list(sb_store *store, int64_t collection, sb_store_different_pair **out, size_t *count,
                                  sb_error *error) {
  char pattern[KEY_SIZE];
  snprintf(pattern, sizeof pattern, "different/%lld/%%", (long long)collection);
  sb_store_lock(store);
  sb_status status = list_like(store, pattern, out, count, error);
  sb_store_unlock(store);
  return status;
}

/* ---- Writing, within a transaction */

static sb_status write_pair(sb_store *store, int64_t collection, const sb_store_different_pair *pair, bool different,
                            sb_error *error) {
  char key[KEY_SIZE];
  uint8_t digest[SB_DIGEST_SIZE];
  key_of(collection, pair, key);
  if (!different) return sb_store_meta_delete(store, key, error);
  sb_status status = digest_of(store, key, digest, error);
  return status == SB_OK ? sb_store_meta_set(store, key, digest, sizeof digest, error) : status;
}

static sb_status set(sb_store *store, int64_t collection, const sb_store_different_pair *pair, bool different,
                     sb_error *error) {
  sb_store_adjust_counts(store, 0, 0, 0);
  sb_status status = write_pair(store, collection, pair, different, error);
  if (status != SB_OK) return status;
  const sb_audit_event event = {different ? "different" : "undecided", collection, pair->one, 0};
  return sb_audit_append(store, &event, NULL, error);
}

sb_status sb_store_different_set(sb_store *store, int64_t collection, const sb_store_different_pair *pair,
                                 bool different, sb_error *error) {
  sb_status status = sb_store_begin(store, error);
  if (status != SB_OK) return status;
  return sb_store_finish(store, set(store, collection, pair, different, error), error);
}

sb_status sb_store_different_forget(sb_store *store, int64_t collection, sb_error *error) {
  return sb_store_exec_int(store, "DELETE FROM meta WHERE key LIKE 'different/' || ? || '/%'", collection, error);
}

/* The collection of a person's row; 0: there is no such person. */
static sb_status collection_of(sb_store *store, int64_t person, int64_t *collection, sb_error *error) {
  sb_statement s = sb_statement_new(store, "SELECT collection FROM person WHERE id = ?", error);
  sb_statement_bind_int(&s, 1, person);
  *collection = sb_statement_step(&s) ? sb_statement_column_int(&s, 0) : 0;
  return sb_statement_end(&s);
}

static sb_status move_pair(sb_store *store, int64_t collection, const sb_store_different_pair *pair, int64_t from,
                           int64_t into, sb_error *error) {
  int64_t third = pair->one == from ? pair->other : pair->one;
  sb_status status = write_pair(store, collection, pair, false, error);
  if (status != SB_OK || !into || third == into) return status;
  return write_pair(store, collection, &(sb_store_different_pair){into, third}, true, error);
}

sb_status sb_store_different_move(sb_store *store, int64_t from, int64_t into, sb_error *error) {
  char pattern[KEY_SIZE];
  int64_t collection = 0;
  sb_store_different_pair *pairs = NULL;
  size_t count = 0;
  sb_status status = collection_of(store, from, &collection, error);
  if (status != SB_OK || !collection) return status;
  snprintf(pattern, sizeof pattern, "different/%lld/%%", (long long)collection);
  status = list_like(store, pattern, &pairs, &count, error);
  for (size_t i = 0; status == SB_OK && i < count; i++)
    if (pairs[i].one == from || pairs[i].other == from)
      status = move_pair(store, collection, &pairs[i], from, into, error);
  free(pairs);
  return status;
}
