/* Inspects an ONNX file before OpenVINO loads it: the bytes are untrusted, and some files must be refused. */
#ifndef SB_INFER_ONNX_H
#define SB_INFER_ONNX_H

#include "base/base.h"

enum { SB_ONNX_VALUES_MAX = 64, SB_ONNX_RANK_MAX = 8, SB_ONNX_OPSET_LEAST = 7, SB_ONNX_OPSET_MOST = 23 };

typedef struct sb_infer_onnx_value {
  char name[64];                  /* truncated where longer */
  int rank;                       /* -1: unknown */
  int64_t dims[SB_ONNX_RANK_MAX]; /* 0: dynamic */
} sb_infer_onnx_value;
typedef struct sb_infer_onnx {
  int64_t opset;
  size_t input_count, output_count; /* inputs: without constants */
  sb_infer_onnx_value inputs[SB_ONNX_VALUES_MAX], outputs[SB_ONNX_VALUES_MAX];
} sb_infer_onnx;

/* SB_MODEL: empty, truncated, not ONNX, an unsupported operator set, or weights in another file ("external data"),
 * which are refused wherever that file is, because a model is one file with one digest. */
sb_status sb_infer_onnx_inspect(const char *path, sb_infer_onnx *out, sb_error *error);

#endif
