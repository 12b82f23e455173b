/* The vector index when memory runs out: each allocation fails in turn. The linker redirects the calls (--wrap). */
#include "vectors.h"

#include <stdatomic.h>
#include <sys/mman.h>

void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *block, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
void *__real_mmap(void *at, size_t size, int protection, int flags, int file, off_t offset);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *block, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
void *__wrap_mmap(void *at, size_t size, int protection, int flags, int file, off_t offset);

/* The number of the allocation that fails, once; 0: none does. */
static atomic_long countdown;

static bool fails(void) {
  return atomic_load(&countdown) > 0 && atomic_fetch_sub(&countdown, 1) == 1;
}

void *__wrap_calloc(size_t count, size_t size) {
  return fails() ? NULL : __real_calloc(count, size);
}
void *__wrap_realloc(void *block, size_t size) {
  return fails() ? NULL : __real_realloc(block, size);
}
void *__wrap_aligned_alloc(size_t alignment, size_t size) {
  return fails() ? NULL : __real_aligned_alloc(alignment, size);
}
void *__wrap_mmap(void *at, size_t size, int protection, int flags, int file, off_t offset) {
  return fails() ? MAP_FAILED : __real_mmap(at, size, protection, flags, file, offset);
}

enum { DIM = 40, ROWS = 900, K = 5 };
static float vectors[ROWS][DIM];

/* Creates, changes and searches an index. True: nothing failed. Refused rows must be absent, accepted ones must be
 * found. */
static bool live(void) {
  sb_index *index = NULL;
  static bool present[ROWS];
  bool whole = true;
  const sb_index_options options = {.struct_size = sizeof options, .dim = DIM, .train_from = 600};
  memset(present, 0, sizeof present);
  sb_status status = sb_index_new(&options, &index, NULL);
  if (status != SB_OK) {
    assert_int_equal(status, SB_NO_MEMORY);
    return false;
  }
  for (size_t i = 0; i < ROWS; i++) {
    status = sb_index_put(index, i, i, vectors[i], NULL);
    assert_true(status == SB_OK || status == SB_NO_MEMORY);
    present[i] = status == SB_OK;
    whole &= present[i];
    if (i == 700) sb_index_settle(index);
    if (i % 10 == 9 && present[i - 5]) {
      assert_true(sb_index_remove(index, i - 5)); /* needs no memory */
      present[i - 5] = false;
    }
  }
  sb_index_settle(index);
  uint64_t few[] = {1, 2, 3};
  const sb_filter filter = {.kind = SB_FILTER_KEYS, .keys = few, .count = 3};
  for (size_t i = 0; i < ROWS; i += 50) {
    sb_hit hits[K];
    size_t found = 0;
    const sb_index_query query = {.struct_size = sizeof query,
                                  .vectors = vectors[i],
                                  .count = 1,
                                  .k = K,
                                  .mode = i % 100 ? SB_SEARCH_FAST : SB_SEARCH_EXACT,
                                  .filter = i % 150 ? NULL : &filter};
    status = sb_index_search(index, &query, hits, &found, NULL);
    assert_true(status == SB_OK || status == SB_NO_MEMORY);
    whole &= status == SB_OK;
    if (status == SB_OK && !query.filter) assert_int_equal(hits[0].key == i, present[i]);
  }
  size_t count = 0;
  for (size_t i = 0; i < ROWS; i++) {
    count += present[i];
    assert_int_equal(sb_index_contains(index, i), present[i]);
  }
  assert_int_equal(sb_index_count(index), count);
  sb_index_free(index);
  return whole;
}

static void an_index_stays_usable_when_any_allocation_fails(void **state) {
  (void)state;
  uint64_t seed = 4;
  long failed = 0, point = 1;
  for (size_t i = 0; i < ROWS; i++) random_face(&seed, DIM, 8, vectors[i]);
  for (;; point++) {
    atomic_store(&countdown, point);
    failed += !live();
    if (atomic_load(&countdown) > 0) break; /* there are fewer allocations than that */
  }
  assert_true(point > 100);
  assert_true(failed > 50); /* the others failed in training, which callers need not notice */
  atomic_store(&countdown, 0);
  assert_true(live());
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(an_index_stays_usable_when_any_allocation_fails)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
