/* The doctor subcommand: what is wrong with this installation, and how to mend it. It changes nothing. */
#include "cli/doctor.h"

#include <stdio.h>
#include <stdlib.h>

static const char *const words[] = {"ok", "warning", "wrong"};

void sb_doctor_size(double bytes, char text[32]) {
  static const char *const units[] = {"bytes", "kB", "MB", "GB", "TB"};
  size_t unit = 0;
  while (bytes >= 1000 && unit + 1 < sizeof units / sizeof *units) bytes /= 1000, unit++;
  snprintf(text, 32, unit ? "%.1f %s" : "%.0f %s", bytes, units[unit]);
}

static void print_finding(const char *what, sb_health health, const char *mend, const char *text) {
  printf("%-8s %-9s %s\n", words[health], what, text);
  if (mend) printf("%19sto mend it: %s\n", "", mend);
}

void sb_doctor_say(sb_doctor *doctor, const char *what, sb_health health, const char *mend, const char *format, ...) {
  char text[1024];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  doctor->counts[health]++;
  if (!doctor->cli->json) {
    if (!doctor->cli->quiet || health != SB_HEALTH_OK) print_finding(what, health, mend, text);
    return;
  }
  json_t *finding = json_pack("{s:s,s:s,s:s}", "check", what, "state", words[health], "message", text);
  if (finding && mend) json_object_set_new(finding, "mend", json_string(mend));
  json_array_append_new(doctor->findings, finding);
}

/* In the order of how things build on each other; the looks at the gallery come before those that want to know its size. */
static void (*const looks[])(sb_doctor *) = {
    sb_doctor_settings, sb_doctor_processor, sb_doctor_formats, sb_doctor_models, sb_doctor_gallery, sb_doctor_memory,
    sb_doctor_disk,     sb_doctor_limits,    sb_doctor_clock,   sb_doctor_port,   sb_doctor_tls};

static sb_exit conclude(sb_doctor *doctor) {
  const size_t wrong = doctor->counts[SB_HEALTH_WRONG], warnings = doctor->counts[SB_HEALTH_WARNING];
  sb_exit code = wrong ? SB_EXIT_NEGATIVE : SB_EXIT_OK;
  if (doctor->cli->json) {
    json_t *findings = doctor->findings;
    doctor->findings = NULL;
    return sb_cli_print_json(doctor->cli,
                             json_pack("{s:b,s:I,s:I,s:o}", "healthy", !wrong, "wrong", (json_int_t)wrong, "warnings",
                                       (json_int_t)warnings, "findings", findings),
                             code);
  }
  if (!wrong && !warnings)
    puts("nothing is wrong");
  else
    printf("%zu wrong, %zu to look at\n", wrong, warnings);
  return code;
}

sb_exit sb_command_doctor(sb_cli *cli) {
  if (!sb_flags_take(cli, NULL, 0, 0, 0)) return SB_EXIT_USAGE;
  sb_error error = {0};
  sb_doctor doctor = {.cli = cli, .config = cli->config};
  sb_exit code = SB_EXIT_SYSTEM;
  sb_status status = sb_cli_options(cli, &doctor.options, &error);
  if (status == SB_OK && !(doctor.folder = sb_engine_folder(doctor.options.data_dir, &error))) status = error.code;
  if (status == SB_OK && !(doctor.cache = sb_engine_cache_folder(doctor.options.cache_dir, &error)))
    status = error.code;
  if (status == SB_OK) {
    doctor.findings = json_array();
    for (size_t i = 0; i < sizeof looks / sizeof *looks; i++) looks[i](&doctor);
    code = conclude(&doctor);
  } else {
    code = sb_cli_fail(cli, status, &error);
  }
  json_decref(doctor.findings);
  sb_diagnostics_close(doctor.gallery);
  free(doctor.folder);
  free(doctor.cache);
  return code;
}
