/* The audit log: what the store itself uses of it. The engine's functions are declared in store.h. */
#ifndef SB_STORE_AUDIT_LOG_H
#define SB_STORE_AUDIT_LOG_H

#include "store/core/store_core.h"

/* Appends an entry on behalf of this thread's actor, within a transaction. `receipt` NULL: none is wanted. */
sb_status sb_audit_append(sb_store *store, const sb_audit_event *event, sb_audit_receipt *receipt, sb_error *error);
/* The same for an act on a person who is stored: fills in the person's collection. SB_NOT_FOUND. */
sb_status sb_audit_append_person(sb_store *store, const sb_audit_event *event, sb_audit_receipt *receipt,
                                 sb_error *error);

/* An event and on whose behalf it happened. */
typedef struct sb_audit_batch_item {
  const char *actor;
  const sb_audit_event *events;
  size_t count;
} sb_audit_batch_item;
/* Appends all events of all items and signs once, within a transaction. */
sb_status sb_audit_append_batch(sb_store *store, const sb_audit_batch_item *items, size_t count, sb_error *error);

/* The newest entry as it is stored, without the public key. Under the lock. */
sb_status sb_audit_head_load(sb_store *store, sb_audit_head *out, sb_error *error);

/* Columns of an entry and their reader. */
#define SB_AUDIT_COLUMNS "a.sequence, a.at, a.actor, a.verb, a.collection, a.person, a.count, a.link, c.name"
#define SB_AUDIT_SELECT "SELECT " SB_AUDIT_COLUMNS " FROM audit a LEFT JOIN collection c ON c.id = a.collection "
void sb_audit_entry_read(sb_statement *s, sb_audit_entry *out);

#endif
