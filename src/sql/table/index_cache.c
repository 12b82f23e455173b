/* How the index stays in step with the table.
 *
 * T_changes numbers the changes to vectors; the last row that a connection sees names its state. A reader compares
 * that state with the one of the index (compare_states):
 *   SAME, OLDER   the index can be used; for OLDER without the rows of the newer changes, which `recent` lists
 *   NEWER         the index applies the changes it lacks (follow). Inside a write transaction they may not be
 *                 committed: then their rows are read from the table instead.
 *   UNRELATED     the index is built from all vectors (build)
 *
 * Locks: `list_lock` guards the list of shared indexes and their counts. Each index has a read-write lock; searches
 * hold it for reading, follow and build for writing. list_lock is never held while an index's lock is taken. */
#include "sql/table/index_cache.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
  RECENT_MAX = 65536, /* changes remembered for connections that see an older state */
  TOUCHED_MAX = 1000, /* rows to read one by one beside the index; beyond it scanning the table is faster */
  BATCH = 1024,       /* rows added to a new index at a time */
  ATTEMPTS = 3,       /* to read a state while others write */
  EXACT_ROWS = 20000, /* up to here a search that is proven exact takes two milliseconds at most */
};

/* A row of T_changes. */
typedef struct change {
  int64_t sequence, tag, id;
} change;

struct sb_sql_index_cache {
  /* Guarded by list_lock. */
  sb_sql_index_cache *next;
  size_t users;
  /* Constant. */
  bool shared;                                      /* in the list */
  char *path, identity[SB_SQL_TABLE_IDENTITY_SIZE]; /* the table's */
  int number;                                       /* the column's */
  /* Guarded by `lock`: searches read, bringing the index up to date writes. */
  pthread_rwlock_t lock;
  sb_index *index;       /* NULL: not built */
  int64_t sequence, tag; /* the state that it holds */
  change *recent;        /* the changes after `base`, up to that state */
  size_t recent_count;
  change base;
  double shortest, longest; /* of all vectors that were ever added */
};

/* ---- Sharing between connections */

static pthread_mutex_t list_lock = PTHREAD_MUTEX_INITIALIZER;
static sb_sql_index_cache *list;

static void free_cache(sb_sql_index_cache *cache) {
  sb_index_free(cache->index);
  pthread_rwlock_destroy(&cache->lock);
  free(cache->recent);
  free(cache->path);
  free(cache);
}

static sb_sql_index_cache *new_cache(const char *path, bool shared, const sb_sql_vector_set *set, sb_error *error) {
  sb_sql_index_cache *cache = sb_alloc(1, sizeof *cache, error);
  if (!cache) return NULL;
  cache->path = sb_strdup(path, error);
  if (!cache->path) {
    free(cache);
    return NULL;
  }
  memcpy(cache->identity, set->table->identity, sizeof cache->identity);
  cache->number = set->number;
  pthread_rwlock_init(&cache->lock, NULL);
  cache->shared = shared;
  return cache;
}

static sb_sql_index_cache *find_shared(const char *path, const sb_sql_vector_set *set) {
  for (sb_sql_index_cache *cache = list; cache; cache = cache->next)
    if (cache->number == set->number && !strcmp(cache->path, path) && !strcmp(cache->identity, set->table->identity))
      return cache;
  return NULL;
}

sb_status sb_sql_index_cache_acquire(const sb_sql_vector_set *set, sb_sql_index_cache **out, sb_error *error) {
  const char *path = sqlite3_db_filename(set->table->db, set->table->schema);
  bool shared = path && *path; /* a database in memory belongs to its connection alone */
  pthread_mutex_lock(&list_lock);
  sb_sql_index_cache *cache = shared ? find_shared(path, set) : NULL;
  if (!cache) {
    cache = new_cache(shared ? path : "", shared, set, error);
    if (cache && shared) {
      cache->next = list;
      list = cache;
    }
  }
  if (cache) cache->users++;
  pthread_mutex_unlock(&list_lock);
  *out = cache;
  return cache ? SB_OK : SB_NO_MEMORY;
}

void sb_sql_index_cache_release(sb_sql_index_cache *cache) {
  if (!cache) return;
  pthread_mutex_lock(&list_lock);
  bool last = !--cache->users;
  if (last && cache->shared) {
    sb_sql_index_cache **at = &list;
    while (*at != cache) at = &(*at)->next;
    *at = cache->next;
  }
  pthread_mutex_unlock(&list_lock);
  if (last) free_cache(cache);
}

