/* sb_model_probe: checks a model before it is accepted, in a child process.
 *
 * The checks, in this order: the file is present; its ONNX graph stays within the limits of infer/onnx.c; its SHA-256
 * is that of the manifest. Then the model is loaded and run on synthetic pictures: its input and outputs must have the
 * names and sizes that the manifest promises, every number must be finite, and an embedding model must not give the
 * same numbers for different pictures.
 *
 * A child process runs the model, because the inference runtime may crash, loop or take all memory on a damaged file.
 * The child has SECONDS_MAX seconds (SIGALRM ends it) and writes one struct `answer` into a pipe. A shorter answer, or
 * none, means that it crashed or ran out of time. The parent has not started the runtime when it forks. */
#include "face/registry.h"
#include "face/worker.h"
#include "infer/onnx.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SECONDS_MAX = 120, OUTPUTS_MAX = 4 * SB_LEVELS_MAX };

/* An output that the manifest names: it must have at least, or `exactly`, `count` numbers. */
typedef struct wanted_output {
  const char *name;
  size_t count;
  bool exactly;
} wanted_output;

static size_t of_detector(const sb_detector_spec *spec, wanted_output *out) {
  bool ssd = spec->family == SB_FAMILY_SSD;
  size_t n = 0;
  for (int l = 0; l < (ssd ? 1 : spec->levels); l++) {
    size_t priors = sb_detector_priors(spec, ssd ? -1 : l, spec->model.width, spec->model.height);
    out[n++] = (wanted_output){spec->scores[l], priors * (ssd ? (size_t)spec->score_columns : 1), true};
    out[n++] = (wanted_output){spec->locations[l], priors * 4, true};
    if (spec->family == SB_FAMILY_YUNET) out[n++] = (wanted_output){spec->objectness[l], priors, true};
    if (spec->has_points) out[n++] = (wanted_output){spec->points[l], priors * 10, true};
  }
  return n;
}

static size_t wanted_outputs(const sb_manifest *m, wanted_output out[OUTPUTS_MAX]) {
  size_t n = 0;
  switch (m->task) {
  case SB_TASK_DETECT: return of_detector(&m->spec.detector, out);
  case SB_TASK_VERIFY_FACE:
    out[n++] = (wanted_output){m->spec.verifier.output, (size_t)m->spec.verifier.index + 1, false};
    if (*m->spec.verifier.points) out[n++] = (wanted_output){m->spec.verifier.points, 10, true};
    break;
  case SB_TASK_LANDMARKS:
    out[n++] = (wanted_output){m->spec.landmarks.output, (size_t)m->spec.landmarks.points * 2, true};
    break;
  case SB_TASK_EMBED: out[n++] = (wanted_output){m->spec.embedder.output, m->spec.embedder.info.dim, true}; break;
  case SB_TASK_ATTRIBUTES:
    for (int a = 0; a < SB_ATTRIBUTES; a++) {
      const sb_attribute_output *o = &m->spec.attributes.outputs[a];
      bool several = o->class_count > 1;
      if (o->there) out[n++] = (wanted_output){o->output, several ? (size_t)o->class_count : 1, several};
    }
    break;
  }
  return n;
}

static sb_status check_output(const sb_manifest *m, const sb_infer_session *session, const wanted_output *wanted,
                              double *sum, sb_error *error) {
  size_t count = 0;
  const char *name = m->spec.model.name;
  const float *values = sb_infer_session_output(session, wanted->name, &count);
  if (!values) return sb_fail(error, SB_MODEL, "the model %s has no output '%s' of type float32", name, wanted->name);
  if (count < wanted->count || (wanted->exactly && count != wanted->count))
    return sb_fail(error, SB_MODEL, "the output '%s' of the model %s has %zu numbers, but its manifest says %s%zu",
                   wanted->name, name, count, wanted->exactly ? "" : "at least ", wanted->count);
  for (size_t i = 0; i < count; i++) {
    if (!isfinite(values[i]))
      return sb_fail(error, SB_MODEL, "the output '%s' of the model %s is not finite (NaN or infinite)", wanted->name,
                     name);
    *sum += values[i] * (1 + (double)(i % 7)); /* a weighted sum, to recognise equal outputs */
  }
  return SB_OK;
}

