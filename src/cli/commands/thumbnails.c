/* thumbnails: erases the small pictures of faces that --thumbnails kept. */
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/wording.h"
#include "engine/engine.h"

#include <stdio.h>

static sb_status run_erase(sb_cli *cli, const void *parsed, sb_error *error) {
  (void)parsed;
  size_t erased = 0;
  sb_status status = sb_engine_thumbnails_erase(cli->engine, cli->config->collection, &erased, error);
  if (status != SB_OK) return status;
  if (cli->json) return sb_cli_print_json(json_pack("{s:I}", "erased", (json_int_t)erased), error);
  printf("erased %zu %s\n", erased, sb_cli_plural(erased, "thumbnail", "thumbnails"));
  return SB_OK;
}

static const sb_cli_command actions[] = {
    {.name = "erase",
     .summary = "erase the small pictures of --collection; the faces stay",
     .opens_gallery = true,
     .run = run_erase},
    {NULL},
};
const sb_cli_command sb_cli_command_thumbnails = {
    .name = "thumbnails", .summary = "the small pictures of faces that --thumbnails kept", .actions = actions};
