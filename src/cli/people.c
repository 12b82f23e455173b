/* Subcommands about people: enroll, list, show, rename, delete. */
#include "cli/cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void print_warnings(const sb_enrolled *enrolled) {
  for (size_t i = 0; i < enrolled->duplicate_count; i++) {
    fprintf(stderr, "warning: looks like %s (%s), similarity %.3f\n", enrolled->duplicates[i].name,
            enrolled->duplicates[i].id, enrolled->duplicates[i].similarity);
  }
}

static sb_exit enroll_answer(sb_cli *cli, sb_status status, const sb_enrolled *enrolled, const sb_error *error) {
  if (enrolled && !cli->json) print_warnings(enrolled);
  if (status != SB_OK) return sb_cli_fail(cli, status, error);
  if (cli->json) return sb_cli_print_json(cli, sb_json_enrolled(enrolled), SB_EXIT_OK);
  printf("enrolled %s (%s): %zu face%s added, %zu in all\n", enrolled->person.name, enrolled->person.id,
         enrolled->faces_added, enrolled->faces_added == 1 ? "" : "s", enrolled->person.faces);
  return SB_EXIT_OK;
}

sb_exit sb_command_enroll(sb_cli *cli) {
  const char *id = NULL, *name = NULL, *consent = NULL, *purpose = NULL, *expires = NULL;
  bool add = false, largest = false, any = false, refuse = false, attributes = false;
  const sb_flag flags[] = {{"--id", SB_FLAG_TEXT, &id},
                           {"--name", SB_FLAG_TEXT, &name},
                           {"--consent", SB_FLAG_TEXT, &consent},
                           {"--purpose", SB_FLAG_TEXT, &purpose},
                           {"--expires", SB_FLAG_TEXT, &expires},
                           {"--add", SB_FLAG_SWITCH, &add},
                           {"--largest", SB_FLAG_SWITCH, &largest},
                           {"--any-quality", SB_FLAG_SWITCH, &any},
                           {"--refuse-duplicate", SB_FLAG_SWITCH, &refuse},
                           {"--attributes", SB_FLAG_SWITCH, &attributes}};
  if (!SB_FLAGS_TAKE(cli, flags, 1, 1000)) return SB_EXIT_USAGE;
  if (!id) return sb_cli_usage(cli, "--id is missing");
  if (!name && !add) return sb_cli_usage(cli, "--name is missing");
  sb_error error = {0};
  sb_engine *engine = NULL;
  sb_enrolled *enrolled = NULL;
  size_t count = (size_t)cli->count;
  sb_photo *photos = sb_alloc(count, sizeof *photos, &error);
  int64_t expires_ms = 0;
  sb_status status = photos ? SB_OK : SB_NO_MEMORY;
  if (status == SB_OK && expires) status = sb_time_expiry(expires, &expires_ms, &error);
  for (size_t i = 0; status == SB_OK && i < count; i++) status = sb_cli_photo_read(cli->words[i], &photos[i], &error);
  if (status == SB_OK) status = sb_cli_engine(cli, false, &engine, &error);
  if (status == SB_OK) {
    sb_enroll_request request = {
        .struct_size = sizeof request,
        .collection = cli->config->collection,
        .id = id,
        .name = name,
        .consent = consent,
        .purpose = purpose,
        .expires_ms = expires_ms,
        .photos = photos,
        .photo_count = count,
        .flags = (add ? SB_ENROLL_ADD : 0) | (largest ? SB_ENROLL_LARGEST : 0) | (any ? SB_ENROLL_ANY_QUALITY : 0) |
                 (refuse ? SB_ENROLL_REFUSE_DUPLICATE : 0) | (attributes ? SB_ENROLL_ATTRIBUTES : 0)};
    status = sb_engine_enroll(engine, &request, &enrolled, &error);
  }
  sb_exit code = enroll_answer(cli, status, enrolled, &error);
  sb_enrolled_free(enrolled);
  sb_engine_free(engine);
  for (size_t i = 0; photos && i < count; i++) sb_cli_photo_free(&photos[i]);
  free(photos);
  return code;
}

static void print_people(const sb_people *people) {
  for (size_t i = 0; i < people->count; i++) {
    char created[32];
    sb_time_iso(people->items[i].created_ms, created);
    printf("%s\t%s\t%zu\t%s\n", people->items[i].id, people->items[i].name, people->items[i].faces, created);
  }
  if (people->offset || people->count < people->total) {
    fprintf(stderr, "%zu of %zu people, from number %zu on; --offset and --limit show others\n", people->count,
            people->total, people->offset + 1);
  }
}

