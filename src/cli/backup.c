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
  sb_status status = SB_OK;
  if (!verify) {
    status = sb_cli_engine(cli, false, &engine, &error);
    if (status == SB_OK) status = sb_store_backup(sb_engine_store(engine), cli->words[0], &error);
    sb_engine_free(engine);
    if (status != SB_OK) return sb_cli_fail(cli, status, &error);
  }
  /* What was written is read again, too: a backup that cannot be restored is none. */
  char *folder = sb_engine_folder(*cli->config->data ? cli->config->data : NULL, &error);
  status = folder ? sb_store_backup_verify(folder, cli->words[0], &error) : error.code;
  free(folder);
  return done(cli, status, &error, verify ? "verified" : "written and verified");
}

sb_exit sb_command_restore(sb_cli *cli) {
  if (!sb_flags_take(cli, NULL, 0, 1, 1)) return SB_EXIT_USAGE;
  sb_error error = {0};
  if (*cli->config->store)
    return sb_cli_usage(cli, "a backup is restored into a folder, without --store (or SEMBLANCE_STORE)");
  char *folder = sb_engine_folder(*cli->config->data ? cli->config->data : NULL, &error);
  sb_status status = folder ? sb_store_restore(folder, cli->words[0], &error) : error.code;
  free(folder);
  return done(cli, status, &error, "restored");
}
