/* What every subcommand uses: errors, JSON output, the engine opened as the settings say, photos. */
#include "cli/cli.h"
#include "engine/engine.h"
#include "json/write.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PHOTO_BYTES_MAX = 64 << 20 }; /* larger files are not read at all; the engine has its own limits on images */

/* ---- Errors and output */

sb_cli_exit sb_cli_exit_of(sb_status status) {
  switch (sb_status_fault(status)) {
  case SB_FAULT_NONE: return SB_EXIT_OK;
  case SB_FAULT_ABSENT: return SB_EXIT_NEGATIVE;
  case SB_FAULT_INPUT:
  case SB_FAULT_CALLER: return SB_EXIT_REFUSED;
  case SB_FAULT_SYSTEM: return SB_EXIT_SYSTEM;
  }
  return SB_EXIT_SYSTEM;
}

sb_status sb_cli_usage(sb_cli *cli, sb_error *error, const char *format, ...) {
  char message[512];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(message, sizeof message, format, arguments);
  va_end(arguments);
  cli->usage = true;
  return sb_fail(error, SB_INVALID, "%s", message);
}

static void print_usage(const sb_cli_command *command, const sb_error *error) {
  sb_buffer arguments = {0};
  (void)sb_cli_command_arguments(command, &arguments, NULL); /* out of memory: the usage line ends early */
  fprintf(stderr, "semblance: %s\nusage: semblance %s %s\nSee `semblance %s --help`.\n", error->message, command->name,
          arguments.bytes ? arguments.bytes : "", command->name);
  sb_buffer_free(&arguments);
}

static void print_json_error(sb_status status, const sb_error *error) {
  json_t *json = json_pack("{s:{s:s,s:s}}", "error", "code", sb_status_code(status), "message", error->message);
  char *text = sb_json_write(json);
  fprintf(stderr, "%s\n", text ? text : error->message);
  free(text);
  json_decref(json);
}

sb_cli_exit sb_cli_print_error(const sb_cli *cli, sb_status status, const sb_error *error) {
  if (cli->usage) {
    print_usage(cli->command, error);
    return SB_EXIT_USAGE;
  }
  if (cli->json)
    print_json_error(status, error);
  else
    fprintf(stderr, "semblance: %s\n", error->message);
  return cli->exit != SB_EXIT_OK ? cli->exit : sb_cli_exit_of(status);
}

sb_status sb_cli_print_json(json_t *json, sb_error *error) {
  char *text = sb_json_write(json);
  json_decref(json);
  if (!text) return sb_fail(error, SB_NO_MEMORY, "out of memory");
  puts(text);
  free(text);
  return SB_OK;
}

void sb_cli_print_empty(const sb_cli *cli, size_t count, const char *text) {
  if (!count && !cli->json && !cli->quiet) fprintf(stderr, "%s\n", text);
}

/* ---- The engine */

static const char *or_null(const char *text) {
  return *text ? text : NULL;
}

/* The words of --liveness. "refuse" is what version 0.1 called passive. */
static sb_status liveness_of(const char *word, sb_liveness_policy *out, sb_error *error) {
  static const struct {
    const char *word;
    sb_liveness_policy policy;
  } words[] = {{"off", SB_LIVENESS_OFF},
               {"warn", SB_LIVENESS_WARN},
               {"passive", SB_LIVENESS_PASSIVE},
               {"challenge", SB_LIVENESS_CHALLENGE},
               {"refuse", SB_LIVENESS_PASSIVE}};
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    if (!strcmp(word, words[i].word)) return *out = words[i].policy, SB_OK;
  return sb_fail(error, SB_INVALID, "--liveness is off, warn, passive or challenge");
}

