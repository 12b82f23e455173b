/* All faces at once, as a fresh index wants them: the caller's thread reads rows in order, threads unseal them and hand them
 * on, and the caller does so too when there is nothing else to do, so that a million templates keep every core busy.
 *
 * Invariants (under the lock)
 *   1. A batch is the reader's, in `full`, one worker's, or in `spare`.
 *   2. The first failure is kept; after it batches are passed on unopened.
 *   3. The keyring changes only while no worker has a batch (`busy` 0, `full` empty). */
#include "store/internal.h"

#include <stdlib.h>
#include <string.h>

enum { BATCH_ROWS = 256, THREADS_MAX = 16 };

/* What the rows of one collection have in common. */
typedef struct kind {
  struct kind *next;
  int64_t collection;
  size_t dim;
  char *model;
  uint8_t seed[SB_SEED_SIZE];
} kind;

typedef struct sealed_row {
  const kind *kind;
  int64_t face, person;
  size_t at, size; /* within the batch's bytes */
} sealed_row;

typedef struct batch {
  struct batch *next;
  size_t count, used, room;
  uint8_t *bytes;
  sealed_row rows[BATCH_ROWS];
} batch;

typedef struct loader {
  sb_store *store;  /* has the keys */
  sb_store *reader; /* has the rows */
  sb_store_change_visit visit;
  void *context;
  kind *kinds; /* the reader's */
  pthread_mutex_t lock;
  pthread_cond_t changed;
  batch *full, *spare;
  size_t batches, busy;
  bool ended;
  sb_status status;
  sb_error error;
  pthread_t threads[THREADS_MAX];
  size_t thread_count;
} loader;

static void fail(loader *l, sb_status status, const sb_error *error) {
  pthread_mutex_lock(&l->lock);
  if (l->status == SB_OK) l->status = status, l->error = *error;
  pthread_mutex_unlock(&l->lock);
}

static sb_status open_row(const loader *l, const batch *b, const sealed_row *row, float *embedding, sb_error *error) {
  const sb_seal_context place = {"face", "template", row->face, row->kind->model};
  sb_status status =
      sb_store_template_open(l->store, &place, b->bytes + row->at, row->size, row->kind->dim, embedding, error);
  if (status != SB_OK) return status;
  const sb_store_change change = {.kind = SB_CHANGE_PUT,
                                  .collection = row->kind->collection,
                                  .face = row->face,
                                  .person = row->person,
                                  .dim = row->kind->dim,
                                  .embedding = embedding,
                                  .seed = row->kind->seed};
  return l->visit(l->context, &change, error);
}

/* Opens all rows of a batch, which goes to the spare ones. Without the lock. */
static void work_off(loader *l, batch *b) {
  sb_error error = {0};
  size_t dim = 1;
  for (size_t i = 0; i < b->count; i++) dim = b->rows[i].kind->dim > dim ? b->rows[i].kind->dim : dim;
  float *embedding = sb_alloc(dim, sizeof *embedding, &error);
  sb_status status = embedding ? SB_OK : SB_NO_MEMORY;
  for (size_t i = 0; status == SB_OK && i < b->count; i++) status = open_row(l, b, &b->rows[i], embedding, &error);
  if (embedding) sb_wipe(embedding, dim * sizeof *embedding);
  free(embedding);
  if (status != SB_OK) fail(l, status, &error);
  pthread_mutex_lock(&l->lock);
  b->count = b->used = 0;
  b->next = l->spare;
  l->spare = b;
  pthread_mutex_unlock(&l->lock);
}

/* Takes a full batch, if there is one. Under the lock. */
static batch *take_full(loader *l) {
  batch *b = l->full;
  if (b) l->full = b->next;
  return b;
}

static void *run(void *context) {
  loader *l = context;
  pthread_mutex_lock(&l->lock);
  for (;;) {
    batch *b = take_full(l);
    if (!b && l->ended) break;
    if (!b) {
      pthread_cond_wait(&l->changed, &l->lock);
      continue;
    }
    l->busy++;
    pthread_mutex_unlock(&l->lock);
    work_off(l, b);
    pthread_mutex_lock(&l->lock);
    l->busy--;
    pthread_cond_broadcast(&l->changed);
  }
  pthread_mutex_unlock(&l->lock);
  return NULL;
}

/* Works until nothing is left in anybody's hands. */
static void drain(loader *l) {
  pthread_mutex_lock(&l->lock);
  while (l->full || l->busy) {
    batch *b = take_full(l);
    if (!b) {
      pthread_cond_wait(&l->changed, &l->lock);
      continue;
    }
    pthread_mutex_unlock(&l->lock);
    work_off(l, b);
    pthread_mutex_lock(&l->lock);
  }
  pthread_mutex_unlock(&l->lock);
}

/* Hands a batch over; the first one starts the threads. */
static void hand_over(loader *l, batch *b) {
  size_t wanted = (size_t)sb_cpu_cores() - 1;
  pthread_mutex_lock(&l->lock);
  b->next = l->full;
  l->full = b;
  while (l->thread_count < wanted && l->thread_count < THREADS_MAX &&
         !pthread_create(&l->threads[l->thread_count], NULL, run, l))
    l->thread_count++;
  pthread_cond_broadcast(&l->changed);
  pthread_mutex_unlock(&l->lock);
}

