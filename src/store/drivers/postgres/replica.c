/* A standby of the database (streaming replication), for what may be read there: searches by the database and the first reading
 * of all faces.
 *
 * Nobody is told old news: changes become visible in the order of their numbers (postgres.c), on a standby too, so one that shows
 * change n has all of the gallery up to n. A search asks the database for the newest number first, and the standby must show it.
 * Positions in the log (LSN) would say the same of this server's own writes only.
 *
 * Invariants
 *   1. A connection leads to a server that has the database's identity and was in recovery when it was last asked; that is seen to
 *      when it is made, and it is never made anew under its owner's hands.
 *   2. What fails here is no failure of who asked: the database does it. That the replica is away is logged once, and it is tried
 *      again after a second, two, four ... a minute; one thread tries, the others do not wait for it. */
#include "store/drivers/postgres/postgres.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
  REST_FIRST_MS = 1000,
  REST_MOST_MS = 60000,
  LOOKS = 6 /* 1, 2, 4 ... ms between them, for a standby that follows closely */
};
enum { IDENTITY_SIZE = 64 };

struct sb_store_replica {
  char *url;
  char identity[IDENTITY_SIZE]; /* of the database */
  pthread_mutex_t lock;         /* guards the two that follow */
  double rest_ms, rest_until_ms;
  atomic_bool trying; /* somebody makes a connection */
  atomic_bool up, away_told;
  atomic_bool behind; /* when it was last waited for, in vain */
  atomic_size_t reads, passed;
};

/* The cluster's number, which a standby shares, and the database in it. */
static sb_status identity_of(sb_store *store, char out[IDENTITY_SIZE], sb_error *error) {
  sb_statement s = sb_statement_new(store,
                                    "SELECT c.system_identifier::text || '/' || d.oid::text FROM pg_control_system() c,"
                                    " pg_catalog.pg_database d WHERE d.datname = current_database()",
                                    error);
  snprintf(out, IDENTITY_SIZE, "%s", sb_statement_step(&s) ? sb_statement_column_text(&s, 0) : "");
  return sb_statement_end(&s);
}

static void note_up(sb_store_replica *replica) {
  pthread_mutex_lock(&replica->lock);
  replica->rest_ms = 0;
  pthread_mutex_unlock(&replica->lock);
  atomic_store(&replica->up, true);
  if (atomic_exchange(&replica->away_told, false)) sb_log(SB_LOG_INFO, "the replica of --store-replica is used again");
}

static void rest(sb_store_replica *replica, const char *why) {
  pthread_mutex_lock(&replica->lock);
  double now = sb_monotonic_ms();
  if (now >= replica->rest_until_ms) { /* several connections may be lost at once */
    replica->rest_ms = replica->rest_ms > 0 ? 2 * replica->rest_ms : REST_FIRST_MS;
    if (replica->rest_ms > REST_MOST_MS) replica->rest_ms = REST_MOST_MS;
    replica->rest_until_ms = now + replica->rest_ms;
  }
  pthread_mutex_unlock(&replica->lock);
  atomic_store(&replica->up, false);
  if (!atomic_exchange(&replica->away_told, true))
    sb_log(SB_LOG_WARNING, "the replica of --store-replica is not used, now; the database does its work: %s", why);
}

static bool rests(sb_store_replica *replica) {
  pthread_mutex_lock(&replica->lock);
  bool rests = sb_monotonic_ms() < replica->rest_until_ms;
  pthread_mutex_unlock(&replica->lock);
  return rests;
}

typedef enum sight { SHOWN, NOT_YET, NO_STANDBY, FAILED } sight;

/* Does it show change `least`? */
static sight look(sb_store *link, int64_t least, sb_error *error) {
  sb_store_lock(link);
  sb_statement s = sb_statement_new(link, "SELECT coalesce(max(sequence), 0), pg_is_in_recovery() FROM change", error);
  sight seen = !sb_statement_step(&s)                    ? FAILED
               : !sb_statement_column_int(&s, 1)         ? NO_STANDBY
               : sb_statement_column_int(&s, 0) >= least ? SHOWN
                                                         : NOT_YET;
  if (sb_statement_end(&s) != SB_OK) seen = FAILED;
  sb_store_unlock(link);
  return seen;
}

