/* Subcommand sql: statements from the argument, a file, standard input or a prompt. */
#include "cli/cli.h"
#include "cli/line_editor.h"
#include "cli/result_printer.h"
#include "engine/engine.h"

#include <ctype.h>
#include <semblance/sql.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SCRIPT_MAX = 256 << 20 };

typedef struct work {
  sb_cli *cli;
  sb_engine *engine;
  sb_sql *sql;
  sb_cli_result_format format;
  sb_flag_list parameters; /* NAME=VALUE */
  bool used[SB_FLAG_LIST_MAX];
} work;

/* ---- Parameters */

static bool is_photo(const char *parameter) {
  const char *value = strchr(parameter, '=');
  return value && value[1] == '@' && value[2] != '@';
}

static sb_status bind_value(sb_sql_statement *statement, int number, const char *value, sb_error *error) {
  sb_photo photo = {0};
  if (value[0] != '@') return sb_sql_bind_text(statement, number, value, error);
  if (value[1] == '@') return sb_sql_bind_text(statement, number, value + 1, error); /* @@ stands for @ */
  sb_status status = sb_cli_photo_read(value + 1, &photo, error);
  if (status == SB_OK) status = sb_sql_bind_photo(statement, number, photo, error);
  sb_cli_photo_free(&photo);
  return status;
}

/* The number that a name or number means in this statement; 0: none. */
static int number_of(sb_sql_statement *statement, const char *name) {
  char *end = NULL;
  if (!isdigit((unsigned char)*name)) return sb_sql_parameter(statement, name);
  long number = strtol(name, &end, 10);
  return *end || number > sb_sql_parameter_count(statement) ? 0 : (int)number;
}

static sb_status bind_all(work *w, sb_sql_statement *statement, bool last, sb_error *error) {
  sb_status status = SB_OK;
  for (size_t i = 0; status == SB_OK && i < w->parameters.count; i++) {
    const char *parameter = w->parameters.items[i], *value = strchr(parameter, '=') + 1;
    char *name = sb_strdup(parameter, error);
    if (!name) return SB_NO_MEMORY;
    name[value - 1 - parameter] = 0;
    int number = number_of(statement, name);
    if (number) status = bind_value(statement, number, value, error);
    w->used[i] |= number > 0;
    if (status == SB_OK && last && !w->used[i]) status = sb_fail(error, SB_INVALID, "there is no parameter %s", name);
    free(name);
  }
  return status;
}

/* ---- Statements */

static bool is_blank(const char *text) {
  while (isspace((unsigned char)*text) || *text == ';') text++;
  return !*text;
}

static sb_status run_text(work *w, const char *text, bool check_parameters, sb_error *error) {
  sb_status status = SB_OK;
  while (status == SB_OK && *text) {
    sb_sql_statement *statement = NULL;
    status = sb_sql_prepare(w->sql, text, &text, &statement, error);
    if (status != SB_OK || !statement) continue;
    status = bind_all(w, statement, check_parameters && is_blank(text), error);
    if (status == SB_OK) status = sb_cli_result_print(w->sql, statement, w->format, error);
    sb_sql_finalize(statement);
  }
  return status;
}

static sb_status run_file(work *w, const char *path, sb_error *error) {
  sb_buffer script = {0};
  char chunk[65536];
  size_t size;
  bool standard = !strcmp(path, "-");
  FILE *file = standard ? stdin : fopen(path, "rb");
  if (!file) return sb_fail(error, SB_INVALID, "the file %s cannot be read", path);
  sb_status status = sb_buffer_add(&script, "", 0, error);
  while (status == SB_OK && (size = fread(chunk, 1, sizeof chunk, file)) > 0) {
    status = sb_buffer_add(&script, chunk, size, error);
    if (script.size > SCRIPT_MAX) status = sb_fail(error, SB_TOO_LARGE, "a script has at most 256 MiB");
  }
  if (status == SB_OK && ferror(file)) status = sb_fail(error, SB_IO, "the file %s cannot be read", path);
  if (status == SB_OK && strlen(script.bytes) != script.size)
    status = sb_fail(error, SB_INVALID, "a script is text, without NUL");
  if (!standard) fclose(file);
  if (status == SB_OK) status = run_text(w, script.bytes, true, error);
  sb_buffer_free(&script);
  return status;
}

/* ---- The prompt */

static const char help[] =
    "Statements end with ; and may take several lines. The gallery is dc_facialmatching.FacialData, and faces.\n"
    "  .tables            the tables\n"
    "  .format table|json|csv\n"
    "  .quit              or ctrl-D";

