/* What the manifests of models and pipelines say, checked and ready to use. Every property of a model comes from its
 * manifest; no constant of a model is compiled in (docs/models.md describes the keys). */
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

/* What all models have: the file, and how pixels become the input tensor. */
typedef struct sb_model_spec {
  char name[SB_NAME_SIZE];
  char *path; /* of the model file, whose digest is not yet checked; owned */
  char sha256[65];
  bool interleaved; /* NHWC; otherwise NCHW */
  int width, height;
  sb_model_channels channels;
  float mean[3], deviation[3]; /* (pixel - mean) / deviation, by channel in the order of `channels` */
  bool bf16;                   /* compute in bf16 where the CPU supports it */
  bool linear;                 /* detectors: the photo is resized by OpenCV's bilinear, without averaging */
  bool black;                  /* detectors: what the photo leaves free of the input is black; else the mean */
  bool standardise;            /* normalise by the picture's own mean and deviation instead */
  bool experimental;           /* the manifest says so: its results are only hints */
} sb_model_spec;

/* How a face is cut out of the photo for a model: by its landmarks (POINTS) or by its box (BOX). */
typedef enum sb_alignment_kind { SB_ALIGN_POINTS, SB_ALIGN_BOX } sb_alignment_kind;
typedef enum sb_alignment_fit {
  SB_FIT_SQUARE,  /* the square around the box, filled with what is beside the face */
  SB_FIT_STRETCH, /* the box, stretched to the input */
  SB_FIT_PAD,     /* the box in its own aspect ratio, centred on black */
  SB_FIT_CUT      /* whole pixels of the photo inside it, stretched to the input by OpenCV's bilinear */
} sb_alignment_fit;
typedef struct sb_alignment {
  sb_alignment_kind kind;
  double template[5][2]; /* SB_ALIGN_POINTS: places of the five landmarks, in pixels of the input */
  sb_alignment_fit fit;  /* SB_ALIGN_BOX only, like the fields below */
  double scale;          /* relative to the detector's box */
  double shift_down;     /* in units of the box's longer side */
  bool upright;          /* rotated so that the eyes are level */
  bool inside;           /* scaled down and moved until it lies inside the photo */
  int border;            /* outside the photo: SB_IMAGE_BORDER_*, and SB_IMAGE_WARP_LINEAR where its model wants that */
} sb_alignment;

/* The family of a detector decides how its outputs are decoded (detector.c). */
typedef enum sb_detector_family {
  SB_FAMILY_SSD,   /* priors of given sizes, softmax scores, boxes coded relative to them (RFB, RetinaFace) */
  SB_FAMILY_YUNET, /* one prior a cell and stride; class and objectness; centre and log size */
  SB_FAMILY_SCRFD  /* `sizes` priors a cell and stride; distances to the four sides */
} sb_detector_family;

typedef struct sb_detector_spec {
  sb_model_spec model;
  sb_detector_family family;
  int levels, strides[SB_LEVELS_MAX], size_counts[SB_LEVELS_MAX];
  float sizes[SB_LEVELS_MAX][SB_SIZES_MAX]; /* SB_FAMILY_SSD */
  float centre_variance, size_variance;     /* SB_FAMILY_SSD */
  /* Names of outputs: one for all levels (SB_FAMILY_SSD), otherwise one a level. */
  char scores[SB_LEVELS_MAX][SB_NAME_SIZE], locations[SB_LEVELS_MAX][SB_NAME_SIZE];
  char objectness[SB_LEVELS_MAX][SB_NAME_SIZE]; /* SB_FAMILY_YUNET */
  char points[SB_LEVELS_MAX][SB_NAME_SIZE];     /* "" where the model gives no landmarks */
  int score_columns; /* SB_FAMILY_SSD: numbers per prior in `scores`; the last is the probability of a face */
  bool has_points;
  float score_threshold;
  float smallest_box;                        /* boxes with a smaller longer side (pixels of the photo) are dropped */
  bool has_large;                            /* a second pass at a larger input size, by the fields below */
  int large_side;                            /* the photo's longer side is scaled down to this */
  int large_from;                            /* photos whose longer side is at most this do without the pass */
  int shape_count, shapes[SB_SHAPES_MAX][2]; /* input sizes; the last one holds every photo */
  float large_box;                           /* higher boxes (input pixels) are left to the small pass */
  /* Merging: boxes overlap above this intersection over union, or above this share of the smaller box. */
  float iou, overlap_smaller;
  float small_bonus, bonus_height; /* added to the rank of boxes of the small pass that are at least this high */
} sb_detector_spec;

/* The verifier decides whether a detected box shows a face. */
typedef struct sb_verifier_spec {
  sb_model_spec model;
  char output[SB_NAME_SIZE];
  char points[SB_NAME_SIZE]; /* "" where the model gives no landmarks */
  int index;                 /* of the probability in `output` */
  float crop;                /* side of the square shown to it, in units of the box's longer side */
  float accept;              /* a box is accepted from this probability on, */
  float detector_accept;     /* or from this detector score on */
  float rotate_below;        /* the photo is also tried rotated where no face reaches this probability and score */
} sb_verifier_spec;

