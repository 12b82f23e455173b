/* A worker's sessions, and running a model for it: the lowest layer of worker.h.
 *
 * The compiled models belong to the pipeline and are shared; a session has the input and output memory of one model for
 * one worker. It is made when the worker first needs the model and lives as long as the worker, so that this
 * memory is not allocated for each photo. One thread at a time uses a worker: nothing here takes a lock. */
#include "face/worker.h"

#include <stdlib.h>
#include <string.h>

sb_status sb_worker_new(sb_pipeline *pipeline, sb_worker **out, sb_error *error) {
  sb_worker *worker = sb_alloc(1, sizeof *worker, error);
  if (!worker) return SB_NO_MEMORY;
  worker->pipeline = pipeline;
  worker->models = sb_pipeline_models(pipeline);
  *out = worker;
  return SB_OK;
}

void sb_worker_free(sb_worker *worker) {
  if (!worker) return;
  for (int slot = 0; slot < SB_SLOTS; slot++) sb_infer_session_free(worker->sessions[slot]);
  free(worker->large_input);
  free(worker);
}

/* Only one of the detector's larger inputs is used at a time, and each has 4 to 5 MB. */
static sb_status share_large_input(sb_worker *worker, sb_infer_session *session, sb_error *error) {
  if (!worker->large_input) {
    const sb_detector_spec *spec = &worker->models->detector;
    for (int i = 0; i < spec->shape_count; i++) {
      size_t numbers = (size_t)spec->shapes[i][0] * (size_t)spec->shapes[i][1] * 3;
      if (numbers > worker->large_count) worker->large_count = numbers;
    }
    worker->large_input = sb_alloc(worker->large_count, sizeof *worker->large_input, error);
    if (!worker->large_input) return SB_NO_MEMORY;
  }
  return sb_infer_session_use_input(session, worker->large_input, worker->large_count, error);
}

static sb_status new_session(sb_worker *worker, int slot, sb_infer_session **out, sb_error *error) {
  const sb_infer_model *model = NULL;
  sb_status status = sb_pipeline_model(worker->pipeline, slot, &model, error);
  if (status != SB_OK) return status;
  if ((status = sb_infer_session_new(model, out, error)) != SB_OK || slot < SB_SLOT_LARGE) return status;
  status = share_large_input(worker, *out, error);
  if (status == SB_OK) return SB_OK;
  sb_infer_session_free(*out);
  *out = NULL;
  return status;
}

sb_status sb_worker_session(sb_worker *worker, int slot, sb_infer_session **out, sb_error *error) {
  sb_status status = worker->sessions[slot] ? SB_OK : new_session(worker, slot, &worker->sessions[slot], error);
  if (status == SB_OK) *out = worker->sessions[slot];
  return status;
}

/* ---- Warming up */

enum { WARM_MAX = 4 + SB_ATTRIBUTE_MODELS_MAX + 1 };

/* Runs the model once on a blank input: the first run allocates the memory that later runs reuse. */
static sb_status warm(sb_worker *worker, sb_worker_model model, sb_error *error) {
  sb_infer_session *session = NULL;
  size_t room = 0;
  sb_status status = sb_worker_session(worker, model.slot, &session, error);
  if (status != SB_OK) return status;
  float *tensor = sb_infer_session_input(session, &room);
  memset(tensor, 0, room * sizeof *tensor);
  return sb_infer_session_run(session, error);
}

/* The models that a photo of this size and this `want` needs. Returns how many. */
static int models_for(const sb_models *m, unsigned want, int width, int height, sb_worker_model list[WARM_MAX]) {
  int n = 0;
  list[n++] = (sb_worker_model){SB_SLOT_SMALL, &m->detector.model};
  if (m->detector.has_large && !(want & SB_WANT_LARGEST_ONLY))
    list[n++] = (sb_worker_model){SB_SLOT_LARGE + sb_detector_shape(&m->detector, width, height), &m->detector.model};
  list[n++] = (sb_worker_model){SB_SLOT_VERIFY, &m->verifier.model};
  list[n++] = (sb_worker_model){SB_SLOT_LANDMARKS, &m->landmarks.model};
  if (want & SB_WANT_EMBEDDING) list[n++] = (sb_worker_model){SB_SLOT_EMBED, &m->embedder.model};
  int age = want & SB_WANT_AGE_LATER ? sb_attribute_age_model(m) : -1;
  for (int i = 0; i < m->attribute_count; i++)
    if (i == age || sb_attribute_model_wants(&m->attributes[i]) & want)
      list[n++] = (sb_worker_model){SB_SLOT_ATTRIBUTES + i, &m->attributes[i].model};
  return n;
}

