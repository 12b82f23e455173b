/* Inference (L1): compiles a model file and runs it, on OpenVINO's C API, which only infer.c includes.
 *
 *   runtime   one a process: shared, locked
 *   model     one compiled ONNX file: immutable, shared between threads
 *   session   one inference request with its tensors: one thread */
#ifndef SB_INFER_H
#define SB_INFER_H

#include "base/base.h"

typedef struct sb_infer_runtime sb_infer_runtime;
typedef struct sb_infer_runtime_config {
  size_t struct_size;
  const char *cache_dir; /* where compiled models are kept while they are used (cache.h); NULL: no cache */
  int streams;           /* sessions of a model that can run at the same time, at least 1; others wait for them */
  int threads;           /* shared by all of them; raised to `streams` when lower */
  const char *device;    /* as sb_infer_device_check takes it; NULL: "CPU" */
} sb_infer_runtime_config;
/* SB_MODEL names the devices that are available when `device` is not one of them. */
sb_status sb_infer_runtime_new(const sb_infer_runtime_config *config, sb_infer_runtime **out, sb_error *error);
void sb_infer_runtime_free(sb_infer_runtime *runtime); /* call it after all models are closed */

/* "CPU", "GPU" (the first one), "GPU.1" (one of several), "NPU", or "AUTO": a GPU if there is one, otherwise the CPU.
 * SB_INVALID: anything else. Whether the machine has the device is not looked at. */
sb_status sb_infer_device_check(const char *device, sb_error *error);
/* The devices that the runtime can use on this machine, such as "CPU, GPU". It loads their plugins and may start
 * threads, so a process that forks and goes on does not call it before. SB_MODEL. */
sb_status sb_infer_devices(char *out, size_t size, sb_error *error);

typedef struct sb_infer_model sb_infer_model;
typedef struct sb_infer_model_config {
  size_t struct_size;
  const char *path;     /* an ONNX file */
  const char *digest;   /* of its bytes, in hex: the name of its folder in the cache; NULL: do not cache */
  const int64_t *shape; /* the four dimensions of the input, set before compiling; NULL: those of the file */
  bool bf16;   /* compute in bf16 where the CPU supports it; otherwise in f32: scores do not depend on the machine */
  int streams; /* sessions that can run at the same time; each costs memory of its own. 0: as many as the runtime's */
} sb_infer_model_config;
/* Compiles a model. SB_MODEL with the runtime's reason. */
sb_status sb_infer_model_open(sb_infer_runtime *runtime, const sb_infer_model_config *config, sb_infer_model **out,
                              sb_error *error);
void sb_infer_model_close(sb_infer_model *model); /* call it after all its sessions are freed */

typedef struct sb_infer_session sb_infer_session;
sb_status sb_infer_session_new(const sb_infer_model *model, sb_infer_session **out, sb_error *error);
void sb_infer_session_free(sb_infer_session *session);
/* Makes the input tensor use the caller's memory, which sessions that never run at the same time may share. `memory`
 * has room for `count` float32, at least as many as the input, and outlives the session. SB_MODEL. */
sb_status sb_infer_session_use_input(sb_infer_session *session, float *memory, size_t count, sb_error *error);
/* The memory of the input tensor: `*count` float32, valid for the session's life. */
float *sb_infer_session_input(sb_infer_session *session, size_t *count);
sb_status sb_infer_session_run(sb_infer_session *session, sb_error *error);
/* The output called `name`: `*count` float32, valid until the next run; NULL: no float32 output of that name. */
const float *sb_infer_session_output(const sb_infer_session *session, const char *name, size_t *count);

const char *sb_infer_version(void); /* of OpenVINO; a static string */

#endif
