/* Pixels to an input tensor: channel order, layout, normalisation. The inner loops run over every pixel of every model
 * input, so they are written for the vectoriser (SB_CLONES), and each is instantiated for bytes and for floats. */
#include "face/steps.h"
#include "image/clones.h"

#include <math.h>
#include <string.h>

/* Pixels are bytes (of a photo) or floats (of an aligned picture). `bytes` is a constant after inlining. */
static inline float component_of(const void *pixels, bool bytes, int i) {
  return bytes ? (float)((const uint8_t *)pixels)[i] : ((const float *)pixels)[i];
}

/* Luma (ITU-R BT.601) in fixed point with 14 bits, which the landmark model was trained with. */
static inline void grey_row(const sb_model_spec *spec, const void *rgb, bool bytes, int n, float *out) {
  float mean = spec->standardise ? 0 : spec->mean[0], scale = spec->standardise ? 1 : 1 / spec->deviation[0];
  for (int i = 0; i < n; i++) {
    float sum = component_of(rgb, bytes, 3 * i) * 4899 + component_of(rgb, bytes, 3 * i + 1) * 9617 +
                component_of(rgb, bytes, 3 * i + 2) * 1868;
    out[i] = ((float)(((int)sum + 8192) >> 14) - mean) * scale;
  }
}

/* One channel of the input, from the RGB component that it takes; `step`: distance between its pixels in `out`. */
static inline void channel_row(const sb_model_spec *spec, const void *rgb, bool bytes, int n, int channel, float *out,
                               int step) {
  int component = spec->channels == SB_CHANNELS_BGR ? 2 - channel : channel;
  float mean = spec->standardise ? 0 : spec->mean[channel];
  float scale = spec->standardise ? 1 : 1 / spec->deviation[channel];
  for (int i = 0; i < n; i++) out[step * i] = (component_of(rgb, bytes, 3 * i + component) - mean) * scale;
}

/* Whether pixels keep their layout and all components are normalised alike: then a row is one uniform run of numbers,
 * the fastest case. */
static inline bool is_uniform(const sb_model_spec *spec) {
  if (!spec->interleaved || spec->channels != SB_CHANNELS_RGB || spec->standardise) return false;
  for (int c = 1; c < 3; c++)
    if (spec->mean[c] != spec->mean[0] || spec->deviation[c] != spec->deviation[0]) return false;
  return true;
}

static inline void numbers_row(const sb_model_spec *spec, const void *rgb, bool bytes, int n, float *restrict out) {
  float mean = spec->mean[0], scale = 1 / spec->deviation[0];
  for (int i = 0; i < 3 * n; i++) out[i] = (component_of(rgb, bytes, i) - mean) * scale;
}

static inline void fill_row(const sb_model_spec *spec, const void *rgb, bool bytes, int n, float *tensor, size_t at,
                            size_t plane) {
  if (spec->channels == SB_CHANNELS_GREY) {
    grey_row(spec, rgb, bytes, n, tensor + at);
    return;
  }
  if (is_uniform(spec)) {
    numbers_row(spec, rgb, bytes, n, tensor + 3 * at);
    return;
  }
  for (int c = 0; c < 3; c++) {
    if (spec->interleaved)
      channel_row(spec, rgb, bytes, n, c, tensor + 3 * at + c, 3);
    else
      channel_row(spec, rgb, bytes, n, c, tensor + (size_t)c * plane + at, 1);
  }
}

SB_CLONES static void fill_bytes(const sb_model_spec *spec, const uint8_t *rgb, int n, float *tensor, size_t at,
                                 size_t plane) {
  fill_row(spec, rgb, true, n, tensor, at, plane);
}

SB_CLONES static void fill_floats(const sb_model_spec *spec, const float *rgb, int n, float *tensor, size_t plane) {
  fill_row(spec, rgb, false, n, tensor, 0, plane);
}

/* Per-image standardisation (FaceNet's "prewhitening"): mean 0 and deviation 1 over all numbers; the deviation is at
 * least 1 / sqrt(count). */
static void standardise(float *tensor, size_t count) {
  double sum = 0, squares = 0;
  for (size_t i = 0; i < count; i++) sum += tensor[i];
  double mean = sum / (double)count;
  for (size_t i = 0; i < count; i++) squares += (tensor[i] - mean) * (tensor[i] - mean);
  double deviation = fmax(sqrt(squares / (double)count), 1 / sqrt((double)count));
  for (size_t i = 0; i < count; i++) tensor[i] = (float)((tensor[i] - mean) / deviation);
}

/* What the picture leaves free. Zero is the mean after normalisation. */
static void fill_padding(const sb_model_spec *spec, float *tensor, size_t plane) {
  size_t channels = spec->channels == SB_CHANNELS_GREY ? 1 : 3;
  memset(tensor, 0, plane * channels * sizeof *tensor);
  for (size_t i = 0; spec->black && !spec->standardise && i < plane * channels; i++) {
    size_t c = spec->interleaved ? i % channels : i / plane;
    tensor[i] = -spec->mean[c] / spec->deviation[c];
  }
}

void sb_tensor_fill(const sb_model_spec *spec, const uint8_t *rgb, int width, int height, float *tensor,
                    int tensor_width, int tensor_height) {
  size_t plane = (size_t)tensor_width * (size_t)tensor_height;
  int channels = spec->channels == SB_CHANNELS_GREY ? 1 : 3;
  if (width < tensor_width || height < tensor_height) fill_padding(spec, tensor, plane);
  for (int y = 0; y < height; y++)
    fill_bytes(spec, rgb + (size_t)y * (size_t)width * 3, width, tensor, (size_t)y * (size_t)tensor_width, plane);
  if (spec->standardise) standardise(tensor, plane * (size_t)channels);
}

void sb_tensor_fill_picture(const sb_model_spec *spec, const float *rgb, float *tensor) {
  int pixels = spec->width * spec->height;
  fill_floats(spec, rgb, pixels, tensor, (size_t)pixels);
  if (spec->standardise) standardise(tensor, (size_t)pixels * (spec->channels == SB_CHANNELS_GREY ? 1 : 3));
}
