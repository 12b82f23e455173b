/* Deletes unused files of the cache folder; cache.h states the rules. */
#include "infer/cache.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DIGEST_DIGITS = 64 };

static bool is_compiled(const char *name) {
  size_t digits = strspn(name, "0123456789");
  return digits && strcmp(name + digits, ".blob") == 0;
}

static bool is_digest(const char *name) {
  return strspn(name, "0123456789abcdef") == DIGEST_DIGITS && !name[DIGEST_DIGITS];
}

static bool last_used_before(const struct stat *file, time_t before) {
  return file->st_atime < before && file->st_mtime < before;
}

/* Closes `descriptor`. `of_digest`: this is a subfolder named by a digest. */
static void clean_folder(int descriptor, time_t before, bool of_digest) {
  DIR *folder = descriptor < 0 ? NULL : fdopendir(descriptor);
  if (!folder) {
    if (descriptor >= 0) close(descriptor);
    return;
  }
  for (struct dirent *entry; (entry = readdir(folder));) {
    struct stat about;
    if (fstatat(descriptor, entry->d_name, &about, AT_SYMLINK_NOFOLLOW)) continue;
    if (S_ISREG(about.st_mode) && is_compiled(entry->d_name) && last_used_before(&about, before))
      unlinkat(descriptor, entry->d_name, 0);
    if (!S_ISDIR(about.st_mode) || of_digest || !is_digest(entry->d_name)) continue;
    clean_folder(openat(descriptor, entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), before, true);
    /* Keep a recently changed folder: another process may be about to compile into it. */
    if (about.st_mtime < before) unlinkat(descriptor, entry->d_name, AT_REMOVEDIR); /* fails where it is not empty */
  }
  closedir(folder);
}

void sb_infer_cache_clean(const char *folder, time_t before) {
  clean_folder(open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC), before, false);
}
