/* consent and expire: what people agreed to, and erasing those whose retention period has ended. */
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/wording.h"
#include "engine/engine.h"

#include <stdio.h>

/* ---- consent */

typedef struct options {
  const char *consent, *purpose, *expires;
} options;

static const sb_cli_option consent_options[] = {
    {"--consent", "TEXT", "what the person agreed to", SB_CLI_FIELD(options, consent)},
    {"--purpose", "TEXT", "what the record may be used for", SB_CLI_FIELD(options, purpose)},
    {"--expires", "WHEN", "365d, 2027-01-31 or never: the day after which the person is erased",
     SB_CLI_FIELD(options, expires)},
    {NULL},
};

static sb_status run_consent(sb_cli *cli, const void *parsed, sb_error *error) {
  const options *o = parsed;
  if (!o->consent && !o->purpose && !o->expires)
    return sb_cli_usage(cli, error, "nothing to record: give --consent, --purpose or --expires");
  int64_t expires_ms = -1; /* leave it as it is */
  sb_status status = o->expires ? sb_time_expiry(o->expires, &expires_ms, error) : SB_OK;
  if (status != SB_OK) return status;
  status = sb_cli_open_engine(cli, SB_CLI_GALLERY, error);
  if (status != SB_OK) return status;
  status = sb_engine_set_terms(cli->engine, cli->config->collection, cli->words[0], o->consent, o->purpose, expires_ms,
                               error);
  if (status != SB_OK) return status;
  if (cli->json) return sb_cli_print_json(json_pack("{s:b}", "recorded", 1), error);
  puts("recorded");
  return SB_OK;
}

const sb_cli_command sb_cli_command_consent = {.name = "consent",
                                               .arguments = "ID",
                                               .summary = "record what a person agreed to, what for, and until when",
                                               .options = consent_options,
                                               .options_size = sizeof(options),
                                               .least = 1,
                                               .most = 1,
                                               .run = run_consent};

/* ---- expire */

static sb_status run_expire(sb_cli *cli, const void *parsed, sb_error *error) {
  (void)parsed;
  size_t erased = 0;
  sb_status status = sb_engine_expire(cli->engine, &erased, error);
  if (status != SB_OK) return status;
  if (cli->json) return sb_cli_print_json(json_pack("{s:I}", "erased", (json_int_t)erased), error);
  if (erased || !cli->quiet) printf("erased %zu %s\n", erased, sb_cli_plural(erased, "person", "people"));
  return SB_OK;
}

const sb_cli_command sb_cli_command_expire = {
    .name = "expire",
    .summary = "erase people whose retention period has ended (a server does so every minute)",
    .opens_gallery = true,
    .run = run_expire};