static sb_status check_same(const sb_store_replica *replica, sb_store *link, sb_error *error) {
  char identity[IDENTITY_SIZE] = "";
  sb_store_lock(link);
  sb_status status = identity_of(link, identity, error);
  sb_store_unlock(link);
  if (status != SB_OK || !strcmp(identity, replica->identity)) return status;
  return sb_fail(error, SB_INVALID,
                 "--store-replica leads to another database than --store (by its system identifier): a standby of that "
                 "very one is wanted");
}

static sb_status open_link(const sb_store *store, sb_store **link, sb_error *error) {
  sb_store *made = NULL;
  sb_status status = sb_store_replica_at(store->dir, store->replica->url, &made, error);
  if (status == SB_OK) status = check_same(store->replica, made, error);
  if (status == SB_OK)
    *link = made;
  else
    sb_store_close(made);
  return status;
}

static bool have_link(const sb_store *store, sb_store **link) {
  sb_store_replica *replica = store->replica;
  sb_error error = {0};
  if (*link) return true;
  if (rests(replica) || atomic_exchange(&replica->trying, true)) return false;
  if (open_link(store, link, &error) != SB_OK) rest(replica, error.message);
  atomic_store(&replica->trying, false);
  return *link;
}

/* A failure that leaves the connection as it is, such as a search that was in the way of what is replayed, is of that read alone. */
static void drop_lost(sb_store_replica *replica, sb_store **link, const char *why) {
  if (!sb_postgres_lost((*link)->connection)) return;
  sb_store_close(*link);
  *link = NULL;
  rest(replica, why);
}

static bool caught_up(sb_store_replica *replica, sb_store **link, int64_t least) {
  sb_error error = {0};
  sight seen = look(*link, least, &error);
  int looks = atomic_load(&replica->behind) ? 1 : LOOKS; /* nobody waits for one that is far behind */
  for (int i = 1; i < looks && seen == NOT_YET; i++) {
    nanosleep(&(struct timespec){0, 1000000L << (i - 1)}, NULL);
    seen = look(*link, least, &error);
  }
  atomic_store(&replica->behind, seen == NOT_YET);
  switch (seen) {
  case SHOWN:
  case NOT_YET: note_up(replica); break;
  case NO_STANDBY:
    sb_store_close(*link);
    *link = NULL;
    rest(replica, "that server is no standby");
    break;
  case FAILED: drop_lost(replica, link, error.message); break;
  }
  return seen == SHOWN;
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
  if (status != SB_OK) drop_lost(store->replica, link, error->message);
}

/* Only what nobody can mend while the server runs is a failure. */
static sb_status look_once(const sb_store *store, sb_error *error) {
  sb_store *link = NULL;
  sb_error cause = {0};
  sb_status status = open_link(store, &link, &cause);
  if (status == SB_INVALID) return sb_fail(error, status, "%s", cause.message);
  if (status == SB_OK)
    caught_up(store->replica, &link, 0);
  else
    rest(store->replica, cause.message);
  sb_store_close(link);
  return SB_OK;
}

sb_status sb_store_use_replica(sb_store *store, const char *url, bool look, sb_error *error) {
  if (!store->url)
    return sb_fail(error, SB_INVALID, "--store-replica is for a gallery in PostgreSQL (--store postgresql://...)");
  if (!sb_store_url_is_server(url))
    return sb_fail(error, SB_INVALID, "--store-replica names a standby as postgresql://USER@HOST/DATABASE");
  sb_store_replica *replica = sb_alloc(1, sizeof *replica, error);
  if (!replica) return SB_NO_MEMORY;
  pthread_mutex_init(&replica->lock, NULL);
  store->replica = replica;
  if (!(replica->url = sb_strdup(url, error))) return SB_NO_MEMORY;
  sb_store_lock(store);
  sb_status status = identity_of(store, replica->identity, error);
  sb_store_unlock(store);
  return status == SB_OK && look ? look_once(store, error) : status;
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

void sb_store_replica_free(sb_store_replica *replica) {
  if (!replica) return;
  if (replica->url) sb_wipe(replica->url, strlen(replica->url)); /* it may hold a password */
  free(replica->url);
  pthread_mutex_destroy(&replica->lock);
  free(replica);
}
