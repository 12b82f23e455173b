/* The steps of the pipeline, each a file; worker.c strings them together. Coordinates: pixels of the decoded image. */
#ifndef SB_FACE_STEPS_H
#define SB_FACE_STEPS_H

#include "face/face.h"
#include "face/models.h"

struct sb_detection;

/* ---- tensor.c: pixels to the model's input */

/* Puts `width` x `height` RGB pixels at the top left of the tensor of tensor_width x tensor_height; what is left over gets
 * the mean, which is zero after normalisation. */
void sb_tensor_fill(const sb_model_spec *spec, const uint8_t *rgb, int width, int height, float *tensor,
                    int tensor_width, int tensor_height);
/* The same of a picture of the model's own size. */
void sb_tensor_fill_picture(const sb_model_spec *spec, const float *rgb, float *tensor);

/* ---- geometry.c */

/* A square of the photo: centre, side, and the angle (radians, clockwise as seen) by which it is turned. */
typedef struct sb_square {
  double x, y, side, angle;
} sb_square;
/* The map for sb_image_warp that shows the square as n x n pixels. */
void sb_square_map(const sb_square *square, int n, double map[6]);
/* A point of the square in 0..1 to the photo. */
void sb_square_point(const sb_square *square, double u, double v, double out[2]);

/* target = [a -b; b a] source + t: the least-squares similarity of five points (Umeyama 1991, for two dimensions in closed
 * form). False: the points coincide. */
typedef struct sb_similarity {
  double a, b, tx, ty;
} sb_similarity;
bool sb_similarity_fit(const double from[5][2], const double to[5][2], sb_similarity *out);
void sb_similarity_point(const sb_similarity *s, const double from[2], double to[2]);
/* The map for sb_image_warp that gives the aligned picture: target pixels back to the photo. */
void sb_similarity_inverse_map(const sb_similarity *s, double map[6]);

/* ---- align.c */

/* The face as `alignment` wants it: width x height RGB, 0..255, whole numbers but where `alignment` pads. `five`: NULL where there are none, and then a photo is taken to be
 * aligned already. SB_BAD_IMAGE: the points coincide. */
sb_status sb_align(const sb_image *image, const sb_alignment *alignment, const struct sb_detection *box,
                   const double (*five)[2], float *rgb, int width, int height, sb_error *error);

/* ---- detect.c */

typedef struct sb_detection {
  double x0, y0, x1, y1;
  double score, rank; /* rank: the score with the bonus of its pass, the order of merging */
  double probability; /* of being a face, by the verifier; set later */
  bool has_points, has_checked;
  double points[5][2];  /* by the detector */
  double checked[5][2]; /* by the verifier */
} sb_detection;
enum { SB_DETECTIONS_MAX = 1024 };
typedef struct sb_detections {
  size_t count;
  sb_detection boxes[SB_DETECTIONS_MAX];
} sb_detections;

/* The outputs of one pass, by level; of a family with one output for all levels the first counts. NULL where the family or
 * the model has none. */
typedef struct sb_detector_outputs {
  const float *scores[SB_LEVELS_MAX], *locations[SB_LEVELS_MAX], *objectness[SB_LEVELS_MAX], *points[SB_LEVELS_MAX];
} sb_detector_outputs;
/* How many priors a level has for an input of this size; level -1: all. */
size_t sb_detector_priors(const sb_detector_spec *spec, int level, int width, int height);
/* Decodes the boxes of one pass over an input of width x height pixels that shows the photo at `scale`; keeps those that are
 * at most `largest` input pixels high (0: all) and at least smallest_box pixels of the photo, and adds `bonus` to the rank of
 * those at least bonus_height high. */
void sb_detector_decode(const sb_detector_spec *spec, const sb_detector_outputs *outputs, int width, int height,
                        double scale, double largest, double bonus, sb_detections *found);
/* Best rank first; drops what overlaps a better one. */
void sb_detector_merge(const sb_detector_spec *spec, sb_detections *found);
/* The smallest of the shapes that holds the photo at `scale`. */
int sb_detector_shape(const sb_detector_spec *spec, int width, int height);

/* ---- quality.c */

/* How far the verifier's points of a face are from the landmark model's, in pixels of the frame that `framed` leads to: root of
 * the mean square, less what is usual. Two models that were trained apart agree as long as they see the points; where something
 * covers the face each guesses. */
double sb_quality_landmark_disagreement(const sb_quality_spec *spec, const sb_similarity *framed,
                                        const double five[5][2], const double checked[5][2]);
/* `chip`: the aligned face, n x n RGB, at the photo's own resolution or less. `points`: five, in full-size pixels. `apart`: by
 * sb_quality_landmark_disagreement; below 0: not known. */
void sb_quality_measure(const sb_quality_spec *spec, const uint8_t *chip, int n, const double points[5][2],
                        double disagreement, sb_quality *out);

#endif
