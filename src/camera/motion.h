/* A cheap test whether anything moves: brightness of the cells of a grid, compared with the last picture that was
 * searched, so that slow changes add up until they count. */
#ifndef SB_CAMERA_MOTION_H
#define SB_CAMERA_MOTION_H

#include "base/base.h"

enum { SB_CAMERA_GRID_WIDTH = 64, SB_CAMERA_GRID_HEIGHT = 36 };
typedef struct sb_camera_motion {
  bool known;
  uint8_t cells[SB_CAMERA_GRID_HEIGHT][SB_CAMERA_GRID_WIDTH]; /* of the last picture that was searched */
} sb_camera_motion;

/* Does the picture (RGB, interleaved) differ from the last one that was searched? If so, it is the next to compare
 * with. */
bool sb_camera_moves(sb_camera_motion *motion, const uint8_t *pixels, int width, int height);

#endif
