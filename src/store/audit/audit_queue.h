/* Queue of audit events that wait for a transaction (sb_audit_record in store.h). */
#ifndef SB_STORE_AUDIT_QUEUE_H
#define SB_STORE_AUDIT_QUEUE_H

#include "store/core/store_core.h"

typedef struct sb_audit_queue sb_audit_queue;
sb_status sb_audit_queue_new(sb_store *store, sb_error *error);
void sb_audit_queue_free(sb_store *store);

#endif
