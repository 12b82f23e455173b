/* Lists the manifests in the folders of models. */
#include "face/registry.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

static int by_text(const void *a, const void *b) {
  return strcmp(*(char *const *)a, *(char *const *)b);
}

static sb_status add_name(char ***names, size_t *count, const char *name, sb_error *error) {
  for (size_t i = 0; i < *count; i++)
    if (!strcmp((*names)[i], name)) return SB_OK;
  void *grown = *names;
  sb_status status = sb_grow(&grown, *count + 1, sizeof **names, error);
  if (status != SB_OK) return status;
  *names = grown;
  (*names)[*count] = sb_strdup(name, error);
  if (!(*names)[*count]) return SB_NO_MEMORY;
  ++*count;
  return SB_OK;
}

static sb_status add_folder(const char *folder, char ***names, size_t *count, sb_error *error) {
  DIR *entries = opendir(folder);
  if (!entries) return SB_OK; /* a missing folder has no models */
  sb_status status = SB_OK;
  const struct dirent *entry;
  while (status == SB_OK && (entry = readdir(entries))) {
    char name[SB_NAME_SIZE + 8];
    size_t length = strlen(entry->d_name);
    if (length < 6 || length >= sizeof name || strcmp(entry->d_name + length - 5, ".json")) continue;
    memcpy(name, entry->d_name, length - 5);
    name[length - 5] = 0;
    if (sb_manifest_name_valid(name)) status = add_name(names, count, name, error);
  }
  closedir(entries);
  return status;
}

sb_status sb_registry_list(const char *folders, char ***out, size_t *count, sb_error *error) {
  char **names = NULL, *rest, *copy = sb_strdup(folders, error);
  size_t found = 0;
  sb_status status = copy ? SB_OK : SB_NO_MEMORY;
  for (char *folder = copy ? strtok_r(copy, ":", &rest) : NULL; status == SB_OK && folder;
       folder = strtok_r(NULL, ":", &rest))
    status = add_folder(folder, &names, &found, error);
  free(copy);
  if (status != SB_OK) {
    sb_registry_list_free(names, found);
    return status;
  }
  if (found) qsort(names, found, sizeof *names, by_text);
  *out = names;
  *count = found;
  return SB_OK;
}

void sb_registry_list_free(char **names, size_t count) {
  for (size_t i = 0; i < count; i++) free(names[i]);
  free(names);
}
