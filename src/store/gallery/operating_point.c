/* How sure a match must be, where an admin chose it: a value of `meta` with a digest under the audit key, so that who can write the
 * database, but lacks the gallery's keys, cannot make a stranger a match. */
#include "store/internal.h"

#include <math.h>
#include <string.h>

/* What stands in `meta` as "target": version, kind, the number (IEEE 754, little-endian), digest of these. */
enum { VERSION = 1, NUMBER_AT = 2, DIGEST_AT = 10, VALUE_SIZE = DIGEST_AT + SB_DIGEST_SIZE };
enum { KIND_THRESHOLD = 1, KIND_FMR, KIND_FPIR };
/* How the verbs of the audit begin that tell of a choice. */
#define VERBS "threshold-"

static sb_status value_write(const sb_store *store, const sb_target *target, uint8_t value[VALUE_SIZE],
                             sb_error *error) {
  uint64_t bits = 0;
  double number = target->threshold > 0 ? target->threshold : target->fmr > 0 ? target->fmr : target->fpir;
  memcpy(&bits, &number, sizeof bits);
  value[0] = VERSION;
  value[1] = target->threshold > 0 ? KIND_THRESHOLD : target->fmr > 0 ? KIND_FMR : KIND_FPIR;
  for (int i = 0; i < 8; i++) value[NUMBER_AT + i] = (uint8_t)(bits >> (8 * i));
  return sb_chain_digest(store->keyring, value, DIGEST_AT, value + DIGEST_AT, error);
}

static sb_status value_read(const sb_store *store, const uint8_t *value, size_t size, sb_target *out, sb_error *error) {
  uint8_t digest[SB_DIGEST_SIZE];
  uint64_t bits = 0;
  double number = 0;
  if (!value || size != VALUE_SIZE || sb_chain_digest(store->keyring, value, DIGEST_AT, digest, NULL) != SB_OK ||
      !sb_crypto_equal(digest, value + DIGEST_AT, sizeof digest) || value[0] != VERSION)
    return sb_fail(error, SB_STORE,
                   "how sure a match must be was changed in the database by somebody else; set it again");
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

static sb_status read_kept(sb_store *store, sb_target *out, sb_error *error) {
  *out = (sb_target){0};
  sb_statement s = sb_statement_new(store, "SELECT value FROM meta WHERE key = 'target'", error);
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
  sb_status status = read_kept(store, &found, error);
  sb_store_unlock(store);
  if (status == SB_OK) *out = found;
  return status;
}

/* The audit says what was chosen: a rate as "one in so many", a score in ten-thousandths. */
static sb_audit_event note_of(const sb_target *target) {
  double rate = fmax(target->fmr, target->fpir);
  return (sb_audit_event){.verb = target->threshold > 0 ? VERBS "score"
                                  : target->fmr > 0     ? VERBS "fmr"
                                  : target->fpir > 0    ? VERBS "fpir"
                                                        : VERBS "reset",
                          .count = target->threshold > 0 ? llround(target->threshold * 10000)
                                   : rate > 0            ? llround(1 / rate)
                                                         : 0};
}

bool sb_store_operating_point_chosen(const sb_chain_entry *entry) {
  return !strncmp(entry->verb, VERBS, strlen(VERBS));
}

sb_status sb_store_operating_point_check(sb_store *store, const sb_chain_entry *chosen, sb_error *error) {
  sb_target kept;
  sb_status status = read_kept(store, &kept, error);
  if (status != SB_OK) return status;
  const sb_audit_event note = note_of(&kept);
  if (!*chosen->verb ? !note.count : !strcmp(chosen->verb, note.verb) && chosen->count == note.count) return SB_OK;
  return sb_fail(error, SB_STORE,
                 "how sure a match must be is not what was chosen last (the audit's entry %lld): somebody changed the "
                 "database; set it again",
                 (long long)chosen->sequence);
}

sb_status sb_store_operating_point_set(sb_store *store, const sb_target *target, sb_error *error) {
  uint8_t value[VALUE_SIZE];
  const sb_audit_event note = note_of(target);
  bool none = !note.count;
  sb_status status = sb_store_begin(store, error);
  if (status != SB_OK) return status;
  sb_store_adjust_counts(store, 0, 0, 0);
  if (none) {
    status = sb_store_exec(store, "DELETE FROM meta WHERE key = 'target'", error);
  } else {
    status = value_write(store, target, value, error);
    if (status == SB_OK) status = sb_store_meta_set(store, "target", value, sizeof value, error);
  }
  if (status == SB_OK) status = sb_audit_append(store, note.verb, 0, 0, note.count, NULL, error);
  if (status == SB_OK && store->driver->notify) store->driver->notify(store);
  return sb_store_finish(store, status, error);
}
