/* detect, represent and analyze: the faces of photos, with their boxes, embeddings or attributes. */
#include "cli/commands.h"
#include "cli/photos.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>

typedef struct options {
  bool largest, small_faces, whole;
} options;

#define LARGEST \
  { "--largest", NULL, "the largest face only", SB_CLI_FIELD(options, largest) }
#define SMALL_FACES                                                                              \
  {                                                                                              \
    "--small-faces", NULL, "also look at the photo tile by tile, for small faces in big photos", \
        SB_CLI_FIELD(options, small_faces)                                                       \
  }
static const sb_cli_option detect_options[] = {LARGEST, SMALL_FACES, {NULL}};
static const sb_cli_option face_options[] = {
    LARGEST,
    SMALL_FACES,
    {"--whole", NULL, "the photo is one face, already cropped: do not detect faces", SB_CLI_FIELD(options, whole)},
    {NULL},
};

static void print_attributes(const sb_attributes *a) {
  int dominant = a->ethnicity_dominant;
  if (a->age >= 0) printf("  about %.0f years\n", a->age);
  if (a->man >= 0) printf("  %s (%.0f %%)\n", a->man >= a->woman ? "man" : "woman", 100 * fmaxf(a->man, a->woman));
  if (a->ethnicity[dominant] >= 0)
    printf("  %s (%.0f %%, experimental)\n", sb_ethnicity_name(dominant), 100 * a->ethnicity[dominant]);
}

static void print_face(size_t number, const sb_face *face, const sb_faces *faces, unsigned want) {
  printf("face %zu at %.0f,%.0f %.0fx%.0f, score %.3f, quality %.2f\n", number, face->box.x, face->box.y, face->box.w,
         face->box.h, face->score, face->quality.overall);
  if (want & SB_WANT_EMBEDDING)
    printf("  %s, %zu numbers: %.5f %.5f %.5f ... (all of them with --json)\n", faces->model, faces->dim,
           face->embedding[0], face->embedding[1], face->embedding[2]);
  if (want & SB_WANT_ATTRIBUTES) print_attributes(&face->attributes);
  if (face->has_pose)
    printf("  yaw %+.0f, pitch %+.0f, roll %+.0f degrees\n", face->pose.yaw, face->pose.pitch, face->pose.roll);
  if (face->has_expression)
    printf("  looks %s (%.0f %%, experimental)\n", sb_expression_name(face->expression.dominant),
           100 * face->expression.probability[face->expression.dominant]);
  if (face->has_live)
    printf("  liveness %.2f: %s\n", face->live, face->is_live ? "a person" : "looks like a picture or a screen");
}

static void print_faces(const sb_faces *faces, unsigned want) {
  if (!faces->count) puts("no face found");
  for (size_t i = 0; i < faces->count; i++) print_face(i + 1, &faces->items[i], faces, want);
}

static sb_status find_in_photo(sb_cli *cli, const void *context, sb_photo photo, json_t **json, sb_error *error) {
  const sb_find_request request = {.struct_size = sizeof request, .photo = photo, .want = *(const unsigned *)context};
  sb_faces *faces = NULL;
  sb_status status = sb_engine_find_faces(cli->engine, &request, &faces, error);
  if (status != SB_OK) return status;
  if (!faces->count) cli->exit = SB_EXIT_NEGATIVE;
  if (cli->json)
    *json = sb_json_faces(faces, request.want);
  else
    print_faces(faces, request.want);
  sb_faces_free(faces);
  return SB_OK;
}

static sb_status find_faces(sb_cli *cli, const options *o, unsigned want, sb_error *error) {
  if (o->largest) want |= SB_WANT_LARGEST_ONLY;
  if (o->small_faces) want |= SB_WANT_SMALL_FACES;
  if (o->whole) want |= SB_WANT_WHOLE_PHOTO;
  return sb_cli_photos_run(cli, find_in_photo, &want, error);
}

static sb_status run_detect(sb_cli *cli, const void *parsed, sb_error *error) {
  return find_faces(cli, parsed, 0, error);
}

static sb_status run_represent(sb_cli *cli, const void *parsed, sb_error *error) {
  return find_faces(cli, parsed, SB_WANT_EMBEDDING, error);
}

static sb_status run_analyze(sb_cli *cli, const void *parsed, sb_error *error) {
  return find_faces(cli, parsed, SB_WANT_ATTRIBUTES | SB_WANT_POSE | SB_WANT_LIVENESS, error);
}

const sb_cli_command sb_cli_command_detect = {.name = "detect",
                                              .arguments = "PHOTO...",
                                              .summary = "find the faces of photos",
                                              .options = detect_options,
                                              .options_size = sizeof(options),
                                              .least = 1,
                                              .most = INT_MAX,
                                              .sandboxed = true,
                                              .run = run_detect};
const sb_cli_command sb_cli_command_represent = {.name = "represent",
                                                 .arguments = "PHOTO...",
                                                 .summary = "the embedding of every face of photos",
                                                 .options = face_options,
                                                 .options_size = sizeof(options),
                                                 .least = 1,
                                                 .most = INT_MAX,
                                                 .sandboxed = true,
                                                 .run = run_represent};
const sb_cli_command sb_cli_command_analyze = {
    .name = "analyze",
    .arguments = "PHOTO...",
    .summary = "age, gender, pose and (experimental) ethnicity and expression of every face",
    .options = face_options,
    .options_size = sizeof(options),
    .least = 1,
    .most = INT_MAX,
    .sandboxed = true,
    .run = run_analyze};
