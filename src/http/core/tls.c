/* Reading, checking and making certificates with GnuTLS.
 *
 * The pair that is served is the one that --tls-cert and --tls-key name, both or neither; else the one that
 * `semblance tls init` put into the gallery's folder (tls/cert.pem, tls/key.pem); else there is no TLS. The copy of the
 * private key that is read here is wiped when it is released. */
#include "http/core/tls.h"
#include "engine/engine.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { PEM_BYTES_MAX = 1 << 20 };

/* ---- Reading the pair that is served */

static sb_status read_pem(const char *path, char **out, sb_error *error) {
  uint8_t *bytes = NULL;
  size_t size = 0;
  sb_status status = sb_file_read(path, PEM_BYTES_MAX, &bytes, &size, error);
  if (status != SB_OK) return status;
  if (!strstr((const char *)bytes, "-----BEGIN ")) {
    free(bytes);
    return sb_fail(error, SB_INVALID, "%s is not a PEM file: it has no line \"-----BEGIN ...\"", path);
  }
  *out = (char *)bytes;
  return SB_OK;
}

/* Where `semblance tls init` puts the pair. Both are released by free(), also after a failure. */
static sb_status own_paths(const char *folder, char **certificate, char **key, sb_error *error) {
  *certificate = sb_path_join(folder, "tls/cert.pem", error);
  *key = *certificate ? sb_path_join(folder, "tls/key.pem", error) : NULL;
  return *key ? SB_OK : SB_NO_MEMORY;
}

/* The paths that the settings name, or those of the gallery's folder. */
static sb_status pair_paths(const sb_config *config, char **certificate, char **key, sb_error *error) {
  if (*config->tls_cert) {
    *certificate = sb_strdup(config->tls_cert, error);
    *key = *certificate ? sb_strdup(config->tls_key, error) : NULL;
    return *key ? SB_OK : SB_NO_MEMORY;
  }
  char *folder = sb_engine_folder(*config->data ? config->data : NULL, error);
  sb_status status = folder ? own_paths(folder, certificate, key, error) : SB_NO_MEMORY;
  free(folder);
  return status;
}

/* The files that a server would serve; all are NULL without TLS. Released by pair_free. */
typedef struct pair {
  char *path, *certificate, *private_key; /* path: of the certificate */
} pair;

static void pair_free(pair *p) {
  if (p->private_key) sb_wipe(p->private_key, strlen(p->private_key));
  free(p->private_key);
  free(p->certificate);
  free(p->path);
  *p = (pair){0};
}

static sb_status pair_read(const sb_config *config, pair *out, sb_error *error) {
  char *key = NULL;
  if (!*config->tls_cert != !*config->tls_key)
    return sb_fail(error, SB_INVALID, "give both --tls-cert and --tls-key, or neither");
  sb_status status = pair_paths(config, &out->path, &key, error);
  if (status != SB_OK) goto done;
  if (!*config->tls_cert && access(out->path, F_OK)) { /* no TLS */
    pair_free(out);
    goto done;
  }
  status = read_pem(out->path, &out->certificate, error);
  if (status == SB_OK) status = read_pem(key, &out->private_key, error);
done:
  free(key);
  if (status != SB_OK) pair_free(out);
  return status;
}

static gnutls_datum_t datum(char *text) {
  return (gnutls_datum_t){(unsigned char *)text, (unsigned)strlen(text)};
}

/* The first certificate of a file is the server's own; others are its issuers. */
static int read_dates(const gnutls_datum_t *text, sb_http_certificate *out) {
  gnutls_x509_crt_t certificate = NULL;
  int code = gnutls_x509_crt_init(&certificate);
  if (code >= 0) code = gnutls_x509_crt_import(certificate, text, GNUTLS_X509_FMT_PEM);
  if (code >= 0) {
    out->begins_ms = (int64_t)gnutls_x509_crt_get_activation_time(certificate) * 1000;
    out->ends_ms = (int64_t)gnutls_x509_crt_get_expiration_time(certificate) * 1000;
  }
  if (certificate) gnutls_x509_crt_deinit(certificate);
  return code;
}

