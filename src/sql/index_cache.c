#include "sql/index_cache.h"

#include "vector/vector.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
  RECENT_MAX = 65536, /* changes remembered for connections that see an older state */
  SLACK = 16, /* rows beyond k that the index is asked for: it keeps float16 and the order of close rows may differ */
  TOUCHED_MAX = 1000, /* rows looked at one by one beside the index; beyond, the whole table is */
  BATCH = 1024,
  ATTEMPTS = 3,
  EXACT_ROWS = 20000, /* up to here a search that is proven exact takes two milliseconds at most */
};

typedef struct change {
  int64_t sequence, tag, id;
} change;

struct sb_index_cache {
  sb_index_cache *next; /* in the list of those that are shared; guarded by its lock, as `users` is */
  size_t users;
  bool shared;
  char *path, identity[SB_IDENTITY_SIZE];
  pthread_rwlock_t lock; /* guards what follows: searches read, following writes */
  sb_index *index;       /* NULL: not made */
  int64_t sequence, tag; /* the state that it holds */
  change *recent;        /* the changes from `base` to that state */
  size_t recent_count;
  change base;
  double shortest, longest; /* of all vectors ever put */
};

/* ---- Sharing */

static pthread_mutex_t list_lock = PTHREAD_MUTEX_INITIALIZER;
static sb_index_cache *list;

static void mirror_free(sb_index_cache *mirror) {
  sb_index_free(mirror->index);
  pthread_rwlock_destroy(&mirror->lock);
  free(mirror->recent);
  free(mirror->path);
  free(mirror);
}

sb_status sb_index_cache_take(sb_table *table, sb_index_cache **out, sb_error *error) {
  const char *path = sqlite3_db_filename(table->db, table->schema);
  bool shared = path && *path; /* a database in memory is its connection's alone */
  pthread_mutex_lock(&list_lock);
  sb_index_cache *mirror = shared ? list : NULL;
  while (mirror && (strcmp(mirror->path, path) || strcmp(mirror->identity, table->identity))) mirror = mirror->next;
  if (!mirror) {
    mirror = sb_alloc(1, sizeof *mirror, error);
    if (mirror && !(mirror->path = sb_strdup(shared ? path : "", error))) {
      free(mirror);
      mirror = NULL;
    }
    if (mirror) {
      memcpy(mirror->identity, table->identity, sizeof mirror->identity);
      pthread_rwlock_init(&mirror->lock, NULL);
      mirror->shared = shared;
      mirror->next = list;
      if (shared) list = mirror;
    }
  }
  if (mirror) mirror->users++;
  pthread_mutex_unlock(&list_lock);
  if (!mirror) return SB_NO_MEMORY;
  *out = mirror;
  return SB_OK;
}

void sb_index_cache_release(sb_index_cache *mirror) {
  if (!mirror) return;
  pthread_mutex_lock(&list_lock);
  bool last = !--mirror->users;
  if (last && mirror->shared) {
    sb_index_cache **at = &list;
    while (*at != mirror) at = &(*at)->next;
    *at = mirror->next;
  }
  pthread_mutex_unlock(&list_lock);
  if (last) mirror_free(mirror);
}

/* ---- Rows as the index keeps them. Euclidean distance becomes an inner product by one element more: with (a, -|a|^2/2) and
 * (q, 1) the product is (|q|^2 - |q - a|^2) / 2, largest where the distance is least. */

static size_t kept_dim(const sb_table *table) {
  return table->declaration.dim + (table->declaration.metric == SB_MEASURE_L2);
}

static void keep(const sb_table *table, const uint8_t *floats, float *row) {
  size_t dim = table->declaration.dim;
  memcpy(row, floats, dim * sizeof *row);
  if (table->declaration.metric == SB_MEASURE_L2) row[dim] = -sb_dot(row, row, dim) / 2;
}

