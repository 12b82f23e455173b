/* What happens to a photo: decode -> detect -> align -> embed, then search -> name. */
#ifndef SB_ENGINE_FLOW_H
#define SB_ENGINE_FLOW_H

#include "engine/internal.h"
#include "engine/thumbnail.h"
#include "engine/verdict.h"

/* The faces of a photo. `want`: SB_WANT_...; `model`: the embedder, NULL or "": the engine's. */
sb_status sb_flow_faces(sb_engine *engine, sb_photo photo, unsigned want, const char *model, sb_faces **out,
                        sb_error *error);
/* The same with a thumbnail of the largest face, if there is one (`thumbnail` NULL: none). */
sb_status sb_flow_portrait(sb_engine *engine, sb_photo photo, unsigned want, const char *model, sb_faces **out,
                           sb_thumbnail *thumbnail, sb_error *error);
/* The faces with their embeddings, one at least; SB_NO_FACE where there is none. Messages name the photo by `which`:
 * "the first photo". */
sb_status sb_flow_some_face(sb_engine *engine, sb_photo photo, unsigned want, const char *model, const char *which,
                            sb_faces **out, sb_error *error);

/* Compares two embeddings of unit length by the cohorts that the collection (NULL: default) has for them. Without a
 * gallery, or with one of another model, the score is the similarity. Syncs the indexes. */
sb_status sb_flow_compare(sb_engine *engine, const char *collection, const sb_embedder *embedder,
                          const float *const pair[2], sb_verdict_score *out, sb_error *error);

/* Compares the face of a photo that is most similar to a stored template with it (verify.c). SB_NO_FACE. */
sb_status sb_flow_verify_stored(sb_engine *engine, const char *collection, const sb_embedder *embedder, float *stored,
                                sb_photo photo, sb_comparison *out, sb_error *error);

/* Where and how an embedding is searched for. Borrowed. */
typedef struct sb_flow_search {
  const sb_store_collection *collection;
  const sb_embedder *embedder; /* of the collection */
  size_t k;                    /* candidates at most */
  double threshold;            /* of a match */
} sb_flow_search;
typedef struct sb_flow_found {
  sb_candidate *candidates; /* best first; sb_candidates_free */
  size_t count;
  int64_t best; /* the row of the best candidate's person; 0: there is none */
} sb_flow_found;
/* The candidates for an embedding, the best normalised score first. Call sb_collection_indexes_sync before. */
sb_status sb_flow_candidates(sb_engine *engine, const sb_flow_search *search, const float *embedding,
                             sb_flow_found *out, sb_error *error);

#endif
