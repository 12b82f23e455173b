/* receivers: who is sent events by webhooks and MQTT. A running server delivers them. */
#include "cli/cli.h"
#include "cli/commands.h"
#include "http/outbox/message.h"
#include "http/outbox/mqtt.h"
#include "webhook/broker.h"
#include "json/write.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct options {
  const char *kinds, *ca;
  bool all_collections, allow_private;
} options;

/* Never on the command line, which other users of the machine can read. */
#define SECRET_VARIABLE "SEMBLANCE_WEBHOOK_SECRET"
#define PASSWORD_VARIABLE "SEMBLANCE_MQTT_PASSWORD"

/* ---- add */

static const sb_cli_option add_options[] = {
    {"--kinds", "KINDS", "seen, watchlist, unknown_again, camera_lost, camera_back, separated by ',' (default: all)",
     SB_CLI_FIELD(options, kinds)},
    {"--all-collections", NULL, "events of every collection", SB_CLI_FIELD(options, all_collections)},
    {"--allow-private", NULL,
     "the address may be of this machine or of a private network, and the URL http:// or "
     "mqtt://",
     SB_CLI_FIELD(options, allow_private)},
    {"--ca", "FILE", "certificates (PEM) that an MQTT broker is checked with, instead of the system's",
     SB_CLI_FIELD(options, ca)},
    {NULL},
};

static sb_status read_secret(sb_store_receiver *r, sb_error *error) {
  const char *given = getenv(SECRET_VARIABLE);
  if (given && *given) return sb_http_webhook_secret_read(given, r, error);
  r->secret_size = SB_DIGEST_SIZE;
  sb_crypto_random(r->secret, r->secret_size);
  return SB_OK;
}

/* What a broker knows Semblance by, and how it is checked. */
static sb_status read_broker(const options *o, sb_store_receiver *r, sb_error *error) {
  const char *password = getenv(PASSWORD_VARIABLE);
  uint8_t *pem = NULL;
  size_t size = 0;
  if (password && (size_t)snprintf((char *)r->secret, sizeof r->secret, "%s", password) >= sizeof r->secret)
    return sb_fail(error, SB_INVALID, PASSWORD_VARIABLE " has at most %d bytes", SB_RECEIVER_PASSWORD_MAX);
  r->secret_size = strlen((const char *)r->secret);
  if (!o->ca) return SB_OK;
  sb_status status = sb_file_read_named(o->ca, SB_RECEIVER_CA_MAX, &pem, &size, error);
  if (status == SB_OK) snprintf(r->ca, sizeof r->ca, "%s", (const char *)pem);
  free(pem);
  return status;
}

static sb_status read_identity(sb_cli *cli, const options *o, sb_store_receiver *r, sb_error *error) {
  if (sb_webhook_is_mqtt(r->url)) return read_broker(o, r, error);
  if (o->ca) return sb_cli_usage(cli, error, "--ca is for a URL that begins with mqtts://");
  return read_secret(r, error);
}

static sb_status print_added_broker(const sb_cli *cli, int64_t row, sb_error *error) {
  if (cli->json) return sb_cli_print_json(json_pack("{s:I}", "receiver", (json_int_t)row), error);
  printf("%lld\n", (long long)row);
  if (!cli->quiet) fputs("A running server delivers. `receivers test` tries the connection.\n", stderr);
  return SB_OK;
}

static sb_status print_added(const sb_cli *cli, const sb_store_receiver *r, int64_t row, sb_error *error) {
  if (sb_webhook_is_mqtt(r->url)) return print_added_broker(cli, row, error);
  char *secret = sb_http_webhook_secret_write(r->secret, r->secret_size);
  sb_status status = SB_OK;
  if (!secret) return sb_fail(error, SB_NO_MEMORY, "out of memory");
  if (cli->json) {
    status = sb_cli_print_json(json_pack("{s:I,s:s}", "receiver", (json_int_t)row, "secret", secret), error);
  } else {
    printf("%lld\t%s\n", (long long)row, secret);
    if (!cli->quiet)
      fputs(
          "The receiver checks the signature with this secret, which is shown only once. A running server delivers.\n",
          stderr);
  }
  sb_wipe(secret, strlen(secret));
  free(secret);
  return status;
}

static sb_status add(sb_cli *cli, const options *o, sb_store_receiver *r, sb_error *error) {
  int64_t row = 0;
  if ((size_t)snprintf(r->url, sizeof r->url, "%s", cli->words[0]) >= sizeof r->url)
    return sb_cli_usage(cli, error, "the URL has at most %d bytes", SB_RECEIVER_URL_MAX);
  r->kinds = o->kinds ? sb_event_kinds(o->kinds) : 0;
  if (o->kinds && !r->kinds)
    return sb_cli_usage(cli, error, "--kinds is a list of seen, watchlist, unknown_again, camera_lost, camera_back");
  r->allow_private = o->allow_private;
  if (!o->all_collections) snprintf(r->collection, sizeof r->collection, "%s", cli->config->collection);
  sb_status status = read_identity(cli, o, r, error);
  if (status == SB_OK) status = sb_cli_open_engine(cli, SB_CLI_GALLERY, error);
  if (status == SB_OK) status = sb_engine_receiver_add(cli->engine, r, &row, error);
  return status == SB_OK ? print_added(cli, r, row, error) : status;
}

