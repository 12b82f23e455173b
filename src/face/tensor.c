#include "face/parts.h"
#include "image/clones.h"

#include <math.h>
#include <string.h>

/* Luma in fixed point, as the landmark model was trained with (BT.601, 14 bits). */
static float grey_of(const uint8_t *p) {
  return (float)((p[0] * 4899 + p[1] * 9617 + p[2] * 1868 + 8192) >> 14);
}

SB_CLONES static void fill_grey(const sb_model_spec *spec, const uint8_t *rgb, int n, float *out) {
  float mean = spec->standardise ? 0 : spec->mean[0], scale = spec->standardise ? 1 : 1 / spec->deviation[0];
  for (int i = 0; i < n; i++) out[i] = (grey_of(rgb + 3 * i) - mean) * scale;
}

/* One channel of the input, `step` numbers from pixel to pixel, from the component of RGB that it takes. */
SB_CLONES static void fill_channel(const sb_model_spec *spec, const uint8_t *rgb, int n, int channel, float *out,
                                   int step) {
  const uint8_t *component = rgb + (spec->channels == SB_CHANNELS_BGR ? 2 - channel : channel);
  float mean = spec->standardise ? 0 : spec->mean[channel];
  float scale = spec->standardise ? 1 : 1 / spec->deviation[channel];
  for (int i = 0; i < n; i++) out[step * i] = ((float)component[3 * i] - mean) * scale;
}

/* What FaceNet calls prewhitening: mean 0 and deviation 1 over all numbers, the deviation not below 1 / sqrt(their count). */
static void standardise(float *tensor, size_t count) {
  double sum = 0, squares = 0;
  for (size_t i = 0; i < count; i++) sum += tensor[i];
  double mean = sum / (double)count;
  for (size_t i = 0; i < count; i++) squares += (tensor[i] - mean) * (tensor[i] - mean);
  double deviation = fmax(sqrt(squares / (double)count), 1 / sqrt((double)count));
  for (size_t i = 0; i < count; i++) tensor[i] = (float)((tensor[i] - mean) / deviation);
}

void sb_tensor_fill(const sb_model_spec *spec, const uint8_t *rgb, int width, int height, float *tensor,
                    int tensor_width, int tensor_height) {
  size_t plane = (size_t)tensor_width * (size_t)tensor_height;
  int channels = spec->channels == SB_CHANNELS_GREY ? 1 : 3;
  if (width < tensor_width || height < tensor_height) memset(tensor, 0, plane * (size_t)channels * sizeof *tensor);
  for (int y = 0; y < height; y++) {
    const uint8_t *row = rgb + (size_t)y * (size_t)width * 3;
    size_t at = (size_t)y * (size_t)tensor_width;
    if (channels == 1) fill_grey(spec, row, width, tensor + at);
    for (int c = 0; channels == 3 && c < 3; c++) {
      if (spec->interleaved)
        fill_channel(spec, row, width, c, tensor + 3 * at + c, 3);
      else
        fill_channel(spec, row, width, c, tensor + (size_t)c * plane + at, 1);
    }
  }
  if (spec->standardise) standardise(tensor, plane * (size_t)channels);
}