static sb_status new_index(const sb_table *table, sb_index **out, sb_error *error) {
  sb_measure metric = table->declaration.metric;
  sb_index_options options = {.struct_size = sizeof options,
                              .dim = kept_dim(table),
                              .metric = metric == SB_MEASURE_COSINE ? SB_METRIC_COSINE : SB_METRIC_INNER,
                              .keep = metric == SB_MEASURE_COSINE ? SB_KEEP_F16 : SB_KEEP_F32,
                              /* the added element spoils what is learnt of the others' spectrum */
                              .learn_from = metric == SB_MEASURE_L2 ? SIZE_MAX : 0};
  return sb_index_new(&options, out, error);
}

static void note_length(sb_index_cache *mirror, const sb_table *table, const float *row) {
  double length = sqrt((double)sb_dot(row, row, table->declaration.dim));
  mirror->shortest = fmin(mirror->shortest, length);
  mirror->longest = fmax(mirror->longest, length);
}

/* ---- Which state the connection sees */

static sb_status last_change(sb_table *table, change *out, sb_error *error) {
  sqlite3_stmt *statement = NULL;
  int code = sb_table_kept(table, SB_KEPT_LAST, &statement);
  *out = (change){0};
  if (code == SQLITE_OK && (code = sqlite3_step(statement)) == SQLITE_ROW)
    *out = (change){sqlite3_column_int64(statement, 0), sqlite3_column_int64(statement, 1), 0};
  if (statement) sqlite3_reset(statement);
  return sb_table_status(table, code, error);
}

/* Is the change (sequence, tag) part of the history that the connection sees? */
static sb_status has_change(sb_table *table, int64_t sequence, int64_t tag, bool *has, sb_error *error) {
  sqlite3_stmt *statement = NULL;
  if (!sequence) return *has = true, SB_OK; /* before the first change every history is the same */
  int code = sb_table_kept(table, SB_KEPT_TAG, &statement);
  if (code == SQLITE_OK) {
    sqlite3_bind_int64(statement, 1, sequence);
    code = sqlite3_step(statement);
  }
  *has = code == SQLITE_ROW && sqlite3_column_int64(statement, 0) == tag;
  if (statement) sqlite3_reset(statement);
  return sb_table_status(table, code, error);
}

typedef enum relation {
  SAME,
  NEWER,  /* the connection sees more than the index holds */
  OLDER,  /* the index holds more than the connection sees, and what that is, is remembered */
  FOREIGN /* neither is known to follow from the other */
} relation;

