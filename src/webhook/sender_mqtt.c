/* The part of semblance-send that publishes by MQTT. Each broker has a thread, which takes one request after the other
 * from a pipe, and keeps the connection between them where the request says so:
 *
 *   request -> connect, unless connected -> publish its messages (QoS 1) -> each was acknowledged (PUBACK) -> answer
 *
 * MQTT 5 is spoken, because there a broker says that it refuses a message (MQTT 3.1.1 would acknowledge it), and 3.1.1
 * where the broker knows nothing newer. Sessions are clean: what was not acknowledged is the outbox's to send again.
 *
 * libmosquitto is given addresses and not the name, so that the address that was checked is the one connected to; the
 * name is what TLS asks for and what the certificate is checked with, so this file makes the context of TLS. */
#include "base/base.h"
#include "webhook/address.h"
#include "webhook/broker.h"
#include "webhook/sender.h"

#include <mosquitto.h>
#include <mqtt_protocol.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
  BROKERS_MAX = 64,
  CONNECT_MS = 5000, /* to one address */
  TOTAL_MS = 15000,
  STEP_MS = 100,
  IDLE_MS = 1000,
  RETRY_MS_MAX = 60000,
  KEEPALIVE_S = 30,
  STACK_BYTES = 1 << 18
};

typedef struct connection {
  struct connection *next; /* of main's list */
  char id[SB_WEBHOOK_ID_SIZE];
  int pipe[2]; /* packets, by their address; main writes, and closes its end behind the last one */
  /* Of the thread. */
  sb_webhook_packet first; /* without messages: how to connect */
  sb_webhook_broker broker;
  char status_topic[160];
  struct mosquitto *client; /* NULL: not connected */
  SSL_CTX *tls;
  bool old_version; /* the broker knows MQTT 3.1.1 only */
  bool kept, answered;
  int refusal; /* of the connection; 0: accepted */
  int waiting; /* messages without an acknowledgement */
  int refused; /* reason code of a message that the broker refused; 0: none */
  double retry_ms, pause_ms;
  char error[SB_WEBHOOK_ERROR_SIZE];
} connection;

static void complain(connection *c, const char *what, const char *why) {
  snprintf(c->error, sizeof c->error, "%s%s%s", what, why ? ": " : "", why ? why : "");
}

/* ---- What libmosquitto reports */

static void on_connect(struct mosquitto *client, void *context, int reason, int flags, const mosquitto_property *p) {
  connection *c = context;
  (void)client, (void)flags, (void)p;
  c->answered = true;
  c->refusal = reason;
}

static void on_publish(struct mosquitto *client, void *context, int message, int reason, const mosquitto_property *p) {
  connection *c = context;
  (void)client, (void)message, (void)p;
  c->waiting--;
  if (reason >= MQTT_RC_UNSPECIFIED && !c->refused) c->refused = reason;
}

/* ---- TLS */

/* libmosquitto asks for the address that it was given; the server wants its name. */
static void ask_for_name(const SSL *tls, int where, int result) {
  (void)result;
  const char *name = SSL_CTX_get_app_data(SSL_get_SSL_CTX(tls));
  if (where == SSL_CB_HANDSHAKE_START && name) SSL_set_tlsext_host_name((SSL *)(uintptr_t)tls, name);
}

static bool add_authorities(SSL_CTX *tls, const char *pem) {
  BIO *bytes = BIO_new_mem_buf(pem, -1);
  X509_STORE *store = SSL_CTX_get_cert_store(tls);
  int count = 0;
  for (X509 *one; bytes && (one = PEM_read_bio_X509(bytes, NULL, NULL, NULL)); X509_free(one))
    count += X509_STORE_add_cert(store, one);
  BIO_free(bytes);
  return count > 0;
}

