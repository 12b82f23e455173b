/* The keys subcommand. */
#include "cli/cli.h"
#include "engine/engine.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SECRET_MAX = 1024 };

static const char *origin_words(sb_root_origin origin) {
  switch (origin) {
  case SB_ROOT_ENVIRONMENT: return "SEMBLANCE_KEY";
  case SB_ROOT_NAMED_FILE: return "the file that SEMBLANCE_KEY_FILE names";
  case SB_ROOT_CREDENTIAL: return "a systemd credential";
  case SB_ROOT_FILE: return "semblance.key in the gallery's folder";
  }
  return "";
}

static sb_exit print_status(sb_cli *cli, const sb_store_key_status *keys) {
  char created[32];
  if (cli->json) {
    json_t *list = json_array();
    for (size_t i = 0; i < keys->count; i++) {
      sb_time_iso(keys->keys[i].created_ms, created);
      json_array_append_new(list, json_pack("{s:I,s:s,s:s}", "number", (json_int_t)keys->keys[i].number, "purpose",
                                            keys->keys[i].audit ? "audit" : "data", "created", created));
    }
    return sb_cli_print_json(cli,
                             json_pack("{s:s,s:s,s:b,s:b,s:o}", "root", keys->fingerprint, "origin",
                                       origin_words(keys->origin), "passphrase", keys->passphrase, "rotating",
                                       keys->rotating, "data_keys", list),
                             SB_EXIT_OK);
  }
  printf("root key   %s, from %s%s\n", keys->fingerprint, origin_words(keys->origin),
         keys->passphrase ? ", locked by a passphrase" : "");
  for (size_t i = 0; i < keys->count; i++) {
    sb_time_iso(keys->keys[i].created_ms, created);
    printf("%-5s key  number %lld, made %s\n", keys->keys[i].audit ? "audit" : "data", (long long)keys->keys[i].number,
           created);
  }
  if (keys->rotating) puts("a rotation was begun and not ended: run `semblance keys rotate` to go on");
  return SB_EXIT_OK;
}

static sb_exit status_of_keys(sb_cli *cli) {
  sb_error error = {0};
  sb_engine *engine = NULL;
  sb_store_key_status keys;
  sb_status status = sb_cli_engine(cli, false, &engine, &error);
  if (status == SB_OK) status = sb_engine_keys(engine, &keys, &error);
  sb_engine_free(engine);
  return status == SB_OK ? print_status(cli, &keys) : sb_cli_fail(cli, status, &error);
}

static bool tell_progress(void *context, const char *table, size_t done) {
  const sb_cli *cli = context;
  if (!cli->quiet && !cli->json && isatty(STDERR_FILENO)) fprintf(stderr, "\r%s: %zu rows ", table, done);
  return true;
}

static sb_exit rotate(sb_cli *cli, bool data_only, const char *new_key_file) {
  sb_error error = {0};
  sb_engine *engine = NULL;
  sb_store_key_status keys = {0};
  bool new_root = false;
  sb_status status = sb_cli_engine(cli, false, &engine, &error);
  const sb_engine_rotation rotation = {
      .data_only = data_only, .new_root_file = new_key_file, .progress = tell_progress, .context = cli};
  if (status == SB_OK) status = sb_engine_rotate(engine, &rotation, &new_root, &error);
  if (status == SB_OK) status = sb_engine_keys(engine, &keys, &error);
  sb_engine_free(engine);
  if (status != SB_OK) return sb_cli_fail(cli, status, &error);
  if (!cli->json)
    printf("rotated%s; copies of the database and key from before open nothing that is written from now on\n"
           "print the key anew for your safe: semblance keys export\n",
           new_root ? ", with a new root key" : "");
  return cli->json ? print_status(cli, &keys) : SB_EXIT_OK;
}

static sb_exit revoke_templates(sb_cli *cli) {
  sb_error error = {0};
  sb_engine *engine = NULL;
  size_t templates = 0;
  sb_status status = sb_cli_engine(cli, false, &engine, &error);
  if (status == SB_OK) status = sb_engine_revoke(engine, cli->config->collection, &templates, &error);
  sb_engine_free(engine);
  if (status != SB_OK) return sb_cli_fail(cli, status, &error);
  if (cli->json) return sb_cli_print_json(cli, json_pack("{s:I}", "templates", (json_int_t)templates), SB_EXIT_OK);
  printf("%zu template%s have a new protection; those that leaked before fit nothing any more\n", templates,
         templates == 1 ? "" : "s");
  return SB_EXIT_OK;
}

/* The root key of the gallery's folder, or from where it comes. */
static sb_status find_root(const sb_cli *cli, char **folder, sb_root **out, sb_error *error) {
  *folder = sb_engine_folder(*cli->config->data ? cli->config->data : NULL, error);
  return *folder ? sb_root_open(*folder, false, out, error) : error->code;
}

