/* Row-set MAC: a keyed sum over every row that says who is enrolled and who may do what (crypto/row_set_mac.h), stored
 * in `meta` as "tally". It shows when somebody who can write the database puts an older row back, seal and all. Under
 * the lock.
 *
 * Only where the driver can observe rows (SQLite); elsewhere every function does nothing. */
#ifndef SB_STORE_SEALING_ROW_MAC_H
#define SB_STORE_SEALING_ROW_MAC_H

#include "store/core/store_core.h"

typedef struct sb_store_row_mac sb_store_row_mac;
/* Before the schema is prepared. */
sb_status sb_store_row_mac_new(sb_store *store, sb_error *error);
void sb_store_row_mac_free(sb_store *store);
/* Once the schema is there: from now on changes of rows are summed. */
sb_status sb_store_row_mac_observe(sb_store *store, sb_error *error);

void sb_store_row_mac_reset(sb_store *store); /* before every BEGIN */
/* Adds what the transaction changed to the stored sum; before every COMMIT. */
sb_status sb_store_row_mac_commit(sb_store *store, sb_error *error);
/* The audit log got an entry: the stored sum has to be written, because it carries the newest entry's number. */
void sb_store_row_mac_touch(sb_store *store);

/* Stores the sum of all rows as they are, within a transaction. */
sb_status sb_store_row_mac_start(sb_store *store, sb_error *error);
/* SB_STORE: the rows are not those that this program wrote. `newest`: the audit log's newest entry. Reads all rows. */
sb_status sb_store_row_mac_check(sb_store *store, int64_t newest, sb_error *error);
/* The same as a question, while the schema is upgraded: sums of older schemas are accepted, too. */
sb_status sb_store_row_mac_is_sound(sb_store *store, bool *sound, sb_error *error);

#endif