/* A synthetic picture, different in each round: smooth waves, like a photo, with some noise. */
static void make_picture(uint8_t *rgb, int width, int height, size_t round) {
  uint32_t noise = 12345 + (uint32_t)round;
  for (int y = 0; y < height; y++) {
    for (int x = 0; x < width; x++) {
      for (int c = 0; c < 3; c++) {
        noise = noise * 1664525 + 1013904223;
        double wave =
            sin((x * (2 + c) + 3.0 * (double)round) * 3.1 / width) * cos((y + 5.0 * (double)round) * 4.7 / height);
        *rgb++ = (uint8_t)(128 + 90 * wave + (noise >> 28));
      }
    }
  }
}

static int by_value(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static sb_status run_round(const sb_manifest *m, sb_infer_session *session, uint8_t *rgb, size_t round, double *ms,
                           double *sum, sb_error *error) {
  const sb_model_spec *spec = &m->spec.model;
  size_t room = 0, wanted = (size_t)spec->width * (size_t)spec->height * (spec->channels == SB_CHANNELS_GREY ? 1 : 3);
  float *tensor = sb_infer_session_input(session, &room);
  if (room != wanted)
    return sb_fail(error, SB_MODEL, "the input of the model %s has %zu numbers, but its manifest says %zu", spec->name,
                   room, wanted);
  make_picture(rgb, spec->width, spec->height, round);
  sb_tensor_fill(spec, rgb, spec->width, spec->height, tensor, spec->width, spec->height);
  double start = sb_monotonic_ms();
  sb_status status = sb_infer_session_run(session, error);
  *ms = sb_monotonic_ms() - start;
  wanted_output outputs[OUTPUTS_MAX];
  size_t count = wanted_outputs(m, outputs);
  for (size_t i = 0; status == SB_OK && i < count; i++) status = check_output(m, session, &outputs[i], sum, error);
  return status;
}

static sb_status run_rounds(const sb_manifest *m, sb_infer_session *session, size_t rounds, double *median,
                            sb_error *error) {
  const sb_model_spec *spec = &m->spec.model;
  uint8_t *rgb = sb_alloc((size_t)spec->width * (size_t)spec->height, 3, error);
  double *times = sb_alloc(rounds, sizeof *times, error), first = 0;
  sb_status status = rgb && times ? SB_OK : SB_NO_MEMORY;
  bool differs = false;
  for (size_t i = 0; status == SB_OK && i < rounds; i++) {
    double sum = 0;
    status = run_round(m, session, rgb, i, &times[i], &sum, error);
    if (!i) first = sum;
    differs = differs || sum != first;
  }
  if (status == SB_OK && m->task == SB_TASK_EMBED && !differs)
    status = sb_fail(error, SB_MODEL, "the model %s gives the same numbers for every picture", spec->name);
  if (status == SB_OK) {
    qsort(times, rounds, sizeof *times, by_value);
    *median = times[rounds / 2];
  }
  free(rgb);
  free(times);
  return status;
}

static sb_status load_and_run(sb_infer_runtime *runtime, const sb_manifest *m, size_t rounds,
                              sb_model_probe_result *out, sb_error *error) {
  sb_infer_model *model = NULL;
  sb_infer_session *session = NULL;
  double start = sb_monotonic_ms();
  sb_status status = sb_model_load(runtime, &m->spec.model, NULL, &model, error);
  if (status != SB_OK) return status;
  status = sb_infer_session_new(model, &session, error);
  out->load_ms = sb_monotonic_ms() - start;
  if (status == SB_OK) status = run_rounds(m, session, rounds, &out->run_ms, error);
  sb_infer_session_free(session);
  sb_infer_model_close(model);
  return status;
}

static sb_status probe_in_process(const sb_manifest *m, const char *cache_dir, size_t rounds,
                                  sb_model_probe_result *out, sb_error *error) {
  const sb_infer_runtime_config config = {.struct_size = sizeof config, .cache_dir = cache_dir, .streams = 1};
  sb_infer_runtime *runtime = NULL;
  double start = sb_monotonic_ms();
  sb_status status = sb_infer_runtime_new(&config, &runtime, error);
  if (status != SB_OK) return status;
  double started_ms = sb_monotonic_ms() - start;
  status = load_and_run(runtime, m, rounds, out, error);
  out->load_ms += started_ms;
  sb_infer_runtime_free(runtime);
  return status;
}

typedef struct answer {
  sb_status status;
  sb_model_probe_result trial;
  sb_error error;
} answer;

static sb_status read_answer(int from, pid_t child, const char *name, answer *out, sb_error *error) {
  size_t got = 0;
  ssize_t part = 1;
  while (got < sizeof *out && part != 0) {
    part = read(from, (char *)out + got, sizeof *out - got);
    if (part < 0 && errno != EINTR) break;
    if (part > 0) got += (size_t)part;
  }
  int state = 0;
  while (waitpid(child, &state, 0) < 0 && errno == EINTR) {
  }
  if (got == sizeof *out) return SB_OK;
  if (WIFSIGNALED(state) && WTERMSIG(state) == SIGALRM)
    return sb_fail(error, SB_MODEL, "the model %s took more than %d seconds to load and run", name, SECONDS_MAX);
  return sb_fail(error, SB_MODEL, "the inference runtime crashed on the model %s; its file is damaged or not supported",
                 name);
}

/* Forks before the runtime is used: it starts threads, which do not survive a fork. */
static sb_status probe_in_child(const sb_manifest *m, const char *cache_dir, size_t rounds, sb_model_probe_result *out,
                                sb_error *error) {
  int ends[2];
  answer reply = {0};
  if (pipe(ends)) return sb_fail_errno(error, errno, "open a pipe for", "probing the model");
  fflush(NULL);
  pid_t child = fork();
  if (child < 0) {
    int cause = errno;
    close(ends[0]);
    close(ends[1]);
    return sb_fail_errno(error, cause, "start a process for", "probing the model");
  }
  if (child == 0) {
    close(ends[0]);
    alarm(SECONDS_MAX);
    reply.status = probe_in_process(m, cache_dir, rounds, &reply.trial, &reply.error);
    _exit(write(ends[1], &reply, sizeof reply) == (ssize_t)sizeof reply ? 0 : 1);
  }
  close(ends[1]);
  sb_status status = read_answer(ends[0], child, m->spec.model.name, &reply, error);
  close(ends[0]);
  if (status != SB_OK) return status;
  if (reply.status != SB_OK) return sb_fail(error, reply.status, "%s", reply.error.message);
  *out = reply.trial;
  return SB_OK;
}

sb_status sb_model_probe(const sb_manifest *manifest, const char *cache_dir, size_t rounds, sb_model_probe_result *out,
                         sb_error *error) {
  const sb_model_spec *spec = &manifest->spec.model;
  if (!spec->path)
    return sb_fail(error, SB_MODEL, "the model file %s is not beside its manifest; put it into the same folder",
                   manifest->file);
  sb_infer_onnx *onnx = sb_alloc(1, sizeof *onnx, error);
  if (!onnx) return SB_NO_MEMORY;
  /* Before the digest: an empty or truncated file deserves a more specific message. */
  sb_status status = sb_infer_onnx_inspect(spec->path, onnx, error);
  free(onnx);
  if (status != SB_OK) return status;
  if ((status = sb_model_check_digest(spec, error)) != SB_OK) return status;
  return probe_in_child(manifest, cache_dir, rounds < 2 ? 2 : rounds, out, error);
}
