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
  SB_AVERAGED_MAX = 8,
  SB_CLASSES_MAX = 16,
  SB_ATTRIBUTE_MODELS_MAX = 8,
  SB_DIMENSION_MAX = 4096
};

typedef enum sb_model_channels { SB_CHANNELS_RGB, SB_CHANNELS_BGR, SB_CHANNELS_GREY } sb_model_channels;

/* Common to all: the file and how pixels become the input tensor. */
typedef struct sb_model_spec {
  char name[SB_NAME_SIZE];
  char *path; /* of the model file, found and not yet checked; owned */
  char sha256[65];
  bool interleaved; /* NHWC, else NCHW */
  int width, height;
  sb_model_channels channels;
  float mean[3], deviation[3]; /* (pixel - mean) / deviation, by channel in the order of `channels` */
  bool bf16;                   /* computed in bf16 where the machine has it */
  bool standardise;            /* instead: by the picture's own mean and deviation, over all its numbers */
} sb_model_spec;

/* How a face is cut out of the photo for a model. */
typedef enum sb_alignment_kind { SB_ALIGN_POINTS, SB_ALIGN_BOX } sb_alignment_kind;
typedef enum sb_alignment_fit {
  SB_FIT_SQUARE,  /* the square around the box: what lies beside the face fills it */
  SB_FIT_STRETCH, /* the box, whatever its shape */
  SB_FIT_PAD      /* the box in its own shape, centred on black */
} sb_alignment_fit;
typedef struct sb_alignment {
  sb_alignment_kind kind;
  double template[5][2]; /* SB_ALIGN_POINTS: where the five points go, in pixels of the input */
  sb_alignment_fit fit;  /* SB_ALIGN_BOX, with what follows */
  double scale;          /* of the detector's box */
  double shift_down;     /* of the box's side */
  bool upright;          /* turned so that the eyes are level */
  bool inside;           /* made smaller and moved until all of it lies in the photo */
  int border;            /* beyond the photo: SB_IMAGE_BORDER_* */
} sb_alignment;

typedef enum sb_detector_family {
  SB_FAMILY_SSD,   /* priors of given sizes, softmaxed scores, coded boxes (RFB, RetinaFace) */
  SB_FAMILY_YUNET, /* one prior a cell and stride; class and objectness; centre and logarithm of the size */
  SB_FAMILY_SCRFD  /* `sizes` priors a cell and stride; distances to the four sides */
} sb_detector_family;

typedef struct sb_detector_spec {
  sb_model_spec model;
  sb_detector_family family;
  int levels, strides[SB_LEVELS_MAX], size_counts[SB_LEVELS_MAX];
  float sizes[SB_LEVELS_MAX][SB_SIZES_MAX]; /* SB_FAMILY_SSD */
  float centre_variance, size_variance;     /* SB_FAMILY_SSD */
  /* Names of outputs: one for all levels (SB_FAMILY_SSD), else one a level. */
  char scores[SB_LEVELS_MAX][SB_NAME_SIZE], locations[SB_LEVELS_MAX][SB_NAME_SIZE];
  char objectness[SB_LEVELS_MAX][SB_NAME_SIZE]; /* SB_FAMILY_YUNET */
  char points[SB_LEVELS_MAX][SB_NAME_SIZE];     /* "" where the model gives no five points */
  int score_columns; /* SB_FAMILY_SSD: numbers of a prior in `scores`, of which the last is the face's probability */
  bool has_points;
  float score_threshold;
  float smallest_box; /* longer side, pixels of the photo: what is smaller is dropped, nothing could be told of it */
  bool has_large;     /* a second pass with what follows */
  int large_side, large_from, shape_count, shapes[SB_SHAPES_MAX][2];
  float large_box;
  float iou, overlap_smaller, small_bonus, bonus_height;
} sb_detector_spec;

typedef struct sb_verifier_spec {
  sb_model_spec model;
  char output[SB_NAME_SIZE];
  char points[SB_NAME_SIZE]; /* "" where the model gives no five points */
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
  float centre[2], side; /* of the refined crop, in the pipeline's frame */
} sb_landmarks_spec;

