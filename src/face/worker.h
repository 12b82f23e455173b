/* The inside of a worker: one thread's inference sessions, and the functions that run a model for it. The layers, each
 * calling only the ones below:
 *
 *   find_faces.c   a whole photo: turn it upright, find candidates, describe each      (public: face.h)
 *   describe.c     one face: landmarks, quality, embedding    candidates.c   detector passes and verifier
 *   attributes.c   one face: attributes, pose, liveness; its age alone, later
 *   worker.c       sessions; running a model on pixels, on a crop, on an aligned face */
#ifndef SB_FACE_WORKER_H
#define SB_FACE_WORKER_H

#include "face/pipeline.h"
#include "face/steps.h"

enum { SB_CONTOURS_MAX = 68 };

struct sb_worker {
  sb_pipeline *pipeline;
  const sb_models *models;
  sb_infer_session *sessions[SB_SLOTS]; /* created when first needed */
  float *large_input;                   /* shared by the sessions of the detector's larger inputs; of their greatest */
  size_t large_count;                   /* numbers in it */
  sb_detections found;                  /* the candidates of the current photo */
  double contours[SB_CONTOURS_MAX][2];  /* all landmarks of the current face, in pixels of its photo */
  int contour_count;                    /* 0: none are known */
  bool tiles;                           /* also run the detector over tiles of the current photo */
};

/* ---- worker.c */

/* A model of the pipeline, as the run functions take it. */
typedef struct sb_worker_model {
  int slot; /* sb_pipeline_slot, plus an index */
  const sb_model_spec *spec;
} sb_worker_model;

/* The worker's session of a slot. */
sb_status sb_worker_session(sb_worker *worker, int slot, sb_infer_session **out, sb_error *error);
/* Runs the model on an image that is placed at the top left of an input of tensor_width x tensor_height pixels. */
sb_status sb_worker_run(sb_worker *worker, sb_worker_model model, const sb_image *image, int tensor_width,
                        int tensor_height, sb_infer_session **session, sb_error *error);
/* Runs the model on a picture of exactly its input size, RGB, 0..255. */
sb_status sb_worker_run_picture(sb_worker *worker, sb_worker_model model, const float *rgb, sb_infer_session **session,
                                sb_error *error);
/* Runs the model on a square of the photo; black outside the photo. */
sb_status sb_worker_run_on_crop(sb_worker *worker, sb_worker_model model, const sb_image *image,
                                const sb_square *square, sb_infer_session **session, sb_error *error);
/* Runs the model on a face that is aligned as `alignment` describes. */
sb_status sb_worker_run_on_aligned(sb_worker *worker, sb_worker_model model, const sb_alignment *alignment,
                                   const sb_image *image, const sb_align_face *face, sb_infer_session **session,
                                   sb_error *error);
/* The values of an output after a run, valid until the next run of the session. SB_MODEL: no output of that name, or
 * fewer than `least` values. `count` NULL allowed. */
sb_status sb_worker_output(const sb_infer_session *session, const sb_model_spec *spec, const char *name, size_t least,
                           const float **values, size_t *count, sb_error *error);

/* ---- candidates.c */

/* Runs the detector's passes, merges their boxes, verifies each, and leaves those that are accepted in worker->found.
 * `large`: also run the second pass (and the tiles, where worker->tiles is set). */
sb_status sb_worker_candidates(sb_worker *worker, const sb_image *image, bool large, sb_error *error);
/* Runs the verifier on a square of the photo; sets the detection's probability and its `checked` points. */
sb_status sb_worker_verify(sb_worker *worker, const sb_image *image, const sb_square *square, sb_detection *box,
                           sb_error *error);

/* ---- describe.c and attributes.c */

/* What sb_worker_find allocates: the faces, and behind them what sb_worker_age needs. */
typedef struct sb_find_result {
  sb_faces faces;    /* first, because callers have a pointer to this member only */
  uint8_t *pictures; /* of all faces, sb_worker_picture_bytes each; NULL: none are kept */
  size_t picture_bytes;
  float *ages; /* of each face; negative: the model has not run on it */
} sb_find_result;

/* ---- portrait.c */

typedef struct sb_quality_portrait_view {
  const uint8_t *chip; /* the aligned face, n x n RGB */
  int n;
  double width, height;        /* of the decoded photo */
  double full;                 /* pixels of the full-size photo per decoded pixel */
  const double (*five)[2];     /* the landmarks, in decoded pixels */
  const double (*contours)[2]; /* all landmarks that the model gives */
  int contour_count;
} sb_quality_portrait_view;
/* Sets the face's portrait, from these and from its quality, pose and expression. */
void sb_quality_portrait_measure(const sb_quality_portrait_view *view, sb_face *face);

/* What the caller asked for, with the embedder already looked up. */
typedef struct sb_worker_request {
  unsigned want; /* SB_WANT_* */
  int embedder;  /* index of its slot */
  const sb_embedder_spec *spec;
  uint8_t *picture; /* gets the face's picture for sb_worker_age; NULL: none is kept */
} sb_worker_request;
/* Landmarks, quality, and what `request` asks for, of one candidate; coordinates of the decoded image. `*phantom`: the
 * candidate is no face, and is described no further. */
sb_status sb_worker_describe(sb_worker *worker, const sb_image *image, const sb_detection *box,
                             const sb_worker_request *request, sb_face *face, bool *phantom, sb_error *error);
/* Runs the attribute models that answer `want`; what no model answers stays unknown. */
sb_status sb_worker_attributes(sb_worker *worker, const sb_image *image, const sb_align_face *where, unsigned want,
                               sb_face *face, sb_error *error);
/* The size of a picture for sb_worker_age; 0: there is no age model. */
size_t sb_worker_picture_bytes(const sb_worker *worker);
/* Writes the face as the age model reads it: RGB, 0..255. */
sb_status sb_worker_keep_picture(const sb_worker *worker, const sb_image *image, const sb_align_face *where,
                                 uint8_t *picture, sb_error *error);

#endif
