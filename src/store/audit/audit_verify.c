/* Verifying the audit log, and with it what its newest entry vouches for: the operating point and the row-set MAC. */
#include "store/audit/audit_log.h"
#include "store/gallery/operating_point.h"
#include "store/sealing/keys.h"
#include "store/sealing/row_mac.h"

#include <string.h>

static sb_status broken(sb_error *error, int64_t sequence, const char *what) {
  return sb_fail(error, SB_STORE, "the audit is not whole: %s (entry %lld)", what, (long long)sequence);
}

/* What following the chain from its first entry gives. */
typedef struct chain {
  sb_audit_head head;                 /* without signature and key */
  int64_t anchor;                     /* number of an entry, 0: none */
  uint8_t anchor_link[SB_LINK_SIZE];  /* the link found there */
  sb_chain_entry operating_point_set; /* the newest entry that sets the operating point; all zero: none */
} chain;

static sb_status follow_entry(chain *c, const sb_audit_entry *entry, sb_error *error) {
  if (entry->entry.sequence != c->head.sequence + 1) return broken(error, c->head.sequence + 1, "an entry is missing");
  uint8_t link[SB_LINK_SIZE];
  sb_chain_link(c->head.link, &entry->entry, link);
  if (memcmp(link, entry->link, SB_LINK_SIZE))
    return broken(error, entry->entry.sequence, "an entry was changed, moved or inserted");
  c->head.sequence = entry->entry.sequence;
  memcpy(c->head.link, link, SB_LINK_SIZE);
  if (c->head.sequence == c->anchor) memcpy(c->anchor_link, link, SB_LINK_SIZE);
  if (sb_store_operating_point_is_set_by(&entry->entry)) c->operating_point_set = entry->entry;
  return SB_OK;
}

static sb_status follow(sb_store *store, chain *c, sb_error *error) {
  sb_statement s = sb_statement_new(store, SB_AUDIT_SELECT "ORDER BY a.sequence", error);
  s.cursor = true;
  while (sb_statement_step(&s)) {
    sb_audit_entry entry;
    sb_audit_entry_read(&s, &entry);
    s.status = follow_entry(c, &entry, error);
  }
  return sb_statement_end(&s);
}

/* The stored head, the chain, and a head that was stored elsewhere have to agree. */
static sb_status compare_heads(const sb_audit_head *stored, const chain *c, const sb_audit_head *anchor,
                               sb_error *error) {
  if (stored->sequence != c->head.sequence || memcmp(stored->link, c->head.link, SB_LINK_SIZE))
    return broken(error, c->head.sequence + 1, "its end was cut off, or entries were appended without the key");
  if (stored->sequence && !sb_chain_verify(stored->public_key, stored->sequence, stored->link, stored->signature))
    return broken(error, stored->sequence, "its head is not signed by this gallery");
  if (anchor && anchor->sequence &&
      (anchor->sequence > c->head.sequence || memcmp(anchor->link, c->anchor_link, SB_LINK_SIZE)))
    return broken(error, anchor->sequence,
                  "it does not continue from the head that was kept: an older state was put back");
  return SB_OK;
}

static sb_status verify(sb_store *store, const sb_audit_head *anchor, sb_audit_head *out, sb_error *error) {
  chain c = {.anchor = anchor ? anchor->sequence : 0};
  sb_status status = follow(store, &c, error);
  if (status != SB_OK) return status;
  status = sb_audit_head_load(store, out, error);
  if (status != SB_OK) return status;
  status = sb_chain_public(store->keys->keyring, out->public_key, error);
  if (status != SB_OK) return status;
  status = compare_heads(out, &c, anchor, error);
  if (status != SB_OK) return status;
  status = sb_store_operating_point_check(store, &c.operating_point_set, error);
  return status == SB_OK ? sb_store_row_mac_check(store, out->sequence, error) : status;
}

sb_status sb_audit_verify(sb_store *store, const sb_audit_head *anchor, sb_audit_head *out, sb_error *error) {
  sb_audit_head head;
  sb_store_lock(store);
  sb_status status = sb_store_begin_read(store, error);
  if (status == SB_OK) {
    status = verify(store, anchor, &head, error);
    sb_store_end_read(store);
  }
  sb_store_unlock(store);
  if (status == SB_OK) *out = head;
  return status;
}
