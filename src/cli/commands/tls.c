/* tls: makes a self-signed certificate for the server. */
#include "cli/cli.h"
#include "cli/commands.h"
#include "http/http.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { NAMES_MAX = 31 };

typedef struct options {
  size_t days;
} options;

static const sb_cli_option init_options[] = {
    {"--days", "N", "how long it is valid", SB_CLI_FIELD(options, days), .fallback = "825", .minimum = 1,
     .limit = 36500},
    {NULL},
};

/* Makes the certificate for the given names, or else this machine's host name, and always for localhost and the
 * loopback addresses. */
static sb_status run_init(sb_cli *cli, const void *parsed, sb_error *error) {
  const options *o = parsed;
  char host[256] = "localhost", fingerprint[SB_HTTP_FINGERPRINT_SIZE];
  const char *names[NAMES_MAX + 4];
  size_t count = 0;
  for (int i = 0; i < cli->count; i++) names[count++] = cli->words[i];
  if (!count && !gethostname(host, sizeof host - 1) && *host) names[count++] = host;
  names[count++] = "localhost";
  names[count++] = "127.0.0.1";
  names[count++] = "::1";
  char *folder = sb_cli_data_folder(cli, error);
  if (!folder) return error->code;
  sb_status status = sb_http_tls_init(folder, names, count, (int)o->days, fingerprint, error);
  free(folder);
  if (status != SB_OK) return status;
  if (cli->json) return sb_cli_print_json(json_pack("{s:s}", "sha256", fingerprint), error);
  printf("made for %s and %zu more; SHA-256 %s\nIt is self-signed: browsers warn until it is trusted.\n", names[0],
         count - 1, fingerprint);
  return SB_OK;
}

static const sb_cli_command actions[] = {
    {.name = "init",
     .arguments = "[NAME...]",
     .summary = "make it for these names and addresses (default: this machine's name) and for localhost",
     .options = init_options,
     .most = NAMES_MAX,
     .run = run_init},
    {NULL},
};
const sb_cli_command sb_cli_command_tls = {.name = "tls",
                                           .summary = "make a self-signed certificate for the server",
                                           .options_size = sizeof(options),
                                           .actions = actions};
