/* What the program tells about itself: help, the manual pages and shell completion, all made from the tables of
 * subcommands (command.h) and of settings (config/config.h). */
#ifndef SB_CLI_HELP_H
#define SB_CLI_HELP_H

#include "cli/command.h"

/* help.c: prints the overview, or one subcommand's options. */
void sb_cli_help_print(void);
void sb_cli_help_print_command(const sb_cli_command *command);

/* manual.c: prints a manual page in roff. Section 1 is the program, 5 its settings file; false for any other. */
bool sb_cli_manual_print(const char *section);

/* complete.c: prints what may stand in place of the last of `words` (what was typed after "semblance"), one
 * "WORD<tab>help" a line; nothing where a file or free text is expected. */
void sb_cli_complete_print(int count, char **words);

#endif
