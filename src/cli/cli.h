/* L5: the program. One file a family of subcommands; this header is what they share. */
#ifndef SB_CLI_H
#define SB_CLI_H

#include "base/base.h"
#include "config/config.h"
#include "json/results.h"

typedef enum sb_exit { SB_EXIT_OK, SB_EXIT_NEGATIVE, SB_EXIT_USAGE, SB_EXIT_REFUSED, SB_EXIT_SYSTEM } sb_exit;
sb_exit sb_exit_of(sb_status status);

/* What a subcommand gets: settings are read and taken out of the arguments already. */
typedef struct sb_cli {
  const sb_config *config;
  const struct sb_command *command;
  int count;        /* of `words` */
  char **words;     /* the arguments after the subcommand */
  bool json, quiet; /* --json, --quiet */
} sb_cli;

typedef struct sb_command {
  const char *name, *arguments, *summary, *options; /* options: the lines of the subcommand's own flags, or "" */
  sb_exit (*run)(sb_cli *cli);
} sb_command;
extern const sb_command sb_commands[]; /* commands.c */
extern const size_t sb_commands_count;
const sb_command *sb_command_find(const char *name); /* NULL: there is none */

/* One line of a command's options: "  --id ID      the person's id", or of its actions: "  show         the entries". */
typedef struct sb_option {
  size_t indent;
  const char *name, *what;
  size_t length, what_length;
  bool takes_value; /* the word behind `name` in capitals */
} sb_option;
/* Reads the line at *at and leaves *at behind it; false where it is an action. */
bool sb_option_read(const char **at, sb_option *out);

/* The variables of the program that are no settings: name, what it is. */
extern const char *const sb_cli_variables[][2]; /* commands.c */
extern const size_t sb_cli_variables_count;

/* Prints the manual's page of a section, in roff: 1 the program, 5 its settings file. False: there is no such section. */
bool sb_cli_manual(const char *section);

/* Prints what may stand in place of the last of `words` (what was typed after "semblance"), one "WORD<tab>what it is" a line;
 * nothing where a file or a text of the user's own is wanted. */
void sb_cli_complete(int count, char **words);

sb_exit sb_command_enroll(sb_cli *cli);
sb_exit sb_command_import(sb_cli *cli);
sb_exit sb_command_search(sb_cli *cli);
sb_exit sb_command_verify(sb_cli *cli);
sb_exit sb_command_list(sb_cli *cli);
sb_exit sb_command_show(sb_cli *cli);
sb_exit sb_command_rename(sb_cli *cli);
sb_exit sb_command_delete(sb_cli *cli);
sb_exit sb_command_detect(sb_cli *cli);
sb_exit sb_command_represent(sb_cli *cli);
sb_exit sb_command_analyze(sb_cli *cli);
sb_exit sb_command_eval(sb_cli *cli);
sb_exit sb_command_cluster(sb_cli *cli);
sb_exit sb_command_dedup(sb_cli *cli);
sb_exit sb_command_serve(sb_cli *cli);
sb_exit sb_command_bench(sb_cli *cli);
sb_exit sb_command_keys(sb_cli *cli);
sb_exit sb_command_backup(sb_cli *cli);
sb_exit sb_command_migrate(sb_cli *cli);
sb_exit sb_command_hnsw(sb_cli *cli);
sb_exit sb_command_restore(sb_cli *cli);
sb_exit sb_command_access(sb_cli *cli);
sb_exit sb_command_tls(sb_cli *cli);
sb_exit sb_command_models(sb_cli *cli);
sb_exit sb_command_collections(sb_cli *cli);
sb_exit sb_command_sql(sb_cli *cli);
sb_exit sb_command_audit(sb_cli *cli);
sb_exit sb_command_consent(sb_cli *cli);
sb_exit sb_command_expire(sb_cli *cli);
sb_exit sb_command_thumbnails(sb_cli *cli);
sb_exit sb_command_export(sb_cli *cli);
sb_exit sb_command_doctor(sb_cli *cli);

/* Takes flags out of cli->words; what stays are the positional arguments. "--" ends flags. */
typedef enum sb_flag_kind { SB_FLAG_SWITCH, SB_FLAG_TEXT, SB_FLAG_COUNT, SB_FLAG_LIST } sb_flag_kind;
enum { SB_FLAG_LIST_MAX = 64 };
typedef struct sb_flag_list { /* a flag that may be given several times */
  size_t count;
  const char *items[SB_FLAG_LIST_MAX];
} sb_flag_list;
typedef struct sb_flag {
  const char *name;
  sb_flag_kind kind;
  void *target; /* bool *, const char **, size_t * or sb_flag_list * */
} sb_flag;
/* False after a message about the usage on stderr. `least`..`most`: how many positional arguments are right. */
bool sb_flags_take(sb_cli *cli, const sb_flag *flags, size_t flag_count, int least, int most);
#define SB_FLAGS_TAKE(cli, flags, least, most) sb_flags_take(cli, flags, sizeof(flags) / sizeof *(flags), least, most)

/* Prints "semblance: <message>" (or the error as JSON with --json) on stderr and gives the exit code. */
sb_exit sb_cli_fail(const sb_cli *cli, sb_status status, const sb_error *error);
SB_PRINTF(2, 3) sb_exit sb_cli_usage(const sb_cli *cli, const char *format, ...);
/* Prints and releases; NULL (memory out) is SB_EXIT_SYSTEM, else `code`. */
sb_exit sb_cli_print_json(const sb_cli *cli, json_t *json, sb_exit code);

/* The engine's options as the settings give them; they borrow from the configuration. SB_INVALID. */
sb_status sb_cli_options(const sb_cli *cli, sb_engine_options *out, sb_error *error);
sb_status sb_cli_engine(const sb_cli *cli, bool server, sb_engine **out, sb_error *error);
/* A photo's bytes; "-" is standard input. `photo->bytes` is released by sb_cli_photo_free. */
sb_status sb_cli_photo_read(const char *path, sb_photo *photo, sb_error *error);
void sb_cli_photo_free(sb_photo *photo);

/* Where the log goes, as the settings say; a command that is no server tells errors only. SB_INVALID. */
sb_status sb_cli_log(const sb_config *config, bool server, sb_error *error);

/* How sure a match must be: a flag of this command, else what an admin chose on the page, else what the settings say. */
sb_target sb_cli_target(const sb_cli *cli, sb_engine *engine);
/* Asks for a secret on the terminal, without showing it; false where there is no terminal. At most `size` bytes. */
bool sb_cli_secret_ask(const char *prompt, char *text, size_t size);

const char *sb_cli_verdict(sb_verdict verdict); /* in plain words */
/* "1 in 12,345" or "under 1 in 100,000". */
void sb_cli_odds(double rate, bool bound, char *text, size_t size);
/* The word for so many. */
static inline const char *sb_cli_word(size_t count, const char *one, const char *many) {
  return count == 1 ? one : many;
}

#endif
