/* Loading a model: compares its ONNX file with its manifest, checks its digest, compiles it. */
#include "face/models.h"

#include "crypto/crypto.h"
#include "infer/onnx.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void sb_model_spec_shape(const sb_model_spec *spec, int width, int height, int64_t shape[4]) {
  int64_t channels = spec->channels == SB_CHANNELS_GREY ? 1 : 3;
  const int64_t planes[4] = {1, channels, height, width}, interleaved[4] = {1, height, width, channels};
  memcpy(shape, spec->interleaved ? interleaved : planes, sizeof planes);
}

static void shape_text(const int64_t *dims, int rank, char *text, size_t size) {
  size_t used = 0;
  for (int i = 0; i < rank && used < size; i++)
    used +=
        (size_t)snprintf(text + used, size - used, "%s%.*lld", i ? "x" : "", dims[i] > 0 ? 1 : 0, (long long)dims[i]);
}

/* Compares the input that the file declares with the manifest. `*free_size`: a dimension is dynamic and must be set
 * before compiling. */
static sb_status compare_input(const sb_model_spec *spec, const sb_infer_onnx *onnx, bool *free_size, sb_error *error) {
  int64_t wanted[4];
  char takes[128] = "", says[128] = "";
  const sb_infer_onnx_value *input = &onnx->inputs[0];
  sb_model_spec_shape(spec, spec->width, spec->height, wanted);
  *free_size = false;
  if (onnx->input_count != 1)
    return sb_fail(error, SB_MODEL, "the model %s has %zu inputs; only models with one input are supported", spec->name,
                   onnx->input_count);
  bool fits = input->rank == 4;
  for (int i = 0; fits && i < 4; i++) {
    if (input->dims[i] <= 0) *free_size = true;
    fits = input->dims[i] <= 0 || input->dims[i] == wanted[i];
  }
  if (fits) return SB_OK;
  if (input->rank < 0) return *free_size = true, SB_OK;
  shape_text(input->dims, input->rank, takes, sizeof takes);
  shape_text(wanted, 4, says, sizeof says);
  return sb_fail(error, SB_MODEL,
                 "the input of the model %s is %s, but its manifest says %s; correct width, height, channels or layout",
                 spec->name, takes, says);
}

sb_status sb_model_load(sb_infer_runtime *runtime, const sb_model_spec *spec, const sb_model_input *input,
                        sb_infer_model **out, sb_error *error) {
  int64_t shape[4];
  bool free_size = false;
  sb_infer_onnx *onnx = sb_alloc(1, sizeof *onnx, error);
  if (!onnx) return SB_NO_MEMORY;
  sb_status status = sb_infer_onnx_inspect(spec->path, onnx, error);
  if (status == SB_OK) status = compare_input(spec, onnx, &free_size, error);
  free(onnx);
  if (status != SB_OK) return status;
  bool resized = input && input->width;
  sb_model_spec_shape(spec, resized ? input->width : spec->width, resized ? input->height : spec->height, shape);
  const sb_infer_model_config config = {.struct_size = sizeof config,
                                        .path = spec->path,
                                        .digest = spec->sha256,
                                        .shape = resized || free_size ? shape : NULL,
                                        .bf16 = spec->bf16,
                                        .streams = input ? input->streams : 0};
  return sb_infer_model_open(runtime, &config, out, error);
}

sb_status sb_model_check_digest(const sb_model_spec *spec, sb_error *error) {
  uint8_t digest[SB_DIGEST_SIZE];
  char hex[2 * SB_DIGEST_SIZE + 1];
  sb_status status = sb_crypto_sha256_file(spec->path, digest, error);
  if (status != SB_OK) return status;
  sb_hex(digest, sizeof digest, hex);
  if (!strcmp(hex, spec->sha256)) return SB_OK;
  return sb_fail(error, SB_MODEL,
                 "the model file %s is damaged or has been replaced (SHA-256 %.12s..., expected %.12s...); run "
                 "script/setup",
                 spec->path, hex, spec->sha256);
}