/* An empty batch: a spare one, a new one, or one that this thread empties itself. */
static batch *empty_batch(loader *l, sb_error *error) {
  for (;;) {
    pthread_mutex_lock(&l->lock);
    batch *b = l->spare, *full = NULL;
    if (b) l->spare = b->next;
    bool may_grow = l->batches < 2 * (size_t)sb_cpu_cores() + 2;
    if (!b && !may_grow && !(full = take_full(l)) && l->busy) pthread_cond_wait(&l->changed, &l->lock);
    pthread_mutex_unlock(&l->lock);
    if (b) return b;
    if (full) work_off(l, full);
    if (!may_grow) continue;
    b = sb_alloc(1, sizeof *b, error);
    if (b) l->batches++;
    return b;
  }
}

/* ---- Reading */

/* All collections, before the faces: nothing else can be asked while these come. */
static sb_status read_kinds(loader *l, sb_error *error) {
  sb_statement s =
      sb_statement_new(l->reader, "SELECT id, dim, model, protection_version FROM collection ORDER BY id DESC", error);
  while (sb_statement_step(&s)) {
    const sb_store_protection *protection = NULL;
    kind *k = sb_alloc(1, sizeof *k, error);
    if (!k) {
      s.status = SB_NO_MEMORY;
      break;
    }
    *k = (kind){l->kinds, sb_statement_column_int(&s, 0), (size_t)sb_statement_column_int(&s, 1), NULL, {0}};
    l->kinds = k;
    k->model = sb_strdup(sb_statement_column_text(&s, 2), error);
    s.status = k->model ? sb_store_protection_get_version(l->store, k->collection, sb_statement_column_int(&s, 3),
                                                          &protection, error)
                        : SB_NO_MEMORY;
    if (s.status == SB_OK) memcpy(k->seed, protection->seed, sizeof k->seed);
  }
  return sb_statement_end(&s);
}

static sb_status find_kind(const loader *l, int64_t collection, const kind **out, sb_error *error) {
  const kind *k = l->kinds;
  while (k && k->collection != collection) k = k->next;
  *out = k;
  return k ? SB_OK : sb_fail(error, SB_STORE, "a face of the database is in no collection; restore a backup");
}

/* Columns: collection, face, person, template. */
static sb_status copy_row(loader *l, sb_statement *s, batch *b, sb_error *error) {
  sealed_row *row = &b->rows[b->count];
  sb_status status = find_kind(l, sb_statement_column_int(s, 0), &row->kind, error);
  if (status != SB_OK) return status;
  const uint8_t *sealed = sb_statement_column_blob(s, 3, &row->size);
  if (!sealed || row->size != sb_store_template_size(l->store, row->kind->dim))
    return sb_fail(error, SB_STORE, "a template of the database has the wrong length; restore a backup");
  if (l->store->driver->seals_templates && sb_keyring_sealed_number(sealed, row->size) > l->store->newest_key) {
    drain(l); /* nobody may look at the keys while they change */
    status = sb_store_keys_refresh(l->store, error);
    if (status != SB_OK) return status;
  }
  if (b->used + row->size > b->room) {
    void *bytes = b->bytes;
    size_t room = 2 * b->room + row->size;
    if (sb_grow(&bytes, room, 1, error) != SB_OK) return SB_NO_MEMORY;
    b->bytes = bytes;
    b->room = room;
  }
  row->face = sb_statement_column_int(s, 1);
  row->person = sb_statement_column_int(s, 2);
  row->at = b->used;
  memcpy(b->bytes + row->at, sealed, row->size);
  b->used += row->size;
  b->count++;
  return SB_OK;
}

static void read_rows(loader *l, sb_statement *s) {
  batch *b = NULL;
  sb_error error = {0};
  sb_status status = SB_OK;
  while (status == SB_OK && sb_statement_step(s)) {
    if (!b && !(b = empty_batch(l, &error))) status = SB_NO_MEMORY;
    if (status == SB_OK) status = copy_row(l, s, b, &error);
    if (status == SB_OK && b->count == BATCH_ROWS) {
      hand_over(l, b);
      b = NULL;
    }
    pthread_mutex_lock(&l->lock);
    bool failed = l->status != SB_OK;
    pthread_mutex_unlock(&l->lock);
    if (failed) break;
  }
  if (status != SB_OK) fail(l, status, &error);
  if (b) work_off(l, b); /* few rows need no thread */
  drain(l);
}

static void end(loader *l) {
  pthread_mutex_lock(&l->lock);
  l->ended = true;
  pthread_cond_broadcast(&l->changed);
  pthread_mutex_unlock(&l->lock);
  for (size_t i = 0; i < l->thread_count; i++) pthread_join(l->threads[i], NULL);
  while (l->spare) {
    batch *b = l->spare;
    l->spare = b->next;
    free(b->bytes);
    free(b);
  }
  while (l->kinds) {
    kind *k = l->kinds;
    l->kinds = k->next;
    sb_wipe(k->seed, sizeof k->seed);
    free(k->model);
    free(k);
  }
  pthread_cond_destroy(&l->changed);
  pthread_mutex_destroy(&l->lock);
}

sb_status sb_store_load_faces(sb_store *store, sb_store *reader, sb_store_change_visit visit, void *context,
                              sb_error *error) {
  loader l = {.store = store, .reader = reader, .visit = visit, .context = context};
  pthread_mutex_init(&l.lock, NULL);
  pthread_cond_init(&l.changed, NULL);
  sb_status status = read_kinds(&l, error);
  sb_statement s = sb_statement_new(reader, "SELECT collection, id, person, template FROM face", error);
  s.copy = true;
  if (status == SB_OK) read_rows(&l, &s);
  end(&l);
  sb_status read = sb_statement_end(&s);
  if (status == SB_OK) status = read;
  return status == SB_OK && l.status != SB_OK ? sb_fail(error, l.status, "%s", l.error.message) : status;
}
