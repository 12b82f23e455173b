/* Following the gallery: what changed since an index was last in step, or everything.
 *
 * An index keeps the number of the newest change that it has applied. It gets the changes after that number from the
 * change log; it gets all faces instead when it is new, when the log no longer reaches back that far, or when an entry
 * says that everything has changed (a collection got a new transform). */
#include "store/gallery/changes.h"

#include "store/gallery/change_log.h"
#include "store/gallery/load_faces.h"
#include "store/gallery/replica.h"
#include "store/sealing/keys.h"
#include "store/sealing/protection.h"
#include "store/sealing/sealed_columns.h"

#include <stdlib.h>

/* What sb_store_changes returned last: while neither this connection nor another one has written since, there is
 * nothing to ask. */
struct sb_store_feed {
  int64_t change_marker, commits, sequence;
};

sb_status sb_store_feed_new(sb_store *store, sb_error *error) {
  store->feed = sb_alloc(1, sizeof *store->feed, error);
  if (!store->feed) return SB_NO_MEMORY;
  store->feed->change_marker = store->feed->commits = -1;
  return SB_OK;
}

void sb_store_feed_free(sb_store *store) {
  free(store->feed);
}

/* ---- Changes since a number */

#define CHANGE_COLUMNS "kind, collection, face, person, sequence"
enum { CHANGE_KIND, CHANGE_COLLECTION, CHANGE_FACE, CHANGE_PERSON, CHANGE_SEQUENCE };
/* The template and density of each face that was put. */
#define PUT_COLUMNS "h.sequence, f.template, c.dim, c.model, c.protection_version, f.density, f.density_people"
enum { PUT_SEQUENCE, PUT_TEMPLATE, PUT_DIM, PUT_MODEL, PUT_PROTECTION_VERSION, PUT_DENSITY };

/* Completes a put with the template and density of the current row of `puts`. false: the row belongs to another change,
 * because the face of this one was removed later. `*room` grows as needed. */
static bool take_template(sb_statement *puts, int64_t sequence, sb_store_change *change, float **room) {
  const sb_store_protection *protection = NULL;
  void *grown = *room;
  if (puts->status != SB_OK || sb_statement_column_int(puts, PUT_SEQUENCE) != sequence) return false;
  const sb_seal_context context = {"face", "template", change->face, sb_statement_column_text(puts, PUT_MODEL)};
  int64_t version = sb_statement_column_int(puts, PUT_PROTECTION_VERSION);
  change->dim = (size_t)sb_statement_column_int(puts, PUT_DIM);
  puts->status = sb_grow(&grown, change->dim, sizeof **room, puts->error);
  if (puts->status != SB_OK) return false;
  *room = grown;
  sb_statement_column_template(puts, PUT_TEMPLATE, &context, change->dim, *room);
  sb_statement_column_density(puts, PUT_DENSITY, &(sb_density_face){change->collection, change->face},
                              &change->density);
  if (puts->status != SB_OK) return false;
  puts->status = sb_store_protection_get_version(puts->store, change->collection, version, &protection, puts->error);
  if (puts->status != SB_OK) return false;
  change->seed = protection->seed;
  change->embedding = *room;
  return true;
}

/* Where the database is several nodes, a node may show a commit later than the change log does. Nothing after such a
 * commit has been acknowledged (drivers/postgres), so a pass stops before its first change and goes on another time. */
typedef struct pass {
  bool settled; /* no such commit: the face of a put that has no row was removed later */
  bool stopped; /* at a put that has no row */
  int64_t last; /* the newest change that was visited */
} pass;

/* Both statements are in the order of sequence. They are not one join, because an outer join that keeps removals would
 * make Citus bring all faces to one machine. */
