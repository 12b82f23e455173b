/* The audit: append-only, chained, its newest link signed; written in the transaction of what it tells of. */
#include "store/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What stands in `meta` as "audit_head": sequence, link, signature. */
enum { HEAD_SIZE = 8 + SB_LINK_SIZE + SB_SIGNATURE_SIZE };

static sb_status head_read(sb_store *store, int64_t *sequence, uint8_t link[SB_LINK_SIZE],
                           uint8_t signature[SB_SIGNATURE_SIZE], sb_error *error) {
  *sequence = 0;
  memset(link, 0, SB_LINK_SIZE);
  memset(signature, 0, SB_SIGNATURE_SIZE);
  sb_statement s = sb_statement_new(store, "SELECT value FROM meta WHERE key = 'audit_head'", error);
  if (sb_statement_step(&s)) {
    size_t size = 0;
    const uint8_t *value = sb_statement_column_blob(&s, 0, &size);
    if (size == HEAD_SIZE) {
      for (int i = 0; i < 8; i++) *sequence |= (int64_t)((uint64_t)value[i] << (8 * i));
      memcpy(link, value + 8, SB_LINK_SIZE);
      memcpy(signature, value + 8 + SB_LINK_SIZE, SB_SIGNATURE_SIZE);
    } else {
      s.status = sb_fail(error, SB_STORE, "the audit's head is damaged: somebody changed the database");
    }
  }
  return sb_statement_end(&s);
}

static sb_status head_write(sb_store *store, int64_t sequence, const uint8_t link[SB_LINK_SIZE],
                            const uint8_t signature[SB_SIGNATURE_SIZE], sb_error *error) {
  uint8_t value[HEAD_SIZE];
  for (int i = 0; i < 8; i++) value[i] = (uint8_t)((uint64_t)sequence >> (8 * i));
  memcpy(value + 8, link, SB_LINK_SIZE);
  memcpy(value + 8 + SB_LINK_SIZE, signature, SB_SIGNATURE_SIZE);
  return sb_store_meta_set(store, "audit_head", value, sizeof value, error);
}

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
  sb_statement_step(&s);
  return sb_statement_end(&s);
}

/* Puts an entry behind `made->link`, which is then its own; the head is to be written after the last one. */
static sb_status append(sb_store *store, const char *actor, const sb_audit_event *note, sb_audit_receipt *made,
                        sb_error *error) {
  int64_t sequence = made->entry.sequence + 1;
  made->entry = (sb_chain_entry){.sequence = sequence,
                                 .at_ms = sb_now_ms(),
                                 .collection = note->collection,
                                 .person = note->person,
                                 .count = note->count};
  snprintf(made->entry.actor, sizeof made->entry.actor, "%s", actor);
  snprintf(made->entry.verb, sizeof made->entry.verb, "%s", note->verb);
  memcpy(made->before, made->link, sizeof made->before);
  sb_chain_link(made->before, &made->entry, made->link);
  return insert(store, &made->entry, made->link, error);
}

static sb_status sign(sb_store *store, sb_audit_receipt *made, sb_error *error) {
  sb_status status = sb_chain_sign(store->keyring, made->entry.sequence, made->link, made->signature, error);
  if (status == SB_OK) status = head_write(store, made->entry.sequence, made->link, made->signature, error);
  store->row_mac_changed = true; /* it carries the newest entry's number */
  return status;
}

sb_status sb_audit_append(sb_store *store, const char *verb, int64_t collection, int64_t person, int64_t count,
                          sb_audit_receipt *receipt, sb_error *error) {
  sb_audit_receipt made = {0};
  const sb_audit_event note = {verb, collection, person, count};
  sb_status status = head_read(store, &made.entry.sequence, made.link, made.signature, error);
  if (status == SB_OK) status = append(store, sb_actor_get()->name, &note, &made, error);
  if (status == SB_OK && receipt) status = sb_chain_public(store->keyring, made.public_key, error);
  if (status == SB_OK) status = sign(store, &made, error);
  if (status == SB_OK && receipt) *receipt = made;
  return status;
}

sb_status sb_audit_append_person(sb_store *store, const char *verb, int64_t person, int64_t count,
                                 sb_audit_receipt *receipt, sb_error *error) {
  sb_statement s = sb_statement_new(store, "SELECT collection FROM person WHERE id = ?", error);
  sb_statement_bind_int(&s, 1, person);
  int64_t collection = sb_statement_step(&s) ? sb_statement_column_int(&s, 0) : 0;
  if (!collection && s.status == SB_OK) s.status = sb_fail(error, SB_NOT_FOUND, "there is no such person");
  sb_status status = sb_statement_end(&s);
  return status == SB_OK ? sb_audit_append(store, verb, collection, person, count, receipt, error) : status;
}

