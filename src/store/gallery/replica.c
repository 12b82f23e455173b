/* Reading from a standby (PostgreSQL streaming replication): searches by the database, and the first reading of all
 * faces.
 *
 * A reader must not see an older state than it asked for. Changes become visible in the order of their numbers
 * (drivers/postgres), on a standby too, so one that shows change n has the whole gallery up to n. A search asks the
 * primary for the newest number first and requires the standby to show it. Positions in the write-ahead log (LSN) would
 * only cover what this server wrote itself.
 *
 * Invariants
 *   1. A connection leads to a server that has the primary's identity and was in recovery when it was last asked. That
 *      is checked when the connection is made, and a lost connection is never reopened behind its owner's back.
 *   2. A failure here is not the caller's failure: the primary answers instead. One log line tells when the replica is
 *      not used any more; it is tried again after one second, two, four ... up to a minute, by one thread, while the
 *      others do not wait. */
#include "store/gallery/replica.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
  PAUSE_FIRST_MS = 1000,
  PAUSE_MOST_MS = 60000,
  CHECKS_MAX = 6 /* with 1, 2, 4 ... ms between them, for a standby that follows closely */
};
enum { IDENTITY_SIZE = 64 };

struct sb_store_replica {
  char *url;
  char identity[IDENTITY_SIZE]; /* of the primary */
  pthread_mutex_t lock;         /* guards the next two */
  double pause_ms, paused_until_ms;
  atomic_bool connecting; /* a thread is making a connection */
  atomic_bool up, failure_logged;
  atomic_bool behind; /* it did not catch up when it was last waited for */
  atomic_size_t reads, passed;
};

/* The system identifier of the cluster, which a standby shares, and the database's Oid. */
static sb_status read_identity(sb_store *store, char out[IDENTITY_SIZE], sb_error *error) {
  sb_store_lock(store);
  sb_statement s = sb_statement_new(store,
                                    "SELECT c.system_identifier::text || '/' || d.oid::text FROM pg_control_system() c,"
                                    " pg_catalog.pg_database d WHERE d.datname = current_database()",
                                    error);
  snprintf(out, IDENTITY_SIZE, "%s", sb_statement_step(&s) ? sb_statement_column_text(&s, 0) : "");
  sb_status status = sb_statement_end(&s);
  sb_store_unlock(store);
  return status;
}

/* ---- Up or paused */

static void set_up(sb_store_replica *replica) {
  pthread_mutex_lock(&replica->lock);
  replica->pause_ms = 0;
  pthread_mutex_unlock(&replica->lock);
  atomic_store(&replica->up, true);
  if (atomic_exchange(&replica->failure_logged, false))
    sb_log(SB_LOG_INFO, "the replica of --store-replica is used again");
}

static void set_paused(sb_store_replica *replica, const char *why) {
  pthread_mutex_lock(&replica->lock);
  double now = sb_monotonic_ms();
  if (now >= replica->paused_until_ms) { /* several connections may be lost at once */
    replica->pause_ms = replica->pause_ms > 0 ? 2 * replica->pause_ms : PAUSE_FIRST_MS;
    if (replica->pause_ms > PAUSE_MOST_MS) replica->pause_ms = PAUSE_MOST_MS;
    replica->paused_until_ms = now + replica->pause_ms;
  }
  pthread_mutex_unlock(&replica->lock);
  atomic_store(&replica->up, false);
  if (!atomic_exchange(&replica->failure_logged, true))
    sb_log(SB_LOG_WARNING, "the replica of --store-replica is not used for now; the database answers instead: %s", why);
}

static bool is_paused(sb_store_replica *replica) {
  pthread_mutex_lock(&replica->lock);
  bool paused = sb_monotonic_ms() < replica->paused_until_ms;
  pthread_mutex_unlock(&replica->lock);
  return paused;
}

/* ---- Connections */

static sb_status check_identity(const sb_store_replica *replica, sb_store *link, sb_error *error) {
  char identity[IDENTITY_SIZE] = "";
  sb_status status = read_identity(link, identity, error);
  if (status != SB_OK || !strcmp(identity, replica->identity)) return status;
  return sb_fail(error, SB_INVALID,
                 "--store-replica leads to another database than --store (by its system identifier); name a standby of "
                 "that database");
}

static sb_status open_link(const sb_store *store, sb_store **link, sb_error *error) {
  sb_store *opened = NULL;
  sb_status status = sb_store_reader_open_at(store->dir, store->replica->url, true, &opened, error);
  if (status != SB_OK) return status;
  status = check_identity(store->replica, opened, error);
  if (status == SB_OK)
    *link = opened;
  else
    sb_store_core_free(opened);
  return status;
}

static bool have_link(const sb_store *store, sb_store **link) {
  sb_store_replica *replica = store->replica;
  sb_error error = {0};
  if (*link) return true;
  if (is_paused(replica) || atomic_exchange(&replica->connecting, true)) return false;
  if (open_link(store, link, &error) != SB_OK) set_paused(replica, error.message);
  atomic_store(&replica->connecting, false);
  return *link;
}