typedef struct sb_landmarks_spec {
  sb_model_spec model;
  char output[SB_NAME_SIZE];
  int points;             /* how many the model gives */
  float crop, shift_down; /* of the square shown to it, in units of the box's longer side */
  int averaged_count[5], averaged[5][SB_AVERAGED_MAX]; /* each of the five landmarks is the mean of these points */
  int refinements;                                     /* how often it runs again */
  float centre[2], side;                               /* of the square for these runs, in the pipeline's frame */
} sb_landmarks_spec;

/* Ramps of the quality measures (quality.c). */
typedef struct sb_quality_spec {
  float eye_distance[2], sharpness[2], yaw[2], contrast[2]; /* the values that give quality 0 and quality 1 */
  float pitch[4], brightness[4];                            /* the values that give quality 0, 1, 1, 0 */
  float noise[2], levels[2], eyes[2];                       /* the same; both 0: not measured */
  bool has_disagreement;                                    /* visibility is measured, by the fields below */
  float disagreement[2]; /* ramp over the distance between the landmarks of two models, in pixels of the frame */
  double disagreement_usual[5][2]; /* the usual difference: the verifier's landmarks minus the landmark model's */
  float disagreement_centre[2], disagreement_side; /* square of the frame in which the verifier runs again */
  float minimum;                                   /* enrolment refuses faces below this overall quality */
} sb_quality_spec;

typedef struct sb_embedder_spec {
  sb_model_spec model;
  char output[SB_NAME_SIZE];
  sb_embedder info;
  sb_alignment alignment;
  float length[2]; /* ramp over the length of an embedding before normalisation; both 0: it tells nothing */
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
/* Which SB_WANT_* asks for an attribute. */
unsigned sb_attribute_want(sb_attribute attribute);

/* How the numbers of an output are interpreted. */
typedef enum sb_attribute_meaning {
  SB_MEANING_CLASSES,    /* one number a class: probabilities, or logits of a softmax */
  SB_MEANING_EXPECTED,   /* probabilities of the values `first`, `first` + `step` ...; the result is their mean */
  SB_MEANING_REGRESSION, /* one number; the result is `first` + `step` times it */
  SB_MEANING_PROBABILITY /* one number: the probability of class classes[0] */
} sb_attribute_meaning;

typedef struct sb_attribute_output {
  bool there; /* the model has this attribute */
  char output[SB_NAME_SIZE];
  sb_attribute_meaning meaning;
  bool softmax; /* apply a softmax first */
  double first, step;
  /* The class of each number. gender: 0 man, 1 woman; live: 0 live, 1 spoof; ethnicity, expression: as their names. */
  int class_count, classes[SB_CLASSES_MAX];
  bool largest_decides; /* live: a face is live if the largest number is of that class, else from probability .5 on */
} sb_attribute_output;

typedef struct sb_attribute_spec {
  sb_model_spec model;
  sb_alignment alignment;
  sb_attribute_output outputs[SB_ATTRIBUTES];
} sb_attribute_spec;
unsigned sb_attribute_model_wants(const sb_attribute_spec *spec); /* the SB_WANT_* that the model answers */

/* A pipeline: its models, and what they have in common. A model whose `model.path` is NULL is absent. */
typedef struct sb_models {
  sb_detector_spec detector;
  sb_verifier_spec verifier;
  sb_landmarks_spec landmarks; /* absent where the detector gives the landmarks */
  sb_embedder_spec embedder;   /* the default of new collections */
  int attribute_count;
  sb_attribute_spec attributes[SB_ATTRIBUTE_MODELS_MAX];
  /* The frame: a picture of frame_side x frame_side pixels in which an upright face has its landmarks at these places.
   * Landmarks are refined and quality is measured in it. */
  double frame[5][2];
  int frame_side;
  sb_quality_spec quality;
} sb_models;

/* The models of passive liveness: their names, "a, b"; "" where there is none. `*experimental`: at least one is.
 * Returns how many. */
int sb_attribute_liveness_models(const sb_models *models, char *names, size_t size, bool *experimental);

/* The index of the attribute model that estimates the age: of several the last, whose age sb_worker_attributes gives.
 * -1: there is none. */
int sb_attribute_age_model(const sb_models *models);

/* Reads a pipeline's manifest and those of its models. SB_MODEL names the file and the key at fault. */
sb_status sb_models_read(const char *models_path, const char *pipeline, sb_models *out, sb_error *error);
void sb_models_free(sb_models *models);
/* Reads the manifest of an embedder. SB_MODEL; SB_NOT_FOUND: no model of that name. */
sb_status sb_embedder_spec_read(const char *models_path, const char *name, sb_embedder_spec *out, sb_error *error);

/* The shape of the input in the model's layout; width and height may differ from the manifest's (detectors). */
void sb_model_spec_shape(const sb_model_spec *spec, int width, int height, int64_t shape[4]);
/* An input size other than the manifest's (detectors), and how many sessions can run with it at the same time. */
typedef struct sb_model_input {
  int width, height, streams; /* 0: the manifest's size; as many streams as the runtime's */
} sb_model_input;
/* Checks the ONNX file (one input of the manifest's shape, weights inside, a supported operator set) and compiles it.
 * `input` NULL: the manifest's. SB_MODEL. */
sb_status sb_model_load(sb_infer_runtime *runtime, const sb_model_spec *spec, const sb_model_input *input,
                        sb_infer_model **out, sb_error *error);
/* Checks that the file has the SHA-256 of its manifest. SB_MODEL: missing, damaged or replaced. */
sb_status sb_model_check_digest(const sb_model_spec *spec, sb_error *error);

#endif
