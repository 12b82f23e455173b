/* The migrate subcommand: a gallery from its folder into PostgreSQL, or back. */
#include "cli/cli.h"
#include "engine/engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool tell_progress(void *context, const char *table, size_t done) {
  const sb_cli *cli = context;
  if (!cli->quiet && !cli->json && isatty(STDERR_FILENO)) fprintf(stderr, "\r%s: %zu rows ", table, done);
  return true;
}

/* "sqlite:FOLDER", "sqlite:" for the folder of --data; NULL: it is another kind. */
static const char *folder_of(const sb_cli *cli, const char *place) {
  static const char kind[] = "sqlite:";
  if (!place || strncmp(place, kind, sizeof kind - 1)) return NULL;
  return place[sizeof kind - 1] ? place + sizeof kind - 1 : cli->config->data;
}

sb_exit sb_command_migrate(sb_cli *cli) {
  const char *from = NULL, *to = NULL;
  const sb_flag flags[] = {{"--from", SB_FLAG_TEXT, &from}, {"--to", SB_FLAG_TEXT, &to}};
  if (!SB_FLAGS_TAKE(cli, flags, 0, 0)) return SB_EXIT_USAGE;
  const char *source = folder_of(cli, from), *target = folder_of(cli, to);
  if (!from || !to || !source == !target)
    return sb_cli_usage(cli, "--from and --to are wanted: one sqlite:FOLDER, the other postgresql://...");
  sb_error error = {0};
  size_t rows = 0;
  const char *given = source ? source : target;
  const sb_engine_migration migration = {.folder = *given ? given : NULL,
                                         .url = source ? to : from,
                                         .back = !source,
                                         .progress = tell_progress,
                                         .context = cli};
  sb_status status = sb_engine_migrate(&migration, &rows, &error);
  if (status != SB_OK) return sb_cli_fail(cli, status, &error);
  if (cli->json) return sb_cli_print_json(cli, json_pack("{s:I}", "rows", (json_int_t)rows), SB_EXIT_OK);
  if (!cli->quiet)
    printf("%zu rows were copied, and all compared: the gallery is in both; the root key is the same\n", rows);
  return SB_EXIT_OK;
}
