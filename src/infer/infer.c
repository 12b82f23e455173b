/* OpenVINO behind infer.h. No other file may include its header, because its enums define short names (OK, F32, U8
 * ...). */
#include "infer/infer.h"
#include "infer/cache.h"
#include "infer/denormals.h"

#include <errno.h>
#include <fcntl.h>
#include <openvino/c/openvino.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PROPERTIES_MAX = 8, DEVICE_SIZE = 16 };

struct sb_infer_runtime {
  ov_core_t *core;
  char *cache_dir;
  char device[DEVICE_SIZE]; /* never AUTO */
  int streams, threads;
};

struct sb_infer_model {
  ov_compiled_model_t *compiled;
};

struct sb_infer_session {
  ov_infer_request_t *request;
  ov_tensor_t *input;
  float *input_data;
  size_t input_count;
};

/* Most OpenVINO calls fail with -1, and only the last error text of the process says why; after two simultaneous
 * failures both messages may quote the later one. */
static sb_status failed(sb_error *error, const char *what, const char *about) {
  const char *reason = ov_get_last_err_msg();
  char line[200] = "no reason was given";
  if (reason && *reason) snprintf(line, sizeof line, "%s", reason);
  ov_free(reason);
  for (char *c = line; *c; c++)
    if (*c == '\n' || *c == '\r') *c = ' ';
  bool memory = strstr(line, "bad_alloc") || strstr(line, "allocate"); /* it has no code of its own for this */
  return sb_fail(error, memory ? SB_NO_MEMORY : SB_MODEL, "the inference runtime could not %s %s: %s", what, about,
                 line);
}

const char *sb_infer_version(void) {
  return SB_OPENVINO_VERSION;
}

/* OpenVINO generates AVX code on x86-64 without checking for it. */
static bool processor_fits(void) {
#if defined(__x86_64__)
  return __builtin_cpu_supports("avx");
#else
  return true;
#endif
}

/* ---- Devices */

/* "GPU." and one or two digits: the number of one of several. */
static bool is_numbered_gpu(const char *device) {
  if (strncmp(device, "GPU.", 4) != 0) return false;
  size_t digits = strspn(device + 4, "0123456789");
  return (digits == 1 || digits == 2) && !device[4 + digits];
}

