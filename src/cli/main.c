/* The program: settings, help, one subcommand. */
#include "cli/cli.h"
#include "engine/engine.h"
#include "sandbox/sandbox.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

static void print_help(void) {
  printf("Semblance %s: find and verify people by their face.\n\n"
         "usage: semblance COMMAND [OPTION...] [ARGUMENT...]\n\ncommands:\n",
         sb_version());
  for (size_t i = 0; i < sb_commands_count; i++) printf("  %-10s %s\n", sb_commands[i].name, sb_commands[i].summary);
  puts("\nsettings of every command (also by environment variable, or as `key = value` in semblance.conf):");
  for (size_t i = 0; i < sb_settings_count; i++)
    printf("  %-14s %-22s %s\n", sb_settings[i].flag, sb_settings[i].environment, sb_settings[i].help);
  puts("\n`semblance help COMMAND`, or --help behind it, tells a command's own options. Exit codes: 0 ok,\n"
       "1 no match or no such person, 2 wrong usage, 3 input refused, 4 a problem of the system.");
}

static void print_command_help(const sb_command *command) {
  printf(
      "usage: semblance %s%s%s\n\n%s\n\noptions:\n%s  --json                print JSON\n"
      "  --quiet               print no progress\n\n`semblance --help` tells the settings that every command takes.\n",
      command->name, *command->arguments ? " " : "", command->arguments, command->summary, command->options);
}

static sb_exit refuse_command(const char *name) {
  fprintf(stderr, "semblance: there is no command '%s'; see `semblance --help`\n", name);
  return SB_EXIT_USAGE;
}

/* `name`: of a command, or NULL for the program. */
static sb_exit help(const char *name) {
  const sb_command *command = name ? sb_command_find(name) : NULL;
  if (name && !command) return refuse_command(name);
  if (command)
    print_command_help(command);
  else
    print_help();
  return SB_EXIT_OK;
}

static bool asks_for_help(int count, char **words) {
  for (int i = 0; i < count && strcmp(words[i], "--"); i++)
    if (!strcmp(words[i], "--help") || !strcmp(words[i], "-h")) return true;
  return false;
}

/* Commands that look at photos and write to the gallery only. */
static bool looks_at_photos(const char *name) {
  static const char *const names[] = {"serve",  "enroll", "import",    "search",
                                      "verify", "detect", "represent", "analyze"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (!strcmp(name, names[i])) return true;
  return false;
}

static void confine(const sb_config *config, const char *name) {
  const char *temporary = getenv("TMPDIR");
  char *data = sb_engine_folder(*config->data ? config->data : NULL, NULL);
  char *cache = sb_engine_cache_folder(*config->cache ? config->cache : NULL, NULL);
  bool server = !strcmp(name, "serve"); /* imports lie there, sealed, while they are worked on */
  const char *const writable[] = {data ? data : "/nonexistent", cache ? cache : "/nonexistent",
                                  server ? (temporary && *temporary ? temporary : "/var/tmp") : NULL, NULL};
  uint16_t ports[17] = {0}; /* of the database's servers */
  size_t count = *config->store ? sb_engine_database_ports(config->store, ports, 8) : 0;
  if (count && *config->store_replica) count += sb_engine_database_ports(config->store_replica, ports + count, 8);
  if (data && cache) sb_sandbox_enter(writable, server, count ? ports : NULL);
  free(data);
  free(cache);
}

static sb_exit run_command(const sb_command *command, int argc, char **argv) {
  sb_config config = {0};
  sb_error error = {0};
  sb_cli cli = {.command = command, .config = &config};
  sb_status status = sb_config_load(&config, &argc, argv, &error);
  if (status == SB_INVALID) return sb_cli_usage(&cli, "%s", error.message);
  if (status != SB_OK) return sb_cli_fail(&cli, status, &error);
  sb_exit code;
  status = sb_cli_log(&config, !strcmp(command->name, "serve"), &error);
  if (status != SB_OK) {
    code = sb_cli_usage(&cli, "%s", error.message);
  } else {
    cli.words = argv + 2;
    cli.count = argc - 2;
    if (config.contain && looks_at_photos(command->name)) confine(&config, command->name);
    code = command->run(&cli);
  }
  if (fflush(stdout) && code == SB_EXIT_OK) code = SB_EXIT_SYSTEM;
  sb_config_free(&config);
  return code;
}

int main(int argc, char **argv) {
  signal(SIGPIPE, SIG_IGN);                       /* a closed connection or pipe is an error code, not a death */
  signal(SIGXFSZ, SIG_IGN);                       /* a file-size limit reads as a full disk */
  setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0}); /* a core dump would hold templates and keys */
  prctl(PR_SET_DUMPABLE, 0);                      /* nor may another program of this user read our memory */
  sb_root_passphrase_set(sb_cli_secret_ask);
  const char *name = argc > 1 ? argv[1] : "";
  if (!strcmp(name, "--version") || !strcmp(name, "version")) return printf("semblance %s\n", sb_version()), SB_EXIT_OK;
  if (!strcmp(name, "help")) return help(argc > 2 && argv[2][0] != '-' ? argv[2] : NULL);
  if (!strcmp(name, "--help") || !strcmp(name, "-h")) return help(NULL);
  if (!strcmp(name, "complete")) return sb_cli_complete(argc - 2, argv + 2), SB_EXIT_OK; /* the shells ask */
  if (!strcmp(name, "manual") && argc == 3 && sb_cli_manual(argv[2])) return SB_EXIT_OK; /* the build asks */
  const sb_command *command = sb_command_find(name);
  if (!command && *name) return refuse_command(name);
  if (!command) return fputs("semblance: which command? See `semblance --help`\n", stderr), SB_EXIT_USAGE;
  if (asks_for_help(argc - 2, argv + 2)) return print_command_help(command), SB_EXIT_OK;
  return run_command(command, argc, argv);
}