sb_status sb_cli_engine_options(const sb_cli *cli, sb_engine_options *out, sb_error *error) {
  const sb_config *config = cli->config;
  sb_engine_options options = {
      .struct_size = sizeof(sb_engine_options),
      .data_dir = or_null(config->data),
      .store = or_null(config->store),
      .replica = or_null(config->store_replica),
      .models_path = or_null(config->models),
      .cache_dir = or_null(config->cache),
      .calibration = or_null(config->calibration),
      .flip = config->flip,
      .thumbnails = config->thumbnails,
      .strict_single = config->strict_single,
      .workers = (int)config->workers,
      .model = or_null(config->model),
      .pipeline = or_null(config->pipeline),
      .device = or_null(config->device),
  };
  sb_status status = liveness_of(config->liveness, &options.liveness, error);
  if (status != SB_OK) return status;
  options.children = strcmp(config->children, "match") ? SB_CHILDREN_UNSURE : SB_CHILDREN_MATCH;
  if (options.children == SB_CHILDREN_UNSURE && strcmp(config->children, "unsure") != 0)
    return sb_fail(error, SB_INVALID, "--children is unsure or match");
  if (options.device && (status = sb_engine_device_check(options.device, error)) != SB_OK) return status;
  options.search_remotely = !strcmp(config->search, "sql");
  if (!options.search_remotely && strcmp(config->search, "local") != 0)
    return sb_fail(error, SB_INVALID, "--search is local or sql");
  options.hnsw = (int)config->hnsw;
  unsigned estimates = 0;
  if (!sb_engine_estimates_read(config->estimates, &estimates))
    return sb_fail(error, SB_INVALID, "--estimates is a list of age, gender and ethnicity with ',' between, or none");
  options.no_estimates = (SB_ENROLL_AGE | SB_ENROLL_GENDER | SB_ENROLL_ETHNICITY) & ~estimates;
  *out = options;
  return SB_OK;
}

sb_status sb_cli_open_engine(sb_cli *cli, sb_cli_engine_use use, sb_error *error) {
  sb_engine_options options;
  sb_status status = sb_cli_engine_options(cli, &options, error);
  if (status != SB_OK) return status;
  options.server = use == SB_CLI_SERVER;
  if (options.server && options.hnsw && !options.search_remotely)
    return sb_fail(error, SB_INVALID, "--hnsw needs --search sql: the index in memory does not use it");
  if (use == SB_CLI_ONE_PHOTO && !options.workers) {
    options.workers = 1;
    options.threads = sb_cpu_cores();
  }
  return sb_engine_new(&options, &cli->engine, error);
}

void sb_cli_close_engine(sb_cli *cli) {
  sb_engine_free(cli->engine);
  cli->engine = NULL;
}

char *sb_cli_data_folder(const sb_cli *cli, sb_error *error) {
  return sb_engine_folder(or_null(cli->config->data), error);
}

sb_target sb_cli_operating_point(const sb_cli *cli, sb_engine *engine) {
  const sb_config *c = cli->config;
  const sb_target chosen = sb_engine_operating_point(engine);
  bool flag = sb_config_by_flag(c, "threshold") || sb_config_by_flag(c, "fmr") || sb_config_by_flag(c, "fpir");
  return flag || !sb_operating_point_given(&chosen) ? (sb_target){c->threshold, c->fmr, c->fpir} : chosen;
}

/* ---- Photos */

sb_status sb_cli_photo_read(const char *path, sb_photo *photo, sb_error *error) {
  uint8_t *bytes = NULL;
  size_t size = 0;
  sb_status status = strcmp(path, "-")
                         ? sb_file_read_stream(path, PHOTO_BYTES_MAX, &bytes, &size, error)
                         : sb_read_to_end(STDIN_FILENO, "standard input", PHOTO_BYTES_MAX, &bytes, &size, error);
  if (status != SB_OK) return status;
  *photo = (sb_photo){bytes, size};
  return SB_OK;
}

void sb_cli_photo_free(sb_photo *photo) {
  union {
    const void *borrowed;
    void *owned;
  } bytes = {photo->bytes}; /* sb_photo borrows; this one was allocated by sb_cli_photo_read */
  free(bytes.owned);
  *photo = (sb_photo){0};
}
