/* What a subcommand is. Each subcommand declares itself once, as a constant sb_cli_command with its table of options;
 * the parser (command_line.c), --help (help.c), shell completion (complete.c) and the manual page (manual.c) all read
 * that table. commands.c lists the subcommands. To add one: write commands/NAME.c, declare its table there, and add
 * it to that list. */
#ifndef SB_CLI_COMMAND_H
#define SB_CLI_COMMAND_H

#include "base/base.h"

#include <stddef.h>

typedef struct sb_cli sb_cli; /* cli.h */

/* ---- Options: flags of one subcommand. Settings, which every subcommand takes, are in src/config. */

typedef enum sb_cli_option_type { SB_CLI_SWITCH, SB_CLI_TEXT, SB_CLI_COUNT, SB_CLI_LIST } sb_cli_option_type;

enum { SB_CLI_LIST_MAX = 64 };
typedef struct sb_cli_list { /* the values of an option that may be repeated; they belong to argv */
  size_t count;
  const char *items[SB_CLI_LIST_MAX];
} sb_cli_list;

typedef struct sb_cli_option {
  const char *name;        /* "--limit"; NULL ends a table */
  const char *value;       /* what the help calls its value, "N"; NULL for a switch */
  const char *help;        /* without default and range: sb_cli_option_help adds them */
  size_t offset;           /* of the field that it sets, in the subcommand's options struct: SB_CLI_FIELD */
  sb_cli_option_type type; /* follows from the type of that field */
  bool required;
  const char *fallback;  /* default, written as a user would; NULL leaves the field zero */
  const char *choices;   /* SB_CLI_TEXT: the only values allowed, "table|json|csv"; NULL allows any */
  size_t minimum, limit; /* SB_CLI_COUNT: smallest and largest value; limit 0 means no upper limit */
} sb_cli_option;

/* The field of the options struct that an option sets: a bool (switch), const char * (text), size_t (count) or
 * sb_cli_list. */
#define SB_CLI_FIELD(struct_type, field) \
  .offset = offsetof(struct_type, field),                                                                              \
  .type = _Generic(((struct_type *)0)->field, bool                                                                     \
                   : SB_CLI_SWITCH, const char *                                                                       \
                   : SB_CLI_TEXT, size_t                                                                               \
                   : SB_CLI_COUNT, sb_cli_list                                                                         \
                   : SB_CLI_LIST)

/* --json, --quiet and --help, which every subcommand takes; ended by a NULL name. */
extern const sb_cli_option sb_cli_common_options[];

/* ---- Subcommands */

typedef struct sb_cli_command sb_cli_command;
struct sb_cli_command {
  const char *name;             /* NULL ends a list of actions */
  const char *arguments;        /* positional arguments as the usage line shows them, "PHOTO PHOTO"; NULL: none */
  const char *summary;          /* one line */
  const sb_cli_option *options; /* NULL: none */
  size_t options_size;          /* of the options struct, which the parser zeroes and fills; 0: none */
  /* A subcommand with actions (`keys rotate`) has no `run` of its own. Its first argument names the action; the
   * options of all actions fill the one options struct of the subcommand. */
  const sb_cli_command *actions;
  bool first_is_default; /* without an action the first one runs */
  int least, most;       /* number of positional arguments, after the action's name */
  bool opens_gallery;    /* cli->engine is open when `run` is called */
  bool is_server;        /* logs and is sandboxed as a server */
  bool sandboxed;        /* decodes photos, and writes nowhere but to the gallery and the cache */
  /* Opens what the sandbox would not let `run` open; NULL: nothing. Its error is printed like that of `run`. */
  sb_status (*prepare)(sb_cli *cli, const void *options, sb_error *error);
  /* Does the work. A failure goes into `error`, which the caller prints; the exit code of a success goes into
   * cli->exit. */
  sb_status (*run)(sb_cli *cli, const void *options, sb_error *error);
};

/* command_line.c: takes the options out of cli->words, checks them, confines the process, runs the subcommand, and
 * prints its error if it fails. Returns the exit code. */
int sb_cli_command_run(sb_cli *cli);

/* The usage line's arguments: those of the subcommand, or "show|verify|export" of its actions. */
sb_status sb_cli_command_arguments(const sb_cli_command *command, sb_buffer *out, sb_error *error);

/* The values that an option with choices allows: "table, json or csv". */
void sb_cli_option_choices(const sb_cli_option *option, char *text, size_t size);

/* An option's help with its range and default: "candidates for each face (1 to 100, default 5)". */
enum { SB_CLI_HELP_SIZE = 256 };
void sb_cli_option_help(const sb_cli_option *option, char text[SB_CLI_HELP_SIZE]);

/* Finds an option of a subcommand, of one of its actions, or of all subcommands by the first `length` bytes of
 * `name`; NULL if there is none. */
const sb_cli_option *sb_cli_option_find(const sb_cli_command *command, const char *name, size_t length);

#endif
