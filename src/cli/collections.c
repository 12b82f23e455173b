/* collections: list, add, delete. */
#include "cli/cli.h"

#include <stdio.h>
#include <string.h>

static sb_exit print_all(sb_cli *cli, sb_engine *engine) {
  sb_error error = {0};
  sb_collection *collections = NULL;
  size_t count = 0;
  sb_exit code = SB_EXIT_OK;
  sb_status status = sb_engine_collections(engine, &collections, &count, &error);
  if (status != SB_OK) return sb_cli_fail(cli, status, &error);
  if (cli->json)
    code = sb_cli_print_json(cli, sb_json_collections(collections, count), code);
  else
    for (size_t i = 0; i < count; i++)
      printf("%-24s %s (%zu numbers), people: %zu, faces: %zu\n", collections[i].name, collections[i].model,
             collections[i].dim, collections[i].people, collections[i].faces);
  sb_collections_free(collections);
  return code;
}

static sb_exit change(sb_cli *cli, sb_engine *engine, const char *verb, const char *name) {
  sb_error error = {0};
  bool add = !strcmp(verb, "add");
  sb_status status =
      add ? sb_engine_collection_create(engine, name, NULL, &error) : sb_engine_collection_delete(engine, name, &error);
  if (status != SB_OK) return sb_cli_fail(cli, status, &error);
  if (cli->json) return sb_cli_print_json(cli, json_pack("{s:s}", add ? "name" : "deleted", name), SB_EXIT_OK);
  printf("%s %s\n", add ? "added" : "deleted", name);
  return SB_EXIT_OK;
}

sb_exit sb_command_collections(sb_cli *cli) {
  if (!sb_flags_take(cli, NULL, 0, 0, 2)) return SB_EXIT_USAGE;
  const char *verb = cli->count ? cli->words[0] : "list";
  bool lists = !strcmp(verb, "list");
  if (!lists && strcmp(verb, "add") && strcmp(verb, "delete"))
    return sb_cli_usage(cli, "collections knows list, add and delete");
  if (!lists && cli->count < 2) return sb_cli_usage(cli, "the collection's name is missing");
  if (lists && cli->count > 1) return sb_cli_usage(cli, "too many arguments");
  sb_error error = {0};
  sb_engine *engine = NULL;
  sb_status status = sb_cli_engine(cli, false, &engine, &error);
  if (status != SB_OK) return sb_cli_fail(cli, status, &error);
  sb_exit code = lists ? print_all(cli, engine) : change(cli, engine, verb, cli->words[1]);
  sb_engine_free(engine);
  return code;
}