static void drop_link(sb_store_replica *replica, sb_store **link, const char *why) {
  sb_store_core_free(*link);
  *link = NULL;
  set_paused(replica, why);
}

/* A failure that leaves the connection alive, such as a search that was cancelled in favour of replay, concerns that
 * read alone. */
static void drop_if_lost(sb_store_replica *replica, sb_store **link, const char *why) {
  if ((*link)->driver->lost(*link)) drop_link(replica, link, why);
}

/* ---- Catching up */

typedef enum progress { CAUGHT_UP, BEHIND, NOT_A_STANDBY, FAILED } progress;

/* Does it show change `least`? */
static progress check_progress(sb_store *link, int64_t least, sb_error *error) {
  sb_store_lock(link);
  sb_statement s = sb_statement_new(link, "SELECT coalesce(max(sequence), 0), pg_is_in_recovery() FROM change", error);
  progress found = !sb_statement_step(&s)                    ? FAILED
                   : !sb_statement_column_int(&s, 1)         ? NOT_A_STANDBY
                   : sb_statement_column_int(&s, 0) >= least ? CAUGHT_UP
                                                             : BEHIND;
  if (sb_statement_end(&s) != SB_OK) found = FAILED;
  sb_store_unlock(link);
  return found;
}

static bool caught_up(sb_store_replica *replica, sb_store **link, int64_t least) {
  sb_error error = {0};
  progress found = check_progress(*link, least, &error);
  int checks = atomic_load(&replica->behind) ? 1 : CHECKS_MAX; /* do not wait for one that is far behind */
  for (int i = 1; i < checks && found == BEHIND; i++) {
    nanosleep(&(struct timespec){0, 1000000L << (i - 1)}, NULL);
    found = check_progress(*link, least, &error);
  }
  atomic_store(&replica->behind, found == BEHIND);
  switch (found) {
  case CAUGHT_UP:
  case BEHIND: set_up(replica); break;
  case NOT_A_STANDBY: drop_link(replica, link, "that server is not a standby"); break;
  case FAILED: drop_if_lost(replica, link, error.message); break;
  }
  return found == CAUGHT_UP;
}

bool sb_store_replica_ready(const sb_store *store, int64_t least, sb_store **link) {
  sb_store_replica *replica = store->replica;
  if (!replica) return false;
  bool ready = have_link(store, link) && caught_up(replica, link, least);
  if (!ready) atomic_fetch_add(&replica->passed, 1);
  return ready;
}

void sb_store_replica_read_done(const sb_store *store, sb_store **link, sb_status status, const sb_error *error) {
  atomic_fetch_add(status == SB_OK ? &store->replica->reads : &store->replica->passed, 1);
  if (status != SB_OK) drop_if_lost(store->replica, link, error->message);
}

/* ---- Setting it up */

/* Only a mistake that no waiting repairs is a failure. */
static sb_status connect_now(const sb_store *store, sb_error *error) {
  sb_store *link = NULL;
  sb_error cause = {0};
  sb_status status = open_link(store, &link, &cause);
  if (status == SB_INVALID) return sb_fail(error, status, "%s", cause.message);
  if (status == SB_OK)
    caught_up(store->replica, &link, 0);
  else
    set_paused(store->replica, cause.message);
  sb_store_core_free(link);
  return SB_OK;
}

sb_status sb_store_use_replica(sb_store *store, const char *url, bool connect, sb_error *error) {
  if (!store->url)
    return sb_fail(error, SB_INVALID, "--store-replica is for a gallery in PostgreSQL (--store postgresql://...)");
  if (!sb_store_url_is_server(url))
    return sb_fail(error, SB_INVALID, "--store-replica names a standby as postgresql://USER@HOST/DATABASE");
  sb_store_replica *replica = sb_alloc(1, sizeof *replica, error);
  if (!replica) return SB_NO_MEMORY;
  pthread_mutex_init(&replica->lock, NULL);
  store->replica = replica;
  if (!(replica->url = sb_strdup(url, error))) return SB_NO_MEMORY;
  sb_status status = read_identity(store, replica->identity, error);
  return status == SB_OK && connect ? connect_now(store, error) : status;
}

void sb_store_replica_status_get(const sb_store *store, sb_store_replica_status *out) {
  const sb_store_replica *replica = store->replica;
  *out = (sb_store_replica_status){0};
  if (!replica) return;
  out->given = true;
  out->up = atomic_load(&replica->up);
  out->reads = atomic_load(&replica->reads);
  out->passed = atomic_load(&replica->passed);
}

void sb_store_replica_free(sb_store *store) {
  sb_store_replica *replica = store->replica;
  if (!replica) return;
  if (replica->url) sb_wipe(replica->url, strlen(replica->url)); /* it may hold a password */
  free(replica->url);
  pthread_mutex_destroy(&replica->lock);
  free(replica);
}
