/* The tables of subcommands: looking up an option, and the texts made from a table. */
#include "cli/command.h"

#include <stdio.h>
#include <string.h>

const sb_cli_option sb_cli_common_options[] = {
    {"--json", NULL, "print JSON", .offset = 0},
    {"--quiet", NULL, "print no progress", .offset = 0},
    {"--help", NULL, "show this help", .offset = 0},
    {NULL},
};

/* ---- Looking up */

static const sb_cli_option *find_in(const sb_cli_option *options, const char *name, size_t length) {
  for (; options && options->name; options++)
    if (strlen(options->name) == length && !strncmp(options->name, name, length)) return options;
  return NULL;
}

const sb_cli_option *sb_cli_option_find(const sb_cli_command *command, const char *name, size_t length) {
  const sb_cli_option *found = find_in(command->options, name, length);
  for (const sb_cli_command *action = command->actions; !found && action && action->name; action++)
    found = find_in(action->options, name, length);
  return found ? found : find_in(sb_cli_common_options, name, length);
}

/* ---- What help, completion and manual show */

sb_status sb_cli_command_arguments(const sb_cli_command *command, sb_buffer *out, sb_error *error) {
  if (!command->actions) return sb_buffer_addf(out, error, "%s", command->arguments ? command->arguments : "");
  for (const sb_cli_command *action = command->actions; action->name; action++) {
    bool first = action == command->actions, optional = first && command->first_is_default;
    sb_status status =
        sb_buffer_addf(out, error, "%s%s%s%s%s%s", first ? "" : "|", optional ? "[" : "", action->name,
                       action->arguments ? " " : "", action->arguments ? action->arguments : "", optional ? "]" : "");
    if (status != SB_OK) return status;
  }
  return SB_OK;
}

void sb_cli_option_choices(const sb_cli_option *option, char *text, size_t size) {
  const char *at = option->choices;
  size_t used = 0;
  while (*at && used < size) {
    size_t length = strcspn(at, "|");
    const char *next = at + length + (at[length] == '|');
    bool last = !*next, first = at == option->choices;
    used += (size_t)snprintf(text + used, size - used, "%s%.*s", first ? "" : last ? " or " : ", ", (int)length, at);
    at = next;
  }
}

void sb_cli_option_help(const sb_cli_option *option, char text[SB_CLI_HELP_SIZE]) {
  char range[64] = "", fallback[64] = "";
  if (option->limit) snprintf(range, sizeof range, "%zu to %zu", option->minimum, option->limit);
  if (option->choices) sb_cli_option_choices(option, range, sizeof range);
  if (option->required) snprintf(range, sizeof range, "required");
  if (option->fallback) snprintf(fallback, sizeof fallback, "default %s", option->fallback);
  bool notes = *range || *fallback;
  snprintf(text, SB_CLI_HELP_SIZE, "%s%s%s%s%s%s", option->help, notes ? " (" : "", range,
           *range && *fallback ? ", " : "", fallback, notes ? ")" : "");
}
