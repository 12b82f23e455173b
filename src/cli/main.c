/* The program: reads the settings, and runs one subcommand. */
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/help.h"
#include "cli/log.h"
#include "cli/secret.h"
#include "crypto/crypto.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

static sb_cli_exit unknown_command(const char *name) {
  fprintf(stderr, "semblance: there is no command '%s'; see `semblance --help`\n", name);
  return SB_EXIT_USAGE;
}

/* Help for a subcommand, or with `name` NULL for the program. */
static sb_cli_exit help(const char *name) {
  const sb_cli_command *command = name ? sb_cli_command_find(name) : NULL;
  if (name && !command) return unknown_command(name);
  if (command)
    sb_cli_help_print_command(command);
  else
    sb_cli_help_print();
  return SB_EXIT_OK;
}

/* --help anywhere before "--" wins over all other arguments. */
static bool asks_for_help(int count, char **words) {
  for (int i = 0; i < count && strcmp(words[i], "--"); i++)
    if (!strcmp(words[i], "--help") || !strcmp(words[i], "-h")) return true;
  return false;
}

/* The log starts before the sandbox, whose trouble it may have to report. */
static int run_with_settings(sb_cli *cli, int argc, char **argv) {
  sb_error error = {0};
  sb_status status = sb_cli_log_start(cli->config, cli->command->is_server, &error);
  if (status != SB_OK) {
    cli->usage = true;
    return sb_cli_print_error(cli, status, &error);
  }
  cli->words = argv + 2;
  cli->count = argc - 2;
  return sb_cli_command_run(cli);
}

static int run(const sb_cli_command *command, int argc, char **argv) {
  sb_config config = {0};
  sb_error error = {0};
  sb_cli cli = {.command = command, .config = &config};
  sb_status status = sb_config_load(&config, &argc, argv, &error);
  if (status != SB_OK) {
    cli.usage = status == SB_INVALID;
    return sb_cli_print_error(&cli, status, &error);
  }
  int code = run_with_settings(&cli, argc, argv);
  if (fflush(stdout) && code == SB_EXIT_OK) code = SB_EXIT_SYSTEM;
  sb_config_free(&config);
  return code;
}

int main(int argc, char **argv) {
  signal(SIGPIPE, SIG_IGN);                       /* a closed connection or pipe becomes an error code */
  signal(SIGXFSZ, SIG_IGN);                       /* a file-size limit reads as a full disk */
  setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0}); /* a core dump would hold templates and keys */
  prctl(PR_SET_DUMPABLE, 0);                      /* nor may another program of this user read our memory */
  sb_root_passphrase_set(sb_cli_secret_ask);
  const char *name = argc > 1 ? argv[1] : "";
  if (!strcmp(name, "--version") || !strcmp(name, "version")) return printf("semblance %s\n", sb_version()), SB_EXIT_OK;
  if (!strcmp(name, "help")) return help(argc > 2 && argv[2][0] != '-' ? argv[2] : NULL);
  if (!strcmp(name, "--help") || !strcmp(name, "-h")) return help(NULL);
  if (!strcmp(name, "complete")) return sb_cli_complete_print(argc - 2, argv + 2), SB_EXIT_OK; /* for shells */
  if (!strcmp(name, "manual") && argc == 3 && sb_cli_manual_print(argv[2])) return SB_EXIT_OK; /* for the build */
  const sb_cli_command *command = sb_cli_command_find(name);
  if (!command && *name) return unknown_command(name);
  if (!command) return fputs("semblance: give a command; see `semblance --help`\n", stderr), SB_EXIT_USAGE;
  if (asks_for_help(argc - 2, argv + 2)) return sb_cli_help_print_command(command), SB_EXIT_OK;
  return run(command, argc, argv);
}
