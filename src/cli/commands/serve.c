/* serve: runs the server until SIGINT or SIGTERM, then finishes the requests in progress and stops. */
#include "cli/cli.h"
#include "cli/commands.h"
#include "http/http.h"
#include "video/video.h"
#include "webhook/webhook.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void print_address(const sb_cli *cli, const sb_http_server *server) {
  const char *listen = cli->config->listen;
  bool bare_ipv6 = strchr(listen, ':') && listen[0] != '[';
  printf("Semblance listens on %s://%s%s%s:%d\n", sb_http_server_tls(server) ? "https" : "http", bare_ipv6 ? "[" : "",
         listen, bare_ipv6 ? "]" : "", sb_http_server_port(server));
  fflush(stdout);
}

static sb_status prepare(sb_cli *cli, const void *options, sb_error *error) {
  (void)options;
  sb_status status = sb_http_listener_open(cli->config, &cli->listener, error);
  tzset(); /* the hours of cameras need the time zone, which cannot be read in the sandbox */
  if (status == SB_OK && cli->config->cameras && sb_video_available())
    status = sb_video_launcher_start(&cli->launcher, error);
  if (status != SB_OK || !sb_webhook_available()) return status;
  return sb_webhook_start(cli->config->contain, &cli->sender, error);
}

static sb_status run(sb_cli *cli, const void *parsed, sb_error *error) {
  (void)parsed;
  sb_http_server *server = NULL;
  sigset_t signals;
  sb_alloc_for_server();
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals,
                  NULL); /* before any thread starts: all inherit it, and this one waits for them */
  sb_status status = sb_cli_open_engine(cli, SB_CLI_SERVER, error);
  if (status != SB_OK) return status;
  status = sb_http_server_start(cli->engine, cli->config, &cli->listener, cli->launcher, cli->sender, &server, error);
  if (status != SB_OK) return status;
  print_address(cli, server);
  int caught;
  sigwait(&signals, &caught);
  sb_log(SB_LOG_INFO, "stopping: finishing the requests in progress");
  if (!sb_http_server_stop(server)) {
    sb_log(SB_LOG_ERROR, "a live channel did not end in time: the process ends without waiting for it");
    _exit(SB_EXIT_SYSTEM); /* what was acknowledged is in the database, as after any crash */
  }
  return SB_OK;
}

const sb_cli_command sb_cli_command_serve = {.name = "serve",
                                             .summary =
                                                 "run the server with its page and API (default http://127.0.0.1:8501)",
                                             .is_server = true,
                                             .sandboxed = true,
                                             .prepare = prepare,
                                             .run = run};
