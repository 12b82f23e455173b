/* Reading all faces at once, for a new index: a pipeline of one reading thread and several that open templates.
 *
 *   reader (caller's thread) -> full batches -> workers: open, visit -> spare batches -> reader
 *
 * The caller's thread reads rows in order and fills batches; worker threads open (unseal) the templates of a batch and
 * visit them. The caller opens batches too when it has nothing else to do, so a million templates keep every core busy.
 *
 * Invariants (under the loader's lock)
 *   1. A batch is the reader's, in `full`, a worker's, or in `spare`.
 *   2. The first failure is stored; after it, batches are passed on without being opened.
 *   3. The keyring changes only while no worker has a batch (`busy` is 0 and `full` is empty). */
#include "store/gallery/load_faces.h"

#include "store/sealing/keys.h"
#include "store/sealing/protection.h"
#include "store/sealing/sealed_columns.h"

#include <stdlib.h>
#include <string.h>

enum { BATCH_ROWS = 256, THREADS_MAX = 16 };

/* What the rows of one collection have in common. */
typedef struct collection_info {
  struct collection_info *next;
  int64_t id;
  size_t dim;
  char *model;
  uint8_t seed[SB_SEED_SIZE];
} collection_info;

typedef struct sealed_row {
  const collection_info *collection;
  int64_t face, person;
  int64_t density_people;
  size_t at, size, density_size; /* within the batch's bytes: the template, and then the density */
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
  collection_info *collections; /* the reader's */
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
  const sb_seal_context context = {"face", "template", row->face, row->collection->model};
  sb_status status =
      sb_store_template_open(l->store, &context, b->bytes + row->at, row->size, row->collection->dim, embedding, error);
  if (status != SB_OK) return status;
  const sb_density_face of = {row->collection->id, row->face};
  sb_store_change change = {.kind = SB_CHANGE_PUT,
                            .collection = row->collection->id,
                            .face = row->face,
                            .person = row->person,
                            .dim = row->collection->dim,
                            .embedding = embedding,
                            .seed = row->collection->seed};
  status = sb_density_open(l->store, &of, b->bytes + row->at + row->size, row->density_size, row->density_people,
                           &change.density, error);
  return status == SB_OK ? l->visit(l->context, &change, error) : status;
}

/* Opens and visits all rows of a batch, which then is spare. Without the lock. */
static void open_batch(loader *l, batch *b) {
  sb_error error = {0};
  size_t dim = 1;
  for (size_t i = 0; i < b->count; i++) dim = b->rows[i].collection->dim > dim ? b->rows[i].collection->dim : dim;
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

/* Takes a full batch; NULL: there is none. Under the lock. */
static batch *take_full(loader *l) {
  batch *b = l->full;
  if (b) l->full = b->next;
  return b;
}

static void *run_worker(void *context) {
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
    open_batch(l, b);
    pthread_mutex_lock(&l->lock);
    l->busy--;
    pthread_cond_broadcast(&l->changed);
  }
  pthread_mutex_unlock(&l->lock);
  return NULL;
}

/* Opens batches until all are done, including those of the workers. */
static void drain(loader *l) {
  pthread_mutex_lock(&l->lock);
  while (l->full || l->busy) {
    batch *b = take_full(l);
    if (!b) {
      pthread_cond_wait(&l->changed, &l->lock);
      continue;
    }
    pthread_mutex_unlock(&l->lock);
    open_batch(l, b);
    pthread_mutex_lock(&l->lock);
  }
  pthread_mutex_unlock(&l->lock);
}

/* Hands a batch to the workers, whose threads start with the first one. */
static void hand_over(loader *l, batch *b) {
  size_t wanted = (size_t)sb_cpu_cores() - 1;
  pthread_mutex_lock(&l->lock);
  b->next = l->full;
  l->full = b;
  while (l->thread_count < wanted && l->thread_count < THREADS_MAX &&
         !pthread_create(&l->threads[l->thread_count], NULL, run_worker, l))
    l->thread_count++;
  pthread_cond_broadcast(&l->changed);
  pthread_mutex_unlock(&l->lock);
}

/* An empty batch: a spare one, a new one, or one that this thread opens itself. */
static batch *empty_batch(loader *l, sb_error *error) {
  for (;;) {
    pthread_mutex_lock(&l->lock);
    batch *b = l->spare, *full = NULL;
    if (b) l->spare = b->next;
    bool may_grow = l->batches < 2 * (size_t)sb_cpu_cores() + 2;
    if (!b && !may_grow && !(full = take_full(l)) && l->busy) pthread_cond_wait(&l->changed, &l->lock);
    pthread_mutex_unlock(&l->lock);
    if (b) return b;
    if (full) open_batch(l, full);
    if (!may_grow) continue;
    b = sb_alloc(1, sizeof *b, error);
    if (b) l->batches++;
    return b;
  }
}

/* ---- Reading */

#define COLLECTION_COLUMNS "id, dim, model, protection_version"
enum { COLLECTION_ID, COLLECTION_DIM, COLLECTION_MODEL, COLLECTION_PROTECTION_VERSION };

