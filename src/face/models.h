/* What the manifests say, checked and ready to use. No constant of a model stands in C. */
#ifndef SB_FACE_MODELS_H
#define SB_FACE_MODELS_H

#include "face/face.h"

enum {
  SB_NAME_SIZE = 64,
  SB_LEVELS_MAX = 8,
  SB_SIZES_MAX = 8,
  SB_SHAPES_MAX = 16,
  SB_POINTS_MAX = 128,
  SB_AVERAGED_MAX = 8
};

typedef enum sb_channels { SB_CHANNELS_RGB, SB_CHANNELS_BGR, SB_CHANNELS_GREY } sb_channels;

/* Common to all: the file and how pixels become the input tensor: (pixel - mean) / deviation. */
typedef struct sb_model_spec {
  char name[SB_NAME_SIZE];
  char *path; /* of the model file, found and not yet checked; owned */
  char sha256[65];
  bool interleaved; /* NHWC, else NCHW */
  int width, height;
  sb_channels channels;
  float mean, deviation;
} sb_model_spec;

typedef struct sb_detector_spec {
  sb_model_spec model;
  char scores[SB_NAME_SIZE], locations[SB_NAME_SIZE];
  int levels, strides[SB_LEVELS_MAX], size_counts[SB_LEVELS_MAX];
  float sizes[SB_LEVELS_MAX][SB_SIZES_MAX];
  float centre_variance, size_variance, score_threshold;
  int large_side, large_from, shape_count, shapes[SB_SHAPES_MAX][2];
  float large_box;
  float iou, overlap_smaller, small_bonus, bonus_height;
} sb_detector_spec;

typedef struct sb_verifier_spec {
  sb_model_spec model;
  char output[SB_NAME_SIZE];
  int index;
  float crop, accept, detector_accept, rotate_below;
} sb_verifier_spec;

typedef struct sb_landmarks_spec {
  sb_model_spec model;
  char output[SB_NAME_SIZE];
  int points;
  float crop, shift_down;
  int averaged_count[5], averaged[5][SB_AVERAGED_MAX];
  int refinements;
  float centre[2], side; /* of the refined crop, in the frame of the template */
} sb_landmarks_spec;

typedef struct sb_quality_spec {
  float eye_distance[2], sharpness[2], yaw[2], contrast[2]; /* value of quality 0, value of quality 1 */
  float pitch[4], brightness[4];                            /* 0, 1, 1, 0 */
} sb_quality_spec;

typedef struct sb_embedder_spec {
  sb_model_spec model;
  char output[SB_NAME_SIZE];
  sb_embedder info;
  double template[5][2];
  sb_quality_spec quality;
} sb_embedder_spec;

typedef struct sb_age_gender_spec {
  sb_model_spec model;
  char age[SB_NAME_SIZE], gender[SB_NAME_SIZE];
  float crop;
} sb_age_gender_spec;

typedef struct sb_ethnicity_spec {
  sb_model_spec model;
  char output[SB_NAME_SIZE];
  float crop;
} sb_ethnicity_spec;

typedef struct sb_models {
  sb_detector_spec detector;
  sb_verifier_spec verifier;
  sb_landmarks_spec landmarks;
  sb_embedder_spec embedder;
  sb_age_gender_spec age_gender;
  sb_ethnicity_spec ethnicity;
} sb_models;

/* Reads the pipeline's manifest and those it names. SB_MODEL names the file and the key that is wrong. */
sb_status sb_models_read(const char *models_path, const char *pipeline, sb_models *out, sb_error *error);
void sb_models_free(sb_models *models);
/* Does the file have the SHA-256 of its manifest? SB_MODEL: missing, cut short or swapped. */
sb_status sb_model_spec_check(const sb_model_spec *spec, sb_error *error);

#endif
