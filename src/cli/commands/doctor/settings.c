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
      sb_cli_doctor_report(
          doctor, "settings", SB_CLI_HEALTH_WARNING, "`semblance --help` names the variables there are",
          "the variable %.*s means nothing: is it misspelt?", (int)(length < 60 ? length : 60), *variable);
  }
  if (getenv("SEMBLANCE_KEY") && getenv("SEMBLANCE_KEY_FILE"))
    sb_cli_doctor_report(doctor, "settings", SB_CLI_HEALTH_WARNING, "unset one of them",
                         "SEMBLANCE_KEY and SEMBLANCE_KEY_FILE are both set; the first one counts");
}

/* A pair of settings that cannot both be meant. */
static void clash(sb_cli_doctor *doctor, bool there, sb_cli_health health, const char *fix, const char *text) {
  if (there) sb_cli_doctor_report(doctor, "settings", health, fix, "%s", text);
}

static void check_calibration(sb_cli_doctor *doctor) {
  sb_error error = {0};
  if (*doctor->config->calibration && sb_diagnostics_calibration(doctor->config->calibration, &error) != SB_OK)
    sb_cli_doctor_report(doctor, "settings", SB_CLI_HEALTH_WRONG, "write it anew: semblance eval --calibrate",
                         "--calibration: %s", error.message);
}

void sb_cli_doctor_check_settings(sb_cli_doctor *doctor) {
  const sb_config *c = doctor->config;
  size_t before = doctor->counts[SB_CLI_HEALTH_WARNING] + doctor->counts[SB_CLI_HEALTH_WRONG];
  check_environment(doctor);
  check_calibration(doctor);
  clash(doctor, (c->threshold > 0) + (c->fmr > 0) + (c->fpir > 0) > 1, SB_CLI_HEALTH_WRONG, "keep one of them",
        "--threshold, --fmr and --fpir are three ways to say one thing, and more than one is set");
  clash(doctor, doctor->options.search_remotely && !doctor->options.store, SB_CLI_HEALTH_WRONG,
        "name the database by --store, or leave --search at local", "--search sql needs a database that searches");
  clash(doctor, c->hnsw && !doctor->options.search_remotely, SB_CLI_HEALTH_WARNING,
        "add --search sql, or leave --hnsw out", "--hnsw is of --search sql: the index in memory does not look at it");
  clash(doctor, *c->store_replica && !*c->store, SB_CLI_HEALTH_WRONG, "name the database by --store, too",
        "--store-replica is a standby of the database of --store");
  clash(doctor, c->max_import < c->max_body, SB_CLI_HEALTH_WRONG, "make --max-import the larger one",
        "--max-import is less than --max-body: imports of many photos are refused before single ones");
  clash(doctor, c->redirect_port && c->redirect_port == c->port, SB_CLI_HEALTH_WRONG,
        "give --redirect-port another number", "--redirect-port is the port of the server itself");
  if (doctor->counts[SB_CLI_HEALTH_WARNING] + doctor->counts[SB_CLI_HEALTH_WRONG] == before)
    sb_cli_doctor_report(doctor, "settings", SB_CLI_HEALTH_OK, NULL,
                         "none contradicts another; the gallery's folder is %s", doctor->folder);
}
