/* L0: the settings. One table gives each setting its flag, environment variable, key in semblance.conf, type, range and help
 * text; the command line, the help, the man page and the documents are made from it. */
#ifndef SB_CONFIG_H
#define SB_CONFIG_H

#include "base/base.h"

typedef enum sb_setting_type { SB_SETTING_TEXT, SB_SETTING_INT, SB_SETTING_REAL, SB_SETTING_BOOL } sb_setting_type;
/* X(field, type, flag, environment, default text, minimum, maximum, help) */
#define SB_SETTING_LIST(X)                                                                                             \
  X(data, TEXT, "--data", "SEMBLANCE_DATA", "", 0, 0, "folder of the gallery (default: the user's data folder)")       \
  X(store, TEXT, "--store", "SEMBLANCE_STORE", "", 0, 0,                                                               \
    "the gallery in PostgreSQL: postgresql://USER@HOST/DATABASE (default: a file in the folder of --data)")            \
  X(store_replica, TEXT, "--store-replica", "SEMBLANCE_STORE_REPLICA", "", 0, 0,                                       \
    "with --store: a standby of that database, for the start of servers and for --search sql (default: none)")         \
  X(search, TEXT, "--search", "SEMBLANCE_SEARCH", "local", 0, 0,                                                       \
    "with --store: local (an index in memory) or sql (the database searches, for galleries beyond memory)")            \
  X(hnsw, INT, "--hnsw", "SEMBLANCE_HNSW", "0", 0, 1000,                                                               \
    "with --search sql: search by the indexes of `semblance hnsw`, so many candidates; misses some (0: exact)")        \
  X(models, TEXT, "--models", "SEMBLANCE_MODELS", "", 0, 0, "folders with models and their manifests, ':' between")    \
  X(cache, TEXT, "--cache", "SEMBLANCE_CACHE", "", 0, 0, "folder for compiled models (default: the user's cache)")     \
  X(model, TEXT, "--model", "SEMBLANCE_MODEL", "", 0, 0,                                                               \
    "embedding model of new collections, represent and verify (default: the pipeline's)")                              \
  X(pipeline, TEXT, "--pipeline", "SEMBLANCE_PIPELINE", "default", 0, 0, "models that find and describe faces")        \
  X(collection, TEXT, "--collection", "SEMBLANCE_COLLECTION", "default", 0, 0, "collection of people to work on")      \
  X(workers, INT, "--workers", "SEMBLANCE_WORKERS", "0", 0, 256, "photos worked on at the same time (0: cores + 1)")   \
  X(threshold, REAL, "--threshold", "SEMBLANCE_THRESHOLD", "0", 0, 1, "score that counts as a match (0: the default)") \
  X(fmr, REAL, "--fmr", "SEMBLANCE_FMR", "0", 0, 0.5, "false match rate to keep, in place of a threshold: 1e-4")       \
  X(fpir, REAL, "--fpir", "SEMBLANCE_FPIR", "0", 0, 0.5,                                                               \
    "of searches: false positive identification rate to keep (0: 0.01 or better)")                                     \
  X(flip, BOOL, "--flip", "SEMBLANCE_FLIP", "false", 0, 0,                                                             \
    "embed each face and its mirror image: twice the work, a little more accurate; keep to one way")                   \
  X(thumbnails, BOOL, "--thumbnails", "SEMBLANCE_THUMBNAILS", "false", 0, 0,                                           \
    "keep a small picture of each face that is enrolled, sealed, and show it in lists (off: no picture is kept)")      \
  X(liveness, TEXT, "--liveness", "SEMBLANCE_LIVENESS", "off", 0, 0,                                                   \
    "of enrolment, search and verify: off, warn or refuse faces that look like a picture; advisory only")              \
  X(calibration, TEXT, "--calibration", "SEMBLANCE_CALIBRATION", "", 0, 0,                                             \
    "file of `semblance eval --calibrate`, in place of the model's own calibration")                                   \
  X(listen, TEXT, "--listen", "SEMBLANCE_LISTEN", "127.0.0.1", 0, 0, "address that the server listens on")             \
  X(port, INT, "--port", "SEMBLANCE_PORT", "8501", 0, 65535, "port that the server listens on (0: any free one)")      \
  X(max_body, INT, "--max-body", "SEMBLANCE_MAX_BODY", "33554432", 65536, 1073741824, "largest request, in bytes")     \
  X(max_import, INT, "--max-import", "SEMBLANCE_MAX_IMPORT", "8589934592", 65536, 1099511627776,                       \
    "largest import, in bytes")                                                                                        \
  X(dialects, TEXT, "--dialects", "SEMBLANCE_DIALECTS", "article,deepface,compreface", 0, 0,                           \
    "APIs of other programs that the server speaks beside its own, ',' between (none: none)")                          \
  X(cors, TEXT, "--cors", "SEMBLANCE_CORS", "", 0, 0, "origins of web pages that may use the API, ',' between")        \
  X(tls_cert, TEXT, "--tls-cert", "SEMBLANCE_TLS_CERT", "", 0, 0,                                                      \
    "certificate of the server, PEM (default: the one of `semblance tls init`)")                                       \
  X(tls_key, TEXT, "--tls-key", "SEMBLANCE_TLS_KEY", "", 0, 0, "its private key, PEM")                                 \
  X(redirect_port, INT, "--redirect-port", "SEMBLANCE_REDIRECT_PORT", "0", 0, 65535,                                   \
    "port where plain HTTP is sent on to HTTPS (0: none)")                                                             \
  X(contain, BOOL, "--contain", "SEMBLANCE_CONTAIN", "true", 0, 0,                                                     \
    "confine the work on photos by Landlock and seccomp, where the kernel has them")                                   \
  X(log_level, TEXT, "--log-level", "SEMBLANCE_LOG_LEVEL", "info", 0, 0, "debug, info, warning or error")              \
  X(log_format, TEXT, "--log-format", "SEMBLANCE_LOG_FORMAT", "text", 0, 0, "text or json: how lines of the log look") \
  X(slow_ms, INT, "--slow-ms", "SEMBLANCE_SLOW_MS", "1000", 0, 3600000,                                                \
    "log a warning with the time of each stage for requests that take longer, in milliseconds (0: never)")             \
  X(insecure, BOOL, "--insecure", "SEMBLANCE_INSECURE", "false", 0, 0,                                                 \
    "listen on other addresses than loopback without keys or without TLS")

