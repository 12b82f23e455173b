/* What an ONNX file says of itself, read before the runtime is shown the file: its bytes are hostile until looked at. */
#ifndef SB_INFER_ONNX_H
#define SB_INFER_ONNX_H

#include "base/base.h"

enum { SB_ONNX_VALUES_MAX = 64, SB_ONNX_RANK_MAX = 8, SB_ONNX_OPSET_LEAST = 7, SB_ONNX_OPSET_MOST = 23 };

typedef struct sb_infer_onnx_value {
  char name[64];                  /* cut where longer */
  int rank;                       /* -1: not told */
  int64_t dims[SB_ONNX_RANK_MAX]; /* 0: not fixed */
} sb_infer_onnx_value;
typedef struct sb_infer_onnx {
  int64_t opset;
  size_t input_count, output_count; /* inputs: those that are no constants */
  sb_infer_onnx_value inputs[SB_ONNX_VALUES_MAX], outputs[SB_ONNX_VALUES_MAX];
} sb_infer_onnx;

/* SB_MODEL: empty, cut short, no ONNX, of an operator set that is not read, or with weights in another file: those are refused
 * wherever they lie, since a model is one file with one digest. */
sb_status sb_infer_onnx_inspect(const char *path, sb_infer_onnx *out, sb_error *error);

#endif
