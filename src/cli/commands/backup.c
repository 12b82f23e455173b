/* backup and restore. */
#include "cli/cli.h"
#include "cli/commands.h"
#include "engine/engine.h"

#include <stdio.h>

/* Prints what was done; `word` is also the member of the JSON. */
static sb_status print_done(const sb_cli *cli, const char *word, sb_error *error) {
  if (cli->json) return sb_cli_print_json(json_pack("{s:b}", word, 1), error);
  if (!cli->quiet) puts(word);
  return SB_OK;
}

/* ---- backup */

typedef struct options {
  bool verify;
} options;

static const sb_cli_option backup_options[] = {
    {"--verify", NULL, "only verify a backup that exists", SB_CLI_FIELD(options, verify)},
    {NULL},
};

static const char *folder_of(const sb_cli *cli) {
  return *cli->config->data ? cli->config->data : NULL; /* NULL: the engine's default */
}

/* A new backup is verified, too: one that cannot be restored is worthless. */
static sb_status run_backup(sb_cli *cli, const void *parsed, sb_error *error) {
  const options *o = parsed;
  const char *path = cli->words[0];
  if (o->verify) {
    sb_status status = sb_engine_backup_verify(folder_of(cli), path, error);
    return status == SB_OK ? print_done(cli, "verified", error) : status;
  }
  sb_status status = sb_cli_open_engine(cli, SB_CLI_GALLERY, error);
  if (status != SB_OK) return status;
  status = sb_engine_backup(cli->engine, path, error);
  return status == SB_OK ? print_done(cli, "written and verified", error) : status;
}

const sb_cli_command sb_cli_command_backup = {
    .name = "backup",
    .arguments = "FILE",
    .summary = "write an encrypted backup, while a server may be running, and verify it",
    .options = backup_options,
    .options_size = sizeof(options),
    .least = 1,
    .most = 1,
    .run = run_backup};

/* ---- restore */

static sb_status run_restore(sb_cli *cli, const void *parsed, sb_error *error) {
  (void)parsed;
  if (*cli->config->store)
    return sb_cli_usage(cli, error,
                        "a backup is restored into a folder: leave out --store (or SEMBLANCE_STORE), then `migrate`");
  sb_status status = sb_engine_restore(folder_of(cli), cli->words[0], error);
  return status == SB_OK ? print_done(cli, "restored", error) : status;
}

const sb_cli_command sb_cli_command_restore = {.name = "restore",
                                               .arguments = "FILE",
                                               .summary = "restore a backup into an empty folder, with its root key",
                                               .least = 1,
                                               .most = 1,
                                               .run = run_restore};
