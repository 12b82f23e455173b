/* Events in the store: the table `event` (docs/formats.md). An event names its person by row, and is listed with the
 * person's id and name as they are now, so that neither is stored twice. */
#ifndef SB_STORE_GALLERY_EVENTS_H
#define SB_STORE_GALLERY_EVENTS_H

#include "store/store.h"

#include <semblance/events.h>

/* In one durable transaction, with the audit entry of a sighting. `person`: row, 0: nobody known; one who has been
 * erased meanwhile makes an event that is `erased`, without picture. */
sb_status sb_store_event_add(sb_store *store, int64_t collection, int64_t person, const sb_event *event,
                             uint64_t *number, sb_error *error);

/* `query` without its collection and person, which are rows here; 0: all. */
typedef struct sb_store_event_query {
  int64_t collection, person;
  const sb_event_query *query;
} sb_store_event_query;
sb_status sb_store_events(sb_store *store, const sb_store_event_query *query, sb_events **out, sb_error *error);
/* The number of the newest event; 0: there is none. */
sb_status sb_store_events_newest(sb_store *store, uint64_t *number, sb_error *error);
/* Those that ended before; with an audit entry if there are any. Erases as sb_store_person_delete does. */
sb_status sb_store_events_delete(sb_store *store, int64_t before_ms, size_t *count, sb_error *error);
/* Opens every event. SB_STORE: one is damaged. */
sb_status sb_store_events_check(sb_store *store, sb_error *error);

/* ---- For the files of the store, within a transaction */

/* Removes person and picture from the events of a person who is being erased. */
sb_status sb_store_events_forget_person(sb_store *store, int64_t person, sb_error *error);
sb_status sb_store_events_move_person(sb_store *store, int64_t from, int64_t into, sb_error *error);
sb_status sb_store_events_forget_collection(sb_store *store, int64_t collection, sb_error *error);

#endif
