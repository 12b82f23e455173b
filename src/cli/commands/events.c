/* events: who was seen by the cameras, and which cameras were lost; as a list, or followed as they come. */
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/wording.h"
#include "engine/engine.h"

#include <semblance/events.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct options {
  const char *camera, *kind, *person, *since, *until;
  size_t limit;
  bool all_collections, follow, csv;
} options;

static const sb_cli_option events_options[] = {
    {"--camera", "NAME", "of this camera", SB_CLI_FIELD(options, camera)},
    {"--kind", "KINDS", "seen, watchlist, unknown_again, camera_lost, camera_back, separated by ','",
     SB_CLI_FIELD(options, kind)},
    {"--person", "ID", "of this person", SB_CLI_FIELD(options, person)},
    {"--since", "WHEN", "that began then or later: 2027-01-31T08:00:00Z, 2027-01-31, or 24h for a day ago",
     SB_CLI_FIELD(options, since)},
    {"--until", "WHEN", "that began before", SB_CLI_FIELD(options, until)},
    {"--limit", "N", "how many, the newest (0: all)", SB_CLI_FIELD(options, limit), .fallback = "100",
     .limit = SB_EVENTS_MAX},
    {"--all-collections", NULL, "of every collection", SB_CLI_FIELD(options, all_collections)},
    {"--follow", NULL, "then print events as they come, until it is interrupted", SB_CLI_FIELD(options, follow)},
    {"--csv", NULL, "as CSV", SB_CLI_FIELD(options, csv)},
    {NULL},
};

/* ---- Printing */

static const char *text_or_empty(const char *text) {
  return text ? text : "";
}

static bool is_of_camera(const sb_event *event) {
  return event->kind == SB_EVENT_CAMERA_LOST || event->kind == SB_EVENT_CAMERA_BACK;
}

/* One line, with tabs. */
static void print_text(const sb_event *event) {
  char at[32];
  sb_time_iso(event->since_ms, at);
  printf("%" PRIu64 "\t%s\t%s\t%s", event->number, at, event->camera, sb_event_kind_name(event->kind));
  if (!is_of_camera(event)) printf("\t%s", event->erased ? "erased person" : sb_cli_verdict(event->verdict));
  if (event->person) printf("\t%s\t%s", event->person, event->name);
  if (event->note) printf("\t%s", event->note);
  puts("");
}

static void print_cell(const char *text, bool last) {
  sb_cli_csv_cell(text, strlen(text), last);
}

static void print_csv(const sb_event *event) {
  char since[32], until[32], score[32] = "", quality[32] = "";
  sb_time_iso(event->since_ms, since);
  sb_time_iso(event->until_ms, until);
  if (event->person) snprintf(score, sizeof score, "%.4f", event->score);
  if (!is_of_camera(event) && event->quality >= 0) snprintf(quality, sizeof quality, "%.3f", (double)event->quality);
  printf("%" PRIu64 ",%s,%s,%s,%s,%s,%s,", event->number, since, until, sb_event_kind_name(event->kind),
         event->collection, event->camera, is_of_camera(event) ? "" : sb_json_verdict(event->verdict));
  print_cell(text_or_empty(event->person), false);
  print_cell(text_or_empty(event->name), false);
  printf("%s,%s,", score, quality);
  print_cell(text_or_empty(event->note), true);
}

static sb_status print_one(const sb_cli *cli, const options *o, const sb_event *event, sb_error *error) {
  if (cli->json) return sb_cli_print_json(sb_json_event(event), error);
  if (o->csv)
    print_csv(event);
  else
    print_text(event);
  return SB_OK;
}

static sb_status flush(sb_error *error) {
  return fflush(stdout) ? sb_fail(error, SB_IO, "the events could not be printed") : SB_OK;
}

/* Oldest first, whatever the order of the list. */
static sb_status print_page(const sb_cli *cli, const options *o, const sb_events *events, bool backwards,
                            sb_error *error) {
  for (size_t i = 0; i < events->count; i++) {
    sb_status status = print_one(cli, o, &events->items[backwards ? events->count - 1 - i : i], error);
    if (status != SB_OK) return status;
  }
  return flush(error);
}

