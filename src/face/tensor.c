#include "face/parts.h"

#include <string.h>

/* Luma in fixed point, as the landmark model was trained with (BT.601, 14 bits). */
static float grey_of(const uint8_t *p) {
  return (float)((p[0] * 4899 + p[1] * 9617 + p[2] * 1868 + 8192) >> 14);
}

static void fill_grey(const uint8_t *rgb, int n, float *out, float mean, float scale) {
  for (int i = 0; i < n; i++) out[i] = (grey_of(rgb + 3 * i) - mean) * scale;
}

static void fill_planes(const uint8_t *rgb, int n, float *restrict first, float *restrict second, float *restrict third,
                        float mean, float scale) {
  for (int i = 0; i < n; i++) {
    first[i] = ((float)rgb[3 * i] - mean) * scale;
    second[i] = ((float)rgb[3 * i + 1] - mean) * scale;
    third[i] = ((float)rgb[3 * i + 2] - mean) * scale;
  }
}

static void fill_interleaved(const uint8_t *rgb, int n, float *out, bool bgr, float mean, float scale) {
  for (int i = 0; i < n; i++) {
    out[3 * i] = ((float)rgb[3 * i + (bgr ? 2 : 0)] - mean) * scale;
    out[3 * i + 1] = ((float)rgb[3 * i + 1] - mean) * scale;
    out[3 * i + 2] = ((float)rgb[3 * i + (bgr ? 0 : 2)] - mean) * scale;
  }
}

void sb_tensor_fill(const sb_model_spec *spec, const uint8_t *rgb, int width, int height, float *tensor,
                    int tensor_width, int tensor_height) {
  size_t plane = (size_t)tensor_width * (size_t)tensor_height;
  int channels = spec->channels == SB_CHANNELS_GREY ? 1 : 3;
  bool bgr = spec->channels == SB_CHANNELS_BGR;
  float scale = 1 / spec->deviation;
  if (width < tensor_width || height < tensor_height) memset(tensor, 0, plane * (size_t)channels * sizeof *tensor);
  for (int y = 0; y < height; y++) {
    const uint8_t *row = rgb + (size_t)y * (size_t)width * 3;
    float *out = tensor + (size_t)y * (size_t)tensor_width;
    if (channels == 1)
      fill_grey(row, width, out, spec->mean, scale);
    else if (spec->interleaved)
      fill_interleaved(row, width, tensor + (size_t)y * (size_t)tensor_width * 3, bgr, spec->mean, scale);
    else
      fill_planes(row, width, out + (bgr ? 2 * plane : 0), out + plane, out + (bgr ? 0 : 2 * plane), spec->mean, scale);
  }
}
