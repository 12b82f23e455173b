/* The access and tls subcommands: who may use the server, and under which certificate. */
#include "cli/cli.h"
#include "engine/engine.h"
#include "http/api/json_trust.h"
#include "http/http.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SECRET_MAX = 1024 };

static sb_status make_key(sb_cli *cli, sb_access_key *key, bool everywhere, char text[SB_API_KEY_SIZE],
                          sb_error *error) {
  sb_engine *engine = NULL;
  sb_status status = sb_cli_engine(cli, false, &engine, error);
  if (status == SB_OK)
    status = sb_engine_access_key_add(engine, everywhere ? NULL : cli->config->collection, key, text, error);
  sb_engine_free(engine);
  return status;
}

static sb_exit add(sb_cli *cli, const char *role, const char *label, const char *expires, bool everywhere) {
  sb_error error = {0};
  sb_access_key key = {.roles = role ? sb_roles_read(role) : SB_ROLE_READ};
  char text[SB_API_KEY_SIZE] = "";
  if (!key.roles) return sb_cli_usage(cli, "--role is a list of read, enroll and admin");
  if (label && strlen(label) > SB_LABEL_MAX) return sb_cli_usage(cli, "--label has at most %d bytes", SB_LABEL_MAX);
  if (label) snprintf(key.label, sizeof key.label, "%s", label);
  sb_status status = expires ? sb_time_expiry(expires, &key.expires_ms, &error) : SB_OK;
  if (status == SB_OK) status = make_key(cli, &key, everywhere, text, &error);
  if (status != SB_OK) return sb_cli_fail(cli, status, &error);
  sb_exit code = SB_EXIT_OK;
  if (cli->json) {
    code = sb_cli_print_json(cli, json_pack("{s:s,s:s}", "key", text, "prefix", key.prefix), SB_EXIT_OK);
  } else {
    puts(text);
    if (!cli->quiet)
      fputs("This is told once. From now on the server lets nobody in without a key or a login.\n", stderr);
  }
  sb_wipe(text, sizeof text);
  return code;
}

static void print_key(const sb_access_key *key) {
  char held[SB_ROLES_TEXT], until[32] = "never";
  sb_roles_write(key->roles, held);
  if (key->expires_ms) sb_time_iso(key->expires_ms, until);
  printf("%s\t%s\t%s\texpires %s%s\t%s\n", key->prefix, held, *key->collection ? key->collection : "(all collections)",
         until, key->revoked_ms ? ", revoked" : "", key->label);
}

static sb_exit list(sb_cli *cli) {
  sb_error error = {0};
  sb_engine *engine = NULL;
  sb_access_key *keys = NULL;
  size_t count = 0;
  sb_status status = sb_cli_engine(cli, false, &engine, &error);
  if (status == SB_OK) status = sb_engine_access_list(engine, &keys, &count, NULL, &error);
  sb_engine_free(engine);
  if (status != SB_OK) return sb_cli_fail(cli, status, &error);
  json_t *all = cli->json ? json_array() : NULL;
  for (size_t i = 0; i < count; i++) {
    if (all)
      json_array_append_new(all, sb_json_access_key(&keys[i]));
    else
      print_key(&keys[i]);
  }
  free(keys);
  return all ? sb_cli_print_json(cli, json_pack("{s:o}", "keys", all), SB_EXIT_OK) : SB_EXIT_OK;
}

static sb_exit finish(sb_cli *cli, sb_engine *engine, sb_status status, const sb_error *error, const char *words) {
  sb_engine_free(engine);
  if (status != SB_OK) return sb_cli_fail(cli, status, error);
  if (!cli->quiet && !cli->json) puts(words);
  return SB_EXIT_OK;
}

static sb_exit revoke_key(sb_cli *cli, const char *prefix) {
  sb_error error = {0};
  sb_engine *engine = NULL;
  sb_status status = sb_cli_engine(cli, false, &engine, &error);
  if (status == SB_OK) status = sb_engine_access_key_revoke(engine, prefix, &error);
  return finish(cli, engine, status, &error, "revoked");
}

static sb_status read_password(char text[SECRET_MAX], sb_error *error) {
  char again[SECRET_MAX] = "";
  const char *given = getenv("SEMBLANCE_ADMIN_PASSWORD");
  sb_status status = SB_OK;
  if (given && *given && strlen(given) < SECRET_MAX)
    strcpy(text, given);
  else if (!sb_cli_secret_ask("new admin password: ", text, SECRET_MAX) ||
           !sb_cli_secret_ask("once more: ", again, sizeof again))
    status =
        sb_fail(error, SB_INVALID, "no password was given; start from a terminal, or set SEMBLANCE_ADMIN_PASSWORD");
  else if (strcmp(text, again))
    status = sb_fail(error, SB_INVALID, "the two passwords differ; nothing was changed");
  if (status == SB_OK && strlen(text) < 10)
    status = sb_fail(error, SB_INVALID, "a password has at least 10 bytes; several words are better");
  sb_wipe(again, sizeof again);
  return status;
}

