/* The models of a models path as a whole: which there are, whether one does what its manifest says. */
#ifndef SB_FACE_REGISTRY_H
#define SB_FACE_REGISTRY_H

#include "face/manifest.h"

/* The names of the manifests in the ':'-separated folders, each once, sorted; released by sb_registry_list_free. */
sb_status sb_registry_list(const char *folders, char ***out, size_t *count, sb_error *error);
void sb_registry_list_free(char **names, size_t count);

typedef struct sb_model_probe_result {
  double load_ms, run_ms; /* run_ms: the median of the rounds, on one thread */
} sb_model_probe_result;
/* Does the model do what its manifest says? Its file's digest, what the file says of itself, then a load and `rounds`
 * runs (at least 2) on pictures made up: the outputs are there, as long as they should be, finite, and not always the
 * same. What the runtime does with the file happens in a process of its own, so that no file can bring this one down.
 * SB_MODEL. */
sb_status sb_model_probe(const sb_manifest *manifest, const char *cache_dir, size_t rounds, sb_model_probe_result *out,
                         sb_error *error);

#endif