static size_t recent_after(const sb_index_cache *mirror, int64_t sequence) {
  size_t low = 0, high = mirror->recent_count;
  while (low < high) {
    size_t middle = (low + high) / 2;
    if (mirror->recent[middle].sequence <= sequence)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

static sb_status relate(sb_table *table, const sb_index_cache *mirror, const change *seen, relation *out,
                        sb_error *error) {
  bool has = false;
  *out = FOREIGN;
  if (!mirror->index) return SB_OK;
  if (seen->sequence == mirror->sequence) return *out = seen->tag == mirror->tag ? SAME : FOREIGN, SB_OK;
  if (seen->sequence > mirror->sequence) {
    sb_status status = has_change(table, mirror->sequence, mirror->tag, &has, error);
    if (has) *out = NEWER;
    return status;
  }
  if (seen->sequence == mirror->base.sequence) has = seen->tag == mirror->base.tag;
  size_t after = recent_after(mirror, seen->sequence);
  if (after) has |= mirror->recent[after - 1].sequence == seen->sequence && mirror->recent[after - 1].tag == seen->tag;
  if (has) *out = OLDER;
  return SB_OK;
}

/* ---- Following. Under the lock for writing; the connection sees a committed state. */

static void start_history(sb_index_cache *mirror, const change *seen) {
  mirror->sequence = seen->sequence;
  mirror->tag = seen->tag;
  mirror->base = *seen;
  mirror->recent_count = 0;
}

static void drop_index(sb_index_cache *mirror) {
  sb_index_free(mirror->index);
  mirror->index = NULL;
}

static sb_status read_rows(sb_table *table, sb_index_cache *mirror, sqlite3_stmt *statement, float *rows,
                           sb_error *error) {
  uint64_t keys[BATCH];
  size_t dim = kept_dim(table), count = 0;
  const uint8_t *floats;
  int code = SQLITE_ROW;
  sb_status status = SB_OK;
  while (status == SB_OK && code == SQLITE_ROW) {
    code = sqlite3_step(statement);
    if (code == SQLITE_ROW) {
      keys[count] = (uint64_t)sqlite3_column_int64(statement, 0);
      status = sb_table_vector(table, statement, 1, &floats, error);
      if (status != SB_OK) break;
      keep(table, floats, rows + count * dim);
      note_length(mirror, table, rows + count * dim);
      count++;
    }
    if (count == BATCH || (code != SQLITE_ROW && count)) {
      status = sb_index_put_many(mirror->index, count, keys, keys, rows, NULL, error);
      count = 0;
    }
  }
  return status == SB_OK ? sb_table_status(table, code, error) : status;
}

static sb_status make(sb_table *table, sb_index_cache *mirror, const change *seen, sb_error *error) {
  sqlite3_stmt *statement = NULL;
  drop_index(mirror);
  mirror->shortest = INFINITY, mirror->longest = 0;
  float *rows = sb_alloc(BATCH * kept_dim(table), sizeof *rows, error);
  sb_status status = rows ? new_index(table, &mirror->index, error) : SB_NO_MEMORY;
  if (status == SB_OK)
    status = sb_table_status(
        table,
        sb_table_prepare(table, &statement, "SELECT id, vector FROM \"%w\".\"%w_vectors\"", table->schema, table->name),
        error);
  if (status == SB_OK) status = read_rows(table, mirror, statement, rows, error);
  sqlite3_finalize(statement);
  free(rows);
  if (status == SB_OK)
    start_history(mirror, seen);
  else
    drop_index(mirror);
  return status;
}

static sb_status remember(sb_index_cache *mirror, const change *applied, sb_error *error) {
  if (mirror->recent_count == RECENT_MAX) { /* the older half goes */
    size_t half = RECENT_MAX / 2;
    mirror->base = mirror->recent[half - 1];
    memmove(mirror->recent, mirror->recent + half, (RECENT_MAX - half) * sizeof *mirror->recent);
    mirror->recent_count -= half;
  }
  void *recent = mirror->recent;
  if (!(mirror->recent_count & (mirror->recent_count + 1)) || !recent) { /* room is one less than a power of two */
    sb_status status = sb_grow(&recent, (mirror->recent_count + 1) * 2, sizeof *mirror->recent, error);
    if (status != SB_OK) return status;
    mirror->recent = recent;
  }
  mirror->recent[mirror->recent_count++] = *applied;
  mirror->sequence = applied->sequence;
  mirror->tag = applied->tag;
  return SB_OK;
}

static sb_status apply(sb_table *table, sb_index_cache *mirror, sqlite3_stmt *statement, float *row, sb_error *error) {
  change applied = {sqlite3_column_int64(statement, 0), sqlite3_column_int64(statement, 1),
                    sqlite3_column_int64(statement, 2)};
  const uint8_t *floats;
  sb_status status = SB_OK;
  if (sqlite3_column_type(statement, 3) == SQLITE_NULL) {
    sb_index_remove(mirror->index, (uint64_t)applied.id);
  } else {
    status = sb_table_vector(table, statement, 3, &floats, error);
    if (status != SB_OK) return status;
    keep(table, floats, row);
    note_length(mirror, table, row);
    status = sb_index_put(mirror->index, (uint64_t)applied.id, (uint64_t)applied.id, row, error);
  }
  return status == SB_OK ? remember(mirror, &applied, error) : status;
}

static sb_status follow(sb_table *table, sb_index_cache *mirror, sb_error *error) {
  sqlite3_stmt *statement = NULL;
  int code = SQLITE_OK;
  float *row = sb_alloc(kept_dim(table), sizeof *row, error);
  sb_status status = row ? SB_OK : SB_NO_MEMORY;
  if (status == SB_OK)
    status = sb_table_status(
        table,
        sb_table_prepare(
            table, &statement,
            "SELECT c.sequence, c.tag, c.id, v.vector FROM \"%w\".\"%w_changes\" c LEFT JOIN \"%w\".\"%w_vectors\" v"
            " ON v.id = c.id WHERE c.sequence > %lld ORDER BY c.sequence",
            table->schema, table->name, table->schema, table->name, (long long)mirror->sequence),
        error);
  while (status == SB_OK && (code = sqlite3_step(statement)) == SQLITE_ROW)
    status = apply(table, mirror, statement, row, error);
  if (status == SB_OK) status = sb_table_status(table, code, error);
  sqlite3_finalize(statement);
  free(row);
  if (status != SB_OK) drop_index(mirror);
  return status;
}

/* ---- Before a search: a state of the index that can be used, and the rows that it may not be asked for. */

static sb_status touched_by_view(sb_table *table, int64_t sequence, sb_ids *touched, sb_error *error) {
  sqlite3_stmt *statement = NULL;
  int code = sb_table_prepare(table, &statement, "SELECT id FROM \"%w\".\"%w_changes\" WHERE sequence > %lld LIMIT %d",
                              table->schema, table->name, (long long)sequence, TOUCHED_MAX + 1);
  sb_status status = sb_table_status(table, code, error);
  while (status == SB_OK && (code = sqlite3_step(statement)) == SQLITE_ROW)
    status = sb_ids_add(touched, sqlite3_column_int64(statement, 0), error);
  if (status == SB_OK) status = sb_table_status(table, code, error);
  sqlite3_finalize(statement);
  return status;
}

static sb_status touched_by_index(const sb_index_cache *mirror, int64_t sequence, sb_ids *touched, sb_error *error) {
  sb_status status = SB_OK;
  for (size_t i = recent_after(mirror, sequence);
       status == SB_OK && i < mirror->recent_count && touched->count <= TOUCHED_MAX; i++)
    status = sb_ids_add(touched, mirror->recent[i].id, error);
  return status;
}

/* With *usable the lock is held for reading. Without, the index cannot serve this view. */
static sb_status get_in_step(sb_table *table, sb_ids *touched, bool *usable, sb_error *error) {
  sb_index_cache *mirror = table->mirror;
  bool open =
      sqlite3_txn_state(table->db, table->schema) == SQLITE_TXN_WRITE; /* the view may hold what is not committed */
  change seen;
  relation how = FOREIGN;
  *usable = false;
  sb_status status = last_change(table, &seen, error);
  for (int attempt = 0; status == SB_OK && attempt < ATTEMPTS; attempt++) {
    pthread_rwlock_rdlock(&mirror->lock);
    status = relate(table, mirror, &seen, &how, error);
    if (status == SB_OK && how == OLDER) status = touched_by_index(mirror, seen.sequence, touched, error);
    if (status == SB_OK && how == NEWER && open) status = touched_by_view(table, mirror->sequence, touched, error);
    *usable = status == SB_OK && (how == SAME || how == OLDER || (how == NEWER && open));
    if (*usable) break;
    bool older = seen.sequence < mirror->sequence && !sqlite3_get_autocommit(table->db);
    pthread_rwlock_unlock(&mirror->lock);
    /* What is not committed must not get into the index; nor an old state that a transaction holds on to. */
    if (status != SB_OK || open || (how == FOREIGN && mirror->index && older)) break;
    pthread_rwlock_wrlock(&mirror->lock);
    status = relate(table, mirror, &seen, &how, error);
    if (status == SB_OK && how == NEWER) status = follow(table, mirror, error);
    if (status == SB_OK && how == FOREIGN) status = make(table, mirror, &seen, error);
    pthread_rwlock_unlock(&mirror->lock);
  }
  sb_ids_sort(touched);
  if (*usable && touched->count > TOUCHED_MAX) {
    pthread_rwlock_unlock(&mirror->lock);
    *usable = false;
  }
  return status;
}

/* ---- The search */

typedef struct collector {
  sb_near *items;
  size_t count, room, k;
  bool least; /* the smallest value is the nearest */
} collector;

static int by_rising(const void *a, const void *b) {
  const sb_near *x = a, *y = b;
  if (x->value != y->value) return x->value < y->value ? -1 : 1;
  return (x->id > y->id) - (x->id < y->id);
}

static int by_falling(const void *a, const void *b) {
  const sb_near *x = a, *y = b;
  if (x->value != y->value) return x->value > y->value ? -1 : 1;
  return (x->id > y->id) - (x->id < y->id);
}

static void keep_best(collector *c) {
  if (c->count) qsort(c->items, c->count, sizeof *c->items, c->least ? by_rising : by_falling);
  if (c->count > c->k) c->count = c->k;
}

static sb_status collect(collector *c, int64_t id, double value, sb_error *error) {
  if (c->count == c->room) {
    keep_best(c); /* makes room, if more than k are there */
    if (c->count * 2 > c->room || !c->room) {
      size_t room = c->room ? c->room * 2 : 64;
      void *items = c->items;
      sb_status status = sb_grow(&items, room, sizeof *c->items, error);
      if (status != SB_OK) return status;
      c->items = items;
      c->room = room;
    }
  }
  if (isnan(value)) value = c->least ? INFINITY : -INFINITY; /* no direction: last */
  c->items[c->count++] = (sb_near){id, value};
  return SB_OK;
}

/* Looks at one row; one that the connection does not see is passed over. */
static sb_status collect_row(sb_table *table, const sb_near_query *query, int64_t id, collector *c, sb_error *error) {
  sqlite3_stmt *statement = NULL;
  const uint8_t *floats;
  int code = sb_table_kept(table, SB_KEPT_VECTOR, &statement);
  if (code == SQLITE_OK) {
    sqlite3_bind_int64(statement, 1, id);
    code = sqlite3_step(statement);
  }
  sb_status status = sb_table_status(table, code, error);
  if (status == SB_OK && code == SQLITE_ROW) {
    status = sb_table_vector(table, statement, 0, &floats, error);
    if (status == SB_OK)
      status = collect(c, id, sb_measure_floats(query->measure, floats, query->probe, table->declaration.dim), error);
  }
  if (statement) sqlite3_reset(statement);
  return status;
}

static sb_status scan(sb_table *table, const sb_near_query *query, collector *c, sb_error *error) {
  sqlite3_stmt *statement = NULL;
  const uint8_t *floats;
  int code =
      sb_table_prepare(table, &statement, "SELECT id, vector FROM \"%w\".\"%w_vectors\"", table->schema, table->name);
  sb_status status = sb_table_status(table, code, error);
  while (status == SB_OK && (code = sqlite3_step(statement)) == SQLITE_ROW) {
    int64_t id = sqlite3_column_int64(statement, 0);
    if (query->allowed && !sb_ids_hold(query->allowed, id)) continue;
    status = sb_table_vector(table, statement, 1, &floats, error);
    if (status == SB_OK)
      status = collect(c, id, sb_measure_floats(query->measure, floats, query->probe, table->declaration.dim), error);
  }
  if (status == SB_OK) status = sb_table_status(table, code, error);
  sqlite3_finalize(statement);
  return status;
}

/* The lock is held. Every hit is looked at in the tables again, which gives its exact value and its right place. */
static sb_status ask_index(sb_table *table, const sb_near_query *query, size_t k, const sb_ids *touched, collector *c,
                           sb_error *error) {
  sb_status status = SB_NO_MEMORY;
  size_t found = 0;
  sb_filter filter = {.kind = SB_FILTER_KEYS};
  sb_hit *hits = sb_alloc(k, sizeof *hits, error);
  float *probe = sb_alloc(kept_dim(table), sizeof *probe, error);
  uint64_t *keys = query->allowed ? sb_alloc(query->allowed->count, sizeof *keys, error) : NULL;
  if (hits && probe && (keys || !query->allowed)) {
    memcpy(probe, query->probe, table->declaration.dim * sizeof *probe);
    if (table->declaration.metric == SB_MEASURE_L2) probe[table->declaration.dim] = 1;
    if (keys) { /* negative ids come last when they are taken for unsigned ones */
      size_t count = query->allowed->count, negative = 0;
      while (negative < count && query->allowed->items[negative] < 0) negative++;
      for (size_t i = 0; i < count; i++) keys[i] = (uint64_t)query->allowed->items[(i + negative) % count];
      filter.keys = keys;
      filter.count = count;
    }
    sb_index *index = table->mirror->index;
    sb_index_query ask = {.struct_size = sizeof ask,
                          .vectors = probe,
                          .count = 1,
                          .k = k,
                          .mode = sb_index_count(index) <= EXACT_ROWS ? SB_SEARCH_EXACT : SB_SEARCH_FAST,
                          .filter = keys ? &filter : NULL};
    status = sb_index_search(index, &ask, hits, &found, error);
  }
  for (size_t i = 0; status == SB_OK && i < found; i++)
    if (!sb_ids_hold(touched, (int64_t)hits[i].key)) status = collect_row(table, query, (int64_t)hits[i].key, c, error);
  free(hits);
  free(probe);
  free(keys);
  return status;
}

/* Where all vectors are of unit length, inner product and cosine give one order. */
static bool same_order(const sb_table *table, sb_measure measure) {
  const double off = 1e-4;
  sb_measure metric = table->declaration.metric;
  if (measure == metric) return true;
  if (measure == SB_MEASURE_L2 || metric == SB_MEASURE_L2) return false;
  return table->mirror->shortest > 1 - off && table->mirror->longest < 1 + off;
}

static sb_status search_index(sb_table *table, const sb_near_query *query, collector *c, bool *done, sb_error *error) {
  sb_ids touched = {0};
  sb_status status = get_in_step(table, &touched, done, error);
  size_t k = query->k + SLACK + touched.count;
  if (*done) {
    *done = status == SB_OK && k <= SB_INDEX_K_MAX && same_order(table, query->measure);
    if (*done) {
      status = ask_index(table, query, k, &touched, c, error);
      for (size_t i = 0; status == SB_OK && i < touched.count; i++)
        if (!query->allowed || sb_ids_hold(query->allowed, touched.items[i]))
          status = collect_row(table, query, touched.items[i], c, error);
    }
    pthread_rwlock_unlock(&table->mirror->lock);
  }
  sb_ids_free(&touched);
  return status;
}

sb_status sb_index_cache_search(sb_table *table, const sb_near_query *query, sb_near **out, size_t *count,
                                sb_error *error) {
  collector c = {.k = query->k, .least = query->measure == SB_MEASURE_L2};
  sb_status status = SB_OK;
  bool done = false;
  if (query->allowed && query->allowed->count <= SB_NEAR_FEW) {
    for (size_t i = 0; status == SB_OK && i < query->allowed->count; i++)
      status = collect_row(table, query, query->allowed->items[i], &c, error);
    done = true;
  } else if (query->k <= SB_INDEX_K_MAX) {
    status = search_index(table, query, &c, &done, error);
  }
  if (status == SB_OK && !done) status = scan(table, query, &c, error);
  if (status != SB_OK) {
    free(c.items);
    return status;
  }
  keep_best(&c);
  *out = c.items;
  *count = c.count;
  return SB_OK;
}

sb_status sb_index_cache_check(sb_table *table, sb_error *error) {
  sb_ids touched = {0};
  bool usable = false;
  sqlite3_stmt *statement = NULL;
  int code = SQLITE_OK;
  size_t rows = 0;
  sb_status status = get_in_step(table, &touched, &usable, error);
  bool whole = usable && !touched.count;
  if (status == SB_OK && whole)
    status = sb_table_status(
        table, sb_table_prepare(table, &statement, "SELECT id FROM \"%w\".\"%w_vectors\"", table->schema, table->name),
        error);
  while (status == SB_OK && whole && (code = sqlite3_step(statement)) == SQLITE_ROW) {
    rows++;
    if (!sb_index_contains(table->mirror->index, (uint64_t)sqlite3_column_int64(statement, 0)))
      status =
          sb_fail(error, SB_STORE, "%s: row %lld is not in the index", table->name, sqlite3_column_int64(statement, 0));
  }
  if (status == SB_OK && whole && sb_index_count(table->mirror->index) != rows)
    status = sb_fail(error, SB_STORE, "%s: the index holds rows that the table does not", table->name);
  sqlite3_finalize(statement);
  if (usable) pthread_rwlock_unlock(&table->mirror->lock);
  sb_ids_free(&touched);
  return status;
}