sb_status sb_http_tls_load(sb_http_tls *tls, const sb_config *config, sb_error *error) {
  pair read = {0};
  sb_status status = pair_read(config, &read, error);
  if (status != SB_OK) return status;
  tls->certificate = read.certificate;
  tls->private_key = read.private_key;
  tls->on = read.certificate != NULL;
  free(read.path);
  sb_http_certificate found = {0};
  gnutls_datum_t text = tls->on ? datum(tls->certificate) : (gnutls_datum_t){0};
  if (tls->on && read_dates(&text, &found) >= 0) tls->ends_ms = found.ends_ms;
  return SB_OK;
}

static sb_status examine(pair *p, sb_http_certificate *out, sb_error *error) {
  gnutls_certificate_credentials_t both = NULL;
  gnutls_datum_t certificate = datum(p->certificate), key = datum(p->private_key);
  int code = read_dates(&certificate, out);
  if (code >= 0) code = gnutls_certificate_allocate_credentials(&both);
  if (code >= 0) code = gnutls_certificate_set_x509_key_mem(both, &certificate, &key, GNUTLS_X509_FMT_PEM);
  if (both) gnutls_certificate_free_credentials(both);
  if (code >= 0) return SB_OK;
  return sb_fail(error, SB_INVALID, "the certificate %s and its private key cannot be used: %s", p->path,
                 gnutls_strerror(code));
}

sb_status sb_http_tls_inspect(const sb_config *config, sb_http_certificate *out, sb_error *error) {
  pair read = {0};
  sb_http_certificate found = {0};
  sb_status status = pair_read(config, &read, error);
  if (status != SB_OK) return status;
  if (read.certificate) {
    found.there = true;
    status = examine(&read, &found, error);
    found.path = read.path;
    read.path = NULL;
  }
  pair_free(&read);
  if (status == SB_OK)
    *out = found;
  else
    free(found.path);
  return status;
}

void sb_http_tls_unload(sb_http_tls *tls) {
  if (tls->private_key) sb_wipe(tls->private_key, strlen(tls->private_key));
  free(tls->private_key);
  free(tls->certificate);
  tls->private_key = tls->certificate = NULL;
}

/* ---- Making a self-signed certificate */

static sb_status failed(int code, sb_error *error) {
  return sb_fail(error, code == GNUTLS_E_MEMORY_ERROR ? SB_NO_MEMORY : SB_INTERNAL, "cannot make the certificate: %s",
                 gnutls_strerror(code));
}

static int add_name(gnutls_x509_crt_t certificate, const char *name) {
  uint8_t address[16];
  if (inet_pton(AF_INET, name, address) == 1)
    return gnutls_x509_crt_set_subject_alt_name(certificate, GNUTLS_SAN_IPADDRESS, address, 4, GNUTLS_FSAN_APPEND);
  if (inet_pton(AF_INET6, name, address) == 1)
    return gnutls_x509_crt_set_subject_alt_name(certificate, GNUTLS_SAN_IPADDRESS, address, 16, GNUTLS_FSAN_APPEND);
  return gnutls_x509_crt_set_subject_alt_name(certificate, GNUTLS_SAN_DNSNAME, name, (unsigned)strlen(name),
                                              GNUTLS_FSAN_APPEND);
}

static int fill(gnutls_x509_crt_t certificate, gnutls_x509_privkey_t key, const char *const *names, size_t count,
                int days) {
  uint8_t serial[16];
  time_t now = time(NULL);
  sb_crypto_random(serial, sizeof serial);
  serial[0] &= 0x7f; /* RFC 5280 wants a positive number */
  int code = gnutls_x509_crt_set_version(certificate, 3);
  if (code >= 0) code = gnutls_x509_crt_set_serial(certificate, serial, sizeof serial);
  if (code >= 0) code = gnutls_x509_crt_set_activation_time(certificate, now - 3600);
  if (code >= 0) code = gnutls_x509_crt_set_expiration_time(certificate, now + (time_t)days * 86400);
  if (code >= 0)
    code = gnutls_x509_crt_set_dn_by_oid(certificate, GNUTLS_OID_X520_COMMON_NAME, 0, names[0],
                                         (unsigned)strlen(names[0]));
  for (size_t i = 0; code >= 0 && i < count; i++) code = add_name(certificate, names[i]);
  if (code >= 0) code = gnutls_x509_crt_set_basic_constraints(certificate, 0, -1);
  if (code >= 0) code = gnutls_x509_crt_set_key_usage(certificate, GNUTLS_KEY_DIGITAL_SIGNATURE);
  if (code >= 0) code = gnutls_x509_crt_set_key_purpose_oid(certificate, GNUTLS_KP_TLS_WWW_SERVER, 0);
  if (code >= 0) code = gnutls_x509_crt_set_key(certificate, key);
  if (code >= 0) code = gnutls_x509_crt_sign2(certificate, certificate, key, GNUTLS_DIG_SHA256, 0);
  return code;
}

