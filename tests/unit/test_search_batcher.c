/* Searches batched together: each gets its own answer. */
#include "vectors.h"

#include "engine/search_batcher.h"

#include <pthread.h>
#include <stdatomic.h>

enum { DIM = 48, ROWS = 3000, K = 4, THREADS = 8, ROUNDS = 300 };

typedef struct stage {
  sb_index *index;
  sb_search_batcher *batcher;
  float vectors[ROWS][DIM];
  atomic_size_t wrong;
} stage;

static void *search(void *context) {
  stage *s = context;
  uint64_t seed = (uintptr_t)&seed | 1;
  for (int round = 0; round < ROUNDS; round++) {
    sb_hit hits[K], alone[K];
    size_t found = 0, row = next_random(&seed) % ROWS, k = 1 + next_random(&seed) % K;
    sb_index_query query = {.struct_size = sizeof query,
                            .vectors = s->vectors[row],
                            .count = 1,
                            .k = k,
                            .by_label = row % 2,
                            .certain = row % 3};
    if (sb_search_batcher_search(s->batcher, &query, hits, &found, NULL) != SB_OK) atomic_fetch_add(&s->wrong, 1);
    size_t wanted = search_one(s->index, s->vectors[row], k, SB_SEARCH_FAST, query.by_label, alone);
    bool same = found == wanted;
    for (size_t i = 0; same && i < found; i++)
      same = hits[i].key == alone[i].key && hits[i].label == alone[i].label && hits[i].score == alone[i].score;
    if (!same) atomic_fetch_add(&s->wrong, 1);
    float bad[DIM] = {NAN};
    query.vectors = bad;
    if (round % 50 == 0 && sb_search_batcher_search(s->batcher, &query, hits, &found, NULL) != SB_INVALID)
      atomic_fetch_add(&s->wrong, 1);
  }
  return NULL;
}

static void every_thread_gets_what_it_asked_for_and_a_bad_query_fails_alone(void **state) {
  (void)state;
  static stage s;
  pthread_t threads[THREADS];
  uint64_t seed = 6;
  s.index = index_of(DIM, SB_METRIC_COSINE, SB_PRECISION_F16, SIZE_MAX, NULL);
  s.batcher = sb_search_batcher_new(s.index, NULL);
  assert_non_null(s.batcher);
  for (size_t i = 0; i < ROWS; i++) {
    random_face(&seed, DIM, 10, s.vectors[i]);
    assert_int_equal(sb_index_put(s.index, i, i / 2, s.vectors[i], NULL), SB_OK);
  }
  for (size_t t = 0; t < THREADS; t++) assert_int_equal(pthread_create(&threads[t], NULL, search, &s), 0);
  for (size_t t = 0; t < THREADS; t++) pthread_join(threads[t], NULL);
  assert_int_equal(atomic_load(&s.wrong), 0);
  sb_search_batcher_free(s.batcher);
  sb_search_batcher_free(NULL);
  sb_index_free(s.index);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(every_thread_gets_what_it_asked_for_and_a_bad_query_fails_alone)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
