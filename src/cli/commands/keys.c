/* keys: the gallery's keys. A root key, outside the database, wraps the data keys that seal its fields
 * (crypto/crypto.h). */
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/progress.h"
#include "cli/secret.h"
#include "cli/wording.h"
#include "engine/engine.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PASSPHRASE_BYTES_MIN = 8 };

typedef struct options {
  bool data_only, hex, remove;
  const char *new_key_file;
} options;

/* ---- status */

static sb_status print_status_json(const sb_store_key_status *keys, sb_error *error) {
  json_t *list = json_array();
  for (size_t i = 0; i < keys->count; i++) {
    char created[32];
    sb_time_iso(keys->keys[i].created_ms, created);
    json_array_append_new(list, json_pack("{s:I,s:s,s:s}", "number", (json_int_t)keys->keys[i].number, "purpose",
                                          keys->keys[i].audit ? "audit" : "data", "created", created));
  }
  json_t *json =
      json_pack("{s:s,s:s,s:b,s:b,s:o}", "root", keys->fingerprint, "origin", sb_cli_key_origin(keys->origin),
                "passphrase", keys->passphrase, "rotating", keys->rotating, "data_keys", list);
  return sb_cli_print_json(json, error);
}

static sb_status print_status(const sb_cli *cli, const sb_store_key_status *keys, sb_error *error) {
  if (cli->json) return print_status_json(keys, error);
  printf("root key   %s, from %s%s\n", keys->fingerprint, sb_cli_key_origin(keys->origin),
         keys->passphrase ? ", locked by a passphrase" : "");
  for (size_t i = 0; i < keys->count; i++) {
    char created[32];
    sb_time_iso(keys->keys[i].created_ms, created);
    printf("%-5s key  number %lld, made %s\n", keys->keys[i].audit ? "audit" : "data", (long long)keys->keys[i].number,
           created);
  }
  if (keys->rotating) puts("a rotation was started but did not finish: run `semblance keys rotate` to continue it");
  return SB_OK;
}

static sb_status run_status(sb_cli *cli, const void *parsed, sb_error *error) {
  (void)parsed;
  sb_store_key_status keys;
  sb_status status = sb_engine_keys(cli->engine, &keys, error);
  return status == SB_OK ? print_status(cli, &keys, error) : status;
}

/* ---- rotate, revoke */

static const sb_cli_option rotate_options[] = {
    {"--data-only", NULL, "keep the root key", SB_CLI_FIELD(options, data_only)},
    {"--new-key-file", "FILE", "wrap the data keys with the key in FILE (then store it where your key comes from)",
     SB_CLI_FIELD(options, new_key_file)},
    {NULL},
};

static sb_status run_rotate(sb_cli *cli, const void *parsed, sb_error *error) {
  const options *o = parsed;
  sb_store_key_status keys = {0};
  bool new_root = false;
  const sb_engine_rotation rotation = {
      .data_only = o->data_only, .new_root_file = o->new_key_file, .progress = sb_cli_progress_rows, .context = cli};
  sb_status status = sb_engine_rotate(cli->engine, &rotation, &new_root, error);
  if (status != SB_OK) return status;
  status = sb_engine_keys(cli->engine, &keys, error);
  if (status != SB_OK) return status;
  if (cli->json) return print_status(cli, &keys, error);
  printf("rotated%s; earlier copies of the database and key cannot open what is written from now on\n"
         "print the new key for your safe: semblance keys export\n",
         new_root ? ", with a new root key" : "");
  return SB_OK;
}

/* Cancellable biometrics: draws a new secret transform, so that templates that leaked match nothing any more. */
static sb_status run_revoke(sb_cli *cli, const void *parsed, sb_error *error) {
  (void)parsed;
  size_t templates = 0;
  sb_status status = sb_engine_revoke(cli->engine, cli->config->collection, &templates, error);
  if (status != SB_OK) return status;
  if (cli->json) return sb_cli_print_json(json_pack("{s:I}", "templates", (json_int_t)templates), error);
  printf("%zu %s protected by a new secret transform; templates that leaked before match nothing any more\n", templates,
         sb_cli_plural(templates, "template is", "templates are"));
  return SB_OK;
}

/* ---- export, import */

static const sb_cli_option export_options[] = {
    {"--hex", NULL, "as 64 hex digits", SB_CLI_FIELD(options, hex)},
    {NULL},
};

/* Opens the root key, from the gallery's folder or wherever it comes from. `*folder` is released by free(). */
static sb_status open_root(const sb_cli *cli, char **folder, sb_root **out, sb_error *error) {
  *folder = sb_cli_data_folder(cli, error);
  return *folder ? sb_root_open(*folder, false, out, error) : error->code;
}

