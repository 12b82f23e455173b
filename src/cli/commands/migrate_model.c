/* migrate-model: enrols the people of a collection again under another embedding model, from a folder, ZIP archive or
 * CSV file of photos, while the collection serves under the old one. Photos that are enrolled already are skipped, so
 * that running it again resumes it. */
#include "cli/batch.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/wording.h"
#include "engine/engine.h"
#include "import/import.h"
#include "json/write.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct options {
  bool change, largest, any_quality;
} options;

static const sb_cli_option migrate_model_options[] = {
    {"--switch", NULL, "then let the collection use the new model", SB_CLI_FIELD(options, change)},
    {"--largest", NULL, "use the largest face of a photo that shows several", SB_CLI_FIELD(options, largest)},
    {"--any-quality", NULL, "accept poor photos", SB_CLI_FIELD(options, any_quality)},
    {NULL},
};

/* Shared by the threads; `lock` guards the counts. Each thread writes only the results of its own rows. */
typedef struct migration {
  sb_cli *cli;
  const options *o;
  sb_import *source; /* NULL: no photos were given */
  sb_error *results; /* one for each row */
  sb_engine_model_migration state;
  pthread_mutex_t lock;
  size_t enrolled, skipped, strangers; /* photos */
  size_t left;                         /* people who stay under the old model */
  json_t *missing;                     /* the people of whom there is no photo */
  bool switched;
} migration;

static sb_status migrate_row(void *context, size_t index, sb_error *error) {
  migration *m = context;
  const sb_import_item *item = &m->source->items[index];
  uint8_t *bytes = NULL;
  size_t size = 0, added = 0;
  sb_engine_migrated_photo photo = {.id = item->id,
                                    .flags = (m->o->largest ? SB_ENROLL_LARGEST : 0) |
                                             (m->o->any_quality ? SB_ENROLL_ANY_QUALITY : 0)};
  sb_status status = sb_import_read(m->source, item, &bytes, &size, error);
  photo.photo = (sb_photo){bytes, size};
  if (status == SB_OK) status = sb_engine_model_migration_enroll(m->cli->engine, &m->state, &photo, &added, error);
  free(bytes);
  pthread_mutex_lock(&m->lock);
  m->enrolled += status == SB_OK && added;
  m->skipped += status == SB_OK && !added;
  m->strangers += status == SB_NOT_FOUND;
  pthread_mutex_unlock(&m->lock);
  if (status == SB_NOT_FOUND) return SB_OK; /* somebody who is not in the collection */
  if (status != SB_OK) m->results[index] = *error;
  return status;
}

static void add_missing(void *context, const sb_person *person) {
  migration *m = context;
  json_array_append_new(m->missing, json_pack("{s:s,s:s}", "id", person->id, "name", person->name));
}

/* ---- The report */

static json_t *refused_json(const migration *m) {
  json_t *refused = json_array();
  for (size_t i = 0; m->source && i < m->source->count; i++) {
    const sb_error *result = &m->results[i];
    const char *path = m->source->items[i].path;
    if (result->code == SB_OK) continue;
    json_array_append_new(refused, json_pack("{s:o,s:s,s:s}", "path", sb_json_path(path, strlen(path)), "code",
                                             sb_status_code(result->code), "message", result->message));
  }
  return refused;
}

static sb_status report_json(const migration *m, sb_error *error) {
  return sb_cli_print_json(json_pack("{s:s,s:s,s:b,s:I,s:I,s:I,s:o,s:O}", "collection", m->state.collection, "model",
                                     m->cli->words[0], "switched", m->switched, "enrolled", (json_int_t)m->enrolled,
                                     "skipped", (json_int_t)m->skipped, "not_in_collection", (json_int_t)m->strangers,
                                     "refused", refused_json(m), "without_photo", m->missing),
                           error);
}

static void print_missing(const migration *m) {
  size_t i = 0;
  const json_t *person = NULL;
  if (!json_array_size(m->missing)) return;
  puts(m->switched ? "people without a photo, who stay under the old model:" : "people without a photo:");
  json_array_foreach(m->missing, i, person) printf("  %s  %s\n", json_string_value(json_object_get(person, "id")),
                                                   json_string_value(json_object_get(person, "name")));
}

