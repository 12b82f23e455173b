/* list, show, rename and delete: the people of a collection. */
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/wording.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- list */

typedef struct list_options {
  size_t offset, limit;
} list_options;

static const sb_cli_option list_table[] = {
    {"--offset", "N", "skip the first N", SB_CLI_FIELD(list_options, offset)},
    {"--limit", "N", "how many to list", SB_CLI_FIELD(list_options, limit), .fallback = "100", .minimum = 1,
     .limit = 1000},
    {NULL},
};

/* One line for each person, with tabs: id, name, number of faces, time of registration. */
static void print_people(const sb_people *people) {
  for (size_t i = 0; i < people->count; i++) {
    char created[32];
    sb_time_iso(people->items[i].created_ms, created);
    printf("%s\t%s\t%zu\t%s\n", people->items[i].id, people->items[i].name, people->items[i].faces, created);
  }
  if (people->offset || people->count < people->total)
    fprintf(stderr, "%zu of %zu people, starting at number %zu; use --offset and --limit to see others\n",
            people->count, people->total, people->offset + 1);
}

static sb_status run_list(sb_cli *cli, const void *parsed, sb_error *error) {
  const list_options *o = parsed;
  sb_people *people = NULL;
  const sb_list_request request = {.struct_size = sizeof request,
                                   .collection = cli->config->collection,
                                   .query = cli->count ? cli->words[0] : NULL,
                                   .offset = o->offset,
                                   .limit = o->limit};
  sb_status status = sb_engine_list(cli->engine, &request, &people, error);
  if (status != SB_OK) return status;
  if (cli->json)
    status = sb_cli_print_json(sb_json_people(people), error);
  else
    print_people(people);
  sb_cli_print_empty(cli, people->total, cli->count ? "nobody whose id or name contains that" : "nobody is registered");
  sb_people_free(people);
  return status;
}

const sb_cli_command sb_cli_command_list = {.name = "list",
                                            .arguments = "[TEXT]",
                                            .summary = "list people, or those whose id or name contains TEXT",
                                            .options = list_table,
                                            .options_size = sizeof(list_options),
                                            .most = 1,
                                            .opens_gallery = true,
                                            .run = run_list};

/* ---- show */

static void print_person(const sb_person *person) {
  char time[32];
  sb_time_iso(person->created_ms, time);
  printf("id       %s\nname     %s\nfaces    %zu\ncreated  %s\nconsent  %s\n", person->id, person->name, person->faces,
         time, *person->consent ? person->consent : "(none recorded)");
  if (*person->purpose) printf("purpose  %s\n", person->purpose);
  if (person->expires_ms) {
    sb_time_iso(person->expires_ms, time);
    printf("expires  %s\n", time);
  }
  if (!person->has_attributes) return;
  const sb_attributes *a = &person->attributes;
  if (a->age >= 0) printf("age      about %.0f\n", a->age);
  if (a->man >= 0) printf("gender   %s\n", a->man >= a->woman ? "man" : "woman");
  if (a->ethnicity[a->ethnicity_dominant] >= 0)
    printf("ethnicity (experimental) %s\n", sb_ethnicity_name(a->ethnicity_dominant));
}

static sb_status run_show(sb_cli *cli, const void *parsed, sb_error *error) {
  (void)parsed;
  sb_people *people = NULL;
  sb_status status = sb_engine_get(cli->engine, cli->config->collection, cli->words[0], &people, error);
  if (status != SB_OK) return status;
  if (cli->json)
    status = sb_cli_print_json(sb_json_person(&people->items[0]), error);
  else
    print_person(&people->items[0]);
  sb_people_free(people);
  return status;
}

const sb_cli_command sb_cli_command_show = {.name = "show",
                                            .arguments = "ID",
                                            .summary = "show one person's record",
                                            .least = 1,
                                            .most = 1,
                                            .opens_gallery = true,
                                            .run = run_show};

/* ---- rename */

static sb_status run_rename(sb_cli *cli, const void *parsed, sb_error *error) {
  (void)parsed;
  sb_status status = sb_engine_rename(cli->engine, cli->config->collection, cli->words[0], cli->words[1], error);
  if (status != SB_OK) return status;
  if (cli->json) return sb_cli_print_json(json_pack("{s:b}", "renamed", 1), error);
  puts("renamed");
  return SB_OK;
}

const sb_cli_command sb_cli_command_rename = {.name = "rename",
                                              .arguments = "ID NAME",
                                              .summary = "change a person's name",
                                              .least = 2,
                                              .most = 2,
                                              .opens_gallery = true,
                                              .run = run_rename};

/* ---- delete */

typedef struct erased {
  size_t people, faces;
  json_t *receipts;
} erased;

/* Erases a person; the erasure receipt goes into the JSON. People before a failing one stay erased. */
static sb_status erase_one(sb_cli *cli, const char *id, erased *all, sb_error *error) {
  sb_erasure erasure = {0};
  sb_status status = sb_engine_erase(cli->engine, cli->config->collection, id, &erasure, error);
  if (status != SB_OK) return status;
  all->people++;
  all->faces += erasure.faces;
  json_array_append_new(all->receipts, sb_json_erasure(&erasure));
  if (erasure.log_pending && !cli->quiet)
    fputs("semblance: the database's log could not be emptied yet; it is when no program reads the gallery\n", stderr);
  if (!cli->json) printf("erased; see entry %lld of the audit log\n", (long long)erasure.sequence);
  return SB_OK;
}

static sb_status run_delete(sb_cli *cli, const void *parsed, sb_error *error) {
  (void)parsed;
  erased all = {.receipts = json_array()};
  sb_status status = SB_OK;
  for (int i = 0; status == SB_OK && i < cli->count; i++) status = erase_one(cli, cli->words[i], &all, error);
  if (all.people && !cli->json)
    printf("deleted %zu %s with %zu %s\n", all.people, sb_cli_plural(all.people, "person", "people"), all.faces,
           sb_cli_plural(all.faces, "face", "faces"));
  if (status == SB_OK && cli->json)
    return sb_cli_print_json(json_pack("{s:I,s:I,s:o}", "deleted", (json_int_t)all.people, "faces",
                                       (json_int_t)all.faces, "receipts", all.receipts),
                             error);
  json_decref(all.receipts);
  return status;
}

const sb_cli_command sb_cli_command_delete = {
    .name = "delete",
    .arguments = "ID...",
    .summary = "delete people: their records, templates, and the traces of these in the database file",
    .least = 1,
    .most = 100000,
    .opens_gallery = true,
    .run = run_delete};
