/* The runtime on a file that is not a model, and on one whose numbers become denormal. */
#include "folder.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/file.h>

#include "infer/denormals.h"
#include "infer/infer.h"

static void a_damaged_model_is_an_error_not_a_crash(void **state) {
  (void)state;
  char path[] = "/tmp/sb_infer_XXXXXX.onnx";
  int file = mkstemps(path, 5);
  assert_true(file >= 0);
  assert_int_equal(write(file, "\x08\x07 not a graph", 14), 14);
  close(file);
  sb_infer_runtime_config config = {.struct_size = sizeof config, .streams = 1};
  sb_infer_runtime *runtime = NULL;
  sb_infer_model *model = NULL;
  sb_error error = {0};
  assert_int_equal(sb_infer_runtime_new(&config, &runtime, &error), SB_OK);
  sb_infer_model_config damaged = {.struct_size = sizeof damaged, .path = path};
  assert_int_equal(sb_infer_model_open(runtime, &damaged, &model, &error), SB_MODEL);
  damaged.shape = (const int64_t[]){1, 3, 480, 640};
  assert_int_equal(sb_infer_model_open(runtime, &damaged, &model, &error), SB_MODEL);
  assert_null(model);
  assert_true(error.message[0] != '\0');
  sb_infer_runtime_free(runtime);
  unlink(path);
}

/* ---- Denormals: the model computes x * x * 1e38, which is .01 for x = 1e-20 when the denormal 1e-40 in between is
 * kept, and 0 when it is flushed. */

#define DIGEST "0bcef5eab19600e03f67dcfe338772cedf9226fc7ff0d9d99e8f0a4c415d1fc7"
static const char squares[] = /* written by tests/onnx_graph.py: Mul(x, x), Mul(square, 1e38); x: 1x1x1x4 */
    "\x08\x08:\x81\x01\n\x13\n\x01x\n\x01x\x12\x06square\"\x03Mul\n\x17\n\x06square\n\x05large\x12\x01y\"\x03Mul\x12\x04test"
    "*\x11\x08\x01\x10\x01"
    "B\x05largeJ\x04\x99v\x96~Z\x1b\n\x01x\x12\x16\n\x14\x08\x01\x12\x10\n\x02\x08\x01\n\x02\x08\x01\n\x02\x08\x01\n\x02\x08\x04"
    "b\x1b\n\x01y\x12\x16\n\x14\x08\x01\x12\x10\n\x02\x08\x01\n\x02\x08\x01\n\x02\x08\x01\n\x02\x08\x04"
    "B\x04\n\x00\x10\r";

static float squared(sb_infer_session *session) {
  size_t count = 0;
  float *input = sb_infer_session_input(session, &count);
  assert_int_equal(count, 4);
  for (size_t i = 0; i < count; i++) input[i] = 1e-20f;
  assert_int_equal(sb_infer_session_run(session, NULL), SB_OK);
  const float *output = sb_infer_session_output(session, "y", &count);
  assert_non_null(output);
  return output[0];
}

static void *run_in_thread(void *context) {
  static float found;
  found = squared(context);
  return &found;
}

static uint64_t mode_at_start; /* of floating-point instructions: with denormals */

static void check_flushed(const char *path, int streams) {
  sb_infer_denormals_restore(mode_at_start);
  char cache[64];
  snprintf(cache, sizeof cache, "%s/cache", folder);
  sb_infer_runtime_config config = {.struct_size = sizeof config, .cache_dir = cache, .streams = streams};
  sb_infer_runtime *runtime = NULL;
  sb_infer_model *model = NULL;
  assert_int_equal(sb_infer_runtime_new(&config, &runtime, NULL), SB_OK);
  const sb_infer_model_config opened = {.struct_size = sizeof opened, .path = path, .digest = DIGEST};
  assert_int_equal(sb_infer_model_open(runtime, &opened, &model, NULL), SB_OK);
  sb_infer_session *sessions[3];
  for (int i = 0; i < streams; i++) assert_int_equal(sb_infer_session_new(model, &sessions[i], NULL), SB_OK);
  for (int i = 0; i < streams; i++) {
    pthread_t thread;
    void *found;
    assert_true(squared(sessions[i]) == 0);
    assert_int_equal(pthread_create(&thread, NULL, run_in_thread, sessions[i]), 0);
    pthread_join(thread, &found);
    assert_true(*(float *)found == 0);
  }
  for (int i = 0; i < streams; i++) sb_infer_session_free(sessions[i]);
  sb_infer_model_close(model);
  sb_infer_runtime_free(runtime);
}