typedef struct sb_quality_spec {
  float eye_distance[2], sharpness[2], yaw[2], contrast[2]; /* value of quality 0, value of quality 1 */
  float pitch[4], brightness[4];                            /* 0, 1, 1, 0 */
  bool has_disagreement;                                    /* with what follows */
  float disagreement[2];           /* distances of the verifier's points from the landmark model's, in the frame */
  double disagreement_usual[5][2]; /* what of that is usual: the verifier's points less the landmark model's */
  float disagreement_centre[2],
      disagreement_side; /* the square of the frame in which the verifier looks again where they are apart */
  float minimum;         /* below this enrolment refuses */
} sb_quality_spec;

typedef struct sb_embedder_spec {
  sb_model_spec model;
  char output[SB_NAME_SIZE];
  sb_embedder info;
  sb_alignment alignment;
} sb_embedder_spec;

typedef enum sb_attribute {
  SB_ATTRIBUTE_AGE,
  SB_ATTRIBUTE_GENDER,
  SB_ATTRIBUTE_ETHNICITY,
  SB_ATTRIBUTE_YAW,
  SB_ATTRIBUTE_PITCH,
  SB_ATTRIBUTE_ROLL,
  SB_ATTRIBUTE_EXPRESSION,
  SB_ATTRIBUTE_LIVE,
  SB_ATTRIBUTES
} sb_attribute;
/* Which of SB_WANT_* asks for an attribute. */
unsigned sb_attribute_want(sb_attribute attribute);
typedef enum sb_attribute_meaning {
  SB_MEANING_CLASSES,    /* a number a class: probabilities, or before a softmax */
  SB_MEANING_EXPECTED,   /* probabilities of values `first`, `first` + `step` ...: their mean counts */
  SB_MEANING_REGRESSION, /* one number: times `step`, plus `first` */
  SB_MEANING_PROBABILITY /* one number: of the class classes[0] */
} sb_attribute_meaning;
typedef struct sb_attribute_output {
  bool there;
  char output[SB_NAME_SIZE];
  sb_attribute_meaning meaning;
  bool softmax;
  double first, step;
  int class_count,
      classes[SB_CLASSES_MAX]; /* gender: 0 man, 1 woman; ethnicity, expression: by name; live: 0, else 1 */
} sb_attribute_output;
typedef struct sb_attribute_spec {
  sb_model_spec model;
  sb_alignment alignment;
  sb_attribute_output outputs[SB_ATTRIBUTES];
} sb_attribute_spec;
unsigned sb_attribute_model_wants(const sb_attribute_spec *spec); /* the SB_WANT_* that the model answers */

/* A pipeline: which models find a face and what is common to them. A part whose model.path is NULL is not there. */
typedef struct sb_models {
  sb_detector_spec detector;
  sb_verifier_spec verifier;
  sb_landmarks_spec landmarks; /* not there: the detector gives the five points */
  sb_embedder_spec embedder;   /* of collections that choose no other */
  int attribute_count;
  sb_attribute_spec attributes[SB_ATTRIBUTE_MODELS_MAX];
  double frame[5]
              [2]; /* where the five points of an upright face stand in a picture of frame_side pixels a side, in which
                         landmarks are refined and quality is judged */
  int frame_side;
  sb_quality_spec quality;
} sb_models;

/* Reads the pipeline's manifest and those it names. SB_MODEL names the file and the key that is wrong. */
sb_status sb_models_read(const char *models_path, const char *pipeline, sb_models *out, sb_error *error);
void sb_models_free(sb_models *models);
/* Reads the manifest of an embedder. SB_MODEL; SB_NOT_FOUND when there is none of that name. */
sb_status sb_embedder_spec_read(const char *models_path, const char *name, sb_embedder_spec *out, sb_error *error);
/* The input's shape in the order that the model wants; `width`, `height`: of the input, which a detector may change. */
void sb_model_spec_shape(const sb_model_spec *spec, int width, int height, int64_t shape[4]);
/* Compiles the model of a manifest after looking into its file: one input of the manifest's shape, weights inside, an
 * operator set that is read. `width`, `height`: 0: the manifest's. SB_MODEL. */
sb_status sb_model_load(sb_infer_runtime *runtime, const sb_model_spec *spec, int width, int height,
                        sb_infer_model **out, sb_error *error);
/* Does the file have the SHA-256 of its manifest? SB_MODEL: missing, cut short or swapped. */
sb_status sb_model_check_digest(const sb_model_spec *spec, sb_error *error);

#endif
