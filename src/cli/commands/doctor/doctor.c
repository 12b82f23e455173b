/* doctor: what is wrong with this installation, and how to fix it. */
#include "cli/commands/doctor/doctor.h"
#include "cli/commands.h"

#include <stdlib.h>

/* In the order in which things depend on each other; the gallery comes before the checks that need to know its size. */
static void (*const checks[])(sb_cli_doctor *) = {
    sb_cli_doctor_check_settings, sb_cli_doctor_check_processor, sb_cli_doctor_check_formats,
    sb_cli_doctor_check_models,   sb_cli_doctor_check_gallery,   sb_cli_doctor_check_memory,
    sb_cli_doctor_check_disk,     sb_cli_doctor_check_limits,    sb_cli_doctor_check_clock,
    sb_cli_doctor_check_port,     sb_cli_doctor_check_tls,       sb_cli_doctor_check_device};

static sb_status prepare(sb_cli_doctor *doctor, sb_error *error) {
  sb_status status = sb_cli_engine_options(doctor->cli, &doctor->options, error);
  if (status != SB_OK) return status;
  if (!(doctor->folder = sb_cli_data_folder(doctor->cli, error))) return error->code;
  if (!(doctor->cache = sb_engine_cache_folder(doctor->options.cache_dir, error))) return error->code;
  doctor->findings = json_array();
  return SB_OK;
}

static sb_status run(sb_cli *cli, const void *parsed, sb_error *error) {
  (void)parsed;
  sb_cli_doctor doctor = {.cli = cli, .config = cli->config};
  sb_status status = prepare(&doctor, error);
  if (status == SB_OK) {
    for (size_t i = 0; i < sizeof checks / sizeof *checks; i++) checks[i](&doctor);
    status = sb_cli_doctor_conclude(&doctor, error);
  }
  json_decref(doctor.findings);
  sb_diagnostics_close(doctor.gallery);
  free(doctor.folder);
  free(doctor.cache);
  return status;
}

const sb_cli_command sb_cli_command_doctor = {
    .name = "doctor",
    .summary = "what is wrong with this installation, and how to fix it; changes nothing",
    .run = run};