static sb_status run_add(sb_cli *cli, const void *parsed, sb_error *error) {
  sb_store_receiver r = {0};
  sb_status status = add(cli, parsed, &r, error);
  sb_wipe(&r, sizeof r);
  return status;
}

/* ---- list */

/* One line, with tabs. */
static void print_receiver(const sb_store_receiver *r) {
  const char *state = r->ended ? "ended" : *r->error ? "failing" : "works";
  printf("%lld\t%s\t%s\t%s\tup to event %lld%s%s\n", (long long)r->row, state,
         *r->collection ? r->collection : "(all collections)", r->url, (long long)r->position, *r->error ? "\t" : "",
         r->error);
}

static sb_status print_all(const sb_cli *cli, const sb_store_receiver *all, size_t count, sb_error *error) {
  json_t *list = json_array();
  for (size_t i = 0; i < count; i++) {
    if (cli->json)
      sb_json_append(&list, sb_http_receiver_json(&all[i]));
    else
      print_receiver(&all[i]);
  }
  sb_cli_print_empty(cli, count, "no receivers; `semblance receivers add` adds one");
  if (cli->json) return sb_cli_print_json(json_pack("{s:o}", "receivers", list), error);
  json_decref(list);
  return SB_OK;
}

static sb_status run_list(sb_cli *cli, const void *parsed, sb_error *error) {
  (void)parsed;
  static sb_store_receiver all[SB_ENGINE_RECEIVERS_MAX];
  size_t count = 0;
  sb_status status = sb_engine_receivers(cli->engine, all, &count, error);
  if (status == SB_OK) status = print_all(cli, all, count, error);
  sb_wipe(all, sizeof all);
  return status;
}

/* ---- remove, test, dead-letters */

static sb_status read_row(sb_cli *cli, int64_t *row, sb_error *error) {
  const char *text = cli->words[0];
  size_t length = strlen(text);
  if (!length || length > 18 || strspn(text, "0123456789") != length)
    return sb_cli_usage(cli, error, "a receiver is named by its number, as `receivers list` shows it");
  *row = strtoll(text, NULL, 10);
  return SB_OK;
}

static sb_status find(sb_cli *cli, int64_t row, sb_store_receiver *out, sb_error *error) {
  static sb_store_receiver all[SB_ENGINE_RECEIVERS_MAX];
  size_t count = 0;
  bool found = false;
  sb_status status = sb_engine_receivers(cli->engine, all, &count, error);
  for (size_t i = 0; status == SB_OK && i < count; i++)
    if (all[i].row == row) *out = all[i], found = true;
  sb_wipe(all, sizeof all);
  return status != SB_OK || found ? status : sb_fail(error, SB_NOT_FOUND, "there is no such receiver");
}

/* By a sender of its own, so no server has to run. Releases the message. */
static sb_status send_now(sb_cli *cli, const sb_store_receiver *r, sb_http_webhook_message message,
                          sb_webhook_answer *answer, sb_error *error) {
  enum { WAIT_MS = 30000 };
  bool got = false;
  message.connection = SB_WEBHOOK_ONCE;
  sb_status status = sb_webhook_start(cli->config->contain, &cli->sender, error);
  if (status == SB_OK) status = sb_http_webhook_message_send(cli->sender, r, &message, 1, error);
  free(message.body);
  if (status == SB_OK) status = sb_webhook_take(cli->sender, WAIT_MS, answer, &got, error);
  return status != SB_OK || got ? status : sb_fail(error, SB_IO, "semblance-send gave no answer");
}

static sb_status send_test(sb_cli *cli, const sb_store_receiver *r, sb_webhook_answer *answer, sb_error *error) {
  sb_http_webhook_message message;
  sb_status status = sb_http_webhook_message_make(r, NULL, &message, error);
  return status == SB_OK ? send_now(cli, r, message, answer, error) : status;
}

/* Without it, Home Assistant would go on to show the cameras. */
static void clear_broker(sb_cli *cli, const sb_store_receiver *r) {
  sb_error error = {0};
  sb_buffer body = {0};
  sb_webhook_answer answer = {.status = 0};
  sb_status status = sb_http_mqtt_forget_all(cli->engine, r, &body, &error);
  if (status == SB_OK) status = send_now(cli, r, sb_http_mqtt_message(r, &body, SB_WEBHOOK_ONCE), &answer, &error);
  sb_buffer_free(&body);
  if (status == SB_OK && answer.status == 200) return;
  fprintf(stderr, "semblance: the broker keeps what is retained there, and Home Assistant the devices: %s\n",
          status == SB_OK ? answer.error : error.message);
}