sb_status sb_worker_warm(sb_worker *worker, unsigned want, int width, int height, sb_error *error) {
  sb_worker_model list[WARM_MAX];
  int count = models_for(worker->models, want, width, height, list);
  for (int i = 0; i < count; i++) {
    sb_status status = list[i].spec->path ? warm(worker, list[i], error) : SB_OK;
    if (status != SB_OK) return status;
  }
  return SB_OK;
}

/* ---- Running a model */

/* The session of the model and its input, which must have width x height pixels. */
static sb_status open_input(sb_worker *worker, sb_worker_model model, size_t pixels, sb_infer_session **session,
                            float **tensor, sb_error *error) {
  size_t room = 0, wanted = pixels * (model.spec->channels == SB_CHANNELS_GREY ? 1 : 3);
  sb_status status = sb_worker_session(worker, model.slot, session, error);
  if (status != SB_OK) return status;
  *tensor = sb_infer_session_input(*session, &room);
  if (room == wanted) return SB_OK;
  return sb_fail(error, SB_MODEL, "the input of the model %s has %zu numbers, but its manifest says %zu",
                 model.spec->name, room, wanted);
}

static sb_status run(sb_worker *worker, int slot, sb_infer_session *session, sb_error *error) {
  double start = sb_monotonic_ms();
  sb_status status = sb_infer_session_run(session, error);
  sb_pipeline_add_time(worker->pipeline, slot, sb_monotonic_ms() - start);
  return status;
}

sb_status sb_worker_run(sb_worker *worker, sb_worker_model model, const sb_image *image, int tensor_width,
                        int tensor_height, sb_infer_session **session, sb_error *error) {
  float *tensor = NULL;
  size_t pixels = (size_t)tensor_width * (size_t)tensor_height;
  sb_status status = open_input(worker, model, pixels, session, &tensor, error);
  if (status != SB_OK) return status;
  sb_tensor_fill(model.spec, image->pixels, image->width, image->height, tensor, tensor_width, tensor_height);
  return run(worker, model.slot, *session, error);
}

sb_status sb_worker_run_picture(sb_worker *worker, sb_worker_model model, const float *rgb, sb_infer_session **session,
                                sb_error *error) {
  float *tensor = NULL;
  size_t pixels = (size_t)model.spec->width * (size_t)model.spec->height;
  sb_status status = open_input(worker, model, pixels, session, &tensor, error);
  if (status != SB_OK) return status;
  sb_tensor_fill_picture(model.spec, rgb, tensor);
  return run(worker, model.slot, *session, error);
}

sb_status sb_worker_run_on_crop(sb_worker *worker, sb_worker_model model, const sb_image *image,
                                const sb_square *square, sb_infer_session **session, sb_error *error) {
  int width = model.spec->width, height = model.spec->height;
  double map[6];
  sb_image crop = {width, height, width, height, sb_alloc((size_t)width * (size_t)height, 3, error), 0};
  if (!crop.pixels) return SB_NO_MEMORY;
  sb_square_map(square, width, map);
  sb_status status = sb_image_warp(image, map, SB_IMAGE_BORDER_ZERO, crop.pixels, width, height, error);
  if (status == SB_OK) status = sb_worker_run(worker, model, &crop, width, height, session, error);
  sb_image_free(&crop);
  return status;
}

sb_status sb_worker_run_on_aligned(sb_worker *worker, sb_worker_model model, const sb_alignment *alignment,
                                   const sb_image *image, const sb_align_face *face, sb_infer_session **session,
                                   sb_error *error) {
  sb_align_picture picture = {.width = model.spec->width, .height = model.spec->height};
  picture.rgb = sb_alloc((size_t)picture.width * (size_t)picture.height, 3 * sizeof *picture.rgb, error);
  if (!picture.rgb) return SB_NO_MEMORY;
  sb_status status = sb_align(image, alignment, face, &picture, error);
  if (status == SB_OK) status = sb_worker_run_picture(worker, model, picture.rgb, session, error);
  free(picture.rgb);
  return status;
}

sb_status sb_worker_output(const sb_infer_session *session, const sb_model_spec *spec, const char *name, size_t least,
                           const float **values, size_t *count, sb_error *error) {
  size_t got = 0;
  *values = sb_infer_session_output(session, name, &got);
  if (count) *count = got;
  if (*values && got >= least) return SB_OK;
  return sb_fail(error, SB_MODEL, "the model %s has no output '%s' of at least %zu numbers", spec->name, name, least);
}
