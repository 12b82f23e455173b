/* The store's connection, lock and snapshots: what every file of the store builds on.
 *
 * The rest of the store's state belongs to the file that works with it; here are only pointers to it, so that no file
 * sees another's. A reader (below) is an sb_store, too, with a connection and none of that state. */
#ifndef SB_STORE_CORE_H
#define SB_STORE_CORE_H

#include "store/drivers/driver.h"
#include "store/store.h"

#include <stdatomic.h>

struct sb_store {
  char *dir; /* folder of the root key and, with SQLite, of the database */
  char *url; /* of the database server; NULL: the database is a file */
  const sb_driver *driver;
  void *connection; /* the driver's */
  int cancel_event; /* eventfd, readable after sb_store_cancel_waits; a store shares it with its readers; -1: none */
  /* Connect once, and never again when the connection is lost: a new connection may lead to another server. */
  bool single_attempt;

  pthread_mutex_t lock;        /* one connection, one statement at a time; held over a whole transaction */
  sb_timed_stage stage_before; /* the stage of the thread that holds the lock, before it took it */
  atomic_bool log_pending;     /* something that was deleted may still be in the database's log */
  int64_t commits;             /* write transactions that this connection has committed */

  /* NULL in a reader. */
  struct sb_store_keys *keys;               /* sealing/keys.c */
  struct sb_store_protections *protections; /* sealing/protection.c */
  struct sb_store_row_mac *row_mac;         /* sealing/row_mac.c */
  struct sb_audit_queue *audit_queue;       /* audit/audit_queue.c */
  struct sb_store_counts *counts;           /* gallery/counts.c */
  struct sb_store_feed *feed;               /* gallery/changes.c */
  struct sb_store_replica *replica;         /* drivers/postgres/replica.c; NULL also where none was given */
  int serve_lock;                           /* file descriptor of the lock file of a server, or -1 */
};

/* Allocates a store that is not connected. `url` NULL: a file in `dir`. */
sb_store *sb_store_core_new(const char *dir, const char *url, sb_error *error);
void sb_store_core_disconnect(sb_store *store);
/* Disconnects and frees what sb_store_core_new made; NULL allowed. */
void sb_store_core_free(sb_store *store);

/* Readers: a connection of its own, without keys, so nothing sealed can be opened with it. Closed by
 * sb_store_core_free. */
sb_status sb_store_reader_open(const sb_store *store, sb_store **out, sb_error *error); /* beside `store` */
sb_status sb_store_reader_open_at(const char *dir, const char *url, bool single_attempt, sb_store **out,
                                  sb_error *error);

bool sb_store_url_is_server(const char *url); /* postgresql://... */

void sb_store_lock(sb_store *store);
void sb_store_unlock(sb_store *store);
/* Under the lock: all that is read between the two belongs to one snapshot. */
sb_status sb_store_begin_read(sb_store *store, sb_error *error);
void sb_store_end_read(sb_store *store);

#endif