/* Never overwrites a file. */
static sb_status write_new(const char *path, const gnutls_datum_t *text, sb_error *error) {
  int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (file < 0 && errno == EEXIST)
    return sb_fail(error, SB_EXISTS, "%s exists already: move it away first, and the other file beside it", path);
  if (file < 0) return sb_fail_errno(error, errno, "make the file", path);
  ssize_t written = write(file, text->data, text->size);
  sb_status status = written == (ssize_t)text->size && !fsync(file)
                         ? SB_OK
                         : sb_fail_errno(error, written < 0 ? errno : ENOSPC, "write", path);
  close(file);
  return status;
}

static sb_status write_files(const char *data_dir, const gnutls_datum_t *certificate, const gnutls_datum_t *key,
                             sb_error *error) {
  char *certificate_path = NULL, *key_path = NULL, *folder = sb_path_join(data_dir, "tls", error);
  sb_status status = folder ? sb_dir_make(folder, error) : SB_NO_MEMORY;
  if (status != SB_OK) goto done;
  if ((status = own_paths(data_dir, &certificate_path, &key_path, error)) != SB_OK) goto done;
  if ((status = write_new(key_path, key, error)) != SB_OK) goto done;
  status = write_new(certificate_path, certificate, error);
done:
  free(folder);
  free(certificate_path);
  free(key_path);
  return status;
}

static sb_status write_both(const char *data_dir, gnutls_x509_crt_t certificate, gnutls_x509_privkey_t key,
                            sb_error *error) {
  gnutls_datum_t certificate_text = {0}, key_text = {0};
  int code = gnutls_x509_crt_export2(certificate, GNUTLS_X509_FMT_PEM, &certificate_text);
  if (code >= 0) code = gnutls_x509_privkey_export2_pkcs8(key, GNUTLS_X509_FMT_PEM, NULL, 0, &key_text);
  sb_status status = code < 0 ? failed(code, error) : write_files(data_dir, &certificate_text, &key_text, error);
  if (key_text.data) sb_wipe(key_text.data, key_text.size);
  gnutls_free(key_text.data);
  gnutls_free(certificate_text.data);
  return status;
}

static void write_fingerprint(gnutls_x509_crt_t certificate, char text[SB_HTTP_FINGERPRINT_SIZE]) {
  uint8_t digest[32] = {0};
  size_t size = sizeof digest;
  gnutls_x509_crt_get_fingerprint(certificate, GNUTLS_DIG_SHA256, digest, &size);
  for (int i = 0; i < 32; i++) snprintf(text + 3 * i, 4, "%02X%s", digest[i], i < 31 ? ":" : "");
}

sb_status sb_http_tls_init(const char *data_dir, const char *const *names, size_t count, int days,
                           char fingerprint[SB_HTTP_FINGERPRINT_SIZE], sb_error *error) {
  gnutls_x509_crt_t certificate = NULL;
  gnutls_x509_privkey_t key = NULL;
  int code = gnutls_x509_crt_init(&certificate);
  if (code >= 0) code = gnutls_x509_privkey_init(&key);
  if (code >= 0)
    code = gnutls_x509_privkey_generate(key, GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0);
  if (code >= 0) code = fill(certificate, key, names, count, days);
  sb_status status = code < 0 ? failed(code, error) : write_both(data_dir, certificate, key, error);
  if (status == SB_OK) write_fingerprint(certificate, fingerprint);
  if (key) gnutls_x509_privkey_deinit(key);
  if (certificate) gnutls_x509_crt_deinit(certificate);
  return status;
}
