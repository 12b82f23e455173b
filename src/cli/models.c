/* models: what they are and where they come from; adding, checking, timing one. */
#include "cli/cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
    printf("%s: not usable\n    %s\n", m->name, m->problem);
    return;
  }
  printf("%s: %s", m->name, m->task);
  if (m->dim) printf(", %zu numbers%s", m->dim, m->calibrated ? "" : ", false match rates not measured");
  if (m->file_size)
    printf(", %.1f MB", (double)m->file_size / 1e6);
  else
    printf(", not fetched (script/models %s)", m->name);
  printf("%s%s\n    licence: %s\n    origin:  %s\n", m->experimental ? ", experimental" : "", m->added ? ", added" : "",
         m->licence, m->origin);
}

static sb_exit list(sb_cli *cli, const sb_engine_options *options) {
  sb_error error = {0};
  sb_model_info *models = NULL;
  size_t count = 0;
  sb_status status = sb_models_list(options, &models, &count, &error);
  if (status != SB_OK) return sb_cli_fail(cli, status, &error);
  sb_exit code = SB_EXIT_OK;
  json_t *rows = json_array();
  for (size_t i = 0; i < count; i++) {
    if (cli->json)
      json_array_append_new(rows, info_json(&models[i]));
    else
      print_info(&models[i]);
  }
  if (cli->json)
    code = sb_cli_print_json(cli, json_pack("{s:o}", "models", rows), code);
  else
    json_decref(rows);
  free(models);
  return code;
}

static sb_exit answer(sb_cli *cli, sb_status status, const sb_model_info *info, const char *done,
                      const sb_error *error) {
  if (status != SB_OK) return sb_cli_fail(cli, status, error);
  if (cli->json) return sb_cli_print_json(cli, info_json(info), SB_EXIT_OK);
  fputs(done, stdout);
  print_info(info);
  if (!cli->quiet && !*done)
    printf("    source:  %s\n    file:    %s\n    sha256:  %s\n", info->source, info->file, info->sha256);
  return SB_EXIT_OK;
}

static sb_exit info(sb_cli *cli, const sb_engine_options *options, const char *name) {
  sb_error error = {0};
  sb_model_info found = {0};
  sb_status status = sb_model_get(options, name, &found, &error);
  return answer(cli, status, &found, "", &error);
}

/* What is wrong with a manifest or its file is an input that was refused, here and only here. */
static sb_exit add(sb_cli *cli, const sb_engine_options *options, const char *manifest) {
  sb_error error = {0};
  sb_model_info added = {0};
  sb_status status = sb_model_add(options, manifest, &added, &error);
  if (status == SB_MODEL || status == SB_NOT_FOUND) {
    sb_cli_fail(cli, status, &error);
    return SB_EXIT_REFUSED;
  }
  return answer(cli, status, &added, "added ", &error);
}

static sb_exit take_away(sb_cli *cli, const sb_engine_options *options, const char *name) {
  sb_error error = {0};
  sb_status status = sb_model_remove(options, name, &error);
  if (status != SB_OK) return sb_cli_fail(cli, status, &error);
  if (cli->json) return sb_cli_print_json(cli, json_pack("{s:s}", "removed", name), SB_EXIT_OK);
  printf("removed %s\n", name);
  return SB_EXIT_OK;
}

/* One model tried; NULL out of memory. */
static json_t *try_one(sb_cli *cli, const sb_engine_options *options, const char *name, size_t rounds, bool timed,
                       sb_exit *code) {
  sb_error error = {0};
  double load = 0, run = 0;
  sb_status status = sb_model_check(options, name, rounds, &load, &run, &error);
  if (status != SB_OK) *code = sb_exit_of(status);
  if (cli->json) {
    json_t *json = json_pack("{s:s,s:b}", "name", name, "ok", status == SB_OK);
    if (json && status != SB_OK) json_object_set_new(json, "message", json_string(error.message));
    if (json && status == SB_OK && timed) {
      json_object_set_new(json, "load_ms", json_real(load));
      json_object_set_new(json, "run_ms", json_real(run));
    }
    return json;
  }
  if (status != SB_OK)
    printf("%-22s %s\n", name, error.message);
  else if (timed)
    printf("%-22s loads in %7.1f ms, runs in %7.2f ms (one thread, median of %zu)\n", name, load, run, rounds);
  else
    printf("%-22s ok\n", name);
  return NULL;
}

/* check and bench: the named model, or all that are there. */
static sb_exit try_models(sb_cli *cli, const sb_engine_options *options, const char *name, size_t rounds, bool timed) {
  sb_error error = {0};
  sb_model_info *models = NULL;
  size_t count = 0;
  sb_exit code = SB_EXIT_OK;
  json_t *rows = json_array();
  sb_status status = name ? SB_OK : sb_models_list(options, &models, &count, &error);
  if (status != SB_OK) {
    json_decref(rows);
    return sb_cli_fail(cli, status, &error);
  }
  for (size_t i = 0; i < (name ? 1 : count); i++) {
    if (!name && !*models[i].problem && !models[i].file_size) continue; /* an optional one that was not fetched */
    json_t *row = try_one(cli, options, name ? name : models[i].name, rounds, timed, &code);
    if (row) json_array_append_new(rows, row);
  }
  if (cli->json)
    code = sb_cli_print_json(cli, json_pack("{s:o}", "models", rows), code);
  else
    json_decref(rows);
  free(models);
  return code;
}

sb_exit sb_command_models(sb_cli *cli) {
  enum { ROUNDS_CHECK = 2, ROUNDS_MAX = 100000 };
  size_t rounds = 50;
  const sb_flag flags[] = {{"--rounds", SB_FLAG_COUNT, &rounds}};
  if (!SB_FLAGS_TAKE(cli, flags, 1, 2)) return SB_EXIT_USAGE;
  if (rounds < 1 || rounds > ROUNDS_MAX) return sb_cli_usage(cli, "--rounds is between 1 and %d", ROUNDS_MAX);
  sb_engine_options options;
  sb_error error = {0};
  sb_status status = sb_cli_options(cli, &options, &error);
  if (status != SB_OK) return sb_cli_fail(cli, status, &error);
  const char *verb = cli->words[0], *name = cli->count > 1 ? cli->words[1] : NULL;
  if (!strcmp(verb, "list") && !name) return list(cli, &options);
  if (!strcmp(verb, "check")) return try_models(cli, &options, name, ROUNDS_CHECK, false);
  if (!strcmp(verb, "bench")) return try_models(cli, &options, name, rounds, true);
  bool known = !strcmp(verb, "info") || !strcmp(verb, "add") || !strcmp(verb, "remove") || !strcmp(verb, "list");
  if (!known) return sb_cli_usage(cli, "models knows list, info, add, remove, check and bench");
  if (!strcmp(verb, "list")) return sb_cli_usage(cli, "too many arguments");
  if (!name) return sb_cli_usage(cli, "an argument is missing");
  if (!strcmp(verb, "info")) return info(cli, &options, name);
  return !strcmp(verb, "add") ? add(cli, &options, name) : take_away(cli, &options, name);
}
