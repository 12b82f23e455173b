/* hnsw: show, build, measure and drop pgvector's indexes. */
#include "cli/cli.h"
#include "engine/engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PROBES = 100, LISTS_MOST = 5 };

/* The lists of candidates that an index is measured with: some to choose from, and the one that is set. */
static size_t lists(const sb_cli *cli, sb_hnsw_recall *out) {
  static const int usual[] = {40, 100, 400, 1000};
  size_t count = 0;
  bool set = !cli->config->hnsw;
  for (size_t i = 0; i < sizeof usual / sizeof *usual; i++) {
    set = set || usual[i] == cli->config->hnsw;
    out[count++] = (sb_hnsw_recall){.ef = usual[i]};
  }
  if (!set) out[count++] = (sb_hnsw_recall){.ef = (int)cli->config->hnsw};
  return count;
}

static json_t *json_of_recalls(const sb_hnsw_recall *measured, size_t count) {
  json_t *list = json_array();
  for (size_t i = 0; i < count; i++) {
    char at[32];
    if (!measured[i].probes) continue;
    sb_time_iso(measured[i].at_ms, at);
    json_array_append_new(list, json_pack("{s:i,s:I,s:f,s:f,s:s}", "ef", measured[i].ef, "probes",
                                          (json_int_t)measured[i].probes, "recall", measured[i].recall, "mates",
                                          measured[i].mates, "measured", at));
  }
  return list;
}

static void print_recalls(const sb_hnsw_recall *measured, size_t count) {
  for (size_t i = 0; i < count; i++)
    if (measured[i].probes)
      printf(
          "  --hnsw %-5d finds %5.1f %% of the true ten nearest, and the probe's own face in %5.1f %% (%zu probes)\n",
          measured[i].ef, 100 * measured[i].recall, 100 * measured[i].mates, measured[i].probes);
}

static sb_status tell_one(const sb_cli *cli, sb_engine *engine, const sb_hnsw_state *state, json_t *list,
                          sb_error *error) {
  sb_hnsw_recall measured[LISTS_MOST];
  size_t count = lists(cli, measured);
  const char *what = !state->there  ? "no index: searches are exact"
                     : state->whole ? "an index"
                                    : "being built, or cut off";
  sb_status status = state->whole ? sb_engine_hnsw_recall(engine, &state->collection, measured, count, error) : SB_OK;
  if (status != SB_OK) return status;
  if (cli->json)
    json_array_append_new(list, json_pack("{s:s,s:b,s:b,s:I,s:o}", "collection", state->collection.info.name, "there",
                                          state->there, "whole", state->whole, "bytes", (json_int_t)state->bytes,
                                          "measured", json_of_recalls(measured, state->whole ? count : 0)));
  else if (printf("%-24s %s", state->collection.info.name, what) && state->whole)
    printf(" of %.1f MB\n", (double)state->bytes / 1e6), print_recalls(measured, count);
  else
    puts("");
  return SB_OK;
}

static sb_exit show(sb_cli *cli, sb_engine *engine) {
  sb_error error = {0};
  sb_hnsw_state *states = NULL;
  size_t count = 0;
  sb_status status = sb_engine_hnsw_states(engine, &states, &count, &error);
  json_t *list = status == SB_OK && cli->json ? json_array() : NULL;
  for (size_t i = 0; status == SB_OK && i < count; i++) status = tell_one(cli, engine, &states[i], list, &error);
  free(states);
  if (status == SB_OK)
    return cli->json ? sb_cli_print_json(cli, json_pack("{s:o}", "collections", list), SB_EXIT_OK) : SB_EXIT_OK;
  json_decref(list);
  return sb_cli_fail(cli, status, &error);
}

static sb_status measure(const sb_cli *cli, sb_engine *engine, size_t probes, sb_error *error) {
  sb_hnsw_recall measured[LISTS_MOST];
  size_t count = lists(cli, measured);
  return sb_engine_hnsw_measure(engine, cli->config->collection, probes, measured, count, error);
}

static sb_exit drop(sb_cli *cli, sb_engine *engine) {
  sb_error error = {0};
  sb_status status = sb_engine_hnsw_drop(engine, cli->config->collection, &error);
  if (status != SB_OK) return sb_cli_fail(cli, status, &error);
  if (cli->json) return sb_cli_print_json(cli, json_pack("{s:s}", "dropped", cli->config->collection), SB_EXIT_OK);
  if (!cli->quiet) puts("the index is gone: searches are exact");
  return SB_EXIT_OK;
}

/* What was built stays when it cannot be measured, as where there are few faces. */
static sb_exit build(sb_cli *cli, sb_engine *engine, size_t probes) {
  sb_error error = {0};
  sb_status status = sb_engine_hnsw_build(engine, cli->config->collection, &error);
  if (status != SB_OK) return sb_cli_fail(cli, status, &error);
  status = measure(cli, engine, probes, &error);
  if (status == SB_INVALID && !cli->quiet && !cli->json) fprintf(stderr, "semblance: %s\n", error.message);
  return status == SB_OK || status == SB_INVALID ? show(cli, engine) : sb_cli_fail(cli, status, &error);
}

static sb_exit act(sb_cli *cli, const char *verb, size_t probes, sb_engine *engine) {
  sb_error error = {0};
  if (!strcmp(verb, "show")) return show(cli, engine);
  if (!strcmp(verb, "build")) return build(cli, engine, probes);
  if (!strcmp(verb, "drop")) return drop(cli, engine);
  sb_status status = measure(cli, engine, probes, &error);
  return status == SB_OK ? show(cli, engine) : sb_cli_fail(cli, status, &error);
}

sb_exit sb_command_hnsw(sb_cli *cli) {
  static const char *const verbs[] = {"show", "build", "measure", "drop"};
  size_t probes = PROBES, known = 0;
  const sb_flag flags[] = {{"--probes", SB_FLAG_COUNT, &probes}};
  if (!SB_FLAGS_TAKE(cli, flags, 0, 1)) return SB_EXIT_USAGE;
  const char *verb = cli->count ? cli->words[0] : "show";
  while (known < 4 && strcmp(verb, verbs[known]) != 0) known++;
  if (known == 4) return sb_cli_usage(cli, "hnsw knows show, build, measure and drop");
  if (!probes || probes > 10000) return sb_cli_usage(cli, "--probes is a number between 1 and 10000");
  sb_error error = {0};
  sb_engine *engine = NULL;
  sb_status status = sb_cli_engine(cli, false, &engine, &error);
  if (status != SB_OK) return sb_cli_fail(cli, status, &error);
  sb_exit code = act(cli, verb, probes, engine);
  sb_engine_free(engine);
  return code;
}