/* ---- Notes of acts that change nothing. A commit takes a millisecond or more and there is one at a time, so what comes while one
 * is on its way is gathered and kept by the next. */

enum { GATHER_MAX = 64 };

struct sb_audit_waiting {
  sb_audit_waiting *next;
  const char *actor;
  const sb_audit_event *notes;
  size_t count;
  bool done;
  sb_status status;
  sb_error error;
};

static sb_status keep(sb_store *store, sb_audit_waiting *const *batch, size_t count, sb_error *error) {
  sb_audit_receipt made = {0};
  sb_status status = sb_store_begin(store, error);
  if (status != SB_OK) return status;
  sb_store_adjust_counts(store, 0, 0, 0);
  status = head_read(store, &made.entry.sequence, made.link, made.signature, error);
  for (size_t i = 0; i < count; i++)
    for (size_t n = 0; status == SB_OK && n < batch[i]->count; n++)
      status = append(store, batch[i]->actor, &batch[i]->notes[n], &made, error);
  if (status == SB_OK) status = sign(store, &made, error);
  return sb_store_finish(store, status, error);
}

/* Under the lock of the notes, which it gives back meanwhile. */
static void keep_some(sb_store *store) {
  sb_audit_waiting *batch[GATHER_MAX];
  size_t count = 0;
  sb_error error = {0};
  while (store->notes && count < GATHER_MAX) {
    batch[count++] = store->notes;
    store->notes = store->notes->next;
  }
  if (!store->notes) store->notes_end = &store->notes;
  store->noting = true;
  pthread_mutex_unlock(&store->notes_lock);
  sb_status status = keep(store, batch, count, &error);
  pthread_mutex_lock(&store->notes_lock);
  store->noting = false;
  for (size_t i = 0; i < count; i++) {
    batch[i]->status = status;
    batch[i]->error = error;
    batch[i]->done = true;
  }
  pthread_cond_broadcast(&store->noted);
}

sb_status sb_audit_record(sb_store *store, const sb_audit_event *notes, size_t count, sb_error *error) {
  sb_audit_waiting own = {.actor = sb_actor_get()->name, .notes = notes, .count = count};
  if (!count) return SB_OK;
  pthread_mutex_lock(&store->notes_lock);
  *store->notes_end = &own;
  store->notes_end = &own.next;
  while (!own.done) {
    if (store->noting)
      pthread_cond_wait(&store->noted, &store->notes_lock);
    else
      keep_some(store);
  }
  pthread_mutex_unlock(&store->notes_lock);
  return own.status == SB_OK ? SB_OK : sb_fail(error, own.status, "%s", own.error.message);
}

/* ---- Reading */

static void read_entry(sb_statement *s, sb_audit_entry *out) {
  *out = (sb_audit_entry){.entry = {.sequence = sb_statement_column_int(s, 0),
                                    .at_ms = sb_statement_column_int(s, 1),
                                    .collection = sb_statement_column_int(s, 4),
                                    .person = sb_statement_column_int(s, 5),
                                    .count = sb_statement_column_int(s, 6)}};
  snprintf(out->entry.actor, sizeof out->entry.actor, "%s", sb_statement_column_text(s, 2));
  snprintf(out->entry.verb, sizeof out->entry.verb, "%s", sb_statement_column_text(s, 3));
  size_t size = 0;
  const void *link = sb_statement_column_blob(s, 7, &size);
  if (size == SB_LINK_SIZE) memcpy(out->link, link, SB_LINK_SIZE);
  snprintf(out->collection, sizeof out->collection, "%s",
           sb_statement_column_text(s, 8) ? sb_statement_column_text(s, 8) : "");
}

#define ENTRY_COLUMNS                                                                                                \
  "SELECT a.sequence, a.at, a.actor, a.verb, a.collection, a.person, a.count, a.link, c.name FROM audit a LEFT JOIN" \
  " collection c ON c.id = a.collection "

