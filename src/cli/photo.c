/* Subcommands about photos: search, verify, detect, represent, analyze. */
#include "cli/cli.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* One photo at a time: all cores work on it, unless the user said how many photos. */
static sb_status open_engine(const sb_cli *cli, sb_engine **out, sb_error *error) {
  sb_engine_options options;
  sb_status status = sb_cli_options(cli, &options, error);
  if (status != SB_OK) return status;
  if (!options.workers) {
    options.workers = 1;
    options.threads = sb_cpu_cores();
  }
  return sb_engine_new(&options, out, error);
}

static void print_candidate(const sb_candidate *candidate, const sb_search_result *result) {
  char odds[64], gallery[64];
  sb_cli_odds(candidate->false_match_rate, candidate->false_match_bound, odds, sizeof odds);
  sb_cli_odds(candidate->gallery_false_match, candidate->false_match_bound, gallery, sizeof gallery);
  printf("  %-19s %.3f  %s (%s); chance that two different people are this alike: %s, that anybody of %zu %s is: %s\n",
         sb_cli_verdict(candidate->verdict), candidate->similarity, candidate->name, candidate->id, odds,
         result->gallery_faces, sb_cli_word(result->gallery_faces, "face", "faces"), gallery);
}

static const char *weakness(const sb_face *face) {
  switch (sb_quality_weakest(&face->quality)) {
  case SB_QUALITY_SIZE: return "the face is too small";
  case SB_QUALITY_SHARPNESS: return "the face is blurred";
  case SB_QUALITY_POSE: return "the face is turned away";
  case SB_QUALITY_EXPOSURE: return "the face is too dark, too bright or without contrast";
  case SB_QUALITY_VISIBILITY: return "part of the face is covered or out of the picture";
  }
  return "the photo is poor";
}

static const char *why_unsure(const sb_search_face *face) {
  switch (face->reason) {
  case SB_REASON_QUALITY: return weakness(&face->face);
  case SB_REASON_LIVENESS: return "it looks like a picture or a screen, not a person";
  case SB_REASON_SCORE:
  case SB_REASON_NONE: break;
  }
  return "somebody is alike, but not enough";
}

/* A name, "unknown person", or why it cannot be told. */
static void print_answer(const sb_search_face *face) {
  switch (face->verdict) {
  case SB_VERDICT_MATCH: puts(face->candidates[0].name); break;
  case SB_VERDICT_NONE: puts("unknown person"); break;
  case SB_VERDICT_UNSURE: printf("cannot tell: %s\n", why_unsure(face)); break;
  }
}

static void print_search(const sb_search_result *result) {
  char odds[64];
  for (size_t f = 0; f < result->count; f++) {
    const sb_search_face *face = &result->faces[f];
    printf("face %zu at %.0f,%.0f %.0fx%.0f: ", f + 1, face->face.box.x, face->face.box.y, face->face.box.w,
           face->face.box.h);
    print_answer(face);
    for (size_t c = 0; c < face->count; c++) print_candidate(&face->candidates[c], result);
  }
  if (!result->gallery_faces) {
    printf("nobody could be found: there is no face in this collection yet; \"semblance enroll\" adds people\n");
    return;
  }
  sb_cli_odds(result->fpir, false, odds, sizeof odds);
  printf("%zu %s searched, %.1f ms with the models' start; same person from %.3f, ", result->gallery_size,
         sb_cli_word(result->gallery_size, "person", "people"), result->elapsed_ms, result->threshold);
  printf("where a stranger is taken for somebody %s times\n", odds);
}

static bool any_match(const sb_search_result *result) {
  for (size_t f = 0; f < result->count; f++)
    if (result->faces[f].verdict == SB_VERDICT_MATCH) return true;
  return false;
}

sb_exit sb_command_search(sb_cli *cli) {
  size_t k = 5;
  bool largest = false, small = false;
  const sb_flag flags[] = {
      {"-k", SB_FLAG_COUNT, &k}, {"--largest", SB_FLAG_SWITCH, &largest}, {"--small-faces", SB_FLAG_SWITCH, &small}};
  if (!SB_FLAGS_TAKE(cli, flags, 1, 1)) return SB_EXIT_USAGE;
  if (k < 1 || k > SB_K_MAX) return sb_cli_usage(cli, "-k is between 1 and %d", SB_K_MAX);
  sb_error error = {0};
  sb_engine *engine = NULL;
  sb_search_result *result = NULL;
  sb_search_request request = {.struct_size = sizeof request,
                               .collection = cli->config->collection,
                               .k = k,
                               .largest_only = largest,
                               .small_faces = small};
  sb_exit code;
  sb_status status = sb_cli_photo_read(cli->words[0], &request.photo, &error);
  if (status == SB_OK) status = open_engine(cli, &engine, &error);
  if (status == SB_OK) request.target = sb_cli_target(cli, engine);
  if (status == SB_OK) status = sb_engine_search(engine, &request, &result, &error);
  if (status != SB_OK) {
    code = sb_cli_fail(cli, status, &error);
  } else {
    code = any_match(result) ? SB_EXIT_OK : SB_EXIT_NEGATIVE;
    if (cli->json)
      code = sb_cli_print_json(cli, sb_json_search(result), code);
    else if (!result->count)
      puts("no face found");
    else
      print_search(result);
  }
  sb_search_result_free(result);
  sb_engine_free(engine);
  sb_cli_photo_free(&request.photo);
  return code;
}

