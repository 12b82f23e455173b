/* Finds the installed models and helper programs relative to the file of this program or library. No path is compiled
 * in, so an installation can be moved, and builds in different folders are identical byte for byte. */
#include "base/install_path.h"

#include "base/errors.h"

#include <dlfcn.h>
#include <limits.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *sb_version(void) {
  return SB_VERSION;
}

/* How many folders above the file's own are searched: build/src/cli/semblance lies three levels below its checkout,
 * lib/TRIPLET/libsemblance.so two levels below its prefix. */
enum { LEVELS = 3 };

/* An address inside the file that this code was loaded from. */
static const char anchor;

/* The real path of the file that this code was loaded from: the shared library, else the program. */
static bool own_file(char path[PATH_MAX]) {
  Dl_info info = {0};
  struct link_map *map = NULL;
  const char *loaded = "/proc/self/exe"; /* the link map of the program itself has no name */
  if (dladdr1(&anchor, &info, (void **)&map, RTLD_DL_LINKMAP) && map && *map->l_name) loaded = map->l_name;
  return realpath(loaded, path);
}

static bool holds_models(const char *folder) {
  char path[PATH_MAX];
  int length = snprintf(path, sizeof path, "%s/pipelines/default.json", folder);
  return length > 0 && length < (int)sizeof path && access(path, R_OK) == 0;
}

/* Sets `*out` to the model folders of the installation or checkout in `folder`, NULL where it has none. False: out of
 * memory. */
static bool models_in(const char *folder, char **out) {
  char *installed = NULL, *checkout = NULL;
  *out = NULL;
  if (asprintf(&installed, "%s/share/semblance/models", folder) < 0) return false;
  if (asprintf(&checkout, "%s/models", folder) < 0) return free(installed), false;
  bool fine = true;
  if (holds_models(installed))
    *out = installed, installed = NULL;
  else if (holds_models(checkout))
    fine = asprintf(out, "%s:%s/deps/models:%s/deps/deepface:%s/deps/published", checkout, folder, folder, folder) >= 0;
  free(installed);
  free(checkout);
  return fine;
}

char *sb_install_models_path(sb_error *error) {
  char path[PATH_MAX], nearest[PATH_MAX] = "/usr", *found = NULL, *slash;
  bool fine = true;
  if (!own_file(path)) path[0] = 0;
  if ((slash = strrchr(path, '/'))) *slash = 0; /* the folder of the file */
  for (int level = 0; fine && !found && level < LEVELS && (slash = strrchr(path, '/')); level++) {
    *slash = 0;
    if (level == 0) memcpy(nearest, path, sizeof nearest);
    fine = models_in(path, &found);
  }
  if (fine && !found) fine = asprintf(&found, "%s/share/semblance/models", nearest) >= 0;
  if (fine) return found;
  sb_fail(error, SB_NO_MEMORY, "out of memory");
  return NULL;
}

char *sb_install_helper_path(const char *name, sb_error *error) {
  static const char *const folders[] = {"../libexec/semblance", "../video", "../webhook"}; /* from bin, build/src/cli */
  char path[PATH_MAX], *found = NULL, *slash = NULL;
  if (!own_file(path) || !(slash = strrchr(path, '/'))) {
    sb_fail(error, SB_NOT_FOUND, "this program's own file cannot be found, so neither can %s", name);
    return NULL;
  }
  *slash = 0;
  for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
    if (asprintf(&found, "%s/%s/%s", path, folders[i], name) < 0) {
      sb_fail(error, SB_NO_MEMORY, "out of memory");
      return NULL;
    }
    if (access(found, X_OK) == 0) return found;
    free(found);
  }
  sb_fail(error, SB_NOT_FOUND, "%s is not installed", name);
  return NULL;
}
