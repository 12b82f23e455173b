/* Parses the command line of a subcommand by its table of options, and runs it. Flags and positional arguments may
 * come in any order; "--name VALUE" and "--name=VALUE" mean the same; "--" ends the flags. */
#include "cli/cli.h"
#include "cli/confine.h"
#include "video/video.h"
#include "webhook/webhook.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Values */

/* Is `value` one of "table|json|csv"? */
static bool is_choice(const char *choices, const char *value) {
  size_t length = strlen(value);
  for (const char *at = choices; *at; at += strcspn(at, "|"), at += *at == '|')
    if (strcspn(at, "|") == length && !strncmp(at, value, length)) return true;
  return false;
}

static sb_status set_count(sb_cli *cli, const sb_cli_option *option, const char *text, size_t *out, sb_error *error) {
  char *end = NULL;
  errno = 0;
  *out = strtoull(text, &end, 10);
  if (*text < '0' || *text > '9' || *end || errno)
    return sb_cli_usage(cli, error, "%s takes a whole number", option->name);
  if (*out < option->minimum || (option->limit && *out > option->limit)) {
    if (!option->limit) return sb_cli_usage(cli, error, "%s is %zu or more", option->name, option->minimum);
    return sb_cli_usage(cli, error, "%s is between %zu and %zu", option->name, option->minimum, option->limit);
  }
  return SB_OK;
}

static sb_status wrong_choice(sb_cli *cli, const sb_cli_option *option, sb_error *error) {
  char choices[64] = "";
  sb_cli_option_choices(option, choices, sizeof choices);
  return sb_cli_usage(cli, error, "%s is %s", option->name, choices);
}

/* `value`: NULL for a switch. */
static sb_status set_value(sb_cli *cli, const sb_cli_option *option, const char *value, char *options,
                           sb_error *error) {
  void *field = options + option->offset;
  switch (option->type) {
  case SB_CLI_SWITCH: *(bool *)field = true; return SB_OK;
  case SB_CLI_COUNT: return set_count(cli, option, value, field, error);
  case SB_CLI_TEXT:
    if (option->choices && !is_choice(option->choices, value)) return wrong_choice(cli, option, error);
    *(const char **)field = value;
    return SB_OK;
  case SB_CLI_LIST: {
    sb_cli_list *list = field;
    if (list->count == SB_CLI_LIST_MAX)
      return sb_cli_usage(cli, error, "%s may be given at most %d times", option->name, SB_CLI_LIST_MAX);
    list->items[list->count++] = value;
    return SB_OK;
  }
  }
  return SB_OK;
}

/* Defaults are parsed like values of a user, so that a wrong one in a table shows at once. */
static sb_status set_defaults(sb_cli *cli, const sb_cli_option *option, char *options, sb_error *error) {
  for (; option && option->name; option++) {
    sb_status status = option->fallback ? set_value(cli, option, option->fallback, options, error) : SB_OK;
    if (status != SB_OK) return status;
  }
  return SB_OK;
}

/* An option without a value leaves its field zero: false, NULL or 0. */
static bool is_set(const sb_cli_option *option, const char *options) {
  static const char none[sizeof(const char *)];
  return memcmp(options + option->offset, none, option->type == SB_CLI_SWITCH ? sizeof(bool) : sizeof none) != 0;
}

static sb_status check_required(sb_cli *cli, const sb_cli_option *option, const char *options, sb_error *error) {
  for (; option && option->name; option++)
    if (option->required && !is_set(option, options)) return sb_cli_usage(cli, error, "%s is missing", option->name);
  return SB_OK;
}

/* ---- Parsing */

/* --json and --quiet; --help was handled before the settings were read. */
static bool take_common(sb_cli *cli, const char *word) {
  bool json = !strcmp(word, "--json"), quiet = !strcmp(word, "--quiet");
  cli->json |= json;
  cli->quiet |= quiet;
  return json || quiet;
}

/* Reads the flag at words[*at], and its value; leaves *at at the word after them. */
static sb_status take_flag(sb_cli *cli, int *at, char *options, sb_error *error) {
  const char *word = cli->words[*at], *value = strchr(word, '=');
  size_t length = value ? (size_t)(value++ - word) : strlen(word);
  const sb_cli_option *option = sb_cli_option_find(cli->command, word, length);
  if (!option) return sb_cli_usage(cli, error, "unknown option '%s'", word);
  ++*at;
  if (option->type == SB_CLI_SWITCH && value) return sb_cli_usage(cli, error, "%s takes no value", option->name);
  if (option->type != SB_CLI_SWITCH && !value) {
    if (*at == cli->count) return sb_cli_usage(cli, error, "%s needs a value", option->name);
    value = cli->words[(*at)++];
  }
  return set_value(cli, option, value, options, error);
}

