/* Doctor: settings that contradict each other, and environment variables that mean nothing. */
#include "cli/commands/doctor/doctor.h"
#include "cli/variables.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool is_known(const char *name, size_t length) {
  for (size_t i = 0; i < sb_settings_count; i++)
    if (strlen(sb_settings[i].environment) == length && !strncmp(sb_settings[i].environment, name, length)) return true;
  for (size_t i = 0; i < sb_cli_variables_count; i++)
    if (strlen(sb_cli_variables[i][0]) == length && !strncmp(sb_cli_variables[i][0], name, length)) return true;
  return false;
}

static void check_environment(sb_cli_doctor *doctor) {
  for (char **variable = environ; *variable; variable++) {
    size_t length = strcspn(*variable, "=");
    if (!strncmp(*variable, "SEMBLANCE_", 10) && !is_known(*variable, length))
      sb_cli_doctor_warning(doctor, "settings", "correct its name; `semblance --help` lists the variables",
                            "the variable %.*s has no meaning: is it misspelt?", (int)(length < 60 ? length : 60),
                            *variable);
  }
  if (getenv("SEMBLANCE_KEY") && getenv("SEMBLANCE_KEY_FILE"))
    sb_cli_doctor_warning(doctor, "settings", "unset one of them",
                          "SEMBLANCE_KEY and SEMBLANCE_KEY_FILE are both set; SEMBLANCE_KEY is used");
}

static void check_calibration(sb_cli_doctor *doctor) {
  char model[64];
  bool has_age;
  sb_error error = {0};
  const char *path = doctor->config->calibration;
  if (!*path) return;
  bool known = sb_diagnostics_pipeline(&doctor->options, doctor->folder, model, &has_age, &error) == SB_OK;
  if (sb_diagnostics_calibration(path, known ? model : NULL, &error) != SB_OK)
    sb_cli_doctor_wrong(doctor, "settings", "write it again: semblance eval --calibrate", "--calibration: %s",
                        error.message);
}

static void check_search(sb_cli_doctor *doctor) {
  const sb_config *c = doctor->config;
  bool remote = doctor->options.search_remotely;
  if ((c->threshold > 0) + (c->fmr > 0) + (c->fpir > 0) > 1)
    sb_cli_doctor_wrong(doctor, "settings", "keep one of them",
                        "--threshold, --fmr and --fpir are three ways to set the same thing, and several are set");
  if (remote && !doctor->options.store)
    sb_cli_doctor_wrong(doctor, "settings", "name the database with --store, or use --search local",
                        "--search sql needs a database to search in");
  if (c->hnsw && !remote)
    sb_cli_doctor_warning(doctor, "settings", "add --search sql, or leave out --hnsw",
                          "--hnsw needs --search sql: the index in memory does not use it");
  if (*c->store_replica && !*c->store)
    sb_cli_doctor_wrong(doctor, "settings", "also name the database with --store",
                        "--store-replica is a standby of the database of --store, which is not set");
}

static void check_server(sb_cli_doctor *doctor) {
  const sb_config *c = doctor->config;
  if (c->max_import < c->max_body)
    sb_cli_doctor_wrong(doctor, "settings", "make --max-import larger than --max-body",
                        "--max-import is less than --max-body: imports would be refused before single photos");
  if (c->redirect_port && c->redirect_port == c->port)
    sb_cli_doctor_wrong(doctor, "settings", "choose another --redirect-port",
                        "--redirect-port is the port of the server itself");
}

void sb_cli_doctor_check_settings(sb_cli_doctor *doctor) {
  size_t before = doctor->counts[SB_CLI_HEALTH_WARNING] + doctor->counts[SB_CLI_HEALTH_WRONG];
  check_environment(doctor);
  check_calibration(doctor);
  check_search(doctor);
  check_server(doctor);
  if (doctor->counts[SB_CLI_HEALTH_WARNING] + doctor->counts[SB_CLI_HEALTH_WRONG] == before)
    sb_cli_doctor_ok(doctor, "settings", "no setting contradicts another; the gallery's folder is %s", doctor->folder);
}
