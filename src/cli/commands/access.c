/* access: who may use the server: API keys, the admin's password and one-time passwords. */
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/secret.h"
#include "engine/engine.h"
#include "http/api/access_json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PASSWORD_BYTES_MIN = 10 };

typedef struct options {
  const char *role, *label, *expires;
  bool all_collections, remove, if_none;
} options;

/* ---- API keys */

static const sb_cli_option add_options[] = {
    {"--role", "ROLES", "read, enroll, admin, separated by ','", SB_CLI_FIELD(options, role), .fallback = "read"},
    {"--all-collections", NULL, "for every collection", SB_CLI_FIELD(options, all_collections)},
    {"--expires", "WHEN", "365d, 2027-01-31 or never (default)", SB_CLI_FIELD(options, expires)},
    {"--label", "TEXT", "what the key is for", SB_CLI_FIELD(options, label)},
    {NULL},
};

static sb_status print_new_key(const sb_cli *cli, const char *text, const char *prefix, sb_error *error) {
  if (cli->json) return sb_cli_print_json(json_pack("{s:s,s:s}", "key", text, "prefix", prefix), error);
  puts(text);
  if (!cli->quiet) fputs("This key is shown only once. From now on the server requires a key or a login.\n", stderr);
  return SB_OK;
}

static sb_status add_key(sb_cli *cli, bool all_collections, sb_access_key *key, sb_error *error) {
  char text[SB_API_KEY_SIZE] = "";
  const char *collection = all_collections ? NULL : cli->config->collection;
  sb_status status = sb_engine_access_key_add(cli->engine, collection, key, text, error);
  if (status != SB_OK) return status;
  status = print_new_key(cli, text, key->prefix, error);
  sb_wipe(text, sizeof text);
  return status;
}

static sb_status run_add(sb_cli *cli, const void *parsed, sb_error *error) {
  const options *o = parsed;
  sb_access_key key = {.roles = sb_http_roles_parse(o->role)};
  if (!key.roles) return sb_cli_usage(cli, error, "--role is a list of read, enroll and admin");
  if (o->label && strlen(o->label) > SB_LABEL_MAX)
    return sb_cli_usage(cli, error, "--label has at most %d bytes", SB_LABEL_MAX);
  if (o->label) snprintf(key.label, sizeof key.label, "%s", o->label);
  sb_status status = o->expires ? sb_time_expiry(o->expires, &key.expires_ms, error) : SB_OK;
  if (status != SB_OK) return status;
  status = sb_cli_open_engine(cli, SB_CLI_GALLERY, error);
  return status == SB_OK ? add_key(cli, o->all_collections, &key, error) : status;
}

/* One line, with tabs: prefix, roles, collection, expiry and label. The key itself is not stored. */
static void print_key(const sb_access_key *key) {
  char roles[SB_HTTP_ROLES_TEXT], until[32] = "never";
  sb_http_roles_write(key->roles, roles);
  if (key->expires_ms) sb_time_iso(key->expires_ms, until);
  const char *collection = *key->collection ? key->collection : "(all collections)";
  printf("%s\t%s\t%s\texpires %s%s\t%s\n", key->prefix, roles, collection, until, key->revoked_ms ? ", revoked" : "",
         key->label);
}

static sb_status run_list(sb_cli *cli, const void *parsed, sb_error *error) {
  (void)parsed;
  sb_access_key *keys = NULL;
  size_t count = 0;
  sb_status status = sb_engine_access_list(cli->engine, &keys, &count, NULL, error);
  if (status != SB_OK) return status;
  json_t *list = json_array();
  for (size_t i = 0; i < count; i++) {
    if (cli->json)
      json_array_append_new(list, sb_http_access_key_json(&keys[i]));
    else
      print_key(&keys[i]);
  }
  free(keys);
  sb_cli_print_empty(cli, count, "no keys; `semblance access add` makes one");
  if (cli->json) return sb_cli_print_json(json_pack("{s:o}", "keys", list), error);
  json_decref(list);
  return SB_OK;
}

static sb_status print_done(const sb_cli *cli, const char *message) {
  if (!cli->quiet && !cli->json) puts(message);
  return SB_OK;
}

static sb_status run_revoke(sb_cli *cli, const void *parsed, sb_error *error) {
  (void)parsed;
  sb_status status = sb_engine_access_key_revoke(cli->engine, cli->words[0], error);
  return status == SB_OK ? print_done(cli, "revoked") : status;
}

