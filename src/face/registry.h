/* The models that are installed, and probing one: does it do what its manifest says? */
#ifndef SB_FACE_REGISTRY_H
#define SB_FACE_REGISTRY_H

#include "face/manifest.h"

/* The names of all manifests in the ':'-separated folders, each once, sorted; released by sb_registry_list_free. */
sb_status sb_registry_list(const char *folders, char ***out, size_t *count, sb_error *error);
void sb_registry_list_free(char **names, size_t count);

typedef struct sb_model_probe_result {
  double load_ms, run_ms; /* run_ms: the median of all rounds, on one thread */
} sb_model_probe_result;
/* Checks that a model does what its manifest says: the digest of its file, the inputs that the file declares, then a
 * load and `rounds` runs (at least 2) on synthetic pictures. The outputs must exist, have the stated length, be finite,
 * and for embedders depend on the picture. The runtime loads the file in a child process, so that no file can crash
 * this one. SB_MODEL. */
sb_status sb_model_probe(const sb_manifest *manifest, const char *cache_dir, size_t rounds, sb_model_probe_result *out,
                         sb_error *error);

#endif