static sb_exit password(sb_cli *cli, bool remove) {
  sb_error error = {0};
  sb_engine *engine = NULL;
  char text[SECRET_MAX] = "";
  sb_status status = remove ? SB_OK : read_password(text, &error);
  if (status == SB_OK) status = sb_cli_engine(cli, false, &engine, &error);
  if (status == SB_OK) status = sb_engine_access_password_set(engine, remove ? NULL : text, &error);
  sb_wipe(text, sizeof text);
  return finish(cli, engine, status, &error,
                remove ? "there is no admin login any more" : "the admin's password is set");
}

static sb_exit one_time(sb_cli *cli, bool remove) {
  sb_error error = {0};
  sb_engine *engine = NULL;
  uint8_t secret[SB_TOTP_SECRET] = {0};
  char text[SB_TOTP_SECRET * 2] = "";
  sb_status status = sb_cli_engine(cli, false, &engine, &error);
  if (status == SB_OK) status = sb_engine_access_totp_set(engine, remove ? NULL : secret, &error);
  if (status == SB_OK && !remove) {
    sb_crypto_base32(secret, sizeof secret, text);
    printf("otpauth://totp/Semblance:admin?secret=%s&issuer=Semblance\n", text);
  }
  sb_wipe(secret, sizeof secret);
  sb_wipe(text, sizeof text);
  return finish(cli, engine, status, &error, remove ? "one-time passwords are off" : "one-time passwords are on");
}

sb_exit sb_command_access(sb_cli *cli) {
  const char *role = NULL, *label = NULL, *expires = NULL;
  bool everywhere = false, remove = false;
  const sb_flag flags[] = {{"--role", SB_FLAG_TEXT, &role},
                           {"--label", SB_FLAG_TEXT, &label},
                           {"--expires", SB_FLAG_TEXT, &expires},
                           {"--all-collections", SB_FLAG_SWITCH, &everywhere},
                           {"--remove", SB_FLAG_SWITCH, &remove}};
  if (!SB_FLAGS_TAKE(cli, flags, 1, 2)) return SB_EXIT_USAGE;
  const char *what = cli->words[0];
  if (!strcmp(what, "revoke"))
    return cli->count == 2 ? revoke_key(cli, cli->words[1]) : sb_cli_usage(cli, "which key? Its prefix is missing");
  if (cli->count == 2) return sb_cli_usage(cli, "too many arguments");
  if (!strcmp(what, "add")) return add(cli, role, label, expires, everywhere);
  if (!strcmp(what, "list")) return list(cli);
  if (!strcmp(what, "password")) return password(cli, remove);
  if (!strcmp(what, "totp")) return one_time(cli, remove);
  return sb_cli_usage(cli, "there is no `access %s`", what);
}

sb_exit sb_command_tls(sb_cli *cli) {
  enum { NAMES_MAX = 32 };
  size_t days = 825;
  const sb_flag flags[] = {{"--days", SB_FLAG_COUNT, &days}};
  if (!SB_FLAGS_TAKE(cli, flags, 1, NAMES_MAX)) return SB_EXIT_USAGE;
  if (strcmp(cli->words[0], "init")) return sb_cli_usage(cli, "there is no `tls %s`", cli->words[0]);
  if (days < 1 || days > 36500) return sb_cli_usage(cli, "--days is between 1 and 36500");
  sb_error error = {0};
  char host[256] = "localhost", fingerprint[SB_HTTP_FINGERPRINT_SIZE];
  const char *names[NAMES_MAX + 3];
  size_t count = 0;
  for (int i = 1; i < cli->count; i++) names[count++] = cli->words[i];
  if (!count && !gethostname(host, sizeof host - 1) && *host) names[count++] = host;
  names[count++] = "localhost";
  names[count++] = "127.0.0.1";
  names[count++] = "::1";
  char *folder = sb_engine_folder(*cli->config->data ? cli->config->data : NULL, &error);
  sb_status status = folder ? sb_http_tls_init(folder, names, count, (int)days, fingerprint, &error) : error.code;
  free(folder);
  if (status != SB_OK) return sb_cli_fail(cli, status, &error);
  if (cli->json) return sb_cli_print_json(cli, json_pack("{s:s}", "sha256", fingerprint), SB_EXIT_OK);
  printf("made for %s and %zu more; SHA-256 %s\nIt is signed by itself: browsers warn until it is trusted.\n", names[0],
         count - 1, fingerprint);
  return SB_EXIT_OK;
}
