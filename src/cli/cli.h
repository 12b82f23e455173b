/* L5: the program. What every subcommand uses: the command line as parsed, exit codes, usage errors, output as JSON,
 * the engine opened as the settings say, and photos read from files. */
#ifndef SB_CLI_H
#define SB_CLI_H

#include "base/base.h"
#include "cli/command.h"
#include "config/config.h"
#include "http/core/listener.h"
#include "json/results.h"

/* --help and the manual page list these exit codes. */
typedef enum sb_cli_exit {
  SB_EXIT_OK,
  SB_EXIT_NEGATIVE, /* no match, no such person, or the doctor found something wrong */
  SB_EXIT_USAGE,
  SB_EXIT_REFUSED, /* the input was refused */
  SB_EXIT_SYSTEM   /* the system failed: disk, database, memory, models */
} sb_cli_exit;
sb_cli_exit sb_cli_exit_of(sb_status status);

/* One run of a subcommand. One thread, except where a function says otherwise. */
struct sb_cli {
  const sb_config *config;
  const sb_cli_command *command;
  int count;                 /* of `words` */
  char **words;              /* positional arguments, after the action's name */
  bool json, quiet;          /* --json, --quiet */
  bool usage;                /* sb_cli_usage was called: the error is printed with the usage line */
  sb_cli_exit exit;          /* of a success; of a failure too, unless it is SB_EXIT_OK: then the status decides */
  sb_http_listener listener; /* of `serve`, opened before the sandbox */
  struct sb_webhook_sender *sender;   /* of webhooks: of `serve`, started before the sandbox; NULL: none */
  struct sb_video *film;              /* of `search`, whose decoder starts before the sandbox; closed like the engine */
  struct sb_video_launcher *launcher; /* of what watches cameras; ended after the engine was closed */
  sb_engine *engine;                  /* sb_cli_open_engine; closed when the subcommand returns */
};

/* ---- Errors and output */

/* A mistake on the command line: fills `error` and returns SB_INVALID. The program exits with SB_EXIT_USAGE. */
SB_PRINTF(3, 4) sb_status sb_cli_usage(sb_cli *cli, sb_error *error, const char *format, ...);
/* Prints "semblance: <message>" on stderr: with --json as JSON, after a usage error with the usage line. Returns the
 * exit code. */
sb_cli_exit sb_cli_print_error(const sb_cli *cli, sb_status status, const sb_error *error);
/* Prints and releases; `json` NULL means out of memory: SB_NO_MEMORY. */
sb_status sb_cli_print_json(json_t *json, sb_error *error);
/* Says on stderr that a list is empty ("no cameras"); nothing with --json or --quiet, or where `count` is not 0. */
void sb_cli_print_empty(const sb_cli *cli, size_t count, const char *text);

/* ---- The engine */

/* The engine's options as the settings give them; they borrow from the configuration. SB_INVALID. */
sb_status sb_cli_engine_options(const sb_cli *cli, sb_engine_options *out, sb_error *error);
typedef enum sb_cli_engine_use {
  SB_CLI_GALLERY,   /* people and faces; many photos, --workers at a time */
  SB_CLI_ONE_PHOTO, /* one photo, with all cores for it unless --workers says otherwise */
  SB_CLI_SERVER
} sb_cli_engine_use;
/* Sets cli->engine. */
sb_status sb_cli_open_engine(sb_cli *cli, sb_cli_engine_use use, sb_error *error);
void sb_cli_close_engine(sb_cli *cli); /* if it is open; earlier than at the end of the subcommand */
/* The gallery's folder as --data gives it; released by free(). NULL after a failure. */
char *sb_cli_data_folder(const sb_cli *cli, sb_error *error);
/* The operating point: from --threshold, --fmr or --fpir on this command line; else what an admin chose on the page;
 * else from the other settings. */
sb_target sb_cli_operating_point(const sb_cli *cli, sb_engine *engine);

/* ---- Photos: any thread */

/* Reads a photo file; "-" is standard input. `photo->bytes` is released by sb_cli_photo_free. A missing file is
 * SB_INVALID. */
sb_status sb_cli_photo_read(const char *path, sb_photo *photo, sb_error *error);
void sb_cli_photo_free(sb_photo *photo);

#endif
