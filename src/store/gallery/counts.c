/* Cached numbers of people and faces.
 *
 * A cached number is valid for one value of store->commits (what this connection wrote) and one of the driver's change
 * marker (what others wrote). A transaction that reports its effect moves the number along with store->commits. */
#include "store/gallery/counts.h"

#include <stdlib.h>

typedef struct counted {
  int64_t collection, commits, change_marker;
  double at_ms, took_ms; /* when the rows were counted, and how long that took */
  size_t people, faces;
} counted;

struct sb_store_counts {
  counted one, all; /* of the collection asked for last; of all collections */
  /* Effect of the transaction in progress; not `known`: anything. */
  struct {
    bool known;
    int64_t collection, people, faces;
  } delta;
};

sb_status sb_store_counts_new(sb_store *store, sb_error *error) {
  store->counts = sb_alloc(1, sizeof *store->counts, error);
  if (!store->counts) return SB_NO_MEMORY;
  store->counts->one.commits = store->counts->all.commits = -1;
  return SB_OK;
}

void sb_store_counts_free(sb_store *store) {
  free(store->counts);
}

static sb_status count_rows(sb_store *store, counted *out, sb_error *error) {
  static const char of_one[] = "SELECT (SELECT count(*) FROM person WHERE collection = ?1),"
                               " (SELECT count(*) FROM face WHERE collection = ?1)",
                    of_all[] = "SELECT (SELECT count(*) FROM person), (SELECT count(*) FROM face)";
  double begun = sb_monotonic_ms();
  sb_statement s = sb_statement_new(store, out->collection ? of_one : of_all, error);
  if (out->collection) sb_statement_bind_int(&s, 1, out->collection);
  if (sb_statement_step(&s)) {
    out->people = (size_t)sb_statement_column_int(&s, 0);
    out->faces = (size_t)sb_statement_column_int(&s, 1);
  }
  out->at_ms = sb_monotonic_ms();
  out->took_ms = out->at_ms - begun;
  return sb_statement_end(&s);
}

/* Counting millions of faces takes long, and every change by another server would require it. Where it takes more than
 * SOON_MS, at most a hundredth of the time is spent on it, and changes by others show a little later. */
static bool may_be_stale(const counted *c) {
  enum { SOON_MS = 20, SHARE = 100 };
  return c->took_ms > SOON_MS && sb_monotonic_ms() - c->at_ms < SHARE * c->took_ms;
}

sb_status sb_store_count(sb_store *store, int64_t collection, size_t *people, size_t *faces, sb_error *error) {
  counted *cached = collection ? &store->counts->one : &store->counts->all;
  counted now = {.collection = collection, .commits = store->commits};
  sb_status status = store->driver->change_marker(store, &now.change_marker, error);
  if (status != SB_OK) return status;
  bool same = cached->commits == now.commits && cached->collection == collection;
  if (!same || (cached->change_marker != now.change_marker && !may_be_stale(cached))) {
    status = count_rows(store, &now, error);
    if (status != SB_OK) return status;
    *cached = now;
  }
  *people = cached->people;
  *faces = cached->faces;
  return SB_OK;
}

void sb_store_adjust_counts(sb_store *store, int64_t collection, int64_t people, int64_t faces) {
  store->counts->delta.known = true;
  store->counts->delta.collection = collection;
  store->counts->delta.people = people;
  store->counts->delta.faces = faces;
}

static void follow(const sb_store *store, counted *c) {
  const sb_store_counts *counts = store->counts;
  if (c->commits != store->commits) return;
  c->commits++;
  if (c->collection && c->collection != counts->delta.collection) return;
  c->people = (size_t)((int64_t)c->people + counts->delta.people);
  c->faces = (size_t)((int64_t)c->faces + counts->delta.faces);
}

void sb_store_counts_finish(sb_store *store, bool committed) {
  if (committed && store->counts->delta.known) {
    follow(store, &store->counts->one);
    follow(store, &store->counts->all);
  }
  store->counts->delta.known = false;
}
