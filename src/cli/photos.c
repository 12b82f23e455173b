#include "cli/photos.h"

#include "json/write.h"

#include <stdio.h>
#include <string.h>

static sb_status run_step(sb_cli *cli, const char *path, sb_cli_photo_step step, const void *context, json_t **json,
                          sb_error *error) {
  sb_photo photo = {0};
  sb_status status = sb_cli_photo_read(path, &photo, error);
  if (status == SB_OK) status = step(cli, context, photo, json, error);
  sb_cli_photo_free(&photo);
  return status;
}

static sb_status run_one(sb_cli *cli, sb_cli_photo_step step, const void *context, sb_error *error) {
  json_t *json = NULL;
  sb_photo photo = {0};
  sb_status status = sb_cli_photo_read(cli->words[0], &photo, error); /* a missing file is reported at once */
  if (status == SB_OK) status = sb_cli_open_engine(cli, SB_CLI_ONE_PHOTO, error);
  if (status == SB_OK) status = step(cli, context, photo, &json, error);
  sb_cli_photo_free(&photo);
  return status == SB_OK && cli->json ? sb_cli_print_json(json, error) : status;
}

/* Of one of several photos: its answer, or why there is none, with its path. */
static json_t *entry_json(const char *path, json_t *answer, sb_status status, const sb_error *error) {
  json_t *entry = json_pack("{s:o}", "path", sb_json_path(path, strlen(path)));
  if (status != SB_OK) answer = json_pack("{s:s,s:s}", "code", sb_status_code(status), "message", error->message);
  if (!entry || !answer || json_object_update(entry, answer)) {
    json_decref(entry);
    entry = NULL;
  }
  json_decref(answer);
  return entry;
}

/* An unreadable file is one photo's trouble, although SB_IO counts as the system's. */
static bool ends_all(sb_status status) {
  return sb_cli_exit_of(status) == SB_EXIT_SYSTEM && status != SB_IO;
}

static sb_status run_several(sb_cli *cli, sb_cli_photo_step step, const void *context, json_t *entries,
                             sb_error *error) {
  bool refused = false;
  sb_status status = sb_cli_open_engine(cli, SB_CLI_ONE_PHOTO, error);
  for (int i = 0; status == SB_OK && i < cli->count; i++) {
    json_t *json = NULL;
    sb_error failure = {0};
    if (!cli->json) printf("%s==> %s <==\n", i ? "\n" : "", cli->words[i]);
    status = run_step(cli, cli->words[i], step, context, &json, &failure);
    if (ends_all(status)) return sb_fail(error, status, "%s", failure.message);
    refused |= status != SB_OK;
    if (status != SB_OK && !cli->json) printf("refused: %s\n", failure.message);
    if (cli->json && json_array_append_new(entries, entry_json(cli->words[i], json, status, &failure)))
      return sb_fail(error, SB_NO_MEMORY, "out of memory");
    status = SB_OK;
  }
  if (refused) cli->exit = SB_EXIT_REFUSED;
  return status;
}

sb_status sb_cli_photos_run(sb_cli *cli, sb_cli_photo_step step, const void *context, sb_error *error) {
  if (cli->count == 1) return run_one(cli, step, context, error);
  json_t *entries = json_array();
  if (!entries) return sb_fail(error, SB_NO_MEMORY, "out of memory");
  sb_status status = run_several(cli, step, context, entries, error);
  if (status == SB_OK && cli->json) return sb_cli_print_json(json_pack("{s:o}", "photos", entries), error);
  json_decref(entries);
  return status;
}
