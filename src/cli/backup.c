/* The backup and restore subcommands. */
#include "cli/cli.h"
#include "engine/engine.h"

#include <stdio.h>
#include <stdlib.h>

static sb_exit done(sb_cli *cli, sb_status status, const sb_error *error, const char *word) {
  if (status != SB_OK) return sb_cli_fail(cli, status, error);
  if (cli->json) return sb_cli_print_json(cli, json_pack("{s:b}", word, 1), SB_EXIT_OK);
  if (!cli->quiet) puts(word);
  return SB_EXIT_OK;
}

sb_exit sb_command_backup(sb_cli *cli) {
  bool verify = false;
  const sb_flag flags[] = {{"--verify", SB_FLAG_SWITCH, &verify}};
  if (!SB_FLAGS_TAKE(cli, flags, 1, 1)) return SB_EXIT_USAGE;
  sb_error error = {0};
  sb_engine *engine = NULL;
  const char *folder = *cli->config->data ? cli->config->data : NULL;
  if (verify) return done(cli, sb_engine_backup_verify(folder, cli->words[0], &error), &error, "verified");
  sb_status status = sb_cli_engine(cli, false, &engine, &error);
  if (status == SB_OK) status = sb_engine_backup(engine, cli->words[0], &error);
  sb_engine_free(engine);
  return done(cli, status, &error, "written and verified");
}

sb_exit sb_command_restore(sb_cli *cli) {
  if (!sb_flags_take(cli, NULL, 0, 1, 1)) return SB_EXIT_USAGE;
  sb_error error = {0};
  if (*cli->config->store)
    return sb_cli_usage(cli, "a backup is restored into a folder, without --store (or SEMBLANCE_STORE)");
  sb_status status = sb_engine_restore(*cli->config->data ? cli->config->data : NULL, cli->words[0], &error);
  return done(cli, status, &error, "restored");
}