typedef const char *sb_value_TEXT;
typedef int64_t sb_value_INT;
typedef double sb_value_REAL;
typedef bool sb_value_BOOL;
typedef struct sb_config {
#define SB_SETTING_FIELD(field, type, flag, env, fallback, least, most, help) sb_value_##type field;
  SB_SETTING_LIST(SB_SETTING_FIELD)
#undef SB_SETTING_FIELD
  char *owned[32];  /* texts that were allocated */
  bool flagged[32]; /* those that stood on the command line */
} sb_config;

typedef struct sb_setting {
  const char *key, *flag, *environment, *fallback, *help;
  sb_setting_type type;
  double least, most;
} sb_setting;
extern const sb_setting sb_settings[];
extern const size_t sb_settings_count;

/* Defaults, then the file SEMBLANCE_CONF or <config home>/semblance/semblance.conf ("key = value" lines), then the
 * environment, then the settings among `argv`, which are taken out of it (`*argc` shrinks; "--" ends them).
 * SB_INVALID names the offending flag, variable or line. */
sb_status sb_config_load(sb_config *config, int *argc, char **argv, sb_error *error);
void sb_config_free(sb_config *config);
/* Did the setting stand on the command line? `key` as in semblance.conf. */
bool sb_config_by_flag(const sb_config *config, const char *key);

#endif