static sb_status read_collection(loader *l, sb_statement *s) {
  const sb_store_protection *protection = NULL;
  collection_info *c = sb_alloc(1, sizeof *c, s->error);
  if (!c) return SB_NO_MEMORY;
  c->next = l->collections;
  l->collections = c;
  c->id = sb_statement_column_int(s, COLLECTION_ID);
  c->dim = (size_t)sb_statement_column_int(s, COLLECTION_DIM);
  c->model = sb_strdup(sb_statement_column_text(s, COLLECTION_MODEL), s->error);
  if (!c->model) return SB_NO_MEMORY;
  int64_t version = sb_statement_column_int(s, COLLECTION_PROTECTION_VERSION);
  sb_status status = sb_store_protection_get_version(l->store, c->id, version, &protection, s->error);
  if (status == SB_OK) memcpy(c->seed, protection->seed, sizeof c->seed);
  return status;
}

/* Before the faces: nothing else can be asked while these come (sb_statement.copy). */
static sb_status read_collections(loader *l, sb_error *error) {
  sb_statement s = sb_statement_new(l->reader, "SELECT " COLLECTION_COLUMNS " FROM collection ORDER BY id DESC", error);
  while (sb_statement_step(&s)) s.status = read_collection(l, &s);
  return sb_statement_end(&s);
}

static sb_status find_collection(const loader *l, int64_t id, const collection_info **out, sb_error *error) {
  const collection_info *c = l->collections;
  while (c && c->id != id) c = c->next;
  *out = c;
  return c ? SB_OK : sb_fail(error, SB_STORE, "a face of the database is in no collection; restore a backup");
}

#define FACE_COLUMNS "collection, id, person, template, density, density_people"
enum { FACE_COLLECTION, FACE_ID, FACE_PERSON, FACE_TEMPLATE, FACE_DENSITY, FACE_DENSITY_PEOPLE };

/* Room for `size` more bytes in the batch. */
static sb_status grow_batch(batch *b, size_t size, sb_error *error) {
  void *bytes = b->bytes;
  size_t room = 2 * b->room + size;
  if (b->used + size <= b->room) return SB_OK;
  if (sb_grow(&bytes, room, 1, error) != SB_OK) return SB_NO_MEMORY;
  b->bytes = bytes;
  b->room = room;
  return SB_OK;
}

static sb_status copy_row(loader *l, sb_statement *s, batch *b, sb_error *error) {
  sealed_row *row = &b->rows[b->count];
  sb_status status = find_collection(l, sb_statement_column_int(s, FACE_COLLECTION), &row->collection, error);
  if (status != SB_OK) return status;
  const uint8_t *sealed = sb_statement_column_blob(s, FACE_TEMPLATE, &row->size);
  if (!sealed || row->size != sb_store_template_size(l->store, row->collection->dim))
    return sb_fail(error, SB_STORE, "a template of the database has the wrong length; restore a backup");
  const uint8_t *density = sb_statement_column_blob(s, FACE_DENSITY, &row->density_size);
  if (!density) row->density_size = 0;
  if (sb_store_template_needs_keys(l->store, sealed, row->size) ||
      sb_density_needs_keys(l->store, density, row->density_size)) {
    drain(l); /* no worker may use the keyring while it changes */
    status = sb_store_keys_refresh(l->store, error);
    if (status != SB_OK) return status;
  }
  status = grow_batch(b, row->size + row->density_size, error);
  if (status != SB_OK) return status;
  row->face = sb_statement_column_int(s, FACE_ID);
  row->person = sb_statement_column_int(s, FACE_PERSON);
  row->at = b->used;
  row->density_people = sb_statement_column_int(s, FACE_DENSITY_PEOPLE);
  memcpy(b->bytes + row->at, sealed, row->size);
  if (density) memcpy(b->bytes + row->at + row->size, density, row->density_size);
  b->used += row->size + row->density_size;
  b->count++;
  return SB_OK;
}

static bool has_failed(loader *l) {
  pthread_mutex_lock(&l->lock);
  bool failed = l->status != SB_OK;
  pthread_mutex_unlock(&l->lock);
  return failed;
}

static void read_rows(loader *l, sb_statement *s) {
  batch *b = NULL;
  sb_error error = {0};
  sb_status status = SB_OK;
  while (status == SB_OK && !has_failed(l) && sb_statement_step(s)) {
    if (!b) b = empty_batch(l, &error);
    status = b ? copy_row(l, s, b, &error) : SB_NO_MEMORY;
    if (status == SB_OK && b->count == BATCH_ROWS) {
      hand_over(l, b);
      b = NULL;
    }
  }
  if (status != SB_OK) fail(l, status, &error);
  if (b) open_batch(l, b); /* few rows need no thread */
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
  while (l->collections) {
    collection_info *c = l->collections;
    l->collections = c->next;
    sb_wipe(c->seed, sizeof c->seed);
    free(c->model);
    free(c);
  }
  pthread_cond_destroy(&l->changed);
  pthread_mutex_destroy(&l->lock);
}

sb_status sb_store_load_faces(sb_store *store, sb_store *reader, sb_store_change_visit visit, void *context,
                              sb_error *error) {
  loader l = {.store = store, .reader = reader, .visit = visit, .context = context};
  pthread_mutex_init(&l.lock, NULL);
  pthread_cond_init(&l.changed, NULL);
  sb_status status = read_collections(&l, error);
  sb_statement s = sb_statement_new(reader, "SELECT " FACE_COLUMNS " FROM face", error);
  s.copy = true;
  if (status == SB_OK) read_rows(&l, &s);
  end(&l);
  sb_status read = sb_statement_end(&s);
  if (status == SB_OK) status = read;
  return status == SB_OK && l.status != SB_OK ? sb_fail(error, l.status, "%s", l.error.message) : status;
}
