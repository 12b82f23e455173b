/* Densities: how crowded the surroundings of each stored face are, learnt from its collection (stats/cohort.h). A
 * density is measured when a face is enrolled, and again by a thread of the server after the collection has grown by
 * half or shrunk by a third: each face is measured a bounded number of times, about log(size) / log(1.5). All are
 * measured again where a server starts with another calibration of the model. */
#ifndef SB_ENGINE_DENSITY_H
#define SB_ENGINE_DENSITY_H

#include "engine/collection_indexes.h"
#include "engine/internal.h"
#include "stats/cohort.h"

/* The cohort that a density stands for. */
sb_cohort sb_engine_density_cohort(const sb_calibration *calibration, const sb_density *density, size_t people);
/* Measures the density of an embedding that is about to be stored for the person with row `person` (0: a new one). Call
 * sb_collection_indexes_sync before. `*out` is all zero where the model's scores are not normalised. */
sb_status sb_engine_density_of_embedding(sb_engine *engine, const sb_store_collection *collection,
                                         const sb_embedder *embedder, const float *embedding, int64_t person,
                                         sb_density *out, sb_error *error);
/* Measures the density of a stored face. SB_NOT_FOUND: it was erased. */
sb_status sb_engine_density_of_face(sb_engine *engine, const sb_store_collection *collection,
                                    const sb_embedder *embedder, int64_t face, sb_density *out, sb_error *error);

/* ---- The thread that measures again */

typedef struct sb_engine_density_refresher sb_engine_density_refresher;
sb_status sb_engine_density_refresher_start(sb_engine *engine, sb_engine_density_refresher **out, sb_error *error);
void sb_engine_density_refresher_stop(sb_engine_density_refresher *refresher); /* NULL allowed; waits for the thread */

#endif
