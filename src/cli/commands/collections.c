/* collections: lists, adds and deletes collections of people. */
#include "cli/cli.h"
#include "cli/commands.h"

#include <stdio.h>

static sb_status run_list(sb_cli *cli, const void *parsed, sb_error *error) {
  (void)parsed;
  sb_collection *collections = NULL;
  size_t count = 0;
  sb_status status = sb_engine_collections(cli->engine, &collections, &count, error);
  if (status != SB_OK) return status;
  if (cli->json) status = sb_cli_print_json(sb_json_collections(collections, count), error);
  for (size_t i = 0; !cli->json && i < count; i++) {
    const sb_collection *c = &collections[i];
    printf("%-24s %s (%zu numbers), people: %zu, faces: %zu\n", c->name, c->model, c->dim, c->people, c->faces);
  }
  sb_collections_free(collections);
  return status;
}

/* Prints that a collection was added or deleted; `key` is its member of the JSON. */
static sb_status print_change(const sb_cli *cli, const char *key, const char *word, sb_error *error) {
  const char *name = cli->words[0];
  if (cli->json) return sb_cli_print_json(json_pack("{s:s}", key, name), error);
  printf("%s %s\n", word, name);
  return SB_OK;
}

static sb_status run_add(sb_cli *cli, const void *parsed, sb_error *error) {
  (void)parsed;
  sb_status status = sb_engine_collection_create(cli->engine, cli->words[0], NULL, error);
  return status == SB_OK ? print_change(cli, "name", "added", error) : status;
}

static sb_status run_delete(sb_cli *cli, const void *parsed, sb_error *error) {
  (void)parsed;
  sb_status status = sb_engine_collection_delete(cli->engine, cli->words[0], error);
  return status == SB_OK ? print_change(cli, "deleted", "deleted", error) : status;
}

static const sb_cli_command actions[] = {
    {.name = "list", .summary = "the collections, their models and sizes", .opens_gallery = true, .run = run_list},
    {.name = "add",
     .arguments = "NAME",
     .summary = "make a collection for --model",
     .least = 1,
     .most = 1,
     .opens_gallery = true,
     .run = run_add},
    {.name = "delete",
     .arguments = "NAME",
     .summary = "delete a collection and everyone in it",
     .least = 1,
     .most = 1,
     .opens_gallery = true,
     .run = run_delete},
    {NULL},
};
const sb_cli_command sb_cli_command_collections = {
    .name = "collections",
    .summary = "collections of people; each keeps the model (--model) it was made with",
    .actions = actions,
    .first_is_default = true};
