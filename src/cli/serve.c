/* The serve subcommand: runs the server until SIGINT or SIGTERM, then stops it gracefully. */
#include "cli/cli.h"
#include "http/http.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

sb_exit sb_command_serve(sb_cli *cli) {
  if (!sb_flags_take(cli, NULL, 0, 0, 0)) return SB_EXIT_USAGE;
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, NULL); /* before any thread: all inherit it, this one waits for them */
  sb_error error = {0};
  sb_engine *engine = NULL;
  sb_http_server *server = NULL;
  sb_status status = sb_cli_engine(cli, true, &engine, &error);
  if (status == SB_OK) status = sb_http_server_start(engine, cli->config, &server, &error);
  if (status == SB_OK) {
    const char *listen = cli->config->listen;
    bool bare_ipv6 = strchr(listen, ':') && listen[0] != '[';
    printf("Semblance listens on %s://%s%s%s:%d\n", sb_http_server_tls(server) ? "https" : "http", bare_ipv6 ? "[" : "",
           listen, bare_ipv6 ? "]" : "", sb_http_server_port(server));
    fflush(stdout);
    int caught;
    sigwait(&signals, &caught);
    sb_log(SB_LOG_INFO, "stopping: finishing the requests in progress");
  }
  sb_http_server_stop(server);
  sb_engine_free(engine);
  return status == SB_OK ? SB_EXIT_OK : sb_cli_fail(cli, status, &error);
}