static bool format_parse(const char *word, sb_cli_result_format *format) {
  static const char *const names[] = {"table", "json", "csv"};
  for (int i = 0; i < 3; i++)
    if (!strcmp(word, names[i])) return *format = (sb_cli_result_format)i, true;
  return false;
}

/* False: the prompt is to end. */
static bool run_dot(work *w, const char *line, sb_error *error) {
  static const char tables[] =
      "SELECT name, sql FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%' ORDER BY name;";
  if (!strcmp(line, ".quit") || !strcmp(line, ".exit")) return false;
  if (!strcmp(line, ".tables")) {
    if (run_text(w, tables, false, error) != SB_OK) fprintf(stderr, "semblance: %s\n", error->message);
  } else if (strncmp(line, ".format ", 8) || !format_parse(line + 8, &w->format)) {
    puts(help);
  }
  return true;
}

/* One statement at a time; what is wrong is told, and the prompt goes on. */
static sb_status run_prompt(work *w, sb_error *error) {
  sb_line_history history = {0};
  sb_buffer line = {0}, statement = {0};
  sb_status status = SB_OK;
  bool open = true;
  printf("Semblance %s; .help tells what can be typed here.\n", sb_version());
  while (status == SB_OK && open) {
    sb_line_end end = sb_line_read(statement.size ? "      ...> " : "semblance> ", &history, &line);
    if (end == SB_LINE_CLOSED) break;
    if (end == SB_LINE_CANCELLED) {
      statement.size = 0;
      continue;
    }
    sb_line_history_add(&history, line.bytes);
    if (!statement.size && line.bytes[0] == '.') {
      open = run_dot(w, line.bytes, error);
      continue;
    }
    status = sb_buffer_addf(&statement, error, "%s\n", line.bytes);
    if (status != SB_OK || !sb_sql_complete(statement.bytes)) continue;
    if (run_text(w, statement.bytes, false, error) != SB_OK) fprintf(stderr, "semblance: %s\n", error->message);
    statement.size = 0;
  }
  sb_line_history_free(&history);
  sb_buffer_free(&line);
  sb_buffer_free(&statement);
  return status;
}

/* ---- The command */

static sb_status open_all(work *w, const char *database, bool write, sb_error *error) {
  bool photos = !database;
  for (size_t i = 0; i < w->parameters.count; i++) photos |= is_photo(w->parameters.items[i]);
  sb_status status = photos ? sb_cli_engine(w->cli, false, &w->engine, error) : SB_OK;
  if (status == SB_OK && !database) /* that somebody looked; the statements may hold names */
    status = sb_engine_audit_note(w->engine, "sql", w->cli->config->collection, 0, 0, error);
  if (status == SB_NOT_FOUND) status = SB_OK; /* a collection that an INSERT may make */
  sb_sql_options options = {.struct_size = sizeof options,
                            .engine = w->engine,
                            .collection = w->cli->config->collection,
                            .database = database,
                            .write = write};
  return status == SB_OK ? sb_sql_open(&options, &w->sql, error) : status;
}

sb_exit sb_command_sql(sb_cli *cli) {
  const char *file = NULL, *database = NULL, *format = NULL;
  bool write = false;
  work w = {.cli = cli};
  sb_error error = {0};
  const sb_flag flags[] = {{"--file", SB_FLAG_TEXT, &file},
                           {"--db", SB_FLAG_TEXT, &database},
                           {"--param", SB_FLAG_LIST, &w.parameters},
                           {"--format", SB_FLAG_TEXT, &format},
                           {"--write", SB_FLAG_SWITCH, &write}};
  if (!SB_FLAGS_TAKE(cli, flags, 0, 1)) return SB_EXIT_USAGE;
  if (file && cli->count) return sb_cli_usage(cli, "give a statement or --file, not both");
  if (format && !format_parse(format, &w.format)) return sb_cli_usage(cli, "--format is table, json or csv");
  for (size_t i = 0; i < w.parameters.count; i++) {
    const char *equals = strchr(w.parameters.items[i], '=');
    if (!equals || equals == w.parameters.items[i]) return sb_cli_usage(cli, "--param is NAME=VALUE");
  }
  if (cli->json) w.format = SB_CLI_RESULT_JSON;
  sb_status status = open_all(&w, database, write, &error);
  if (status == SB_OK && cli->count)
    status = run_text(&w, cli->words[0], true, &error);
  else if (status == SB_OK && !file && isatty(STDIN_FILENO))
    status = run_prompt(&w, &error);
  else if (status == SB_OK)
    status = run_file(&w, file ? file : "-", &error);
  fflush(stdout);
  sb_exit code = status == SB_OK ? SB_EXIT_OK : sb_cli_fail(cli, status, &error);
  sb_sql_close(w.sql);
  sb_engine_free(w.engine);
  return code;
}
