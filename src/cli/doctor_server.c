/* The doctor's looks at what a server would meet: settings that contradict each other, its port, its certificate. */
#include "cli/doctor.h"
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

/* ---- Settings */

static bool is_known(const char *name, size_t length) {
  for (size_t i = 0; i < sb_settings_count; i++)
    if (strlen(sb_settings[i].environment) == length && !strncmp(sb_settings[i].environment, name, length)) return true;
  for (size_t i = 0; i < sb_cli_variables_count; i++)
    if (strlen(sb_cli_variables[i][0]) == length && !strncmp(sb_cli_variables[i][0], name, length)) return true;
  return false;
}

static void look_at_environment(sb_doctor *doctor) {
  for (char **variable = environ; *variable; variable++) {
    size_t length = strcspn(*variable, "=");
    if (!strncmp(*variable, "SEMBLANCE_", 10) && !is_known(*variable, length))
      sb_doctor_say(doctor, "settings", SB_HEALTH_WARNING, "`semblance --help` names the variables there are",
                    "the variable %.*s means nothing: is it misspelt?", (int)(length < 60 ? length : 60), *variable);
  }
  if (getenv("SEMBLANCE_KEY") && getenv("SEMBLANCE_KEY_FILE"))
    sb_doctor_say(doctor, "settings", SB_HEALTH_WARNING, "unset one of them",
                  "SEMBLANCE_KEY and SEMBLANCE_KEY_FILE are both set; the first one counts");
}

/* A pair of settings that cannot both be meant. */
static void clash(sb_doctor *doctor, bool there, sb_health health, const char *mend, const char *text) {
  if (there) sb_doctor_say(doctor, "settings", health, mend, "%s", text);
}

static void look_at_calibration(sb_doctor *doctor) {
  sb_error error = {0};
  if (*doctor->config->calibration && sb_diagnostics_calibration(doctor->config->calibration, &error) != SB_OK)
    sb_doctor_say(doctor, "settings", SB_HEALTH_WRONG, "write it anew: semblance eval --calibrate", "--calibration: %s",
                  error.message);
}

void sb_doctor_settings(sb_doctor *doctor) {
  const sb_config *c = doctor->config;
  size_t before = doctor->counts[SB_HEALTH_WARNING] + doctor->counts[SB_HEALTH_WRONG];
  look_at_environment(doctor);
  look_at_calibration(doctor);
  clash(doctor, (c->threshold > 0) + (c->fmr > 0) + (c->fpir > 0) > 1, SB_HEALTH_WRONG, "keep one of them",
        "--threshold, --fmr and --fpir are three ways to say one thing, and more than one is set");
  clash(doctor, doctor->options.search_remotely && !doctor->options.store, SB_HEALTH_WRONG,
        "name the database by --store, or leave --search at local", "--search sql needs a database that searches");
  clash(doctor, c->hnsw && !doctor->options.search_remotely, SB_HEALTH_WARNING, "add --search sql, or leave --hnsw out",
        "--hnsw is of --search sql: the index in memory does not look at it");
  clash(doctor, *c->store_replica && !*c->store, SB_HEALTH_WRONG, "name the database by --store, too",
        "--store-replica is a standby of the database of --store");
  clash(doctor, c->max_import < c->max_body, SB_HEALTH_WRONG, "make --max-import the larger one",
        "--max-import is less than --max-body: imports of many photos are refused before single ones");
  clash(doctor, c->redirect_port && c->redirect_port == c->port, SB_HEALTH_WRONG, "give --redirect-port another number",
        "--redirect-port is the port of the server itself");
  if (doctor->counts[SB_HEALTH_WARNING] + doctor->counts[SB_HEALTH_WRONG] == before)
    sb_doctor_say(doctor, "settings", SB_HEALTH_OK, NULL, "none contradicts another; the gallery's folder is %s",
                  doctor->folder);
}

/* ---- Port */

static int try_to_listen(const struct addrinfo *found) {
  int on = 1, code = 0, probe = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (probe < 0) return errno;
  setsockopt(probe, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(probe, found->ai_addr, found->ai_addrlen) || listen(probe, 1)) code = errno;
  close(probe);
  return code;
}

