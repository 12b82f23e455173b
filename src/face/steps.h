/* The steps between a photo and the numbers of a model, without any model run: tensors, geometry, alignment, detector
 * output, quality. Each section is one file. Coordinates are pixels of the decoded image unless said otherwise. */
#ifndef SB_FACE_STEPS_H
#define SB_FACE_STEPS_H

#include "face/face.h"
#include "face/models.h"

/* ---- tensor.c: pixels to the model's input tensor */

/* Writes width x height RGB pixels to the top left of a tensor of tensor_width x tensor_height; the rest is set to
 * zero, which is the mean after normalisation, or to black. */
void sb_tensor_fill(const sb_model_spec *spec, const uint8_t *rgb, int width, int height, float *tensor,
                    int tensor_width, int tensor_height);
/* The same for a picture of exactly the model's input size. */
void sb_tensor_fill_picture(const sb_model_spec *spec, const float *rgb, float *tensor);

/* ---- geometry.c: squares and similarity transforms */

/* A square of the photo: centre, side, and the angle by which it is rotated (radians, clockwise on the screen). */
typedef struct sb_square {
  double x, y, side, angle;
} sb_square;
/* The affine map for sb_image_warp that shows the square as n x n pixels. */
void sb_square_map(const sb_square *square, int n, double map[6]);
/* Converts a point of the square, in 0..1, to the photo. */
void sb_square_point(const sb_square *square, double u, double v, double out[2]);

/* The similarity transform target = [a -b; b a] source + t. */
typedef struct sb_similarity {
  double a, b, tx, ty;
} sb_similarity;
/* Least-squares fit to five point pairs (Umeyama 1991, in closed form for two dimensions). False: the points
 * coincide. */
bool sb_similarity_fit(const double from[5][2], const double to[5][2], sb_similarity *out);
void sb_similarity_point(const sb_similarity *s, const double from[2], double to[2]);
/* The affine map for sb_image_warp that shows the aligned picture: target pixels back to the photo. */
void sb_similarity_inverse_map(const sb_similarity *s, double map[6]);

/* ---- detector.c: the detector's outputs to boxes */

/* One detected face. */
typedef struct sb_detection {
  double x0, y0, x1, y1;
  double score, rank; /* rank: score plus the bonus of its pass; overlapping boxes are merged in this order */
  double probability; /* of being a face, from the verifier; set after the detector */
  bool has_points, has_checked;
  double points[5][2];  /* landmarks from the detector */
  double checked[5][2]; /* landmarks from the verifier */
} sb_detection;
enum { SB_DETECTIONS_MAX = 1024 };
typedef struct sb_detections {
  size_t count;
  sb_detection boxes[SB_DETECTIONS_MAX];
} sb_detections;

/* The raw outputs of one detector run, by level; a family with one output for all levels uses the first entry. NULL:
 * the family or the model does not have this output. */
typedef struct sb_detector_outputs {
  const float *scores[SB_LEVELS_MAX], *locations[SB_LEVELS_MAX], *objectness[SB_LEVELS_MAX], *points[SB_LEVELS_MAX];
} sb_detector_outputs;

/* One pass of the detector over (a part of) the photo. */
typedef struct sb_detector_pass {
  int width, height; /* of the input tensor */
  double scale;      /* input pixels per pixel of the photo */
  double largest;    /* boxes higher than this many input pixels are dropped; 0: none are */
  double bonus;      /* added to the rank of boxes of at least bonus_height input pixels */
} sb_detector_pass;

/* The number of priors (anchors) of a level for an input of this size; level -1: of all levels. */
size_t sb_detector_priors(const sb_detector_spec *spec, int level, int width, int height);
/* Decodes the outputs of one pass and appends its boxes, in pixels of the photo, to `found`. */
void sb_detector_decode(const sb_detector_spec *spec, const sb_detector_outputs *outputs, const sb_detector_pass *pass,
                        sb_detections *found);
/* Non-maximum suppression: sorts by rank, best first, and drops each box that overlaps a better one. */
void sb_detector_merge(const sb_detector_spec *spec, sb_detections *found);
/* The index of the smallest input shape that holds width x height pixels. */
int sb_detector_shape(const sb_detector_spec *spec, int width, int height);

/* ---- align.c: the picture of a face that a model expects */

/* Where a face is. `five`: its landmarks; NULL: none are known, and the whole photo is taken for an aligned face. */
typedef struct sb_align_face {
  const sb_detection *box;
  const double (*five)[2];
} sb_align_face;
/* The result: width x height RGB values in 0..255; whole numbers unless the alignment pads (SB_FIT_PAD). */
typedef struct sb_align_picture {
  float *rgb;
  int width, height;
} sb_align_picture;
/* Cuts out the face as `alignment` describes it. SB_BAD_IMAGE: the landmarks coincide. */
sb_status sb_align(const sb_image *image, const sb_alignment *alignment, const sb_align_face *face,
                   const sb_align_picture *out, sb_error *error);

/* ---- artefacts.c */

typedef struct sb_quality_artefacts {
  double block;  /* the picture shows as much as one of which blocks of so many decoded pixels are one pixel; 1: none */
  double levels; /* grey levels in effective use, 1..256 */
} sb_quality_artefacts;
/* Measures the decoded pixels inside a face's box. */
void sb_quality_artefacts_measure(const sb_image *image, const sb_detection *box, sb_quality_artefacts *out);

/* ---- quality.c */

/* How far the verifier's landmarks are from those of the landmark model: root mean square in pixels of the frame (to
 * which `framed` maps), after the usual difference is subtracted. Two independently trained models agree while they see
 * the landmarks; where something covers the face each of them guesses. */
double sb_quality_landmark_disagreement(const sb_quality_spec *spec, const sb_similarity *framed,
                                        const double five[5][2], const double checked[5][2]);
/* What the quality of a face is measured on. */
typedef struct sb_quality_view {
  const uint8_t *chip; /* the aligned face, n x n RGB, not enlarged beyond the photo's resolution */
  int n;
  const double (*frame)[2]; /* where the landmarks are in it, in pixels of a picture of frame_side x frame_side */
  int frame_side;
  double points[5][2]; /* the landmarks in pixels of the full-size photo */
  double shrunk;       /* decoded pixels per pixel of the full-size photo */
  double disagreement; /* of sb_quality_landmark_disagreement; negative: not known */
  sb_quality_artefacts artefacts;
} sb_quality_view;
/* All parts but `features`, which is negative. */
void sb_quality_measure(const sb_quality_spec *spec, const sb_quality_view *view, sb_quality *out);
/* Adds the part that an embedding's length before normalisation tells; nothing where the model has no ramp for it. */
void sb_quality_add_features(const float ramp[2], double length, sb_quality *quality);

#endif
