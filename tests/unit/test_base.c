#include "unit.h"

#include "base/base.h"
#include "config/config.h"

#include <errno.h>
#include <pthread.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* ---- Errors */

static void every_status_has_its_own_code(void **state) {
  (void)state;
  for (int a = SB_OK; a <= SB_INTERNAL; a++) {
    assert_string_not_equal(sb_status_code((sb_status)a), "unknown");
    for (int b = SB_OK; b < a; b++) assert_string_not_equal(sb_status_code((sb_status)a), sb_status_code((sb_status)b));
  }
  assert_string_equal(sb_status_code((sb_status)9999), "unknown");
}

static void a_fault_of_the_photo_differs_from_a_fault_of_the_system(void **state) {
  (void)state;
  static const sb_status photos[] = {SB_BAD_IMAGE,     SB_UNSUPPORTED_IMAGE, SB_IMAGE_TOO_LARGE, SB_NO_FACE,
                                     SB_SEVERAL_FACES, SB_LOW_QUALITY,       SB_NOT_LIVE,        SB_DUPLICATE,
                                     SB_EXISTS,        SB_TOO_LARGE};
  static const sb_status systems[] = {SB_NO_MEMORY, SB_MODEL,     SB_STORE, SB_DISK_FULL,
                                      SB_READ_ONLY, SB_WRONG_KEY, SB_IO};
  for (size_t i = 0; i < count_of(photos); i++) assert_int_equal(sb_status_fault(photos[i]), SB_FAULT_INPUT);
  for (size_t i = 0; i < count_of(systems); i++) assert_int_equal(sb_status_fault(systems[i]), SB_FAULT_SYSTEM);
  assert_int_equal(sb_status_fault(SB_OK), SB_FAULT_NONE);
  assert_int_equal(sb_status_fault(SB_NOT_FOUND), SB_FAULT_ABSENT);
  assert_int_equal(sb_status_fault(SB_FORBIDDEN), SB_FAULT_CALLER);
}

static void a_long_message_is_cut_and_stays_valid_text(void **state) {
  (void)state;
  sb_error error;
  char text[2000];
  memset(text, 'x', sizeof text - 1);
  text[sizeof text - 1] = 0;
  assert_int_equal(sb_fail(&error, SB_IO, "%s", text), SB_IO);
  assert_int_equal(strlen(error.message), sizeof error.message - 1);
  assert_int_equal(sb_fail(NULL, SB_IO, "%s", text), SB_IO);
}

static void errno_maps_to_the_status_that_says_what_to_do(void **state) {
  (void)state;
  static const struct {
    int number;
    sb_status status;
  } cases[] = {{ENOSPC, SB_DISK_FULL}, {EDQUOT, SB_DISK_FULL}, {EROFS, SB_READ_ONLY},  {EACCES, SB_READ_ONLY},
               {EPERM, SB_READ_ONLY},  {ENOENT, SB_NOT_FOUND}, {ENOMEM, SB_NO_MEMORY}, {EIO, SB_IO}};
  for (size_t i = 0; i < count_of(cases); i++) {
    sb_error error = {0};
    assert_int_equal(sb_fail_errno(&error, cases[i].number, "open the file", "/a/b"), cases[i].status);
    assert_int_equal(error.code, cases[i].status);
    assert_non_null(strstr(error.message, "open the file"));
  }
}

/* ---- Memory */

static void a_size_that_overflows_is_refused(void **state) {
  (void)state;
  sb_error error = {0};
  assert_null(sb_alloc(SIZE_MAX / 2, 4, &error));
  assert_int_equal(error.code, SB_NO_MEMORY);
  void *block = sb_alloc(4, 4, &error), *before = block;
  assert_int_equal(sb_grow(&block, SIZE_MAX / 2, 4, &error), SB_NO_MEMORY);
  assert_ptr_equal(block, before);
  free(block);
}

static void memory_is_zeroed_and_growing_keeps_its_contents(void **state) {
  (void)state;
  uint8_t *bytes = sb_alloc(100, 1, NULL);
  for (int i = 0; i < 100; i++) assert_int_equal(bytes[i], 0);
  memset(bytes, 7, 100);
  void *block = bytes;
  assert_int_equal(sb_grow(&block, 100000, 1, NULL), SB_OK);
  for (int i = 0; i < 100; i++) assert_int_equal(((uint8_t *)block)[i], 7);
  free(block);
}

