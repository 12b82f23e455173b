/* Waiting for others' changes: PostgreSQL's NOTIFY wakes, on a connection that does nothing else. It is only a call to look: what
 * changed stands in the table `change`, which is asked in any case (changes.c), so a call that is lost costs time alone. */
#include "store/drivers/postgres/postgres.h"

#include <libpq-fe.h>
#include <poll.h>
#include <stdlib.h>

struct sb_store_watch {
  sb_store *reader;
  bool listening;
};

sb_status sb_store_watch_new(sb_store *store, sb_store_watch **out, sb_error *error) {
  if (store->driver != &sb_driver_postgres) return *out = NULL, SB_OK;
  sb_store_watch *watch = sb_alloc(1, sizeof *watch, error);
  if (!watch) return SB_NO_MEMORY;
  sb_status status = sb_store_reader(store, &watch->reader, error);
  if (status == SB_OK)
    *out = watch;
  else
    sb_store_watch_free(watch);
  return status;
}

void sb_store_watch_free(sb_store_watch *watch) {
  if (!watch) return;
  sb_store_close(watch->reader);
  free(watch);
}

/* The calls that came; false: none did. */
static bool drain(PGconn *link) {
  bool called = false;
  if (!PQconsumeInput(link)) return true; /* the connection is lost, and with it perhaps a call */
  for (PGnotify *call; (call = PQnotifies(link)); called = true) PQfreemem(call);
  return called;
}

static sb_status listen_again(sb_store_watch *watch, sb_error *error) {
  const sb_postgres_session *session = watch->reader->connection;
  if (watch->listening && !sb_postgres_lost(session)) return SB_OK;
  sb_status status = sb_postgres_exec(watch->reader, "LISTEN " SB_POSTGRES_CHANNEL, error);
  watch->listening = status == SB_OK;
  return status;
}

sb_status sb_store_watch_wait(sb_store_watch *watch, int ms, sb_error *error) {
  const sb_postgres_session *session = watch->reader->connection;
  struct pollfd ends[2] = {{.fd = watch->reader->cancel_event, .events = POLLIN}, {.fd = -1, .events = POLLIN}};
  sb_status status = listen_again(watch, error);
  if (status == SB_OK) ends[1].fd = PQsocket(session->link);
  poll(ends, 2, status == SB_OK && drain(session->link) ? 0 : ms);
  if (ends[0].revents) return SB_STOPPING;
  if (ends[1].revents) drain(session->link);
  return status;
}
