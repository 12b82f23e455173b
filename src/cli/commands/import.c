/* import: registers many people from a folder, a ZIP archive or a CSV file. Photos are worked on by several threads;
 * a bad photo is listed and the import continues. Photos that are registered already are skipped, so that running it
 * again resumes it. */
#include "import/import.h"
#include "cli/batch.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "engine/engine.h"
#include "json/write.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

typedef struct options {
  bool largest, any_quality, attributes;
} options;

static const sb_cli_option import_options[] = {
    {"--largest", NULL, "use the largest face of a photo that shows several", SB_CLI_FIELD(options, largest)},
    {"--any-quality", NULL, "accept poor photos", SB_CLI_FIELD(options, any_quality)},
    {"--attributes", NULL, "estimate and keep age, gender and (experimental) ethnicity",
     SB_CLI_FIELD(options, attributes)},
    {NULL},
};

/* Shared by the threads; `lock` guards the counts. Each thread writes only the results of its own rows. */
typedef struct job {
  sb_cli *cli;
  sb_import *source;
  sb_error *results; /* one for each photo; code SB_OK: neither refused nor passed over */
  unsigned flags;
  pthread_mutex_t lock;
  size_t enrolled, skipped, duplicates;
} job;

static void count(job *j, const sb_enrolled *enrolled) {
  pthread_mutex_lock(&j->lock);
  j->enrolled += enrolled->faces_added;
  j->skipped += enrolled->faces_skipped;
  j->duplicates += enrolled->duplicate_count > 0;
  pthread_mutex_unlock(&j->lock);
}

static sb_status import_row(void *context, size_t index, sb_error *error) {
  job *j = context;
  const sb_import_item *item = &j->source->items[index];
  uint8_t *bytes = NULL;
  size_t size = 0;
  sb_enrolled *enrolled = NULL;
  sb_photo photo = {0};
  const sb_enroll_request request = {.struct_size = sizeof request,
                                     .collection = j->cli->config->collection,
                                     .id = item->id,
                                     .name = item->name,
                                     .photos = &photo,
                                     .photo_count = 1,
                                     .flags = j->flags | SB_ENROLL_ADD | SB_ENROLL_SKIP_KNOWN};
  sb_status status = sb_import_read(j->source, item, &bytes, &size, error);
  photo = (sb_photo){bytes, size};
  if (status == SB_OK) status = sb_engine_enroll(j->cli->engine, &request, &enrolled, error);
  if (status == SB_OK)
    count(j, enrolled);
  else
    j->results[index] = *error;
  sb_enrolled_free(enrolled);
  free(bytes);
  return sb_import_passes_over(item, status) ? SB_OK : status;
}

static bool is_refused(const job *j, size_t i) {
  return j->results[i].code != SB_OK && !sb_import_passes_over(&j->source->items[i], j->results[i].code);
}

/* ---- The report */

static json_t *refused_json(const job *j) {
  json_t *refused = json_array();
  for (size_t i = 0; refused && i < j->source->count; i++) {
    const sb_error *result = &j->results[i];
    if (!is_refused(j, i)) continue;
    const char *path = j->source->items[i].path;
    json_array_append_new(refused, json_pack("{s:o,s:s,s:s}", "path", sb_json_path(path, strlen(path)), "code",
                                             sb_status_code(result->code), "message", result->message));
  }
  return refused;
}

/* Calls `take` with the path of each file and folder that was passed over. */
static void each_passed_over(const job *j, void (*take)(void *context, const char *path), void *context) {
  for (size_t i = 0; i < j->source->passed_over_count; i++) take(context, j->source->passed_over[i]);
  for (size_t i = 0; i < j->source->count; i++)
    if (j->results[i].code != SB_OK && !is_refused(j, i)) take(context, j->source->items[i].path);
}

static void append_path(void *array, const char *path) {
  json_array_append_new(array, sb_json_path(path, strlen(path)));
}

static sb_status report_json(const job *j, sb_error *error) {
  json_t *passed_over = json_array();
  each_passed_over(j, append_path, passed_over);
  size_t no_photos = json_array_size(passed_over) - j->source->passed_over_count;
  json_t *counts =
      json_pack("{s:I,s:I,s:I,s:I,s:o,s:o}", "photos", (json_int_t)(j->source->count - no_photos), "enrolled",
                (json_int_t)j->enrolled, "skipped", (json_int_t)j->skipped, "possible_duplicates",
                (json_int_t)j->duplicates, "refused", refused_json(j), "passed_over", passed_over);
  return sb_cli_print_json(counts, error);
}

static void print_passed_over(void *none, const char *path) {
  (void)none;
  struct stat info;
  bool folder = !stat(path, &info) && S_ISDIR(info.st_mode);
  printf("passed over %s: %s\n", path,
         folder ? "a folder inside a person's folder" : "not a photo, or not in a person's folder");
}

static void report_text(const job *j, const sb_cli_batch *batch) {
  printf("%zu registered, %zu already registered, %zu refused\n", j->enrolled, j->skipped, batch->refused);
  for (size_t i = 0; i < j->source->count; i++)
    if (is_refused(j, i)) printf("refused %s: %s\n", j->source->items[i].path, j->results[i].message);
  each_passed_over(j, print_passed_over, NULL);
  if (j->duplicates) printf("%zu look like people registered under another id\n", j->duplicates);
  if (batch->interrupted) puts("interrupted; run the same command again to continue");
}

static sb_status import(job *j, sb_error *error) {
  sb_cli *cli = j->cli;
  sb_status status = sb_import_open(cli->words[0], &j->source, error);
  if (status != SB_OK) return status;
  status = sb_cli_open_engine(cli, SB_CLI_GALLERY, error);
  if (status != SB_OK) return status;
  if (!(j->results = sb_alloc(j->source->count, sizeof *j->results, error))) return SB_NO_MEMORY;
  sb_cli_batch batch = {.cli = cli, .count = j->source->count, .visit = import_row, .context = j};
  status = sb_cli_batch_run(&batch, error);
  if (status != SB_OK) {
    fprintf(stderr, "%zu photos were registered before this; run the same command again to continue\n", j->enrolled);
    return status;
  }
  if (batch.refused || batch.interrupted) cli->exit = SB_EXIT_REFUSED;
  /* The first faces had few others around them. A failure does no harm: a search measures what it needs. */
  (void)sb_engine_measure_densities(cli->engine, NULL);
  if (cli->json) return report_json(j, error);
  report_text(j, &batch);
  return SB_OK;
}

static sb_status run(sb_cli *cli, const void *parsed, sb_error *error) {
  const options *o = parsed;
  job j = {.cli = cli,
           .lock = PTHREAD_MUTEX_INITIALIZER,
           .flags = (o->largest ? SB_ENROLL_LARGEST : 0) | (o->any_quality ? SB_ENROLL_ANY_QUALITY : 0) |
                    (o->attributes ? SB_ENROLL_ATTRIBUTES : 0)};
  sb_status status = import(&j, error);
  free(j.results);
  sb_import_free(j.source);
  pthread_mutex_destroy(&j.lock);
  return status;
}

const sb_cli_command sb_cli_command_import = {
    .name = "import",
    .arguments = "DIR|ZIP|CSV",
    .summary = "register many: a folder for each person, a ZIP of those, or a CSV of id,name,path; run again to resume",
    .options = import_options,
    .options_size = sizeof(options),
    .least = 1,
    .most = 1,
    .sandboxed = true,
    .run = run};
