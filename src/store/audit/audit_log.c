/* The audit log: an append-only hash chain (crypto/chain.h). An entry is written in the transaction of the act that it
 * tells of.
 *
 * The newest entry's link is signed with the audit key; number, link and signature of the newest entry are the head. */
#include "store/audit/audit_log.h"

#include "store/sealing/keys.h"
#include "store/sealing/row_mac.h"

#include <stdio.h>
#include <string.h>

/* ---- The head: `meta` "audit_head" holds the sequence (little-endian), the link and the signature */

enum { LINK_AT = 8, SIGNATURE_AT = LINK_AT + SB_LINK_SIZE, HEAD_SIZE = SIGNATURE_AT + SB_SIGNATURE_SIZE };

sb_status sb_audit_head_load(sb_store *store, sb_audit_head *out, sb_error *error) {
  *out = (sb_audit_head){.sequence = 0};
  sb_statement s = sb_store_meta_select(store, "audit_head", error);
  if (sb_statement_step(&s)) {
    size_t size = 0;
    const uint8_t *value = sb_statement_column_blob(&s, 0, &size);
    if (size == HEAD_SIZE) {
      for (int i = 0; i < 8; i++) out->sequence |= (int64_t)((uint64_t)value[i] << (8 * i));
      memcpy(out->link, value + LINK_AT, SB_LINK_SIZE);
      memcpy(out->signature, value + SIGNATURE_AT, SB_SIGNATURE_SIZE);
    } else {
      s.status = sb_fail(error, SB_STORE, "the audit's head is damaged: another program changed the database");
    }
  }
  return sb_statement_end(&s);
}

static sb_status head_save(sb_store *store, const sb_audit_head *head, sb_error *error) {
  uint8_t value[HEAD_SIZE];
  for (int i = 0; i < 8; i++) value[i] = (uint8_t)((uint64_t)head->sequence >> (8 * i));
  memcpy(value + LINK_AT, head->link, SB_LINK_SIZE);
  memcpy(value + SIGNATURE_AT, head->signature, SB_SIGNATURE_SIZE);
  return sb_store_meta_set(store, "audit_head", value, sizeof value, error);
}

/* ---- Appending: load the head, append entries behind it, sign and save it */

static sb_status insert(sb_store *store, const sb_chain_entry *entry, const uint8_t link[SB_LINK_SIZE],
                        sb_error *error) {
  sb_statement s = sb_statement_new(
      store,
      "INSERT INTO audit(sequence, at, actor, verb, collection, person, count, link) VALUES(?, ?, ?, ?, ?, ?, ?, ?)",
      error);
  sb_statement_bind_int(&s, 1, entry->sequence);
  sb_statement_bind_int(&s, 2, entry->at_ms);
  sb_statement_bind_text(&s, 3, entry->actor);
  sb_statement_bind_text(&s, 4, entry->verb);
  sb_statement_bind_int(&s, 5, entry->collection);
  sb_statement_bind_int(&s, 6, entry->person);
  sb_statement_bind_int(&s, 7, entry->count);
  sb_statement_bind_blob(&s, 8, link, SB_LINK_SIZE);
  s.pipelined = true;
  return sb_statement_run(&s);
}

/* Moves the head to a new entry. `receipt` (NULL: none) gets the entry with the links before and after. */
static sb_status append(sb_store *store, const char *actor, const sb_audit_event *event, sb_audit_head *head,
                        sb_audit_receipt *receipt, sb_error *error) {
  sb_chain_entry entry = {.sequence = ++head->sequence,
                          .at_ms = sb_now_ms(),
                          .collection = event->collection,
                          .person = event->person,
                          .count = event->count};
  uint8_t before[SB_LINK_SIZE];
  snprintf(entry.actor, sizeof entry.actor, "%s", actor);
  snprintf(entry.verb, sizeof entry.verb, "%s", event->verb);
  memcpy(before, head->link, sizeof before);
  sb_chain_link(before, &entry, head->link);
  if (receipt) {
    receipt->entry = entry;
    memcpy(receipt->before, before, sizeof before);
    memcpy(receipt->link, head->link, SB_LINK_SIZE);
  }
  return insert(store, &entry, head->link, error);
}

static sb_status sign(sb_store *store, sb_audit_head *head, sb_error *error) {
  sb_store_row_mac_touch(store); /* the row-set MAC carries the newest entry's number */
  sb_status status = sb_chain_sign(store->keys->keyring, head->sequence, head->link, head->signature, error);
  return status == SB_OK ? head_save(store, head, error) : status;
}

sb_status sb_audit_append_batch(sb_store *store, const sb_audit_batch_item *items, size_t count, sb_error *error) {
  sb_audit_head head;
  sb_status status = sb_audit_head_load(store, &head, error);
  for (size_t i = 0; i < count; i++)
    for (size_t n = 0; status == SB_OK && n < items[i].count; n++)
      status = append(store, items[i].actor, &items[i].events[n], &head, NULL, error);
  return status == SB_OK ? sign(store, &head, error) : status;
}

