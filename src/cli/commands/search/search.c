/* search: candidates from the gallery for every face of photos; who is when in a film. */
#include "cli/commands/search/search.h"

#include "cli/commands.h"
#include "cli/photos.h"
#include "cli/wording.h"
#include "stats/wording.h"

#include <limits.h>
#include <stdio.h>

static const sb_cli_option search_options[] = {
    {"-k", "N", "candidates for each face, or track of a film", SB_CLI_FIELD(sb_cli_search_options, k), .fallback = "5",
     .minimum = 1, .limit = SB_K_MAX},
    {"--largest", NULL, "search for the largest face only", SB_CLI_FIELD(sb_cli_search_options, largest)},
    {"--small-faces", NULL, "also look at the photo tile by tile, for small faces in big photos",
     SB_CLI_FIELD(sb_cli_search_options, small_faces)},
    {"--rate", "N", "pictures to search for each second of a film; 3 unless given",
     SB_CLI_FIELD(sb_cli_search_options, rate), .minimum = 1, .limit = SB_VIDEO_RATE_MAX},
    {"--keyframes", NULL, "search only the keyframes of a film, some seconds apart: much faster",
     SB_CLI_FIELD(sb_cli_search_options, keyframes)},
    {"--csv", NULL, "print what was found in a film as CSV", SB_CLI_FIELD(sb_cli_search_options, csv)},
    {"--html", NULL, "print it as a page of HTML, with a picture of each person",
     SB_CLI_FIELD(sb_cli_search_options, html)},
    {NULL},
};

/* How often a stranger is as much alike: in one comparison, and in this gallery, which gives many more chances. */
static void print_candidate(const sb_candidate *candidate, const sb_search_result *result) {
  const sb_stats_rate fmr = {candidate->false_match_rate, candidate->false_match_upper, candidate->false_match_bound};
  char pair[SB_STATS_TEXT], gallery[SB_STATS_TEXT];
  sb_stats_pair_text(&fmr, pair);
  sb_stats_rate_text(candidate->gallery_false_match, candidate->false_match_bound, gallery);
  printf("  %-8s %.3f  %s (%s); %s", sb_cli_verdict(candidate->verdict), candidate->score, candidate->name,
         candidate->id, pair);
  if (candidate->verdict != SB_VERDICT_NONE && fmr.rate < 0.5)
    printf("; %s strangers look this much like one of %zu %s", gallery, result->gallery_size,
           sb_cli_plural(result->gallery_size, "person", "people"));
  puts("");
}

static void print_face(size_t number, const sb_search_face *face, const sb_search_result *result) {
  const sb_box *box = &face->face.box;
  printf("face %zu at %.0f,%.0f %.0fx%.0f: ", number, box->x, box->y, box->w, box->h);
  switch (face->verdict) {
  case SB_VERDICT_MATCH: puts(face->candidates[0].name); break;
  case SB_VERDICT_NONE: puts("no match (unknown person)"); break;
  case SB_VERDICT_UNSURE: printf("not sure: %s\n", sb_cli_unsure_reason(face)); break;
  }
  for (size_t c = 0; c < face->count; c++) print_candidate(&face->candidates[c], result);
}

static void print_search(const sb_search_result *result) {
  char strangers[SB_STATS_TEXT];
  if (!result->count) {
    puts("no face found");
    return;
  }
  for (size_t f = 0; f < result->count; f++) print_face(f + 1, &result->faces[f], result);
  if (!result->gallery_faces) {
    puts("no match is possible: there is no face in this collection yet; `semblance enroll` adds people");
    return;
  }
  sb_stats_rate_text(result->fpir, false, strangers);
  printf("%zu %s searched in %.1f ms, including the start of the models; a match from %.3f", result->gallery_size,
         sb_cli_plural(result->gallery_size, "person", "people"), result->elapsed_ms, result->threshold);
  if (result->fpir < 1)
    printf("; there %s strangers would match somebody\n%s\n", strangers, SB_STATS_ABOUT);
  else
    puts("");
}

static bool has_match(const sb_search_result *result) {
  for (size_t f = 0; f < result->count; f++)
    if (result->faces[f].verdict == SB_VERDICT_MATCH) return true;
  return false;
}

static sb_status search_photo(sb_cli *cli, const void *context, sb_photo photo, json_t **json, sb_error *error) {
  const sb_cli_search_options *o = context;
  sb_search_result *result = NULL;
  const sb_search_request request = {.struct_size = sizeof request,
                                     .collection = cli->config->collection,
                                     .photo = photo,
                                     .k = o->k,
                                     .largest_only = o->largest,
                                     .small_faces = o->small_faces,
                                     .target = sb_cli_operating_point(cli, cli->engine)};
  sb_status status = sb_engine_search(cli->engine, &request, &result, error);
  if (status != SB_OK) return status;
  if (cli->json)
    *json = sb_json_search(result);
  else
    print_search(result);
  if (!has_match(result)) cli->exit = SB_EXIT_NEGATIVE;
  sb_search_result_free(result);
  return SB_OK;
}

/* A file that is too large for a photo, or is none, may be a film that cannot be decoded here. */
static sb_status explain(sb_status status, const sb_error *cause, sb_error *error) {
  bool may_be_film = status == SB_UNSUPPORTED_IMAGE || status == SB_TOO_LARGE || status == SB_IMAGE_TOO_LARGE;
  return sb_fail(error, status, "%s%s", cause->message,
                 may_be_film && !sb_video_available()
                     ? " (films are searched where semblance-video is installed: docs/cameras.md)"
                     : "");
}

static sb_status run_photos(sb_cli *cli, const sb_cli_search_options *o, sb_error *error) {
  sb_error cause = {0};
  if (o->rate || o->keyframes || o->csv || o->html) {
    const char *flag = o->rate ? "--rate" : o->keyframes ? "--keyframes" : o->csv ? "--csv" : "--html";
    return sb_cli_usage(cli, error, "%s is for one film, and %s is not a film that can be read here", flag,
                        cli->words[0]);
  }
  sb_status status = sb_cli_photos_run(cli, search_photo, o, &cause);
  return status == SB_OK ? SB_OK : explain(status, &cause, error);
}

static sb_status check_outputs(sb_cli *cli, const sb_cli_search_options *o, sb_error *error) {
  if (cli->json + o->csv + o->html > 1)
    return sb_cli_usage(cli, error, "of --json, --csv and --html only one can be given");
  return SB_OK;
}

static sb_status prepare(sb_cli *cli, const void *options, sb_error *error) {
  sb_status status = check_outputs(cli, options, error);
  return status == SB_OK ? sb_cli_film_prepare(cli, options, error) : status;
}

static sb_status run(sb_cli *cli, const void *parsed, sb_error *error) {
  const sb_cli_search_options *o = parsed;
  bool is_film = false;
  sb_status status = sb_cli_film_check(cli, &is_film, error);
  if (status != SB_OK) return status;
  if (!is_film) return run_photos(cli, o, error);
  if (o->largest || o->small_faces)
    return sb_cli_usage(cli, error, "%s is for photos", o->largest ? "--largest" : "--small-faces");
  return sb_cli_film_search(cli, o, error);
}

const sb_cli_command sb_cli_command_search = {
    .name = "search",
    .arguments = "PHOTO...|FILM",
    .summary = "who is it? candidates for every face of photos; who is when in a film",
    .options = search_options,
    .options_size = sizeof(sb_cli_search_options),
    .least = 1,
    .most = INT_MAX,
    .sandboxed = true,
    .prepare = prepare,
    .run = run};