/* ---- The admin's login */

/* `password` NULL: removes it. */
static sb_status set_password(sb_cli *cli, const char *password, sb_error *error) {
  sb_status status = cli->engine ? SB_OK : sb_cli_open_engine(cli, SB_CLI_GALLERY, error);
  return status == SB_OK ? sb_engine_access_password_set(cli->engine, password, error) : status;
}

static sb_status ask_and_set_password(sb_cli *cli, sb_error *error) {
  char text[SB_CLI_SECRET_MAX] = "";
  sb_status status = sb_cli_secret_new("admin password", "SEMBLANCE_ADMIN_PASSWORD", PASSWORD_BYTES_MIN, text, error);
  if (status != SB_OK) return status;
  status = set_password(cli, text, error);
  sb_wipe(text, sizeof text);
  return status;
}

/* Does --if-none leave the password as it is? */
static sb_status is_set_already(sb_cli *cli, const options *o, bool *out, sb_error *error) {
  *out = false;
  if (!o->if_none) return SB_OK;
  if (o->remove) return sb_cli_usage(cli, error, "give --if-none or --remove, not both");
  sb_access_key *keys = NULL;
  size_t count = 0;
  sb_status status = sb_cli_open_engine(cli, SB_CLI_GALLERY, error);
  if (status == SB_OK) status = sb_engine_access_list(cli->engine, &keys, &count, out, error);
  free(keys);
  return status;
}

static sb_status run_password(sb_cli *cli, const void *parsed, sb_error *error) {
  const options *o = parsed;
  bool already = false;
  sb_status status = is_set_already(cli, o, &already, error);
  if (status != SB_OK) return status;
  if (already) return print_done(cli, "there is an admin password already; it stays");
  status = o->remove ? set_password(cli, NULL, error) : ask_and_set_password(cli, error);
  if (status != SB_OK) return status;
  return print_done(cli, o->remove ? "the admin login was removed" : "the admin password is set");
}

/* Prints the secret as an otpauth URL, which authenticator apps read (RFC 6238). */
static sb_status run_totp(sb_cli *cli, const void *parsed, sb_error *error) {
  const options *o = parsed;
  uint8_t secret[SB_TOTP_SECRET] = {0};
  char text[SB_TOTP_SECRET * 2] = "";
  sb_status status = sb_engine_access_totp_set(cli->engine, o->remove ? NULL : secret, error);
  if (status == SB_OK && !o->remove) {
    sb_crypto_base32(secret, sizeof secret, text);
    printf("otpauth://totp/Semblance:admin?secret=%s&issuer=Semblance\n", text);
  }
  sb_wipe(secret, sizeof secret);
  sb_wipe(text, sizeof text);
  if (status != SB_OK) return status;
  return print_done(cli, o->remove ? "one-time passwords are off" : "one-time passwords are on");
}

/* ---- The subcommand */

static const sb_cli_option password_options[] = {
    {"--remove", NULL, "remove the login", SB_CLI_FIELD(options, remove)},
    {"--if-none", NULL, "only if none is set yet: for scripts that start a server", SB_CLI_FIELD(options, if_none)},
    {NULL},
};
static const sb_cli_option totp_options[] = {
    {"--remove", NULL, "stop asking for them", SB_CLI_FIELD(options, remove)},
    {NULL},
};
static const sb_cli_command actions[] = {
    {.name = "add",
     .summary = "make a key for --collection; it is printed once",
     .options = add_options,
     .run = run_add},
    {.name = "list", .summary = "the keys, by their prefixes", .opens_gallery = true, .run = run_list},
    {.name = "revoke",
     .arguments = "PREFIX",
     .summary = "make a key invalid at once",
     .least = 1,
     .most = 1,
     .opens_gallery = true,
     .run = run_revoke},
    {.name = "password",
     .summary = "set the admin's password for the page (asked for, or SEMBLANCE_ADMIN_PASSWORD)",
     .options = password_options,
     .run = run_password},
    {.name = "totp",
     .summary = "also ask the admin for one-time passwords (TOTP)",
     .options = totp_options,
     .opens_gallery = true,
     .run = run_totp},
    {NULL},
};
const sb_cli_command sb_cli_command_access = {.name = "access",
                                              .summary = "who may use the server: API keys, the admin's login",
                                              .options_size = sizeof(options),
                                              .actions = actions};
