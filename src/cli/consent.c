/* Duties to the people in the gallery: consent, expiry, access to what is kept. */
#include "cli/cli.h"
#include "engine/engine.h"
#include "json/write.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

sb_exit sb_command_consent(sb_cli *cli) {
  const char *consent = NULL, *purpose = NULL, *expires = NULL;
  const sb_flag flags[] = {{"--consent", SB_FLAG_TEXT, &consent},
                           {"--purpose", SB_FLAG_TEXT, &purpose},
                           {"--expires", SB_FLAG_TEXT, &expires}};
  if (!SB_FLAGS_TAKE(cli, flags, 1, 1)) return SB_EXIT_USAGE;
  if (!consent && !purpose && !expires) return sb_cli_usage(cli, "nothing is to be recorded");
  sb_error error = {0};
  sb_engine *engine = NULL;
  int64_t expires_ms = -1;
  sb_status status = expires ? sb_time_expiry(expires, &expires_ms, &error) : SB_OK;
  if (status == SB_OK) status = sb_cli_engine(cli, false, &engine, &error);
  if (status == SB_OK)
    status = sb_engine_set_terms(engine, cli->config->collection, cli->words[0], consent, purpose, expires_ms, &error);
  sb_engine_free(engine);
  if (status != SB_OK) return sb_cli_fail(cli, status, &error);
  if (cli->json) return sb_cli_print_json(cli, json_pack("{s:b}", "recorded", 1), SB_EXIT_OK);
  puts("recorded");
  return SB_EXIT_OK;
}

sb_exit sb_command_expire(sb_cli *cli) {
  if (!sb_flags_take(cli, NULL, 0, 0, 0)) return SB_EXIT_USAGE;
  sb_error error = {0};
  sb_engine *engine = NULL;
  size_t erased = 0;
  sb_status status = sb_cli_engine(cli, false, &engine, &error);
  if (status == SB_OK) status = sb_engine_expire(engine, &erased, &error);
  sb_engine_free(engine);
  if (status != SB_OK) return sb_cli_fail(cli, status, &error);
  if (cli->json) return sb_cli_print_json(cli, json_pack("{s:I}", "erased", (json_int_t)erased), SB_EXIT_OK);
  if (erased || !cli->quiet) printf("erased %zu %s\n", erased, erased == 1 ? "person" : "people");
  return SB_EXIT_OK;
}

sb_exit sb_command_thumbnails(sb_cli *cli) {
  if (!sb_flags_take(cli, NULL, 0, 1, 1)) return SB_EXIT_USAGE;
  if (strcmp(cli->words[0], "erase")) return sb_cli_usage(cli, "thumbnails knows erase");
  sb_error error = {0};
  sb_engine *engine = NULL;
  size_t erased = 0;
  sb_status status = sb_cli_engine(cli, false, &engine, &error);
  if (status == SB_OK) status = sb_engine_thumbnails_erase(engine, cli->config->collection, &erased, &error);
  sb_engine_free(engine);
  if (status != SB_OK) return sb_cli_fail(cli, status, &error);
  if (cli->json) return sb_cli_print_json(cli, json_pack("{s:I}", "erased", (json_int_t)erased), SB_EXIT_OK);
  printf("erased %zu %s\n", erased, erased == 1 ? "thumbnail" : "thumbnails");
  return SB_EXIT_OK;
}

/* ---- Export */

static sb_status add_entry(void *context, const sb_audit_entry *entry, sb_error *error) {
  json_t *history = context;
  char at[32];
  sb_time_iso(entry->entry.at_ms, at);
  json_t *row = json_pack("{s:s,s:s,s:s}", "at", at, "actor", entry->entry.actor, "act", entry->entry.verb);
  return !json_array_append_new(history, row) ? SB_OK : sb_fail(error, SB_NO_MEMORY, "out of memory");
}

/* Whoever asks for their own record sees its pictures, too, also where nobody else does any more. */
static sb_status add_thumbnail(sb_engine *engine, const char *collection, const sb_kept_face *face, json_t *row,
                               sb_error *error) {
  uint8_t *bytes = NULL;
  size_t size = 0;
  sb_status status = sb_engine_thumbnail(engine, collection, face->id, face->face, true, &bytes, &size, error);
  if (status == SB_OK) json_object_set_new(row, "thumbnail", sb_json_base64(bytes, size));
  if (bytes) sb_wipe(bytes, size);
  free(bytes);
  return status == SB_NOT_FOUND ? SB_OK : status;
}

static sb_status faces_json(sb_engine *engine, const char *collection, const sb_kept_faces *faces, json_t *list,
                            sb_error *error) {
  sb_status status = SB_OK;
  for (size_t i = 0; status == SB_OK && i < faces->count; i++) {
    char at[32];
    sb_time_iso(faces->items[i].created_ms, at);
    json_t *row = json_pack("{s:I,s:s,s:f}", "face", (json_int_t)faces->items[i].face, "created", at, "quality",
                            (double)faces->items[i].quality);
    status = row ? add_thumbnail(engine, collection, &faces->items[i], row, error) : SB_NO_MEMORY;
    json_array_append_new(list, row);
  }
  return status;
}

