/* What the subcommands share: flags, errors, photos, words. */
#include "cli/cli.h"
#include "engine/engine.h"
#include "json/write.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PHOTO_BYTES_MAX = 64 << 20 }; /* of a file that is read at all; the image limits come after */

sb_exit sb_exit_of(sb_status status) {
  switch (sb_status_fault(status)) {
  case SB_FAULT_NONE: return SB_EXIT_OK;
  case SB_FAULT_ABSENT: return SB_EXIT_NEGATIVE;
  case SB_FAULT_INPUT:
  case SB_FAULT_CALLER: return SB_EXIT_REFUSED;
  case SB_FAULT_SYSTEM: return SB_EXIT_SYSTEM;
  }
  return SB_EXIT_SYSTEM;
}

static bool flag_set(sb_cli *cli, const sb_flag *flag, const char *value) {
  char *end = NULL;
  switch (flag->kind) {
  case SB_FLAG_SWITCH: *(bool *)flag->target = true; return true;
  case SB_FLAG_TEXT: *(const char **)flag->target = value; return true;
  case SB_FLAG_COUNT:
    errno = 0;
    *(size_t *)flag->target = strtoull(value, &end, 10);
    if (*value >= '0' && *value <= '9' && !*end && !errno) return true;
    sb_cli_usage(cli, "%s takes a whole number", flag->name);
    return false;
  case SB_FLAG_LIST: {
    sb_flag_list *list = flag->target;
    if (list->count < SB_FLAG_LIST_MAX) return list->items[list->count++] = value, true;
    sb_cli_usage(cli, "%s is given at most %d times", flag->name, SB_FLAG_LIST_MAX);
    return false;
  }
  }
  return false;
}

/* How many words the flag at `words[i]` takes up; 0: it is none of `flags`; -1: a usage error was told. */
static int flag_take(sb_cli *cli, const sb_flag *flags, size_t flag_count, int i) {
  const char *word = cli->words[i];
  for (size_t f = 0; f < flag_count; f++) {
    size_t length = strlen(flags[f].name);
    if (strncmp(word, flags[f].name, length) || (word[length] && word[length] != '=')) continue;
    if (word[length] == '=') {
      if (flags[f].kind == SB_FLAG_SWITCH) return sb_cli_usage(cli, "%s takes no value", flags[f].name), -1;
      return flag_set(cli, &flags[f], word + length + 1) ? 1 : -1;
    }
    if (flags[f].kind == SB_FLAG_SWITCH) return flag_set(cli, &flags[f], NULL) ? 1 : -1;
    if (i + 1 >= cli->count) return sb_cli_usage(cli, "%s needs a value", flags[f].name), -1;
    return flag_set(cli, &flags[f], cli->words[i + 1]) ? 2 : -1;
  }
  return 0;
}

bool sb_flags_take(sb_cli *cli, const sb_flag *flags, size_t flag_count, int least, int most) {
  const sb_flag common[] = {{"--json", SB_FLAG_SWITCH, &cli->json}, {"--quiet", SB_FLAG_SWITCH, &cli->quiet}};
  int kept = 0;
  bool only_words = false;
  for (int i = 0; i < cli->count;) {
    const char *word = cli->words[i];
    if (only_words || word[0] != '-' || !word[1]) {
      cli->words[kept++] = cli->words[i++];
      continue;
    }
    if (!strcmp(word, "--")) {
      only_words = true;
      i++;
      continue;
    }
    int taken = flag_take(cli, common, 2, i);
    if (!taken) taken = flag_take(cli, flags, flag_count, i);
    if (!taken) sb_cli_usage(cli, "unknown option '%s'", word);
    if (taken <= 0) return false;
    i += taken;
  }
  cli->count = kept;
  if (kept >= least && kept <= most) return true;
  sb_cli_usage(cli, kept < least ? "an argument is missing" : "too many arguments");
  return false;
}

sb_exit sb_cli_fail(const sb_cli *cli, sb_status status, const sb_error *error) {
  if (cli->json) {
    json_t *json = json_pack("{s:{s:s,s:s}}", "error", "code", sb_status_code(status), "message", error->message);
    char *text = sb_json_write(json);
    fprintf(stderr, "%s\n", text ? text : error->message);
    free(text);
    json_decref(json);
  } else {
    fprintf(stderr, "semblance: %s\n", error->message);
  }
  return sb_exit_of(status);
}

