/* quality: what is wrong with a portrait, and what to change. */
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/wording.h"
#include "engine/quality_text.h"
#include "json/write.h"

#include <semblance/quality.h>

#include <stdio.h>

static void print_components(const sb_portrait *portrait) {
  fputs("  ISO/IEC 29794-5, of 100:", stdout);
  for (int i = 0; i < SB_COMPONENTS; i++)
    if (portrait->value[i] >= 0) printf("%s %s %.0f", i ? "," : "", sb_component_name(i), portrait->value[i]);
  fputs("\n  not measured:", stdout);
  const char *separator = " ";
  for (int i = 0; i < SB_COMPONENTS; i++)
    if (portrait->value[i] < 0) printf("%s%s", separator, sb_component_name(i)), separator = ", ";
  puts("");
}

static void print_icao(const sb_portrait_report *report) {
  static const char *const verdicts[] = {
      [SB_MET_NO] = "no", [SB_MET_YES] = "yes, as far as is looked at here", [SB_MET_UNKNOWN] = "cannot tell"};
  printf("  ICAO portrait: %s\n", verdicts[report->icao]);
  for (int i = 0; i < SB_REQUIREMENTS; i++) {
    if (report->met[i] == SB_MET_NO) printf("    %s: no; %s\n", sb_requirement_name(i), sb_requirement_advice(i));
    if (report->met[i] == SB_MET_UNKNOWN) printf("    %s: no model in use tells\n", sb_requirement_name(i));
  }
}

static void print_report(const char *photo, const sb_portrait_report *report) {
  const sb_quality *quality = &report->face.quality;
  sb_quality_part weakest = sb_quality_weakest(quality);
  printf("%s: quality %.2f, %s for enrolment", photo, quality->overall, report->enrollable ? "enough" : "too low");
  if (quality->overall < 0.5f)
    printf(": %s; %s", sb_engine_quality_problem(weakest), sb_engine_quality_advice(weakest));
  printf("\n");
  print_icao(report);
  print_components(&report->face.portrait);
}

static json_t *report_json(const char *photo, const sb_portrait_report *report) {
  json_t *json = sb_json_portrait(report);
  sb_json_set(&json, "photo", json_string(photo));
  return json;
}

/* A photo without a face is no good portrait, and does not end the command. */
static void print_no_face(const sb_cli *cli, const char *photo, const sb_error *why, json_t **list) {
  if (cli->json)
    sb_json_append(list, json_pack("{s:s,s:i}", "photo", photo, "faces", 0));
  else
    printf("%s: %s\n", photo, why->message);
}

/* Appends to `list` for --json, else prints. */
static sb_status look_at(sb_cli *cli, const char *path, json_t **list, sb_error *error) {
  sb_photo photo = {0};
  sb_portrait_report report;
  sb_error cause = {0};
  sb_status status = sb_cli_photo_read(path, &photo, &cause);
  if (status == SB_OK) status = sb_engine_quality(cli->engine, photo, &report, &cause);
  sb_cli_photo_free(&photo);
  if (status == SB_NO_FACE) {
    cli->exit = SB_EXIT_NEGATIVE;
    return print_no_face(cli, path, &cause, list), SB_OK;
  }
  if (status != SB_OK) return sb_fail(error, status, "%s: %s", path, cause.message);
  if (!report.enrollable) cli->exit = SB_EXIT_NEGATIVE;
  if (cli->json)
    sb_json_append(list, report_json(path, &report));
  else
    print_report(path, &report);
  return SB_OK;
}

static sb_status run(sb_cli *cli, const void *parsed, sb_error *error) {
  (void)parsed;
  json_t *list = json_array();
  sb_status status = sb_cli_open_engine(cli, SB_CLI_ONE_PHOTO, error);
  for (int i = 0; status == SB_OK && i < cli->count; i++) status = look_at(cli, cli->words[i], &list, error);
  if (status != SB_OK || !cli->json) return json_decref(list), status;
  return sb_cli_print_json(json_pack("{s:o}", "photos", list), error);
}

const sb_cli_command sb_cli_command_quality = {.name = "quality",
                                               .arguments = "PHOTO...",
                                               .summary = "is it a good portrait, and what to change?",
                                               .least = 1,
                                               .most = 1000,
                                               .sandboxed = true,
                                               .run = run};
