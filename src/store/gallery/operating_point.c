/* The operating point (a threshold, or a rate that gives one) that an admin set at run time. It is stored in `meta`
 * with a keyed digest under the audit key, so that somebody who can write the database, but has no keys of the gallery,
 * cannot make a stranger a match. */
#include "store/gallery/operating_point.h"

#include "store/audit/audit_log.h"
#include "store/core/transaction.h"
#include "store/gallery/counts.h"
#include "store/sealing/keys.h"

#include <math.h>
#include <string.h>

#define META_KEY "target"
/* The value: version, kind, the number (IEEE 754, little-endian), digest of these. */
enum { VERSION = 1, NUMBER_AT = 2, DIGEST_AT = 10, VALUE_SIZE = DIGEST_AT + SB_DIGEST_SIZE };
enum { KIND_THRESHOLD = 1, KIND_FMR, KIND_FPIR };
/* What the verbs of its audit entries begin with. */
#define VERBS "threshold-"

static sb_status value_write(const sb_store *store, const sb_target *point, uint8_t value[VALUE_SIZE],
                             sb_error *error) {
  uint64_t bits = 0;
  double number = point->threshold > 0 ? point->threshold : point->fmr > 0 ? point->fmr : point->fpir;
  memcpy(&bits, &number, sizeof bits);
  value[0] = VERSION;
  value[1] = point->threshold > 0 ? KIND_THRESHOLD : point->fmr > 0 ? KIND_FMR : KIND_FPIR;
  for (int i = 0; i < 8; i++) value[NUMBER_AT + i] = (uint8_t)(bits >> (8 * i));
  return sb_chain_digest(store->keys->keyring, value, DIGEST_AT, value + DIGEST_AT, error);
}

static bool is_genuine(const sb_store *store, const uint8_t *value, size_t size) {
  uint8_t digest[SB_DIGEST_SIZE];
  return value && size == VALUE_SIZE &&
         sb_chain_digest(store->keys->keyring, value, DIGEST_AT, digest, NULL) == SB_OK &&
         sb_crypto_equal(digest, value + DIGEST_AT, sizeof digest) && value[0] == VERSION;
}

static sb_status value_read(const sb_store *store, const uint8_t *value, size_t size, sb_target *out, sb_error *error) {
  uint64_t bits = 0;
  double number = 0;
  if (!is_genuine(store, value, size))
    return sb_fail(error, SB_STORE,
                   "another program changed the gallery's match threshold in the database; set it again");
  for (int i = 0; i < 8; i++) bits |= (uint64_t)value[NUMBER_AT + i] << (8 * i);
  memcpy(&number, &bits, sizeof number);
  if (value[1] == KIND_THRESHOLD)
    out->threshold = number;
  else if (value[1] == KIND_FMR)
    out->fmr = number;
  else
    out->fpir = number;
  return SB_OK;
}

static sb_status read_stored(sb_store *store, sb_target *out, sb_error *error) {
  *out = (sb_target){0};
  sb_statement s = sb_store_meta_select(store, META_KEY, error);
  if (sb_statement_step(&s)) {
    size_t size = 0;
    const uint8_t *value = sb_statement_column_blob(&s, 0, &size);
    s.status = value_read(store, value, size, out, error);
  }
  return sb_statement_end(&s);
}

sb_status sb_store_operating_point(sb_store *store, sb_target *out, sb_error *error) {
  sb_target found;
  sb_store_lock(store);
  sb_status status = read_stored(store, &found, error);
  sb_store_unlock(store);
  if (status == SB_OK) *out = found;
  return status;
}

/* The audit entry of setting it: a rate as "one in count", a score in ten-thousandths. */
static sb_audit_event event_of(const sb_target *point) {
  double rate = fmax(point->fmr, point->fpir);
  if (point->threshold > 0) return (sb_audit_event){.verb = VERBS "score", .count = llround(point->threshold * 10000)};
  if (!(rate > 0)) return (sb_audit_event){.verb = VERBS "reset"};
  return (sb_audit_event){.verb = point->fmr > 0 ? VERBS "fmr" : VERBS "fpir", .count = llround(1 / rate)};
}

bool sb_store_operating_point_is_set_by(const sb_chain_entry *entry) {
  return !strncmp(entry->verb, VERBS, strlen(VERBS));
}

sb_status sb_store_operating_point_check(sb_store *store, const sb_chain_entry *newest, sb_error *error) {
  sb_target stored;
  sb_status status = read_stored(store, &stored, error);
  if (status != SB_OK) return status;
  const sb_audit_event event = event_of(&stored);
  bool same = *newest->verb ? !strcmp(newest->verb, event.verb) && newest->count == event.count : !event.count;
  if (same) return SB_OK;
  return sb_fail(error, SB_STORE,
                 "the gallery's match threshold is not the one that was set last (entry %lld of the audit): another "
                 "program changed the database; set it again",
                 (long long)newest->sequence);
}

static sb_status write_stored(sb_store *store, const sb_target *point, const sb_audit_event *event, sb_error *error) {
  uint8_t value[VALUE_SIZE];
  sb_store_adjust_counts(store, 0, 0, 0);
  if (!event->count) {
    sb_status status = sb_store_meta_delete(store, META_KEY, error);
    if (status != SB_OK) return status;
  } else {
    sb_status status = value_write(store, point, value, error);
    if (status != SB_OK) return status;
    status = sb_store_meta_set(store, META_KEY, value, sizeof value, error);
    if (status != SB_OK) return status;
  }
  if (store->driver->notify) store->driver->notify(store);
  return sb_audit_append(store, event, NULL, error);
}

sb_status sb_store_operating_point_set(sb_store *store, const sb_target *point, sb_error *error) {
  const sb_audit_event event = event_of(point);
  sb_status status = sb_store_begin(store, error);
  if (status != SB_OK) return status;
  return sb_store_finish(store, write_stored(store, point, &event, error), error);
}
