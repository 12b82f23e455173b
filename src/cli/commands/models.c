/* models: lists, adds, removes, checks and times models. */
#include "cli/cli.h"
#include "cli/commands.h"
#include "json/write.h"

#include <stdio.h>
#include <stdlib.h>

enum { CHECK_ROUNDS = 2 };

typedef struct options {
  size_t rounds;
} options;

/* ---- What a model is */

static json_t *info_json(const sb_model_info *m) {
  if (*m->problem) return json_pack("{s:s,s:s,s:b}", "name", m->name, "problem", m->problem, "added", m->added);
  json_t *json = json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:I,s:b,s:i,s:i,s:b,s:b}", "name", m->name, "task", m->task,
                           "licence", m->licence, "origin", m->origin, "source", m->source, "file", m->file, "sha256",
                           m->sha256, "bytes", (json_int_t)m->file_size, "present", m->file_size > 0, "width", m->width,
                           "height", m->height, "experimental", m->experimental, "added", m->added);
  if (json && m->dim) {
    json_object_set_new(json, "dim", json_integer((json_int_t)m->dim));
    json_object_set_new(json, "calibrated", json_boolean(m->calibrated));
  }
  return json;
}

static void print_info(const sb_model_info *m) {
  if (*m->problem) {
    printf("%s: cannot be used\n    %s\n", m->name, m->problem);
    return;
  }
  printf("%s: %s", m->name, m->task);
  if (m->dim) printf(", %zu numbers%s", m->dim, m->calibrated ? "" : ", thresholds as published, not measured here");
  if (m->file_size)
    printf(", %.1f MB", (double)m->file_size / 1e6);
  else
    printf(", not fetched (script/models %s)", m->name);
  printf("%s%s\n    licence: %s\n    origin:  %s\n", m->experimental ? ", experimental" : "", m->added ? ", added" : "",
         m->licence, m->origin);
}

/* ---- list, info, add, remove */

static sb_status list(const sb_cli *cli, sb_model_info *models, size_t count, sb_error *error) {
  json_t *rows = json_array();
  for (size_t i = 0; i < count; i++) {
    if (cli->json)
      json_array_append_new(rows, info_json(&models[i]));
    else
      print_info(&models[i]);
  }
  if (cli->json) return sb_cli_print_json(json_pack("{s:o}", "models", rows), error);
  json_decref(rows);
  return SB_OK;
}

static sb_status run_list(sb_cli *cli, const void *parsed, sb_error *error) {
  (void)parsed;
  sb_engine_options engine;
  sb_model_info *models = NULL;
  size_t count = 0;
  sb_status status = sb_cli_engine_options(cli, &engine, error);
  if (status != SB_OK) return status;
  status = sb_models_list(&engine, &models, &count, error);
  if (status != SB_OK) return status;
  status = list(cli, models, count, error);
  free(models);
  return status;
}

static sb_status run_info(sb_cli *cli, const void *parsed, sb_error *error) {
  (void)parsed;
  sb_engine_options engine;
  sb_model_info found = {0};
  sb_status status = sb_cli_engine_options(cli, &engine, error);
  if (status != SB_OK) return status;
  status = sb_model_get(&engine, cli->words[0], &found, error);
  if (status != SB_OK) return status;
  if (cli->json) return sb_cli_print_json(info_json(&found), error);
  print_info(&found);
  if (!cli->quiet)
    printf("    source:  %s\n    file:    %s\n    sha256:  %s\n", found.source, found.file, found.sha256);
  return SB_OK;
}

static sb_status run_add(sb_cli *cli, const void *parsed, sb_error *error) {
  (void)parsed;
  sb_engine_options engine;
  sb_model_info added = {0};
  sb_status status = sb_cli_engine_options(cli, &engine, error);
  if (status != SB_OK) return status;
  status = sb_model_add(&engine, cli->words[0], &added, error);
  /* A bad manifest or model file counts as refused input here, and nowhere else. */
  if (status == SB_MODEL || status == SB_NOT_FOUND) cli->exit = SB_EXIT_REFUSED;
  if (status != SB_OK) return status;
  if (cli->json) return sb_cli_print_json(info_json(&added), error);
  fputs("added ", stdout);
  print_info(&added);
  return SB_OK;
}

static sb_status run_remove(sb_cli *cli, const void *parsed, sb_error *error) {
  (void)parsed;
  sb_engine_options engine;
  sb_status status = sb_cli_engine_options(cli, &engine, error);
  if (status != SB_OK) return status;
  status = sb_model_remove(&engine, cli->words[0], error);
  if (status != SB_OK) return status;
  if (cli->json) return sb_cli_print_json(json_pack("{s:s}", "removed", cli->words[0]), error);
  printf("removed %s\n", cli->words[0]);
  return SB_OK;
}