static sb_status visit_rows(sb_statement *changes, sb_statement *puts, sb_store_change_visit visit, void *context,
                            pass *p) {
  float *embedding = NULL;
  bool more = sb_statement_step(puts);
  while (puts->status == SB_OK && sb_statement_step(changes)) {
    sb_store_change change = {.kind = (sb_store_change_kind)sb_statement_column_int(changes, CHANGE_KIND),
                              .collection = sb_statement_column_int(changes, CHANGE_COLLECTION),
                              .face = sb_statement_column_int(changes, CHANGE_FACE),
                              .person = sb_statement_column_int(changes, CHANGE_PERSON)};
    int64_t sequence = sb_statement_column_int(changes, CHANGE_SEQUENCE);
    bool complete = change.kind != SB_CHANGE_PUT;
    if (!complete && more && take_template(puts, sequence, &change, &embedding)) {
      complete = true;
      more = sb_statement_step(puts);
    }
    p->stopped = !complete && !p->settled && puts->status == SB_OK;
    if (p->stopped) break;
    p->last = sequence;
    if (complete && puts->status == SB_OK) changes->status = visit(context, &change, changes->error);
    if (changes->status != SB_OK) break;
  }
  free(embedding);
  sb_status status = sb_statement_end(changes), other = sb_statement_end(puts);
  return status == SB_OK ? other : status;
}

static sb_status visit_since(sb_store *store, int64_t since, pass *p, sb_store_change_visit visit, void *context,
                             sb_error *error) {
  sb_statement changes =
      sb_statement_new(store, "SELECT " CHANGE_COLUMNS " FROM change WHERE sequence > ? ORDER BY sequence", error);
  sb_statement puts =
      sb_statement_new(store,
                       "SELECT " PUT_COLUMNS " FROM change h JOIN face f ON f.person = h.person AND f.id = h.face"
                       " JOIN collection c ON c.id = f.collection WHERE h.sequence > ? AND h.kind = 1"
                       " ORDER BY h.sequence",
                       error);
  sb_statement_bind_int(&changes, 1, since);
  sb_statement_bind_int(&puts, 1, since);
  return visit_rows(&changes, &puts, visit, context, p);
}

/* ---- Everything or what changed */

/* Does an entry after `since` say that everything has changed, as sb_store_revoke writes it? Entries before are not
 * looked at: there are up to 100,000 of them, and each search asks. */
static sb_status has_reset(sb_store *store, int64_t since, bool *reset, sb_error *error) {
  sb_statement s = sb_statement_new(store, "SELECT 1 FROM change WHERE sequence > ? AND kind = 0 LIMIT 1", error);
  sb_statement_bind_int(&s, 1, since);
  *reset = sb_statement_step(&s);
  return sb_statement_end(&s);
}

/* `since` 0 is a new index, which wants the state, not the history. */
static sb_status needs_everything(sb_store *store, int64_t since, int64_t last, bool *everything, sb_error *error) {
  int64_t first = 0;
  sb_status status = sb_store_number(store, "SELECT coalesce(min(sequence), 0) FROM change", &first, error);
  *everything = since == 0 || since > last || first > since + 1;
  return status == SB_OK && !*everything ? has_reset(store, since, everything, error) : status;
}

static sb_status visit_everything(sb_store *store, int64_t since, sb_store_change_visit visit, void *context,
                                  sb_error *error) {
  bool settled = true;
  sb_status status = store->driver->settled ? store->driver->settled(store, true, &settled, error) : SB_OK;
  if (status != SB_OK) return status;
  if (!settled)
    return sb_fail(error, SB_BUSY, "a node of the database has not confirmed the last change yet; try again");
  if (since) status = visit(context, &(sb_store_change){.kind = SB_CHANGE_RESET}, error);
  return status == SB_OK ? sb_store_load_faces(store, store, visit, context, error) : status;
}

