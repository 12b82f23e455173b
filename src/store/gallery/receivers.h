/* Receivers of events, and their outbox: the tables `receiver` and `dead_letter` (docs/formats.md).
 *
 * The outbox needs no copies of events: a receiver has a position, the number of the last event that it acknowledged or
 * that was given up. It moves in one transaction with what is noted about the event. One server at a time delivers to a
 * receiver: it holds a lease that it renews. */
#ifndef SB_STORE_GALLERY_RECEIVERS_H
#define SB_STORE_GALLERY_RECEIVERS_H

#include "store/store.h"

enum { SB_RECEIVERS_MAX = 32 };

/* In one transaction with its audit entry; begins behind the newest event. SB_INVALID: there are SB_RECEIVERS_MAX. */
sb_status sb_store_receiver_add(sb_store *store, const sb_store_receiver *receiver, int64_t *row, sb_error *error);
/* SB_NOT_FOUND. Erases as sb_store_person_delete does. */
sb_status sb_store_receiver_remove(sb_store *store, int64_t row, sb_error *error);
/* `out` has room for SB_RECEIVERS_MAX. */
sb_status sb_store_receivers(sb_store *store, sb_store_receiver *out, size_t *count, sb_error *error);
/* How many receivers have not ended; opens nothing. */
sb_status sb_store_receivers_active(sb_store *store, size_t *count, sb_error *error);
/* SB_NOT_FOUND: it was removed. */
sb_status sb_store_receiver_check(sb_store *store, int64_t row, sb_error *error);
/* Takes or renews the lease of a receiver; *held: it is this holder's for another `ms`. */
sb_status sb_store_receiver_lease(sb_store *store, int64_t row, int64_t holder, int64_t ms, bool *held,
                                  sb_error *error);
/* Writes position, tries, failing_since_ms, next_try_ms, ended and error of a receiver. `dead` (NULL: none): an event
 * that was given up. *held: false where the lease is another holder's, and then nothing is written. */
sb_status sb_store_receiver_update(sb_store *store, const sb_store_receiver *receiver, int64_t holder,
                                   const sb_store_dead_letter *dead, bool *held, sb_error *error);
/* The newest first; `out` has room for `limit`. */
sb_status sb_store_dead_letters(sb_store *store, int64_t receiver, sb_store_dead_letter *out, size_t limit,
                                size_t *count, sb_error *error);

#endif
