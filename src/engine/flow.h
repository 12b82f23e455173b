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
/* The same with a thumbnail of each face: an array of (*out)->count, released by sb_thumbnail_list_free. */
sb_status sb_flow_portraits(sb_engine *engine, sb_photo photo, unsigned want, const char *model, sb_faces **out,
                            sb_thumbnail **thumbnails, sb_error *error);
/* The faces with their embeddings, one at least; SB_NO_FACE where there is none. Messages name the photo by `which`:
 * "the first photo". */
sb_status sb_flow_some_face(sb_engine *engine, sb_photo photo, unsigned want, const char *model, const char *which,
                            sb_faces **out, sb_error *error);

/* The faces of pixels, which are upright and belong to the caller. */
sb_status sb_flow_image_faces(sb_engine *engine, const sb_image *image, unsigned want, const char *model,
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

/* A collection as a search finds it: what its size and its model make of an operating point. */
typedef struct sb_flow_gallery {
  sb_store_collection collection;
  sb_embedder embedder;
  double threshold, unsure, fpir; /* as in sb_search_result */
} sb_flow_gallery;
/* `name` NULL: default. SB_NOT_FOUND, SB_FORBIDDEN, SB_INVALID (target), SB_MODEL. */
sb_status sb_flow_gallery_open(sb_engine *engine, const char *name, const sb_target *target, sb_flow_gallery *out,
                               sb_error *error);
/* What a search adds to the SB_WANT_... of its faces. */
unsigned sb_flow_search_want(const sb_engine *engine);
/* A face to decide on. */
typedef struct sb_flow_probe {
  sb_faces *faces; /* of the photo; quality, liveness and age are those of items[face] */
  size_t face;
  const float *embedding; /* its own, or a mean with others of the person */
  bool unmeasured;        /* the quality was not measured */
} sb_flow_probe;
/* Candidates and verdict of a face. `out` gets no embedding; `*matched`: the row of the person that matched, 0: none.
 * Call sb_collection_indexes_sync before. */
sb_status sb_flow_decide(sb_engine *engine, const sb_flow_search *search, const sb_flow_probe *probe,
                         sb_search_face *out, int64_t *matched, sb_error *error);

#endif