/* ---- Rows of the index
 *
 * The index knows inner product and cosine. Euclidean distance becomes an inner product by one more element (the
 * reverse of the reduction of Bachrach et al. 2014): of (a, -|a|^2/2) and (q, 1) it is (|q|^2 - |q - a|^2) / 2,
 * largest at the smallest distance. */

static size_t index_dim(const sb_sql_vector_set *set) {
  return set->column->dim + (set->column->metric == SB_SQL_METRIC_L2);
}

static void make_index_row(const sb_sql_vector_set *set, const uint8_t *floats, float *row) {
  size_t dim = set->column->dim;
  memcpy(row, floats, dim * sizeof *row);
  if (set->column->metric == SB_SQL_METRIC_L2) row[dim] = -sb_dot(row, row, dim) / 2;
}

static sb_status new_index(const sb_sql_vector_set *set, sb_index **out, sb_error *error) {
  bool cosine = set->column->metric == SB_SQL_METRIC_COSINE;
  sb_index_options options = {.struct_size = sizeof options,
                              .dim = index_dim(set),
                              .metric = cosine ? SB_METRIC_COSINE : SB_METRIC_INNER,
                              .precision = cosine ? SB_PRECISION_F16 : SB_PRECISION_F32};
  /* The added element would dominate the spectrum that a quantizer is trained on, so an L2 index trains none. */
  if (set->column->metric == SB_SQL_METRIC_L2) options.train_from = SIZE_MAX;
  return sb_index_new(&options, out, error);
}

static void note_length(sb_sql_index_cache *cache, const sb_sql_vector_set *set, const float *row) {
  double length = sqrt((double)sb_dot(row, row, set->column->dim));
  cache->shortest = fmin(cache->shortest, length);
  cache->longest = fmax(cache->longest, length);
}

/* ---- The state that a connection sees, compared with that of the index */

static sb_status last_change(sb_sql_vector_set *set, change *out, sb_error *error) {
  sqlite3_stmt *statement = NULL;
  int code = sb_sql_table_statement(set->table, SB_SQL_STATEMENT_LAST_CHANGE, &statement);
  *out = (change){0};
  if (code == SQLITE_OK && (code = sqlite3_step(statement)) == SQLITE_ROW)
    *out = (change){sqlite3_column_int64(statement, 0), sqlite3_column_int64(statement, 1), 0};
  sb_status status = sb_sql_table_status(set->table, code, error);
  if (statement) sqlite3_reset(statement);
  return status;
}

/* Whether the change (sequence, tag) is in the history that the connection sees. */
static sb_status has_change(sb_sql_vector_set *set, int64_t sequence, int64_t tag, bool *has, sb_error *error) {
  sqlite3_stmt *statement = NULL;
  if (!sequence) return *has = true, SB_OK; /* all histories begin alike */
  int code = sb_sql_table_statement(set->table, SB_SQL_STATEMENT_CHANGE_TAG, &statement);
  if (code == SQLITE_OK) {
    sqlite3_bind_int64(statement, 1, sequence);
    code = sqlite3_step(statement);
  }
  *has = code == SQLITE_ROW && sqlite3_column_int64(statement, 0) == tag;
  sb_status status = sb_sql_table_status(set->table, code, error);
  if (statement) sqlite3_reset(statement);
  return status;
}

typedef enum relation {
  SAME,
  NEWER,    /* the connection sees more changes than the index holds */
  OLDER,    /* the index holds more changes than the connection sees, and all of those are in `recent` */
  UNRELATED /* neither state is known to follow from the other */
} relation;