static sb_status run_remove(sb_cli *cli, const void *parsed, sb_error *error) {
  (void)parsed;
  int64_t row = 0;
  sb_store_receiver r = {0};
  sb_status status = read_row(cli, &row, error);
  if (status == SB_OK) status = find(cli, row, &r, error);
  if (status == SB_OK) status = sb_engine_receiver_remove(cli->engine, row, error);
  if (status == SB_OK && sb_webhook_is_mqtt(r.url)) clear_broker(cli, &r);
  sb_wipe(&r, sizeof r);
  if (status == SB_OK && !cli->quiet && !cli->json) puts("removed");
  return status;
}

static sb_status print_test(sb_cli *cli, const sb_webhook_answer *answer, sb_error *error) {
  bool good = answer->status >= 200 && answer->status < 300;
  if (!good) cli->exit = SB_EXIT_NEGATIVE;
  if (cli->json)
    return sb_cli_print_json(
        json_pack("{s:b,s:i,s:s}", "delivered", good, "status", (int)answer->status, "error", answer->error), error);
  if (answer->status && *answer->error)
    printf("not accepted: %s\n", answer->error);
  else if (answer->status)
    printf("%s: it answered %d\n", good ? "delivered" : "not accepted", (int)answer->status);
  else
    printf("not delivered: %s\n", answer->error);
  return SB_OK;
}

static sb_status run_test(sb_cli *cli, const void *parsed, sb_error *error) {
  (void)parsed;
  int64_t row = 0;
  sb_store_receiver r = {0};
  sb_webhook_answer answer;
  sb_status status = read_row(cli, &row, error);
  if (status == SB_OK) status = find(cli, row, &r, error);
  if (status == SB_OK) status = send_test(cli, &r, &answer, error);
  sb_wipe(&r, sizeof r);
  return status == SB_OK ? print_test(cli, &answer, error) : status;
}

static void print_dead(const sb_store_dead_letter *dead) {
  char at[32];
  sb_time_iso(dead->at_ms, at);
  printf("%lld\t%s\t%lld tries\t%s\n", (long long)dead->event, at, (long long)dead->tries, dead->error);
}

static sb_status run_dead_letters(sb_cli *cli, const void *parsed, sb_error *error) {
  enum { LIMIT = 1000 };
  (void)parsed;
  static sb_store_dead_letter dead[LIMIT];
  sb_store_receiver r = {0};
  int64_t row = 0;
  size_t count = 0;
  sb_status status = read_row(cli, &row, error);
  if (status == SB_OK) status = find(cli, row, &r, error);
  sb_wipe(&r, sizeof r);
  if (status == SB_OK) status = sb_engine_dead_letters(cli->engine, row, dead, LIMIT, &count, error);
  if (status != SB_OK) return status;
  json_t *list = json_array();
  for (size_t i = 0; i < count; i++) {
    if (cli->json)
      sb_json_append(&list, sb_http_dead_letter_json(&dead[i]));
    else
      print_dead(&dead[i]);
  }
  sb_cli_print_empty(cli, count, "no events that it refused");
  if (cli->json) return sb_cli_print_json(json_pack("{s:o}", "dead_letters", list), error);
  json_decref(list);
  return SB_OK;
}

/* ---- The subcommand */

static const sb_cli_command actions[] = {
    {.name = "add",
     .arguments = "URL",
     .summary = "send events to a URL from now on, https:// or mqtts://; prints its number and, for https, the secret",
     .options = add_options,
     .least = 1,
     .most = 1,
     .run = run_add},
    {.name = "list", .summary = "the receivers, and how far each has come", .opens_gallery = true, .run = run_list},
    {.name = "remove",
     .arguments = "NUMBER",
     .summary = "send it no more events, and forget its secret",
     .least = 1,
     .most = 1,
     .opens_gallery = true,
     .run = run_remove},
    {.name = "test",
     .arguments = "NUMBER",
     .summary = "send a test now, and print what the receiver answers",
     .least = 1,
     .most = 1,
     .opens_gallery = true,
     .run = run_test},
    {.name = "dead-letters",
     .arguments = "NUMBER",
     .summary = "the events that it refused for good, the newest first",
     .least = 1,
     .most = 1,
     .opens_gallery = true,
     .run = run_dead_letters},
    {NULL},
};
const sb_cli_command sb_cli_command_receivers = {.name = "receivers",
                                                 .summary = "who is sent events by webhooks or MQTT",
                                                 .options_size = sizeof(options),
                                                 .actions = actions};