/* ---- Reading */

/* Everything behind q->after, which moves on to the newest event. */
static sb_status print_rest(sb_cli *cli, const options *o, sb_event_query *q, size_t *printed, sb_error *error) {
  q->order = SB_ORDER_OLDEST;
  q->limit = SB_EVENTS_MAX;
  for (bool more = true; more;) {
    sb_events *events = NULL;
    sb_status status = sb_engine_events(cli->engine, q, &events, error);
    if (status != SB_OK) return status;
    uint64_t last = events->count ? events->items[events->count - 1].number : 0;
    more = events->next;
    q->after = more || last > events->newest ? last : events->newest;
    q->continued = true;
    status = print_page(cli, o, events, false, error);
    *printed += events->count;
    sb_events_free(events);
    if (status != SB_OK) return status;
  }
  return SB_OK;
}

/* The newest ones. Events that are added meanwhile come behind q->after. */
static sb_status print_newest(sb_cli *cli, const options *o, sb_event_query *q, size_t *printed, sb_error *error) {
  sb_events *events = NULL;
  q->order = SB_ORDER_NEWEST;
  q->limit = o->limit;
  sb_status status = sb_engine_events(cli->engine, q, &events, error);
  if (status != SB_OK) return status;
  uint64_t last = events->count ? events->items[0].number : 0;
  q->after = last > events->newest ? last : events->newest;
  q->continued = true;
  status = print_page(cli, o, events, true, error);
  *printed = events->count;
  sb_events_free(events);
  return status;
}

/* Until the program is interrupted, or what it prints to is closed. */
static sb_status follow(sb_cli *cli, const options *o, sb_event_query *q, sb_error *error) {
  enum { WAIT_MS = 60000 };
  for (;;) {
    uint64_t newest = 0;
    size_t printed = 0;
    sb_status status = sb_engine_events_wait(cli->engine, q->after, WAIT_MS, &newest, error);
    if (status == SB_OK && newest > q->after) status = print_rest(cli, o, q, &printed, error);
    if (status != SB_OK) return status;
  }
}

static sb_status read_query(sb_cli *cli, const options *o, sb_event_query *q, sb_error *error) {
  *q = (sb_event_query){.struct_size = sizeof *q,
                        .collection = o->all_collections ? NULL : cli->config->collection,
                        .camera = o->camera,
                        .person = o->person,
                        .kinds = o->kind ? sb_event_kinds(o->kind) : 0};
  if (o->kind && !q->kinds)
    return sb_cli_usage(cli, error, "--kind is a list of seen, watchlist, unknown_again, camera_lost, camera_back");
  if (o->csv && cli->json) return sb_cli_usage(cli, error, "--csv and --json exclude each other");
  sb_status status = o->since ? sb_time_parse(o->since, "--since", &q->since_ms, error) : SB_OK;
  return status == SB_OK && o->until ? sb_time_parse(o->until, "--until", &q->until_ms, error) : status;
}

static sb_status run(sb_cli *cli, const void *parsed, sb_error *error) {
  const options *o = parsed;
  sb_event_query q;
  size_t printed = 0;
  sb_status status = read_query(cli, o, &q, error);
  if (status != SB_OK) return status;
  status = sb_cli_open_engine(cli, SB_CLI_GALLERY, error);
  if (status != SB_OK) return status;
  if (o->csv) puts("number,since,until,kind,collection,camera,verdict,id,name,score,quality,note");
  status = o->limit ? print_newest(cli, o, &q, &printed, error) : print_rest(cli, o, &q, &printed, error);
  if (status == SB_OK && !o->follow) sb_cli_print_empty(cli, printed, "no events");
  return status == SB_OK && o->follow ? follow(cli, o, &q, error) : status;
}

const sb_cli_command sb_cli_command_events = {.name = "events",
                                              .summary = "who was seen by the cameras, and which cameras were lost",
                                              .options = events_options,
                                              .options_size = sizeof(options),
                                              .run = run};