/* The first of the recent changes after `sequence`. */
static size_t recent_after(const sb_sql_index_cache *cache, int64_t sequence) {
  size_t low = 0, high = cache->recent_count;
  while (low < high) {
    size_t middle = (low + high) / 2;
    if (cache->recent[middle].sequence <= sequence)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

static bool same_change(const change *a, const change *b) {
  return a->sequence == b->sequence && a->tag == b->tag;
}

static sb_status compare_states(sb_sql_vector_set *set, const change *seen, relation *out, sb_error *error) {
  const sb_sql_index_cache *cache = set->cache;
  bool has = false;
  *out = UNRELATED;
  if (!cache->index) return SB_OK;
  if (seen->sequence == cache->sequence) return *out = seen->tag == cache->tag ? SAME : UNRELATED, SB_OK;
  if (seen->sequence > cache->sequence) {
    sb_status status = has_change(set, cache->sequence, cache->tag, &has, error);
    if (has) *out = NEWER;
    return status;
  }
  size_t after = recent_after(cache, seen->sequence);
  if (same_change(seen, &cache->base) || (after && same_change(seen, &cache->recent[after - 1]))) *out = OLDER;
  return SB_OK;
}

/* ---- Bringing the index up to date, under the lock for writing. The connection sees a committed state. */

static void start_history(sb_sql_index_cache *cache, const change *seen) {
  cache->sequence = seen->sequence;
  cache->tag = seen->tag;
  cache->base = *seen;
  cache->recent_count = 0;
}

static void drop_index(sb_sql_index_cache *cache) {
  sb_index_free(cache->index);
  cache->index = NULL;
}

/* Adds the rows (id, vector) of a statement but those with NULL; `rows` has room for BATCH of them. */
static sb_status add_rows(sb_sql_vector_set *set, sqlite3_stmt *statement, float *rows, sb_error *error) {
  uint64_t keys[BATCH];
  size_t dim = index_dim(set), count = 0;
  const uint8_t *floats = NULL;
  for (bool row = true; row;) {
    sb_status status = sb_sql_table_step(set->table, statement, &row, error);
    if (status == SB_OK && row) {
      keys[count] = (uint64_t)sqlite3_column_int64(statement, 0);
      status = sb_sql_vector_floats(set, statement, 1, &floats, error);
    }
    if (status != SB_OK) return status;
    if (row && floats) {
      make_index_row(set, floats, rows + count * dim);
      note_length(set->cache, set, rows + count * dim);
      count++;
    }
    if (count < BATCH && (row || !count)) continue;
    status = sb_index_put_many(set->cache->index, count, keys, keys, rows, NULL, error);
    if (status != SB_OK) return status;
    count = 0;
  }
  return SB_OK;
}

static sb_status build(sb_sql_vector_set *set, const change *seen, sb_error *error) {
  sb_sql_index_cache *cache = set->cache;
  sqlite3_stmt *statement = NULL;
  drop_index(cache);
  cache->shortest = INFINITY, cache->longest = 0;
  float *rows = sb_alloc(BATCH * index_dim(set), sizeof *rows, error);
  sb_status status = rows ? new_index(set, &cache->index, error) : SB_NO_MEMORY;
  if (status != SB_OK) goto done;
  int code = sb_sql_vector_prepare(set, &statement, "SELECT id, vector FROM \"%w\".\"%w_%s\"");
  status = sb_sql_table_status(set->table, code, error);
  if (status == SB_OK) status = add_rows(set, statement, rows, error);
done:
  sqlite3_finalize(statement);
  free(rows);
  if (status == SB_OK)
    start_history(cache, seen);
  else
    drop_index(cache);
  return status;
}

/* Adds an applied change to `recent`, whose room is always one less than a power of two. */
static sb_status remember(sb_sql_index_cache *cache, const change *applied, sb_error *error) {
  if (cache->recent_count == RECENT_MAX) { /* drop the older half */
    size_t half = RECENT_MAX / 2;
    cache->base = cache->recent[half - 1];
    memmove(cache->recent, cache->recent + half, (RECENT_MAX - half) * sizeof *cache->recent);
    cache->recent_count -= half;
  }
  void *recent = cache->recent;
  if (!(cache->recent_count & (cache->recent_count + 1)) || !recent) {
    sb_status status = sb_grow(&recent, (cache->recent_count + 1) * 2, sizeof *cache->recent, error);
    if (status != SB_OK) return status;
    cache->recent = recent;
  }
  cache->recent[cache->recent_count++] = *applied;
  cache->sequence = applied->sequence;
  cache->tag = applied->tag;
  return SB_OK;
}

/* Applies one change: the row (sequence, tag, id, vector) of the statement. The vector is NULL when the row is gone,
 * and empty where the row's vector is NULL. */
static sb_status apply(sb_sql_vector_set *set, sqlite3_stmt *statement, float *row, sb_error *error) {
  sb_sql_index_cache *cache = set->cache;
  change applied = {sqlite3_column_int64(statement, 0), sqlite3_column_int64(statement, 1),
                    sqlite3_column_int64(statement, 2)};
  const uint8_t *floats = NULL;
  sb_status status = SB_OK;
  if (sqlite3_column_type(statement, 3) != SQLITE_NULL)
    status = sb_sql_vector_floats(set, statement, 3, &floats, error);
  if (status != SB_OK) return status;
  if (!floats) {
    sb_index_remove(cache->index, (uint64_t)applied.id);
    return remember(cache, &applied, error);
  }
  make_index_row(set, floats, row);
  note_length(cache, set, row);
  status = sb_index_put(cache->index, (uint64_t)applied.id, (uint64_t)applied.id, row, error);
  return status == SB_OK ? remember(cache, &applied, error) : status;
}

static sb_status follow(sb_sql_vector_set *set, sb_error *error) {
  static const char changes[] = "SELECT c.sequence, c.tag, c.id, v.vector FROM \"%w\".\"%w_changes\" c"
                                " LEFT JOIN \"%w\".\"%w_%s\" v ON v.id = c.id"
                                " WHERE c.sequence > %lld ORDER BY c.sequence";
  sqlite3_stmt *statement = NULL;
  float *row = sb_alloc(index_dim(set), sizeof *row, error);
  if (!row) return drop_index(set->cache), SB_NO_MEMORY;
  const sb_sql_table *table = set->table;
  int code = sb_sql_table_prepare(set->table, &statement, changes, table->schema, table->name, table->schema,
                                  table->name, set->suffix, (long long)set->cache->sequence);
  sb_status status = sb_sql_table_status(set->table, code, error);
  for (bool more = true; status == SB_OK;) {
    status = sb_sql_table_step(set->table, statement, &more, error);
    if (status != SB_OK || !more) break;
    status = apply(set, statement, row, error);
  }
  sqlite3_finalize(statement);
  free(row);
  if (status != SB_OK) drop_index(set->cache); /* a part of the changes is in it */
  return status;
}

/* ---- Before a search: a usable state of the index, and the rows for which it must not be used */

/* The rows that the connection's changes after `sequence` touch. */
static sb_status touched_by_connection(sb_sql_vector_set *set, int64_t sequence, sb_sql_id_set *touched,
                                       sb_error *error) {
  sqlite3_stmt *statement = NULL;
  bool row = false;
  int code = sb_sql_table_prepare(set->table, &statement,
                                  "SELECT id FROM \"%w\".\"%w_changes\" WHERE sequence > %lld LIMIT %d",
                                  set->table->schema, set->table->name, (long long)sequence, TOUCHED_MAX + 1);
  sb_status status = sb_sql_table_status(set->table, code, error);
  while (status == SB_OK && (status = sb_sql_table_step(set->table, statement, &row, error)) == SB_OK && row)
    status = sb_sql_id_set_add(touched, sqlite3_column_int64(statement, 0), error);
  sqlite3_finalize(statement);
  return status;
}

/* The rows that the index's changes after `sequence` touch. */
static sb_status touched_by_index(const sb_sql_index_cache *cache, int64_t sequence, sb_sql_id_set *touched,
                                  sb_error *error) {
  for (size_t i = recent_after(cache, sequence); i < cache->recent_count && touched->count <= TOUCHED_MAX; i++) {
    sb_status status = sb_sql_id_set_add(touched, cache->recent[i].id, error);
    if (status != SB_OK) return status;
  }
  return SB_OK;
}

/* Tries to read the index as it is, under the lock for reading. *usable: the lock is still held. *stale: bringing
 * the index up to date would help. `writing`: the connection may see changes that are not committed. */
static sb_status try_read(sb_sql_vector_set *set, const change *seen, bool writing, sb_sql_id_set *touched,
                          bool *usable, bool *stale, sb_error *error) {
  sb_sql_index_cache *cache = set->cache;
  relation how = UNRELATED;
  pthread_rwlock_rdlock(&cache->lock);
  sb_status status = compare_states(set, seen, &how, error);
  if (status == SB_OK && how == OLDER) status = touched_by_index(cache, seen->sequence, touched, error);
  if (status == SB_OK && how == NEWER && writing) status = touched_by_connection(set, cache->sequence, touched, error);
  *usable = status == SB_OK && (how == SAME || how == OLDER || (how == NEWER && writing));
  if (*usable) return SB_OK;
  /* Uncommitted changes must not get into the index; nor must an old state to which a read transaction holds on. */
  bool old_snapshot =
      how == UNRELATED && cache->index && seen->sequence < cache->sequence && !sqlite3_get_autocommit(set->table->db);
  *stale = status == SB_OK && !writing && !old_snapshot;
  pthread_rwlock_unlock(&cache->lock);
  return status;
}

static sb_status bring_up_to_date(sb_sql_vector_set *set, const change *seen, sb_error *error) {
  relation how = UNRELATED;
  pthread_rwlock_wrlock(&set->cache->lock);
  sb_status status = compare_states(set, seen, &how, error); /* another thread may have been faster */
  if (status == SB_OK && how == NEWER) status = follow(set, error);
  if (status == SB_OK && how == UNRELATED) status = build(set, seen, error);
  pthread_rwlock_unlock(&set->cache->lock);
  return status;
}

sb_status sb_sql_index_cache_begin_read(sb_sql_vector_set *set, sb_sql_id_set *touched, bool *usable, sb_error *error) {
  bool writing = sqlite3_txn_state(set->table->db, set->table->schema) == SQLITE_TXN_WRITE, stale = true;
  change seen;
  *usable = false;
  sb_status status = last_change(set, &seen, error);
  for (int attempt = 0; status == SB_OK && stale && attempt < ATTEMPTS; attempt++) {
    status = try_read(set, &seen, writing, touched, usable, &stale, error);
    if (*usable) break;
    if (status == SB_OK && stale) status = bring_up_to_date(set, &seen, error);
  }
  sb_sql_id_set_sort(touched);
  if (*usable && touched->count > TOUCHED_MAX) {
    sb_sql_index_cache_end_read(set->cache);
    *usable = false;
  }
  return status;
}

void sb_sql_index_cache_end_read(sb_sql_index_cache *cache) {
  pthread_rwlock_unlock(&cache->lock);
}

/* ---- Using the index */

bool sb_sql_index_cache_serves(const sb_sql_vector_set *set, sb_sql_metric metric) {
  const double off = 1e-4;
  sb_sql_metric own = set->column->metric;
  if (metric == own) return true;
  if (!sb_sql_metric_has_index(own) || sb_sql_metric_is_distance(metric) || sb_sql_metric_is_distance(own))
    return false;
  return set->cache->shortest > 1 - off && set->cache->longest < 1 + off;
}

/* The ids as the index's keys, ascending as unsigned numbers: negative ids come last. NULL: out of memory. */
static uint64_t *make_keys(const sb_sql_id_set *ids, sb_error *error) {
  uint64_t *keys = sb_alloc(ids->count, sizeof *keys, error);
  size_t negative = 0;
  if (!keys) return NULL;
  while (negative < ids->count && ids->items[negative] < 0) negative++;
  for (size_t i = 0; i < ids->count; i++) keys[i] = (uint64_t)ids->items[(i + negative) % ids->count];
  return keys;
}

sb_status sb_sql_index_cache_find(const sb_sql_vector_set *set, const float *query, size_t k,
                                  const sb_sql_id_set *allowed, sb_hit *hits, size_t *found, sb_error *error) {
  const sb_sql_index_cache *cache = set->cache;
  size_t dim = set->column->dim;
  float *vector = sb_alloc(index_dim(set), sizeof *vector, error);
  uint64_t *keys = allowed ? make_keys(allowed, error) : NULL;
  sb_status status = SB_NO_MEMORY;
  if (!vector || (allowed && !keys)) goto done;
  memcpy(vector, query, dim * sizeof *vector);
  if (set->column->metric == SB_SQL_METRIC_L2) vector[dim] = 1;
  sb_filter filter = {.kind = SB_FILTER_KEYS, .keys = keys, .count = allowed ? allowed->count : 0};
  bool exact = sb_index_count(cache->index) <= EXACT_ROWS;
  sb_index_query search = {.struct_size = sizeof search,
                           .vectors = vector,
                           .count = 1,
                           .k = k,
                           .mode = exact ? SB_SEARCH_EXACT : SB_SEARCH_FAST,
                           .filter = keys ? &filter : NULL};
  status = sb_index_search(cache->index, &search, hits, found, error);
done:
  free(vector);
  free(keys);
  return status;
}

bool sb_sql_index_cache_contains(const sb_sql_index_cache *cache, int64_t id) {
  return sb_index_contains(cache->index, (uint64_t)id);
}

size_t sb_sql_index_cache_count(const sb_sql_index_cache *cache) {
  return sb_index_count(cache->index);
}
