#include "camera/motion.h"

#include <stdlib.h>
#include <string.h>

/* Samples a side of a cell: their mean has a quarter of the noise of a pixel. A cell has changed from DIFFERENCE levels
 * of 255 on. A face of 40 pixels in a picture of 1920 covers two cells at least. */
enum { SAMPLES = 4, DIFFERENCE = 6, CELLS_LEAST = 2 };

static uint8_t cell_of(const uint8_t *pixels, int width, int height, int column, int row) {
  unsigned sum = 0;
  for (int i = 0; i < SAMPLES * SAMPLES; i++) {
    int x = (column * SAMPLES + i % SAMPLES) * width / (SB_CAMERA_GRID_WIDTH * SAMPLES);
    int y = (row * SAMPLES + i / SAMPLES) * height / (SB_CAMERA_GRID_HEIGHT * SAMPLES);
    const uint8_t *p = pixels + 3 * ((size_t)y * (size_t)width + (size_t)x);
    sum += (p[0] + 2u * p[1] + p[2]) / 4;
  }
  return (uint8_t)(sum / (SAMPLES * SAMPLES));
}

bool sb_camera_moves(sb_camera_motion *motion, const uint8_t *pixels, int width, int height) {
  uint8_t cells[SB_CAMERA_GRID_HEIGHT][SB_CAMERA_GRID_WIDTH];
  int changed = 0;
  for (int y = 0; y < SB_CAMERA_GRID_HEIGHT; y++)
    for (int x = 0; x < SB_CAMERA_GRID_WIDTH; x++) {
      cells[y][x] = cell_of(pixels, width, height, x, y);
      changed += abs(cells[y][x] - motion->cells[y][x]) >= DIFFERENCE;
    }
  if (motion->known && changed < CELLS_LEAST) return false;
  memcpy(motion->cells, cells, sizeof cells);
  motion->known = true;
  return true;
}
