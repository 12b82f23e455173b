/* Face pipeline (L2): from the pixels of a photo to described faces: detection, verification, landmarks, alignment,
 * quality, embedding, attributes, liveness. Which models do this is decided by manifests (models.h, docs/models.md).
 *
 *   pipeline   the models of a pipeline manifest: shared between threads
 *   worker     one thread's sessions and scratch memory: one photo at a time */
#ifndef SB_FACE_H
#define SB_FACE_H

#include "base/base.h"
#include "image/image.h"
#include "infer/infer.h"
#include "stats/stats.h"

/* The order of the components of sb_portrait. */
typedef enum sb_quality_component {
  SB_COMPONENT_UNIFIED_QUALITY_SCORE, /* sb_quality.overall */
  SB_COMPONENT_BACKGROUND_UNIFORMITY,
  SB_COMPONENT_ILLUMINATION_UNIFORMITY,
  SB_COMPONENT_LUMINANCE_MEAN,
  SB_COMPONENT_LUMINANCE_VARIANCE,
  SB_COMPONENT_UNDER_EXPOSURE_PREVENTION,
  SB_COMPONENT_OVER_EXPOSURE_PREVENTION,
  SB_COMPONENT_DYNAMIC_RANGE,
  SB_COMPONENT_SHARPNESS,
  SB_COMPONENT_NO_COMPRESSION_ARTIFACTS,
  SB_COMPONENT_NATURAL_COLOUR,
  SB_COMPONENT_SINGLE_FACE_PRESENT,
  SB_COMPONENT_EYES_OPEN,
  SB_COMPONENT_MOUTH_CLOSED,
  SB_COMPONENT_EYES_VISIBLE,
  SB_COMPONENT_MOUTH_OCCLUSION_PREVENTION,
  SB_COMPONENT_FACE_OCCLUSION_PREVENTION,
  SB_COMPONENT_INTER_EYE_DISTANCE,
  SB_COMPONENT_HEAD_SIZE,
  SB_COMPONENT_LEFTWARD_CROP,
  SB_COMPONENT_RIGHTWARD_CROP,
  SB_COMPONENT_MARGIN_ABOVE,
  SB_COMPONENT_MARGIN_BELOW,
  SB_COMPONENT_HEAD_POSE_YAW,
  SB_COMPONENT_HEAD_POSE_PITCH,
  SB_COMPONENT_HEAD_POSE_ROLL,
  SB_COMPONENT_EXPRESSION_NEUTRALITY,
  SB_COMPONENT_NO_HEAD_COVERINGS
} sb_quality_component;

typedef struct sb_embedder {
  char name[64];
  size_t dim;
  sb_calibration calibration;
  float minimum_quality; /* enrolment refuses faces below this quality; from the pipeline */
} sb_embedder;

/* Shared between threads once it is open; models that are loaded when first needed are loaded under a lock. */
typedef struct sb_pipeline sb_pipeline;
typedef struct sb_pipeline_config {
  size_t struct_size;
  const char *models_path; /* ':'-separated folders with manifests and model files */
  const char *cache_dir;
  const char *name;     /* of the pipeline manifest; NULL: "default" */
  const char *model;    /* the default embedder; NULL: the pipeline's own */
  int streams, threads; /* as in sb_infer_runtime_config */
  int width, height;    /* of expected photos: also load what they need at once; 0: when first needed */
  const char *device;   /* as in sb_infer_runtime_config */
} sb_pipeline_config;
/* Reads the manifest of an embedder without loading its model: what a gallery must know about it. `name` NULL: the
 * default embedder of `config`. SB_MODEL; SB_NOT_FOUND: no model of that name. */
sb_status sb_embedder_read(const sb_pipeline_config *config, const char *name, sb_embedder *out, sb_error *error);
/* Reads a calibration that `semblance eval --calibrate` wrote, and the name of its model. SB_INVALID. */
sb_status sb_embedder_calibration_read(const char *path, char model[64], sb_calibration *out, sb_error *error);
/* Checks each model file against the SHA-256 of its manifest and loads it. SB_MODEL names a file that is missing,
 * damaged or replaced. */
sb_status sb_pipeline_open(const sb_pipeline_config *config, sb_pipeline **out, sb_error *error);
void sb_pipeline_close(sb_pipeline *pipeline); /* call it after all its workers are freed */

/* How often each kind of model ran and for how long. Any thread. */
void sb_pipeline_times(const sb_pipeline *pipeline, sb_model_time out[SB_MODEL_KINDS]);

typedef struct sb_worker sb_worker;
sb_status sb_worker_new(sb_pipeline *pipeline, sb_worker **out, sb_error *error);
void sb_worker_free(sb_worker *worker);
/* For sb_find_options.want: keep the picture of each face that the age model reads, so that sb_worker_age can run when
 * the photo is gone, or never. */
enum { SB_WANT_AGE_LATER = 1u << 30 };
/* For sb_find_options.want: the picture is upright, so do not look for faces in turned copies where there is none. */
enum { SB_WANT_UPRIGHT = 1u << 29 };
/* The same: measure sb_face.portrait. */
enum { SB_WANT_PORTRAIT = 1u << 28 };
typedef struct sb_find_options {
  unsigned want;     /* SB_WANT_* */
  const char *model; /* the embedder; NULL: the pipeline's */
} sb_find_options;
/* Loads and runs once all models that a photo of this size (at most that of the large pass) and this `want` needs. */
sb_status sb_worker_warm(sb_worker *worker, unsigned want, int width, int height, sb_error *error);
/* Finds the faces of a photo, largest first, in coordinates of the full-size photo. SB_NOT_FOUND: no model of that
 * name. */
sb_status sb_worker_find(sb_worker *worker, const sb_image *image, const sb_find_options *options, sb_faces **out,
                         sb_error *error);
/* One face with its embedding and its picture, as an sb_faces of its own, for when the others are not needed. */
sb_status sb_find_one(const sb_faces *faces, size_t face, sb_faces **out, sb_error *error);
/* Has this pipeline a model that estimates ages? */
bool sb_pipeline_has_age(const sb_pipeline *pipeline);
/* The same without loading a model. SB_MODEL. */
sb_status sb_pipeline_read_age(const sb_pipeline_config *config, bool *has_age, sb_error *error);
/* The models that estimate passive liveness in this pipeline. */
typedef struct sb_pipeline_liveness {
  int count;         /* 0: there is none, and no face has an estimate */
  char names[160];   /* "a, b" */
  bool experimental; /* their answer is a hint, and decides nothing by itself */
} sb_pipeline_liveness;
/* Loads no model. SB_MODEL. */
sb_status sb_pipeline_read_liveness(const sb_pipeline_config *config, sb_pipeline_liveness *out, sb_error *error);
/* The estimated age of a face that was found with SB_WANT_AGE_LATER, in years; -1: no picture of it was kept. The model
 * runs once for each face. `faces` may come from another worker. */
sb_status sb_worker_age(sb_worker *worker, sb_faces *faces, size_t face, float *age, sb_error *error);

#endif