sb_status sb_audit_append(sb_store *store, const sb_audit_event *event, sb_audit_receipt *receipt, sb_error *error) {
  sb_audit_head head;
  sb_audit_receipt made = {.entry = {.sequence = 0}};
  sb_status status = sb_audit_head_load(store, &head, error);
  if (status != SB_OK) return status;
  status = append(store, sb_actor_get()->name, event, &head, &made, error);
  if (status != SB_OK) return status;
  status = sign(store, &head, error);
  if (status != SB_OK || !receipt) return status;
  memcpy(made.signature, head.signature, SB_SIGNATURE_SIZE);
  status = sb_chain_public(store->keys->keyring, made.public_key, error);
  if (status == SB_OK) *receipt = made;
  return status;
}

sb_status sb_audit_append_person(sb_store *store, const sb_audit_event *event, sb_audit_receipt *receipt,
                                 sb_error *error) {
  sb_audit_event of_person = *event;
  sb_statement s = sb_statement_new(store, "SELECT collection FROM person WHERE id = ?", error);
  sb_statement_bind_int(&s, 1, event->person);
  if (sb_statement_step(&s))
    of_person.collection = sb_statement_column_int(&s, 0);
  else
    sb_statement_not_found(&s, "there is no such person");
  sb_status status = sb_statement_end(&s);
  return status == SB_OK ? sb_audit_append(store, &of_person, receipt, error) : status;
}

/* ---- Reading */

enum { SEQUENCE, AT, ACTOR, VERB, COLLECTION, PERSON, COUNT, LINK, COLLECTION_NAME }; /* SB_AUDIT_COLUMNS */

void sb_audit_entry_read(sb_statement *s, sb_audit_entry *out) {
  *out = (sb_audit_entry){.entry = {.sequence = sb_statement_column_int(s, SEQUENCE),
                                    .at_ms = sb_statement_column_int(s, AT),
                                    .collection = sb_statement_column_int(s, COLLECTION),
                                    .person = sb_statement_column_int(s, PERSON),
                                    .count = sb_statement_column_int(s, COUNT)}};
  snprintf(out->entry.actor, sizeof out->entry.actor, "%s", sb_statement_column_text(s, ACTOR));
  snprintf(out->entry.verb, sizeof out->entry.verb, "%s", sb_statement_column_text(s, VERB));
  snprintf(out->collection, sizeof out->collection, "%s", sb_statement_column_text(s, COLLECTION_NAME));
  size_t size = 0;
  const void *link = sb_statement_column_blob(s, LINK, &size);
  if (size == SB_LINK_SIZE) memcpy(out->link, link, SB_LINK_SIZE);
}

static sb_status visit_all(sb_statement *s, sb_audit_visit visit, void *context) {
  while (sb_statement_step(s)) {
    sb_audit_entry entry;
    sb_audit_entry_read(s, &entry);
    s->status = visit(context, &entry, s->error);
  }
  return sb_statement_end(s);
}

sb_status sb_audit_read(sb_store *store, int64_t after, size_t limit, sb_audit_visit visit, void *context,
                        sb_error *error) {
  sb_store_lock(store);
  sb_statement s = sb_statement_new(store, SB_AUDIT_SELECT "WHERE a.sequence > ? ORDER BY a.sequence LIMIT ?", error);
  sb_statement_bind_int(&s, 1, after);
  sb_statement_bind_int(&s, 2, limit < INT64_MAX ? (int64_t)limit : INT64_MAX);
  sb_status status = visit_all(&s, visit, context);
  sb_store_unlock(store);
  return status;
}

sb_status sb_audit_read_person(sb_store *store, const sb_store_audit_query *query, sb_audit_visit visit, void *context,
                               sb_error *error) {
  sb_store_lock(store);
  sb_statement s = sb_statement_new(
      store, SB_AUDIT_SELECT "WHERE a.person = ? AND a.sequence < ? ORDER BY a.sequence DESC LIMIT ?", error);
  sb_statement_bind_int(&s, 1, query->person);
  sb_statement_bind_int(&s, 2, query->before ? query->before : INT64_MAX);
  sb_statement_bind_int(&s, 3, query->limit < INT64_MAX ? (int64_t)query->limit : INT64_MAX);
  sb_status status = visit_all(&s, visit, context);
  sb_store_unlock(store);
  return status;
}

sb_status sb_audit_last(sb_store *store, int64_t *sequence, sb_error *error) {
  sb_audit_head head;
  sb_store_lock(store);
  sb_status status = sb_audit_head_load(store, &head, error);
  sb_store_unlock(store);
  *sequence = head.sequence;
  return status;
}
