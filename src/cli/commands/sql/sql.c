/* The subcommand sql: runs statements from its argument, a file, standard input or a prompt. */
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/commands/sql/line_editor.h"
#include "cli/commands/sql/result_printer.h"
#include "engine/engine.h"

#include <ctype.h>
#include <semblance/sql.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

enum { SCRIPT_MAX = 256 << 20 };

typedef struct options {
  const char *file, *database, *format;
  sb_cli_list parameters; /* NAME=VALUE */
  bool write;
} options;

static const sb_cli_option sql_options[] = {
    {"--file", "FILE", "run the statements of a file (- is standard input)", SB_CLI_FIELD(options, file)},
    {"--db", "FILE", "work on this SQLite file instead of the gallery", SB_CLI_FIELD(options, database)},
    {"--param", "NAME=VALUE", "value of :NAME, or of parameter 1, 2 ...; @PHOTO: the embedding of its face",
     SB_CLI_FIELD(options, parameters)},
    {"--format", "FORMAT", "how results are printed; --json is --format json", SB_CLI_FIELD(options, format),
     .fallback = "table", .choices = "table|json|csv"},
    {"--write", NULL, "allow statements that change something", SB_CLI_FIELD(options, write)},
    {NULL},
};

typedef struct work {
  sb_cli *cli;
  const options *options;
  sb_sql *sql;
  sb_cli_result_format format;
  bool used[SB_CLI_LIST_MAX]; /* by number of the parameter */
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

/* The parameter of this statement that a name, or a number, means; 0: there is none. */
static int number_of(sb_sql_statement *statement, const char *name) {
  char *end = NULL;
  if (!isdigit((unsigned char)*name)) return sb_sql_parameter(statement, name);
  long number = strtol(name, &end, 10);
  return *end || number > sb_sql_parameter_count(statement) ? 0 : (int)number;
}

/* Binds the parameter NAME=VALUE number `i`, if this statement has it: then bound[its number] is set. */
static sb_status bind_one(work *w, sb_sql_statement *statement, size_t i, bool last, bool *bound, sb_error *error) {
  const char *parameter = w->options->parameters.items[i], *value = strchr(parameter, '=') + 1;
  sb_status status = SB_OK;
  char *name = sb_strdup(parameter, error);
  if (!name) return SB_NO_MEMORY;
  name[value - 1 - parameter] = 0;
  int number = number_of(statement, name);
  w->used[i] |= number > 0;
  bound[number] = true;
  if (number)
    status = bind_value(statement, number, value, error);
  else if (last && !w->used[i])
    status = sb_fail(error, SB_INVALID, "there is no parameter %s in the statement; see --param", name);
  free(name);
  return status;
}

/* Refuses a statement with a parameter that no --param names, most often a misspelt one: it would be NULL. */
static sb_status check_bound(sb_sql_statement *statement, const bool *bound, sb_error *error) {
  for (int i = 1; i <= sb_sql_parameter_count(statement); i++) {
    const char *name = sb_sql_parameter_name(statement, i);
    if (!name || bound[i]) continue;
    if (*name == '?') return sb_fail(error, SB_INVALID, "parameter %d has no value; use --param %d=VALUE", i, i);
    return sb_fail(error, SB_INVALID, "parameter %s has no value; use --param %s=VALUE", name, name + 1);
  }
  return SB_OK;
}

/* EXPLAIN needs no values. */
static bool is_explain(const char *text) {
  while (isspace((unsigned char)*text)) text++;
  return !strncasecmp(text, "explain", strlen("explain"));
}

/* `last`: this is the last statement, so every parameter must have been used by now. */
static sb_status bind_all(work *w, sb_sql_statement *statement, bool last, bool explains, sb_error *error) {
  bool *bound = sb_alloc((size_t)sb_sql_parameter_count(statement) + 1, sizeof *bound, error);
  sb_status status = bound ? SB_OK : SB_NO_MEMORY;
  for (size_t i = 0; status == SB_OK && i < w->options->parameters.count; i++)
    status = bind_one(w, statement, i, last, bound, error);
  if (status == SB_OK && !explains) status = check_bound(statement, bound, error);
  free(bound);
  return status;
}

/* ---- Statements */

static bool is_blank(const char *text) {
  while (isspace((unsigned char)*text) || *text == ';') text++;
  return !*text;
}

static sb_status run_statement(work *w, sb_sql_statement *statement, bool last, bool explains, sb_error *error) {
  sb_status status = bind_all(w, statement, last, explains, error);
  return status == SB_OK ? sb_cli_result_print(w->sql, statement, w->format, error) : status;
}

static sb_status run_text(work *w, const char *text, bool check_parameters, sb_error *error) {
  sb_status status = SB_OK;
  while (status == SB_OK && *text) {
    sb_sql_statement *statement = NULL;
    bool explains = is_explain(text);
    status = sb_sql_prepare(w->sql, text, &text, &statement, error);
    if (status != SB_OK || !statement) continue;
    status = run_statement(w, statement, check_parameters && is_blank(text), explains, error);
    sb_sql_finalize(statement);
  }
  return status;
}

static sb_status read_all(FILE *file, const char *path, sb_buffer *script, sb_error *error) {
  char chunk[65536];
  size_t size;
  sb_status status = sb_buffer_add(script, "", 0, error);
  while (status == SB_OK && (size = fread(chunk, 1, sizeof chunk, file)) > 0) {
    status = sb_buffer_add(script, chunk, size, error);
    if (script->size > SCRIPT_MAX) return sb_fail(error, SB_TOO_LARGE, "%s is larger than 256 MiB; divide it", path);
  }
  if (status != SB_OK) return status;
  if (ferror(file)) return sb_fail(error, SB_IO, "the file %s cannot be read", path);
  if (strlen(script->bytes) == script->size) return SB_OK;
  return sb_fail(error, SB_INVALID, "%s is not text: it contains a NUL byte", path);
}

/* `path` "-": standard input. */
static sb_status run_file(work *w, const char *path, sb_error *error) {
  sb_buffer script = {0};
  bool standard = !strcmp(path, "-");
  FILE *file = standard ? stdin : fopen(path, "rb");
  if (!file) return sb_fail(error, SB_INVALID, "the file %s cannot be read", path);
  sb_status status = read_all(file, standard ? "standard input" : path, &script, error);
  if (!standard) fclose(file);
  if (status == SB_OK) status = run_text(w, script.bytes, true, error);
  sb_buffer_free(&script);
  return status;
}

/* ---- The prompt */

static const char help[] = "End a statement with ; it may take several lines. The gallery is in the tables faces and\n"
                           "dc_facialmatching.FacialData. Ctrl-C cancels a statement.\n"
                           "  .tables                   list the tables\n"
                           "  .format table|json|csv    choose how rows are printed\n"
                           "  .quit, or Ctrl-D          end";

static bool format_parse(const char *word, sb_cli_result_format *format) {
  static const char *const names[] = {"table", "json", "csv"};
  for (int i = 0; i < 3; i++)
    if (!strcmp(word, names[i])) return *format = (sb_cli_result_format)i, true;
  return false;
}

static void print_error(const sb_error *error) {
  fprintf(stderr, "semblance: %s\n", error->message);
}

/* The tables with their columns; those of the program's own use are left out. */
static const char tables[] =
    "SELECT l.schema, l.name AS \"table\", group_concat(i.name, ', ') AS columns"
    " FROM pragma_table_list AS l JOIN pragma_table_info(l.name, l.schema) AS i"
    " WHERE l.type IN ('table', 'view', 'virtual') AND l.name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
    " GROUP BY l.schema, l.name ORDER BY l.schema, l.name;";

/* Runs a line that begins with a dot. False: it ends the prompt. */
static bool run_dot(work *w, const char *line) {
  sb_error error = {0};
  if (!strcmp(line, ".quit") || !strcmp(line, ".exit")) return false;
  if (!strcmp(line, ".tables")) {
    if (run_text(w, tables, false, &error) != SB_OK) print_error(&error);
  } else if (strncmp(line, ".format ", 8) || !format_parse(line + 8, &w->format)) {
    puts(help);
  }
  return true;
}

/* Adds a line to the statement, and runs the statement when it is complete. A statement that fails does not end the
 * prompt. */
static sb_status add_line(work *w, const char *line, sb_buffer *statement, sb_error *error) {
  sb_error failure = {0};
  sb_status status = sb_buffer_addf(statement, error, "%s\n", line);
  if (status != SB_OK || !sb_sql_complete(statement->bytes)) return status;
  if (run_text(w, statement->bytes, false, &failure) != SB_OK) print_error(&failure);
  statement->size = 0;
  return SB_OK;
}

static sb_status run_prompt(work *w, sb_error *error) {
  sb_cli_line_editor *editor = NULL;
  sb_buffer line = {0}, statement = {0};
  sb_status status = sb_cli_line_editor_new(&editor, error);
  if (status == SB_OK) printf("Semblance %s. Type .help for help.\n", sb_version());
  for (bool open = true; status == SB_OK && open;) {
    bool first = !statement.size;
    sb_cli_line_end end = sb_cli_line_editor_read(editor, first ? "semblance> " : "      ...> ", &line);
    if (end == SB_CLI_LINE_CLOSED) break;
    if (end == SB_CLI_LINE_CANCELLED)
      statement.size = 0;
    else if (first && line.bytes[0] == '.')
      open = run_dot(w, line.bytes);
    else
      status = add_line(w, line.bytes, &statement, error);
  }
  sb_cli_line_editor_free(editor);
  sb_buffer_free(&line);
  sb_buffer_free(&statement);
  return status;
}

/* ---- The command */

static sb_status open_all(work *w, sb_error *error) {
  const char *database = w->options->database;
  bool photos = !database;
  for (size_t i = 0; i < w->options->parameters.count; i++) photos |= is_photo(w->options->parameters.items[i]);
  sb_status status = photos ? sb_cli_open_engine(w->cli, SB_CLI_GALLERY, error) : SB_OK;
  /* The audit log says that the gallery was read, without the statements, which may hold names. */
  if (status == SB_OK && !database)
    status = sb_engine_audit_note(w->cli->engine, "sql", w->cli->config->collection, 0, 0, error);
  if (status != SB_OK && status != SB_NOT_FOUND) return status; /* an INSERT may make a collection that is not found */
  const sb_sql_options sql = {.struct_size = sizeof sql,
                              .engine = w->cli->engine,
                              .collection = w->cli->config->collection,
                              .database = database,
                              .write = w->options->write};
  return sb_sql_open(&sql, &w->sql, error);
}

static sb_status run_all(work *w, sb_error *error) {
  const char *file = w->options->file;
  sb_status status = open_all(w, error);
  if (status != SB_OK) return status;
  if (w->cli->count) return run_text(w, strcmp(w->cli->words[0], ".tables") ? w->cli->words[0] : tables, true, error);
  if (!file && isatty(STDIN_FILENO)) return run_prompt(w, error);
  return run_file(w, file ? file : "-", error);
}

static sb_status run(sb_cli *cli, const void *parsed, sb_error *error) {
  const options *o = parsed;
  work w = {.cli = cli, .options = o};
  if (o->file && cli->count) return sb_cli_usage(cli, error, "give a statement or --file, not both");
  for (size_t i = 0; i < o->parameters.count; i++) {
    const char *equals = strchr(o->parameters.items[i], '=');
    if (!equals || equals == o->parameters.items[i]) return sb_cli_usage(cli, error, "--param is NAME=VALUE");
  }
  format_parse(cli->json ? "json" : o->format, &w.format);
  sb_status status = run_all(&w, error);
  fflush(stdout);
  sb_sql_close(w.sql);
  return status;
}

const sb_cli_command sb_cli_command_sql = {.name = "sql",
                                           .arguments = "[STATEMENT]",
                                           .summary = "SQL over the gallery, or over a file with vectors of one's own",
                                           .options = sql_options,
                                           .options_size = sizeof(options),
                                           .most = 1,
                                           .run = run};
