/* --help of the program and of each subcommand. */
#include "cli/help.h"
#include "cli/commands.h"
#include "config/config.h"

#include <stdio.h>
#include <string.h>

enum { COLUMN = 24 }; /* where descriptions begin */

void sb_cli_help_print(void) {
  printf("Semblance %s: find and verify people by their face.\n\n"
         "usage: semblance COMMAND [OPTION...] [ARGUMENT...]\n\ncommands:\n",
         sb_version());
  for (size_t i = 0; i < sb_cli_commands_count; i++)
    printf("  %-13s %s\n", sb_cli_commands[i]->name, sb_cli_commands[i]->summary);
  puts("\nsettings of every command (also by environment variable, or as `key = value` in semblance.conf):");
  for (size_t i = 0; i < sb_settings_count; i++)
    printf("  %-15s %-23s %s\n", sb_settings[i].flag, sb_settings[i].environment, sb_settings[i].help);
  puts("\n`semblance help COMMAND` or `semblance COMMAND --help` shows the options of one command.\n"
       "Exit codes: 0 success, 1 no match or no such person, 2 wrong usage, 3 input refused, 4 system failure.");
}

/* "  --limit N             at most N": the description in its column, or after two blanks where the name is too long.
 */
static void print_line(int indent, const char *name, const char *value, const char *help) {
  int used = printf("%*s%s%s%s", indent, "", name, value ? " " : "", value ? value : "");
  printf("%*s%s\n", used < COLUMN ? COLUMN - used : 2, "", help);
}

static void print_options(int indent, const sb_cli_option *options) {
  char help[SB_CLI_HELP_SIZE];
  for (const sb_cli_option *o = options; o && o->name; o++) {
    sb_cli_option_help(o, help);
    print_line(indent, o->name, o->value, help);
  }
}

void sb_cli_help_print_command(const sb_cli_command *command) {
  sb_buffer arguments = {0};
  (void)sb_cli_command_arguments(command, &arguments, NULL); /* out of memory: the usage line ends early */
  printf("usage: semblance %s%s%s\n\n%s\n\n", command->name, arguments.size ? " " : "",
         arguments.bytes ? arguments.bytes : "", command->summary);
  sb_buffer_free(&arguments);
  if (command->actions) puts("actions:");
  for (const sb_cli_command *action = command->actions; action && action->name; action++) {
    print_line(2, action->name, action->arguments, action->summary);
    print_options(4, action->options);
  }
  puts(command->actions ? "\noptions:" : "options:");
  print_options(2, command->options);
  print_options(2, sb_cli_common_options);
  puts("\n`semblance --help` lists the settings that every command takes.");
}