static void write_squares(char path[64]) {
  snprintf(path, 64, "%s/squares.onnx", folder);
  FILE *file = fopen(path, "wb");
  assert_non_null(file);
  assert_int_equal(fwrite(squares, 1, sizeof squares - 1, file), sizeof squares - 1);
  assert_int_equal(fclose(file), 0);
}

static void denormals_are_flushed_in_a_compiled_model_and_in_one_from_the_cache(void **state) {
  (void)state;
  char path[64];
  write_squares(path);
  for (int streams = 1; streams <= 3; streams += 2) {
    check_flushed(path, streams); /* compiled */
    check_flushed(path, streams); /* from the cache */
  }
}

static void the_callers_own_arithmetic_keeps_its_denormals(void **state) {
  volatile float small = 1e-20f;
  denormals_are_flushed_in_a_compiled_model_and_in_one_from_the_cache(state);
  assert_true(small * small > 0);
  uint64_t mode = sb_infer_denormals_flush();
  float flushed = small * small;
  sb_infer_denormals_restore(mode);
  assert_true(flushed == 0);
  assert_true(small * small > 0);
}

/* ---- The cache folder, which processes share */

typedef struct opening {
  const char *path;
  sb_infer_runtime *runtime;
  atomic_bool *free_again;
  bool waited; /* it ended when the folder was free again */
} opening;

static void *open_model(void *context) {
  opening *o = context;
  sb_infer_model *model = NULL;
  const sb_infer_model_config config = {.struct_size = sizeof config, .path = o->path, .digest = DIGEST};
  assert_int_equal(sb_infer_model_open(o->runtime, &config, &model, NULL), SB_OK);
  o->waited = atomic_load(o->free_again);
  sb_infer_model_close(model);
  return NULL;
}

/* Is somebody waiting for the lock of this file? proc_locks(5): such a line has an arrow. */
static bool is_waited_for(int file) {
  char line[256], inode[32];
  struct stat about;
  bool found = false;
  assert_int_equal(fstat(file, &about), 0);
  snprintf(inode, sizeof inode, ":%llu ", (unsigned long long)about.st_ino);
  FILE *locks = fopen("/proc/locks", "r");
  assert_non_null(locks);
  while (!found && fgets(line, sizeof line, locks)) found = strstr(line, "->") && strstr(line, inode);
  fclose(locks);
  return found;
}

static void a_model_is_not_read_while_another_process_writes_its_compiled_form(void **state) {
  (void)state;
  char path[64], cache[64], own[160];
  snprintf(path, sizeof path, "%s/squares.onnx", folder);
  snprintf(cache, sizeof cache, "%s/cache", folder);
  snprintf(own, sizeof own, "%s/%s", cache, DIGEST);
  FILE *file = fopen(path, "wb");
  assert_non_null(file);
  assert_int_equal(fwrite(squares, 1, sizeof squares - 1, file), sizeof squares - 1);
  assert_int_equal(fclose(file), 0);
  assert_true(mkdir(cache, 0700) == 0 && mkdir(own, 0700) == 0);
  sb_infer_runtime_config config = {.struct_size = sizeof config, .cache_dir = cache, .streams = 1};
  sb_infer_runtime *runtime = NULL;
  assert_int_equal(sb_infer_runtime_new(&config, &runtime, NULL), SB_OK);
  int writer = open(own, O_RDONLY | O_DIRECTORY);
  assert_true(writer >= 0 && flock(writer, LOCK_EX) == 0);
  atomic_bool free_again = false;
  opening o = {.path = path, .runtime = runtime, .free_again = &free_again};
  pthread_t thread;
  assert_int_equal(pthread_create(&thread, NULL, open_model, &o), 0);
  bool ended = false;
  while (!is_waited_for(writer) && !(ended = pthread_tryjoin_np(thread, NULL) == 0)) sched_yield();
  atomic_store(&free_again, true);
  close(writer);
  if (!ended) pthread_join(thread, NULL);
  assert_true(o.waited);
  sb_infer_runtime_free(runtime);
}

