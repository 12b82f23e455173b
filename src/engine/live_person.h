/* The rule of --liveness challenge: whoever is enrolled or verified has passed a challenge of active liveness. */
#ifndef SB_ENGINE_LIVE_PERSON_H
#define SB_ENGINE_LIVE_PERSON_H

#include "engine/internal.h"

/* SB_NOT_LIVE where the policy needs a challenge and `live` is NULL. */
sb_status sb_engine_live_required(const sb_engine *engine, const sb_live_person *live, sb_error *error);
/* SB_NOT_LIVE unless one of the faces, embedded by `embedder`, is that of the person who passed; SB_INVALID: the
 * challenge was made with another model. `live` NULL: nothing is checked. */
sb_status sb_engine_live_check(const sb_live_person *live, const sb_embedder *embedder, const float *const *faces,
                               size_t count, sb_error *error);

#endif
