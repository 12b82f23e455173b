/* hnsw: shows, builds, measures and drops the HNSW indexes of pgvector (Malkov and Yashunin 2016) that --search sql
 * --hnsw uses. */
#include "cli/cli.h"
#include "cli/commands.h"
#include "engine/engine.h"
#include "json/write.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MEASUREMENTS_MAX = 5 };

typedef struct options {
  size_t probes;
} options;

static const sb_cli_option measure_options[] = {
    {"--probes", "N", "searches to measure with", SB_CLI_FIELD(options, probes), .fallback = "100", .minimum = 1,
     .limit = 10000},
    {NULL},
};

/* ---- Showing */

/* The candidate list sizes (ef_search) that an index is measured with: some to choose from, and the one of --hnsw. */
static size_t list_sizes(const sb_cli *cli, sb_hnsw_recall *out) {
  static const int usual[] = {40, 100, 400, 1000};
  size_t count = 0;
  bool has_own = !cli->config->hnsw;
  for (size_t i = 0; i < sizeof usual / sizeof *usual; i++) {
    has_own = has_own || usual[i] == cli->config->hnsw;
    out[count++] = (sb_hnsw_recall){.ef = usual[i]};
  }
  if (!has_own) out[count++] = (sb_hnsw_recall){.ef = (int)cli->config->hnsw};
  return count;
}

/* The measurements that exist: those of list sizes that were never measured have no probes. */
static json_t *recalls_json(const sb_hnsw_recall *measured, size_t count) {
  json_t *list = json_array();
  for (size_t i = 0; i < count; i++) {
    char at[32];
    if (!measured[i].probes) continue;
    sb_time_iso(measured[i].at_ms, at);
    json_array_append_new(list,
                          json_pack("{s:i,s:I,s:o,s:o,s:s}", "ef", measured[i].ef, "probes",
                                    (json_int_t)measured[i].probes, "recall", sb_json_rounded(measured[i].recall, 4),
                                    "mates", sb_json_rounded(measured[i].mates, 4), "measured", at));
  }
  return list;
}

static json_t *state_json(const sb_hnsw_state *state, const sb_hnsw_recall *measured, size_t count) {
  return json_pack("{s:s,s:b,s:b,s:I,s:o}", "collection", state->collection.info.name, "there", state->there, "whole",
                   state->whole, "bytes", (json_int_t)state->bytes, "measured", recalls_json(measured, count));
}

static void print_state(const sb_hnsw_state *state, const sb_hnsw_recall *measured, size_t count) {
  const char *name = state->collection.info.name;
  if (!state->there) {
    printf("%-24s no index: searches are exact\n", name);
    return;
  }
  if (!state->whole) {
    printf("%-24s an index that is being built, or whose build was interrupted\n", name);
    return;
  }
  printf("%-24s an index of %.1f MB\n", name, (double)state->bytes / 1e6);
  for (size_t i = 0; i < count; i++)
    if (measured[i].probes)
      printf(
          "  --hnsw %-5d finds %5.1f %% of the true ten nearest, and the probe's own face in %5.1f %% (%zu probes)\n",
          measured[i].ef, 100 * measured[i].recall, 100 * measured[i].mates, measured[i].probes);
}

/* Prints one collection, or adds it to `list` with --json. */
static sb_status show_one(const sb_cli *cli, const sb_hnsw_state *state, json_t *list, sb_error *error) {
  sb_hnsw_recall measured[MEASUREMENTS_MAX];
  size_t count = state->whole ? list_sizes(cli, measured) : 0;
  sb_status status = sb_engine_hnsw_recall(cli->engine, &state->collection, measured, count, error);
  if (status != SB_OK) return status;
  if (cli->json)
    json_array_append_new(list, state_json(state, measured, count));
  else
    print_state(state, measured, count);
  return SB_OK;
}

static sb_status show(const sb_cli *cli, sb_error *error) {
  sb_hnsw_state *states = NULL;
  size_t count = 0;
  sb_status status = sb_engine_hnsw_states(cli->engine, &states, &count, error);
  if (status != SB_OK) return status;
  json_t *list = json_array();
  for (size_t i = 0; status == SB_OK && i < count; i++) status = show_one(cli, &states[i], list, error);
  free(states);
  if (status == SB_OK && cli->json) return sb_cli_print_json(json_pack("{s:o}", "collections", list), error);
  json_decref(list);
  return status;
}

static sb_status run_show(sb_cli *cli, const void *parsed, sb_error *error) {
  (void)parsed;
  return show(cli, error);
}

/* ---- Changing */

static sb_status measure(const sb_cli *cli, size_t probes, sb_error *error) {
  sb_hnsw_recall measured[MEASUREMENTS_MAX];
  size_t count = list_sizes(cli, measured);
  return sb_engine_hnsw_measure(cli->engine, cli->config->collection, probes, measured, count, error);
}

static sb_status run_measure(sb_cli *cli, const void *parsed, sb_error *error) {
  const options *o = parsed;
  sb_status status = measure(cli, o->probes, error);
  return status == SB_OK ? show(cli, error) : status;
}

/* The index stays even if it cannot be measured, such as with too few faces. */
static sb_status run_build(sb_cli *cli, const void *parsed, sb_error *error) {
  const options *o = parsed;
  sb_status status = sb_engine_hnsw_build(cli->engine, cli->config->collection, error);
  if (status != SB_OK) return status;
  status = measure(cli, o->probes, error);
  if (status == SB_INVALID && !cli->quiet && !cli->json) fprintf(stderr, "semblance: %s\n", error->message);
  return status == SB_OK || status == SB_INVALID ? show(cli, error) : status;
}

static sb_status run_drop(sb_cli *cli, const void *parsed, sb_error *error) {
  (void)parsed;
  const char *collection = cli->config->collection;
  sb_status status = sb_engine_hnsw_drop(cli->engine, collection, error);
  if (status != SB_OK) return status;
  if (cli->json) return sb_cli_print_json(json_pack("{s:s}", "dropped", collection), error);
  if (!cli->quiet) puts("the index was dropped: searches are exact");
  return SB_OK;
}

/* ---- The subcommand */

static const sb_cli_command actions[] = {
    {.name = "show",
     .summary = "which collections have an index, and its measured recall (the default)",
     .opens_gallery = true,
     .run = run_show},
    {.name = "build",
     .summary = "build the index of --collection and measure it; the gallery may be used meanwhile",
     .options = measure_options,
     .opens_gallery = true,
     .run = run_build},
    {.name = "measure",
     .summary = "measure its recall again",
     .options = measure_options,
     .opens_gallery = true,
     .run = run_measure},
    {.name = "drop", .summary = "drop the index of --collection", .opens_gallery = true, .run = run_drop},
    {NULL},
};
const sb_cli_command sb_cli_command_hnsw = {
    .name = "hnsw",
    .summary = "indexes of pgvector for --search sql --hnsw EF: faster, and some matches are missed",
    .options_size = sizeof(options),
    .actions = actions,
    .first_is_default = true};
