/* The inside of a worker, for the files that do its steps. */
#ifndef SB_FACE_WORKER_H
#define SB_FACE_WORKER_H

#include "face/pipeline.h"
#include "face/steps.h"

struct sb_worker {
  sb_pipeline *pipeline;
  const sb_models *models;
  sb_infer_session *sessions[SB_SLOTS]; /* made when first needed */
  sb_detections found;
  bool tiles; /* the photo at hand is also looked at tile by tile */
};

/* The worker's session of a stage. */
sb_status sb_worker_session(sb_worker *worker, int stage, sb_infer_session **out, sb_error *error);
/* Fills the stage's input with `rgb` (width x height, at the tensor's top left) and runs it. */
sb_status sb_worker_run(sb_worker *worker, int stage, const sb_model_spec *spec, const uint8_t *rgb, int width,
                        int height, int tensor_width, int tensor_height, sb_infer_session **session, sb_error *error);
/* The same with a picture of the stage's own size. */
sb_status sb_worker_run_picture(sb_worker *worker, int stage, const sb_model_spec *spec, const float *rgb,
                                sb_infer_session **session, sb_error *error);
/* Shows `square` of the photo to a stage. */
sb_status sb_worker_run_on_crop(sb_worker *worker, int stage, const sb_model_spec *spec, const sb_image *image,
                                const sb_square *square, int border, sb_infer_session **session, sb_error *error);
/* An output of the stage that just ran; SB_MODEL when the model has none of that name or too few numbers. */
sb_status sb_worker_output(const sb_infer_session *session, const sb_model_spec *spec, const char *name, size_t least,
                           const float **values, size_t *count, sb_error *error);

/* find.c: the outputs of a pass that just ran, each with as many numbers as its priors need. */
sb_status sb_detector_collect(const sb_infer_session *session, const sb_detector_spec *spec, int width, int height,
                              sb_detector_outputs *out, sb_error *error);
/* find.c: candidates of both passes, merged and verified, into worker->found. `large`: also run the second pass. */
sb_status sb_worker_candidates(sb_worker *worker, const sb_image *image, bool large, sb_error *error);
/* find.c: what the verifier says of a square of the photo, into the box's probability and points. */
sb_status sb_worker_verify(sb_worker *worker, const sb_image *image, const sb_square *square, sb_detection *box,
                           sb_error *error);
/* Which embedder a photo is looked at with, and what is wanted of its faces. */
typedef struct sb_worker_request {
  unsigned want;
  int embedder; /* the index of its stage */
  const sb_embedder_spec *spec;
} sb_worker_request;
/* describe.c: landmarks, quality and what is wanted of one candidate; coordinates of the decoded image. */
sb_status sb_worker_describe(sb_worker *worker, const sb_image *image, const sb_detection *box,
                             const sb_worker_request *wanted, sb_face *face, sb_error *error);
/* attributes.c: age, gender, ethnicity; what no model tells stays unknown. `five` as for sb_align. */
sb_status sb_worker_attributes(sb_worker *worker, const sb_image *image, const sb_detection *box,
                               const double (*five)[2], unsigned want, sb_face *face, sb_error *error);
/* Shows the face, aligned as the model wants it, to a stage. */
sb_status sb_worker_run_on_aligned(sb_worker *worker, int stage, const sb_model_spec *spec,
                                   const sb_alignment *alignment, const sb_image *image, const sb_detection *box,
                                   const double (*five)[2], sb_infer_session **session, sb_error *error);

#endif
