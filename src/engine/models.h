/* Where models are, for one call that opens no engine. One thread. */
#ifndef SB_ENGINE_MODELS_H
#define SB_ENGINE_MODELS_H

#include "engine/engine.h"
#include "face/manifest.h"

typedef struct sb_engine_model_folders {
  char *data_dir, *cache_dir;
  char *added;       /* <data_dir>/models: what sb_model_add installs */
  char *path;        /* all folders of models, ':' between */
  const char *store; /* the options'; borrowed */
} sb_engine_model_folders;
/* sb_engine_model_folders_close also after a failure; zero-initialise. */
sb_status sb_engine_model_folders_open(const sb_engine_options *options, sb_engine_model_folders *out, sb_error *error);
void sb_engine_model_folders_close(sb_engine_model_folders *folders);

/* Was the model of that name installed by sb_model_add? */
bool sb_engine_model_is_added(const sb_engine_model_folders *folders, const char *name);
/* Reads the manifest of a model. SB_NOT_FOUND says how to list the models. */
sb_status sb_engine_model_find(const sb_engine_model_folders *folders, const char *name, sb_manifest *out,
                               sb_error *error);
void sb_engine_model_info(const sb_engine_model_folders *folders, const sb_manifest *manifest, sb_model_info *out);

#endif
