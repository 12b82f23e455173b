/* A scratch folder for the test that runs: cmocka's setup and teardown, or called by them. */
#ifndef SB_TESTS_FOLDER_H
#define SB_TESTS_FOLDER_H

#include "unit.h"

#include <ftw.h>
#include <unistd.h>

static char folder[32];

static inline int make_folder(void **state) {
  (void)state;
  strcpy(folder, "/tmp/sb_test_XXXXXX");
  return mkdtemp(folder) ? 0 : -1;
}

static inline int remove_entry(const char *path, const struct stat *info, int kind, struct FTW *walk) {
  (void)info, (void)kind, (void)walk;
  return remove(path);
}
static inline int remove_folder(void **state) {
  (void)state;
  return nftw(folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

#endif