static sb_status run_export(sb_cli *cli, const void *parsed, sb_error *error) {
  const options *o = parsed;
  sb_root *root = NULL;
  char *folder = NULL, text[SB_WORDS_SIZE + 2 * SB_KEY_SIZE] = "";
  sb_status status = open_root(cli, &folder, &root, error);
  if (status == SB_OK) {
    if (o->hex)
      sb_hex(root->key, SB_KEY_SIZE, text);
    else
      sb_root_words(root, text);
    puts(text);
    if (!o->hex && isatty(STDOUT_FILENO))
      fputs("Anyone with these words and a copy of the database can read it. Keep them on paper, away from it.\n",
            stderr);
  }
  sb_wipe(text, sizeof text);
  sb_root_free(root);
  free(folder);
  return status;
}

/* Reads a root key from standard input: 64 hex digits, or the words that `keys export` prints. */
static sb_status read_key(sb_root **out, sb_error *error) {
  char text[SB_CLI_SECRET_MAX];
  size_t size = fread(text, 1, sizeof text - 1, stdin);
  text[size] = 0;
  while (size && isspace((unsigned char)text[size - 1])) text[--size] = 0;
  bool hex = size == 2 * SB_KEY_SIZE && strspn(text, "0123456789abcdefABCDEF") == size;
  sb_status status =
      hex ? sb_root_parse(text, size, "standard input", out, error) : sb_root_from_words(text, out, error);
  sb_wipe(text, sizeof text);
  return status;
}

static sb_status run_import(sb_cli *cli, const void *parsed, sb_error *error) {
  (void)parsed;
  sb_root *root = NULL;
  char *folder = sb_cli_data_folder(cli, error);
  sb_status status = folder ? read_key(&root, error) : error->code;
  if (status == SB_OK) status = sb_engine_root_import(folder, cli->config->store, root, error);
  sb_root_free(root);
  free(folder);
  if (status == SB_OK && !cli->quiet) puts("the key is in place");
  return status;
}

/* ---- passphrase */

static const sb_cli_option passphrase_options[] = {
    {"--remove", NULL, "unlock the key file", SB_CLI_FIELD(options, remove)},
    {NULL},
};

static sb_status run_passphrase(sb_cli *cli, const void *parsed, sb_error *error) {
  const options *o = parsed;
  sb_root *root = NULL;
  char *folder = NULL, text[SB_CLI_SECRET_MAX] = "";
  sb_status status = open_root(cli, &folder, &root, error);
  if (status != SB_OK) goto done;
  if (root->origin != SB_ROOT_FILE) {
    status = sb_fail(error, SB_INVALID, "the root key is not in the gallery's folder: protect it where it is kept");
    goto done;
  }
  if (!o->remove)
    status = sb_cli_secret_new("passphrase", "SEMBLANCE_NEW_PASSPHRASE", PASSPHRASE_BYTES_MIN, text, error);
  if (status != SB_OK) goto done;
  status = sb_root_write(root, folder, "semblance.key", o->remove ? NULL : text, error);
done:
  sb_wipe(text, sizeof text);
  sb_root_free(root);
  free(folder);
  if (status == SB_OK && !cli->quiet)
    puts(o->remove ? "the key file is unlocked" : "the key file is locked by the passphrase");
  return status;
}

/* ---- The subcommand */

static const sb_cli_command actions[] = {
    {.name = "status",
     .summary = "where the root key comes from, and the data keys it wraps",
     .opens_gallery = true,
     .run = run_status},
    {.name = "rotate",
     .summary = "new root key (if it is in the gallery's folder) and new data keys; a server may be running",
     .options = rotate_options,
     .opens_gallery = true,
     .run = run_rotate},
    {.name = "revoke",
     .summary = "new secret transform for the templates of --collection",
     .opens_gallery = true,
     .run = run_revoke},
    {.name = "export",
     .summary = "print the root key as words to keep on paper",
     .options = export_options,
     .run = run_export},
    {.name = "import",
     .summary = "read words or hex digits from standard input into the folder's key file",
     .run = run_import},
    {.name = "passphrase",
     .summary = "lock the key file with a passphrase (asked for, or SEMBLANCE_NEW_PASSPHRASE)",
     .options = passphrase_options,
     .run = run_passphrase},
    {NULL},
};
const sb_cli_command sb_cli_command_keys = {.name = "keys",
                                            .summary = "the gallery's keys: state, rotation, copies on paper",
                                            .options_size = sizeof(options),
                                            .actions = actions};
