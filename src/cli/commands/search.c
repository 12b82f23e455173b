/* search: candidates from the gallery for every face of photos. */
#include "cli/commands.h"
#include "cli/photos.h"
#include "cli/wording.h"
#include "stats/wording.h"

#include <limits.h>
#include <stdio.h>

typedef struct options {
  size_t k;
  bool largest, small_faces;
} options;

static const sb_cli_option search_options[] = {
    {"-k", "N", "candidates for each face", SB_CLI_FIELD(options, k), .fallback = "5", .minimum = 1, .limit = SB_K_MAX},
    {"--largest", NULL, "search for the largest face only", SB_CLI_FIELD(options, largest)},
    {"--small-faces", NULL, "also look at the photo tile by tile, for small faces in big photos",
     SB_CLI_FIELD(options, small_faces)},
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

static const char *why_unsure(const sb_search_face *face) {
  switch (face->reason) {
  case SB_REASON_QUALITY: return sb_cli_quality_problem(&face->face.quality);
  case SB_REASON_LIVENESS: return "it looks like a picture or a screen, not a person";
  case SB_REASON_CHILD: return sb_cli_child_text();
  case SB_REASON_SCORE:
  case SB_REASON_NONE: break;
  }
  return "the most similar person is not similar enough";
}

static void print_face(size_t number, const sb_search_face *face, const sb_search_result *result) {
  const sb_box *box = &face->face.box;
  printf("face %zu at %.0f,%.0f %.0fx%.0f: ", number, box->x, box->y, box->w, box->h);
  switch (face->verdict) {
  case SB_VERDICT_MATCH: puts(face->candidates[0].name); break;
  case SB_VERDICT_NONE: puts("no match (unknown person)"); break;
  case SB_VERDICT_UNSURE: printf("not sure: %s\n", why_unsure(face)); break;
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

static sb_status search(sb_cli *cli, const void *context, sb_photo photo, json_t **json, sb_error *error) {
  const options *o = context;
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

static sb_status run(sb_cli *cli, const void *parsed, sb_error *error) {
  return sb_cli_photos_run(cli, search, parsed, error);
}

const sb_cli_command sb_cli_command_search = {.name = "search",
                                              .arguments = "PHOTO...",
                                              .summary = "who is it? candidates for every face of photos",
                                              .options = search_options,
                                              .options_size = sizeof(options),
                                              .least = 1,
                                              .most = INT_MAX,
                                              .sandboxed = true,
                                              .run = run};
