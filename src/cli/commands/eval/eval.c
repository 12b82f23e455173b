/* eval: accuracy on the user's own photos, in the terms of ISO/IEC 19795-1. */
#include "cli/commands/eval/eval.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "engine/engine.h"
#include "json/write.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct options {
  const char *groups, *html, *calibrate, *face;
  bool any_quality, publish;
} options;

static const sb_cli_option eval_options[] = {
    {"--html", "FILE", "also write a page with plots", SB_CLI_FIELD(options, html)},
    {"--publish", NULL, "keep the figures, without any path, for the page of the server (Settings)",
     SB_CLI_FIELD(options, publish)},
    {"--calibrate", "FILE", "write a calibration for --calibration, with its threshold at --fmr (default 1e-4)",
     SB_CLI_FIELD(options, calibrate)},
    {"--groups", "CSV", "groups: rows of person,group (default: as the product estimates)",
     SB_CLI_FIELD(options, groups)},
    {"--face", "WHICH", "which face of a photo that shows several", SB_CLI_FIELD(options, face), .fallback = "largest",
     .choices = "largest|central"},
    {"--any-quality", NULL, "use poor photos, too", SB_CLI_FIELD(options, any_quality)},
    {NULL},
};

/* ---- Files */

static sb_status write_file(const char *path, const char *bytes, size_t size, sb_error *error) {
  FILE *file = fopen(path, "wb");
  if (!file) return sb_fail_errno(error, errno, "write", path);
  bool whole = fwrite(bytes, 1, size, file) == size;
  int problem = errno;
  if (fclose(file)) whole = false, problem = errno;
  return whole ? SB_OK : sb_fail_errno(error, problem, "write", path);
}

static sb_status write_calibration(const sb_cli *cli, const sb_cli_eval *eval, const char *path, sb_error *error) {
  sb_buffer text = {0};
  sb_status status = sb_cli_eval_calibrate(cli, eval, &text, error);
  if (status == SB_OK) status = write_file(path, text.bytes, text.size, error);
  sb_buffer_free(&text);
  return status;
}

static sb_status write_page(const sb_cli_eval *eval, const char *path, sb_error *error) {
  sb_buffer page = {0};
  sb_status status = sb_cli_eval_page(eval, &page, error);
  if (status == SB_OK) status = write_file(path, page.bytes, page.size, error);
  sb_buffer_free(&page);
  return status;
}

/* Keeps the figures for the server's page, without the paths of photos, since these name people. */
static sb_status publish(const sb_cli *cli, const sb_cli_eval *eval, sb_error *error) {
  char date[32];
  json_t *json = sb_cli_eval_json(eval);
  sb_time_iso(sb_now_ms(), date);
  json_object_set_new(json, "date", json_string(date));
  json_object_del(json, "worst");
  json_object_del(json_object_get(json, "failure_to_acquire"), "refused");
  char *text = sb_json_write(json);
  char *folder = sb_cli_data_folder(cli, error);
  sb_status status = !text ? sb_fail(error, SB_NO_MEMORY, "out of memory") : folder ? SB_OK : error->code;
  if (status == SB_OK) status = sb_engine_report_write(folder, text, strlen(text), error);
  json_decref(json);
  free(text);
  free(folder);
  return status;
}

/* ---- The subcommand */

static sb_status write_all(const sb_cli *cli, const sb_cli_eval *eval, const options *o, sb_error *error) {
  sb_status status = SB_OK;
  if (cli->json)
    status = sb_cli_print_json(sb_cli_eval_json(eval), error);
  else
    sb_cli_eval_print(eval);
  if (status == SB_OK && o->html) status = write_page(eval, o->html, error);
  if (status == SB_OK && o->publish) status = publish(cli, eval, error);
  if (status == SB_OK && o->calibrate) status = write_calibration(cli, eval, o->calibrate, error);
  return status;
}

static sb_status run(sb_cli *cli, const void *parsed, sb_error *error) {
  const options *o = parsed;
  sb_cli_eval eval = {.source = cli->words[0],
                      .groups = o->groups,
                      .central = !strcmp(o->face, "central"),
                      .any_quality = o->any_quality};
  sb_status status = sb_cli_eval_run(cli, &eval, error);
  if (status == SB_OK) status = write_all(cli, &eval, o, error);
  sb_cli_eval_free(&eval);
  return status;
}

const sb_cli_command sb_cli_command_eval = {
    .name = "eval",
    .arguments = "DIR|PAIRS.csv",
    .summary = "accuracy on your own photos: one folder for each person, or rows of photo1,photo2,mated[,group]",
    .options = eval_options,
    .options_size = sizeof(options),
    .least = 1,
    .most = 1,
    .opens_gallery = true,
    .run = run};
