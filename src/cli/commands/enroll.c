/* enroll: registers a person from one or more photos. */
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/wording.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct options {
  const char *id, *name, *consent, *purpose, *expires;
  bool add, largest, any_quality, refuse_duplicate, attributes;
} options;

static const sb_cli_option enroll_options[] = {
    {"--id", "ID", "the person's id, such as a staff number", SB_CLI_FIELD(options, id), .required = true},
    {"--name", "NAME", "the person's name (required without --add)", SB_CLI_FIELD(options, name)},
    {"--add", NULL, "add the faces to the person, who may exist already", SB_CLI_FIELD(options, add)},
    {"--largest", NULL, "use the largest face of a photo that shows several", SB_CLI_FIELD(options, largest)},
    {"--any-quality", NULL, "accept poor photos", SB_CLI_FIELD(options, any_quality)},
    {"--refuse-duplicate", NULL, "refuse a face that is registered under another id (otherwise: warn)",
     SB_CLI_FIELD(options, refuse_duplicate)},
    {"--attributes", NULL, "estimate and keep age, gender and (experimental) ethnicity",
     SB_CLI_FIELD(options, attributes)},
    {"--consent", "TEXT", "what the person agreed to, kept with the record", SB_CLI_FIELD(options, consent)},
    {"--purpose", "TEXT", "what the record may be used for", SB_CLI_FIELD(options, purpose)},
    {"--expires", "WHEN", "365d, 2027-01-31 or never: the day after which the person is erased",
     SB_CLI_FIELD(options, expires)},
    {NULL},
};

static unsigned flags_of(const options *o) {
  return (o->add ? SB_ENROLL_ADD : 0) | (o->largest ? SB_ENROLL_LARGEST : 0) |
         (o->any_quality ? SB_ENROLL_ANY_QUALITY : 0) | (o->refuse_duplicate ? SB_ENROLL_REFUSE_DUPLICATE : 0) |
         (o->attributes ? SB_ENROLL_ATTRIBUTES : 0);
}

/* Faces that are registered under another id already, printed also if that made the enrolment fail. */
static void print_warnings(const sb_enrolled *enrolled) {
  for (size_t i = 0; i < enrolled->duplicate_count; i++) {
    const sb_candidate *other = &enrolled->duplicates[i];
    fprintf(stderr, "warning: looks like %s (%s), score %.3f%s\n", other->name, other->id, other->score,
            other->verdict == SB_VERDICT_MATCH ? "" : "; not sure, because one of the faces looks like a child's");
  }
}

/* What more photos bring. Shares of searches that miss the person, at an FMR of 1e-4 (docs/accuracy.md). */
static void print_advice(size_t faces) {
  static const char *const advice[] = {
      "with one photo about 1 search in 40 misses the person, with two 1 in 100, with three 1 in 150",
      "with two photos about 1 search in 100 misses the person, with three 1 in 150"};
  if (faces < 1 || faces > sizeof advice / sizeof *advice) return;
  printf("%s: --add adds photos of other days or looks\n", advice[faces - 1]);
}

/* Faces of the photos that were left out. */
static void print_others(const sb_enrolled *enrolled) {
  for (size_t i = 0; i < enrolled->photo_count; i++) {
    size_t others = enrolled->others[i];
    if (others)
      printf("note: photo %zu shows %zu smaller %s, left out (--strict-single refuses such photos)\n", i + 1, others,
             sb_cli_plural(others, "face", "faces"));
  }
}

static sb_status print_enrolled(const sb_cli *cli, const sb_enrolled *enrolled, sb_error *error) {
  if (cli->json) return sb_cli_print_json(sb_json_enrolled(enrolled), error);
  printf("registered %s (%s): %zu %s added, %zu in all\n", enrolled->person.name, enrolled->person.id,
         enrolled->faces_added, sb_cli_plural(enrolled->faces_added, "face", "faces"), enrolled->person.faces);
  print_others(enrolled);
  print_advice(enrolled->person.faces);
  return SB_OK;
}

static sb_status enroll(sb_cli *cli, const options *o, sb_photo *photos, sb_error *error) {
  size_t count = (size_t)cli->count;
  sb_enroll_request request = {.struct_size = sizeof request,
                               .collection = cli->config->collection,
                               .id = o->id,
                               .name = o->name,
                               .consent = o->consent,
                               .purpose = o->purpose,
                               .photos = photos,
                               .photo_count = count,
                               .flags = flags_of(o)};
  sb_status status = o->expires ? sb_time_expiry(o->expires, &request.expires_ms, error) : SB_OK;
  for (size_t i = 0; status == SB_OK && i < count; i++) status = sb_cli_photo_read(cli->words[i], &photos[i], error);
  if (status != SB_OK) return status;
  if ((status = sb_cli_open_engine(cli, SB_CLI_GALLERY, error)) != SB_OK) return status;
  sb_enrolled *enrolled = NULL;
  status = sb_engine_enroll(cli->engine, &request, &enrolled, error);
  if (enrolled && !cli->json) print_warnings(enrolled);
  if (status == SB_OK) status = print_enrolled(cli, enrolled, error);
  sb_enrolled_free(enrolled);
  return status;
}

static sb_status run(sb_cli *cli, const void *parsed, sb_error *error) {
  const options *o = parsed;
  size_t count = (size_t)cli->count;
  if (!o->name && !o->add) return sb_cli_usage(cli, error, "--name is missing");
  sb_photo *photos = sb_alloc(count, sizeof *photos, error);
  if (!photos) return SB_NO_MEMORY;
  sb_status status = enroll(cli, o, photos, error);
  for (size_t i = 0; i < count; i++) sb_cli_photo_free(&photos[i]);
  free(photos);
  return status;
}

const sb_cli_command sb_cli_command_enroll = {.name = "enroll",
                                              .arguments = "--id ID --name NAME PHOTO...",
                                              .summary = "register a person from photos; three are best",
                                              .options = enroll_options,
                                              .options_size = sizeof(options),
                                              .least = 1,
                                              .most = 1000,
                                              .sandboxed = true,
                                              .run = run};