static void a_buffer_grows_and_is_always_terminated(void **state) {
  (void)state;
  sb_buffer buffer = {0};
  for (int i = 0; i < 5000; i++) assert_int_equal(sb_buffer_addf(&buffer, NULL, "%04d,", i), SB_OK);
  assert_int_equal(sb_buffer_add(&buffer, "a\0b", 3, NULL), SB_OK);
  assert_int_equal(buffer.size, 5000 * 5 + 3);
  assert_memory_equal(buffer.bytes + 4999 * 5, "4999,a\0b", 9);
  sb_buffer_free(&buffer);
  assert_null(buffer.bytes);
}

/* ---- Text */

static void utf8_is_what_rfc_3629_says(void **state) {
  (void)state;
  static const char *good[] = {
      "", "plain", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\xed\x9f\xbf", "\xf4\x8f\xbf\xbf"};
  static const char *bad[] = {"\x80",         "\xc0\x80",         "\xc1\xbf",         "\xc3",     "\xe0\x80\x80",
                              "\xed\xa0\x80", "\xf0\x80\x80\x80", "\xf4\x90\x80\x80", "\xf5\x80", "a\xe2\x82"};
  for (size_t i = 0; i < count_of(good); i++) assert_true(sb_utf8_valid(good[i], strlen(good[i])));
  for (size_t i = 0; i < count_of(bad); i++) assert_false(sb_utf8_valid(bad[i], strlen(bad[i])));
}

static void a_refused_text_is_never_quoted(void **state) {
  (void)state;
  char long_text[300];
  memset(long_text, 'q', sizeof long_text - 1);
  long_text[sizeof long_text - 1] = 0;
  const char *bad[] = {"", "   ", "qq\nqq", "qq\x7fqq", "qq\xc2\x85qq", "qq\xe2\x80\xaeqq", "qq\xff", long_text, NULL};
  for (size_t i = 0; i < count_of(bad); i++) {
    sb_error error = {0};
    assert_int_equal(sb_text_check(bad[i], 256, "person's id", &error), SB_INVALID);
    assert_non_null(strstr(error.message, "person's id"));
    assert_null(strstr(error.message, "qq"));
  }
  assert_int_equal(sb_text_check("Zo\xc3\xab \xe6\x9d\x8e", 256, "name", NULL), SB_OK);
}

static void hex_of_bytes(void **state) {
  (void)state;
  char text[7];
  sb_hex((const uint8_t[]){0x00, 0xaf, 0xff}, 3, text);
  assert_string_equal(text, "00afff");
}

static void fnv_1a_gives_its_published_values(void **state) {
  (void)state;
  assert_true(sb_hash_add(SB_HASH_INIT, "", 0) == 0xcbf29ce484222325u);
  assert_true(sb_hash_add(SB_HASH_INIT, "a", 1) == 0xaf63dc4c8601ec8cu);
  assert_true(sb_hash_add(sb_hash_add(SB_HASH_INIT, "foo", 3), "bar", 3) == 0x85944171f73967e8u);
}

/* ---- Files and time */

static char *temporary_folder(void) {
  static char path[64];
  snprintf(path, sizeof path, "/tmp/sb_base_XXXXXX");
  assert_non_null(mkdtemp(path));
  return path;
}

static void write_text(const char *path, const char *text) {
  FILE *file = fopen(path, "w");
  assert_non_null(file);
  assert_true(fputs(text, file) >= 0);
  assert_int_equal(fclose(file), 0);
}

static void a_file_is_read_whole_or_refused(void **state) {
  (void)state;
  char *folder = temporary_folder(), *path = sb_path_join(folder, "file", NULL);
  uint8_t *bytes = NULL;
  size_t size = 0;
  write_text(path, "twelve bytes");
  assert_int_equal(sb_file_read(path, 12, &bytes, &size, NULL), SB_OK);
  assert_int_equal(size, 12);
  assert_memory_equal(bytes, "twelve bytes", 12);
  free(bytes);
  bytes = NULL;
  assert_int_equal(sb_file_read(path, 11, &bytes, &size, NULL), SB_TOO_LARGE);
  assert_int_not_equal(sb_file_read(folder, 100, &bytes, &size, NULL), SB_OK);
  assert_int_not_equal(sb_file_read("/dev/zero", 100, &bytes, &size, NULL), SB_OK);
  assert_int_equal(sb_file_read("/nowhere/at/all", 100, &bytes, &size, NULL), SB_NOT_FOUND);
  assert_null(bytes);
  unlink(path);
  rmdir(folder);
  free(path);
}

static void a_folder_is_made_with_its_parents_for_its_owner_only(void **state) {
  (void)state;
  char *folder = temporary_folder(), *outer = sb_path_join(folder, "a", NULL), *inner = sb_path_join(outer, "b/", NULL);
  struct stat info;
  assert_int_equal(sb_dir_make(inner, NULL), SB_OK);
  assert_int_equal(sb_dir_make(inner, NULL), SB_OK);
  assert_int_equal(stat(inner, &info), 0);
  assert_int_equal(info.st_mode & 07777, 0700);
  char *file = sb_path_join(inner, "file", NULL);
  write_text(file, "x");
  assert_int_equal(sb_dir_make(file, NULL), SB_IO);
  unlink(file);
  rmdir(inner);
  rmdir(outer);
  rmdir(folder);
  free(file);
  free(inner);
  free(outer);
}

static void the_first_folder_that_has_the_file_counts(void **state) {
  (void)state;
  char *folder = temporary_folder(), *path = sb_path_join(folder, "model", NULL), list[200];
  sb_error error = {0};
  write_text(path, "x");
  snprintf(list, sizeof list, "/nowhere::%s:/tmp", folder);
  char *found = sb_path_find(list, "model", &error);
  assert_string_equal(found, path);
  assert_null(sb_path_find("/nowhere", "model", &error));
  assert_int_equal(error.code, SB_NOT_FOUND);
  unlink(path);
  rmdir(folder);
  free(found);
  free(path);
}

static void time_is_written_as_iso_8601(void **state) {
  (void)state;
  char text[32];
  sb_time_iso(1795509687123, text);
  assert_string_equal(text, "2026-11-24T08:41:27.123Z");
  sb_time_iso(-1, text);
  assert_string_equal(text, "1969-12-31T23:59:59.999Z");
}

/* ---- Log */

static char logged[2000];
static void keep(void *context, const sb_log_line *line) {
  (void)context;
  snprintf(logged, sizeof logged, "%d %s%s%s%s", (int)line->level, line->request, *line->request ? ": " : "",
           line->message, line->fields);
}

static void a_log_line_names_its_request_and_lesser_ones_are_dropped(void **state) {
  (void)state;
  sb_log_set(keep, NULL, SB_LOG_WARNING);
  sb_log(SB_LOG_INFO, "unimportant");
  assert_string_equal(logged, "");
  sb_log_request("r-1");
  sb_log(SB_LOG_ERROR, "broken: %d", 5);
  assert_string_equal(logged, "3 r-1: broken: 5");
  sb_log_request("");
  sb_log(SB_LOG_WARNING, "hm");
  assert_string_equal(logged, "2 hm");
  sb_log_with(SB_LOG_WARNING, "\"ms\":%d", "took %d ms", 5);
  assert_string_equal(logged, "2 took 5 ms\"ms\":%d");
  sb_log_set(NULL, NULL, SB_LOG_INFO);
  sb_log(SB_LOG_ERROR, "to no sink");
  assert_string_equal(logged, "2 took 5 ms\"ms\":%d");
}

static void stage_times_add_up_to_the_time_between_begin_and_end(void **state) {
  (void)state;
  sb_stage_times times = {0};
  assert_int_equal(sb_stage_timer_enter(SB_TIMED_DECODE), SB_TIMED_OTHER); /* no timer runs */
  double start = sb_monotonic_ms();
  sb_stage_timer_begin(&times);
  assert_int_equal(sb_stage_timer_enter(SB_TIMED_DETECT), SB_TIMED_OTHER);
  assert_int_equal(sb_stage_timer_enter(SB_TIMED_STORE), SB_TIMED_DETECT);
  nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
  assert_int_equal(sb_stage_timer_enter(SB_TIMED_DETECT), SB_TIMED_STORE);
  sb_stage_timer_end();
  double all = sb_monotonic_ms() - start, sum = 0;
  for (int i = 0; i < SB_TIMED_COUNT; i++) sum += times.ms[i];
  assert_true(times.ms[SB_TIMED_STORE] >= 2);
  assert_true(times.ms[SB_TIMED_STORE] <= sum && sum <= all);
  assert_int_equal(sb_stage_timer_enter(SB_TIMED_DECODE), SB_TIMED_OTHER); /* the timer has ended */
  assert_true(times.ms[SB_TIMED_DECODE] == 0);
}

/* ---- Pool */

typedef struct taker {
  sb_pool *pool;
  void *item;
  sb_status status;
} taker;

static void *take(void *context) {
  taker *t = context;
  t->status = sb_pool_take(t->pool, &t->item, NULL);
  return NULL;
}

static void wait_for_a_waiter(void) {
  usleep(50000); /* by then the thread is waiting; if not, the test still passes, but shows less */
}

static void a_pool_hands_out_each_item_once_and_limits_the_waiting(void **state) {
  (void)state;
  sb_pool *pool = NULL;
  int thing = 0;
  void *item = NULL;
  pthread_t thread;
  assert_int_equal(sb_pool_new(1, 1, &pool, NULL), SB_OK);
  sb_pool_put(pool, &thing);
  assert_int_equal(sb_pool_take(pool, &item, NULL), SB_OK);
  assert_ptr_equal(item, &thing);
  taker waiter = {pool, NULL, SB_INTERNAL};
  assert_int_equal(pthread_create(&thread, NULL, take, &waiter), 0);
  wait_for_a_waiter();
  sb_pool_put(pool, &thing);
  pthread_join(thread, NULL);
  assert_int_equal(waiter.status, SB_OK);
  assert_ptr_equal(waiter.item, &thing);
  sb_pool_free(pool);
  assert_int_equal(sb_pool_new(1, 0, &pool, NULL), SB_OK);
  assert_int_equal(sb_pool_take(pool, &item, NULL), SB_BUSY);
  sb_pool_free(pool);
}

static void a_closed_pool_fails_its_waiters(void **state) {
  (void)state;
  sb_pool *pool = NULL;
  pthread_t thread;
  assert_int_equal(sb_pool_new(1, 4, &pool, NULL), SB_OK);
  taker waiter = {pool, NULL, SB_INTERNAL};
  assert_int_equal(pthread_create(&thread, NULL, take, &waiter), 0);
  wait_for_a_waiter();
  sb_pool_close(pool);
  pthread_join(thread, NULL);
  assert_int_equal(waiter.status, SB_STOPPING);
  sb_pool_free(pool);
}

/* ---- CPU */

static void the_cpu_level_has_a_name_and_there_is_a_core(void **state) {
  (void)state;
  assert_true(strlen(sb_cpu_name(sb_cpu_level())) > 0);
  assert_true(sb_cpu_cores() >= 1);
}

/* ---- Settings */

static const char *const nothing[] = {"semblance", NULL};
enum { WORDS_MAX = 10, WORD_SIZE = 40 };
static char *argv[WORDS_MAX]; /* what sb_config_load leaves over */

static sb_status load(sb_config *config, const char *const *words, int *argc, sb_error *error) {
  static char copies[WORDS_MAX][WORD_SIZE];
  for (*argc = 0; words[*argc]; ++*argc) {
    argv[*argc] = copies[*argc];
    snprintf(copies[*argc], WORD_SIZE, "%s", words[*argc]);
  }
  return sb_config_load(config, argc, argv, error);
}

static void the_command_line_wins_over_environment_over_file_over_default(void **state) {
  (void)state;
  char *folder = temporary_folder(), *path = sb_path_join(folder, "conf", NULL);
  write_text(path, "# a comment\n\n port = 1001 \nworkers=3\ncollection = of file\n");
  setenv("SEMBLANCE_CONF", path, 1);
  setenv("SEMBLANCE_PORT", "1002", 1);
  setenv("SEMBLANCE_WORKERS", "4", 1);
  static const char *const words[] = {"semblance", "search", "--port=1003", "a.jpg", "--insecure",
                                      "--json",    "--",     "--port",      NULL};
  int argc;
  sb_config config;
  assert_int_equal(load(&config, words, &argc, NULL), SB_OK);
  assert_int_equal(config.port, 1003);
  assert_int_equal(config.workers, 4);
  assert_string_equal(config.collection, "of file");
  assert_string_equal(config.listen, "127.0.0.1");
  assert_true(config.insecure);
  assert_int_equal(argc, 6); /* semblance search a.jpg --json -- --port */
  assert_string_equal(argv[2], "a.jpg");
  assert_string_equal(argv[5], "--port");
  sb_config_free(&config);
  unsetenv("SEMBLANCE_CONF");
  unsetenv("SEMBLANCE_PORT");
  unsetenv("SEMBLANCE_WORKERS");
  unlink(path);
  rmdir(folder);
  free(path);
}

static void an_address_may_name_the_port(void **state) {
  (void)state;
  static const struct {
    const char *words[6], *listen;
    int port;
  } cases[] = {
      {{"semblance", "--listen", "127.0.0.1:38080", NULL}, "127.0.0.1", 38080},
      {{"semblance", "--host=localhost:9", NULL}, "localhost", 9},
      {{"semblance", "--host", "::1", NULL}, "::1", 8501},
      {{"semblance", "--listen", "[::1]:80", "--port", "80", NULL}, "::1", 80},
      {{"semblance", "--listen", "[::1]", "--port=7", NULL}, "::1", 7},
  };
  for (size_t i = 0; i < count_of(cases); i++) {
    sb_config config;
    int argc;
    assert_int_equal(load(&config, cases[i].words, &argc, NULL), SB_OK);
    assert_string_equal(config.listen, cases[i].listen);
    assert_int_equal(config.port, cases[i].port);
    assert_int_equal(argc, 1);
    sb_config_free(&config);
  }
}

static void a_bad_setting_is_refused_by_its_name(void **state) {
  (void)state;
  static const char *const arguments[][4] = {
      {"semblance", "--port", "70000", NULL},        {"semblance", "--port", "80x", NULL},
      {"semblance", "--port", NULL, NULL},           {"semblance", "--port=", NULL, NULL},
      {"semblance", "--threshold", "nan", NULL},     {"semblance", "--threshold=1.5", NULL, NULL},
      {"semblance", "--insecure=maybe", NULL, NULL}, {"semblance", "--listen", "127.0.0.1:x", NULL},
      {"semblance", "--host=:80", NULL, NULL},       {"semblance", "--listen=a:70000", NULL, NULL},
      {"semblance", "--listen=a:1", "--port=2"}};
  for (size_t i = 0; i < count_of(arguments); i++) {
    sb_config config;
    sb_error error = {0};
    int argc;
    char flag[32];
    snprintf(flag, sizeof flag, "%.*s", (int)strcspn(arguments[i][1], "="), arguments[i][1]);
    assert_int_equal(load(&config, arguments[i], &argc, &error), SB_INVALID);
    assert_non_null(strstr(error.message, flag));
  }
}

static void a_bad_line_of_the_settings_file_is_named_by_its_number(void **state) {
  (void)state;
  static const char *texts[] = {"port = 1\nnonsense\n", "port = 1\nspeed = 9\n", "port = 1\nport = fast\n"};
  char *folder = temporary_folder(), *path = sb_path_join(folder, "conf", NULL);
  setenv("SEMBLANCE_CONF", path, 1);
  for (size_t i = 0; i < count_of(texts); i++) {
    sb_config config;
    sb_error error = {0};
    int argc;
    write_text(path, texts[i]);
    assert_int_equal(load(&config, nothing, &argc, &error), SB_INVALID);
    assert_non_null(strstr(error.message, "line 2"));
  }
  unlink(path);
  sb_config config;
  int argc;
  assert_int_equal(load(&config, nothing, &argc, NULL), SB_NOT_FOUND); /* a file that SEMBLANCE_CONF names must exist */
  unsetenv("SEMBLANCE_CONF");
  rmdir(folder);
  free(path);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_status_has_its_own_code),
      cmocka_unit_test(a_fault_of_the_photo_differs_from_a_fault_of_the_system),
      cmocka_unit_test(a_long_message_is_cut_and_stays_valid_text),
      cmocka_unit_test(errno_maps_to_the_status_that_says_what_to_do),
      cmocka_unit_test(a_size_that_overflows_is_refused),
      cmocka_unit_test(memory_is_zeroed_and_growing_keeps_its_contents),
      cmocka_unit_test(a_buffer_grows_and_is_always_terminated),
      cmocka_unit_test(utf8_is_what_rfc_3629_says),
      cmocka_unit_test(a_refused_text_is_never_quoted),
      cmocka_unit_test(hex_of_bytes),
      cmocka_unit_test(fnv_1a_gives_its_published_values),
      cmocka_unit_test(a_file_is_read_whole_or_refused),
      cmocka_unit_test(a_folder_is_made_with_its_parents_for_its_owner_only),
      cmocka_unit_test(the_first_folder_that_has_the_file_counts),
      cmocka_unit_test(time_is_written_as_iso_8601),
      cmocka_unit_test(a_log_line_names_its_request_and_lesser_ones_are_dropped),
      cmocka_unit_test(stage_times_add_up_to_the_time_between_begin_and_end),
      cmocka_unit_test(a_pool_hands_out_each_item_once_and_limits_the_waiting),
      cmocka_unit_test(a_closed_pool_fails_its_waiters),
      cmocka_unit_test(the_cpu_level_has_a_name_and_there_is_a_core),
      cmocka_unit_test(the_command_line_wins_over_environment_over_file_over_default),
      cmocka_unit_test(an_address_may_name_the_port),
      cmocka_unit_test(a_bad_setting_is_refused_by_its_name),
      cmocka_unit_test(a_bad_line_of_the_settings_file_is_named_by_its_number),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
