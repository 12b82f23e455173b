/* Shell completion. The program itself answers what may stand at the cursor, from the tables of subcommands and
 * settings; the scripts of the shells (packaging/completions) only call `semblance complete` and show the answer. */
#include "cli/commands.h"
#include "cli/help.h"
#include "config/config.h"

#include <stdio.h>
#include <string.h>

/* Prints the line "WORD<tab>help" if `word` begins with what was typed. */
static void offer(const char *typed, const char *word, const char *help) {
  if (!strncmp(word, typed, strlen(typed))) printf("%s\t%s\n", word, help);
}

static bool takes_value(const sb_cli_command *command, const char *word) {
  for (size_t i = 0; i < sb_settings_count; i++)
    if (!strcmp(sb_settings[i].flag, word)) return sb_settings[i].type != SB_SETTING_BOOL;
  const sb_cli_option *option = sb_cli_option_find(command, word, strlen(word));
  return option && option->value;
}

/* `command`: one option may belong to several of its actions; the first one is offered. */
static void offer_table(const sb_cli_command *command, const sb_cli_option *options, const char *typed) {
  char help[SB_CLI_HELP_SIZE];
  for (const sb_cli_option *o = options; o && o->name; o++) {
    const sb_cli_option *first = sb_cli_option_find(command, o->name, strlen(o->name));
    if (first && first != o) continue;
    sb_cli_option_help(o, help);
    offer(typed, o->name, help);
  }
}

static void offer_options(const sb_cli_command *command, const char *typed) {
  offer_table(command, command->options, typed);
  for (const sb_cli_command *action = command->actions; action && action->name; action++)
    offer_table(command, action->options, typed);
  offer_table(command, sb_cli_common_options, typed);
  for (size_t i = 0; i < sb_settings_count; i++) offer(typed, sb_settings[i].flag, sb_settings[i].help);
}

static void offer_actions(const sb_cli_command *command, const char *typed) {
  for (const sb_cli_command *action = command->actions; action && action->name; action++)
    offer(typed, action->name, action->summary);
}

static void offer_commands(const char *typed) {
  for (size_t i = 0; i < sb_cli_commands_count; i++)
    offer(typed, sb_cli_commands[i]->name, sb_cli_commands[i]->summary);
}

void sb_cli_complete_print(int count, char **words) {
  if (count < 1) return;
  const char *typed = words[count - 1];
  if (count == 1) {
    offer_commands(typed);
    offer(typed, "--help", "show the commands and settings");
    offer(typed, "--version", "show the version");
    return;
  }
  if (count == 2 && !strcmp(words[0], "help")) offer_commands(typed);
  const sb_cli_command *command = sb_cli_command_find(words[0]);
  if (!command) return;
  int positional = 0;
  bool value = false; /* the next word is the value of the option before it */
  for (int i = 1; i < count - 1; i++) {
    if (!value && words[i][0] != '-') positional++;
    value = !value && takes_value(command, words[i]);
  }
  if (value) return;
  if (typed[0] == '-')
    offer_options(command, typed);
  else if (positional == 0)
    offer_actions(command, typed);
}