sb_status sb_infer_device_check(const char *device, sb_error *error) {
  static const char *const names[] = {"CPU", "GPU", "NPU", "AUTO"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (!strcmp(device, names[i])) return SB_OK;
  if (is_numbered_gpu(device)) return SB_OK;
  return sb_fail(error, SB_INVALID, "--device is CPU, GPU, GPU.1 (one of several), NPU or AUTO, not '%.40s'", device);
}

/* The runtime calls a device GPU, or GPU.0 and GPU.1 where there are several; GPU is then the first. */
static bool has_device(const ov_available_devices_t *list, const char *wanted) {
  size_t family = strcspn(wanted, ".");
  bool first = !strcmp(wanted + family, ".0");
  for (size_t i = 0; i < list->size; i++) {
    const char *name = list->devices[i];
    if (!strcmp(name, wanted)) return true;
    if (!wanted[family] && !strncmp(name, wanted, family) && name[family] == '.') return true;
    if (first && !strncmp(name, wanted, family) && !name[family]) return true;
  }
  return false;
}

static void join_devices(const ov_available_devices_t *list, char *out, size_t size) {
  size_t used = 0;
  *out = 0;
  for (size_t i = 0; i < list->size && used < size; i++)
    used += (size_t)snprintf(out + used, size - used, "%s%s", i ? ", " : "", list->devices[i]);
}

/* AUTO never chooses an NPU: these compute in 16 bits, for which no model is calibrated. */
static sb_status choose_device(sb_infer_runtime *runtime, const char *wanted, sb_error *error) {
  ov_available_devices_t list = {0};
  char names[128];
  if (ov_core_get_available_devices(runtime->core, &list)) return failed(error, "list", "the devices");
  if (!strcmp(wanted, "AUTO")) wanted = has_device(&list, "GPU") ? "GPU" : "CPU";
  bool found = has_device(&list, wanted);
  snprintf(runtime->device, sizeof runtime->device, "%s", wanted);
  join_devices(&list, names, sizeof names);
  ov_available_devices_free(&list);
  if (found) return SB_OK;
  return sb_fail(error, SB_MODEL, "the device %s of --device is not available; available here: %s (docs/install.md)",
                 runtime->device, names);
}

sb_status sb_infer_devices(char *out, size_t size, sb_error *error) {
  ov_core_t *core = NULL;
  ov_available_devices_t list = {0};
  if (ov_core_create(&core)) return failed(error, "start", "its core");
  sb_status status = ov_core_get_available_devices(core, &list) ? failed(error, "list", "the devices") : SB_OK;
  if (status == SB_OK) {
    join_devices(&list, out, size);
    ov_available_devices_free(&list);
  }
  ov_core_free(core);
  return status;
}

/* ---- Runtime */

/* The CPU is always available, so the list of devices, which loads all plugins, is not needed for it. */
static sb_status use_device(sb_infer_runtime *runtime, const char *device, sb_error *error) {
  if (device && strcmp(device, "CPU") != 0) {
    sb_status status = sb_infer_device_check(device, error);
    return status == SB_OK ? choose_device(runtime, device, error) : status;
  }
  snprintf(runtime->device, sizeof runtime->device, "CPU");
  return SB_OK;
}

sb_status sb_infer_runtime_new(const sb_infer_runtime_config *config, sb_infer_runtime **out, sb_error *error) {
  if (!processor_fits())
    return sb_fail(error, SB_MODEL,
                   "this processor does not support AVX, which the inference runtime needs; use a processor that does");
  sb_infer_runtime *runtime = sb_alloc(1, sizeof *runtime, error);
  if (!runtime) return SB_NO_MEMORY;
  runtime->streams = config->streams > 0 ? config->streams : 1;
  runtime->threads = config->threads > runtime->streams ? config->threads : runtime->streams;
  sb_status status = SB_OK;
  if (config->cache_dir &&
      sb_dir_make(config->cache_dir, NULL) == SB_OK) { /* without a cache, opening is slower, but works */
    runtime->cache_dir = sb_strdup(config->cache_dir, error);
    if (!runtime->cache_dir) status = SB_NO_MEMORY;
  }
  if (status == SB_OK && ov_core_create(&runtime->core)) status = failed(error, "start", "its core");
  if (status == SB_OK) status = use_device(runtime, config->device, error);
  if (status == SB_OK)
    *out = runtime;
  else
    sb_infer_runtime_free(runtime);
  return status;
}

void sb_infer_runtime_free(sb_infer_runtime *runtime) {
  if (!runtime) return;
  if (runtime->core) ov_core_free(runtime->core);
  free(runtime->cache_dir);
  free(runtime);
}

/* The properties of a model that is compiled. */
typedef struct compile_settings {
  ov_property_t properties[PROPERTIES_MAX];
  size_t count;
  char streams[16], threads[16];
} compile_settings;

static void set_property(compile_settings *settings, const char *name, const char *value) {
  settings->properties[settings->count++] = (ov_property_t){name, value};
}

/* f32 is set explicitly, because by default OpenVINO uses 16 bits where the device supports them, which changes scores:
 * by up to 0.021 on a CPU. An NPU has only 16 bits. On the CPU there are at least as many threads as streams; with
 * fewer, requests of one model wait for each other. A device refuses properties that it does not have. */
static void set_properties(const sb_infer_runtime *runtime, const sb_infer_model_config *config, const char *cache,
                           compile_settings *out) {
  int streams = config->streams > 0 ? config->streams : runtime->streams;
  int threads = runtime->threads * streams / runtime->streams; /* each stream has its share of the threads */
  bool cpu = !strcmp(runtime->device, "CPU"), npu = !strcmp(runtime->device, "NPU");
  snprintf(out->streams, sizeof out->streams, "%d", streams);
  snprintf(out->threads, sizeof out->threads, "%d", threads > streams ? threads : streams);
  out->count = 0;
  if (!npu) set_property(out, "INFERENCE_PRECISION_HINT", !config->bf16 ? "f32" : cpu ? "bf16" : "f16");
  if (!npu) set_property(out, "NUM_STREAMS", out->streams);
  if (cpu) set_property(out, "INFERENCE_NUM_THREADS", out->threads);
  if (cpu) set_property(out, "ENABLE_CPU_PINNING", "NO"); /* pinning costs two system calls a run */
  if (cache) set_property(out, "CACHE_DIR", cache);
}

static sb_status reshape(ov_model_t *model, const int64_t *dims, const char *path, sb_error *error) {
  ov_partial_shape_t shape;
  if (ov_partial_shape_create_static(4, dims, &shape)) return failed(error, "shape", path);
  sb_status status = ov_model_reshape_single_input(model, shape) ? failed(error, "reshape", path) : SB_OK;
  ov_partial_shape_free(&shape);
  return status;
}

static sb_status read_and_compile(sb_infer_runtime *runtime, const sb_infer_model_config *config, const char *cache,
                                  sb_infer_model *model, sb_error *error) {
  compile_settings settings;
  set_properties(runtime, config, cache, &settings);
  if (!config->shape) {
    if (ov_core_compile_model_from_file_props(runtime->core, config->path, runtime->device, settings.count,
                                              settings.properties, &model->compiled))
      return failed(error, "load", config->path);
    return SB_OK;
  }
  ov_model_t *graph = NULL;
  if (ov_core_read_model(runtime->core, config->path, "", &graph)) return failed(error, "read", config->path);
  sb_status status = reshape(graph, config->shape, config->path, error);
  if (status == SB_OK && ov_core_compile_model_props(runtime->core, graph, runtime->device, settings.count,
                                                     settings.properties, &model->compiled))
    status = failed(error, "load", config->path);
  ov_model_free(graph);
  return status;
}

/* With several streams a model runs in threads of the runtime, which are started here and inherit the mode; with one
 * stream it runs in the caller of sb_infer_session_run. The runtime's own property, CPU_DENORMALS_OPTIMIZATION, is not
 * used: it has no effect on a model that comes from the cache. */
static sb_status compile(sb_infer_runtime *runtime, const sb_infer_model_config *config, const char *cache,
                         sb_infer_model *model, sb_error *error) {
  uint64_t mode = sb_infer_denormals_flush();
  sb_status status = read_and_compile(runtime, config, cache, model, error);
  sb_infer_denormals_restore(mode);
  return status;
}

/* The cache folder of one model, named by its digest. OpenVINO identifies a file only by its path and its time in
 * seconds, so it would take a replaced file for the previous one. NULL: no cache. */
static char *cache_folder(const sb_infer_runtime *runtime, const char *digest) {
  char *folder = runtime->cache_dir && digest ? sb_path_join(runtime->cache_dir, digest, NULL) : NULL;
  if (!folder || sb_dir_make(folder, NULL) == SB_OK) return folder;
  free(folder);
  return NULL;
}

/* Waits until no other thread or process uses the folder: OpenVINO writes a compiled model in place, and can crash
 * while it reads one that is half written. Returns a file to be closed; -1: the folder cannot be locked, and is used
 * without. */
static int lock_folder(const char *folder) {
  int file = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (file < 0) return -1;
  int failed_to = 0;
  while ((failed_to = flock(file, LOCK_EX)) && errno == EINTR) {
  }
  if (!failed_to) return file;
  close(file);
  return -1;
}

/* When the contents of a folder last changed. */
static struct timespec folder_time(const char *folder) {
  struct stat about;
  return stat(folder, &about) ? (struct timespec){0} : about.st_mtim;
}

/* Something was compiled, as after an update: delete what is no longer used. */
static void clean_if_grown(const sb_infer_runtime *runtime, const char *cache, struct timespec before) {
  struct timespec now = folder_time(cache);
  if (now.tv_sec == before.tv_sec && now.tv_nsec == before.tv_nsec) return;
  sb_infer_cache_clean(runtime->cache_dir, time(NULL) - (time_t)SB_INFER_CACHE_UNUSED_DAYS * 24 * 3600);
}

sb_status sb_infer_model_open(sb_infer_runtime *runtime, const sb_infer_model_config *config, sb_infer_model **out,
                              sb_error *error) {
  sb_infer_model *model = sb_alloc(1, sizeof *model, error);
  if (!model) return SB_NO_MEMORY;
  char *cache = cache_folder(runtime, config->digest);
  int lock = cache ? lock_folder(cache) : -1;
  struct timespec before = cache ? folder_time(cache) : (struct timespec){0};
  sb_status status = compile(runtime, config, cache, model, error);
  if (lock >= 0) close(lock);
  if (status == SB_OK && cache) clean_if_grown(runtime, cache, before);
  /* Retry without the cache, which may be damaged or not writable. */
  if (status != SB_OK && cache) status = compile(runtime, config, NULL, model, error);
  free(cache);
  if (status == SB_OK)
    *out = model;
  else
    sb_infer_model_close(model);
  return status;
}

void sb_infer_model_close(sb_infer_model *model) {
  if (!model) return;
  if (model->compiled) ov_compiled_model_free(model->compiled);
  free(model);
}

static sb_status float_data(ov_tensor_t *tensor, void **data, size_t *count, sb_error *error) {
  ov_element_type_e type;
  if (ov_tensor_get_element_type(tensor, &type) || ov_tensor_get_size(tensor, count) || ov_tensor_data(tensor, data))
    return failed(error, "read", "a tensor");
  if (type != F32) return sb_fail(error, SB_MODEL, "an input or output of the model is not float32");
  return SB_OK;
}

static sb_status open_session(const sb_infer_model *model, sb_infer_session *session, sb_error *error) {
  void *data = NULL;
  if (ov_compiled_model_create_infer_request(model->compiled, &session->request))
    return failed(error, "prepare", "a request");
  if (ov_infer_request_get_input_tensor(session->request, &session->input)) return failed(error, "bind", "the input");
  sb_status status = float_data(session->input, &data, &session->input_count, error);
  session->input_data = data;
  return status;
}

sb_status sb_infer_session_new(const sb_infer_model *model, sb_infer_session **out, sb_error *error) {
  sb_infer_session *session = sb_alloc(1, sizeof *session, error);
  if (!session) return SB_NO_MEMORY;
  sb_status status = open_session(model, session, error);
  if (status == SB_OK)
    *out = session;
  else
    sb_infer_session_free(session);
  return status;
}

void sb_infer_session_free(sb_infer_session *session) {
  if (!session) return;
  if (session->input) ov_tensor_free(session->input);
  if (session->request) ov_infer_request_free(session->request);
  free(session);
}

/* The runtime's own tensor is released when another one is set. */
static sb_status replace_input(sb_infer_session *session, float *memory, ov_tensor_t **out, sb_error *error) {
  ov_shape_t shape = {0};
  if (ov_tensor_get_shape(session->input, &shape)) return failed(error, "read", "a tensor");
  bool made = !ov_tensor_create_from_host_ptr(F32, shape, memory, out);
  ov_shape_free(&shape);
  if (!made || ov_infer_request_set_input_tensor(session->request, *out)) return failed(error, "bind", "the input");
  return SB_OK;
}

sb_status sb_infer_session_use_input(sb_infer_session *session, float *memory, size_t count, sb_error *error) {
  ov_tensor_t *tensor = NULL;
  if (count < session->input_count)
    return sb_fail(error, SB_MODEL, "the input has %zu numbers, but its memory has room for %zu", session->input_count,
                   count);
  sb_status status = replace_input(session, memory, &tensor, error);
  if (status != SB_OK) {
    if (tensor) ov_tensor_free(tensor);
    return status;
  }
  ov_tensor_free(session->input);
  session->input = tensor;
  session->input_data = memory;
  return SB_OK;
}

float *sb_infer_session_input(sb_infer_session *session, size_t *count) {
  *count = session->input_count;
  return session->input_data;
}

sb_status sb_infer_session_run(sb_infer_session *session, sb_error *error) {
  uint64_t mode = sb_infer_denormals_flush();
  sb_status status = ov_infer_request_infer(session->request) ? failed(error, "run", "a model") : SB_OK;
  sb_infer_denormals_restore(mode);
  return status;
}

/* Looked up by name each time: a tensor has several names where the graph contained identities, and OpenVINO knows all
 * of them. */
const float *sb_infer_session_output(const sb_infer_session *session, const char *name, size_t *count) {
  ov_tensor_t *tensor = NULL;
  void *data = NULL;
  if (ov_infer_request_get_tensor(session->request, name, &tensor)) return NULL;
  bool usable = float_data(tensor, &data, count, NULL) == SB_OK;
  ov_tensor_free(tensor); /* only the handle; the memory belongs to the request */
  return usable ? data : NULL;
}