/* The templates themselves are not given out: pairs of a photo and its protected template help to undo the protection of
 * everybody in the collection (docs/threat-model.md). */
static sb_status collect(sb_engine *engine, const char *collection, const char *id, json_t **out, sb_error *error) {
  sb_people *people = NULL;
  sb_kept_faces *faces = NULL;
  json_t *kept = json_array(), *history = json_array();
  const sb_person_export_request request = {.collection = collection, .id = id, .visit = add_entry, .context = history};
  sb_status status = sb_engine_person_export(engine, &request, &people, &faces, error);
  if (status == SB_OK) status = faces_json(engine, collection, faces, kept, error);
  if (status == SB_OK) {
    *out = json_pack("{s:s,s:o,s:O,s:s,s:O}", "collection", collection, "person", sb_json_person(&people->items[0]),
                     "faces", kept, "templates",
                     "one vector of numbers a face is kept, protected and encrypted; the photos are not kept",
                     "history", history);
    if (!*out) status = sb_fail(error, SB_NO_MEMORY, "out of memory");
  }
  json_decref(kept);
  json_decref(history);
  sb_people_free(people);
  sb_kept_faces_free(faces);
  return status;
}

static void put_escaped(FILE *file, const char *text) {
  for (; *text; text++) {
    switch (*text) {
    case '<': fputs("&lt;", file); break;
    case '>': fputs("&gt;", file); break;
    case '&': fputs("&amp;", file); break;
    case '"': fputs("&quot;", file); break;
    default: fputc(*text, file);
    }
  }
}

static void put_value(FILE *file, const json_t *value) {
  if (json_is_string(value)) {
    put_escaped(file, json_string_value(value));
    return;
  }
  char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(4));
  put_escaped(file, text ? text : "");
  free(text);
}

static void put_object(FILE *file, const json_t *object) {
  const void *at;
  fputs("<table>\n", file);
  for (at = json_object_iter((json_t *)(uintptr_t)object); at;
       at = json_object_iter_next((json_t *)(uintptr_t)object, (void *)(uintptr_t)at)) {
    fputs("<tr><th>", file);
    put_escaped(file, json_object_iter_key((void *)(uintptr_t)at));
    bool picture = !strcmp(json_object_iter_key((void *)(uintptr_t)at), "thumbnail");
    fputs(picture ? "</th><td><img alt=\"\" src=\"data:image/jpeg;base64," : "</th><td>", file);
    put_value(file, json_object_iter_value((void *)(uintptr_t)at));
    fputs(picture ? "\"></td></tr>\n" : "</td></tr>\n", file);
  }
  fputs("</table>\n", file);
}

static sb_status write_page(const char *path, const json_t *record, sb_error *error) {
  FILE *file = fopen(path, "wxe"); /* never over a file that is there */
  if (!file) return sb_fail(error, SB_IO, "the page %s could not be made: it may be there already", path);
  fputs(
      "<!doctype html><meta charset=\"utf-8\"><title>What is kept about you</title>\n"
      "<style>body{font:16px sans-serif;max-width:45em;margin:2em auto}th{text-align:left;padding-right:1em}</style>\n"
      "<h1>What is kept about you</h1>\n",
      file);
  put_object(file, json_object_get(record, "person"));
  fputs("<h2>Faces</h2>\n<p>", file);
  put_value(file, json_object_get(record, "templates"));
  fputs("</p>\n", file);
  const char *const lists[] = {"faces", "history"};
  for (int i = 0; i < 2; i++) {
    size_t index;
    json_t *item;
    if (i) fputs("<h2>What was done with it</h2>\n", file);
    json_array_foreach(json_object_get(record, lists[i]), index, item) put_object(file, item);
  }
  bool failed = ferror(file);
  if (fclose(file) || failed) return sb_fail(error, SB_IO, "the page %s could not be written", path);
  return SB_OK;
}

sb_exit sb_command_export(sb_cli *cli) {
  const char *person = NULL, *page = NULL;
  const sb_flag flags[] = {{"--person", SB_FLAG_TEXT, &person}, {"--page", SB_FLAG_TEXT, &page}};
  if (!SB_FLAGS_TAKE(cli, flags, 0, 0)) return SB_EXIT_USAGE;
  if (!person) return sb_cli_usage(cli, "--person is missing");
  sb_error error = {0};
  sb_engine *engine = NULL;
  json_t *record = NULL;
  sb_status status = sb_cli_engine(cli, false, &engine, &error);
  if (status == SB_OK) status = collect(engine, cli->config->collection, person, &record, &error);
  sb_engine_free(engine);
  if (status == SB_OK && page) status = write_page(page, record, &error);
  if (status == SB_OK) return sb_cli_print_json(cli, record, SB_EXIT_OK);
  json_decref(record);
  return sb_cli_fail(cli, status, &error);
}