/* Within a read transaction. */
static sb_status visit_snapshot(sb_store *store, int64_t since, pass *p, sb_store_change_visit visit, void *context,
                                sb_error *error) {
  bool everything = false;
  sb_status status = sb_store_keys_refresh(store, error);
  if (status != SB_OK) return status;
  status = sb_store_change_newest(store, &p->last, error);
  if (status != SB_OK) return status;
  status = needs_everything(store, since, p->last, &everything, error);
  if (status != SB_OK) return status;
  if (everything) return visit_everything(store, since, visit, context, error);
  if (p->stopped) status = store->driver->settled(store, false, &p->settled, error);
  p->last = since;
  return status == SB_OK ? visit_since(store, since, p, visit, context, error) : status;
}

/* In one snapshot, so that rows and numbers belong together. */
static sb_status run_pass(sb_store *store, int64_t since, pass *p, sb_store_change_visit visit, void *context,
                          sb_error *error) {
  sb_status status = sb_store_begin_read(store, error);
  if (status != SB_OK) return status;
  status = visit_snapshot(store, since, p, visit, context, error);
  sb_store_end_read(store);
  return status;
}

/* A second pass asks the nodes before it reads, which the first one, for its time, does not. `*complete`: up to the
 * newest change. */
static sb_status read_changes(sb_store *store, int64_t since, int64_t *next, bool *complete,
                              sb_store_change_visit visit, void *context, sb_error *error) {
  pass p = {.settled = !store->driver->settled};
  sb_status status = run_pass(store, since, &p, visit, context, error);
  if (status == SB_OK && p.stopped) status = run_pass(store, p.last, &p, visit, context, error);
  *complete = status == SB_OK && !p.stopped;
  if (status == SB_OK) *next = p.last > 0 ? p.last : 0;
  return status;
}

static sb_status load_replica(sb_store *store, sb_store *replica, int64_t *last, sb_store_change_visit visit,
                              void *context, sb_error *error) {
  sb_status status = sb_store_begin_read(replica, error);
  if (status != SB_OK) goto done;
  status = sb_store_change_newest(replica, last, error);
  if (status != SB_OK) goto done;
  status = sb_store_load_faces(store, replica, visit, context, error);
done:
  sb_store_end_read(replica);
  return status;
}

/* Reading all faces for a new index is much work, which a replica can do: it shows the state of a moment ago, and the
 * change log tells what came since. `*since` moves to that moment; it stays 0 where there is no replica or the reading
 * failed. */
static sb_status read_from_replica(sb_store *store, int64_t *since, sb_store_change_visit visit, void *context,
                                   sb_error *error) {
  sb_store *replica = NULL;
  sb_error cause = {0};
  int64_t last = 0;
  if (!sb_store_replica_ready(store, 1, &replica)) return SB_OK;
  sb_store_lock(replica);
  sb_status status = load_replica(store, replica, &last, visit, context, &cause);
  sb_store_unlock(replica);
  sb_store_replica_read_done(store, &replica, status, &cause);
  sb_store_core_free(replica);
  if (status != SB_OK) return visit(context, &(sb_store_change){.kind = SB_CHANGE_RESET}, error);
  *since = last;
  return SB_OK;
}

static sb_status follow(sb_store *store, int64_t since, int64_t *next, sb_store_change_visit visit, void *context,
                        sb_error *error) {
  sb_store_feed *feed = store->feed;
  int64_t marker = 0, commits = store->commits;
  bool complete = false;
  sb_status status = store->driver->change_marker(store, &marker, error);
  if (status != SB_OK) return status;
  if (since && since == feed->sequence && marker == feed->change_marker && commits == feed->commits) {
    *next = since;
    return SB_OK;
  }
  if (!since) status = read_from_replica(store, &since, visit, context, error);
  if (status != SB_OK) return status;
  status = read_changes(store, since, next, &complete, visit, context, error);
  if (complete) *feed = (sb_store_feed){marker, commits, *next};
  return status;
}

sb_status sb_store_changes(sb_store *store, int64_t since, int64_t *next, sb_store_change_visit visit, void *context,
                           sb_error *error) {
  sb_store_lock(store);
  sb_status status = follow(store, since, next, visit, context, error);
  sb_store_unlock(store);
  return status;
}
