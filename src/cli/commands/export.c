/* export: everything that is kept about one person, for that person (GDPR, article 15), as JSON and as a page. */
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/wording.h"
#include "engine/engine.h"
#include "json/write.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct options {
  const char *person, *page;
} options;

static const sb_cli_option export_options[] = {
    {"--person", "ID", "whose record", SB_CLI_FIELD(options, person), .required = true},
    {"--page", "FILE", "also write a page to read", SB_CLI_FIELD(options, page)},
    {NULL},
};

/* ---- The record */

static sb_status add_entry(void *context, const sb_audit_entry *entry, sb_error *error) {
  json_t *history = context;
  char at[32];
  sb_time_iso(entry->entry.at_ms, at);
  json_t *row = json_pack("{s:s,s:s,s:s}", "at", at, "actor", entry->entry.actor, "act", entry->entry.verb);
  return !json_array_append_new(history, row) ? SB_OK : sb_fail(error, SB_NO_MEMORY, "out of memory");
}

/* People who ask for their own record see its pictures, even while --thumbnails is off and nobody else sees them. */
static sb_status add_thumbnail(sb_cli *cli, const sb_kept_face *face, json_t *row, sb_error *error) {
  uint8_t *bytes = NULL;
  size_t size = 0;
  sb_status status =
      sb_engine_thumbnail(cli->engine, cli->config->collection, face->id, face->face, true, &bytes, &size, error);
  if (status == SB_OK) json_object_set_new(row, "thumbnail", sb_json_base64(bytes, size));
  if (bytes) sb_wipe(bytes, size);
  free(bytes);
  return status == SB_NOT_FOUND ? SB_OK : status;
}

static sb_status add_faces(sb_cli *cli, const sb_kept_faces *faces, json_t *list, sb_error *error) {
  for (size_t i = 0; i < faces->count; i++) {
    char at[32];
    sb_time_iso(faces->items[i].created_ms, at);
    json_t *row = json_pack("{s:I,s:s,s:o}", "face", (json_int_t)faces->items[i].face, "created", at, "quality",
                            sb_json_rounded(faces->items[i].quality, 3));
    sb_status status = row ? add_thumbnail(cli, &faces->items[i], row, error) : SB_NO_MEMORY;
    json_array_append_new(list, row);
    if (status != SB_OK) return status;
  }
  return SB_OK;
}

/* The templates themselves are not given out: pairs of a photo and its protected template help to undo the protection
 * of everyone in the collection (docs/threat-model.md). */
static sb_status collect(sb_cli *cli, const char *id, json_t **out, sb_error *error) {
  const char *collection = cli->config->collection;
  sb_people *people = NULL;
  sb_kept_faces *faces = NULL;
  json_t *kept = json_array(), *history = json_array();
  const sb_person_export_request request = {.collection = collection, .id = id, .visit = add_entry, .context = history};
  sb_status status = sb_engine_person_export(cli->engine, &request, &people, &faces, error);
  if (status != SB_OK) goto done;
  status = add_faces(cli, faces, kept, error);
  if (status != SB_OK) goto done;
  *out = json_pack("{s:s,s:o,s:O,s:s,s:O}", "collection", collection, "person", sb_json_person(&people->items[0]),
                   "faces", kept, "templates",
                   "for each face one vector of numbers is kept, protected and encrypted; photos are not kept",
                   "history", history);
  if (!*out) status = sb_fail(error, SB_NO_MEMORY, "out of memory");
done:
  json_decref(kept);
  json_decref(history);
  sb_people_free(people);
  sb_kept_faces_free(faces);
  return status;
}

/* ---- The page. The first failure stays in `status`; further calls then do nothing. */

typedef struct writer {
  sb_buffer page;
  sb_status status;
  sb_error *error;
} writer;

static void put(writer *w, const char *html) {
  if (w->status == SB_OK) w->status = sb_buffer_add(&w->page, html, strlen(html), w->error);
}

/* A string as it is, and any other value as JSON; escaped. */
static void put_value(writer *w, const json_t *value) {
  char *text = json_is_string(value) ? sb_strdup(json_string_value(value), w->error) : sb_json_write(value);
  if (w->status == SB_OK) w->status = text ? sb_cli_html_text(&w->page, text, w->error) : SB_NO_MEMORY;
  free(text);
}

/* A table of the object's members; a thumbnail becomes a picture. */
static void put_object(writer *w, json_t *object) {
  const char *key;
  json_t *value;
  put(w, "<table>\n");
  json_object_foreach(object, key, value) {
    bool picture = !strcmp(key, "thumbnail");
    put(w, "<tr><th>");
    if (w->status == SB_OK) w->status = sb_cli_html_text(&w->page, key, w->error);
    put(w, picture ? "</th><td><img alt=\"\" src=\"data:image/jpeg;base64," : "</th><td>");
    put_value(w, value);
    put(w, picture ? "\"></td></tr>\n" : "</td></tr>\n");
  }
  put(w, "</table>\n");
}

static void put_list(writer *w, const json_t *list) {
  size_t index;
  json_t *item;
  json_array_foreach(list, index, item) put_object(w, item);
}

static sb_status make_page(const json_t *record, writer *w) {
  put(w,
      "<!doctype html><meta charset=\"utf-8\"><title>What is kept about you</title>\n"
      "<style>body{font:16px sans-serif;max-width:45em;margin:2em auto}th{text-align:left;padding-right:1em}</style>\n"
      "<h1>What is kept about you</h1>\n");
  put_object(w, json_object_get(record, "person"));
  put(w, "<h2>Faces</h2>\n<p>");
  put_value(w, json_object_get(record, "templates"));
  put(w, "</p>\n");
  put_list(w, json_object_get(record, "faces"));
  put(w, "<h2>What was done with it</h2>\n");
  put_list(w, json_object_get(record, "history"));
  return w->status;
}

static sb_status write_page(const char *path, const json_t *record, sb_error *error) {
  writer w = {.status = SB_OK, .error = error};
  sb_status status = make_page(record, &w);
  FILE *file = status == SB_OK ? fopen(path, "wxe") : NULL; /* x: never overwrites */
  if (status == SB_OK && !file)
    status = sb_fail(error, SB_IO, "the page %s could not be created; it may exist already", path);
  if (file) {
    bool whole = fwrite(w.page.bytes, 1, w.page.size, file) == w.page.size;
    if (fclose(file) || !whole) status = sb_fail(error, SB_IO, "the page %s could not be written", path);
  }
  sb_buffer_free(&w.page);
  return status;
}

/* ---- The subcommand */

static sb_status run(sb_cli *cli, const void *parsed, sb_error *error) {
  const options *o = parsed;
  json_t *record = NULL;
  sb_status status = collect(cli, o->person, &record, error);
  if (status == SB_OK && o->page) status = write_page(o->page, record, error);
  if (status == SB_OK) return sb_cli_print_json(record, error);
  json_decref(record);
  return status;
}

const sb_cli_command sb_cli_command_export = {.name = "export",
                                              .arguments = "--person ID",
                                              .summary =
                                                  "everything that is kept about a person, for that person (JSON)",
                                              .options = export_options,
                                              .options_size = sizeof(options),
                                              .opens_gallery = true,
                                              .run = run};
