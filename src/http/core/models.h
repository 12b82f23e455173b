/* Loading the models in the background, so that routes about the server's state answer meanwhile. */
#ifndef SB_HTTP_CORE_MODELS_H
#define SB_HTTP_CORE_MODELS_H

#include "engine/engine.h"

/* Locked. */
typedef struct sb_http_models {
  sb_engine *engine;
  pthread_t loader;
  bool started;
  pthread_mutex_t lock;   /* of all that follows */
  pthread_cond_t stopped; /* `stopping` was set */
  bool stopping;
  sb_engine_state state;
  sb_error error; /* why it failed, when state is SB_STATE_ERROR */
} sb_http_models;

void sb_http_models_init(sb_http_models *models, sb_engine *engine); /* in state "loading" */
/* Loads them, and the gallery, in a thread, or in this one when none can be started. While the database cannot be
 * reached (SB_BUSY) the thread tries again every second. */
void sb_http_models_load(sb_http_models *models);
/* Ends the retries and waits for the thread. */
void sb_http_models_join(sb_http_models *models);
void sb_http_models_free(sb_http_models *models);

/* `error` (NULL allowed) says why when the state is SB_STATE_ERROR. */
sb_engine_state sb_http_models_state(sb_http_models *models, sb_error *error);
const char *sb_http_models_word(sb_http_models *models); /* "pending", "loading", "ready", "error" */

#endif