sb_exit sb_command_list(sb_cli *cli) {
  size_t offset = 0, limit = 100;
  const sb_flag flags[] = {{"--offset", SB_FLAG_COUNT, &offset}, {"--limit", SB_FLAG_COUNT, &limit}};
  if (!SB_FLAGS_TAKE(cli, flags, 0, 1)) return SB_EXIT_USAGE;
  if (limit < 1 || limit > 1000) return sb_cli_usage(cli, "--limit is between 1 and 1000");
  sb_error error = {0};
  sb_engine *engine = NULL;
  sb_people *people = NULL;
  sb_list_request request = {.struct_size = sizeof request,
                             .collection = cli->config->collection,
                             .query = cli->count ? cli->words[0] : NULL,
                             .offset = offset,
                             .limit = limit};
  sb_exit code = SB_EXIT_OK;
  sb_status status = sb_cli_engine(cli, false, &engine, &error);
  if (status == SB_OK) status = sb_engine_list(engine, &request, &people, &error);
  if (status != SB_OK)
    code = sb_cli_fail(cli, status, &error);
  else if (cli->json)
    code = sb_cli_print_json(cli, sb_json_people(people), code);
  else
    print_people(people);
  sb_people_free(people);
  sb_engine_free(engine);
  return code;
}

static void print_person(const sb_person *person) {
  char created[32];
  sb_time_iso(person->created_ms, created);
  printf("id       %s\nname     %s\nfaces    %zu\ncreated  %s\nconsent  %s\n", person->id, person->name, person->faces,
         created, *person->consent ? person->consent : "(none recorded)");
  if (*person->purpose) printf("purpose  %s\n", person->purpose);
  if (person->expires_ms) {
    sb_time_iso(person->expires_ms, created);
    printf("expires  %s\n", created);
  }
  if (person->has_attributes) {
    const sb_attributes *a = &person->attributes;
    if (a->age >= 0) printf("age      about %.0f\n", a->age);
    if (a->man >= 0) printf("gender   %s\n", a->man >= a->woman ? "man" : "woman");
    if (a->ethnicity[a->ethnicity_dominant] >= 0)
      printf("ethnicity (experimental) %s\n", sb_ethnicity_name(a->ethnicity_dominant));
  }
}

sb_exit sb_command_show(sb_cli *cli) {
  if (!sb_flags_take(cli, NULL, 0, 1, 1)) return SB_EXIT_USAGE;
  sb_error error = {0};
  sb_engine *engine = NULL;
  sb_people *people = NULL;
  sb_exit code = SB_EXIT_OK;
  sb_status status = sb_cli_engine(cli, false, &engine, &error);
  if (status == SB_OK) status = sb_engine_get(engine, cli->config->collection, cli->words[0], &people, &error);
  if (status != SB_OK)
    code = sb_cli_fail(cli, status, &error);
  else if (cli->json)
    code = sb_cli_print_json(cli, sb_json_person(&people->items[0]), code);
  else
    print_person(&people->items[0]);
  sb_people_free(people);
  sb_engine_free(engine);
  return code;
}

sb_exit sb_command_rename(sb_cli *cli) {
  if (!sb_flags_take(cli, NULL, 0, 2, 2)) return SB_EXIT_USAGE;
  sb_error error = {0};
  sb_engine *engine = NULL;
  sb_exit code = SB_EXIT_OK;
  sb_status status = sb_cli_engine(cli, false, &engine, &error);
  if (status == SB_OK) {
    status = sb_engine_rename(engine, cli->config->collection, cli->words[0], cli->words[1], &error);
  }
  if (status != SB_OK)
    code = sb_cli_fail(cli, status, &error);
  else if (cli->json)
    code = sb_cli_print_json(cli, json_pack("{s:b}", "renamed", 1), code);
  else
    puts("renamed");
  sb_engine_free(engine);
  return code;
}

sb_exit sb_command_delete(sb_cli *cli) {
  if (!sb_flags_take(cli, NULL, 0, 1, 100000)) return SB_EXIT_USAGE;
  sb_error error = {0};
  sb_engine *engine = NULL;
  size_t people = 0, faces = 0;
  json_t *receipts = json_array();
  sb_status status = sb_cli_engine(cli, false, &engine, &error);
  for (int i = 0; status == SB_OK && i < cli->count; i++) {
    sb_erasure erasure = {0};
    status = sb_engine_erase(engine, cli->config->collection, cli->words[i], &erasure, &error);
    if (status != SB_OK) break;
    people++;
    faces += erasure.faces;
    json_array_append_new(receipts, sb_json_erasure(&erasure));
    if (!cli->json) printf("erased; entry %lld of the audit says so\n", (long long)erasure.sequence);
  }
  sb_engine_free(engine);
  if (people && !cli->json)
    printf("deleted %zu %s with %zu face%s\n", people, people == 1 ? "person" : "people", faces, faces == 1 ? "" : "s");
  if (status == SB_OK && cli->json)
    return sb_cli_print_json(
        cli,
        json_pack("{s:I,s:I,s:o}", "deleted", (json_int_t)people, "faces", (json_int_t)faces, "receipts", receipts),
        SB_EXIT_OK);
  json_decref(receipts);
  return status == SB_OK ? SB_EXIT_OK : sb_cli_fail(cli, status, &error);
}