/* ---- check, bench */

/* One model, loaded and run `rounds` times in a process of its own. */
typedef struct trial {
  const char *name;
  size_t rounds;
  bool timed;
  sb_status status;
  double load_ms, run_ms;
  sb_error error;
} trial;

static json_t *trial_json(const trial *t) {
  json_t *json = json_pack("{s:s,s:b}", "name", t->name, "ok", t->status == SB_OK);
  if (json && t->status != SB_OK) json_object_set_new(json, "message", json_string(t->error.message));
  if (json && t->status == SB_OK && t->timed) {
    json_object_set_new(json, "load_ms", sb_json_rounded(t->load_ms, 2));
    json_object_set_new(json, "run_ms", sb_json_rounded(t->run_ms, 3));
  }
  return json;
}

static void print_trial(const trial *t) {
  if (t->status != SB_OK)
    printf("%-22s %s\n", t->name, t->error.message);
  else if (t->timed)
    printf("%-22s loads in %7.1f ms, runs in %7.2f ms (one thread, median of %zu)\n", t->name, t->load_ms, t->run_ms,
           t->rounds);
  else
    printf("%-22s ok\n", t->name);
}

/* Tries a model and prints the result, or adds it to `rows` with --json. A failure becomes the exit code. */
static void try_one(sb_cli *cli, const sb_engine_options *engine, trial *t, json_t *rows) {
  t->status = sb_model_check(engine, t->name, t->rounds, &t->load_ms, &t->run_ms, &t->error);
  if (t->status != SB_OK) cli->exit = sb_cli_exit_of(t->status);
  if (cli->json)
    json_array_append_new(rows, trial_json(t));
  else
    print_trial(t);
}

/* Tries the named model, or all that are present. */
static sb_status try_models(sb_cli *cli, size_t rounds, bool timed, sb_error *error) {
  sb_engine_options engine;
  sb_model_info *models = NULL;
  size_t count = 0;
  sb_status status = sb_cli_engine_options(cli, &engine, error);
  if (status == SB_OK && !cli->count) status = sb_models_list(&engine, &models, &count, error);
  if (status != SB_OK) return status;
  json_t *rows = json_array();
  if (cli->count) try_one(cli, &engine, &(trial){.name = cli->words[0], .rounds = rounds, .timed = timed}, rows);
  for (size_t i = 0; i < count; i++) {
    if (!*models[i].problem && !models[i].file_size) continue; /* optional, and was not fetched */
    try_one(cli, &engine, &(trial){.name = models[i].name, .rounds = rounds, .timed = timed}, rows);
  }
  free(models);
  if (cli->json) return sb_cli_print_json(json_pack("{s:o}", "models", rows), error);
  json_decref(rows);
  return SB_OK;
}

static sb_status run_check(sb_cli *cli, const void *parsed, sb_error *error) {
  (void)parsed;
  return try_models(cli, CHECK_ROUNDS, false, error);
}

static sb_status run_bench(sb_cli *cli, const void *parsed, sb_error *error) {
  const options *o = parsed;
  return try_models(cli, o->rounds, true, error);
}

/* ---- The subcommand */

static const sb_cli_option bench_options[] = {
    {"--rounds", "N", "how often to run each model", SB_CLI_FIELD(options, rounds), .fallback = "50", .minimum = 1,
     .limit = 100000},
    {NULL},
};
static const sb_cli_command actions[] = {
    {.name = "list", .summary = "all models, with their licences and origins", .run = run_list},
    {.name = "info",
     .arguments = "NAME",
     .summary = "everything about one model",
     .least = 1,
     .most = 1,
     .run = run_info},
    {.name = "add",
     .arguments = "MANIFEST",
     .summary = "add a model by its manifest (docs/models.md)",
     .least = 1,
     .most = 1,
     .run = run_add},
    {.name = "remove",
     .arguments = "NAME",
     .summary = "remove a model that was added",
     .least = 1,
     .most = 1,
     .run = run_remove},
    {.name = "check",
     .arguments = "[NAME]",
     .summary = "load and run a model, or all of them",
     .most = 1,
     .run = run_check},
    {.name = "bench",
     .arguments = "[NAME]",
     .summary = "time a model, or all of them",
     .options = bench_options,
     .most = 1,
     .run = run_bench},
    {NULL},
};
const sb_cli_command sb_cli_command_models = {
    .name = "models",
    .summary = "the models: what they are, where they come from; add one by its manifest",
    .options_size = sizeof(options),
    .actions = actions};
