/* Where a gallery, the compiled models, the model files and the database are, without opening any of them. */
#include "engine/engine.h"
#include "store/store.h"

#include <stdio.h>
#include <stdlib.h>

/* `given`, or <$variable>/semblance, or <$HOME>/<fallback>/semblance. A relative $variable is ignored (XDG Base
 * Directory Specification). */
static char *folder_for(const char *given, const char *variable, const char *fallback, sb_error *error) {
  char *path = NULL;
  const char *base = getenv(variable), *home = getenv("HOME");
  if (given) return sb_strdup(given, error);
  bool has_base = base && *base == '/';
  if (!has_base && !(home && *home)) {
    sb_fail(error, SB_INVALID, "there is no home folder ($HOME is not set); name a folder with --data and --cache");
    return NULL;
  }
  int length = has_base ? asprintf(&path, "%s/semblance", base) : asprintf(&path, "%s/%s/semblance", home, fallback);
  if (length >= 0) return path;
  sb_fail(error, SB_NO_MEMORY, "out of memory");
  return NULL;
}

char *sb_engine_folder(const char *given, sb_error *error) {
  return folder_for(given, "XDG_DATA_HOME", ".local/share", error);
}

char *sb_engine_cache_folder(const char *given, sb_error *error) {
  return folder_for(given, "XDG_CACHE_HOME", ".cache", error);
}

char *sb_engine_models_path(const sb_engine_options *options, const char *data_dir, sb_error *error) {
  char *path = NULL, *installed = NULL;
  if (!options->models_path && !(installed = sb_install_models_path(error))) return NULL;
  int length = asprintf(&path, "%s:%s/models", installed ? installed : options->models_path, data_dir);
  free(installed);
  if (length >= 0) return path;
  sb_fail(error, SB_NO_MEMORY, "out of memory");
  return NULL;
}

size_t sb_engine_database_ports(const char *url, uint16_t *ports, size_t room) {
  return sb_store_ports(url, ports, room);
}