static void print_comparison(const sb_comparison *comparison) {
  char odds[64], worst[64];
  sb_cli_odds(comparison->false_match_rate, comparison->false_match_bound, odds, sizeof odds);
  sb_cli_odds(comparison->false_match_upper, false, worst, sizeof worst); /* "at most" says that it is a bound */
  printf(
      "%s: similarity %.3f (same person from %.3f)\nchance that two different people look this alike: %s (at most %s, "
      "with 95 %% confidence)\n",
      sb_cli_verdict(comparison->verdict), comparison->similarity, comparison->threshold, odds, worst);
  for (int i = 0; i < 2 && comparison->reason == SB_REASON_QUALITY; i++)
    printf("%s photo: quality %.2f, %s\n", i ? "second" : "first", comparison->faces[i].quality.overall,
           weakness(&comparison->faces[i]));
}

sb_exit sb_command_verify(sb_cli *cli) {
  if (!sb_flags_take(cli, NULL, 0, 2, 2)) return SB_EXIT_USAGE;
  sb_error error = {0};
  sb_engine *engine = NULL;
  sb_verify_request request = {.struct_size = sizeof request};
  sb_comparison comparison;
  sb_exit code;
  sb_status status = sb_cli_photo_read(cli->words[0], &request.photos[0], &error);
  if (status == SB_OK) status = sb_cli_photo_read(cli->words[1], &request.photos[1], &error);
  if (status == SB_OK) status = open_engine(cli, &engine, &error);
  if (status == SB_OK) request.target = sb_cli_target(cli, engine);
  request.target.fpir = 0; /* a setting of searches */
  if (status == SB_OK) status = sb_engine_verify(engine, &request, &comparison, &error);
  if (status != SB_OK) {
    code = sb_cli_fail(cli, status, &error);
  } else {
    code = comparison.verdict == SB_VERDICT_MATCH ? SB_EXIT_OK : SB_EXIT_NEGATIVE;
    if (cli->json)
      code = sb_cli_print_json(cli, sb_json_comparison(&comparison), code);
    else
      print_comparison(&comparison);
  }
  sb_engine_free(engine);
  sb_cli_photo_free(&request.photos[0]);
  sb_cli_photo_free(&request.photos[1]);
  return code;
}

static void print_face(size_t number, const sb_face *face, const sb_faces *faces, unsigned want) {
  printf("face %zu at %.0f,%.0f %.0fx%.0f, score %.3f, quality %.2f\n", number, face->box.x, face->box.y, face->box.w,
         face->box.h, face->score, face->quality.overall);
  if (want & SB_WANT_EMBEDDING) {
    printf("  %s, %zu numbers: %.5f %.5f %.5f ... (all of them with --json)\n", faces->model, faces->dim,
           face->embedding[0], face->embedding[1], face->embedding[2]);
  }
  if (want & SB_WANT_ATTRIBUTES) {
    const sb_attributes *a = &face->attributes;
    int dominant = a->ethnicity_dominant;
    if (a->age >= 0) printf("  about %.0f years\n", a->age);
    if (a->man >= 0) printf("  %s (%.0f %%)\n", a->man >= a->woman ? "man" : "woman", 100 * fmaxf(a->man, a->woman));
    if (a->ethnicity[dominant] >= 0)
      printf("  %s (%.0f %%, experimental)\n", sb_ethnicity_name(dominant), 100 * a->ethnicity[dominant]);
  }
  if (face->has_pose)
    printf("  turned %+.0f, tilted %+.0f, rolled %+.0f degrees\n", face->pose.yaw, face->pose.pitch, face->pose.roll);
  if (face->has_expression)
    printf("  looks %s (%.0f %%, experimental)\n", sb_expression_name(face->expression.dominant),
           100 * face->expression.probability[face->expression.dominant]);
  if (face->has_live) printf("  liveness %.2f (advisory)\n", face->live);
}

static sb_exit find_faces(sb_cli *cli, unsigned want) {
  bool largest = false, small = false, whole = false;
  const sb_flag flags[] = {{"--largest", SB_FLAG_SWITCH, &largest},
                           {"--small-faces", SB_FLAG_SWITCH, &small},
                           {"--whole", SB_FLAG_SWITCH, &whole}};
  if (!sb_flags_take(cli, flags, want ? 3 : 2, 1, 1)) return SB_EXIT_USAGE;
  if (largest) want |= SB_WANT_LARGEST_ONLY;
  if (small) want |= SB_WANT_SMALL_FACES;
  if (whole) want |= SB_WANT_WHOLE_PHOTO;
  sb_error error = {0};
  sb_engine *engine = NULL;
  sb_find_request request = {.struct_size = sizeof request, .want = want};
  sb_faces *faces = NULL;
  sb_exit code;
  sb_status status = sb_cli_photo_read(cli->words[0], &request.photo, &error);
  if (status == SB_OK) status = open_engine(cli, &engine, &error);
  if (status == SB_OK) status = sb_engine_find_faces(engine, &request, &faces, &error);
  if (status != SB_OK) {
    code = sb_cli_fail(cli, status, &error);
  } else {
    code = faces->count ? SB_EXIT_OK : SB_EXIT_NEGATIVE;
    if (cli->json)
      code = sb_cli_print_json(cli, sb_json_faces(faces, want), code);
    else if (!faces->count)
      puts("no face found");
    else
      for (size_t i = 0; i < faces->count; i++) print_face(i + 1, &faces->items[i], faces, want);
  }
  sb_faces_free(faces);
  sb_engine_free(engine);
  sb_cli_photo_free(&request.photo);
  return code;
}

sb_exit sb_command_detect(sb_cli *cli) {
  return find_faces(cli, 0);
}
sb_exit sb_command_represent(sb_cli *cli) {
  return find_faces(cli, SB_WANT_EMBEDDING);
}
sb_exit sb_command_analyze(sb_cli *cli) {
  return find_faces(cli, SB_WANT_ATTRIBUTES | SB_WANT_POSE | SB_WANT_LIVENESS);
}
