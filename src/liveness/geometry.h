/* The five points of a face as a shape, and how far the nose is from where a flat picture would have it. */
#ifndef SB_LIVENESS_GEOMETRY_H
#define SB_LIVENESS_GEOMETRY_H

#include "liveness/challenge.h"

/* The shape of five points (sb_face.landmarks). False: they are no face's (two fall together, or the order is another).
 */
bool sb_challenge_shape_of(const sb_point points[5], sb_challenge_shape *out);
/* Where the nose is, less where the homography of the other four points from `reference` to `shape` puts it, in the
 * axes of the face (x to the photo's right, y down) and units of its size. False: the four points are degenerate. */
bool sb_challenge_parallax(const sb_challenge_shape *reference, const sb_challenge_shape *shape, double out[2]);
/* Height of a face from the eyes to the mouth, by its width: a plane that is tilted changes it. */
double sb_challenge_aspect(const sb_challenge_shape *shape);

#endif