static bool make_tls(connection *c) {
  uint8_t number[sizeof(struct in6_addr)];
  const char *pem = c->first.body, *host = c->broker.host;
  bool numeric = inet_pton(AF_INET, host, number) == 1 || inet_pton(AF_INET6, host, number) == 1;
  c->tls = SSL_CTX_new(TLS_client_method());
  if (!c->tls) return false;
  X509_VERIFY_PARAM *how = SSL_CTX_get0_param(c->tls);
  SSL_CTX_set_verify(c->tls, SSL_VERIFY_PEER, NULL);
  SSL_CTX_set_mode(c->tls, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  X509_VERIFY_PARAM_set_hostflags(how, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  if (!numeric) {
    SSL_CTX_set_app_data(c->tls, c->broker.host);
    SSL_CTX_set_info_callback(c->tls, ask_for_name);
  }
  return SSL_CTX_set_min_proto_version(c->tls, TLS1_2_VERSION) &&
         (numeric ? X509_VERIFY_PARAM_set1_ip_asc(how, host) : X509_VERIFY_PARAM_set1_host(how, host, 0)) &&
         (*pem ? add_authorities(c->tls, pem) : SSL_CTX_set_default_verify_paths(c->tls));
}

/* ---- Connecting */

static void disconnect(connection *c) {
  if (!c->client) return;
  mosquitto_destroy(c->client);
  c->client = NULL;
  SSL_CTX_free(c->tls);
  c->tls = NULL;
}

static bool set_up_client(connection *c) {
  if (!(c->client = mosquitto_new(NULL, true, c))) return false;
  mosquitto_connect_v5_callback_set(c->client, on_connect);
  mosquitto_publish_v5_callback_set(c->client, on_publish);
  mosquitto_int_option(c->client, MOSQ_OPT_PROTOCOL_VERSION, c->old_version ? MQTT_PROTOCOL_V311 : MQTT_PROTOCOL_V5);
  mosquitto_int_option(c->client, MOSQ_OPT_TCP_NODELAY, 1);
  const char *user = c->broker.user, *password = c->first.password;
  if (*user && mosquitto_username_pw_set(c->client, user, *password ? password : NULL)) return false;
  if (c->kept && mosquitto_will_set(c->client, c->status_topic, 7, "offline", 1, true)) return false;
  if (!c->broker.tls) return true;
  if (!make_tls(c)) return false;
  return !mosquitto_void_option(c->client, MOSQ_OPT_SSL_CTX, c->tls) &&
         !mosquitto_int_option(c->client, MOSQ_OPT_SSL_CTX_WITH_DEFAULTS, 0);
}

/* Why a certificate was refused, where that was the reason. */
static const char *cause_of(int failure) {
  if (failure == MOSQ_ERR_TLS || failure == MOSQ_ERR_TLS_HANDSHAKE)
    return "its certificate was not accepted, or TLS failed";
  return failure == MOSQ_ERR_ERRNO ? strerror(errno) : mosquitto_strerror(failure);
}

static bool is_old(int refusal) {
  return refusal == CONNACK_REFUSED_PROTOCOL_VERSION || refusal == MQTT_RC_UNSUPPORTED_PROTOCOL_VERSION;
}

/* One address. False: why is in c->error. */
static bool connect_address(connection *c, const char *address) {
  double until = sb_monotonic_ms() + CONNECT_MS;
  disconnect(c);
  c->answered = false;
  c->refusal = 0;
  if (!set_up_client(c))
    return complain(c, "the connection could not be prepared; check its certificates", NULL), false;
  int failure = mosquitto_connect_async(c->client, address, c->broker.port, KEEPALIVE_S);
  while (!failure && !c->answered && sb_monotonic_ms() < until) failure = mosquitto_loop(c->client, STEP_MS, 1);
  if (c->answered && !c->refusal && !failure) return true;
  if (c->answered && c->refusal)
    complain(c, "the broker refused the connection",
             c->refusal >= MQTT_RC_UNSPECIFIED ? mosquitto_reason_string(c->refusal)
                                               : mosquitto_connack_string(c->refusal));
  else
    complain(c, "the broker could not be reached", failure ? cause_of(failure) : "it gave no answer");
  disconnect(c);
  return false;
}

static bool connect_any(connection *c) {
  const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
  struct addrinfo *found = NULL;
  char address[INET6_ADDRSTRLEN + 16];
  bool done = false, allowed = false;
  int failure = getaddrinfo(c->broker.host, NULL, &hints, &found);
  if (failure) return complain(c, "the broker's address was not found", gai_strerror(failure)), false;
  for (const struct addrinfo *at = found; at && !done; at = at->ai_next) {
    if (!c->first.allow_private && !sb_webhook_address_is_public(at->ai_addr)) continue;
    if (getnameinfo(at->ai_addr, at->ai_addrlen, address, sizeof address, NULL, 0, NI_NUMERICHOST)) continue;
    allowed = true;
    done = connect_address(c, address);
    if (done || !c->refusal) continue;
    if (!c->old_version && is_old(c->refusal)) c->old_version = true, done = connect_address(c, address);
    break; /* it is the broker, and it does not want this user */
  }
  freeaddrinfo(found);
  if (!allowed) complain(c, SB_WEBHOOK_FORBIDDEN_ADDRESS, NULL);
  return done;
}

static bool publish(connection *c, const char *topic, const char *payload, bool retained) {
  int failure = mosquitto_publish(c->client, NULL, topic, (int)strlen(payload), payload, 1, retained);
  if (failure) return complain(c, "a message could not be sent", cause_of(failure)), false;
  c->waiting++;
  return true;
}

/* Until the broker has acknowledged everything. */
static bool wait_for_broker(connection *c, double until) {
  int failure = 0;
  while (!failure && c->waiting > 0 && sb_monotonic_ms() < until) failure = mosquitto_loop(c->client, STEP_MS, 1);
  if (c->waiting <= 0) return true;
  complain(c, "the broker did not acknowledge", failure ? cause_of(failure) : "it gave no answer");
  return false;
}

/* Connected, and where the connection is kept, others know it. */
static bool be_connected(connection *c, double until) {
  if (c->client) return true;
  c->waiting = 0;
  return connect_any(c) && (!c->kept || (publish(c, c->status_topic, "online", true) && wait_for_broker(c, until)));
}

/* ---- Requests */

/* The text behind this one; NULL: there is none. */
static const char *text_after(const char *at, const char *end) {
  const char *zero = at < end ? memchr(at, 0, (size_t)(end - at)) : NULL;
  return zero ? zero + 1 : NULL;
}

static bool publish_all(connection *c, const sb_webhook_packet *packet) {
  const char *end = packet->body + packet->body_size, *at = text_after(packet->body, end);
  while (at && at < end) {
    const char *topic = text_after(at, end), *payload = topic ? text_after(topic, end) : NULL;
    const char *next = payload ? text_after(payload, end) : NULL;
    if (!next) return complain(c, "the request was damaged", NULL), false;
    if (!publish(c, topic, payload, *at == 'r')) return false;
    at = next;
  }
  return true;
}

static bool deliver(connection *c, const sb_webhook_packet *packet) {
  double until = sb_monotonic_ms() + TOTAL_MS;
  c->refused = 0;
  return be_connected(c, until) && publish_all(c, packet) && wait_for_broker(c, until);
}

static void serve(connection *c, const sb_webhook_packet *packet) {
  if (packet->connection == SB_WEBHOOK_KEEP) c->kept = true;
  bool before = c->client != NULL, done = deliver(c, packet);
  if (!done && before) { /* the broker went away since the last request */
    disconnect(c);
    done = deliver(c, packet);
  }
  if (!done) disconnect(c); /* so that nothing of it is sent later */
  if (done && c->refused) complain(c, "the broker refused a message", mosquitto_reason_string(c->refused));
  sb_webhook_answer_request(packet->number,
                            !done        ? 0
                            : c->refused ? c->refused
                                         : 200,
                            done && !c->refused ? "" : c->error);
  c->pause_ms = IDLE_MS;
  c->retry_ms = sb_monotonic_ms() + c->pause_ms;
  if (packet->connection == SB_WEBHOOK_KEEP) return;
  c->kept = false;
  if (c->client && !mosquitto_disconnect(c->client)) mosquitto_loop(c->client, STEP_MS, 1);
  disconnect(c);
}

/* Answers the broker's pings, notices that it is gone, and comes back, so that the status is right. */
static void keep_up(connection *c) {
  double now = sb_monotonic_ms();
  if (c->client) {
    if (mosquitto_loop(c->client, 0, 1)) disconnect(c);
    return;
  }
  if (!c->kept || now < c->retry_ms) return;
  if (be_connected(c, now + TOTAL_MS)) return;
  disconnect(c);
  c->pause_ms = 2 * c->pause_ms < RETRY_MS_MAX ? 2 * c->pause_ms : RETRY_MS_MAX;
  c->retry_ms = sb_monotonic_ms() + c->pause_ms;
}

static void *run(void *context) {
  connection *c = context;
  sb_webhook_packet *packet = NULL;
  for (;;) {
    struct pollfd files[] = {{.fd = c->pipe[0], .events = POLLIN},
                             {.fd = c->client ? mosquitto_socket(c->client) : -1, .events = POLLIN}};
    poll(files, 2, c->kept ? IDLE_MS : -1);
    ssize_t size = files[0].revents ? read(c->pipe[0], &packet, sizeof packet) : -1;
    if (!size) break; /* that was the last one */
    if (size == sizeof packet) {
      serve(c, packet);
      sb_wipe(packet, sizeof *packet);
      free(packet);
    } else {
      keep_up(c);
    }
  }
  disconnect(c);
  close(c->pipe[0]);
  sb_wipe(c, sizeof *c);
  free(c);
  return NULL;
}

/* ---- Connections */

static connection *connections;

static bool start(connection *c) {
  pthread_t thread;
  pthread_attr_t attributes;
  if (pipe2(c->pipe, O_CLOEXEC)) return false;
  pthread_attr_init(&attributes);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  pthread_attr_setstacksize(&attributes, STACK_BYTES);
  bool good = !pthread_create(&thread, &attributes, run, c);
  pthread_attr_destroy(&attributes);
  if (!good) close(c->pipe[0]), close(c->pipe[1]);
  return good;
}

static connection *add(const sb_webhook_packet *packet) {
  sb_error error = {0};
  connection *c = calloc(1, sizeof *c);
  if (!c) _exit(1);
  c->first = *packet;
  memcpy(c->id, packet->id, sizeof c->id);
  if (sb_webhook_broker_read(packet->url, &c->broker, &error) != SB_OK || !start(c)) return free(c), NULL;
  snprintf(c->status_topic, sizeof c->status_topic, "%s/status", c->broker.prefix);
  c->next = connections;
  return connections = c;
}

void sb_webhook_mqtt_init(void) {
  if (mosquitto_lib_init()) _exit(1);
  OPENSSL_init_ssl(0, NULL);
}

void sb_webhook_mqtt_take(const sb_webhook_packet *packet) {
  size_t count = 0;
  connection *c = connections;
  for (; c && strcmp(c->id, packet->id) != 0; c = c->next) count++;
  if (!c && count < BROKERS_MAX) c = add(packet);
  sb_webhook_packet *copy = c ? malloc(sizeof *copy) : NULL;
  if (copy) *copy = *packet;
  if (!copy || write(c->pipe[1], &copy, sizeof copy) != sizeof copy) {
    free(copy);
    sb_webhook_answer_request(packet->number, 0, "the connection could not be prepared; start the server again");
  } else if (packet->connection == SB_WEBHOOK_LAST) {
    connection **at = &connections;
    while (*at != c) at = &(*at)->next;
    *at = c->next;
    close(c->pipe[1]); /* the thread ends, and releases it */
  }
}