static sb_exit export_key(sb_cli *cli, bool hex) {
  sb_error error = {0};
  sb_root *root = NULL;
  char *folder = NULL, text[SB_WORDS_SIZE + 2 * SB_KEY_SIZE] = "";
  sb_status status = find_root(cli, &folder, &root, &error);
  if (status == SB_OK && hex) sb_hex(root->key, SB_KEY_SIZE, text);
  if (status == SB_OK && !hex) sb_root_words(root, text);
  if (status == SB_OK) puts(text);
  if (status == SB_OK && !hex && isatty(STDOUT_FILENO))
    fputs("Whoever has these words and a copy of the database can read it. Keep them on paper, apart from it.\n",
          stderr);
  sb_wipe(text, sizeof text);
  sb_root_free(root);
  free(folder);
  return status == SB_OK ? SB_EXIT_OK : sb_cli_fail(cli, status, &error);
}

static sb_status read_key(sb_root **out, sb_error *error) {
  char text[SECRET_MAX];
  size_t size = fread(text, 1, sizeof text - 1, stdin);
  text[size] = 0;
  while (size && isspace((unsigned char)text[size - 1])) text[--size] = 0;
  bool hex = size == 2 * SB_KEY_SIZE && strspn(text, "0123456789abcdefABCDEF") == size;
  sb_status status =
      hex ? sb_root_parse(text, size, "standard input", out, error) : sb_root_from_words(text, out, error);
  sb_wipe(text, sizeof text);
  return status;
}

static sb_exit import_key(sb_cli *cli) {
  sb_error error = {0};
  sb_root *root = NULL;
  char *folder = sb_engine_folder(*cli->config->data ? cli->config->data : NULL, &error);
  sb_status status = folder ? read_key(&root, &error) : error.code;
  if (status == SB_OK) status = sb_engine_root_import(folder, cli->config->store, root, &error);
  sb_root_free(root);
  free(folder);
  if (status != SB_OK) return sb_cli_fail(cli, status, &error);
  if (!cli->quiet) puts("the key is in its place");
  return SB_EXIT_OK;
}

static sb_status new_passphrase(char text[SECRET_MAX], sb_error *error) {
  char again[SECRET_MAX] = "";
  const char *given = getenv("SEMBLANCE_NEW_PASSPHRASE");
  sb_status status = SB_OK;
  if (given && *given && strlen(given) < SECRET_MAX)
    strcpy(text, given);
  else if (!sb_cli_secret_ask("new passphrase: ", text, SECRET_MAX) ||
           !sb_cli_secret_ask("once more: ", again, sizeof again))
    status =
        sb_fail(error, SB_INVALID, "no passphrase was given; start from a terminal, or set SEMBLANCE_NEW_PASSPHRASE");
  else if (strcmp(text, again))
    status = sb_fail(error, SB_INVALID, "the two passphrases differ; nothing was changed");
  if (status == SB_OK && strlen(text) < 8)
    status = sb_fail(error, SB_INVALID, "a passphrase has at least 8 bytes; several words are better");
  sb_wipe(again, sizeof again);
  return status;
}

static sb_exit set_passphrase(sb_cli *cli, bool remove) {
  sb_error error = {0};
  sb_root *root = NULL;
  char *folder = NULL, text[SECRET_MAX] = "";
  sb_status status = find_root(cli, &folder, &root, &error);
  if (status == SB_OK && root->origin != SB_ROOT_FILE)
    status = sb_fail(&error, SB_INVALID, "the root key does not lie in the gallery's folder: protect it where it lies");
  if (status == SB_OK && !remove) status = new_passphrase(text, &error);
  if (status == SB_OK) status = sb_root_write(root, folder, "semblance.key", remove ? NULL : text, &error);
  sb_wipe(text, sizeof text);
  sb_root_free(root);
  free(folder);
  if (status != SB_OK) return sb_cli_fail(cli, status, &error);
  if (!cli->quiet) puts(remove ? "the key file is unlocked" : "the key file is locked by the passphrase");
  return SB_EXIT_OK;
}

sb_exit sb_command_keys(sb_cli *cli) {
  bool data_only = false, hex = false, remove = false;
  const char *new_key_file = NULL;
  const sb_flag flags[] = {{"--data-only", SB_FLAG_SWITCH, &data_only},
                           {"--new-key-file", SB_FLAG_TEXT, &new_key_file},
                           {"--hex", SB_FLAG_SWITCH, &hex},
                           {"--remove", SB_FLAG_SWITCH, &remove}};
  if (!SB_FLAGS_TAKE(cli, flags, 1, 1)) return SB_EXIT_USAGE;
  const char *what = cli->words[0];
  if (!strcmp(what, "status")) return status_of_keys(cli);
  if (!strcmp(what, "rotate")) return rotate(cli, data_only, new_key_file);
  if (!strcmp(what, "revoke")) return revoke_templates(cli);
  if (!strcmp(what, "export")) return export_key(cli, hex);
  if (!strcmp(what, "import")) return import_key(cli);
  if (!strcmp(what, "passphrase")) return set_passphrase(cli, remove);
  return sb_cli_usage(cli, "there is no `keys %s`", what);
}
