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
#include <unistd.h>

enum { EXPIRES_SOON_DAYS = 30 };
static const int64_t day_ms = 86400000;

/* ---- Port */

/* Binds and closes a socket; the error number, 0 if it worked. */
static int try_to_listen(const struct addrinfo *address) {
  int on = 1, code = 0, probe = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (probe < 0) return errno;
  setsockopt(probe, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(probe, address->ai_addr, address->ai_addrlen) || listen(probe, 1)) code = errno;
  close(probe);
  return code;
}

static void check_port(sb_cli_doctor *doctor, int64_t number) {
  char port[16];
  const char *address = doctor->config->listen;
  struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV | AI_PASSIVE}, *found = NULL;
  snprintf(port, sizeof port, "%d", (int)number);
  if (getaddrinfo(address, port, &hints, &found) || !found) {
    sb_cli_doctor_wrong(doctor, "port",
                        "give --listen an address of this machine, such as 127.0.0.1, and the port with --port",
                        "cannot listen on %s: it is not an address of this machine", address);
    return;
  }
  int code = try_to_listen(found);
  freeaddrinfo(found);
  if (!code)
    sb_cli_doctor_ok(doctor, "port", "%s:%s is free", address, port);
  else if (code == EADDRINUSE && doctor->served)
    sb_cli_doctor_ok(doctor, "port", "%s:%s is in use, and a server works on this gallery", address, port);
  else if (code == EADDRINUSE)
    sb_cli_doctor_wrong(doctor, "port", "choose another --port, or stop the program that uses it (ss -tlnp)",
                        "%s:%s is in use by another program", address, port);
  else
    sb_cli_doctor_wrong(doctor, "port", "choose another --port (1024 or above without root) or --listen",
                        "cannot listen on %s:%s: %s", address, port, strerror(code));
}

void sb_cli_doctor_check_port(sb_cli_doctor *doctor) {
  if (doctor->config->port) check_port(doctor, doctor->config->port);
  if (doctor->config->redirect_port) check_port(doctor, doctor->config->redirect_port);
}

/* ---- TLS */

static void check_dates(sb_cli_doctor *doctor, const sb_http_certificate *certificate) {
  char ends[32], begins[32];
  int64_t now = sb_now_ms();
  sb_time_iso(certificate->ends_ms, ends);
  sb_time_iso(certificate->begins_ms, begins);
  const char *path = certificate->path;
  const char *fix = "renew it (a self-signed one: move tls/ away, then `semblance tls init`), and restart the server";
  if (now >= certificate->ends_ms)
    sb_cli_doctor_wrong(doctor, "TLS", fix, "the certificate %s expired on %.10s", path, ends);
  else if (now < certificate->begins_ms)
    sb_cli_doctor_wrong(doctor, "TLS", "set the clock, or wait", "the certificate %s is not valid before %.10s", path,
                        begins);
  else if (now + EXPIRES_SOON_DAYS * day_ms > certificate->ends_ms)
    sb_cli_doctor_warning(doctor, "TLS", fix, "the certificate %s expires on %.10s", path, ends);
  else
    sb_cli_doctor_ok(doctor, "TLS", "the certificate %s is valid until %.10s", path, ends);
}

/* ---- Access */

static bool is_loopback(const char *listen) {
  return !strncmp(listen, "127.", 4) || !strcmp(listen, "::1") || !strcmp(listen, "[::1]") ||
         !strcmp(listen, "localhost");
}

static void check_access(sb_cli_doctor *doctor, bool tls) {
  const sb_config *c = doctor->config;
  bool keys = doctor->gallery && sb_diagnostics_access_required(doctor->gallery), local = is_loopback(c->listen);
  if (!local && !c->insecure && !(keys && tls))
    sb_cli_doctor_wrong(
        doctor, "access", "semblance access add or semblance access password; semblance tls init",
        "other machines can reach %s: the server needs keys (%s) and TLS (%s), and will not start without", c->listen,
        keys ? "there are some" : "there are none", tls ? "it is on" : "it is off");
  else if (!local && c->insecure && !(keys && tls))
    sb_cli_doctor_warning(doctor, "access", "add keys and TLS, and leave out --insecure",
                          "--insecure: anyone who can reach %s may do everything, or read the traffic", c->listen);
  else
    sb_cli_doctor_ok(doctor, "access", "%s", keys ? "with a key or the admin's password" : "from this machine only");
}

void sb_cli_doctor_check_tls(sb_cli_doctor *doctor) {
  const sb_config *c = doctor->config;
  sb_error error = {0};
  sb_http_certificate certificate = {0};
  if (sb_http_tls_inspect(c, &certificate, &error) != SB_OK)
    sb_cli_doctor_wrong(doctor, "TLS", "give a --tls-cert and --tls-key that belong together, in PEM form", "%s",
                        error.message);
  else if (certificate.there)
    check_dates(doctor, &certificate);
  else if (is_loopback(c->listen))
    sb_cli_doctor_ok(doctor, "TLS", "off; only this machine can reach %s", c->listen);
  check_access(doctor, certificate.there);
  if (c->redirect_port && !certificate.there)
    sb_cli_doctor_warning(doctor, "settings", "make a certificate (`semblance tls init`), or leave it out",
                          "--redirect-port does nothing without TLS");
  free(certificate.path);
}
