/* Doctor: the models of the pipeline, and those that were added. */
#include "cli/commands/doctor/doctor.h"

#include <stdlib.h>

/* Wrong or good, tried in a process of its own; false: its file is not there. */
static bool try_model(sb_cli_doctor *doctor, const sb_model_info *model, size_t *good) {
  sb_error error = {0};
  if (*model->problem) {
    sb_cli_doctor_report(doctor, "models", SB_CLI_HEALTH_WRONG, "mend the manifest, or `semblance models remove` it",
                         "%s: %s", model->name, model->problem);
    return true;
  }
  if (!model->file_size) return false;
  if (sb_model_check(&doctor->options, model->name, 2, NULL, NULL, &error) == SB_OK)
    ++*good;
  else
    sb_cli_doctor_report(doctor, "models", SB_CLI_HEALTH_WRONG,
                         "fetch it anew: script/setup, or `semblance models add` where it was added", "%s: %s",
                         model->name, error.message);
  return true;
}

/* The pipeline's manifests and files, and the embedder that --model asks for. */
static void check_pipeline(sb_cli_doctor *doctor) {
  char embedder[64];
  sb_error error = {0};
  const char *name = doctor->options.pipeline;
  sb_status status = sb_diagnostics_pipeline(&doctor->options, doctor->folder, embedder, &error);
  if (status == SB_OK)
    sb_cli_doctor_report(doctor, "models", SB_CLI_HEALTH_OK, NULL,
                         "the pipeline %s is whole; it embeds by %s; OpenVINO %s", name ? name : "default", embedder,
                         sb_diagnostics_openvino());
  else
    sb_cli_doctor_report(doctor, "models", SB_CLI_HEALTH_WRONG,
                         status == SB_NOT_FOUND
                             ? "choose another --model, or fetch it: script/models, `semblance models add`"
                             : "fetch the models (script/setup), or name the folders that have them by --models",
                         "%s", error.message);
}

void sb_cli_doctor_check_models(sb_cli_doctor *doctor) {
  sb_error error = {0};
  sb_model_info *models = NULL;
  size_t count = 0, good = 0, absent = 0;
  sb_status status = sb_models_list(&doctor->options, &models, &count, &error);
  check_pipeline(doctor);
  if (status != SB_OK)
    sb_cli_doctor_report(doctor, "models", SB_CLI_HEALTH_WRONG, "name the folders that have the models by --models",
                         "%s", error.message);
  for (size_t i = 0; i < count; i++) absent += !try_model(doctor, &models[i], &good);
  if (good)
    sb_cli_doctor_report(
        doctor, "models", SB_CLI_HEALTH_OK, NULL,
        "files with the right SHA-256 that load and run: %zu; optional ones that were not fetched: %zu", good, absent);
  free(models);
}
