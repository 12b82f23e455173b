/* Receivers of events, and what the outbox of each has to send next (receivers.c). */
#ifndef SB_ENGINE_RECEIVERS_H
#define SB_ENGINE_RECEIVERS_H

#include "engine/engine.h"

#include <semblance/events.h>

enum { SB_ENGINE_RECEIVERS_MAX = 32 };

/* SB_INVALID names the field; SB_NOT_FOUND (collection). It gets the events that are added from now on. */
sb_status sb_engine_receiver_add(sb_engine *engine, const sb_store_receiver *receiver, int64_t *row, sb_error *error);
sb_status sb_engine_receiver_remove(sb_engine *engine, int64_t row, sb_error *error); /* SB_NOT_FOUND */
/* `out` has room for SB_ENGINE_RECEIVERS_MAX. It holds secrets: wipe it. */
sb_status sb_engine_receivers(sb_engine *engine, sb_store_receiver *out, size_t *count, sb_error *error);
/* Events that were given up, the newest first; `out` has room for `limit`. */
sb_status sb_engine_dead_letters(sb_engine *engine, int64_t receiver, sb_store_dead_letter *out, size_t limit,
                                 size_t *count, sb_error *error);

/* ---- For the server that delivers (store/gallery/receivers.h) */

/* How many receivers have not ended. */
sb_status sb_engine_outbox_active(sb_engine *engine, size_t *receivers, sb_error *error);
/* The next event for the receiver, behind its position: a list of one, or of none. SB_NOT_FOUND: the receiver was
 * removed. */
sb_status sb_engine_outbox_next(sb_engine *engine, const sb_store_receiver *receiver, sb_events **out, sb_error *error);
sb_status sb_engine_outbox_lease(sb_engine *engine, int64_t receiver, int64_t holder, int64_t ms, bool *held,
                                 sb_error *error);
sb_status sb_engine_outbox_update(sb_engine *engine, const sb_store_receiver *receiver, int64_t holder,
                                  const sb_store_dead_letter *dead, bool *held, sb_error *error);

#endif
