/* The vector index used by several threads. Also built with the thread sanitizer (index_races), which reports races
 * that do no harm today, too.
 *
 * Each key is changed by one thread, which numbers its operations: it sets `begun` before a call and `done` after it. A
 * reader notes `done`, searches, and notes `begun`. Its result must fit an order in which each call took effect at one
 * moment between its start and its end (linearizability). */
#include "vectors.h"

#include <pthread.h>
#include <stdatomic.h>

enum { DIM = 64, KEYS = 48, WRITERS = 2, READERS = 3, BACKGROUND = 1500 };
#if defined(__SANITIZE_THREAD__)
enum { FILLERS = 3000, OPERATIONS = 100 }; /* the sanitizer makes everything ten times as slow */
#else
enum { FILLERS = 6000, OPERATIONS = 400 };
#endif

typedef struct watched {
  _Alignas(64) atomic_uint begun, done;
  float vector[DIM];
} watched;

typedef struct stage {
  sb_index *index;
  watched keys[KEYS];
  atomic_bool stop;
  atomic_size_t searches, wrong;
  unsigned operations;
  bool filler; /* another thread adds rows, so that the index is retrained meanwhile */
} stage;

/* Operation n of a key: a put with label n, or every third time a removal. */
static bool is_put(unsigned n) {
  return n % 3 != 0;
}

static uint64_t key_of(size_t watched_key) {
  return 1000000 + watched_key;
}

typedef struct worker {
  stage *s;
  size_t number;
  pthread_t thread;
} worker;

static void *write_keys(void *context) {
  worker *w = context;
  stage *s = w->s;
  for (unsigned n = 1; n <= s->operations; n++) {
    for (size_t k = w->number; k < KEYS; k += WRITERS) {
      watched *key = &s->keys[k];
      atomic_store(&key->begun, n);
      bool right = is_put(n) ? sb_index_put(s->index, key_of(k), n, key->vector, NULL) == SB_OK
                             : sb_index_remove(s->index, key_of(k));
      if (!right) atomic_fetch_add(&s->wrong, 1);
      atomic_store(&key->done, n);
    }
  }
  return NULL;
}

static void *fill(void *context) {
  worker *w = context;
  uint64_t seed = 99;
  float vector[DIM];
  for (size_t i = 0; i < FILLERS; i++) {
    random_face(&seed, DIM, 12, vector);
    if (sb_index_put(w->s->index, 2000000 + i, 0, vector, NULL) != SB_OK) atomic_fetch_add(&w->s->wrong, 1);
    if (i % 5 == 4 && !sb_index_remove(w->s->index, 2000000 + i - 3)) atomic_fetch_add(&w->s->wrong, 1);
  }
  return NULL;
}

/* Whether a result fits operations first..last: the first was done before the search, the last had begun when it ended.
 * */
static bool fits(bool found, uint64_t label, unsigned first, unsigned last) {
  for (unsigned n = first; n <= last; n++) {
    bool there = n > 0 && is_put(n);
    if (found ? there && label == n : !there) return true;
  }
  return false;
}

static bool only_watched(void *context, uint64_t key, uint64_t label) {
  (void)context, (void)label;
  return key >= 1000000 && key < 1000000 + KEYS;
}

/* Reads a key's row back: it fits the operations that were done or had begun, and is whole. */
static void get_key(stage *s, size_t k) {
  const watched *key = &s->keys[k];
  float vector[DIM];
  uint64_t label = 0;
  unsigned first = atomic_load(&key->done);
  bool here = sb_index_get(s->index, key_of(k), &label, vector);
  unsigned last = atomic_load(&key->begun);
  if (!fits(here, label, first, last) || (here && fabsf(sb_dot(vector, key->vector, DIM) - 1) > .002f))
    atomic_fetch_add(&s->wrong, 1);
}

static void *read_keys(void *context) {
  worker *w = context;
  stage *s = w->s;
  uint64_t seed = 7 + w->number;
  uint64_t names[KEYS];
  for (size_t k = 0; k < KEYS; k++) names[k] = key_of(k);
  const sb_filter filters[] = {{.kind = SB_FILTER_NONE},
                               {.kind = SB_FILTER_KEYS, .keys = names, .count = KEYS},
                               {.kind = SB_FILTER_TEST, .test = only_watched}};
  do { /* at least once, however late the thread starts */
    size_t k = next_random(&seed) % KEYS, found = 0;
    watched *key = &s->keys[k];
    sb_hit hits[3];
    sb_index_query query = {.struct_size = sizeof query,
                            .vectors = key->vector,
                            .count = 1,
                            .k = 3,
                            .mode = next_random(&seed) % 4 ? SB_SEARCH_FAST : SB_SEARCH_EXACT,
                            .filter = &filters[next_random(&seed) % count_of(filters)]};
    unsigned first = atomic_load(&key->done);
    bool right = sb_index_search(s->index, &query, hits, &found, NULL) == SB_OK;
    unsigned last = atomic_load(&key->begun);
    bool here = false;
    uint64_t label = 0;
    for (size_t i = 0; i < found; i++) {
      if (hits[i].key != key_of(k)) continue;
      right = right && !here; /* the old row and the new one were both found */
      here = true;
      label = hits[i].label;
    }
    if (!right || !fits(here, label, first, last)) atomic_fetch_add(&s->wrong, 1);
    get_key(s, next_random(&seed) % KEYS);
    atomic_fetch_add(&s->searches, 1);
  } while (!atomic_load(&s->stop));
  return NULL;
}