/* ---- Devices. The runtime of this build has the plugin of the CPU alone. */

static void only_words_of_devices_are_taken(void **state) {
  (void)state;
  static const char *const good[] = {"CPU", "GPU", "GPU.0", "GPU.12", "NPU", "AUTO"};
  static const char *const bad[] = {"",       "cpu",     "GPU.",   "GPU.x",    "GPU.123",
                                    "GPU.1 ", "CPU,GPU", "MULTI:", "AUTO:GPU", "a name that is longer than any device"};
  sb_error error = {0};
  for (size_t i = 0; i < sizeof good / sizeof *good; i++)
    assert_int_equal(sb_infer_device_check(good[i], &error), SB_OK);
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    sb_infer_runtime_config config = {.struct_size = sizeof config, .streams = 1, .device = bad[i]};
    sb_infer_runtime *runtime = NULL;
    assert_int_equal(sb_infer_device_check(bad[i], &error), SB_INVALID);
    assert_non_null(strstr(error.message, "--device is CPU, GPU"));
    assert_int_equal(sb_infer_runtime_new(&config, &runtime, &error), SB_INVALID);
    assert_null(runtime);
  }
}

static void a_device_that_is_not_there_is_an_error_that_names_those_that_are(void **state) {
  (void)state;
  char names[128];
  sb_error error = {0};
  assert_int_equal(sb_infer_devices(names, sizeof names, &error), SB_OK);
  assert_non_null(strstr(names, "CPU"));
  sb_infer_runtime_config config = {.struct_size = sizeof config, .streams = 1, .device = "GPU.99"};
  sb_infer_runtime *runtime = NULL;
  assert_int_equal(sb_infer_runtime_new(&config, &runtime, &error), SB_MODEL);
  assert_null(runtime);
  assert_non_null(strstr(error.message, "GPU.99"));
  assert_non_null(strstr(error.message, names));
  assert_int_equal(sb_infer_devices(names, 3, NULL), SB_OK); /* too small: cut */
  assert_int_equal(strlen(names), 2);
}

static void auto_runs_a_model(void **state) {
  (void)state;
  char path[64];
  write_squares(path);
  sb_infer_runtime_config config = {.struct_size = sizeof config, .streams = 1, .device = "AUTO"};
  sb_infer_model_config described = {.struct_size = sizeof described, .path = path};
  sb_infer_runtime *runtime = NULL;
  sb_infer_model *model = NULL;
  sb_infer_session *session = NULL;
  assert_int_equal(sb_infer_runtime_new(&config, &runtime, NULL), SB_OK);
  assert_int_equal(sb_infer_model_open(runtime, &described, &model, NULL), SB_OK);
  assert_int_equal(sb_infer_session_new(model, &session, NULL), SB_OK);
  assert_true(squared(session) == 0);
  sb_infer_session_free(session);
  sb_infer_model_close(model);
  sb_infer_runtime_free(runtime);
}

int main(void) {
  mode_at_start = sb_infer_denormals_flush();
  sb_infer_denormals_restore(mode_at_start);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_damaged_model_is_an_error_not_a_crash),
      cmocka_unit_test_setup_teardown(denormals_are_flushed_in_a_compiled_model_and_in_one_from_the_cache, make_folder,
                                      remove_folder),
      cmocka_unit_test_setup_teardown(the_callers_own_arithmetic_keeps_its_denormals, make_folder, remove_folder),
      cmocka_unit_test(only_words_of_devices_are_taken),
      cmocka_unit_test(a_device_that_is_not_there_is_an_error_that_names_those_that_are),
      cmocka_unit_test_setup_teardown(auto_runs_a_model, make_folder, remove_folder),
      cmocka_unit_test_setup_teardown(a_model_is_not_read_while_another_process_writes_its_compiled_form, make_folder,
                                      remove_folder),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