sb_exit sb_cli_usage(const sb_cli *cli, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  fputs("semblance: ", stderr);
  vfprintf(stderr, format, arguments);
  va_end(arguments);
  fprintf(stderr, "\nusage: semblance %s %s\nSee `semblance %s --help`.\n", cli->command->name, cli->command->arguments,
          cli->command->name);
  return SB_EXIT_USAGE;
}

sb_exit sb_cli_print_json(const sb_cli *cli, json_t *json, sb_exit code) {
  char *text = sb_json_write(json);
  json_decref(json);
  if (!text) return sb_cli_fail(cli, SB_NO_MEMORY, &(sb_error){SB_NO_MEMORY, "out of memory"});
  puts(text);
  free(text);
  return code;
}

static const char *or_null(const char *text) {
  return *text ? text : NULL;
}

sb_status sb_cli_options(const sb_cli *cli, sb_engine_options *out, sb_error *error) {
  static const char *const policies[] = {"off", "warn", "refuse"};
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
      .workers = (int)config->workers,
      .model = or_null(config->model),
      .pipeline = or_null(config->pipeline),
  };
  while (options.liveness <= SB_LIVENESS_REFUSE && strcmp(config->liveness, policies[options.liveness]) != 0)
    options.liveness++;
  if (options.liveness > SB_LIVENESS_REFUSE) return sb_fail(error, SB_INVALID, "--liveness is off, warn or refuse");
  options.search_remotely = !strcmp(config->search, "sql");
  if (!options.search_remotely && strcmp(config->search, "local") != 0)
    return sb_fail(error, SB_INVALID, "--search is local or sql");
  options.hnsw = (int)config->hnsw;
  *out = options;
  return SB_OK;
}

sb_status sb_cli_engine(const sb_cli *cli, bool server, sb_engine **out, sb_error *error) {
  sb_engine_options options;
  sb_status status = sb_cli_options(cli, &options, error);
  if (status != SB_OK) return status;
  options.server = server;
  if (server && options.hnsw && !options.search_remotely)
    return sb_fail(error, SB_INVALID, "--hnsw is of --search sql: the index in memory does not look at it");
  return sb_engine_new(&options, out, error);
}

static sb_status read_stdin(sb_photo *photo, sb_error *error) {
  sb_buffer buffer = {0};
  char chunk[65536];
  size_t size;
  sb_status status = SB_OK;
  while (status == SB_OK && (size = fread(chunk, 1, sizeof chunk, stdin)) > 0) {
    status = sb_buffer_add(&buffer, chunk, size, error);
    if (buffer.size > PHOTO_BYTES_MAX) status = sb_fail(error, SB_TOO_LARGE, "standard input is larger than 64 MiB");
  }
  if (status != SB_OK) {
    sb_buffer_free(&buffer);
    return status;
  }
  *photo = (sb_photo){buffer.bytes, buffer.size};
  return SB_OK;
}

sb_status sb_cli_photo_read(const char *path, sb_photo *photo, sb_error *error) {
  if (!strcmp(path, "-")) return read_stdin(photo, error);
  uint8_t *bytes = NULL;
  size_t size = 0;
  sb_status status = sb_file_read(path, PHOTO_BYTES_MAX, &bytes, &size, error);
  /* "Not found" is kept for people: a photo that is not there is an input that was refused. */
  if (status == SB_NOT_FOUND) return sb_fail(error, SB_INVALID, "there is no file %s", path);
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

sb_target sb_cli_target(const sb_cli *cli, sb_engine *engine) {
  const sb_config *c = cli->config;
  const sb_target chosen = sb_engine_operating_point(engine);
  bool flag = sb_config_by_flag(c, "threshold") || sb_config_by_flag(c, "fmr") || sb_config_by_flag(c, "fpir");
  return flag || !sb_operating_point_given(&chosen) ? (sb_target){c->threshold, c->fmr, c->fpir} : chosen;
}

const char *sb_cli_verdict(sb_verdict verdict) {
  switch (verdict) {
  case SB_VERDICT_MATCH: return "same person";
  case SB_VERDICT_UNSURE: return "cannot tell";
  case SB_VERDICT_NONE: return "not the same person";
  }
  return "";
}

void sb_cli_odds(double rate, bool bound, char *text, size_t size) {
  char digits[32], grouped[48];
  snprintf(digits, sizeof digits, "%.0f", rate > 0 ? 1 / rate : 0);
  size_t length = strlen(digits), used = 0;
  for (size_t i = 0; i < length; i++) {
    if (i && (length - i) % 3 == 0) grouped[used++] = ',';
    grouped[used++] = digits[i];
  }
  grouped[used] = 0;
  snprintf(text, size, "%s1 in %s", bound ? "under " : "", grouped);
}
