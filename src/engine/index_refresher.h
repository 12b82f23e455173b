/* A thread that keeps a server near the state of a shared database while nobody searches. */
#ifndef SB_ENGINE_INDEX_REFRESHER_H
#define SB_ENGINE_INDEX_REFRESHER_H

#include "engine/engine.h"

typedef struct sb_engine_refresher sb_engine_refresher;
/* The engine's store and indexes must exist. `*out` NULL: the gallery is a file, so there is nothing to follow. */
sb_status sb_engine_refresher_start(sb_engine *engine, sb_engine_refresher **out, sb_error *error);
void sb_engine_refresher_stop(sb_engine_refresher *refresher); /* NULL allowed; waits for the thread */

#endif
