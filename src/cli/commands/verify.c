/* verify: are the faces of two photos of the same person? */
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/wording.h"
#include "engine/engine.h"
#include "stats/wording.h"

#include <stdio.h>

typedef struct options {
  const char *face;
} options;

static const sb_cli_option verify_options[] = {
    {"--face", "FACE", "of several faces: best (the most similar pair), largest, or a number as detect prints it",
     SB_CLI_FIELD(options, face), .fallback = "best"},
    {NULL},
};

/* Which face of each photo was compared, where there was a choice. */
static void print_faces(const sb_comparison *comparison) {
  if (comparison->counts[0] == 1 && comparison->counts[1] == 1) return;
  for (int i = 0; i < 2; i++) {
    const sb_box *box = &comparison->faces[i].box;
    char which[64] = "the largest face";
    if (comparison->counts[i])
      snprintf(which, sizeof which, "face %zu of %zu", comparison->numbers[i], comparison->counts[i]);
    printf("%s photo: %s, at %.0f,%.0f %.0fx%.0f\n", i ? "second" : "first", which, box->x, box->y, box->w, box->h);
  }
  if (comparison->pairs > 1)
    printf("the most similar of %zu pairs of faces; --face compares others\n", comparison->pairs);
}

static void print_comparison(const sb_comparison *comparison) {
  const sb_stats_rate fmr = {comparison->false_match_rate, comparison->false_match_upper,
                             comparison->false_match_bound};
  char pair[SB_STATS_TEXT], upper[SB_STATS_TEXT];
  sb_stats_pair_text(&fmr, pair);
  sb_stats_rate_text(fmr.upper, false, upper);
  printf("%s: score %.3f (a match from %.3f), similarity %.3f\n", sb_cli_verdict(comparison->verdict),
         comparison->score, comparison->threshold, comparison->similarity);
  if (comparison->verdict == SB_VERDICT_NONE || fmr.bound)
    puts(pair);
  else
    printf("%s (at most %s, with 95 %% confidence)\n", pair, upper);
  if (comparison->verdict != SB_VERDICT_NONE) puts(SB_STATS_ABOUT);
  if (comparison->reason == SB_REASON_CHILD) puts(sb_cli_child_text());
  for (int i = 0; i < 2 && comparison->reason == SB_REASON_QUALITY; i++)
    printf("%s photo: quality %.2f, %s\n", i ? "second" : "first", comparison->faces[i].quality.overall,
           sb_cli_quality_problem(&comparison->faces[i].quality));
  print_faces(comparison);
}

static sb_status verify(sb_cli *cli, sb_verify_request *request, sb_error *error) {
  sb_comparison comparison;
  sb_status status = sb_cli_photo_read(cli->words[0], &request->photos[0], error);
  if (status != SB_OK) return status;
  status = sb_cli_photo_read(cli->words[1], &request->photos[1], error);
  if (status != SB_OK) return status;
  status = sb_cli_open_engine(cli, SB_CLI_ONE_PHOTO, error);
  if (status != SB_OK) return status;
  request->target = sb_cli_operating_point(cli, cli->engine);
  request->target.fpir = 0; /* applies to searches only */
  status = sb_engine_verify(cli->engine, request, &comparison, error);
  if (status != SB_OK) return status;
  if (comparison.verdict != SB_VERDICT_MATCH) cli->exit = SB_EXIT_NEGATIVE;
  if (cli->json) return sb_cli_print_json(sb_json_comparison(&comparison), error);
  print_comparison(&comparison);
  return SB_OK;
}

static sb_status run(sb_cli *cli, const void *parsed, sb_error *error) {
  const options *o = parsed;
  sb_verify_request request = {.struct_size = sizeof request, .collection = cli->config->collection};
  sb_status status = sb_engine_face_choice(o->face, request.faces, error);
  if (status != SB_OK) return status;
  status = verify(cli, &request, error);
  sb_cli_photo_free(&request.photos[0]);
  sb_cli_photo_free(&request.photos[1]);
  return status;
}

const sb_cli_command sb_cli_command_verify = {.name = "verify",
                                              .arguments = "PHOTO PHOTO",
                                              .summary = "are the faces of two photos of the same person?",
                                              .options = verify_options,
                                              .options_size = sizeof(options),
                                              .least = 2,
                                              .most = 2,
                                              .sandboxed = true,
                                              .run = run};
