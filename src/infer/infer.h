/* L1: a model file -> numbers. Open, run, close over OpenVINO's C API, which only infer.c may include. */
#ifndef SB_INFER_H
#define SB_INFER_H

#include "base/base.h"

/* Shared and locked: the runtime. One a process is enough. */
typedef struct sb_infer_runtime sb_infer_runtime;
typedef struct sb_infer_runtime_config {
  size_t struct_size;
  const char *cache_dir; /* compiled models are kept here, until nobody used them for long (cache.h); NULL: no cache */
  int streams;           /* how many sessions of a model run at the same time, at least 1 */
  int threads;           /* that all of them share; less than `streams`: as many as those */
} sb_infer_runtime_config;
sb_status sb_infer_runtime_new(const sb_infer_runtime_config *config, sb_infer_runtime **out, sb_error *error);
void sb_infer_runtime_free(sb_infer_runtime *runtime); /* after its models */

/* Immutable and shared: a compiled model, in f32 so that scores do not depend on the machine, unless bf16 is asked for. */
typedef struct sb_infer_model sb_infer_model;
/* `path`: ONNX. `digest`: of its bytes, in hex; what was compiled is kept under it; NULL: nothing is kept. `shape`: the four
 * dimensions that the input gets before compiling; NULL keeps the file's own. `bf16`: compute in it where the machine has it.
 * SB_MODEL with the runtime's reason. */
sb_status sb_infer_model_open(sb_infer_runtime *runtime, const char *path, const char *digest, const int64_t *shape,
                              bool bf16, sb_infer_model **out, sb_error *error);
void sb_infer_model_close(sb_infer_model *model); /* after its sessions */

/* One thread: an inference request of a model with its tensors. */
typedef struct sb_infer_session sb_infer_session;
sb_status sb_infer_session_new(const sb_infer_model *model, sb_infer_session **out, sb_error *error);
void sb_infer_session_free(sb_infer_session *session);
/* The input tensor's memory, float32, valid for the session's life; `count` floats. */
float *sb_infer_session_input(sb_infer_session *session, size_t *count);
sb_status sb_infer_session_run(sb_infer_session *session, sb_error *error);
/* The output named `name`, float32, valid until the next run; NULL when the model has none of that name. */
const float *sb_infer_session_output(const sb_infer_session *session, const char *name, size_t *count);

const char *sb_infer_version(void); /* of the runtime; static or cached for the process's life */

#endif
