#include "unit.h"

#include "http/core/request_pool.h"

/* Jobs wait at a gate until it is opened. */
typedef struct gate {
  pthread_mutex_t lock;
  pthread_cond_t changed;
  bool open;
  size_t begun, done;
} gate;

static gate the_gate = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static void pass(void *job) {
  gate *g = job;
  pthread_mutex_lock(&g->lock);
  g->begun++;
  pthread_cond_broadcast(&g->changed);
  while (!g->open) pthread_cond_wait(&g->changed, &g->lock);
  g->done++;
  pthread_cond_broadcast(&g->changed);
  pthread_mutex_unlock(&g->lock);
}

static void nothing(void *job) {
  (void)job;
}

static void set_open(bool open) {
  pthread_mutex_lock(&the_gate.lock);
  the_gate.open = open;
  pthread_cond_broadcast(&the_gate.changed);
  pthread_mutex_unlock(&the_gate.lock);
}

static void wait_for(const size_t *counter, size_t wanted) {
  pthread_mutex_lock(&the_gate.lock);
  while (*counter < wanted) pthread_cond_wait(&the_gate.changed, &the_gate.lock);
  pthread_mutex_unlock(&the_gate.lock);
}

enum { THREADS = 3, CAPACITY = 40 };

static sb_http_request_pool *start(bool open) {
  sb_http_request_pool *pool = NULL;
  the_gate.begun = the_gate.done = 0;
  set_open(open);
  assert_int_equal(sb_http_request_pool_new(THREADS, CAPACITY, pass, &pool, NULL), SB_OK);
  return pool;
}

static void end(sb_http_request_pool *pool, sb_http_pool_call refuse) {
  sb_http_request_pool_close(pool, refuse);
  sb_http_request_pool_free(pool);
}

/* All threads stand at the gate. */
static void occupy(sb_http_request_pool *pool) {
  size_t begun = the_gate.begun;
  for (size_t i = 0; i < THREADS; i++)
    assert_int_equal(sb_http_request_pool_add(pool, &the_gate, true, nothing, NULL), SB_OK);
  wait_for(&the_gate.begun, begun + THREADS);
}

static size_t heavy_that_fit(sb_http_request_pool *pool) {
  size_t count = 0;
  while (sb_http_request_pool_add(pool, &the_gate, true, nothing, NULL) == SB_OK) count++;
  return count;
}

static void two_photos_a_thread_may_always_wait_and_no_more_while_nothing_is_known(void **state) {
  (void)state;
  sb_http_request_pool *pool = start(false);
  occupy(pool);
  assert_int_equal(heavy_that_fit(pool), 2 * THREADS);
  sb_error error = {0};
  assert_int_equal(sb_http_request_pool_add(pool, &the_gate, true, nothing, &error), SB_BUSY);
  assert_int_equal(error.code, SB_BUSY);
  set_open(true);
  wait_for(&the_gate.done, 3 * THREADS);
  end(pool, nothing);
}

static void what_is_light_is_taken_while_photos_are_refused_until_the_queue_is_full(void **state) {
  (void)state;
  sb_http_request_pool *pool = start(false);
  occupy(pool);
  size_t heavy = heavy_that_fit(pool), light = 0;
  while (sb_http_request_pool_add(pool, &the_gate, false, nothing, NULL) == SB_OK) light++;
  assert_int_equal(heavy + light, CAPACITY);
  assert_int_equal(sb_http_request_pool_waiting(pool), CAPACITY);
  set_open(true);
  wait_for(&the_gate.done, THREADS + CAPACITY);
  end(pool, nothing);
}

static void fast_photos_may_wait_in_greater_number(void **state) {
  (void)state;
  sb_http_request_pool *pool = start(true);
  for (size_t i = 0; i < 200; i++) {
    assert_int_equal(sb_http_request_pool_add(pool, &the_gate, true, nothing, NULL), SB_OK);
    wait_for(&the_gate.done, i + 1);
  }
  set_open(false);
  occupy(pool);
  assert_true(heavy_that_fit(pool) > 2 * THREADS);
  set_open(true);
  end(pool, nothing);
}

static size_t refused;
static void refuse(void *job) {
  (void)job;
  refused++;
}

static void *open_later(void *context) {
  (void)context;
  set_open(true);
  return NULL;
}

static void a_closed_queue_refuses_each_job_that_waits(void **state) {
  (void)state;
  sb_http_request_pool *pool = start(false);
  occupy(pool);
  size_t waiting = heavy_that_fit(pool);
  refused = 0;
  pthread_t opener;
  assert_int_equal(pthread_create(&opener, NULL, open_later, NULL), 0);
  sb_http_request_pool_close(pool, refuse);
  pthread_join(opener, NULL);
  assert_int_equal(refused + the_gate.done, THREADS + waiting);
  assert_int_equal(sb_http_request_pool_waiting(pool), 0);
  sb_http_request_pool_free(pool);
}

static void what_comes_after_the_queue_was_closed_hears_that_it_stops(void **state) {
  (void)state;
  sb_http_request_pool *pool = start(true);
  sb_http_request_pool_close(pool, nothing);
  sb_error error = {0};
  refused = 0;
  assert_int_equal(sb_http_request_pool_add(pool, &the_gate, false, refuse, &error), SB_STOPPING);
  assert_int_equal(error.code, SB_STOPPING);
  assert_int_equal(refused, 0);
  end(pool, nothing);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(two_photos_a_thread_may_always_wait_and_no_more_while_nothing_is_known),
      cmocka_unit_test(what_is_light_is_taken_while_photos_are_refused_until_the_queue_is_full),
      cmocka_unit_test(fast_photos_may_wait_in_greater_number),
      cmocka_unit_test(a_closed_queue_refuses_each_job_that_waits),
      cmocka_unit_test(what_comes_after_the_queue_was_closed_hears_that_it_stops),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
