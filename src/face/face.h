/* L2: pixels -> faces: detect, verify, landmarks, align, quality, embed, attributes; and the manifests of the
 * models. */
#ifndef SB_FACE_H
#define SB_FACE_H

#include "base/base.h"
#include "image/image.h"
#include "infer/infer.h"
#include "stats/stats.h"

typedef struct sb_embedder {
  char name[64];
  size_t dim;
  sb_calibration calibration;
  float minimum_quality; /* below this enrolment refuses; of the pipeline */
} sb_embedder;

/* Immutable and shared once open (shapes and attribute models that load lazily do so under a lock). */
typedef struct sb_pipeline sb_pipeline;
typedef struct sb_pipeline_config {
  size_t struct_size;
  const char *models_path; /* folders with manifests and model files, ':' between */
  const char *cache_dir;
  const char *name;     /* of the pipeline manifest; NULL: "default" */
  const char *model;    /* the embedder to use unless another is asked for; NULL: the pipeline's own */
  int streams, threads; /* as sb_infer_runtime_config */
  int width, height;    /* of the pictures that are expected: what they need loads at once, too; 0: when first needed */
} sb_pipeline_config;
/* Reads manifests only: what a gallery must know of an embedder without loading a model. `name` NULL: the one that is
 * used unless another is asked for. SB_MODEL; SB_NOT_FOUND: no model of that name. */
sb_status sb_embedder_read(const sb_pipeline_config *config, const char *name, sb_embedder *out, sb_error *error);
/* A user's own calibration, as `semblance eval --calibrate` writes it, and the model that it is of. SB_INVALID. */
sb_status sb_embedder_calibration_read(const char *path, char model[64], sb_calibration *out, sb_error *error);
/* Checks every file against its SHA-256 and loads. SB_MODEL says which file is missing, cut short or swapped. */
sb_status sb_pipeline_open(const sb_pipeline_config *config, sb_pipeline **out, sb_error *error);
void sb_pipeline_close(sb_pipeline *pipeline); /* after its workers */

/* How often its models ran and for how long; any thread. */
void sb_pipeline_times(const sb_pipeline *pipeline, sb_model_time out[SB_MODEL_KINDS]);

/* One thread: the sessions and scratch memory to work on one photo at a time. */
typedef struct sb_worker sb_worker;
sb_status sb_worker_new(sb_pipeline *pipeline, sb_worker **out, sb_error *error);
void sb_worker_free(sb_worker *worker);
typedef struct sb_find_options {
  unsigned want;     /* SB_WANT_* */
  const char *model; /* the embedder; NULL: the pipeline's */
} sb_find_options;
/* Loads and runs once what a photo of this size (at most the large pass's) and this `want` needs. */
sb_status sb_worker_warm(sb_worker *worker, unsigned want, int width, int height, sb_error *error);
/* Faces of a photo, largest first, in coordinates of the full-size photo. SB_NOT_FOUND: no model of that name. */
sb_status sb_worker_find(sb_worker *worker, const sb_image *image, const sb_find_options *options, sb_faces **out,
                         sb_error *error);

#endif
