/* Doctor: the pipeline, and every model that is present. Each model is loaded and run in a process of its own. */
#include "cli/commands/doctor/doctor.h"

#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 2 }; /* a model runs so often */

/* Counts a model that works in `*good`. Returns false if its file is not present. */
static bool try_model(sb_cli_doctor *doctor, const sb_model_info *model, size_t *good) {
  sb_error error = {0};
  if (*model->problem) {
    sb_cli_doctor_wrong(doctor, "models", "correct the manifest, or `semblance models remove` it", "%s: %s",
                        model->name, model->problem);
    return true;
  }
  if (!model->file_size) return false;
  if (sb_model_check(&doctor->options, model->name, ROUNDS, NULL, NULL, &error) == SB_OK)
    ++*good;
  else
    sb_cli_doctor_wrong(doctor, "models", "fetch it again with script/setup, or `semblance models add` if it was added",
                        "%s: %s", model->name, error.message);
  return true;
}

/* The manifests and files of the pipeline, and the embedding model that --model names. */
static void check_pipeline(sb_cli_doctor *doctor, char embedder[64]) {
  sb_error error = {0};
  const char *name = doctor->options.pipeline;
  bool has_age = false;
  sb_status status = sb_diagnostics_pipeline(&doctor->options, doctor->folder, embedder, &has_age, &error);
  if (status == SB_OK)
    sb_cli_doctor_ok(doctor, "models", "the pipeline %s is complete; its embedding model is %s; OpenVINO %s",
                     name ? name : "default", embedder, sb_diagnostics_openvino());
  else if (status == SB_NOT_FOUND)
    sb_cli_doctor_wrong(doctor, "models", "choose another --model, or fetch it: script/models, `semblance models add`",
                        "%s", error.message);
  else
    sb_cli_doctor_wrong(doctor, "models", "fetch the models (script/setup), or name their folders with --models", "%s",
                        error.message);
  if (status == SB_OK && !has_age && doctor->options.children == SB_CHILDREN_UNSURE)
    sb_cli_doctor_warning(doctor, "models", "use --pipeline default, or add a model of the attribute age to this one",
                          "the pipeline %s has no model that estimates ages: children are matched like adults, and "
                          "they are confused far more often",
                          name ? name : "default");
}

/* Published thresholds of a model that nobody has calibrated. */
static void check_thresholds(sb_cli_doctor *doctor, const char *embedder, const sb_model_info *models, size_t count) {
  for (size_t i = 0; i < count; i++) {
    bool used = !*models[i].problem && models[i].dim && !strcmp(models[i].name, embedder);
    if (used && !models[i].calibrated && !doctor->options.calibration)
      sb_cli_doctor_warning(
          doctor, "models", "measure it on your own photos: `semblance eval --calibrate`, --calibration",
          "the thresholds of %s are as published, not measured here: no false match rate is known", embedder);
  }
}

static void check_liveness(sb_cli_doctor *doctor) {
  static const char fix[] = "install MiniFASNet: script/models minifasnet";
  sb_engine_liveness found;
  if (doctor->options.liveness == SB_LIVENESS_OFF) return;
  if (sb_diagnostics_liveness(&doctor->options, doctor->folder, &found, NULL) != SB_OK) return; /* reported above */
  if (!found.count)
    sb_cli_doctor_warning(doctor, "models", fix, "--liveness has no effect: the pipeline has no model of liveness");
  else if (found.experimental)
    sb_cli_doctor_warning(doctor, "models", fix,
                          "passive liveness is estimated by %s, which refuses many photos of real people "
                          "(docs/accuracy.md)",
                          found.names);
  else
    sb_cli_doctor_ok(doctor, "models", "passive liveness is decided by %s", found.names);
}

void sb_cli_doctor_check_device(sb_cli_doctor *doctor) {
  const char *device = doctor->options.device ? doctor->options.device : "CPU";
  sb_error error = {0};
  char available[128] = "";
  if (sb_diagnostics_device(device, available, &error) != SB_OK) {
    sb_cli_doctor_wrong(doctor, "device",
                        "name an available device with --device, or install the runtime's plugin and the driver of "
                        "this one (docs/install.md)",
                        "%s", error.message);
    return;
  }
  sb_cli_doctor_ok(doctor, "device", "the models run on %s; available: %s", device, available);
  if (!strcmp(device, "NPU"))
    sb_cli_doctor_warning(
        doctor, "device", "measure it on your own photos: `semblance eval --calibrate`, --calibration",
        "an NPU computes in 16 bits: scores differ from those that the thresholds were measured with");
}

void sb_cli_doctor_check_models(sb_cli_doctor *doctor) {
  sb_error error = {0};
  sb_model_info *models = NULL;
  char embedder[64] = "";
  size_t count = 0, good = 0, absent = 0;
  sb_status status = sb_models_list(&doctor->options, &models, &count, &error);
  check_pipeline(doctor, embedder);
  check_thresholds(doctor, embedder, models, count);
  check_liveness(doctor);
  if (status != SB_OK)
    sb_cli_doctor_wrong(doctor, "models", "name the folders of the models with --models", "%s", error.message);
  for (size_t i = 0; i < count; i++) absent += !try_model(doctor, &models[i], &good);
  if (good)
    sb_cli_doctor_ok(doctor, "models",
                     "files with the right SHA-256 that load and run: %zu; optional ones that were not fetched: %zu",
                     good, absent);
  free(models);
}
