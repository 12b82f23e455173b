/* migrate: copies a gallery from its folder (SQLite) into PostgreSQL, or back, and compares every row. */
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/progress.h"
#include "engine/engine.h"

#include <stdio.h>
#include <string.h>

typedef struct options {
  const char *from, *to;
} options;

static const sb_cli_option migrate_options[] = {
    {"--from", "PLACE", "sqlite:FOLDER (sqlite: alone is the folder of --data) or postgresql://...",
     SB_CLI_FIELD(options, from)},
    {"--to", "PLACE", "the other kind, empty; after an interruption the same command continues",
     SB_CLI_FIELD(options, to)},
    {NULL},
};

/* The folder of "sqlite:FOLDER", or the one of --data for "sqlite:"; NULL for any other place. */
static const char *folder_of(const sb_cli *cli, const char *place) {
  static const char kind[] = "sqlite:";
  if (!place || strncmp(place, kind, sizeof kind - 1)) return NULL;
  return place[sizeof kind - 1] ? place + sizeof kind - 1 : cli->config->data;
}

static sb_status run(sb_cli *cli, const void *parsed, sb_error *error) {
  const options *o = parsed;
  const char *source = folder_of(cli, o->from), *target = folder_of(cli, o->to);
  if (!o->from || !o->to || !source == !target)
    return sb_cli_usage(cli, error, "give --from and --to: one sqlite:FOLDER, the other postgresql://...");
  size_t rows = 0;
  const char *given = source ? source : target;
  const sb_engine_migration migration = {.folder = *given ? given : NULL,
                                         .url = source ? o->to : o->from,
                                         .back = !source,
                                         .progress = sb_cli_progress_rows,
                                         .context = cli};
  sb_status status = sb_engine_migrate(&migration, &rows, error);
  if (status != SB_OK) return status;
  if (cli->json) return sb_cli_print_json(json_pack("{s:I}", "rows", (json_int_t)rows), error);
  if (!cli->quiet)
    printf("copied %zu rows and compared all of them: the gallery is now in both places; the root key is the same\n",
           rows);
  return SB_OK;
}

const sb_cli_command sb_cli_command_migrate = {
    .name = "migrate",
    .summary = "copy a gallery from its folder into PostgreSQL, or back, and compare every row",
    .options = migrate_options,
    .options_size = sizeof(options),
    .run = run};