static void report_text(const migration *m, const sb_cli_batch *batch) {
  const sb_engine_model_migration *state = &m->state;
  if (m->source)
    printf("%zu photos registered under %s, %zu already registered, %zu refused, %zu of people who are not in %s\n",
           m->enrolled, m->cli->words[0], m->skipped, batch->refused, m->strangers, state->collection);
  for (size_t i = 0; m->source && i < m->source->count; i++)
    if (m->results[i].code != SB_OK) printf("refused %s: %s\n", m->source->items[i].path, m->results[i].message);
  print_missing(m);
  if (batch->interrupted)
    puts("interrupted; run the same command again to continue");
  else if (!m->switched)
    printf("%s serves as before. Try the new model with --collection %s; then\n"
           "  semblance migrate-model %s --switch --collection %s\n",
           state->collection, state->next, m->cli->words[0], state->collection);
  else if (m->left)
    printf("%s uses %s now; %zu %s in %s, under the old model\n", state->collection, m->cli->words[0], m->left,
           sb_cli_plural(m->left, "person is", "people are"), state->before);
  else
    printf("%s uses %s now\n", state->collection, m->cli->words[0]);
}

/* ---- The steps */

static sb_status enrol_photos(migration *m, sb_cli_batch *batch, sb_error *error) {
  if (!m->source) return SB_OK;
  if (!(m->results = sb_alloc(m->source->count, sizeof *m->results, error))) return SB_NO_MEMORY;
  batch->count = m->source->count;
  sb_status status = sb_cli_batch_run(batch, error);
  if (status != SB_OK)
    fprintf(stderr, "%zu photos were registered before this; run the same command again to continue\n", m->enrolled);
  if (batch->refused || batch->interrupted) m->cli->exit = SB_EXIT_REFUSED;
  return status;
}

static sb_status migrate(migration *m, sb_error *error) {
  sb_cli *cli = m->cli;
  sb_status status = cli->count > 1 ? sb_import_open(cli->words[1], &m->source, error) : SB_OK;
  if (status != SB_OK) return status;
  if (!m->source && !m->o->change)
    return sb_fail(error, SB_INVALID,
                   "give the photos (a folder with one for each person, a ZIP, or CSV), or --switch");
  if ((status = sb_cli_open_engine(cli, SB_CLI_GALLERY, error)) != SB_OK) return status;
  status = sb_engine_model_migration_begin(cli->engine, cli->config->collection, cli->words[0], &m->state, error);
  if (status != SB_OK) return status;
  sb_cli_batch batch = {.cli = cli, .visit = migrate_row, .context = m};
  if ((status = enrol_photos(m, &batch, error)) != SB_OK) return status;
  status = sb_engine_model_migration_missing(cli->engine, &m->state, add_missing, m, error);
  if (status == SB_OK && (m->o->change || m->state.switched) && !batch.interrupted) {
    status = sb_engine_model_migration_switch(cli->engine, &m->state, &m->left, error);
    m->switched = status == SB_OK;
  }
  if (status != SB_OK) return status;
  (void)sb_engine_measure_densities(cli->engine, NULL); /* as after an import */
  if (cli->json) return report_json(m, error);
  report_text(m, &batch);
  return SB_OK;
}

static sb_status run(sb_cli *cli, const void *parsed, sb_error *error) {
  migration m = {.cli = cli, .o = parsed, .lock = PTHREAD_MUTEX_INITIALIZER, .missing = json_array()};
  sb_status status = m.missing ? migrate(&m, error) : sb_fail(error, SB_NO_MEMORY, "out of memory");
  json_decref(m.missing);
  free(m.results);
  sb_import_free(m.source);
  pthread_mutex_destroy(&m.lock);
  return status;
}

const sb_cli_command sb_cli_command_migrate_model = {
    .name = "migrate-model",
    .arguments = "MODEL [DIR|ZIP|CSV]",
    .summary = "register the people of a collection again under another model, while it serves; run again to resume",
    .options = migrate_model_options,
    .options_size = sizeof(options),
    .least = 1,
    .most = 2,
    .sandboxed = true,
    .run = run};