static void look_at_port(sb_doctor *doctor, int64_t number) {
  char port[16];
  const char *address = doctor->config->listen;
  struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV | AI_PASSIVE}, *found = NULL;
  snprintf(port, sizeof port, "%d", (int)number);
  if (getaddrinfo(address, port, &hints, &found) || !found) {
    sb_doctor_say(doctor, "port", SB_HEALTH_WRONG, "give --listen an address of this machine, such as 127.0.0.1",
                  "%s is no address of this machine", address);
    return;
  }
  int code = try_to_listen(found);
  freeaddrinfo(found);
  if (!code)
    sb_doctor_say(doctor, "port", SB_HEALTH_OK, NULL, "%s:%s is free", address, port);
  else if (code == EADDRINUSE && doctor->served)
    sb_doctor_say(doctor, "port", SB_HEALTH_OK, NULL, "%s:%s is in use, and a server works on this gallery", address,
                  port);
  else if (code == EADDRINUSE)
    sb_doctor_say(doctor, "port", SB_HEALTH_WRONG,
                  "choose another by --port, or stop the program that has it (ss -tlnp)",
                  "%s:%s is in use by another program", address, port);
  else
    sb_doctor_say(doctor, "port", SB_HEALTH_WRONG, "choose another --port (from 1024 on, without root) or --listen",
                  "%s:%s cannot be listened on: %s", address, port, strerror(code));
}

void sb_doctor_port(sb_doctor *doctor) {
  if (doctor->config->port) look_at_port(doctor, doctor->config->port);
  if (doctor->config->redirect_port) look_at_port(doctor, doctor->config->redirect_port);
}

/* ---- TLS, and who may come in */

static bool is_loopback(const char *listen) {
  return !strncmp(listen, "127.", 4) || !strcmp(listen, "::1") || !strcmp(listen, "[::1]") ||
         !strcmp(listen, "localhost");
}

/* Has anybody a key or a password? */
static bool is_closed(const sb_doctor *doctor) {
  return doctor->gallery && sb_diagnostics_access_required(doctor->gallery);
}

static void look_at_dates(sb_doctor *doctor, const sb_http_certificate *certificate) {
  char ends[32], begins[32];
  int64_t now = sb_now_ms();
  sb_time_iso(certificate->ends_ms, ends);
  sb_time_iso(certificate->begins_ms, begins);
  const char *mend = "renew it (of one's own: move tls/ away, then `semblance tls init`), and restart the server";
  if (now >= certificate->ends_ms)
    sb_doctor_say(doctor, "TLS", SB_HEALTH_WRONG, mend, "the certificate %s was over on %.10s", certificate->path,
                  ends);
  else if (now < certificate->begins_ms)
    sb_doctor_say(doctor, "TLS", SB_HEALTH_WRONG, "set the clock, or wait", "the certificate %s is good from %.10s on",
                  certificate->path, begins);
  else if (now + EXPIRES_SOON_DAYS * day_ms > certificate->ends_ms)
    sb_doctor_say(doctor, "TLS", SB_HEALTH_WARNING, mend, "the certificate %s is over on %.10s", certificate->path,
                  ends);
  else
    sb_doctor_say(doctor, "TLS", SB_HEALTH_OK, NULL, "the certificate %s is good until %.10s", certificate->path, ends);
}

void sb_doctor_tls(sb_doctor *doctor) {
  const sb_config *c = doctor->config;
  sb_error error = {0};
  sb_http_certificate certificate = {0};
  bool closed = is_closed(doctor), local = is_loopback(c->listen);
  if (sb_http_tls_inspect(c, &certificate, &error) != SB_OK)
    sb_doctor_say(doctor, "TLS", SB_HEALTH_WRONG, "give --tls-cert and --tls-key that belong together, in PEM form",
                  "%s", error.message);
  else if (certificate.there)
    look_at_dates(doctor, &certificate);
  else if (local)
    sb_doctor_say(doctor, "TLS", SB_HEALTH_OK, NULL, "none, and %s is this machine only", c->listen);
  if (!local && !c->insecure && !(closed && certificate.there))
    sb_doctor_say(
        doctor, "access", SB_HEALTH_WRONG, "semblance access add, semblance access password; semblance tls init",
        "%s is reached by other machines: the server wants keys (%s) and TLS (%s), and will not start", c->listen,
        closed ? "there are some" : "there are none", certificate.there ? "it is on" : "it is off");
  else if (!local && c->insecure && !(closed && certificate.there))
    sb_doctor_say(doctor, "access", SB_HEALTH_WARNING, "add keys and TLS, and leave --insecure out",
                  "--insecure: whoever reaches %s may do everything, or read what goes by", c->listen);
  else
    sb_doctor_say(doctor, "access", SB_HEALTH_OK, NULL, "%s",
                  closed ? "by keys or the admin's password" : "this machine only");
  if (c->redirect_port && !certificate.there)
    sb_doctor_say(doctor, "settings", SB_HEALTH_WARNING, "make a certificate (`semblance tls init`), or leave it out",
                  "--redirect-port does nothing without TLS");
  free(certificate.path);
}
