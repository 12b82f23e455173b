/* Doctor: the port that a server would listen on, its certificate, and who may use it. */
#include "cli/commands/doctor/doctor.h"
#include "http/http.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { EXPIRES_SOON_DAYS = 30 };
static const int64_t day_ms = 86400000;

/* ---- Port */

static int try_to_listen(const struct addrinfo *found) {
  int on = 1, code = 0, probe = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (probe < 0) return errno;
  setsockopt(probe, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(probe, found->ai_addr, found->ai_addrlen) || listen(probe, 1)) code = errno;
  close(probe);
  return code;
}

static void check_port(sb_cli_doctor *doctor, int64_t number) {
  char port[16];
  const char *address = doctor->config->listen;
  struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV | AI_PASSIVE}, *found = NULL;
  snprintf(port, sizeof port, "%d", (int)number);
  if (getaddrinfo(address, port, &hints, &found) || !found) {
    sb_cli_doctor_report(doctor, "port", SB_CLI_HEALTH_WRONG,
                         "give --listen an address of this machine, such as 127.0.0.1",
                         "%s is no address of this machine", address);
    return;
  }
  int code = try_to_listen(found);
  freeaddrinfo(found);
  if (!code)
    sb_cli_doctor_report(doctor, "port", SB_CLI_HEALTH_OK, NULL, "%s:%s is free", address, port);
  else if (code == EADDRINUSE && doctor->served)
    sb_cli_doctor_report(doctor, "port", SB_CLI_HEALTH_OK, NULL, "%s:%s is in use, and a server works on this gallery",
                         address, port);
  else if (code == EADDRINUSE)
    sb_cli_doctor_report(doctor, "port", SB_CLI_HEALTH_WRONG,
                         "choose another by --port, or stop the program that has it (ss -tlnp)",
                         "%s:%s is in use by another program", address, port);
  else
    sb_cli_doctor_report(doctor, "port", SB_CLI_HEALTH_WRONG,
                         "choose another --port (from 1024 on, without root) or --listen",
                         "%s:%s cannot be listened on: %s", address, port, strerror(code));
}

void sb_cli_doctor_check_port(sb_cli_doctor *doctor) {
  if (doctor->config->port) check_port(doctor, doctor->config->port);
  if (doctor->config->redirect_port) check_port(doctor, doctor->config->redirect_port);
}

/* ---- TLS, and who may come in */

static bool is_loopback(const char *listen) {
  return !strncmp(listen, "127.", 4) || !strcmp(listen, "::1") || !strcmp(listen, "[::1]") ||
         !strcmp(listen, "localhost");
}

/* Has anybody a key or a password? */
static bool is_closed(const sb_cli_doctor *doctor) {
  return doctor->gallery && sb_diagnostics_access_required(doctor->gallery);
}

static void check_dates(sb_cli_doctor *doctor, const sb_http_certificate *certificate) {
  char ends[32], begins[32];
  int64_t now = sb_now_ms();
  sb_time_iso(certificate->ends_ms, ends);
  sb_time_iso(certificate->begins_ms, begins);
  const char *fix = "renew it (of one's own: move tls/ away, then `semblance tls init`), and restart the server";
  if (now >= certificate->ends_ms)
    sb_cli_doctor_report(doctor, "TLS", SB_CLI_HEALTH_WRONG, fix, "the certificate %s was over on %.10s",
                         certificate->path, ends);
  else if (now < certificate->begins_ms)
    sb_cli_doctor_report(doctor, "TLS", SB_CLI_HEALTH_WRONG, "set the clock, or wait",
                         "the certificate %s is good from %.10s on", certificate->path, begins);
  else if (now + EXPIRES_SOON_DAYS * day_ms > certificate->ends_ms)
    sb_cli_doctor_report(doctor, "TLS", SB_CLI_HEALTH_WARNING, fix, "the certificate %s is over on %.10s",
                         certificate->path, ends);
  else
    sb_cli_doctor_report(doctor, "TLS", SB_CLI_HEALTH_OK, NULL, "the certificate %s is good until %.10s",
                         certificate->path, ends);
}

void sb_cli_doctor_check_tls(sb_cli_doctor *doctor) {
  const sb_config *c = doctor->config;
  sb_error error = {0};
  sb_http_certificate certificate = {0};
  bool closed = is_closed(doctor), local = is_loopback(c->listen);
  if (sb_http_tls_inspect(c, &certificate, &error) != SB_OK)
    sb_cli_doctor_report(doctor, "TLS", SB_CLI_HEALTH_WRONG,
                         "give --tls-cert and --tls-key that belong together, in PEM form", "%s", error.message);
  else if (certificate.there)
    check_dates(doctor, &certificate);
  else if (local)
    sb_cli_doctor_report(doctor, "TLS", SB_CLI_HEALTH_OK, NULL, "none, and %s is this machine only", c->listen);
  if (!local && !c->insecure && !(closed && certificate.there))
    sb_cli_doctor_report(
        doctor, "access", SB_CLI_HEALTH_WRONG, "semblance access add, semblance access password; semblance tls init",
        "%s is reached by other machines: the server wants keys (%s) and TLS (%s), and will not start", c->listen,
        closed ? "there are some" : "there are none", certificate.there ? "it is on" : "it is off");
  else if (!local && c->insecure && !(closed && certificate.there))
    sb_cli_doctor_report(doctor, "access", SB_CLI_HEALTH_WARNING, "add keys and TLS, and leave --insecure out",
                         "--insecure: whoever reaches %s may do everything, or read what goes by", c->listen);
  else
    sb_cli_doctor_report(doctor, "access", SB_CLI_HEALTH_OK, NULL, "%s",
                         closed ? "by keys or the admin's password" : "this machine only");
  if (c->redirect_port && !certificate.there)
    sb_cli_doctor_report(doctor, "settings", SB_CLI_HEALTH_WARNING,
                         "make a certificate (`semblance tls init`), or leave it out",
                         "--redirect-port does nothing without TLS");
  free(certificate.path);
}