sb_status sb_audit_read(sb_store *store, int64_t after, size_t limit, sb_audit_visit visit, void *context,
                        sb_error *error) {
  sb_store_lock(store);
  sb_statement s = sb_statement_new(store, ENTRY_COLUMNS "WHERE a.sequence > ? ORDER BY a.sequence LIMIT ?", error);
  sb_statement_bind_int(&s, 1, after);
  sb_statement_bind_int(&s, 2, limit < INT64_MAX ? (int64_t)limit : INT64_MAX);
  while (sb_statement_step(&s)) {
    sb_audit_entry entry;
    read_entry(&s, &entry);
    s.status = visit(context, &entry, error);
    if (s.status != SB_OK) break;
  }
  sb_status status = sb_statement_end(&s);
  sb_store_unlock(store);
  return status;
}

sb_status sb_audit_last(sb_store *store, int64_t *sequence, sb_error *error) {
  uint8_t link[SB_LINK_SIZE], signature[SB_SIGNATURE_SIZE];
  sb_store_lock(store);
  sb_status status = head_read(store, sequence, link, signature, error);
  sb_store_unlock(store);
  return status;
}

static sb_status broken(sb_error *error, int64_t sequence, const char *what) {
  return sb_fail(error, SB_STORE, "the audit is not whole: %s (entry %lld)", what, (long long)sequence);
}

/* Follows the chain; gives the newest sequence and link, the link of `anchor`, and the newest choice of a target. */
static sb_status follow(sb_store *store, int64_t anchor, sb_audit_head *head, uint8_t at_anchor[SB_LINK_SIZE],
                        sb_chain_entry *chosen, sb_error *error) {
  sb_statement s = sb_statement_new(store, ENTRY_COLUMNS "ORDER BY a.sequence", error);
  s.cursor = true;
  memset(head, 0, sizeof *head);
  while (sb_statement_step(&s)) {
    sb_audit_entry entry;
    uint8_t link[SB_LINK_SIZE];
    read_entry(&s, &entry);
    if (entry.entry.sequence != head->sequence + 1) {
      s.status = broken(error, head->sequence + 1, "an entry is missing");
      break;
    }
    sb_chain_link(head->link, &entry.entry, link);
    if (memcmp(link, entry.link, SB_LINK_SIZE)) {
      s.status = broken(error, entry.entry.sequence, "an entry was changed, moved or put in");
      break;
    }
    head->sequence = entry.entry.sequence;
    memcpy(head->link, link, SB_LINK_SIZE);
    if (head->sequence == anchor) memcpy(at_anchor, link, SB_LINK_SIZE);
    if (sb_store_operating_point_chosen(&entry.entry)) *chosen = entry.entry;
  }
  return sb_statement_end(&s);
}

/* Head and chain, and a head that was kept elsewhere, are one. */
static sb_status check_whole(const sb_audit_head *held, const sb_audit_head *found, const sb_audit_head *anchor,
                             const uint8_t at_anchor[SB_LINK_SIZE], sb_error *error) {
  if (held->sequence != found->sequence || memcmp(held->link, found->link, SB_LINK_SIZE))
    return broken(error, found->sequence + 1, "its tail was cut off, or entries were put on without the key");
  if (held->sequence && !sb_chain_verify(held->public_key, held->sequence, held->link, held->signature))
    return broken(error, held->sequence, "its head is not signed by this gallery");
  if (anchor && anchor->sequence &&
      (anchor->sequence > found->sequence || memcmp(anchor->link, at_anchor, SB_LINK_SIZE)))
    return broken(error, anchor->sequence,
                  "it does not go on from the head that was kept: an older state was put back");
  return SB_OK;
}

sb_status sb_audit_verify(sb_store *store, const sb_audit_head *anchor, sb_audit_head *out, sb_error *error) {
  sb_audit_head found, held;
  uint8_t at_anchor[SB_LINK_SIZE] = {0};
  sb_chain_entry chosen = {0};
  sb_store_lock(store);
  sb_status status = sb_store_begin_read(store, error);
  if (status == SB_OK) {
    status = follow(store, anchor ? anchor->sequence : 0, &found, at_anchor, &chosen, error);
    if (status == SB_OK) status = head_read(store, &held.sequence, held.link, held.signature, error);
    if (status == SB_OK) status = sb_chain_public(store->keyring, held.public_key, error);
    if (status == SB_OK) status = check_whole(&held, &found, anchor, at_anchor, error);
    if (status == SB_OK) status = sb_store_operating_point_check(store, &chosen, error);
    if (status == SB_OK) status = sb_store_row_mac_check(store, held.sequence, error);
    sb_store_end_read(store);
  }
  sb_store_unlock(store);
  if (status != SB_OK) return status;
  *out = held;
  return SB_OK;
}
