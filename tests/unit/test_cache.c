/* Which files sb_infer_cache_clean deletes, and which it keeps. */
#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "infer/cache.h"

#define DIGEST "0bcef5eab19600e03f67dcfe338772cedf9226fc7ff0d9d99e8f0a4c415d1fc7"
#define OTHER "1bcef5eab19600e03f67dcfe338772cedf9226fc7ff0d9d99e8f0a4c415d1fc7"
enum { DAY = 24 * 3600, AGE = SB_INFER_CACHE_UNUSED_DAYS };

static int set_up(void **state) {
  char path[] = "/tmp/sb_cache_XXXXXX";
  if (!mkdtemp(path) || chdir(path)) return 1;
  *state = strdup(path);
  return *state == NULL;
}

static int remove_one(const char *path, const struct stat *about, int kind, struct FTW *place) {
  (void)about, (void)kind, (void)place;
  return remove(path);
}

static int tear_down(void **state) {
  int failed = chdir("/") || nftw(*state, remove_one, 8, FTW_DEPTH | FTW_PHYS);
  free(*state);
  return failed;
}

/* Sets the times of the last read and write of a file or folder. */
static void age(const char *path, int read_days, int written_days) {
  time_t now = time(NULL);
  const struct timespec times[2] = {{.tv_sec = now - read_days * DAY}, {.tv_sec = now - written_days * DAY}};
  assert_int_equal(utimensat(AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW), 0);
}

static void put(const char *path, int read_days, int written_days) {
  int file = open(path, O_WRONLY | O_CREAT, 0600);
  assert_true(file >= 0);
  close(file);
  age(path, read_days, written_days);
}

static bool there(const char *path) {
  struct stat about;
  return lstat(path, &about) == 0;
}

static void clean(void) {
  sb_infer_cache_clean(".", time(NULL) - (time_t)AGE * DAY);
}

static void files_not_used_for_a_month_are_deleted_and_others_kept(void **state) {
  (void)state;
  assert_int_equal(mkdir(DIGEST, 0700), 0);
  put(DIGEST "/1.blob", AGE + 1, AGE + 1);
  put(DIGEST "/2.blob", AGE - 1, AGE + 100); /* read since */
  put(DIGEST "/3.blob", AGE + 1, 0);         /* written since, on a file system without access times */
  put("4.blob", AGE + 1, AGE + 1);           /* from a version without subfolders */
  clean();
  assert_false(there(DIGEST "/1.blob"));
  assert_true(there(DIGEST "/2.blob"));
  assert_true(there(DIGEST "/3.blob"));
  assert_false(there("4.blob"));
}

static void an_empty_folder_is_deleted_unless_it_changed_recently(void **state) {
  (void)state;
  assert_int_equal(mkdir(DIGEST, 0700), 0);
  put(DIGEST "/1.blob", AGE + 1, AGE + 1);
  age(DIGEST, AGE + 1, AGE + 1);
  assert_int_equal(mkdir(OTHER, 0700), 0); /* just made: a process is about to compile into it */
  clean();
  assert_false(there(DIGEST));
  assert_true(there(OTHER));
}

static void foreign_files_and_link_targets_are_kept(void **state) {
  (void)state;
  static const char *const others[] = {"notes.txt", "1.blob.txt", ".blob", "x1.blob", DIGEST "0"};
  for (size_t i = 0; i < sizeof others / sizeof *others; i++) put(others[i], AGE + 1, AGE + 1);
  assert_int_equal(mkdir("photos", 0700), 0);
  put("photos/1.blob", AGE + 1, AGE + 1);
  assert_int_equal(symlink("photos", DIGEST), 0);
  assert_int_equal(symlink("notes.txt", "2.blob"), 0);
  age("2.blob", AGE + 1, AGE + 1);
  clean();
  for (size_t i = 0; i < sizeof others / sizeof *others; i++) assert_true(there(others[i]));
  assert_true(there("photos/1.blob"));
  assert_true(there("2.blob"));
  assert_true(there(DIGEST));
}

static void simultaneous_cleaning_is_safe(void **state) {
  (void)state;
  enum { PROCESSES = 4, FILES = 500 };
  char path[128];
  assert_int_equal(mkdir(DIGEST, 0700), 0);
  for (int i = 0; i < FILES; i++) {
    snprintf(path, sizeof path, DIGEST "/%d.blob", i);
    put(path, i % 2 ? AGE + 1 : 0, AGE + 1);
  }
  for (int p = 0; p < PROCESSES; p++)
    if (fork() == 0) {
      clean();
      _exit(0);
    }
  for (int p = 0; p < PROCESSES; p++) {
    int ended = 1;
    assert_true(wait(&ended) > 0);
    assert_int_equal(ended, 0);
  }
  for (int i = 0; i < FILES; i++) {
    snprintf(path, sizeof path, DIGEST "/%d.blob", i);
    assert_int_equal(there(path), i % 2 == 0);
  }
}

static void a_missing_folder_is_ignored(void **state) {
  (void)state;
  sb_infer_cache_clean("nowhere", time(NULL));
  put("file", 0, 0);
  sb_infer_cache_clean("file", time(NULL));
  assert_true(there("file"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(files_not_used_for_a_month_are_deleted_and_others_kept),
      TEST(an_empty_folder_is_deleted_unless_it_changed_recently),
      TEST(foreign_files_and_link_targets_are_kept),
      TEST(simultaneous_cleaning_is_safe),
      TEST(a_missing_folder_is_ignored),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