/* Takes the flags out of cli->words; the positional arguments stay. */
static sb_status take_flags(sb_cli *cli, char *options, sb_error *error) {
  int kept = 0, i = 0;
  bool flags_ended = false;
  while (i < cli->count) {
    const char *word = cli->words[i];
    if (flags_ended || word[0] != '-' || !word[1]) {
      cli->words[kept++] = cli->words[i++];
    } else if (!strcmp(word, "--")) {
      flags_ended = true;
      i++;
    } else if (take_common(cli, word)) {
      i++;
    } else {
      sb_status status = take_flag(cli, &i, options, error);
      if (status != SB_OK) return status;
    }
  }
  cli->count = kept;
  return SB_OK;
}

/* "show, verify or export" */
static void list_actions(const sb_cli_command *action, char *text, size_t size) {
  size_t used = 0;
  for (const sb_cli_command *at = action; at->name && used < size; at++)
    used += (size_t)snprintf(text + used, size - used, "%s%s",
                             at == action     ? ""
                             : (at + 1)->name ? ", "
                                              : " or ",
                             at->name);
}

/* The action that the first argument names, which is taken out. */
static sb_status choose_action(sb_cli *cli, const sb_cli_command **out, sb_error *error) {
  const sb_cli_command *command = cli->command, *action = command->actions;
  char names[128] = "";
  list_actions(action, names, sizeof names);
  if (!cli->count) {
    *out = action;
    return command->first_is_default ? SB_OK : sb_cli_usage(cli, error, "say what to do: %s", names);
  }
  while (action->name && strcmp(action->name, cli->words[0]) != 0) action++;
  if (!action->name)
    return sb_cli_usage(cli, error, "there is no `%s %s`: use %s", command->name, cli->words[0], names);
  cli->words++;
  cli->count--;
  *out = action;
  return SB_OK;
}

/* Defaults, then flags, then the action, then the checks of what is left. `*out`: the action, or the subcommand
 * itself. */
static sb_status parse(sb_cli *cli, char *options, const sb_cli_command **out, sb_error *error) {
  const sb_cli_command *command = cli->command, *chosen = command;
  sb_status status = set_defaults(cli, command->options, options, error);
  for (const sb_cli_command *a = command->actions; status == SB_OK && a && a->name; a++)
    status = set_defaults(cli, a->options, options, error);
  if (status != SB_OK) return status;
  status = take_flags(cli, options, error);
  if (status != SB_OK) return status;
  if (command->actions && (status = choose_action(cli, &chosen, error)) != SB_OK) return status;
  if (cli->count < chosen->least) return sb_cli_usage(cli, error, "an argument is missing: %s", chosen->arguments);
  if (cli->count > chosen->most) return sb_cli_usage(cli, error, "too many arguments");
  status = check_required(cli, command->options, options, error);
  *out = chosen;
  return status == SB_OK && chosen != command ? check_required(cli, chosen->options, options, error) : status;
}

int sb_cli_command_run(sb_cli *cli) {
  sb_error error = {0};
  const sb_cli_command *chosen = cli->command;
  char *options = sb_alloc(1, cli->command->options_size ? cli->command->options_size : 1, &error);
  sb_status status = options ? parse(cli, options, &chosen, &error) : SB_NO_MEMORY;
  if (status == SB_OK && cli->command->prepare) status = cli->command->prepare(cli, options, &error);
  if (status == SB_OK && cli->config->contain && cli->command->sandboxed) sb_cli_confine(cli);
  if (status == SB_OK && chosen->opens_gallery) status = sb_cli_open_engine(cli, SB_CLI_GALLERY, &error);
  if (status == SB_OK) status = chosen->run(cli, options, &error);
  sb_cli_close_engine(cli);
  sb_video_close(cli->film);
  sb_video_launcher_stop(cli->launcher);
  sb_webhook_stop(cli->sender);
  free(options);
  return status == SB_OK ? cli->exit : sb_cli_print_error(cli, status, &error);
}