static void start(worker *w, stage *s, size_t number, void *(*work)(void *)) {
  *w = (worker){.s = s, .number = number};
  assert_int_equal(pthread_create(&w->thread, NULL, work, w), 0);
}

static void play(size_t train_from, unsigned operations, bool filler) {
  static stage s;
  worker writers[WRITERS], readers[READERS], more;
  sb_thread_team *team = NULL;
  uint64_t seed = 3;
  float vector[DIM];
  memset(&s, 0, sizeof s);
  s.operations = operations;
  assert_int_equal(sb_thread_team_new(2, &team, NULL), SB_OK);
  s.index = index_of(DIM, SB_METRIC_COSINE, SB_PRECISION_F16, train_from, team);
  for (size_t k = 0; k < KEYS; k++) random_face(&seed, DIM, 12, s.keys[k].vector);
  for (size_t i = 0; i < BACKGROUND; i++) {
    random_face(&seed, DIM, 12, vector);
    assert_int_equal(sb_index_put(s.index, i, 0, vector, NULL), SB_OK);
  }
  if (!filler) sb_index_settle(s.index);
  for (size_t i = 0; i < READERS; i++) start(&readers[i], &s, i, read_keys);
  for (size_t i = 0; i < WRITERS; i++) start(&writers[i], &s, i, write_keys);
  if (filler) start(&more, &s, 0, fill);
  for (size_t i = 0; i < WRITERS; i++) pthread_join(writers[i].thread, NULL);
  if (filler) pthread_join(more.thread, NULL);
  sb_index_settle(s.index); /* trains while readers continue */
  atomic_store(&s.stop, true);
  for (size_t i = 0; i < READERS; i++) pthread_join(readers[i].thread, NULL);
  assert_int_equal(atomic_load(&s.wrong), 0);
  assert_true(atomic_load(&s.searches) > 0);
  size_t left = BACKGROUND + (filler ? FILLERS - FILLERS / 5 : 0) + (is_put(operations) ? KEYS : 0);
  assert_int_equal(sb_index_count(s.index), left);
  if (filler) {
    sb_index_stats stats;
    sb_index_stats_get(s.index, &stats);
    assert_true(stats.training_runs >= 1);
  }
  sb_index_free(s.index);
  sb_thread_team_free(team);
}

static void searches_see_earlier_changes_in_an_index_without_codes(void **state) {
  (void)state;
  play(SIZE_MAX, OPERATIONS / 4, false);
}

static void searches_see_earlier_changes_in_an_index_with_codes(void **state) {
  (void)state;
  play(1000, OPERATIONS, false);
}

static void searches_see_earlier_changes_while_the_index_is_retrained(void **state) {
  (void)state;
  play(1000, OPERATIONS + 1, true);
}

static void *free_rows(void *context) {
  sb_index *index = context;
  float vector[DIM] = {1};
  for (uint64_t i = 0; i < 200; i++)
    if (sb_index_put(index, i, i, vector, NULL) != SB_OK) return context;
  return NULL;
}

static void an_index_may_be_freed_while_it_is_trained(void **state) {
  (void)state;
  for (int round = 0; round < 5; round++) {
    uint64_t seed = 5;
    float vector[DIM];
    sb_index *index = index_of(DIM, SB_METRIC_COSINE, SB_PRECISION_F16, 500, NULL);
    pthread_t thread;
    for (size_t i = 0; i < 1000; i++) {
      random_face(&seed, DIM, 12, vector);
      assert_int_equal(sb_index_put(index, 1000 + i, i, vector, NULL), SB_OK);
    }
    void *failed = NULL;
    assert_int_equal(pthread_create(&thread, NULL, free_rows, index), 0);
    pthread_join(thread, &failed);
    assert_null(failed);
    sb_index_free(index);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(searches_see_earlier_changes_in_an_index_without_codes),
      cmocka_unit_test(searches_see_earlier_changes_in_an_index_with_codes),
      cmocka_unit_test(searches_see_earlier_changes_while_the_index_is_retrained),
      cmocka_unit_test(an_index_may_be_freed_while_it_is_trained),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
